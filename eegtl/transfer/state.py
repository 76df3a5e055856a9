"""Fitted estimators as trees of plain values and arrays, without pickle.

A tree holds None, booleans, numbers, strings, arrays of numbers or strings, lists, dicts with
string keys, and named nodes for estimators on a whitelist. Nothing in it is executed on load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import OAS
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ..errors import StateError
from . import asfm, coral, dica, gfk, itl, kpca, mida, tca, tpt, tsvm
from .adaptive_svm import AdaptiveSVM
from .columns import SelectColumns
from .conditional import ConditionalTransfer
from .ensemble import TransferEnsemble
from .matched_baseline import MatchedBaseline
from .normalization import SubjectNormalizer
from .pipeline import TransferPipeline
from .recenter import Recenter
from .riemannian_selector import RiemannianSelector
from .robust_pca import RobustPCA
from .robust_pca_transfer import RobustPCATransfer
from .shift_aware import ShiftAwareNormalizer
from .source_only import SourceOnly
from .sources import RowSources, SummarySources
from .style_transfer import StyleTransfer
from .subspace_alignment import SubspaceAlignment
from .summary import SourceSummary
from .threshold import ThresholdRecentring

#: Classes that a state may hold; all others are refused.
WHITELIST: tuple[type, ...] = (
    OAS,
    PCA,
    AdaptiveSVM,
    ConditionalTransfer,
    GaussianNB,
    LinearDiscriminantAnalysis,
    LinearSVC,
    LogisticRegression,
    MatchedBaseline,
    Recenter,
    RiemannianSelector,
    RobustPCA,
    RobustPCATransfer,
    SelectColumns,
    ShiftAwareNormalizer,
    SourceOnly,
    StandardScaler,
    StyleTransfer,
    SubjectNormalizer,
    SubspaceAlignment,
    ThresholdRecentring,
    TransferEnsemble,
    TransferPipeline,
    asfm.ASFM,
    coral.CORAL,
    dica.DICA,
    dica.UDICA,
    gfk.GFK,
    itl.ITL,
    kpca.KPCA,
    mida.MIDA,
    tca.TCA,
    tpt.TPT,
    tsvm.TSVM,
)
#: What is as large as all else of an estimator, and no prediction reads.
_UNREAD = {LinearDiscriminantAnalysis: ("covariance_",)}
_RECORDS = {"RowSources": RowSources, "SummarySources": SummarySources}
#: Entries of an array of objects, and of all such arrays of a file: labels and names of people. An
#: object takes forty times as much memory as its byte in the file.
MAX_OBJECTS, MAX_OBJECTS_IN_ALL = 100_000, 2_000_000
_SUMMARY_ARRAYS = ("subjects", "labels", "counts", "means", "scatters")


def to_state(value: Any, *, extra: Iterable[type] = ()) -> Any:
    """Turn a fitted estimator into a tree of plain values and arrays.

    LDA is kept without its `covariance_`, which no prediction reads. Arrays of objects, such as
    labels of text, are kept as texts or numbers; those of more than 100 000 come back as such.

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
    return from_states({"": state}, extra=extra)[""]


def from_states(states: Mapping[str, Any], *, extra: Iterable[type] = ()) -> dict[str, Any]:
    """Turn the trees of several estimators of one file into the estimators again.

    Parameters
    ----------
    states : mapping of str to dict
    extra : iterable of class
        Further classes to accept.

    Returns
    -------
    dict of str to estimator

    Raises
    ------
    StateError
        As `from_state`; what only takes much memory is limited for all of them together.
    """
    reading = _Reading({cls.__name__: cls for cls in (*WHITELIST, *extra)})
    for state in states.values():
        if not isinstance(state, dict):
            raise StateError(f"the state is a {type(state).__name__}; it is damaged or foreign.")
    return {name: _decode(state, reading) for name, state in states.items()}


@dataclass
class _Reading:
    """Classes that are allowed, and objects that may still be made."""

    allowed: dict[str, type]
    n_objects: int = MAX_OBJECTS_IN_ALL


