"""Which day a window is of, and which day of a person came first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StudyError
from .name_order import check_names_tell, in_order, name_order_note, name_ranks


def day_column(meta: pd.DataFrame) -> str:
    """Say which column tells the day.

    Parameters
    ----------
    meta : pandas.DataFrame

    Returns
    -------
    {"day", "session"}
        ``day`` where the table has it; else every session counts as a day.

    Examples
    --------
    >>> day_column(pd.DataFrame({"session": [1]}))
    'session'
    """
    return "day" if "day" in meta else "session"


def day_ranks(meta: pd.DataFrame) -> NDArray[np.intp]:
    """Give each window the place of its day in the order of time, and refuse days of no order.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``subject, session`` and, perhaps, ``day``.

    Returns
    -------
    ndarray of int, shape (n_windows,)
        Comparable within a person. Names are in the order of `name_ranks`.

    Raises
    ------
    StudyError
        When a window has no day, a session lies on two days, names of days are of several types,
        or do not tell which came first.

    Examples
    --------
    >>> day_ranks(pd.DataFrame({"subject": 1, "session": [1, 2], "day": ["d10", "d9"]})).tolist()
    [1, 0]
    """
    column = day_column(meta)
    if column == "day":
        _check_days(meta)
    for subject, own in meta.groupby("subject", sort=False):
        check_names_tell(in_order(own[column].tolist()), f"{column}s of subject {subject}")
    return name_ranks(meta[column])


def _check_days(meta: pd.DataFrame) -> None:
    """Refuse a column of days that does not give each session one."""
    missing = meta["day"].isna().to_numpy()
    if missing.any():
        first = meta.iloc[int(np.flatnonzero(missing)[0])]
        raise StudyError(
            f"{int(missing.sum())} windows have no day, the first is of subject "
            f"{first['subject']}, session {first['session']}. Give each window its day, or leave "
            "the column out: each session is then a day."
        )
    kinds = {type(value).__name__ for value in meta["day"].tolist()}
    if len(kinds) > 1:
        raise StudyError(
            f"the column 'day' holds names of several types ({', '.join(sorted(kinds))}), which "
            "have no order. Use one type."
        )
    days = meta.groupby(["subject", "session"], sort=False)["day"].nunique()
    if (days > 1).any():
        subject, session = days.index[int(np.argmax(days.to_numpy() > 1))]
        raise StudyError(
            f"session {session} of subject {subject} lies on {int(days.max())} days; a session is "
            "one sitting. Name the sessions of each day otherwise."
        )


def day_notes(meta: pd.DataFrame) -> list[str]:
    """Say in which order the days were taken where their names are no numbers.

    Parameters
    ----------
    meta : pandas.DataFrame

    Returns
    -------
    list of str
        One note or none.
    """
    notes = name_order_note(meta.rename(columns=_as_session(meta)), "session")
    return [note.replace("session", day_column(meta), 1) for note in notes]


def _as_session(meta: pd.DataFrame) -> dict[Any, Any]:
    """Let the column of days stand where a note reads sessions."""
    return {"session": "sitting", "day": "session"} if day_column(meta) == "day" else {}
