from __future__ import annotations

import re

import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from eegtl.errors import InformationError, StudyError
from eegtl.evaluation import METHODS, InformationSet, Method, StudyRow, choose_rows
from eegtl.evaluation.comparison import baseline_of
from eegtl.evaluation.method import small_mlp
from eegtl.evaluation.selection import check_row, extra_features, row_of_estimator
from eegtl.transfer import (
    DICA,
    TCA,
    SourceOnly,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)

TRANSDUCTIVE = InformationSet("transductive")
BASELINES = [
    *(f"source-only{c} [{n}]" for c in ("", " (svm)", " (mlp)") for n in ("none", "z0", "z2")),
    "majority [none]",
    "shuffled labels [z2]",
]


def _keys(methods, text="transductive"):
    rows, _ = choose_rows(methods, InformationSet.parse(text))
    return [row.key for row in rows]


def test_the_baselines_are_always_shown():
    assert _keys([]) == BASELINES
    assert _keys(["source-only"]) == BASELINES


def test_all_methods_stand_in_one_order_with_the_references_last():
    keys = _keys(None)
    assert keys[:9] + keys[-2:] == BASELINES
    first = [
        f"{m}{k} [{n}]" for m in ("tca", "kpca") for k in ("", " (linear)") for n in ("z0", "z2")
    ]
    assert keys[9:17] == first
    named = [m.name for m in METHODS if m.role != "reference"]
    places = [named.index(key.rpartition(" [")[0]) for key in keys[:-2]]
    assert places == sorted(places)


def test_the_default_study_has_every_method_that_works_without_labels():
    """Labelled ones are named as left out, with what shows them."""
    rows, notes = choose_rows(None, TRANSDUCTIVE)
    shown = {row.name for row in rows}
    labelled = {
        "source+calibration",
        "style transfer (supervised)",
        "style transfer (semi-supervised)",
        "conditional transfer (labelled)",
        "robust pca transfer (labelled)",
        "adaptive svm",
        "adaptive svm (each)",
    }
    assert {method.name for method in METHODS} - shown == labelled
    assert len(notes) == 1
    assert all(f"{name} [z2]" in notes[0] for name in labelled - {"source+calibration"})
    assert "calibration:60:labelled" in notes[0]
    rows, _ = choose_rows(None, InformationSet.parse("calibration:60:labelled"))
    assert labelled <= {row.name for row in rows}


def test_a_family_brings_its_variants_and_a_name_only_itself():
    assert [k for k in _keys(["tca"]) if k not in BASELINES] == [
        "tca [z0]",
        "tca [z2]",
        "tca (linear) [z0]",
        "tca (linear) [z2]",
    ]
    assert [k for k in _keys(["kpca (linear)"]) if k not in BASELINES] == [
        "kpca (linear) [z0]",
        "kpca (linear) [z2]",
    ]


def test_an_unknown_method_is_refused_with_the_known_ones():
    known = ", ".join(dict.fromkeys(method.family for method in METHODS))
    message = f"unknown method 'tac'; known are: {known}. Did you mean 'tca'?"
    with pytest.raises(StudyError, match=re.escape(message)):
        choose_rows(["tac"], TRANSDUCTIVE)


def test_rows_that_need_more_are_left_out_of_the_default_study_and_named():
    rows, notes = choose_rows(None, InformationSet("inductive"))
    assert {row.normalization for row in rows} == {"none", "z0"}
    assert {row.name for row in rows if row.role == "transfer"} == {"dica", "udica"}
    assert len(notes) == 1
    assert "'inductive' does not grant what they need: source-only [z2], " in notes[0]
    assert "tca [z0]" in notes[0]
    assert [row.key for row in rows if row.shuffled] == ["shuffled labels [z0]"]


@pytest.mark.parametrize("text", ["inductive", "online"])
def test_a_method_asked_for_by_name_is_refused_instead(text):
    with pytest.raises(InformationError, match=rf"tca \[z0\] needs unlabelled rows .*'{text}'"):
        choose_rows(["tca"], InformationSet.parse(text))


