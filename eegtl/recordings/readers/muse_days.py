"""Muse headsets on several days: one muselsl CSV per condition."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import SubjectError
from ..cards import Card
from ..collection import Entry
from ..folders import split_names
from .muselsl import first_stamp, muselsl_channels, read_muselsl


def list_muse_days(card: Card, folder: Path | None) -> list[Entry]:
    """List the recordings, by person, day and name of the file.

    The session of a recording is the rank of its day among the days of the person. The trial
    number is the rank of its first time stamp within the day and is found when it is read.

    Parameters
    ----------
    card : Card
        The card of the data set.
    folder : Path
        Where the files lie.

    Returns
    -------
    list of Entry
        One per file.
    """
    assert folder is not None, "the card of muse-days names a folder"
    matched, strays = split_names(card, folder)
    days: dict[str, dict[str, list[Path]]] = {}
    for path, groups in matched:
        # S1 and S01 are one person.
        groups["subject"] = f"S{int(groups['subject'][1:])}"
        days.setdefault(groups["subject"], {}).setdefault(groups["date"], []).append(path)
    entries = []
    for subject in sorted(days, key=_natural):
        for session, date in enumerate(sorted(days[subject]), start=1):
            paths = tuple(days[subject][date])
            for path in paths:
                label = next(groups["label"] for other, groups in matched if other == path)
                entries.append(
                    Entry(
                        subject=subject,
                        session=session,
                        file=path.name,
                        channels=partial(muselsl_channels, path, subject=subject),
                        read=partial(_read, card, path, paths, subject, label),
                        labels=(label,),
                    )
                )
    return entries + strays


def _natural(subject: str) -> tuple[str, int]:
    """Sort S2 before S10."""
    digits = "".join(filter(str.isdigit, subject))
    return subject.rstrip("0123456789"), int(digits)


def _order(path: Path, subject: str) -> tuple[float, str]:
    """Sort by first time stamp; a file that cannot be read comes last."""
    try:
        return first_stamp(path, subject=subject), path.name
    except SubjectError:
        return float("inf"), path.name


def _read(
    card: Card,
    path: Path,
    day: tuple[Path, ...],
    subject: str,
    label: str,
    names: tuple[str, ...],
) -> tuple[Any, pd.DataFrame]:
    """Read one file; all of it is one trial, numbered by its place in the day."""
    content = read_muselsl(path, sfreq=card.sfreq, unit=card.unit, subject=subject)
    raw = content.to_raw(names)
    rank = sorted(day, key=partial(_order, subject=subject)).index(path)
    trials = pd.DataFrame(
        {
            "trial": [rank + 1],
            # What was studied is not recorded, so no two recordings share a stimulus.
            "stimulus": [path.name.partition(".")[0]],
            "label": [label],
            "onset": [0.0],
            "duration": [raw.n_times / card.sfreq],
        }
    )
    return raw, trials
