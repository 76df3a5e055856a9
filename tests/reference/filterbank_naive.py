"""Band-pass filters, windows and entropy in plain loops, one number at a time."""

from __future__ import annotations

import math


def filter_section(x, b, a):
    """Direct form I, started in the steady state of the constant signal x[0]."""
    dc_gain = sum(b) / sum(a)
    x1 = x2 = x[0]
    y1 = y2 = x[0] * dc_gain
    out = []
    for value in x:
        y = b[0] * value + b[1] * x1 + b[2] * x2 - a[1] * y1 - a[2] * y2
        x2, x1 = x1, value
        y2, y1 = y1, y
        out.append(y)
    return out


def filter_cascade(x, sos):
    """All sections of one band; each row of sos is b0, b1, b2, a0, a1, a2."""
    for row in sos:
        x = filter_section(x, [float(v) for v in row[:3]], [float(v) for v in row[3:]])
    return x


def variance(values):
    """Population variance in two passes."""
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values) / len(values)


def segment_sums(x, sos, length):
    """Sum and sum of squares of every whole segment of the filtered signal."""
    y = filter_cascade(x, sos)
    pieces = [y[i : i + length] for i in range(0, len(y) - length + 1, length)]
    return [(math.fsum(p), math.fsum(v * v for v in p)) for p in pieces]


def entropy(variance_uv2, floor=1e-6):
    """Differential entropy of a normal variable in nats."""
    return 0.5 * math.log(2 * math.pi * math.e * max(variance_uv2, floor))


def stretches(channels):
    """First and end sample of each run in which every channel is finite."""
    n = len(channels[0])
    good = [all(math.isfinite(channel[t]) for channel in channels) for t in range(n)]
    runs, start = [], None
    for t in range(n):
        if good[t] and start is None:
            start = t
        if not good[t] and start is not None:
            runs.append((start, t))
            start = None
    return runs if start is None else [*runs, (start, n)]


def windows(channels, bank, length, stride, marks=()):
    """Start, samples since the filters began, and entropies [channel][band] of each window.

    `channels` are lists of volts; `bank` holds one cascade per band.
    """
    out = []
    for first, end in stretches(channels):
        filtered = [[filter_cascade(c[first:end], sos) for sos in bank] for c in channels]
        grid_starts = [first, *(m for m in sorted(marks) if first < m < end)]
        for begin, stop in zip(grid_starts, [*grid_starts[1:], end], strict=True):
            start = begin
            while start + length <= stop:
                values = [
                    [
                        entropy(1e12 * variance(y[start - first : start - first + length]))
                        for y in bands
                    ]
                    for bands in filtered
                ]
                out.append((start, start - first, values))
                start += stride
    return out
