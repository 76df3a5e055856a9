"""Principal component pursuit: split a matrix into a low-rank and a sparse part (robust PCA).

Minimises |L|_* + lam |S|_1 subject to L + S = D, with |L|_* the sum of singular values and |S|_1
the sum of absolute entries. The augmented Lagrangian with multiplier Y and penalty mu is minimised
over L (shrink the singular values of D - S + Y/mu by 1/mu), then over S (shrink the entries of
D - L + Y/mu by lam/mu), and Y grows by mu (D - L - S). With R = S + Y/mu as the only state,

    C = clip(R, -lam/mu, lam/mu),    S = R - C,    Y = mu C,
    L = shrink(D - S + C, 1/mu),     R <- R + 1.8 (D - L - S),

where 1 instead of 1.8 would be the plain step; any factor below 2 converges (Eckstein and Bertsekas
1992). mu stays fixed: the usual schedule, which multiplies it by 1.5 in each step, soon freezes L
and S where they are (see docs/methods/robust-pca.md).
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from ..._threads import one_thread
from ...errors import InputError, TransferWarning

Floats = NDArray[np.float64]

_OVERRELAXATION = 1.8


class Pursuit(NamedTuple):
    """What principal component pursuit found.

    Attributes
    ----------
    low_rank, sparse : ndarray of shape (n_rows, n_columns)
        They sum to the matrix up to `residual`.
    components : ndarray of shape (rank, n_columns)
        Right singular vectors of the low-rank part.
    singular_values : ndarray of shape (rank,)
        Of the low-rank part, largest first.
    n_iter : int
    residual : float
        |D - L - S| / |D|, Frobenius norms.
    gap : float
        (objective - lower bound) / objective, where the objective is that of D - S and S, and the
        bound is the dual problem's at Y: how far from the optimum the result can be at most.
    lam : float
        The weight that was used.
    """

    low_rank: Floats
    sparse: Floats
    components: Floats
    singular_values: Floats
    n_iter: int
    residual: float
    gap: float
    lam: float


def pursue(
    D: ArrayLike, lam: float | None = None, *, tol: float = 1e-6, max_iter: int = 2000
) -> Pursuit:
    """Split a matrix into a low-rank and a sparse part.

    Parameters
    ----------
    D : array-like of shape (n_rows, n_columns)
        Not centred here.
    lam : float, optional
        Weight of the sparse part; None means 1 / sqrt(max(n_rows, n_columns)).
    tol : float
        Ends when both |D - L - S| / |D| and the last change of S, as mu |S - S_before| / |Y|, are
        below it.
    max_iter : int

    Returns
    -------
    Pursuit

    Raises
    ------
    InputError
        When D is not a matrix of finite numbers, or a parameter is not positive.

    Warns
    -----
    TransferWarning
        When the steps did not suffice; the last estimate is given.

    Notes
    -----
    mu = n_rows n_columns / (8 |D|_1), so that the result scales with D; Candes et al. take twice
    that. Standardised features of EEG take 40 to 70 steps to 1e-5. A step is as long as the typical
    entry: parts that are orders of magnitude smaller than that (noise of 1e-3 below a strong
    background) take thousands.

    Singular vectors come from the Gram matrix of the shorter side, so that a step costs about
    4 n_rows n_columns^2 for tall matrices; some seven matrices of the size of D are held. What the
    Gram matrix loses of a singular value s near 1/mu is of the order of eps s_max^2 / s, far below
    any `tol` in use.

    References
    ----------
    Candes, Li, Ma, Wright, "Robust principal component analysis?", Journal of the ACM 58(3), 2011.
    Lin, Chen, Ma, "The augmented Lagrange multiplier method for exact recovery of corrupted
    low-rank matrices", arXiv 1009.5055, 2010.
    Eckstein, Bertsekas, "On the Douglas-Rachford splitting method and the proximal point algorithm
    for maximal monotone operators", Mathematical Programming 55, 1992.

    Examples
    --------
    >>> background = np.outer(np.arange(1.0, 21.0), np.ones(20))
    >>> D = background.copy()
    >>> D[3, 5] += 100
    >>> found = pursue(D)
    >>> len(found.singular_values), np.flatnonzero(np.abs(found.sparse) > 1e-3).tolist()
    (1, [65])
    """
    matrix = _check(D, lam, tol, max_iter)
    weight = 1 / np.sqrt(max(matrix.shape)) if lam is None else float(lam)
    scale = float(np.abs(matrix).max())
    if scale == 0:
        zero = np.zeros(matrix.shape)
        nothing = np.zeros((0, matrix.shape[1]))
        return Pursuit(zero, zero.copy(), nothing, np.zeros(0), 0, 0.0, 0.0, weight)
    tall = matrix.shape[0] >= matrix.shape[1]
    # matrices of a few hundred columns are too small for several threads: up to ten times as long
    with one_thread():
        # a copy, and free of under- and overflow in squares
        found = _pursue_tall((matrix if tall else matrix.T) / scale, weight, tol, max_iter)
    low_rank, sparse, vectors, values, n_iter, residual, gap = found
    if not tall:
        vectors = low_rank @ vectors / values
        low_rank, sparse = low_rank.T, sparse.T
    if n_iter > max_iter:
        warnings.warn(
            f"principal component pursuit of {matrix.shape[0]} x {matrix.shape[1]} values is not "
            f"at tol={tol:g} after max_iter={max_iter} steps: residual {residual:.1e}, duality gap "
            f"{gap:.1e}. Raise max_iter, or look for values far out of scale.",
            TransferWarning,
            stacklevel=2,
        )
    return Pursuit(
        np.multiply(low_rank, scale, order="C"),
        np.multiply(sparse, scale, order="C"),
        np.ascontiguousarray(vectors.T),
        values * scale,
        min(n_iter, max_iter),
        residual,
        gap,
        weight,
    )


def _pursue_tall(
    D: Floats, lam: float, tol: float, max_iter: int
) -> tuple[Floats, Floats, Floats, Floats, int, float, float]:
    """Split a matrix with at least as many rows as columns; n_iter > max_iter: not converged."""
    mu = D.size / (8 * float(np.abs(D).sum()))
    size = float(np.linalg.norm(D))
    bound = lam / mu
    R = np.zeros(D.shape)
    S = np.zeros(D.shape)
    for n_iter in range(1, max_iter + 2):
        C = np.clip(R, -bound, bound)
        S, S_before = R - C, S
        A = D - S
        A += C
        L, vectors, values = _shrink_singular_values(A, 1 / mu)
        np.subtract(D, L, out=A)
        A -= S
        residual = float(np.linalg.norm(A)) / size
        S_before -= S
        length = float(np.linalg.norm(C))
        change = float(np.linalg.norm(S_before)) / length if length else np.inf
        if n_iter > max_iter or (residual < tol and change < tol):
            break
        A *= _OVERRELAXATION
        R += A
    C *= mu
    return L, S, vectors, values, n_iter, residual, _duality_gap(D, S, C, lam)


def _shrink_singular_values(A: Floats, threshold: float) -> tuple[Floats, Floats, Floats]:
    """Shrink the singular values of a tall matrix; give right vectors and values, largest first."""
    squares, V = linalg.eigh(A.T @ A, driver="evd", check_finite=False)
    values = np.sqrt(np.maximum(squares, 0.0))[::-1]
    rank = int(np.count_nonzero(values > threshold))
    V, values = V[:, ::-1][:, :rank], values[:rank]
    weighted = V * (1 - threshold / values)
    # through the vectors, or through the n x n matrix, whatever takes fewer products
    L = A @ (weighted @ V.T) if 2 * rank > A.shape[1] else (A @ weighted) @ V.T
    return L, V, values - threshold


def _duality_gap(D: Floats, S: Floats, Y: Floats, lam: float) -> float:
    """Give (objective at D - S and S minus dual objective at Y) / objective."""
    spectrum = linalg.svdvals(np.linalg.qr(D - S, mode="r"))
    objective = float(spectrum.sum() + lam * np.abs(S).sum())
    # the entries of Y are within lam already
    largest = float(np.sqrt(np.maximum(linalg.eigvalsh(Y.T @ Y)[-1], 0.0)))
    return (objective - float(np.vdot(D, Y)) / max(1.0, largest)) / objective


def _check(D: ArrayLike, lam: float | None, tol: float, max_iter: int) -> Floats:
    matrix = np.asarray(D, dtype=np.float64)
    if matrix.ndim != 2 or matrix.size == 0:
        raise InputError(
            f"principal component pursuit takes a matrix; got an array of shape {matrix.shape}."
        )
    if not np.isfinite(matrix).all():
        raise InputError(
            f"{np.count_nonzero(~np.isfinite(matrix))} of {matrix.size} values are not finite; "
            "drop or fill their rows."
        )
    if lam is not None and not 0 < lam < np.inf:
        raise InputError(f"lam must be a positive number or None; got {lam!r}.")
    if not 0 < tol < 1:
        raise InputError(f"tol must lie between 0 and 1; got {tol!r}.")
    if not isinstance(max_iter, int | np.integer) or max_iter < 1:
        raise InputError(f"max_iter must be a positive integer; got {max_iter!r}.")
    return matrix