def test_of_a_method_asked_for_the_rows_that_may_run_run_and_the_others_are_named():
    rows, notes = choose_rows(["asfm"], InformationSet("online"))
    assert [row.key for row in rows if row.role == "transfer"] == ["asfm [z0]"]
    assert notes == [
        "left out, since the information set 'online' does not grant what they need: asfm [z2]"
    ]
    rows, notes = choose_rows(["style-transfer"], TRANSDUCTIVE)
    shown = [row.key for row in rows if row.role == "transfer"]
    assert shown == ["style transfer [z0]", "style transfer [z2]"]
    assert "style transfer (supervised) [z0], style transfer (supervised) [z2], " in notes[0]
    assert notes[0].endswith("Labels are granted by, for example, calibration:60:labelled")
    # each of several is asked for by itself
    message = r"style transfer \(supervised\) \[z0\] needs labelled rows"
    for methods in (["style transfer (supervised)"], ["tca", "style transfer (supervised)"]):
        with pytest.raises(InformationError, match=message):
            choose_rows(methods, TRANSDUCTIVE)


def test_of_a_record_of_ones_own_the_rows_that_may_run_run():
    method = Method("mine", "mine", ("z0", "z2"), step=lambda seed: DICA(2))
    rows, notes = choose_rows([method], InformationSet("inductive"))
    assert [row.key for row in rows if row.role == "transfer"] == ["mine [z0]"]
    assert notes[0].endswith(", mine [z2]")
    needy = Method("needy", "mine", ("z0", "z2"), step=lambda seed: TCA(2))
    with pytest.raises(InformationError, match=r"needy \[z0\] needs unlabelled rows"):
        choose_rows([method, needy], InformationSet("inductive"))


def test_the_labelled_baseline_stands_only_where_labels_are_granted():
    assert not [k for k in _keys(None, "calibration:60") if k.startswith("source+cal")]
    assert [k for k in _keys(None, "calibration:60:labelled") if k.startswith("source+cal")] == [
        f"source+calibration [{n}]" for n in ("none", "z0", "z2")
    ]
    with pytest.raises(InformationError, match=r"source\+calibration \[none\] uses labelled rows"):
        choose_rows(["source+calibration"], InformationSet.parse("calibration:60"))


@pytest.mark.parametrize(
    ("key", "level"),
    [
        ("source-only [none]", "inductive"),
        ("source-only [z0]", "inductive"),
        ("source-only [z2]", "unlabelled"),
        ("majority [none]", "inductive"),
        ("tca [z0]", "unlabelled"),
        ("source+calibration [none]", "labelled"),
    ],
)
def test_each_row_says_what_it_consumes(key, level):
    granted = InformationSet.parse("calibration:60:labelled")
    rows, _ = choose_rows(None, granted)
    row = next(row for row in rows if row.key == key)
    assert check_row(row, granted) == level


def test_every_method_builds_a_fresh_estimator_with_the_seed():
    for method in METHODS:
        for row in method.rows():
            assert row.build(3) is not row.build(3)
    rows, _ = choose_rows(["tca"], TRANSDUCTIVE)
    row = next(row for row in rows if row.key == "tca [z2]")
    assert row.build(3).get_params()["tca__random_state"] == 3
    assert row.build(3).get_params()["subjectnormalizer__mode"] == "z2"


def test_source_only_compares_with_none_and_all_else_with_its_normalisation():
    rows, _ = choose_rows(None, TRANSDUCTIVE)
    found = {row.key: getattr(baseline_of(row, rows), "key", None) for row in rows}
    assert found["source-only [none]"] is None
    assert found["source-only (svm) [z2]"] == "source-only (svm) [none]"
    assert found["tca (linear) [z0]"] == "source-only [z0]"
    assert found["majority [none]"] is found["shuffled labels [z2]"] is None


