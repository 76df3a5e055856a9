from __future__ import annotations

import numpy as np
import pytest
from reference.steps_naive import sections
from scipy import signal

from eegtl.errors import InputError, SignalError
from eegtl.preprocessing import Bandpass, Notch

STEPS = [Notch(50.0), Notch(60.0, 4.0, 2), Bandpass(0.5, 45.0), Bandpass(1.0, None)]
STEPS += [Bandpass(None, 30.0, order=3), Bandpass(8.0, 14.0, order=2)]


def through(step, data, sfreq):
    running = step.start(sfreq, [f"E{i}" for i in range(len(data))])
    return np.concatenate([running.push(data), running.finish()], axis=1)


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_filters_equal_plain_loops(step):
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((2, 700)) + 4e-5
    expected = [sections(step.sos(250.0), row) for row in data]
    np.testing.assert_allclose(through(step, data, 250.0), expected, atol=1e-15)


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_a_constant_is_in_the_steady_state_at_once(step):
    out = through(step, np.full((1, 300), 0.03), 250.0)
    gain = 0.0 if isinstance(step, Bandpass) and step.low else 1.0
    np.testing.assert_allclose(out, gain * 0.03, atol=1e-11)


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_after_a_gap_the_filter_starts_anew(step):
    data = 1e-5 * np.random.default_rng(1).standard_normal((2, 900))
    data[0, 400:410] = np.nan
    out = through(step, data, 250.0)
    np.testing.assert_array_equal(out[:, 410:], through(step, data[:, 410:], 250.0))
    assert np.isnan(out[:, 400:410]).all()
    assert np.isfinite(out[:, :400]).all()


def test_notch_takes_the_mains_and_its_multiples_and_leaves_the_rest():
    frequencies = np.array([50.0, 100.0, 49.0, 51.0, 10.0, 40.0, 75.0])
    _, response = signal.freqz_sos(Notch(50.0, 2.0, 2).sos(500.0), frequencies, fs=500.0)
    gain = np.abs(response)
    np.testing.assert_allclose(gain[:2], 0, atol=1e-9)
    np.testing.assert_allclose(gain[2:4], np.sqrt(0.5), rtol=0.02)
    assert (gain[4:] > 0.99).all()
    assert len(Notch(50.0, harmonics=9).sos(256.0)) == 2, "150 Hz lies beyond 128 Hz"


def test_zero_phase_holds_the_run_in_blocks(monkeypatch):
    data = 1e-5 * np.random.default_rng(3).standard_normal((2, 900))
    step = Bandpass(1.0, 40.0, zero_phase=True)
    expected = through(step, data, 250.0)
    monkeypatch.setattr("eegtl.preprocessing.filters._HELD_SAMPLES", 200)
    running = step.start(250.0, ["a", "b"])
    for start in range(0, 900, 70):
        assert running.push(data[:, start : start + 70]).shape == (2, 0)
    np.testing.assert_array_equal(running.finish(), expected)


def test_zero_phase_shifts_nothing_and_squares_the_gain():
    t = np.arange(2500) / 250
    wave = np.sin(2 * np.pi * 8 * t)[None] * 1e-5
    step = Bandpass(8.0, None, zero_phase=True)
    out = through(step, wave, 250.0)
    middle = slice(1000, 1500)
    np.testing.assert_allclose(out[:, middle], 0.5 * wave[:, middle], atol=1e-10)
    assert not step.causal
    assert Bandpass(8.0).causal
    assert not Notch(zero_phase=True).causal
    assert np.isinf(step.start(250.0, ["Cz"]).delay)


def test_zero_phase_is_scipys_on_each_run():
    rng = np.random.default_rng(2)
    data = 1e-5 * rng.standard_normal((3, 1000))
    data[1, 600] = np.inf
    step = Bandpass(1.0, 40.0, zero_phase=True)
    out = through(step, data, 200.0)
    for run in (slice(0, 600), slice(601, 1000)):
        expected = signal.sosfiltfilt(step.sos(200.0), data[:, run], axis=1)
        np.testing.assert_allclose(out[:, run], expected, atol=1e-18)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_zero_phase_takes_runs_shorter_than_its_padding(n):
    out = through(Bandpass(1.0, 40.0, zero_phase=True), np.full((1, n), 1e-5), 200.0)
    np.testing.assert_allclose(out, 0, atol=1e-15)


