"""Variances of bands by the short-time Fourier transform, as published with the SEED data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal.windows import hann

from ..errors import SignalError
from .feature import Floats


def transform_length(length: int) -> int:
    """Give the points of the transform: the next power of two from twice the window on.

    Examples
    --------
    >>> transform_length(200)
    512
    """
    return int(2 ** np.ceil(np.log2(2 * length)))


def band_bins(
    length: int, sfreq: float, bands: Mapping[str, tuple[float, float]]
) -> NDArray[np.float64]:
    """Give the weight of each bin of the transform in each band.

    Parameters
    ----------
    length : int
        Samples in a window.
    sfreq : float
        Sampling rate in Hz.
    bands : mapping of str to (low, high)
        Edges in Hz; a bin at f belongs to a band when low <= f < high.

    Returns
    -------
    ndarray of shape (n_bins, n_bands)
        Multiplied by ``|X|^2`` and summed over bins, they give the variance in a band
        (Parseval's theorem, with the power of the Hann window divided out).

    Raises
    ------
    SignalError
        When no bin lies in a band.

    Examples
    --------
    >>> band_bins(200, 200.0, {"alpha": (8, 14)}).astype(bool).sum()
    np.int64(15)
    """
    n_points = transform_length(length)
    frequencies = fft.rfftfreq(n_points, 1 / sfreq)
    inside = np.empty((len(frequencies), len(bands)))
    for number, (name, (low, high)) in enumerate(bands.items()):
        inside[:, number] = (low <= frequencies) & (frequencies < high)
        if not inside[:, number].any():
            raise SignalError(
                f"band {name!r} ({low:g}-{high:g} Hz) holds no frequency of a window of "
                f"{length / sfreq:g} s, which are {sfreq / n_points:g} Hz apart; give a longer "
                "window or a wider band"
            )
    # Two: the bins below zero, which a real signal mirrors. Bands reach neither 0 nor Nyquist.
    return inside * (2 / (n_points * np.sum(taper(length) ** 2)))


def taper(length: int) -> Floats:
    """Give a Hann window whose outermost zeros lie just outside."""
    window: Floats = hann(length + 2)[1:-1]
    return window


def stft_variances(
    windows: Floats, sfreq: float, bands: Mapping[str, tuple[float, float]]
) -> Floats:
    """Variance in each band, from one transform of each window.

    The mean of the window is taken out, a Hann window over all of it laid on, zeros appended up
    to the next power of two from twice its length on (1 s at 200 Hz: 512 points), and the
    one-sided ``|X|^2`` summed over the bins with low <= f < high, scaled so that white noise
    gives its variance in the band.

    Parameters
    ----------
    windows : ndarray of shape (n_windows, n_channels, length)
        The signal.
    sfreq : float
        Sampling rate in Hz.
    bands : mapping of str to (low, high)
        Edges in Hz.

    Returns
    -------
    ndarray of shape (n_windows, n_channels, n_bands)
        In the squared unit of the signal.

    Raises
    ------
    SignalError
        When no bin lies in a band.

    References
    ----------
    Zheng and Lu, Investigating critical frequency bands and channels for EEG-based emotion
    recognition with deep neural networks, IEEE Trans. Auton. Ment. Dev. 7(3), 2015, 162-175
    (Hann window of 1 s, 512 points). The mean is our addition: the transform of an offset of
    millivolts would leak into the lowest band.

    Examples
    --------
    >>> t = np.arange(256) / 256
    >>> x = 20 * np.sin(2 * np.pi * 10 * t)[None, None]
    >>> stft_variances(x, 256.0, {"alpha": (8, 14), "beta": (14, 31)}).round(2).tolist()
    [[[199.95, 0.0]]]
    """
    length = windows.shape[-1]
    return spectral_variances(windows, taper(length), band_bins(length, sfreq, bands))


def spectral_variances(windows: Floats, window: Floats, weights: Floats) -> Floats:
    """Do the same with the Hann window and the weights of the bins made before."""
    centred = windows - windows.mean(axis=-1, keepdims=True)
    centred *= window
    spectrum = fft.rfft(centred, transform_length(windows.shape[-1]))
    squares = spectrum.real**2 + spectrum.imag**2
    variances: Floats = squares @ weights
    return variances