def test_estimators_of_ones_own_become_rows():
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), TCA(5), default_classifier())
    row = row_of_estimator("mine", pipeline)
    assert (row.key, row.classifier, row.role) == ("mine [z2]", "lda", "transfer")
    assert row.build(0) is not pipeline
    assert row_of_estimator("lda", SourceOnly()).classifier == "lda"
    svm = SourceOnly(LinearSVC(C=0.1, dual=False))
    assert row_of_estimator("svm", svm).classifier == "svm"
    assert row_of_estimator("knn", SourceOnly(KNeighborsClassifier())).classifier is None
    assert row_of_estimator("raw", SourceOnly(LinearDiscriminantAnalysis())).key == "raw [none]"
    rows, _ = choose_rows({"mine": pipeline}, TRANSDUCTIVE)
    assert [row.key for row in rows] == [*BASELINES[:9], "mine [z2]", *BASELINES[9:]]


@pytest.mark.parametrize(
    "classifier",
    [
        LinearSVC(),
        LinearDiscriminantAnalysis(),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage=None, priors=[0.95, 0.05]),
        BaggingClassifier(default_classifier()),
        small_mlp(1),
    ],
)
def test_a_classifier_set_up_otherwise_has_no_source_only_row_to_compare_with(classifier):
    mine = {"mine": make_transfer_pipeline(SubjectNormalizer("z2"), classifier)}
    rows, _ = choose_rows(mine, TRANSDUCTIVE, seed=0)
    row = next(row for row in rows if row.name == "mine")
    assert row.classifier is None
    assert baseline_of(row, rows) is None


def test_the_seed_of_the_study_is_part_of_a_classifier():
    row = row_of_estimator("mine", SourceOnly(small_mlp(3)), seed=3)
    assert row.classifier == "mlp"


@pytest.mark.parametrize("name", ["majority", "shuffled labels"])
def test_names_of_references_are_reserved(name):
    with pytest.raises(StudyError, match=f"'{name}' is the name of a row that stands in every"):
        choose_rows({name: SourceOnly()}, TRANSDUCTIVE)


def test_an_estimator_that_cannot_be_cloned_is_refused():
    class Bare:
        needs_ = "inductive"

    with pytest.raises(StudyError, match="bare has no get_params, so a study could not tell"):
        choose_rows({"bare": Bare()}, TRANSDUCTIVE)


def test_records_of_ones_own_become_rows_too():
    method = Method("tiny tca", "tiny", ("z0", "z2"), step=lambda seed: TCA(2))
    rows, _ = choose_rows([method, "kpca (linear)"], TRANSDUCTIVE)
    assert "tiny tca [z0]" in [row.key for row in rows]
    assert baseline_of(next(r for r in rows if r.key == "tiny tca [z2]"), rows).key == (
        "source-only [z2]"
    )


def test_two_rows_of_one_name_are_refused():
    row = StudyRow("tca", "z2", lambda seed: SourceOnly())
    with pytest.raises(StudyError, match=r"same name and normalisation: tca \[z2\]\. Give"):
        choose_rows(["tca", row], TRANSDUCTIVE)


def test_an_estimator_of_ones_own_is_checked_against_the_grant():
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    with pytest.raises(InformationError, match=r"mine \[z2\] needs unlabelled rows"):
        choose_rows({"mine": pipeline}, InformationSet("inductive"))


def test_what_a_method_is_compared_with_comes_along():
    """Style transfer is an ensemble of machines, and so is its source-only row."""
    rows, _ = choose_rows(["style transfer"], InformationSet("transductive"))
    keys = [row.key for row in rows]
    assert "source-only (svm each) [z2]" in keys
    assert "source-only (tangent) [z2]" not in keys
    style = next(row for row in rows if row.key == "style transfer [z2]")
    assert baseline_of(style, rows).key == "source-only (svm each) [z2]"
    own = next(row for row in rows if row.key == "source-only (svm each) [none]")
    assert check_row(own, InformationSet("inductive")) == "inductive"
    # "recenter" reads covariances, and what it is compared with tangent vectors
    assert extra_features(["recenter"], ["de"]) == ("tangent", "cov")
