"""The marks of windows: exactly their samples, where the marks stand in the chain."""

from __future__ import annotations

import numpy as np
import pytest
from features.chunks import assert_same, pushed, whole
from features.noise_recording import make_noise_recording

import eegtl
from eegtl.features import FeatureExtractor
from eegtl.features.buffer import SampleBuffer
from eegtl.features.marks import MarkedWindows
from eegtl.preprocessing import ArtefactMarks, Channels, Notch, Resample

NAMES = ["F3", "F4", "P3"]
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 14.0)}


def flags(extractor, data, sfreq):
    stream = extractor.start(sfreq, NAMES)
    windows = whole(stream, data)
    return dict(zip((windows.starts / stream.sfreq).tolist(), windows.flags, strict=True))


@pytest.mark.parametrize("sample", [5 * 256 - 1, 5 * 256, 6 * 256 - 1, 6 * 256])
@pytest.mark.parametrize("chain", ["same rate", "slower", "slower, odd ratio", "faster"])
def test_a_click_marks_the_window_that_holds_it_and_no_other(sample, chain):
    steps = {
        "same rate": [ArtefactMarks(), Notch(50.0)],
        "slower": [ArtefactMarks(), Resample(64.0)],
        "slower, odd ratio": [ArtefactMarks(), Resample(100.0)],
        "faster": [ArtefactMarks(), Resample(512.0)],
    }[chain]
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 10 * 256))
    data[1, sample] = 4e-4
    found = flags(FeatureExtractor(bands=BANDS, preprocessing=steps), data, 256.0)
    assert found == {
        float(second): "amplitude:F4" if second == sample // 256 else "" for second in range(10)
    }


def test_overlapping_windows_are_each_judged():
    data = 1e-5 * np.random.default_rng(1).standard_normal((3, 10 * 256))
    data[0, 5 * 256 + 100] = 4e-4
    extractor = FeatureExtractor(
        bands=BANDS, step=0.25, preprocessing=[ArtefactMarks(), Resample(128.0)]
    )
    found = flags(extractor, data, 256.0)
    assert [onset for onset, text in found.items() if text] == [4.5, 4.75, 5.0, 5.25]


def test_kinds_and_channels_are_listed():
    t = np.arange(10 * 256) / 256
    data = 1e-5 * np.random.default_rng(2).standard_normal((3, 10 * 256))
    data[0] += 5e-5 * np.sin(2 * np.pi * 50 * t)
    data[2, 7 * 256 :] = 2e-6
    data[:2, 5 * 256 + 10] = 5e-4
    marks = ArtefactMarks(mains=50.0)
    found = flags(FeatureExtractor(bands=BANDS, preprocessing=[marks]), data, 256.0)
    assert found[2.0] == "mains:F3"
    assert found[5.0] in ("amplitude:F3,F4;mains:F3", "amplitude:F3,F4")
    assert found[8.0] == "flat:P3;mains:F3"


def test_marks_see_the_channels_of_their_place():
    data = 1e-5 * np.random.default_rng(3).standard_normal((3, 5 * 256))
    data[2, 600] = 4e-4
    before = FeatureExtractor(bands=BANDS, preprocessing=[ArtefactMarks(), Channels(("F3",))])
    behind = FeatureExtractor(bands=BANDS, preprocessing=[Channels(("F3",)), ArtefactMarks()])
    assert flags(before, data, 256.0)[2.0] == "amplitude:P3"
    assert set(flags(behind, data, 256.0).values()) == {""}


def test_a_flat_window_is_named_once():
    data = 1e-5 * np.random.default_rng(4).standard_normal((3, 30 * 256))
    data[1] = 3e-4
    with_marks = FeatureExtractor(bands=BANDS, preprocessing=[ArtefactMarks()])
    assert set(flags(with_marks, data, 256.0).values()) == {"flat:F4"}
    without = FeatureExtractor(bands=BANDS, preprocessing=[ArtefactMarks(flat=None)])
    assert set(flags(without, data, 256.0).values()) == {"flat"}


