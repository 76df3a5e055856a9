"""Support vector regression with several outputs and one insensitive ball.

All outputs of a point share one loss, a function of the length of its residual, so that a point
is a support vector of all outputs or of none.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import TransferWarning

Floats = NDArray[np.float64]

_MAX_STEPS = 200
#: Largest change of a fitted value, relative to the longest output, that counts as none.
_TOLERANCE = 1e-11


@dataclass(frozen=True)
class Regression:
    """A fitted regression.

    Attributes
    ----------
    coefficients : ndarray of shape (n, n)
        C of B = C Y: the prediction at a point with kernel values k is k'B.
    objective : float
        Value of what was minimised.
    """

    coefficients: Floats
    objective: float


def fit_multi_output_svr(K: Floats, Y: Floats, cost: float, epsilon: float) -> Regression:
    """Fit all outputs at once; residuals shorter than epsilon cost nothing.

    Minimises tr(B'KB) / 2 + cost sum_i max(0, u_i - epsilon)^2 with u_i = |Y_i - K_i B|.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Symmetric, positive semi-definite.
    Y : ndarray of shape (n, n_outputs)
        Not centred here; there is no intercept.
    cost : float
    epsilon : float
        0 makes it kernel ridge regression, (K + I / (2 cost)) B = Y.

    Returns
    -------
    Regression

    Notes
    -----
    At B the loss has the gradient of the quadratic sum_i a_i u_i^2 / 2 with
    a_i = 2 cost (u_i - epsilon) / u_i on the active points (u_i > epsilon) and 0 elsewhere. That
    quadratic is least where (K_AA + diag(1 / a)) B_A = Y_A and B is 0 elsewhere: the step of the
    reweighted least squares. It lies below the loss, whose curvature along the residual r_i is
    2 cost instead of a_i, so that these steps lead too far where u_i is close to epsilon and
    then take hundreds. The missing curvature has rank one in each active point; adding it
    makes the step Newton's and costs one more system of n equations (the derivation is in
    docs/methods/tpt.md). Each step ends at the lowest point of the objective on its way. The
    objective is convex, so that it never rises and the end does not depend on the start. Points
    enter through lengths only: the outputs are rotated to at most n dimensions first, and a step
    takes O(n^3) however many outputs there are.

    References
    ----------
    Sanchez-Fernandez, de-Prado-Cumplido, Arenas-Garcia, Perez-Cruz, "SVM multiregression for
    nonlinear channel estimation in multiple-input multiple-output systems", IEEE Transactions on
    Signal Processing 52(8), 2004 (reweighted least squares, there with an intercept).

    Examples
    --------
    >>> K, Y = np.eye(2), np.array([[3.0, 4.0], [0.0, 1.0]])
    >>> C = fit_multi_output_svr(K, Y, cost=0.5, epsilon=2.0).coefficients
    >>> (C @ Y).round(3).tolist()  # only the first is further than 2 from 0
    [[0.9, 1.2], [0.0, 0.0]]
    """
    n = len(K)
    L = np.asarray(np.linalg.qr(Y.T, mode="r")).T  # Y up to a rotation of the outputs
    longest = float(_lengths(L).max(initial=0.0))
    C = np.zeros((n, n))
    for _ in range(_MAX_STEPS):
        left = np.eye(n) - K @ C  # the residuals are left @ L
        step = _newton_step(K, L, C, left, cost, epsilon)
        along = K @ (step @ L)
        if np.abs(along).max(initial=0.0) <= _TOLERANCE * longest:
            break
        slope, square = float(np.sum((C @ L) * along)), float(np.sum((step @ L) * along))
        C = C + step * _line_minimum(left @ L, along, slope, square, cost, epsilon)
    else:
        warnings.warn(
            f"the multi-output regression did not settle in {_MAX_STEPS} steps; choose a smaller "
            "epsilon or a larger alpha.",
            TransferWarning,
            stacklevel=2,
        )
    B = C @ L
    loss = float(np.square(np.maximum(0.0, _lengths(L - K @ B) - epsilon)).sum())
    return Regression(C, float(np.sum(B * (K @ B))) / 2 + cost * loss)


def _lengths(rows: Floats) -> Floats:
    return np.sqrt(np.square(rows).sum(axis=1))


def _pull(lengths: Floats, cost: float, epsilon: float) -> Floats:
    """Give the weights a_i of the quadratic that has the loss's gradient."""
    if epsilon == 0:
        return np.full(len(lengths), 2 * cost)
    return 2 * cost * np.maximum(0.0, 1 - epsilon / np.maximum(lengths, 1e-300))


def _newton_step(
    K: Floats, L: Floats, C: Floats, left: Floats, cost: float, epsilon: float
) -> Floats:
    """Give the change of C to the minimum of the second-order model."""
    lengths = _lengths(left @ L)
    pull = _pull(lengths, cost, epsilon)
    # (I + aK)^-1 = I - root M root K with M = (I + root K root)^-1: no division by a weight
    # that is nearly 0
    root = np.sqrt(pull)
    scaled = root[:, None] * np.linalg.inv(root[:, None] * K * root + np.eye(len(K))) * root
    inverse = np.eye(len(K)) - scaled @ K
    descent = inverse @ (pull[:, None] * left - C)  # to where reweighted least squares would go
    active = pull > 0
    if epsilon == 0 or not active.any():
        return descent
    units = np.where(active, 1 / np.maximum(lengths, 1e-300), 0.0)[:, None] * left
    bend = np.where(active, 2 * cost - pull, 0.0)  # curvature that the quadratic lacks
    directions = units @ L
    reach = (K @ inverse) * (directions @ directions.T)
    shift = np.sum(directions * (K @ (descent @ L)), axis=1)
    along = np.linalg.solve(np.eye(len(K)) + reach * bend, shift)
    return descent - inverse @ ((bend * along)[:, None] * units)


def _line_minimum(
    residual: Floats, along: Floats, slope: float, square: float, cost: float, epsilon: float
) -> float:
    """Minimise the objective at B + t (the step) over 0 <= t <= 1; its derivative rises."""

    def derivative(t: float) -> float:
        moved = residual - t * along
        pull = _pull(_lengths(moved), cost, epsilon)
        return slope + t * square - float(np.sum(pull[:, None] * moved * along))

    if derivative(1.0) <= 0:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if derivative(middle) < 0 else (low, middle)
    return (low + high) / 2
