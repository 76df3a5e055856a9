"""Normalisation by subject that does not take the class mix of a wearer's rows for granted."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin

from .._checks import check_subjects, known_subjects, unique_subjects
from ..errors import InputError
from .base import Aligner, Floats, Target
from .class_effects import (
    GroupMoments,
    between_classes,
    class_plane,
    source_statistics,
    variance_gain,
)
from .class_mix import Prior, assumed_mix, class_shares
from .normalization import _scale as standard_deviation
from .solvers.mix_posterior import (
    MixPosterior,
    log_prior,
    mix_lattice,
    mix_posterior,
    place_evidence,
    shape_evidence,
)
from .summary import SourceSummary


class ShiftAwareNormalizer(OneToOneFeatureMixin, Aligner):
    """Standardise each person as z2 does, but at one class mix for everybody.

    Consumes: the unlabelled target rows; calibration labels, where there are some.
    Before adapt: sources by themselves, the target by the pooled sources, as z1.
    Memory: statistics of each source person and class effects (n_subjects + n_classes rows), one
        covariance matrix; no rows.

    Parameters
    ----------
    mix : "estimate", "sources", mapping or sequence
        The class mix of the rows given to `adapt`: found from them and the sources; that of the
        sources, which is z2; or the share of each class, as a mapping, a list of (class, share),
        or shares in the order of `source_classes_`. Rows with calibration labels count as what
        they are.

    Attributes
    ----------
    source_classes_ : ndarray of shape (n_classes,) or None
    source_mix_ : ndarray of shape (n_classes,)
        p, the class mix at which everybody is standardised: that of all source rows.
    effects_ : ndarray of shape (n_classes, n_features)
        Class means in normalised space; at the mix p their mean is 0.
    subjects_ : ndarray of shape (n_subjects,)
    subject_mean_, subject_scale_ : ndarray of shape (n_subjects, n_features)
        Statistics of each source person at the mix p.
    pooled_mean_, pooled_scale_ : ndarray of shape (n_features,)
    target_mean_, target_scale_ : ndarray of shape (n_features,)
        What target rows are standardised by.
    mix_, mix_sd_ : ndarray of shape (n_classes,)
        The class mix that the target's rows were taken to have, and how sure that is (posterior
        standard deviation; 0 where the mix was given).

    Notes
    -----
    z2 subtracts the mean of the wearer's rows, and with it the effect of a class that is more
    frequent there than among the sources. Here a row of class c is b + a (e_c + noise) with the
    person's b and a, and effects e that all people share. For rows with mean m, variance v and the
    class mix pi, feature by feature,

        a^2 = v (w + Var_p(e)) / (w + Var_pi(e)),  w = 1 - Var_p(e),  b = m - a sum_c pi_c e_c.

    At pi = p this is z2 exactly. Source people are wearers with a known mix: the same formula
    brings them to the mix p, classes that a person lacks included.

    `estimate` weighs mixes pi on a lattice by Dirichlet(p) prior x place x shape, in the plane of
    the linear discriminants (see docs/methods/shift-aware.md for the derivation), and uses the
    posterior means of sum_c pi_c e_c and Var_pi(e). Without evidence that is z2; when people lie
    close together, it is source-only centring.

    Without `y`, or with one class, it is z2. O(n_groups d^2 + d^3) to fit; adapt O(n d) and, to
    estimate, O(n n_classes^2) for each of at most 128 mixes. There is no `partial_adapt`: each
    estimate needs all rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, who = np.tile([0, 1], 60), np.repeat([1, 2, 3], 40)
    >>> X = rng.standard_normal((120, 2)) + 4 * y[:, None] + who[:, None]
    >>> z = ShiftAwareNormalizer({0: 1.0, 1: 0.0}).fit(X, y, subjects=who)
    >>> block = rng.standard_normal((20, 2)) + 7.0  # at rest only
    >>> z.adapt(block).transform([[7.0, 7.0], [11.0, 11.0]]).mean(axis=1).round().tolist()
    [-1.0, 1.0]
    """

    needs_ = "unlabelled"
    by_subject = True

    def __init__(self, mix: Prior = "estimate") -> None:
        self.mix = mix

    @property
    def assumes_(self) -> str:  # type: ignore[override]
        """What it takes for granted of the wearer: nothing where the mix is estimated."""
        return "" if self._estimates else assumed_mix(self.mix)

    @property
    def _estimates(self) -> bool:
        return isinstance(self.mix, str) and self.mix == "estimate"

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        labels = np.zeros(len(X), dtype=np.intp) if y is None else y
        self._learn(SourceSummary().add(X, labels, subjects), named=y is not None)

    def accepts_summary(self) -> bool:
        """Say whether `fit_summary` gives what `fit` on the rows would give."""
        return True

    def fit_summary(self, summary: SourceSummary) -> Self:
        """Fit from sufficient statistics instead of rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        self
        """
        self._learn(summary, named=True)
        self.n_features_in_ = summary.n_features
        return self._before_adapt()

    def map_summary(self, summary: SourceSummary) -> SourceSummary:
        """Give the summary of the standardised source rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        SourceSummary
        """

        def place(subject: Any) -> int:
            return int(known_subjects([subject], self.subjects_, "ShiftAwareNormalizer")[0])

        return summary.affine(
            lambda subject: self.subject_mean_[place(subject)],
            lambda subject: 1 / self.subject_scale_[place(subject)],
        )

    def with_mix(self, mix: Prior) -> ShiftAwareNormalizer:
        """Give what a fit with another mix would have given; the sources' side is the same.

        Parameters
        ----------
        mix : "sources", mapping or sequence
            The shares of the classes in the block that it will be adapted to.

        Returns
        -------
        ShiftAwareNormalizer
            Fitted, not adapted.

        Raises
        ------
        InputError
            When it was fitted without labels, or the shares are none.
        """
        if self.source_classes_ is None:
            raise InputError(
                "ShiftAwareNormalizer.with_mix needs a fit with y: without labels of the sources "
                "the effect of a class is unknown."
            )
        other = copy(self)
        other.mix = mix
        other.given_mix_ = class_shares(
            mix, self.source_classes_, self.source_mix_, "ShiftAwareNormalizer"
        )
        return other._before_adapt()

    def _learn(self, summary: SourceSummary, *, named: bool) -> None:
        if isinstance(self.mix, str) and self.mix not in ("estimate", "sources"):
            raise InputError(
                "ShiftAwareNormalizer: mix must be 'estimate', 'sources' or the share of each "
                f"class; got {self.mix!r}."
            )
        if not named and not isinstance(self.mix, str):
            raise InputError(
                f"ShiftAwareNormalizer(mix={self.mix!r}) needs y in fit: without labels of the "
                "sources the effect of a class is unknown."
            )
        names, people = unique_subjects(check_subjects(summary.subjects, len(summary.subjects)))
        classes = summary.classes
        codes = {label: i for i, label in enumerate(classes.tolist())}
        which = np.array([codes[label] for label in summary.labels.tolist()], dtype=np.intp)
        moments = GroupMoments(people, which, summary.counts, summary.means, summary.scatters)
        found = source_statistics(moments, len(classes))
        self.source_classes_ = classes if named else None
        self.subjects_, self.source_mix_, self.effects_ = names, found.mix, found.effects
        self.subject_mean_, self.subject_scale_ = found.centre, found.scale
        self.pooled_mean_, self.pooled_scale_ = found.pooled_centre, found.pooled_scale
        if self._estimates:
            plane = class_plane(moments, found)
            self.directions_, self.within_ = plane.directions, plane.within
            self.regression_, self.constant_ = plane.regression, plane.constant
            self.spread_, self.noise_ = plane.spread, plane.noise
            self.scale_spread_ = plane.scale_spread
        else:
            shares = "sources" if isinstance(self.mix, str) else self.mix
            self.given_mix_ = class_shares(shares, classes, found.mix, "ShiftAwareNormalizer")

    def _forget_target(self) -> None:
        self.target_mean_, self.target_scale_ = self.pooled_mean_, self.pooled_scale_
        self.mix_, self.mix_sd_ = self.source_mix_, np.zeros_like(self.source_mix_)

    def _adapt_target(self, target: Target) -> str:
        n_rows, n_classes = len(target.X), len(self.source_mix_)
        counts = np.zeros(n_classes)
        n_labelled = 0
        if target.y_calib is not None and self.source_classes_ is not None:
            n_labelled = len(target.X_calib)
            codes = np.searchsorted(self.source_classes_, target.y_calib)
            counts = np.bincount(codes, minlength=n_classes).astype(np.float64)
        mean = target.X.mean(axis=0)
        variance = np.square(target.X - mean).mean(axis=0)
        own = standard_deviation(mean, variance, self.pooled_scale_)
        free = target.X[: n_rows - n_labelled]
        posterior = self._mix_of(free, target.X[n_rows - n_labelled :], counts, own)
        share = n_labelled / n_rows
        known = share * counts / max(n_labelled, 1)
        # moments of the mix of all rows: those with labels are sure
        average = known + (1 - share) * posterior.mean
        deviation = posterior.second - np.outer(posterior.mean, posterior.mean)
        deviation *= (1 - share) ** 2
        uncertain = np.einsum("cd,ck,kd->d", self.effects_, deviation, self.effects_)
        between = np.maximum(between_classes(average, self.effects_) - uncertain, 0.0)
        common = between_classes(self.source_mix_, self.effects_)
        self.target_scale_ = own * np.sqrt(variance_gain(between, common))
        self.target_mean_ = mean - self.target_scale_ * (average @ self.effects_)
        self.mix_, self.mix_sd_ = average, np.sqrt(np.maximum(np.diag(deviation), 0.0))
        return "labelled" if n_labelled else "unlabelled"

    def _mix_of(self, X: Floats, X_known: Floats, counts: Floats, own: Floats) -> MixPosterior:
        """Give the class mix of the rows without labels."""
        p = self.source_mix_ if self._estimates else self.given_mix_
        if not self._estimates or not len(X) or not self.directions_.shape[1]:
            return MixPosterior(p, np.outer(p, p))
        D, lattice = self.directions_, mix_lattice(len(p))
        weight = log_prior(lattice, p)
        # rows stay as they are; a mix changes what unit their standard deviation stands for
        common = between_classes(p, self.effects_)
        unit = np.sqrt(variance_gain(between_classes(lattice, self.effects_), common))
        effects = np.einsum("gd,cd,dr->gcr", unit, self.effects_, D, optimize=True)
        turned = unit[:, :, None] * D
        covariances = np.einsum("gdr,gdq->grq", turned, self.within_ @ turned)
        covariances += 1e-6 * np.eye(D.shape[1])
        mean = X.mean(axis=0)
        n_effective = min(len(X), len(p) / self.noise_)
        weight = weight + shape_evidence(
            ((X - mean) / own) @ D,
            lattice,
            effects,
            covariances,
            self.scale_spread_,
            n_effective / len(X),
        )
        offset = (mean - self.pooled_mean_) / own
        expected, spread = self._expected_place(offset, X_known, counts, own)
        if len(spread):
            middle = np.einsum("gc,gcr->gr", lattice, effects)
            misses = offset @ D - expected - middle
            weight = weight + place_evidence(misses, spread + covariances / n_effective)
        return mix_posterior(lattice, weight)

    def _expected_place(
        self, offset: Floats, X_known: Floats, counts: Floats, own: Floats
    ) -> tuple[Floats, Floats]:
        """Say where in the plane the person should lie, by the sources and the labelled rows."""
        D = self.directions_
        expected, spread = self.constant_ + offset @ self.regression_, self.spread_
        if not len(X_known) or not counts.any():
            return expected, spread
        place = ((X_known.mean(axis=0) - self.pooled_mean_) / own) @ D
        place = place - (counts / counts.sum()) @ self.effects_ @ D
        noise = np.eye(D.shape[1]) / min(len(X_known), np.count_nonzero(counts) / self.noise_)
        if not len(spread):
            return place, noise
        gain = spread @ np.linalg.inv(spread + noise)
        return expected + gain @ (place - expected), spread - gain @ spread

    def _transform(self, X: Floats) -> Floats:
        return (X - self.target_mean_) / self.target_scale_

    def _transform_source(self, X: Floats, subjects: NDArray[Any]) -> Floats:
        codes = known_subjects(subjects, self.subjects_, "ShiftAwareNormalizer")
        return (X - self.subject_mean_[codes]) / self.subject_scale_[codes]
