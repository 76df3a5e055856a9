"""Who hears predictions and events: outlets, a log, a view, a recorder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..errors import EegtlError
from .events import Event
from .prediction import Prediction

#: What writing to a full disk or to a closed terminal raises.
WRITING_FAILS = (OSError, EegtlError)


class Sink(Protocol):
    """Where predictions and events go."""

    def prediction(self, prediction: Prediction) -> None:
        """Take a prediction."""

    def event(self, event: Event) -> None:
        """Take an event."""


class Listeners:
    """Hands predictions and events on; one that fails is left out, and the others are told.

    A log that cannot be written any more, because the disk is full, is no reason to end what the
    wearer is in the middle of.

    Parameters
    ----------
    sinks : sequence of Sink

    Examples
    --------
    >>> class Full:
    ...     def event(self, event):
    ...         raise OSError("no space left on device")
    >>> class Screen:
    ...     def event(self, event):
    ...         print(event.event, dict(event.details))
    >>> Listeners([Full(), Screen()]).event(Event("reset", 1.0, 2))
    sink_failed {'what': 'Full', 'why': 'no space left on device'}
    reset {}
    """

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks = list(sinks)

    def add(self, sink: Sink) -> None:
        """Let another one hear what comes.

        Parameters
        ----------
        sink : Sink
        """
        self._sinks.append(sink)

    def prediction(self, prediction: Prediction) -> None:
        """Hand on a prediction.

        Parameters
        ----------
        prediction : Prediction
        """
        self._hand_on(lambda sink: sink.prediction(prediction), prediction.time, prediction.sample)

    def event(self, event: Event) -> None:
        """Hand on an event.

        Parameters
        ----------
        event : Event
        """
        self._hand_on(lambda sink: sink.event(event), event.time, event.sample)

    def _hand_on(self, tell: Callable[[Sink], None], time: float, sample: int) -> None:
        for sink in tuple(self._sinks):
            try:
                tell(sink)
            except WRITING_FAILS as error:
                self._sinks.remove(sink)
                what = {"what": type(sink).__name__, "why": str(error)}
                self.event(Event("sink_failed", time, sample, what))
