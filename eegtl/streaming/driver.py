"""The loop of live use: samples, markers and the time to a session, its words to all who listen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError, StreamError
from .events import Event
from .listeners import WRITING_FAILS, Listeners, Sink
from .lsl import StreamLostError
from .prediction import AdaptRequest
from .session import OnlineSession

Floats = NDArray[np.float64]

#: Seconds to wait for samples before the time is told.
_WAIT = 0.05
#: Seconds from one look for a lost stream to the next.
_LOOK = 0.5
#: Seconds without samples after which the stream may have been started anew without our noticing.
_SILENT = 5.0


class Source(Protocol):
    """A signal that arrives: `SignalInlet`, or something like it."""

    ch_names: tuple[str, ...]
    sfreq: float
    uid: str  # another one each time that it is started
    changes: str  # what is different from the first; "" for nothing

    def open(self) -> None:
        """Begin to receive."""

    @property
    def factors(self) -> Floats:
        """Volts of one unit."""

    def pull_raw(self, seconds: float) -> tuple[Floats, Floats]:
        """Give all that came, (n, n_channels), and its stamps; `StreamLostError` when gone."""

    def close(self) -> None:
        """End it."""


class Calls(Protocol):
    """Keeps what a session was given, so that it can be given the same again."""

    def push(self, values: Floats, stamps: Floats, now: float) -> None:
        """Keep samples, in the stream's unit."""

    def tick(self, now: float) -> None:
        """Keep the time that was told."""

    def mark(self, label: str, time: float) -> None:
        """Keep a marker."""

    def install(self) -> None:
        """Keep that the adaptation that waited was installed."""

    def connect(self, ch_names: Sequence[str]) -> None:
        """Keep that the stream came back."""

    def note(self, event: str, details: Mapping[str, Any]) -> None:
        """Keep what the driver told."""


