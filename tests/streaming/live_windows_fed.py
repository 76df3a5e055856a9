"""`LiveWindows` that are fed in chunks, and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from streaming.live_signals import BANDS, FS, NAMES, moods, stamps_of

from eegtl.features import FeatureExtractor, MovingAverage
from eegtl.preprocessing import ArtefactMarks, Bandpass, Notch, Resample
from eegtl.streaming.live_windows import LiveWindow, LiveWindows

Marks = Sequence[tuple[float, str]]
EXTRACTORS: dict[str, FeatureExtractor] = {
    "plain": FeatureExtractor(bands=BANDS, window=1.0),
    "overlapping": FeatureExtractor(("de", "hjorth"), BANDS, window=2.0, step=0.3),
    "holes": FeatureExtractor(bands=BANDS, window=0.5, step=1.7),
    "smoothed": FeatureExtractor(bands=BANDS, window=1.0, step=0.5, smoothing=MovingAverage(4.0)),
    "filtered": FeatureExtractor(
        bands=BANDS, window=1.0, preprocessing=[Notch(50.0), Bandpass(1.0, 40.0)]
    ),
    "half the rate": FeatureExtractor(bands=BANDS, preprocessing=[Resample(64.0)]),
    "an odd rate": FeatureExtractor(bands=BANDS, step=0.4, preprocessing=[Resample(100.0)]),
    "a higher rate": FeatureExtractor(bands=BANDS, preprocessing=[Resample(150.0)]),
}


def begin(
    extractor: FeatureExtractor, quality: ArtefactMarks | None = None, fs: float = FS
) -> tuple[LiveWindows, list[tuple[str, Any]]]:
    events: list[tuple[str, Any]] = []
    windows = LiveWindows(
        extractor.start(fs, NAMES),
        NAMES,
        fs,
        quality or ArtefactMarks(),
        lambda event, details: events.append((event, dict(details))),
    )
    return windows, events


def feed(
    live: LiveWindows,
    data: np.ndarray,
    stamps: np.ndarray,
    sizes: Sequence[int],
    marks: Marks = (),
) -> list[LiveWindow]:
    waiting, out = sorted(marks), []
    at, turn = 0, 0
    while at < len(stamps):
        part = slice(at, at + sizes[turn % len(sizes)])
        while waiting and waiting[0][0] <= stamps[part][-1]:
            time, label = waiting.pop(0)
            live.mark(label, time)
        out += live.push(data[:, part], stamps[part])
        at, turn = part.stop, turn + 1
    return out


def assert_equal(got: Any, expected: Any, name: str) -> None:
    """To the bit; products with the filter of a resampling are summed in another order."""
    atol = 1e-13 if "rate" in name else 0.0
    np.testing.assert_allclose(got, expected, rtol=0, atol=atol)


def assert_same(got: list[LiveWindow], expected: list[LiveWindow], name: str = "plain") -> None:
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert_equal(one.X, other.X, name)
        plain = {**vars(one), "X": None}
        assert plain == {**vars(other), "X": None}


def with_gaps(data: np.ndarray, stamps: np.ndarray, gaps: Sequence[tuple[int, int]]) -> Any:
    keep = np.ones(len(stamps), dtype=bool)
    for at, size in gaps:
        keep[at : at + size] = False
    return data[:, keep], stamps[keep]


DATA = moods(20.0, seed=5)
STAMPS = stamps_of(DATA)
