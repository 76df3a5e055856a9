"""`run_study`: every method on every person, with what the information set allows."""

from __future__ import annotations

import platform
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..errors import StudyError
from ..features import FeatureTable
from .comparison import TableRow
from .facts import study_facts
from .folder import open_store, write_whole
from .folds import FoldOutcome, FoldTask, run_fold
from .index_sets import Fold
from .information import InformationSet
from .layout import FoldRecord
from .method import StudyRow
from .metrics import score
from .overview import study_overview
from .protocols import Protocol, choose_protocol
from .result import StudyResult, read_result
from .selection import Methods, check_row, choose_rows
from .store import ResultsStore
from .study_data import StudyData, all_labels, study_arrays, usable_rows
from .study_distances import study_distances
from .study_notes import fixed_people, shuffle_note, study_notes
from .tags import row_tag
from .views import view_columns

Progress = Callable[[int, int], None]
#: what the random parts of NumPy and scikit-learn take as a seed
_MAX_SEED = 2**32 - 1


def run_study(
    table: Any,
    *,
    methods: Methods = None,
    protocol: str | Protocol = "leave-one-subject-out",
    information: InformationSet | str | None = None,
    out: str | Path | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
    n_shuffles: int = 20,
    seed: int = 0,
    allow_acausal: bool = False,
    keep_settling: bool = False,
    if_exists: str = "error",
    command: Mapping[str, Any] | None = None,
    tune: str | None = None,
    features: Sequence[str] | None = None,
) -> StudyResult:
    """Compare transfer methods on people, or sessions, that they were not trained on.

    Parameters
    ----------
    table : FeatureTable
        Windows of at least two people.
    methods : iterable, mapping or None
        Names from `eegtl.evaluation.METHODS`, records of one's own, or estimators by name (see
        `eegtl.evaluation.choose_rows`). The baselines are always among the rows.
    protocol : str or protocol
        ``leave-one-subject-out``, ``cross-session`` (a person's earlier sessions are the sources
        of each later one), ``cross-day`` (the first day and the sessions nearest to it are those
        of each later day), or an object of their classes.
    information : InformationSet or str, optional
        What methods may see of the person they are scored on: ``inductive``,
        ``transductive`` (the default), ``online``, ``calibration:SECONDS`` or
        ``calibration:SECONDS:labelled``.
    out : path, optional
        Folder for ``results.sqlite`` (a fold is in it as soon as it is finished) and
        ``table.csv``.
    n_jobs : int
        Number of processes; each computes with one thread. The results do not depend on it.
    progress : callable, optional
        Called with (folds done, folds in all).
    n_shuffles : int
        How often the labels are shuffled for the row that shows chance; 0 leaves it out.
    seed : int
        Seed of the shuffles and of methods with random parts.
    allow_acausal : bool
        Accept features that used the future although the information set is ``inductive``,
        ``calibration`` or ``online``; the table then says so.
    keep_settling : bool
        Keep windows in which the filters had not settled.
    if_exists : {"error", "resume", "overwrite"}
        What to do when `out` holds results: refuse, run only the missing folds, replace. A study
        that is continued may have rows more or fewer; all else must be as it was.
    command : mapping, optional
        JSON-able facts by which the caller can start the same study again; kept beside the
        results.
    tune : str, optional
        A criterion of `eegtl.evaluation.search`, for example ``source``: beside each method that
        has a grid stands a second row, in which the criterion chooses its settings inside each
        fold.
    features : sequence of str, optional
        The features of the table that the study is about; None means all. Methods that read
        features of their own (`Method.view`) find them in the table, too.

    Returns
    -------
    StudyResult

    Raises
    ------
    StudyError
        When the table does not allow the comparison, a method fails, is unknown or does not
        keep to its information level, or `out` holds another study or is in use.
    InformationError
        When a method asked for by name or family has no row that `information` allows; where it
        has some, the others are left out with a note.

    Examples
    --------
    >>> import eegtl
    >>> collection = eegtl.load("synthetic").select(subjects=["w01", "w02", "w03"])
    >>> table = eegtl.FeatureExtractor(window=10.0).extract(collection)
    >>> result = run_study(table, methods=["tca"], n_shuffles=0)
    >>> list(result.table.columns[:3])
    ['method', 'normalization', 'information']
    """
    protocol = choose_protocol(protocol, information)
    granted = InformationSet.parse(protocol.information)
    check_counts(n_jobs=n_jobs, n_shuffles=n_shuffles, seed=seed)
    used = usable_rows(table, granted, allow_acausal=allow_acausal, keep_settling=keep_settling)
    plain = view_columns(used.columns, features)
    data = study_arrays(used, protocol, seed)
    studied = replace(data, X=data.X[:, plain])
    # what a protocol ranks is the study's features, whatever else some methods read
    about = FeatureTable(
        studied.X, used.columns[plain], used.meta, causal=used.causal, info=used.info
    )
    folds = list(protocol.split(about))
    window = used.info.get("window")
    rows, notes = choose_rows(
        methods, granted, seed, tune=tune, window=window, columns=used.columns
    )
    notes = [*study_notes(table, about, studied, folds, protocol), *notes]
    if n_shuffles and shuffle_note(data):
        notes.append(shuffle_note(data))
    can_shuffle = n_shuffles and len(fixed_people(data)) < len(np.unique(data.subjects))
    rows = [row for row in rows if can_shuffle or not row.shuffled]
    levels = {row.key: check_row(row, granted, seed) for row in rows}
    facts = study_facts(used, data, rows, protocol, seed)
    facts |= {"n_shuffles": int(n_shuffles), "keep_settling": bool(keep_settling)}
    facts |= {"python": platform.python_version(), "command": dict(command or {})}
    facts |= {"started": datetime.now().isoformat(timespec="seconds")}
    folder = None if out is None else Path(out)
    with open_store(folder, facts, if_exists=if_exists) as store:
        shown = [_shown(row, granted, levels[row.key], used.causal, seed) for row in rows]
        _describe(store, about, studied, folds, shown, notes, seed)
        labels = all_labels(data, n_shuffles, seed)
        views = {
            row.key: view_columns(used.columns, row.view) if row.view else plain for row in rows
        }
        plan = _Plan(data, rows, levels, views, folds, labels, granted, seed)
        _run_missing(store, plan, n_jobs, progress)
        result = read_result(store, folder)
    if folder is not None:
        text = result.table.to_csv(index=False, lineterminator="\n")
        write_whole(folder / "table.csv", text)
    return result


