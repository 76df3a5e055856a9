"""Normalisation of features by subject: the four modes z0, z1, z2, z3."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OneToOneFeatureMixin

from .._checks import check_subjects, known_subjects, unique_subjects
from ..errors import InputError
from .base import Aligner, Floats, Target
from .summary import SourceSummary

MODES = ("z0", "z1", "z2", "z3")


class SubjectNormalizer(OneToOneFeatureMixin, Aligner):
    """Standardise features, by the pooled sources or by each person alone.

    ======  ==============================  =======================================
    mode    a source row is standardised by  a target row is standardised by
    ======  ==============================  =======================================
    ``z0``  all source rows                  all source rows
    ``z1``  its own subject                  all source rows
    ``z2``  its own subject                  the target's own rows given to `adapt`
    ``z3``  all source rows                  the target's own rows given to `adapt`
    ======  ==============================  =======================================

    Consumes: z0 and z1 nothing; z2 and z3 the unlabelled target rows (mean and standard
    deviation of each feature), be they all windows or a calibration block.
    Before adapt: z2 acts as z1, z3 as z0.
    Memory: means and standard deviations of each source subject; no rows.

    Parameters
    ----------
    mode : {"z0", "z1", "z2", "z3"}

    Attributes
    ----------
    subjects_ : ndarray of shape (n_subjects,)
    subject_mean_, subject_scale_ : ndarray of shape (n_subjects, n_features)
    pooled_mean_, pooled_scale_ : ndarray of shape (n_features,)
    target_mean_, target_scale_ : ndarray of shape (n_features,)
        What target rows are standardised by.

    Notes
    -----
    Without `subjects` in `fit`, all rows count as one person, and z1 and z2 cannot tell the
    sources apart.

    z = (x - mean) / sd with the population standard deviation. A feature that is constant
    within a person has no scale of its own and takes the pooled one (1 when that is 0, too);
    so does a target of a single row. z2 assumes that the person's class mix resembles the
    sources': with one class only, the class effect itself is subtracted.

    The modes are those of Apicella et al. 2023 (arXiv 2210.01081). `partial_adapt` keeps
    running moments (Chan, Golub and LeVeque 1979): A and then B equals A and B at once.

    Examples
    --------
    >>> z = SubjectNormalizer("z2").fit([[0.0], [2.0], [10.0], [14.0]], subjects=[1, 1, 2, 2])
    >>> z.transform_source([[2.0], [14.0]], [1, 2]).ravel().tolist()
    [1.0, 1.0]
    >>> z.adapt([[100.0], [102.0]]).transform([[102.0]]).item()
    1.0
    """

    by_subject = True

    def __init__(self, mode: str = "z2") -> None:
        self.mode = mode

    @property
    def needs_(self) -> str:  # type: ignore[override]
        """The least information with which the mode deserves its name."""
        return "unlabelled" if self.mode in ("z2", "z3") else "inductive"

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        names, codes = unique_subjects(subjects)
        counts = np.bincount(codes).astype(np.float64)
        means = np.array([X[codes == i].mean(axis=0) for i in range(len(names))])
        squares = np.array(
            [np.square(X[codes == i] - means[i]).sum(axis=0) for i in range(len(names))]
        )
        self._set_statistics(names, counts, means, squares)

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
        names, codes = unique_subjects(check_subjects(summary.subjects, len(summary.subjects)))
        weights = summary.counts[:, None]
        counts = np.bincount(codes, weights=summary.counts).astype(np.float64)
        means = np.zeros((len(names), summary.n_features))
        np.add.at(means, codes, weights * summary.means)
        means /= counts[:, None]
        squares = np.zeros_like(means)
        diagonals = np.einsum("gii->gi", summary.scatters)
        np.add.at(squares, codes, diagonals + weights * (summary.means - means[codes]) ** 2)
        self._set_statistics(names, counts, means, squares)
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

        def shift(subject: Any) -> Floats:
            return self._source_statistics(self._codes_of([subject]))[0][0]

        def scale(subject: Any) -> Floats:
            return 1 / self._source_statistics(self._codes_of([subject]))[1][0]

        return summary.affine(shift, scale)

    def _set_statistics(
        self, names: NDArray[Any], counts: Floats, means: Floats, squares: Floats
    ) -> None:
        """Set the state from each subject's count, mean and sum of squared deviations."""
        if self.mode not in MODES:
            raise InputError(f"mode must be one of {', '.join(MODES)}; got {self.mode!r}.")
        total = counts.sum()
        self.pooled_mean_ = counts @ means / total
        pooled = squares.sum(axis=0) + counts @ (means - self.pooled_mean_) ** 2
        ones = np.ones(means.shape[1])
        self.pooled_scale_ = _scale(self.pooled_mean_, pooled / total, ones)
        self.subjects_ = names
        self.subject_mean_ = means
        self.subject_scale_ = np.array(
            [
                _scale(mean, square / count, self.pooled_scale_)
                for mean, square, count in zip(means, squares, counts, strict=True)
            ]
        )

    def _forget_target(self) -> None:
        self.target_mean_ = self.pooled_mean_
        self.target_scale_ = self.pooled_scale_
        self.target_count_ = 0
        self.target_squares_ = np.zeros_like(self.pooled_mean_)

    def _adapt_target(self, target: Target) -> str:
        self._forget_target()
        return self._take(target.X)

    def partial_adapt(self, X_target: ArrayLike) -> Self:
        """Take further rows of the same wearer, as they arrive.

        Parameters
        ----------
        X_target : array-like of shape (n_new, n_features)

        Returns
        -------
        self

        Notes
        -----
        Exact: ``fit.partial_adapt(A).partial_adapt(B)`` equals ``fit.adapt(A and B)``.
        """
        level = self._take(self._check_X(X_target))
        self._set_consumed(level, self.target_count_)
        return self

    def _take(self, X: Floats) -> str:
        """Merge rows into the target's running moments."""
        if self.needs_ == "inductive":
            return "inductive"
        old, new = self.target_count_, len(X)
        mean = X.mean(axis=0)
        squares = np.square(X - mean).sum(axis=0)
        if old:
            delta = mean - self.target_mean_
            squares += self.target_squares_ + delta**2 * (old * new / (old + new))
            mean = self.target_mean_ + delta * (new / (old + new))
        self.target_count_ = old + new
        self.target_mean_, self.target_squares_ = mean, squares
        self.target_scale_ = _scale(mean, squares / self.target_count_, self.pooled_scale_)
        return "unlabelled"

    def _transform(self, X: Floats) -> Floats:
        return (X - self.target_mean_) / self.target_scale_

    def _transform_source(self, X: Floats, subjects: NDArray[Any]) -> Floats:
        mean, scale = self._source_statistics(self._codes_of(subjects))
        return (X - mean) / scale

    def _source_statistics(self, codes: NDArray[np.intp]) -> tuple[Floats, Floats]:
        if self.mode in ("z0", "z3"):
            return self.pooled_mean_[None], self.pooled_scale_[None]
        return self.subject_mean_[codes], self.subject_scale_[codes]

    def _codes_of(self, subjects: Any) -> NDArray[np.intp]:
        """Give the row of each subject in the statistics."""
        if self.mode in ("z0", "z3"):
            return np.zeros(len(subjects), dtype=np.intp)
        return known_subjects(subjects, self.subjects_, self.mode)


def _scale(mean: Floats, variance: Floats, fallback: Floats) -> Floats:
    """Give the standard deviation; where a feature is constant (to rounding), the fallback."""
    sd = np.sqrt(variance)
    constant = sd <= 10 * np.finfo(np.float64).eps * np.abs(mean)
    return np.where(constant | (sd == 0), fallback, sd)
