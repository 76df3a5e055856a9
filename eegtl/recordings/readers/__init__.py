"""One file per format; a reader turns a card and a folder into entries, reading no samples.

To add one: write a function ``(card, folder) -> list[Entry]`` in a file of its own and name it in
`READERS` of ``registry.py``; cards refer to it by that name. The names are imported on first use:
the live recorder writes XDF by the layout that stands here, and does not pay for MNE and pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .registry import READERS, Reader

__all__ = ["READERS", "Reader"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(".registry", __name__), name)
    raise AttributeError(f"module 'eegtl.recordings.readers' has no attribute {name!r}")
