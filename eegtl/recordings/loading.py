"""Loading a data set by the name of its card."""

from __future__ import annotations

import os
from collections.abc import Collection as AnyCollection
from collections.abc import Sequence

from ..errors import DatasetError
from .cards import get_card
from .collection import Collection
from .folders import find_folder
from .readers import READERS
from .selection import choose_channels


def load(
    name: str,
    root: str | os.PathLike[str] | None = None,
    *,
    channels: str | Sequence[str] | None = None,
    subjects: AnyCollection[str] | None = None,
) -> Collection:
    """List the recordings of a data set; each is read when it is asked for.

    Parameters
    ----------
    name : str
        Name of a card, for example "synthetic" or "eegmat".
    root : path, optional
        The folder of the data set, or one that holds it as a sub-folder; else the environment
        variable ``EEGTL_DATA`` and the user data folder are looked at.
    channels : None, "common", name of a headset, or sequence of str
        Channels to keep: None takes all of the card's, and a recording that lacks one is an
        error when it is read; "common" takes those that all recordings share; a list (or a
        headset such as "muse") is taken as given, in any known spelling.
    subjects : collection of str, optional
        The persons to keep.

    Returns
    -------
    Collection
        The recordings, in order.

    Raises
    ------
    DatasetError
        When the data set, its folder, a channel or a person is unknown.

    Examples
    --------
    >>> collection = load("synthetic", subjects=["w01"], channels=["T3", "T4"])
    >>> collection[0].ch_names
    ('T7', 'T8')
    """
    card = get_card(name)
    if card.reader not in READERS:
        raise DatasetError(
            f"the card {name} names the reader {card.reader!r}, which does not exist; "
            f"known are {', '.join(sorted(READERS))}"
        )
    if card.folder is None:
        if root is not None:
            raise DatasetError(
                f"{name} is made in memory and takes no root (got {os.fspath(root)!r}); "
                "leave it out"
            )
        folder = None
    else:
        folder = find_folder(card, root)
    collection = Collection(
        READERS[card.reader](card, folder),
        name=card.name,
        card=card,
        choice=choose_channels(channels, card.channels, dataset=card.name),
    )
    return collection if subjects is None else collection.select(subjects=subjects)
