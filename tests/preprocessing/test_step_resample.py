from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.steps_naive import resample
from scipy import signal

from eegtl.errors import InputError, SignalError
from eegtl.preprocessing import Resample
from eegtl.preprocessing.resample import _DESIGN_DB, PASSBAND_SHARE, rate_ratio

RATES = [
    (before, after)
    for before in (128.0, 200.0, 250.0, 256.0, 500.0, 512.0, 1000.0)
    for after in (128.0, 200.0, 250.0)
    if before != after
]


def through(data, before, after):
    running = Resample(after).start(before, [f"E{i}" for i in range(len(data))])
    return np.concatenate([running.push(data), running.finish()], axis=1)


@pytest.mark.parametrize(("before", "after"), RATES)
def test_resampling_equals_plain_loops(before, after):
    data = 1e-5 * np.random.default_rng(0).standard_normal((1, 300)) + 1e-4
    ratio = rate_ratio(before, after)
    expected = resample(data[0], ratio.numerator, ratio.denominator, _DESIGN_DB, PASSBAND_SHARE)
    np.testing.assert_allclose(through(data, before, after)[0], expected, atol=1e-16)


@pytest.mark.parametrize(("before", "after"), RATES)
def test_below_the_cut_amplitude_and_phase_stay(before, after):
    top = 0.8 * min(before, after) / 2
    t, later = np.arange(round(4 * before)) / before, np.arange(round(4 * after)) / after
    inside = slice(round(after), round(3 * after))
    for frequency in (1.0, 10.0, top):
        for shift in (0.0, math.pi / 2):
            out = through(np.sin(2 * np.pi * frequency * t + shift)[None], before, after)[0]
            expected = np.sin(2 * np.pi * frequency * later + shift)
            np.testing.assert_allclose(out[inside], expected[inside], atol=1e-3)


@pytest.mark.parametrize(("before", "after"), [pair for pair in RATES if pair[1] < pair[0]])
def test_above_the_cut_it_is_gone_by_60_db(before, after):
    t = np.arange(round(4 * before)) / before
    inside = slice(round(after), round(3 * after))
    for frequency in np.linspace(after / 2, before / 2, 9):
        out = through(np.cos(2 * np.pi * frequency * t)[None], before, after)[0]
        assert np.abs(out[inside]).max() < 1e-3


@pytest.mark.parametrize(("before", "after"), RATES)
def test_a_click_comes_out_at_its_time_after_the_stated_delay(before, after):
    ratio = rate_ratio(before, after)
    # A place that the output grid hits.
    at = ratio.denominator * round(0.6 * before / ratio.denominator)
    data = np.zeros((1, round(1.5 * before)))
    data[0, at] = 1e-4
    running = Resample(after).start(before, ["Cz"])
    available, out = [], []
    for n in range(data.shape[1]):
        new = running.push(data[:, n : n + 1])[0].tolist()
        out += new
        available += [n] * len(new)
    peak = int(np.argmax(out))
    assert peak == at * ratio
    assert peak / after == at / before
    assert (available[peak] - at) / before == pytest.approx(running.delay, abs=1e-12)
    around = np.array(out[peak - 10 : peak + 11])
    np.testing.assert_allclose(around, around[::-1], atol=1e-16)  # linear phase


@pytest.mark.parametrize(("before", "after"), RATES)
def test_a_constant_passes_exactly_even_a_large_offset(before, after):
    out = through(np.full((1, 400), 0.06), before, after)
    np.testing.assert_allclose(out, 0.06, rtol=1e-13)


@pytest.mark.parametrize(("before", "after"), RATES)
def test_scipys_polyphase_filter_agrees_on_slow_signals(before, after):
    ratio = rate_ratio(before, after)
    noise = np.random.default_rng(3).standard_normal(round(6 * before))
    sos = signal.butter(8, 0.4 * min(before, after) / 2, fs=before, output="sos")
    slow = 1e-5 * signal.sosfiltfilt(sos, noise)[None]
    mine = through(slow, before, after)
    theirs = signal.resample_poly(slow, ratio.numerator, ratio.denominator, axis=1)
    inside = slice(round(after), round(5 * after))
    np.testing.assert_allclose(mine[:, inside], theirs[:, inside], atol=2e-3 * np.abs(slow).max())


