"""Tables of invented people with several days, for the tests of the protocol cross-day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eegtl.features import FeatureTable, make_columns


def day_table(
    days: dict[str, int] | None = None,
    *,
    n_windows: int = 8,
    n_channels: int = 3,
    seed: int = 0,
    day_shift: float = 0.5,
) -> FeatureTable:
    """Days with an offset and a spread of their own; two trials, one of each class."""
    days = {"a": 3, "b": 2, "c": 1} if days is None else days
    rng = np.random.default_rng(seed)
    X, meta = [], []
    for subject, n_days in days.items():
        for day in range(1, n_days + 1):
            offset = day_shift * rng.standard_normal(2 * n_channels)
            scale = np.exp(0.4 * rng.standard_normal(2 * n_channels))
            for trial, label in enumerate(("calm", "tense"), start=1):
                for i in range(n_windows):
                    row = rng.standard_normal(2 * n_channels)
                    row[0] += 1.5 * trial
                    X.append(row * scale + offset)
                    meta.append(
                        {
                            "dataset": "invented",
                            "subject": subject,
                            "session": day,
                            "trial": trial,
                            "stimulus": f"clip{trial}",
                            "label": label,
                            "onset": 2.0 * i,
                            "settling": False,
                            "flags": "",
                        }
                    )
    columns = make_columns("de", [f"C{i}" for i in range(n_channels)], ["alpha", "beta"])
    info = {"window": 2.0, "step": 2.0}
    return FeatureTable(np.array(X), columns, pd.DataFrame(meta), info=info)


def with_meta(table: FeatureTable, **columns) -> FeatureTable:
    """Change columns of the description."""
    return FeatureTable(table.X, table.columns, table.meta.assign(**columns), info=table.info)


def sessions_of(table: FeatureTable, rows) -> list[tuple]:
    """Name the sittings that rows are of."""
    own = table.meta.iloc[rows]
    return sorted(set(zip(own["subject"], own["session"], strict=True)))
