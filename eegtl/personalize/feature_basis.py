"""What profiles and source files both say: how features are computed, and from what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..features.description import describe_extractor, extractor_from
from .plain_values import floats, number, text_list


def basis_to_tree(owner: Any) -> dict[str, Any]:
    """Give the entries as plain values and arrays.

    Parameters
    ----------
    owner : Profile or SourceFile

    Returns
    -------
    dict
    """
    return {
        "extractor": describe_extractor(owner.extractor),
        "sfreq": owner.sfreq,
        "ch_names": list(owner.ch_names),
        "passband": None if owner.passband is None else list(owner.passband),
        "mean": owner.mean,
        "sd": owner.sd,
    }


def basis_from_tree(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of plain values and arrays.

    Parameters
    ----------
    tree : mapping

    Returns
    -------
    dict

    Raises
    ------
    TypeError, ValueError, LookupError
        When the values are none.
    """
    passband = tree["passband"]
    return {
        "extractor": extractor_from(tree["extractor"]),
        "sfreq": number(tree["sfreq"]),
        "ch_names": text_list(tree["ch_names"]),
        "passband": None if passband is None else (number(passband[0]), number(passband[1])),
        "mean": floats(tree["mean"], 1),
        "sd": floats(tree["sd"], 1),
    }
