"""The spectrum of a patch: 1/f, and an alpha peak of its person's own; split into five bands."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .head import cap_field, patches

EDGES = (4.0, 8.0, 14.0, 31.0)
"""Frequencies between the bands delta, theta, alpha, beta and gamma, in Hz."""
N_BANDS = len(EDGES) + 1
ALPHA = 2
"""Number of the alpha band."""

EXPONENT = 1.5
"""The usual exponent of the 1/f background."""
PIVOT = 10.0
"""Where persons with another exponent have the same background, in Hz."""
_BACKGROUND = 0.8  # uV^2/Hz at the pivot
_ALPHA_POWER = 13.0  # uV^2 of the peak, mean over the electrodes of the 10-20 system
_ALPHA_WIDTH = 1.0  # standard deviation of the peak, in Hz
_FLAT_BELOW = 1.0  # Hz; the background does not grow without end
_LOWEST = 0.2  # Hz
_BLEND = 0.06  # half width of the change from band to band, in ln Hz


def band_weights(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share the spectrum among the bands, smoothly, so that the shares add up to 1.

    Parameters
    ----------
    frequencies : ndarray, shape (n_frequencies,)
        In Hz.

    Returns
    -------
    ndarray, shape (n_bands, n_frequencies)
        Shares of power.

    Examples
    --------
    >>> band_weights(np.array([2.0, 4.0, 10.0])).T.round(2).tolist()
    [[1.0, 0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0]]
    """
    octaves = np.log(np.maximum(frequencies, 1e-3)[None] / np.array(EDGES)[:, None])
    above = np.sin(0.25 * np.pi * (1 + np.clip(octaves / _BLEND, -1, 1))) ** 2
    ones, zeros = np.ones((1, len(frequencies))), np.zeros((1, len(frequencies)))
    return np.asarray(np.concatenate([ones, above]) - np.concatenate([above, zeros]))


@lru_cache(maxsize=1)
def alpha_weights() -> NDArray[np.float64]:
    """Say how strong the alpha peak of each patch is: mostly at the back.

    Returns
    -------
    ndarray, shape (n_patches,)
        Power of the peak in units of its mean.

    Examples
    --------
    >>> bool(alpha_weights()[patches()[:, 1] < -0.5].min() > 1.0)
    True
    """
    back = np.clip(-patches()[:, 1], 0.0, 1.0)
    weights = 0.3 + 2.0 * back
    return np.asarray(weights / weights.mean())


def power_density(
    frequencies: NDArray[np.float64], *, exponent: float, alpha_hz: float, alpha_gain: float
) -> NDArray[np.float64]:
    """Give the power density of every patch.

    ``S(f) = 0.8 (f / 10)^-exponent + alpha_gain^2 13 w N(f; alpha_hz, 1)`` in uV^2/Hz, with the
    patch's weight w and the normal density N. Below 1 Hz the background is flat, below 0.2 Hz
    there is nothing.

    Parameters
    ----------
    frequencies : ndarray, shape (n_frequencies,)
        In Hz.
    exponent : float
        Of the background.
    alpha_hz : float
        Frequency of the alpha peak in Hz.
    alpha_gain : float
        Factor of its amplitude.

    Returns
    -------
    ndarray, shape (n_patches, n_frequencies)
        In uV^2/Hz.

    Examples
    --------
    >>> density = power_density(np.array([0.1, 40.0]), exponent=1.5, alpha_hz=10, alpha_gain=1)
    >>> density[0].round(3).tolist()
    [0.0, 0.1]
    """
    slope = _BACKGROUND * (np.maximum(frequencies, _FLAT_BELOW) / PIVOT) ** -exponent
    peak = np.exp(-0.5 * ((frequencies - alpha_hz) / _ALPHA_WIDTH) ** 2)
    peak *= alpha_gain**2 * _ALPHA_POWER / (_ALPHA_WIDTH * np.sqrt(2 * np.pi))
    return np.asarray((slope + alpha_weights()[:, None] * peak) * (frequencies >= _LOWEST))


@lru_cache(maxsize=1)
def seen_weights() -> NDArray[np.float64]:
    """Say what share of a cap electrode's power in a band comes from each patch, usually.

    To first order, log amplitudes g of the patches change that of the electrode by the mean of g
    with these weights.

    Returns
    -------
    ndarray, shape (n_bands, 62, n_patches)
        Adding up to 1 over patches.

    Examples
    --------
    >>> seen_weights().sum(axis=2).round(6).min()
    np.float64(1.0)
    """
    grid = np.arange(_FLAT_BELOW, 50.0, 0.25)
    density = power_density(grid, exponent=EXPONENT, alpha_hz=PIVOT, alpha_gain=1.0)
    power = density @ band_weights(grid).T
    seen = cap_field()[None] ** 2 * power.T[:, None, :]
    return np.asarray(seen / seen.sum(axis=2, keepdims=True))
