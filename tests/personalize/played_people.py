"""Generated people for plans and calibrations: an offset each, two or three classes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from eegtl.features import FeatureExtractor
from eegtl.personalize.candidates import named_candidates
from eegtl.personalize.plan import Plan
from eegtl.personalize.play import make_plan
from eegtl.personalize.prepare import with_baseline
from eegtl.personalize.source_file import SourceFile

WINDOW = 2.0
LENGTHS = (10.0, 20.0, 40.0)
CH_NAMES = ("F3", "F4", "P3")
EXTRACTOR = FeatureExtractor(bands={"alpha": (8.0, 14.0), "beta": (14.0, 31.0)}, window=WINDOW)


def people(
    n_people: int = 6,
    classes: tuple[Any, ...] = ("rest", "task"),
    *,
    sessions: int = 1,
    shift: float = 3.0,
    effect: float = 6.0,
    seed: int = 0,
    n_windows: int = 30,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Trials of each class in turn, two a session; windows of 2 s without gaps within a trial."""
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal(6) / 2
    rows, table = [], []
    for person in range(n_people):
        own = shift * rng.standard_normal(6)
        for session in range(1, sessions + 1):
            day = 0.3 * shift * rng.standard_normal(6) * (sessions > 1)
            onset = 0.0
            for trial in range(2 * len(classes)):
                place = trial % len(classes)
                for _ in range(n_windows // 2):
                    noise = rng.standard_normal(6)
                    rows.append(own + day + effect * place * direction + noise)
                    table.append((f"n{person}", session, trial + 1, onset, classes[place]))
                    onset += WINDOW
                onset += 5.0
    columns = ["subject", "session", "trial", "onset", "label"]
    return np.array(rows), pd.DataFrame(table, columns=columns)


@lru_cache
def plan_and_models(classes: tuple[Any, ...] = ("rest", "task")) -> tuple[Plan, dict[str, Any]]:
    """Play once; tests read it."""
    X, meta = people(8, classes)
    meta = with_baseline(meta, str(classes[0]), WINDOW)
    return make_plan(X, meta, WINDOW, named_candidates(baseline=True), LENGTHS)


def sources_of(classes: tuple[Any, ...] = ("rest", "task")) -> SourceFile:
    """Give the same as a file would hold."""
    plan, models = plan_and_models(classes)
    X, _ = people(8, classes)
    return SourceFile(
        EXTRACTOR, 128.0, CH_NAMES, (0.5, 60.0), X.mean(axis=0), X.std(axis=0), models, plan,
        {"n_people": 8, "datasets": ["generated"], "n_windows": len(X)},
    )  # fmt: skip
