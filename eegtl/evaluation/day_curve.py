"""The curve over added sessions: how much a first day and its nearest sessions tell of a later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..errors import StudyError
from ..features import FeatureTable
from ..transfer import RobustPCA
from .cross_day import CrossDay
from .days import day_ranks
from .folds import FoldTask, run_fold
from .index_sets import Fold
from .information import InformationSet
from .method import CLASSIFIERS, Method, StudyRow
from .metrics import score
from .selection import check_row
from .statistics import bootstrap_interval
from .study_data import StudyData, study_arrays, usable_rows
from .views import view_columns

Progress = Callable[[int, int], None]
#: what tells the points of a curve apart
POINT = ("pool", "robust", "ranking", "normalization", "n_sources")
#: what the table calls the whole pool
ALL = "all"


@dataclass(frozen=True, eq=False)
class CrossDayCurve:
    """What `cross_day_curve` found.

    Attributes
    ----------
    table : pandas.DataFrame
        One line a point: ``pool, robust, ranking, normalization, n_sources`` (a number, or "all"),
        ``n_added`` (sessions that were added on average; fewer than asked for where the pool is
        smaller), ``n_subjects``, ``accuracy_mean``, ``accuracy_sd`` (over people, whose days are
        averaged first), ``accuracy_low``, ``accuracy_high`` (95 % bootstrap interval over people;
        NaN below five).
    people : pandas.DataFrame
        The same points, one line a person: ``subject``, ``n_days``, ``n_added``, ``accuracy``.
    days : pandas.DataFrame
        One line a fold: ``subject, fold, n_added, accuracy``.
    chance : float
        Mean over people of the share of their most frequent class in the scored windows.
    information : InformationSet
        What was granted of the later day.
    notes : list of str
        As `CrossDay.notes` gives them, for the first pool.
    """

    table: pd.DataFrame
    people: pd.DataFrame
    days: pd.DataFrame
    chance: float
    information: InformationSet
    notes: list[str]


def cross_day_curve(
    table: Any,
    n_sources: Iterable[int | None] = (0, 1, 2, 3, 5, None),
    *,
    pools: Sequence[str] = ("others", "own"),
    robust: Sequence[bool] = (False, True),
    ranking: str = "unlabelled",
    normalizations: Sequence[str] = ("z2",),
    information: InformationSet | str = "transductive",
    classifier: str = "lda",
    features: Sequence[str] | None = None,
    keep_settling: bool = False,
    allow_acausal: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> CrossDayCurve:
    """Score later days for each number of sessions added to the first day.

    Parameters
    ----------
    table : FeatureTable
        Of people with several days.
    n_sources : iterable of int or None
        The points of the curve, as in `CrossDay`.
    pools, ranking, information
        As in `CrossDay`; a curve for each pool.
    robust : sequence of bool
        Without and with `RobustPCA` behind the normalisation, the background of each sitting by
        itself, the scored day's own included.
    normalizations : sequence of str
        ``none`` or modes of `SubjectNormalizer`.
    classifier : str
        A key of `eegtl.evaluation.method.CLASSIFIERS`; the paper has a support vector machine.
    features, keep_settling, allow_acausal, seed
        As in `run_study`.
    progress : callable, optional
        Called with (points done, points in all).

    Returns
    -------
    CrossDayCurve

    Raises
    ------
    StudyError
        As in `run_study` and `CrossDay`, or when there is no point or no such classifier.
    InformationError
        When a normalisation, or robust PCA, needs more than `information` grants.

    Notes
    -----
    All points of all curves are of the same days of the same people. Sessions are ranked by the
    features as they are, so that with and without robust PCA the same ones are added.

    Examples
    --------
    >>> import eegtl
    >>> people = eegtl.load("synthetic-days").select(subjects=["w01", "w02"])
    >>> table = eegtl.FeatureExtractor(window=10.0).extract(people)
    >>> curve = cross_day_curve(table, (0, None), pools=["others"], robust=[False])
    >>> curve.table[["n_sources", "n_added", "n_subjects"]].values.tolist()
    [[0, 0.0, 2], ['all', 3.0, 2]]
    """
    numbers = list(dict.fromkeys(n_sources))
    granted = InformationSet.parse(information)
    rows = {
        (flag, mode): _row(flag, mode, classifier)
        for flag in dict.fromkeys(robust)
        for mode in dict.fromkeys(normalizations)
    }
    protocols = [
        CrossDay(granted, pool, n, ranking) for pool in dict.fromkeys(pools) for n in numbers
    ]
    if not rows or not protocols:
        raise StudyError(
            "a curve needs at least one number of sessions, one pool, one normalisation, and "
            f"robust with True or False; got {numbers}, {list(pools)}, {list(normalizations)}, "
            f"{list(robust)}."
        )
    levels = {key: check_row(row, granted, seed) for key, row in rows.items()}
    used = usable_rows(table, granted, allow_acausal=allow_acausal, keep_settling=keep_settling)
    plain = view_columns(used.columns, features)
    studied = FeatureTable(
        used.X[:, plain], used.columns[plain], used.meta, causal=used.causal, info=used.info
    )
    data = study_arrays(studied, protocols[0], seed)
    known: dict[tuple[Any, ...], float] = {}  # pools that are used up give the same folds again
    lines = []
    for done, protocol in enumerate(protocols):
        folds = list(protocol.split(studied))
        n_first = _first_sessions(studied.meta, data, folds)
        for (flag, mode), row in rows.items():
            settings = protocol.settings() | {"robust": flag, "normalization": mode}
            settings["n_sources"] = ALL if protocol.n_sources is None else protocol.n_sources
            for fold, first in zip(folds, n_first, strict=True):
                key = (row.key, fold.name, fold.source.tobytes())
                if key not in known:
                    level = levels[flag, mode]
                    known[key] = _accuracy(data, row, level, fold, granted, seed)
                added = len(np.unique(data.units[fold.source])) - first
                found = {"subject": fold.subject, "fold": fold.name}
                lines.append(settings | found | {"n_added": added, "accuracy": known[key]})
        if progress is not None:
            progress(done + 1, len(protocols))
    days = pd.DataFrame(lines)
    people = _people(days)
    return CrossDayCurve(
        _points(people, seed),
        people,
        days[[*POINT, "subject", "fold", "n_added", "accuracy"]],
        _chance(data, folds),
        granted,
        protocols[0].notes(studied),
    )


def _row(robust: bool, normalization: str, classifier: str) -> StudyRow:
    """Make the row of a study that a point of the curve is."""
    if classifier not in CLASSIFIERS:
        raise StudyError(f"unknown classifier {classifier!r}; known are: {', '.join(CLASSIFIERS)}.")
    method = Method(
        "robust pca" if robust else "source-only",
        "cross-day",
        (normalization,),
        (lambda seed: RobustPCA()) if robust else None,
        classifier,
    )
    return method.rows()[0]


def _first_sessions(meta: pd.DataFrame, data: StudyData, folds: list[Fold]) -> list[int]:
    """Count the sessions of each fold's first day, which are not counted as added."""
    ranks = day_ranks(meta)
    counts = []
    for fold in folds:
        mine = np.flatnonzero(data.subjects == fold.subject)
        first = mine[ranks[mine] == ranks[mine].min()]
        counts.append(len(np.unique(data.units[first])))
    return counts