@given(
    st.sampled_from(RATES),
    st.integers(1, 700),
    st.lists(st.integers(0, 699), max_size=6),
    st.lists(st.integers(0, 700), max_size=12),
)
def test_gaps_and_cuts_leave_the_grid_alone(rates, n, lost, cuts):
    before, after = rates
    data = 1e-5 * np.random.default_rng(n).standard_normal((1, n))
    lost = [place for place in lost if place < n]
    data[:, lost] = np.nan
    whole = through(data, before, after)
    ratio = rate_ratio(before, after)
    assert whole.shape[1] == math.ceil(n * ratio)
    running, parts, start = Resample(after).start(before, ["E0"]), [], 0
    for stop in [*sorted(min(cut, n) for cut in cuts), n]:
        parts.append(running.push(data[:, start:stop]))
        start = stop
    parts.append(running.finish())
    cut = np.concatenate(parts, axis=1)
    np.testing.assert_allclose(cut, whole, atol=1e-18)
    # Every gap behind good samples shows, also where the grid would step over it.
    good = np.isfinite(data[0])
    shown = np.isnan(whole[0])
    for place in lost:
        if place and good[place - 1]:  # a gap begins here
            k = math.ceil(place * ratio)
            assert k >= whole.shape[1] or shown[k]


def test_behind_a_gap_nothing_of_before_is_left():
    data = 1e-5 * np.random.default_rng(5).standard_normal((1, 2000))
    data[0, 1000:1100] = np.nan
    out = through(data, 1000.0, 250.0)
    behind, ahead = (through(part, 1000.0, 250.0) for part in (data[:, 1100:], data[:, :1000]))
    np.testing.assert_allclose(out[:, 275:], behind, atol=1e-18)
    np.testing.assert_allclose(out[:, :250], ahead, atol=1e-18)


def test_the_same_rate_changes_nothing():
    data = 1e-5 * np.random.default_rng(0).standard_normal((2, 50))
    running = Resample(256).start(256.0, ["A", "B"], (0.5, 100.0))
    np.testing.assert_array_equal(running.push(data), data)
    assert (running.delay, running.passband) == (0.0, (0.5, 100.0))


def test_passband_is_the_usable_part():
    names = ["Cz"]
    assert Resample(128).start(500.0, names).passband == (0.0, 51.2)
    assert Resample(128).start(500.0, names, (0.5, 45.0)).passband == (0.5, 45.0)
    assert Resample(250).start(128.0, names, (0.1, 64.0)).passband == (0.1, 51.2)
    with pytest.raises(
        SignalError, match=r"at 10 Hz nothing above 4 Hz is left, and the signal holds 8-45 Hz"
    ):
        Resample(10).start(500.0, names, (8.0, 45.0))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            255.9173,
            250.0,
            r"255.9173 Hz cannot become 250 Hz: the ratio is none of whole numbers up to 2048; "
            r"choose a rate such as 255.9173 or .* Hz, or correct the sampling rate if it was",
        ),
        (256.0, 100 * math.pi, r"256 Hz cannot become 314.1592654 Hz"),
        (1.0, 5000.0, r"1 Hz cannot become 5000 Hz"),
        (50_000.0, 1.0, r"50000 Hz cannot become 1 Hz"),
    ],
)
def test_absurd_ratios_are_refused_with_advice(before, after, message):
    with pytest.raises(SignalError, match=message):
        Resample(after).start(before, ["Cz"])


@pytest.mark.parametrize("rate", [0, -1, math.nan, "128", None, True])
def test_what_is_no_rate(rate):
    with pytest.raises(InputError, match=f"sfreq is {rate!r}; give the sampling rate in Hz"):
        Resample(rate)
