"""`ASR`: artifact subspace reconstruction, calibrated on the beginning of the signal.

The shaping filter and the robust covariance of the calibration are asrpy's. The fit of the
amplitudes (`clean_amplitude`) and the reconstruction run here: with NumPy 2.4 asrpy 0.0.8 fails in
its fit, and its `asr_process` leaves the last step of every piece it is given as it was.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, signal

from .._optional import require
from ..errors import InputError, SignalError, SignalWarning
from .clean_amplitude import clean_amplitude
from .format import Floats, Format, is_number
from .step import RunningStep, Step

#: Least calibration in seconds: with less the fit of the amplitudes has too few windows.
LEAST_SECONDS = 15.0
#: Least number of channels: with fewer there is nothing to reconstruct from.
LEAST_CHANNELS = 4
#: Least sampling rate in Hz for which asrpy's shaping filter exists.
LEAST_SFREQ = 100.0

_WINDOW = 0.5  # seconds of the running covariance, half of them ahead of the sample cleaned
_STEPS = 4  # updates of the reconstruction per window
_MOST_DIMENSIONS = 0.66  # share of the components that may be rebuilt at a time
_BLOCK = 100  # samples per covariance of the calibration
_SHIFT = 0.34  # of a window, from one amplitude of the calibration to the next
_RANK = 1e-10  # smallest over largest eigenvalue of the calibration's covariance
# The share of a calibration that is not calm: windows in which some component has more than
# `_LOUD` times its tenth percentile, which is calm as long as a tenth of the calibration is.
_LOUD, _QUIET = 3.0, 0.1
_MOST_LOUD = 0.3


@dataclass(frozen=True)
class ASR(Step):
    """Rebuild components whose amplitude is far beyond that of the calibration.

    The first seconds of the signal are the calibration and pass unchanged; they should be calm.
    After that, in every eighth of a second the components of the running covariance that exceed
    the thresholds are rebuilt from the others, with the covariance of the calibration.

    Needs the extra ``asr``. The signal must be without offset (a high-pass filter stands before)
    and of full rank (no average reference before).

    Parameters
    ----------
    cutoff : float
        Threshold in standard deviations of the calibration's amplitude. 20 is careful, 5 severe.
    seconds : float
        Length of the calibration in good samples; a minute is usual.

    Raises
    ------
    InputError
        When a setting is out of range.

    Warns
    -----
    SignalWarning
        When the signal ends within the calibration, so that nothing was cleaned, or when more
        than 30 % of the calibration is not calm: windows of half a second in which some component
        has over three times its tenth percentile. The share is in the notes of the running step.

    References
    ----------
    Mullen et al. (2015), "Real-time neuroimaging and cognitive monitoring using wearable dry
    EEG", IEEE Trans. Biomed. Eng. 62; asrpy. Euclidean averages only.

    Examples
    --------
    >>> ASR(cutoff=10.0).describe()
    {'name': 'asr', 'cutoff': 10.0, 'seconds': 60.0}
    """

    cutoff: float = 20.0
    seconds: float = 60.0
    name: ClassVar[str] = "asr"
    keeps: ClassVar[str] = "the calibration"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("cutoff", 1.0), ("seconds", LEAST_SECONDS)):
            value = getattr(self, name)
            if not is_number(value) or value < least:
                raise InputError(f"{name} is {value!r}; give a number of at least {least:g}")

    def _begin(self, before: Format) -> RunningStep:
        """Check the signal; find the extra."""
        if before.passband is None or before.passband[0] <= 0:
            raise SignalError(
                "ASR needs a signal without offset and drift; put Bandpass(0.5, None) before it "
                '(in a recipe: name = "bandpass", low = 0.5, high = "none")'
            )
        if len(before.ch_names) < LEAST_CHANNELS:
            raise SignalError(
                f"ASR needs {LEAST_CHANNELS} channels at least; the signal has "
                f"{len(before.ch_names)}: {', '.join(before.ch_names)}"
            )
        if before.sfreq < LEAST_SFREQ:
            raise SignalError(
                f"ASR needs {LEAST_SFREQ:g} Hz at least; the signal has {before.sfreq:g} Hz. Put "
                "it before the resampling"
            )
        asrpy = require("asrpy", extra="asr", purpose="clean with ASR")
        return _RunningASR(ASREngine(self, before, asrpy), before, self.seconds)


class ASREngine:
    """Calibration first, then reconstruction in steps of fixed length.

    Attributes
    ----------
    lookahead, step : int
        Samples that an update sees ahead, and samples per update.
    reconstruction : ndarray of shape (n_channels, n_channels)
        The matrix of the latest update.
    loud : float or None
        Share of the calibration that is not calm; None until it is complete.
    """

    def __init__(self, settings: ASR, before: Format, asrpy: ModuleType) -> None:
        self._asrpy = asrpy
        self._cutoff, self._sfreq = settings.cutoff, before.sfreq
        self._wanted = round(settings.seconds * before.sfreq)
        self._length = round(_WINDOW * before.sfreq)
        self.lookahead = self._length // 2
        self.step = max(1, self._length // _STEPS)
        n = len(before.ch_names)
        self._n_channels, self._identity = n, np.eye(n)
        shaping = asrpy.ASR(sfreq=before.sfreq)
        self._b, self._a = shaping.B, shaping.A
        self._steady = signal.lfilter_zi(self._b, self._a)
        self._calibration: list[Floats] = []
        self._collected = 0
        self._scale = 0.0
        self.loud: float | None = None
        self._mixing = self._thresholds = np.empty((0, 0))
        self._begin_run(np.zeros(n))

    @property
    def missing(self) -> int:
        """Samples that the calibration still needs."""
        return self._wanted - self._collected

    def _begin_run(self, sample: Floats) -> None:
        """Forget the signal, not the calibration."""
        self._state = self._steady * sample[:, None]
        self._shaped = np.zeros((self._n_channels, self._length))
        self._waiting = np.empty((self._n_channels, 0))
        self._ahead = np.empty((self._n_channels, 0))
        self.reconstruction = self._identity

    def restart(self, sample: Floats, position: int) -> None:
        """Begin another run."""
        self._begin_run(sample)

    def run(self, data: Floats) -> Floats:
        """Calibrate, then clean."""
        passed = min(data.shape[1], self.missing)
        if passed:
            self._calibrate(data[:, :passed])
        cleaned = self._clean(data[:, passed:])
        return np.concatenate([data[:, :passed], cleaned], axis=1) if passed else cleaned

    def finish(self) -> Floats:
        """Clean what waits with the latest reconstruction."""
        rest: Floats = self.reconstruction @ np.concatenate([self._ahead, self._waiting], axis=1)
        self._ahead = self._waiting = np.empty((self._n_channels, 0))
        return rest

    def _shape(self, data: Floats) -> Floats:
        """Weigh frequencies as the method does: blinks and muscles count more."""
        shaped: Floats
        shaped, self._state = signal.lfilter(self._b, self._a, data, axis=-1, zi=self._state)
        return shaped

    def _calibrate(self, data: Floats) -> None:
        """Collect calibration; compute the thresholds when it is complete."""
        self._calibration.append(data.copy())
        self._collected += data.shape[1]
        shaped = self._shape(data)
        self._shaped = np.concatenate([self._shaped, shaped], axis=1)[:, -self._length :]
        if self.missing:
            return
        signals = np.concatenate(self._calibration, axis=1)
        self._calibration = []
        spread = np.linalg.eigvalsh(np.cov(signals))
        rank = int((spread > _RANK * spread[-1]).sum())
        if rank < self._n_channels:
            raise SignalError(
                f"the calibration of ASR has no full rank ({rank} of {self._n_channels} channels "
                "are independent); put ASR before an average reference and before interpolated "
                "channels, and leave dead channels out"
            )
        # asrpy's geometric median stops at an absolute difference, which volts never exceed.
        self._scale = float(np.median(signals.std(axis=1)))
        self._mixing, self._thresholds = self._calibrated(signals / self._scale)

    def _calibrated(self, signals: Floats) -> tuple[Floats, Floats]:
        """Give the mixing matrix of the calibration and the thresholds of its components."""
        shaped = signal.lfilter(self._b, self._a, signals, axis=-1)
        blocks = self._asrpy.asr_utils.block_covariance(shaped, window=_BLOCK) / _BLOCK
        covariance = self._asrpy.asr_utils.geometric_median(blocks)
        n = self._n_channels
        mixing = np.real(linalg.sqrtm(covariance.reshape(n, n)))
        _, vectors = linalg.eigh(mixing)
        power = (vectors.T @ shaped) ** 2
        starts = np.arange(0, power.shape[1] - self._length, round(self._length * _SHIFT))
        sums = np.cumsum(np.concatenate([np.zeros((n, 1)), power], axis=1), axis=1)
        amplitudes = np.sqrt((sums[:, starts + self._length] - sums[:, starts]) / self._length)
        quiet = np.quantile(amplitudes, _QUIET, axis=1, keepdims=True)
        self.loud = float((amplitudes > _LOUD * quiet).any(axis=0).mean())
        fits = np.array([clean_amplitude(row) for row in amplitudes])
        return mixing, (fits[:, 0] + self._cutoff * fits[:, 1])[:, None] * vectors.T

    def _clean(self, data: Floats) -> Floats:
        """Give the steps that are complete."""
        shaped = self._shape(data) if data.shape[1] else data
        # `_waiting` are the samples of the step begun, `_ahead` those before it not given yet.
        raw = np.concatenate([self._ahead, self._waiting, data], axis=1)
        history = np.concatenate([self._shaped, shaped], axis=1)
        waiting = self._waiting.shape[1] + data.shape[1]
        n_ahead = self._ahead.shape[1]
        n_steps = waiting // self.step
        out = []
        given, come = 0, n_ahead
        first = history.shape[1] - waiting
        for index in range(n_steps):
            end = first + (index + 1) * self.step
            previous = self.reconstruction
            self._update(history[:, max(0, end - self._length) : end] / self._scale)
            come += self.step
            ready = come - self.lookahead
            if ready > given:
                out.append(self._blend(raw[:, given:ready], previous))
                given = ready
        self._ahead = raw[:, given:come].copy()
        self._waiting = raw[:, come:].copy()
        keep = self._length + waiting - n_steps * self.step
        self._shaped = history[:, -keep:].copy()
        return np.concatenate([np.empty((self._n_channels, 0)), *out], axis=1)

    def _update(self, window: Floats) -> None:
        """Find the components beyond the thresholds, and the matrix that rebuilds them."""
        n = self._n_channels
        values, vectors = linalg.eigh(window @ window.T / self._length)
        keep = values < ((self._thresholds @ vectors) ** 2).sum(axis=0)
        keep |= np.arange(1, n + 1) < n - round(_MOST_DIMENSIONS * n)
        if keep.all():
            self.reconstruction = self._identity
            return
        kept = np.where(keep[:, None], vectors.T @ self._mixing, 0.0)
        self.reconstruction = np.real(self._mixing @ np.linalg.pinv(kept) @ vectors.T)

    def _blend(self, data: Floats, previous: Floats) -> Floats:
        """Go from the previous reconstruction to the new one along half a cosine."""
        if previous is self._identity and self.reconstruction is self._identity:
            return data
        n = data.shape[1]
        weight = (1 - np.cos(np.pi * np.arange(1, n + 1) / n)) / 2
        out: Floats = weight * (self.reconstruction @ data) + (1 - weight) * (previous @ data)
        return out


class _RunningASR(RunningStep):
    """Says when the signal was too short to calibrate."""

    def __init__(self, engine: ASREngine, before: Format, seconds: float) -> None:
        delay = (engine.lookahead + engine.step - 1) / before.sfreq
        super().__init__(
            engine, before, before, delay=delay, notes=(f"ASR: calibrated on {seconds:g} s",)
        )
        self._asr, self._seconds = engine, seconds
        self._judged = False

    def push(self, chunk: ArrayLike) -> Floats:
        """Take the next samples; see `RunningStep.push`."""
        out = super().push(chunk)
        if self._asr.loud is not None and not self._judged:
            self._judged = True
            self.notes = (f"{self.notes[0]}, {self._asr.loud:.0%} of them not calm",)
            if self._asr.loud > _MOST_LOUD:
                warnings.warn(
                    f"{self._asr.loud:.0%} of the {self._seconds:g} s on which ASR was calibrated "
                    f"are not calm (over {_LOUD:g} times the quiet amplitude), so that artefacts "
                    "of that size pass; let it begin with calm signal, or crop what comes before",
                    SignalWarning,
                    stacklevel=2,
                )
        return out

    def finish(self) -> Floats:
        """End the stream; see `RunningStep.finish`."""
        out = super().finish()
        if self._asr.missing:
            warnings.warn(
                f"ASR got {self._seconds - self._asr.missing / self.sfreq:.1f} of "
                f"{self._seconds:g} s of calibration, so nothing was cleaned; calibrate on fewer "
                "seconds, or leave ASR out",
                SignalWarning,
                stacklevel=2,
            )
        return out
