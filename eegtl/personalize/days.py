"""The days of a wearer: each one's calibration block, from which its model can be made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError
from .plain_values import floats, table
from .told import check_entry

if TYPE_CHECKING:
    from ..features import FeatureExtractor

Floats = NDArray[np.float64]

#: Kinds of blocks: the first seconds, as they come; as many seconds of each class; only one class.
FIRST, BALANCED, ONLY = "first", "balanced", "only"
#: Class shares of a labelled block that differ less from equal ones count as equal.
_NEAR = 0.2


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
        if not np.isfinite(X).all():
            raise ValueError("a day's rows hold what is no number")
        entry = table(tree["entry"])
        entry["candidate"]  # what was decided is known of every day
        check_entry(entry)
        return cls(tree["name"], X, y, tree["kind"], entry)


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


def kind_of(y: NDArray[Any], classes: NDArray[Any]) -> str:
    """Say what labels tell of the class mix of a block.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    str
        ``only <class>`` for one class, ``balanced`` where shares differ little from equal ones,
        ``first`` for any other mix.

    Examples
    --------
    >>> kind_of(np.array(["a", "b", "a", "b", "a"]), np.array(["a", "b"]))
    'balanced'
    """
    shares = np.array([np.mean(y == label) for label in classes])
    if shares.max() == 1.0:
        return f"{ONLY} {classes[int(shares.argmax())]}"
    return BALANCED if 0.5 * np.abs(shares - 1 / len(classes)).sum() <= _NEAR else FIRST


def block_seconds(n_windows: int, extractor: FeatureExtractor) -> float:
    """Give the seconds of signal in windows that follow each other.

    Parameters
    ----------
    n_windows : int
    extractor : FeatureExtractor

    Returns
    -------
    float
    """
    if not n_windows:
        return 0.0
    return float(extractor.window + (n_windows - 1) * min(extractor.step, extractor.window))
