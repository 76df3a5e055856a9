"""What aligners share that give each source, or all of them together, one affine map."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from .._checks import ONE_SUBJECT, check_subjects, known_subjects, unique_subjects
from ..errors import InputError
from .base import Aligner, Floats, Target
from .moments import Moments, row_moments
from .summary import SourceSummary


class DomainAligner(Aligner):
    """Base of the aligners that see every domain through its moments.

    A domain is the pool of all sources or, with ``per_source``, each source by itself. A
    subclass gives ``_learn(summary)``, which calls `domains` and keeps what it needs, and
    ``_solve(target)``, which calls ``_set_maps`` for the moments of a target, or for None before
    there is one.

    Attributes
    ----------
    subjects_ : ndarray of shape (n_domains,)
        Whose maps they are; the pool of all sources has one name of its own.
    source_shift_ : ndarray of shape (n_domains, n_features)
    source_map_ : ndarray of shape (n_domains, n_features, n_out) or None
        None: source rows stay as they are.
    source_offset_ : ndarray of shape (n_domains, n_out)
        Rows of domain i become (x - shift_i) map_i + offset_i.
    """

    moves_source = True
    #: whether each source is a domain of its own; a parameter of the methods that can do both
    per_source: bool = False
    #: whether the moments of each class are learned apart
    _by_class: bool = False

    @property
    def by_subject(self) -> bool:
        """Whether it uses who a source row is from."""
        return bool(self.per_source)

    def _learn(self, summary: SourceSummary) -> None:
        raise InputError(f"{type(self).__name__} does not learn from a summary.")

    def _solve(self, target: Moments | None) -> None:
        raise InputError(f"{type(self).__name__} does not solve for a target.")

    def _check_parameters(self) -> None:
        """Refuse parameters that cannot be used; the base looks at `per_source`."""
        if not isinstance(self.per_source, bool | np.bool_):
            raise InputError(
                f"{type(self).__name__}: per_source must be True or False; got {self.per_source!r}."
            )

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        # scikit-learn hands any y to transformers; numbers that are no classes say nothing here
        classes = self._by_class and y is not None and type_of_target(y) in ("binary", "multiclass")
        labels = y if classes and y is not None else np.zeros(len(X))
        summary = SourceSummary().add(X, labels, subjects if self.by_subject else None)
        self._learn(summary)

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
        self._check_parameters()
        self._learn(summary)
        self.n_features_in_ = summary.n_features
        return self._before_adapt()

    def map_summary(self, summary: SourceSummary) -> SourceSummary:
        """Give the summary of the mapped source rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        SourceSummary
        """
        if self.source_map_ is None:
            return summary.copy()
        maps = self.source_map_
        codes = dict(zip(summary.subjects.tolist(), self._codes_of(summary.subjects), strict=True))
        out = summary.affine(lambda s: self.source_shift_[codes[s]], lambda s: maps[codes[s]])
        out.means += self.source_offset_[[codes[s] for s in summary.subjects.tolist()]]
        return out

    def _forget_target(self) -> None:
        self._solve(None)

    def _adapt_target(self, target: Target) -> str:
        self._solve(row_moments(target.X))
        return "unlabelled"

    def _set_maps(self, shift: Floats, maps: Floats | None, offset: Floats) -> None:
        self.source_shift_, self.source_map_, self.source_offset_ = shift, maps, offset

    def _transform_source(self, X: Floats, subjects: NDArray[Any]) -> Floats:
        codes = self._codes_of(subjects)
        if self.source_map_ is None:
            return X.copy()
        out = np.empty((len(X), self.source_map_.shape[2]))
        for i in np.unique(codes):
            # all rows or a copy of those of one source; no index where there is one domain only
            rows = slice(None) if len(self.subjects_) == 1 else codes == i
            out[rows] = (X[rows] - self.source_shift_[i]) @ self.source_map_[i]
            out[rows] += self.source_offset_[i]
        return out

    def _codes_of(self, subjects: NDArray[Any]) -> NDArray[np.intp]:
        """Give the domain of each row."""
        if not self.per_source:
            return np.zeros(len(subjects), dtype=np.intp)
        return known_subjects(subjects, self.subjects_, type(self).__name__)


def domains(summary: SourceSummary, per_source: bool) -> tuple[NDArray[Any], list[Moments]]:
    """Give the moments of the source domains.

    Parameters
    ----------
    summary : SourceSummary
    per_source : bool
        Whether each subject is a domain of its own.

    Returns
    -------
    names : ndarray of shape (n_domains,)
    moments : list of (count, mean, scatter)

    Examples
    --------
    >>> summary = SourceSummary().add([[0.0], [2.0], [5.0], [6.0]], [0] * 4, [1, 1, 2, 2])
    >>> names, moments = domains(summary, per_source=True)
    >>> names.tolist(), [mean.item() for _, mean, _ in moments]
    ([1, 2], [1.0, 5.5])
    """
    if per_source:
        names, _ = unique_subjects(check_subjects(summary.subjects, len(summary.subjects)))
        moments = [summary.pooled(subject=name) for name in names.tolist()]
    else:
        names, moments = np.array([ONE_SUBJECT]), [summary.pooled()]
    return names, moments


def within_moments(moments: list[Moments]) -> tuple[float, Floats, Floats]:
    """Pool domains about their own means.

    Parameters
    ----------
    moments : list of (count, mean, scatter)

    Returns
    -------
    degrees_of_freedom : float
        Rows less domains.
    mean : ndarray of shape (n_features,)
        Of all rows.
    scatter : ndarray of shape (n_features, n_features)
        Sum of the scatters, each about its own mean.

    Raises
    ------
    InputError
        When no domain has a second row.

    Examples
    --------
    >>> one = (2.0, np.array([0.0]), np.array([[2.0]]))
    >>> two = (2.0, np.array([8.0]), np.array([[4.0]]))
    >>> [part if np.isscalar(part) else part.item() for part in within_moments([one, two])]
    [2.0, 4.0, 6.0]
    """
    counts = np.array([count for count, _, _ in moments])
    dof = float(counts.sum() - len(counts))
    if dof <= 0:
        raise InputError(
            f"an alignment needs a source with at least 2 rows; got n_samples = {counts.sum():g} "
            f"rows of {len(moments)} source{'s' * (len(moments) > 1)}."
        )
    mean = counts @ np.array([mean for _, mean, _ in moments]) / counts.sum()
    return dof, mean, sum((s for _, _, s in moments), np.zeros((len(mean),) * 2))
