"""What theory says about differential entropy, and scipy's filters as a second opinion."""

from __future__ import annotations

import numpy as np
import pytest
from reference.filterbank_naive import windows as naive_windows
from scipy import signal

from eegtl.errors import SignalError
from eegtl.features import BANDS, FeatureExtractor, differential_entropy
from eegtl.kernels.filterbank import filter_segments
from eegtl.preprocessing import design_bank


def entropy_of(variance_uv2):
    return 0.5 * np.log(2 * np.pi * np.e * variance_uv2)


@pytest.mark.parametrize(
    ("band", "frequency"), [("delta", 2), ("theta", 6), ("alpha", 11), ("beta", 21), ("gamma", 40)]
)
def test_sinusoid_inside_a_band(band, frequency):
    sfreq, amplitude = 256, 17e-6
    t = np.arange(20 * sfreq) / sfreq
    gain = np.abs(
        signal.freqz_sos(design_bank(sfreq, {band: BANDS[band]}).sos()[0], [frequency], fs=sfreq)[
            1
        ][0]
    )
    de = differential_entropy([amplitude * np.sin(2 * np.pi * frequency * t)], sfreq)
    settled = de[10:, 0, list(BANDS).index(band)]
    np.testing.assert_allclose(settled, entropy_of(17**2 / 2) + np.log(gain), atol=1e-6)
    # A Butterworth filter is flat inside: the bare formula holds to half a percent of a nat.
    np.testing.assert_allclose(settled, entropy_of(17**2 / 2), atol=5e-3)


@pytest.mark.parametrize("sfreq", [128.0, 200.0, 500.0])
def test_white_noise_through_each_band(sfreq):
    rng = np.random.default_rng(11)
    sd_uv = 12.0
    data = 1e-6 * sd_uv * rng.standard_normal((40, int(120 * sfreq)))
    de = differential_entropy(data, sfreq, window=10.0)[1:]
    variance = np.exp(2 * de) / (2 * np.pi * np.e)
    for index, (sos, edges) in enumerate(
        zip(design_bank(sfreq, BANDS).sos(), BANDS.values(), strict=True)
    ):
        frequencies = np.linspace(0, sfreq / 2, 200_001)
        _, response = signal.freqz_sos(sos, frequencies, fs=sfreq)
        # One-sided density of white noise: variance / (sfreq / 2).
        expected = np.trapezoid(np.abs(response) ** 2, frequencies) * sd_uv**2 / (sfreq / 2)
        got = variance[..., index]
        # Degrees of freedom of a band of width B in T seconds: 2 B T; five standard errors.
        error = np.sqrt(2 / (2 * (edges[1] - edges[0]) * 110 * 40))
        # The mean of each window is taken out, which costs about 1 / (10 s) of bandwidth.
        assert abs(got.mean() / expected - 1) < 5 * error + 0.005, edges


def test_doubling_the_amplitude_adds_ln_2():
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 2000))
    one = differential_entropy(data, 200.0)
    two = differential_entropy(2 * data, 200.0)
    np.testing.assert_allclose(two - one, np.log(2), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("window", "step"), [(1.0, None), (2.0, 0.5), (1.0, 0.3), (0.5, 1.25)])
def test_equals_scipy(window, step):
    sfreq = 200.0
    data = 1e-5 * np.random.default_rng(1).standard_normal((4, 4001)) + 800e-6
    got = differential_entropy(data, sfreq, window=window, step=step)
    length, stride = round(window * sfreq), round((step or window) * sfreq)
    for index, sos in enumerate(design_bank(sfreq, BANDS).sos()):
        zi = signal.sosfilt_zi(sos)[:, None, :] * data[None, :, :1]
        filtered, _ = signal.sosfilt(sos, data, axis=1, zi=zi)
        views = np.lib.stride_tricks.sliding_window_view(filtered, length, axis=1)[:, ::stride]
        np.testing.assert_allclose(
            got[:, :, index], entropy_of(1e12 * views.var(axis=-1)).T, rtol=0, atol=1e-9
        )


def test_equals_plain_loops_with_gaps():
    rng = np.random.default_rng(2)
    data = 2e-5 * rng.standard_normal((2, 600))
    data[0, :3] = np.nan
    data[1, 250] = np.inf
    data[:, 400:410] = np.nan
    bands = {"alpha": (8.0, 14.0), "beta": (14.0, 31.0)}
    expected = naive_windows(data.tolist(), design_bank(100.0, bands).sos(), 50, 20)
    got = differential_entropy(data, 100.0, bands, window=0.5, step=0.2)
    np.testing.assert_allclose(got, [values for _, _, values in expected], rtol=0, atol=1e-9)


