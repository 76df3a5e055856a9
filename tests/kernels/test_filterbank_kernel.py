from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from reference.filterbank_naive import segment_sums

from eegtl.kernels import _compile
from eegtl.kernels.filterbank import BLOCK, LANES, ROWS, filter_segments
from eegtl.preprocessing import RunningBank, design_bank

BANDS = {"delta": (1.0, 4.0), "beta": (14.0, 31.0)}
TESTS = Path(__file__).parents[1]


def run(data, length, cuts=()):
    """Sums and sums of squares of all segments, the signal cut at `cuts`."""
    bank = design_bank(128.0, BANDS)
    running = RunningBank(bank, len(data), length)
    running.restart(data[:, 0])
    bounds = [0, *cuts, data.shape[1]]
    parts = [part for start, stop in pairwise(bounds) for part in running.run(data, start, stop)]
    shape = (0, len(data), len(BANDS))
    sums = np.concatenate([np.empty(shape), *(sums for sums, _ in parts)])
    squares = np.concatenate([np.empty(shape), *(squares for _, squares in parts)])
    return sums, squares


def naive(data, length):
    sos = design_bank(128.0, BANDS).sos()
    values = np.array([[segment_sums(list(x), s, length) for s in sos] for x in data])
    return values[..., 0].transpose(2, 0, 1), values[..., 1].transpose(2, 0, 1)


# Below, at and above the sizes of blocks (64 samples), tiles (16 lanes) and the step of four.
@pytest.mark.parametrize(
    ("n_channels", "n_times", "length"),
    [(1, 300, 128), (3, 131, 1), (16, 64, 7), (17, 65, 64), (33, 259, 100)],
)
def test_equals_plain_loops(n_channels, n_times, length):
    data = np.random.default_rng(n_times).standard_normal((n_channels, n_times)) + 3.0
    sums, squares = run(data, length)
    expected_sums, expected_squares = naive(data, length)
    assert sums.shape == (n_times // length, n_channels, 2)
    np.testing.assert_allclose(sums, expected_sums, rtol=0, atol=1e-10)
    np.testing.assert_allclose(squares, expected_squares, rtol=1e-10, atol=1e-12)


def test_cut_anywhere_gives_the_same_numbers():
    data = np.random.default_rng(1).standard_normal((5, 400))
    whole = run(data, 50)
    for cuts in [(1,), (49, 50, 51), (64, 65, 128, 333), tuple(range(1, 400))]:
        for one, other in zip(whole, run(data, 50, cuts), strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)


def test_constant_signal_gives_exact_zeros():
    sums, squares = run(np.full((2, 256), 4200e-6), 128)
    assert not sums.any()
    assert not squares.any()


def test_one_sample():
    sums, squares = run(np.array([[5.0], [-2.0]]), 1)
    assert sums.tolist() == [[[0.0, 0.0], [0.0, 0.0]]]
    assert squares.tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_nan_stays_in_its_lane_and_is_not_optimised_away():
    data = np.random.default_rng(2).standard_normal((3, 256))
    clean, _ = run(data, 128)
    data[1, 10] = np.nan
    sums, squares = run(data, 128)
    assert np.isnan(sums[:, 1]).all()
    assert np.isnan(squares[:, 1]).all()
    np.testing.assert_array_equal(sums[:, [0, 2]], clean[:, [0, 2]])


def test_many_short_segments_come_in_bounded_blocks():
    data = np.random.default_rng(3).standard_normal((16, 40_000))
    running = RunningBank(design_bank(128.0, BANDS), 16, 1)
    running.restart(data[:, 0])
    lengths = [len(sums) for sums, _ in running.run(data, 0, data.shape[1])]
    assert sum(lengths) == 40_000
    assert max(lengths) * 2 * LANES <= 2**20
    assert len(lengths) > 1


def test_a_new_segment_keeps_the_filters():
    data = np.random.default_rng(4).standard_normal((2, 200))
    running = RunningBank(design_bank(128.0, BANDS), 2, 50)
    running.restart(data[:, 0])
    assert list(running.run(data, 0, 30)) == []
    running.new_segment()
    ((sums, _),) = running.run(data, 30, 80)
    single, _ = run(data, 1)
    np.testing.assert_allclose(sums[0], single[30:80].sum(axis=0), atol=1e-12)


def test_falls_back_where_no_cache_can_be_written(monkeypatch):
    asked = []

    def njit(function, **options):
        asked.append(options.get("cache", False))
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return function

    monkeypatch.setattr(_compile, "njit", njit)
    assert _compile.kernel(abs) is abs
    assert asked == [True, False]


SCRIPT = """
import sys
import numpy as np
from numba import config
from test_filterbank_kernel import naive, run

data = np.random.default_rng(0).standard_normal((17, 70))
for got, expected in zip(run(data, 32), naive(data, 32), strict=True):
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10)
print("equal", int(config.DISABLE_JIT), config.BOUNDSCHECK)
"""

OUT_OF_BOUNDS = """
import numpy as np
from eegtl.kernels.filterbank import BLOCK, LANES, ROWS, filter_segments

out = np.empty((1, 1, 1, LANES))
try:
    filter_segments(np.ones((1, 64)), 0, 64, np.zeros(LANES, dtype=np.int64),
                    np.zeros((1, 1, ROWS * LANES)), np.empty(BLOCK * LANES), 32, 0, out, out)
except IndexError:
    print("caught")
"""


def in_new_process(tmp_path, script, **environment):
    """Run a script in a fresh interpreter with its own cache, since a cache ignores the flags."""
    path = os.pathsep.join([str(TESTS), str(TESTS / "kernels")])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={
            **os.environ,
            "PYTHONPATH": path,
            "NUMBA_CACHE_DIR": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_equals_plain_loops_without_the_compiler(tmp_path):
    assert in_new_process(tmp_path, SCRIPT, NUMBA_DISABLE_JIT="1")[:2] == ["equal", "1"]


def test_stays_inside_its_arrays(tmp_path):
    # Bounds are checked at any level of optimisation; the lowest compiles fastest.
    checked = in_new_process(tmp_path, SCRIPT + OUT_OF_BOUNDS, NUMBA_BOUNDSCHECK="1", NUMBA_OPT="0")
    assert checked == ["equal", "0", "1", "caught"]


def test_accepts_other_strides_and_types():
    data = np.random.default_rng(5).standard_normal((64, 4)).astype(np.float32).T
    length, channels = 32, np.minimum(np.arange(LANES), 3)
    results = []
    for given in (data, np.ascontiguousarray(data, dtype=np.float64)):
        out = np.empty((2, 2, 1, 1, LANES))
        tiles = np.zeros((1, 1, ROWS * LANES))
        filter_segments(
            given, 0, 64, channels, tiles, np.empty(BLOCK * LANES), length, 0, out[0], out[1]
        )
        results.append(out)
    np.testing.assert_array_equal(results[0], results[1])
