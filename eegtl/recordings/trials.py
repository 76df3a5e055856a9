"""The table of trials of one recording, and what makes it usable."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import SubjectError

TRIAL_COLUMNS = ("trial", "stimulus", "label", "onset", "duration")
"""Columns of a trials table: number, stimulus id, label as given, onset and duration in seconds."""


def whole_number(value: Any) -> int | None:
    """Return a whole number as int; None for anything else.

    Parameters
    ----------
    value : object
        Numbers such as ``2.0`` count as whole; texts, truth values and NaN are none.

    Returns
    -------
    int or None

    Examples
    --------
    >>> whole_number(2.0), whole_number(1.5), whole_number("1")
    (2, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    return int(value) if np.isfinite(value) and value == int(value) else None


def is_missing(value: Any) -> bool:
    """Say whether a value stands for none: None, NaN, NaT, NA or a blank text.

    Parameters
    ----------
    value : object
        One entry of a table or a list.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_missing(float("nan")), is_missing(" "), is_missing(0)
    (True, True, False)
    """
    if isinstance(value, str):
        return not value.strip()
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def check_trials(
    trials: pd.DataFrame, *, seconds: float, tolerance: float, file: str, subject: str
) -> pd.DataFrame:
    """Check a table of trials against its recording and sort it by time.

    Parameters
    ----------
    trials : DataFrame
        With the columns of `TRIAL_COLUMNS`; further columns are dropped. It may have no rows.
    seconds : float
        Length of the recording in seconds.
    tolerance : float
        By how much a trial may end beyond the recording or overlap the next one, in seconds
        (half a sample, for times rounded by others).
    file, subject : str
        Named in the error.

    Returns
    -------
    DataFrame
        A new table with the columns of `TRIAL_COLUMNS`, sorted by onset, index 0 ... n-1.

    Raises
    ------
    SubjectError
        When a column, a label or a stimulus is missing, a number is not whole or repeats, a label
        is neither text, number nor truth value, a time is not finite, or a trial lies outside the
        recording or overlaps another one.

    Examples
    --------
    >>> table = pd.DataFrame({"trial": [1], "stimulus": ["clip"], "label": ["calm"],
    ...                       "onset": [0.0], "duration": [60.0]})
    >>> check_trials(table, seconds=62.0, tolerance=0.001, file="a.edf", subject="1")["trial"][0]
    np.int64(1)
    """

    def error(problem: str) -> SubjectError:
        return SubjectError(problem, file=file, subject=subject)

    if not isinstance(trials, pd.DataFrame):
        raise error(
            f"trials is a {type(trials).__name__}; give a pandas DataFrame with the columns "
            f"{', '.join(TRIAL_COLUMNS)}"
        )
    missing = [column for column in TRIAL_COLUMNS if column not in trials.columns]
    if missing:
        raise error(
            f"the trials table lacks the columns {', '.join(missing)} "
            f"(it has {', '.join(map(str, trials.columns)) or 'none'}); add them"
        )
    table = trials.loc[:, list(TRIAL_COLUMNS)].reset_index(drop=True)
    if len(table) == 0:
        return table
    given = table["trial"].tolist()
    numbers = [whole_number(number) for number in given]
    if None in numbers:
        raise error(
            f"trial number {given[numbers.index(None)]!r} is no whole number; number "
            "the trials of one session 1, 2, 3, ..."
        )
    table["trial"] = np.array(numbers, dtype=np.int64)
    times = np.column_stack([_seconds(table[name], error) for name in ("onset", "duration")])
    for number, (onset, duration) in zip(table["trial"], times, strict=True):
        if not (np.isfinite(onset) and np.isfinite(duration) and onset >= 0 and duration > 0):
            raise error(
                f"trial {number} has onset {onset:g} s and duration {duration:g} s; the onset "
                "must be at least 0 and the duration above 0"
            )
        if onset + duration > seconds + tolerance:
            raise error(
                f"trial {number} ends at {onset + duration:g} s, beyond the end of the recording "
                f"({seconds:g} s). The file may be cut short; give a shorter trial, or re-run "
                "with --skip-bad to leave this recording out"
            )
    for column in ("label", "stimulus"):
        lacking = [
            str(number)
            for number, value in zip(table["trial"], table[column], strict=True)
            if is_missing(value)
        ]
        if lacking:
            raise error(
                f"trials {', '.join(lacking)} have no {column}; remove them from the table or give "
                "them one"
            )
    odd = next((v for v in table["label"] if not isinstance(v, str | Real | np.bool_)), None)
    if odd is not None:
        raise error(
            f"the label {odd!r} is a {type(odd).__name__}; labels are texts, numbers or truth "
            "values"
        )
    repeated = table.loc[table["trial"].duplicated().to_numpy(), "trial"].tolist()
    if repeated:
        raise error(
            f"trial number {repeated[0]} occurs more than once; number the trials of one session "
            "1, 2, 3, ..."
        )
    table["stimulus"] = table["stimulus"].astype(str)
    table["onset"], table["duration"] = times[:, 0], times[:, 1]
    table = table.sort_values("onset", kind="stable", ignore_index=True)
    ends = (table["onset"] + table["duration"]).to_numpy()
    late = np.flatnonzero(ends[:-1] > table["onset"].to_numpy()[1:] + tolerance)
    if late.size:
        first, second = table["trial"][late[0]], table["trial"][late[0] + 1]
        raise error(
            f"trial {first} ends at {ends[late[0]]:g} s, after trial {second} has begun at "
            f"{table['onset'][late[0] + 1]:g} s; trials may not overlap"
        )
    return table


def _seconds(column: pd.Series, error: Any) -> NDArray[np.float64]:
    """Return a column of times as numbers; what is missing is NaN."""
    if column.dtype.kind not in "mM":
        try:
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError):
            pass
    raise error(
        f"the column {column.name!r} holds {column.iloc[0]!r} and is of type {column.dtype}; give "
        "numbers of seconds"
    )