def test_constant_signal_is_at_the_floor_and_flagged():
    de = differential_entropy(np.full((2, 500), 300e-6), 250.0)
    np.testing.assert_allclose(de, entropy_of(1e-6))
    stream = FeatureExtractor().start(250.0, ["Fz", "Cz"])
    data = 1e-5 * np.random.default_rng(3).standard_normal((2, 500))
    assert stream.process(data).flat.tolist() == [False, False]
    data[1] = data[1, -1]
    # The filters still ring in the first second after the channel died.
    assert stream.process(np.repeat(data[:, -1:], 60 * 250, axis=1)).flat[-1]


def test_settling_means_the_first_four_seconds_after_a_restart():
    stream = FeatureExtractor(window=1.0, step=0.5).start(128.0, ["Fz"])
    data = 1e-5 * np.random.default_rng(4).standard_normal((1, 20 * 128))
    data[0, 10 * 128] = np.nan
    windows = stream.process(data)
    starts = windows.starts / 128
    restart = 10 + 1 / 128
    after = starts > 10
    assert starts[after][0] == restart
    np.testing.assert_array_equal(
        windows.settling, np.where(after, starts - restart < 4, starts < 4)
    )
    assert not ((starts < 10) & (starts + 1 > 10)).any()


def test_float32_and_other_strides_are_taken():
    data = (1e-5 * np.random.default_rng(5).standard_normal((500, 3))).astype(np.float32).T
    assert not data.flags.c_contiguous
    expected = differential_entropy(data.astype(np.float64).copy(order="C"), 100.0, {"a": (8, 14)})
    np.testing.assert_array_equal(differential_entropy(data, 100.0, {"a": (8, 14)}), expected)


def test_one_compiled_kernel_serves_all_inputs():
    data = 1e-5 * np.random.default_rng(7).standard_normal((2, 300))
    expected = differential_entropy(data, 100.0, {"alpha": (8, 14)})
    compiled = len(filter_segments.signatures)
    fixed = data.copy()
    fixed.setflags(write=False)
    packed = np.frombuffer(b"x" + data.tobytes(), dtype=np.float64, offset=1).reshape(2, 300)
    for given in (fixed, packed, np.asfortranarray(data), data.tolist()):
        np.testing.assert_array_equal(
            differential_entropy(given, 100.0, {"alpha": (8, 14)}), expected
        )
    assert len(filter_segments.signatures) == compiled


def test_inputs_are_not_changed():
    data = 1e-5 * np.random.default_rng(6).standard_normal((2, 300))
    before = data.copy()
    differential_entropy(data, 100.0, {"alpha": (8, 14)})
    np.testing.assert_array_equal(data, before)


@pytest.mark.parametrize("n_times", [0, 1, 99])
def test_less_than_a_window_gives_no_window(n_times):
    assert differential_entropy(np.ones((2, n_times)), 100.0, {"a": (8, 14)}).shape == (0, 2, 1)


def test_only_nan_gives_no_window():
    assert differential_entropy(np.full((2, 300), np.nan), 100.0, {"a": (8, 14)}).shape[0] == 0


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.ones(100), {}, r"data has the shape \(100,\); give \(n_channels, n_times\) in volts"),
        (np.ones((0, 100)), {}, r"data has the shape \(0, 100\)"),
        (np.ones((1, 100), dtype=complex), {}, "the chunk has the type complex128; give real"),
        (np.ones((1, 9)), {"window": 0.001}, "a window of 0.001 s has 0 samples at 256 Hz"),
        (np.ones((1, 9)), {"step": 0.001}, "a step of 0.001 s has 0 samples at 256 Hz"),
        (np.ones((1, 9)), {"window": np.inf}, "window is inf s; give a positive number of seconds"),
        (np.ones((1, 9)), {"bands": {}}, "bands is empty; give at least one band"),
        (np.ones((1, 9)), {"bands": {"a": (9, 8)}}, r"band 'a' is \(9, 8\); a band is \(low, high"),
        (np.ones((1, 9)), {"bands": {"a": (0, 8)}}, r"band 'a' is \(0, 8\); .* 0 < low < high"),
        (np.ones((1, 9)), {"bands": {"a": (1, 2, 3)}}, r"band 'a' is \(1, 2, 3\)"),
    ],
)
def test_bad_input_is_named(data, options, message):
    with pytest.raises(SignalError, match=message):
        differential_entropy(data, 256, **options)


def test_bands_of_one_name_are_refused():
    message = "two bands are named '1', one of them as str; give each a name of its own"
    with pytest.raises(SignalError, match=message):
        differential_entropy(np.ones((2, 1000)), 250.0, {1: (8, 14), "1": (14, 31)})
    assert differential_entropy(np.ones((2, 1000)), 250.0, {1: (8, 14)}).shape == (4, 2, 1)
