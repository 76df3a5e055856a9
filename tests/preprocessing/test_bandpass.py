from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from eegtl.errors import SignalError, SignalWarning
from eegtl.features import BANDS
from eegtl.preprocessing import design_bank


@pytest.mark.parametrize("sfreq", [128.0, 200.0, 256.0, 500.0, 2048.0])
def test_response_is_that_of_scipys_butterworth(sfreq):
    bank = design_bank(sfreq, BANDS)
    frequencies = np.linspace(0.5, 60, 400)
    for sos, edges in zip(bank.sos(), BANDS.values(), strict=True):
        own = signal.butter(4, edges, "bandpass", fs=sfreq, output="sos")
        _, expected = signal.freqz_sos(own, frequencies, fs=sfreq)
        _, got = signal.freqz_sos(sos, frequencies, fs=sfreq)
        np.testing.assert_allclose(got, expected, atol=1e-8)
        _, edge = signal.freqz_sos(sos, edges, fs=sfreq)
        np.testing.assert_allclose(np.abs(edge), np.sqrt(0.5), rtol=1e-6)


def test_all_numerators_are_equal_and_the_filters_are_stable():
    sos = design_bank(200.0, BANDS).sos()
    gain = sos[:, 0, 0]
    np.testing.assert_array_equal(sos[:, 1:, :3], np.broadcast_to([1.0, 0.0, -1.0], (5, 3, 3)))
    np.testing.assert_array_equal(sos[:, 0, :3], gain[:, None] * [1.0, 0.0, -1.0])
    radii = [np.abs(np.roots(section[3:])) for band in sos for section in band]
    assert np.max(radii) < 1


def test_a_wide_band_has_real_poles_and_still_matches():
    sos = design_bank(100.0, {"wide": (0.5, 49.0)}).sos()[0]
    _, poles, _ = signal.butter(4, (0.5, 49.0), "bandpass", fs=100.0, output="zpk")
    got = np.concatenate([np.roots(section[3:]) for section in sos])
    np.testing.assert_allclose(
        np.sort_complex(np.round(got, 9)), np.sort_complex(np.round(poles, 9)), atol=1e-8
    )


def test_steady_state_is_scipys():
    for sos in design_bank(256.0, BANDS).sos():
        zi = signal.sosfilt_zi(sos)
        np.testing.assert_allclose(zi[1:], 0, atol=1e-12)
        np.testing.assert_allclose(zi[0], -sos[0, 0], rtol=1e-9)


@pytest.mark.parametrize(
    ("sfreq", "passband", "message"),
    [
        (
            64.0,
            None,
            r"band 'gamma' \(32-50 Hz\) lies outside the signal: at 64 Hz the signal holds "
            r"0-31.68 Hz; leave the band out or choose other bands",
        ),
        (
            500.0,
            (0.5, 30.0),
            r"band 'gamma' \(32-50 Hz\) lies outside the signal: at 500 Hz the signal holds "
            r"0.5-30 Hz",
        ),
        (500.0, (60.0, 90.0), r"band 'gamma' \(32-50 Hz\) lies outside .* 60-90 Hz"),
    ],
)
def test_a_band_outside_the_signal_is_an_error(sfreq, passband, message):
    with pytest.raises(SignalError, match=message):
        design_bank(sfreq, {"gamma": (32, 50)}, passband)


@pytest.mark.parametrize(
    ("sfreq", "passband", "edges", "message"),
    [
        (
            500.0,
            (0.5, 45.0),
            (31.0, 45.0),
            r"gamma' \(31-50 Hz\) is clipped to 31-45 Hz: .*0.5-45",
        ),
        (90.0, None, (31.0, 44.55), r"'gamma' \(31-50 Hz\) is clipped to 31-44.55 Hz: at 90 Hz"),
        (256.0, (33.0, 100.0), (33.0, 50.0), r"is clipped to 33-50 Hz: .* holds 33-100 Hz"),
    ],
)
def test_a_band_partly_outside_is_clipped_with_a_warning(sfreq, passband, edges, message):
    with pytest.warns(SignalWarning, match=message):
        bank = design_bank(sfreq, {"gamma": (31, 50)}, passband)
    assert bank.bands == {"gamma": pytest.approx(edges)}


def test_a_sliver_of_a_band_is_another_band():
    message = (
        r"of band 'gamma' \(31-50 Hz\) only 31-31.68 Hz are in the signal: at 64 Hz the signal "
        r"holds 0-31.68 Hz; leave the band out"
    )
    with pytest.raises(SignalError, match=message):
        design_bank(64.0, {"gamma": (31, 50)})
    with pytest.warns(SignalWarning, match="is clipped to 31-35.75 Hz"):
        design_bank(500.0, {"gamma": (31, 50)}, (0.5, 35.75))


@pytest.mark.parametrize("passband", [(45.0, 0.5), (np.nan, 45.0), (0.5, np.nan), (-1.0, 45.0), ()])
def test_passband_must_rise(passband):
    with pytest.raises(SignalError, match=r"passband is \(.*\); give \(low, high\) in Hz with 0"):
        design_bank(256.0, BANDS, passband)


@pytest.mark.parametrize("sfreq", ["128", None, 0.0, -1.0, np.nan, np.inf])
def test_sampling_rate_must_be_positive(sfreq):
    with pytest.raises(SignalError, match=f"sfreq is {sfreq!r}; give the sampling rate in Hz"):
        design_bank(sfreq, BANDS)
