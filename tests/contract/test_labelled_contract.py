"""The battery on a method that cannot work without labels, and on one that is not closed-form."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import ClassifierMixin

from eegtl.errors import CalibrationError
from eegtl.testing import check_transfer_estimator, toy_problem
from eegtl.transfer import (
    SourceOnly,
    SubjectNormalizer,
    Target,
    TransferEstimator,
    make_transfer_pipeline,
)


class OwnCentroids(ClassifierMixin, TransferEstimator):
    """Nearest class mean, moved to the means of the labelled calibration rows.

    Consumes: labelled calibration rows.
    Before adapt: the sources' class means.
    Memory: class means; no rows.
    """

    needs_ = "labelled"

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.classes_ = self._check_classes(y)
        self.source_means_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])

    def _forget_target(self) -> None:
        self.means_ = self.source_means_

    def _adapt_target(self, target: Target) -> str:
        self.means_ = np.array(
            [
                target.X_calib[target.y_calib == label].mean(axis=0)
                if np.any(target.y_calib == label)
                else self.source_means_[i]
                for i, label in enumerate(self.classes_)
            ]
        )
        return "labelled"

    def predict(self, X: Any) -> Any:
        X = self._check_X(X)
        distances = np.linalg.norm(X[:, None] - self.means_, axis=2)
        return self.classes_[np.argmin(distances, axis=1)]


class Approximate(SourceOnly):
    __doc__ = SourceOnly.__doc__
    label_agreement: ClassVar[float] = 0.99


def test_a_labelled_method_holds_every_rule() -> None:
    check_transfer_estimator(OwnCentroids())
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), OwnCentroids())
    check_transfer_estimator(pipeline, extra_classes=[OwnCentroids])


def test_a_labelled_method_refuses_to_work_without_labels() -> None:
    toy = toy_problem()
    with pytest.raises(CalibrationError, match="OwnCentroids needs labelled calibration rows"):
        OwnCentroids().fit(toy.X, toy.y, X_target=toy.T)


def test_a_method_that_is_not_closed_form_states_its_agreement() -> None:
    check_transfer_estimator(Approximate())
