"""Calibration blocks that a source person could have given, and the rows that all are scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..evaluation.blocks import time_order
from .days import BALANCED, FIRST, ONLY

Index = NDArray[np.intp]

#: Share of a class's windows that a block may use; the others are scored.
MOST = 2 / 3


@dataclass(frozen=True)
class PersonBlocks:
    """Blocks of one person.

    Attributes
    ----------
    blocks : dict of (kind, seconds) to ndarray of int
        Row numbers, in time order; only blocks that leave a third of each class to be scored.
    test : ndarray of int
        Rows that overlap no block of any kind and length.
    """

    blocks: dict[tuple[str, float], Index]
    test: Index


def kinds_of(labels: Sequence[Any]) -> tuple[str, ...]:
    """Name the kinds of blocks there are for some classes.

    Parameters
    ----------
    labels : sequence

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> kinds_of(["rest", "task"])
    ('first', 'balanced', 'only rest', 'only task')
    """
    return (FIRST, BALANCED, *(f"{ONLY} {label}" for label in labels))


def person_blocks(
    meta: pd.DataFrame,
    rows: Index,
    window: float,
    lengths: Sequence[float],
    labels: Sequence[Any],
) -> PersonBlocks:
    """Lay out the blocks of one person, and what is scored whatever the block.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``session, trial, onset, label``.
    rows : ndarray of int
        Row numbers of the person.
    window : float
        Length of a window in seconds.
    lengths : sequence of float
        Seconds of the blocks.
    labels : sequence
        The classes.

    Returns
    -------
    PersonBlocks
        The block ``first`` has the first windows in time, ``balanced`` the first windows of each
        class, as long for each, and ``only c`` the first windows of class c.

    Examples
    --------
    >>> meta = pd.DataFrame({"session": 1, "trial": np.repeat([1, 2], 4), "label": list("aaaabbbb"),
    ...                      "onset": [0.0, 1, 2, 3, 10, 11, 12, 13]})
    >>> laid = person_blocks(meta, np.arange(8), 1.0, [2.0], ["a", "b"])
    >>> {kind: block.tolist() for (kind, _), block in laid.blocks.items()}
    {'first': [0, 1], 'balanced': [0, 4], 'only a': [0, 1], 'only b': [4, 5]}
    >>> laid.test.tolist()
    [2, 3, 6, 7]
    """
    own = time_order(meta, rows)
    covered = covered_seconds(meta.iloc[own], window)
    classes = meta["label"].to_numpy()[own]
    of_class = {label: own[classes == label] for label in labels}
    cover = {c: covered_seconds(meta.iloc[part], window) for c, part in of_class.items()}
    blocks: dict[tuple[str, float], Index] = {}
    for seconds in sorted(lengths):
        found = {FIRST: _first(own, covered, seconds)}
        each = [_first(of_class[c], cover[c], seconds / len(labels)) for c in labels]
        if all(part is not None for part in each):
            found[BALANCED] = time_order(meta, np.concatenate([p for p in each if p is not None]))
        for label in labels:
            found[f"{ONLY} {label}"] = _first(of_class[label], cover[label], seconds)
        for kind, block in found.items():
            if block is not None and _leaves_enough(block, of_class):
                blocks[kind, seconds] = block
    # what is scored stays the same for all, so that lengths and kinds compare
    used = np.unique(np.concatenate([*blocks.values(), own[:0]]))
    return PersonBlocks(blocks, _apart(meta, own, used, window))


def covered_seconds(meta: pd.DataFrame, window: float) -> NDArray[np.float64]:
    """Give the seconds of signal that windows cover together, up to each of them.

    Parameters
    ----------
    meta : pandas.DataFrame
        In time order.
    window : float

    Returns
    -------
    ndarray of shape (n_windows,)
        What two windows share counts once.

    Examples
    --------
    >>> table = pd.DataFrame({"session": 1, "trial": 1, "onset": [0.0, 1.0, 5.0]})
    >>> covered_seconds(table, 2.0).tolist()
    [2.0, 3.0, 5.0]
    """
    if not len(meta):
        return np.empty(0)
    trial = pd.factorize(pd.MultiIndex.from_frame(meta[["session", "trial"]]))[0]
    start = meta["onset"].to_numpy(dtype=np.float64)
    gain = np.minimum(window, np.diff(start, prepend=start[0] - window))
    gain[np.flatnonzero(np.diff(trial)) + 1] = window
    return np.cumsum(gain)


def _first(rows: Index, covered: NDArray[np.float64], seconds: float) -> Index | None:
    """Take the first windows that cover some seconds; None where there are fewer."""
    n = int(np.searchsorted(covered, seconds + 1e-6, side="right"))
    enough = len(covered) > 0 and covered[-1] >= seconds - 1e-6
    return rows[:n] if n and enough else None


def _leaves_enough(block: Index, of_class: dict[Any, Index]) -> bool:
    """Say whether enough windows of each class are left to be scored."""
    return all(
        np.isin(rows, block).sum() <= MOST * len(rows) for rows in of_class.values() if len(rows)
    )


def _apart(meta: pd.DataFrame, own: Index, used: Index, window: float) -> Index:
    """Leave out rows that are used, and those that overlap them."""
    trial = pd.factorize(pd.MultiIndex.from_frame(meta[["session", "trial"]]))[0]
    start = meta["onset"].to_numpy(dtype=np.float64)
    kept = []
    for row in own:
        same = used[trial[used] == trial[row]]
        if not np.any(np.abs(start[same] - start[row]) < window - 1e-6):
            kept.append(row)
    return np.array(kept, dtype=np.intp)
