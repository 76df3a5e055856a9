"""The two eigenproblems behind TCA and kernel PCA, for linear and for Gaussian kernels.

Notation: K kernel matrix of the n pooled rows, H = I - 11'/n, L = ee' with e = 1/n_s on source
rows and -1/n_t on target rows, B = KLK + mu I. TCA asks for the largest eigenvalues of

    KHK w = lambda B w,                                   (Pan et al. 2011)

kernel PCA for those of HKH w = lambda w. KLK = qq' with q = Ke has rank one, hence in closed form

    B^-1/2 = mu^-1/2 (I - uu') + (mu + |q|^2)^-1/2 uu',   u = q / |q|,

so that no n x n matrix but K itself is formed, and B is never inverted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ..errors import InputError

Floats = NDArray[np.float64]

#: Residual |Aw - lBw| / (|Aw| + |l||Bw|) that the iterative solver must reach.
TOLERANCE = 1e-9
#: tr(KLK) below this share of tr(KHK) counts as no gap between the domains.
GAP_FLOOR = 1e-6
#: At most this many rows are solved densely, where that is faster than iterating.
DENSE_ROWS = 600
#: At most this many are, where iterating does not converge (about 20 s and 1 GB).
DENSE_FALLBACK_ROWS = 4500
#: Columns of a block of the Krylov space; wide enough for fast matrix products.
BLOCK = 16


@dataclass(frozen=True)
class Solution:
    """Eigenvectors with the figures that tell how good they are.

    Attributes
    ----------
    vectors : ndarray of shape (n, m)
        Each gives the projection on a unit vector of the kernel's feature space; n is the
        number of features (linear) or of rows.
    eigenvalues : ndarray of shape (m,)
    variances : ndarray of shape (m,)
        Of the components over the pooled rows.
    residual : float
        Largest relative residual over the m pairs.
    mu : float
        The regulariser that was used; 0 for kernel PCA.
    equal_means : bool
        Whether both domains have (nearly) the same mean, tr(KLK) <= 1e-6 tr(KHK).
    """

    vectors: Floats
    eigenvalues: Floats
    variances: Floats
    residual: float
    mu: float = 0.0
    equal_means: bool = False


def effective_mu(mu: float, mu_scale: str, gap: float, variance: float) -> float:
    """Scale the regulariser by the problem, or take it as given.

    Parameters
    ----------
    mu : float
        Positive.
    mu_scale : {"trace", "absolute"}
        ``"trace"`` multiplies mu by max(tr(KLK)/n, 1e-6 tr(KHK)/n); the floor is needed where
        both domains have equal means and KLK vanishes.
    gap, variance : float
        tr(KLK)/n and tr(KHK)/n.

    Returns
    -------
    float

    Raises
    ------
    InputError
        When mu is not positive, the scale is unknown, or the rows do not vary at all.

    Examples
    --------
    >>> effective_mu(0.1, "trace", 2.0, 1.0), effective_mu(0.1, "absolute", 2.0, 1.0)
    (0.2, 0.1)
    """
    if not (np.isfinite(mu) and mu > 0):
        raise InputError(f"mu must be a positive number; got {mu!r}.")
    if mu_scale == "absolute":
        return float(mu)
    if mu_scale != "trace":
        raise InputError(f"mu_scale must be 'trace' or 'absolute'; got {mu_scale!r}.")
    return float(mu * max(gap, GAP_FLOOR * variance))


def linear_tca(
    second: Floats, mean: Floats, gap: Floats, n: float, m: int, mu: float, mu_scale: str
) -> Solution:
    """Solve TCA with the linear kernel through d x d matrices; equals the n x n problem.

    With K = XX' and a = X'w, the minimum-norm w of a given a has |w|^2 = a'G^+a, G = X'X, so
    KHK w = lambda (KLK + mu I) w turns into S a = lambda (gap gap' + mu G^+) a with S = X'HX.
    In b with a = G^1/2 b the right side is mu I plus rank one.

    Parameters
    ----------
    second : ndarray of shape (d, d)
        G = X'X of the pooled rows (not centred).
    mean : ndarray of shape (d,)
        Mean of the pooled rows.
    gap : ndarray of shape (d,)
        Mean of the source rows minus mean of the target rows.
    n : float
        Number of pooled rows.
    m : int
        Number of components; the rank of S bounds it.
    mu, mu_scale
        See `effective_mu`.

    Returns
    -------
    Solution
        ``vectors`` are the d x m directions a.

    Notes
    -----
    Time O(d^3), memory O(d^2).
    """
    spread = second - n * np.outer(mean, mean)
    gap_trace = float(gap @ second @ gap) / n
    variance_trace = float(np.einsum("ij,ij->", spread, second)) / n
    mu = effective_mu(mu, mu_scale, gap_trace, variance_trace)
    values, vectors = linalg.eigh(second)
    keep = values > max(len(second), 10) * np.finfo(np.float64).eps * values[-1]
    roots = vectors[:, keep] * np.sqrt(values[keep])  # G^1/2 on the range of G
    q = roots.T @ gap
    left = roots.T @ spread @ roots
    b, eigenvalues = _whitened_pairs(left, q, mu, m)
    b = _mend(b, left @ b, q, mu, eigenvalues)
    residual = _largest_residual(left @ b, mu * b + np.outer(q, q @ b), eigenvalues)
    vectors = roots @ b
    vectors = _fix_signs(vectors / linalg.norm(vectors, axis=0))
    variances = np.einsum("dm,dm->m", vectors, spread @ vectors) / n
    return Solution(
        vectors, eigenvalues, variances, residual, mu, gap_trace <= GAP_FLOOR * variance_trace
    )


def linear_pca(spread: Floats, n: float, m: int) -> Solution:
    """Solve kernel PCA with the linear kernel: principal directions of the pooled rows.

    Parameters
    ----------
    spread : ndarray of shape (d, d)
        S = X'HX.
    n : float
        Number of rows.
    m : int
        Number of components; the rank of S bounds it.

    Returns
    -------
    Solution
        ``vectors`` are the d x m directions.
    """
    d = len(spread)
    first = max(d - m, 0)
    values, vectors = linalg.eigh(spread, subset_by_index=(first, d - 1))
    keep = values > max(d, 10) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    values, vectors = values[keep][::-1], vectors[:, keep][:, ::-1]
    residual = _largest_residual(spread @ vectors, vectors, values)
    return Solution(_fix_signs(vectors), values, values / n, residual)


def gram_tca(K: Floats, e: Floats, m: int, mu: float, mu_scale: str) -> Solution:
    """Solve TCA on a kernel matrix.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel matrix of the pooled rows.
    e : ndarray of shape (n,)
        1/n_s on source rows, -1/n_t on target rows.
    m : int
        Number of components.
    mu, mu_scale
        See `effective_mu`.

    Returns
    -------
    Solution
        ``vectors`` are the n x m weights w; the scores of the rows are K w.

    Notes
    -----
    Up to 600 rows densely; beyond, by a block Krylov space of K that starts from 1, e and random
    vectors, and Rayleigh-Ritz on the TCA problem itself inside it. Time about 10 m n^2, memory
    n^2 + 20 m n.
    """
    n = len(K)
    q = K @ e
    norm = float(np.einsum("ij,ij->", K, K) - np.square(K.sum(axis=0)).sum() / n)
    equal_means = bool(q @ q <= GAP_FLOOR * norm)
    mu = effective_mu(mu, mu_scale, float(q @ q) / n, norm / n)

    def ritz(V: Floats, P: Floats) -> tuple[Floats, Floats, float]:
        HP = P - P.mean(axis=0)
        c, eigenvalues = _whitened_pairs(HP.T @ HP, V.T @ q, mu, m)
        Aw = ((HP @ c).T @ K).T
        w = _mend(V @ c, Aw, q, mu, eigenvalues)
        residual = _largest_residual(Aw, mu * w + np.outer(q, q @ w), eigenvalues)
        return w, eigenvalues, residual

    if n <= DENSE_ROWS:
        w, eigenvalues, residual = ritz(np.eye(n), K)
    else:
        start = np.column_stack([np.ones(n), e])
        w, eigenvalues, residual = _krylov(lambda V: (V.T @ K).T, start, n, m, ritz)
    scores = K @ w
    length = np.sqrt(np.einsum("im,im->m", w, scores))  # of the direction in feature space
    variances = scores.var(axis=0) / length**2
    return Solution(_fix_signs(w / length), eigenvalues, variances, residual, mu, equal_means)


def gram_pca(K: Floats, m: int) -> Solution:
    """Solve kernel PCA on a kernel matrix.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel matrix, not centred.
    m : int
        Number of components.

    Returns
    -------
    Solution
        ``vectors`` are the n x m weights; the centred scores of the rows are HK w.
    """
    n = len(K)

    def centred(V: Floats) -> Floats:
        P = ((V - V.mean(axis=0)).T @ K).T
        return P - P.mean(axis=0)

    def ritz(V: Floats, P: Floats) -> tuple[Floats, Floats, float]:
        small = V.T @ P
        values, c = linalg.eigh((small + small.T) / 2)
        values, c = values[::-1][:m], c[:, ::-1][:, :m]
        keep = values > n * np.finfo(np.float64).eps * max(values[0], 0.0)
        w = V @ c[:, keep]
        return w, values[keep], _largest_residual(P @ c[:, keep], w, values[keep])

    if n <= DENSE_ROWS:
        w, eigenvalues, residual = ritz(np.eye(n), centred(np.eye(n)))
    else:
        w, eigenvalues, residual = _krylov(centred, np.empty((n, 0)), n, m, ritz)
    w = w - w.mean(axis=0)
    return Solution(_fix_signs(w / np.sqrt(eigenvalues)), eigenvalues, eigenvalues / n, residual)


def _whitened_pairs(left: Floats, q: Floats, mu: float, m: int) -> tuple[Floats, Floats]:
    """Largest eigenpairs of left b = lambda (mu I + qq') b, by the closed form of B^-1/2."""
    size = linalg.norm(q)
    u = q / size if size > 0 else q
    keep_u = np.sqrt(mu / (mu + size**2))  # B^-1/2 = mu^-1/2 (I + (keep_u - 1) uu')

    def root(A: Floats) -> Floats:
        return A + np.outer(u, (keep_u - 1) * (u @ A))

    inner = root(root(left).T)
    p = len(left)
    values, vectors = linalg.eigh((inner + inner.T) / 2, subset_by_index=(max(p - m, 0), p - 1))
    keep = values > max(p, 10) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    values, vectors = values[keep][::-1], vectors[:, keep][:, ::-1]
    return root(vectors), values / mu


def _mend(w: Floats, Aw: Floats, q: Floats, mu: float, eigenvalues: Floats) -> Floats:
    """Set q'w to q'Aw / (lambda (mu + |q|^2)), which solves the equation along q exactly.

    For small mu it is tiny against |q||w|, and B magnifies what rounding left there; for larger
    mu the correction would bring more rounding than it removes.
    """
    square = q @ q
    if square <= 1e6 * mu:
        return w
    along = (q @ Aw) / (eigenvalues * (mu + square))
    return w + np.outer(q, (along - q @ w) / square)


def _krylov(
    apply: Callable[[Floats], Floats],
    start: Floats,
    n: int,
    m: int,
    ritz: Callable[[Floats, Floats], tuple[Floats, Floats, float]],
) -> tuple[Floats, Floats, float]:
    """Grow a block Krylov space until the Ritz pairs reach the tolerance.

    The space is kept whole, without restarts: spectra of kernel matrices of real rows fall
    fast, so that some 8 m columns do. Where they do not, the problem is solved densely.
    """
    limit = min(n, max(40 * BLOCK, 12 * m))
    V, P = np.empty((n, limit), order="F"), np.empty((n, limit), order="F")
    fresh = np.column_stack([start, np.random.default_rng(0).standard_normal((n, BLOCK))])
    p, check_at = 0, min(limit, 5 * m + BLOCK)
    while p < limit:
        Q = _orthonormal(fresh, V[:, :p])[:, : limit - p]
        if Q.shape[1] == 0:  # the space is invariant: nothing is left to find in it
            return ritz(V[:, :p], P[:, :p])
        end = p + Q.shape[1]
        V[:, p:end] = Q
        P[:, p:end] = apply(Q)
        fresh, p = P[:, p:end], end
        if p >= check_at:
            found = ritz(V[:, :p], P[:, :p])
            if found[2] <= TOLERANCE:
                return found
            check_at = min(limit, max(p + 2 * BLOCK, int(1.2 * p)))
    if n > DENSE_FALLBACK_ROWS:
        raise InputError(
            f"the eigen-solver reached a residual of {found[2]:.1e} instead of {TOLERANCE:.0e} "
            f"in a space of {p} vectors for {n} rows: the spectrum of the kernel matrix is too "
            "flat. Use fewer components, a wider kernel (smaller gamma), or n_landmarks."
        )
    return ritz(np.eye(n), apply(np.eye(n)))


def _orthonormal(fresh: Floats, V: Floats) -> Floats:
    """Orthonormalise new columns against V and among themselves, dropping dependent ones.

    Twice through the eigenvectors of the small Gram matrix, which costs matrix products only.
    """
    norms = linalg.norm(fresh, axis=0)
    fresh = fresh[:, norms > 0] / norms[norms > 0]
    for _ in range(2):  # twice is enough (Parlett 1998, section 6.9)
        fresh = fresh - V @ (V.T @ fresh)
        values, vectors = linalg.eigh(fresh.T @ fresh)
        keep = values > 1e-14  # below, the direction is rounding of what V holds already
        fresh = fresh @ (vectors[:, keep] / np.sqrt(values[keep]))
    return fresh


def _largest_residual(Aw: Floats, Bw: Floats, eigenvalues: Floats) -> float:
    if not len(eigenvalues):
        return 0.0
    error = linalg.norm(Aw - Bw * eigenvalues, axis=0)
    size = linalg.norm(Aw, axis=0) + np.abs(eigenvalues) * linalg.norm(Bw, axis=0)
    return float(np.max(error / size))


def _fix_signs(vectors: Floats) -> Floats:
    """Make the largest entry of each column positive."""
    if not vectors.size:
        return vectors
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    return vectors * np.where(largest < 0, -1.0, 1.0)
