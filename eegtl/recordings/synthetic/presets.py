"""The data sets of invented wearers that have a card."""

from __future__ import annotations

from ..channels import HEADSETS
from .settings import SyntheticSettings

PRESETS: dict[str, SyntheticSettings] = {
    "synthetic": SyntheticSettings(),
    "synthetic-days": SyntheticSettings(
        n_subjects=8,
        n_sessions=3,
        trials_per_class=2,
        channels=HEADSETS["muse"],
        sfreq=256.0,
        trial_effect=0.21,
        drift=0.31,
        mains=60.0,
    ),
    "synthetic-cap": SyntheticSettings(channels=HEADSETS["seed62"], sfreq=200.0),
    "synthetic-shift": SyntheticSettings(label_shift=0.75),
}
"""Settings by the name of the card."""
