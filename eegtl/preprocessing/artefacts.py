"""Marks for windows that hold artefacts. They mark; nothing is deleted or changed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, SignalError
from .format import Floats, Format, is_number
from .mixing import PassEngine
from .step import RunningStep, Step

#: What a window can be marked for, in the order of the last axis of `ArtefactMarks.judge`.
KINDS = ("amplitude", "flat", "clipped", "mains", "dropout")

# Equal to the extreme value, apart from rounding in a change of units.
_SAME = 1e-12
# Samples in a row at the extreme that make a plateau: a smooth peak has one or two.
_PLATEAU = 3
# Equal samples in a row that no electrode gives: half a packet of a headset.
_LOST = 6
# The mains ratio compares with the power of this band, in Hz.
_LOWEST, _HIGHEST = 1.0, 95.0
# Least distance in Hz from the mains frequency that still counts as mains.
_NEAR = 1.0
# Half the width in Hz of the Hann window's main lobe beyond which mains is not told from EEG:
# windows shorter than 0.2 s are not judged for mains.
_WIDEST = 10.0


@dataclass(frozen=True)
class ArtefactMarks(Step):
    """Mark windows by amplitude, flatness, clipping, mains and dropouts; pass the signal.

    The marks judge the signal at their place in a chain. Clipping, dropouts and mains are seen
    only in front of the filters; drifts count as amplitude unless a high-pass filter stands
    before.

    Parameters
    ----------
    amplitude : float or None
        ``amplitude``: peak to peak above this, in volts. Blinks have 100 to 400 uV.
    flat : float or None
        ``flat``: standard deviation below this, in volts. The inputs of EEG amplifiers have 0.1
        to 1 uV of noise, so less is no electrode.
    clipped : float or None
        ``clipped``: at least this share of the samples stands on plateaus at the largest or
        smallest value of the window, three or more equal samples in a row, dropouts apart. A
        constant channel is flat, not clipped.
    mains : float or None
        ``mains``: frequency of the mains in Hz, 50 or 60; None leaves the mains out.
    mains_ratio : float
        ``mains``: share of the power between 1 Hz and 95 Hz (or the Nyquist frequency) that may
        lie at the mains frequency, within 1 Hz or the width of the Hann window's main lobe.
        Windows shorter than 0.2 s are not judged for mains: their main lobe holds the EEG, too.
    dropout : float or None
        ``dropout``: at least this share of the samples stands in runs of six or more that a device
        wrote for lost ones: exact zeros, or one value repeated elsewhere than at the extremes of
        the window. `Dropouts` mends zeros. A constant channel is flat, not a dropout.

    Raises
    ------
    InputError
        When a limit is out of range.

    Notes
    -----
    None switches a kind off.

    Examples
    --------
    >>> marks = ArtefactMarks(mains=50.0)
    >>> hum = 5e-5 * np.sin(2 * np.pi * 50 * np.arange(500) / 250)
    >>> dict(zip(marks.KINDS, marks.judge(hum[None, None], 250.0)[0, 0].tolist()))
    {'amplitude': False, 'flat': False, 'clipped': False, 'mains': True, 'dropout': False}
    """

    amplitude: float | None = 200e-6
    flat: float | None = 0.1e-6
    clipped: float | None = 0.02
    mains: float | None = None
    mains_ratio: float = 0.5
    dropout: float | None = 0.02
    name: ClassVar[str] = "artefacts"
    KINDS: ClassVar[tuple[str, ...]] = KINDS

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name != "mains_ratio":
                continue
            share = field.name in ("clipped", "mains_ratio", "dropout")
            if not is_number(value) or not 0 < value <= (1 if share else np.inf):
                unit = {"mains": "a frequency in Hz"}.get(field.name, "a limit in volts")
                what = "a share above 0, at most 1" if share else f"{unit} above 0"
                raise InputError(f"{field.name} is {value!r}; give {what}")

    def judge(self, windows: ArrayLike, sfreq: float) -> NDArray[np.bool_]:
        """Say what each window is marked for.

        Parameters
        ----------
        windows : array-like of shape (n_windows, n_channels, n_times)
            Volts.
        sfreq : float
            Sampling rate in Hz.

        Returns
        -------
        ndarray of bool, shape (n_windows, n_channels, 5)
            The kinds in the order of `KINDS`. A channel with samples that are not finite is not
            judged: nothing is marked.

        Raises
        ------
        SignalError
            When the windows have the wrong shape, or the mains frequency lies beyond the Nyquist
            frequency.

        Examples
        --------
        >>> ArtefactMarks().judge(np.zeros((1, 2, 100)), 100.0)[0, :, 1].tolist()
        [True, True]
        """
        data = np.asarray(windows, dtype=np.float64)
        if data.ndim != 3 or data.shape[2] < 2:
            raise SignalError(
                f"windows have the shape {data.shape}; give (n_windows, n_channels, n_times) with "
                "two samples at least"
            )
        self._check_mains(sfreq)
        marks = np.zeros((*data.shape[:2], len(KINDS)), dtype=np.bool_)
        low, high = data.min(axis=2), data.max(axis=2)
        good = np.isfinite(low) & np.isfinite(high)  # NaN is both extremes
        all_good = bool(good.all())
        if not all_good:
            data = np.where(good[:, :, None], data, 0.0)
            low[~good] = high[~good] = 0.0
        if self.amplitude is not None:
            marks[:, :, 0] = high - low > self.amplitude
        if self.flat is not None:
            marks[:, :, 1] = data.std(axis=2) < self.flat
        if self.clipped is not None or self.dropout is not None:
            clipped, lost = _equal_shares(data, low, high)
            if self.clipped is not None:
                marks[:, :, 2] = clipped >= self.clipped
            if self.dropout is not None:
                marks[:, :, 4] = lost >= self.dropout
        if self.mains is not None and 2 * sfreq / data.shape[2] <= _WIDEST + 1e-9:
            marks[:, :, 3] = mains_share(data, sfreq, self.mains) > self.mains_ratio
        if not all_good:
            marks[~good] = False
        return marks

    def _check_mains(self, sfreq: float) -> None:
        """Refuse a mains frequency that the signal cannot hold."""
        if self.mains is not None and self.mains >= min(sfreq / 2, _HIGHEST):
            raise SignalError(
                f"mains at {self.mains:g} Hz cannot be seen at {sfreq:g} Hz, which holds "
                f"1-{min(sfreq / 2, _HIGHEST):g} Hz; put the marks before the resampling, or set "
                'mains=None (in a recipe: mains = "none")'
            )

    def _begin(self, before: Format) -> RunningStep:
        """Pass the signal."""
        self._check_mains(before.sfreq)
        return RunningStep(PassEngine(len(before.ch_names)), before, before)


class Annotator:
    """Collects the signal that passes the marks and judges every second of it.

    Attributes
    ----------
    rows : list of (float, float, str, tuple of str)
        Onset in seconds from the first sample, duration in seconds, ``BAD_<kind>``, and the
        channels marked.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, str, tuple[str, ...]]] = []
        self._marks: ArtefactMarks | None = None
        self._sfreq = 1.0
        self._names: tuple[str, ...] = ()
        self._length = 1
        self._held = np.empty((0, 0))
        self._latest = np.empty((0, 0))
        self._judged = 0

    def begin(
        self, marks: ArtefactMarks | None, marks_format: tuple[float, tuple[str, ...]] | None
    ) -> None:
        """Take over the settings.

        Parameters
        ----------
        marks : ArtefactMarks or None
            None where the chain has no marks.
        marks_format : (float, tuple of str) or None
            Sampling rate in Hz and channels of the signal there.
        """
        self._marks = marks
        if marks_format is not None:
            self._sfreq, self._names = marks_format
            self._length = max(2, round(self._sfreq))
            self._held = np.empty((len(self._names), 0))
            self._latest = self._held

    def push(self, data: Floats) -> None:
        """Judge the seconds that are complete.

        Parameters
        ----------
        data : ndarray of shape (n_channels, n_times)
            The next samples in volts.
        """
        held = np.concatenate([self._held, data], axis=1)
        n_seconds = held.shape[1] // self._length
        whole = held[:, : n_seconds * self._length]
        windows = whole.reshape(len(held), n_seconds, self._length).transpose(1, 0, 2)
        for window in windows:  # one at a time: a recording in one piece would take much memory
            self._note(window, self._judged)
            self._judged += self._length
        if n_seconds:
            self._latest = windows[-1].copy()
        self._held = held[:, n_seconds * self._length :]

    def finish(self) -> None:
        """Judge the last second, which overlaps the one before; or all, where that is less."""
        if not self._held.shape[1]:
            return
        # A short rest would be judged by limits that are meant for seconds.
        last = np.concatenate([self._latest, self._held], axis=1)
        start = max(0, last.shape[1] - self._length)
        if last.shape[1] - start >= 2:
            self._note(last[:, start:], self._judged - self._latest.shape[1] + start)

    def _note(self, window: Floats, first: int) -> None:
        """Keep the marks of the window that begins with a sample."""
        if self._marks is None:
            return
        marked = self._marks.judge(window[None], self._sfreq)[0]
        for kind in np.flatnonzero(marked.any(axis=0)):
            names = zip(self._names, marked[:, kind], strict=True)
            channels = tuple(name for name, bad in names if bad)
            onset, duration = first / self._sfreq, window.shape[1] / self._sfreq
            self.rows.append((onset, duration, f"BAD_{KINDS[kind]}", channels))


