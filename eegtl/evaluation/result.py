"""`StudyResult`: what a study found, from the run itself or read back from its file."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import StudyError
from .comparison import TableRow, chance_band, compare, warning_notes
from .folder import RESULTS
from .information import InformationSet
from .store import ResultsStore
from .tuning_notes import tuning_notes

_CONFUSION = ("row", "subject", "true", "predicted", "n")
_DISTANCES = ("subject", "normalization", "distance", "value", "noise")


@dataclass(frozen=True, eq=False, repr=False)
class StudyResult:
    """What a study found.

    Attributes
    ----------
    table : pandas.DataFrame
        One line a method and normalisation, scores as fractions; the columns of ``table.csv``.
        The column ``information`` is what the row consumed, in the form of
        `eegtl.evaluation.tags.row_tag`; ``accuracy_low, accuracy_high, delta_low, delta_high``
        are 95 % bootstrap intervals over people.
    folds : pandas.DataFrame
        One line a row, repeat and fold: scores, the person, numbers of rows, seconds, what a
        search chose.
    notes : list of str
        What a reader must know: rows and recordings left out, warnings of the methods.
    information : InformationSet
        What the study granted.
    out : pathlib.Path or None
        The folder of ``results.sqlite`` and ``table.csv``.
    protocol : str
        Its name.
    facts : dict
        Versions, data set, features, seed, settings of every row, the command.
    chance : dict or None
        The band of the mean accuracy with shuffled labels: see
        `eegtl.evaluation.comparison.chance_band`.
    confusions : pandas.DataFrame
        Columns ``row, subject, true, predicted, n``: how many windows of each person, with true
        labels only.
    overview : dict
        Descriptions of the data: see `eegtl.evaluation.overview.study_overview`.
    distances : pandas.DataFrame
        Columns ``subject, normalization, distance, value, noise``: see
        `eegtl.evaluation.overview.study_distances`.
    n_missing : int
        Folds that have not run yet; rows that lack some are not in `table`.
    """

    table: pd.DataFrame
    folds: pd.DataFrame
    notes: list[str]
    information: InformationSet
    out: Path | None = None
    protocol: str = "leave-one-subject-out"
    facts: dict[str, Any] = field(default_factory=dict)
    chance: dict[str, Any] | None = None
    confusions: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_CONFUSION))
    overview: dict[str, Any] = field(default_factory=dict)
    distances: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_DISTANCES))
    n_missing: int = 0

    @classmethod
    def load(cls, folder: str | Path) -> StudyResult:
        """Read the results of a study, finished or not, from its folder.

        Parameters
        ----------
        folder : path
            With ``results.sqlite``; nothing else is read. A file that a killed study left is put
            in order; else nothing is written.

        Returns
        -------
        StudyResult
            What `run_study` gave. Of an unfinished study, the rows that are complete; a note says
            what is missing.

        Raises
        ------
        StudyError
            When there are no results, they are damaged, of another version, or in use.
        """
        folder = Path(folder)
        path = folder / RESULTS
        with ResultsStore.reading(path) as store:
            return read_result(store, folder)

    def __repr__(self) -> str:
        n_people = self.folds["subject"].nunique() if "subject" in self.folds else 0
        return (
            f"<StudyResult: {len(self.table)} rows, {n_people} people, {self.protocol}, "
            f"{self.information.tag}>"
        )

    def __str__(self) -> str:
        return "\n".join([repr(self), _shown(self.table).to_string(index=False), *self.notes])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p>{html.escape(self.protocol)}, {html.escape(self.information.tag)}</p>"
            f"{_shown(self.table).to_html(index=False, border=0)}<ul>{notes}</ul>"
        )


def read_result(store: ResultsStore, folder: Path | None) -> StudyResult:
    """Make the result of a study from its store.

    Parameters
    ----------
    store : ResultsStore
    folder : path or None
        Where it lies.

    Returns
    -------
    StudyResult

    Raises
    ------
    StudyError
        When the store holds no study, or is damaged.
    """
    facts, description = store.facts(), store.description()
    try:
        rows = [TableRow(**row) for row in description["rows"]]
        order = {name: i for i, name in enumerate(description["folds"])}
        granted = InformationSet.parse(facts["information"])
        n_shuffles, seed = int(facts["n_shuffles"]), int(facts["seed"])
        protocol, overview, classes = facts["protocol"], description["overview"], facts["classes"]
        notes = list(description["notes"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudyError(
            f"{store.path or 'the store'} does not describe a study ({type(error).__name__}: "
            f"{error}); it was not written by run_study, or stopped before the first fold. Run "
            "the study again with --overwrite."
        ) from error
    done = _ordered(store.folds(), rows, order)
    expected = {row.key: len(order) * (n_shuffles if row.shuffled else 1) for row in rows}
    n_done = done["row"].value_counts().to_dict()
    complete = [row for row in rows if n_done.get(row.key, 0) == expected[row.key]]
    missing = sum(expected.values()) - len(done)
    if missing:
        notes.append(_unfinished(missing, rows, complete, sum(expected.values())))
        done = done[done["row"].isin([row.key for row in complete])].reset_index(drop=True)
    notes += tuning_notes(done, complete, facts["rows"])
    return StudyResult(
        table=compare(done, complete, seed),
        folds=done.drop(columns="warnings"),
        notes=[*notes, *warning_notes(done, complete)],
        information=granted,
        out=folder,
        protocol=protocol,
        facts=facts,
        chance=chance_band(done, complete),
        confusions=_confusions(store, complete, np.array(classes)),
        overview=overview,
        distances=store.distances(),
        n_missing=missing,
    )


def _ordered(done: pd.DataFrame, rows: list[TableRow], order: dict[str, int]) -> pd.DataFrame:
    """Sort finished folds of the rows by row, repeat and fold, whichever came first."""
    rank = {row.key: i for i, row in enumerate(rows)}
    done = done[done["row"].isin(list(rank)) & done["fold"].isin(list(order))]
    keys = (done["fold"].map(order), done["repeat"], done["row"].map(rank))
    return done.iloc[np.lexsort(keys)].reset_index(drop=True)


def _unfinished(missing: int, rows: list[TableRow], complete: list[TableRow], total: int) -> str:
    left_out = [row.key for row in rows if row not in complete]
    return (
        f"unfinished: {missing} of {total} folds have not run; not in the table: "
        f"{', '.join(left_out)}"
    )


def _confusions(store: ResultsStore, rows: list[TableRow], classes: Any) -> pd.DataFrame:
    """Count the true and predicted labels of each row and person."""
    n = len(classes)
    parts = []
    for row in rows:
        if row.shuffled:
            continue
        windows = store.predictions(row.key)
        codes, names = pd.factorize(windows["subject"])
        place = (codes * n + windows["y_true"]) * n + windows["y_pred"]
        parts.append(
            pd.DataFrame(
                {
                    "row": row.key,
                    "subject": np.repeat(names, n * n),
                    "true": np.tile(np.repeat(classes, n), len(names)),
                    "predicted": np.tile(classes, n * len(names)),
                    "n": np.bincount(place, minlength=len(names) * n * n),
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_CONFUSION)


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Round the numbers of a table to what is worth reading."""
    fine = dict.fromkeys(("p_holm", "seconds_per_fold"), 4)
    numbers = table.select_dtypes("floating").columns
    return table.round({name: fine.get(name, 3) for name in numbers})
