from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eegtl.errors import SignalError
from eegtl.features import FEATURES, FeatureExtractor, features_table, make_columns
from eegtl.recordings.channels import HEADSETS

NAMES = {
    "de": 62 * 5,
    "de_stft": 62 * 5,
    "power": 62 * 5,
    "relative_power": 62 * 5,
    "dasm": 135,
    "rasm": 135,
    "asm": 270,
    "dcau": 115,
    "hjorth": 62 * 3,
    "cov": 62 * 63 // 2 * 5,
    "tangent": 62 * 63 // 2 * 5,
}


def test_every_feature_is_here():
    assert set(FEATURES) == set(NAMES)


@pytest.mark.parametrize("name", list(NAMES))
def test_every_record_says_what_it_is(name):
    record = FEATURES[name]
    assert record.name == name
    assert record.unit
    assert len(record.citation) > 20
    columns = record.columns(HEADSETS["seed62"], ["a", "b", "c", "d", "e"])
    assert list(columns.names) == ["feature", "channel", "band"]
    assert len(columns) == NAMES[name]
    assert columns.is_unique


@pytest.mark.parametrize("name", list(NAMES))
def test_a_stream_gives_the_columns_of_the_record(name):
    data = 1e-5 * np.random.default_rng(0).standard_normal((4, 1000))
    channels = ["F3", "F4", "P3", "P4"]
    stream = FeatureExtractor((name,)).start(128.0, channels)
    windows = stream.process(data)
    assert stream.columns.equals(FEATURES[name].columns(channels, list(stream_bands())))
    assert stream.columns.tolist() == stream.column_names
    assert stream.column_names == FEATURES[name].column_names(channels, list(stream_bands()))
    assert windows.X.shape == (7, len(stream.columns)) == (7, stream.n_features)
    assert np.isfinite(windows.X).all()


def stream_bands():
    return FeatureExtractor().bands


def test_several_features_are_each_computed_as_alone():
    data = 1e-5 * np.random.default_rng(1).standard_normal((4, 1000))
    channels = ["F3", "F4", "P3", "P4"]
    together = FeatureExtractor(tuple(NAMES), step=0.5).start(128.0, channels).process(data)
    alone = [FeatureExtractor((name,), step=0.5).start(128.0, channels) for name in NAMES]
    parts = [stream.process(data).X for stream in alone]
    np.testing.assert_array_equal(together.X, np.concatenate(parts, axis=1))


@pytest.mark.parametrize("name", list(NAMES))
def test_a_dead_channel_gives_finite_values_and_a_flag(name):
    data = 1e-5 * np.random.default_rng(2).standard_normal((4, 128 * 60))
    data[1] = 3e-4
    stream = FeatureExtractor((name,)).start(128.0, ["F3", "F4", "P3", "P4"])
    windows = stream.process(data)
    assert np.isfinite(windows.X).all()
    assert windows.flat.all()
    assert set(windows.flags) == {"flat"}


def test_a_record_of_a_user_may_name_its_columns_by_an_index():
    record = replace(FEATURES["de"], name="own", name_columns=make_columns)
    names = [("own", "Fz", "a"), ("own", "Fz", "b"), ("own", "Cz", "a"), ("own", "Cz", "b")]
    assert record.column_names(["Fz", "Cz"], ["a", "b"]) == names
    assert record.columns(["Fz", "Cz"], ["a", "b"]).equals(make_columns("own", ["Fz", "Cz"], "ab"))


def test_sources_are_made_only_for_what_is_asked():
    def sources(*names):
        return set(FeatureExtractor(names).start(128.0, ["F3", "F4"])._sources)

    assert sources("de", "power", "dasm") == {"variances"}
    assert sources("hjorth") == {"signal"}
    assert sources("cov", "tangent", "de_stft") == {"band_signals", "spectrum"}


def test_only_filters_make_slow_bands_settle():
    bands = {"slow": (0.2, 0.5)}
    settling = {
        name: FeatureExtractor((name,), bands, window=8.0).start(128.0, ["F3", "F4"]).settling
        for name in ("de", "cov", "de_stft", "hjorth")
    }
    assert settling["de"] == settling["cov"] > 20
    assert settling["de_stft"] == settling["hjorth"] == 4.0


def test_the_table_of_the_documentation_has_a_line_for_each():
    lines = features_table().splitlines()
    assert len(lines) == 2 + len(FEATURES)
    assert all(line.count("|") == 6 for line in lines)
    assert lines[2].startswith("| `de` | channel and band | nat re 1 uV | variances by the filter")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dasm", "dasm compares left with right, and no pair such as F3 and F4 is among the "),
        ("rasm", "rasm compares left with right, and no pair such as F3 and F4 is among the "),
        ("asm", "asm compares left with right, and no pair such as F3 and F4 is among the "),
        ("dcau", "dcau compares front with back, and no pair such as F3 and P3 is among the "),
    ],
)
def test_without_pairs_there_is_no_asymmetry(name, message):
    message += "channels Fz, Cz, T7; leave the feature out, or choose other channels"
    with pytest.raises(SignalError, match=message):
        FeatureExtractor((name,)).start(128.0, ["Fz", "Cz", "T7"])


def test_a_band_without_a_frequency_is_named():
    message = (
        r"band 'narrow' \(10.1-10.3 Hz\) holds no frequency of a window of 1 s, which are 0.5 Hz "
        r"apart; give a longer window or a wider band"
    )
    with pytest.raises(SignalError, match=message):
        FeatureExtractor(("de_stft",), {"narrow": (10.1, 10.3)}).start(128.0, ["Fz"])
