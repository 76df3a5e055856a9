"""Whether stamps are of the driver's clock, and samples come at the rate that was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan
from typing import Any

import numpy as np

from .live_windows import LiveWindow, LiveWindows

#: Share by which the effective rate may differ from the nominal one.
RATE_TOLERANCE = 0.02
#: Seconds that the stamps may be apart from the driver's clock and be of the same.
FOREIGN = 60.0


class StampWatch:
    """Looks at stamps, and tells what is odd about them.

    Parameters
    ----------
    windows : LiveWindows
    rate : float
        Nominal, in Hz.
    emit : callable
        Takes the name of an event and its details.

    Attributes
    ----------
    rate_is_off : bool
    """

    def __init__(
        self,
        windows: LiveWindows,
        rate: float,
        emit: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._windows, self._rate, self._emit = windows, rate, emit
        self._offset = np.nan
        self.rate_is_off = False

    @property
    def knows_clock(self) -> bool:
        """Whether the clock was looked at."""
        return not isnan(self._offset)

    @property
    def clock_offset(self) -> float:
        """Seconds that the stamps' clock is ahead of the driver's, where it is another one."""
        return 0.0 if isnan(self._offset) else float(self._offset + self._windows.offset)

    def look_at_clock(self, now: float) -> None:
        """Find out, once, whether the stamps are of the driver's clock.

        Parameters
        ----------
        now : float
            The driver's time, in seconds.
        """
        apart = self._windows.newest - now
        if np.isnan(apart):
            return
        is_foreign = abs(apart) > FOREIGN
        self._offset = (apart if is_foreign else 0.0) - self._windows.offset
        if is_foreign:
            self._emit(
                "foreign_clock",
                {
                    "seconds": float(apart),
                    "note": "the stamps are of another clock (Unix time?): lags count from the "
                    "first chunk, and markers of other streams cannot be placed",
                },
            )

    def look_at_rate(self, window: LiveWindow) -> None:
        """Tell when samples come at another rate than the stream says, up to a window's end.

        Parameters
        ----------
        window : LiveWindow
        """
        rate = self._windows.clock.effective_rate(window.sample)
        if isnan(rate):
            return
        off = abs(rate / self._rate - 1) > RATE_TOLERANCE
        if off != self.rate_is_off:
            self.rate_is_off = off
            self._emit("rate", {"effective": rate, "nominal": self._rate, "usable": not off})
