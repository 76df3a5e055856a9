"""The plain classifiers at the end of a chain: the default, its fit from a summary, weights."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.special import expit
from sklearn.base import clone
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.validation import has_fit_parameter

from ..errors import ContractError, InputError
from .summary import SourceSummary, check_weights

Floats = NDArray[np.float64]


def default_classifier() -> LinearDiscriminantAnalysis:
    """Give the default classifier: linear discriminant analysis with OAS shrinkage.

    Its fit is a function of counts, means and scatters of the classes (Ledoit-Wolf shrinkage
    is not), so a pipeline that ends in it can be kept as a summary.

    Returns
    -------
    sklearn.discriminant_analysis.LinearDiscriminantAnalysis
        Unfitted, solver ``lsqr``.

    References
    ----------
    Chen, Wiesel, Eldar, Hero, "Shrinkage algorithms for MMSE covariance estimation", IEEE
    Transactions on Signal Processing 58(10), 2010.

    Examples
    --------
    >>> default_classifier().solver
    'lsqr'
    """
    return LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=OAS())


def class_probabilities(classifier: Any, X: Floats) -> Floats:
    """Give the class probabilities of rows that are checked already.

    scikit-learn's discriminant analysis checks one row for 0.4 ms and maps it in 0.01: a live
    window has 1 ms in all. So its map is written out here; others are asked as usual.

    Parameters
    ----------
    classifier : classifier
        Fitted.
    X : ndarray of shape (n_windows, n_features)

    Returns
    -------
    ndarray of shape (n_windows, n_classes)

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [4.0], [5.0]]), [0, 0, 1, 1]
    >>> class_probabilities(default_classifier().fit(X, y), np.array([[2.5]])).round(6).tolist()
    [[0.5, 0.5]]
    """
    plain = type(classifier) is LinearDiscriminantAnalysis and np.isfinite(X).all()
    if not plain or X.shape[1:] != classifier.coef_.shape[1:]:
        return np.asarray(classifier.predict_proba(X))
    scores = X @ classifier.coef_.T + classifier.intercept_
    if scores.shape[1] == 1:
        second = expit(scores[:, 0])
        return np.stack([1 - second, second], axis=1)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def unfitted_classifier(estimator: Any) -> Any:
    """Give a fresh clone of a classifier, or the default one for None.

    Parameters
    ----------
    estimator : classifier or None

    Returns
    -------
    classifier

    Examples
    --------
    >>> unfitted_classifier(None).solver
    'lsqr'
    """
    # "is None": an ensemble has a length, and none before fit
    return default_classifier() if estimator is None else clone(estimator)


def fits_from_summary(classifier: Any) -> bool:
    """Say whether a classifier is a function of class counts, means and scatters.

    Parameters
    ----------
    classifier : estimator

    Returns
    -------
    bool
        True for LDA by least squares with OAS covariances and class priors from the counts.
    """
    return (
        type(classifier) is LinearDiscriminantAnalysis
        and classifier.solver == "lsqr"
        and type(classifier.covariance_estimator) is OAS
        and not classifier.covariance_estimator.assume_centered
        and classifier.shrinkage is None
        and classifier.priors is None
    )


def check_fits_from_summary(owner: str, estimator: Any) -> None:
    """Refuse a summary where the classifier behind it needs rows.

    Parameters
    ----------
    owner : str
        Whose classifier it is, for the message.
    estimator : classifier or None

    Raises
    ------
    ContractError
        When the classifier is not a function of class moments.
    """
    if not fits_from_summary(unfitted_classifier(estimator)):
        raise ContractError(
            f"{owner}({estimator}) needs rows of the sources, not a summary; only LDA with solver "
            "'lsqr' and OAS covariance can be fitted from class moments."
        )


def fit_lda_from_summary(
    classifier: LinearDiscriminantAnalysis, summary: SourceSummary
) -> LinearDiscriminantAnalysis:
    """Fit LDA (least squares, OAS) from class moments instead of rows.

    The result has the attributes that scikit-learn's own fit leaves and equals it to rounding.

    Parameters
    ----------
    classifier : LinearDiscriminantAnalysis
        Unfitted, as `fits_from_summary` accepts it; fitted in place.
    summary : SourceSummary
        Counts may be sums of weights.

    Returns
    -------
    LinearDiscriminantAnalysis
        The same object.

    Raises
    ------
    InputError
        When the summary holds fewer than two classes.
    """
    classes = summary.classes
    if len(classes) < 2:
        raise InputError(
            f"the sources hold {len(classes)} class ({classes.tolist()}); at least two are needed."
        )
    pooled = [summary.pooled(label=label) for label in classes.tolist()]
    counts = np.array([count for count, _, _ in pooled])
    means = np.array([mean for _, mean, _ in pooled])
    priors = counts / counts.sum()
    covariance = np.zeros((summary.n_features,) * 2)
    for prior, (count, _, scatter) in zip(priors, pooled, strict=True):
        covariance += prior * oas_covariance(scatter / count, count)
    coef = _solve(covariance, means.T).T
    intercept = -0.5 * np.einsum("cd,cd->c", means, coef) + np.log(priors)
    if len(classes) == 2:
        coef, intercept = np.diff(coef, axis=0), np.diff(intercept)
    classifier.classes_ = classes
    classifier.priors_ = priors
    classifier.means_ = means
    classifier.covariance_ = covariance
    classifier.coef_ = coef
    classifier.intercept_ = intercept
    classifier.n_features_in_ = summary.n_features
    return classifier


def _solve(covariance: Floats, means: Floats) -> Floats:
    """Solve covariance X = means; by least squares where the covariance is singular."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", linalg.LinAlgWarning)
        try:
            # ten times faster than least squares for a thousand features, and equal to rounding
            return linalg.solve(covariance, means, assume_a="pos")
        except (linalg.LinAlgError, linalg.LinAlgWarning):
            return linalg.lstsq(covariance, means)[0]


