"""`RunningBank`: the filters of a bank at work on a stream, with their state."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..kernels.filterbank import BLOCK, LANES, ROWS, SECTIONS, filter_segments
from .bandpass import BandpassBank

# Numbers in one block of results, so that short segments of a long recording stay in bounds.
_MAX_RESULTS = 2**20


class RunningBank:
    """Band-pass filters with carried state; gives sums over segments of equal length.

    The sums of outputs and of squared outputs are all that variances of windows need, and
    windows whose length and step are multiples of the segment share them.

    Parameters
    ----------
    bank : BandpassBank
        The filters.
    n_channels : int
        Rows of the signal.
    segment_samples : int
        Samples per segment.

    Examples
    --------
    >>> from eegtl.preprocessing import design_bank
    >>> running = RunningBank(design_bank(200.0, {"alpha": (8, 14)}), 1, 50)
    >>> data = np.ones((1, 125))
    >>> running.restart(data[:, 0])
    >>> [(sums.shape, float(abs(sums).max())) for sums, squares in running.run(data, 0, 125)]
    [((2, 1, 1), 0.0)]
    """

    def __init__(self, bank: BandpassBank, n_channels: int, segment_samples: int) -> None:
        self.bank = bank
        self.n_channels = n_channels
        self.segment_samples = segment_samples
        n_groups = -(-n_channels // LANES)
        n_bands = len(bank.gains)
        # Unused lanes of the last tile repeat its last channel: valid numbers, no test in the loop.
        self._channels = np.minimum(np.arange(n_groups * LANES), n_channels - 1)
        self._tiles = np.zeros((n_groups, n_bands, ROWS * LANES))
        self._view = self._tiles.reshape(n_groups, n_bands, ROWS, LANES)
        coefficients = bank.denominators.reshape(1, n_bands, 2 * SECTIONS, 1)
        self._view[:, :, 2 * SECTIONS : 4 * SECTIONS] = coefficients
        self._rows = np.empty(BLOCK * LANES)
        self._filled = 0
        self.new_segment()

    def restart(self, sample: NDArray[np.float64]) -> None:
        """Put the filters in the steady state of a constant signal; begin a new segment.

        A section with the numerator ``1 - z^-2`` answers a constant with zero, so only the
        first section has a state: ``z1 = z2 = -x``.

        Parameters
        ----------
        sample : ndarray of shape (n_channels,)
            The first sample of what follows.
        """
        self._view[:, :, : 2 * SECTIONS] = 0.0
        lanes = sample[self._channels].reshape(len(self._tiles), 1, 1, LANES)
        self._view[:, :, :2] = -lanes
        self.new_segment()

    def new_segment(self) -> None:
        """Drop the segment begun; the next sample begins a new one."""
        self._view[:, :, 4 * SECTIONS :] = 0.0
        self._filled = 0

    def run(
        self, data: NDArray[np.float64], start: int, stop: int
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Filter samples start..stop and give the sums of the segments completed.

        Parameters
        ----------
        data : ndarray of shape (n_channels, n_times), float64, C-contiguous
            The signal; samples start..stop are finite.
        start, stop : int
            Samples to take.

        Yields
        ------
        sums, squares : ndarrays of shape (n_segments, n_channels, n_bands)
            Sum (unit of the signal) and sum of squares (its square), gain applied.
        """
        n_groups, n_bands = self._tiles.shape[:2]
        most = max(1, _MAX_RESULTS // (n_groups * n_bands * LANES))
        while start < stop:
            end = min(stop, start + most * self.segment_samples - self._filled)
            n_segments = (self._filled + end - start) // self.segment_samples
            results = np.empty((2, n_segments, n_groups, n_bands, LANES))
            filter_segments(
                data,
                start,
                end,
                self._channels,
                self._tiles,
                self._rows,
                self.segment_samples,
                self._filled,
                results[0],
                results[1],
            )
            self._filled = (self._filled + end - start) % self.segment_samples
            start = end
            if n_segments:
                lanes = results.transpose(0, 1, 2, 4, 3).reshape(2, n_segments, -1, n_bands)
                kept = lanes[:, :, : self.n_channels]
                yield kept[0] * self.bank.gains, kept[1] * self.bank.gains**2
