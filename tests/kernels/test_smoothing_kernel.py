from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from reference import smoothing_naive as naive

from eegtl.kernels.smoothing import lds_filter, lds_smooth, moving_average

TESTS = Path(__file__).parents[1]
Q, R, V0 = 1e-4, 1.0, 0.01


def run_average(X, length):
    out = np.empty(X.shape)
    moving_average(X, 0, length, out)
    return out


def run_filter(X, mean, q=Q, r=R, v0=V0):
    out = np.empty(X.shape)
    lds_filter(X, np.array(mean, dtype=float), v0, q, r, out)
    return out


def run_smooth(X, mean, q=Q, r=R, v0=V0):
    out = np.empty(X.shape)
    lds_smooth(X, np.array(mean, dtype=float), v0, q, r, np.empty(len(X)), out)
    return out


@pytest.mark.parametrize(("n", "length"), [(1, 1), (1, 5), (7, 1), (7, 3), (30, 30), (30, 100)])
def test_moving_average_equals_plain_loops(n, length):
    X = np.random.default_rng(n).standard_normal((n, 3)) + 5.0
    expected = np.column_stack([naive.moving_average(list(column), length) for column in X.T])
    np.testing.assert_allclose(run_average(X, length), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("q", "r", "v0"), [(Q, R, V0), (0.5, 0.1, 2.0), (1e-8, 3.0, 1e-8)])
@pytest.mark.parametrize("n", [1, 2, 50])
def test_lds_equals_plain_loops(n, q, r, v0):
    X = np.random.default_rng(n).standard_normal((n, 2)) - 3.0
    means = X.mean(axis=0)
    for run, reference in ((run_filter, naive.lds_filter), (run_smooth, naive.lds_smooth)):
        expected = [reference(list(X[:, j]), means[j], q, r, v0) for j in range(2)]
        np.testing.assert_allclose(run(X, means, q, r, v0).T, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("q", "r", "v0"), [(Q, R, V0), (0.3, 0.7, 1.5)])
def test_smoother_is_the_posterior_of_the_joint_gaussian(q, r, v0):
    X = np.random.default_rng(0).standard_normal((60, 2)).cumsum(axis=0)
    means = np.array([0.3, -2.0])
    expected = [naive.dense_posterior(X[:, j], means[j], q, r, v0) for j in range(2)]
    np.testing.assert_allclose(run_smooth(X, means, q, r, v0).T, expected, rtol=0, atol=1e-9)
    # The last filtered mean has seen everything, too; earlier ones are posteriors of less.
    filtered = run_filter(X, means, q, r, v0)
    np.testing.assert_allclose(filtered[-1], np.array(expected)[:, -1], rtol=0, atol=1e-9)
    fewer = naive.dense_posterior(X[:20, 0], means[0], q, r, v0)
    np.testing.assert_allclose(filtered[19, 0], fewer[-1], rtol=0, atol=1e-9)


def test_the_published_gain_settles_at_0_00995():
    # The answer to a step of height 1 from the steady state is the gain.
    X = np.zeros((2001, 1))
    X[-1] = 1.0
    assert run_filter(X, [0.0])[-1, 0] == pytest.approx(0.00995, abs=1e-5)
    prior = (Q + np.sqrt(Q**2 + 4 * Q * R)) / 2  # the root of the Riccati equation
    assert run_filter(X, [0.0])[-1, 0] == pytest.approx(prior / (prior + R), rel=1e-9)
    # Time constant: a step has been answered to 1 - 1/e after 100 windows.
    step = np.ones((2101, 1))
    step[:2000] = 0.0
    answer = run_filter(step, [0.0])[2000:, 0]
    assert answer[99] == pytest.approx(1 - np.exp(-1), abs=0.003)


def test_a_constant_stays():
    X = np.full((40, 2), 7.25)
    np.testing.assert_array_equal(run_average(X, 6), X)
    np.testing.assert_array_equal(run_filter(X, [7.25, 7.25]), X)
    np.testing.assert_array_equal(run_smooth(X, [7.25, 7.25]), X)


def test_nan_stays_in_its_column():
    X = np.random.default_rng(1).standard_normal((20, 2))
    clean = [run_average(X, 4), run_filter(X, [0, 0]), run_smooth(X, [0, 0])]
    X[5, 0] = np.nan
    for before, after in zip(
        clean, [run_average(X, 4), run_filter(X, [0, 0]), run_smooth(X, [0, 0])], strict=True
    ):
        np.testing.assert_array_equal(after[:, 1], before[:, 1])
        assert np.isnan(after[5, 0])
    assert np.isfinite(run_average(X, 4)[9:]).all()


def test_other_strides_and_types():
    X = np.random.default_rng(2).standard_normal((4, 30)).astype(np.float32).T
    plain = np.ascontiguousarray(X, dtype=np.float64)
    for run in (
        lambda x: run_average(x, 3),
        lambda x: run_filter(x, np.zeros(4)),
        lambda x: run_smooth(x, np.zeros(4)),
    ):
        np.testing.assert_allclose(run(X), run(plain), rtol=0, atol=1e-12)


SCRIPT = """
import numpy as np
from numba import config
from test_smoothing_kernel import naive, run_average, run_filter, run_smooth

X = np.random.default_rng(0).standard_normal((17, 2))
m = X.mean(axis=0)
for got, expected in (
    (run_average(X, 5), lambda x, mean: naive.moving_average(x, 5)),
    (run_filter(X, m), lambda x, mean: naive.lds_filter(x, mean, 1e-4, 1.0, 0.01)),
    (run_smooth(X, m), lambda x, mean: naive.lds_smooth(x, mean, 1e-4, 1.0, 0.01)),
):
    for j in range(2):
        np.testing.assert_allclose(got[:, j], expected(list(X[:, j]), m[j]), rtol=0, atol=1e-12)
print("equal", int(config.DISABLE_JIT), config.BOUNDSCHECK)
"""


@pytest.mark.parametrize(
    ("variable", "words"),
    [("NUMBA_DISABLE_JIT", ["equal", "1"]), ("NUMBA_BOUNDSCHECK", ["equal", "0", "1"])],
)
def test_without_the_compiler_and_inside_the_arrays(tmp_path, variable, words):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS / "kernels")]),
            "NUMBA_CACHE_DIR": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            variable: "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[: len(words)] == words
