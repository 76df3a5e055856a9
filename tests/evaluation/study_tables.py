"""Feature tables of invented people, for the tests of evaluation, report and command line."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eegtl.features import FeatureTable, make_columns


def make_table(
    *,
    n_subjects: int = 4,
    n_trials: int = 4,
    n_windows: int = 6,
    n_channels: int = 3,
    effect: float = 1.0,
    shift: float = 3.0,
    seed: int = 0,
    classes: tuple = ("calm", "tense"),
    window: float = 2.0,
    step: float | None = None,
    n_settling: int = 0,
    causal: bool = True,
) -> FeatureTable:
    """Windows whose class effect is common and whose offset and scale are each person's own."""
    step = step or window
    generator = np.random.default_rng(seed)
    n_features = 2 * n_channels
    direction = generator.standard_normal(n_features)
    direction /= np.linalg.norm(direction)
    X, meta = [], []
    for subject in range(n_subjects):
        offset = shift * generator.standard_normal(n_features)
        scale = np.exp(0.3 * generator.standard_normal(n_features))
        for trial in range(n_trials):
            place = trial % len(classes)
            centre = effect * (2 * place - len(classes) + 1) * direction
            for i in range(n_windows):
                X.append((centre + generator.standard_normal(n_features)) * scale + offset)
                settling = trial == 0 and i < n_settling
                meta.append(
                    {
                        "dataset": "invented",
                        "subject": f"s{subject}",
                        "session": 1,
                        "trial": trial + 1,
                        "stimulus": f"clip{trial}",
                        "label": classes[place],
                        "onset": i * step,
                        "settling": settling,
                        "flags": "",
                    }
                )
    columns = make_columns("de", [f"C{i}" for i in range(n_channels)], ["alpha", "beta"])
    info = {"window": window, "step": step}
    return FeatureTable(X, columns, pd.DataFrame(meta), causal=causal, info=info)
