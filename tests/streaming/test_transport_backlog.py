"""Processing that falls behind, readers that do not read, two sessions at once, lost markers."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from streaming import transport_producer
from streaming.test_transport_faults import producer
from streaming.transport_programs import PATIENCE, Program, unique, wait_until
from streaming.transport_programs import eegtl as run
from streaming.transport_signals import MUSE, logged, noise, profile_of

from eegtl.streaming.driver import Driver
from eegtl.streaming.events import Event
from eegtl.streaming.inlets import BUFFER, MarkerInlet, SignalInlet
from eegtl.streaming.lsl import Search, local_clock
from eegtl.streaming.prediction_outlets import KEPT, PredictionOutlets
from eegtl.streaming.session import OnlineSession

SFREQ = 256.0


@pytest.fixture(scope="module")
def profile():
    return profile_of(MUSE, SFREQ)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    path = tmp_path_factory.mktemp("signal") / "calm.npz"
    return transport_producer.write(path, noise(MUSE, SFREQ, 600.0, "calm", 3), MUSE, SFREQ)


class Sink:
    """Keeps what comes; ``during`` is called with each prediction."""

    def __init__(self, during):
        self.predictions, self.events, self._during = [], [], during

    def prediction(self, prediction):
        self.predictions.append(prediction)
        self._during(prediction)

    def event(self, event):
        self.events.append(event)


def drive(profile, name, sink, until, **settings):
    """Run a session in this process until a condition holds for its sink."""
    inlet = SignalInlet(Search().find(name=name, seconds=60))
    driver = Driver(inlet, lambda: None, clock=local_clock, sinks=[sink], **settings)
    session = OnlineSession(profile, on_event=driver.event)
    session.warm_up()
    stop, failed = threading.Event(), []

    def work():
        try:
            driver.run(session, stop)
        except BaseException as error:
            failed.append(error)

    runs = threading.Thread(target=work, daemon=True)
    runs.start()
    try:
        wait_until(lambda: until(sink) or not runs.is_alive(), "the session")
    finally:
        stop.set()
        runs.join(PATIENCE)
    assert not runs.is_alive(), "the driver does not stop"
    if failed:
        raise failed[0]
    return driver


def test_a_slow_sink_gets_the_newest(profile, calm):
    """A sink that holds everything up for 3 s, in real time: the next prediction is of now."""
    name, held = unique(), []

    def hold_up_once(prediction):
        if not held:
            held.append(prediction.time)
            time.sleep(3.0)

    def seen(sink):
        return any(p.time > held[0] + 3.0 for p in sink.predictions) if held else False

    with producer(calm, name) as headset:
        headset.wait_for("published")
        sink = Sink(hold_up_once)
        driver = drive(profile, name, sink, seen, max_lag=1.0)
    skips = [event for event in sink.events if event.event == "skipped"]
    assert driver.n_skipped == sum(event.details["samples"] for event in skips)
    behind = [event for event in sink.events if event.time >= held[0]]
    skip = next(event.details for event in behind if event.event == "skipped")
    # of the 3 s all but the newest half second: the lag that is allowed, halved
    assert skip["samples"] >= 2.0 * SFREQ
    assert abs(skip["seconds"] - skip["samples"] / SFREQ) < 2 / SFREQ
    gap = next(event.details["seconds"] for event in behind if event.event == "gap")
    assert abs(gap - (skip["samples"] + 1) / SFREQ) < 2 / SFREQ
    # nothing between the two is predicted late
    late = [p for p in sink.predictions if held[0] < p.time < held[0] + 2.0]
    assert late == []


def test_what_waits_is_bounded(profile, calm):
    """40 times real time is held up for 2 s: of 80 s of signal 10 s are kept, no more."""
    name, sizes = unique(), []

    class Counting(SignalInlet):
        def pull_raw(self, seconds=0.1):
            values, stamps = super().pull_raw(seconds)
            sizes.append(len(stamps))
            return values, stamps

    with producer(calm, name, speed=40) as headset:
        headset.wait_for("published")
        inlet = Counting(Search().find(name=name, seconds=60))
        inlet.open()
        headset.wait_for("plays")
        wait_until(lambda: len(inlet.pull_raw(1.0)[1]), "a sample")
        time.sleep(2.0)
        first = inlet.pull_raw(1.0)[1]
        inlet.close()
    assert len(first) <= BUFFER * SFREQ
    assert len(first) > 0.9 * BUFFER * SFREQ
    assert max(sizes) <= BUFFER * SFREQ


STUCK_READER = """
import sys, time
import pylsl
inlets = []
for name in sys.argv[1:]:
    resolver = pylsl.ContinuousResolver("name", name)
    while not resolver.results():
        time.sleep(0.05)
    inlets.append(pylsl.StreamInlet(resolver.results()[0]))
    inlets[-1].open_stream()
