"""`TransferSearch`, tuned rows of a study, and what the wearer's labels cannot do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from eegtl.errors import StudyError, TransferWarning
from eegtl.evaluation import Method, ResultsStore, TransferSearch, run_study, search
from eegtl.evaluation.criteria import (
    CRITERIA,
)
from eegtl.features import FeatureTable
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import (
    KPCA,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)

pytestmark = pytest.mark.usefixtures("quick_perceptron")

KS = [1, 3, 9]


def _arrays(seed=0, n_subjects=4, **settings):
    """Source rows of all but the last person, and the rows of the last one."""
    given = {"shift": 0.5, "effect": 0.6} | settings
    table = make_table(seed=seed, n_subjects=n_subjects, **given)
    subjects, y = table.meta["subject"].to_numpy(), table.meta["label"].to_numpy()
    own = subjects == f"s{n_subjects - 1}"
    return table.X[~own], y[~own].astype(str), subjects[~own].astype(str), table.X[own]


def _neighbours(*front):
    return make_transfer_pipeline(*front, KNeighborsClassifier())


GRID = {"kneighborsclassifier__n_neighbors": KS}


def _search(criterion="source", **more):
    pipeline = make_transfer_pipeline(
        SubjectNormalizer("z2"), KPCA(kernel="linear"), default_classifier()
    )
    return TransferSearch(pipeline, {"kpca__n_components": [2, 4]}, criterion=criterion, **more)


@pytest.mark.parametrize("criterion", list(CRITERIA))
def test_a_search_keeps_to_the_contract(criterion):
    check_transfer_estimator(_search(criterion))


@pytest.mark.parametrize("criterion", ["source", "reverse"])
def test_the_estimator_is_the_search_and_then_the_fit(criterion):
    X, y, subjects, T = _arrays(n_channels=4)
    tuned = _search(criterion).fit(X, y, subjects=subjects).adapt(T)
    found = search(tuned.estimator, tuned.grid, X, y, subjects, criterion=criterion, X_target=T)
    assert tuned.best_params_ == found.best_params
    assert tuned.scores_.tolist() == found.scores["score"].tolist()
    assert tuned.n_configurations_ == 2
    plain = tuned.estimator.set_params(**found.best_params).fit(X, y, subjects=subjects).adapt(T)
    assert np.array_equal(tuned.predict_proba(T), plain.predict_proba(T))


def test_a_search_on_the_sources_takes_rows_as_they_arrive():
    X, y, subjects, T = _arrays()
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), GaussianNB())
    tuned = TransferSearch(pipeline, {"gaussiannb__var_smoothing": [1e-9, 0.1]})
    check_transfer_estimator(tuned)
    parts, whole = (clone(tuned).fit(X, y, subjects=subjects) for _ in range(2))
    for rows in (T[:1], T[1:9], T[9:]):
        parts.partial_adapt(rows)
    whole.adapt(T)
    assert (parts.information_, parts.n_target_windows_) == ("unlabelled", len(T))
    np.testing.assert_allclose(parts.predict_proba(T), whole.predict_proba(T), atol=1e-9)
    before = clone(tuned).fit(X, y, subjects=subjects).predict_proba(T)
    assert np.array_equal(parts.adapt().predict_proba(T), before)
    # not where the wearer's rows choose, or where the estimator has none
    for other in (clone(tuned).set_params(criterion="dev"), _search()):
        assert not hasattr(other, "partial_adapt")


def test_before_adapt_and_without_people_the_settings_stay():
    X, y, subjects, T = _arrays()
    tuned = _search("reverse").fit(X, y, subjects=subjects)
    assert (tuned.best_params_, tuned.scores_.size) == ({}, 0)
    assert tuned.adapt(T).best_params_ != {}
    assert tuned.adapt().best_params_ == {}
    for criterion in ("source", "weighted"):
        with pytest.warns(TransferWarning, match="one person or session, so there is nothing to"):
            alone = _search(criterion).fit(X, y).adapt(T)
        assert alone.best_params_ == {}
        plain = alone.estimator.fit(X, y).adapt(T)
        assert np.array_equal(alone.predict_proba(T), plain.predict_proba(T))


METHODS = [
    Method(
        "neighbours",
        "neighbours",
        ("z0", "z2"),
        lambda seed: KPCA(kernel="linear"),
        grid={"n_components": (1, 3, 6)},
    )
]


def _study(table, tune="source", **more):
    return run_study(table, methods=METHODS, tune=tune, **{"n_shuffles": 0} | more)


def test_a_tuned_row_stands_beside_the_plain_one_and_says_what_it_did(tmp_path):
    result = _study(make_table(n_channels=4), out=tmp_path)
    keys = [
        f"{m} [{n}]"
        for m, n in zip(result.table["method"], result.table["normalization"], strict=True)
    ]
    assert keys[9:13] == [
        "neighbours [z0]",
        "neighbours, tuned [z0]",
        "neighbours [z2]",
        "neighbours, tuned [z2]",
    ]
    tuned = result.folds[result.folds["row"] == "neighbours, tuned [z2]"]
    assert set(tuned["chosen"]) <= {f"kpca__n_components={k}" for k in (1, 3, 6)}
    assert (result.folds.loc[result.folds["row"] == "neighbours [z2]", "chosen"] == "").all()
    note = next(note for note in result.notes if note.startswith("neighbours, tuned [z2]: "))
    assert "3 configurations tried in each of 4 folds, chosen by source; kpca__n_comp" in note
    assert result.facts["rows"]["neighbours, tuned [z2]"]["search"] == {
        "criterion": "source",
        "n_configurations": 3,
    }
    assert np.isfinite(result.table.loc[12, "delta_accuracy"])


@pytest.mark.parametrize("tune", list(CRITERIA))
@pytest.mark.parametrize("information", ["transductive", "calibration:6"])
def test_labels_of_the_wearer_choose_nothing(tmp_path, tune, information):
    table = make_table(n_channels=3, effect=0.5)
    wrong = table.meta.copy()
    own = wrong["subject"] == "s1"
    wrong.loc[own, "label"] = np.where(wrong.loc[own, "trial"] <= 3, "tense", "calm")
    garbled = FeatureTable(table.X, table.columns, wrong, info=table.info)
    for name, given_table in (("true", table), ("garbled", garbled)):
        _study(given_table, tune, information=information, out=tmp_path / name)
    found = []
    for name in ("true", "garbled"):
        with ResultsStore(tmp_path / name / "results.sqlite") as store:
            windows, folds = store.predictions("neighbours, tuned [z2]"), store.folds()
        folds = folds[(folds["row"] == "neighbours, tuned [z2]") & (folds["fold"] == "s1")]
        found.append((windows[windows["fold"] == "s1"], folds["chosen"].tolist()))
    (a, chosen), (b, chosen_then) = found
    assert (a["y_true"] != b["y_true"]).any()
    pd.testing.assert_series_equal(a["y_pred"], b["y_pred"])
    assert chosen == chosen_then


def test_labels_of_the_wearer_do_choose_elsewhere():
    # the oracle above can see a leak: the same garbling of a *source* changes what is chosen
    X, y, subjects, _ = _arrays(n_channels=4, effect=1.0)
    wrong = y.copy()
    own = subjects == "s1"
    wrong[own] = np.random.default_rng(1).permutation(wrong[own])
    a, b = (
        search(_neighbours(), GRID, X, labels, subjects).scores["score"] for labels in (y, wrong)
    )
    assert not np.allclose(a, b)


def test_a_tuned_study_continues_and_its_grid_belongs_to_it(tmp_path):
    table = make_table()
    first = _study(table, out=tmp_path)
    again = _study(table, out=tmp_path, if_exists="resume")
    pd.testing.assert_frame_equal(first.folds, again.folds)
    with pytest.raises(StudyError, match=r"rows\.neighbours, tuned \[z0\]\.estimator\.criterion"):
        _study(table, "reverse", out=tmp_path, if_exists="resume")


def test_later_sessions_are_tuned_on_earlier_ones_where_there_are_two():
    table = make_table(n_subjects=2, n_trials=12)
    table.meta["session"] = (table.meta["trial"] + 3) // 4
    result = _study(table, protocol="cross-session")
    tuned = result.folds[result.folds["row"] == "neighbours, tuned [z2]"].set_index("fold")
    assert (tuned.loc[["s0 session 2", "s1 session 2"], "chosen"] == "").all()
    assert (tuned.loc[["s0 session 3", "s1 session 3"], "chosen"] != "").all()
    assert any("one person or session, so there is nothing to choose" in n for n in result.notes)


def test_studies_with_nothing_to_tune_are_refused():
    table = make_table()
    with pytest.raises(StudyError, match=r"nothing to tune by 'source': none .* are: tca, kpca, "):
        run_study(table, methods=[], tune="source", n_shuffles=0)
    with pytest.raises(StudyError, match="unknown criterion 'best'; known are: source, reverse"):
        run_study(table, methods=["tca"], tune="best", n_shuffles=0)
    with pytest.raises(StudyError, match="method 'a' has a grid for C, but no step whose param"):
        Method("a", "a", ("none",), grid={"C": (1,)})


def test_a_search_of_ones_own_stands_in_the_table_with_its_facts():
    behind = make_transfer_pipeline(
        SubjectNormalizer("z2"),
        _search("dev").set_params(
            estimator=make_transfer_pipeline(KPCA(kernel="linear"), default_classifier())
        ),
    )
    result = run_study(make_table(), methods={"own": _search(), "own, dev": behind}, n_shuffles=0)
    table = result.table.set_index("method")
    assert table.loc[["own", "own, dev"], "normalization"].tolist() == ["z2", "z2"]
    assert np.isfinite(table.loc["own", "delta_accuracy"])  # with source-only behind z2
    facts = {key: row["search"] for key, row in result.facts["rows"].items() if row["search"]}
    assert facts == {
        "own [z2]": {"criterion": "source", "n_configurations": 2},
        "own, dev [z2]": {"criterion": "dev", "n_configurations": 2},
    }