def _shown(row: StudyRow, granted: InformationSet, level: str, causal: bool, seed: int) -> TableRow:
    """Say what the table tells of a row besides its scores."""
    assumes = getattr(row.build(seed), "assumes_", "")
    return TableRow.of(row, row_tag(granted, level, causal, assumes))


def _describe(
    store: ResultsStore,
    used: Any,
    data: StudyData,
    folds: list[Fold],
    rows: list[TableRow],
    notes: list[str],
    seed: int,
) -> None:
    """Write what a reader wants to know before the first fold; what is there is not done again."""
    overview = store.description().get("overview")
    distances = None
    if overview is None:
        overview = study_overview(used, data, seed)
        distances = study_distances(used.meta, data, folds)
    description = {
        "rows": [asdict(row) for row in rows],
        "folds": [fold.name for fold in folds],
        "notes": notes,
        "overview": overview,
    }
    store.describe(description, distances)


def check_counts(**counts: int) -> None:
    """Refuse settings of a study that are no whole numbers or out of range.

    Parameters
    ----------
    **counts : int
        ``n_jobs`` (at least 1), ``n_shuffles`` (at least 0), ``seed`` (0 to 4294967295).

    Raises
    ------
    StudyError
        Naming the setting and what came.
    """
    for name, value in counts.items():
        least = 1 if name == "n_jobs" else 0
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < least:
            raise StudyError(f"{name} is {value!r}; give a whole number of at least {least}.")
        if name == "seed" and value > _MAX_SEED:
            raise StudyError(f"seed is {value!r}; give a whole number of at most {_MAX_SEED}.")


