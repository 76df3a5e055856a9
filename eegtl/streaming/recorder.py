"""A live session in one XDF file: signal, markers, predictions, events, and all that it was given.

What it was given makes it repeatable: `rerun` gives another session the same samples in the same
chunks at the same times.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..recordings.channels import canonical_name
from .events import Event, plain
from .lsl import StreamDescription
from .new_file import WriteError
from .prediction import Prediction
from .session import SessionSettings
from .xdf_file import XdfWriter

Floats = NDArray[np.float64]

#: names of the streams in the file
CALLS, EVENTS, PREDICTIONS, MARKERS = "eegtl-calls", "eegtl-events", "eegtl", "eegtl-markers"
#: what the unit of samples is called, by the volts that it stands for
UNITS = {1.0: "volts", 1e-3: "millivolts", 1e-6: "microvolts", 1e-9: "nanovolts"}
#: what a row of predictions holds behind the probabilities
COLUMNS = ("confidence", "quality", "abstain", "lag", "onset", "sample", "adapted")


class SessionRecorder:
    """Writes a session as it goes; a sink and a keeper of calls for `Driver`.

    The file says of its samples what the session took them for, whatever the stream said: units
    by `factors`, and channels without one are of type Misc, which readers of EEG leave out.
    Channels of the same name, none of which a session can need, get numbers.

    Once the disk is full, whatever shall be kept raises `WriteError`: a recording with a hole is
    none. ``<name>.partial`` then stays, with all that came before.

    Parameters
    ----------
    path : path
        Ending in ``.xdf``; never overwritten. A crash leaves ``<name>.partial``, which can be read.
    description : StreamDescription
        Of the signal.
    labels : tuple of str
        Of the probabilities.
    settings : SessionSettings
    ch_names : sequence of str
        Canonical, as the session has them.
    factors : ndarray of shape (n_channels,)
        Volts that one unit of each channel stands for; NaN where that is not known.
    profile : str
        Its fingerprint.

    Raises
    ------
    InputError
        When the file is there already, or cannot be made.
    WriteError
        When the disk is full, or gone.
    """

    def __init__(
        self,
        path: str | Path,
        description: StreamDescription,
        labels: tuple[str, ...],
        settings: SessionSettings,
        *,
        ch_names: Sequence[str],
        factors: Floats,
        profile: str,
    ) -> None:
        self._file = XdfWriter(path)
        self.path = self._file.path
        self._problem = ""
        self._now = 0.0
        self._ch_names = tuple(ch_names)
        self._places: list[int | None] | None = None
        try:
            self._begin_streams(description, labels, factors)
            self._call(
                {
                    "begin": {
                        "settings": asdict(settings),
                        "sfreq": description.sfreq,
                        "ch_names": list(ch_names),
                        "factors": np.asarray(factors).tolist(),
                        "labels": list(labels),
                        "profile": profile,
                    }
                }
            )
        except BaseException:
            self._file.discard()
            raise

    def _begin_streams(
        self, description: StreamDescription, labels: tuple[str, ...], factors: Floats
    ) -> None:
        known = np.isfinite(factors)
        kind = "float32" if description.channel_format == "float32" else "double64"
        self._signal = self._file.add_stream(
            description.name,
            description.type or "EEG",
            _unique(description.ch_names),
            rate=description.sfreq,
            units=[
                UNITS.get(float(factor), said or "unknown")
                for factor, said in zip(factors, description.units, strict=True)
            ],
            types=["EEG" if each else "Misc" for each in known],
            format=kind,
            source_id=description.source_id,
            manufacturer=description.manufacturer,
        )
        self._predictions = self._file.add_stream(
            PREDICTIONS,
            "Emotion",
            [*(f"p_{label}" for label in labels), *COLUMNS],
            rate=0.0,
            format="double64",
        )
        self._events = self._file.add_stream(
            EVENTS, "Markers", ["event"], rate=0.0, format="string"
        )
        self._markers = self._file.add_stream(
            MARKERS, "Markers", ["marker"], rate=0.0, format="string"
        )
        self._calls = self._file.add_stream(CALLS, "Calls", ["call"], rate=0.0, format="string")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and not self._problem:
            self._file.close()
        else:
            self._file.abandon()

    def push(self, values: Floats, stamps: Floats, now: float) -> None:
        """Keep samples, in the stream's unit.

        Parameters
        ----------
        values : ndarray of shape (n, n_channels)
        stamps : ndarray of shape (n,)
        now : float
        """
        call: dict[str, Any] = {"push": len(stamps), "now": now}
        usable = np.isfinite(stamps)
        if not usable.all():  # the file takes none of them, and the session leaves them out
            call["without_stamp"] = np.flatnonzero(~usable).tolist()
        kept = np.asarray(values)[usable]
        if self._places is not None:
            # the file has one order of channels, whatever the stream came back with
            ordered = np.full((len(kept), len(self._ch_names)), np.nan)
            there = [i for i, place in enumerate(self._places) if place is not None]
            ordered[:, there] = kept[:, [place for place in self._places if place is not None]]
            kept = ordered
        self._write(self._signal, kept, stamps[usable])
        self._now = now
        self._call(call)

    def tick(self, now: float) -> None:
        """Keep the time that was told.

        Parameters
        ----------
        now : float
        """
        self._now = now
        self._call({"tick": now})

    def mark(self, label: str, time: float) -> None:
        """Keep a marker.

        Parameters
        ----------
        label : str
        time : float
        """
        if np.isfinite(time):
            self._write(self._markers, [[label]], [time])
        self._call({"mark": label, "time": time})

    def install(self) -> None:
        """Keep that the adaptation that waited was run and installed, or refused."""
        self._call({"install": True})

    def connect(self, ch_names: Sequence[str]) -> None:
        """Keep that the stream came back; samples go on in the order of the file's channels.

        Parameters
        ----------
        ch_names : sequence of str
            Channels that the file has none for are not kept; those that are missing are NaN.
        """
        place = {name: i for i, name in enumerate(ch_names)}
        same = tuple(ch_names) == self._ch_names  # so that those of one name stay apart
        self._places = None if same else [place.get(name) for name in self._ch_names]
        self._call({"connect": list(ch_names)})

    def note(self, event: str, details: Mapping[str, Any]) -> None:
        """Keep what the driver told.

        Parameters
        ----------
        event : str
        details : mapping
        """
        self._call({"note": event, "details": plain(dict(details))})

    def prediction(self, prediction: Prediction) -> None:
        """Keep a prediction.

        Parameters
        ----------
        prediction : Prediction
        """
        row = [*prediction.probabilities, *(float(getattr(prediction, c)) for c in COLUMNS)]
        self._write(self._predictions, [row], [prediction.time])

    def event(self, event: Event) -> None:
        """Keep an event.

        Parameters
        ----------
        event : Event
        """
        time = event.time if np.isfinite(event.time) else self._now
        self._write(self._events, [[event.to_json()]], [time])

    def _call(self, values: dict[str, Any]) -> None:
        self._write(self._calls, [[json.dumps(values)]], [self._now])

    def _write(self, stream: int, samples: Any, stamps: Any) -> None:
        if self._problem:
            raise WriteError(self._problem)
        try:
            self._file.write(stream, samples, stamps)
        except WriteError as error:
            self._problem = str(error)
            raise


def _unique(names: Sequence[str]) -> list[str]:
    """Give a number to each name that readers would take for an earlier one."""
    out: list[str] = []
    taken = {canonical_name(name) for name in names}
    seen: set[str] = set()
    for name in names:
        own, number = name, 1
        while canonical_name(own) in (seen if number == 1 else taken):
            number += 1
            own = f"{name} {number}"
        seen.add(canonical_name(own))
        taken.add(canonical_name(own))
        out.append(own)
    return out
