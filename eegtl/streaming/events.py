"""What happens while a stream is processed, each as one event that can be written as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    event : str
        What: ``state``, ``gap``, ``left_out``, ``no_signal``, ``clock_jump``, ``foreign_clock``,
        ``rate``, ``mark``, ``late_mark``, ``mark_lost``, ``bad_channels``, ``adapt_requested``,
        ``adapted``, ``adaptation_failed``, ``reset``, ``connected``, ``stale``, ...
    time : float
        Stamp of the newest sample taken, in seconds of the input stream's clock; NaN before its
        first.
    sample : int
        Samples of the input taken so far.
    details : mapping
        Plain values that say more.

    Examples
    --------
    >>> Event("gap", 12.5, 3200, {"seconds": 0.14}).to_json()
    '{"event": "gap", "time": 12.5, "sample": 3200, "seconds": 0.14}'
    """

    event: str
    time: float
    sample: int
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write it as one line of JSON; what is no number is null.

        Returns
        -------
        str
        """
        values: dict[str, Any] = {"event": self.event, "time": self.time, "sample": self.sample}
        for key, value in self.details.items():  # a channel may be named "time"
            values[f"{key}_" if key in ("event", "time", "sample") else key] = value
        return json.dumps(plain(values), allow_nan=False)


def plain(value: Any) -> Any:
    """Turn what JSON cannot say into what it can.

    Parameters
    ----------
    value : number of Python or NumPy, text, mapping or sequence

    Returns
    -------
    object
        With null for what is no finite number.

    Examples
    --------
    >>> plain({"p": (0.5, float("nan"))})
    {'p': [0.5, None]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
