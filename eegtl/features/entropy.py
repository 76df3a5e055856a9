"""Differential entropy of an array, without recordings and tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SignalError
from .bands import BANDS, check_bands
from .registry import get_features
from .stream import FeatureStream


def differential_entropy(
    data: ArrayLike,
    sfreq: float,
    bands: Mapping[str, tuple[float, float]] = BANDS,
    window: float = 1.0,
    step: float | None = None,
) -> NDArray[np.float64]:
    """Differential entropy per window, channel and band, by causal filters.

    ``0.5 ln(2 pi e s2)`` with the variance s2 (uV^2) of the band-passed signal about its mean
    in the window. The filters start in the steady state of the first sample and take 4 s to
    settle (slow or narrow bands take longer); the windows before that are in the result.
    The floor of s2 is 1e-6 uV^2. Samples that are not finite, or beyond 1 V, in some channel are
    a gap: filters and windows restart after it.

    Parameters
    ----------
    data : array-like of shape (n_channels, n_times)
        Signal in volts.
    sfreq : float
        Sampling rate in Hz.
    bands : mapping of str to (low, high)
        Band edges in Hz.
    window, step : float
        In seconds, rounded to whole samples; step None means the window.

    Returns
    -------
    ndarray of shape (n_windows, n_channels, n_bands)
        Nats relative to 1 uV.

    Raises
    ------
    SignalError
        When the data are not two-dimensional real numbers, a band lies outside the signal, or
        the window is too short.

    Warns
    -----
    SignalWarning
        When a band is clipped at the Nyquist frequency.

    References
    ----------
    Duan, Zhu and Lu, Differential entropy feature for EEG-based emotion classification,
    IEEE/EMBS Neural Engineering 2013, 81-84.

    Examples
    --------
    A sinusoid of amplitude a has the variance a^2/2:

    >>> t = np.arange(10 * 256) / 256
    >>> de = differential_entropy([20e-6 * np.sin(2 * np.pi * 10 * t)], 256, {"alpha": (8, 14)})
    >>> de.shape, round(float(de[-1, 0, 0]), 2)
    ((10, 1, 1), 4.07)
    >>> round(0.5 * float(np.log(2 * np.pi * np.e * 20**2 / 2)), 2)
    4.07
    """
    array = np.asarray(data)
    if array.ndim != 2 or not array.shape[0]:
        raise SignalError(f"data has the shape {array.shape}; give (n_channels, n_times) in volts")
    channels = [str(row) for row in range(array.shape[0])]
    checked = check_bands(bands)
    stream = FeatureStream(
        sfreq,
        channels,
        features=get_features("de"),
        bands=checked,
        window=window,
        step=step,
    )
    return stream.process(array).X.reshape(-1, len(channels), len(checked))
