"""The STFT recipe against theory, against plain sums, and against the filter bank."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from eegtl.features import BANDS, FeatureExtractor
from eegtl.features.spectral import stft_variances, transform_length


def naive_variances(x, sfreq, bands):
    """One window in plain sums."""
    n, n_points = len(x), 1
    while n_points < 2 * n:
        n_points *= 2
    mean = math.fsum(x) / n
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * (t + 1) / (n + 1)) for t in range(n)]
    y = [h * (v - mean) for h, v in zip(hann, x, strict=True)]
    power = math.fsum(h * h for h in hann)
    out = []
    for low, high in bands.values():
        total = 0.0
        for k in range(n_points // 2 + 1):
            if low <= k * sfreq / n_points < high:
                turn = -2j * math.pi * k / n_points
                total += abs(sum(v * cmath.exp(turn * t) for t, v in enumerate(y))) ** 2
        out.append(2 * total / (n_points * power))
    return out


@pytest.mark.parametrize(("n", "sfreq"), [(40, 40.0), (33, 64.0), (100, 100.0)])
def test_equals_plain_sums(n, sfreq):
    rng = np.random.default_rng(n)
    windows = 10 * rng.standard_normal((2, 3, n)) + 500
    bands = {"low": (2.0, 6.0), "high": (6.0, 15.0)}
    expected = [[naive_variances(list(x), sfreq, bands) for x in window] for window in windows]
    np.testing.assert_allclose(stft_variances(windows, sfreq, bands), expected, rtol=1e-9)


def test_the_published_sizes():
    assert [transform_length(n) for n in (200, 256, 257, 500)] == [512, 512, 1024, 1024]


@settings(max_examples=30)
@given(st.integers(2, 400), st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
def test_bands_that_cover_everything_hold_the_power_of_the_window(n, scale, seed):
    """Parseval: apart from the bins at 0 Hz and Nyquist, nothing is lost."""
    x = scale * np.random.default_rng(seed).standard_normal((1, 1, n))
    points = transform_length(n)
    edges = {"all": (0.5 / points, 0.5 - 0.5 / points)}
    got = stft_variances(x, 1.0, edges)[0, 0, 0]
    hann = signal.windows.hann(n + 2)[1:-1]
    y = hann * (x[0, 0] - x[0, 0].mean())
    ends = y.sum() ** 2 + (y @ np.tile([1, -1], n)[:n]) ** 2
    expected = (np.sum(y**2) - ends / points) / np.sum(hann**2)
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-12 * scale**2)


def test_doubling_the_signal_adds_ln_2():
    data = 1e-5 * np.random.default_rng(0).standard_normal((2, 2000))
    one, two = (
        FeatureExtractor(("de_stft",)).start(200.0, ["Fz", "Cz"]).process(factor * data).X
        for factor in (1, 2)
    )
    np.testing.assert_allclose(two - one, np.log(2), rtol=0, atol=1e-12)


@pytest.mark.parametrize("feature", ["de", "de_stft"])
def test_white_noise_hits_theory(feature):
    """Entropy of the mean variance: 2 (high - low) / sfreq of the whole, by both recipes."""
    sfreq, sd = 200.0, 12.0
    data = 1e-6 * sd * np.random.default_rng(3).standard_normal((20, int(200 * sfreq)))
    stream = FeatureExtractor((feature,), window=1.0).start(sfreq, [str(c) for c in range(20)])
    windows = stream.process(data)
    entropy = windows.X[~windows.settling].reshape(-1, 20, 5)
    variance = (np.exp(2 * entropy) / (2 * np.pi * np.e)).mean(axis=(0, 1))
    for got, (name, (low, high)) in zip(variance, BANDS.items(), strict=True):
        if feature == "de":
            sos = signal.butter(4, (low, high), "bandpass", fs=sfreq, output="sos")
            _, response = signal.freqz_sos(sos, 2**18)
            width = (np.abs(response) ** 2).mean() * sfreq / 2
        else:
            frequencies = np.fft.rfftfreq(512, 1 / sfreq)
            width = np.sum((low <= frequencies) & (frequencies < high)) * sfreq / 512
        expected = sd**2 * 2 * width / sfreq
        # Five standard errors of 2 B T degrees of freedom, T = 20 x 196 s, and what the mean
        # of a window of 1 s takes: up to 1 Hz at 0 Hz, which only the lowest band touches.
        error = 5 * np.sqrt(2 / (2 * (high - low) * 20 * 196))
        if name == "delta":
            error += 0.06
        assert got == pytest.approx(expected, rel=error), name


def coloured(rng, n_signals, n_times):
    """Stationary noise of several colours and scales: white noise through random filters."""
    out = np.empty((n_signals, n_times))
    for row in range(n_signals):
        pole = 0.98 * np.exp(2j * np.pi * rng.uniform(0.01, 0.25))
        a = np.real(np.poly([0.9 * rng.uniform(), 0.5 * pole, np.conj(0.5 * pole)]))
        x = signal.lfilter([1.0], a, rng.standard_normal(n_times + 1000))[1000:]
        out[row] = 1e-6 * np.exp(rng.normal(2.0, 1.0)) * x / x.std()
    return out


def test_both_recipes_agree_on_stationary_signals_after_an_affine_map():
    sfreq, n_signals = 200.0, 40
    data = coloured(np.random.default_rng(4), n_signals, int(120 * sfreq))
    names = [str(row) for row in range(n_signals)]
    means = {}
    for feature in ("de", "de_stft"):
        windows = FeatureExtractor((feature,)).start(sfreq, names).process(data)
        means[feature] = windows.X[~windows.settling].mean(axis=0).reshape(n_signals, 5)
    for band in range(5):
        x, y = means["de"][:, band], means["de_stft"][:, band]
        slope, offset = np.polyfit(x, y, 1)
        assert np.corrcoef(x, y)[0, 1] > 0.999
        assert slope == pytest.approx(1.0, abs=0.02)
        assert np.abs(y - slope * x - offset).max() < 0.15


@pytest.mark.parametrize("frequency", [6.0, 11.0, 21.0, 40.0])
def test_a_sinusoid_lies_in_its_band(frequency):
    t = np.arange(2560) / 256
    x = 17 * np.sin(2 * np.pi * frequency * t).reshape(1, 10, 256).transpose(1, 0, 2)
    variance = stft_variances(x, 256.0, BANDS)[:, 0]
    inside = [low <= frequency < high for low, high in BANDS.values()]
    np.testing.assert_allclose(variance[:, inside], 17**2 / 2, rtol=2e-3)
    assert variance[:, ~np.array(inside)].max() < 0.01 * 17**2 / 2


def test_an_offset_of_millivolts_does_not_leak():
    x = 10 * np.random.default_rng(5).standard_normal((4, 1, 256))
    np.testing.assert_allclose(
        stft_variances(x + 4000.0, 256.0, BANDS), stft_variances(x, 256.0, BANDS), rtol=1e-9
    )
