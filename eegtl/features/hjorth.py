"""Hjorth's parameters of the signal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .columns import ColumnName, block_columns
from .feature import VARIANCE_FLOOR, Floats, Layout

#: Names of the parameters, which stand where other features have their bands.
PARAMETERS = ("activity", "mobility", "complexity")


def hjorth_parameters(windows: Floats, sfreq: float) -> Floats:
    """Activity, mobility and complexity, with differences for derivatives.

    Activity is the variance v(x), mobility ``sqrt(v(x') / v(x))`` and complexity the mobility of
    x' over the mobility of x. A sinusoid of frequency f has the mobility
    ``2 sfreq sin(pi f / sfreq)``, which is ``2 pi f`` far below the sampling rate, and the
    complexity 1.

    Parameters
    ----------
    windows : ndarray of shape (n_windows, n_channels, n_times)
        In uV.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray of shape (n_windows, n_channels, 3)
        uV^2, 1/s and a number. Where a window has less variance than 1e-6 uV^2, activity is this
        floor, and mobility and complexity are 0.

    References
    ----------
    Hjorth, EEG analysis based on time domain properties, Electroencephalography and Clinical
    Neurophysiology 29(3), 1970, 306-310.

    Examples
    --------
    >>> t = np.arange(2000) / 1000
    >>> x = 20 * np.sin(2 * np.pi * 10 * t)[None, None]
    >>> hjorth_parameters(x, 1000.0).round(2).tolist()
    [[[200.0, 62.81, 1.0]]]
    """
    first = np.diff(windows, axis=-1)
    v0, v1 = windows.var(axis=-1), first.var(axis=-1)
    v2 = np.diff(first, axis=-1).var(axis=-1) if windows.shape[-1] > 2 else np.zeros_like(v1)
    # What differences a flat window has are rounding, and would depend on how the signal came.
    alive = (v0 >= VARIANCE_FLOOR) & (v1 > 0)
    slope = np.sqrt(np.divide(v1, v0, out=np.zeros_like(v0), where=alive))
    bend = np.sqrt(np.divide(v2, v1, out=np.zeros_like(v0), where=alive))
    complexity = np.divide(bend, slope, out=np.zeros_like(v0), where=alive)
    return np.stack([np.maximum(v0, VARIANCE_FLOOR), sfreq * slope, complexity], axis=-1)


def prepare_hjorth(layout: Layout) -> Callable[[Floats], Floats]:
    """Prepare the parameters for one sampling rate."""
    return lambda windows: hjorth_parameters(windows, layout.sfreq)


def hjorth_columns(feature: str, ch_names: Sequence[str], bands: Sequence[str]) -> list[ColumnName]:
    """Name columns; the parameters stand in the place of bands."""
    return block_columns(feature, ch_names, PARAMETERS)
