"""The two eigenproblems behind TCA and kernel PCA, for linear and for Gaussian kernels.

Notation: K kernel matrix of the n pooled rows, H = I - 11'/n, L = ee' with e = 1/n_s on source
rows and -1/n_t on target rows, B = KLK + mu I. TCA asks for the largest eigenvalues of

    KHK w = lambda B w,                                   (Pan et al. 2011)

kernel PCA for those of HKH w = lambda w. KLK = qq' with q = Ke has rank one: in coordinates whose
first axis is along q, B is diagonal, with mu + |q|^2 once and mu else (so B^-1 is the
Sherman-Morrison form). No n x n matrix but K itself is formed, and none is inverted.

The same for any few columns in place of q is in `eegtl.transfer.solvers.column_pairs`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ...errors import InputError
from .column_pairs import definite_pairs
from .krylov import Pairs, largest_pairs, relative_residuals

Floats = NDArray[np.float64]

#: tr(KLK) below this share of tr(KHK) counts as no gap between the domains.
GAP_FLOOR = 1e-6


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
    keeps_all : bool
        Whether the directions span all in which the rows vary, so that none is left out.
    gap : ndarray of shape (m,) or (k, m), or None
        TCA: mean score of the source rows minus that of the target rows. MIDA and DICA: what is
        left of each of the k domains; see there.
    offset : ndarray of shape (m,), or empty
        Kernel matrices: mean score of the pooled rows, before centring.
    """

    vectors: Floats
    eigenvalues: Floats
    variances: Floats
    residual: float
    mu: float = 0.0
    equal_means: bool = False
    keeps_all: bool = False
    gap: Floats | None = None
    offset: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def relative_gap(self) -> float:
        """Length of the gap in units of the pooled rows' spread; NaN where there is none."""
        if self.gap is None:
            return float("nan")
        return float(np.linalg.norm(self.gap) / np.sqrt(self.variances.sum()))


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
    if not isinstance(mu, int | float | np.number) or not (np.isfinite(mu) and mu > 0):
        raise InputError(f"mu must be a positive number; got {mu!r}.")
    if mu_scale == "absolute":
        return float(mu)
    if mu_scale != "trace":
        raise InputError(f"mu_scale must be 'trace' or 'absolute'; got {mu_scale!r}.")
    scaled = float(mu * max(gap, GAP_FLOOR * variance))
    if not scaled > 0:
        raise InputError(
            f"the rows do not vary: tr(KLK)/n is {gap:g} and tr(KHK)/n is {variance:g}. Check "
            "the features."
        )
    return scaled


