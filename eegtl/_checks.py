"""Checks of arguments that several packages share."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

#: What an estimator may know of the target, from least to most.
INFORMATION_LEVELS = ("inductive", "unlabelled", "labelled")
#: Stands for the only subject where none are named.
ONE_SUBJECT = "(one subject)"


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
        return np.full(n_rows, ONE_SUBJECT)
    if isinstance(subjects, str | bytes) or not hasattr(subjects, "__len__"):
        raise InputError(
            f"subjects must be a 1-D array with one entry for each of the {n_rows} rows; "
            f"got {subjects!r}. For a single subject pass subjects=None."
        )
    if (
        isinstance(subjects, np.ndarray)
        and subjects.shape == (n_rows,)
        and subjects.dtype.kind in "biuUS"
    ):
        return subjects
    entries = list(subjects)
    if any(isinstance(entry, list | np.ndarray) for entry in entries):
        raise InputError(
            f"subjects must be 1-D, one hashable for each of the {n_rows} rows; an entry is "
            f"{next(e for e in entries if isinstance(e, list | np.ndarray))!r}."
        )
    if len(entries) != n_rows:
        raise InputError(
            f"subjects has {len(entries)} entries for {n_rows} rows; give one subject a row."
        )
    if any(_is_missing(entry) for entry in entries):
        raise InputError("subjects holds None or NaN; every row needs a subject.")
    array = np.empty(n_rows, dtype=object)
    array[:] = entries
    kinds = {str if isinstance(entry, str) else type(entry) for entry in entries}
    # numpy would turn ["1", 1] into one person, and tuples into a second axis
    if len(kinds) == 1 and not isinstance(entries[0], tuple):
        natural = np.asarray(entries)
        if natural.ndim == 1 and natural.dtype.kind in "biufUS":
            return natural
    return array


def _is_missing(entry: Any) -> bool:
    """Say whether a value stands for none: None, NaN, NaT, NA."""
    if entry is None:
        return True
    try:
        return bool(entry != entry)
    except (TypeError, ValueError):  # pandas' NA has no truth
        return True


def missing_entries(column: Any) -> NDArray[np.bool_]:
    """Say which values of a column stand for none: None, NaN, NaT, NA.

    Parameters
    ----------
    column : array-like of shape (n_rows,)

    Returns
    -------
    ndarray of bool, shape (n_rows,)

    Examples
    --------
    >>> missing_entries([1.0, None, float("nan")]).tolist()
    [False, True, True]
    """
    array = np.asarray(column)
    if array.dtype.kind in "biuUS":
        return np.zeros(len(array), dtype=bool)
    if array.dtype.kind in "fcmM":
        return np.asarray(array != array)
    return np.array([_is_missing(entry) for entry in array.tolist()], dtype=bool)


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


def known_subjects(subjects: Any, known: NDArray[Any], method: str) -> NDArray[np.intp]:
    """Give the place of each row's subject among those of `fit`.

    Parameters
    ----------
    subjects : ndarray or list of length n_rows
        As from `check_subjects`.
    known : ndarray of shape (n_subjects,)
    method : str
        Who asks, for the message.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Zeros where none are named and there is one only.

    Raises
    ------
    InputError
        When a subject was not in `fit`, or none are named where there are several.

    Examples
    --------
    >>> known_subjects(["ben", "ann"], np.array(["ann", "ben"]), "MIDA").tolist()
    [1, 0]
    """
    index = {name: i for i, name in enumerate(known.tolist())}
    names = subjects.tolist() if isinstance(subjects, np.ndarray) else list(subjects)
    unknown = sorted({str(name) for name in names if name not in index})
    if set(names) == {ONE_SUBJECT} and unknown:
        if len(index) == 1:
            return np.zeros(len(names), dtype=np.intp)
        raise InputError(
            f"{method} maps each of the {len(index)} source subjects by itself: give "
            "transform_source the subject of each row."
        )
    if unknown:
        raise InputError(
            f"{method} got the subjects {', '.join(unknown)}, which were not in fit (there: "
            f"{', '.join(map(str, index))}); rows of a new person go to adapt and transform."
        )
    return np.array([index[name] for name in names], dtype=np.intp)


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
