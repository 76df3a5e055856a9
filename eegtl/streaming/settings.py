"""What a session does, besides what the profile says."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..preprocessing import ArtefactMarks
from .adaptation import Adaptation
from .drift import Drift
from .prediction import BAD_CHANNEL_RULES


@dataclass(frozen=True)
class SessionSettings:
    """What a session does, besides what the profile says.

    Parameters
    ----------
    calibrate : float
        Seconds of good windows that the model is adapted to before it predicts; 0 for none.
    adaptation : Adaptation
        What it does with the windows that it predicts.
    bad_channels : {"abstain", "replace"}
        A window with bad channels is not judged; or their features are replaced by those of the
        calibration (of the sources, where there was none), as long as most channels are good.
    quality : ArtefactMarks or None
        What makes a channel bad in a window; None for `quality_of` the profile.
    stale_after : float
        Seconds without samples after which the stream counts as gone.
    least_confidence : float
        Predictions of less abstain.
    drift : Drift
        What it does when the signal leaves the range of the calibration.

    Raises
    ------
    InputError
        When a setting is out of range.
    """

    calibrate: float = 0.0
    adaptation: Adaptation = field(default_factory=Adaptation)
    bad_channels: str = "abstain"
    quality: ArtefactMarks | None = None
    stale_after: float = 2.0
    least_confidence: float = 0.0
    drift: Drift = field(default_factory=Drift)

    def __post_init__(self) -> None:
        if self.bad_channels not in BAD_CHANNEL_RULES:
            raise InputError(
                f"bad_channels must be one of {', '.join(BAD_CHANNEL_RULES)}; got "
                f"{self.bad_channels!r}."
            )
        for name, low in (("calibrate", 0.0), ("stale_after", 1e-3), ("least_confidence", 0.0)):
            value = getattr(self, name)
            if not low <= value < np.inf:
                raise InputError(f"{name} must be a number of at least {low:g}; got {value!r}.")
