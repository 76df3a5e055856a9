"""The baseline: a classifier of the sources that never looks at the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .answers import DelegatingClassifier
from .base import Floats
from .classifiers import (
    check_fits_from_summary,
    fit_classifier,
    fit_lda_from_summary,
    fits_from_summary,
    unfitted_classifier,
)
from .summary import SourceSummary


class SourceOnly(DelegatingClassifier):
    """A plain classifier, fitted on the pooled sources.

    Consumes: nothing of the target; `adapt` accepts rows and ignores them, labels included.
    Before adapt: the same as afterwards.
    Memory: the fitted classifier; no rows.

    Parameters
    ----------
    estimator : classifier, optional
        Any scikit-learn classifier; None means linear discriminant analysis with OAS shrinkage.

    Attributes
    ----------
    estimator_ : classifier
        The fitted clone.
    classes_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> X = [[0.0], [1.0], [0.2], [1.2]]
    >>> SourceOnly().fit(X, ["calm", "tense"] * 2).predict([[1.1]]).tolist()
    ['tense']
    """

    needs_ = "inductive"
    by_subject = False

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        subjects: ArrayLike | None = None,
        rows: Any = None,
        X_target: ArrayLike | None = None,
        rows_target: Any = None,
        sample_weight: ArrayLike | None = None,
    ) -> SourceOnly:
        """Fit the classifier on all source rows.

        Parameters
        ----------
        X, y, subjects, rows, X_target, rows_target
            As in every transfer estimator; only X and y are used.
        sample_weight : array-like of shape (n_windows,), optional
            Weights of the rows, as selectors give them.

        Returns
        -------
        self
        """
        self._weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        try:
            return super().fit(
                X, y, subjects=subjects, rows=rows, X_target=X_target, rows_target=rows_target
            )
        finally:
            del self._weight

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self.classes_ = self._check_classes(y)
        self.estimator_ = fit_classifier(
            unfitted_classifier(self.estimator), X, np.asarray(y), self._weight
        )

    def accepts_summary(self) -> bool:
        """Say whether `fit_summary` gives what `fit` on the rows would give."""
        return fits_from_summary(unfitted_classifier(self.estimator))

    def fit_summary(self, summary: SourceSummary) -> SourceOnly:
        """Fit from sufficient statistics instead of rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        self

        Raises
        ------
        ContractError
            When the classifier is not a function of class moments.
        """
        check_fits_from_summary("SourceOnly", self.estimator)
        self.estimator_ = fit_lda_from_summary(unfitted_classifier(self.estimator), summary)
        self.classes_ = self.estimator_.classes_
        self.n_features_in_ = summary.n_features
        return self._before_adapt()

    def _delegate(self) -> Any:
        if hasattr(self, "estimator_"):
            return self.estimator_
        return unfitted_classifier(self.estimator)
