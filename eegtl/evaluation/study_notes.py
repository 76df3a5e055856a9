"""What a reader must know about the data of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .information import InformationSet
from .protocols import Fold, order_note
from .study_data import StudyData


def study_notes(
    table: Any, used: Any, data: StudyData, folds: list[Fold], granted: InformationSet
) -> list[str]:
    """Say what a reader must know about the data of a study.

    Parameters
    ----------
    table : FeatureTable
        As it was given.
    used : FeatureTable
        Its rows that are studied.
    data : StudyData
    folds : list of Fold
    granted : InformationSet

    Returns
    -------
    list of str
        Recordings, people and trials left out, an order of trials that cannot be told, people
        with one class left to score.
    """
    notes = [f"left out: {problem}" for problem in table.info.get("skipped", [])]
    notes += _vanished(table.meta, used.meta)
    notes += _flagged(used.meta)
    if granted.kind in ("calibration", "online"):
        notes += order_note(used.meta)
    one_class = [f.name for f in folds if len(np.unique(data.codes[f.test])) == 1]
    if one_class:
        notes.append(
            f"only one class is left to score for {len(one_class)} of {len(folds)} people "
            f"({_some(one_class)}): their balanced accuracy is the recall of that class"
        )
    return notes


def _flagged(meta: pd.DataFrame) -> list[str]:
    """Say whose windows carry marks of a bad signal; they are scored all the same."""
    if "flags" not in meta:
        return []
    marked = meta.loc[meta["flags"].astype(str) != "", ["subject", "flags"]]
    return [
        f"{len(rows)} windows of {subject} are marked {' and '.join(sorted(set(rows['flags'])))}; "
        "they are scored all the same"
        for subject, rows in marked.groupby("subject", sort=False)
    ]


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
        if len(np.unique(data.codes[data.subjects == subject])) == 1
    ]


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
