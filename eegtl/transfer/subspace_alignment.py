"""Subspace alignment (Fernando, Habrard, Sebban, Tuytelaars 2013)."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin

from .base import Floats
from .domain_aligner import DomainAligner, domains, within_moments
from .moments import Moments
from .solvers.subspaces import (
    check_n_components,
    completed_basis,
    principal_basis,
    principal_pairs,
    source_basis,
)
from .summary import SourceSummary


class SubspaceAlignment(ClassNamePrefixFeaturesOutMixin, DomainAligner):
    """Turn the sources' principal subspace onto that of the target.

    Consumes: the unlabelled target rows (mean and scatter).
    Before adapt: PCA of the sources: the pooled sources play the target. With ``per_source``
    each source is centred by itself and its subspace turned onto the joint one, and target rows
    get the mean of all source rows and the joint directions.
    Memory: means and n_components directions of each source domain, and one d x d scatter; no
    rows.

    Parameters
    ----------
    n_components : int
        Dimension of the subspaces; the rank of the sources' scatter bounds it.
    per_source : bool
        Whether each source subject is aligned to the target by itself, with its own mean and
        its own subspace, instead of all sources as one domain.

    Attributes
    ----------
    n_components_ : int
    principal_angles_ : ndarray of shape (n_domains, n_components_)
        Between the subspace of each source domain and that of the target, in radians, rising;
        pi/2 for a direction that a source lacks.
    source_bases_ : ndarray of shape (n_domains, n_features, n_components_)
        P_s of each source domain; columns of zeros where a source has fewer directions.
    target_basis_ : ndarray of shape (n_features, n_components_)
        P_t.
    target_mean_ : ndarray of shape (n_features,)
    subjects_, source_shift_, source_map_, source_offset_
        See `eegtl.transfer.domain_aligner.DomainAligner`.

    Notes
    -----
    With P_s and P_t the leading principal directions (d x k) of both domains, each about its own
    mean, source rows become (x - m_s) P_s P_s'P_t and target rows (x - m_t) P_t: M = P_s'P_t is
    the k x k matrix that minimises |P_s M - P_t|_F.

    With fewer than k + 1 target rows the target has fewer than k directions. The missing ones
    are the sources' leading directions orthogonal to those it has (the limit of mixing a
    vanishing share of the sources' scatter into the target's), so that a target of one row only
    moves the mean.

    Fit O(n d^2 + g d^3) for g domains, adapt O(n_t d^2 + d^3 + g d k^2).

    References
    ----------
    Fernando, Habrard, Sebban, Tuytelaars, "Unsupervised visual domain adaptation using subspace
    alignment", ICCV 2013.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 4)) * [5, 3, 1, 1]
    >>> T = rng.standard_normal((30, 4)) * [1, 1, 5, 3] + 2
    >>> sa = SubspaceAlignment(2).fit(X).adapt(T)
    >>> sa.transform(T).shape, bool(np.allclose(sa.transform(T).mean(axis=0), 0))
    ((30, 2), True)
    """

    def __init__(self, n_components: int = 20, *, per_source: bool = False) -> None:
        self.n_components = n_components
        self.per_source = per_source

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_n_components(type(self).__name__, self.n_components)

    def _learn(self, summary: SourceSummary) -> None:
        self.subjects_, moments = domains(summary, self.per_source)
        within = within_moments(moments)
        joint = source_basis(type(self).__name__, within, self.n_components)
        _, self.source_mean_, self.source_scatter_ = within
        self.n_components_ = joint.shape[1]
        self.source_means_ = np.array([mean for _, mean, _ in moments])
        self.source_bases_ = np.zeros((len(moments), *joint.shape))
        for basis, own in zip(self.source_bases_, moments, strict=True):
            directions = principal_basis(own, self.n_components_)
            basis[:, : directions.shape[1]] = directions
        self.source_basis_ = joint

    def _solve(self, target: Moments | None) -> None:
        if target is None:
            mean, basis = self.source_mean_, self.source_basis_
        else:
            mean = target[1]
            basis = principal_basis(target, self.n_components_)
            basis = completed_basis(basis, self.source_scatter_, self.n_components_)
        maps = np.array([own @ (own.T @ basis) for own in self.source_bases_])
        angles = np.array([principal_pairs(own, basis).angles for own in self.source_bases_])
        self._set_maps(self.source_means_, maps, np.zeros((len(maps), self.n_components_)))
        self.target_mean_, self.target_basis_, self.principal_angles_ = mean, basis, angles

    def _transform(self, X: Floats) -> Floats:
        return (X - self.target_mean_) @ self.target_basis_
