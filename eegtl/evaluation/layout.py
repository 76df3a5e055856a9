"""What a results file holds, column by column, and the digests by which damage is noticed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import StudyError

#: number of the layout, kept in the file's ``user_version``
VERSION = 2
#: Every row ends in a digest of its other columns; SQLite itself notices damage of its structure
#: only, and a changed byte in a score would pass for a result.
SCHEMA = (
    # what must agree for a study to be continued
    "CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL, digest TEXT NOT NULL)",
    # what a reader wants to know besides: rows, order of the folds, notes, overview
    "CREATE TABLE description (key TEXT PRIMARY KEY, value TEXT NOT NULL, digest TEXT NOT NULL)",
    """CREATE TABLE distances (
    subject TEXT NOT NULL, normalization TEXT NOT NULL, distance TEXT NOT NULL,
    value REAL, noise REAL, digest TEXT NOT NULL,
    PRIMARY KEY (subject, normalization, distance)
)""",
    """CREATE TABLE folds (
    row TEXT NOT NULL, repeat INTEGER NOT NULL, fold TEXT NOT NULL, subject TEXT NOT NULL,
    n_source INTEGER NOT NULL, n_target_windows INTEGER NOT NULL, n_test INTEGER NOT NULL,
    accuracy REAL NOT NULL, balanced_accuracy REAL NOT NULL, macro_f1 REAL NOT NULL,
    trial_accuracy REAL NOT NULL, seconds REAL NOT NULL, warnings TEXT NOT NULL,
    chosen TEXT NOT NULL,
    window BLOB NOT NULL, trial BLOB NOT NULL, y_true BLOB NOT NULL, y_pred BLOB NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (row, repeat, fold)
)""",
)
#: columns of `FoldRecord` that are kept as compressed bytes
ARRAYS = ("window", "trial", "y_true", "y_pred")


@dataclass(frozen=True)
class FoldRecord:
    """One finished fold.

    Attributes
    ----------
    row, repeat, fold : str, int, str
        The study row's key, the number of the shuffle (0: true labels), the fold's name.
    subject : str
        The person scored.
    n_source, n_target_windows, n_test : int
        Rows trained on, rows of the target handed over, rows scored.
    accuracy, balanced_accuracy, macro_f1, trial_accuracy : float
        As in `eegtl.evaluation.metrics.Scores`.
    seconds : float
        Time of fit, adapt and predict.
    warnings : tuple of str
        Messages given meanwhile.
    chosen : str
        What a search chose inside the fold, as text; empty without a search.
    window, trial, y_true, y_pred : ndarray of int, shape (n_test,)
        Row number in the study's table, number of the trial, codes of the labels.
    """

    row: str
    repeat: int
    fold: str
    subject: str
    n_source: int
    n_target_windows: int
    n_test: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    trial_accuracy: float
    seconds: float
    warnings: tuple[str, ...]
    chosen: str
    window: NDArray[np.intp]
    trial: NDArray[np.intp]
    y_true: NDArray[np.intp]
    y_pred: NDArray[np.intp]


COLUMNS = tuple(field.name for field in fields(FoldRecord))


def digest(values: Iterable[Any]) -> str:
    """Hash the columns of one row of the file.

    Parameters
    ----------
    values : iterable of str, int, float, bytes or None
        As SQLite gives them back.

    Returns
    -------
    str
        Sixteen hexadecimal digits.

    Examples
    --------
    >>> digest(["seed", "0"]) == digest(["seed", "0 "])
    False
    """
    # NumPy's numbers are written as Python's
    plain = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
    return hashlib.sha256(repr(plain).encode()).hexdigest()[:16]


def pack(array: ArrayLike) -> bytes:
    """Compress an array of integers.

    Parameters
    ----------
    array : array-like of int, shape (n,)

    Returns
    -------
    bytes
    """
    return zlib.compress(np.asarray(array, dtype="<i4").tobytes())


def unpack(blob: bytes, n: int) -> NDArray[np.int32]:
    """Unpack what `pack` gave; oversized blobs are refused before they take memory.

    Parameters
    ----------
    blob : bytes
    n : int
        How many integers there must be.

    Returns
    -------
    ndarray of int32, shape (n,)

    Raises
    ------
    StudyError
        When the bytes are damaged, or hold more or less.

    Examples
    --------
    >>> unpack(pack([3, 1]), 2).tolist()
    [3, 1]
    """
    try:
        unpacked = zlib.decompressobj().decompress(blob, 4 * n + 1)
    except zlib.error as error:
        raise StudyError(f"the results file is damaged: {error}. Run the study again.") from error
    if len(unpacked) != 4 * n:
        raise StudyError(
            f"the results file is damaged: {len(unpacked)} bytes instead of {4 * n}. "
            "Run the study again."
        )
    return np.frombuffer(unpacked, dtype="<i4")


def fold_windows(values: Iterable[Any]) -> pd.DataFrame:
    """Give the windows of one fold, from its columns in the file.

    Parameters
    ----------
    values : iterable
        In the order of `COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        Columns ``fold, subject, window, trial, y_true, y_pred``.

    Raises
    ------
    StudyError
        As of `unpack`.
    """
    record = dict(zip(COLUMNS, values, strict=True))
    arrays = {name: unpack(record[name], record["n_test"]) for name in ARRAYS}
    return pd.DataFrame({"fold": record["fold"], "subject": record["subject"]} | arrays)
