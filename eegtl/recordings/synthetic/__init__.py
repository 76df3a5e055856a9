"""Invented wearers: sources in a spherical head, with persons, days, trials and moods.

`settings` says what the wearers are like, `draws` gives random numbers that are the same on every
machine, `head` carries sources to electrodes, `fields` and `wearer` make what differs between
people, days and trials, `plan` orders the trials, `activity` and `artefacts` make the signals, and
`make` puts them together.
"""

from __future__ import annotations

from .make import list_synthetic, make_synthetic
from .presets import PRESETS
from .settings import SyntheticSettings
from .wearer import Wearer, draw_wearer

__all__ = [
    "PRESETS",
    "SyntheticSettings",
    "Wearer",
    "draw_wearer",
    "list_synthetic",
    "make_synthetic",
]
