"""Who is source, calibration, target and test: index sets of a table's rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StudyError
from .information import InformationSet

Index = NDArray[np.intp]
_TIME = ("session", "trial", "onset")
#: two windows that touch within this many seconds do not overlap (rounding of onsets)
_TOUCH = 1e-6


@dataclass(frozen=True)
class Fold:
    """One person's turn as the wearer; every part is an array of row numbers.

    Attributes
    ----------
    name : str
        Name of the fold.
    subject : object
        The person whose rows are scored.
    source : ndarray of int
        Labelled rows of the other people.
    calibration : ndarray of int
        Rows of the person that may be used before scoring; never scored.
    target : ndarray of int
        Rows of the person that a method may use without labels, in time order when they
        arrive online.
    test : ndarray of int
        Rows that are scored, in time order.
    """

    name: str
    subject: Any
    source: Index
    calibration: Index
    target: Index
    test: Index


@dataclass(frozen=True)
class LeaveOneSubjectOut:
    """Each person in turn is the wearer; all others are the sources.

    Parameters
    ----------
    information : InformationSet or str
        What of the wearer may be used (the forms of `InformationSet.parse`).

    Notes
    -----
    The split is by person only, so windows of one trial never lie on both sides. A calibration
    block takes windows from the person's first session on, in time order, as long as the signal
    they cover is not longer than its `seconds`; windows that overlap it are not scored, and with
    labels neither is the rest of the trials it touches.

    Examples
    --------
    >>> meta = pd.DataFrame({"subject": ["a", "b"] * 2, "session": 1, "trial": [1, 1, 2, 2],
    ...                      "onset": 0.0, "label": ["x", "x", "y", "y"]})
    >>> table = type("Table", (), {"meta": meta, "info": {"window": 1.0, "step": 1.0}})
    >>> fold = next(LeaveOneSubjectOut("transductive").split(table))
    >>> fold.name, fold.source.tolist(), fold.test.tolist()
    ('a', [1, 3], [0, 2])
    """

    information: InformationSet | str = "transductive"

    def split(self, table: Any) -> Iterator[Fold]:
        """Give one fold for each person.

        Parameters
        ----------
        table : FeatureTable
            Only its ``meta`` and, for a calibration block, ``info["window"]`` are read. Where
            ``meta`` has a column ``recording``, onsets are compared within each recording.

        Yields
        ------
        Fold

        Raises
        ------
        StudyError
            When there is one person only, a class is missing among the sources, trials are not
            numbered in the order of time where that matters, or a calibration block is shorter
            than a window or leaves nothing to score.
        """
        information = InformationSet.parse(self.information)
        meta = table.meta
        subjects = meta["subject"].to_numpy()
        labels = meta["label"].to_numpy()
        names = list(dict.fromkeys(subjects.tolist()))
        if len(names) < 2:
            raise StudyError(
                f"leave-one-subject-out needs at least two people; got {len(names)} "
                f"({', '.join(map(str, names)) or 'no rows'}). Add recordings of other people."
            )
        if information.kind in ("calibration", "online"):
            _check_order(meta)
        window = _window(table) if information.kind == "calibration" else 0.0
        everything = np.arange(len(meta))
        empty = everything[:0]
        for subject in names:
            own = time_order(meta, everything[subjects == subject])
            source = everything[subjects != subject]
            _check_classes(subject, labels[source], labels[own])
            if information.kind == "inductive":
                yield Fold(str(subject), subject, source, empty, empty, own)
            elif information.kind == "calibration":
                calibration, test = _calibration_block(meta, own, information, window, subject)
                yield Fold(str(subject), subject, source, calibration, empty, test)
            else:
                yield Fold(str(subject), subject, source, empty, own, own)


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
        The same row numbers.
    """
    keys = [meta[name].to_numpy()[rows] for name in reversed(_TIME)]
    return rows[np.lexsort(keys)]


def _falls(meta: pd.DataFrame) -> list[str]:
    """Find the trials that begin before the trial numbered before them in the same sitting.

    The numbers are the order of presentation. Onsets restart with each recording, so those of two
    recordings do not compare; trials whose times overlap must be of two.
    """
    names = ["subject", "session"] + (["recording"] if "recording" in meta else [])
    times = meta.groupby([*names, "trial"], sort=True, observed=True)["onset"]
    trials = times.agg(["min", "max"]).reset_index()
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


def _check_order(meta: pd.DataFrame) -> None:
    falls = _falls(meta) if "recording" in meta else []
    if falls:
        raise StudyError(
            f"{falls[0]} of the same recording. Number the trials in the order in which they were "
            "presented; the clip belongs in the column 'stimulus'."
        )


def order_note(meta: pd.DataFrame) -> list[str]:
    """Say where the table does not tell whether trials are numbered in the order of time.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``subject, session, trial, onset``.

    Returns
    -------
    list of str
        One note or none.

    Examples
    --------
    >>> order_note(pd.DataFrame({"subject": "a", "session": 1, "trial": [1, 2],
    ...                          "onset": [60.0, 0.0]}))[0][:51]
    'subject a, session 1: trial 2 begins at 0 s, before'
    """
    falls = _falls(meta)
    if not falls:
        return []
    return [
        f"{falls[0]} [{len(falls)} such trials in all]. Unless they are of different recordings, "
        "the trials are not numbered in the order of presentation, and what counts here as the "
        "past is not"
    ]


def _window(table: Any) -> float:
    if "window" not in table.info:
        raise StudyError(
            "a calibration block needs the length of a window in seconds, but info['window'] is "
            f"missing (info has: {', '.join(table.info) or 'nothing'}). Set it on the table."
        )
    return float(table.info["window"])


def _calibration_block(
    meta: pd.DataFrame, own: Index, information: InformationSet, window: float, subject: Any
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
            f"subject {subject} has {covered[-1]:g} s of usable windows in {trial[-1] + 1} "
            f"trials; with a calibration block of {seconds:g} s {reason}. Take a shorter block."
        )
    return own[:n], own[rest]


def _check_classes(subject: Any, source: NDArray[Any], own: NDArray[Any]) -> None:
    known = set(source.tolist())
    if len(known) < 2:
        raise StudyError(
            f"without subject {subject} the sources hold one class only ({known.pop()!r}); a "
            "comparison needs at least two. Add recordings of the other class."
        )
    missing = sorted(set(own.tolist()) - known, key=str)
    if missing:
        raise StudyError(
            f"subject {subject} has windows of class {', '.join(map(repr, missing))}, which "
            f"none of the other people has (they have {', '.join(sorted(map(repr, known)))}). "
            "Leave the class out or add people who have it."
        )
