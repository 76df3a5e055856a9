"""Which streams of an XDF file to read, and what their channels are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...errors import SubjectError
from ..channels import canonical_names, duplicates
from .xdf_chunks import XdfStream

Error = Callable[[str], SubjectError]

UNITS = {
    **dict.fromkeys(("v", "volt", "volts"), 1.0),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1e-3),
    # Two characters look like a micro sign.
    **dict.fromkeys(("uv", "\u00b5v", "\u03bcv", "microvolt", "microvolts"), 1e-6),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-9),
}
"""Volts in a unit, by its name in lower case."""

_NO_UNIT = ("", "unknown", "n/a")
#: What a live session of eegtl says of itself; what was shown to the wearer stands elsewhere.
_NO_MARKERS = "eegtl-events"


def choose_eeg(streams: Sequence[XdfStream], wanted: str | int | None, error: Error) -> XdfStream:
    """Choose the stream of the signals.

    Parameters
    ----------
    streams : sequence of XdfStream
        All of the file.
    wanted : str, int or None
        Name or type, or number in the file; None means the only one of type EEG.
    error : callable
        Makes an error of a text.

    Returns
    -------
    XdfStream

    Raises
    ------
    SubjectError
        When none or several match, or the one has no samples at a regular rate.
    """
    matching = _matching(streams, "EEG" if wanted is None else wanted)
    if not matching and wanted is None:
        raise error(
            f"the file has no stream of type EEG; name another with stream=. {_all(streams)}"
        )
    found = _only(streams, matching, wanted, "stream", error)
    if not found.n_samples:
        raise error(f"the stream holds no samples: {found}. {_all(streams)}")
    if found.format == "string" or not found.rate:
        raise error(f"the stream holds no signal at a regular rate: {found}. {_all(streams)}")
    return found


def choose_markers(
    streams: Sequence[XdfStream], wanted: str | int | bool | None, error: Error
) -> XdfStream | None:
    """Choose the stream of markers.

    Parameters
    ----------
    streams : sequence of XdfStream
        All of the file but that of the signals.
    wanted : str, int, False or None
        Name or type, or number in the file; None means the only one of type Markers, if there is
        one, "eegtl-events" not counted; False means none.
    error : callable
        Makes an error of a text.

    Returns
    -------
    XdfStream or None

    Raises
    ------
    SubjectError
        When several match, or none that was asked for.
    """
    if wanted is False:
        return None
    matching = _matching(streams, "Markers" if wanted is None else wanted)
    if wanted is None:
        matching = [stream for stream in matching if stream.name != _NO_MARKERS]
    if wanted is None and not any(stream.n_samples for stream in matching):
        return None
    return _only(streams, matching, wanted, "markers", error)


def _matching(streams: Sequence[XdfStream], wanted: str | int) -> list[XdfStream]:
    """Return the streams of a number, a name or, where no name fits, a type."""
    if isinstance(wanted, int):
        return [stream for stream in streams if stream.number == wanted]
    named = [stream for stream in streams if stream.name == wanted]
    return named or [stream for stream in streams if stream.kind.lower() == wanted.lower()]


def _only(
    streams: Sequence[XdfStream],
    matching: Sequence[XdfStream],
    wanted: str | int | None,
    argument: str,
    error: Error,
) -> XdfStream:
    """Return the only matching stream that has samples, or an empty one where all are."""
    if not matching:
        raise error(f"no stream has the name, type or number {wanted!r}. {_all(streams)}")
    filled = [stream for stream in matching if stream.n_samples]
    if len(filled) > 1:
        same = {(stream.name, stream.kind, stream.source_id) for stream in filled}
        twice = ", and they bear the same name, type and source: one was recorded twice"
        which = f"; name one by its number, such as {argument}={filled[0].number}"
        listed = "; ".join(map(str, filled))
        raise error(
            f"{len(filled)} streams match{twice if len(same) < len(filled) else ''}{which}. They "
            f"are: {listed}"
        )
    return filled[0] if filled else matching[0]


def _all(streams: Sequence[XdfStream]) -> str:
    """List the streams of a file."""
    return f"The file has: {'; '.join(map(str, streams)) or 'no streams'}"


@dataclass(frozen=True)
class EegChannels:
    """The channels of a stream that are EEG.

    Attributes
    ----------
    columns : tuple of int
        Their places among the channels of the stream.
    names : tuple of str
        Canonical names.
    volts : tuple of float
        Volts in the unit of each.
    left_out : tuple of str
        Labels of the other channels, with their types.
    unnamed : bool
        Whether some have no label, and are called Ch1, Ch2, ... by their places.
    """

    columns: tuple[int, ...]
    names: tuple[str, ...]
    volts: tuple[float, ...]
    left_out: tuple[str, ...]
    unnamed: bool


def eeg_channels(stream: XdfStream, unit: str | None, error: Error) -> EegChannels:
    """Find the channels that are EEG, their names and their units.

    Parameters
    ----------
    stream : XdfStream
        The stream of the signals.
    unit : str or None
        The unit of channels for which the header names none.
    error : callable
        Makes an error of a text.

    Returns
    -------
    EegChannels
        Channels of type EEG, or of none.

    Raises
    ------
    SubjectError
        When none is EEG, a unit is missing, unknown or another than `unit`, or a name repeats.
    """
    blank = {"label": "", "type": "", "unit": ""}
    channels = stream.channels or (blank,) * stream.n_channels
    kept = [i for i, each in enumerate(channels) if each["type"].lower() in ("", "eeg")]
    other = [
        f"{each['label']} ({each['type']})" for i, each in enumerate(channels) if i not in kept
    ]
    if not kept:
        raise error(f"no channel is of type EEG: {', '.join(other)}. Name another with stream=")
    names = canonical_names(channels[i]["label"] or f"Ch{i + 1}" for i in kept)
    again = duplicates(names)
    if again:
        raise error(
            f"the channel {again[0]!r} occurs more than once among {', '.join(names)}; correct "
            "the labels where the file is made"
        )
    units = [channels[i]["unit"] for i in kept]
    units = ["" if own.lower() in _NO_UNIT else own for own in units]
    strange = [
        (name, own)
        for name, own in zip(names, units, strict=True)
        if own.lower() not in UNITS and (own or unit is None)
    ]
    if strange:
        name, own = strange[0]
        what = f"the unit {own!r}, which is no voltage" if own else "no unit"
        raise error(
            f"channel {name!r} has {what} (the units are: "
            f"{', '.join(repr(each) for each in dict.fromkeys(units))}). Known are microvolts, uV, "
            "millivolts, mV, nanovolts, nV, volts and V; name it with unit= where the file has none"
        )
    volts = [UNITS[(own or str(unit)).lower()] for own in units]
    given = None if unit is None else UNITS[unit.lower()]
    for name, own, factor in zip(names, units, volts, strict=True):
        if given is not None and factor != given:
            raise error(
                f"unit={unit!r} was given, but the file says {own!r} for {name!r}; leave it"
            )
    return EegChannels(
        columns=tuple(kept),
        names=names,
        volts=tuple(volts),
        left_out=tuple(other),
        unnamed=not all(channels[i]["label"] for i in kept),
    )
