"""What a protocol gives: the index sets of one turn, and what every split reads first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .blocks import Index, check_order, window_length
from .information import InformationSet


@dataclass(frozen=True)
class Fold:
    """One person's turn as the wearer; every part is an array of row numbers.

    Attributes
    ----------
    name : str
        Name of the fold.
    subject : object
        The person whose rows are scored.
    source : ndarray of int
        Labelled rows to learn from: of other people, or of earlier sessions.
    calibration : ndarray of int
        Rows of the wearer that may be used before scoring; never scored.
    target : ndarray of int
        Rows of the wearer that a method may use without labels, in time order when they
        arrive online.
    test : ndarray of int
        Rows that are scored, in time order.
    """

    name: str
    subject: Any
    source: Index
    calibration: Index
    target: Index
    test: Index


def prepared(information: InformationSet | str, table: Any) -> tuple[InformationSet, float]:
    """Read what a split needs besides the rows, and refuse trials out of order.

    Parameters
    ----------
    information : InformationSet or str
    table : FeatureTable
        Its ``meta`` and, for a calibration block, ``info["window"]``.

    Returns
    -------
    granted : InformationSet
    window : float
        Length of a window in seconds; 0 where it does not matter.

    Raises
    ------
    StudyError
        When trials are not in the order of time where that matters, or the length of a window is
        needed and not told.
    """
    granted = InformationSet.parse(information)
    if granted.kind in ("calibration", "online"):
        check_order(table.meta)
    return granted, window_length(table) if granted.kind == "calibration" else 0.0
