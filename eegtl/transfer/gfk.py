"""The geodesic flow kernel (Gong, Shi, Sha, Grauman 2012), as a map of features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin

from ..errors import InputError
from .base import Floats
from .domain_aligner import DomainAligner, domains, within_moments
from .moments import Moments
from .solvers.subspaces import (
    check_n_components,
    completed_basis,
    principal_basis,
    principal_pairs,
    source_basis,
    subspace_disagreement,
)
from .summary import SourceSummary

#: The disagreement counts as at its maximum from this share of it on.
NEAR_MAXIMUM = 0.99
#: Below this angle (radians) two directions count as one; its part in the kernel is 1e-15.
_SAME_DIRECTION = 1e-7


class GFK(ClassNamePrefixFeaturesOutMixin, DomainAligner):
    """Look at rows from all subspaces on the way from the sources' to the target's.

    Consumes: the unlabelled target rows (mean and scatter); all sources count as one domain.
    Before adapt: PCA of the sources.
    Memory: a mean, a basis and one d x d scatter of the sources; no rows.

    Parameters
    ----------
    n_components : int or "auto"
        Dimension of the subspaces, at most half the number of features. ``"auto"`` takes the
        smallest number whose subspace disagreement is within 1 % of its maximum; before `adapt`,
        when there is nothing to disagree with, it is the largest number allowed.

    Attributes
    ----------
    n_components_ : int
        Dimension k of the subspaces. The rows come out with k features, and one more for each
        principal angle that is not 0.
    principal_angles_ : ndarray of shape (n_components_,)
        Between both subspaces, in radians, rising.
    disagreement_ : ndarray
        Of 1, 2, ... components, for ``"auto"`` after `adapt`; else empty.
    components_ : ndarray of shape (n_features, n_features_out)
        F with G = FF'.
    target_mean_ : ndarray of shape (n_features,)
    subjects_, source_shift_, source_map_, source_offset_
        See `eegtl.transfer.domain_aligner.DomainAligner`.

    Notes
    -----
    x'Gy with G = integral of Phi(u) Phi(u)' over u from 0 to 1 is the mean inner product of two
    rows, each about the mean of its own domain, in the subspaces on the geodesic Phi from
    Phi(0) = P_s to Phi(1) = P_t. `transform` gives z = F'x with z'z = x'Gx; see `flow_map`, which
    never forms the d x d matrix G or its root.

    With fewer than k + 1 target rows the missing directions of the target are taken from the
    sources, as in `SubspaceAlignment`.

    Fit O(n d^2 + d^3), adapt O(n_t d^2 + d^3), ``"auto"`` O(d^4) besides (see
    `eegtl.transfer.solvers.subspaces.subspace_disagreement`).

    References
    ----------
    Gong, Shi, Sha, Grauman, "Geodesic flow kernel for unsupervised domain adaptation", CVPR 2012.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 4)) * [5, 3, 1, 1]
    >>> T = rng.standard_normal((30, 4)) * [1, 1, 5, 3] + 2
    >>> gfk = GFK(2).fit(X).adapt(T)
    >>> gfk.transform(T).shape, bool(np.allclose(gfk.transform(T).mean(axis=0), 0))
    ((30, 4), True)
    """

    def __init__(self, n_components: int | str = 20) -> None:
        self.n_components = n_components

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[1]

    def _check_parameters(self) -> None:
        if isinstance(self.n_components, str):
            if self.n_components != "auto":
                raise InputError(
                    "GFK: n_components must be 'auto' or a positive integer; got "
                    f"{self.n_components!r}."
                )
        else:
            check_n_components("GFK", self.n_components)

    def _learn(self, summary: SourceSummary) -> None:
        self.subjects_, [moments] = domains(summary, per_source=False)
        self.source_dof_, self.source_mean_, self.source_scatter_ = within_moments([moments])
        most = max(1, summary.n_features // 2)
        wanted = most if self.n_components == "auto" else min(int(self.n_components), most)
        self.source_basis_ = source_basis("GFK", moments, wanted)

    def _solve(self, target: Moments | None) -> None:
        basis, disagreement = self.source_basis_, np.empty(0)
        own = basis
        if target is not None:
            own = principal_basis(target, basis.shape[1])
            own = completed_basis(own, self.source_scatter_, basis.shape[1])
            if self.n_components == "auto":
                # domains weigh alike, so that the number of rows does not decide whom "both
                # together" follows
                count, mean, scatter = target
                both = self.source_scatter_ / self.source_dof_ + scatter / max(count - 1, 1)
                joint = principal_basis((1.0, np.zeros_like(mean), both), basis.shape[1])
                disagreement = subspace_disagreement(basis, own, joint)
                k = first_near_maximum(disagreement)
                basis, own = basis[:, :k], own[:, :k]
        pairs = principal_pairs(basis, own)
        components = flow_map(pairs.first, pairs.second, pairs.angles)
        mean = self.source_mean_ if target is None else target[1]
        self._set_maps(
            self.source_mean_[None], components[None], np.zeros((1, components.shape[1]))
        )
        self.n_components_ = basis.shape[1]
        self.target_mean_, self.components_ = mean, components
        self.principal_angles_, self.disagreement_ = pairs.angles, disagreement

    def _transform(self, X: Floats) -> Floats:
        return (X - self.target_mean_) @ self.components_


def flow_map(first: Floats, second: Floats, angles: Floats) -> Floats:
    """Give F with FF' equal to the geodesic flow kernel of two subspaces.

    Parameters
    ----------
    first, second : ndarray of shape (n_features, k)
        Principal vectors of both subspaces, as `principal_pairs` gives them.
    angles : ndarray of shape (k,)
        Principal angles, in radians.

    Returns
    -------
    ndarray of shape (n_features, k + j)
        Orthogonal columns; j of the k angles are not 0.

    Notes
    -----
    The geodesic turns each pair of principal vectors a, b in its own plane. With the unit vectors
    c along a + b and f along b - a, which are orthogonal, and w = u - 1/2,

        phi(u) = c cos(w t) + f sin(w t),    t the angle, u from 0 to 1,

    and since the mixed term is odd in w, the integral of phi phi' is

        c c' (1 + sin t / t) / 2 + f f' (1 - sin t / t) / 2.

    Vectors of different pairs are orthogonal, so the sum over all pairs is G, with its
    eigenvectors and eigenvalues at hand. It equals the three-block form of the paper (equations
    5 and 6), needs no orthogonal complement, and is the same from either side. With t towards 0
    the weight of f falls as t^2 / 12.

    Examples
    --------
    >>> F = flow_map(np.eye(3)[:, :1], np.eye(3)[:, 1:2], np.array([np.pi / 2]))
    >>> (F @ F.T).round(4).tolist()
    [[0.5, 0.3183, 0.0], [0.3183, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    apart = angles > _SAME_DIRECTION
    t = angles[apart]
    along = (first + second) * np.sqrt((1 + _sinc(angles)) / 2)
    along /= np.linalg.norm(first + second, axis=0)
    across = (second - first)[:, apart]
    # 1 - sin(t)/t cancels for small t, where three terms of its series are good to 1e-12
    series = t**2 / 6 * (1 - t**2 / 20 * (1 - t**2 / 42))
    deficit = np.where(t < 0.05, series, 1 - _sinc(t))
    across = across / np.linalg.norm(across, axis=0) * np.sqrt(deficit / 2)
    return np.hstack([along, across])


def first_near_maximum(disagreement: Floats) -> int:
    """Give the smallest number of components whose disagreement is all but the largest.

    Parameters
    ----------
    disagreement : ndarray of shape (most,)
        Of 1, 2, ... components.

    Returns
    -------
    int
        All of them where the domains do not disagree beyond rounding.

    Examples
    --------
    >>> first_near_maximum(np.array([0.1, 0.7, 0.995, 1.0])), first_near_maximum(np.zeros(3))
    (3, 3)
    """
    largest = disagreement.max()
    if largest < _SAME_DIRECTION:
        return len(disagreement)
    return 1 + int(np.argmax(disagreement >= NEAR_MAXIMUM * largest))


def _sinc(t: NDArray[np.float64]) -> Floats:
    """Give sin(t) / t, 1 at 0."""
    return np.sinc(t / np.pi)