class Driver:
    """Runs a session on a source until it is told to stop.

    When processing falls behind by more than `max_lag`, the oldest samples are skipped: what the
    wearer did a while ago is of no use to anybody who acts on it now. The session sees a gap there,
    and an event ``skipped`` says how long it is. A stream that is lost is waited for, and so is one
    that falls silent because it was started anew elsewhere.

    Parameters
    ----------
    source : Source
        Not open yet.
    again : callable
        Gives the source anew after it was lost, with the same channels and units, or None as long
        as it is not there.
    clock : callable
        The time, in seconds of the clock of the stamps.
    sinks : Listeners or sequence of Sink
    markers : object with ``pull()``, optional
        Gives (label, stamp).
    calls : Calls, optional
    max_lag : float
        Seconds.

    Attributes
    ----------
    n_predictions, n_skipped : int
    recording_failed : str
        Why `calls` are kept no more; ``""`` as long as they are.
    """

    def __init__(
        self,
        source: Source,
        again: Callable[[], Source | None],
        *,
        clock: Callable[[], float],
        sinks: Listeners | Sequence[Sink] = (),
        markers: Any = None,
        calls: Calls | None = None,
        max_lag: float = 2.0,
    ) -> None:
        self.source, self._again, self._clock = source, again, clock
        self._sinks = sinks if isinstance(sinks, Listeners) else Listeners(sinks)
        self._markers, self._calls = markers, calls
        self._max_lag = max_lag
        self.n_predictions = self.n_skipped = 0
        self.recording_failed = ""
        self._said = ""  # why the stream that is looked for cannot be used
        self._adapting: tuple[AdaptRequest, Future[Any]] | None = None

    def event(self, event: Event) -> None:
        """Hand an event to all sinks.

        Parameters
        ----------
        event : Event
        """
        self._sinks.event(event)

    def run(
        self, session: OnlineSession, stop: threading.Event, seconds: float | None = None
    ) -> None:
        """Run until `stop` is set, or for some seconds.

        Parameters
        ----------
        session : OnlineSession
            Its events must go to `event`.
        stop : threading.Event
        seconds : float, optional
        """
        self.source.open()
        end = np.inf if seconds is None else self._clock() + seconds
        with ThreadPoolExecutor(1, thread_name_prefix="eegtl-adapt") as aside:
            heard = self._clock()
            while not stop.is_set() and self._clock() < end:
                try:
                    values, stamps = self.source.pull_raw(_WAIT)
                except StreamLostError as error:
                    self._wait_for_return(session, stop, end, str(error))
                    heard = self._clock()
                    continue
                self._mark(session)
                now = self._clock()
                values, stamps = self._newest(session, values, stamps, now)
                if len(stamps):
                    self._push(session, values, stamps, now)
                    heard = now
                else:
                    self._tick(session, now)
                if now - heard > _SILENT:
                    self._look_elsewhere(session)
                    heard = self._clock()
                self._adapt(session, aside)
            if self._adapting is not None:
                self._adapting[1].cancel()

    def _adapt(self, session: OnlineSession, aside: ThreadPoolExecutor) -> None:
        """Install what was adapted aside, and begin with what the session asks for."""
        if self._adapting is not None and self._adapting[1].done():
            request, done = self._adapting
            self._adapting = None
            # after a reset nobody asks for it any more
            if session.request is request:
                self._install(session, done)
        if self._adapting is None and session.request is not None:
            self._adapting = session.request, aside.submit(session.request.run)

    def _push(self, session: OnlineSession, values: Floats, stamps: Floats, now: float) -> None:
        self._keep(session, "push", values, stamps, now)
        chunk = values.T * self.source.factors[:, None]
        for prediction in session.push(chunk, stamps, now=now):
            self.n_predictions += 1
            self._sinks.prediction(prediction)

    def _tick(self, session: OnlineSession, now: float) -> None:
        self._keep(session, "tick", now)
        session.tick(now)

    def _note(self, session: OnlineSession, event: str, details: Mapping[str, Any]) -> None:
        self._keep(session, "note", event, details)
        session.note(event, details)

    def _keep(self, session: OnlineSession, call: str, *given: Any) -> None:
        """Keep a call; what cannot be kept any more must not end the session."""
        if self._calls is None:
            return
        try:
            getattr(self._calls, call)(*given)
        except WRITING_FAILS as error:
            self._calls, self.recording_failed = None, str(error)
            session.note("recording_failed", {"why": str(error)})

    def _mark(self, session: OnlineSession) -> None:
        """Hand markers over before the samples that they belong to."""
        try:
            marks = [] if self._markers is None else self._markers.pull()
        except StreamLostError as error:
            self._markers, marks = None, []
            self._note(session, "markers_lost", {"why": str(error)})
        for label, time in marks:
            self._keep(session, "mark", label, time)
            session.mark(label, time)

    def _newest(
        self, session: OnlineSession, values: Floats, stamps: Floats, now: float
    ) -> tuple[Floats, Floats]:
        """Skip what is too old, where processing has fallen behind.

        Both must say so: how much has piled up, since stamps may be of another clock or jump, and
        the stamps, since a recording that is replayed faster than real time piles up, too.
        """
        if len(stamps) <= self._max_lag * self.source.sfreq:
            return values, stamps
        age = now - stamps + session.clock_offset
        if not age[0] > self._max_lag:
            return values, stamps
        keep = age <= self._max_lag / 2
        skipped = int((~keep).sum())
        self.n_skipped += skipped
        self._note(
            session, "skipped", {"samples": skipped, "seconds": float(age[0] - age[~keep][-1])}
        )
        return values[keep], stamps[keep]

    def _install(self, session: OnlineSession, done: Future[Any]) -> None:
        try:
            model = done.result()
        except Exception as error:  # whatever a model does, the session goes on
            session.refuse(error)
        else:
            session.install(model)
        self._keep(session, "install")

    def _wait_for_return(
        self, session: OnlineSession, stop: threading.Event, end: float, why: str
    ) -> None:
        """Wait until the stream is there again; the session learns that it is stale."""
        self._note(session, "lost", {"why": why})
        self.source.close()
        while not stop.is_set() and self._clock() < end:
            self._tick(session, self._clock())
            source, problem = self._look()
            if source is not None:
                problem = self._take_over(session, source)
                if not problem:
                    return
            if problem not in ("", self._said):  # once, however often it is looked at
                self._said = problem
                self._note(session, "unusable", {"why": problem})
            stop.wait(_LOOK)

    def _look_elsewhere(self, session: OnlineSession) -> None:
        """Change over to the same stream, started anew; a machine that died closes nothing."""
        source, problem = self._look()
        if source is None:
            if problem and problem != self._said:
                self._said = problem
                self._note(session, "unusable", {"why": problem})
            return
        if source.uid == self.source.uid:
            source.close()
            return
        self._note(session, "lost", {"why": "it fell silent, and was started anew"})
        old = self.source
        problem = self._take_over(session, source)
        if problem:
            self._note(session, "unusable", {"why": problem})
        else:
            old.close()

    def _look(self) -> tuple[Source | None, str]:
        """Look for the stream once; say why it cannot be used, where that is so."""
        try:
            source = self._again()
        except StreamError as error:
            return None, str(error)
        if source is not None and source.sfreq != self.source.sfreq:
            source.close()
            return None, f"it came back with {source.sfreq:g} Hz, not {self.source.sfreq:g} Hz"
        return source, ""

    def _take_over(self, session: OnlineSession, source: Source) -> str:
        """Read from a source that came back; say why that cannot be, if so."""
        try:
            source.open()
            session.connect(source.ch_names)
        except (StreamError, SignalError) as error:
            source.close()
            return str(error)
        self.source, self._said = source, ""
        self._keep(session, "connect", source.ch_names)
        if source.changes:
            self._note(session, "changed", {"what": source.changes})
        return ""
