"""A recorded session once more: the same calls in the same order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._optional import require
from ..errors import InputError
from ..personalize.profile import Profile
from ..preprocessing import ArtefactMarks
from .adaptation import Adaptation
from .drift import Drift
from .events import Event
from .prediction import Prediction
from .recorder import CALLS, EVENTS, PREDICTIONS
from .session import OnlineSession, SessionSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rerun:
    """What a recorded session said, and what it says now.

    Attributes
    ----------
    predictions : list of Prediction
    events : list of Event
    recorded_predictions : ndarray of shape (n, n_labels + 7)
        As `SessionRecorder` writes them.
    recorded_events : list of str
        JSON.
    """

    predictions: list[Prediction]
    events: list[Event]
    recorded_predictions: np.ndarray[Any, Any]
    recorded_events: list[str]


def rerun(path: str | Path, profile: Profile) -> Rerun:
    """Give a session what a recorded one was given.

    Parameters
    ----------
    path : path
        Of `SessionRecorder`; also a ``.partial``.
    profile : Profile
        The one that was used.

    Returns
    -------
    Rerun
        Windows, labels and events are the same; probabilities agree within 1e-12. Of a
        ``.partial``, as far as samples were written.

    Raises
    ------
    InputError
        When the file holds no session, or another profile was used.
    """
    pyxdf = require("pyxdf", extra="xdf", purpose="read a recorded session")
    streams, _ = pyxdf.load_xdf(
        str(path),
        synchronize_clocks=False,
        dejitter_timestamps=False,
        handle_clock_resets=False,
        verbose=False,
    )
    # the signal is the first one, and has any name
    streams = sorted(streams, key=lambda stream: stream["info"]["stream_id"])
    by_name = {stream["info"]["name"][0]: stream for stream in streams[1:]}
    if CALLS not in by_name:
        raise InputError(
            f"{path} holds no session of eegtl "
            f"({', '.join(repr(stream['info']['name'][0]) for stream in streams) or 'nothing'}); "
            "give a file of 'eegtl record'."
        )
    calls = [json.loads(row[0]) for row in by_name[CALLS]["time_series"]]
    if not calls:
        raise InputError(f"{path} ends before its session begins; it is cut off.")
    begin = calls[0]["begin"]
    if begin["profile"] != profile.fingerprint:
        raise InputError(
            f"{path} was recorded with another profile (fingerprint {begin['profile'][:12]}, this "
            f"one has {profile.fingerprint[:12]}); give that one, as it was then."
        )
    signal = streams[0]
    # of a stream without samples it is read that it has no channels
    values = np.asarray(signal["time_series"], dtype=np.float64).reshape(-1, len(begin["ch_names"]))
    stamps = np.asarray(signal["time_stamps"], dtype=np.float64)
    events: list[Event] = []
    session = OnlineSession(
        profile,
        _settings(begin["settings"]),
        sfreq=begin["sfreq"],
        ch_names=begin["ch_names"],
        on_event=events.append,
    )
    samples = _Samples(values * np.array(begin["factors"]), stamps, begin["ch_names"])
    predictions = _call_all(session, calls[1:], samples)
    written = by_name.get(EVENTS, {"time_series": []})["time_series"]
    said = by_name.get(PREDICTIONS, {"time_series": []})["time_series"]
    return Rerun(predictions, events, np.asarray(said), [row[0] for row in written])


class _Samples:
    """Gives the recorded samples, in volts, in the order of channels that they came with."""

    def __init__(self, values: Floats, stamps: Floats, ch_names: list[str]) -> None:
        self._values, self._stamps = values, stamps
        self._place = {name: i for i, name in enumerate(ch_names)}
        self._came = list(ch_names)
        self._at = 0

    def connect(self, ch_names: list[str]) -> None:
        self._came = ch_names

    def next(self, call: Mapping[str, Any]) -> tuple[Floats, Floats] | None:
        """Give a chunk and its stamps, or None where the file ends within."""
        n, without = call["push"], call.get("without_stamp", [])
        kept = np.setdiff1d(np.arange(n), without)
        part = slice(self._at, self._at + len(kept))
        self._at = part.stop
        if part.stop > len(self._stamps):
            return None
        chunk, stamps = np.full((len(self._came), n), np.nan), np.full(n, np.nan)
        for row, name in enumerate(self._came):
            if name in self._place:  # others were not kept, since nobody reads them
                chunk[row, kept] = self._values[part, self._place[name]]
        stamps[kept] = self._stamps[part]
        return chunk, stamps


def _call_all(session: OnlineSession, calls: list[Any], samples: _Samples) -> list[Prediction]:
    """Repeat the calls."""
    out: list[Prediction] = []
    for call in calls:
        if "push" in call:
            given = samples.next(call)
            if given is None:
                break
            out += session.push(*given, now=call["now"])
        elif "tick" in call:
            session.tick(call["tick"])
        elif "mark" in call:
            session.mark(call["mark"], call["time"])
        elif "install" in call:
            session.adapt_now()
        elif "connect" in call:
            samples.connect(call["connect"])
            session.connect(call["connect"])
        else:
            session.note(call["note"], call["details"])
    return out


def _settings(values: dict[str, Any]) -> SessionSettings:
    given = dict(values)
    given["adaptation"] = Adaptation(**given["adaptation"])
    given["drift"] = Drift(**given["drift"])
    given["quality"] = None if given["quality"] is None else ArtefactMarks(**given["quality"])
    return SessionSettings(**given)
