"""Which grids of a study are searched, and under which information sets."""

from __future__ import annotations

import pytest
from evaluation.study_tables import make_table

from eegtl.errors import InformationError, StudyError
from eegtl.evaluation import (
    InformationSet,
    Method,
    TransferSearch,
    choose_rows,
    run_study,
    selection,
)
from eegtl.evaluation.criteria import CRITERIA
from eegtl.evaluation.tuned_rows import tuned_row
from eegtl.transfer import (
    ASFM,
    SubjectNormalizer,
    SubspaceAlignment,
    default_classifier,
    make_transfer_pipeline,
)

pytestmark = pytest.mark.usefixtures("quick_perceptron")

TRANSDUCTIVE = InformationSet("transductive")
MODES = {"mode": ("z1", "z2")}


def _tuned(methods, information, tune="source"):
    rows, notes = choose_rows(methods, InformationSet(information), tune=tune, window=2.0)
    return [row.key for row in rows if row.search], notes


def _normalizer(mode="z1", **more):
    return Method(
        "norm", "norm", ("none", "z2"), lambda seed: SubjectNormalizer(mode), grid=MODES, **more
    )


def test_online_those_are_tuned_that_can_take_rows_as_they_arrive():
    assert _tuned(["asfm"], "online")[0] == ["asfm, tuned [z0]"]
    message = r"nothing to tune by 'dev': asfm, tuned \[z0\] needs .*it has no partial_adapt"
    with pytest.raises(StudyError, match=message):
        _tuned(["asfm"], "online", "dev")
    tuned = set(_tuned(None, "online")[0])
    assert {"asfm, tuned [z0]", "udica, tuned [z2]"} <= tuned
    assert not [key for key in tuned if key.startswith(("tca", "mida", "style"))]


def test_a_tuned_row_runs_online():
    method = Method(
        "few",
        "few",
        ("z0",),
        lambda seed: ASFM(2),
        None,
        baseline="lda",
        grid={"n_components": (2, 4)},
    )
    table = make_table(n_subjects=3, n_windows=3)
    result = run_study(table, methods=[method], information="online", tune="source", n_shuffles=0)
    own = result.folds[result.folds["row"] == "few, tuned [z0]"]
    assert set(own["chosen"]) <= {"asfm__n_components=2", "asfm__n_components=4"}
    assert own["n_target_windows"].tolist() == [12] * 3
    assert result.table.set_index("method")["information"]["few, tuned"].startswith("online")


def test_a_tuned_row_that_may_not_run_is_left_out_with_its_reason(monkeypatch):
    always = [method for method in selection.METHODS if method.always]
    monkeypatch.setattr(selection, "METHODS", (*always, _normalizer()))
    for methods in (None, ["norm"]):
        keys, notes = _tuned(methods, "transductive")
        assert keys == ["norm, tuned [z2]"]
        assert notes[-1] == (
            "left out: norm, tuned [none] with subjectnormalizer__mode='z2' needs unlabelled rows "
            "of the target, but its search is handed nothing of the target. Leave these settings "
            "out of the grid, or put them into a method that asks for more (uses='unlabelled') "
            "where the study grants it."
        )


def test_settings_that_need_more_run_where_the_method_asks_for_more():
    result = run_study(
        make_table(), methods=[_normalizer(uses="unlabelled")], tune="source", n_shuffles=0
    )
    own = result.folds[result.folds["row"] == "norm, tuned [none]"]
    assert set(own["chosen"]) <= {f"subjectnormalizer__mode='{mode}'" for mode in MODES["mode"]}


def test_settings_that_need_less_may_be_chosen():
    search = TransferSearch(
        make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier()),
        {"subjectnormalizer__mode": ["z1"]},
    )
    assert search.needs_ == "unlabelled"
    result = run_study(make_table(), methods={"less": search}, n_shuffles=0)
    own = result.folds[result.folds["row"] == "less [z2]"]
    assert set(own["chosen"]) == {"subjectnormalizer__mode='z1'"}


def test_a_search_of_ones_own_with_settings_that_need_more_is_refused():
    search = TransferSearch(
        make_transfer_pipeline(SubjectNormalizer("z1"), default_classifier()),
        {"subjectnormalizer__mode": ["z1", "z2"]},
    )
    message = r"more \[z1\] with subjectnormalizer__mode='z2' needs unlabelled rows of the target"
    with pytest.raises(InformationError, match=message):
        run_study(make_table(), methods={"more": search}, n_shuffles=0)


@pytest.mark.parametrize("tune", list(CRITERIA))
def test_the_grid_of_a_method_that_normalises_inside_is_that_of_its_step(tune):
    method = Method(
        "mine",
        "mine",
        ("z2",),
        lambda seed: [SubspaceAlignment(5), SubjectNormalizer("z2")],
        grid={"n_components": (2, 4)},
        inside=True,
    )
    search = tuned_row(method, method.rows()[0], TRANSDUCTIVE, criterion=tune).build(0)
    assert search.grid == {"subspacealignment__n_components": [2, 4]}
    names = ["subspacealignment", "subjectnormalizer", "lineardiscriminantanalysis"]
    assert [name for name, _ in search.estimator.steps] == names


def test_the_grid_of_a_normaliser_is_not_that_of_the_one_in_front():
    method = _normalizer()
    search = tuned_row(method, method.rows()[1], TRANSDUCTIVE, criterion="source").build(0)
    assert search.grid == {"subjectnormalizer-2__mode": ["z1", "z2"]}


def test_a_grid_for_no_step_is_refused():
    method = Method("mine", "mine", ("z2",), lambda seed: SubspaceAlignment(5), grid={"C": (1.0,)})
    message = r"method 'mine' has a grid for C, but none of its own steps \(SubspaceAlignment\) has"
    with pytest.raises(StudyError, match=message):
        run_study(make_table(), methods=[method], n_shuffles=0, tune="dev")
