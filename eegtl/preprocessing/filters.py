"""Band-pass and notch filters: causal with carried state, or zero-phase on whole recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from ..errors import InputError, SignalError
from .bandpass import NYQUIST_SHARE
from .format import Floats, Format, check_switch, is_number, is_whole, join_pieces
from .settling import decay_time
from .step import RunningStep, Step

# Of all channels together, in a block that is held: 64 MiB.
_HELD_SAMPLES = 2**23


class SosEngine:
    """Second-order sections with carried state, one cascade for all channels."""

    def __init__(self, sos: Floats) -> None:
        self._sos = sos
        self._steady = signal.sosfilt_zi(sos)
        self._state = np.empty((len(sos), 0, 2))

    def restart(self, sample: Floats, position: int) -> None:
        """Begin in the steady state of a constant signal."""
        self._state = self._steady[:, None, :] * sample[None, :, None]

    def run(self, data: Floats) -> Floats:
        """Filter."""
        out: Floats
        out, self._state = signal.sosfilt(self._sos, data, axis=-1, zi=self._state)
        return out

    def finish(self) -> Floats:
        """Hold nothing back."""
        return np.empty((self._state.shape[1], 0))


class ZeroPhaseEngine:
    """Second-order sections forwards and backwards over a whole run, which is held until then."""

    def __init__(self, sos: Floats, n_channels: int) -> None:
        self._sos = sos
        self._n_channels = n_channels
        self._held: list[Floats] = []
        self._filled = 0  # of the last block held
        # As scipy has it: three times the order, counting poles and zeros at 0 once.
        pairs = np.abs(sos[:, [2, 5]]) > 0
        self._padding = 3 * (2 * len(sos) + 1 - int(min((~pairs).sum(axis=0))))

    def restart(self, sample: Floats, position: int) -> None:
        """Begin another run."""
        self._held, self._filled = [], 0

    def run(self, data: Floats) -> Floats:
        """Hold the samples, in blocks so large that the system takes them back one by one."""
        block, done = max(1, _HELD_SAMPLES // self._n_channels), 0
        while done < data.shape[1]:
            if not self._held or self._filled == block:
                self._held.append(np.empty((self._n_channels, block)))
                self._filled = 0
            part = data[:, done : done + block - self._filled]
            self._held[-1][:, self._filled : self._filled + part.shape[1]] = part
            self._filled += part.shape[1]
            done += part.shape[1]
        return np.empty((self._n_channels, 0))

    def finish(self) -> Floats:
        """Filter the run."""
        if self._held:
            self._held[-1] = self._held[-1][:, : self._filled]
        data = join_pieces(self._held, self._n_channels)
        padding = min(self._padding, data.shape[1] - 1)
        for row in data:  # one at a time: scipy pads and copies what it gets
            row[:] = signal.sosfiltfilt(self._sos, row, padlen=padding)
        return data


@dataclass(frozen=True)
class Notch(Step):
    """Take one frequency and its multiples out: the mains.

    Each multiple is a second-order notch (zeros on the unit circle), -3 dB at its frequency
    plus and minus half the width.

    Parameters
    ----------
    frequency : float
        The frequency in Hz, 50 or 60 for the mains.
    width : float
        Width of each notch at -3 dB in Hz; with `zero_phase`, -6 dB.
    harmonics : int
        How many multiples are taken out, the frequency itself being the first. Those at the
        Nyquist frequency and beyond are left out.
    zero_phase : bool
        Filter forwards and backwards: no phase shift, and not causal.

    Raises
    ------
    InputError
        When a setting is out of range.

    References
    ----------
    Orfanidis, Introduction to Signal Processing (1996), section 11.3; `scipy.signal.iirnotch`.

    Examples
    --------
    >>> import numpy as np
    >>> hum = 1e-5 * np.sin(2 * np.pi * 50 * np.arange(2500) / 250)[None]
    >>> out = Notch(50.0).start(250.0, ["Cz"]).push(hum)
    >>> bool(abs(out[:, -250:]).max() < 1e-9)
    True
    """

    frequency: float = 50.0
    width: float = 2.0
    harmonics: int = 1
    zero_phase: bool = False
    name: ClassVar[str] = "notch"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_switch("zero_phase", self.zero_phase)
        _positive("frequency", self.frequency)
        _positive("width", self.width)
        if self.width >= 2 * self.frequency:
            raise InputError(
                f"width is {self.width!r} Hz, which reaches down to 0 Hz from a notch at "
                f"{self.frequency:g} Hz; give a narrower one, for example 2"
            )
        if not is_whole(self.harmonics, 1, 100):
            raise InputError(
                f"harmonics is {self.harmonics!r}; give a whole number from 1, for the frequency "
                "alone, to 100"
            )

    @property
    def causal(self) -> bool:
        """False with `zero_phase`."""
        return not self.zero_phase

    def group_delay(self, frequencies: ArrayLike, sfreq: float) -> Floats:
        """Give how late the envelope of a narrow band leaves the filter.

        This belongs to the shape of the filter and is not part of `RunningStep.delay`, since
        every output sample is there as soon as its input sample is.

        Parameters
        ----------
        frequencies : array-like of float
            In Hz.
        sfreq : float
            Sampling rate in Hz.

        Returns
        -------
        ndarray of float
            Seconds; 0 with `zero_phase`.

        Examples
        --------
        >>> Notch(50.0).group_delay([10.0], 250.0).round(4).tolist()
        [0.0002]
        """
        return _group_delay(self.sos(sfreq), frequencies, sfreq, self.zero_phase)

    def sos(self, sfreq: float) -> Floats:
        """Design the filter.

        Parameters
        ----------
        sfreq : float
            Sampling rate in Hz.

        Returns
        -------
        ndarray of shape (n_sections, 6)
            As `scipy.signal.sosfilt` takes it.

        Raises
        ------
        SignalError
            When the frequency is at the Nyquist frequency or beyond.

        Examples
        --------
        >>> Notch(50.0, harmonics=3).sos(256.0).shape
        (2, 6)
        """
        # Room for the upper half of the notch.
        ceiling = min(NYQUIST_SHARE * sfreq / 2, sfreq / 2 - self.width / 2)
        multiples = [k * self.frequency for k in range(1, self.harmonics + 1)]
        used = [f for f in multiples if f <= ceiling]
        if not used:
            raise SignalError(
                f"a notch at {self.frequency:g} Hz, {self.width:g} Hz wide, does not fit below "
                f"{sfreq / 2:g} Hz, half of the sampling rate of {sfreq:g} Hz; leave it out, or "
                "put it before the resampling"
            )
        pairs = [signal.iirnotch(f, f / self.width, fs=sfreq) for f in used]
        return np.array([np.concatenate(pair) for pair in pairs])

    def _begin(self, before: Format) -> RunningStep:
        """Design the filter for a signal."""
        return _running(self.sos(before.sfreq), self.zero_phase, before, before)


@dataclass(frozen=True)
class Bandpass(Step):
    """Keep a band of frequencies with a Butterworth filter.

    Parameters
    ----------
    low, high : float or None
        Edges in Hz, -3 dB (-6 dB with `zero_phase`). None leaves that side open: a high-pass or
        a low-pass filter.
    order : int
        Order of the low-pass prototype; a band-pass filter has twice as many poles.
    zero_phase : bool
        Filter forwards and backwards: no phase shift, and not causal.

    Raises
    ------
    InputError
        When a setting is out of range.

    References
    ----------
    Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd ed., section 7.3.

    Examples
    --------
    >>> import numpy as np
    >>> running = Bandpass(0.5, 45.0).start(250.0, ["Cz"])
    >>> bool(abs(running.push(np.full((1, 50), 1e-3))).max() < 1e-12), running.passband
    (True, (0.5, 45.0))
    """

    low: float | None = 0.5
    high: float | None = 45.0
    order: int = 4
    zero_phase: bool = False
    name: ClassVar[str] = "bandpass"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_switch("zero_phase", self.zero_phase)
        if self.low is None and self.high is None:
            raise InputError(
                'low and high are both None (in a recipe: "none"); give one edge, or leave the '
                "step out"
            )
        for name in ("low", "high"):
            if getattr(self, name) is not None:
                _positive(name, getattr(self, name))
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise InputError(
                f"low is {self.low:g} Hz and high is {self.high:g} Hz; give edges that rise"
            )
        if not is_whole(self.order, 1, 10):
            raise InputError(f"order is {self.order!r}; give a whole number from 1 to 10")

    @property
    def causal(self) -> bool:
        """False with `zero_phase`."""
        return not self.zero_phase

    def group_delay(self, frequencies: ArrayLike, sfreq: float) -> Floats:
        """Give how late the envelope of a narrow band leaves the filter.

        This belongs to the shape of the filter and is not part of `RunningStep.delay`, since
        every output sample is there as soon as its input sample is.

        Parameters
        ----------
        frequencies : array-like of float
            In Hz.
        sfreq : float
            Sampling rate in Hz.

        Returns
        -------
        ndarray of float
            Seconds; 0 with `zero_phase`.

        Examples
        --------
        >>> Bandpass(8.0, 14.0).group_delay([11.0], 250.0).round(2).tolist()
        [0.13]
        """
        return _group_delay(self.sos(sfreq), frequencies, sfreq, self.zero_phase)

    def sos(self, sfreq: float) -> Floats:
        """Design the filter.

        Parameters
        ----------
        sfreq : float
            Sampling rate in Hz.

        Returns
        -------
        ndarray of shape (n_sections, 6)
            As `scipy.signal.sosfilt` takes it.

        Raises
        ------
        SignalError
            When an edge does not fit below the Nyquist frequency.

        Examples
        --------
        >>> Bandpass(None, 40.0).sos(250.0).shape
        (2, 6)
        """
        highest = self.high if self.high is not None else self.low
        if highest is not None and highest > NYQUIST_SHARE * sfreq / 2:
            advice = "choose a lower one"
            if self.low is not None and self.high is not None:
                advice += ', or high=None for an open end (in a recipe: high = "none")'
            raise SignalError(
                f"the edge at {highest:g} Hz does not fit below {sfreq / 2:g} Hz, half of the "
                f"sampling rate of {sfreq:g} Hz; {advice}"
            )
        edges: float | tuple[float, float] | None
        if self.low is None:
            kind, edges = "lowpass", self.high
        elif self.high is None:
            kind, edges = "highpass", self.low
        else:
            kind, edges = "bandpass", (self.low, self.high)
        sos: Floats = signal.butter(self.order, edges, kind, fs=sfreq, output="sos")
        return sos

    def _begin(self, before: Format) -> RunningStep:
        """Design the filter for a signal."""
        sos = self.sos(before.sfreq)
        floor, ceiling = before.passband or (0.0, before.sfreq / 2)
        left = (max(floor, self.low or 0.0), min(ceiling, self.high or ceiling))
        if left[0] >= left[1]:
            raise SignalError(
                f"nothing is left between {self.low or 0:g} and {self.high or ceiling:g} Hz of a "
                f"signal that holds {floor:g}-{ceiling:g} Hz; choose other edges"
            )
        return _running(sos, self.zero_phase, before, Format(before.sfreq, before.ch_names, left))


def _running(sos: Floats, zero_phase: bool, before: Format, after: Format) -> RunningStep:
    """Put a designed filter to work."""
    settling = decay_time(sos[:, 4:], before.sfreq)
    if zero_phase:
        engine = ZeroPhaseEngine(sos, len(before.ch_names))
        return RunningStep(engine, before, after, delay=float("inf"), settling=settling)
    return RunningStep(SosEngine(sos), before, after, settling=settling)


def _positive(name: str, value: Any) -> None:
    """Refuse what is no frequency."""
    if not is_number(value) or value <= 0:
        raise InputError(f"{name} is {value!r}; give a frequency in Hz above 0")


def _group_delay(
    sos: Floats, frequencies: ArrayLike, sfreq: float, zero_phase: bool
) -> NDArray[np.float64]:
    """Add the group delays of the sections."""
    at = np.atleast_1d(np.asarray(frequencies, dtype=np.float64))
    if zero_phase:
        return np.zeros(len(at))
    delays: Sequence[Floats] = [
        signal.group_delay((section[:3], section[3:]), w=at, fs=sfreq)[1] for section in sos
    ]
    return np.sum(delays, axis=0) / sfreq
