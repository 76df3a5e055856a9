"""How a live model follows its wearer: not at all, window by window, or every n windows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..transfer import MatchedBaseline

Floats = NDArray[np.float64]

MODES = ("none", "running", "every")
#: Rows from which on the spread of the rows so far bounds what a new one can do.
ENOUGH = 20


@dataclass(frozen=True)
class Adaptation:
    """What a session does with the windows it predicts.

    Parameters
    ----------
    mode : {"none", "running", "every"}
        ``none``: the model stays as calibration left it. ``running``: each good window is taken
        by `partial_adapt` after it was predicted, as long as the memory is not full; then, and
        behind a calibration with labels, as ``every``. ``every``: after each `every` good windows
        the model is adapted anew to the newest ones; aside, while predictions go on. Windows of
        the calibration are the first in memory; those with labels are kept beside it.
    every : int
        Windows between two adaptations.
    memory : int
        Windows that an adaptation sees: how slowly the model follows, and how much one window
        can do.
    clip : float
        Features of a window count at most so many standard deviations from the mean of those in
        memory, from the 20th window on; infinite for no bound.

    Raises
    ------
    InputError
        When a setting is out of range.

    Examples
    --------
    >>> Adaptation("every", every=30, memory=300).mode
    'every'
    """

    mode: str = "none"
    every: int = 30
    memory: int = 300
    clip: float = 4.0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"mode must be one of {', '.join(MODES)}; got {self.mode!r}.")
        for name in ("every", "memory"):
            n = getattr(self, name)
            if not isinstance(n, int) or isinstance(n, bool) or n < 1:
                raise InputError(f"{name} must be a whole number of windows from 1 on; got {n!r}.")
        if not self.clip > 0:
            raise InputError(f"clip must be a positive number of deviations; got {self.clip!r}.")

    def check(self, model: Any) -> None:
        """Refuse a mode that a model cannot follow.

        Parameters
        ----------
        model : transfer classifier

        Raises
        ------
        InputError
            When it shall follow window by window, and has no exact `partial_adapt`.
        """
        if self.mode == "running" and not hasattr(model, "partial_adapt"):
            raise InputError(
                f"{type(model).__name__} cannot take windows one by one (it has no exact "
                "partial_adapt); choose the mode 'every', or a model that can, such as z2 and a "
                "classifier."
            )


def knows_more_than_rows(model: Any) -> str:
    """Say why new rows without labels may not take the place of a model's calibration.

    Parameters
    ----------
    model : transfer classifier

    Returns
    -------
    str
        Empty where they may.
    """
    if getattr(model, "information_", "") == "labelled":
        return "it was calibrated with labels"
    if getattr(model, "assumes_", "") == "class mix given":
        return "the class mix of its calibration was given"
    if any(isinstance(step, MatchedBaseline) for _, step in getattr(model, "steps_", ())):
        return "its calibration was a block of one state"
    return ""


def refuse_to_forget(model: Any, rule: Adaptation, *, calibrates: bool) -> None:
    """Refuse settings by which rows of unknown content would replace what a model knows.

    Parameters
    ----------
    model : transfer classifier
        Of the profile.
    rule : Adaptation
    calibrates : bool
        Whether the session calibrates before it predicts. That may replace a calibration with
        labels, which is a new one. It may not pass for a block whose content was known; a model
        that has seen nothing of the wearer still waits for its block.

    Raises
    ------
    InputError
        When they would.
    """
    why, information = knows_more_than_rows(model), getattr(model, "information_", "")
    if why and calibrates and information not in ("labelled", "inductive"):
        raise InputError(
            f"the profile's model cannot be calibrated live: {why}, and nobody says what a live "
            "block holds. Leave --calibrate (calibrate) out; or begin a new day with a block that "
            "is known, by eegtl calibrate --update PROFILE --block."
        )
    if why and rule.mode != "none" and not (calibrates and information == "labelled"):
        raise InputError(
            f"the profile's model cannot follow the wearer: {why}, which windows of unknown "
            "content would replace. Leave --adapt (adaptation) out; or begin a new day when the "
            "wearer has changed, by eegtl calibrate --update PROFILE."
        )


def following(model: Any, rule: Adaptation) -> Adaptation | None:
    """Give the rule with which a model follows: window by window where it can.

    Parameters
    ----------
    model : transfer classifier
    rule : Adaptation
        Its other settings stay.

    Returns
    -------
    Adaptation or None
        None for a model that cannot, see `knows_more_than_rows`.
    """
    if knows_more_than_rows(model):
        return None
    exact = hasattr(model, "partial_adapt") and model.information_ != "labelled"
    return replace(rule, mode="running" if exact else "every")


class Memory:
    """The newest good windows, each bounded by the spread of those before it.

    Parameters
    ----------
    size : int
    clip : float

    Examples
    --------
    >>> memory = Memory(100, clip=4.0)
    >>> for value in np.r_[np.tile([-1.0, 1.0], 15), 1000.0]:
    ...     bounded = memory.take(np.array([value]))
    >>> bounded.tolist()
    [4.0]
    """

    def __init__(self, size: int, clip: float) -> None:
        self._rows: deque[Floats] = deque(maxlen=size)
        self._clip = clip

    def __len__(self) -> int:
        """Count the windows."""
        return len(self._rows)

    @property
    def full(self) -> bool:
        """Whether each new window drives an old one out."""
        return len(self._rows) == self._rows.maxlen

    @property
    def rows(self) -> Floats:
        """The windows, oldest first."""
        return np.array(self._rows)

    def take(self, row: Floats) -> Floats:
        """Bound a window and keep it.

        Parameters
        ----------
        row : ndarray of shape (n_features,)

        Returns
        -------
        ndarray of shape (n_features,)
            As it is kept.
        """
        bounded = row
        if len(self._rows) >= ENOUGH and np.isfinite(self._clip):
            rows = self.rows
            middle, reach = rows.mean(axis=0), self._clip * rows.std(axis=0)
            bounded = np.clip(row, middle - reach, middle + reach)
        self._rows.append(bounded)
        return bounded

    def forget(self) -> None:
        """Drop all windows."""
        self._rows.clear()
