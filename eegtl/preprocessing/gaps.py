"""Where a signal is usable: the runs of samples between its gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError
from ..recordings.signals import MAX_VOLTS

# Of the first second of a stream: more beyond 1 V is no fault of the line but another unit.
_MOST_FAR = 0.8


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
    n = data.shape[1]
    # The sum of squares answers the usual case, no sample is beyond its root; NaN compares false.
    flat = data.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        power = flat.dot(flat)
    if n and power <= MAX_VOLTS**2:
        return [(0, n)]
    good = np.concatenate([[False], (np.abs(data) <= MAX_VOLTS).all(axis=0), [False]])
    edges = np.flatnonzero(good[1:] != good[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


class UnitCheck:
    """Looks at the first second of a stream: a signal in microvolts would be all gap.

    Parameters
    ----------
    sfreq : float
        Sampling rate in Hz.

    Examples
    --------
    >>> check = UnitCheck(4.0)
    >>> check.look(np.full((1, 3), 2e-5), [(0, 3)]), check.look(np.ones((1, 3)), [(0, 3)])
    (True, False)
    """

    def __init__(self, sfreq: float) -> None:
        self._left = max(1, round(sfreq))
        self._second = self._left
        self._n_far = 0
        self._largest = 0.0

    def look(self, data: NDArray[np.float64], runs: list[tuple[int, int]]) -> bool:
        """Look at the next samples; say whether more are needed.

        Parameters
        ----------
        data : ndarray of shape (n_channels, n_times)
            Volts.
        runs : list of (int, int)
            Its usable runs.

        Returns
        -------
        bool

        Raises
        ------
        SignalError
            When four fifths of the first second are finite and beyond 1 V in some channel.
        """
        n = data.shape[1]
        if runs != [(0, n)] and n:
            first = data[:, : self._left]
            size = np.abs(first).max(axis=0, initial=0.0)
            far = np.isfinite(size) & (size > MAX_VOLTS)
            self._n_far += int(far.sum())
            self._largest = max(self._largest, float(size[far].max(initial=0.0)))
        self._left -= min(self._left, n)
        if not self._left and self._n_far >= _MOST_FAR * self._second:
            raise SignalError(
                f"{self._n_far} of the {self._second} samples of the first second lie beyond "
                f"{MAX_VOLTS:g} V (up to {self._largest:.3g} V), EEG has about 1e-05 V: "
                "microvolts were taken for volts. Multiply the samples by 1e-6"
            )
        return self._left > 0
