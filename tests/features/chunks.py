"""Pushing a signal in pieces, and comparing what comes out with the whole."""

from __future__ import annotations

import numpy as np

from eegtl.features import Windows


def in_chunks(extractor, data, sizes, marks=(), sfreq=64.0, names=None):
    """Push chunks of the given sizes, over and over; marks go to the chunk they fall in."""
    return pushed(start(extractor, data, sfreq, names), data, sizes, marks)


def start(extractor, data, sfreq=64.0, names=None):
    """Begin a stream whose channels are numbered, if they have no names."""
    return extractor.start(sfreq, names or [str(row) for row in range(len(data))])


def pushed(stream, data, sizes, marks=()):
    """Push chunks of the given sizes into a stream, and finish it."""
    parts, at, turn = [], 0, 0
    while at < data.shape[1]:
        size = sizes[turn % len(sizes)]
        chunk = data[:, at : at + size]
        inside = [m - at for m in marks if at <= m < at + chunk.shape[1]]
        parts.append(stream.process(chunk, marks=inside))
        at, turn = at + size, turn + 1
    return [*parts, stream.finish()]


def whole(stream, data, marks=()):
    """Push everything at once, and finish."""
    return Windows.join([stream.process(data, marks=marks), stream.finish()])


def assert_same(parts, expected):
    """Chunks give the windows of the whole: same times and flags, values to 1e-9."""
    joined = Windows.join(parts)
    for name in ("starts", "settling", "flat", "flags", "runs"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(expected, name), err_msg=name)
    np.testing.assert_allclose(joined.X, expected.X, rtol=1e-9, atol=1e-9)
