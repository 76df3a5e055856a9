"""`FeatureTable`: one row per window, what each column and each row is, and its safe file."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ._table_file import read_table, write_table
from .columns import ColumnName, column_index

#: Columns that every `FeatureTable.meta` has, in this order.
META_COLUMNS = (
    "dataset",
    "subject",
    "session",
    "trial",
    "stimulus",
    "label",
    "onset",
    "settling",
    "flags",
)


class FeatureTable:
    """Features of windows, with the words that say what they are.

    Parameters
    ----------
    X : ndarray of shape (n_windows, n_features)
        Features; kept as C-contiguous float64.
    columns : pandas.MultiIndex or list of (feature, channel, band), of length n_features
        Levels ``feature, channel, band``; channel-major inside a feature. Kept as a MultiIndex.
    meta : pandas.DataFrame of length n_windows
        At least the columns ``dataset, subject, session, trial, stimulus, label,
        onset`` (s from the start of the recording), ``settling`` (bool: the filters had
        not settled) and ``flags`` (str: what is unusual, ``""`` when nothing is). Categories
        and nullable types of pandas become the plain types of their values.
    causal : bool
        False if any step used the future of a window.
    info : mapping
        JSON-able facts: window, step, bands, versions; of the recordings their sampling rates,
        their channels (of the first) and their different pass-bands.

    Raises
    ------
    InputError
        When the parts do not fit together.

    Examples
    --------
    >>> columns = make_columns("de", ["Fz", "Cz"], ["alpha"])
    >>> meta = pd.DataFrame({name: [0, 0] for name in META_COLUMNS})
    >>> table = FeatureTable([[1.0, 2.0], [3.0, 4.0]], columns, meta)
    >>> len(table), table.block("de").shape
    (2, (2, 2, 1))
    """

    def __init__(
        self,
        X: ArrayLike,
        columns: pd.MultiIndex | list[ColumnName],
        meta: pd.DataFrame,
        *,
        causal: bool = True,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        self.X: NDArray[np.float64] = np.ascontiguousarray(X, dtype=np.float64)
        if self.X.ndim != 2:
            raise InputError(f"X has {self.X.ndim} dimensions; give (n_windows, n_features)")
        if isinstance(columns, list):
            columns = column_index(columns)
        if list(columns.names) != ["feature", "channel", "band"]:
            raise InputError(
                f"columns has the levels {list(columns.names)}; "
                "give a MultiIndex with the levels feature, channel, band"
            )
        if self.X.shape != (len(meta), len(columns)):
            raise InputError(
                f"X has the shape {self.X.shape}, but meta has {len(meta)} rows and columns has "
                f"{len(columns)} entries; they must agree"
            )
        missing = [name for name in META_COLUMNS if name not in meta.columns]
        if missing:
            raise InputError(
                f"meta lacks {', '.join(missing)}; it has {', '.join(map(str, meta.columns))}"
            )
        for what, names in (("columns", columns), ("meta", meta.columns)):
            if not names.is_unique:
                twice = names[names.duplicated()][0]
                raise InputError(f"{what} names {twice!r} more than once; name each column once")
        self.columns = columns
        self.meta = pd.DataFrame({name: _plain(meta[name]) for name in meta.columns})
        self.causal = bool(causal)
        self.info: dict[str, Any] = dict(info or {})

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        features = ", ".join(dict.fromkeys(self.columns.get_level_values("feature")))
        return (
            f"<FeatureTable {features}: {len(self)} windows x {self.X.shape[1]} features, "
            f"{self.meta['subject'].nunique()} subjects>"
        )

    def block(self, feature: str) -> NDArray[np.float64]:
        """Return one feature as a three-dimensional view.

        Parameters
        ----------
        feature : str
            For example ``"de"``.

        Returns
        -------
        ndarray of shape (n_windows, n_channels, n_bands)
            A view of ``X``: writing to it changes the table.

        Raises
        ------
        InputError
            When the table has no such feature, or only some columns of it.

        Examples
        --------
        >>> meta = pd.DataFrame({name: [0] for name in META_COLUMNS})
        >>> table = FeatureTable([[1.0, 2.0]], make_columns("de", ["Fz"], ["a", "b"]), meta)
        >>> table.block("de").tolist()
        [[[1.0, 2.0]]]
        """
        where = np.flatnonzero(self.columns.get_level_values("feature") == feature)
        if not len(where):
            known = ", ".join(dict.fromkeys(self.columns.get_level_values("feature")))
            raise InputError(f"the table has no feature {feature!r}; it has: {known}")
        part = self.columns[where[0] : where[-1] + 1]
        channels = part.get_level_values("channel").unique()
        bands = part.get_level_values("band").unique()
        if not part.equals(make_columns(feature, channels, bands)):
            raise InputError(
                f"the columns of {feature!r} are not a full channels x bands block; "
                "use X and columns"
            )
        block = self.X[:, where[0] : where[-1] + 1]
        return block.reshape(len(self), len(channels), len(bands))

    def select(self, mask: ArrayLike) -> FeatureTable:
        """Return the rows a mask or an index array names.

        Parameters
        ----------
        mask : array-like of bool (n_windows,) or of int
            Rows to keep; integers also set their order.

        Returns
        -------
        FeatureTable
            A new table; ``X``, ``meta`` and ``info`` are copies.

        Raises
        ------
        InputError
            When the mask has the wrong length or kind, or an index is out of range.

        Examples
        --------
        >>> meta = pd.DataFrame({name: [0, 1] for name in META_COLUMNS})
        >>> table = FeatureTable(np.eye(2), make_columns("de", ["Fz"], ["a", "b"]), meta)
        >>> table.select(table.meta["subject"] == 1).X.tolist()
        [[0.0, 1.0]]
        """
        rows = np.asarray(mask)
        if rows.dtype == bool and rows.shape != (len(self),):
            raise InputError(f"the mask has the shape {rows.shape}; give ({len(self)},)")
        if rows.ndim == 1 and rows.size == 0 and rows.dtype != bool:
            rows = rows.astype(np.intp)
        if rows.ndim != 1 or rows.dtype.kind not in "bui":
            raise InputError(
                f"the mask has {rows.ndim} dimensions of type {rows.dtype}; "
                "give a 1-d array of bool or of row numbers"
            )
        if (
            rows.dtype != bool
            and rows.size
            and not -len(self) <= rows.min() <= rows.max() < len(self)
        ):
            raise InputError(
                f"row numbers run from {rows.min()} to {rows.max()}; the table has {len(self)} rows"
            )
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        return FeatureTable(
            self.X[rows],
            self.columns,
            self.meta.iloc[rows].reset_index(drop=True),
            causal=self.causal,
            info=deepcopy(self.info),
        )

    def save(self, path: str | Path) -> Path:
        """Write the table to one ``.npz`` file (no pickle).

        The file is written under a temporary name and renamed when it is complete, so that
        an interrupted write leaves no half file behind.

        Parameters
        ----------
        path : path
            File to write; its folder must exist.

        Returns
        -------
        pathlib.Path
            The path written.

        Raises
        ------
        InputError
            When ``meta`` or ``info`` holds something that is not a number or a text, or the file
            cannot be written; one that was there is then as it was.

        Examples
        --------
        >>> import tempfile
        >>> meta = pd.DataFrame({name: [0] for name in META_COLUMNS})
        >>> table = FeatureTable([[1.0]], make_columns("de", ["Fz"], ["alpha"]), meta)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     FeatureTable.load(table.save(Path(folder) / "table.npz")).X.tolist()
        [[1.0]]
        """
        return write_table(
            Path(path), self.X, self.columns, self.meta, causal=self.causal, info=self.info
        )

    @classmethod
    def load(cls, path: str | Path, *, max_bytes: int = 4 * 2**30) -> FeatureTable:
        """Read a table that `save` wrote; nothing in the file is executed.

        Parameters
        ----------
        path : path
            File to read.
        max_bytes : int
            Refuse files that would unpack to more than this.

        Returns
        -------
        FeatureTable
            The table, equal to the one saved.

        Raises
        ------
        InputError
            When the file is missing, is not a feature table, or is too large.
        """
        X, columns, meta, causal, info = read_table(Path(path), max_bytes=max_bytes)
        return cls(X, columns, meta, causal=causal, info=info)


def _plain(column: pd.Series) -> pd.Series:
    """Give categories and nullable types the plain type of their values; what is missing is None.

    Numbers of a column that lacks some stay what they are, so that 1 does not become 1.0.
    """
    column = column.reset_index(drop=True)
    if isinstance(column.dtype, np.dtype) or column.dtype == "str":
        return column
    values = column.astype(object)
    missing = column.isna()
    if not missing.any():
        return values.infer_objects()
    if pd.api.types.is_float_dtype(column.dtype):
        return column.astype(np.float64)
    texts = all(isinstance(value, str) for value in values[~missing])
    values[missing] = None
    return values.astype("str") if texts else values


def make_columns(feature: str, channels: Any, bands: Any) -> pd.MultiIndex:
    """Name the columns of one feature, all bands of a channel together.

    Parameters
    ----------
    feature : str
        Name of the feature.
    channels, bands : iterables of str
        Their names, in order.

    Returns
    -------
    pandas.MultiIndex
        Of length n_channels * n_bands, with the levels ``feature, channel, band``.

    Examples
    --------
    >>> make_columns("de", ["Fz"], ["alpha", "beta"]).tolist()
    [('de', 'Fz', 'alpha'), ('de', 'Fz', 'beta')]
    """
    return pd.MultiIndex.from_product(
        [[feature], list(channels), list(bands)], names=["feature", "channel", "band"]
    )
