"""Proxy A-distance: how well a linear classifier tells two domains apart on unseen trials."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from ...errors import InputError
from ..classifiers import oas_covariance
from .domains import Floats, check_matrix, two_domains


def proxy_a_distance(
    A: ArrayLike, B: ArrayLike, *, trials_a: ArrayLike, trials_b: ArrayLike, n_folds: int = 5
) -> float:
    """Proxy A-distance of two domains, cross-validated over trials.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
    trials_a, trials_b : array-like of shape (n_rows,)
        The trial of each row, at least two of each domain. Windows of one trial are never on both
        sides of a split: neighbouring windows are alike, so that a window would be told by the
        windows beside it, whatever the domain.
    n_folds : int
        At most this many; no more than the domain with fewer trials has. The trials of each
        domain, in sorted order, are dealt to the folds in turn.

    Returns
    -------
    float
        2 (1 - 2 err), clipped to [0, 2]: 0 where the classifier is not better than chance, 2
        where it makes no error. err is the mean of both domains' error rates, so that the
        larger domain counts no more than the other.

    Raises
    ------
    InputError
        When the domains do not compare (see `mmd_linear`), there is not one trial a row, a domain
        has fewer than two trials, or `n_folds` is below 2.
    MemoryEstimateError
        When a covariance would need more than 2 GiB.

    Notes
    -----
    The classifier is linear discriminant analysis with OAS covariances and equal priors, on
    features scaled by their spread within the domains (of the training rows): moving both
    domains, or rescaling a feature, changes nothing. A linear classifier sees hardly anything
    but the means; behind ``z2``, where these are equal, the distance is 0 by construction.

    With few trials it is coarse, and low where the trials differ: with two trials of two classes,
    the classifier learns on one class and is tested on the other. Unlike the distances that are
    computed from all rows it does not grow when there are few rows, since it errs on new ones.
    Time n d^2 + n_folds d^3, memory n d + d^2.

    References
    ----------
    Ben-David, Blitzer, Crammer, Pereira, "Analysis of representations for domain adaptation",
    NIPS 2006.

    Examples
    --------
    >>> A, B = [[0.0], [0.1], [0.2], [0.3]], [[1.0], [1.1], [1.2], [1.3]]
    >>> proxy_a_distance(A, B, trials_a=[1, 1, 2, 2], trials_b=[1, 1, 2, 2])
    2.0
    """
    if not isinstance(n_folds, int | np.integer) or n_folds < 2:
        raise InputError(f"n_folds must be a whole number of at least 2; got {n_folds!r}.")
    A, B = two_domains(A, B)
    d = A.shape[1]
    check_matrix(d, d, "the covariance of the features", "compare fewer features")
    codes = [_codes(*given) for given in ((trials_a, A, "trials_a"), (trials_b, B, "trials_b"))]
    n_trials = [int(code.max()) + 1 for code in codes]
    if min(n_trials) < 2:
        raise InputError(
            f"the domains have {n_trials[0]} and {n_trials[1]} trials; a classifier of domains is "
            "tested on trials that it has not seen, which takes two of each. Cut long trials into "
            "blocks, or use another distance."
        )
    k = min(int(n_folds), *n_trials)
    folds_a, folds_b = (code % k for code in codes)
    n_wrong_a = n_wrong_b = 0
    for fold in range(k):
        weights, threshold = _classifier(A[folds_a != fold], B[folds_b != fold])
        n_wrong_a += int(np.sum(A[folds_a == fold] @ weights <= threshold))
        n_wrong_b += int(np.sum(B[folds_b == fold] @ weights >= threshold))
    error = (n_wrong_a / len(A) + n_wrong_b / len(B)) / 2
    return min(2.0, max(0.0, 2 * (1 - 2 * error)))


def _codes(trials: ArrayLike, rows: Floats, name: str) -> NDArray[np.intp]:
    """Give each row the place of its trial in sorted order."""
    given = np.asarray(trials)
    if given.shape != (len(rows),):
        raise InputError(
            f"{name} must name the trial of each of the {len(rows)} rows; its shape is "
            f"{given.shape}."
        )
    return np.unique(given, return_inverse=True)[1]


def _classifier(A: Floats, B: Floats) -> tuple[Floats, float]:
    """Fit the discriminant with equal priors: rows of A lie above the threshold."""
    means = [D.mean(axis=0) for D in (A, B)]
    centred = [D - mean for D, mean in zip((A, B), means, strict=True)]
    spread = np.sqrt(sum(np.square(D).mean(axis=0) for D in centred) / 2)
    largest = np.maximum(np.abs(A).max(axis=0), np.abs(B).max(axis=0))
    varies = spread > 10 * np.finfo(np.float64).eps * largest  # more than rounding
    scale = np.where(varies, spread, 1.0)
    scaled = [np.where(varies, D / scale, 0.0) for D in centred]
    parts = [oas_covariance(D.T @ D / len(D), len(D)) for D in scaled]
    covariance = (parts[0] + parts[1]) / 2
    # what has no spread has a little, so that equal rows have a classifier, too
    mean_variance = float(np.trace(covariance)) / len(scale)
    covariance.flat[:: len(scale) + 1] += 1e-10 * mean_variance or 1.0
    gap = (means[0] - means[1]) / scale
    weights = linalg.cho_solve(linalg.cho_factor(covariance), gap) / scale
    return weights, float(weights @ (means[0] + means[1])) / 2
