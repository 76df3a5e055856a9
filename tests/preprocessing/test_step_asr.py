from __future__ import annotations

import sys

import asrpy
import numpy as np
import pytest
from scipy import linalg, stats

from eegtl.errors import InputError, MissingExtraError, SignalError, SignalWarning
from eegtl.preprocessing import ASR, Bandpass, Chain, Reference
from eegtl.preprocessing.clean_amplitude import clean_amplitude

SFREQ, N_CHANNELS = 200.0, 8
NAMES = [f"E{i}" for i in range(N_CHANNELS)]
BURST = slice(round(30 * SFREQ), round(31 * SFREQ))
STEP = ASR(cutoff=10.0, seconds=20.0)


def calm(seconds=40.0, seed=0):
    """Mixed sources of 10 uV, coloured, without offset."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((N_CHANNELS, round(seconds * SFREQ))), axis=1)
    frequency = np.fft.rfftfreq(round(seconds * SFREQ), 1 / SFREQ)
    spectrum *= np.where(frequency >= 1, 1 / np.sqrt(np.maximum(frequency, 1)), 0)
    mixed = rng.standard_normal((N_CHANNELS, N_CHANNELS)) @ np.fft.irfft(spectrum, axis=1)
    return 1e-5 * mixed / mixed.std(axis=1, keepdims=True)


def with_burst(signal, size=3e-4, seed=1):
    """One source over all channels, a second long, smooth at its ends."""
    rng = np.random.default_rng(seed)
    n = BURST.stop - BURST.start
    wave = np.sin(2 * np.pi * 25 * np.arange(n) / SFREQ) * np.hanning(n)
    out = signal.copy()
    out[:, BURST] += size * rng.standard_normal((N_CHANNELS, 1)) * wave
    return out


def clean(signal, step=STEP):
    running = step.start(SFREQ, NAMES, (1.0, 100.0))
    return np.concatenate([running.push(signal), running.finish()], axis=1)


def rms(signal):
    return np.sqrt((signal**2).mean())


def test_a_burst_is_taken_out_and_calm_signal_stays():
    signal = calm()
    out = clean(with_burst(signal))
    assert rms(with_burst(signal)[:, BURST]) > 8 * rms(signal)
    assert rms(out[:, BURST]) < 1.5 * rms(signal)
    assert rms(out[:, BURST] - signal[:, BURST]) < 1.2 * rms(signal)
    away = np.r_[0 : BURST.start - round(SFREQ), BURST.stop + round(SFREQ) : signal.shape[1]]
    assert rms((out - signal)[:, away]) < 0.02 * rms(signal)
    assert rms(clean(signal) - signal) < 0.02 * rms(signal)


def test_the_noisy_channel_is_the_one_changed():
    signal = calm()
    noisy = signal.copy()
    noisy[3, BURST] += 4e-4 * np.random.default_rng(2).standard_normal(BURST.stop - BURST.start)
    change = np.sqrt(((clean(noisy) - noisy)[:, BURST] ** 2).mean(axis=1))
    assert np.argmax(change) == 3
    assert change[3] > 10 * np.delete(change, 3).max()


def test_a_lower_cutoff_takes_out_more():
    signal = with_burst(calm(), 8e-5)
    changes = [rms(clean(signal, ASR(c, 20.0)) - signal) for c in (3.0, 10.0, 100.0)]
    assert changes[0] > changes[1] > changes[2] == 0


def test_the_calibration_passes_unchanged_and_at_once():
    signal = with_burst(calm())
    running = STEP.start(SFREQ, NAMES, (1.0, 100.0))
    n = round(20 * SFREQ)
    np.testing.assert_array_equal(running.push(signal[:, :n]), signal[:, :n])
    assert running.push(signal[:, n : n + 10]).shape[1] == 0
    assert running.notes == ("ASR: calibrated on 20 s, 0% of them not calm",)
    assert running.delay == (50 + 25 - 1) / SFREQ


def test_scaling_the_signal_scales_the_result():
    signal = with_burst(calm())
    np.testing.assert_allclose(clean(64 * signal), 64 * clean(signal), atol=1e-12)


def test_a_few_bursts_in_the_calibration_do_not_spoil_it():
    signal = calm()
    dirty = signal.copy()
    dirty[:, round(5 * SFREQ) : round(6 * SFREQ)] *= 20
    dirty[:, round(15 * SFREQ) : round(16 * SFREQ)] *= 20
    out = clean(with_burst(dirty))
    assert rms(out[:, BURST]) < 2 * rms(signal)


def test_asrpys_reconstruction_agrees_where_it_reconstructs():
    """With the same calibration and updates at the same samples, apart from the first window."""
    signal = with_burst(calm())
    running = STEP.start(SFREQ, NAMES, (1.0, 100.0))
    out = np.concatenate([running.push(signal), running.finish()], axis=1)
    engine = running._engine
    rest = signal[:, round(20 * SFREQ) :] / engine._scale
    theirs = asrpy.asr_process(
        rest,
        SFREQ,
        engine._mixing,
        engine._thresholds,
        stepsize=25,
        ab=(engine._a, engine._b),
        mem_splits=1,
    )
    # They give the result late by the look-ahead, and leave the last steps as they are.
    inside = slice(round(5 * SFREQ), round(15 * SFREQ))
    mine = out[:, round(20 * SFREQ) :] / engine._scale
    late = theirs[:, inside.start + 50 : inside.stop + 50]
    assert rms(mine[:, inside] - rest[:, inside]) > 1, "the burst is among what is compared"
    np.testing.assert_allclose(mine[:, inside], late, atol=1e-6)


def test_clean_amplitudes_are_found_among_artefacts():
    rng = np.random.default_rng(0)
    for share in (0.0, 0.1, 0.3):
        fits = []
        for _ in range(20):
            amplitudes = rng.normal(10, 1, 300)
            n_bad = round(share * 300)
            amplitudes[:n_bad] = rng.uniform(15, 100, n_bad)
            fits.append(clean_amplitude(amplitudes))
        mean, sd = np.mean(fits, axis=0)
        assert abs(mean - 10) < 0.5
        assert 0.6 < sd < 1.4
    mean, sd = clean_amplitude(stats.norm(10, 1).ppf((np.arange(2000) + 0.5) / 2000))
    assert abs(mean - 10) < 0.1
    assert abs(sd - 1) < 0.1


def test_the_mixing_is_the_root_of_the_covariance():
    engine = STEP.start(SFREQ, NAMES, (1.0, 100.0))._engine
    signal = calm(60.0)
    mixing, thresholds = engine._calibrated(signal / 1e-5)
    shaped = engine._shape(signal / 1e-5)
    np.testing.assert_allclose(mixing @ mixing, np.cov(shaped), atol=0.25 * np.var(shaped))
    # Thresholds lie at the mean amplitude of the components plus 10 of its deviations.
    values = linalg.eigvalsh(mixing)
    assert (np.linalg.norm(thresholds, axis=1) > values).all()


def test_a_burst_of_three_sources_is_taken_out():
    signal = calm()
    # Three sources of their own frequencies, so that they are three and not one.
    rng, n = np.random.default_rng(4), BURST.stop - BURST.start
    dirty = signal.copy()
    for hertz in (12, 25, 38):
        wave = np.sin(2 * np.pi * hertz * np.arange(n) / SFREQ) * np.hanning(n)
        dirty[:, BURST] += 4e-4 * rng.standard_normal((N_CHANNELS, 1)) * wave
    assert rms(dirty[:, BURST]) > 15 * rms(signal)
    assert rms(clean(dirty)[:, BURST]) < 2 * rms(signal)


def test_two_components_of_eight_stay_when_all_is_loud():
    signal = calm()
    signal[:, BURST] *= 50
    running = STEP.start(SFREQ, NAMES, (1.0, 100.0))
    running.push(signal[:, : BURST.stop - 40])
    assert np.linalg.matrix_rank(running._engine.reconstruction) == 2


def test_nothing_but_the_calibration_crosses_a_gap():
    signal = calm()
    begin, gap = round(20 * SFREQ), round(30 * SFREQ)
    loud = signal.copy()
    loud[:, gap - 200 : gap - 10] *= 60
    for data in (signal, loud):
        data[:, gap - 10 : gap] = np.nan
    short = np.delete(signal, np.s_[begin : gap - 10], axis=1)
    expected = clean(signal)[:, gap:]
    np.testing.assert_array_equal(clean(loud)[:, gap:], expected)
    np.testing.assert_array_equal(clean(short)[:, begin + 10 :], expected)


def test_behind_a_gap_the_shaping_is_in_the_steady_state_of_the_first_sample():
    engine = STEP.start(SFREQ, NAMES, (1.0, 100.0))._engine
    sample = 1e-4 * np.arange(1.0, 9.0)
    engine.restart(sample, 12_345)
    shaped = engine._shape(np.repeat(sample[:, None], 300, axis=1))
    np.testing.assert_allclose(shaped, np.repeat(shaped[:, :1], 300, axis=1), rtol=1e-6)
    assert (engine._shaped == 0).all()


@pytest.mark.parametrize(("share", "warns"), [(0.0, False), (0.2, False), (0.5, True), (0.8, True)])
def test_a_calibration_that_is_not_calm_is_told(share, warns):
    signal = calm()
    signal[:, 200 : 200 + round(share * 20 * SFREQ)] *= 30
    running = STEP.start(SFREQ, NAMES, (1.0, 100.0))
    n = round(20 * SFREQ)
    if warns:
        message = r"(4[5-9]|5\d|8\d)% of the 20 s on which ASR was calibrated are not calm"
        with pytest.warns(SignalWarning, match=message):
            running.push(signal[:, :n])
    else:
        running.push(signal[:, :n])
    (note,) = running.notes
    found = float(note.removeprefix("ASR: calibrated on 20 s, ").split("%")[0]) / 100
    assert abs(found - share) < 0.06
    chain = Chain.of(STEP).start(SFREQ, NAMES, (1.0, 100.0))
    assert chain.notes == ("ASR: calibrated on 20 s",)


def test_a_short_signal_is_not_cleaned_and_says_so():
    signal = calm(12.5)
    running = STEP.start(SFREQ, NAMES, (1.0, 100.0))
    np.testing.assert_array_equal(running.push(signal), signal)
    message = r"ASR got 12.5 of 20 s of calibration, so nothing was cleaned"
    with pytest.warns(SignalWarning, match=message):
        running.finish()


def test_an_average_reference_before_is_refused():
    chain = Chain((Bandpass(1.0, None), Reference("average"), STEP))
    running = chain.start(SFREQ, NAMES)
    with pytest.raises(SignalError, match=r"no full rank \(7 of 8 channels are independent\)"):
        running.push(calm())


@pytest.mark.parametrize(
    ("sfreq", "names", "passband", "message"),
    [
        (
            250.0,
            NAMES,
            None,
            r"without offset and drift; put Bandpass\(0.5, None\) before it \(in a recipe: name = "
            r'"bandpass", low = 0.5, high = "none"\)$',
        ),
        (250.0, NAMES, (0.0, 45.0), r"without offset and drift"),
        (250.0, NAMES[:3], (1.0, 45.0), r"4 channels at least; the signal has 3: E0, E1, E2"),
        (64.0, NAMES, (1.0, 30.0), r"100 Hz at least; the signal has 64 Hz. Put it before the"),
    ],
)
def test_signals_it_cannot_clean(sfreq, names, passband, message):
    with pytest.raises(SignalError, match=message):
        STEP.start(sfreq, names, passband)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cutoff": 0.5}, r"cutoff is 0.5; give a number of at least 1"),
        ({"seconds": 5}, r"seconds is 5; give a number of at least 15"),
        ({"seconds": None}, r"seconds is None; give"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(InputError, match=message):
        ASR(**settings)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "asrpy", None)
    message = r"asrpy is needed to clean with ASR .* pip install 'eegtl\[asr\]'"
    with pytest.raises(MissingExtraError, match=message):
        STEP.start(SFREQ, NAMES, (1.0, 100.0))
