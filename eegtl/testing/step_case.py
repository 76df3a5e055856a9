"""A step on a signal, for the rules of steps, and signals to try it on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..preprocessing import RunningStep, Step

Floats = NDArray[np.float64]

# Relative to the largest magnitude of the signal.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class StepCase:
    """One step on one signal.

    Parameters
    ----------
    step : Step
        The settings.
    sfreq : float
        Hz.
    ch_names : tuple of str
        The channels.
    passband : (float, float) or None
        Hz.
    data : ndarray of shape (n_channels, n_times)
        Volts, without gaps.
    seed : int
        For cuts and gaps.
    """

    step: Step
    sfreq: float
    ch_names: tuple[str, ...]
    passband: tuple[float, float] | None
    data: Floats
    seed: int

    def start(self) -> RunningStep:
        """Begin the step on this signal."""
        return self.step.start(self.sfreq, self.ch_names, self.passband)

    def whole(self, data: Floats) -> Floats:
        """Push everything and finish."""
        running = self.start()
        return np.concatenate([running.push(data), running.finish()], axis=1)

    def fail(self, rule: str, what: str) -> None:
        """Name the rule that is broken."""
        raise ContractError(f"{self.step!r} at {self.sfreq:g} Hz breaks '{rule}': {what}")

    def same(self, rule: str, got: Floats, expected: Floats, what: str) -> None:
        """Compare two outputs: shape, gaps, numbers."""
        if got.shape != expected.shape:
            self.fail(rule, f"{what}: the shapes are {got.shape} and {expected.shape}")
        if not np.array_equal(np.isnan(got), np.isnan(expected)):
            self.fail(rule, f"{what}: gaps are at other places")
        scale = float(np.nanmax(np.abs(self.data)))
        difference = np.abs(np.nan_to_num(got) - np.nan_to_num(expected))
        if difference.size and difference.max() > _TOLERANCE * scale:
            self.fail(
                rule,
                f"{what}: the outputs differ by {difference.max() / scale:.2g} of the signal",
            )

    def with_gaps(self) -> Floats:
        """Lose some samples: one alone, several, some absurd, in some channels."""
        rng = np.random.default_rng(self.seed)
        data, n = self.data.copy(), self.data.shape[1]
        for length, value in ((1, np.nan), (1, np.inf), (n // 50, np.nan), (n // 20, 7.0)):
            start = int(rng.integers(n // 10, n - length))
            data[int(rng.integers(len(data))), start : start + length] = value
        return data


def invented_signal(n_channels: int, sfreq: float, seconds: float, seed: int) -> Floats:
    """Make noise that falls with frequency, 20 uV, the channels correlated.

    Parameters
    ----------
    n_channels : int
        Rows.
    sfreq, seconds : float
        Hz and s.
    seed : int
        Same seed, same signal.

    Returns
    -------
    ndarray of shape (n_channels, n_times)
        Volts.

    Examples
    --------
    >>> invented_signal(2, 100.0, 3.0, 0).shape
    (2, 300)
    """
    rng = np.random.default_rng(seed)
    n = round(seconds * sfreq)
    spectrum = np.fft.rfft(rng.standard_normal((n_channels, n)), axis=1)
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(n, 1 / sfreq), 1.0))
    mixing = np.eye(n_channels) + 0.3 * rng.standard_normal((n_channels, n_channels))
    mixed = mixing @ np.fft.irfft(spectrum, n, axis=1)
    signal: Floats = 2e-5 * mixed / mixed.std(axis=1, keepdims=True)
    return signal
