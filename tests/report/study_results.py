"""Plausible results of studies that were never run, for the tests of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eegtl.evaluation import METHODS, InformationSet, StudyResult, StudyRow
from eegtl.evaluation.comparison import TableRow, chance_band, compare
from eegtl.evaluation.tags import row_tag
from eegtl.recordings.channels import TEN_TWENTY

BANDS = ("delta", "theta", "alpha", "beta", "gamma")
_GAIN = {"none": 0.0, "z0": 0.0, "z1": 0.05, "z2": 0.11}
N_PER_PERSON = 60


def make_result(
    n_people: int = 15,
    *,
    classes: tuple = ("rest", "arithmetic"),
    methods: tuple[str, ...] = ("tca", "kpca"),
    channels: tuple[str, ...] = TEN_TWENTY,
    bands: tuple[str, ...] = BANDS,
    information: str = "transductive",
    protocol: str = "leave-one-subject-out",
    causal: bool = True,
    n_shuffles: int = 20,
    notes: tuple[str, ...] = ("left out: 3 windows",),
    names: tuple[str, ...] | None = None,
    seed: int = 0,
    out: Path | None = None,
    dataset: str = "eegmat",
    map_: bool = True,
    effect: bool = True,
    distances: bool = True,
) -> StudyResult:
    """A result with every part that a study of real people has."""
    rng = np.random.default_rng(seed)
    people = list(names or (f"s{i + 1:02d}" for i in range(n_people)))
    granted = InformationSet.parse(information)
    rows = [row for row in _rows(methods, granted) if n_shuffles or not row.shuffled]
    folds, confusions = _folds(rows, people, classes, n_shuffles, rng)
    levels = {row.key: _level(row, granted) for row in rows}
    tags = {key: row_tag(granted, level, causal) for key, level in levels.items()}
    table_rows = [TableRow.of(row, tags[row.key]) for row in rows]
    return StudyResult(
        table=compare(folds, table_rows),
        folds=folds,
        notes=list(notes),
        information=granted,
        out=out,
        protocol=protocol,
        facts=_facts(rows, levels, people, classes, granted, dataset, n_shuffles, protocol, causal),
        chance=chance_band(folds, table_rows),
        confusions=confusions,
        overview=_overview(people, classes, channels, bands, rng, map_=map_, effect=effect),
        distances=_distances(people, folds, rng) if distances else _no_distances(),
    )


def _rows(methods: tuple[str, ...], granted: InformationSet) -> list[StudyRow]:
    chosen = [m for m in METHODS if m.always or m.family in methods]
    rows = []
    for method in chosen:
        made = method.rows()
        rows += made[:1] if method.shuffled else made
    if granted.level == "inductive":
        rows = [row for row in rows if row.normalization in ("none", "z0")]
    return rows


def _level(row: StudyRow, granted: InformationSet) -> str:
    if granted.level == "inductive":
        return "inductive"
    if row.uses:
        return row.uses
    plain = row.normalization in ("none", "z0") and row.role != "transfer"
    return "inductive" if plain else "unlabelled"


def _folds(rows, people, classes, n_shuffles, rng):
    k = len(classes)
    ease = rng.normal(0, 0.1, len(people))
    lines, cells = [], []
    for row in rows:
        for repeat in range(1, n_shuffles + 1) if row.shuffled else (0,):
            for who, easy in zip(people, ease, strict=True):
                level = 1 / k + 0.12 + _GAIN[row.normalization] + easy + rng.normal(0, 0.05)
                if row.role == "reference":
                    level = 1 / k + (rng.normal(0, 0.04) if row.shuffled else 0.0)
                if row.role == "transfer":
                    level += rng.normal(0.01, 0.04)
                counts = _confusion(np.clip(level, 0.02, 0.99), k, rng)
                if row.name == "majority":
                    counts = np.zeros((k, k), dtype=int)
                    counts[:, 0] = N_PER_PERSON // k
                lines.append(_line(row, repeat, who, counts, rng))
                if repeat == 0:
                    cells += [
                        (row.key, who, classes[i], classes[j], int(counts[i, j]))
                        for i in range(k)
                        for j in range(k)
                    ]
    names = ["row", "subject", "true", "predicted", "n"]
    return pd.DataFrame(lines), pd.DataFrame(cells, columns=names)


def _confusion(level, k, rng):
    wrong = (1 - level) / max(k - 1, 1)
    shares = np.full((k, k), wrong) + (level - wrong) * np.eye(k)
    return np.array([rng.multinomial(N_PER_PERSON // k, share) for share in shares])


def _line(row, repeat, who, counts, rng) -> dict[str, Any]:
    accuracy = np.trace(counts) / counts.sum()
    return {
        "row": row.key,
        "repeat": repeat,
        "fold": who,
        "subject": who,
        "n_source": 100,
        "n_target_windows": N_PER_PERSON,
        "n_test": int(counts.sum()),
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "macro_f1": accuracy * 0.97,
        "trial_accuracy": float(accuracy > 0.5),
        "seconds": float(rng.uniform(0.01, 0.3)),
    }


def _facts(rows, levels, people, classes, granted, dataset, n_shuffles, protocol, causal):
    return {
        "eegtl": "0.2.0",
        "libraries": {"numpy": "2.3.1", "scipy": "1.17.0"},
        "python": "3.11.9",
        "started": "2026-11-22T10:00:00",
        "dataset": [dataset],
        "features": {"features": ["de"], "window": 2.0, "step": 2.0, "bands": {"alpha": [8, 14]}},
        "causal": causal,
        "data": "0f" * 32,
        "n_windows": N_PER_PERSON * len(people),
        "subjects": people,
        "classes": list(classes),
        "information": granted.tag,
        "protocol": protocol,
        "seed": 7,
        "n_shuffles": n_shuffles,
        "keep_settling": False,
        "command": {"data": {"name": dataset}, "study": {"seed": 7}},
        "rows": {
            row.key: {
                "level": levels[row.key],
                "uses": row.uses,
                "role": row.role,
                "classifier": row.classifier,
                "shuffled": row.shuffled,
                "estimator": {"class": "TransferPipeline", "steps": [row.name]},
            }
            for row in rows
        },
    }


def _overview(people, classes, channels, bands, rng, *, map_, effect) -> dict[str, Any]:
    counts = [[N_PER_PERSON // len(classes)] * len(classes) for _ in people]
    overview: dict[str, Any] = {
        "windows": {"subjects": people, "classes": list(classes), "counts": counts},
        "class_effect": None,
        "map": None,
    }
    if effect:
        from eegtl.recordings.channels import positions

        try:
            slope = positions(channels)[:, 1] / 0.1
        except ValueError:
            slope = np.linspace(-1, 1, len(channels))
        strength = np.linspace(-0.5, 0.5, len(bands))
        noise = rng.normal(0, 0.1, (len(classes), len(channels), len(bands)))
        block = slope[:, None] * strength + noise
        if len(classes) == 2:
            block[1] = -block[0]
        overview["class_effect"] = {
            "feature": "de",
            "channels": list(channels),
            "bands": list(bands),
            "classes": list(classes),
            "effect": block.tolist(),
        }
    if map_:
        overview["map"] = _map(people, classes, rng)
    return overview


def _map(people, classes, rng) -> dict[str, Any]:
    each = max(2000 // len(people), 1)
    subject = np.repeat(np.arange(len(people)), each)
    label = np.tile(np.arange(len(classes)), each * len(people))[: len(subject)]
    spread = rng.normal(size=(len(subject), 2))
    own = rng.normal(0, 6, (len(people), 2))
    shift = np.stack([1.5 * (label - label.mean()), 0.4 * label], axis=1)
    before, after = spread + own[subject] + shift, spread + shift
    return {
        "none": {"x": before[:, 0].tolist(), "y": before[:, 1].tolist()},
        "z2": {"x": after[:, 0].tolist(), "y": after[:, 1].tolist()},
        "subject": subject.tolist(),
        "label": label.tolist(),
        "subjects": list(people),
        "classes": list(classes),
        "explained": {"none": [0.52, 0.11], "z2": [0.31, 0.14]},
    }


def _distances(people, folds, rng) -> pd.DataFrame:
    accuracy = folds[folds["row"] == "source-only [none]"].set_index("subject")["accuracy"]
    lines = []
    for normalization, scale in (("none", 2.0), ("z2", 0.05)):
        for who in people:
            gap = scale * (1.2 - accuracy[who]) + scale * rng.uniform(0, 0.5)
            if normalization == "none":
                lines.append((who, normalization, "mean_gap", gap, 0.05 * scale))
            lines.append((who, normalization, "mmd_rbf", 0.2 * gap, 0.02 * scale))
    return pd.DataFrame(lines, columns=["subject", "normalization", "distance", "value", "noise"])


def _no_distances() -> pd.DataFrame:
    return pd.DataFrame(columns=["subject", "normalization", "distance", "value", "noise"])
