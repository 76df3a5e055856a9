"""What a step is: settings that start a running step, which takes chunks of any size.

A step is a frozen dataclass. Its mathematics is an `Engine`, which sees runs of good samples
only; `RunningStep` finds the runs, restarts the engine after gaps, and keeps the output on one
grid of time, for all steps alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SignalError
from .format import Floats, Format, check_chunk, join_pieces, name_tuple, plain
from .gaps import UnitCheck, usable_runs

if TYPE_CHECKING:
    from ..recordings.recording import Recording


class Engine(Protocol):
    """The mathematics of a step, on runs of good samples."""

    def restart(self, sample: Floats, position: int) -> None:
        """Begin a run in the steady state of its first sample (n_channels,).

        `position` is the number of that sample since the step was started.
        """

    def run(self, data: Floats) -> Floats:
        """Take the next samples (n_channels, n_times) of the run; give what they complete."""

    def finish(self) -> Floats:
        """End the run; give what it still holds back."""


class RunningStep:
    """A step at work on a stream: gaps, restarts and the grid of time, around an engine.

    Output sample k belongs to the time k / `sfreq` after the start. Samples that are not finite,
    or beyond 1 V, in some channel that the step reads are a gap: the engine gives what it holds
    back, the output is NaN in all channels (for at least one sample, also where the output's
    grid would step over the gap), and the engine restarts behind it.

    Parameters
    ----------
    engine : Engine
        What is done with runs of good samples.
    before, after : Format
        The signal that comes, and the one that leaves.
    rows : sequence of int, optional
        The channels that the step reads, in the order the engine takes them; all by default.
    ratio : Fraction
        Output samples per input sample.
    delay : float
        How much later than its time an output sample becomes available, in seconds.
    settling : float
        Seconds after a restart until what is left of the start has decayed; 0 for steps that do
        not ring.
    notes : sequence of str
        Choices that were made for this signal, in words.
    spread : sequence of str
        Channels that enter others than themselves: what is wrong with them is wrong with others.

    Attributes
    ----------
    sfreq, ch_names, passband
        Of the output.
    delay, settling, notes, spread
        As given; notes may be added while the signal passes.

    Examples
    --------
    >>> from eegtl.preprocessing import Notch
    >>> running = Notch(50.0).start(250.0, ["Fz", "Cz"])
    >>> running.push(np.full((2, 100), 3e-5)).round(9)[:, -1].tolist()
    [3e-05, 3e-05]
    >>> running.finish().shape
    (2, 0)
    """

    def __init__(
        self,
        engine: Engine,
        before: Format,
        after: Format,
        *,
        rows: Sequence[int] | None = None,
        ratio: Fraction = Fraction(1),
        delay: float = 0.0,
        settling: float = 0.0,
        notes: Sequence[str] = (),
        spread: Sequence[str] = (),
    ) -> None:
        self.sfreq = after.sfreq
        self.ch_names = after.ch_names
        self.passband = after.passband
        self.delay = delay
        self.settling = settling
        self.notes = tuple(notes)
        self.spread = tuple(spread)
        self._engine = engine
        self._names_in = before.ch_names
        self._units: UnitCheck | None = UnitCheck(before.sfreq)
        everything = rows is None or list(rows) == list(range(len(before.ch_names)))
        self._rows = None if everything else np.array(rows, dtype=np.intp)
        self._ratio = ratio
        self._n_in = 0
        self._n_out = 0
        self._running = False
        self._gap_owed = False
        self._finished = False

    def push(self, chunk: ArrayLike) -> Floats:
        """Take the next samples; give the output they complete.

        Parameters
        ----------
        chunk : array-like of shape (n_channels_in, n_times)
            Samples in volts, any number of them, zero included.

        Returns
        -------
        ndarray of shape (n_channels_out, k), float64, C-contiguous
            Volts; NaN in gaps. It may be the chunk itself, where nothing changes.

        Raises
        ------
        SignalError
            When the chunk has the wrong shape or kind, the stream was finished, or the first
            second lies beyond 1 V: those are no volts.
        """
        if self._finished:
            raise SignalError("the stream was finished; begin another with start(...)")
        data = check_chunk(chunk, self._names_in)
        if self._rows is not None:
            data = data[self._rows]
        n = data.shape[1]
        pieces: list[Floats] = []
        seen = 0
        runs = usable_runs(data)
        if self._units is not None and not self._units.look(data, runs):
            self._units = None
        for start, stop in runs:
            if start > seen:
                pieces += self._gap(start - seen)
            pieces.append(self._run(data if stop - start == n else data[:, start:stop]))
            seen = stop
        if seen < n:
            pieces += self._gap(n - seen)
        return self._join(pieces)

    def finish(self) -> Floats:
        """End the stream; give what is still held back.

        Returns
        -------
        ndarray of shape (n_channels_out, k), float64, C-contiguous
            Volts. Nothing may be pushed any more.

        Raises
        ------
        SignalError
            When the stream was finished before.
        """
        if self._finished:
            raise SignalError("the stream was finished; begin another with start(...)")
        self._finished = True
        return self._join([self._count(self._engine.finish())] if self._running else [])

    def _run(self, data: Floats) -> Floats:
        """Take good samples."""
        if not self._running:
            self._engine.restart(data[:, 0], self._n_in)
            self._running = True
        self._n_in += data.shape[1]
        return self._count(self._engine.run(data))

    def _gap(self, n: int) -> list[Floats]:
        """Take lost samples."""
        pieces = []
        if self._running:
            pieces.append(self._count(self._engine.finish()))
            self._running = False
            self._gap_owed = True
        self._n_in += n
        k = -(-self._n_in * self._ratio.numerator // self._ratio.denominator) - self._n_out
        if k > 0:
            self._n_out += k
            self._gap_owed = False
            pieces.append(np.full((len(self.ch_names), k), np.nan))
        return pieces

    def _count(self, out: Floats) -> Floats:
        """Note how much came out; a gap between two output samples costs the one behind it."""
        k = out.shape[1]
        if k and self._gap_owed and self._running:
            out = out.copy()
            out[:, 0] = np.nan
            self._gap_owed = False
        self._n_out += k
        return out

    def _join(self, pieces: list[Floats]) -> Floats:
        """Put the pieces of a chunk one behind the other."""
        if len(pieces) == 1:
            return np.ascontiguousarray(pieces[0])
        return join_pieces(pieces, len(self.ch_names))


class Step(ABC):
    """Settings of one step of preprocessing; what derives from it is a frozen dataclass.

    A step names itself (`name`, as recipes do) and implements `_begin`, which makes the running
    step for a signal, or refuses the signal.

    Attributes
    ----------
    name : str
        Its name in the registry `STEPS`.
    causal : bool
        False where the step needs the future of the signal.
    keeps : str
        What a running step keeps across gaps, in words: a calibration, say. Empty where nothing
        is, so that behind a gap all is as if the step had been started there.
    """

    name: ClassVar[str]
    keeps: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Turn NumPy scalars among the settings into Python's numbers."""
        for field in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))

    @property
    def causal(self) -> bool:
        """Whether the step does without the future of the signal."""
        return True

    @abstractmethod
    def _begin(self, before: Format) -> RunningStep:
        """Make the running step for a signal."""

    def start(
        self,
        sfreq: float,
        ch_names: Sequence[str],
        passband: tuple[float, float] | None = None,
    ) -> RunningStep:
        """Begin to process a stream.

        Parameters
        ----------
        sfreq : float
            Sampling rate of the signal in Hz.
        ch_names : sequence of str
            Canonical names of its channels.
        passband : (float, float), optional
            What is left of its spectrum in Hz, where that is known.

        Returns
        -------
        RunningStep
            Takes the signal in chunks.

        Raises
        ------
        SignalError
            When the step cannot work on such a signal.
        """
        return self._begin(Format(sfreq, name_tuple(ch_names), passband))

    def apply(self, recording: Recording) -> Recording:
        """Process a whole recording, as one push of everything would.

        Parameters
        ----------
        recording : Recording
            What to process; it stays as it is.

        Returns
        -------
        Recording
            The same person, session and trials; lost samples are NaN.

        Raises
        ------
        SubjectError
            When the step cannot work on this recording.
        """
        from .chain import Chain  # a chain is made of steps, and one step is the least chain

        return Chain((self,)).apply(recording)

    def describe(self) -> dict[str, Any]:
        """Give name and settings as they stand in recipes.

        Returns
        -------
        dict
            Numbers, strings, lists and None only.
        """
        settings = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()  # type: ignore[call-overload]
        }
        return {"name": self.name, **settings}
