"""Every feature behind every kind of preprocessing and smoothing: any cut gives the same."""

from __future__ import annotations

import gzip
from functools import lru_cache

import numpy as np
import pytest
from features.chunks import assert_same, pushed, start, whole
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import eegtl
from eegtl.errors import SignalError
from eegtl.features import FEATURES, LDS, FeatureExtractor, MovingAverage
from eegtl.preprocessing import ArtefactMarks, Bandpass, Notch, Reference, Resample
from eegtl.recordings.readers.edf import read_edf
from eegtl.recordings.readers.muselsl import read_muselsl

SFREQ = 64.0
BANDS = {"theta": (4.0, 8.0), "beta": (10.0, 18.0)}
NAMES = ["F3", "F4", "P3", "P4"]
CHAINS = {
    "none": None,
    "notch": [Notch(25.0)],
    "slower": [ArtefactMarks(amplitude=5e-5, mains=25.0), Reference("average"), Resample(50.0)],
    "faster": [Resample(96.0), ArtefactMarks(amplitude=5e-5)],
    "twice": [Resample(100.0), ArtefactMarks(amplitude=5e-5), Bandpass(1.0, 20.0), Resample(50.0)],
}
SMOOTHINGS = [None, MovingAverage(2.0), LDS("filter")]


def noise(rng, n_times, gaps):
    """Noise with an offset, bursts and gaps."""
    data = 1e-5 * rng.standard_normal((len(NAMES), n_times)) + 1e-3 * rng.standard_normal((4, 1))
    for start_, length in gaps:
        data[rng.integers(4), start_ : start_ + length] = rng.choice([np.nan, np.inf, 1.1, 8e-5])
    return data


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    n_times=st.integers(1, 900),
    chain=st.sampled_from(list(CHAINS)),
    smoothing=st.sampled_from(SMOOTHINGS),
    grid=st.sampled_from([(1.0, None), (1.0, 0.25), (0.5, 0.8)]),
    sizes=st.lists(st.integers(0, 150), min_size=1, max_size=8).filter(any),
    gaps=st.lists(st.tuples(st.integers(0, 899), st.integers(1, 40)), max_size=3),
    marks=st.lists(st.integers(0, 899), max_size=3),
)
@example(
    # a mark, behind a step longer than the window, where the resampling holds samples back
    seed=0,
    n_times=63,
    chain="slower",
    smoothing=None,
    grid=(0.5, 0.8),
    sizes=[1],
    gaps=[],
    marks=[31],
)
def test_any_cut_gives_the_same_windows(seed, n_times, chain, smoothing, grid, sizes, gaps, marks):
    data = noise(np.random.default_rng(seed), n_times, gaps)
    marks = [mark for mark in marks if mark < n_times]
    extractor = FeatureExtractor(
        tuple(FEATURES), BANDS, *grid, preprocessing=CHAINS[chain], smoothing=smoothing
    )
    expected = whole(start(extractor, data, SFREQ, NAMES), data, marks)
    assert np.isfinite(expected.X).all()
    assert_same(pushed(start(extractor, data, SFREQ, NAMES), data, sizes, marks), expected)


@pytest.mark.parametrize("chain", list(CHAINS))
def test_long_recordings_are_cut_into_blocks_without_a_trace(chain, monkeypatch):
    data = noise(np.random.default_rng(5), 3000, [(1000, 10), (1700, 1)])
    extractor = FeatureExtractor(tuple(FEATURES), BANDS, 1.0, 0.5, CHAINS[chain], LDS())
    expected = whole(start(extractor, data, SFREQ, NAMES), data, [640])
    monkeypatch.setattr("eegtl.features.stream.BLOCK_VALUES", 500)
    assert_same([whole(start(extractor, data, SFREQ, NAMES), data, [640])], expected)


@pytest.mark.parametrize("chain", list(CHAINS))
def test_windows_cross_neither_marks_nor_gaps(chain):
    """Each window lies between two boundaries of the input, by its own times."""
    data = noise(np.random.default_rng(6), 64 * 60, [])
    lost = [64 * 20, 64 * 33 + 7]
    data[2, lost[0]] = np.nan
    data[0, lost[1] : lost[1] + 90] = np.nan
    marks = [64 * 5 + 3, 64 * 27 + 1]
    extractor = FeatureExtractor(("power",), BANDS, 1.0, 0.25, CHAINS[chain])
    stream = start(extractor, data, SFREQ, NAMES)
    windows = whole(stream, data, marks)
    onsets, ends = windows.starts / stream.sfreq, (windows.starts + stream.grid.length - 1)
    ends = ends / stream.sfreq  # time of the last sample
    for boundary in (*marks, *lost):
        assert not ((onsets < boundary / 64) & (ends >= boundary / 64)).any()
    for mark in marks:
        first = onsets[onsets >= mark / 64][0]
        assert mark / 64 <= first < mark / 64 + 1 / stream.sfreq
    after = onsets[onsets > (lost[1] + 1) / 64][0]
    assert (lost[1] + 90) / 64 <= after < (lost[1] + 90) / 64 + 2 / stream.sfreq


