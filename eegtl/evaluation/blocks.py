"""Time within one person: the order of windows, and the block that may be used before scoring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StudyError
from .information import InformationSet
from .name_order import check_meta_names, name_order_note, name_ranks

Index = NDArray[np.intp]
#: two windows that touch within this many seconds do not overlap (rounding of onsets)
_TOUCH = 1e-6


def wearer_parts(
    meta: pd.DataFrame, rows: Index, information: InformationSet, window: float, name: str
) -> tuple[Index, Index, Index]:
    """Split the rows of a wearer into what may be used and what is scored.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``session, trial, onset``.
    rows : ndarray of int
        Row numbers of the wearer.
    information : InformationSet
        What of the wearer may be used.
    window : float
        Length of a window in seconds; read for a calibration block only.
    name : str
        The wearer, for messages: ``subject 3``.

    Returns
    -------
    calibration, target, test : ndarray of int
        Row numbers, in time order: the calibration block, the rows that may be used without
        labels, the rows that are scored.

    Raises
    ------
    StudyError
        When a calibration block is shorter than a window or leaves nothing to score.

    Examples
    --------
    >>> meta = pd.DataFrame({"session": 1, "trial": [2, 1, 1], "onset": [0.0, 2.0, 0.0]})
    >>> parts = wearer_parts(meta, np.arange(3), InformationSet("calibration", 4), 2.0, "a")
    >>> [part.tolist() for part in parts]
    [[2, 1], [], [0]]
    """
    own = time_order(meta, rows)
    empty = own[:0]
    if information.kind == "inductive":
        return empty, empty, own
    if information.kind == "calibration":
        calibration, test = _calibration_block(meta, own, information, window, name)
        return calibration, empty, test
    return empty, own, own


def time_order(meta: pd.DataFrame, rows: Index) -> Index:
    """Sort rows of one person by session, trial and onset.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``session, trial, onset``.
    rows : ndarray of int
        Row numbers.

    Returns
    -------
    ndarray of int
        The same row numbers. Names of sessions and trials are in the order of `name_ranks`.
    """
    own = meta.iloc[rows]
    return rows[np.lexsort([own["onset"], name_ranks(own["trial"]), name_ranks(own["session"])])]


def _falls(meta: pd.DataFrame) -> list[str]:
    """Find the trials that begin before the trial numbered before them in the same sitting.

    The numbers are the order of presentation. Onsets restart with each recording, so those of two
    recordings do not compare; trials whose times overlap must be of two.
    """
    names = ["subject", "session"] + (["recording"] if "recording" in meta else [])
    times = meta.groupby([*names, "trial"], sort=False, observed=True)["onset"]
    trials = times.agg(["min", "max"]).reset_index()
    trials = trials.sort_values([*names, "trial"], key=name_ranks)
    before, after = trials.iloc[:-1].reset_index(drop=True), trials.iloc[1:].reset_index(drop=True)
    falling = (before[names] == after[names]).all(axis=1) & (after["min"] < before["min"])
    if "recording" not in meta:
        falling &= after["max"] < before["min"]
    return [
        f"subject {later.subject}, session {later.session}: trial {later.trial} begins at "
        f"{later.min:g} s, before trial {earlier.trial} at {earlier.min:g} s"
        for earlier, later in zip(
            before[falling].itertuples(), after[falling].itertuples(), strict=True
        )
    ]


def check_order(meta: pd.DataFrame) -> None:
    """Refuse trials that are not named in the order of time, where the table tells.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``subject, session, trial, onset``; only with ``recording`` do onsets
        compare.

    Raises
    ------
    StudyError
        Naming the first such trial, or two names of sessions or trials of which none is the
        first.
    """
    check_meta_names(meta)
    falls = _falls(meta) if "recording" in meta else []
    if falls:
        raise StudyError(
            f"{falls[0]} of the same recording. Number the trials in the order in which they were "
            "presented; the clip belongs in the column 'stimulus'."
        )


def order_note(meta: pd.DataFrame) -> list[str]:
    """Say how the order of time was read, and where the table does not tell that it is so.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``subject, session, trial, onset``.

    Returns
    -------
    list of str
        The order of names that are no numbers, and one note on trials that seem to go backwards.

    Examples
    --------
    >>> order_note(pd.DataFrame({"subject": "a", "session": 1, "trial": [1, 2],
    ...                          "onset": [60.0, 0.0]}))[0][:51]
    'subject a, session 1: trial 2 begins at 0 s, before'
    """
    notes = [note for column in ("session", "trial") for note in name_order_note(meta, column)]
    falls = _falls(meta)
    if not falls:
        return notes
    return [
        *notes,
        f"{falls[0]} [{len(falls)} such trials in all]. Unless they are of different recordings, "
        "the trials are not numbered in the order of presentation, and what counts here as the "
        "past is not",
    ]


def window_length(table: Any) -> float:
    """Read the length of a window.

    Parameters
    ----------
    table : FeatureTable
        With ``info["window"]``.

    Returns
    -------
    float
        In seconds.

    Raises
    ------
    StudyError
        When the table does not say.
    """
    if "window" not in table.info:
        raise StudyError(
            "a calibration block needs the length of a window in seconds, but info['window'] is "
            f"missing (info has: {', '.join(table.info) or 'nothing'}). Set it on the table."
        )
    return float(table.info["window"])


def _calibration_block(
    meta: pd.DataFrame, own: Index, information: InformationSet, window: float, name: str
) -> tuple[Index, Index]:
    """Split a person's rows, in time order, into the calibration block and what is scored."""
    seconds = float(information.seconds or 0.0)
    trial = pd.factorize(pd.MultiIndex.from_frame(meta.iloc[own][["session", "trial"]]))[0]
    start = meta["onset"].to_numpy()[own]
    # a window adds its own length, or only what the window before it has not covered yet
    gain = np.minimum(window, np.diff(start, prepend=start[0] - window))
    gain[np.flatnonzero(np.diff(trial)) + 1] = window
    covered = np.cumsum(gain)
    n = int(np.searchsorted(covered, seconds + _TOUCH, side="right"))
    if n == 0:
        raise StudyError(
            f"a calibration block of {seconds:g} s is shorter than one window of {window:g} s; "
            "take a longer block or shorter windows."
        )
    rest = np.arange(len(own)) >= n
    last = n - 1
    if information.labelled:
        rest &= ~np.isin(trial, trial[:n])
    else:
        rest &= (trial != trial[last]) | (start >= start[last] + window - _TOUCH)
    if not rest.any():
        reason = (
            "the trials it touches are not scored, and there are no others"
            if information.labelled
            else "nothing is left to score"
        )
        raise StudyError(
            f"{name} has {covered[-1]:g} s of usable windows in {trial[-1] + 1} "
            f"trials; with a calibration block of {seconds:g} s {reason}. Take a shorter block."
        )
    return own[:n], own[rest]
