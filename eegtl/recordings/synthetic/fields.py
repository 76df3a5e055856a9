"""Random fields over patches and bands, of a known size at the electrodes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from .draws import Draws
from .head import N_PATCHES
from .spectrum import N_BANDS, seen_weights


class Shares(NamedTuple):
    """What share of a field's variance, seen at the electrodes, is common to what."""

    whole: float
    """The same in all patches and bands."""
    band: float
    """The same in all patches of a band."""
    patch: float
    """The same in all bands of a patch."""
    own: float
    """Of one patch and band alone."""


N_TERMS = 1 + N_BANDS + N_PATCHES + N_PATCHES * N_BANDS
"""How many independent numbers a field is made of."""


@lru_cache(maxsize=1)
def _patch_factor() -> float:
    """Factor by which patches must vary on their own for electrodes to vary by 1.

    An electrode averages over patches, which makes what is theirs alone smaller.
    """
    return float(1.0 / np.sqrt((seen_weights() ** 2).sum(axis=2).mean()))


def combine(terms: NDArray[np.float64], shares: Shares) -> NDArray[np.float64]:
    """Join independent numbers of variance 1 to a field of variance 1 at the electrodes.

    Parameters
    ----------
    terms : ndarray, shape (`N_TERMS`, n)
        Independent along the first axis.
    shares : Shares
        How the variance is divided.

    Returns
    -------
    ndarray, shape (n_patches, n_bands, n)
        The field, n times.
    """
    n = terms.shape[1]
    cuts = np.cumsum([1, N_BANDS, N_PATCHES])
    whole, band, patch, own = np.split(terms, cuts)
    factor = _patch_factor()
    field = np.sqrt(shares.own) * factor * own.reshape(N_PATCHES, N_BANDS, n)
    field += np.sqrt(shares.patch) * factor * patch[:, None]
    field += np.sqrt(shares.band) * band[None] + np.sqrt(shares.whole) * whole[None]
    return np.asarray(field)


def draw_field(draws: Draws, shares: Shares, n: int = 1) -> NDArray[np.float64]:
    """Draw fields of variance 1 at the electrodes.

    Parameters
    ----------
    draws : Draws
        Where the numbers come from.
    shares : Shares
        How the variance is divided.
    n : int
        How many fields.

    Returns
    -------
    ndarray, shape (n_patches, n_bands, n)
        Independent along the last axis.

    Examples
    --------
    >>> draw_field(Draws(0, "example"), Shares(1, 0, 0, 0), 2).shape
    (24, 5, 2)
    """
    return combine(draws.normal((n, N_TERMS)).T, shares)


def wander(
    draws: Draws, shares: Shares, n: int, interval: float, times: dict[float, float]
) -> NDArray[np.float64]:
    """Draw a field that wanders in time: a sum of Ornstein-Uhlenbeck processes.

    Each process forgets as exp(-t / tau): x[k+1] = a x[k] + sqrt(1 - a^2) e, a = exp(-interval /
    tau), from its stationary distribution on.

    Parameters
    ----------
    draws : Draws
        Where the numbers come from.
    shares : Shares
        How the variance is divided among patches and bands.
    n : int
        Number of steps.
    interval : float
        Time from step to step, in seconds.
    times : dict of float to float
        Time constant tau in seconds: share of the variance.

    Returns
    -------
    ndarray, shape (n_patches, n_bands, n)
        Of variance 1 at the electrodes.
    """
    terms = np.zeros((N_TERMS, n))
    for tau, share in times.items():
        noise = np.ascontiguousarray(draws.normal((n, N_TERMS)).T)
        keep = np.exp(-interval / tau)
        noise[:, 1:] *= np.sqrt(1 - keep**2)
        terms += np.sqrt(share) * lfilter([1.0], [1.0, -keep], noise, axis=1)
    return combine(terms, shares)
