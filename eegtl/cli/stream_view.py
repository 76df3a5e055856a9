"""What `eegtl stream` shows: signal, probabilities, and the last events."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ..report.escape import printable
from ..streaming.events import Event
from ..streaming.prediction import Prediction
from .event_words import QUIET, in_words
from .say import say

_SHOWN = 6
_BAR = 20


class StreamView:
    """A picture that is drawn anew on a terminal; plain lines elsewhere.

    Parameters
    ----------
    labels : tuple of str
    ch_names : tuple of str
    calibrated : callable, optional
        Tells how many seconds of calibration there are by now, and how many are wanted.
    clock : callable
        Gives the time of day, for the picture.
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        ch_names: tuple[str, ...],
        calibrated: Callable[[], tuple[float, float]] | None = None,
        clock: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
    ) -> None:
        self._labels, self._ch_names = labels, ch_names
        self._calibrated, self._clock = calibrated, clock
        self._lines: tuple[str, ...] = ()  # never changed in place: another thread draws
        self._prediction: Prediction | None = None
        self._bad: dict[str, Any] = {}
        self._state = "waiting"
        self._live: Any = None
        self._can_print = True

    def __enter__(self) -> Self:
        if sys.stdout.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(get_renderable=self._picture, console=Console(), refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            with suppress(OSError):  # the terminal is gone, the session ends all the same
                self._live.stop()  # draws the last state

    def prediction(self, prediction: Prediction) -> None:
        """Show a prediction.

        Parameters
        ----------
        prediction : Prediction
        """
        self._prediction = prediction
        if self._live is not None:
            return
        said = " ".join(
            f"{name}={p:.2f}"
            for name, p in zip(self._labels, prediction.probabilities, strict=True)
        )
        verdict = f"abstains ({prediction.reason})" if prediction.abstain else prediction.label
        self._print(f"{prediction.time:.3f}  {said}  {verdict}  {_lag(prediction.lag)}")

    def event(self, event: Event) -> None:
        """Show an event.

        Parameters
        ----------
        event : Event
        """
        if event.event == "state":
            self._state = str(event.details["to"])
        if event.event == "bad_channels":
            self._bad = dict(event.details)
        if event.event in QUIET:
            return
        if self._live is not None:
            line = f"{self._clock()}  {in_words(event)}"
            self._lines = (*self._lines, line)[-_SHOWN:]
            return
        details = " ".join(f"{key}={value}" for key, value in event.details.items())
        self._print(printable(f"{event.time:.3f}  {event.event}  {details}"))

    def _print(self, line: str) -> None:
        """Print a line, as long as somebody takes it: a session outlives its terminal."""
        if not self._can_print:
            return
        try:
            say(line)
        except OSError:
            self._can_print = False

    def _picture(self) -> Any:
        from rich.text import Text

        last = self._prediction if self._state == "predicting" else None
        channels = [
            f"{printable(name)} {'/'.join(self._bad[name]) if name in self._bad else 'good'}"
            for name in self._ch_names
        ]
        state = f" {self._state}"
        if self._state == "calibrating" and self._calibrated is not None:
            state += " {:.0f} of {:.0f} s".format(*self._calibrated())
        lines = [state]
        if self._state not in ("waiting", "stale"):
            lines.append(f" signal   {'   '.join(channels)}")
        if last is not None:
            lines.append(f" {_lag(last.lag)}   confidence {last.confidence:.2f}")
            for name, p in zip(self._labels, last.probabilities, strict=True):
                bar = "#" * round(_BAR * p)
                lines.append(f" {printable(name):<12} {bar:-<{_BAR}}  {p:.2f}")
            if last.abstain:
                lines.append(f" abstains: {printable(last.reason)}")
        return Text("\n".join([*lines, "", *self._lines]))


def _lag(seconds: float) -> str:
    """Say how old the newest sample is; one that is ahead is a replay faster than time."""
    return f"lag {1e3 * seconds:.0f} ms" if seconds >= 0 else f"{-seconds:.0f} s ahead of time"
