"""PhysioNet's eegmat: rest and mental arithmetic, one EDF file each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ..cards import Card
from ..collection import Entry
from ..folders import split_names
from .edf import edf_channels, read_edf


def list_eegmat(card: Card, folder: Path | None) -> list[Entry]:
    """List the recordings ``Subject<NN>_<k>.edf``, by number of the person, then k.

    Persons are named by their number in two digits, as PhysioNet does, however a file spells it.

    Parameters
    ----------
    card : Card
        The card of the data set.
    folder : Path
        Where the files lie.

    Returns
    -------
    list of Entry
        One per file; k is the number of the trial, rest and arithmetic being one sitting.
    """
    assert folder is not None, "the card of eegmat names a folder"
    matched, strays = split_names(card, folder)
    matched.sort(key=lambda item: (int(item[1]["subject"]), int(item[1]["label"])))
    entries = []
    for path, groups in matched:
        subject = f"{int(groups['subject']):02d}"
        entries.append(
            Entry(
                subject=subject,
                session=1,
                file=path.name,
                channels=partial(edf_channels, path, subject),
                read=partial(_read, card, path, subject, groups["label"]),
                labels=(card.trials.labels[groups["label"]],),
            )
        )
    return entries + strays


def _read(
    card: Card, path: Path, subject: str, run: str, names: tuple[str, ...]
) -> tuple[Any, pd.DataFrame]:
    """Read one file; its trial is the stretch at the start that the card names."""
    raw = read_edf(path, names, sfreq=card.sfreq, dataset=card.name, subject=subject)
    label = card.trials.labels[run]
    trials = pd.DataFrame(
        {
            "trial": [int(run)],
            "stimulus": [label],
            "label": [label],
            "onset": [0.0],
            "duration": [card.trials.seconds],
        }
    )
    return raw, trials
