"""Maximum independence domain adaptation (Yan, Kou, Zhang 2016 and 2018)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._checks import check_subjects, known_subjects, unique_subjects
from ..errors import InputError, TransferWarning
from .base import Floats, Target
from .moments import Moments
from .projection import KernelProjection, pooled_moments
from .row_design import class_columns, covariate_columns, one_hot
from .solvers.eigen import Solution
from .solvers.mida_eigen import column_scales, gram_mida, linear_mida, with_gap
from .summary import SourceSummary


class MIDA(KernelProjection):
    """Maximum independence domain adaptation: keep variance, forget whose row it is.

    Consumes: the unlabelled target rows; with a `label_weight`, the labels of calibration rows.
    Before adapt: MIDA of the source subjects; with `augment` the wearer counts as the average
    of them.
    Memory: ``linear`` matrices of (features + domains) squared, no rows; ``rbf`` the source rows,
    and after `adapt` the target rows or the landmarks, too.
    Needs: nothing; with `covariates`, `rows`, `rows_target` and `rows_calib` with these columns.

    Each source subject is a domain and the target is one more, unlike in TCA, which knows two.

    Parameters
    ----------
    n_components : int
        At most this many. Only directions whose variance, times mu, outweighs the difference
        between the domains become components; one at least, and a `TransferWarning` if it does
        not.
    kernel : {"linear", "rbf"}
    gamma : "median" or float
        exp(-gamma |x - y|^2); ``"median"`` is 1 / (2 s^2) with s the median distance between
        source rows (of at most 1000).
    mu : float
        Weight of the variance. The smaller, the less of the domains is left.
    mu_scale : {"absolute", "rows"}
        ``"absolute"`` takes mu as given, as the paper does: the domains then weigh the more, the
        more rows they have. ``"rows"`` multiplies mu by the mean number of rows of a domain, so
        that repeating all rows changes nothing; see Notes.
    label_weight : float
        Weight of the dependence on the labels (the paper's gamma; SMIDA); 0 leaves them out.
    covariates : list of str or None
        Columns of numbers of the rows' tables (for example ``["hours"]``) to become independent
        of, besides the subjects. Each is brought to variance 1 over the pooled rows.
    augment : bool
        Whether the kernel sees the features with the domains appended (one column a person), as
        in the paper, in units of the features' spread over the sources (1 behind a
        `SubjectNormalizer`). The map of a row then depends on whose it is.
    n_landmarks : "auto", int or None
        For ``rbf``: the Nystroem approximation by that many rows. ``"auto"`` is exact as long as
        the kernel matrix fits into 2 GiB (16 384 rows) and takes 2000 landmarks beyond;
        None is always exact and refuses a larger matrix.
    random_state : int
        Draws the landmarks.

    Attributes
    ----------
    mu_ : float
        The weight of the variance that was used.
    gap_ : float
        Root mean square distance of the domains' means from the mean of all rows in the
        projection, in units of the pooled rows' spread there: 0 if equal, 1 if the domains
        differ in nothing but their means.
    subjects_ : ndarray of shape (n_subjects,)
        The source subjects.
    n_components_ : int
    eigenvalues_ : ndarray of shape (n_components_,)
    residual_ : float
        Largest |Av - lv| / (|Av| + |l||v|) over the components.
    approximation_ : str
        ``"exact"``, or how many landmarks of how many rows.

    Notes
    -----
    V holds the leading eigenvectors of K (mu I - H DD' H + w H YY' H) K with the centred kernel
    matrix K, the domains D (one column of zeros and ones a person, and the covariates) and the
    labels Y. It maximises the variance times mu, less the dependence of the scores on the domains
    (Hilbert-Schmidt independence criterion), plus w times that on the labels, under V'V = I.
    Each column is scaled to v'Kv = 1, the projection on a unit vector of the kernel's feature
    space as in kernel PCA.

    The paper centres the two terms, but not K itself. Centred, nothing depends on where the
    origin of the features lies, and with one domain MIDA is kernel PCA for every kernel. For rows
    of mean 0 and the linear kernel it is the same.

    A domain of n_k rows with mean distance d_k from the pooled mean adds (n_k d_k)^2, a row of
    distance d to it mu d^2: with many rows and mu of order 1 the means of all domains become all
    but equal, and the rest is variance. A domain of few rows, as a short calibration block, weighs
    little against long ones. With ``mu_scale="rows"`` and equally long domains, mu = 1 gives a
    direction its variance within the domains, and less than 1 takes off the variance between.

    With equal means of all domains the linear kernel has nothing to remove, and MIDA *is* PCA: so
    it is behind ``SubjectNormalizer("z2")``; a `TransferWarning` says so.

    Time: linear O(n d^2 + d^3); rbf (7 n_components + domains) n^2 + n^2 d and up; landmarks p:
    O(n p^2 + n p d + p^3). See `eegtl.transfer.solvers.mida_eigen`.

    References
    ----------
    Yan, Kou, Zhang, "Learning domain-invariant subspace using domain features and independence
    maximization", IEEE Transactions on Cybernetics 48(1), 2018; arXiv 1603.04535.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, subjects = rng.standard_normal((60, 5)), np.arange(60) % 3
    >>> X[:, 0] += 4 * subjects
    >>> T = rng.standard_normal((30, 5)) - [3, 0, 0, 0, 0]
    >>> mida = MIDA(2).fit(X, subjects=subjects).adapt(T)
    >>> mida.transform(T).shape, bool(mida.gap_ < 0.1)
    ((30, 2), True)
    """

    by_subject = True

    def __init__(
        self,
        n_components: int = 30,
        *,
        kernel: str = "linear",
        gamma: str | float = "median",
        mu: float = 1.0,
        mu_scale: str = "absolute",
        label_weight: float = 0.0,
        covariates: Sequence[str] | None = None,
        augment: bool = False,
        n_landmarks: str | int | None = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(
            n_components,
            kernel=kernel,
            gamma=gamma,
            n_landmarks=n_landmarks,
            random_state=random_state,
        )
        self.mu = mu
        self.mu_scale = mu_scale
        self.label_weight = label_weight
        self.covariates = covariates
        self.augment = augment

    @property
    def reads_rows(self) -> bool:  # type: ignore[override]
        """Whether it reads the rows' tables: with covariates."""
        return bool(self.covariates)

    def accepts_summary(self) -> bool:
        """Say whether `fit_summary` gives what `fit` on the rows would give."""
        return self.kernel == "linear" and not self.covariates

    def fit_summary(self, summary: SourceSummary) -> Self:
        """Fit the linear kernel from sufficient statistics instead of rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        self

        Raises
        ------
        InputError
            With another kernel, or with covariates, which a summary does not hold.
        """
        self._check_parameters()
        if self.covariates:
            raise InputError(
                f"MIDA with covariates ({', '.join(self.covariates)}) needs rows: a summary has no "
                "such columns. Fit on rows instead, or leave the covariates out."
            )
        n_groups = len(summary.subjects)
        self.subjects_ = unique_subjects(check_subjects(summary.subjects, n_groups))[0]
        if self.label_weight > 0:
            self.source_classes_ = summary.classes
        if self.augment:
            count, _, scatter = summary.pooled()
            self.domain_scale_ = float(np.sqrt(np.diagonal(scatter).mean() / count))
        return super().fit_summary(summary)

    def map_summary(self, summary: SourceSummary) -> SourceSummary:
        """Give the summary of the projected source rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        SourceSummary
        """
        if not self.augment:
            return super().map_summary(summary)
        width = (0, self._n_domains)
        extended = SourceSummary.from_arrays(
            summary.subjects,
            summary.labels,
            summary.counts,
            self._extended(summary.means, self._domains_of(summary.subjects)),
            np.pad(summary.scatters, ((0, 0), width, width)),
        )
        return super().map_summary(extended)

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        if self.augment:
            self.domain_scale_ = float(np.sqrt(X.var(axis=0).mean()))
        super()._fit_source(X, y, subjects, rows)

    def _source_design(
        self, n: int, y: NDArray[Any] | None, subjects: NDArray[Any], rows: Any
    ) -> Floats:
        self.subjects_, codes = unique_subjects(subjects)
        parts = [one_hot(codes, self._n_domains), self._covariate_columns(rows, n, "rows")]
        if self.label_weight > 0:
            self.source_classes_ = self._check_classes(y)
            parts.append(class_columns(y, self.source_classes_))
        return self._with_average(np.hstack(parts), np.ones(n))

    def _summary_design(self, summary: SourceSummary) -> Floats:
        parts = [self._domains_of(summary.subjects)]
        if self.label_weight > 0:
            parts.append(class_columns(summary.labels, self.source_classes_))
        return self._with_average(np.hstack(parts), summary.counts)

    def _target_design(self, target: Target) -> Floats:
        n, n_calib = len(target.X), len(target.X_calib)
        parts = [
            np.tile(self._target_domains(), (n, 1)),
            np.vstack(
                [
                    self._covariate_columns(target.rows_target, n - n_calib, "rows_target"),
                    self._covariate_columns(target.rows_calib, n_calib, "rows_calib"),
                ]
            ),
        ]
        if self.label_weight > 0:
            labels = np.zeros((n, len(self.source_classes_)))
            if target.y_calib is not None:
                labels[n - n_calib :] = class_columns(target.y_calib, self.source_classes_)
            parts.append(labels)
        return np.hstack(parts)

    @property
    def _n_domains(self) -> int:
        return len(self.subjects_) + 1

    def _domains_of(self, subjects: NDArray[Any]) -> Floats:
        """Give one column a source subject, and one for the target."""
        return one_hot(known_subjects(subjects, self.subjects_, "MIDA"), self._n_domains)

    def _target_domains(self) -> Floats:
        return one_hot(np.array([len(self.subjects_)]), self._n_domains)[0]

    def _with_average(self, design: Floats, weights: Floats) -> Floats:
        """Keep the average source row's domains, which stand for those of an unknown person."""
        self.average_domains_ = weights @ design[:, : self._n_domains] / weights.sum()
        return design

    def _covariate_columns(self, rows: Any, n: int, name: str) -> Floats:
        if not self.covariates or n == 0:
            return np.empty((n, len(self.covariates or ())))
        return covariate_columns(rows, self.covariates, name, "MIDA")

    def _extended(self, X: Floats, design: Floats) -> Floats:
        if not self.augment:
            return X
        return np.hstack([X, self.domain_scale_ * design[:, : self._n_domains]])

    def _effective_mu(self, counts: Floats) -> float:
        if self.mu_scale == "absolute":
            return float(self.mu)
        return float(self.mu * counts.sum() / np.count_nonzero(counts))

    def _solve_moments(self, source: Moments, target: Moments | None) -> Solution:
        n, mean, joint = pooled_moments(source, target)
        k = self._n_domains
        q = k + len(self.covariates or ())
        d = len(mean) - q - (len(self.source_classes_) if self.label_weight > 0 else 0)
        squares = np.diagonal(joint)[d:]
        scales = column_scales(mean[d:], squares / n, slice(k, q), self.label_weight)
        cross = joint[:d, d:] * scales
        counts = n * mean[d : d + k]
        solution = linear_mida(
            joint[:d, :d],
            cross[:, :q],
            squares[:q] * scales[:q] ** 2,
            cross[:, q:],
            n,
            self.n_components,
            self._effective_mu(counts),
        )
        return with_gap(solution, counts, adapted=target is not None)

    def _solve_gram(self, K: Floats, design: Floats, n_source: int) -> Solution:
        n = len(K)
        k = self._n_domains
        q = k + len(self.covariates or ())
        mean = design.mean(axis=0)
        centred = design - mean
        variances = np.einsum("nk,nk->k", centred, centred) / n
        scaled = centred * column_scales(mean, variances, slice(k, q), self.label_weight)
        counts = n * mean[:k]
        mu = self._effective_mu(counts)
        solution = gram_mida(K, scaled[:, :q], scaled[:, q:], self.n_components, mu)
        return with_gap(solution, counts, adapted=n > n_source)

    def _forget_target(self) -> None:
        super()._forget_target()
        self.domains_ = self.average_domains_

    def _adapt_target(self, target: Target) -> str:
        super()._adapt_target(target)
        self.domains_ = self._target_domains()
        uses_labels = self.label_weight > 0 and target.y_calib is not None
        return "labelled" if uses_labels else "unlabelled"

    def _transform(self, X: Floats) -> Floats:
        domains = np.broadcast_to(self.domains_, (len(X), self._n_domains))
        return self._project(self._extended(X, domains))

    def _transform_source(self, X: Floats, subjects: NDArray[Any]) -> Floats:
        if not self.augment:
            return self._project(X)
        return self._project(self._extended(X, self._domains_of(subjects)))

    def _nothing_found(self) -> InputError:
        return InputError(
            "MIDA found no direction in which the rows vary within the domains; all rows of a "
            "person are equal. Check the features."
        )

    def _report(self, solution: Solution) -> None:
        self.mu_, self.gap_ = solution.mu, solution.relative_gap
        if solution.eigenvalues[0] <= 0:
            warnings.warn(
                f"in no direction the variance, times mu = {self.mu_:g}, outweighs the difference "
                f"between the {self._n_domains} domains; MIDA keeps the one that comes nearest. "
                "Raise mu, or use more features.",
                TransferWarning,
                stacklevel=2,
            )
        if self.kernel != "linear" or self.label_weight > 0:
            return
        if solution.equal_means:
            warnings.warn(
                "all people have (nearly) equal means, as they always have behind z2, so MIDA with "
                "the linear kernel is PCA of the pooled rows. Another kernel (rbf) still tells "
                "them apart.",
                TransferWarning,
                stacklevel=2,
            )
        elif solution.keeps_all:
            self._warn_of_nothing_left_out()

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not _is_number(self.mu) or not (np.isfinite(self.mu) and self.mu > 0):
            raise InputError(f"MIDA: mu must be a positive number; got {self.mu!r}.")
        if self.mu_scale not in ("absolute", "rows"):
            raise InputError(f"MIDA: mu_scale must be 'absolute' or 'rows'; got {self.mu_scale!r}.")
        weight = self.label_weight
        if not _is_number(weight) or not (np.isfinite(weight) and weight >= 0):
            raise InputError(f"MIDA: label_weight must be a number of at least 0; got {weight!r}.")
        names = self.covariates
        if names is not None and (
            isinstance(names, str) or not all(isinstance(name, str) for name in names)
        ):
            raise InputError(
                f"MIDA: covariates must be a list of names of columns, or None; got {names!r}."
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
