"""Watching whether the wearer's signal leaves the range of the calibration."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..personalize.days import FIRST, block_seconds
from ..personalize.profile import Profile
from ..personalize.session_drift import SPAN, block_scale, distance_from_block

Floats = NDArray[np.float64]

REACTIONS = ("tell", "follow", "ask")
#: So many minutes in a row, none of which shares a window with another, must lie beyond the limit.
MINUTES = 3
#: A session outlasts the source people's sittings, from which the limit was learnt, by far.
_MARGIN = 1.25
#: Below this share of the limit the drift counts as over.
_OVER = 0.8


@dataclass(frozen=True)
class Drift:
    """What a session does when the signal leaves the range of the calibration.

    It has left when each of the last three minutes of good windows lies beyond the limit by
    itself, so that it is told some three minutes after a change.

    Parameters
    ----------
    reaction : {"tell", "follow", "ask"}
        An event ``drift`` comes in any case. ``follow``: from then on the model follows the
        wearer, by running normalisation where it can. ``ask``: an event ``recalibrate`` asks for a
        new calibration.
    limit : float or None
        Distance from the calibration, in its spreads; None for a quarter more than what most source
        people's sittings never reached from a block as long and of the same kind, as the profile
        says. Infinite for no watch.

    Raises
    ------
    InputError
        When a setting is out of range.
    """

    reaction: str = "tell"
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.reaction not in REACTIONS:
            raise InputError(
                f"reaction must be one of {', '.join(REACTIONS)}; got {self.reaction!r}."
            )
        if self.limit is not None and not self.limit > 0:
            raise InputError(f"limit must be a positive number of spreads; got {self.limit!r}.")


class DriftWatch:
    """Compares the last three minutes of good windows, each by itself, with the calibration block.

    One minute beyond the limit means little: a session has many of them, and the limit comes from
    the few minutes of the source people's sittings.

    Parameters
    ----------
    profile : Profile
    rule : Drift

    Attributes
    ----------
    limit : float
        Of the block that is compared with; NaN where none is known, and nothing is watched.
    drifted : bool
    """

    def __init__(self, profile: Profile, rule: Drift) -> None:
        self.limit = np.nan
        self.drifted = False
        self._rule, self._plan, self._extractor = rule, profile.plan, profile.extractor
        self._sd = profile.sd
        step = float(profile.extractor.step)
        self._minute = max(2, round(SPAN / step))
        self._recent: deque[Floats] = deque(maxlen=self._minute)
        # whether the minute up to each of the newest windows lay beyond the limit
        self._beyond: deque[bool] = deque(maxlen=(MINUTES - 1) * self._minute + 1)
        self._scale: tuple[Floats, Floats] | None = None
        day = next((day for day in profile.days if day.name == profile.day), None)
        self._day = day
        self.refer_to_day()

    @property
    def unwatched(self) -> str:
        """Why nothing is watched; empty where something is."""
        if self._scale is None:
            return "there is no calibration block to compare with"
        if np.isnan(self.limit):
            return "no limit is known for such a calibration block"
        return ""

    def refer_to_day(self) -> None:
        """Compare with the block of the profile's day, or with nothing where there is none."""
        if self._day is None:
            self.refer(np.empty((0, len(self._sd))))
        else:
            self.refer(self._day.X, self._day.kind)

    def refer(self, block: Floats, kind: str = FIRST) -> None:
        """Compare with another calibration block from now on.

        Parameters
        ----------
        block : ndarray of shape (n_rows, n_features)
        kind : str
            What is known of its class mix: blocks of one state lie farther from what follows, and
            short ones, too, so that their limits differ.
        """
        self._recent.clear()
        self._beyond.clear()
        self.drifted = False
        self._scale = block_scale(block, self._sd) if len(block) > 1 else None
        if self._rule.limit is not None:
            self.limit = self._rule.limit
        elif self._plan is not None:
            seconds = block_seconds(len(block), self._extractor)
            self.limit = _MARGIN * self._plan.limit_for(kind, seconds)

    def take(self, row: Floats) -> float | None:
        """Take a good window.

        Parameters
        ----------
        row : ndarray of shape (n_features,)
            What is no number is left out.

        Returns
        -------
        float or None
            The distance of the last minute, where the range was just left or entered again (see
            `drifted`).
        """
        if self._scale is None or not np.isfinite(self.limit) or not np.all(np.isfinite(row)):
            return None
        self._recent.append(row)
        if len(self._recent) < self._minute:
            return None
        distance = distance_from_block(np.array(self._recent), *self._scale)
        self._beyond.append(distance > self.limit)
        left = not self.drifted and self._is_sustained
        entered = self.drifted and distance < _OVER * self.limit
        if not left and not entered:
            return None
        self.drifted = left
        if entered:
            self._beyond.clear()  # the next drift has to last as long again
        return distance

    @property
    def _is_sustained(self) -> bool:
        """Whether each of the last minutes lay beyond the limit."""
        beyond = self._beyond
        return len(beyond) == beyond.maxlen and all(
            beyond[minute * self._minute] for minute in range(MINUTES)
        )
