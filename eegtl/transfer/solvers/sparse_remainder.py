"""What a known background leaves of single rows: the sparse part of principal component pursuit.

With the row space of the low-rank part given, by its right singular vectors V (n x r) and singular
values s, the pursuit falls apart into one convex problem for each row z,

    min_a  sum_k a_k^2 / (2 s_k) + lam |z - V a|_1,

because the nuclear norm is |A|_* = min_W tr(A W^-1 A') / 2 + tr(W) / 2 over positive definite W,
with the minimum at W = (A'A)^(1/2), which is diag(s) for the coordinates A of the low-rank part.
So the rows that were decomposed get their own sparse part again, and a new row one that depends on
nothing but itself.

Solved is the dual problem, min_y y'Gy / 2 - z'y with |y_j| <= lam and G = V diag(s) V'; the sparse
part is z - Gy, and it is unique, even where y is not.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import TransferWarning
from ...kernels._compile import kernel

Floats = NDArray[np.float64]

#: Conditions of optimality hold to this, relative to the row's largest entry.
_TOLERANCE = 1e-9
#: Sweeps of coordinate descent before each search for the exact solution, and how many searches.
_SWEEPS = 30
_MAX_ROUNDS = 200
#: A coordinate counts as a combination of others below this share of its diagonal entry.
_PIVOT = 1e-11


def sparse_remainder(Z: Floats, components: Floats, strengths: Floats, lam: float) -> Floats:
    """Give the part of each row that a low-rank background does not explain.

    Parameters
    ----------
    Z : ndarray of shape (n_rows, n_features)
        Rows, centred as the decomposed rows were.
    components : ndarray of shape (rank, n_features)
        Right singular vectors of the low-rank part.
    strengths : ndarray of shape (rank,)
        Its singular values.
    lam : float
        Weight of the sparse part in the pursuit.

    Returns
    -------
    ndarray of shape (n_rows, n_features)

    Notes
    -----
    Each row is solved by itself, to the exact active set: its result is the same to the last bit
    whatever rows come with it. Coordinate descent finds which entries of y are within their bounds
    (there the sparse part is 0), Newton steps on these finish. Time about 1 ms a row at 310
    features and rank 145; memory n_features^2 besides the result.

    Examples
    --------
    >>> background = np.array([[0.6, 0.8, 0.0]])  # what moves the first two features together
    >>> rows = np.array([[3.0, 4.0, 0.0], [3.0, 4.0, 5.0]])
    >>> sparse_remainder(rows, background, np.array([50.0]), 0.5).round(1).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 5.0]]
    """
    out = np.empty(Z.shape)
    G = np.ascontiguousarray((components.T * strengths) @ components)
    rows = np.ascontiguousarray(Z, dtype=np.float64)
    open_rows = _separate_rows(rows, G, float(lam), _MAX_ROUNDS, out)
    if open_rows:
        warnings.warn(
            f"the sparse part of {open_rows} of {len(Z)} rows was not found to {_TOLERANCE:g} of "
            f"their largest entry in {_MAX_ROUNDS} rounds; the last estimate is used. Check the "
            "features for values far out of scale.",
            TransferWarning,
            stacklevel=2,
        )
    return out


@kernel
def _move(G: NDArray[Any], y: NDArray[Any], s: NDArray[Any], j: int, value: float) -> None:
    """Set y[j], and keep s = z - Gy."""
    change = value - y[j]
    if change != 0.0:
        y[j] = value
        row = G[j]
        for k in range(len(s)):
            s[k] -= change * row[k]


@kernel
def _refresh(z: NDArray[Any], G: NDArray[Any], y: NDArray[Any], s: NDArray[Any]) -> None:
    """Form s = z - Gy anew, without the rounding of many small moves."""
    for k in range(len(s)):
        s[k] = z[k]
    for j in range(len(y)):
        c = y[j]
        if c != 0.0:
            row = G[j]
            for k in range(len(s)):
                s[k] -= c * row[k]


@kernel
def _objective(z: NDArray[Any], y: NDArray[Any], s: NDArray[Any]) -> float:
    """Give y'Gy / 2 - z'y = -y'(z + s) / 2."""
    total = 0.0
    for k in range(len(y)):
        total += y[k] * (z[k] + s[k])
    return -0.5 * total


@kernel
def _factor(G: NDArray[Any], free: NDArray[Any], f: int, A: NDArray[Any]) -> None:
    """Upper Cholesky factor of G[free, free]; 0 on the diagonal where a row depends on others."""
    for a in range(f):
        row = G[free[a]]
        for b in range(a, f):
            A[a, b] = row[free[b]]
    for a in range(f):
        if A[a, a] <= _PIVOT * G[free[a], free[a]]:
            A[a, a] = 0.0
            continue
        root = np.sqrt(A[a, a])
        for b in range(a, f):
            A[a, b] /= root
        for b in range(a + 1, f):
            c = A[a, b]
            if c != 0.0:
                for k in range(b, f):
                    A[b, k] -= c * A[a, k]


