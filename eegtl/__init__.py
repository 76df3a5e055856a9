"""eegtl: EEG of many people -> a classifier of emotion or mental state for one person.

The public names are imported on first use, so that ``import eegtl`` and ``eegtl --help`` stay fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .evaluation import run_study
    from .features import FeatureExtractor, FeatureTable, extract_features
    from .personalize import Profile
    from .recordings import from_raws, load
    from .transfer import make_transfer_pipeline

_LAZY = {
    "load": "recordings",
    "from_raws": "recordings",
    "FeatureExtractor": "features",
    "FeatureTable": "features",
    "extract_features": "features",
    "make_transfer_pipeline": "transfer",
    "run_study": "evaluation",
    "Profile": "personalize",
}
_PACKAGES = (
    "errors",
    "recordings",
    "preprocessing",
    "features",
    "transfer",
    "evaluation",
    "personalize",
    "streaming",
    "report",
    "testing",
)

__all__ = [
    "FeatureExtractor",
    "FeatureTable",
    "Profile",
    "__version__",
    "extract_features",
    "from_raws",
    "load",
    "make_transfer_pipeline",
    "run_study",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    if name in _PACKAGES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'eegtl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_PACKAGES])
