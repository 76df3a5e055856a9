"""Features of windows: bands, differential entropy, the extractor and its table."""

from .bands import BANDS
from .entropy import differential_entropy
from .extractor import FeatureExtractor, extract_features
from .feature import Feature
from .registry import FEATURES, features_table
from .smoothing import LDS, SMOOTHING, MovingAverage
from .stream import FeatureStream
from .table import META_COLUMNS, FeatureTable, make_columns
from .windows import Windows

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
    "differential_entropy",
    "extract_features",
    "features_table",
    "make_columns",
]