def linear_tca(
    spread: Floats, mean: Floats, gap: Floats, n: float, m: int, mu: float, mu_scale: str
) -> Solution:
    """Solve TCA with the linear kernel through d x d matrices; equals the n x n problem.

    With K = XX' and a = X'w, the minimum-norm w of a given a has |w|^2 = a'G^+a, G = X'X, so
    KHK w = lambda (KLK + mu I) w turns into S a = lambda (gap gap' + mu G^+) a with S = X'HX.
    In b with a = G^1/2 b the right side is mu I plus rank one.

    Parameters
    ----------
    spread : ndarray of shape (d, d)
        S = X'HX, the centred scatter of the pooled rows.
    mean : ndarray of shape (d,)
        Mean of the pooled rows.
    gap : ndarray of shape (d,)
        Mean of the source rows minus mean of the target rows.
    n : float
        Number of pooled rows.
    m : int
        Number of components; the rank of G bounds it.
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
    second = spread + n * np.outer(mean, mean)  # G
    gap_trace = float(gap @ second @ gap) / n
    variance_trace = float(np.einsum("ij,ij->", spread, second)) / n
    mu = effective_mu(mu, mu_scale, gap_trace, variance_trace)
    values, vectors = linalg.eigh(second)
    keep = values > max(len(second), 10) * np.finfo(np.float64).eps * values[-1]
    roots = vectors[:, keep] * np.sqrt(values[keep])  # G^1/2 on the range of G
    pairs = definite_pairs(roots.T @ spread @ roots, roots.T @ gap[:, None], mu, m).trusted()
    vectors = unit_columns(roots @ pairs.vectors)
    return Solution(
        vectors,
        pairs.eigenvalues,
        np.einsum("dm,dm->m", vectors, spread @ vectors) / n,
        float(pairs.residuals.max(initial=0.0)),
        mu,
        equal_means=gap_trace <= GAP_FLOOR * variance_trace,
        keeps_all=vectors.shape[1] == np.count_nonzero(keep),
        gap=gap @ vectors,
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
    residuals = relative_residuals(spread @ vectors, vectors, values)
    return Solution(fix_signs(vectors), values, values / n, float(residuals.max(initial=0.0)))


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
    A block Krylov space of K that starts from 1, e and random vectors, and Rayleigh-Ritz on the
    TCA problem itself inside it; see `eegtl.transfer.solvers.krylov`. Time about 10 m n^2, memory
    n^2 + 25 m n.
    """
    n = len(K)
    q = K @ e
    column_mean = K.mean(axis=0)
    norm = float(np.vdot(K, K) - n * column_mean @ column_mean)
    equal_means = bool(q @ q <= GAP_FLOOR * norm)
    mu = effective_mu(mu, mu_scale, float(q @ q) / n, norm / n)

    def ritz(V: Floats, P: Floats) -> Pairs:
        HP = P - P.mean(axis=0)
        small = definite_pairs(HP.T @ HP, V.T @ q[:, None], mu, m)
        Aw = ((HP @ small.vectors).T @ K).T
        w = _mend(V @ small.vectors, Aw, q, mu, small.eigenvalues)
        Bw = mu * w + np.outer(q, q @ w)
        return Pairs(w, small.eigenvalues, relative_residuals(Aw, Bw, small.eigenvalues))

    start = np.column_stack([np.ones(n), e])
    # V'K and not KV: K is symmetric, and this product is the faster one
    pairs = largest_pairs(lambda V: (V.T @ K).T, ritz, n, m, start)
    w = pairs.vectors
    scores = K @ w
    length = np.sqrt(np.einsum("im,im->m", w, scores))  # of the direction in feature space
    variances = scores.var(axis=0) / length**2
    vectors = fix_signs(w / length)
    return Solution(
        vectors,
        pairs.eigenvalues,
        variances,
        float(pairs.residuals.max(initial=0.0)),
        mu,
        equal_means=equal_means,
        gap=q @ vectors,
        offset=column_mean @ vectors,
    )


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

    def ritz(V: Floats, P: Floats) -> Pairs:
        small = V.T @ P
        values, c = linalg.eigh((small + small.T) / 2)
        values, c = values[::-1][:m], c[:, ::-1][:, :m]
        c = c[:, values > n * np.finfo(np.float64).eps * max(values[0], 0.0)]
        values = values[: c.shape[1]]
        w = V @ c
        return Pairs(w, values, relative_residuals(P @ c, w, values))

    pairs = largest_pairs(lambda V: centred_product(K, V), ritz, n, m, np.empty((n, 0)))
    w = pairs.vectors - pairs.vectors.mean(axis=0)
    values = pairs.eigenvalues
    residual = float(pairs.residuals.max(initial=0.0))
    vectors = fix_signs(w / np.sqrt(values))
    return Solution(vectors, values, values / n, residual, offset=K.mean(axis=0) @ vectors)


def centred_product(K: Floats, V: Floats) -> Floats:
    """Give HKH V without forming HKH.

    Parameters
    ----------
    K : ndarray of shape (n, n)
    V : ndarray of shape (n, k)

    Returns
    -------
    ndarray of shape (n, k)
    """
    P = ((V - V.mean(axis=0)).T @ K).T
    return P - P.mean(axis=0)


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


def unit_columns(vectors: Floats) -> Floats:
    """Scale each column to length 1, its largest entry positive.

    Parameters
    ----------
    vectors : ndarray of shape (n, m)

    Returns
    -------
    ndarray of shape (n, m)
    """
    return fix_signs(vectors / linalg.norm(vectors, axis=0))


def fix_signs(vectors: Floats) -> Floats:
    """Make the largest entry of each column positive.

    Parameters
    ----------
    vectors : ndarray of shape (n, m)

    Returns
    -------
    ndarray of shape (n, m)
    """
    if not vectors.size:
        return vectors
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    return vectors * np.where(largest < 0, -1.0, 1.0)
