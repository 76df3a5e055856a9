"""Normalisation by one kind of block that everybody recorded, for example 20 s of rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin

from .._checks import known_subjects, missing_entries, unique_subjects
from ..errors import InputError
from .base import Aligner, Floats, Target
from .normalization import _scale as standard_deviation
from .row_table import optional_column


class MatchedBaseline(OneToOneFeatureMixin, Aligner):
    """Refer everybody, sources and wearer, to the same kind of block.

    Consumes: the unlabelled target rows of the block.
    Before adapt: sources by their blocks, the target by the pooled blocks of the sources.
    Memory: mean and standard deviation of each source person's block; no rows.
    Needs: in `rows` a column that is true for the rows of each source person's block (without
        `rows`, or without the column, all rows are the block). In `rows_target` the same column,
        where not all target rows are of the block.

    Parameters
    ----------
    column : str
        Name of the column.
    scale : bool
        Whether to divide by the block's standard deviation as well.

    Attributes
    ----------
    subjects_ : ndarray of shape (n_subjects,)
    subject_mean_, subject_scale_ : ndarray of shape (n_subjects, n_features)
    pooled_mean_, pooled_scale_ : ndarray of shape (n_features,)
        Mean of the blocks' means, and the standard deviation within a block, over all people.
    target_mean_, target_scale_ : ndarray of shape (n_features,)

    Notes
    -----
    z = (x - mean of the block) / s. A block of one state holds nothing of what classes do, but
    everybody's does so alike: what z2 would take from the wearer only is taken from all, and
    nothing is assumed of the wearer's class mix. The mean within the block is that of its state:
    the classifier sees how far a row is from it.

    s^2 = (n v + k V) / (n + k) with the variance v of the n rows of the block, the mean variance V
    of the sources' blocks and k = 10: a block of few rows takes the pooled scale. Without `scale`
    s^2 = V.

    Examples
    --------
    >>> import pandas as pd
    >>> X, who = [[0.0], [2.0], [9.0], [5.0], [7.0], [9.0]], list("aaabbb")
    >>> rest = pd.DataFrame({"baseline": [True, True, False] * 2})
    >>> z = MatchedBaseline(scale=False).fit(X, subjects=who, rows=rest)
    >>> z.adapt([[20.0], [22.0]]).transform([[24.0]]).item()
    3.0
    """

    needs_ = "unlabelled"
    reads_rows = True
    by_subject = True

    def __init__(self, column: str = "baseline", *, scale: bool = True) -> None:
        self.column = column
        self.scale = scale

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        names, codes = unique_subjects(subjects)
        block = self._marked(rows, "rows", len(X))
        without = [str(name) for i, name in enumerate(names) if not block[codes == i].any()]
        if without:
            raise InputError(
                f"MatchedBaseline: the source people {', '.join(without)} have no row with "
                f"{self.column!r} true; mark each person's baseline in that column of rows, or "
                "leave these people out."
            )
        own = [X[block & (codes == i)] for i in range(len(names))]
        counts = np.array([len(rows) for rows in own], dtype=np.float64)
        means = np.array([rows.mean(axis=0) for rows in own])
        variances = np.array([rows.var(axis=0) for rows in own])
        grand = X.mean(axis=0)
        # a feature that no block varies in has the scale of all rows
        fallback = standard_deviation(grand, X.var(axis=0), np.ones(X.shape[1]))
        self.subjects_, self.subject_mean_ = names, means
        self.pooled_mean_ = means.mean(axis=0)
        pooled = counts @ variances / counts.sum()
        self.pooled_scale_ = standard_deviation(self.pooled_mean_, pooled, fallback)
        self.subject_scale_ = np.array(
            [self._scale_of(v, n) for v, n in zip(variances, counts, strict=True)]
        )

    def _scale_of(self, variance: Floats, count: float) -> Floats:
        """Give the scale of a block, drawn to the pooled one where it is short."""
        if not self.scale:
            return self.pooled_scale_
        squared = (count * variance + _ROWS * self.pooled_scale_**2) / (count + _ROWS)
        scale: Floats = np.sqrt(squared)
        return scale

    def _marked(self, rows: Any, name: str, n_rows: int) -> NDArray[np.bool_]:
        """Read which rows are of the block; all, where nothing says so."""
        column = optional_column(rows, self.column)
        if column is None:
            return np.ones(n_rows, dtype=bool)
        if missing_entries(column).any() or not all(
            isinstance(value, bool) or value in (0, 1) for value in column.tolist()
        ):
            raise InputError(
                f"MatchedBaseline: the column {self.column!r} of {name} must be true or false for "
                f"every row; got the values {sorted({str(v) for v in column.tolist()})[:5]}."
            )
        return column.astype(bool)

    def _block_of(self, target: Target) -> NDArray[np.bool_]:
        n_target = len(target.X) - len(target.X_calib)
        parts = [
            self._marked(target.rows_target, "rows_target", n_target),
            self._marked(target.rows_calib, "rows_calib", len(target.X_calib)),
        ]
        block = np.concatenate(parts)
        if not block.any():
            raise InputError(
                f"MatchedBaseline: none of the {len(block)} target rows has {self.column!r} true; "
                "give rows of the wearer's baseline."
            )
        return block

    def _forget_target(self) -> None:
        self.target_mean_, self.target_scale_ = self.pooled_mean_, self.pooled_scale_

    def _adapt_target(self, target: Target) -> str:
        rows = target.X[self._block_of(target)]
        self.target_mean_ = rows.mean(axis=0)
        self.target_scale_ = self._scale_of(rows.var(axis=0), float(len(rows)))
        return "unlabelled"

    def _n_consumed(self, target: Target) -> int:
        return int(np.count_nonzero(self._block_of(target)))

    def _transform(self, X: Floats) -> Floats:
        return (X - self.target_mean_) / self.target_scale_

    def _transform_source(self, X: Floats, subjects: NDArray[Any]) -> Floats:
        codes = known_subjects(subjects, self.subjects_, "MatchedBaseline")
        return (X - self.subject_mean_[codes]) / self.subject_scale_[codes]


#: How many rows of a block the pooled scale counts for.
_ROWS = 10.0
