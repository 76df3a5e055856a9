"""Streams of the lab streaming layer: how far they reach, what they say, and finding them.

Discovery stays on this machine unless the network is asked for: streams are announced to nobody
else. The library listens on all network interfaces all the same, and has no setting against it:
who asks this machine for its streams by its address finds and reads them, unless a firewall closes
the ports. LSL has no authentication: whoever can open a stream can pretend to be a headset.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import StreamError

#: what keeps discovery and connections on this machine
_LOCAL = """[multicast]
ResolveScope = machine
[lab]
KnownPeers = {127.0.0.1}
[ports]
PortRange = 128
[log]
level = -3
"""
#: a stream takes two ports, and by default only 32 are looked at
_WIDE = """[ports]
PortRange = 128
[log]
level = -3
"""
#: Seconds within which all streams answer.
_ALL_ANSWER = 0.5
_configured: str | None = None


def configure(*, network: bool = False) -> None:
    """Say, once and before anything else, how far discovery goes.

    Parameters
    ----------
    network : bool
        Whether streams of other machines are found, and ours by them. LSL's own settings
        (``lsl_api.cfg``, or the file that the environment variable LSLAPICFG names) count then;
        otherwise nothing does, since they could open what shall stay closed.

    Raises
    ------
    StreamError
        When LSL was started with the other choice, which it keeps until the process ends.
    """
    global _configured
    content = _WIDE if network else _LOCAL
    if _configured is None:
        if not (network and _has_own_settings()):
            _pylsl().set_config_content(content)
        _configured = content
    elif _configured != content:
        raise StreamError(
            "LSL was started already with another choice of network; it keeps it as long as the "
            "process runs. Choose before the first stream."
        )


def reaches_network() -> bool:
    """Say whether streams may be of other machines.

    Returns
    -------
    bool
    """
    return _configured == _WIDE


@dataclass(frozen=True)
class StreamDescription:
    """What a stream says of itself.

    Attributes
    ----------
    name, type, source_id, host : str
    sfreq : float
        Hz; 0 for an irregular rate.
    ch_names : tuple of str
        As the stream has them; numbers where it names none.
    units : tuple of str
        One a channel; ``""`` where it says none.
    manufacturer : str
    channel_format : str
    """

    name: str
    type: str
    source_id: str
    host: str
    sfreq: float
    ch_names: tuple[str, ...]
    units: tuple[str, ...]
    manufacturer: str
    channel_format: str

    def __str__(self) -> str:
        """Write it on one line."""
        channels = " ".join(self.ch_names[:8]) + (" ..." if len(self.ch_names) > 8 else "")
        units = ", ".join(sorted(set(self.units) - {""})) or "no unit"
        return (
            f"{self.name!r} (type {self.type or '-'}, source id {self.source_id or '-'}, "
            f"{len(self.ch_names)} channels: {channels}; {self.sfreq:g} Hz, {units})"
        )


def find_streams(seconds: float = 1.0, *, network: bool = False) -> list[StreamDescription]:
    """List the streams that can be reached.

    Parameters
    ----------
    seconds : float
        How long to look.
    network : bool
        As in `configure`.

    Returns
    -------
    list of StreamDescription
        Sorted by name; streams that do not answer are left out.
    """
    configure(network=network)
    found = [_describe(info) for info in _pylsl().resolve_streams(seconds)]
    return sorted((d for d in found if d is not None), key=lambda d: (d.name, d.source_id))


class Search:
    """Looks for streams from its making on, while the caller does something else.

    Parameters
    ----------
    network : bool
        As in `configure`.
    """

    def __init__(self, *, network: bool = False) -> None:
        configure(network=network)
        self._network = network
        self._resolver = _pylsl().ContinuousResolver()
        self._begun = time.monotonic()

    def find(
        self,
        *,
        name: str | None = None,
        type: str | None = None,
        source_id: str | None = None,
        seconds: float = 5.0,
    ) -> Any:
        """Find the one stream that is meant.

        Parameters
        ----------
        name, type, source_id : str, optional
            What it must have; without any, the only stream of the type EEG. Types are compared
            without regard to case: MNE-LSL writes them small.
        seconds : float
            How long to wait for it.

        Returns
        -------
        pylsl.StreamInfo

        Raises
        ------
        StreamError
            When none or several match; those that there are are listed.
        """
        wanted = {"name": name, "type": type, "source_id": source_id}
        if not any(wanted.values()):
            wanted["type"] = "EEG"
        asked = {key: value for key, value in wanted.items() if value}
        end = max(time.monotonic() + seconds, self._begun + _ALL_ANSWER)
        while True:
            now, infos = time.monotonic(), self._resolver.results()
            matching = [info for info in infos if _is_asked_for(info, asked)]
            # the first that answers need not be the only one
            if now >= end or (matching and now >= self._begun + _ALL_ANSWER):
                break
            time.sleep(0.02)
        what = ", ".join(f"{key.replace('_', ' ')} {value!r}" for key, value in asked.items())
        if not matching:
            raise StreamNotFoundError(
                f"no stream with {what} was found within {seconds:g} s. {_listed(infos)} Start "
                "the headset's stream or 'eegtl replay FILE', or ask for another"
                + (
                    "."
                    if self._network
                    else "; streams of other machines are found with --network."
                )
            )
        if len({info.uid() for info in matching}) > 1:
            raise StreamError(
                f"{len(matching)} streams have {what}. {_listed(matching)} Name one by --name or "
                "--source-id."
            )
        return matching[0]

    def refuse(self, name: str) -> None:
        """Refuse a name for a new stream that another one has.

        Parameters
        ----------
        name : str

        Raises
        ------
        StreamError
            When there is one: readers could not tell the two apart.
        """
        if any(info.name() == name for info in self._resolver.results()):
            raise StreamError(
                f"a stream with the name {name!r} is there already, perhaps of another session; "
                "choose another by --out-name, or stop that one."
            )


class StreamNotFoundError(StreamError):
    """No stream is what was asked for."""


class StreamLostError(StreamError):
    """A stream that was read is gone; it may come back."""


def local_clock() -> float:
    """Give the time in seconds of this machine's LSL clock.

    Returns
    -------
    float
    """
    return float(_pylsl().local_clock())


def _pylsl() -> Any:
    """Import pylsl, or say what is missing."""
    try:
        import pylsl
    except (ImportError, OSError, RuntimeError) as error:
        raise StreamError(
            f"the library of LSL cannot be loaded ({error}); install it with: pip install "
            "'pylsl>=1.18', which brings it along on Linux, macOS and Windows."
        ) from error
    return pylsl


def _has_own_settings() -> bool:
    """Say whether LSL would read settings of its own, from where it looks for them."""
    if os.environ.get("LSLAPICFG"):
        return True
    places = (Path(), Path.home() / "lsl_api", Path("/etc/lsl_api"))
    return any((place / "lsl_api.cfg").is_file() for place in places)


def _is_asked_for(info: Any, asked: dict[str, str]) -> bool:
    """Say whether a stream has what is asked for."""
    has = {key: getattr(info, key)() for key in asked}
    return all(
        has[key].lower() == value.lower() if key == "type" else has[key] == value
        for key, value in asked.items()
    )


def _describe(info: Any) -> StreamDescription | None:
    """Ask a stream for its whole description; None where it does not answer."""
    pylsl = _pylsl()
    try:
        inlet = pylsl.StreamInlet(info, max_buflen=1, recover=False)
        return description_of(inlet.info(timeout=1.0))
    except (pylsl.util.TimeoutError, pylsl.util.LostError, RuntimeError):
        return None


def description_of(info: Any) -> StreamDescription:
    """Read what a stream says of itself.

    Parameters
    ----------
    info : pylsl.StreamInfo
        The whole one, which an inlet gives.

    Returns
    -------
    StreamDescription
    """
    names, units = [], []
    channel = info.desc().child("channels").child("channel")
    for number in range(info.channel_count()):
        names.append(channel.child_value("label") or f"channel {number + 1}")
        units.append(channel.child_value("unit"))
        channel = channel.next_sibling("channel")
    formats = ("undefined", "float32", "double64", "string", "int32", "int16", "int8", "int64")
    return StreamDescription(
        info.name(),
        info.type(),
        info.source_id(),
        info.hostname(),
        float(info.nominal_srate()),
        tuple(names),
        tuple(units),
        info.desc().child_value("manufacturer"),
        formats[info.channel_format()],
    )


def _listed(infos: Sequence[Any]) -> str:
    """List streams for a message."""
    if not infos:
        return "There are no streams."
    each = [
        f"{i.name()!r} (type {i.type() or '-'}, source id {i.source_id() or '-'}, "
        f"{i.channel_count()} channels, {i.nominal_srate():g} Hz)"
        for i in infos
    ]
    return f"There {'is' if len(each) == 1 else 'are'}: {'; '.join(sorted(each))}."