def oas_covariance(covariance: Floats, count: float) -> Floats:
    """Shrink a covariance matrix by the oracle approximating shrinkage.

    Parameters
    ----------
    covariance : ndarray of shape (n_features, n_features)
        Empirical covariance (divided by the count).
    count : float
        Number of rows it was made of.

    Returns
    -------
    ndarray of shape (n_features, n_features)

    Notes
    -----
    Chen et al. 2010, eq. 23, without the 2/p term, as scikit-learn's `OAS` has it: the target
    is mu I with mu = tr(S)/p and the weight is
    min(1, (mean(S^2) + mu^2) / ((n + 1) (mean(S^2) - mu^2 / p))).

    Examples
    --------
    >>> oas_covariance(np.diag([1.0, 3.0]), 1e9).round(3).tolist()
    [[1.0, 0.0], [0.0, 3.0]]
    """
    p = len(covariance)
    if p == 1:  # any shrinkage towards the variance is the variance
        return covariance
    mean_square = np.mean(covariance**2)
    mu = np.trace(covariance) / p
    denominator = (count + 1) * (mean_square - mu**2 / p)
    # a multiple of the identity leaves 0 there, or rounding of either sign
    weight = 1.0 if denominator <= 0 else min((mean_square + mu**2) / denominator, 1.0)
    shrunk = (1 - weight) * covariance
    shrunk.flat[:: p + 1] += weight * mu
    return shrunk


def fit_classifier(
    classifier: Any, X: Floats, y: NDArray[Any], sample_weight: Floats | None = None
) -> Any:
    """Fit a plain classifier, with row weights where there are some.

    Parameters
    ----------
    classifier : estimator
        Unfitted; fitted in place.
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
    sample_weight : ndarray of shape (n_rows,), optional

    Returns
    -------
    estimator
        The same object.

    Raises
    ------
    ContractError
        When there are weights and the classifier cannot take them.
    """
    weight = check_weights(sample_weight, len(X))
    if fits_from_summary(classifier):
        # scikit-learn's own fit inverts every class's covariance besides
        return fit_lda_from_summary(classifier, SourceSummary().add(X, y, None, weight))
    if weight is None:
        return classifier.fit(X, y)
    if has_fit_parameter(classifier, "sample_weight"):
        used = weight > 0
        return classifier.fit(X[used], y[used], sample_weight=weight[used])
    raise ContractError(
        f"{type(classifier).__name__} takes no sample weights, but a selector before it gives "
        "some; use a classifier whose fit has sample_weight, or the default classifier."
    )
