"""Readers by the name that cards use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..cards import Card
from ..collection import Entry
from .eegmat import list_eegmat
from .muse_days import list_muse_days
from .wearers import list_wearers

Reader = Callable[[Card, Path | None], list[Entry]]

READERS: dict[str, Reader] = {
    "eegmat": list_eegmat,
    "muse-days": list_muse_days,
    "synthetic": list_wearers,
}
"""Readers by the name that cards use."""
