"""Recordings of many people: read lazily, named alike, in volts.

The public names are imported on first use, so that whoever needs the names of channels only, a
live session say, does not pay for MNE and pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cards import Card, card_names, get_card
    from .channels import HEADSETS, canonical_name
    from .collection import Collection, Entry
    from .custom import from_raws
    from .loading import load
    from .readers.xdf import read_xdf
    from .recording import Recording
    from .synthetic import SyntheticSettings, make_synthetic

_LAZY = {
    "HEADSETS": "channels",
    "Card": "cards",
    "Collection": "collection",
    "Entry": "collection",
    "Recording": "recording",
    "SyntheticSettings": "synthetic",
    "canonical_name": "channels",
    "card_names": "cards",
    "from_raws": "custom",
    "get_card": "cards",
    "load": "loading",
    "make_synthetic": "synthetic",
    "read_xdf": "readers.xdf",
}

__all__ = [
    "HEADSETS",
    "Card",
    "Collection",
    "Entry",
    "Recording",
    "SyntheticSettings",
    "canonical_name",
    "card_names",
    "from_raws",
    "get_card",
    "load",
    "make_synthetic",
    "read_xdf",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module 'eegtl.recordings' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
