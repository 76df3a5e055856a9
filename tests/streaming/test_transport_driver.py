"""The driver with a source that the test plays itself: returns, adaptation aside, old requests."""

from __future__ import annotations

import threading
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
from streaming.transport_programs import wait_until
from streaming.transport_signals import MUSE, noise, profile_of

from eegtl.errors import CalibrationError, StreamError
from eegtl.streaming.driver import Driver
from eegtl.streaming.lsl import StreamLostError
from eegtl.streaming.session import OnlineSession, SessionSettings

SFREQ = 256.0


@pytest.fixture(scope="module")
def profile():
    return profile_of(MUSE, SFREQ)


#: a step without a sample
PAUSE = object()


class Source:
    """Gives a signal in chunks of 0.1 s; steps may be calls, and `StreamLostError` is raised."""

    def __init__(self, clock, steps, *, ch_names=MUSE, sfreq=SFREQ, uid="1", changes=""):
        self.ch_names, self.sfreq, self.uid, self.changes = ch_names, sfreq, uid, changes
        self.factors = np.ones(len(ch_names))
        self._clock, self._steps = clock, iter(steps)
        self.opened = self.closed = False

    def open(self):
        self.opened = True

    def close(self):
        self.closed = True

    def pull_raw(self, seconds):
        step = next(self._steps, None)
        if step is None:
            self._clock.end.set()
        elif callable(step):
            step()  # takes no time of the signal
            return np.empty((0, len(self.ch_names))), np.empty(0)
        elif isinstance(step, Exception):
            raise step
        elif step is not PAUSE:
            n = step.shape[1]
            stamps = self._clock.now + np.arange(n) / SFREQ
            self._clock.now = stamps[-1] + 1 / SFREQ
            return step.T, stamps
        self._clock.now += seconds
        return np.empty((0, len(self.ch_names))), np.empty(0)


class Clock:
    """Time that goes on only with the samples, or as a source waits."""

    def __init__(self):
        self.now, self.end = 100.0, threading.Event()

    def __call__(self):
        self.now += 1e-4
        return self.now


class Calls:
    """Counts what is kept."""

    def __init__(self):
        self.names = []

    def __getattr__(self, name):
        return lambda *args: self.names.append(name)


def chunks(seconds, label="calm", seed=7):
    data = noise(MUSE, SFREQ, seconds, label, seed)
    return [data[:, i : i + 32] for i in range(0, data.shape[1], 32)]


def drive(profile, source, again=lambda: None, settings=None, seconds=None):
    """Run a session until the source ends; give driver, session and all that was told."""
    events = []
    calls = Calls()
    sink = SimpleNamespace(event=events.append, prediction=lambda prediction: None)
    driver = Driver(source, again, clock=source._clock, sinks=[sink], calls=calls)
    session = OnlineSession(profile, settings, on_event=driver.event)
    driver.run(session, source._clock.end, seconds)
    return SimpleNamespace(driver=driver, session=session, events=events, calls=calls.names)


def told(run, kind):
    return [event.details for event in run.events if event.event == kind]


def test_it_opens_what_it_reads_and_stops_after_its_seconds(profile):
    clock = Clock()
    run = drive(profile, source := Source(clock, chunks(60.0)), seconds=9.5)
    assert source.opened
    assert run.driver.n_predictions == 5
    assert 109.5 <= clock.now < 109.8


def test_what_comes_back_unusable_is_waited_on_and_told_once(profile):
    clock = Clock()
    first = Source(clock, [*chunks(6.0), StreamLostError("gone")])
    wrong_rate = Source(clock, [], sfreq=500.0)
    without = Source(clock, [], ch_names=MUSE[:3])
    right = Source(clock, chunks(8.0), changes="its unit is another")
    answers = iter([None, wrong_rate, wrong_rate, without, StreamError("no answer"), right])

    def again():
        clock.now += 0.5
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    run = drive(profile, first, again)
    assert told(run, "lost") == [{"why": "gone"}]
    words = [details["why"] for details in told(run, "unusable")]
    assert words[0] == "it came back with 500 Hz, not 256 Hz"
    assert words[1].startswith("the stream lacks the channels TP10 of the profile; it has TP9, AF7")
    assert words[2:] == ["no answer"]
    assert first.closed
    assert wrong_rate.closed
    assert without.closed
    assert not right.closed
    assert told(run, "connected") == [{"channels": list(MUSE)}]
    assert told(run, "changed") == [{"what": "its unit is another"}]
    assert run.calls.count("connect") == 1
    assert told(run, "stale")
    assert run.session.state == "predicting"


def test_silence_is_looked_into_and_the_same_stream_is_left_alone(profile):
    clock = Clock()
    pause = [PAUSE] * 120  # 6 s
    first = Source(clock, [*chunks(6.0), *pause, *chunks(7.0)], uid="1")
    looks = []

    def again():
        looks.append(Source(clock, [], uid="1"))
        return looks[-1]

    run = drive(profile, first, again)
    assert len(looks) == 1
    assert looks[0].closed
    assert not looks[0].opened
    assert told(run, "connected") == told(run, "lost") == []
    assert run.session.state == "predicting"


