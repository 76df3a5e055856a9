"""What the table of rows tells: which sitting, which trial, which stimulus."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import missing_entries, unique_subjects
from ..errors import InputError
from .base import Target


def optional_column(rows: Any, name: str) -> NDArray[Any] | None:
    """Give a column of a table, or None where there is none.

    Parameters
    ----------
    rows : table or None
    name : str

    Returns
    -------
    ndarray of shape (n_rows,) or None
    """
    if rows is None:
        return None
    try:
        return np.asarray(rows[name])
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def told_column(rows: Any, name: str) -> NDArray[Any] | None:
    """Give a column of a table that tells something of every row, or None where there is none.

    Parameters
    ----------
    rows : table or None
    name : str

    Returns
    -------
    ndarray of shape (n_rows,) or None

    Raises
    ------
    InputError
        When the column tells it of some rows only: a missing value is nobody's name.

    Examples
    --------
    >>> told_column({"session": ["mon", "tue"]}, "session").tolist()
    ['mon', 'tue']
    """
    column = optional_column(rows, name)
    if column is None:
        return None
    missing = missing_entries(column)
    if missing.any():
        raise InputError(
            f"the column {name!r} of the rows lacks {np.count_nonzero(missing)} of "
            f"{len(column)} values (the first: row {np.argmax(missing)}); fill it for every row, "
            "or leave the column out."
        )
    return column


def sitting_codes(
    subjects: NDArray[Any], rows: Any
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.intp]]:
    """Give a number to each sitting of each person.

    Parameters
    ----------
    subjects : ndarray of shape (n_rows,)
    rows : table or None
        With a column `session`; without, each person has one sitting.

    Returns
    -------
    subjects, sessions : ndarray of shape (n_sittings,)
        Whose, and which (0 where no sessions are told).
    codes : ndarray of int, shape (n_rows,)

    Raises
    ------
    InputError
        When the session of some rows is missing.

    Examples
    --------
    >>> rows = {"session": np.array([1, 2, 1])}
    >>> sitting_codes(np.array(["a", "a", "b"]), rows)[2].tolist()
    [0, 1, 2]
    """
    names, people = unique_subjects(subjects)
    column = told_column(rows, "session")
    given = np.zeros(len(people), dtype=np.intp) if column is None else column
    sessions, sittings = unique_subjects(given)
    pairs, codes = np.unique(np.stack([people, sittings]), axis=1, return_inverse=True)
    return names[pairs[0]], sessions[pairs[1]], np.asarray(codes).ravel()


def target_sittings(target: Target) -> NDArray[np.intp]:
    """Give a number to each sitting of a target; one to all where not every row tells its own.

    Parameters
    ----------
    target : Target

    Returns
    -------
    ndarray of int, shape (n_target,)
    """
    n_target = len(target.X) - len(target.X_calib)
    columns = []
    for n, rows in ((n_target, target.rows_target), (len(target.X_calib), target.rows_calib)):
        column = optional_column(rows, "session")
        if n and (column is None or missing_entries(column).any()):
            return np.zeros(len(target.X), dtype=np.intp)
        if n:
            columns.extend(np.asarray(column).tolist())
    sessions = np.empty(len(columns), dtype=object)
    sessions[:] = columns
    return unique_subjects(sessions)[1]


def read_trials(rows: Any, n_rows: int) -> tuple[NDArray[np.intp] | None, NDArray[Any]]:
    """Read which rows make a trial, and which stimulus it is.

    Parameters
    ----------
    rows : table or None
        With the column `trial`, and `session` and `stimulus` where known.
    n_rows : int

    Returns
    -------
    trials : ndarray of int, shape (n_rows,), or None
        Numbers of the pairs of session and trial; None where no trials are told.
    stimuli : ndarray of str, shape (n_rows,)
        Empty where none is told.

    Raises
    ------
    InputError
        When the trial or the session of some rows is missing.

    Examples
    --------
    >>> trials, stimuli = read_trials({"trial": [1, 1, 2], "stimulus": [7.0, 7, None]}, 3)
    >>> trials.tolist(), stimuli.tolist()
    ([0, 0, 1], ['7', '7', ''])
    """
    stimulus = optional_column(rows, "stimulus")
    names = [""] * n_rows if stimulus is None else [_name(value) for value in stimulus.tolist()]
    trial = told_column(rows, "trial")
    if trial is None:
        return None, np.array(names, dtype=str)
    session = told_column(rows, "session")
    columns = [trial] if session is None else [session, trial]
    codes = np.stack([unique_subjects(column)[1] for column in columns])
    trials = np.unique(codes, axis=1, return_inverse=True)[1]
    return np.asarray(trials).ravel(), np.array(names, dtype=str)


def _name(value: Any) -> str:
    """Write a stimulus so that 7 and 7.0 are one; missing values are empty."""
    if missing_entries(np.array([value], dtype=object)).item():
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
