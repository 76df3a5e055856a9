"""The embedded data set: wearers invented from a seed."""

from __future__ import annotations

from pathlib import Path

from ..cards import Card
from ..collection import Entry
from ..synthetic import SyntheticSettings, list_synthetic


def list_wearers(card: Card, folder: Path | None) -> list[Entry]:
    """List the wearers of the default settings; nothing lies on disk.

    Parameters
    ----------
    card : Card
        The card of the data set, which repeats the defaults.
    folder : None
        Not used: the wearers are made in memory.

    Returns
    -------
    list of Entry
        One per wearer.
    """
    return list_synthetic(SyntheticSettings())
