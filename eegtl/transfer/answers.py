"""How transfer classifiers answer: by a classifier that they hold, or by scores of their own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from ..errors import ContractError
from .base import Floats, TransferEstimator
from .classifiers import class_probabilities
from .summary import check_weights


def _delegate_has(method: str) -> Any:
    def check(self: DelegatingClassifier) -> bool:
        getattr(self._delegate(), method)
        return True

    return check


class DelegatingClassifier(ClassifierMixin, TransferEstimator):
    """Base of the transfer classifiers that hand rows on to a classifier they hold.

    A subclass gives ``_delegate()``, the fitted classifier (before `fit` the unfitted one, which
    tells what it will be able to do), and where rows are mapped first ``_rows_for_delegate(X)``.
    """

    def _delegate(self) -> Any:
        raise ContractError(f"{type(self).__name__} does not define _delegate.")

    def _rows_for_delegate(self, X: ArrayLike) -> Floats:
        """Validate rows of the target and map them to what the classifier was fitted on."""
        return self._check_X(X)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the label of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows,)
        """
        Z = self._rows_for_delegate(X)
        return self._delegate().predict(Z)

    @available_if(_delegate_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Give the class probabilities of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows, n_classes)
        """
        return class_probabilities(self._delegate(), self._rows_for_delegate(X))

    @available_if(_delegate_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> Floats:
        """Give the decision values of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows,) or (n_windows, n_classes)
        """
        Z = self._rows_for_delegate(X)
        return self._delegate().decision_function(Z)


class ScoringClassifier(ClassifierMixin, TransferEstimator):
    """Base of the transfer classifiers that score the classes themselves.

    A subclass gives ``_class_scores(X)``, (n_windows, n_classes) for validated rows, and sets
    ``sharpness_`` (see `fit_sharpness`; 1 where the scores are log-probabilities).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    sharpness_ : float
        Class probabilities are the softmax of the scores times this.
    """

    sharpness_: float

    def _class_scores(self, X: Floats) -> Floats:
        raise ContractError(f"{type(self).__name__} does not define _class_scores.")

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the label of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows,)
        """
        scores = self._class_scores(self._check_X(X))
        return self.classes_[np.argmax(scores, axis=1)]

    def decision_function(self, X: ArrayLike) -> Floats:
        """Give the score of each class; of two classes the second's minus the first's.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows,) or (n_windows, n_classes)
        """
        scores = self._class_scores(self._check_X(X))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Give the class probabilities of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows, n_classes)
        """
        scores = self._class_scores(self._check_X(X))
        return softmax(self.sharpness_ * scores, axis=1)


class WeightedScoringClassifier(ScoringClassifier):
    """Base of the scoring classifiers whose source rows may have weights, as selectors give them.

    A subclass finds them in ``_fit_source`` as ``self._weight``: an array, or None.
    """

    _weight: Any

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
    ) -> Self:
        """Learn from labelled rows of other people.

        Parameters
        ----------
        X, y, subjects, rows, X_target, rows_target
            As in every transfer estimator.
        sample_weight : array-like of shape (n_windows,), optional
            How often each source row counts.

        Returns
        -------
        self

        Raises
        ------
        InputError
            When the arguments do not fit together.
        """
        self._weight = sample_weight
        try:
            return super().fit(
                X, y, subjects=subjects, rows=rows, X_target=X_target, rows_target=rows_target
            )
        finally:
            del self._weight

    def _check_source(
        self, X: ArrayLike, y: ArrayLike | None
    ) -> tuple[Floats, NDArray[Any] | None]:
        checked, labels = super()._check_source(X, y)
        self._weight = check_weights(self._weight, len(checked))
        return checked, labels


def fit_sharpness(scores: Floats, codes: NDArray[np.intp], weight: Floats | None = None) -> float:
    """Find the factor that turns scores into log-probabilities.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        For example decision values of a support vector machine. To be honest about a new person
        they should be scores of rows that had no part in making the classifier.
    codes : ndarray of int, shape (n_rows,)
        The class of each row.
    weight : ndarray of shape (n_rows,), optional
        How often each row counts.

    Returns
    -------
    float
        s that maximises the likelihood of the labels under softmax(s scores). Between 1e-3 and
        1e3 over the root mean square of the scores; 1 when all scores are equal.

    Notes
    -----
    Platt scaling with a slope and no offsets, so that the most probable class stays the one of
    the largest score. Labels count as (n_c + 1) / (n_c + n_classes) sure, as Platt has it, so
    that separable rows do not make the probabilities 0 and 1. The likelihood is concave in s.

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin
    Classifiers, 1999. Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks",
    ICML 2017 (the reciprocal, as temperature).

    Examples
    --------
    >>> scores = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(fit_sharpness(scores, np.array([0, 0, 1, 1])), 2)
    0.51
    """
    n_classes = scores.shape[1]
    weight = np.ones(len(codes)) if weight is None else weight
    size = float(np.abs(scores).max(initial=0.0))
    scores = scores - scores.mean(axis=1, keepdims=True)
    scale = float(np.sqrt(weight @ np.mean(scores**2, axis=1) / max(weight.sum(), 1e-300)))
    if not scale > 1e-14 * size:  # equal, but for rounding
        return 1.0
    scores /= scale
    counts = np.bincount(codes, weights=weight, minlength=n_classes)[codes]
    own = scores[np.arange(len(codes)), codes]
    # (n + 1) / (n + n_classes) sure of the own class; the rows' sums are 0
    wanted = float(weight @ (counts / (counts + n_classes) * own))

    def slope(log_s: float) -> float:
        shares = softmax(np.exp(log_s) * scores, axis=1)
        return wanted - float(weight @ np.einsum("ic,ic->i", shares, scores))

    lowest, highest = np.log(1e-3), np.log(1e3)
    if slope(lowest) <= 0:  # scores that point away from the labels
        return 1e-3 / scale
    if slope(highest) >= 0:
        return 1e3 / scale
    return float(np.exp(brentq(slope, lowest, highest, xtol=1e-14)) / scale)
