"""`Channels`: some channels, in a given order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..errors import InputError, SignalError
from ..recordings.channels import HEADSETS, canonical_names, duplicates
from .format import Format
from .mixing import PassEngine
from .step import RunningStep, Step


@dataclass(frozen=True)
class Channels(Step):
    """Keep some channels, in the order given; lost samples of the others do not matter.

    Parameters
    ----------
    names : sequence of str, or name of a headset
        Electrodes in any spelling `canonical_name` knows, or one of ``muse``, ``epoc``,
        ``ten-twenty``, ``deap32``, ``seed62``.

    Raises
    ------
    InputError
        When no name is given, or one twice.

    Examples
    --------
    >>> running = Channels(["Cz", "Fz"]).start(128.0, ["Fz", "Cz", "Pz"])
    >>> running.push([[1e-6], [2e-6], [3e-6]]).tolist()
    [[2e-06], [1e-06]]
    """

    names: tuple[str, ...]
    name: ClassVar[str] = "channels"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "names", electrode_names(self.names, "names"))

    def _begin(self, before: Format) -> RunningStep:
        """Find the channels."""
        missing = [name for name in self.names if name not in before.ch_names]
        if missing:
            raise SignalError(
                f"channel {missing[0]!r} is missing (found {len(self.names) - len(missing)} of "
                f"{len(self.names)} in {', '.join(before.ch_names)}); choose others, or "
                'interpolate it with Harmonise (in a recipe: the step "harmonise")'
            )
        rows = [before.ch_names.index(name) for name in self.names]
        after = Format(before.sfreq, self.names, before.passband)
        return RunningStep(PassEngine(len(rows)), before, after, rows=rows)


def electrode_names(names: str | Sequence[str], argument: str) -> tuple[str, ...]:
    """Give the electrodes of a headset, or canonical names as given.

    Parameters
    ----------
    names : str or sequence of str
        Name of a headset, or electrodes.
    argument : str
        Named in errors.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        When the headset is unknown, nothing is given, or an electrode twice.

    Examples
    --------
    >>> electrode_names("muse", "names")
    ('TP9', 'AF7', 'AF8', 'TP10')
    """
    if isinstance(names, str):
        if names not in HEADSETS:
            raise InputError(
                f"{argument} is {names!r}; give a list of electrodes, or one of the headsets "
                f"{', '.join(HEADSETS)}"
            )
        return HEADSETS[names]
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{argument} is {names!r}; give a list of electrodes")
    wanted = canonical_names(names)
    if not wanted or duplicates(wanted):
        raise InputError(f"{argument} is {wanted}; name each electrode once, and one at least")
    return wanted
