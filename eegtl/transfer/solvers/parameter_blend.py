"""Regress parameters on distributions, and say the result as weights of the known parameters.

A prediction is the mean of the known parameters plus k'B; as B is linear in them, it is a blend
of them with weights that sum to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from .multi_output_svr import fit_multi_output_svr

Floats = NDArray[np.float64]


def blend_response(K: Floats, theta: Floats, alpha: float, epsilon: float | None) -> Floats:
    """Regress parameters on distributions, as weights of the parameters that were given.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel between the distributions, with a diagonal of 1.
    theta : ndarray of shape (n, n_parameters)
        Read only where `epsilon` is given.
    alpha : float
    epsilon : float or None
        None means kernel ridge regression.

    Returns
    -------
    ndarray of shape (n, n)
        R: with similarities k the prediction is ``(1 / n + k @ R) @ theta``; its rows sum to 0.

    Notes
    -----
    With H = I - 11'/n the prediction is mean + k'B, B = C H theta and R = C H. For ridge regression
    C = (K + alpha I)^-1, whatever theta is.

    Examples
    --------
    >>> blend_response(np.eye(2), np.array([[0.0], [1.0]]), 1.0, None).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """
    if epsilon is None:
        C = _ridge_inverse(K, alpha)
    else:
        centred = theta - theta.mean(axis=0)
        scale = float(np.sqrt(np.mean(np.square(centred).sum(axis=1))))
        C = fit_multi_output_svr(K, centred, 1 / (2 * alpha), epsilon * scale).coefficients
    return C - C.mean(axis=1, keepdims=True)


def blend_left_out(K: Floats, theta: Floats, alpha: float, epsilon: float | None) -> Floats:
    """Predict each one's parameters from the others, as weights of the others' parameters.

    Parameters
    ----------
    K, theta, alpha, epsilon
        As in `blend_response`.

    Returns
    -------
    ndarray of shape (n, n)
        Row i holds the weights of the prediction for i: 0 for itself, and a sum of 1. NaN when
        there are no others.

    Notes
    -----
    Without i the mean m is another one, too. For ridge regression with G = (K + alpha I)^-1 the
    prediction is theta_i - ((G theta)_i - (G 1)_i m') / G_ii, m the mean of the others; no refit
    is needed.

    Examples
    --------
    >>> blend_left_out(np.eye(3), np.zeros((3, 1)), 1.0, None)[0].tolist()
    [0.0, 0.5, 0.5]
    """
    n = len(K)
    if n == 1:
        return np.full((1, 1), np.nan)
    others = (1 - np.eye(n)) / (n - 1)  # row i gives the mean without i
    if epsilon is None:
        G = _ridge_inverse(K, alpha)
        weights = np.eye(n) - (G - G.sum(axis=1)[:, None] * others) / np.diagonal(G)[:, None]
        np.fill_diagonal(weights, 0.0)  # it is, to rounding
        return weights
    for i in range(n):
        rest = np.flatnonzero(np.arange(n) != i)
        response = blend_response(K[np.ix_(rest, rest)], theta[rest], alpha, epsilon)
        others[i, rest] += K[i, rest] @ response
    return others


def _ridge_inverse(K: Floats, alpha: float) -> Floats:
    values, vectors = linalg.eigh(K)
    return (vectors / (np.maximum(values, 0.0) + alpha)) @ vectors.T
