"""The embedded data sets: wearers invented from a seed."""

from __future__ import annotations

from pathlib import Path

from ...errors import DatasetError
from ..cards import Card
from ..collection import Entry
from ..synthetic import PRESETS, list_synthetic


def list_wearers(card: Card, folder: Path | None) -> list[Entry]:
    """List the wearers of a preset; nothing lies on disk.

    Parameters
    ----------
    card : Card
        The card of the data set, which repeats the facts of the preset of its name.
    folder : None
        Not used: the wearers are made in memory.

    Returns
    -------
    list of Entry
        One per wearer and day.

    Raises
    ------
    DatasetError
        When there are no settings of the card's name.
    """
    if card.name not in PRESETS:
        raise DatasetError(
            f"the card {card.name!r} asks for invented wearers, but there are no settings of this "
            f"name; known are {', '.join(PRESETS)}"
        )
    return list_synthetic(PRESETS[card.name])
