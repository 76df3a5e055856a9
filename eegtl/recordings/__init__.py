"""Recordings of many people: read lazily, named alike, in volts."""

from __future__ import annotations

from .cards import Card, card_names, get_card
from .channels import HEADSETS, canonical_name
from .collection import Collection, Entry
from .custom import from_raws
from .loading import load
from .recording import Recording
from .synthetic import SyntheticSettings, make_synthetic

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
]
