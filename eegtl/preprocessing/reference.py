"""`Reference`: voltages against another reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import InputError, SignalError
from .channels import electrode_names
from .format import Format, check_switch
from .mixing import ReferenceEngine
from .step import RunningStep, Step

#: What ``linked`` looks for, in this order: ears, mastoids, and the electrodes behind the ears.
LINKED = (("A1", "A2"), ("M1", "M2"), ("TP9", "TP10"))


@dataclass(frozen=True)
class Reference(Step):
    """Subtract the mean of the reference electrodes from every channel.

    Parameters
    ----------
    to : "average", "linked", or sequence of str
        ``average``: all channels of the signal. ``linked``: A1 and A2, or else M1 and M2, or else
        TP9 and TP10, whichever pair is there first. Or the names of electrodes.
    keep : bool
        Whether linked or named electrodes stay as channels. One alone would be zero throughout,
        two would be each other's mirror image, so they leave by default. The average reference
        keeps all channels; their sum is then zero.

    Raises
    ------
    InputError
        When `to` is something else.

    Notes
    -----
    The average of a few electrodes is no neutral reference: with four of them it is made of the
    signal itself (Nunez and Srinivasan, 2006, Electric Fields of the Brain, 2nd ed., section 7.3).

    Examples
    --------
    >>> running = Reference("linked").start(256.0, ["TP9", "AF7", "AF8", "TP10"])
    >>> running.notes, running.ch_names
    (('reference: mean of TP9, TP10',), ('AF7', 'AF8'))
    >>> running.push([[1e-6], [5e-6], [4e-6], [3e-6]]).round(9).tolist()
    [[3e-06], [2e-06]]
    """

    to: str | tuple[str, ...] = "average"
    keep: bool = False
    name: ClassVar[str] = "reference"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_switch("keep", self.keep)
        if isinstance(self.to, str):
            if self.to not in ("average", "linked"):
                raise InputError(
                    f"to is {self.to!r}; give 'average', 'linked', or a list of electrodes such "
                    f"as [{self.to!r}]"
                )
        else:
            object.__setattr__(self, "to", electrode_names(self.to, "to"))

    def electrodes(self, ch_names: tuple[str, ...]) -> tuple[str, ...]:
        """Name the electrodes that make the reference of a signal.

        Parameters
        ----------
        ch_names : tuple of str
            Canonical names of its channels.

        Returns
        -------
        tuple of str

        Raises
        ------
        SignalError
            When they are not there.

        Examples
        --------
        >>> Reference("linked").electrodes(("Fz", "TP9", "M2", "TP10", "M1"))
        ('M1', 'M2')
        """
        if self.to == "average":
            if len(ch_names) < 2:
                raise SignalError(
                    f"the average reference of one channel ({ch_names[0]}) is that channel; leave "
                    "the step out"
                )
            return ch_names
        if self.to == "linked":
            for pair in LINKED:
                if set(pair) <= set(ch_names):
                    return pair
            pairs = ", ".join(" and ".join(pair) for pair in LINKED)
            raise SignalError(
                f"a linked reference needs {pairs}; the signal has {', '.join(ch_names)}. Choose "
                "Reference('average') (in a recipe: to = \"average\"), or name electrodes"
            )
        missing = [name for name in self.to if name not in ch_names]
        if missing:
            raise SignalError(
                f"reference electrode {missing[0]!r} is missing; the signal has "
                f"{', '.join(ch_names)}"
            )
        return tuple(self.to)

    def _begin(self, before: Format) -> RunningStep:
        """Find the electrodes."""
        used = self.electrodes(before.ch_names)
        stays = [self.keep or self.to == "average" or name not in used for name in before.ch_names]
        kept = [row for row, stay in enumerate(stays) if stay]
        if not kept:
            raise SignalError(
                f"all channels ({', '.join(before.ch_names)}) are reference electrodes, so that "
                "none is left; choose keep=True (in a recipe: keep = true) or another reference"
            )
        names = tuple(before.ch_names[row] for row in kept)
        rows = [before.ch_names.index(name) for name in used]
        shown = "all channels" if self.to == "average" else ", ".join(used)
        return RunningStep(
            ReferenceEngine(rows, kept, len(before.ch_names)),
            before,
            Format(before.sfreq, names, before.passband),
            notes=(f"reference: mean of {shown}",),
            spread=used,
        )
