"""Choosing settings of a transfer method without the labels of the person it is for."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from .._checks import check_rows, check_subjects
from ..errors import StudyError, TransferWarning
from .criteria import CRITERIA, Criterion, Sources, source_weights
from .information import InformationSet, check
from .settings import settings_text
from .study_data import opaque_rows

#: What `search` takes as a grid.
Grid = Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Iterable[Any]]]
#: scores that differ by less are equal: the order of a sum must not choose
_TIE = 1e-9


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    best_params : dict
        The settings with the highest score; of equal ones the first of the grid.
    scores : pandas.DataFrame
        One line a configuration: its settings, and ``score`` (higher is better).
    n_configurations : int
        How many were tried. It belongs into every report: the more, the better the best looks.
    criterion : str
        Name of the criterion.
    """

    best_params: dict[str, Any]
    scores: pd.DataFrame
    n_configurations: int
    criterion: str


def search(
    estimator: Any,
    grid: Grid,
    X: ArrayLike,
    y: ArrayLike,
    subjects: ArrayLike,
    *,
    criterion: str = "source",
    information: InformationSet | str = "transductive",
    X_target: ArrayLike | None = None,
    rows: pd.DataFrame | None = None,
    rows_target: Any = None,
    window: float | None = None,
    n_jobs: int = 1,
    seed: int = 0,
) -> SearchResult:
    """Choose settings of a transfer estimator; no label of the wearer has a way in.

    Parameters
    ----------
    estimator : transfer estimator
        Unfitted, for example a pipeline; it is cloned for every fit.
    grid : mapping of str to sequence, or list of such
        Values to try, by the names of `set_params` (``tca__n_components``).
    X : array-like of shape (n_windows, n_features)
        Source rows.
    y : array-like of shape (n_windows,)
        Their labels.
    subjects : array-like of shape (n_windows,)
        Whose row it is.
    criterion : {"source", "reverse", "weighted", "dev", "entropy"}
        See Notes.
    information : InformationSet or str
        What the real wearer will give; for ``source`` only.
    X_target : array-like of shape (n_target, n_features), optional
        Rows of the real wearer without labels; for all criteria but ``source``.
    rows : pandas.DataFrame, optional
        Columns ``session, trial, stimulus, onset`` of the source rows; needed where
        `information` speaks of time.
    rows_target : table, optional
        Descriptions of the target rows.
    window : float, optional
        Length of a window in seconds; needed for a calibration block.
    n_jobs : int
        Number of processes over the configurations.
    seed : int
        Draws the codes that stand for the trials of whoever plays the wearer.

    Returns
    -------
    SearchResult

    Raises
    ------
    StudyError
        When the criterion is unknown or lacks what it needs, there are fewer than two source
        people, the grid is empty, a fit fails, or no configuration has a finite score.
    InformationError
        When the estimator, or a configuration of it, needs more than `information` grants.

    Notes
    -----
    ``source``: each source person plays the wearer: fit on the others, adapt with what
    `information` grants of that person, score on the person's labels (accuracy, mean over people).

    The others use the rows of the real wearer. ``reverse``: labels are predicted for the wearer
    by the model of all source people but one; the same method is fitted on the wearer's rows with
    these labels, adapted to the person left out, and scored there (Zhong et al., ECML 2010).
    ``weighted``: the error on each source person, predicted as if the rows were the wearer's by
    the model of the others, weighted by p_target(x) / p_source(x) (Sugiyama et al. 2007).
    ``dev``: the same with a control variate (You et al. 2019). Both assume that p(y|x) is the
    same for all, so a `SubjectNormalizer` belongs before the search. ``entropy``: minus the mean
    entropy of the wearer's predicted probabilities; it prefers whatever is sure of itself, rightly
    or wrongly, and one class for all windows most of all.

    Examples
    --------
    >>> from eegtl.transfer import KPCA, default_classifier, make_transfer_pipeline
    >>> rng = np.random.default_rng(0)
    >>> y, who = np.tile([0, 1], 30), np.repeat(["ann", "ben", "cid"], 20)
    >>> X = rng.standard_normal((60, 4)) * [3, 1, 1, 1] + np.outer(y, [0, 3, 0, 0])
    >>> pipeline = make_transfer_pipeline(KPCA(kernel="linear"), default_classifier())
    >>> search(pipeline, {"kpca__n_components": [1, 2]}, X, y, who).best_params
    {'kpca__n_components': 2}
    """
    chosen = criterion_named(criterion)
    configurations = configurations_of(grid, estimator)
    given = "transductive" if chosen.needs_target else information
    sources = make_sources(X, y, subjects, given, rows=rows, window=window, seed=seed)
    if chosen.needs_target:
        if X_target is None:
            raise StudyError(
                f"the criterion {criterion!r} uses rows of the wearer without labels, but X_target "
                "is missing. Pass it, or choose the criterion 'source'."
            )
        target = np.asarray(X_target, dtype=np.float64)
        sources = replace(sources, X_target=target, rows_target=rows_target)
        if chosen.weighs:  # formed once, and not in each process
            sources = replace(sources, weights=source_weights(sources.X, target))
    else:
        check(estimator, sources.information)
    for settings in configurations:
        name = f"{type(estimator).__name__} with {settings_text(settings)}"
        check(configured(estimator, settings), sources.information, name=name)
    people = sources.wearers if criterion == "source" else sources.people
    n_people = len(np.unique(sources.subjects.astype(str)))
    if n_people < 2 or not people:
        raise StudyError(
            f"a search needs at least two source people, each of whom leaves two classes with the "
            f"others; got {n_people}. Add sources, or leave the settings as they are."
        )
    return _result(
        _scores(estimator, configurations, chosen, sources, n_jobs), configurations, chosen
    )


