"""Lost packets that a headset filled with zeros."""

from __future__ import annotations

import itertools

import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eegtl
from eegtl.errors import InputError, SignalError, SubjectError
from eegtl.preprocessing import ArtefactMarks, Dropouts, Notch
from eegtl.recordings.recording import Recording

SFREQ = 256.0
LONGEST = 64  # samples in the default of 0.25 s


def noise(n_channels=3, n_times=800, seed=0):
    return 1e-5 * np.random.default_rng(seed).standard_normal((n_channels, n_times)) + 3e-5


def through(data, step=None, sfreq=SFREQ):
    running = (step or Dropouts()).start(sfreq, [f"E{i}" for i in range(len(data))])
    return np.concatenate([running.push(data), running.finish()], axis=1)


def naive(data, samples=6, longest=LONGEST):
    """Plain loops: bridge every run of zeros, or lose it."""
    out, lost = data.copy(), set()
    n = data.shape[1]
    for row in range(len(data)):
        start = 0
        while start < n:
            stop = start
            while stop < n and data[row, stop] == 0:
                stop += 1
            if stop - start >= samples:
                before = data[row, start - 1] if start else None
                after = data[row, stop] if stop < n else before
                before = after if before is None else before
                for k in range(start, stop):
                    if stop - start > longest or before is None:
                        lost.add(k)
                    else:
                        share = (k - start + 1) / (stop - start + 1)
                        out[row, k] = before + share * (after - before)
            start = max(stop, start + 1)
    out[:, sorted(lost)] = np.nan
    return out


def test_zeros_are_bridged_and_nothing_else_is_touched():
    data = noise()
    holed = data.copy()
    holed[1, 100:112] = 0
    holed[2, 300 : 300 + LONGEST] = 0
    out = through(holed)
    bridged = np.zeros(data.shape, dtype=bool)
    bridged[1, 100:112] = bridged[2, 300 : 300 + LONGEST] = True
    np.testing.assert_array_equal(out[~bridged], data[~bridged])
    for row, start, stop in ((1, 100, 112), (2, 300, 300 + LONGEST)):
        line = np.linspace(data[row, start - 1], data[row, stop], stop - start + 2)[1:-1]
        np.testing.assert_allclose(out[row, start:stop], line, rtol=1e-12)


def test_short_runs_stay_and_long_ones_become_a_gap():
    data = noise()
    data[0, 50:55] = 0
    data[1, 200 : 201 + LONGEST] = 0
    out = through(data)
    assert (out[0, 50:55] == 0).all()
    lost = np.isnan(out)
    assert lost[:, 200 : 201 + LONGEST].all()
    assert lost.sum() == 3 * (LONGEST + 1)


def test_at_the_ends_and_at_gaps_the_neighbour_is_continued():
    data = noise()
    data[0, :10] = data[1, -10:] = data[2, 400:410] = 0
    data[0, 410:420] = np.nan
    out = through(data)
    assert (out[0, :10] == data[0, 10]).all()
    assert (out[1, -10:] == data[1, -11]).all()
    assert (out[2, 400:410] == data[2, 399]).all()
    assert np.isnan(out[:, 410:420]).all()
    assert np.isfinite(np.delete(out, np.s_[410:420], axis=1)).all()
    alone = noise()
    alone[1, 300] = alone[1, 320] = np.nan
    alone[1, 301:320] = 0
    assert np.isnan(through(alone)[:, 300:321]).all(), "zeros between gaps have no neighbour"


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 399), st.integers(1, 90)), max_size=8
    ),
    cuts=st.lists(st.integers(0, 400), max_size=30),
)
def test_any_cutting_equals_plain_loops(runs, cuts):
    data = noise(3, 400)
    for row, start, length in runs:
        data[row, start : start + length] = 0
    running, edges = Dropouts().start(SFREQ, ["a", "b", "c"]), [0, *sorted(cuts), 400]
    parts = [running.push(data[:, a:b]) for a, b in itertools.pairwise(edges)]
    out = np.concatenate([*parts, running.finish()], axis=1)
    np.testing.assert_allclose(out, naive(data), rtol=1e-12, atol=0)


