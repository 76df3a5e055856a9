"""Wasserstein distances: between Gaussians in closed form, and sliced between rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from ...errors import InputError
from .domains import Floats, check_matrix, two_domains

#: rows that are centred and factored at a time
_BLOCK = 4096
#: projections that are sorted at a time
_PROJECTIONS = 16


def w2_of_gaussians(
    mean_a: ArrayLike, covariance_a: ArrayLike, mean_b: ArrayLike, covariance_b: ArrayLike
) -> float:
    """Wasserstein-2 distance of two Gaussians in closed form.

    Parameters
    ----------
    mean_a, mean_b : array-like of shape (n_features,)
    covariance_a, covariance_b : array-like of shape (n_features, n_features)
        Positive semi-definite; they may be singular.

    Returns
    -------
    float
        In the unit of the features; a metric (0 for equal Gaussians, symmetric, triangle
        inequality).

    Notes
    -----
    W^2 = |m_a - m_b|^2 + tr S_a + tr S_b - 2 tr (S_a^1/2 S_b S_a^1/2)^1/2. With S = F F' the last
    trace is the sum of the singular values of F_a' F_b, whichever factors are taken, and the three
    together are the least |F_a Q - F_b|^2 over rotations Q. Nothing is lost when a covariance is
    singular, or when both are nearly equal. Time d^3.

    References
    ----------
    Givens, Shortt, "A class of Wasserstein metrics for probability distributions", Michigan
    Mathematical Journal 31, 1984.

    Examples
    --------
    >>> w2_of_gaussians([0.0], [[1.0]], [3.0], [[25.0]])
    5.0
    """
    gap = np.atleast_1d(np.asarray(mean_a, dtype=np.float64) - np.asarray(mean_b))
    return _w2(gap, *(_factor(np.atleast_2d(S)) for S in (covariance_a, covariance_b)))


def gaussian_w2(A: ArrayLike, B: ArrayLike) -> float:
    """Wasserstein-2 distance of the Gaussians that two domains' rows suggest.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)

    Returns
    -------
    float
        In the unit of the features, for all of them together: a gap of g in each of d features is
        sqrt(d) g.

    Raises
    ------
    InputError
        As in `mmd_linear`.
    MemoryEstimateError
        When the product of the domains' factors would need more than 2 GiB.

    Notes
    -----
    `w2_of_gaussians` of means and covariances (n - 1 in the denominator, not shrunk), computed
    from triangular factors of the rows, so that fewer rows than features are no trouble. Moving
    or rotating both domains changes nothing; scaling them by c gives c times the distance.

    The estimate is biased upwards: for white features, equal domains and many rows, its square is
    about d (d + 5) / 4 (1 / n_A + 1 / n_B). Never read a value without its noise (`split_noise`).
    Time n d min(n, d) and the cube of the smaller of n and d, memory that of a block of 4096 rows
    and the square of the smaller.

    Examples
    --------
    >>> gaussian_w2([[0.0], [2.0]], [[3.0], [5.0]])
    3.0
    """
    A, B = two_domains(A, B)
    d = A.shape[1]
    check_matrix(
        min(len(A), d), min(len(B), d), "the product of two factors", "compare fewer features"
    )
    return _w2(A.mean(axis=0) - B.mean(axis=0), *(_triangle(D).T for D in (A, B)))


def sliced_wasserstein(
    A: ArrayLike, B: ArrayLike, *, n_projections: int = 200, random_state: int = 0
) -> float:
    """Sliced Wasserstein-1 distance: the mean over directions of that between projections.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
        Numbers of rows may differ.
    n_projections : int
        Directions, uniformly drawn.
    random_state : int
        Draws them.

    Returns
    -------
    float
        In the unit of the features, for a single direction: a shift of both means by s gives the
        mean of |s'u|, about 0.8 |s| / sqrt(d).

    Raises
    ------
    InputError
        As in `mmd_linear`, or when `n_projections` is no positive whole number.

    Notes
    -----
    Between two sets of numbers the distance is the integral over (0, 1) of the gap between their
    quantile functions, which are steps; it is summed exactly, without interpolation. Moving both
    domains changes nothing, scaling them by c gives c times the distance; rotating them is the
    same as drawing other directions.

    Biased upwards by the number of rows: equal Gaussian domains lie about 1.25 sqrt(1 / n_A +
    1 / n_B) of the spread in a direction apart, whatever the number of features; `split_noise`
    shows it. For a shift the relative error of the draw is 0.75 / sqrt(n_projections), 5 % of
    200. Time n (d + log n) for each direction, memory 16 n.

    References
    ----------
    Rabin, Peyré, Delon, Bernot, "Wasserstein barycenter and its application to texture mixing",
    SSVM 2011 (with order 2).

    Examples
    --------
    >>> sliced_wasserstein([[0.0], [2.0]], [[3.0], [5.0]])
    3.0
    """
    if not isinstance(n_projections, int | np.integer) or n_projections < 1:
        raise InputError(f"n_projections must be a positive whole number; got {n_projections!r}.")
    A, B = two_domains(A, B)
    directions = np.random.default_rng(random_state).standard_normal((A.shape[1], n_projections))
    directions /= np.linalg.norm(directions, axis=0)
    # levels at which one of the two quantile functions steps, in units of 1 / (n_a n_b)
    n_a, n_b = len(A), len(B)
    levels = np.union1d(np.arange(n_a + 1) * n_b, np.arange(n_b + 1) * n_a)
    place_a, place_b = levels[:-1] // n_b, levels[:-1] // n_a
    weights = np.diff(levels) / (n_a * n_b)
    total = 0.0
    for start in range(0, n_projections, _PROJECTIONS):
        block = directions[:, start : start + _PROJECTIONS]
        a, b = (np.sort(D @ block, axis=0) for D in (A, B))
        total += float((weights @ np.abs(a[place_a] - b[place_b])).sum())
    return total / n_projections


def _w2(gap: Floats, factor_a: Floats, factor_b: Floats) -> float:
    """Give the distance from the gap of the means and factors F of the covariances F F'.

    The trace terms are the least |F_a Q - F_b|^2 over rotations Q; taken as that, they do not
    cancel where the domains are nearly equal.
    """
    n_columns = max(factor_a.shape[1], factor_b.shape[1])
    a, b = (np.pad(F, ((0, 0), (0, n_columns - F.shape[1]))) for F in (factor_a, factor_b))
    left, _, right = linalg.svd(a.T @ b)
    return float(np.sqrt(gap @ gap + np.sum(np.square(a @ (left @ right) - b))))


def _factor(covariance: ArrayLike) -> Floats:
    values, vectors = linalg.eigh(np.asarray(covariance, dtype=np.float64))
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _triangle(X: Floats) -> Floats:
    """Give R, at most d x d, with R'R the covariance of rows."""
    mean = X.mean(axis=0)
    R = np.empty((0, X.shape[1]))
    for start in range(0, len(X), _BLOCK):
        R = linalg.qr(np.vstack([R, X[start : start + _BLOCK] - mean]), mode="r")[0]
        R = R[: X.shape[1]]
    return R / np.sqrt(len(X) - 1)
