"""A recording through real LSL, between three processes, equals the recording computed at once."""

from __future__ import annotations

import gzip
import signal

import numpy as np
import pytest
import pyxdf
from streaming.transport_programs import eegtl as run
from streaming.transport_programs import unique
from streaming.transport_signals import (
    MUSE,
    noise,
    offline,
    profile_of,
    rerun_with_features,
    sent,
    write_fif,
)

import eegtl
from eegtl.personalize.profile import Profile
from eegtl.recordings.channels import HEADSETS
from eegtl.recordings.readers.any_file import read_signal
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline

#: Agreement of features in nats: float64 in another order of summation.
NATS = 1e-9


def replayed_and_recorded(folder, file, profile, *, speed, live=()):
    """Replay a file in random chunks to a recording session; give the path of the latter."""
    name, out, kept = unique(), folder / "live.xdf", folder / "wearer.eegtl"
    profile.save(kept)
    found = ("--name", name, "--find", 60, "--out-name", unique("out"))
    with (
        run(
            "replay", file, "--name", name, "--speed", speed, "--random-chunks", 7, "--wait", 90
        ) as player,
        run("record", out, "--profile", kept, *found, *live) as recorder,
    ):
        assert "sent" in player.finish(seconds=1000.0)
        recorder.wait_for(r"lost  why=")
        recorder.signal(signal.SIGTERM)
        assert f"written: {out}" in recorder.finish()
    return out


def check_parity(path, profile, data, monkeypatch):
    """Compare what a session recorded with the windows of the samples that were sent."""
    streams, _ = pyxdf.load_xdf(
        str(path), synchronize_clocks=False, dejitter_timestamps=False, verbose=False
    )
    eeg = next(s for s in streams if s["info"]["type"][0] == "EEG")
    wire = (1e6 * data).astype(np.float32)
    assert np.array_equal(eeg["time_series"], wire.T)  # not one is missing, all are exact
    truth = offline(profile, sent(data[: len(profile.ch_names)]))
    again, X = rerun_with_features(path, profile, monkeypatch)
    n = len(profile.labels)
    said = again.recorded_predictions
    assert len(truth.X) == len(X) == len(said) > 3
    assert np.abs(X - truth.X).max() < NATS
    rerun = [p.probabilities for p in again.predictions]
    np.testing.assert_allclose(rerun, said[:, :n], rtol=0, atol=1e-12)
    np.testing.assert_allclose(said[:, :n], truth.probabilities, rtol=0, atol=1e-9)
    labels = [profile.labels[i] for i in truth.probabilities.argmax(axis=1)]
    abstains = said[:, n + 2].astype(bool)
    said_labels = np.where(abstains, "", labels)
    assert [p.label for p in again.predictions] == said_labels.tolist()
    # stamps are those of the samples
    onsets = said[:, n + 4] - eeg["time_stamps"][0]
    np.testing.assert_allclose(onsets, truth.onsets, rtol=0, atol=1e-6)
    assert again.recorded_events == [event.to_json() for event in again.events]
    return again


@pytest.mark.parametrize(
    ("ch_names", "sfreq", "seconds", "speed"),
    [(MUSE, 256.0, 16.0, 4.0), (HEADSETS["seed62"], 1000.0, 12.0, 3.0)],
    ids=["4x256", "62x1000"],
)
def test_live_equals_offline(tmp_path, monkeypatch, ch_names, sfreq, seconds, speed):
    profile = profile_of(ch_names, sfreq)
    half = [noise(ch_names, sfreq, seconds / 2, label, 5) for label in ("calm", "busy")]
    data = np.hstack(half)
    file = write_fif(tmp_path / "two_raw.fif", data, ch_names, sfreq)
    path = replayed_and_recorded(tmp_path, file, profile, speed=speed)
    again = check_parity(path, profile, data, monkeypatch)
    labels = [p.label for p in again.predictions]
    assert labels[0] == "calm"
    assert labels[-1] == "busy"


def test_live_equals_offline_on_synthetic(tmp_path, monkeypatch):
    people = eegtl.load("synthetic").select(subjects=["w01", "w02"])
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    profile = Profile.fit(pipeline, people, eegtl.FeatureExtractor(window=2.0))
    wearer = eegtl.load("synthetic").select(subjects=["w03"])[0]
    data = wearer.raw.get_data()[:, : 128 * 24]
    file = write_fif(tmp_path / "w03_raw.fif", data, profile.ch_names, profile.sfreq)
    path = replayed_and_recorded(tmp_path, file, profile, speed=4.0)
    again = check_parity(path, profile, data, monkeypatch)
    assert not any(p.abstain for p in again.predictions)
    p = again.recorded_predictions[:, :3]
    assert np.any((p > 0.05) & (p < 0.95))  # so that equality means something


@pytest.mark.realdata
def test_live_equals_offline_on_a_muse(tmp_path, monkeypatch, realdata):
    """The file is muselsl's own; its samples are played as they stand in it."""
    root = realdata / "muse-days"
    days = eegtl.load("muse-days", root)
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    profile = Profile.fit(pipeline, days[:2], eegtl.FeatureExtractor(window=1.0))
    whole = sorted(root.glob("*.csv.gz"))[-1]
    file = tmp_path / "wearer.csv"
    with gzip.open(whole, "rt") as text:
        file.write_text("".join(line for line, _ in zip(text, range(256 * 16), strict=False)))
    data, sfreq, ch_names, _ = read_signal(file)
    assert (ch_names[:4], sfreq) == (profile.ch_names, profile.sfreq)
    path = replayed_and_recorded(tmp_path, file, profile, speed=4.0)
    check_parity(path, profile, data, monkeypatch)
