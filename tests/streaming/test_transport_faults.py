"""Everything that a headset's stream does wrong, over real LSL from another process."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest
import pyxdf
from streaming import transport_producer
from streaming.transport_programs import Program, unique, wait_until
from streaming.transport_programs import eegtl as run
from streaming.transport_signals import MUSE, logged, noise, profile_of

from eegtl.features import FeatureExtractor
from eegtl.streaming.rerun import rerun

SFREQ = 256.0
WINDOW = 1.0
#: what the filters settle for, from the profile's own extractor, and two windows
SOON = FeatureExtractor(window=WINDOW).start(SFREQ, MUSE).settling + 2 * WINDOW


@pytest.fixture(scope="module")
def profile():
    return profile_of(MUSE, SFREQ, FeatureExtractor(window=WINDOW))


@pytest.fixture(scope="module")
def kept(profile, tmp_path_factory):
    return profile.save(tmp_path_factory.mktemp("profile") / "wearer.eegtl")


def producer(file: Path, name: str, **options: object) -> Program:
    """Play a file in another process."""
    more = [f"{key}={value}" for key, value in options.items()]
    return Program(transport_producer.__file__, str(file), name, *more)


def classes(*parts: tuple[str, float]):
    """Give volts of one class after the other."""
    return np.hstack([noise(MUSE, SFREQ, s, label, 20 + i) for i, (label, s) in enumerate(parts)])


def streams_of(path: Path):
    """Give the streams of a recording by type and name: samples as they were written."""
    found, _ = pyxdf.load_xdf(
        str(path), synchronize_clocks=False, dejitter_timestamps=False, verbose=False
    )
    return {s["info"]["name"][0]: (s["time_series"], s["time_stamps"]) for s in found}


def test_every_fault(tmp_path, profile, kept):
    """All in one recording, which Ctrl-C ends while samples still come."""
    parts = [("calm", 34.0), ("busy", 27.0), ("calm", 23.0), ("busy", 60.0)]
    data = classes(*parts)
    faults = (
        "gap@10:0.5,drop@18:40,reorder@26:40,nan@38:0.3,jump@46:-4000,jump@54:4000,"
        "die@62:4,channels@90:4"
    )
    name, out = unique(), tmp_path / "faults.xdf"
    file = transport_producer.write(tmp_path / "two.npz", data, MUSE, SFREQ)
    found = ("--name", name, "--find", 60, "--out-name", unique("out"))
    with (
        producer(file, name, speed=6, faults=faults) as headset,
        run("record", out, "--profile", kept, *found) as recorder,
    ):
        place = 0
        for _ in range(2):
            place = recorder.wait_for(r"connected  ", after=place)
        recorder.wait_for(r"  busy  ", after=place)
        said = recorder.stop()
        assert headset.process.poll() is None
    assert f"written: {out}" in said

    held = streams_of(out)
    values, stamps = held[name]
    # every sample that came is one that was sent, whatever the channels' order, at its time
    begin = stamps[0]
    seconds = stamps - begin
    seconds = np.where(seconds < -2000, seconds + 4000, seconds)
    rows = np.rint(seconds * SFREQ).astype(int)
    wire = (1e6 * data).astype(np.float32).T
    nan = np.isnan(values).any(axis=1)
    assert 38 * SFREQ <= rows[nan].min() <= rows[nan].max() < 38.3 * SFREQ
    assert np.array_equal(values[~nan], wire[rows[~nan]])

    events = [json.loads(row[0]) for row in held["eegtl-events"][0]]
    kinds = [event["event"] for event in events]
    gaps = [event["seconds"] for event in events if event["event"] == "gap"]
    assert any(abs(gap - 0.5 - 1 / SFREQ) < 1e-3 for gap in gaps)
    assert any(abs(gap - 41 / SFREQ) < 1e-3 for gap in gaps)
    assert sum(event["late"] for event in events if event["event"] == "left_out") == 40
    jumps = [event["seconds"] for event in events if event["event"] == "clock_jump"]
    assert np.allclose(jumps, [-4000, 4000], atol=0.1)
    assert kinds.count("lost") == kinds.count("connected") == 2
    changes = [event["what"] for event in events if event["event"] == "changed"]
    assert changes == [f"its channels are {' '.join(MUSE[::-1])} now"]

    # soon after each of them a window is right again
    n = len(profile.labels)
    rows_of_predictions = held["eegtl"][0]
    sample = rows_of_predictions[:, n + 5]
    abstains = rows_of_predictions[:, n + 2].astype(bool)
    took = seconds[sample.astype(int)]
    truth = np.repeat([label for label, _ in parts], [round(s) for _, s in parts])
    labels = np.array(profile.labels)[rows_of_predictions[:, :n].argmax(axis=1)]
    # a window over the border of two classes may be either
    clear = np.abs(took[:, None] - WINDOW / 2 - np.array([34, 61, 84])).min(axis=1) > WINDOW
    right = labels == truth[(took - WINDOW / 2).astype(int)]
    assert right[clear].all()
    told = ("gap", "no_signal", "clock_jump", "connected")
    assert set(told) <= set(kinds)
    after = [event["sample"] for event in events if event["event"] in told]
    good = sample[clear & right & ~abstains]
    for place in after:
        later = good[good >= place]
        assert len(later)
        assert (later[0] - place) / SFREQ <= SOON

    again = rerun(out, profile)
    p = [x.probabilities for x in again.predictions]
    np.testing.assert_allclose(p, rows_of_predictions[:, :n], rtol=0, atol=1e-12)
    assert [event.to_json() for event in again.events] == again.recorded_events


def test_a_producer_that_is_killed_or_hangs_and_returns(tmp_path, kept):
    name, log = unique(), tmp_path / "log.jsonl"
    calm = transport_producer.write(tmp_path / "calm.npz", classes(("calm", 300.0)), MUSE, SFREQ)
    busy = transport_producer.write(tmp_path / "busy.npz", classes(("busy", 300.0)), MUSE, SFREQ)
    found = ("--name", name, "--find", 60, "--out-name", unique("out"), "--log", log)
    with run("stream", "--profile", kept, *found) as session:
        with producer(calm, name, speed=4) as first:
            place = session.wait_for("  calm  ")
            first.signal(signal.SIGKILL)
            place = session.wait_for("lost  why=the stream .* is gone", after=place)
            place = session.wait_for("state  from=predicting to=stale", after=place)
        with producer(busy, name, speed=4) as second:
            place = session.wait_for("connected  ", after=place)
            place = session.wait_for("  busy  ", after=place)
            assert "  calm  " not in session.output[place:]
            # it says nothing any more, and closes nothing
            second.signal(signal.SIGSTOP)
            with producer(calm, name, speed=4):
                place = session.wait_for("lost  why=it fell silent, and was started anew")
                place = session.wait_for("connected  ", after=place)
                session.wait_for("  calm  ", after=place)
                said = session.stop()
            second.signal(signal.SIGCONT)
    predictions, events = logged(log)
    counted = re.search(r"stopped after (\d+) predictions", said)
    assert counted is not None
    assert len(predictions) == int(counted[1])
    # the first right one after each return is soon
    for event in events:
        if event["event"] == "connected":
            later = [p["sample"] for p in predictions if p["sample"] >= event["sample"]]
            assert (later[0] - event["sample"]) / SFREQ <= SOON


def test_a_recorder_that_is_killed_leaves_what_it_had(tmp_path, profile, kept):
    name, out = unique(), tmp_path / "killed.xdf"
    file = transport_producer.write(tmp_path / "calm.npz", classes(("calm", 300.0)), MUSE, SFREQ)
    found = ("--name", name, "--find", 60, "--out-name", unique("out"))
    with (
        producer(file, name, speed=4),
        run("record", out, "--profile", kept, *found) as recorder,
    ):
        place = 0
        for _ in range(3):
            place = recorder.wait_for("  calm  ", after=place)
        partial = out.with_name("killed.xdf.partial")
        size = partial.stat().st_size
        recorder.wait_for("  calm  ", after=place)
        wait_until(lambda: partial.stat().st_size > size, "the file to grow")
        recorder.signal(signal.SIGKILL)
        recorder.process.wait()
    assert not out.exists()
    again = rerun(partial, profile)
    n = len(again.recorded_predictions)
    assert n >= 1
    p = [x.probabilities for x in again.predictions]
    said = again.recorded_predictions[:, : len(profile.labels)]
    np.testing.assert_allclose(p[:n], said, rtol=0, atol=1e-12)
