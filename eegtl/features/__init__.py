"""Features of windows: bands, differential entropy, the extractor and its table.

What belongs to tables is imported on first use: streams do without pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .bands import BANDS
from .description import describe_extractor, extractor_from
from .entropy import differential_entropy
from .extractor import FeatureExtractor, extract_features
from .feature import Feature
from .registry import FEATURES, features_table
from .smoothing import LDS, SMOOTHING, MovingAverage
from .stream import FeatureStream
from .windows import Windows

if TYPE_CHECKING:
    from .table import META_COLUMNS, FeatureTable, make_columns

_OF_TABLES = ("META_COLUMNS", "FeatureTable", "make_columns")

__all__ = [
    "BANDS",
    "FEATURES",
    "LDS",
    "META_COLUMNS",
    "SMOOTHING",
    "Feature",
    "FeatureExtractor",
    "FeatureStream",
    "FeatureTable",
    "MovingAverage",
    "Windows",
    "describe_extractor",
    "differential_entropy",
    "extract_features",
    "extractor_from",
    "features_table",
    "make_columns",
]


def __getattr__(name: str) -> Any:
    if name in _OF_TABLES:
        from . import table

        return getattr(table, name)
    raise AttributeError(f"module 'eegtl.features' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
