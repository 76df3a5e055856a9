"""Which sessions are like the wearer's first day: covariances of features, compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..transfer.covariance_ranking import riemannian_distances, shrunk_covariance
from ..transfer.moments import Moments, row_moments
from ..transfer.riemannian_selector import gaussian_matrix
from .blocks import Index

Floats = NDArray[np.float64]
RANKINGS = ("unlabelled", "labelled")


class SessionRanking:
    """Distances of sessions from a person's first day; nothing else of the table is read.

    Parameters
    ----------
    X : ndarray of shape (n_windows, n_features)
        All windows of a study; only the rows asked for are read.
    labels : ndarray of shape (n_windows,), optional
        Given, classes are compared one by one.

    Notes
    -----
    Features are measured in standard deviations of the first day, so that units do not matter;
    those that do not vary there are left out. Covariances are shrunk by OAS, as
    `RobustPCATransfer` does, and d(A, B) = sqrt(sum_k ln^2 eig_k(A^-1 B)).

    Without labels the distance is d(C_1, C_s) between the covariances of the first day and of the
    session, each about its own mean: an offset of a session does not count.

    With labels it is the mean over the classes c of the first day of d(G_1c, G_sc), where
    G = [[C + mm', m], [m', 1]] holds the covariance C of a class about its own mean and the place
    m of that mean from the middle of the class means: how the classes lie to each other counts,
    an offset of the whole session and the mix of the classes do not.

    The distance is infinite where a side has no spread, or lacks a class of the first day.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((90, 2)) * np.repeat([[1, 1], [1, 1], [1, 5]], 30, axis=0)
    >>> first, near, far = np.arange(90).reshape(3, 30)
    >>> SessionRanking(X).distances(first, [near, far]).argmin().item()
    0
    """

    def __init__(self, X: Floats, labels: NDArray[Any] | None = None) -> None:
        self._X, self._labels = X, labels
        self._moments: dict[bytes, Moments] = {}

    def distances(self, first: Index, sessions: Sequence[Index]) -> Floats:
        """Give the distance of each session from the first day.

        Parameters
        ----------
        first : ndarray of int
            Rows of the first day.
        sessions : sequence of ndarray of int
            Rows of each session.

        Returns
        -------
        ndarray of shape (n_sessions,)
        """
        count, mean, scatter = self._of(first)
        sd = np.sqrt(np.diag(scatter) / count)
        kept = np.flatnonzero(sd > 10 * np.finfo(np.float64).eps * np.abs(mean))
        if not len(kept):
            return np.full(len(sessions), np.inf)
        if self._labels is None:
            own = _covariance(self._of(first), kept, sd)
            others = [_covariance(self._of(rows), kept, sd) for rows in sessions]
            return riemannian_distances(np.array(others).reshape(-1, *own.shape), own)
        classes = np.unique(self._labels[first])
        described = self._classes(first, classes, kept, sd)
        of_sessions = [self._classes(rows, classes, kept, sd) for rows in sessions]
        total = np.zeros(len(sessions))
        for place, matrix in enumerate(described):
            others = [matrices[place] for matrices in of_sessions]
            total += riemannian_distances(np.array(others).reshape(-1, *matrix.shape), matrix)
        return total / len(classes)

    def _classes(
        self, rows: Index, classes: NDArray[Any], kept: NDArray[np.intp], sd: Floats
    ) -> list[Floats]:
        """Describe each class by a matrix; all are 0 where one is missing or has no spread."""
        assert self._labels is not None
        labels = self._labels[rows]
        moments = [self._of(rows[labels == c]) for c in classes]
        covariances = [_covariance(own, kept, sd) for own in moments]
        if not all(np.trace(covariance) > 0 for covariance in covariances):
            return [np.zeros((len(kept) + 1,) * 2)] * len(classes)
        means = np.array([mean[kept] / sd[kept] for _, mean, _ in moments])
        places = means - means.mean(axis=0)
        return [gaussian_matrix(C, m) for C, m in zip(covariances, places, strict=True)]

    def _of(self, rows: Index) -> Moments:
        """Give the moments of rows, which every wearer's ranking needs again."""
        key = rows.tobytes()
        if key not in self._moments:
            self._moments[key] = row_moments(self._X[rows])
        return self._moments[key]


def _covariance(moments: Moments, kept: NDArray[np.intp], sd: Floats) -> Floats:
    """Shrink the covariance of the features that are compared, in units of the first day."""
    count, mean, scatter = moments
    scale = sd[kept]
    scaled = scatter[np.ix_(kept, kept)] / np.outer(scale, scale)
    return shrunk_covariance((count, mean[kept] / scale, scaled))