def recordings_of_each_rate(realdata):
    """Some seconds of real EEG at each sampling rate: data in volts, rate, channels."""
    return _read_once(realdata)


@lru_cache(maxsize=1)
def _read_once(realdata):
    """Read the files once, for all features."""
    return tuple((data[:, :8000], sfreq, names) for data, sfreq, names in _read(realdata))


def _read(realdata):
    """Read one recording of each kind."""
    rest = eegtl.load("eegmat", root=realdata / "eegmat")[0]
    yield rest.get_data(0, 10_000), rest.sfreq, list(rest.ch_names)
    muse = eegtl.load("muse-days", root=realdata / "muse-days")
    # The gap of S2 on 2 April is the one real gap in these data.
    holed = muse.index["file"].str.contains("S2_20250402_confused").to_numpy().nonzero()[0][0]
    recording = muse[int(holed)]
    yield recording.get_data(), recording.sfreq, list(recording.ch_names)
    path = sorted((realdata / "ssvep-muse").rglob("*.csv.gz"))[0]
    ssvep = read_muselsl(path, subject="1")
    yield ssvep.data[:4, :8000], 256.0, list(ssvep.ch_names[:4])
    edf = realdata / "formats" / "edf_bdf_samples"
    for file, sfreq, names in (
        ("edfio_short_psg.edf", 100.0, ["EEG Fpz-Cz", "EEG Pz-Oz"]),
        ("mne_test_edf_stim_channel.edf", 128.0, ["F3", "F4", "C3", "C4", "P3", "P4"]),
        ("mne_test.edf", 512.0, ["A1", "A2", "A3", "A4"]),
    ):
        raw = read_edf(edf / file, names, sfreq=sfreq, dataset="samples", subject="1")
        yield raw.get_data()[:, :10_000], sfreq, names
    cyton = sorted((realdata / "formats" / "openbci_cyton_gui").glob("*.gz"))[-1]
    with gzip.open(cyton, "rt") as file:
        lines = [line for line in file if line[0].isdigit()][:5000]
    samples = np.array([line.split(",")[1:5] for line in lines], dtype=float).T
    yield 1e-6 * samples, 250.0, ["F3", "F4", "P3", "P4"]


def laboratory(sfreq):
    """A chain of many kinds; its mains are those that the rate can hold."""
    mains = 50.0 if sfreq > 120 else 40.0
    marks = ArtefactMarks(amplitude=150e-6, mains=mains)
    return [marks, Notch(mains), Reference("average"), Resample(120.0)]


@pytest.mark.realdata
@pytest.mark.parametrize("chain", [None, laboratory])
@pytest.mark.parametrize("name", list(FEATURES))
def test_real_recordings_of_each_rate(realdata, name, chain):
    bands = {"theta": (4.0, 8.0), "alpha": (8.0, 14.0), "beta": (14.0, 31.0)}
    rates = set()
    for number, (data, sfreq, names) in enumerate(recordings_of_each_rate(realdata)):
        preprocessing = None if chain is None else chain(sfreq)
        extractor = FeatureExtractor((name,), bands, 1.0, 0.5, preprocessing, LDS())
        try:
            one, other = extractor.start(sfreq, names), extractor.start(sfreq, names)
        except SignalError as error:
            # Not every cap has pairs; that those that have some are used is counted below.
            assert f"{name} compares" in str(error)  # noqa: PT017
            continue
        marks = [data.shape[1] // 7, data.shape[1] // 2]
        sizes = np.random.default_rng(number).choice([1, 5, 12, 32, 100, 1000, 7777], 40).tolist()
        expected = whole(one, data, marks)
        assert len(expected.starts) > 5
        assert np.isfinite(expected.X).all()
        assert_same(pushed(other, data, sizes, marks), expected)
        rates.add(sfreq)
    left_right, front_back = {128.0, 250.0, 256.0, 500.0, 512.0}, {128.0, 250.0, 500.0}
    paired = {"dasm": left_right, "rasm": left_right, "asm": left_right, "dcau": front_back}
    everywhere = {100.0, 128.0, 250.0, 256.0, 500.0, 512.0}
    assert rates == paired.get(name, everywhere)
