"""What a marker says, offline and live alike, and how long it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Mark(NamedTuple):
    """A label in a recording.

    Attributes
    ----------
    onset : float
        Seconds from the first sample.
    label : str
    duration : float
        Seconds; 0 where it is not known how long the label holds.

    Examples
    --------
    >>> Mark(1.0, "calm")
    Mark(onset=1.0, label='calm', duration=0.0)
    """

    onset: float
    label: str
    duration: float = 0.0


def marker_label(values: Sequence[Any]) -> Any:
    """Give what a marker says; texts of several channels are joined as MNE nests events.

    Parameters
    ----------
    values : sequence of str or number
        Of its channels.

    Returns
    -------
    str or number
        Text without blanks at its ends.

    Examples
    --------
    >>> marker_label(["calm "]), marker_label(["film", "3"]), marker_label([np.int32(7)])
    ('calm', 'film/3', 7)
    """
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    plain = [value.strip() if isinstance(value, str) else value for value in plain]
    return plain[0] if len(plain) == 1 else "/".join(str(value) for value in plain)
