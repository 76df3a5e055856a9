"""Smoothing over windows: the mean of the last ones, and a random walk seen through noise.

All kernels work on rows of windows in order of time, each column by itself. The random walk is
``z_t = z_{t-1} + w``, ``w ~ N(0, q)``, seen as ``x_t = z_t + v``, ``v ~ N(0, r)``, with
``z_1 ~ N(mean, v0)``. All columns share q, r and v0, so that they share the gains, too.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ._compile import kernel


@kernel
def moving_average(padded: NDArray[Any], n_before: int, length: int, out: NDArray[Any]) -> None:
    """Mean of the last `length` rows, or of as many as there are.

    Each mean is summed afresh, in one order, so that it does not depend on how the rows came.

    Parameters
    ----------
    padded : ndarray of shape (n_before + n, d), float64
        Rows that came earlier, then the new ones.
    n_before : int
        How many came earlier; length - 1 are enough.
    length : int
        Rows in a mean.
    out : ndarray of shape (n, d), float64
        Out: the means that end at each new row.
    """
    for t in range(out.shape[0]):
        last = n_before + t
        first = max(0, last - length + 1)
        for j in range(out.shape[1]):
            out[t, j] = 0.0
        for s in range(first, last + 1):
            for j in range(out.shape[1]):
                out[t, j] += padded[s, j]
        for j in range(out.shape[1]):
            out[t, j] /= last - first + 1


@kernel
def lds_filter(
    X: NDArray[Any], mean: NDArray[Any], prior: float, q: float, r: float, out: NDArray[Any]
) -> float:
    """Mean of the state of each window given this window and those before it (Kalman filter).

    Parameters
    ----------
    X : ndarray of shape (n, d), float64
        What is seen.
    mean : ndarray of shape (d,), float64
        Predicted mean of the first state; carried on in place.
    prior : float
        Predicted variance of the first state.
    q, r : float
        Variances of the walk's step and of the noise.
    out : ndarray of shape (n, d), float64
        Out: the filtered means.

    Returns
    -------
    float
        Predicted variance of the state after the last.
    """
    for t in range(X.shape[0]):
        gain = prior / (prior + r)
        for j in range(X.shape[1]):
            mean[j] += gain * (X[t, j] - mean[j])
            out[t, j] = mean[j]
        prior = (1.0 - gain) * prior + q
    return prior


@kernel
def lds_smooth(
    X: NDArray[Any],
    mean: NDArray[Any],
    v0: float,
    q: float,
    r: float,
    variances: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Mean of the state of each window given all windows (Rauch, Tung and Striebel).

    Parameters
    ----------
    X : ndarray of shape (n, d), float64
        What is seen.
    mean : ndarray of shape (d,), float64
        Mean of the first state before anything is seen; used as working space.
    v0 : float
        Variance of the first state before anything is seen.
    q, r : float
        Variances of the walk's step and of the noise.
    variances : ndarray of shape (n,), float64
        Working space: filtered variances.
    out : ndarray of shape (n, d), float64
        Out: the smoothed means.
    """
    prior = v0
    for t in range(X.shape[0]):
        gain = prior / (prior + r)
        for j in range(X.shape[1]):
            mean[j] += gain * (X[t, j] - mean[j])
            out[t, j] = mean[j]
        variances[t] = (1.0 - gain) * prior
        prior = variances[t] + q
    for t in range(X.shape[0] - 2, -1, -1):
        back = variances[t] / (variances[t] + q)
        for j in range(X.shape[1]):
            out[t, j] += back * (out[t + 1, j] - out[t, j])
