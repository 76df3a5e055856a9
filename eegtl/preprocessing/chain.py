"""`Chain`: steps one after the other, with the face of one step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from ..errors import InputError, SignalError
from .artefacts import ArtefactMarks
from .format import Floats, Format, check_chunk, join_pieces, name_tuple
from .step import RunningStep, Step

if TYPE_CHECKING:
    from ..recordings.recording import Recording

OnMarks = Callable[[Floats], None]

# Of all channels together: in blocks of that size the steps pass on what one held until the end.
_HELD_SAMPLES = 2**17
# What `Chain.from_description` takes.
_EXAMPLE = "[{'name': 'notch', 'frequency': 50.0}]"


class RunningChain:
    """Steps at work on a stream, each fed by the one before it.

    Parameters
    ----------
    steps : sequence of RunningStep
        In order; none passes the signal through.
    start : Format
        The signal that comes.
    marks : (int, ArtefactMarks) or None
        Position of the artefact marks among the steps, and their settings.
    on_marks : callable or None
        Gets every piece of signal that passes the marks.

    Attributes
    ----------
    sfreq, ch_names, passband
        Of the output.
    delay : float
        How much later than its time an output sample becomes available, in seconds: the sum over
        the steps.
    settling : float
        Seconds after a restart until the slowest step has settled.
    marks : ArtefactMarks or None
        The marks in the chain.
    marks_format : (float, tuple of str) or None
        Sampling rate and channels where the marks stand.
    kept : tuple of str
        Channels of the signal that comes that pass every step.
    spread, spread_behind_marks : frozenset of str
        Channels that some step mixes into others, and those mixed behind the marks.

    Examples
    --------
    >>> import numpy as np
    >>> from eegtl.preprocessing import Chain, Notch
    >>> running = Chain.of(Notch(50.0)).start(250.0, ["Fz", "Cz"])
    >>> running.push(np.zeros((2, 10))).shape, running.delay
    ((2, 10), 0.0)
    """

    def __init__(
        self,
        steps: Sequence[RunningStep],
        start: Format,
        marks: tuple[int, ArtefactMarks] | None = None,
        on_marks: OnMarks | None = None,
    ) -> None:
        last = steps[-1] if steps else start
        self.sfreq = last.sfreq
        self.ch_names = last.ch_names
        self.passband = last.passband
        self.delay = float(sum(step.delay for step in steps))
        self.settling = max((step.settling for step in steps), default=0.0)
        passing = [set(step.ch_names) for step in steps]
        self.kept = tuple(name for name in start.ch_names if all(name in one for one in passing))
        self.spread = frozenset(name for step in steps for name in step.spread)
        self.spread_behind_marks: frozenset[str] = frozenset()
        self.marks: ArtefactMarks | None = None
        self.marks_format: tuple[float, tuple[str, ...]] | None = None
        self._marks_at = -1
        if marks is not None:
            self._marks_at, self.marks = marks
            self.marks_format = (steps[self._marks_at].sfreq, steps[self._marks_at].ch_names)
            behind = steps[self._marks_at :]
            self.spread_behind_marks = frozenset(name for step in behind for name in step.spread)
        self._on_marks = on_marks
        self._steps = tuple(steps)
        self._names_in = start.ch_names
        self._finished = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Choices that steps made for this signal, in words; more may come with the signal."""
        return tuple(note for step in self._steps for note in step.notes)

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
            second lies beyond 1 V.
        """
        self._check_open()
        return self._pass(check_chunk(chunk, self._names_in), 0)

    def finish(self) -> Floats:
        """End the stream; give what the steps still hold back.

        Returns
        -------
        ndarray of shape (n_channels_out, k), float64, C-contiguous
            Volts. Nothing may be pushed any more.

        Raises
        ------
        SignalError
            When the stream was finished before.
        """
        self._check_open()
        self._finished = True
        outs: list[Floats] = []
        for index, step in enumerate(self._steps):
            held = step.finish()
            self._observe(index, held)
            if index == len(self._steps) - 1:
                outs.append(held)
                break
            # It may be a whole recording, which steps behind would copy as a whole.
            block = max(1, _HELD_SAMPLES // len(held))
            for start in range(0, held.shape[1], block):
                outs.append(self._pass(held[:, start : start + block], index + 1))
        filled = [out for out in outs if out.shape[1]]
        return filled[0] if len(filled) == 1 else join_pieces(filled, len(self.ch_names))

    def _pass(self, data: Floats, first: int) -> Floats:
        """Let samples pass the steps from one on."""
        for index in range(first, len(self._steps)):
            data = self._steps[index].push(data)
            self._observe(index, data)
        return data

    def _check_open(self) -> None:
        """Refuse a stream that was finished."""
        if self._finished:
            raise SignalError("the stream was finished; begin another with start(...)")

    def _observe(self, index: int, data: Floats) -> None:
        """Show the signal at the marks' place to whoever judges it."""
        if index == self._marks_at and self._on_marks is not None and data.shape[1]:
            self._on_marks(data)


