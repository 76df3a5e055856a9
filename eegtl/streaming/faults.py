"""What can go wrong with a headset's stream, to be rehearsed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..errors import InputError

#: name: (what the number behind the time means, its default, what happens)
KINDS: dict[str, tuple[str, float, str]] = {
    "gap": ("s", 0.5, "nothing is sent for so long; stamps go on"),
    "drop": ("samples", 12.0, "a packet of so many samples is lost; stamps go on"),
    "die": ("s", 3.0, "the stream ends, and returns after so long"),
    "channels": ("s", 3.0, "as die, and returns with its channels in reverse order"),
    "reorder": ("samples", 12.0, "two packets of so many samples arrive in the wrong order"),
    "nan": ("s", 0.2, "all channels are no numbers for so long"),
    "jump": ("s", 3600.0, "the stamps jump by so much, forwards or backwards"),
}
_FORM = re.compile(r"([a-z]+)@([0-9.]+)(?::(-?[0-9.]+))?")


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    at : float
        Seconds of the recording.
    size : float
        In the unit of the kind.
    """

    kind: str
    at: float
    size: float

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``KIND@SECONDS`` or ``KIND@SECONDS:SIZE``.

        Parameters
        ----------
        text : str

        Returns
        -------
        Fault

        Raises
        ------
        InputError
            When it has another form.

        Examples
        --------
        >>> Fault.parse("gap@10:0.25")
        Fault(kind='gap', at=10.0, size=0.25)
        """
        found = _FORM.fullmatch(text.strip())
        try:
            if found is None or found[1] not in KINDS:
                raise ValueError
            unit, usual, _ = KINDS[found[1]]
            at, size = float(found[2]), float(found[3] or usual)
            if not math.isfinite(at) or not math.isfinite(size):
                raise ValueError
            if found[1] != "jump" and not size > 0:
                raise ValueError
            if unit == "samples" and size != round(size):
                raise ValueError
        except ValueError:
            raise InputError(
                f"{text!r} is no fault; write KIND@SECONDS or KIND@SECONDS:SIZE, for example "
                f"gap@10:0.5. Kinds are {', '.join(KINDS)}; sizes are above 0, whole numbers for "
                "samples, and of either sign for jumps."
            ) from None
        return cls(found[1], at, size)