def mains_share(windows: ArrayLike, sfreq: float, mains: float) -> NDArray[np.float64]:
    """Give the share of the power that lies at the mains frequency.

    Power is that of the periodogram behind a Hann window, without the mean.

    Parameters
    ----------
    windows : array-like of shape (..., n_times)
        Volts, finite.
    sfreq : float
        Sampling rate in Hz.
    mains : float
        Frequency of the mains in Hz.

    Returns
    -------
    ndarray of shape (...)
        Power within 1 Hz of the mains frequency (or within the Hann window's main lobe, 2 / T,
        for windows shorter than 2 s) over the power from 1 Hz to the lower of 95 Hz and the
        Nyquist frequency; 0 where there is no power.

    References
    ----------
    Harris (1978), "On the use of windows for harmonic analysis with the discrete Fourier
    transform", Proc. IEEE 66, table I.

    Examples
    --------
    >>> t = np.arange(500) / 250
    >>> mixed = np.sin(2 * np.pi * 50 * t) + np.sin(2 * np.pi * 10 * t)
    >>> mains_share(mixed, 250.0, 50.0).round(3).item()
    0.5
    """
    data = np.asarray(windows, dtype=np.float64)
    n = data.shape[-1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    centred = data - data.mean(axis=-1, keepdims=True)
    spectrum = np.fft.rfft(centred * hann, axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    frequencies = np.fft.rfftfreq(n, 1 / sfreq)
    half = max(_NEAR, 2 * sfreq / n)
    near = np.abs(frequencies - mains) <= half + 1e-9
    band = ((frequencies >= _LOWEST - 1e-9) & (frequencies <= _HIGHEST)) | near
    total = power[..., band].sum(axis=-1)
    share = power[..., near].sum(axis=-1)
    # What is left of a constant after its mean is taken off is rounding, not power.
    rounding = (1e-12 * np.abs(data).max(axis=-1)) ** 2 * n
    return np.divide(share, total, out=np.zeros_like(total), where=total > rounding)


def _equal_shares(data: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Give the shares of samples on plateaus at the extremes, and in dropouts.

    Both are 0 for a constant channel.
    """
    tolerance = _SAME * np.maximum(np.abs(low), np.abs(high))
    shares = np.zeros((2, *low.shape))
    # Both need runs of three samples within the tolerance at least; few channels have any.
    close = np.abs(data[:, :, 1:] - data[:, :, :-1]) <= 3 * tolerance[:, :, None]
    held = (close[:, :, 1:] & close[:, :, :-1]).any(axis=2) & (high - low > tolerance)
    if held.any():
        shares[:, held] = _shares_of_runs(data[held], low[held], high[held], tolerance[held])
    return shares[0], shares[1]


def _shares_of_runs(
    data: Floats, low: Floats, high: Floats, tolerance: Floats
) -> tuple[Floats, Floats]:
    """Give both shares of channels in windows, (n, n_times), that are not constant."""
    at_extreme = np.zeros(data.shape, dtype=np.bool_)
    clipped = np.zeros(data.shape, dtype=np.bool_)
    for extreme in (low, high):
        at = np.abs(data - extreme[:, None]) <= tolerance[:, None]
        at_extreme |= at
        clipped |= _in_runs(at[:, 1:] & at[:, :-1], _PLATEAU)
    lost = _in_runs(data[:, 1:] == data[:, :-1], _LOST) & ((data == 0) | ~at_extreme)
    return (clipped & ~lost).mean(axis=1), lost.mean(axis=1)


def _in_runs(same: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Mark the samples in runs of at least some that each are the same as the one before."""
    n = same.shape[1] + 1
    marked = np.zeros((len(same), n), dtype=np.bool_)
    if n < least:
        return marked
    begins = same[:, : n - least + 1].copy()
    for shift in range(1, least - 1):
        begins &= same[:, shift : n - least + 1 + shift]
    if begins.any():
        for shift in range(least):
            marked[:, shift : shift + n - least + 1] |= begins
    return marked