@dataclass(frozen=True)
class Chain:
    """Steps one after the other; none passes the signal through.

    Parameters
    ----------
    steps : sequence of Step
        In the order in which the signal meets them.

    Raises
    ------
    InputError
        When something is no step, or there is more than one `ArtefactMarks`.

    Examples
    --------
    >>> from eegtl.preprocessing import Chain, Notch, Reference
    >>> chain = Chain((Notch(50.0), Reference("average")))
    >>> chain.causal, [step["name"] for step in chain.describe()]
    (True, ['notch', 'reference'])
    """

    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        steps = tuple(self.steps)
        for step in steps:
            if not isinstance(step, Step):
                raise InputError(
                    f"a chain holds a {type(step).__name__} ({step!r}); give steps such as "
                    "eegtl.preprocessing.Notch(50)"
                )
        n_marks = sum(isinstance(step, ArtefactMarks) for step in steps)
        if n_marks > 1:
            raise InputError(
                f"a chain holds {n_marks} ArtefactMarks "
                '(in a recipe: steps "artefacts"); keep one of them'
            )
        object.__setattr__(self, "steps", steps)

    @classmethod
    def of(cls, steps: Chain | Step | Iterable[Step] | None) -> Chain:
        """Make a chain of whatever a user gives for one.

        Parameters
        ----------
        steps : None, Step, iterable of Step, or Chain
            None and an empty list make the chain that passes the signal through.

        Returns
        -------
        Chain

        Raises
        ------
        InputError
            When it is something else.

        Examples
        --------
        >>> Chain.of(None).steps
        ()
        """
        if isinstance(steps, Chain):
            return steps
        if steps is None:
            return cls()
        if isinstance(steps, Step):
            return cls((steps,))
        if isinstance(steps, str | bytes | Mapping) or not isinstance(steps, Iterable):
            raise InputError(
                f"preprocessing is {steps!r}; give a step, a list of steps, or a Chain, for "
                "example [eegtl.preprocessing.Notch(50)]"
            )
        return cls(tuple(steps))

    @classmethod
    def from_description(cls, description: Iterable[Mapping[str, Any]]) -> Chain:
        """Make a chain from names and settings, as in recipes; the inverse of `describe`.

        Parameters
        ----------
        description : iterable of mapping
            For each step ``name`` and its settings.

        Returns
        -------
        Chain

        Raises
        ------
        InputError
            When a step or one of its settings is unknown.

        Examples
        --------
        >>> Chain.from_description([{"name": "notch", "frequency": 60.0}]).steps[0].frequency
        60.0
        """
        from .registry import STEPS  # the registry imports every step, and this file with them

        if isinstance(description, str | Mapping) or not isinstance(description, Iterable):
            raise InputError(
                f"the description of a chain is {description!r}; give a list with a dict for each "
                f"step, for example {_EXAMPLE}"
            )
        steps = []
        for entry in description:
            if not isinstance(entry, Mapping):
                raise InputError(
                    f"the description of a step is {entry!r}; give its name and settings, for "
                    f"example {_EXAMPLE}"
                )
            settings = dict(entry)
            name = settings.pop("name", None)
            if not isinstance(name, str) or name not in STEPS:
                raise InputError(
                    f"there is no step {name!r} of preprocessing; choose from {', '.join(STEPS)}"
                )
            known = list(inspect.signature(STEPS[name]).parameters)
            strange = [key for key in settings if key not in known]
            if strange:
                raise InputError(
                    f"the step {name!r} has no setting {strange[0]!r}; it has "
                    f"{', '.join(known) or 'none'}"
                )
            try:
                steps.append(STEPS[name](**settings))
            except TypeError as error:
                raise InputError(f"the step {name!r} cannot be made: {error}") from error
        return cls(tuple(steps))

    @property
    def causal(self) -> bool:
        """Whether every step does without the future of the signal."""
        return all(step.causal for step in self.steps)

    def describe(self) -> list[dict[str, Any]]:
        """Give names and settings of the steps as they stand in recipes.

        Returns
        -------
        list of dict
            Numbers, strings, lists and None only.

        Examples
        --------
        >>> from eegtl.preprocessing import Resample
        >>> Chain.of(Resample(200.0)).describe()
        [{'name': 'resample', 'sfreq': 200.0}]
        """
        return [step.describe() for step in self.steps]

    def start(
        self,
        sfreq: float,
        ch_names: Sequence[str],
        passband: tuple[float, float] | None = None,
        on_marks: OnMarks | None = None,
    ) -> RunningChain:
        """Begin to process a stream.

        Parameters
        ----------
        sfreq : float
            Sampling rate of the signal in Hz.
        ch_names : sequence of str
            Canonical names of its channels.
        passband : (float, float), optional
            What is left of its spectrum in Hz, where that is known.
        on_marks : callable, optional
            Called with every piece of signal (n_channels, n_times) that passes the place of the
            `ArtefactMarks`; `RunningChain.marks_format` has its rate and channels.

        Returns
        -------
        RunningChain
            Takes the signal in chunks.

        Raises
        ------
        SignalError
            When a step cannot work on the signal that reaches it.
        """
        first = Format(sfreq, name_tuple(ch_names), passband)
        before = first
        running: list[RunningStep] = []
        marks = None
        for index, step in enumerate(self.steps):
            running.append(step.start(before.sfreq, before.ch_names, before.passband))
            before = Format(running[-1].sfreq, running[-1].ch_names, running[-1].passband)
            if isinstance(step, ArtefactMarks):
                marks = index, step
        return RunningChain(running, first, marks, on_marks)

    def apply(self, recording: Recording) -> Recording:
        """Process a whole recording, as one push of everything would.

        Where the chain has `ArtefactMarks`, the result bears an annotation ``BAD_<kind>`` for
        each second that is marked.

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
            When a step cannot work on this recording.

        Examples
        --------
        >>> import eegtl
        >>> from eegtl.preprocessing import Resample
        >>> recording = eegtl.load("synthetic")[0]
        >>> Chain.of(Resample(100.0)).apply(recording).sfreq
        100.0
        """
        from .whole import apply_chain

        return apply_chain(self, recording)
