"""What reaches an estimator, seen from inside one, and that forbidden labels change nothing."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table
from sklearn.base import BaseEstimator

from eegtl.evaluation import LeaveOneSubjectOut, ResultsStore, StudyRow, run_study
from eegtl.features import FeatureTable

pytestmark = pytest.mark.usefixtures("quick_perceptron")


class Spy(BaseEstimator):
    """Writes down every call; the first feature of a row is its number in the table."""

    calls: ClassVar[list] = []

    def __init__(self, needs="unlabelled"):
        self.needs = needs

    @property
    def needs_(self):
        return self.needs

    def fit(self, X, y, *, X_target=None, rows_target=None, **more):
        self.classes_ = np.unique(y)
        if X_target is not None:
            more |= {"X_target": X_target, "rows_target": rows_target}
        self.calls.append(("fit", _numbers(X), np.array(y), more))
        return self

    def adapt(
        self, X_target=None, *, X_calib=None, y_calib=None, rows_target=None, rows_calib=None
    ):
        self.calls.append(
            (
                "adapt",
                None if X_target is None else _numbers(X_target),
                None if X_calib is None else _numbers(X_calib),
                y_calib,
                rows_target,
                rows_calib,
            )
        )
        return self

    def partial_adapt(self, X_target):
        self.calls.append(("partial_adapt", _numbers(X_target)))
        return self

    def predict(self, X):
        self.calls.append(("predict", _numbers(X)))
        return np.repeat(self.classes_[:1], len(X))


def _numbers(X):
    return np.asarray(X)[:, 0].astype(int).tolist()


def _spied(information, *, needs="unlabelled", uses=None, settings=None):
    """Run a study with a spy, and give its calls fold by fold, with table and folds."""
    table = make_table(n_settling=2)
    table.X[:, 0] = np.arange(len(table))
    table.meta["label"] = [f"{y}" for y in table.meta["label"]]
    Spy.calls.clear()
    row = StudyRow("spy", "none", partial(_build, needs), uses=uses)
    run_study(table, methods=[row], information=information, n_shuffles=0, **(settings or {}))
    by_fold: list = []
    for call in Spy.calls:
        if call[0] == "fit":
            by_fold.append([])
        by_fold[-1].append(call)
    folds = list(LeaveOneSubjectOut(information).split(_usable(table)))
    if information != "online":
        for fold, calls in zip(folds, by_fold, strict=True):
            name, rows = calls.pop()  # the check that windows are predicted one by one
            assert (name, len(rows)) == ("predict", 1)
            assert rows == calls[-1][1][:1]
            assert fold.name in set(table.meta["subject"].iloc[rows])
    numbers = np.arange(len(table))[~table.meta["settling"].to_numpy()]
    return table, folds, numbers, by_fold


def _build(needs, seed):
    return Spy(needs)


def _usable(table):
    return table.select(~table.meta["settling"].to_numpy())


ALL = ["inductive", "transductive", "online", "calibration:6", "calibration:6:labelled"]


@pytest.mark.parametrize("information", ALL)
def test_sources_are_the_other_people_with_their_own_labels(information):
    table, folds, numbers, by_fold = _spied(information, needs="inductive")
    assert len(by_fold) == len(folds) == 4
    for fold, calls in zip(folds, by_fold, strict=True):
        _, rows, y, more = calls[0]
        assert rows == numbers[fold.source].tolist()
        own = table.meta.iloc[rows]
        assert fold.subject not in set(own["subject"])
        assert y.tolist() == own["label"].tolist()
        assert more["subjects"].tolist() == own["subject"].tolist()
        assert set(more) == {"subjects", "rows"}
        assert list(more["rows"].columns) == ["session", "trial", "stimulus", "onset"]


@pytest.mark.parametrize("information", ALL)
def test_an_estimator_that_needs_nothing_is_given_nothing(information):
    _, folds, numbers, by_fold = _spied(information, needs="inductive")
    for fold, calls in zip(folds, by_fold, strict=True):
        assert [call[0] for call in calls] == ["fit", "predict"]
        assert calls[1][1] == numbers[fold.test].tolist()


def test_transductive_hands_over_all_windows_without_labels():
    _, folds, numbers, by_fold = _spied("transductive")
    for fold, (fit, predict) in zip(folds, by_fold, strict=True):
        more = fit[3]
        assert set(more) == {"subjects", "rows", "X_target", "rows_target"}
        assert _numbers(more["X_target"]) == numbers[fold.target].tolist() == predict[1]
        # the stimulus would tell the label: the sources had the same
        assert list(more["rows_target"].columns) == ["session", "trial", "onset"]


@pytest.mark.parametrize("information", ["calibration:6", "calibration:6:labelled"])
def test_labels_of_a_block_reach_only_methods_that_use_them(information):
    _, folds, numbers, by_fold = _spied(information)
    for fold, (_, adapt, predict) in zip(folds, by_fold, strict=True):
        _, target, calibration, y, _, rows_calib = adapt
        assert target is None
        assert y is None
        assert calibration == numbers[fold.calibration].tolist()
        assert list(rows_calib.columns) == ["session", "trial", "onset"]
        assert not set(calibration) & set(predict[1])
        assert predict[1] == numbers[fold.test].tolist()


@pytest.mark.parametrize(("needs", "uses"), [("labelled", None), ("unlabelled", "labelled")])
def test_a_labelled_block_hands_over_its_labels_and_no_others(needs, uses):
    table, folds, _, by_fold = _spied("calibration:6:labelled", needs=needs, uses=uses)
    for fold, (_, adapt, predict) in zip(folds, by_fold, strict=True):
        _, target, calibration, y, _, rows_calib = adapt
        own = table.meta.iloc[calibration]
        assert target is None
        assert set(own["subject"]) == {fold.subject}
        assert y.tolist() == own["label"].tolist()
        assert "stimulus" in rows_calib.columns
        scored = table.meta.iloc[predict[1]]
        assert not set(scored["trial"]) & set(own["trial"])


def test_online_scores_each_window_before_it_is_handed_over():
    _, folds, numbers, by_fold = _spied("online")
    for fold, calls in zip(folds, by_fold, strict=True):
        expected = [
            (name, [i])
            for i in numbers[fold.test].tolist()
            for name in ("predict", "partial_adapt")
        ]
        assert [call[:2] for call in calls[1:]] == expected


def test_settling_windows_reach_nobody_unless_they_are_kept():
    table, *_, by_fold = _spied("transductive")
    seen = {i for calls in by_fold for call in calls for i in call[1]}
    assert seen == set(np.flatnonzero(~table.meta["settling"].to_numpy()))
    with_settling = _spied("transductive", settings={"keep_settling": True})[-1]
    assert {i for calls in with_settling for call in calls for i in call[1]} == set(
        range(len(table))
    )


def _predictions(folder, row):
    with ResultsStore(folder / "results.sqlite") as store:
        return store.predictions(row)


ROWS = ["source-only [z2]", "source-only (svm) [z2]", "tca [z0]", "tca (linear) [z2]", "kpca [z2]"]


@pytest.mark.parametrize("information", ["transductive", "calibration:6"])
def test_labels_of_the_person_scored_do_not_change_the_predictions(tmp_path, information):
    table = make_table()
    wrong = table.meta.copy()
    own = wrong["subject"] == "s1"
    wrong.loc[own, "label"] = np.where(wrong.loc[own, "trial"] <= 3, "tense", "calm")
    garbled = FeatureTable(table.X, table.columns, wrong, info=table.info)
    for name, given in (("true", table), ("garbled", garbled)):
        run_study(given, information=information, n_shuffles=0, out=tmp_path / name)
    for row in ROWS:
        true, changed = (_predictions(tmp_path / n, row) for n in ("true", "garbled"))
        same = true["fold"] == "s1"
        assert (true["y_true"] != changed["y_true"])[same].any()
        pd.testing.assert_series_equal(true["y_pred"][same], changed["y_pred"][same])


def test_labels_after_an_online_window_do_not_change_its_prediction(tmp_path):
    table = make_table()
    cut = table.meta["trial"].to_numpy() <= 2
    later = table.X.copy()
    own = (table.meta["subject"] == "s1").to_numpy()
    later[own & ~cut] += 50.0
    changed = FeatureTable(later, table.columns, table.meta, info=table.info)
    for name, given in (("a", table), ("b", changed)):
        run_study(given, information="online", methods=[], n_shuffles=0, out=tmp_path / name)
    a, b = (_predictions(tmp_path / n, "source-only [z2]") for n in ("a", "b"))
    before = (a["fold"] == "s1") & cut[a["window"]]
    assert before.sum() == 12
    pd.testing.assert_series_equal(a["y_pred"][before], b["y_pred"][before])
    assert (a["y_pred"] != b["y_pred"])[a["fold"] == "s1"].any()


@pytest.mark.parametrize("information", ["transductive", "calibration:6", "online"])
def test_the_order_of_the_rows_does_not_matter(tmp_path, information):
    table = make_table()
    order = np.random.default_rng(5).permutation(len(table))
    for name, given in (("a", table), ("b", table.select(order))):
        run_study(given, information=information, n_shuffles=0, out=tmp_path / name)
    rows = ROWS if information != "online" else ROWS[:2]
    for row in rows:
        a, b = (_predictions(tmp_path / n, row) for n in ("a", "b"))
        b["window"] = order[b["window"]]
        columns = ["fold", "window", "y_true", "y_pred"]
        pd.testing.assert_frame_equal(
            a[columns].sort_values("window", ignore_index=True),
            b[columns].sort_values("window", ignore_index=True),
            check_dtype=False,
        )
