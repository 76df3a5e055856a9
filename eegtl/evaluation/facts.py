"""The facts of a study: what must agree for it to be continued, and what a reader wants to know."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from .. import __version__
from ..errors import StudyError
from .cross_day import CrossDay
from .information import InformationSet
from .method import StudyRow
from .protocols import Protocol
from .settings import settings_of
from .study_data import StudyData

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "mne", "pandas")
#: columns of the table's meta on which the results depend
_META = ("subject", "session", "trial", "stimulus", "label", "onset", "settling")
#: and those that a table may have
_DAYS = ("day",)
#: facts that may differ from those of the study to be continued
_FREE = ("command", "python", "started")


def study_facts(
    table: Any, data: StudyData, rows: list[StudyRow], protocol: Protocol, seed: int
) -> dict[str, Any]:
    """Collect the facts of a study.

    Parameters
    ----------
    table : FeatureTable
        As it is studied, without the rows left out.
    data : StudyData
    rows : list of StudyRow
    protocol : protocol
    seed : int

    Returns
    -------
    dict
        As it comes back from JSON: versions, data set, a digest of the features and of the
        descriptions of the windows in the order of the rows, settings of every row.

    Raises
    ------
    StudyError
        When ``table.info`` is not JSON-able, or an estimator does not tell its parameters.
    """
    names = table.meta["dataset"].drop_duplicates().tolist()
    settings = protocol.settings() if isinstance(protocol, CrossDay) else {}
    facts = {
        "eegtl": __version__,
        "libraries": {name: version(name) for name in _LIBRARIES},
        "dataset": [str(name) for name in names],
        "features": table.info,
        "causal": bool(table.causal),
        "data": _digest(table),
        "n_windows": len(data.X),
        "subjects": list(dict.fromkeys(map(str, data.subjects))),
        "classes": data.classes.tolist(),
        "protocol": protocol.name,
        "information": InformationSet.parse(protocol.information).tag,
        # only where a protocol has settings, so that older studies go on as they were
        **({"protocol_settings": settings} if settings else {}),
        "seed": int(seed),
        "rows": {row.key: _row(row, seed) for row in rows},
    }
    try:
        return json.loads(json.dumps(facts))
    except TypeError as error:
        raise StudyError(
            f"the facts of the table cannot be written down ({error}); keep texts, numbers, lists "
            "and dicts of them in table.info."
        ) from error


def _row(row: StudyRow, seed: int) -> dict[str, Any]:
    """Write down what a row runs and how."""
    estimator = row.build(seed)
    return {
        "level": row.level(estimator),
        "uses": row.uses,
        "role": row.role,
        "classifier": row.classifier,
        "shuffled": row.shuffled,
        "search": row.search,
        "view": list(row.view),
        "estimator": settings_of(estimator, row.key),
    }


def _digest(table: Any) -> str:
    """Hash the features and the descriptions of the windows, row by row."""
    digest = hashlib.sha256(np.ascontiguousarray(table.X).tobytes())
    for name in (*_META, *(name for name in _DAYS if name in table.meta)):
        values = (v.item() if isinstance(v, np.generic) else v for v in table.meta[name].tolist())
        digest.update(repr((name, list(values))).encode())
    return digest.hexdigest()


def continued(stored: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Join the facts of a stored study with those of the one that continues it.

    Parameters
    ----------
    stored, current : mapping
        Facts of studies that agree (see `study_differences`).

    Returns
    -------
    dict
        The current facts; rows that only the stored study had are kept, with their folds, and so
        is the time at which it was started.
    """
    kept = {"started": stored["started"]} if "started" in stored else {}
    return {
        **current,
        **kept,
        "rows": {**stored.get("rows", {}), **current.get("rows", {})},
    }


def study_differences(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Say what keeps a stored study from being continued.

    Parameters
    ----------
    stored, current : mapping
        Facts. Rows that only one of them has do not matter, nor do ``command``,
        ``python`` and ``started``.

    Returns
    -------
    list of str
        As of `differences`.

    Examples
    --------
    >>> study_differences({"seed": 0, "rows": {"a": {"mu": 1}}}, {"seed": 0, "rows": {"b": {}}})
    []
    """
    rows = [dict(facts.get("rows", {})) for facts in (stored, current)]
    common = [{key: r[key] for key in r if key in rows[0] and key in rows[1]} for r in rows]
    old, new = (
        {key: value for key, value in facts.items() if key not in _FREE} | {"rows": shared}
        for facts, shared in zip((stored, current), common, strict=True)
    )
    return differences(old, new)


def differences(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Say in which facts a stored study and the one to be continued differ.

    Parameters
    ----------
    stored, current : mapping
        Facts; mappings inside are compared key by key.

    Returns
    -------
    list of str
        ``name: stored -> current`` each; empty when they agree.

    Examples
    --------
    >>> differences({"seed": 0, "a": {"b": 1}}, {"seed": 1, "a": {"b": 1}})
    ['seed: 0 -> 1']
    """
    found = []
    for key in _keys(stored, current):
        old, new = stored.get(key), current.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += [f"{key}.{text}" for text in differences(old, new)]
        # as text, since NaN does not equal itself
        elif json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True):
            found.append(f"{key}: {_short(old)} -> {_short(new)}")
    return found


def _keys(*mappings: Mapping[str, Any]) -> Iterable[str]:
    return dict.fromkeys(key for mapping in mappings for key in mapping)


def _short(value: Any) -> str:
    text = "(none)" if value is None else json.dumps(value, sort_keys=True)
    return text if len(text) <= 80 else text[:77] + "..."
