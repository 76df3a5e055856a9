"""From folds to the table: means over people, differences to source-only, one Holm family."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .methods import StudyRow
from .metrics import over_subjects
from .statistics import holm, paired_wilcoxon

#: Columns of ``table.csv``.
TABLE_COLUMNS = (
    "method",
    "normalization",
    "information",
    "n_subjects",
    "accuracy_mean",
    "accuracy_sd",
    "balanced_accuracy_mean",
    "macro_f1_mean",
    "trial_accuracy_mean",
    "worst_subject_accuracy",
    "delta_accuracy",
    "p_holm",
    "seconds_per_fold",
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "trial_accuracy")


def compare(
    folds: pd.DataFrame, rows: Sequence[StudyRow], information: dict[str, str]
) -> pd.DataFrame:
    """Make the table of a study.

    Parameters
    ----------
    folds : pandas.DataFrame
        One line a fold: ``row, repeat, fold``, the four scores and ``seconds``.
    rows : sequence of StudyRow
        In the order of the table.
    information : dict of str to str
        For each row's key, what it consumed of the target.

    Returns
    -------
    pandas.DataFrame
        With the columns `TABLE_COLUMNS`, scores as fractions. Rows with shuffled labels give
        mean and standard deviation over the shuffles of the mean over people; all others over
        people. Rows without a comparison have NaN there.
    """
    lines = []
    for row in rows:
        own = folds[folds["row"] == row.key]
        line = _shuffled(own) if row.shuffled else _over_people(own)
        line |= {
            "method": row.name,
            "normalization": row.normalization,
            "information": information[row.key],
            "n_subjects": own["fold"].nunique(),
            "seconds_per_fold": own["seconds"].mean(),
            "delta_accuracy": np.nan,
            "p_holm": np.nan,
        }
        baseline = baseline_of(row, rows)
        if baseline is not None:
            scores = own.set_index("fold")["accuracy"]
            other = folds[folds["row"] == baseline.key].set_index("fold")["accuracy"]
            other = other.loc[scores.index]
            line["delta_accuracy"] = float((scores - other).mean())
            line["p_holm"] = paired_wilcoxon(scores, other)
        lines.append(line)
    table = pd.DataFrame(lines)[list(TABLE_COLUMNS)]
    table["p_holm"] = holm(table["p_holm"])
    return table


def baseline_of(row: StudyRow, rows: Sequence[StudyRow]) -> StudyRow | None:
    """Find the row that a row is compared with.

    Parameters
    ----------
    row : StudyRow
    rows : sequence of StudyRow
        The rows of the study.

    Returns
    -------
    StudyRow or None
        Source-only with the same classifier and the same normalisation; for source-only itself
        the one without normalisation; None when there is no such row.
    """
    if row.role == "reference":
        return None
    normalization = "none" if row.role == "source-only" else row.normalization
    for other in rows:
        same = (other.classifier, other.normalization) == (row.classifier, normalization)
        if other.role == "source-only" and same and other.key != row.key:
            return other
    return None


def _over_people(folds: pd.DataFrame) -> dict[str, object]:
    accuracy = over_subjects(folds["accuracy"])
    line: dict[str, object] = {f"{name}_mean": folds[name].mean() for name in _METRICS}
    return line | {"accuracy_sd": accuracy.sd, "worst_subject_accuracy": accuracy.worst}


def _shuffled(folds: pd.DataFrame) -> dict[str, object]:
    means = folds.groupby("repeat")[list(_METRICS)].mean()
    line: dict[str, object] = {f"{name}_mean": means[name].mean() for name in _METRICS}
    return line | {
        "accuracy_sd": over_subjects(means["accuracy"]).sd,
        "worst_subject_accuracy": np.nan,
    }


def warning_notes(folds: pd.DataFrame, rows: Sequence[StudyRow]) -> list[str]:
    """List the warnings of all folds once each, with how often they came.

    Parameters
    ----------
    folds : pandas.DataFrame
        With the columns ``row`` and ``warnings``.
    rows : sequence of StudyRow

    Returns
    -------
    list of str
        One note a row and kind of warning; messages that differ in numbers only are one kind.
    """
    notes = []
    for row in rows:
        messages = [m for ms in folds.loc[folds["row"] == row.key, "warnings"] for m in ms]
        kinds = Counter(_kind(message) for message in messages)
        for kind, count in sorted(kinds.items()):
            first = min(message for message in messages if _kind(message) == kind)
            notes.append(f"{row.key}: {first} [{count} x]")
    return notes


def _kind(message: str) -> str:
    """Strip a message of its numbers."""
    return _NUMBER.sub("#", message)
