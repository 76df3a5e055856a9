"""Mean and spread of the amplitude of clean EEG, from amplitudes some of which are artefacts.

asrpy 0.0.8 has such a fit, which fails with NumPy 2.4 and later; this one is made from the
published description.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

# The part of the distribution that is compared: from its 2.2 % quantile to its 60 % quantile.
_LOW, _HIGH = 0.022, 0.6
# As a share of the amplitudes: most that lie below the distribution (dropouts), steps of the
# search, least width of the part compared relative to the largest.
_DROPOUTS, _STEP, _LEAST_CLEAN = 0.1, 0.01, 0.25
# Exponents of the generalised Gaussian; 2 is the normal distribution.
_SHAPES = np.arange(1.7, 3.5, 0.15)


def clean_amplitude(amplitudes: ArrayLike) -> tuple[float, float]:
    """Fit a generalised Gaussian to the clean part of amplitudes.

    Artefacts make amplitudes larger, so the lower part of the distribution is compared, for
    every share that may be clean, every number of dropouts and several shapes; the least
    Kullback-Leibler divergence decides.

    Parameters
    ----------
    amplitudes : array-like of shape (n,)
        Root mean squares of short windows, in any unit; 40 at least.

    Returns
    -------
    mean, sd : float
        Of the clean amplitudes, same unit.

    References
    ----------
    Mullen et al. (2015), "Real-time neuroimaging and cognitive monitoring using wearable dry
    EEG", IEEE Trans. Biomed. Eng. 62, section II-C and its supplement.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> clean, bursts = rng.normal(10, 1, 400), rng.uniform(20, 90, 100)
    >>> mean, sd = clean_amplitude(np.concatenate([clean, bursts]))
    >>> abs(mean - 10) < 0.5, abs(sd - 1) < 0.4
    (True, True)
    """
    ordered = np.sort(np.asarray(amplitudes, dtype=np.float64))
    n = len(ordered)
    quantiles = np.array([_LOW, _HIGH])
    side = np.sign(quantiles - 0.5)
    bounds = np.array(
        [side * special.gammaincinv(1 / b, np.abs(2 * quantiles - 1)) ** (1 / b) for b in _SHAPES]
    )
    widest = _HIGH - _LOW
    counts = np.round(n * np.arange(widest, _LEAST_CLEAN * widest, -_STEP)).astype(int)
    firsts = np.round(n * np.arange(_LOW, _LOW + _DROPOUTS + _STEP / 2, _STEP)).astype(int)
    best = (np.inf, 0.0, 0.0, 0)
    for count in np.unique(counts[counts >= 3]):
        n_bins = max(2, round(3 * np.log2(1 + count / 2)))
        windows = ordered[firsts[:, None] + np.arange(count)]
        low, high = windows[:, 0], windows[:, -1]
        span = np.maximum(high - low, np.finfo(float).tiny)
        seen = _histograms((windows - low[:, None]) / span[:, None], n_bins)
        divergence = _divergences(seen, bounds) + np.log(count)
        first, shape = np.unravel_index(np.argmin(divergence), divergence.shape)
        if divergence[first, shape] < best[0]:
            best = float(divergence[first, shape]), low[first], high[first], int(shape)
    _, low_edge, high_edge, shape_index = best
    b, (z_low, z_high) = _SHAPES[shape_index], bounds[shape_index]
    scale = (high_edge - low_edge) / (z_high - z_low)
    sd = scale * np.sqrt(special.gamma(3 / b) / special.gamma(1 / b))
    return float(low_edge - z_low * scale), float(sd)


def _histograms(shares: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Count values from 0 to 1 in equal bins, row by row."""
    bins = np.minimum((shares * n_bins).astype(int), n_bins - 1)
    bins += n_bins * np.arange(len(bins))[:, None]
    counted = np.bincount(bins.ravel(), minlength=n_bins * len(bins))
    return counted.reshape(len(bins), n_bins).astype(np.float64)


def _divergences(seen: NDArray[np.float64], bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the divergence of every shape (columns) from every histogram (rows)."""
    centres = (np.arange(seen.shape[1]) + 0.5) / seen.shape[1]
    at = bounds[:, :1] + centres * (bounds[:, 1:] - bounds[:, :1])
    expected = np.exp(-(np.abs(at) ** _SHAPES[:, None]))
    expected /= expected.sum(axis=1, keepdims=True)
    # A hundredth of a count keeps empty bins finite.
    entropy = (expected * np.log(expected)).sum(axis=1)
    divergence: NDArray[np.float64] = entropy - np.log(seen + 0.01) @ expected.T
    return divergence
