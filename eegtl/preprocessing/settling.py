"""How long recursive filters ring after a restart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: What may be left of the slowest mode of the filters when they count as settled. In 4 s the
#: slowest of the default bands, 1-4 Hz, decays to 0.23 % or 0.235 %, depending on the rate.
RESIDUE = 0.0025


def decay_time(denominators: NDArray[np.float64], sfreq: float) -> float:
    """Give the seconds in which the slowest mode of some sections decays to `RESIDUE`.

    A mode with a pole of radius r decays as r^n in n samples.

    Parameters
    ----------
    denominators : ndarray of shape (n_sections, 2)
        ``a1, a2`` of each section; ``a0`` is 1.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    float
        Infinite for a filter that rounding leaves on the edge of stability.

    Examples
    --------
    >>> round(decay_time(np.array([[-1.98, 0.9801]]), 100.0), 2)
    5.96
    """
    radius = max(abs(np.roots([1.0, *section])).max() for section in denominators)
    if not 0 < radius < 1:
        return 0.0 if radius == 0 else float("inf")
    return float(np.log(RESIDUE) / np.log(radius)) / sfreq
