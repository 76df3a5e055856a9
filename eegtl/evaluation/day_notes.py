"""How far each person of a table moves from day to day: for its reader, never for a fold."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from ..transfer.distances import day_drift, usual_drift
from .blocks import time_order
from .days import day_column, day_ranks

#: people that a note lists
_SHOWN = 12


def table_drifts(table: Any) -> pd.DataFrame:
    """Measure how far each person moves from one day to the next.

    Parameters
    ----------
    table : FeatureTable
        Its features as they are; days as `eegtl.evaluation.CrossDay` takes them.

    Returns
    -------
    pandas.DataFrame
        Columns ``subject, earlier, later, value, raw, noise``: see
        `eegtl.transfer.distances.Drift`. NaN where a day has too few windows or no feature varies.

    Examples
    --------
    >>> import eegtl
    >>> people = eegtl.load("synthetic-days").select(subjects=["w01", "w02"])
    >>> drifts = table_drifts(eegtl.FeatureExtractor(window=5.0).extract(people))
    >>> drifts["subject"].tolist(), bool((drifts["raw"] >= drifts["value"]).all())
    (['w01', 'w01', 'w02', 'w02'], True)
    """
    meta, lines = table.meta, []
    ranks, names = day_ranks(meta), meta[day_column(meta)].to_numpy()
    subjects = meta["subject"].to_numpy()
    for subject in dict.fromkeys(subjects.tolist()):
        own = time_order(meta, np.flatnonzero(subjects == subject))
        days = [own[ranks[own] == rank] for rank in np.unique(ranks[own])]
        for earlier, later in pairwise(days):
            try:
                drift = day_drift(table.X[earlier], table.X[later])
                found = drift.value, drift.raw, drift.noise
            except InputError:  # a flat signal, or hardly any window: other notes say so
                found = (np.nan,) * 3
            lines.append((subject, names[earlier[0]], names[later[0]], *found))
    return pd.DataFrame(lines, columns=["subject", "earlier", "later", "value", "raw", "noise"])


def drift_notes(table: Any) -> list[str]:
    """Say in one line how far people move from day to day.

    Parameters
    ----------
    table : FeatureTable

    Returns
    -------
    list of str
        None where the table holds no features, or nobody has two days that can be compared.
    """
    if getattr(table, "X", None) is None:
        return []
    drifts = table_drifts(table)
    drifts = drifts[np.isfinite(drifts["value"])]
    if drifts.empty:
        return []
    people = [
        f"{subject} {', '.join(f'{value:.2f}' for value in own['value'])}"
        for subject, own in drifts.groupby("subject", sort=False)
    ]
    more = f"; ... [{len(people)} people in all]" if len(people) > _SHOWN else ""
    noise = float(np.sqrt(np.mean(drifts["noise"] ** 2)))
    return [
        "drift from day to day, in standard deviations within a day, chance taken off: "
        f"{'; '.join(people[:_SHOWN])}{more}. Usual is {usual_drift(drifts['value']):.2f}; "
        f"chance alone makes {noise:.2f}"
    ]