def test_the_delay_is_the_longest_run():
    running = Dropouts(longest=0.1).start(250.0, ["Cz"])
    assert running.delay == 0.1
    assert running.push(noise(1, 25)).shape == (1, 0)
    assert running.push(noise(1, 10)).shape == (1, 10)


def test_scaling_the_signal_scales_the_result():
    data = noise()
    data[1, 100:130] = 0
    np.testing.assert_allclose(through(8 * data), 8 * through(data), rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dropouts(1), r"samples is 1; give a whole number of at least 2"),
        (lambda: Dropouts(True), r"samples is True; give a whole number"),
        (lambda: Dropouts(6.5), r"samples is 6.5; give a whole number"),
        (lambda: Dropouts(longest=0), r"longest is 0; give seconds above 0"),
        (lambda: Dropouts(longest="1"), r"longest is '1'; give seconds above 0"),
    ],
)
def test_settings_out_of_range(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_rate_too_low_for_the_longest_run_is_refused():
    message = r"longest is 0.25 s, which at 16 Hz holds 4 samples, and runs count from 6 samples"
    with pytest.raises(SignalError, match=message):
        Dropouts().start(16.0, ["Cz"])


def zero_runs(row):
    """Starts and ends of the runs of six zeros or more."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], row == 0, [False]])))
    starts, stops = edges[::2], edges[1::2]
    return [(a, b) for a, b in zip(starts, stops, strict=True) if b - a >= 6]


@pytest.mark.realdata
def test_a_real_headset_s_lost_packets_are_mended(realdata):
    people = eegtl.load("muse-days", root=realdata / "muse-days")
    n_runs, zeros, total = np.zeros(4, dtype=int), np.zeros(4), 0
    for recording in (people[i] for i in (0, 7, 15, 22)):
        data, mended = recording.get_data(), Dropouts().apply(recording)
        out = mended.get_data()
        changed = np.zeros(data.shape, dtype=bool)
        for row, channel in enumerate(data):
            runs = zero_runs(channel)
            n_runs[row] += len(runs)
            for start, stop in runs:
                changed[row, start:stop] = True
                zeros[row] += stop - start
            assert zero_runs(out[row]) == []
        total += data.shape[1]
        np.testing.assert_array_equal(out[~changed], data[~changed])
        assert np.isfinite(out[changed]).all(), "no run of these recordings is too long"
        assert Notch(60.0).apply(mended).sfreq == SFREQ
    assert (n_runs[[0, 2, 3]] > 50).all()
    assert n_runs[1] == 0
    shares = zeros / total
    assert 0.06 < shares[0] < 0.18
    assert 0.01 < shares[2] < 0.12
    assert 0.002 < shares[3] < 0.05


@pytest.mark.realdata
def test_windows_with_lost_packets_are_marked_until_they_are_mended(realdata):
    recording = eegtl.load("muse-days", root=realdata / "muse-days")[3]
    marks, found, of = ArtefactMarks(), [], []
    for data in (recording.get_data(), Dropouts().apply(recording).get_data()):
        windows = data[:, : data.shape[1] // 512 * 512].reshape(4, -1, 512).transpose(1, 0, 2)
        found.append(marks.judge(windows, SFREQ)[:, :, 4])
        of.append(np.array([[any(zero_runs(row)) for row in window] for window in windows]))
    assert of[0].sum() > 50
    assert found[0][of[0]].mean() > 0.95
    assert not of[1].any()
    # A line is level where the samples on both sides are equal (steps of 0.5 uV), and at the ends.
    assert found[1].mean() < 0.15 * found[0].mean()


def test_a_channel_of_zeros_is_named():
    data = noise()
    data[1] = 0
    info = mne.create_info(["Fz", "A1", "Oz"], SFREQ, "eeg", verbose="error")
    trials = pd.DataFrame({"trial": [1], "stimulus": ["a"], "label": [0], "onset": [0.0]})
    trials["duration"] = 1.0
    raw = mne.io.RawArray(data, info, verbose="error")
    recording = Recording(raw, subject="a", session=1, trials=trials, dataset="d", file="a.fif")
    message = (
        r"a.fif \(subject a\): nothing but a gap is left \(zero throughout: A1, which Dropouts"
    )
    with pytest.raises(SubjectError, match=message):
        Dropouts().apply(recording)
