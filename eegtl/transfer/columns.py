"""A view of the rows: some of their columns."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .base import Aligner, Floats
from .summary import SourceSummary


class SelectColumns(Aligner):
    """Hand on some columns, so that the steps behind it read one view of the rows.

    Consumes: nothing of the target.
    Before adapt: the same as afterwards.
    Memory: the numbers of the columns; no rows.

    Parameters
    ----------
    columns : "all" or array-like of int or bool
        The numbers of the columns, from 0 on and in the order wanted, or one True or False a
        column. A range is ``np.arange(start, stop)``: slices cannot be kept in a profile.

    Attributes
    ----------
    columns_ : ndarray of int, shape (n_columns,)

    Notes
    -----
    ``eegtl.evaluation.views.view_columns(table.columns, "de")`` gives the columns of a feature of
    a `FeatureTable`.

    Examples
    --------
    >>> rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    >>> SelectColumns([2, 0]).fit(rows).transform(rows).tolist()
    [[3.0, 1.0], [6.0, 4.0]]
    """

    needs_ = "inductive"
    by_subject = False

    def __init__(self, columns: str | ArrayLike = "all") -> None:
        self.columns = columns

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self.columns_ = column_numbers(self.columns, X.shape[1])

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
        self.columns_ = column_numbers(self.columns, summary.n_features)
        self.n_features_in_ = summary.n_features
        return self._before_adapt()

    def map_summary(self, summary: SourceSummary) -> SourceSummary:
        """Give the summary of the columns.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        SourceSummary
        """
        chosen = self.columns_
        return SourceSummary.from_arrays(
            summary.subjects,
            summary.labels,
            summary.counts,
            summary.means[:, chosen],
            summary.scatters[:, chosen[:, None], chosen],
        )

    def _transform(self, X: Floats) -> Floats:
        return X[:, self.columns_]


def column_numbers(columns: Any, n_columns: int) -> NDArray[np.intp]:
    """Give the numbers of the columns that are meant.

    Parameters
    ----------
    columns : "all" or array-like of int or bool
        As in `SelectColumns`.
    n_columns : int
        How many there are.

    Returns
    -------
    ndarray of int

    Raises
    ------
    InputError
        When they are no columns of such rows, none, or one comes twice.

    Examples
    --------
    >>> column_numbers([True, False, True], 3).tolist()
    [0, 2]
    """
    if isinstance(columns, str) and columns == "all":
        return np.arange(n_columns)
    chosen = np.asarray(columns)
    if chosen.ndim != 1 or chosen.dtype.kind not in "biu":
        raise InputError(
            "columns must be 'all' or a 1-D array of column numbers, or of one True or False a "
            f"column; got {columns!r}. For a range write np.arange(start, stop)."
        )
    if not len(chosen) or (chosen.dtype == bool and not chosen.any()):
        raise InputError("columns names no column; name at least one.")
    if chosen.dtype == bool:
        if len(chosen) != n_columns:
            raise InputError(
                f"columns has {len(chosen)} True or False for rows of {n_columns} columns; give "
                "one for each."
            )
        return np.flatnonzero(chosen)
    outside = chosen[(chosen < 0) | (chosen >= n_columns)]
    if len(outside):
        raise InputError(
            f"columns asks for column {outside[0]} of rows of {n_columns} columns, which are "
            f"numbered 0 to {n_columns - 1}. Take the numbers from the table that the rows are "
            "from."
        )
    numbers, counts = np.unique(chosen, return_counts=True)
    if counts.max() > 1:
        raise InputError(
            f"columns names column {numbers[counts.argmax()]} {counts.max()} times; name each once."
        )
    return chosen.astype(np.intp)
