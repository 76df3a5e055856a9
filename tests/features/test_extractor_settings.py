"""Settings of the extractor and of a stream are checked at once, by message."""

from __future__ import annotations

import numpy as np
import pytest

import eegtl
from eegtl.errors import InputError, SignalError, SignalWarning
from eegtl.features import FeatureExtractor
from eegtl.preprocessing import Notch, Reference


def make_recording():
    return eegtl.load("synthetic", subjects=["w01"])[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"features": ("entropy",)},
            InputError,
            "feature 'entropy' is unknown; known are de, de_stft",
        ),
        ({"features": ()}, InputError, r"features is \(\); name each feature once"),
        ({"features": ("de", "de")}, InputError, r"features is \('de', 'de'\); name each"),
        ({"window": -1.0}, SignalError, "window is -1.0 s; give a positive number of seconds"),
        ({"window": 1.0, "step": 0.0}, SignalError, "step is 0.0 s; give a positive number"),
        ({"window": "1"}, SignalError, "window is '1' s; give a positive number"),
        ({"window": None}, SignalError, "window is None s; give a positive number"),
        ({"bands": {"a": 5}}, SignalError, r"band 'a' is 5; a band is \(low, high\) in Hz"),
        ({"bands": {"a": ("x", 4)}}, SignalError, r"band 'a' is \('x', 4\); a band is"),
        ({"bands": [(1, 4)]}, SignalError, "bands is a list; give names and edges, such as"),
        ({"bands": {"a": (8, 8)}}, SignalError, r"band 'a' is \(8, 8\)"),
        (
            {"bands": {"1": (4, 8), 1: (8, 14)}},
            SignalError,
            "two bands are named '1', one of them as int; give each a name of its own",
        ),
    ],
)
def test_settings_are_checked_at_once(options, error, message):
    with pytest.raises(error, match=message):
        FeatureExtractor(**options)


@pytest.mark.parametrize(
    ("recordings", "message"),
    [
        (make_recording, "recordings is a Recording; give a collection, or a list such as"),
        (lambda: None, "recordings is a NoneType; give a collection"),
        (lambda: [make_recording().raw], "recordings holds a RawArray; make recordings of your"),
    ],
)
def test_what_is_no_collection_is_named(recordings, message):
    with pytest.raises(InputError, match=message):
        FeatureExtractor().extract(recordings())


@pytest.mark.parametrize(
    ("sfreq", "names", "message"),
    [
        ("128", ["Cz"], "sfreq is '128'; give the sampling rate in Hz"),
        (128, "Cz", "ch_names is 'Cz'; give a list of names, one per channel"),
    ],
)
def test_a_stream_begins_with_a_rate_and_names(sfreq, names, message):
    with pytest.raises(SignalError, match=message):
        FeatureExtractor().start(sfreq, names)


@pytest.mark.parametrize("preprocessing", [None, [Notch(50.0)]])
def test_microvolts_pushed_live_are_refused(preprocessing):
    stream = FeatureExtractor(preprocessing=preprocessing).start(128.0, ["Fz", "Cz"])
    microvolts = 50 * np.random.default_rng(0).standard_normal((2, 256))
    with pytest.raises(SignalError, match="volts"):
        stream.push(microvolts)


def test_bad_channels_in_a_reference_are_named():
    recording = make_recording()
    recording.raw.info["bads"] = ["F3"]
    with pytest.warns(SignalWarning, match="w01 .*F3 is marked bad and enters other channels"):
        FeatureExtractor(preprocessing=[Reference("average")]).extract([recording])