def test_windows_before_a_gap_are_judged_whatever_the_chunks():
    """The last samples before a gap may be fewer than a sample of the features."""
    rng = np.random.default_rng(5)
    for lost in range(2 * 1000 - 8, 2 * 1000 + 8):
        data = 1e-5 * rng.standard_normal((3, 4 * 1000 + lost % 8))
        data[1, 1 * 1000 + 10] = 4e-4
        data[2, lost] = np.nan
        extractor = FeatureExtractor(
            bands=BANDS, preprocessing=[ArtefactMarks(amplitude=3e-4), Resample(125.0)]
        )
        expected = whole(extractor.start(1000.0, NAMES), data)
        for size in (1, 7, 1000, lost + 1):
            sizes = [size] if size > 1 else [lost, *[1] * 20, 400]
            assert_same(pushed(extractor.start(1000.0, NAMES), data, sizes), expected)
        at = {int(s): text for s, text in zip(expected.starts, expected.flags, strict=True)}
        if 125 in at:
            assert at[125] == "amplitude:F4"
        else:
            assert lost <= 2 * 1000 - 8


def test_the_samples_kept_do_not_grow():
    extractor = FeatureExtractor(bands=BANDS, preprocessing=[ArtefactMarks(), Resample(128.0)])
    stream = extractor.start(256.0, NAMES)
    rng = np.random.default_rng(6)
    kept = set()
    for _ in range(400):
        stream.push(1e-5 * rng.standard_normal((3, 50)))
        kept.add(stream._marked._buffer.end - stream._marked._buffer.first)
    assert max(kept) <= 256 + 2 * 256 * stream.delay + 60


def test_marks_go_into_the_table_and_delete_nothing():
    data = 1e-5 * np.random.default_rng(7).standard_normal((3, 60 * 128))
    data[0, 30 * 128 + 5] = 6e-4
    recording = make_noise_recording(data, names=NAMES, trials=[(1, 5.0, 50.0)])
    plain = FeatureExtractor(bands=BANDS).extract([recording])
    marked = FeatureExtractor(bands=BANDS, preprocessing=[ArtefactMarks()]).extract([recording])
    np.testing.assert_array_equal(marked.X, plain.X)
    assert set(plain.meta["flags"]) == {""}
    hit = marked.meta["onset"] == 30.0
    assert marked.meta["flags"][hit].tolist() == ["amplitude:F3"]
    assert set(marked.meta["flags"][~hit]) == {""}


@pytest.mark.realdata
def test_marks_of_real_recordings(realdata):
    """Mains of 60 Hz stand in a recording of S2; eegmat was cleaned by its makers."""
    muse = eegtl.load("muse-days", root=realdata / "muse-days")
    file = muse.index["file"].str.contains("S2_20250415").to_numpy().nonzero()[0][0]
    chain = [ArtefactMarks(mains=60.0), Notch(60.0), Resample(128.0)]
    table = FeatureExtractor(bands=BANDS, preprocessing=chain).extract([muse[int(file)]])
    assert table.meta["flags"].str.contains("mains:").mean() > 0.5
    rest = eegtl.load("eegmat", root=realdata / "eegmat")[0]
    table = FeatureExtractor(bands=BANDS, preprocessing=[ArtefactMarks(mains=50.0)]).extract([rest])
    assert (table.meta["flags"] != "").mean() < 0.1


def test_the_buffer_gives_samples_by_number():
    rng = np.random.default_rng(8)
    signal, buffer = np.arange(5000.0)[None], SampleBuffer(1)
    at = 0
    while at < 5000:
        size = int(rng.integers(0, 60))
        buffer.append(signal[:, at : at + size])
        at = min(5000, at + size)
        assert buffer.end == at
        buffer.forget(at - 100)
        assert buffer.first == max(0, at - 100)
        if at - buffer.first >= 20:
            starts = rng.integers(buffer.first, at - 19, size=3)
            got = buffer.windows(starts, 20)
            np.testing.assert_array_equal(got[:, 0], starts[:, None] + np.arange(20.0))
    assert buffer._data.shape[1] < 1000
    buffer.forget(10**6)
    assert (buffer.first, buffer.end) == (5000, 5000)


def test_lost_samples_behind_a_window_count_as_the_last_good_one():
    marks = MarkedWindows(ArtefactMarks(amplitude=1e-4), 100.0, ["Fz"], 25.0, 5)
    chunk = 1e-5 * np.ones((1, 18))
    marks.append(chunk)  # 20 samples make a window
    assert not marks.judge(np.array([0]))[0, 0, 0]
    chunk[0, 17] = 5e-4
    marks = MarkedWindows(ArtefactMarks(amplitude=1e-4), 100.0, ["Fz"], 25.0, 5)
    marks.append(np.concatenate([chunk, [[np.nan, 9e-1]]], axis=1))
    assert marks.judge(np.array([0]))[0, 0].tolist() == [True, False, True, False, False]
