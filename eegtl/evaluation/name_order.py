"""Which session or trial came first, read from the names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StudyError

_DIGITS = re.compile("([0-9]+)")
#: names of an order that a note lists
_SHOWN = 12


def natural_key(name: Any) -> tuple[Any, ...]:
    """Give what a name is sorted by.

    Parameters
    ----------
    name : str, number or time

    Returns
    -------
    tuple
        Of a text its parts, runs of digits as numbers and the rest without regard to case; of
        anything else itself.

    Examples
    --------
    >>> sorted(["S10", "S2", "s1"], key=natural_key)
    ['s1', 'S2', 'S10']
    >>> natural_key("S1") == natural_key("S01")
    True
    """
    if not isinstance(name, str):
        return (name,)
    parts = _DIGITS.split(name.casefold())
    # a number as its length and digits: of any length, and without a limit of conversion
    numbers = [(len(digits), digits) for digits in (part.lstrip("0") for part in parts[1::2])]
    return tuple(
        numbers[i // 2] if i % 2 else part  # texts and numbers alternate, so they compare
        for i, part in enumerate(parts)
    )


def in_order(names: Iterable[Any]) -> list[Any]:
    """Sort names of sessions or trials in the order of time.

    Parameters
    ----------
    names : iterable of str, number or time
        Of one type.

    Returns
    -------
    list
        Each once. Texts that `natural_key` cannot tell apart are in the order of their characters.

    Examples
    --------
    >>> in_order(["day 10", "day 9", "day 9"])
    ['day 9', 'day 10']
    """
    return sorted(
        dict.fromkeys(names),
        key=lambda name: (*natural_key(name), name) if isinstance(name, str) else name,
    )


def name_ranks(names: Any) -> NDArray[np.intp]:
    """Give each name its place in the order of time.

    Parameters
    ----------
    names : pandas.Series or ndarray of shape (n,)

    Returns
    -------
    ndarray of int, shape (n,)
        Place of each name in `in_order` of all.

    Examples
    --------
    >>> name_ranks(np.array(["S10", "S2", "S10"])).tolist()
    [1, 0, 1]
    """
    values = names.tolist()
    places = {name: place for place, name in enumerate(in_order(values))}
    return np.array([places[name] for name in values], dtype=np.intp)


def check_names_tell(names: Iterable[Any], where: str) -> None:
    """Refuse names that do not say which came first.

    Parameters
    ----------
    names : iterable of str, number or time
    where : str
        Whose they are: ``sessions of subject 3``.

    Raises
    ------
    StudyError
        Naming two texts that differ in leading zeros or in case only.
    """
    ordered = in_order(names)
    for before, after in pairwise(ordered):
        if natural_key(before) == natural_key(after):
            raise StudyError(
                f"the {where} are named {before!r} and {after!r}, which does not say which came "
                "first. Number them in the order of time."
            )


def check_meta_names(meta: pd.DataFrame) -> None:
    """Refuse sessions of a person, and trials of a session, whose order names do not tell.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``subject, session, trial``.

    Raises
    ------
    StudyError
        As of `check_names_tell`.
    """
    for subject, own in meta.groupby("subject", sort=False):
        check_names_tell(own["session"].tolist(), f"sessions of subject {subject}")
        for session, part in own.groupby("session", sort=False):
            names = part["trial"].tolist()
            check_names_tell(names, f"trials of subject {subject}, session {session}")


def name_order_note(meta: pd.DataFrame, column: str) -> list[str]:
    """Say in which order names that are no numbers were taken.

    Parameters
    ----------
    meta : pandas.DataFrame
    column : {"session", "trial"}

    Returns
    -------
    list of str
        One note or none. Names that stand alone, within their person or session, have no order.

    Examples
    --------
    >>> name_order_note(pd.DataFrame({"subject": 1, "session": ["pre", "post"]}), "session")
    ['sessions are taken in the order of their names, digits as numbers: post, pre']
    """
    within = ["subject"] if column == "session" else ["subject", "session"]
    rows = meta[[*within, column]].drop_duplicates()
    several = rows.groupby(within)[column].transform("size") > 1
    names = in_order(rows.loc[several, column].tolist())
    if not any(isinstance(name, str) and not _DIGITS.fullmatch(name) for name in names):
        return []
    more = f", ... [{len(names)} in all]" if len(names) > _SHOWN else ""
    return [
        f"{column}s are taken in the order of their names, digits as numbers: "
        f"{', '.join(names[:_SHOWN])}{more}"
    ]
