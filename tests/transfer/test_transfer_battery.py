"""The battery must find fault: each estimator here breaks one rule, and is caught by that rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from transfer.transfer_problems import Centred

from eegtl.testing import check_transfer_estimator
from eegtl.testing.contract import (
    check_adapt_replaces,
    check_calibration,
    check_fit_transform,
    check_information,
    check_inputs_unchanged,
    check_labels_kept,
    check_row_order,
    toy_problem,
)
from eegtl.transfer.base import Target, TransferEstimator


class MutatesInput(Centred):
    __doc__ = Centred.__doc__

    def _adapt_target(self, target: Target) -> str:
        target.X[:, 0] = 0.0
        return super()._adapt_target(target)


class Accumulates(Centred):
    __doc__ = Centred.__doc__

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        super()._fit_source(X, y, subjects, rows)
        self.seen_ = np.empty((0, X.shape[1]))

    def _adapt_target(self, target: Target) -> str:
        self.seen_ = np.vstack([self.seen_, target.X])
        self.mean_ = self.seen_.mean(axis=0)
        return "unlabelled"


class NeverForgets(Centred):
    __doc__ = Centred.__doc__

    def _forget_target(self) -> None:
        if not hasattr(self, "mean_"):
            self.mean_ = self.source_mean_


class FirstRow(Centred):
    __doc__ = Centred.__doc__

    def _adapt_target(self, target: Target) -> str:
        self.mean_ = target.X[0]
        return "unlabelled"


class FirstSourceRow(Centred):
    __doc__ = Centred.__doc__

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.source_mean_ = X[0]

    def _adapt_target(self, target: Target) -> str:
        self.mean_ = self.source_mean_ + target.X.mean(axis=0)
        return "unlabelled"


class ByName(Centred):
    __doc__ = Centred.__doc__

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.source_mean_ = X[subjects == np.unique(subjects)[0]].mean(axis=0)

    def _adapt_target(self, target: Target) -> str:
        self.mean_ = self.source_mean_ + target.X.mean(axis=0)
        return "unlabelled"


class SaysInductive(Centred):
    __doc__ = Centred.__doc__

    def _adapt_target(self, target: Target) -> str:
        super()._adapt_target(target)
        return "inductive"


class NeedsMoreThanItUses(Centred):
    __doc__ = Centred.__doc__

    needs_ = "inductive"

    def _adapt_target(self, target: Target) -> str:
        super()._adapt_target(target)
        return "inductive"


class SaysUnlabelled(Centred):
    """Subtract the mean of the calibration rows of the first class, and keep quiet about it.

    Consumes: the unlabelled target rows.
    Before adapt: subtracts the mean of the sources.
    Memory: a mean; no rows.
    """

    def _adapt_target(self, target: Target) -> str:
        super()._adapt_target(target)
        if target.y_calib is not None:
            self.mean_ = target.X_calib[target.y_calib == target.y_calib[0]].mean(axis=0)
        return "unlabelled"


class Undocumented(Centred):
    """Subtract a mean."""


class BatchDependent(Centred):
    __doc__ = Centred.__doc__

    def _transform(self, X: Any) -> Any:
        return X - X.mean(axis=0)


class CountsPredictions(Centred):
    __doc__ = Centred.__doc__

    def _transform(self, X: Any) -> Any:
        out = X - self.mean_
        self.mean_ = 0.9 * self.mean_
        return out


class SortsSources(Centred):
    __doc__ = Centred.__doc__

    def _transform_source(self, X: Any, subjects: Any) -> Any:
        return np.sort(X, axis=0) - self.source_mean_


class DropsCalibration(Centred):
    __doc__ = Centred.__doc__

    def _adapt_target(self, target: Target) -> str:
        n_target = len(target.X) - len(target.X_calib)
        self.mean_ = target.X[:n_target].mean(axis=0) if n_target else self.source_mean_
        return "unlabelled"


class TakesDomains(Centred):
    __doc__ = Centred.__doc__

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        return self.fit(X, y, **fit_params).transform(X)


class Recoded(ClassifierMixin, TransferEstimator):
    """Turn labels into 0, 1, ... and forget what they were.

    Consumes: nothing.
    Before adapt: the same.
    Memory: a classifier; no rows.
    """

    needs_ = "inductive"

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        classes = self._check_classes(y)
        self.estimator_ = LogisticRegression().fit(X, np.searchsorted(classes, y))
        self.classes_ = self.estimator_.classes_

    def predict(self, X: Any) -> Any:
        checked = self._check_X(X)
        return self.estimator_.predict(checked)


class MasksWithMinusOne(Recoded):
    """Take rows labelled -1 for unlabelled ones.

    Consumes: nothing.
    Before adapt: the same.
    Memory: a classifier; no rows.
    """

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        known = np.array([label != -1 for label in y])
        self.estimator_ = LogisticRegression().fit(X[known], y[known])
        self.classes_ = self._check_classes(y[known])


def test_the_sound_one_passes() -> None:
    check_transfer_estimator(Centred())


@pytest.mark.parametrize(
    ("estimator", "rule"),
    [
        (Accumulates(), "adapt twice|adapt\\(A\\) then adapt\\(B\\)"),
        (NeverForgets(), "adapt\\(\\) returns to the sources alone"),
        (FirstRow(), "row order does not matter"),
        (FirstSourceRow(), "row order does not matter"),
        (ByName(), "row order does not matter"),
        (SaysInductive(), "information_ < needs_"),
        (Undocumented(), "docstring: Undocumented lacks the lines"),
        (SortsSources(), "permuting the rows permutes the output rows"),
        (DropsCalibration(), "calibration rows are target rows"),
        (TakesDomains(), "fit_transform with subjects: must raise ContractError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Centred) else "",
)
def test_the_whole_battery_names_the_rule(estimator: Any, rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        check_transfer_estimator(estimator)


@pytest.mark.parametrize(
    ("estimator", "rule"),
    [
        (BatchDependent(), "transform of BatchDependent is not invariant when applied to a subset"),
        (CountsPredictions(), "transform of CountsPredictions is not invariant"),
        (Recoded(), "Unexpected classes_ attribute"),
    ],
)
def test_what_scikit_learn_finds_first(estimator: Any, rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        check_transfer_estimator(estimator)


# Rules that reuse their own arrays run first and blame the wrong rule.
def test_a_changed_input_is_called_so() -> None:
    with pytest.raises(AssertionError, match="an input array was changed"):
        check_transfer_estimator(MutatesInput())


@pytest.mark.parametrize(
    ("check", "estimator", "rule"),
    [
        (check_inputs_unchanged, MutatesInput(), "an input array was changed"),
        (check_inputs_unchanged, BatchDependent(), "does not depend on its company"),
        (check_inputs_unchanged, CountsPredictions(), "predicting changes nothing"),
        (check_adapt_replaces, Accumulates(), r"adapt\(A\) then adapt\(B\) equals adapt\(B\)"),
        (check_adapt_replaces, NeverForgets(), "returns to the sources alone"),
        (check_row_order, FirstRow(), "row order does not matter"),
        (check_information, SaysInductive(), "information_ < needs_"),
        (check_labels_kept, Recoded(), r"classes_ of \(-1, 0, 1\) changed|kind changed"),
        (check_labels_kept, MasksWithMinusOne(), r"classes_ of \(-1, 0, 1\) changed"),
        (check_calibration, DropsCalibration(), "calibration rows are target rows"),
        (check_fit_transform, SortsSources(), "permuting the rows"),
    ],
)
def test_each_rule_by_itself(check: Any, estimator: Any, rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        check(estimator)


# Two lies about information pass the battery: results that change with the target while
# information_ says "inductive", and labels that are used while it says "unlabelled".
@pytest.mark.parametrize("estimator", [NeedsMoreThanItUses(), SaysUnlabelled()])
def test_lies_about_information_are_found(estimator: Any) -> None:
    with pytest.raises(AssertionError, match="information"):
        check_transfer_estimator(estimator)


def test_toy_problem() -> None:
    toy = toy_problem((0, 1, 2), seed=3)
    assert toy.X.shape == (96, 6)
    assert toy.T.shape == (30, 6)
    assert np.unique(toy.y).tolist() == np.unique(toy.y_target).tolist() == [0, 1, 2]
    assert np.unique(toy.subjects).tolist() == ["ann", "ben", "cid", "dot"]
    assert np.any(toy.subjects[1:] < toy.subjects[:-1])  # interleaved
    again = toy_problem((0, 1, 2), seed=3)
    np.testing.assert_array_equal(again.X, toy.X)
    assert np.abs(toy_problem((0, 1, 2), seed=4).X - toy.X).max() > 0.1
