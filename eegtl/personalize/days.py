"""The days of a wearer: each one's calibration block, from which its model can be made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError
from .plain_values import floats, table

Floats = NDArray[np.float64]

#: Kinds of blocks: the first seconds, as they come; as many seconds of each class; only one class.
FIRST, BALANCED, ONLY = "first", "balanced", "only"


@dataclass(frozen=True, eq=False)
class Day:
    """One day's calibration block: rows of the wearer, and of nobody else.

    Attributes
    ----------
    name : str
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,) or None
        Labels, where the block had them.
    kind : str
        What is known of the block: ``first``, ``balanced`` or ``only <class>``.
    entry : mapping
        What was decided, and how good the block was; plain values.
    """

    name: str
    X: Floats
    y: NDArray[Any] | None = None
    kind: str = FIRST
    entry: Mapping[str, Any] = field(default_factory=dict)

    def to_tree(self) -> dict[str, Any]:
        """Give it as plain values and arrays.

        Returns
        -------
        dict
        """
        return {
            "name": self.name,
            "X": self.X,
            "y": self.y,
            "kind": self.kind,
            "entry": dict(self.entry),
        }

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Day:
        """Give the day of plain values and arrays.

        Parameters
        ----------
        tree : mapping

        Returns
        -------
        Day

        Raises
        ------
        TypeError, ValueError, LookupError
            When the values are none of a day.
        """
        X, y = floats(tree["X"], 2), tree["y"]
        if y is not None and (not isinstance(y, np.ndarray) or y.shape != (len(X),)):
            raise ValueError("a day's labels do not fit its rows")
        if not isinstance(tree["name"], str) or not isinstance(tree["kind"], str):
            raise TypeError("a day has no name")
        return cls(tree["name"], X, y, tree["kind"], table(tree["entry"]))


def day_named(days: Sequence[Day], name: str) -> Day:
    """Find a day.

    Parameters
    ----------
    days : sequence of Day
    name : str

    Returns
    -------
    Day

    Raises
    ------
    CalibrationError
        When there is none of the name.
    """
    for day in days:
        if day.name == name:
            return day
    known = ", ".join(day.name for day in days) or "none yet"
    raise CalibrationError(f"there is no day {name!r} in the profile; its days are: {known}.")