@dataclass(frozen=True)
class _Plan:
    """All that the folds of a study are made of."""

    data: StudyData
    rows: list[StudyRow]
    levels: dict[str, str]
    views: dict[str, NDArray[np.intp]]
    folds: list[Fold]
    labels: dict[int, NDArray[np.intp]]
    granted: InformationSet
    seed: int

    def keys(self) -> Iterator[tuple[StudyRow, int, Fold]]:
        """Every fold of every row; rows with shuffled labels once for each shuffle."""
        for row in self.rows:
            for repeat in self.labels:
                if bool(repeat) == row.shuffled:
                    yield from ((row, repeat, fold) for fold in self.folds)

    def task(self, row: StudyRow, repeat: int, fold: Fold) -> FoldTask:
        """Make a task that holds the labels the estimator may see, and no others."""
        level = self.levels[row.key]
        y = self.data.classes[self.labels[repeat]]
        columns = self.views[row.key]
        all_of_them = np.array_equal(columns, np.arange(self.data.X.shape[1]))
        return FoldTask(
            row=row.key,
            repeat=repeat,
            fold=fold,
            estimator=row.build(self.seed),
            level=level,
            granted=self.granted,
            y_source=y[fold.source],
            y_calib=y[fold.calibration] if level == "labelled" else None,
            columns=None if all_of_them else columns,
        )


def _run_missing(store: ResultsStore, plan: _Plan, n_jobs: int, progress: Progress | None) -> None:
    """Run the folds that the store does not hold yet, and write each as it comes."""
    by_name = {fold.name: fold for fold in plan.folds}
    finished = store.finished()
    keys = list(plan.keys())
    todo = [key for key in keys if (key[0].key, key[1], key[2].name) not in finished]
    n_done = len(keys) - len(todo)
    if progress is not None:
        progress(n_done, len(keys))
    tasks = (plan.task(*key) for key in todo)
    for outcome in _execute(tasks, plan.data, min(n_jobs, max(len(todo), 1))):
        fold = by_name[outcome.fold]
        store.add(_record(outcome, fold, plan.data, plan.labels[outcome.repeat]))
        n_done += 1
        if progress is not None:
            progress(n_done, len(keys))


def _execute(tasks: Iterator[FoldTask], data: StudyData, n_jobs: int) -> Iterator[FoldOutcome]:
    """Run tasks here or in processes; outcomes come in any order, one thread computes each."""
    if n_jobs == 1:
        with threadpool_limits(1):
            for task in tasks:
                yield run_fold(task, data.X, data.domains, data.rows, data.target_rows)
        return
    with joblib.parallel_config(
        backend="loky", inner_max_num_threads=1, initializer=_leave_interrupts_to_the_parent
    ):
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        yield from parallel(
            delayed(run_fold)(task, data.X, data.domains, data.rows, data.target_rows)
            for task in tasks
        )


def _leave_interrupts_to_the_parent() -> None:
    """Keep a process from printing a traceback at Ctrl-C; the parent ends it anyhow."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _record(
    outcome: FoldOutcome, fold: Fold, data: StudyData, codes: NDArray[np.intp]
) -> FoldRecord:
    """Score an outcome; the true labels of the person enter here for the first time."""
    codes_of = {label: code for code, label in enumerate(data.classes.tolist())}
    place = np.array([codes_of.get(label, -1) for label in outcome.y_pred.tolist()])
    if len(place) != len(fold.test) or (place < 0).any():
        raise StudyError(
            f"{outcome.row} predicted {len(outcome.y_pred)} labels "
            f"({', '.join(map(str, np.unique(outcome.y_pred)[:5]))}) for {len(fold.test)} windows "
            f"of subject {fold.name}; the classes are {', '.join(map(str, data.classes))}."
        )
    y_true, trials = codes[fold.test], data.trials[fold.test]
    scores = score(y_true, place, trials)
    return FoldRecord(
        row=outcome.row,
        repeat=outcome.repeat,
        fold=outcome.fold,
        subject=str(fold.subject),
        n_source=len(fold.source),
        n_target_windows=outcome.n_target_windows,
        n_test=len(fold.test),
        accuracy=scores.accuracy,
        balanced_accuracy=scores.balanced_accuracy,
        macro_f1=scores.macro_f1,
        trial_accuracy=scores.trial_accuracy,
        seconds=outcome.seconds,
        warnings=outcome.warnings,
        chosen=outcome.chosen,
        window=fold.test,
        trial=trials,
        y_true=y_true,
        y_pred=place,
    )
