"""From folds to the table: means over people, differences to source-only, one Holm family."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
import pandas as pd

from .method import StudyRow
from .metrics import over_subjects
from .statistics import bootstrap_interval, holm, paired_differences, paired_wilcoxon

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
    "accuracy_low",
    "accuracy_high",
    "delta_low",
    "delta_high",
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
AnyRow = TypeVar("AnyRow", "StudyRow", "TableRow")
#: shuffles from which their range, and their percentiles, are given
_RANGE, _BAND = 10, 40
_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "trial_accuracy")


@dataclass(frozen=True)
class TableRow:
    """What the table says of a row besides its scores.

    Attributes
    ----------
    key : str
        The row's name in the results store.
    name, normalization, information : str
        The columns ``method``, ``normalization`` and ``information`` of the table.
    classifier : str or None
    role : {"source-only", "transfer", "reference"}
    shuffled : bool
        As in `StudyRow`.
    """

    key: str
    name: str
    normalization: str
    information: str
    classifier: str | None
    role: str
    shuffled: bool

    @classmethod
    def of(cls, row: StudyRow, information: str) -> Self:
        """Describe a row of a study.

        Parameters
        ----------
        row : StudyRow
        information : str
            What it consumed of the target.

        Returns
        -------
        TableRow
        """
        own = {name: getattr(row, name) for name in ("key", "name", "normalization")}
        rest = {name: getattr(row, name) for name in ("classifier", "role", "shuffled")}
        return cls(**own, information=information, **rest)


def compare(folds: pd.DataFrame, rows: Sequence[TableRow], seed: int = 0) -> pd.DataFrame:
    """Make the table of a study.

    Parameters
    ----------
    folds : pandas.DataFrame
        One line a fold: ``row, repeat, fold, subject``, the four scores and ``seconds``.
    rows : sequence of TableRow
        In the order of the table.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        With the columns `TABLE_COLUMNS`, scores as fractions. Folds of one person are averaged
        first, so that statistics are over people. Rows with shuffled labels give mean and standard
        deviation over the shuffles of the mean over people. Rows without a comparison have NaN
        there; the intervals are those of `bootstrap_interval` (NaN below five people).
        Differences are those of `paired_differences`.
    """
    lines = []
    for row in rows:
        own = folds[folds["row"] == row.key]
        line = _shuffled(own) if row.shuffled else _over_people(own, seed)
        line |= {
            "method": row.name,
            "normalization": row.normalization,
            "information": row.information,
            "n_subjects": own["subject"].nunique(),
            "seconds_per_fold": own["seconds"].mean(),
            "delta_accuracy": np.nan,
            "p_holm": np.nan,
            "delta_low": np.nan,
            "delta_high": np.nan,
        }
        baseline = baseline_of(row, rows)
        if baseline is not None:
            scores = _by_person(own)["accuracy"]
            other = _by_person(folds[folds["row"] == baseline.key])["accuracy"]
            other = other.loc[scores.index]
            differences = paired_differences(scores, other)
            line["delta_accuracy"] = float(differences.mean())
            line["p_holm"] = paired_wilcoxon(scores, other)
            line["delta_low"], line["delta_high"] = bootstrap_interval(differences, seed)
        lines.append(line)
    table = pd.DataFrame(lines, columns=list(TABLE_COLUMNS))
    table["p_holm"] = holm(table["p_holm"])
    return table


def chance_band(folds: pd.DataFrame, rows: Sequence[TableRow]) -> dict[str, Any] | None:
    """Give the band in which the mean accuracy lies by chance.

    Parameters
    ----------
    folds : pandas.DataFrame
    rows : sequence of TableRow
        As in `compare`.

    Returns
    -------
    dict or None
        ``mean`` and ``n_shuffles``; ``low``, ``high`` and ``kind``: from 40 shuffles on the
        percentiles 2.5 and 97.5 of the mean over people (``"95 %"``), from 10 its smallest and
        largest value (``"range"``, since so few have no such percentiles), below None
        (``"none"``). None without shuffles. It is the band of the row with shuffled labels:
        source-only behind that row's normalisation.
    """
    keys = [row.key for row in rows if row.shuffled]
    own = folds[folds["row"].isin(keys)]
    if own.empty:
        return None
    means = _shuffle_means(own)["accuracy"]
    low = high = None
    kind = "95 %" if len(means) >= _BAND else "range" if len(means) >= _RANGE else "none"
    if kind != "none":
        ends = [0.025, 0.975] if kind == "95 %" else [0.0, 1.0]
        low, high = (float(end) for end in np.quantile(means, ends))
    return {
        "low": low,
        "high": high,
        "kind": kind,
        "mean": float(means.mean()),
        "n_shuffles": len(means),
    }


def baseline_of(row: AnyRow, rows: Sequence[AnyRow]) -> AnyRow | None:
    """Find the row that a row is compared with.

    Parameters
    ----------
    row : StudyRow or TableRow
    rows : sequence of StudyRow or TableRow
        The rows of the study.

    Returns
    -------
    StudyRow, TableRow or None
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


def _by_person(folds: pd.DataFrame) -> pd.DataFrame:
    """Average the folds of each person, in the order of appearance."""
    return folds.groupby("subject", sort=False)[list(_METRICS)].mean()


def _over_people(folds: pd.DataFrame, seed: int) -> dict[str, object]:
    people = _by_person(folds)
    accuracy = over_subjects(people["accuracy"])
    low, high = bootstrap_interval(people["accuracy"], seed)
    line: dict[str, object] = {f"{name}_mean": people[name].mean() for name in _METRICS}
    return line | {
        "accuracy_sd": accuracy.sd,
        "worst_subject_accuracy": accuracy.worst,
        "accuracy_low": low,
        "accuracy_high": high,
    }


def _shuffle_means(folds: pd.DataFrame) -> pd.DataFrame:
    """Average over people, for each shuffle."""
    people = folds.groupby(["repeat", "subject"])[list(_METRICS)].mean()
    return people.groupby("repeat").mean()


def _shuffled(folds: pd.DataFrame) -> dict[str, object]:
    means = _shuffle_means(folds)
    line: dict[str, object] = {f"{name}_mean": means[name].mean() for name in _METRICS}
    return line | {
        "accuracy_sd": over_subjects(means["accuracy"]).sd,
        "worst_subject_accuracy": np.nan,
        "accuracy_low": np.nan,
        "accuracy_high": np.nan,
    }


def warning_notes(folds: pd.DataFrame, rows: Sequence[TableRow]) -> list[str]:
    """List the warnings of all folds once each, with how often they came.

    Parameters
    ----------
    folds : pandas.DataFrame
        With the columns ``row`` and ``warnings``.
    rows : sequence of TableRow

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
