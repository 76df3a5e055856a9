"""The engines of steps without memory: pass the samples, or mix the channels of each."""

from __future__ import annotations

import numpy as np

from .format import Floats


class PassEngine:
    """Pass the samples as they are."""

    def __init__(self, n_channels: int) -> None:
        self._nothing = np.empty((n_channels, 0))

    def restart(self, sample: Floats, position: int) -> None:
        """Keep no state."""

    def run(self, data: Floats) -> Floats:
        """Pass the samples."""
        return data

    def finish(self) -> Floats:
        """Hold nothing back."""
        return self._nothing


class MixingEngine(PassEngine):
    """Multiply every sample by one matrix (n_channels_out, n_channels_in)."""

    def __init__(self, matrix: Floats) -> None:
        super().__init__(len(matrix))
        self._matrix = matrix

    def run(self, data: Floats) -> Floats:
        """Mix."""
        mixed: Floats = self._matrix @ data
        return mixed


class ReferenceEngine(PassEngine):
    """Subtract the mean of some channels (`rows`) from those that stay (`kept`)."""

    def __init__(self, rows: list[int], kept: list[int], n_channels: int) -> None:
        super().__init__(len(kept))
        self._rows = None if rows == list(range(n_channels)) else rows
        self._kept = None if kept == list(range(n_channels)) else kept

    def run(self, data: Floats) -> Floats:
        """Subtract."""
        mean = (data if self._rows is None else data[self._rows]).mean(axis=0)
        out: Floats = (data if self._kept is None else data[self._kept]) - mean
        return out
