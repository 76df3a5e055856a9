"""What a reader must know of searches: how many settings were tried, and which were chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .comparison import TableRow


def tuning_notes(
    folds: pd.DataFrame, rows: Sequence[TableRow], facts: Mapping[str, Any]
) -> list[str]:
    """Say for each tuned row what was tried and what was chosen how often.

    Parameters
    ----------
    folds : pandas.DataFrame
        With the columns ``row`` and ``chosen`` (empty in folds without a search).
    rows : sequence of TableRow
    facts : mapping
        The fact ``rows`` of the study: for each key a dict with ``tried`` and ``criterion``.

    Returns
    -------
    list of str
        One note a row that chose something.
    """
    notes = []
    for row in rows:
        own = folds.loc[folds["row"] == row.key, "chosen"]
        counts = Counter(text for text in own if text)
        if not counts:
            continue
        search = facts.get(row.key, {}).get("search") or {}
        found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        notes.append(
            f"{row.key}: {search.get('n_configurations', 'several')} configurations tried in "
            f"each of {len(own)} folds, chosen by {search.get('criterion', 'a search')}; "
            + "; ".join(f"{text} in {n}" for text, n in found)
        )
    return notes
