"""Features that are a function of each band's variance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .feature import Floats, Layout


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


def relative_power(variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each band in the sum over the bands asked for.

    Parameters
    ----------
    variance : ndarray of shape (..., n_bands)
        In uV^2, positive.

    Returns
    -------
    ndarray of shape (..., n_bands)
        Between 0 and 1; the bands add up to 1.

    Examples
    --------
    >>> relative_power(np.array([3.0, 1.0])).tolist()
    [0.75, 0.25]
    """
    return variance / variance.sum(axis=-1, keepdims=True)


def whatever_the_layout(
    function: Callable[[Floats], Floats],
) -> Callable[[Layout], Callable[[Floats], Floats]]:
    """Prepare a function that needs to know nothing of its windows."""
    return lambda layout: function
