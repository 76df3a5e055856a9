"""Log-posteriors of any classifier, with all the digits that it has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

Floats = NDArray[np.float64]

#: What the logarithm of a probability of 0 counts as.
LEAST_LOG = -1e5


def answers_by(classifier: Any, rows: Floats) -> str:
    """Find out how a classifier's log-posteriors are best read.

    Parameters
    ----------
    classifier : fitted classifier
    rows : ndarray of shape (n_rows, n_features)
        Some rows, to try it on.

    Returns
    -------
    {"log odds", "probabilities", "scores"}
        ``log odds``: the softmax of the decision values are the probabilities, so that they have
        all digits where probabilities are 0 or 1 to rounding, as far from the sources they are.
        ``scores``: it has no probabilities.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.array([[0.0], [1.0]])
    >>> answers_by(LogisticRegression().fit(X, [0, 1]), X)
    'log odds'
    """
    if not hasattr(classifier, "predict_proba"):
        return "scores"
    if hasattr(classifier, "decision_function"):
        scores, known = class_scores(classifier, rows), classifier.predict_proba(rows)
        if scores.shape == known.shape and np.allclose(
            softmax(scores, axis=1), known, rtol=0, atol=1e-9
        ):
            return "log odds"
    return "probabilities"


def log_posteriors(classifier: Any, X: Floats, by: str, scale: float = 1.0) -> Floats:
    """Give the logarithms of a classifier's class probabilities.

    Parameters
    ----------
    classifier : fitted classifier
    X : ndarray of shape (n_rows, n_features)
    by : {"log odds", "probabilities", "scores"}
        From `answers_by`.
    scale : float
        For ``scores``: what to multiply them by.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        Finite: the logarithm of 0 counts as `LEAST_LOG`.
    """
    if not len(X):
        return np.empty((0, len(classifier.classes_)))
    if by == "probabilities":
        with np.errstate(divide="ignore"):
            if hasattr(classifier, "predict_log_proba"):
                log_p = np.asarray(classifier.predict_log_proba(X), dtype=np.float64)
            else:
                log_p = np.log(np.asarray(classifier.predict_proba(X), dtype=np.float64))
        return np.maximum(log_p, LEAST_LOG)
    out: Floats = log_softmax(scale * class_scores(classifier, X), axis=1)
    return out


def class_scores(classifier: Any, X: Floats) -> Floats:
    """Give a classifier's decision values with one column a class.

    Parameters
    ----------
    classifier : fitted classifier
    X : ndarray of shape (n_rows, n_features)

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        Of two classes, half the decision value with either sign.
    """
    values = np.asarray(classifier.decision_function(X), dtype=np.float64)
    return np.column_stack([-values / 2, values / 2]) if values.ndim == 1 else values
