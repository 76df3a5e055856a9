"""Searches: their scores against plain loops, and what they are handed."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table
from reference import tuning_loops as naive
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from eegtl.errors import InformationError, StudyError, TransferWarning
from eegtl.evaluation import search
from eegtl.evaluation.criteria import (
    importance_weights,
)
from eegtl.transfer import (
    KPCA,
    SourceOnly,
    StyleTransfer,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)

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


def test_source_equals_the_loops():
    X, y, subjects, _ = _arrays()
    found = search(_neighbours(SubjectNormalizer("z2")), GRID, X, y, subjects)
    expected = [naive.source(k, X, y, subjects) for k in KS]
    assert found.scores["score"].tolist() == pytest.approx(expected, abs=1e-12)
    assert found.scores["kneighborsclassifier__n_neighbors"].tolist() == KS
    assert found.best_params == {"kneighborsclassifier__n_neighbors": KS[int(np.argmax(expected))]}
    assert (found.n_configurations, found.criterion) == (3, "source")


@pytest.mark.parametrize("criterion", ["reverse", "weighted", "dev", "entropy"])
def test_criteria_without_labels_equal_the_loops(criterion):
    X, y, subjects, T = _arrays()
    found = search(_neighbours(), GRID, X, y, subjects, criterion=criterion, X_target=T)
    weights = importance_weights(X, T)
    expected = {
        "reverse": lambda k: naive.reverse(k, X, y, subjects, T),
        "weighted": lambda k: naive.weighted(naive.losses(k, X, y, subjects), weights),
        "dev": lambda k: naive.dev(naive.losses(k, X, y, subjects), weights),
        "entropy": lambda k: naive.entropy(k, X, y, T),
    }[criterion]
    assert found.scores["score"].tolist() == pytest.approx([expected(k) for k in KS], abs=1e-9)


def test_source_finds_the_setting_that_transfers():
    # the class lies in the third component; behind two there is nothing to be had
    X, y, subjects, _ = _arrays(n_channels=6, effect=0.0)
    rng = np.random.default_rng(0)
    y = np.where(rng.random(len(X)) < 0.5, "calm", "tense")
    X = rng.standard_normal(X.shape) * [9, 8, 3, *[0.5] * 9]
    X[:, 2] += 8 * (y == "calm")
    pipeline = make_transfer_pipeline(KPCA(kernel="linear"), default_classifier())
    found = search(pipeline, {"kpca__n_components": [1, 2, 3]}, X, y, subjects)
    assert found.best_params == {"kpca__n_components": 3}
    assert found.scores["score"].iloc[2] > 0.85 > 0.65 > found.scores["score"].iloc[:2].max()


def test_equal_scores_choose_the_first_of_the_grid_in_any_order_of_the_rows():
    X, y, subjects, _ = _arrays()
    grid = {
        "kneighborsclassifier__weights": ["uniform", "distance"],
        "kneighborsclassifier__n_neighbors": [1],
    }
    order = np.random.default_rng(0).permutation(len(X))
    for rows in (slice(None), order):
        found = search(_neighbours(), grid, X[rows], y[rows], subjects[rows])
        assert found.scores["score"].nunique() == 1
        assert found.best_params["kneighborsclassifier__weights"] == "uniform"


def test_entropy_prefers_what_is_sure_of_itself_rightly_or_wrongly():
    X, y, subjects, T = _arrays(effect=1.0)
    lda = make_transfer_pipeline(LinearDiscriminantAnalysis(solver="lsqr"))
    name = "lineardiscriminantanalysis__priors"
    grid = {name: [[0.5, 0.5], [1 - 1e-9, 1e-9]]}
    blind = search(lda, grid, X, y, subjects, criterion="entropy", X_target=T)
    assert blind.best_params[name] == [1 - 1e-9, 1e-9]
    assert search(lda, grid, X, y, subjects).best_params[name] == [0.5, 0.5]


@pytest.mark.parametrize("criterion", ["source", "weighted"])
def test_processes_do_not_change_a_search(criterion):
    X, y, subjects, T = _arrays(n_subjects=3)
    a, b = (
        search(_neighbours(), GRID, X, y, subjects, criterion=criterion, X_target=T, n_jobs=n)
        for n in (1, 2)
    )
    pd.testing.assert_frame_equal(a.scores, b.scores)


def test_weights_that_rest_on_few_rows_are_said_to():
    X, y, subjects, T = _arrays()
    message = r"weights rest on \d+\.\d% of the source rows and have the mean 0\.0\d+ instead of 1"
    with pytest.warns(TransferWarning, match=message):
        search(_neighbours(), GRID, X, y, subjects, criterion="dev", X_target=T + 60.0)


class Spy(BaseEstimator):
    """Writes down what it is handed; the first feature of a row is its number."""

    calls: ClassVar[list] = []
    needs_ = "unlabelled"

    def __init__(self, mark=0):
        self.mark = mark

    def fit(self, X, y, *, subjects=None, rows=None):
        self.classes_ = np.unique(y)
        self.calls.append(("fit", X[:, 0].astype(int).tolist(), list(subjects), rows))
        return self

    def adapt(
        self, X_target=None, *, X_calib=None, y_calib=None, rows_target=None, rows_calib=None
    ):
        X = X_calib if X_target is None else X_target
        self.calls.append(("adapt", X[:, 0].astype(int).tolist(), y_calib, rows_calib))
        return self

    def predict(self, X):
        self.calls.append(("predict", X[:, 0].astype(int).tolist()))
        return np.repeat(self.classes_[:1], len(X))


@pytest.mark.parametrize("information", ["calibration:6", "calibration:6:labelled"])
def test_source_people_in_the_wearers_place_give_what_the_wearer_will(information):
    table = make_table(n_subjects=3)
    table.X[:, 0] = np.arange(len(table))
    rows = table.meta[["session", "trial", "stimulus", "onset"]]
    y, subjects = (table.meta[name].to_numpy() for name in ("label", "subject"))
    Spy.calls.clear()
    search(
        Spy(), {"mark": [1]}, table.X, y, subjects, information=information, rows=rows, window=2.0
    )
    assert [call[0] for call in Spy.calls] == ["fit", "adapt", "predict", "predict"] * 3
    for i, (fit, adapt, predict, _) in enumerate(zip(*[iter(Spy.calls)] * 4, strict=True)):
        assert set(subjects[fit[1]]) == {f"s{j}" for j in range(3)} - {f"s{i}"}
        assert fit[2] == subjects[fit[1]].tolist()
        assert adapt[1] == [24 * i, 24 * i + 1, 24 * i + 2]  # three windows of 2 s
        assert set(subjects[predict[1]]) == {f"s{i}"}
        assert not set(adapt[1]) & set(predict[1])
        if "labelled" in information:
            assert adapt[2].tolist() == y[adapt[1]].tolist()
            assert set(table.meta["trial"].iloc[predict[1]]) == {2, 3, 4}
        else:
            assert adapt[2] is None
            assert "stimulus" not in adapt[3]  # it would tell the label


def test_inductive_searches_hand_over_nothing():
    X, y, subjects, _ = _arrays()
    with pytest.raises(
        InformationError, match=r"Spy needs unlabelled rows .* set 'inductive' grants"
    ):
        search(Spy(), {"mark": [1]}, X, y, subjects, information="inductive")
    found = search(_neighbours(), GRID, X, y, subjects, information="inductive")
    expected = [1 - naive.losses(k, X, y, subjects).mean() for k in KS]
    assert found.scores["score"].tolist() == pytest.approx(expected)  # people of one size


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"criterion": "accuracy"}, "unknown criterion 'accuracy'; known are: source, reverse, we"),
        ({"criterion": "dev"}, "criterion 'dev' uses rows of the wearer without labels, but X_tar"),
        ({"grid": {"k": [1]}}, "TransferPipeline has no parameter k; it has: kneighborsclassifier"),
        ({"grid": {"a": 3}}, r"grid of a search cannot be read \(.*give lists of values by name"),
        ({"grid": 3}, r"grid of a search cannot be read \("),
        (
            {"information": "calibration:6"},
            "'calibration:6' speaks of time, so a search needs rows",
        ),
        ({"subjects": None}, "at least two source people, .* with the others; got 1. Add sources"),
    ],
)
def test_searches_that_cannot_run_are_refused(change, message):
    X, y, subjects, _ = _arrays()
    given = {"grid": GRID, "subjects": subjects} | change
    grid, subjects = given.pop("grid"), given.pop("subjects")
    with pytest.raises(StudyError, match=message):
        search(_neighbours(), grid, X, y, subjects, **given)


def test_a_block_needs_the_length_of_a_window_and_entropy_probabilities():
    table = make_table()
    y, subjects = (table.meta[name].to_numpy() for name in ("label", "subject"))
    with pytest.raises(StudyError, match="search with a calibration block needs window, the len"):
        search(
            _neighbours(), GRID, table.X, y, subjects, information="calibration:6", rows=table.meta
        )
    svm = make_transfer_pipeline(LinearSVC(dual=False))
    with pytest.raises(StudyError, match="TransferPipeline gives no class probabilities, which"):
        search(
            svm,
            {"linearsvc__C": [1.0]},
            table.X,
            y,
            subjects,
            criterion="entropy",
            X_target=table.X,
        )


class Broken(GaussianNB):
    """Predicts probabilities that are NaN, where it is told to."""

    def __init__(self, *, broken=False, priors=None, var_smoothing=1e-9):
        super().__init__(priors=priors, var_smoothing=var_smoothing)
        self.broken = broken

    def predict_proba(self, X):
        return super().predict_proba(X) * (np.nan if self.broken else 1.0)


def test_settings_without_a_finite_score_are_never_chosen():
    X, y, subjects, T = _arrays()
    pipeline = make_transfer_pipeline(Broken())
    given = {"criterion": "entropy", "X_target": T}
    found = search(pipeline, {"broken__broken": [True, False]}, X, y, subjects, **given)
    assert found.best_params == {"broken__broken": False}
    assert np.isnan(found.scores["score"]).tolist() == [True, False]
    message = r"none of the 1 configurations has a finite score by the criterion 'entropy' \(the f"
    with pytest.raises(StudyError, match=message):
        search(pipeline, {"broken__broken": [True]}, X, y, subjects, **given)


@pytest.mark.parametrize(
    ("criterion", "information", "grid", "message"),
    [
        (
            "source",
            "inductive",
            {"subjectnormalizer__mode": ["z1", "z2"]},
            r"TransferPipeline with subjectnormalizer__mode='z2' needs unlabelled rows .* 'induct",
        ),
        (
            "dev",
            "transductive",
            {"styletransfer__variant": ["unlabelled", "supervised"]},
            r"TransferPipeline with styletransfer__variant='supervised' needs labelled rows",
        ),
    ],
)
def test_settings_that_need_more_than_is_granted_are_named(criterion, information, grid, message):
    X, y, subjects, T = _arrays()
    last = StyleTransfer() if criterion == "dev" else default_classifier()
    pipeline = make_transfer_pipeline(SubjectNormalizer("z1"), last)
    with pytest.raises(InformationError, match=message):
        search(
            pipeline,
            grid,
            X,
            y,
            subjects,
            criterion=criterion,
            information=information,
            X_target=T,
        )


def test_an_estimator_without_adapt_can_be_searched():
    X, y, subjects, _ = _arrays()
    grid = {"estimator__n_neighbors": KS}
    found = search(SourceOnly(KNeighborsClassifier()), grid, X, y, subjects)
    expected = [1 - naive.losses(k, X, y, subjects).mean() for k in KS]
    assert found.scores["score"].tolist() == pytest.approx(expected)