@kernel
def _solve(A: NDArray[Any], f: int, d: NDArray[Any]) -> None:
    """Solve with the factor in place; dependent rows get 0."""
    for a in range(f):
        if A[a, a] == 0.0:
            d[a] = 0.0
            continue
        d[a] /= A[a, a]
        for b in range(a + 1, f):
            d[b] -= d[a] * A[a, b]
    for a in range(f - 1, -1, -1):
        if A[a, a] != 0.0:
            t = d[a]
            for b in range(a + 1, f):
                t -= A[a, b] * d[b]
            d[a] = t / A[a, a]


@kernel
def _go(
    G: NDArray[Any],
    lam: float,
    y: NDArray[Any],
    s: NDArray[Any],
    free: NDArray[Any],
    f: int,
    d: NDArray[Any],
    longest: float,
) -> None:
    """Go along d until the first bound, at most `longest`."""
    t = longest
    hit = -1
    for a in range(f):
        if d[a] != 0.0:
            room = (lam - y[free[a]]) / d[a] if d[a] > 0.0 else (-lam - y[free[a]]) / d[a]
            if room < t:
                t = room
                hit = a
    for a in range(f):
        value = y[free[a]] + t * d[a]
        if a == hit:
            value = lam if d[a] > 0.0 else -lam
        _move(G, y, s, free[a], min(max(value, -lam), lam))


@kernel
def _finish_face(
    z: NDArray[Any],
    G: NDArray[Any],
    lam: float,
    small: float,
    y: NDArray[Any],
    s: NDArray[Any],
    free: NDArray[Any],
    A: NDArray[Any],
    work: NDArray[Any],
) -> None:
    """Minimise over the entries of y within their bounds; some reach a bound on the way."""
    n = len(y)
    d, y_new, s_new = work[0], work[1], work[2]
    for _ in range(4 * n):
        f = 0
        for j in range(n):
            if abs(y[j]) < lam and G[j, j] > 0.0:
                free[f] = j
                f += 1
        _factor(G, free, f, A)
        for a in range(f):
            d[a] = s[free[a]]
        _solve(A, f, d)
        for k in range(n):
            y_new[k] = y[k]
            s_new[k] = s[k]
        clipped = False
        for a in range(f):
            value = y[free[a]] + d[a]
            if abs(value) >= lam:
                value = lam if value > 0.0 else -lam
                clipped = True
            _move(G, y_new, s_new, free[a], value)
        # a step that several bounds cut off may lead uphill; the one up to the first cannot
        if clipped and _objective(z, y_new, s_new) >= _objective(z, y, s):
            _go(G, lam, y, s, free, f, d, 1.0)
            continue
        for k in range(n):
            y[k] = y_new[k]
            s[k] = s_new[k]
        if clipped:
            continue
        # what depends on others has no curvature of its own: go until something reaches a bound
        worst = small
        dependent = -1
        for a in range(f):
            if A[a, a] == 0.0 and abs(s[free[a]]) > worst:
                worst = abs(s[free[a]])
                dependent = a
        if dependent < 0:
            return
        sign = 1.0 if s[free[dependent]] > 0.0 else -1.0
        for a in range(f):
            d[a] = -sign * G[free[dependent], free[a]]
        _solve(A, f, d)
        d[dependent] = sign
        _go(G, lam, y, s, free, f, d, np.inf)


@kernel
def _worst(G: NDArray[Any], lam: float, y: NDArray[Any], s: NDArray[Any]) -> float:
    """Give by how much the conditions of optimality fail."""
    worst = 0.0
    for j in range(len(y)):
        if G[j, j] > 0.0:
            failure = -s[j] if y[j] >= lam else s[j] if y[j] <= -lam else abs(s[j])
            worst = max(worst, failure)
    return worst


@kernel
def _separate_rows(
    Z: NDArray[Any], G: NDArray[Any], lam: float, max_rounds: int, out: NDArray[Any]
) -> int:
    """Write the sparse part of each row; give how many were not finished."""
    m, n = Z.shape
    y = np.empty(n)
    s = np.empty(n)
    free = np.empty(n, np.int64)
    A = np.empty((n, n))
    work = np.empty((3, n))
    open_rows = 0
    for i in range(m):
        z = Z[i]
        largest = 0.0
        for j in range(n):
            y[j] = 0.0
            s[j] = z[j]
            largest = max(largest, abs(z[j]))
        small = _TOLERANCE * largest
        done = False
        for _ in range(max_rounds):
            for _ in range(_SWEEPS):
                for j in range(n):
                    if G[j, j] > 0.0:
                        _move(G, y, s, j, min(max(y[j] + s[j] / G[j, j], -lam), lam))
            _refresh(z, G, y, s)
            _finish_face(z, G, lam, small, y, s, free, A, work)
            _refresh(z, G, y, s)
            if _worst(G, lam, y, s) <= small:
                done = True
                break
        if not done:
            open_rows += 1
        for j in range(n):
            out[i, j] = s[j]
    return open_rows
