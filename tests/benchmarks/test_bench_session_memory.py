"""A day of signal through a session: memory that does not grow, and how fast it goes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from streaming.live_signals import START, begin, signal, stamps_of

from eegtl.streaming import Adaptation

HOURS, MINUTES_A_CHUNK = 24, 10
# MiB that the second half of the day may add; pages of the allocator come and go
GROWTH = 8.0
SECONDS = 240.0


@pytest.fixture(autouse=True)
def only_with_make_bench(request):
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("a benchmark, not a test: run it with make bench")


def resident():
    """Memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory from /proc")
def test_a_day_of_signal(benchmark):
    session = begin(calibrate=60.0, adaptation=Adaptation("every", every=30, memory=300))
    data = signal(60.0 * MINUTES_A_CHUNK, seed=4)
    span = 60.0 * MINUTES_A_CHUNK
    sizes, n_predictions = [], 0

    def day():
        nonlocal n_predictions
        for turn in range(HOURS * 60 // MINUTES_A_CHUNK):
            # a packet is lost in each chunk, and a mark comes
            stamps = stamps_of(data, start=START + turn * span)
            kept = np.r_[0:40_000, 40_012 : len(stamps)]
            session.mark("x", float(stamps[20_000]))
            n_predictions += len(session.push(data[:, kept], stamps[kept], now=float(stamps[-1])))
            session.adapt_now()
            session.tick(float(stamps[-1]))
            sizes.append(resident())

    begun = time.perf_counter()
    benchmark.pedantic(day, rounds=1)
    took = time.perf_counter() - begun
    half = sizes[len(sizes) // 2]
    print(
        f"\n{HOURS} h of 4 channels at 128 Hz in chunks of {MINUTES_A_CHUNK} min: {took:.0f} s "
        f"(at most {SECONDS:g}), {n_predictions} predictions, {sizes[-1] - half:.1f} MiB more than "
        f"at noon (at most {GROWTH:g})"
    )
    assert n_predictions > 80_000
    assert sizes[-1] - half < GROWTH
    assert took < SECONDS
