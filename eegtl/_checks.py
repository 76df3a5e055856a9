"""Checks of arguments that several packages share."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

#: What an estimator may know of the target, from least to most.
INFORMATION_LEVELS = ("inductive", "unlabelled", "labelled")


def check_subjects(subjects: Any, n_rows: int) -> NDArray[Any]:
    """Give the subjects as a 1-D array with one entry a row; `None` means one subject.

    Parameters
    ----------
    subjects : array-like of shape (n_rows,) or None
        Any hashables; names and numbers are kept as they are.
    n_rows : int
        The number of rows they belong to.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    InputError
        When there is not exactly one subject a row, or one is missing (None or NaN).

    Examples
    --------
    >>> check_subjects(["anna", "ben"], 2).tolist()
    ['anna', 'ben']
    """
    if subjects is None:
        return np.zeros(n_rows, dtype=np.intp)
    if isinstance(subjects, str | bytes) or not hasattr(subjects, "__len__"):
        raise InputError(
            f"subjects must be a 1-D array with one entry for each of the {n_rows} rows; "
            f"got {subjects!r}. For a single subject pass subjects=None."
        )
    try:
        array = np.asarray(subjects)
    except ValueError:  # tuples of different lengths
        array = np.empty(0, dtype=object)
    hashables = any(isinstance(s, tuple) for s in subjects) or array.dtype.kind not in "biufUSO"
    if array.ndim != 1 or hashables:
        # tuples such as ("anna", 2) are one subject each, not a second axis
        array = np.empty(len(subjects), dtype=object)
        array[:] = [s if isinstance(s, tuple) else _scalar(s, n_rows) for s in subjects]
    if len(array) != n_rows:
        raise InputError(
            f"subjects has {len(array)} entries for {n_rows} rows; give one subject a row."
        )
    if any(s is None or (isinstance(s, float | np.floating) and s != s) for s in array):
        raise InputError("subjects holds None or NaN; every row needs a subject.")
    return array


def _scalar(subject: Any, n_rows: int) -> Any:
    if isinstance(subject, list | np.ndarray):
        raise InputError(
            f"subjects must be 1-D, one hashable for each of the {n_rows} rows; "
            f"an entry is {subject!r}."
        )
    return subject


def unique_subjects(subjects: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """List the distinct subjects in a stable order, and the index of each row's subject.

    Parameters
    ----------
    subjects : ndarray of shape (n_rows,)
        As from `check_subjects`.

    Returns
    -------
    names : ndarray of shape (n_subjects,)
        Sorted where the subjects can be compared, else in order of appearance.
    codes : ndarray of int, shape (n_rows,)

    Examples
    --------
    >>> unique_subjects(np.array(["b", "a", "b"]))[1].tolist()
    [1, 0, 1]
    """
    if subjects.dtype != object:
        names, codes = np.unique(subjects, return_inverse=True)
        return names, codes
    index: dict[Any, int] = {}
    codes = np.array([index.setdefault(s, len(index)) for s in subjects], dtype=np.intp)
    names = np.empty(len(index), dtype=object)
    names[:] = list(index)
    try:
        order = sorted(range(len(names)), key=lambda i: names[i])
    except TypeError:  # names of kinds that do not compare
        return names, codes
    rank = np.empty(len(names), dtype=np.intp)
    rank[order] = np.arange(len(names))
    return names[order], rank[codes]


def check_rows(rows: Sized | None, n_rows: int, name: str = "rows") -> None:
    """Refuse a table of row descriptions that does not have one entry a row.

    Parameters
    ----------
    rows : table or None
        Anything with a length, usually a pandas DataFrame.
    n_rows : int
        The number of rows described.
    name : str
        The argument's name, for the message.

    Raises
    ------
    InputError
        When the lengths differ.
    """
    if rows is not None and len(rows) != n_rows:
        raise InputError(f"{name} describes {len(rows)} rows, but there are {n_rows}.")


def highest_information(*levels: str) -> str:
    """Give the highest of several information levels.

    Parameters
    ----------
    *levels : {"inductive", "unlabelled", "labelled"}

    Returns
    -------
    str

    Examples
    --------
    >>> highest_information("inductive", "unlabelled")
    'unlabelled'
    """
    return max(levels, key=INFORMATION_LEVELS.index, default="inductive")
