"""Which channels the recordings of a collection are reduced to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import DatasetError, SubjectError
from .channels import HEADSETS, canonical_name, duplicates

COMMON = "common"


class ChannelChoice:
    """The channels every recording of a collection is reduced to, in one order.

    Parameters
    ----------
    names : tuple of str or None
        The channels that every recording must have; None means those that all of them share.
    order : tuple of str
        The channels that count as EEG, in the order to give shared ones; empty means all.
    """

    def __init__(self, names: tuple[str, ...] | None, order: tuple[str, ...] = ()) -> None:
        self._names = names
        self._order = order

    def names(self, entries: Iterable[Any]) -> tuple[str, ...]:
        """Return the channels to read; the shared ones are found once, from all headers.

        Parameters
        ----------
        entries : iterable of Entry
            All recordings of the data set, not only the selected ones, so that a selection has
            the same columns as the whole.

        Returns
        -------
        tuple of str
            Canonical names.

        Raises
        ------
        DatasetError
            When the recordings share no channel.
        """
        if self._names is None:
            self._names = _shared(entries, self._order)
        return self._names


def _shared(entries: Iterable[Any], order: tuple[str, ...]) -> tuple[str, ...]:
    """Return the channels that all readable recordings have, in the wanted order."""
    shared: list[str] | None = None
    for entry in entries:
        try:
            found = entry.channels()
        except SubjectError:
            # Reading this recording raises the same error, where the user can choose to skip it.
            continue
        if shared is None:
            shared = [name for name in order if name in found] if order else list(found)
        else:
            shared = [name for name in shared if name in found]
    if not shared:
        raise DatasetError(
            "the recordings share no channel, so 'common' leaves nothing; "
            "name channels, or select recordings that were made with the same device"
        )
    return tuple(shared)


def choose_channels(
    channels: str | Sequence[str] | None, known: Sequence[str], *, dataset: str
) -> ChannelChoice:
    """Turn what the user asked for into a choice of channels.

    Parameters
    ----------
    channels : None, "common", name of a headset, or sequence of str
        None takes all of `known`; "common" those that all recordings share.
    known : sequence of str
        The channels of the data set.
    dataset : str
        Named in the error.

    Returns
    -------
    ChannelChoice
        The choice.

    Raises
    ------
    DatasetError
        When a name is not one of `known`, repeats, is no text, or none is left.

    Examples
    --------
    >>> choose_channels(["T3", "cz"], ["T7", "Cz", "Pz"], dataset="mine").names([])
    ('T7', 'Cz')
    """
    if channels is None:
        return ChannelChoice(tuple(known))
    if isinstance(channels, str):
        if channels.lower() == COMMON:
            return ChannelChoice(None, tuple(known))
        channels = HEADSETS.get(channels.lower(), tuple(channels.replace(",", " ").split()))
    if not isinstance(channels, Iterable) or not all(isinstance(n, str) for n in channels):
        raise DatasetError(
            f"channels is {channels!r}; give a list of names, the name of a headset, or 'common'"
        )
    names = tuple(canonical_name(name) for name in channels)
    if not names:
        raise DatasetError(f"no channel is named for {dataset}; it has {', '.join(known)}")
    for asked, name in zip(channels, names, strict=True):
        if name not in known:
            near = nearest(name, known)
            raise DatasetError(
                f"channel {asked!r} is unknown in {dataset}"
                f"{f'; did you mean {near!r}?' if near else '.'} "
                f"It has {', '.join(known)}; 'common' takes those that all recordings share"
            )
    if repeated := duplicates(names):
        raise DatasetError(f"channel {repeated[0]!r} is named twice for {dataset}; name it once")
    return ChannelChoice(names)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the name that was probably meant.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What there is.

    Returns
    -------
    str or None
        The one that differs only in leading zeros, else the most similar; None where all are far.

    Examples
    --------
    >>> nearest("2", ["32", "02"]), nearest("w1", ["w01", "w11"]), nearest("x", ["32"])
    ('02', 'w01', None)
    """
    known = list(known)
    same = [each for each in known if _without_zeros(each) == _without_zeros(name)]
    near = same or difflib.get_close_matches(name, known, n=1)
    return near[0] if near else None


def _without_zeros(name: str) -> str:
    """Drop the zeros before numbers."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", name)


def require_channels(
    names: Sequence[str], found: Sequence[str], *, file: str, subject: str
) -> None:
    """Refuse a recording that lacks a channel or has one twice.

    Parameters
    ----------
    names : sequence of str
        The channels to read.
    found : sequence of str
        The canonical names of the channels in the recording.
    file, subject : str
        Named in the error.

    Raises
    ------
    SubjectError
        Naming the first missing or repeated channel.

    Examples
    --------
    >>> require_channels(["Cz"], ["Fz", "Cz"], file="a.edf", subject="1")
    """
    present = [name for name in names if name in found]
    for name in names:
        if name not in present:
            listed = ", ".join(present[:6]) + (", ..." if len(present) > 6 else "")
            raise SubjectError(
                f"channel {name!r} is missing (found {len(present)} of {len(names)}: "
                f"{listed or 'none'}). Re-run with --channels common to use the channels all "
                "recordings share, or --skip-bad to leave this recording out",
                file=file,
                subject=subject,
            )
    repeated = [name for name in duplicates(found) if name in names]
    if repeated:
        raise SubjectError(
            f"channel {repeated[0]!r} occurs {list(found).count(repeated[0])} times (names count "
            "as equal when they are spellings of one electrode, such as T3 and T7); rename or "
            "remove one, or re-run with --skip-bad to leave this recording out",
            file=file,
            subject=subject,
        )
