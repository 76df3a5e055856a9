"""Largest eigenpairs of problems in which a few columns C, however large, stand beside a matrix.

In a sum of a matrix and CC' the larger of the two takes the digits of the smaller. The problems
are solved in coordinates whose first axes are the principal axes of C: there CC' is diagonal, and
the two meet on that diagonal only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from .krylov import Pairs, relative_residuals

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Turned:
    """A matrix in coordinates in which the columns are C = Q diag(sizes) right'.

    Attributes
    ----------
    axes : ndarray of shape (p, p)
        Q, orthogonal; its first columns are the principal axes of C.
    left : ndarray of shape (p, p)
        Q' left Q.
    sizes : ndarray of shape (p,)
        Singular values of C, and 0 along the axes that C does not reach.
    right : ndarray of shape (r, k)
        The k = min(p, r) principal axes of the rows of C.
    """

    axes: Floats
    left: Floats
    sizes: Floats
    right: Floats


def turn(left: Floats, columns: Floats) -> Turned:
    """Turn a matrix to the principal axes of some columns.

    Parameters
    ----------
    left : ndarray of shape (p, p)
        Symmetric.
    columns : ndarray of shape (p, r)
        C.

    Returns
    -------
    Turned

    Examples
    --------
    >>> turned = turn(np.diag([1.0, 2.0]), np.array([[0.0], [5.0]]))
    >>> turned.left.tolist(), turned.sizes.tolist()
    ([[2.0, 0.0], [0.0, 1.0]], [5.0, 0.0])
    """
    axes, sizes, right = _principal_axes(columns)
    turned = axes.T @ left @ axes
    return Turned(axes, (turned + turned.T) / 2, sizes, right)


def definite_pairs(left: Floats, columns: Floats, mu: float, m: int) -> Pairs:
    """Find the largest eigenpairs of left b = lambda (mu I + CC') b, however small mu is.

    Parameters
    ----------
    left : ndarray of shape (p, p)
        Symmetric.
    columns : ndarray of shape (p, r)
        C.
    mu : float
        Positive.
    m : int
        Number of pairs.

    Returns
    -------
    Pairs
        Of positive eigenvalues.
    """
    p = len(left)
    turned = turn(left, columns)
    diagonal = mu + turned.sizes**2
    root = np.sqrt(diagonal)
    values, y = linalg.eigh(
        turned.left / np.outer(root, root), subset_by_index=(max(p - m, 0), p - 1)
    )
    keep = values > _rounding(p) * max(values[-1], 0.0)
    values, b = values[keep][::-1], y[:, keep][:, ::-1] / root[:, None]
    residuals = relative_residuals(turned.left @ b, diagonal[:, None] * b, values)
    return Pairs(turned.axes @ b, values, residuals)


def low_rank_pairs(factor: Floats, columns: Floats, mu: float, m: int) -> Pairs:
    """Find the largest eigenpairs of FF' b = lambda (mu I + CC') b without a p x p eigenproblem.

    Parameters
    ----------
    factor : ndarray of shape (p, c)
        F; few columns.
    columns : ndarray of shape (p, r)
        C; few columns.
    mu : float
        Positive.
    m : int
        Number of pairs; the rank of F bounds it.

    Returns
    -------
    Pairs
        Of positive eigenvalues.
    """
    axes, sizes, _ = _principal_axes(columns)
    diagonal = mu + sizes**2
    root = np.sqrt(diagonal)[:, None]
    turned = axes.T @ factor
    y, roots, _ = linalg.svd(turned / root, full_matrices=False)
    keep = roots[:m] > _rounding(len(factor)) * roots[0]
    values, b = roots[:m][keep] ** 2, y[:, :m][:, keep] / root
    residuals = relative_residuals(turned @ (turned.T @ b), diagonal[:, None] * b, values)
    return Pairs(axes @ b, values, residuals)


def difference_pairs(
    factor: Floats, columns: Floats, m: int, *, at_least: int = 0
) -> tuple[Pairs, Floats]:
    """Find the largest eigenpairs of FF' - CC', however large CC' is.

    Parameters
    ----------
    factor : ndarray of shape (p, f)
        F. A factor and not FF', since what C takes away may be far larger than what is left.
    columns : ndarray of shape (p, r)
        C; few columns.
    m : int
        Number of pairs.
    at_least : int
        So many are given even if their eigenvalues are not positive.

    Returns
    -------
    pairs : Pairs
        Vectors of length 1; but for the first `at_least` only those of positive eigenvalues, so
        that there may be fewer than m.
    products : ndarray of shape (r, n_pairs)
        C'b of each vector b. The wanted vectors all but avoid C, so that products of the
        vectors as they come would be rounding.

    Notes
    -----
    With a shift s above all eigenvalues, B = s I + CC' - FF' is positive definite, and the
    largest eigenvalues of FF' - CC' are s - 1/nu with the largest nu of b = nu B b: what CC'
    makes hugely negative is mapped to nu near 0. B is scaled to ones on its diagonal, where it
    is well-conditioned. Rounding is that of the shift, which is therefore brought down to the
    largest eigenvalue where that is far below FF'.
    """
    axes, sizes, right = _principal_axes(columns)
    F = axes.T @ factor
    squares = sizes**2
    size = float(linalg.norm(F @ F.T))
    if not size > 0:
        nothing = np.empty((len(F), 0))
        return Pairs(nothing, np.empty(0), np.empty(0)), np.empty((len(right), 0))
    rounding = _rounding(len(F)) * size
    values, b = _below(F, squares, 1.1 * size, m)
    if rounding < values[0] < 0.01 * size:
        values, b = _below(F, squares, 1.1 * values[0], m)
        rounding = _rounding(len(F)) * values[0]
    positive = values > rounding
    keep = positive | (np.arange(len(values)) < at_least)
    values, positive, b = values[keep], positive[keep], b[:, keep]
    # along axes where CC' is far above the rest b is tiny: what its equation there says is
    # sharper than what was found among the large entries
    far = squares > 10 * size
    steep = np.ix_(far, positive)
    b[steep] = (F @ (F.T @ b))[steep] / (values[positive] + squares[far, None])
    residuals = relative_residuals(F @ (F.T @ b) - squares[:, None] * b, b, values)
    k = right.shape[1]
    return Pairs(axes @ b, values, residuals), right @ (sizes[:k, None] * b[:k])


def _below(F: Floats, squares: Floats, shift: float, m: int) -> tuple[Floats, Floats]:
    """Give the m largest eigenpairs of FF' - diag(squares), all of which are below the shift."""
    p = len(F)
    B = np.diag(shift + squares) - F @ F.T
    root = np.sqrt(np.diagonal(B))
    _, y = linalg.eigh(
        np.diag(1 / root**2), B / np.outer(root, root), subset_by_index=(max(p - m, 0), p - 1)
    )
    b = y[:, ::-1] / root[:, None]
    b /= linalg.norm(b, axis=0)
    # Rayleigh quotients, |F'b|^2 - b'CC'b
    return np.square(F.T @ b).sum(axis=0) - squares @ np.square(b), b


def _principal_axes(columns: Floats) -> tuple[Floats, Floats, Floats]:
    """Give Q, the sizes along all of its axes, and the axes of the rows; see `Turned`."""
    axes, values, right = linalg.svd(columns, full_matrices=True)
    sizes = np.zeros(len(columns))
    sizes[: len(values)] = values
    return axes, sizes, right[: len(values)].T


def _rounding(p: int) -> float:
    """Give the share of the largest eigenvalue below which one is rounding."""
    return max(p, 10) * float(np.finfo(np.float64).eps)
