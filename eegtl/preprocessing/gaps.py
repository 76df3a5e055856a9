"""Where a signal is usable: the runs of samples between its gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..recordings.signals import MAX_VOLTS


def usable_runs(data: NDArray[np.float64]) -> list[tuple[int, int]]:
    """List the runs of samples that are finite, and within 1 V, in every channel.

    Parameters
    ----------
    data : ndarray of shape (n_channels, n_times)
        The signal in volts.

    Returns
    -------
    list of (int, int)
        First sample of each run, and the one behind its last.

    Examples
    --------
    >>> usable_runs(np.array([[0.0, np.nan, 1e-5, 7.0, 0.0, 0.0]]))
    [(0, 1), (2, 3), (4, 6)]
    """
    n_channels, n = data.shape
    # The extremes answer the usual case; NaN in the data is one of them and compares as false.
    if n and (not n_channels or (data.min() >= -MAX_VOLTS and data.max() <= MAX_VOLTS)):
        return [(0, n)]
    good = np.concatenate([[False], (np.abs(data) <= MAX_VOLTS).all(axis=0), [False]])
    edges = np.flatnonzero(good[1:] != good[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
