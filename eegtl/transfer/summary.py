"""Sufficient statistics of the sources: per-subject, per-class counts, means and scatters.

A pipeline whose steps see the sources through nothing else keeps these instead of rows, so
that a new wearer costs the same however many rows the sources had.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_X_y

from .._checks import ONE_SUBJECT, check_subjects, unique_subjects
from ..errors import InputError, MemoryEstimateError
from .moments import Moments, merge_moments, row_moments

Floats = NDArray[np.float64]

#: A summary larger than this is refused before it is allocated.
SUMMARY_LIMIT_BYTES = 4 * 2**30


class SourceSummary:
    """Counts, means and scatters of the rows of each (subject, class).

    Rows may come in any number of blocks; the result does not depend on the cut (to rounding).

    Attributes
    ----------
    subjects : ndarray of shape (n_groups,)
        The subject of each group.
    labels : ndarray of shape (n_groups,)
        Its class.
    counts : ndarray of shape (n_groups,)
        Number of rows, or sum of their weights.
    means : ndarray of shape (n_groups, n_features)
    scatters : ndarray of shape (n_groups, n_features, n_features)
        Sums of (x - mean)(x - mean)', not divided by the count.

    Notes
    -----
    Memory: n_subjects x n_classes x n_features^2 float64; an estimate above 4 GiB is refused.
    Blocks are merged as in `eegtl.transfer.moments`. A weight of 1 is one row: integer weights are
    repeated rows.

    Examples
    --------
    >>> summary = SourceSummary().add([[0.0], [2.0], [5.0]], ["a", "a", "b"])
    >>> summary.means.ravel().tolist(), summary.scatters.ravel().tolist()
    ([1.0, 5.0], [2.0, 0.0])
    """

    def __init__(self) -> None:
        self._index: dict[tuple[Any, Any], int] = {}
        self.subjects: NDArray[Any] = np.empty(0, dtype=object)
        self.labels: NDArray[Any] = np.empty(0, dtype=object)
        self.counts: Floats = np.empty(0)
        self.means: Floats = np.empty((0, 0))
        self.scatters: Floats = np.empty((0, 0, 0))

    @property
    def n_features(self) -> int:
        """Number of features; 0 as long as nothing was added."""
        return self.means.shape[1]

    @property
    def classes(self) -> NDArray[Any]:
        """The distinct labels, sorted."""
        return np.unique(np.array(self.labels.tolist()))

    def add(
        self,
        X: ArrayLike,
        y: ArrayLike,
        subjects: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Add a block of labelled rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,)
        subjects : array-like of shape (n_rows,), optional
            None means one subject.
        sample_weight : array-like of shape (n_rows,), optional
            Non-negative weights; rows of weight 0 do not count.

        Returns
        -------
        self

        Raises
        ------
        InputError
            When the number of features differs from that of earlier blocks, or a weight is
            negative.
        MemoryEstimateError
            When the groups times features squared would pass 4 GiB.
        """
        values, targets = check_X_y(X, y, dtype=np.float64)
        n_rows, n_features = values.shape
        if self._index and n_features != self.n_features:
            raise InputError(
                f"this block has {n_features} features, earlier ones had {self.n_features}."
            )
        names, codes = unique_subjects(check_subjects(subjects, n_rows))
        labels, classes = np.unique(targets, return_inverse=True)
        weight = check_weights(sample_weight, n_rows)
        groups = codes * len(labels) + classes
        present = np.unique(groups if weight is None else groups[weight > 0])
        keys = [(names[g // len(labels)], labels[g % len(labels)]) for g in present]
        self._reserve([key for key in keys if key not in self._index], n_features)
        for group, key in zip(present, keys, strict=True):
            chosen = groups == group
            moments = row_moments(values[chosen], None if weight is None else weight[chosen])
            self._merge(self._index[key], moments)
        return self

    def merge(self, other: SourceSummary) -> Self:
        """Add all groups of another summary.

        Parameters
        ----------
        other : SourceSummary

        Returns
        -------
        self
        """
        keys = list(zip(other.subjects, other.labels, strict=True))
        if self._index and other._index and other.n_features != self.n_features:
            raise InputError(
                f"the other summary has {other.n_features} features, this one {self.n_features}."
            )
        self._reserve([key for key in keys if key not in self._index], other.n_features)
        for i, key in enumerate(keys):
            moments = (float(other.counts[i]), other.means[i], other.scatters[i])
            self._merge(self._index[key], moments)
        return self

    @classmethod
    def from_arrays(
        cls,
        subjects: NDArray[Any],
        labels: NDArray[Any],
        counts: Floats,
        means: Floats,
        scatters: Floats,
    ) -> SourceSummary:
        """Make a summary of arrays that are laid out as its attributes.

        Parameters
        ----------
        subjects, labels, counts, means, scatters : ndarray
            See the attributes of the class.

        Returns
        -------
        SourceSummary

        Raises
        ------
        InputError
            When the shapes do not fit together.
        """
        k, d = means.shape
        if scatters.shape != (k, d, d) or not len(subjects) == len(labels) == len(counts) == k:
            raise InputError(
                f"the arrays do not fit together: {len(subjects)} subjects, {len(labels)} labels, "
                f"{len(counts)} counts, means {means.shape}, scatters {scatters.shape}."
            )
        out = cls()
        out.subjects, out.labels = subjects.astype(object), labels.astype(object)
        out.counts, out.means, out.scatters = (a.copy(order="K") for a in (counts, means, scatters))
        out._index = {k: i for i, k in enumerate(zip(out.subjects, out.labels, strict=True))}
        return out

    def copy(self) -> SourceSummary:
        """Give an independent copy."""
        return SourceSummary().merge(self)

    def affine(
        self, shift: Callable[[Any], ArrayLike], maps: Callable[[Any], ArrayLike]
    ) -> SourceSummary:
        """Give the summary of the rows z = (x - shift) map, with a map a subject.

        Parameters
        ----------
        shift : callable
            Takes a subject, gives (n_features,).
        maps : callable
            Takes a subject, gives a matrix (n_features, n_out), or a vector (n_features,) for
            a diagonal map.

        Returns
        -------
        SourceSummary
        """
        n_out = self.n_features
        means, scatters = [], []
        for subject, mean, scatter in zip(self.subjects, self.means, self.scatters, strict=True):
            a = np.asarray(maps(subject), dtype=np.float64)
            centred = mean - np.asarray(shift(subject), dtype=np.float64)
            if a.ndim == 1:
                means.append(centred * a)
                scatters.append(scatter * np.outer(a, a))
            else:
                n_out = a.shape[1]
                means.append(centred @ a)
                mapped = a.T @ scatter @ a
                # as it is but for rounding: half of a symmetric matrix is enough to keep
                scatters.append(0.5 * (mapped + mapped.T))
        return SourceSummary.from_arrays(
            self.subjects,
            self.labels,
            self.counts,
            np.array(means).reshape(-1, n_out),
            np.array(scatters).reshape(-1, n_out, n_out),
        )

    def without_subjects(self) -> SourceSummary:
        """Pool the subjects: one group a class."""
        out = SourceSummary()
        for label in self.classes.tolist():
            out._reserve([(ONE_SUBJECT, label)], self.n_features)
            out._merge(out._index[ONE_SUBJECT, label], self.pooled(label=label))
        return out

    def pooled(self, *, subject: Any = None, label: Any = None) -> tuple[float, Floats, Floats]:
        """Pool groups: all, those of one subject, or those of one class.

        Parameters
        ----------
        subject, label : optional
            Keep only groups of this subject, of this class.

        Returns
        -------
        count : float
        mean : ndarray of shape (n_features,)
        scatter : ndarray of shape (n_features, n_features)

        Raises
        ------
        InputError
            When no group is left.
        """
        keep = np.ones(len(self.counts), dtype=bool)
        if subject is not None:
            keep &= np.array([s == subject for s in self.subjects])
        if label is not None:
            keep &= np.array([value == label for value in self.labels])
        if not keep.any():
            raise InputError(
                f"the summary has no rows of subject {subject!r} and label {label!r}; it has the "
                f"subjects {sorted({str(s) for s in self.subjects})} and the labels "
                f"{sorted({str(value) for value in self.labels})}."
            )
        counts, means = self.counts[keep], self.means[keep]
        count = float(counts.sum())
        mean = counts @ means / count
        offsets = (means - mean) * np.sqrt(counts)[:, None]
        return count, mean, self.scatters[keep].sum(axis=0) + offsets.T @ offsets

    def _reserve(self, keys: list[tuple[Any, Any]], n_features: int) -> None:
        """Make room for new groups."""
        total = len(self._index) + len(keys)
        estimate = total * n_features**2 * 8
        if estimate > SUMMARY_LIMIT_BYTES:
            raise MemoryEstimateError(
                f"the summary of {total} (subject, class) groups x {n_features} features needs "
                f"{estimate / 2**30:.1f} GiB, above {SUMMARY_LIMIT_BYTES / 2**30:.0f} GiB; pool "
                "subjects, reduce the features, or fit on rows."
            )
        if not keys:
            return
        n_new = len(keys)
        grow = [np.zeros((n_new, *shape)) for shape in ((), (n_features,), (n_features,) * 2)]
        names = np.empty((2, n_new), dtype=object)
        for i, key in enumerate(keys):
            self._index[key] = len(self._index)
            names[:, i] = key
        if not len(self.counts):
            (self.counts, self.means, self.scatters), (self.subjects, self.labels) = grow, names
            return
        self.counts = np.concatenate([self.counts, grow[0]])
        self.means = np.concatenate([self.means, grow[1]])
        self.scatters = np.concatenate([self.scatters, grow[2]])
        self.subjects = np.concatenate([self.subjects, names[0]])
        self.labels = np.concatenate([self.labels, names[1]])

    def _merge(self, i: int, moments: Moments) -> None:
        """Merge moments into group i."""
        own = (self.counts[i], self.means[i], self.scatters[i])
        self.counts[i], self.means[i], self.scatters[i] = merge_moments(own, moments)


def check_weights(sample_weight: ArrayLike | None, n_rows: int) -> Floats | None:
    """Validate row weights: finite, not negative, not all zero.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,) or None
    n_rows : int

    Returns
    -------
    ndarray of shape (n_rows,) or None

    Raises
    ------
    InputError
        When they are not.
    """
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n_rows,) or not np.all(np.isfinite(weight)) or np.any(weight < 0):
        raise InputError(
            f"sample_weight must be {n_rows} finite non-negative numbers; got shape "
            f"{weight.shape}, smallest {weight.min() if weight.size else 'none'}."
        )
    if not np.any(weight > 0):
        raise InputError("all sample weights are zero; at least one row must count.")
    return weight
