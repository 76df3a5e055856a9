"""Estimators of covariance rows under checks that feed any numbers: scikit-learn's.

The checks run on a subclass that takes any rows, validates them as its parent does, and turns
each into covariances, so that everything else in them is the estimator's own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..transfer.base import Floats, Target, TransferEstimator
from .toys import any_row_as_covariances, row_kind


def accepting_any_rows(estimator: Any) -> Any:
    """Give an estimator that scikit-learn's checks can feed with arbitrary numbers.

    Parameters
    ----------
    estimator : TransferEstimator
        Unfitted.

    Returns
    -------
    estimator
        The same where rows are plain features; for covariances one of a subclass.
    """
    if row_kind(estimator)[0] == "features":
        return estimator
    parent: Any = type(estimator)
    return _subclass(parent)(**estimator.get_params(deep=False))


class _AnyRows(TransferEstimator):
    """Turns rows into covariances right behind their validation."""

    def _check_source(self, X: Any, y: Any) -> tuple[Floats, Any]:
        checked, labels = super()._check_source(X, y)
        return self._covariances(checked), labels

    def _check_X(self, X: Any) -> Floats:
        return self._covariances(super()._check_X(X))

    def _check_target(self, *arguments: Any) -> Target:
        target = super()._check_target(*arguments)
        X, X_calib = self._covariances(target.X), self._covariances(target.X_calib)
        return replace(target, X=X, X_calib=X_calib)

    def _covariances(self, rows: Floats) -> Floats:
        return any_row_as_covariances(rows, row_kind(self)[1])

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty, (type(self).__mro__[2],), self.__getstate__()


@lru_cache
def _subclass(parent: Any) -> Any:
    """Make the subclass, named like its parent, once for each class."""
    return type(parent.__name__, (_AnyRows, parent), {"__doc__": parent.__doc__})


def _empty(parent: Any) -> Any:
    """Make an object for pickle to fill; the subclass itself has no importable name."""
    cls = _subclass(parent)
    return cls.__new__(cls)