def _encode(given: Any, allowed: dict[str, Any], where: str) -> Any:
    value: Any = given.item() if isinstance(given, np.generic) else given
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        # a longer one comes back as an array of texts or numbers, which are equal
        objects = value.dtype == "O" and value.size <= MAX_OBJECTS
        return {"kind": "array", "values": _plain_array(value, where), "object": objects}
    if type(value) in (list, tuple):
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
        unread = _UNREAD.get(type(value), ())
        fitted = {n: v for n, v in vars(value).items() if n not in params and n not in unread}
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
        return array.copy(order="K")
    # an array of objects holds NumPy's own scalars where it was taken apart row by row
    plain = [v.item() if isinstance(v, np.generic) else v for v in array.flat]
    if not plain:
        return np.empty(array.shape, dtype=str)
    for kind in (str, bool, int, float):
        if all(type(v) is kind for v in plain):
            return np.array(plain, dtype=kind).reshape(array.shape)
    raise StateError(
        f"{where} is an array of {array.dtype} that mixes kinds; only arrays of numbers or of "
        "strings can be stored. Name subjects and labels by strings or by integers."
    )


def _decode(state: Any, reading: _Reading) -> Any:
    if state is None or isinstance(state, bool | int | float | str):
        return state
    if not isinstance(state, dict):
        raise StateError(f"the state holds a {type(state).__name__}; it is damaged or foreign.")
    kind = state.get("kind")
    if not isinstance(kind, str) or kind not in _DECODERS:
        raise StateError(
            f"the state has a node of unknown kind {kind!r}; it is damaged or foreign."
        )
    try:
        return _DECODERS[kind](state, reading)
    except StateError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(
            f"a node of kind {kind!r} cannot be read ({type(error).__name__}: {error}); the state "
            "is damaged or foreign."
        ) from error


def _decode_array(state: dict[str, Any], reading: _Reading) -> NDArray[Any]:
    values = state["values"]
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biufU":
        raise StateError("an array of the state is not one of numbers or strings.")
    if not state["object"]:
        return values.copy(order="K")
    reading.n_objects -= values.size
    if values.size > MAX_OBJECTS or reading.n_objects < 0:
        raise StateError(
            f"the state holds {values.size} objects in an array; at most {MAX_OBJECTS} are made, "
            f"and {MAX_OBJECTS_IN_ALL} in all. It is damaged or foreign."
        )
    return values.astype(object)


def _decode_list(state: dict[str, Any], reading: _Reading) -> Any:
    items = [_decode(item, reading) for item in state["items"]]
    return items if state["kind"] == "list" else tuple(items)


def _decode_estimator(state: dict[str, Any], reading: _Reading) -> Any:
    cls = _class(state, reading.allowed)
    estimator = cls(**_decode_items(state["params"], reading))
    fitted = _decode_items(state["fitted"], reading)
    shadowing = [name for name in fitted if callable(getattr(cls, name, None))]
    if shadowing:
        raise StateError(
            f"the state of {cls.__name__} would replace its methods {', '.join(shadowing)}; it is "
            "damaged or foreign."
        )
    vars(estimator).update(fitted)
    return estimator


_DECODERS: dict[Any, Callable[[dict[str, Any], _Reading], Any]] = {
    "array": _decode_array,
    "list": _decode_list,
    "tuple": _decode_list,
    "dict": lambda state, reading: _decode_items(state["items"], reading),
    "summary": lambda state, reading: SourceSummary.from_arrays(
        **_decode_items(state["items"], reading)
    ),
    "record": lambda state, reading: _class(state, _RECORDS)(
        **_decode_items(state["items"], reading)
    ),
    "estimator": _decode_estimator,
}


def _decode_items(items: dict[str, Any], reading: _Reading) -> dict[str, Any]:
    return {name: _decode(value, reading) for name, value in items.items()}


def _class(state: dict[str, Any], allowed: Mapping[str, type]) -> Any:
    name = str(state.get("class"))
    if name not in allowed:
        raise StateError(
            f"the state asks for the class {name!r}, which is not on the whitelist "
            f"({', '.join(sorted(allowed))})."
        )
    return allowed[name]
