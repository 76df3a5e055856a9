"""The wearer's life: the profile that live use starts from.

The public names are imported on first use, so that a live start does not pay for the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calibration import calibrate, roll_back, update
    from .candidates import CANDIDATES
    from .container import write_container
    from .container_reading import read_container
    from .play import make_plan
    from .prepare import prepare_sources
    from .profile import Profile
    from .source_file import SourceFile

_LAZY = {
    "CANDIDATES": "candidates",
    "Profile": "profile",
    "SourceFile": "source_file",
    "calibrate": "calibration",
    "make_plan": "play",
    "prepare_sources": "prepare",
    "read_container": "container_reading",
    "roll_back": "calibration",
    "update": "calibration",
    "write_container": "container",
}

__all__ = [
    "CANDIDATES",
    "Profile",
    "SourceFile",
    "calibrate",
    "make_plan",
    "prepare_sources",
    "read_container",
    "roll_back",
    "update",
    "write_container",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module 'eegtl.personalize' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
