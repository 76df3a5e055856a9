"""Programs that know nothing of eegtl, at both ends: MNE-LSL with its own liblsl, and pylsl."""

from __future__ import annotations

import json

import numpy as np
import pylsl
import pytest
from streaming.test_transport_faults import producer
from streaming.transport_programs import Program, unique, wait_until
from streaming.transport_programs import eegtl as run
from streaming.transport_signals import MUSE, logged, noise, offline, profile_of, write_fif

from eegtl.streaming.lsl import configure

SFREQ = 256.0

PLAYER = """
import sys
from mne import set_log_level
from mne_lsl import set_log_level as quiet
from mne_lsl.player import PlayerLSL
quiet("ERROR"); set_log_level("ERROR")
with PlayerLSL(sys.argv[1], chunk_size=16, name=sys.argv[2], source_id=sys.argv[2], n_repeat=50):
    print("plays", flush=True)
    sys.stdin.readline()
"""

READER = """
import json, sys, time
from mne import set_log_level
from mne_lsl import set_log_level as quiet
from mne_lsl.stream import StreamLSL
quiet("ERROR"); set_log_level("ERROR")
stream = StreamLSL(bufsize=1000, name=sys.argv[1]).connect(timeout=60)
print("names", json.dumps(stream.ch_names), flush=True)
while True:
    if stream.n_new_samples >= 3:
        data, times = stream.get_data(winsize=3)
        print("rows", json.dumps([data.T.tolist(), times.tolist()]), flush=True)
        break
    time.sleep(0.05)
stream.disconnect()
"""


@pytest.fixture(scope="module")
def profile():
    return profile_of(MUSE, SFREQ)


@pytest.fixture
def kept(profile, tmp_path):
    return profile.save(tmp_path / "wearer.eegtl")


def inlet_for(name):
    """Open a plain inlet of pylsl, with its own defaults, on a stream."""
    configure()  # the tests stay on this machine
    resolver = pylsl.ContinuousResolver("name", name)
    found = wait_until(resolver.results, f"a stream {name}")
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=30)
    return inlet


def test_mne_lsl_plays_and_reads(tmp_path, profile, kept):
    """Its player writes units as powers of ten, its types small, float64 in volts."""
    data = noise(MUSE, SFREQ, 40.0, "busy", 4)
    file = write_fif(tmp_path / "busy_raw.fif", data, MUSE, SFREQ)
    name, out, log = unique(), unique("out"), tmp_path / "log.jsonl"
    with Program("-c", PLAYER, str(file), name) as player:
        player.wait_for("plays")
        wanted = ("--profile", kept, "--log", log, "--out-name", out)
        with run("stream", "--name", name, *wanted) as session:
            session.wait_for("^ready")
            assert (
                f"found {name!r} (type eeg, source id {name}, 4 channels: TP9 AF7 AF8 TP10; "
                in (session.output)
            )
            with Program("-c", READER, out) as reader:
                reader.wait_for("^rows .*\n")
                heard = reader.finish()
            session.stop()
    predictions, events = logged(log)
    assert {p["label"] for p in predictions} == {"busy"}
    assert not [e for e in events if e["event"] in ("gap", "rate", "bad_channels", "left_out")]
    lines = dict(line.split(" ", 1) for line in heard.splitlines())
    columns = [f"p_{label}" for label in profile.labels]
    columns += ["confidence", "quality", "abstain", "lag_ms"]
    assert json.loads(lines["names"]) == columns
    rows, times = json.loads(lines["rows"])
    ours = {p["time"]: p for p in predictions}
    for row, time in zip(rows, times, strict=True):
        # MNE-LSL adds what it takes for the difference of the clocks
        nearest = ours[min(ours, key=lambda t: abs(t - time))]
        assert abs(nearest["time"] - time) < 0.1
        p = list(nearest["probabilities"].values())
        truth = [*p, nearest["confidence"], nearest["quality"], 0.0, 1e3 * nearest["lag"]]
        np.testing.assert_allclose(row, truth, rtol=1e-6)


def test_pylsl_reads_predictions_and_events(tmp_path, profile, kept):
    from streaming import transport_producer

    marks = [(2.0, "look"), (9.5, "eegtl:reset")]
    data = noise(MUSE, SFREQ, 60.0, "calm", 4)
    file = transport_producer.write(tmp_path / "calm.npz", data, MUSE, SFREQ, marks)
    name, out, log = unique(), unique("out"), tmp_path / "log.jsonl"
    wanted = ("--profile", kept, "--log", log, "--out-name", out, "--markers", f"{name}-markers")
    # the readers are there before the first sample, so that they hear all
    with producer(file, name, speed=4) as headset:
        headset.wait_for("published")
        with run("stream", "--name", name, *wanted) as session:
            predictions_in, events_in = inlet_for(out), inlet_for(f"{out}-events")
            place = 0
            for _ in range(12):
                place = session.wait_for("  calm  ", after=place)
            session.wait_for("  reset  ")
            # while it lives: liblsl does not return from a first pull when the stream is gone
            rows, times = predictions_in.pull_chunk(timeout=60.0, max_samples=10)
            said, _ = events_in.pull_chunk(timeout=0.5)
            session.stop()
    predictions, events = logged(log)
    ours = {round(p["time"], 6): p for p in predictions}
    assert len(rows) == 10
    for row, time in zip(rows, times, strict=True):
        p = ours[round(time, 6)]
        truth = [*p["probabilities"].values(), p["confidence"], p["quality"], 0.0, 1e3 * p["lag"]]
        np.testing.assert_allclose(row, truth, rtol=1e-6)
    heard = [json.loads(row[0]) for row in said]
    assert all(set(event) >= {"event", "time"} for event in heard)
    kinds = [event["event"] for event in heard]
    assert "reset" in kinds
    marked = [event for event in events if event["event"] in ("mark", "late_mark")]
    assert [event["label"] for event in marked if event["event"] == "mark"] == ["look"]
    truth = offline(profile, data)
    assert len(truth.X)