print("reads", flush=True)
sys.stdin.readline()
"""


def resident():
    """Memory of this process in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def test_a_reader_that_hangs_costs_neither_time_nor_memory():
    out = unique("out")
    outlets = PredictionOutlets(("a", "b"), out)
    event = Event("state", 1.0, 1, {"words": "x" * 2000})
    with Program("-c", STUCK_READER, out, f"{out}-events") as reader:
        reader.wait_for("reads")
        reader.signal(signal.SIGSTOP)
        for _ in range(KEPT):
            outlets.event(event)
        before, begun = resident(), time.monotonic()
        for _ in range(5 * KEPT):
            outlets.event(event)
        took, more = time.monotonic() - begun, resident() - before
        reader.signal(signal.SIGCONT)
    size = 5 * KEPT * 2000 / 2**20
    assert more < size / 3, f"{more:.0f} MiB for {size:.0f} MiB of events"
    assert took < 60.0  # it never waits for the reader, which would take for ever


def test_two_sessions_at_once(tmp_path, profile, calm):
    name, kept = unique(), profile.save(tmp_path / "wearer.eegtl")
    logs = [tmp_path / f"{i}.jsonl" for i in range(2)]
    common = ("--profile", kept, "--name", name)
    with producer(calm, name, speed=2, wait=0) as headset:
        headset.wait_for("plays")
        outs = [unique("out") for _ in logs]
        args = [
            ("stream", *common, "--out-name", out, "--log", log)
            for out, log in zip(outs, logs, strict=True)
        ]
        with run(*args[0]) as first, run(*args[1]) as second:
            for session in (first, second):
                place = 0
                for _ in range(3):
                    place = session.wait_for("  calm  ", after=place)
            first.stop()
            second.wait_for("  calm  ", after=len(second.output))
            second.stop()
    for log in logs:
        predictions, events = logged(log)
        assert {p["label"] for p in predictions} == {"calm"}
        assert not [e for e in events if e["event"] in ("gap", "left_out", "skipped")]


MARKERS = """
import sys
import pylsl
info = pylsl.StreamInfo(sys.argv[1], "Markers", 1, 0.0, "string", sys.argv[2])
outlet = pylsl.StreamOutlet(info)
outlet.wait_for_consumers(60)
outlet.push_sample(["one"])
print("sent", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("source_id", ["box-1", ""], ids=["comes-back", "cannot-come-back"])
def test_markers_that_are_lost_hold_nothing_up(profile, calm, source_id):
    name, marks = unique(), unique("marks")
    source_id = source_id and unique(source_id)
    with producer(calm, name, speed=4) as headset:
        headset.wait_for("published")
        with Program("-c", MARKERS, marks, source_id) as lost:
            markers = MarkerInlet(Search().find(name=marks, seconds=60))
            lost.wait_for("sent")
            # dead before it is read for the first time, when liblsl would wait for ever
            lost.signal(signal.SIGKILL)
            lost.process.wait()
        sink = Sink(lambda prediction: None)
        drive(profile, name, sink, lambda sink: len(sink.predictions) >= 3, markers=markers)
    assert len(sink.predictions) >= 3
    told = [event.details["why"] for event in sink.events if event.event == "markers_lost"]
    if source_id:
        assert told == []
    else:
        assert told == [f"the stream {marks!r} is gone (the stream has been lost)"]
