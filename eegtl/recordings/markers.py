"""What a marker says, offline and live alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


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
