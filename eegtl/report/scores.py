"""Scores of a study by person: what the figures draw and the report counts."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ..errors import InputError
from ..evaluation import StudyResult
from ..evaluation.comparison import TableRow, baseline_of
from ..evaluation.statistics import paired_differences

_REFERENCE = "reference"


def study_rows(result: StudyResult) -> list[TableRow]:
    """List the rows of a study in the order of its table.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of TableRow
    """
    known = result.facts.get("rows", {})
    rows = []
    for line in result.table.itertuples():
        key = f"{line.method} [{line.normalization}]"
        fact = known.get(key, {})
        rows.append(
            TableRow(
                key,
                str(line.method),
                str(line.normalization),
                str(line.information),
                fact.get("classifier"),
                fact.get("role", "transfer"),
                bool(fact.get("shuffled", False)),
            )
        )
    return rows


def row_keys(result: StudyResult, rows: Iterable[str] | None = None) -> list[str]:
    """Give the keys of the rows to be shown, in the order of the table.

    Parameters
    ----------
    result : StudyResult
    rows : iterable of str, optional
        Keys such as ``"tca [z2]"``; by default all of the table.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        When the study has no such row, or none is left.
    """
    known = [row.key for row in study_rows(result)]
    if rows is None:
        return known
    asked = [rows] if isinstance(rows, str) else list(rows)
    unknown = [key for key in asked if key not in known]
    if unknown or not asked:
        raise InputError(
            f"the study has no row {', '.join(map(repr, unknown)) or 'of an empty list'}; it has: "
            f"{', '.join(known)}."
        )
    return [key for key in known if key in asked]


def scores_by_person(result: StudyResult, metric: str = "accuracy") -> pd.DataFrame:
    """Give one score a person and row, with the true labels.

    Parameters
    ----------
    result : StudyResult
    metric : {"accuracy", "balanced_accuracy", "macro_f1", "trial_accuracy"}

    Returns
    -------
    pandas.DataFrame
        Fractions, one line a person, one column a row of the study (rows with shuffled labels
        left out), both in the order of the study; several folds of a person are averaged.

    Raises
    ------
    InputError
        When there is no such score.
    """
    check_metric(result, metric)
    true = result.folds[result.folds["repeat"] == 0]
    means = true.groupby(["subject", "row"], sort=False)[metric].mean().unstack("row")
    people = list(dict.fromkeys(true["subject"]))
    return means.reindex(index=people, columns=[k for k in row_keys(result) if k in means])


def check_metric(result: StudyResult, metric: str) -> None:
    """Refuse the name of a score that a study does not have.

    Parameters
    ----------
    result : StudyResult
    metric : str

    Raises
    ------
    InputError
        Naming those that it has.
    """
    names = ("accuracy", "balanced_accuracy", "macro_f1", "trial_accuracy")
    if metric not in names or metric not in result.folds:
        raise InputError(f"there is no score {metric!r}; choose one of {', '.join(names)}.")


def scores_by_shuffle(result: StudyResult, metric: str = "accuracy") -> pd.Series:
    """Give the mean over people of each shuffle of the labels.

    Parameters
    ----------
    result : StudyResult
    metric : str
        As in `scores_by_person`.

    Returns
    -------
    pandas.Series
        Fractions, by the number of the shuffle; empty when the study shuffled none.
    """
    shuffled = result.folds[result.folds["repeat"] > 0]
    each = shuffled.groupby(["repeat", "subject"])[metric].mean()
    return each.groupby("repeat").mean()


def baselines(result: StudyResult) -> dict[str, str]:
    """Say with which row each row is compared.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    dict of str to str
        Key of a row to the key of its source-only row; rows without one are left out.
    """
    rows = study_rows(result)
    found = {row.key: baseline_of(row, rows) for row in rows}
    return {key: other.key for key, other in found.items() if other is not None}


def differences(result: StudyResult, metric: str = "accuracy") -> pd.DataFrame:
    """Subtract from each person's score that of the row it is compared with.

    Parameters
    ----------
    result : StudyResult
    metric : str
        As in `scores_by_person`.

    Returns
    -------
    pandas.DataFrame
        Fractions, one line a person, one column a row that has a baseline. Negative: the
        method harms this person. Rounded as the paired test does, so that equal scores differ by
        zero in spite of the last bits of their floating-point form.
    """
    scores = scores_by_person(result, metric)
    pairs = {k: b for k, b in baselines(result).items() if k in scores and b in scores}
    deltas = pd.DataFrame(index=scores.index, columns=list(pairs), dtype=float)
    for key, base in pairs.items():
        known = scores[[key, base]].dropna().index
        deltas.loc[known, key] = paired_differences(scores[key][known], scores[base][known])
    return deltas


def interval_of(result: StudyResult, row: str, name: str) -> tuple[float, float] | None:
    """Give the 95 % interval of a row's mean.

    Parameters
    ----------
    result : StudyResult
    row : str
        Key such as ``"tca [z2]"``.
    name : {"accuracy", "delta"}

    Returns
    -------
    (float, float) or None
        Fractions; None where the row has none.
    """
    place = row_keys(result).index(row)
    low, high = result.table[[f"{name}_low", f"{name}_high"]].iloc[place]
    return (float(low), float(high)) if pd.notna(low) and pd.notna(high) else None


def has_intervals(result: StudyResult) -> bool:
    """Say whether any mean of a study has an interval.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    bool
    """
    table = result.table
    return "accuracy_low" in table and bool(table["accuracy_low"].notna().any())


def main_rows(result: StudyResult, limit: int = 9) -> list[str]:
    """Choose the rows that stand for a study where there is no room for all.

    Parameters
    ----------
    result : StudyResult
    limit : int
        At most so many.

    Returns
    -------
    list of str
        Source-only with the first classifier as it is and behind its last normalisation, then
        every method behind its last normalisation, in the order of the table; scores play
        no part in the choice. References are left out.
    """
    rows = [row for row in study_rows(result) if row.role != _REFERENCE]
    source_only = [row for row in rows if row.role == "source-only"]
    first = [row for row in source_only if row.name == source_only[0].name]
    chosen = [row.key for row in (*first[:1], *first[-1:])]
    last = {row.name: row.key for row in rows if row.role != "source-only"}
    return list(dict.fromkeys([*chosen, *last.values()]))[:limit]