def _accuracy(
    data: StudyData, row: StudyRow, level: str, fold: Fold, granted: InformationSet, seed: int
) -> float:
    """Run one fold of one row as a study does, and score its windows."""
    y = data.classes[data.codes]
    task = FoldTask(
        row=row.key,
        repeat=0,
        fold=fold,
        estimator=row.build(seed),
        level=level,
        granted=granted,
        y_source=y[fold.source],
        y_calib=y[fold.calibration] if level == "labelled" else None,
    )
    with threadpool_limits(1):
        outcome = run_fold(task, data.X, data.domains, data.rows, data.target_rows)
    predicted = np.searchsorted(data.classes, outcome.y_pred)
    return float(score(data.codes[fold.test], predicted, data.trials[fold.test]).accuracy)


def _people(days: pd.DataFrame) -> pd.DataFrame:
    """Average the days of each person."""
    groups = days.groupby([*POINT, "subject"], sort=False)
    return groups.agg(
        n_days=("fold", "size"), n_added=("n_added", "mean"), accuracy=("accuracy", "mean")
    ).reset_index()


def _points(people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Average over people."""
    lines = []
    for point, own in people.groupby(list(POINT), sort=False):
        accuracy = own["accuracy"]
        low, high = bootstrap_interval(accuracy, seed)
        lines.append(
            dict(zip(POINT, point, strict=True))
            | {
                "n_added": own["n_added"].mean(),
                "n_subjects": len(own),
                "accuracy_mean": accuracy.mean(),
                "accuracy_sd": accuracy.std(ddof=1),
                "accuracy_low": low,
                "accuracy_high": high,
            }
        )
    return pd.DataFrame(lines)


def _chance(data: StudyData, folds: list[Fold]) -> float:
    """Give what naming each day's most frequent class would score, averaged within people."""
    shares: dict[Any, list[float]] = {}
    for fold in folds:
        counts = np.bincount(data.codes[fold.test])
        shares.setdefault(fold.subject, []).append(float(counts.max() / counts.sum()))
    return float(np.mean([np.mean(own) for own in shares.values()]))