def criterion_named(name: str) -> Criterion:
    """Give a criterion.

    Parameters
    ----------
    name : str

    Returns
    -------
    Criterion

    Raises
    ------
    StudyError
        When the name is unknown.

    Examples
    --------
    >>> criterion_named("dev").needs_target
    True
    """
    if name not in CRITERIA:
        raise StudyError(f"unknown criterion {name!r}; known are: {', '.join(CRITERIA)}.")
    return CRITERIA[name]


def configurations_of(grid: Grid, estimator: Any) -> list[dict[str, Any]]:
    """List the settings of a grid.

    Parameters
    ----------
    grid : mapping or list of mappings
    estimator : estimator
        Whose parameters they are.

    Returns
    -------
    list of dict

    Raises
    ------
    StudyError
        When there are none, or the estimator has no such parameter.
    """
    try:
        configurations = [dict(params) for params in ParameterGrid(grid)]
    except (TypeError, ValueError) as error:
        raise StudyError(
            f"the grid of a search cannot be read ({error}); give lists of values by name, for "
            "example {'tca__n_components': [10, 30]}."
        ) from error
    known = estimator.get_params()
    unknown = sorted({name for params in configurations for name in params if name not in known})
    if unknown:
        raise StudyError(
            f"{type(estimator).__name__} has no parameter {', '.join(unknown)}; it has: "
            f"{', '.join(sorted(known))}."
        )
    return configurations


def configured(estimator: Any, settings: Mapping[str, Any]) -> Any:
    """Give a fresh estimator with some settings changed.

    Parameters
    ----------
    estimator : estimator
    settings : mapping of str to value
        As in `configurations_of`.

    Returns
    -------
    estimator
        Unfitted.
    """
    # values may be estimators, which a fit would otherwise change in the grid
    return clone(estimator).set_params(**clone(dict(settings), safe=False))


def make_sources(
    X: ArrayLike,
    y: ArrayLike,
    subjects: ArrayLike | None,
    information: InformationSet | str,
    *,
    rows: pd.DataFrame | None = None,
    window: float | None = None,
    seed: int = 0,
) -> Sources:
    """Gather the sources of a search.

    Parameters
    ----------
    X, y, subjects, information, rows, window, seed
        As in `search`.

    Returns
    -------
    Sources

    Raises
    ------
    StudyError
        When `information` speaks of time, and `rows` or `window` is missing.
    """
    granted = InformationSet.parse(information)
    rows_of_X = np.ascontiguousarray(X, dtype=np.float64)
    people, labels = check_subjects(subjects, len(rows_of_X)), np.asarray(y)
    check_rows(rows, len(rows_of_X))
    if granted.kind in ("calibration", "online") and rows is None:
        raise StudyError(
            f"the information set {granted.tag!r} speaks of time, so a search needs rows: a table "
            "with the columns session, trial, stimulus and onset of each source row."
        )
    if granted.kind == "calibration" and window is None:
        raise StudyError(
            "a search with a calibration block needs window, the length of a window in seconds."
        )
    opaque = None
    if rows is not None:
        names = pd.MultiIndex.from_arrays([people, rows["session"], rows["trial"]])
        opaque = opaque_rows(rows, people, pd.factorize(names)[0], seed)
    return Sources(rows_of_X, labels, people, granted, float(window or 0.0), rows, opaque)


def _scores(
    estimator: Any,
    configurations: list[dict[str, Any]],
    criterion: Criterion,
    sources: Sources,
    n_jobs: int,
) -> list[float]:
    """Score every configuration, here or in processes."""
    models = [configured(estimator, settings) for settings in configurations]
    if n_jobs == 1:
        return [_score(criterion, model, sources) for model in models]
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        return list(Parallel(n_jobs=n_jobs)(delayed(_score)(criterion, m, sources) for m in models))


def _score(criterion: Criterion, model: Any, sources: Sources) -> float:
    """Score one configuration; what it warns of is said when the chosen one is fitted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        return criterion.score(model, sources)


def _result(
    scores: list[float], configurations: list[dict[str, Any]], criterion: Criterion
) -> SearchResult:
    values = np.where(np.isfinite(scores), scores, -np.inf)
    if not np.isfinite(values).any():
        raise StudyError(
            f"none of the {len(scores)} configurations has a finite score by the criterion "
            f"{criterion.name!r} (the first has {scores[0]}), so that there is nothing to choose "
            "by. Look for NaN in what the estimator predicts, or choose another criterion."
        )
    best = int(np.flatnonzero(values >= values.max() - _TIE)[0])
    table = pd.DataFrame(configurations, index=range(len(configurations)))
    return SearchResult(
        best_params=configurations[best],
        scores=table.assign(score=scores),
        n_configurations=len(configurations),
        criterion=criterion.name,
    )
