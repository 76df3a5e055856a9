"""Correlation alignment (Sun, Feng, Saenko 2016), with means and a shrinkage that does no harm."""

from __future__ import annotations

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from ..errors import InputError
from .base import Floats
from .domain_aligner import DomainAligner, domains, within_moments
from .moments import Moments
from .solvers.coral_shrinkage import (
    Whitened,
    covariance_power,
    covariance_shrinkage,
    dependence,
    mean_shrinkage,
    shrunk_covariances,
    whitener,
)
from .summary import SourceSummary


class CORAL(OneToOneFeatureMixin, DomainAligner):
    """Give the source rows the mean and the covariance of the target, as far as these are known.

    Consumes: the unlabelled target rows (mean and covariance).
    Before adapt: the identity. Target rows always stay as they are.
    Memory: mean and covariance (d x d) of each source domain; no rows.

    Parameters
    ----------
    shrinkage : "auto" or float
        Share of the difference between the two covariances that is taken away before they are
        aligned, by moving both towards the covariance of both domains together:

        - 0: plain CORAL; the mapped sources have exactly the target's mean and covariance.
        - 1: the covariances count as equal, and only the mean moves.
        - ``"auto"``: the share of the difference that is noise, estimated for covariance and mean
          apart; see Notes. With a number the mean moves in full.
    per_source : bool
        Whether each source subject is mapped by itself, with its own mean and covariance,
        instead of all sources by one map.

    Attributes
    ----------
    shrinkage_ : ndarray of shape (n_domains,)
        What was used, for each source domain; 1 before `adapt`.
    mean_shrinkage_ : ndarray of shape (n_domains,)
        Share of the way to the target's mean that was not gone; 0 for a number, 1 before `adapt`.
    dependence_ : float
        How many windows carry what one independent window would, estimated from the sources;
        1 unless ``"auto"``, and where there are not two subjects with two classes each.
    subjects_, source_shift_, source_map_, source_offset_
        See `eegtl.transfer.domain_aligner.DomainAligner`.

    Notes
    -----
    Source rows become (x - m_s) A + m with A = C_s^-1/2 C_t^1/2, symmetric roots, the inverse on
    the numerical range of C_s (variances above 1e-10 of the largest). For the shrinkage a, with
    unbiased covariances and the joint one C = ((n_s - 1) C_s + (n_t - 1) C_t) / (n_s + n_t - 2),

        C_s becomes (1 - a) C_s + a C,    C_t becomes (1 - a) C_t + a C.

    Where the sources have many rows, C is all but C_s, and it is the target's covariance that is
    shrunk towards the sources'. A domain of one row has no covariance: a = 1.

    ``"auto"`` whitens by the covariance within a source subject and takes
    a = noise / |W_s^1/2 - W_t^1/2|^2, at most 1, for the whitened covariances W_s and W_t: the
    Ledoit-Wolf argument for a difference, with errors counted by how far they misplace rows. The
    noise is what sampling windows leaves in both, d (d + 1) k / 4 (1 / n_s + 1 / n_t) for many
    windows of which k carry what one independent one would; k is learned from the sources (see
    `dependence` in `eegtl.transfer.solvers.coral_shrinkage`). For the pool, W_s is the identity:
    what lies between people cannot be in the covariance of one. The mean is shrunk by the same
    argument, which is James and Stein's, and moves to m = m_t + b (m_s - m_t). So the map fades to
    the identity where the windows cannot tell the domains apart, and to plain CORAL as they come
    in. The rule was derived and compared on simulated domains; see docs/methods/coral.md.

    Common implementations add the identity to both covariances and leave out the means; with
    lambda = 1 on standardised features that is a shrinkage towards equal covariances, too, but
    one that does not fade as rows come in.

    Fit O(n d^2 + g d^3) for g subjects and classes, adapt O(n_t d^2 + d^3), with ``per_source``
    d^3 for each source.

    References
    ----------
    Sun, Feng, Saenko, "Return of frustratingly easy domain adaptation", AAAI 2016. Ledoit, Wolf,
    "A well-conditioned estimator for large-dimensional covariance matrices", Journal of
    Multivariate Analysis 88, 2004. James, Stein, "Estimation with quadratic loss", 4th Berkeley
    Symposium, 1961.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, T = rng.standard_normal((60, 3)), 2 * rng.standard_normal((40, 3)) + 5
    >>> coral = CORAL(0.0).fit(X).adapt(T)
    >>> bool(np.allclose(np.cov(coral.transform_source(X).T), np.cov(T.T)))
    True
    """

    def __init__(self, shrinkage: str | float = "auto", *, per_source: bool = False) -> None:
        self.shrinkage = shrinkage
        self.per_source = per_source

    @property
    def by_subject(self) -> bool:
        """Whether it uses who a source row is from."""
        return bool(self.per_source) or self._by_class

    @property
    def _by_class(self) -> bool:  # type: ignore[override]
        return isinstance(self.shrinkage, str)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        number = isinstance(self.shrinkage, int | float | np.number)
        if self.shrinkage != "auto" and not (
            number and not isinstance(self.shrinkage, bool) and 0 <= float(self.shrinkage) <= 1
        ):
            raise InputError(
                f"CORAL: shrinkage must be 'auto' or a number from 0 to 1; got {self.shrinkage!r}."
            )

    def _learn(self, summary: SourceSummary) -> None:
        self.subjects_, moments = domains(summary, self.per_source)
        self.source_counts_ = np.array([count for count, _, _ in moments])
        self.source_means_ = np.array([mean for _, mean, _ in moments])
        self.source_scatters_ = np.array([scatter for _, _, scatter in moments])
        within_moments(moments)  # refuses sources without a second row
        self.dependence_ = 1.0
        if self.shrinkage != "auto":
            return
        people = domains(summary, per_source=True)[1]
        people = people if any(count > 1 for count, _, _ in people) else moments
        self.within_dof_, _, within = within_moments(people)
        self.whitener_ = whitener(within / self.within_dof_)
        self.dependence_ = dependence(summary, self.whitener_)

    def _solve(self, target: Moments | None) -> None:
        g, d = self.source_means_.shape
        if target is None:
            self._set_maps(np.zeros((g, d)), None, np.zeros((g, d)))
            self.shrinkage_, self.mean_shrinkage_ = np.ones(g), np.ones(g)
            return
        auto = self.shrinkage == "auto"
        shrinkage, mean_share, maps = np.ones(g), np.zeros(g), np.empty((g, d, d))
        seen = Whitened.of(target[0], target[2], self.whitener_) if auto else None
        for i in range(g):
            source = (self.source_counts_[i], self.source_means_[i], self.source_scatters_[i])
            if seen is not None:
                # the pool is compared as the people in it are on average, without what lies
                # between them: that is what the target's covariance could equal
                own = (
                    Whitened.of(source[0], source[2], self.whitener_)
                    if self.per_source
                    else Whitened(self.within_dof_ + 1, np.eye(self.whitener_.shape[1]))
                )
                delta = (target[1] - source[1]) @ self.whitener_
                shrinkage[i] = covariance_shrinkage(own, seen, self.dependence_)
                mean_share[i] = mean_shrinkage(delta, own, seen, self.dependence_, shrinkage[i])
            elif min(source[0], target[0]) > 1:
                shrinkage[i] = float(self.shrinkage)
            # equal covariances: the identity, which rounding would make a projection
            maps[i] = np.eye(d) if shrinkage[i] == 1 else _map(source, target, shrinkage[i])
        offset = target[1] + mean_share[:, None] * (self.source_means_ - target[1])
        self._set_maps(self.source_means_, maps, offset)
        self.shrinkage_, self.mean_shrinkage_ = shrinkage, mean_share

    def _transform(self, X: Floats) -> Floats:
        return X.copy()


def _map(source: Moments, target: Moments, shrinkage: float) -> Floats:
    """Give A with A'C_sA = C_t for the shrunk covariances."""
    own, wanted = shrunk_covariances(source, target, shrinkage)
    return covariance_power(own, -0.5) @ covariance_power(wanted, 0.5)