def test_a_successor_that_cannot_be_used_is_told_once(profile):
    clock = Clock()
    pause = [PAUSE] * 400  # 20 s: looked into several times
    first = Source(clock, [*chunks(6.0), *pause, *chunks(7.0)])

    def again():
        raise StreamError("it lacks TP10")

    run = drive(profile, first, again)
    assert told(run, "unusable") == [{"why": "it lacks TP10"}]
    assert told(run, "lost") == []
    assert run.session.state == "predicting"


def test_a_recording_that_cannot_be_written_ends_alone(profile):
    class Full(Calls):
        def push(self, *given):
            self.names.append("push")
            if self.names.count("push") == 50:
                raise OSError(28, "No space left on device")

    clock, events, calls = Clock(), [], Full()
    source = Source(clock, chunks(9.0))
    sink = SimpleNamespace(event=events.append, prediction=lambda prediction: None)
    driver = Driver(source, lambda: None, clock=clock, sinks=[sink], calls=calls)
    session = OnlineSession(profile, on_event=driver.event)
    driver.run(session, clock.end)
    failed = [event for event in events if event.event == "recording_failed"]
    assert [event.details["why"] for event in failed] == ["[Errno 28] No space left on device"]
    assert driver.recording_failed == "[Errno 28] No space left on device"
    assert calls.names.count("push") == 50
    assert driver.n_predictions == 5


class SlowModel:
    """Asks before it adapts; everything else is the profile's model."""

    def __init__(self, model, may_go, error=None):
        self._model, self._may_go, self._error = model, may_go, error

    def __deepcopy__(self, memo):
        return self

    def __getattr__(self, name):
        return getattr(self._model, name)

    def adapt(self, X, **more):
        assert self._may_go.wait(60)
        if self._error is not None:
            raise self._error
        return deepcopy(self._model).adapt(X, **more)


def calibrating(profile, model, steps):
    """Drive a session that calibrates with 3 s, with another model, whose driver steps may see."""
    clock, held = Clock(), SimpleNamespace()
    source = Source(clock, steps(held))
    events, calls = [], Calls()
    sink = SimpleNamespace(event=events.append, prediction=lambda prediction: None)
    driver = Driver(source, lambda: None, clock=clock, sinks=[sink], calls=calls)
    session = OnlineSession(profile, SessionSettings(calibrate=3.0), on_event=driver.event)
    session.model = model
    held.session, held.driver = session, driver
    driver.run(session, clock.end)
    return SimpleNamespace(driver=driver, session=session, events=events, calls=calls.names)


def finished(held):
    """Wait until the adaptation that is under way has ended; it may be installed already."""

    def has_ended():
        under_way = held.driver._adapting
        return under_way is None or under_way[1].done()

    return lambda: wait_until(has_ended, "the adaptation")


def test_samples_go_on_while_it_adapts(profile):
    may_go = threading.Event()
    model = SlowModel(profile.model, may_go)

    def steps(held):
        before = chunks(12.0)  # 4 s settle, 3 s calibrate, 5 s wait
        return [*before, may_go.set, finished(held), lambda: None, *chunks(3.0)]

    run = calibrating(profile, model, steps)
    assert run.calls.count("install") == 1
    kinds = [event.event for event in run.events]
    adapted = next(event for event in run.events if event.event == "adapted")
    assert adapted.sample == 12 * SFREQ
    assert kinds.count("adapt_requested") == 1
    assert run.driver.n_predictions == 3


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CalibrationError("too few"), "CalibrationError: too few"),
        (RuntimeError("whatever"), "RuntimeError: whatever"),
    ],
)
def test_what_cannot_adapt_is_told_and_predicts_as_it_is(profile, error, said):
    may_go = threading.Event()
    may_go.set()
    model = SlowModel(profile.model, may_go, error)

    def steps(held):
        return [*chunks(8.0), finished(held), lambda: None, *chunks(3.0)]

    run = calibrating(profile, model, steps)
    assert told(run, "adaptation_failed") == [{"error": said}]
    assert run.calls.count("install") == 1
    assert run.driver.n_predictions >= 3


def test_a_model_adapted_to_the_last_wearer_is_not_installed_after_a_reset(profile):
    """It was under way when the reset came, and would make the new wearer the old one."""
    may_go = threading.Event()
    model = SlowModel(profile.model, may_go)

    def steps(held):
        return [
            *chunks(9.0),
            lambda: held.session.mark("eegtl:reset", 0.0),
            may_go.set,
            finished(held),
            lambda: None,
            *chunks(1.0),
        ]

    run = calibrating(profile, model, steps)
    assert "reset" in [event.event for event in run.events]
    assert told(run, "adapted") == []
    assert run.calls.count("install") == 0
    assert not run.session.adapted


def test_stamps_that_jump_back_between_two_chunks_are_not_taken_for_old_ones(profile):
    """All that follows would be skipped, and the session would never learn of the jump."""
    clock = Clock()

    class Jumping(Source):
        def pull_raw(self, seconds):
            values, stamps = super().pull_raw(seconds)
            return values, stamps - (4000.0 if clock.now > 108.0 else 0.0)

    run = drive(profile, Jumping(clock, chunks(16.0)))
    assert run.driver.n_skipped == 0
    assert told(run, "skipped") == []
    assert len(told(run, "clock_jump")) == 1
    assert run.session.state == "predicting"
    assert run.driver.n_predictions > 6
