"""`Resample`: another sampling rate, by a rational ratio and a linear-phase FIR filter.

Output k lies at the input position p = k down / up. It is the sum over the inputs i of
``h(p - i) x[i]`` with h a Kaiser-windowed sinc. The weights repeat after `up` outputs, so blocks of
m `up` outputs from m `down` inputs and the H inputs on either side are one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
from scipy import signal

from ..errors import InputError, SignalError
from .format import Floats, Format, check_sfreq
from .mixing import PassEngine
from .step import RunningStep, Step

#: Share of the lower Nyquist frequency that passes unchanged.
PASSBAND_SHARE = 0.8
#: Attenuation beyond the lower Nyquist frequency in dB. The design asks for more, since the
#: weights are scaled afterwards and the promise is the least anywhere.
STOPBAND_DB = 60.0
_DESIGN_DB = 66.0
#: Largest numerator and denominator of the ratio of the rates.
MAX_FACTOR = 2048


@dataclass(frozen=True)
class Resample(Step):
    """Bring the signal to another sampling rate.

    The filter has linear phase, and its delay is taken back: output k belongs to the time
    k / `sfreq` after the first sample. It becomes available when the inputs on its far side have
    come, which is the `delay` of the running step: half the length of the filter (160 ms from 256
    to 128 Hz, 82 ms from 1000 to 250 Hz).

    Up to 0.8 of the lower Nyquist frequency, amplitudes change by less than 0.1 %; beyond the
    lower Nyquist frequency they are 60 dB down or more. Constants pass exactly. Before a run of
    samples the first one is continued, behind it the last one.

    Parameters
    ----------
    sfreq : float
        The new sampling rate in Hz. Its ratio to the old one needs whole numbers up to 2048.

    Raises
    ------
    InputError
        When it is no rate.

    References
    ----------
    Kaiser and Schafer (1980), "On the use of the I0-sinh window for spectrum analysis", IEEE
    Trans. ASSP 28; Crochiere and Rabiner (1983), Multirate Digital Signal Processing, chapter 3.

    Examples
    --------
    >>> running = Resample(128.0).start(256.0, ["Cz"])
    >>> running.passband, round(running.delay, 3)
    ((0.0, 51.2), 0.16)
    >>> running.push(np.ones((1, 200)))[0, :3].round(12).tolist()
    [1.0, 1.0, 1.0]
    """

    sfreq: float
    name: ClassVar[str] = "resample"

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            check_sfreq(self.sfreq)
        except SignalError as error:
            raise InputError(str(error)) from error
        object.__setattr__(self, "sfreq", float(self.sfreq))

    def _begin(self, before: Format) -> RunningStep:
        """Design the filter for a signal."""
        ratio = rate_ratio(before.sfreq, self.sfreq)
        if ratio == 1:
            return RunningStep(PassEngine(len(before.ch_names)), before, before)
        ceiling = PASSBAND_SHARE * min(before.sfreq, self.sfreq) / 2
        low, high = before.passband or (0.0, ceiling)
        if low >= ceiling:
            raise SignalError(
                f"at {self.sfreq:g} Hz nothing above {ceiling:g} Hz is left, and the signal holds "
                f"{low:g}-{high:g} Hz; choose a higher rate"
            )
        engine = ResampleEngine(ratio, len(before.ch_names))
        after = Format(self.sfreq, before.ch_names, (low, min(high, ceiling)))
        return RunningStep(engine, before, after, ratio=ratio, delay=engine.half / before.sfreq)


def rate_ratio(before: float, after: float) -> Fraction:
    """Give the ratio of two sampling rates in small whole numbers.

    Parameters
    ----------
    before, after : float
        Rates in Hz.

    Returns
    -------
    Fraction
        ``after / before``.

    Raises
    ------
    SignalError
        When there is no such ratio.

    Examples
    --------
    >>> rate_ratio(256.0, 200.0)
    Fraction(25, 32)
    """
    ratio = Fraction(after / before).limit_denominator(MAX_FACTOR)
    if 0 < ratio.numerator <= MAX_FACTOR and abs(float(ratio) * before - after) <= 1e-9 * after:
        return ratio
    near = [
        Fraction(after / before).limit_denominator(limit) * Fraction(before) for limit in (1, 8, 64)
    ]
    rates = list(dict.fromkeys(f"{float(rate):.10g}" for rate in near if rate > 0))
    advice = f"choose a rate such as {' or '.join(rates)} Hz, or " if rates else ""
    raise SignalError(
        f"{before:.10g} Hz cannot become {after:.10g} Hz: the ratio is none of whole numbers up to "
        f"{MAX_FACTOR}; {advice}correct the sampling rate if it was measured (256 Hz for 255.9)"
    )


class ResampleEngine:
    """A block of outputs at a time as a matrix product, aligned to the grid of all outputs.

    Attributes
    ----------
    half : int
        Inputs on either side that an output needs.
    """

    def __init__(self, ratio: Fraction, n_channels: int) -> None:
        up, down = ratio.numerator, ratio.denominator
        # In units of the input rate: cut-off in the middle of the transition band.
        nyquist = 0.5 * min(1.0, float(ratio))
        width = (1 - PASSBAND_SHARE) * nyquist
        cutoff = nyquist - width / 2
        n_taps, beta = signal.kaiserord(_DESIGN_DB, 2 * width)
        self.half = -(-n_taps // 2)
        # Blocks of at least the filter's length waste at most half of the products.
        repeats = max(1, -(-2 * self.half // down))
        self._ins, self._outs = repeats * down, repeats * up
        self._up, self._down = up, down
        positions = np.arange(self._outs) * down / up
        offsets = np.arange(-self.half, self._ins + self.half)[:, None] - positions
        inside = np.abs(offsets) <= self.half
        window = np.i0(beta * np.sqrt(np.where(inside, 1 - (offsets / self.half) ** 2, 0.0)))
        weights = np.where(inside, np.sinc(2 * cutoff * offsets) * window, 0.0)
        self._weights = np.ascontiguousarray(weights / weights.sum(axis=0))
        self._n_channels = n_channels
        self._held = np.empty((n_channels, 0))
        self._held_from = 0
        self._next = 0
        self._last = np.empty(n_channels)

    def restart(self, sample: Floats, position: int) -> None:
        """Continue the first sample into the past."""
        self._next = -(-position * self._up // self._down)
        # Held are the inputs from `_held_from` on, the start of the next output's block.
        self._held_from = self._block_start(self._next)
        n = position - self._held_from
        self._held = np.repeat(sample[:, None], max(0, n), axis=1)
        if n < 0:  # the first samples of the run come before the block of its first output
            self._held_from = position
        self._last = sample.copy()

    def run(self, data: Floats) -> Floats:
        """Give the outputs that have their inputs on both sides."""
        self._last = data[:, -1].copy()
        held = np.concatenate([self._held, data], axis=1)
        seen = self._held_from + held.shape[1]
        # Output k needs the input floor(k down / up) + half.
        return self._outputs(held, -(-(seen - self.half) * self._up // self._down))

    def finish(self) -> Floats:
        """Continue the last sample into the future; give the outputs up to it."""
        seen = self._held_from + self._held.shape[1]
        tail = np.repeat(self._last[:, None], self.half, axis=1)
        held = np.concatenate([self._held, tail], axis=1)
        return self._outputs(held, -(-seen * self._up // self._down))

    def _block_start(self, k: int) -> int:
        """Give the first input that the block of output k multiplies."""
        return k // self._outs * self._ins - self.half

    def _outputs(self, held: Floats, stop: int) -> Floats:
        """Compute the outputs from `_next` to `stop`, and keep the inputs of those behind."""
        first, origin = self._next, self._held_from
        pieces = []
        while self._next < stop:
            offset = self._next % self._outs
            n_blocks = (stop - self._next) // self._outs if offset == 0 else 0
            at = self._block_start(self._next) - origin
            if n_blocks:
                pieces.append(self._whole_blocks(held, at, n_blocks))
                self._next += n_blocks * self._outs
            else:
                end = min(self._outs, offset + stop - self._next)
                pieces.append(self._part_of_block(held, at, offset, end))
                self._next += end - offset
        keep = max(0, self._block_start(self._next) - origin)
        self._held = held[:, keep:].copy() if keep or len(pieces) else held
        self._held_from = origin + keep
        assert self._next - first == sum(piece.shape[1] for piece in pieces)
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate([np.empty((self._n_channels, 0)), *pieces], axis=1)

    def _part_of_block(self, held: Floats, at: int, begin: int, end: int) -> Floats:
        """Compute the outputs begin..end of the block that starts at the input `at`."""
        low = begin * self._down // self._up
        high = (end - 1) * self._down // self._up + 2 * self.half + 1
        out: Floats = held[:, at + low : at + high] @ self._weights[low:high, begin:end]
        return out

    def _whole_blocks(self, held: Floats, at: int, n_blocks: int) -> Floats:
        """Compute several blocks at once; each reads its own inputs and the start of the next."""
        size, reach = self._ins, 2 * self.half
        own, next_one = self._weights[:size], self._weights[size:]
        # The last output of a block may come before the block's last inputs: their weights are 0.
        last = np.zeros((self._n_channels, reach))
        known = held[:, at + n_blocks * size :][:, :reach]
        last[:, : known.shape[1]] = known
        out = np.empty((self._n_channels, n_blocks, self._outs))
        # Channel by channel without copies, in products so small that no threads wait for others.
        for row, tail, result in zip(held, last, out, strict=True):
            blocks = row[at : at + n_blocks * size].reshape(n_blocks, size)
            np.matmul(blocks, own, out=result)
            result[:-1] += blocks[1:, :reach] @ next_one
            result[-1] += tail @ next_one
        return out.reshape(self._n_channels, -1)
