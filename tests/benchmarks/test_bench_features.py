"""Speed of differential entropy against scipy's filters, both in one run, as a ratio."""

from __future__ import annotations

import platform
import re
import time

import numpy as np
import pytest
from numba import njit
from scipy import signal
from threadpoolctl import threadpool_limits

from eegtl.features import BANDS, FeatureExtractor, differential_entropy
from eegtl.kernels import filterbank
from eegtl.kernels._compile import FLAGS
from eegtl.kernels.filterbank import BLOCK, LANES, ROWS
from eegtl.preprocessing import design_bank

SFREQ = 200.0
MINUTES = 5


@pytest.fixture(autouse=True)
def only_with_make_bench(request):
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("a benchmark, not a test: run it with make bench")


def scipy_entropy(data, cascades, window):
    """The same cascades through sosfilt, and the log variance of each window."""
    n_channels, n_times = data.shape
    n_windows = n_times // window
    out = np.empty((n_windows, n_channels, len(cascades)))
    for band, sos in enumerate(cascades):
        zi = signal.sosfilt_zi(sos)[:, None, :] * data[None, :, :1]
        filtered, _ = signal.sosfilt(sos, data, axis=1, zi=zi)
        windows = filtered[:, : n_windows * window].reshape(n_channels, n_windows, window)
        variance = np.maximum(1e12 * windows.var(axis=-1), 1e-6)
        out[:, :, band] = 0.5 * np.log(2 * np.pi * np.e * variance).T
    return out


def best_of(function, rounds):
    """Shortest of several runs in seconds, and the result."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


@pytest.mark.parametrize(("n_channels", "at_least"), [(62, 6.0), (14, 2.0), (4, 1.0)])
def test_entropy_against_scipy(benchmark, n_channels, at_least):
    data = 1e-5 * np.random.default_rng(0).standard_normal((n_channels, int(MINUTES * 60 * SFREQ)))
    cascades = design_bank(SFREQ, BANDS).sos()
    with threadpool_limits(1):
        differential_entropy(data[:, :400], SFREQ)  # compiles
        theirs, expected = best_of(lambda: scipy_entropy(data, cascades, int(SFREQ)), 5)
        result = benchmark.pedantic(differential_entropy, (data, SFREQ), rounds=15, iterations=1)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-9)
    ours = benchmark.stats.stats.min
    ratio = theirs / ours
    benchmark.extra_info["times_scipy"] = ratio
    print(
        f"\nentropy, {n_channels} channels x {len(BANDS)} bands, {MINUTES} min at {SFREQ:g} Hz: "
        f"{1e3 * ours:.1f} ms, scipy {1e3 * theirs:.1f} ms: {ratio:.1f} times as fast "
        f"(at least {at_least:g})"
    )
    assert ratio >= at_least


def test_a_live_chunk_is_far_below_its_own_length(benchmark):
    stream = FeatureExtractor(window=1.0, step=0.25).start(256.0, ["TP9", "AF7", "AF8", "TP10"])
    chunk = 1e-5 * np.random.default_rng(0).standard_normal((4, 12))
    benchmark.pedantic(stream.push, (chunk,), rounds=2000, warmup_rounds=100)
    median = benchmark.stats.stats.median
    print(f"\nlive chunk of 12 samples (47 ms), 4 channels: {1e6 * median:.0f} us")
    assert median < 0.01 * 12 / 256.0


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="reads the registers of x86-64"
)
def test_the_loop_over_lanes_is_compiled_to_vectors(benchmark):
    # Compiled here: machine code from the cache cannot be listed.
    compiled = njit(filterbank._filter_tile.py_func, fastmath=set(FLAGS))
    tile, rows = np.zeros(ROWS * LANES), np.zeros(BLOCK * LANES)
    benchmark.pedantic(compiled, (tile, rows, 0, 5), rounds=1)
    (listing,) = compiled.inspect_asm().values()
    packed = re.findall(r"v?(?:fn?m\w+|mul)pd\s.*%(.)mm", listing)
    print(f"\npacked multiplications: {len(packed)}, widest registers: {max(packed)}mm")
    # Per sample 8 multiplications and a square; five samples are written out in the loops.
    assert len(packed) >= 45
