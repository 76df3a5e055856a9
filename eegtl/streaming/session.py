"""`OnlineSession`: the states of live use, from the first sample to calibrated probabilities.

It reads no clock, starts no thread and knows no transport: the driver brings samples, their
stamps and the time. The same calls in the same order give the same predictions and events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SignalError
from ..personalize.profile import Profile
from .adaptation import Memory, following, knows_more_than_rows, refuse_to_forget
from .drift import DriftWatch
from .events import Event
from .fitting import judged_channels, quality_of, rows_of, stream_for
from .live_windows import LiveWindow, LiveWindows
from .prediction import AdaptRequest, Judge, Prediction
from .settings import SessionSettings
from .stamp_watch import StampWatch

__all__ = ["RESET", "STATES", "OnlineSession", "SessionSettings"]

Floats = NDArray[np.float64]

STATES = ("waiting", "settling", "calibrating", "predicting", "stale")
#: A mark that makes the model forget its wearer.
RESET = "eegtl:reset"


class OnlineSession:
    """Turns a stream of samples into predictions and events.

    Parameters
    ----------
    profile : Profile
        It stays as it is; the session adapts a copy of its model.
    settings : SessionSettings, optional
    sfreq : float, optional
        Sampling rate of the stream in Hz; by default the profile's.
    ch_names : sequence of str, optional
        Canonical names of the rows of the chunks, in any order, more than the profile's, too; by
        default the profile's.
    on_event : callable, optional
        Is called with each `Event`. Without it the newest 1000 are kept in `events`.

    Attributes
    ----------
    state : {"waiting", "settling", "calibrating", "predicting", "stale"}
    model : transfer classifier
        What predicts.
    request : AdaptRequest or None
        An adaptation that waits for the driver: ``session.install(session.request.run())``.
    events : deque of Event

    Raises
    ------
    SignalError
        When channels are missing, or the rate does not fit.
    InputError
        When the model cannot do what the settings ask for, would forget by it what it knows of its
        calibration, or reads other features.
    """

    def __init__(
        self,
        profile: Profile,
        settings: SessionSettings | None = None,
        *,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.profile = profile
        self.settings = settings = SessionSettings() if settings is None else settings
        self.events: deque[Event] = deque(maxlen=1000)
        self._on_event = self.events.append if on_event is None else on_event
        self.model = deepcopy(profile.model)
        self.adapted = self.model.information_ != "inductive"
        settings.adaptation.check(self.model)
        refuse_to_forget(self.model, settings.adaptation, calibrates=settings.calibrate > 0)
        self.state = "waiting"
        self.request: AdaptRequest | None = None
        self._rate = profile.sfreq if sfreq is None else float(sfreq)
        stream = stream_for(profile, self._rate)
        quality = quality_of(profile) if settings.quality is None else settings.quality
        quality.judge(np.zeros((1, 1, 2)), self._rate)  # refuses a mains frequency now
        self._quality = quality
        self._windows = LiveWindows(
            stream,
            profile.ch_names,
            self._rate,
            quality,
            self._hear,
            judged=judged_channels(profile),
        )
        self._judge = Judge(profile, settings.bad_channels, settings.least_confidence)
        self._take_rows(profile.ch_names if ch_names is None else ch_names)
        self._memory = Memory(settings.adaptation.memory, settings.adaptation.clip)
        self._since, self._last_now, self._unwatched = 0, np.nan, ""
        self._block: list[LiveWindow] = []
        self._labelled: AdaptRequest | None = None
        self._bad: tuple[str, ...] = ()
        self._stamps = StampWatch(self._windows, self._rate, self._emit)
        self._drift = DriftWatch(profile, settings.drift)
        self._rule, self._calibrates = settings.adaptation, settings.calibrate > 0

    @property
    def step(self) -> float:
        """Seconds from one window to the next."""
        return float(self.profile.extractor.step)

    @property
    def calibrated(self) -> float:
        """Seconds of good windows that calibration has by now."""
        return len(self._block) * self.step

    @property
    def clock_offset(self) -> float:
        """Seconds that the stamps' clock is ahead of the driver's, where it is another one.

        It follows the jumps of the stamps.
        """
        return self._stamps.clock_offset

    def note(self, event: str, details: Mapping[str, Any]) -> None:
        """Let the driver tell an event in the order of the session's own.

        Parameters
        ----------
        event : str
        details : mapping
        """
        self._emit(event, details)

    def warm_up(self) -> None:
        """Compile what the first chunk would wait for."""
        self._windows.stream.warm_up()
        self.model.predict_proba(self.profile.mean[None])
        self._quality.judge(
            np.zeros((1, len(self.profile.ch_names), max(2, round(self._rate)))), self._rate
        )

    def connect(self, ch_names: Sequence[str]) -> None:
        """Take a stream that came back, perhaps with its channels in another order.

        Parameters
        ----------
        ch_names : sequence of str
            Canonical names of the rows of the chunks to come.

        Raises
        ------
        SignalError
            When channels are missing.
        """
        self._take_rows(ch_names)
        self._windows.interrupt()
        self._emit("connected", {"channels": list(ch_names)})
        if self.state in ("calibrating", "predicting"):
            self._set_state("settling")

    def mark(self, label: str, time: float) -> None:
        """Take a marker: windows restart there, and calibration windows behind it have the label.

        Parameters
        ----------
        label : str
            ``eegtl:reset`` makes the model forget its wearer, and calibration begin anew.
        time : float
            In seconds of the stream's clock.
        """
        if label == RESET:
            self.reset()
        else:
            self._windows.mark(label, time)

    def reset(self) -> None:
        """Return to the profile's model, and calibrate again.

        Nothing of the wearer so far stays: filters and windows restart, and marks are forgotten.
        """
        self.model = deepcopy(self.profile.model)
        self.adapted = self.model.information_ != "inductive"
        self._memory.forget()
        self._block, self.request, self._labelled, self._since = [], None, None, 0
        self._rule, self._calibrates = self.settings.adaptation, self.settings.calibrate > 0
        self._judge.forget()
        self._drift.refer_to_day()
        self._windows.forget()
        self._emit("reset", {})
        if self.state in ("calibrating", "predicting"):
            self._set_state("settling")

    def push(self, chunk: ArrayLike, timestamps: ArrayLike, *, now: float) -> list[Prediction]:
        """Take the next samples.

        Parameters
        ----------
        chunk : array-like of shape (n_channels, n)
            Volts.
        timestamps : array-like of shape (n,)
            Seconds of the stream's clock.
        now : float
            The time, in seconds of the same clock.

        Returns
        -------
        list of Prediction
            One for each window that is complete, settled and not used to calibrate.

        Raises
        ------
        SignalError
            When the shapes do not fit.
        """
        data = np.asarray(chunk, dtype=np.float64)
        stamps = np.asarray(timestamps, dtype=np.float64)
        if data.ndim != 2 or data.shape != (self._n_rows, *stamps.shape):
            raise SignalError(
                f"a chunk of the shape {data.shape} came with stamps of the shape {stamps.shape}; "
                f"give ({self._n_rows}, n) and (n,), a row for each channel of the stream."
            )
        if not len(stamps):
            return []
        self._last_now = float(now)
        if self.state in ("waiting", "stale"):
            self._set_state("settling")
        if self._order is not None:
            data = data[self._order]
        windows: Iterable[LiveWindow] = self._windows.push(data, stamps)
        if not self._stamps.knows_clock:
            windows = list(windows)
            self._stamps.look_at_clock(float(now))
        predictions = (self._window(window, float(now)) for window in windows)
        return [prediction for prediction in predictions if prediction is not None]

    def tick(self, now: float) -> None:
        """Tell the time where no samples came.

        Parameters
        ----------
        now : float
        """
        gone = now - self._last_now
        if self.state not in ("waiting", "stale") and gone > self.settings.stale_after:
            self._emit("stale", {"seconds": float(gone)})
            self._windows.interrupt()
            self._set_state("stale")

    def install(self, model: Any) -> None:
        """Predict with another model from the next window on.

        Parameters
        ----------
        model : transfer classifier
            Usually what `AdaptRequest.run` gave.
        """
        request = self.request
        kind = request.kind if request is not None else "model"
        if request is not None and kind == "calibration":
            # what comes later adds to the calibration, and does not take its place
            self._labelled = request if request.y_calib is not None else None
            for row in [] if request.X_target is None else request.X_target:
                self._memory.take(row)
            if self._labelled is None and self.model.information_ == "labelled":
                self._emit("labels_replaced", {})
        self.model, self.request, self.adapted, self._calibrates = model, None, True, False
        self._emit(
            "adapted",
            {
                "kind": kind,
                "n_windows": int(getattr(model, "n_target_windows_", 0)),
                "information": str(getattr(model, "information_", "")),
            },
        )
        if self.state == "calibrating":
            self._set_state("predicting")

    def refuse(self, error: Exception) -> None:
        """Go on with the model as it is, since an adaptation failed.

        Parameters
        ----------
        error : Exception
        """
        self.request, self._calibrates = None, False
        self._emit("adaptation_failed", {"error": f"{type(error).__name__}: {error}"})
        why = knows_more_than_rows(self.model) if self._labelled is None else ""
        if why and self._rule.mode != "none":  # it needed the calibration that failed
            self._rule = replace(self._rule, mode="none")
            self._emit("cannot_follow", {"why": why})
        if self.state == "calibrating":
            self._set_state("predicting")

    def adapt_now(self) -> None:
        """Run the request that waits, if one does, and install what it gives."""
        if self.request is None:
            return
        try:
            model = self.request.run()
        except Exception as error:  # whatever a model does, the session goes on
            self.refuse(error)
        else:
            self.install(model)

    def _window(self, window: LiveWindow, now: float) -> Prediction | None:
        """Calibrate with a window, or predict it."""
        self._stamps.look_at_rate(window)
        if window.settling:
            self._set_state("settling")
            return None
        self._say_bad_channels(window)
        if self._calibrates:
            self._set_state("calibrating")
            self._calibrate(window)
            return None
        self._set_state("predicting")
        lag = now - window.time + self.clock_offset
        prediction = self._judge.predict(
            self.model, window, lag=lag, adapted=self.adapted, rate_is_off=self._stamps.rate_is_off
        )
        if not window.faults and not self._stamps.rate_is_off:
            # of unsure models, too: drift makes them unsure
            self._watch(window)
            if not prediction.abstain:
                self._follow(window)
        return prediction

    def _watch(self, window: LiveWindow) -> None:
        """Tell when the signal leaves the range of the calibration, and react."""
        distance = self._drift.take(window.X)
        if distance is None:
            return
        details = {"distance": distance, "limit": float(self._drift.limit)}
        self._emit("drift" if self._drift.drifted else "drift_over", details)
        reaction = self.settings.drift.reaction
        if self._drift.drifted and reaction == "ask":
            self._emit("recalibrate", details)
        if self._drift.drifted and reaction == "follow" and self._rule.mode == "none":
            rule = following(self.model, self._rule)
            if rule is None:
                self._emit("cannot_follow", {"why": knows_more_than_rows(self.model)})
                self._emit("recalibrate", details)
            else:
                self._rule = rule
                self._emit("follows", {"mode": rule.mode})

    def _calibrate(self, window: LiveWindow) -> None:
        """Keep a good window of the calibration; ask for adaptation when there are enough."""
        if self.request is not None or window.faults or self._stamps.rate_is_off:
            return
        self._block.append(window)
        if self.calibrated >= self.settings.calibrate - 1e-9:
            names = dict(zip(self.profile.labels, self.model.classes_.tolist(), strict=True))
            rows = np.array([w.X for w in self._block])
            self._judge.remember(rows)
            asked = AdaptRequest.of_block("calibration", self.model, self._block, names)
            self._drift.refer(rows, asked.block_kind)
            self._ask(asked)

    def _follow(self, window: LiveWindow) -> None:
        """Let the model follow a window that it has predicted."""
        rule = self._rule
        if rule.mode == "none":
            return
        runs = rule.mode == "running" and not self._memory.full and self._labelled is None
        row = self._memory.take(window.X)
        if runs:
            self.model.partial_adapt(row[None])
            self.adapted = True
            return
        self._since += 1
        if self._since >= rule.every and self.request is None:
            self._since = 0
            rows = self._memory.rows
            self._ask(AdaptRequest.of_rows("memory", self.model, rows, self._labelled))

    def _ask(self, request: AdaptRequest) -> None:
        self.request = request
        self._emit("adapt_requested", request.describe())

    def _say_bad_channels(self, window: LiveWindow) -> None:
        """Tell when the set of bad channels changes."""
        bad = tuple(sorted(window.faults))
        if bad != self._bad:
            self._bad = bad
            self._emit("bad_channels", {name: list(kinds) for name, kinds in window.faults.items()})

    def _set_state(self, state: str) -> None:
        if state != self.state:
            before, self.state = self.state, state
            self._emit("state", {"from": before, "to": state})
            if state == "predicting" and self.settings.drift.reaction != "tell":
                why, told = self._drift.unwatched, self._unwatched
                self._unwatched = why
                if why and why != told:
                    self._emit("drift_unwatched", {"why": why})

    def _hear(self, event: str, details: Mapping[str, Any]) -> None:
        """Tell what the windows tell; where the signal has a gap, filters settle anew."""
        self._emit(event, details)
        is_gap = event in ("gap", "clock_jump", "no_signal")
        if is_gap and self.state in ("calibrating", "predicting"):
            self._set_state("settling")

    def _emit(self, event: str, details: Mapping[str, Any]) -> None:
        windows = self._windows
        self._on_event(Event(event, windows.newest, windows.n_taken, dict(details)))

    def _take_rows(self, ch_names: Sequence[str]) -> None:
        order, self._n_rows = rows_of(self.profile, ch_names), len(ch_names)
        self._order = None if order == list(range(self._n_rows)) else order
