"""An extractor as plain values, to be stored beside a model, and made again of them.

Names are looked up in the registries of features, steps and smoothings; nothing is imported or
executed by name.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..preprocessing.chain import Chain
from ..preprocessing.format import is_number
from ..preprocessing.registry import STEPS
from .extractor import FeatureExtractor
from .registry import FEATURES
from .smoothing import LDS, SMOOTHING, MovingAverage

_KEYS = ("features", "bands", "window", "step", "preprocessing", "smoothing")


def settings_of(extractor: FeatureExtractor) -> dict[str, Any]:
    """Give the settings as they stand in `FeatureTable.info`, whatever they are made of."""
    smoothing = extractor.smoothing
    return {
        "features": [feature.name for feature in extractor.features],
        "bands": {name: list(edges) for name, edges in extractor.bands.items()},
        "window": extractor.window,
        "step": extractor.step,
        "preprocessing": extractor.preprocessing.describe(),
        "smoothing": None if smoothing is None else smoothing.describe(),
    }


def describe_extractor(extractor: FeatureExtractor) -> dict[str, Any]:
    """Describe an extractor by plain values, as JSON has them.

    Parameters
    ----------
    extractor : FeatureExtractor

    Returns
    -------
    dict
        ``features``, ``bands``, ``window``, ``step``, ``preprocessing``, ``smoothing``.

    Raises
    ------
    InputError
        When `extractor_from` could not make it again: a feature, a step or a smoothing is in no
        registry, or a setting is no plain value.

    Examples
    --------
    >>> description = describe_extractor(FeatureExtractor(("de",), {"alpha": (8, 14)}, window=2.0))
    >>> description["bands"], description["window"], description["smoothing"]
    ({'alpha': [8.0, 14.0]}, 2.0, None)
    """
    for feature in extractor.features:
        _check_registered("feature", feature.name, feature, FEATURES)
    for step in extractor.preprocessing.steps:
        _check_registered("step", step.name, type(step), STEPS)
    if extractor.smoothing is not None:
        _check_registered(
            "smoothing", extractor.smoothing.name, type(extractor.smoothing), SMOOTHING
        )
    settings = settings_of(extractor)
    try:
        described: dict[str, Any] = json.loads(json.dumps(settings, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"a setting of the extractor is no plain value ({error}); its settings are "
            f"{settings}: give Python's own numbers, texts and lists"
        ) from error
    return described


def extractor_from(description: Mapping[str, Any]) -> FeatureExtractor:
    """Make the extractor that a description stands for; the inverse of `describe_extractor`.

    Parameters
    ----------
    description : mapping
        As from `describe_extractor`, possibly by way of a file. It is not trusted.

    Returns
    -------
    FeatureExtractor

    Raises
    ------
    InputError
        When something is missing, unknown, or not of its kind; the message names it.

    Examples
    --------
    >>> extractor = extractor_from(describe_extractor(FeatureExtractor(("de", "power"))))
    >>> [feature.name for feature in extractor.features]
    ['de', 'power']
    """
    try:
        return _make(description)
    # Settings of the wrong kind fail in many ways; numbers beyond floats overflow.
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"the description of an extractor is damaged, or of another version: {error}"
        ) from error


def _make(description: Mapping[str, Any]) -> FeatureExtractor:
    """Check the kinds of all parts, and put them together."""
    if not isinstance(description, Mapping):
        raise InputError(f"it is a {type(description).__name__}, not a dict")
    missing = [key for key in _KEYS if key not in description]
    if missing:
        raise InputError(f"it lacks {', '.join(missing)}")
    _refuse_others(description, _KEYS, "the extractor")
    features, preprocessing = description["features"], description["preprocessing"]
    if not isinstance(features, list) or not all(isinstance(name, str) for name in features):
        raise InputError(f"features is {features!r}, not a list of names")
    if not isinstance(preprocessing, list):
        raise InputError(f"preprocessing is {preprocessing!r}, not a list of steps")
    for key in ("window", "step"):
        if not is_number(description[key]):
            raise InputError(f"{key} is {description[key]!r}, not a number of seconds")
    return FeatureExtractor(
        features,
        _bands(description["bands"]),
        description["window"],
        description["step"],
        Chain.from_description(preprocessing),
        _smoothing(description["smoothing"]),
    )


def _bands(described: Any) -> Mapping[str, list[float]]:
    """Check the kinds of the edges; `check_bands` would take texts for numbers."""
    if not isinstance(described, Mapping):
        raise InputError(f"bands is {described!r}, not a dict of edges in Hz")
    for name, edges in described.items():
        if not isinstance(edges, list) or not all(is_number(edge) for edge in edges):
            raise InputError(f"band {name!r} is {edges!r}, not a list of two numbers in Hz")
    return described


def _smoothing(described: Any) -> MovingAverage | LDS | None:
    """Make the smoothing that a name and settings stand for."""
    if described is None:
        return None
    if not isinstance(described, Mapping):
        raise InputError(f"smoothing is {described!r}, neither null nor a name with its settings")
    settings = dict(described)
    name = settings.pop("name", None)
    if not isinstance(name, str) or name not in SMOOTHING:
        raise InputError(f"there is no smoothing {name!r}; choose from {', '.join(SMOOTHING)}")
    known = list(inspect.signature(SMOOTHING[name]).parameters)
    _refuse_others(settings, known, f"the smoothing {name!r}")
    return SMOOTHING[name](**settings)


def _refuse_others(given: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    """Refuse settings that there are not."""
    strange = [key for key in given if key not in known]
    if strange:
        raise InputError(f"{what} has no setting {strange[0]!r}; it has {', '.join(known)}")


def _check_registered(kind: str, name: str, given: Any, registry: Mapping[str, Any]) -> None:
    """Refuse a part that its name would not bring back."""
    if registry.get(name) is not given:
        raise InputError(
            f"the {kind} {name!r} is not the one that the registry has under this name, so that "
            f"no description would bring it back; register it, or choose from {', '.join(registry)}"
        )
