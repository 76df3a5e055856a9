"""The table of trials of one recording, and what makes it usable."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import SubjectError

TRIAL_COLUMNS = ("trial", "stimulus", "label", "onset", "duration")
"""Columns of a trials table: number, stimulus id, label as given, onset and duration in seconds."""


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
        When a column or a label is missing, a number repeats, a time is not finite, or a trial
        lies outside the recording or overlaps another one.

    Examples
    --------
    >>> table = pd.DataFrame({"trial": [1], "stimulus": ["clip"], "label": ["calm"],
    ...                       "onset": [0.0], "duration": [60.0]})
    >>> check_trials(table, seconds=62.0, tolerance=0.001, file="a.edf", subject="1")["trial"][0]
    np.int64(1)
    """

    def error(problem: str) -> SubjectError:
        return SubjectError(problem, file=file, subject=subject)

    missing = [column for column in TRIAL_COLUMNS if column not in trials.columns]
    if missing:
        raise error(
            f"the trials table lacks the columns {', '.join(missing)} "
            f"(it has {', '.join(map(str, trials.columns)) or 'none'}); add them"
        )
    table = trials.loc[:, list(TRIAL_COLUMNS)].reset_index(drop=True)
    if len(table) == 0:
        return table
    times = table[["onset", "duration"]].to_numpy(dtype=np.float64, na_value=np.nan)
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
    unlabelled = table.loc[table["label"].isna().to_numpy(), "trial"].tolist()
    if unlabelled:
        raise error(
            f"trials {', '.join(map(str, unlabelled))} have no label; "
            "remove them from the table or give them one"
        )
    repeated = table.loc[table["trial"].duplicated().to_numpy(), "trial"].tolist()
    if repeated:
        raise error(
            f"trial number {repeated[0]} occurs more than once; number the trials of one session "
            "1, 2, 3, ..."
        )
    table["trial"] = table["trial"].astype(int)
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
