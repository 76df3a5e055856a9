"""The features of a window that follow from its band variances, as records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

#: Smallest variance that is told from none, in uV^2 (1 nV rms).
VARIANCE_FLOOR = 1e-6


@dataclass(frozen=True)
class BandFeature:
    """One number per channel and band.

    Parameters
    ----------
    name : str
        Short name, as in the columns of a table.
    unit : str
        Unit of the values.
    function : callable
        From variances in uV^2, at or above `VARIANCE_FLOOR`, to values, element by element.
    citation : str
        Where the formula is from.
    """

    name: str
    unit: str
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    citation: str


def entropy_of_variance(variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differential entropy of a normal variable: ``0.5 ln(2 pi e s2)``.

    Parameters
    ----------
    variance : ndarray
        In uV^2.

    Returns
    -------
    ndarray
        In nats relative to 1 uV.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., theorem 8.1.1.

    Examples
    --------
    >>> float(entropy_of_variance(np.array(1 / (2 * np.pi * np.e))))
    0.0
    """
    return 0.5 * np.log((2 * np.pi * np.e) * variance)


def band_power(variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power of the band: the variance of the filtered signal.

    Parameters
    ----------
    variance : ndarray
        In uV^2.

    Returns
    -------
    ndarray
        In uV^2.

    Examples
    --------
    >>> float(band_power(np.array(4.0)))
    4.0
    """
    return variance


#: Every feature, by name. A new one is one more record here.
FEATURES: dict[str, BandFeature] = {
    record.name: record
    for record in (
        BandFeature(
            "de",
            "nat re 1 uV",
            entropy_of_variance,
            "Duan, Zhu and Lu, Differential entropy feature for EEG-based emotion classification, "
            "IEEE/EMBS Neural Engineering 2013, 81-84",
        ),
        BandFeature(
            "power",
            "uV^2",
            band_power,
            "Parseval: the variance of a band-passed signal is its spectral density integrated "
            "over the band",
        ),
    )
}


def get_features(names: Iterable[str]) -> tuple[BandFeature, ...]:
    """Look features up by name.

    Parameters
    ----------
    names : iterable of str
        Such as ``("de",)``.

    Returns
    -------
    tuple of BandFeature
        The records, in the order asked for.

    Raises
    ------
    InputError
        When a name is unknown or given twice, or there is none.

    Examples
    --------
    >>> get_features(["de"])[0].unit
    'nat re 1 uV'
    """
    wanted = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in wanted if name not in FEATURES]
    if unknown:
        raise InputError(f"feature {unknown[0]!r} is unknown; known are {', '.join(FEATURES)}")
    if not wanted or len(set(wanted)) != len(wanted):
        raise InputError(
            f"features is {wanted}; name each feature once, from {', '.join(FEATURES)}"
        )
    return tuple(FEATURES[name] for name in wanted)
