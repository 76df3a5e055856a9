"""What files tell in words and numbers: where models come from, and what was decided for a wearer.

It is printed, so that its kinds are checked when a profile is made and when a file is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from .plain_values import entries, number, table, text, text_list


def check_provenance(told: Mapping[str, Any]) -> None:
    """Raise `TypeError` where what is known of sources has another kind; anything may be missing.

    Parameters
    ----------
    told : mapping
        Further entries are free.

    Examples
    --------
    >>> check_provenance({"n_people": 3, "datasets": ["seed"], "note": None})
    """
    _check(told, _PROVENANCE)


def check_entry(entry: Mapping[str, Any]) -> None:
    """Raise `TypeError` or `LookupError` where a line of history is half a calibration.

    Parameters
    ----------
    entry : mapping
        One without ``candidate`` is of another origin, and free.

    Examples
    --------
    >>> check_entry({"day": 1, "windows": 30})
    """
    if "candidate" not in entry:
        return
    for name in _CALIBRATION:
        entry[name]
    _check(entry, {**_CALIBRATION, "guarded": _yes_or_no, "rolled_back_to": text})
    if entry["expected"]:
        _check(table(entry["expected"]), _EXPECTED, whole=True)
    if entry.get("drift"):
        _check(table(entry["drift"]), _DRIFT, whole=True)


def _check(
    given: Mapping[str, Any], kinds: Mapping[str, Callable[[Any], object]], *, whole: bool = False
) -> None:
    for name, kind in kinds.items():
        if whole or name in given:
            try:
                kind(given[name])
            except TypeError as error:
                raise TypeError(f"of {name!r}: {error}") from error


def _count(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**63:
        raise TypeError(f"{value!r:.80} is no number of things")


def _yes_or_no(value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r:.80} is neither true nor false")


def _number_or_none_known(value: Any) -> None:
    """NaN stands where nothing is known; of two people nobody can be left out."""
    if not (isinstance(value, float) and math.isnan(value)):
        number(value)


def _texts(value: Any) -> None:
    text_list(entries(value))


_PROVENANCE = {
    "datasets": _texts,
    "n_people": _count,
    "n_windows": _count,
    "n_flagged": _count,
    "rows_sha256": text,
    "sources": text,
}
_CALIBRATION = {
    "candidate": text,
    "day": text,
    "kind": text,
    "seconds": number,
    "n_windows": _count,
    "labelled": _yes_or_no,
    "reasons": _texts,
    "expected": table,
}
_EXPECTED = {
    **dict.fromkeys(("mean", "low", "high", "coverage"), _number_or_none_known),
    "n_people": _count,
}
_DRIFT = {
    "since": text,
    "value": _number_or_none_known,
    "usual": _number_or_none_known,
    "same_kind": _yes_or_no,
}
