"""The eigenproblem of MIDA, for feature coordinates and for kernel matrices.

Notation: K kernel matrix of the n pooled rows, centred (K = HKH with H = I - 11'/n), D domain
features and Y one-hot labels of the rows, both centred, w weight of the labels. The problem is

    K (mu I - DD' + w YY') K v = lambda v,      v'v = 1,

and its largest eigenvalues are wanted. It is indefinite: DD' grows with the square of the rows
of a domain and is usually far larger than what is wanted beside it. Only positive eigenvalues
are components: along the others the domains differ by more than mu times the variance, and the
n - rank(K) vectors with Kv = 0, which map everything to 0, would do better. (Where there is none,
because the features are fewer than the domains, the best of the others stands in.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from .column_pairs import difference_pairs
from .eigen import GAP_FLOOR, Solution, centred_product, fix_signs, unit_columns
from .krylov import Pairs, largest_pairs, relative_residuals

Floats = NDArray[np.float64]


def linear_mida(
    spread: Floats, domains: Floats, sizes: Floats, labels: Floats, n: float, m: int, mu: float
) -> Solution:
    """Solve MIDA for rows given by their moments; equals the n x n problem with K = HXX'H.

    The direction of the weights v is a = X'Hv, and the v of least length that gives it has
    |v|^2 = a'S^+a, S = X'HX. In b with a = S^1/2 b the constraint is b'b = 1 and the problem
    S^1/2 (mu S - CC' + ww') S^1/2 b = lambda b.

    Parameters
    ----------
    spread : ndarray of shape (d, d)
        S, the centred scatter of the pooled rows.
    domains : ndarray of shape (d, q)
        C = X'D.
    sizes : ndarray of shape (q,)
        |D_k|^2 of the centred domain features.
    labels : ndarray of shape (d, c)
        X'Y times the root of the labels' weight; c may be 0.
    n : float
        Number of pooled rows.
    m : int
        Number of components.
    mu : float
        Weight of the variance.

    Returns
    -------
    Solution
        ``vectors`` are the directions a, of length 1; ``gap`` is C'a, the sum of the scores of
        each domain.

    Notes
    -----
    Time O(d^3), memory O(d^2).
    """
    values, axes = linalg.eigh(spread)
    keep = values > max(len(values), 10) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    values, roots = values[keep], axes[:, keep] * np.sqrt(values[keep])
    factor = np.hstack([np.diag(np.sqrt(mu) * values), roots.T @ labels])
    columns = roots.T @ domains
    pairs = difference_pairs(factor, columns, m, at_least=1)[0].trusted() if len(values) else None
    vectors = unit_columns(roots @ pairs.vectors) if pairs else np.empty((len(spread), 0))
    between = np.einsum("pk,pk->k", columns, columns)
    share = np.divide(between, sizes, out=np.zeros_like(between), where=sizes > 0).sum()
    return Solution(
        vectors,
        pairs.eigenvalues if pairs else np.empty(0),
        np.einsum("dm,dm->m", vectors, spread @ vectors) / n,
        float(pairs.residuals.max(initial=0.0)) if pairs else 0.0,
        mu,
        equal_means=bool(share <= GAP_FLOOR * (values**2).sum()),
        keeps_all=vectors.shape[1] == len(values),
        gap=domains.T @ vectors,
    )


def gram_mida(K: Floats, domains: Floats, labels: Floats, m: int, mu: float) -> Solution:
    """Solve MIDA on a kernel matrix.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel matrix of the pooled rows, not centred.
    domains : ndarray of shape (n, q)
        D, centred.
    labels : ndarray of shape (n, c)
        Y times the root of the labels' weight, centred; c may be 0.
    m : int
        Number of components.
    mu : float
        Weight of the variance.

    Returns
    -------
    Solution
        ``vectors`` are the n x m weights; the centred scores of the rows are HK v. ``gap`` is
        the sum of the scores of each domain.

    Notes
    -----
    A block Krylov space of HKH that starts from D, Y and random vectors (the problem maps it into
    itself), and Rayleigh-Ritz on MIDA's own problem inside it; see `eegtl.transfer.solvers.krylov`.
    Time about (7 m + q) n^2 and up, memory n^2 + 25 m n.
    """
    n = len(K)

    def ritz(V: Floats, P: Floats) -> Pairs:
        root = np.asarray(np.linalg.qr(P, mode="r")).T  # P'P = root root'
        factor = np.hstack([np.sqrt(mu) * root, P.T @ labels])
        small, products = difference_pairs(factor, P.T @ domains, m)
        scores = P @ small.vectors
        inside = mu * scores + labels @ (labels.T @ scores) - domains @ products
        v = V @ small.vectors
        product = centred_product(K, inside)
        return Pairs(v, small.eigenvalues, relative_residuals(product, v, small.eigenvalues))

    start = np.column_stack([domains, labels])
    pairs = largest_pairs(lambda V: centred_product(K, V), ritz, n, m, start)
    v = fix_signs(pairs.vectors - pairs.vectors.mean(axis=0))
    scores = centred_product(K, v)
    length = np.sqrt(np.einsum("im,im->m", v, scores))  # of the direction in feature space
    vectors, scores = v / length, scores / length
    return Solution(
        vectors,
        pairs.eigenvalues,
        np.einsum("im,im->m", scores, scores) / n,
        float(pairs.residuals.max(initial=0.0)),
        mu,
        gap=domains.T @ scores,
        offset=K.mean(axis=0) @ vectors,
    )


def column_scales(mean: Floats, variances: Floats, covariates: slice, weight: float) -> Floats:
    """Give the factor of each column of the design: domains, covariates, labels.

    Parameters
    ----------
    mean, variances : ndarray of shape (k,)
        Of the columns over the pooled rows.
    covariates : slice
        Which columns are covariates; those before are domains, those behind labels.
    weight : float
        Of the labels.

    Returns
    -------
    ndarray of shape (k,)
        1 for domains, 1 over the standard deviation for covariates (0 for a constant), the root
        of the weight for labels.

    Examples
    --------
    >>> column_scales(np.zeros(3), np.array([0.2, 4.0, 0.2]), slice(1, 2), 9.0).tolist()
    [1.0, 0.5, 3.0]
    """
    scales = np.ones(len(mean))
    sd = np.sqrt(variances[covariates])
    varies = sd > 10 * np.finfo(np.float64).eps * np.abs(mean[covariates])
    scales[covariates] = np.divide(1.0, sd, out=np.zeros_like(sd), where=varies)
    scales[covariates.stop :] = np.sqrt(weight)
    return scales


def with_gap(solution: Solution, counts: Floats, *, adapted: bool) -> Solution:
    """Turn the sums of the domains' scores into parts of the variance between them.

    Parameters
    ----------
    solution : Solution
        Of `linear_mida` or `gram_mida`.
    counts : ndarray of shape (k,)
        Number of rows of each domain; the first rows of ``gap`` are theirs.
    adapted : bool
        Whether there is a target: before, it is no news that nothing is removed.

    Returns
    -------
    Solution
        The squares of ``gap`` add up to the variance between the domains.
    """
    sums = np.zeros((len(counts), 0)) if solution.gap is None else solution.gap[: len(counts)]
    root = np.sqrt(counts.sum() * counts)[:, None]
    return replace(
        solution,
        gap=np.divide(sums, root, out=np.zeros_like(sums), where=root > 0),
        equal_means=solution.equal_means and adapted,
        keeps_all=solution.keeps_all and adapted,
    )
