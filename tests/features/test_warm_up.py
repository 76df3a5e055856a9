"""Warming a stream up: everything is compiled then, and the stream stays as it was."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from eegtl.errors import SignalWarning
from eegtl.features import (
    FEATURES,
    LDS,
    FeatureExtractor,
    FeatureStream,
    MovingAverage,
    Windows,
)
from eegtl.kernels import filterbank, smoothing
from eegtl.preprocessing import (
    ASR,
    ArtefactMarks,
    Bandpass,
    Channels,
    Dropouts,
    Harmonise,
    Notch,
    Reference,
    Resample,
)

SFREQ = 128.0
NAMES = ["F3", "F4", "P3", "P4", "O1"]
BANDS = {"theta": (4.0, 8.0), "beta": (14.0, 31.0)}
CHAINS = {
    "none": None,
    "filters": [Dropouts(), Notch(50.0), Bandpass(1.0, 40.0), Reference("average")],
    "slower": [Channels(NAMES[:4]), ArtefactMarks(mains=50.0), Resample(100.0)],
    "other cap": [Harmonise(["P4", "P3", "F3", "F4"]), Resample(200.0)],
    "asr": [Bandpass(0.5, None), ASR(seconds=15.0)],
}


def signal(seconds=20.0, seed=0):
    rng = np.random.default_rng(seed)
    data = 1e-5 * rng.standard_normal((len(NAMES), round(seconds * SFREQ)))
    data[1, 1000:1010] = np.nan
    return data


def start(chain, smoothing, features=tuple(FEATURES)):
    return FeatureExtractor(features, BANDS, 1.0, 0.5, CHAINS[chain], smoothing).start(SFREQ, NAMES)


def pushed(stream, data, between=lambda: None):
    parts = []
    for at in range(0, data.shape[1], 200):
        parts.append(stream.process(data[:, at : at + 200]))
        between()
    return Windows.join([*parts, stream.finish()])


def assert_equal(one, other):
    for name in ("X", "starts", "settling", "flat", "flags", "runs"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("chain", list(CHAINS))
@pytest.mark.parametrize("smoothing", [None, MovingAverage(2.0), LDS()], ids=repr)
def test_features_are_equal_to_the_bit(chain, smoothing):
    data = signal()
    cold, warm, rewarmed = (start(chain, smoothing) for _ in range(3))
    warm.warm_up()
    expected = pushed(cold, data)
    assert len(expected.X) > 20
    assert_equal(pushed(warm, data), expected)
    assert_equal(pushed(rewarmed, data, between=rewarmed.warm_up), expected)  # at any time
    assert (warm.notes, warm.n_times) == (cold.notes, cold.n_times)


@pytest.mark.parametrize("smoothing_", [None, MovingAverage(2.0), LDS()], ids=repr)
def test_nothing_is_compiled_afterwards(smoothing_):
    kernels = [filterbank.filter_segments, smoothing.moving_average, smoothing.lds_filter]
    stream = start("slower", smoothing_)
    stream.warm_up()
    before = [len(kernel.signatures) for kernel in kernels]
    data = signal()
    frozen = data[:, :500].copy()
    frozen.flags.writeable = False
    stream.push(frozen)
    stream.push(np.asfortranarray(data[:, 500:700]))
    stream.push(data[:, 700:1400].astype(np.float32))
    stream.push(data[:, 1400:])
    assert [len(kernel.signatures) for kernel in kernels] == before


@pytest.mark.parametrize(
    ("chain", "window"), [("none", 1.0), ("slower", 7.3), ("filters", 0.05), ("asr", 2.0)]
)
def test_windows_are_computed(chain, window, monkeypatch):
    """Whatever the delay, the sampling rate and the length of a window."""
    counts = []
    original = FeatureStream._collect

    def spied(self, parts):
        windows = original(self, parts)
        counts.append(len(windows.X))
        return windows

    extractor = FeatureExtractor(("de", "hjorth"), BANDS, window, None, CHAINS[chain])
    stream = extractor.start(SFREQ, NAMES)
    monkeypatch.setattr(FeatureStream, "_collect", spied)
    stream.warm_up()
    assert sum(counts) > 0


def test_warnings_are_not_repeated():
    with pytest.warns(SignalWarning, match="clipped"):
        stream = FeatureExtractor(bands={"gamma": (31.0, 70.0)}).start(SFREQ, NAMES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream.warm_up()
        start("asr", None).warm_up()


def test_a_finished_stream_can_be_warmed_up_all_the_same():
    stream = start("none", None)
    stream.finish()
    stream.warm_up()