def test_group_delay_is_that_of_a_slow_envelope():
    sfreq, step = 250.0, Bandpass(8.0, 14.0, order=2)
    t = np.arange(5000) / sfreq
    envelope = np.exp(-0.5 * ((t - 10) / 0.7) ** 2)
    out = through(step, (envelope * np.sin(2 * np.pi * 11 * t))[None] * 1e-5, sfreq)
    power = out[0] ** 2
    late = (t * power).sum() / power.sum() - 10
    np.testing.assert_allclose(late, step.group_delay([11.0], sfreq)[0], rtol=0.02)
    np.testing.assert_array_equal(Notch(zero_phase=True).group_delay([5, 9], sfreq), [0, 0])


def test_passband_is_what_is_left():
    names = ["Cz"]
    assert Bandpass(1.0, 40.0).start(250.0, names).passband == (1.0, 40.0)
    assert Bandpass(1.0, 40.0).start(250.0, names, (0.1, 30.0)).passband == (1.0, 30.0)
    assert Bandpass(None, 40.0).start(250.0, names, (0.1, 70.0)).passband == (0.1, 40.0)
    assert Bandpass(1.0, None).start(250.0, names).passband == (1.0, 125.0)
    assert Notch(50.0).start(250.0, names, (0.1, 70.0)).passband == (0.1, 70.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Notch(0), r"frequency is 0; give a frequency in Hz above 0"),
        (lambda: Notch("50"), r"frequency is '50'; give a frequency"),
        (lambda: Notch(50, width=-1), r"width is -1; give"),
        (lambda: Notch(5, width=12), r"width is 12 Hz, which reaches down to 0 Hz from .* 5 Hz"),
        (lambda: Notch(50, harmonics=0), r"harmonics is 0; give a whole number"),
        (lambda: Bandpass(None, None), r'both None \(in a recipe: "none"\); give one edge'),
        (lambda: Bandpass(40, 8), r"low is 40 Hz and high is 8 Hz; give edges that rise"),
        (lambda: Bandpass(1, True), r"high is True; give a frequency"),
        (lambda: Bandpass(order=0), r"order is 0; give a whole number from 1 to 10"),
    ],
)
def test_settings_out_of_range(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("step", "passband", "message"),
    [
        (
            Notch(50.0),
            None,
            r"notch at 50 Hz, 2 Hz wide, does not fit below 50 Hz, half of .* 100",
        ),
        (
            Bandpass(1, 60),
            None,
            r"the edge at 60 Hz does not fit below 50 Hz, half of the sampling rate of 100 Hz; "
            r'choose a lower one, or high=None for an open end \(in a recipe: high = "none"\)$',
        ),
        (Bandpass(60, None), None, r"the edge at 60 Hz .* of 100 Hz; choose a lower one$"),
        (Bandpass(None, 60), None, r"the edge at 60 Hz .* of 100 Hz; choose a lower one$"),
        (
            Bandpass(30, 40),
            (0.5, 20.0),
            r"nothing is left between 30 and 40 Hz of a signal that holds 0.5-20 Hz",
        ),
    ],
)
def test_signals_that_cannot_be_filtered(step, passband, message):
    with pytest.raises(SignalError, match=message):
        step.start(100.0, ["Cz"], passband)


def test_windows_are_settling_while_a_slow_high_pass_rings():
    """What a step leaves behind an onset of current is gone when windows count as settled."""
    from eegtl.features import FeatureExtractor

    sfreq = 128.0
    slow = Bandpass(low=0.1, high=None, order=1)
    stream = FeatureExtractor(preprocessing=[slow]).start(sfreq, ["Fz"])
    expected = np.log(1 / 0.0025) / (2 * np.pi * 0.1)  # a pole at exp(-2 pi 0.1 / sfreq)
    assert stream.settling == pytest.approx(expected, rel=0.01)
    running = slow.start(sfreq, ["Fz"])
    assert running.settling == stream.settling
    step = np.ones((1, 8000))
    step[0, 0] = 0.0
    rings = abs(running.push(step)[0])
    assert rings[round(running.settling * sfreq)] < 0.0026 < rings[100]
    assert FeatureExtractor().start(sfreq, ["Fz"]).settling == 4.0
