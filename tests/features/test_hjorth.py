from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegtl.features import FeatureExtractor
from eegtl.features.hjorth import hjorth_parameters


def naive(x, sfreq):
    """Activity, mobility and complexity in plain loops."""

    def variance(values):
        mean = math.fsum(values) / len(values)
        return math.fsum((v - mean) ** 2 for v in values) / len(values)

    d = [b - a for a, b in pairwise(x)]
    dd = [b - a for a, b in pairwise(d)]
    mobility = math.sqrt(variance(d) / variance(x))
    return variance(x), sfreq * mobility, math.sqrt(variance(dd) / variance(d)) / mobility


def test_equals_plain_loops():
    windows = 20 * np.random.default_rng(0).standard_normal((3, 2, 50)) + 100
    expected = [[naive(list(x), 128.0) for x in window] for window in windows]
    np.testing.assert_allclose(hjorth_parameters(windows, 128.0), expected, rtol=1e-10)


@pytest.mark.parametrize("frequency", [1.0, 4.0, 10.0, 30.0])
def test_a_sinusoid_moves_with_2_pi_f_and_is_not_complex(frequency):
    sfreq = 2000.0
    x = 25 * np.sin(2 * np.pi * frequency * np.arange(4000) / sfreq + 0.3)[None, None]
    activity, mobility, complexity = hjorth_parameters(x, sfreq)[0, 0]
    assert activity == pytest.approx(25**2 / 2, rel=1e-6)
    assert mobility == pytest.approx(2 * np.pi * frequency, rel=2e-3)
    assert mobility == pytest.approx(2 * sfreq * np.sin(np.pi * frequency / sfreq), rel=1e-3)
    assert complexity == pytest.approx(1.0, abs=2e-3)


def test_white_noise_has_known_parameters():
    # Differences of white noise: variances 2 and 6 times as large.
    x = 5 * np.random.default_rng(1).standard_normal((200, 1, 1000))
    activity, mobility, complexity = hjorth_parameters(x, 100.0).mean(axis=(0, 1))
    assert activity == pytest.approx(25.0, rel=0.02)
    assert mobility == pytest.approx(100 * np.sqrt(2), rel=0.005)
    assert complexity == pytest.approx(np.sqrt(3) / np.sqrt(2), rel=0.005)


@settings(max_examples=30)
@given(scale=st.floats(0.01, 1e4), offset=st.floats(-1e4, 1e4), seed=st.integers(0, 1000))
def test_scale_acts_on_activity_alone(scale, offset, seed):
    x = np.random.default_rng(seed).standard_normal((1, 2, 64))
    one, other = hjorth_parameters(x, 64.0), hjorth_parameters(scale * x + offset, 64.0)
    np.testing.assert_allclose(other[..., 0], scale**2 * one[..., 0], rtol=1e-6)
    np.testing.assert_allclose(other[..., 1:], one[..., 1:], rtol=1e-6)


def test_flat_windows_are_at_the_floor():
    x = np.stack([np.full(50, 300.0), 1e-4 * np.random.default_rng(2).standard_normal(50)])
    np.testing.assert_array_equal(hjorth_parameters(x[None], 100.0)[0], [[1e-6, 0, 0]] * 2)


def test_columns_have_the_parameters_for_bands():
    stream = FeatureExtractor(("hjorth",)).start(128.0, ["Fz", "Cz"])
    assert stream.columns[:4].tolist() == [
        ("hjorth", "Fz", "activity"),
        ("hjorth", "Fz", "mobility"),
        ("hjorth", "Fz", "complexity"),
        ("hjorth", "Cz", "activity"),
    ]
    data = 1e-5 * np.random.default_rng(3).standard_normal((2, 640))
    expected = hjorth_parameters(1e6 * data.reshape(2, 5, 128).transpose(1, 0, 2), 128.0)
    np.testing.assert_allclose(stream.process(data).X, expected.reshape(5, 6), rtol=1e-12)
