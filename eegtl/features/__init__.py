"""Features of windows: bands, differential entropy, the extractor and its table."""

from .bands import BANDS
from .entropy import differential_entropy
from .extractor import FeatureExtractor, extract_features
from .registry import FEATURES, BandFeature
from .stream import FeatureStream, Windows
from .table import META_COLUMNS, FeatureTable, make_columns

__all__ = [
    "BANDS",
    "FEATURES",
    "META_COLUMNS",
    "BandFeature",
    "FeatureExtractor",
    "FeatureStream",
    "FeatureTable",
    "Windows",
    "differential_entropy",
    "extract_features",
    "make_columns",
]
