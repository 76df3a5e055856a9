"""How far two domains lie apart: plain functions of their rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..kernels.gram import canonical_order, median_gamma, rbf_kernel

Floats = NDArray[np.float64]
#: rows of one side whose kernel values are formed at a time
_BLOCK = 512


def mean_gap(A: ArrayLike, B: ArrayLike) -> float:
    """Distance of two domains' means in units of the spread within them.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
        Rows of the two domains.

    Returns
    -------
    float
        Root mean square over the features of (mean of A - mean of B) / s; 0 for equal means.

    Raises
    ------
    InputError
        When the domains do not have the same features or fewer than two rows, or no feature
        varies within them.

    Notes
    -----
    s^2 = ((n_A - 1) var A + (n_B - 1) var B) / (n_A + n_B - 2), each feature by itself. Features
    that are constant within both domains are left out.

    Examples
    --------
    >>> mean_gap([[0.0], [2.0]], [[3.0], [5.0]])
    2.1213203435596424
    """
    A, B = _domains(A, B)
    squares = sum(np.square(D - D.mean(axis=0)).sum(axis=0) for D in (A, B))
    variance = squares / (len(A) + len(B) - 2)
    gap = A.mean(axis=0) - B.mean(axis=0)
    varies = variance > (10 * np.finfo(np.float64).eps) ** 2 * (A**2).max(axis=0)
    if not varies.any():
        raise InputError(
            f"none of the {A.shape[1]} features varies within the domains ({len(A)} and {len(B)} "
            "rows); check the features."
        )
    return float(np.sqrt(np.mean(gap[varies] ** 2 / variance[varies])))


def mmd_linear(A: ArrayLike, B: ArrayLike) -> float:
    """Squared maximum mean discrepancy of the linear kernel, unbiased.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)

    Returns
    -------
    float
        Estimate of the squared distance of the domains' means, in squared units of the features.
        It is unbiased, and so may be negative where the means are equal.

    Raises
    ------
    InputError
        As in `mean_gap`.

    Notes
    -----
    With k(x, y) = x'y the U-statistic of `mmd_rbf` is |mean A - mean B|^2 - tr S_A / n_A -
    tr S_B / n_B, where S has n - 1 in its denominator: O(n d) for any number of rows.

    References
    ----------
    Gretton, Borgwardt, Rasch, Schoelkopf, Smola, "A kernel two-sample test", Journal of Machine
    Learning Research 13, 2012, eq. 3.

    Examples
    --------
    >>> mmd_linear([[0.0], [2.0]], [[3.0], [5.0]])
    7.0
    """
    A, B = _domains(A, B)
    gap = A.mean(axis=0) - B.mean(axis=0)
    within = sum(D.var(axis=0, ddof=1).sum() / len(D) for D in (A, B))
    return float(gap @ gap - within)


def mmd_rbf(
    A: ArrayLike,
    B: ArrayLike,
    *,
    gamma: str | float = "median",
) -> float:
    """Squared maximum mean discrepancy of the Gaussian kernel, unbiased.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
    gamma : "median" or float
        k(x, y) = exp(-gamma |x - y|^2); ``"median"`` is 1 / (2 s^2) with s the median distance
        between rows of both domains (of at most 1000).

    Returns
    -------
    float
        Between about 0 (may be negative, since it is unbiased) and 2. Neither the order of the
        rows nor the order of the domains matters.

    Raises
    ------
    InputError
        As in `mean_gap`, or when gamma is not ``"median"`` or a positive number.

    Notes
    -----
    Mean of k over the pairs of different rows of A, plus the same of B, minus twice the mean over
    pairs of one row of each. All pairs count, so that time grows with the square of the number of
    rows; kernel values are formed 512 rows at a time.

    References
    ----------
    Gretton et al. 2012, as in `mmd_linear`, eq. 3.

    Examples
    --------
    >>> round(mmd_rbf([[0.0], [0.0]], [[1.0], [1.0]], gamma=1.0), 6)
    1.264241
    """
    A, B = _domains(A, B)
    rows = np.vstack([A, B])
    width = median_gamma(rows[canonical_order(rows)]) if gamma == "median" else gamma
    if isinstance(width, str) or not 0 < width < np.inf:
        raise InputError(f"gamma must be 'median' or a positive number; got {gamma!r}.")
    n_a, n_b = len(A), len(B)
    # the diagonal of ones is taken off
    within_a = (_kernel_sum(A, A, width) - n_a) / (n_a * (n_a - 1))
    within_b = (_kernel_sum(B, B, width) - n_b) / (n_b * (n_b - 1))
    return float(within_a + within_b - 2 * _kernel_sum(A, B, width) / (n_a * n_b))


def split_noise(
    distance: Callable[[Floats, Floats], float], X: ArrayLike, trials: ArrayLike
) -> float:
    """Say how large a distance is between halves of one domain.

    Parameters
    ----------
    distance : callable
        Takes two arrays of rows, gives a number.
    X : array-like of shape (n_rows, n_features)
        Rows of the domain, in the order of time.
    trials : array-like of shape (n_rows,)
        The trial of each row.

    Returns
    -------
    float
        Root mean square over the three ways to halve: each trial is cut into four quarters of
        successive rows, and two of them make one half. All halves hold the same trials, hence
        the same classes; their distance is what drift within trials and the number of rows make
        of nothing. NaN with fewer than four rows.

    Examples
    --------
    >>> split_noise(mean_gap, [[0.0], [1.0]] * 8, [1] * 16)
    0.0
    """
    X = np.asarray(X, dtype=np.float64)
    quarter = np.empty(len(X), dtype=np.intp)
    names, codes = np.unique(np.asarray(trials), return_inverse=True)
    for i in range(len(names)):
        own = np.flatnonzero(codes == i)
        n = len(own)
        # trials too short for four quarters go round in turn
        quarter[own] = 4 * np.arange(n) // n if n >= 4 else (np.arange(n) + i) % 4
    if len(np.unique(quarter)) < 4:
        return float("nan")
    halves = [np.isin(quarter, (0, other)) for other in (1, 2, 3)]
    return float(np.sqrt(np.mean([distance(X[half], X[~half]) ** 2 for half in halves])))


#: Distances by name; each takes the rows of two domains.
DISTANCES: dict[str, Callable[..., float]] = {
    "mean_gap": mean_gap,
    "mmd_linear": mmd_linear,
    "mmd_rbf": mmd_rbf,
}


def _domains(A: ArrayLike, B: ArrayLike) -> tuple[Floats, Floats]:
    A, B = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
    if A.ndim != 2 or B.ndim != 2 or A.shape[1] != B.shape[1]:
        raise InputError(
            "a distance needs two arrays of rows with the same features; got the shapes "
            f"{A.shape} and {B.shape}."
        )
    if min(len(A), len(B)) < 2:
        raise InputError(
            f"a distance needs at least two rows of each domain; got {len(A)} and {len(B)}."
        )
    return A, B


def _kernel_sum(A: Floats, B: Floats, gamma: float) -> float:
    """Sum the Gaussian kernel over all pairs, block by block."""
    blocks = (A[start : start + _BLOCK] for start in range(0, len(A), _BLOCK))
    return sum(float(rbf_kernel(block, B, gamma).sum()) for block in blocks)
