"""Principal subspaces of domains, and the angles between two of them.

Everything here works on moments (count, mean, centred scatter), not on rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ...errors import InputError
from ..moments import Moments
from .eigen import linear_pca

Floats = NDArray[np.float64]

#: Spread below this share of a feature's mean is rounding and no spread.
_ROUNDING = 10 * np.finfo(np.float64).eps


def principal_basis(moments: Moments, n_components: int) -> Floats:
    """Give the leading principal directions of a domain.

    Parameters
    ----------
    moments : (count, mean, scatter)
    n_components : int
        At most this many; the rank of the scatter bounds it.

    Returns
    -------
    ndarray of shape (n_features, k)
        Orthonormal, by falling variance; the largest entry of each column is positive. No
        column at all when the rows do not vary beyond rounding.

    Examples
    --------
    >>> basis = principal_basis((4.0, np.zeros(2), np.diag([1.0, 9.0])), 1)
    >>> basis.ravel().tolist()
    [0.0, 1.0]
    """
    count, mean, scatter = moments
    basis = linear_pca(scatter, max(count, 1.0), n_components)
    floor = max(count, 1.0) * float(np.square(_ROUNDING * mean).sum())
    return basis.vectors[:, basis.eigenvalues > floor]


def completed_basis(basis: Floats, scatter: Floats, n_components: int) -> Floats:
    """Add directions to an orthonormal basis until it has the number wanted.

    Parameters
    ----------
    basis : ndarray of shape (n_features, k)
    scatter : ndarray of shape (n_features, n_features)
        Where the further directions come from: the leading ones of this scatter among those
        orthogonal to the basis.
    n_components : int
        Not above n_features.

    Returns
    -------
    ndarray of shape (n_features, n_components)
        The basis itself when it has that many.

    Notes
    -----
    It is the limit of the principal directions of S + e * scatter as e falls to 0, with S of
    that basis: what few rows of a target leave open is taken from the sources.

    Examples
    --------
    >>> completed_basis(np.array([[1.0], [0.0], [0.0]]), np.diag([5.0, 1.0, 2.0]), 2).T.tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    k = basis.shape[1]
    if k >= n_components:
        return basis
    full, _ = linalg.qr(basis, mode="full") if k else (np.eye(len(basis)), None)
    free = full[:, k:]
    inside = free.T @ scatter @ free
    _, vectors = linalg.eigh((inside + inside.T) / 2)
    added = free @ vectors[:, ::-1][:, : n_components - k]
    largest = added[np.argmax(np.abs(added), axis=0), np.arange(added.shape[1])]
    return np.hstack([basis, added * np.where(largest < 0, -1.0, 1.0)])


@dataclass(frozen=True)
class PrincipalPairs:
    """Two subspaces in the bases in which they lie closest to each other.

    Attributes
    ----------
    first, second : ndarray of shape (n_features, k)
        Orthonormal bases of the two subspaces; first_i'second_j = cos(angle_i) if i = j, else 0.
    angles : ndarray of shape (k,)
        Principal angles in radians, 0 to pi/2, rising.
    """

    first: Floats
    second: Floats
    angles: Floats


def principal_pairs(first: Floats, second: Floats) -> PrincipalPairs:
    """Give the principal vectors and angles of two subspaces.

    Parameters
    ----------
    first, second : ndarray of shape (n_features, k)
        Orthonormal bases, of the same number of columns.

    Returns
    -------
    PrincipalPairs

    Notes
    -----
    The singular vectors of first'second give the pairs (Bjorck and Golub 1973). An angle is
    2 atan2(|a - b|, |a + b|) of its pair of unit vectors (Kahan), which keeps its digits where
    the arc cosine loses half of them.

    Examples
    --------
    >>> a, b = np.eye(3)[:, :1], np.array([[0.6], [0.8], [0.0]])
    >>> np.cos(principal_pairs(a, b).angles).round(6).tolist()
    [0.6]
    """
    left, _, right = linalg.svd(first.T @ second)
    a, b = first @ left, second @ right.T
    angles = 2 * np.arctan2(linalg.norm(a - b, axis=0), linalg.norm(a + b, axis=0))
    return PrincipalPairs(a, b, angles)


def subspace_disagreement(first: Floats, second: Floats, joint: Floats) -> Floats:
    """Give the subspace disagreement measure for each number of components.

    Parameters
    ----------
    first, second, joint : ndarray of shape (n_features, most)
        Leading principal directions of two domains and of both together, orthonormal, by falling
        variance.

    Returns
    -------
    ndarray of shape (most,)
        D(k) = (sin a_k + sin b_k) / 2 with a_k and b_k the largest principal angle between the
        first k joint directions and the first k of each domain.

    Notes
    -----
    Gong et al. 2012, section 3.4. 2 * most singular value decompositions, O(most^4) in all.

    Examples
    --------
    >>> axes = np.eye(3)
    >>> subspace_disagreement(axes[:, :2], axes[:, [1, 0]], axes[:, :2]).round(6).tolist()
    [0.5, 0.0]
    """
    total = np.zeros(joint.shape[1])
    for own in (first, second):
        overlap = own.T @ joint
        for k in range(1, len(total) + 1):
            cosine = min(float(linalg.svdvals(overlap[:k, :k])[-1]), 1.0)
            total[k - 1] += np.sqrt(1 - cosine**2)
    return total / 2


def check_n_components(name: str, n_components: object) -> None:
    """Refuse a number of components that is no positive integer.

    Parameters
    ----------
    name : str
        Whose parameter it is.
    n_components : int

    Raises
    ------
    InputError
    """
    if (
        not isinstance(n_components, int | np.integer)
        or isinstance(n_components, bool)
        or n_components < 1
    ):
        raise InputError(f"{name}: n_components must be a positive integer; got {n_components!r}.")


def source_basis(name: str, moments: Moments, n_components: int) -> Floats:
    """Give the principal directions of the sources, of which there must be one.

    Parameters
    ----------
    name : str
        Who asks, for the message.
    moments : (count, mean, scatter)
    n_components : int

    Returns
    -------
    ndarray of shape (n_features, k)

    Raises
    ------
    InputError
        When the source rows do not vary.
    """
    basis = principal_basis(moments, n_components)
    if basis.shape[1] == 0:
        raise InputError(
            f"{name} found no direction in which the source rows vary; all are equal. Check the "
            "features."
        )
    return basis
