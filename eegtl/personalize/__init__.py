"""The wearer's life: the profile that live use starts from.

The public names are imported on first use, so that a live start does not pay for the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .container import read_container, write_container
    from .profile import Profile

_LAZY = {"Profile": "profile", "read_container": "container", "write_container": "container"}

__all__ = ["Profile", "read_container", "write_container"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module 'eegtl.personalize' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
