"""Estimators that read what they should not, or do not keep to the contract."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table
from sklearn.base import BaseEstimator

from eegtl.errors import StudyError, TransferWarning
from eegtl.evaluation import StudyRow, run_study
from eegtl.features import FeatureTable
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline

pytestmark = pytest.mark.usefixtures("quick_perceptron")


class Oracle(BaseEstimator):
    """Reads no features: a target row gets the label that the sources have at its description."""

    needs_ = "unlabelled"

    def __init__(self, columns):
        self.columns = columns

    def fit(self, X, y, *, subjects=None, rows=None, X_target=None, rows_target=None):
        self.classes_ = np.unique(y)
        told = pd.DataFrame({"key": self._keys(rows), "label": y})
        self.known_ = told.groupby("key")["label"].agg(lambda own: own.mode()[0]).to_dict()
        return self if X_target is None else self.adapt(X_target, rows_target=rows_target)

    def adapt(self, X_target=None, *, rows_target=None, X_calib=None, rows_calib=None, **none):
        X, rows = (X_calib, rows_calib) if X_target is None else (X_target, rows_target)
        self.told_ = {
            row.tobytes(): self.known_.get(key, self.classes_[0])
            for row, key in zip(np.asarray(X), self._keys(rows), strict=True)
        }
        return self

    def predict(self, X):
        return np.array([self.told_.get(x.tobytes(), self.classes_[0]) for x in np.asarray(X)])

    def _keys(self, rows):
        return [tuple(row) for row in rows[list(self.columns)].itertuples(index=False)]


def _absolute(table, pause=5.0):
    """Let onsets run through the session, as in one recording."""
    meta = table.meta.copy()
    meta["onset"] += (meta["trial"] - 1) * (meta.groupby("trial")["onset"].max().max() + pause)
    return FeatureTable(table.X, table.columns, meta, info=table.info)


@pytest.mark.parametrize(
    "columns", [("session", "trial"), ("onset",), ("session", "trial", "onset")]
)
def test_an_oracle_of_the_clip_order_stays_at_chance(columns):
    table = _absolute(make_table(n_subjects=40, n_trials=4, n_windows=3))
    rows = [StudyRow("oracle", "none", lambda seed: Oracle(columns))]
    result = run_study(table, methods=rows, n_shuffles=0)
    accuracy = result.table.set_index("method").loc["oracle", "accuracy_mean"]
    # 160 trials of 2 classes: five standard errors
    assert abs(accuracy - 0.5) < 5 * 0.5 / np.sqrt(160)


@pytest.mark.parametrize("information", ["transductive", "calibration:24"])
def test_descriptions_without_labels_are_codes_and_times_within_the_trial(information):
    table = _absolute(make_table(n_subjects=6))
    table.X[:, 0] = np.arange(len(table))
    seen: list = []

    class Reader(Oracle):
        def adapt(self, X_target=None, *, X_calib=None, rows_target=None, rows_calib=None, **_):
            X, rows = (X_calib, rows_calib) if X_target is None else (X_target, rows_target)
            seen.append((np.asarray(X)[:, 0].astype(int), rows))
            self.told_ = {}
            return self

    run_study(
        table,
        methods=[StudyRow("reader", "none", lambda seed: Reader(("trial",)))],
        information=information,
        n_shuffles=0,
    )
    orders = set()
    for numbers, rows in seen:
        own = table.meta.iloc[numbers].reset_index(drop=True)
        assert own["subject"].nunique() == 1
        pairs = pd.DataFrame({"trial": own["trial"], "code": rows["trial"]}).drop_duplicates()
        assert len(pairs) == own["trial"].nunique() == rows["trial"].nunique()
        assert set(pairs["code"]) <= {0, 1, 2, 3}
        first = own.groupby("trial")["onset"].transform("min")
        np.testing.assert_allclose(rows["onset"], own["onset"] - first)
        orders.add(tuple(pairs["code"]))
    assert len(seen) == 6
    assert len(orders) > 2  # each person has an order of codes of their own


class Careless(BaseEstimator):
    """Breaks one rule of the contract."""

    needs_ = "unlabelled"

    def __init__(self, fault=""):
        self.fault = fault

    def fit(self, X, y, *, subjects=None, rows=None):  # no X_target here
        self.classes_ = np.unique(y)
        self.n_adapted_ = 0
        return self

    def adapt(
        self, X_target=None, *, rows_target=None, X_calib=None, y_calib=None, rows_calib=None
    ):
        self.n_adapted_ = len(X_target)
        self.n_target_windows_ = self.n_adapted_ - 1
        words = {"nothing": "inductive", "labels": "labelled"}
        self.information_ = words.get(self.fault.split(",")[0], "unlabelled")
        if self.fault.endswith("told"):
            warnings.warn("the block is too short, nothing changes", TransferWarning, stacklevel=2)
        return self

    def predict(self, X):
        assert self.n_adapted_ == 24
        if self.fault == "column":
            return np.repeat(self.classes_[:1], len(X))[:, None]
        if self.fault == "square":
            return np.full((len(X), 2), self.classes_[0])
        if self.fault == "alone" and len(X) == 1:
            raise ValueError("one window is too few")
        return self.classes_[(np.asarray(X)[:, 0] > self._centre(X)).astype(int)]

    def _centre(self, X):
        return np.asarray(X)[:, 0].min() - 1 + (len(X) == 1) if self.fault == "batch" else 0.0


def _careless(fault):
    row = StudyRow("careless", "none", lambda seed: Careless(fault))
    return run_study(make_table(), methods=[row], n_shuffles=0)


@pytest.mark.parametrize("fault", ["", "column"])
def test_a_fit_without_target_rows_is_followed_by_adapt(fault):
    folds = _careless(fault).folds
    reported = folds.loc[folds["row"] == "careless [none]", "n_target_windows"]
    assert reported.tolist() == [23] * 4  # as the estimator says


def test_one_that_warns_of_it_may_leave_the_target_unused():
    notes = _careless("nothing, but told").notes
    assert any("the block is too short, nothing changes" in note for note in notes)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "nothing",
            r"careless \[none\] needs 'unlabelled' .* was handed 'unlabelled' of subject s0, but "
            r"says it consumed nothing",
        ),
        ("labels", r"careless \[none\] says it consumed 'labelled' of subject s0 .*'unlabelled'"),
        ("square", r"careless \[none\] failed on subject s0: .* gave the shape \(24, 2\)"),
        (
            "batch",
            r"careless \[none\] predicts \['tense'\] for the first window of subject s0 among 24 "
            r"windows, but \['calm'\] for the same window alone",
        ),
        ("alone", r"first window of subject s0 .* but \['ValueError: one window is too few'\] for"),
    ],
)
def test_estimators_that_do_not_keep_to_the_rules_are_refused(fault, message):
    with pytest.raises(StudyError, match=message):
        _careless(fault)


class Tied(BaseEstimator):
    """The first window of the test rows lies between the classes, but for rounding."""

    needs_ = "inductive"

    def __init__(self, scores="decision_function", moved=1e-13, smooth=False):
        self.scores = scores
        self.moved = moved
        self.smooth = smooth

    def fit(self, X, y, *, subjects=None, rows=None):
        self.classes_ = np.unique(y)
        return self

    def _values(self, X):
        values = np.asarray(X)[:, 0].copy()
        # the sums of a batch and of a single row end in other digits
        values[0] += self.moved if len(X) == 1 else -self.moved
        return values

    def predict(self, X):
        values = self._values(X)
        if self.smooth:
            values[:] = values.mean()
        return self.classes_[(values > 0).astype(int)]

    def __getattr__(self, name):
        if name == self.__dict__.get("scores") == "decision_function":
            return self._values
        if name == self.__dict__.get("scores") == "predict_proba":
            return lambda X: 1 / (1 + np.exp(np.outer(self._values(X), [1, -1])))
        raise AttributeError(name)


def _tied(first=0.0, **settings):
    table = make_table()
    table.X[::24, 0] = first
    table.X[1::24, 0] = -50.0
    row = StudyRow("tied", "none", lambda seed: Tied(**settings))
    return run_study(table, methods=[row], n_shuffles=0)


@pytest.mark.parametrize("scores", ["decision_function", "predict_proba"])
def test_a_tie_that_rounding_decides_is_no_leak(scores):
    assert "tied" in set(_tied(scores=scores).table["method"])


@pytest.mark.parametrize(
    "settings",
    [
        {"scores": ""},  # nothing tells a tie from a leak
        {"moved": 1e-3},  # more than rounding
        # scores of the window by itself, labels of the batch
        {"smooth": True, "first": 1.0},
        {"smooth": True, "first": 1.0, "scores": "predict_proba"},
    ],
)
def test_all_other_disagreement_of_batch_and_single_window_is_refused(settings):
    with pytest.raises(StudyError, match=r"tied \[none\] predicts .* same window alone"):
        _tied(**settings)


class ByBatch(BaseEstimator):
    """Says that it needs nothing, and normalises the windows it has to predict."""

    needs_ = "inductive"

    def fit(self, X, y, *, subjects=None, rows=None):
        self.pipeline_ = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
        self.pipeline_.fit(X, y, subjects=subjects)
        self.classes_ = self.pipeline_.classes_
        return self

    def predict(self, X):
        return self.pipeline_.adapt(X).predict(X)


@pytest.mark.parametrize("information", ["inductive", "calibration:6", "transductive"])
def test_learning_of_the_person_in_predict_is_refused(information):
    row = StudyRow("by batch", "none", lambda seed: ByBatch())
    with pytest.raises(StudyError, match=r"by batch \[none\] predicts .* same window alone"):
        run_study(make_table(effect=3.0), methods=[row], n_shuffles=0, information=information)
