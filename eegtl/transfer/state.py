"""Fitted estimators as trees of plain values and arrays, without pickle.

A tree holds None, booleans, numbers, strings, arrays of numbers or strings, lists, dicts with
string keys, and named nodes for estimators on a whitelist. Nothing in it is executed on load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import OAS
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ..errors import StateError
from .kpca import KPCA
from .normalization import SubjectNormalizer
from .pipeline import TransferPipeline
from .source_only import SourceOnly
from .sources import RowSources, SummarySources
from .summary import SourceSummary
from .tca import TCA

#: Classes that a state may hold; all others are refused.
WHITELIST: tuple[type, ...] = (
    KPCA,
    OAS,
    PCA,
    TCA,
    LinearDiscriminantAnalysis,
    LinearSVC,
    LogisticRegression,
    SourceOnly,
    StandardScaler,
    SubjectNormalizer,
    TransferPipeline,
)
_RECORDS = {"RowSources": RowSources, "SummarySources": SummarySources}
_SUMMARY_ARRAYS = ("subjects", "labels", "counts", "means", "scatters")


def to_state(value: Any, *, extra: Iterable[type] = ()) -> Any:
    """Turn a fitted estimator into a tree of plain values and arrays.

    Parameters
    ----------
    value : estimator
        Any estimator on the whitelist, fitted or not.
    extra : iterable of class
        Further classes to accept.

    Returns
    -------
    dict

    Raises
    ------
    StateError
        When the estimator holds something that is not on the whitelist; it is named.

    Examples
    --------
    >>> from eegtl.transfer import SubjectNormalizer
    >>> to_state(SubjectNormalizer("z0"))["params"]
    {'mode': 'z0'}
    """
    allowed = {cls.__name__: cls for cls in (*WHITELIST, *extra)}
    return _encode(value, allowed, type(value).__name__)


def from_state(state: Any, *, extra: Iterable[type] = ()) -> Any:
    """Turn the tree of `to_state` into the estimator again.

    Parameters
    ----------
    state : dict
    extra : iterable of class
        Further classes to accept.

    Returns
    -------
    estimator

    Raises
    ------
    StateError
        When the tree names a class that is not on the whitelist, or is malformed.
    """
    return _decode(state, {cls.__name__: cls for cls in (*WHITELIST, *extra)})


def _encode(given: Any, allowed: dict[str, Any], where: str) -> Any:
    value: Any = given.item() if isinstance(given, np.generic) else given
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return {"kind": "array", "values": _plain_array(value, where), "object": value.dtype == "O"}
    if isinstance(value, list | tuple):
        entries = [_encode(item, allowed, f"{where}[{i}]") for i, item in enumerate(value)]
        return {"kind": type(value).__name__, "items": entries}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"kind": "dict", "items": _encode_items(value, allowed, where)}
    if isinstance(value, SourceSummary):
        arrays = {name: getattr(value, name) for name in _SUMMARY_ARRAYS}
        return {"kind": "summary", "items": _encode_items(arrays, allowed, where)}
    if isinstance(value, RowSources | SummarySources):
        content = {field.name: getattr(value, field.name) for field in fields(value)}
        items = _encode_items(content, allowed, where)
        return {"kind": "record", "class": type(value).__name__, "items": items}
    if allowed.get(type(given).__name__) is type(given):
        params = given.get_params(deep=False)
        fitted = {name: v for name, v in vars(value).items() if name not in params}
        return {
            "kind": "estimator",
            "class": type(value).__name__,
            "params": _encode_items(params, allowed, where),
            "fitted": _encode_items(fitted, allowed, where),
        }
    raise StateError(
        f"{where} holds a {type(value).__name__}, which cannot be stored safely; a state holds "
        f"numbers, strings, arrays and the estimators {', '.join(sorted(allowed))}."
    )


def _encode_items(items: dict[str, Any], allowed: dict[str, type], where: str) -> dict[str, Any]:
    return {name: _encode(value, allowed, f"{where}.{name}") for name, value in items.items()}


def _plain_array(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Give an array without objects: numbers or strings."""
    if array.dtype.kind in "biufU":
        return array.copy()
    if array.dtype == object and (
        all(isinstance(v, str) for v in array.flat)
        or all(isinstance(v, int | np.integer) for v in array.flat)
    ):
        return np.array(array.tolist()).reshape(array.shape)
    raise StateError(
        f"{where} is an array of {array.dtype} that mixes kinds; only arrays of numbers or of "
        "strings can be stored. Name subjects and labels by strings or by integers."
    )


def _decode(state: Any, allowed: dict[str, type]) -> Any:
    if not isinstance(state, dict):
        return state
    kind = state.get("kind")
    if kind == "array":
        values = np.asarray(state["values"])
        return values.astype(object) if state["object"] else values.copy()
    if kind in ("list", "tuple"):
        items = [_decode(item, allowed) for item in state["items"]]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return _decode_items(state["items"], allowed)
    if kind == "summary":
        return SourceSummary.from_arrays(**_decode_items(state["items"], allowed))
    if kind == "record":
        return _class(state, _RECORDS)(**_decode_items(state["items"], allowed))
    if kind == "estimator":
        estimator = _class(state, allowed)(**_decode_items(state["params"], allowed))
        vars(estimator).update(_decode_items(state["fitted"], allowed))
        return estimator
    raise StateError(f"the state has a node of unknown kind {kind!r}; it is damaged or foreign.")


def _decode_items(items: dict[str, Any], allowed: dict[str, type]) -> dict[str, Any]:
    return {name: _decode(value, allowed) for name, value in items.items()}


def _class(state: dict[str, Any], allowed: Mapping[str, type]) -> Any:
    name = str(state.get("class"))
    if name not in allowed:
        raise StateError(
            f"the state asks for the class {name!r}, which is not on the whitelist "
            f"({', '.join(sorted(allowed))})."
        )
    return allowed[name]
