"""What a reader must know about the data of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .blocks import order_note
from .index_sets import Fold
from .information import InformationSet
from .protocols import Protocol
from .study_data import StudyData, varies


def study_notes(
    table: Any, used: Any, data: StudyData, folds: list[Fold], protocol: Protocol
) -> list[str]:
    """Say what a reader must know about the data of a study.

    Parameters
    ----------
    table : FeatureTable
        As it was given.
    used : FeatureTable
        Its rows that are studied.
    data : StudyData
        With the features that the study is about.
    folds : list of Fold
    protocol : protocol

    Returns
    -------
    list of str
        Recordings, people and trials left out, people without a signal, an order of names, an
        order of trials that cannot be told, people with one class left to score.
    """
    notes = [f"left out: {problem}" for problem in table.info.get("skipped", [])]
    notes += _vanished(table.meta, used.meta)
    notes += _flagged(used.meta)
    notes += flat_notes(data)
    notes += protocol.notes(used)
    if InformationSet.parse(protocol.information).kind in ("calibration", "online"):
        notes += order_note(used.meta)
    one_class = [f.name for f in folds if len(np.unique(data.codes[f.test])) == 1]
    if one_class:
        notes.append(
            f"only one class is left to score for {len(one_class)} of {len(folds)} "
            f"{'people' if all(f.name == str(f.subject) for f in folds) else 'sessions'} "
            f"({_some(one_class)}): their balanced accuracy is the recall of that class"
        )
    return list(dict.fromkeys(notes))  # protocol and information set may both tell an order


def _flagged(meta: pd.DataFrame) -> list[str]:
    """Say whose windows carry marks of a bad signal; they are scored all the same."""
    if "flags" not in meta:
        return []
    marked = meta.loc[meta["flags"].astype(str) != "", ["subject", "flags"]]
    return [
        f"{len(rows)} windows of {subject} are marked {' and '.join(_kinds(rows['flags']))}; "
        "they are scored all the same"
        for subject, rows in marked.groupby("subject", sort=False)
    ]


def flat_notes(data: StudyData) -> list[str]:
    """Name the people, or sessions, whose windows are all the same.

    Parameters
    ----------
    data : StudyData

    Returns
    -------
    list of str
        One note a person or session; nobody with a single window is among them.
    """
    by_session = not np.array_equal(data.domains, data.subjects)
    notes = []
    for unit in dict.fromkeys(data.units.tolist()):
        own = np.flatnonzero(data.units == unit)
        if len(own) < 2 or varies(data.X[own]):
            continue
        session = f" session {data.rows['session'].iloc[own[0]]}" if by_session else ""
        notes.append(
            f"subject {data.subjects[own[0]]}{session}: all {len(own)} windows are identical (a "
            "flat signal?), so that no method can tell them apart and no distance to the others is "
            "measured; mend the recording, or leave it out"
        )
    return notes


def _kinds(flags: pd.Series) -> list[str]:
    """List the kinds of marks, without the channels: ``amplitude:Fp1,Fp2;flat`` has two."""
    return sorted({mark.split(":")[0] for text in flags for mark in str(text).split(";")})


def fixed_people(data: StudyData) -> list[str]:
    """Name the people whose labels no shuffle can change, since all their trials have one.

    Parameters
    ----------
    data : StudyData

    Returns
    -------
    list of str
    """
    return [
        str(subject)
        for subject in dict.fromkeys(data.subjects.tolist())
        if not _can_shuffle(data, data.subjects == subject)
    ]


def _can_shuffle(data: StudyData, own: NDArray[np.bool_]) -> bool:
    """Say whether some unit of a person has several labels."""
    pairs = np.unique(np.column_stack([data.units[own], data.codes[own]]), axis=0)
    return len(pairs) > len(np.unique(pairs[:, 0]))


def shuffle_note(data: StudyData) -> str:
    """Say for how many people shuffled labels are no chance level.

    Parameters
    ----------
    data : StudyData

    Returns
    -------
    str
        Empty when everybody has trials of several classes.
    """
    fixed, n_people = fixed_people(data), len(np.unique(data.subjects))
    if not fixed:
        return ""
    note = (
        f"shuffling cannot change the labels of {len(fixed)} of {n_people} people "
        f"({_some(fixed)}), whose trials are all of one class: "
    )
    if len(fixed) == n_people:
        return note + "there is no row 'shuffled labels', look at 'majority' for chance"
    return note + "'shuffled labels' is no chance level for them"


def _vanished(given: pd.DataFrame, used: pd.DataFrame) -> list[str]:
    """Name people and trials of which no window is left."""
    names = ["subject", "session", "trial"]
    before = given[names].drop_duplicates()
    left = pd.MultiIndex.from_frame(used[names])
    gone = before[~pd.MultiIndex.from_frame(before).isin(left)]
    if gone.empty:
        return []
    kept = set(used["subject"])
    people = [str(who) for who in dict.fromkeys(gone["subject"]) if who not in kept]
    trials = [
        f"{row.subject} session {row.session} trial {row.trial}"
        for row in gone.itertuples()
        if row.subject in kept
    ]
    reason = "the filters had not settled in any of their windows"
    return [
        f"left out, since {reason}: {len(part)} {what} ({_some(part, 20)})"
        for what, part in (("people", people), ("trials", trials))
        if part
    ]


def _some(names: Sequence[str], limit: int = 3) -> str:
    """List the first names."""
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")
