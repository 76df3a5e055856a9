"""Choosing the rows of a study, and refusing those that may not see what they need."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import pandas as pd
from sklearn.base import clone

from .._checks import INFORMATION_LEVELS
from ..errors import InformationError, StudyError
from ..transfer import SourceOnly, SubjectNormalizer, default_classifier
from .information import InformationSet, check, needs_of
from .method import CLASSIFIERS, Method, StudyRow
from .methods import METHODS
from .settings import settings_of
from .study_data import check_text
from .transfer_search import TransferSearch
from .tuned_rows import check_search, search_facts, tuned_row
from .tuning import criterion_named
from .views import NOWHERE, Layout, layout_of

#: What `run_study` takes as methods.
Methods = Iterable["str | Method | StudyRow"] | Mapping[str, Any] | None

#: a row that the information set does not allow, and why
_Refusal = tuple[StudyRow, InformationError]

#: the table treats rows of these names as references
_RESERVED = tuple(dict.fromkeys(m.name for m in METHODS if m.role == "reference"))


def choose_rows(
    methods: Methods,
    granted: InformationSet,
    seed: int = 0,
    *,
    tune: str | None = None,
    window: float | None = None,
    columns: pd.MultiIndex | None = None,
) -> tuple[list[StudyRow], list[str]]:
    """Choose the rows of a study.

    Parameters
    ----------
    methods : iterable of str, Method or StudyRow, mapping of str to estimator, or None
        Names or families of `METHODS`, records of one's own, or a mapping that gives unfitted
        estimators names of their own (and may hold names of methods, too);
        None means all of `METHODS` that the information set allows. Of a method, or family, that is
        asked for, too, rows are left out that it does not allow. The baselines (source-only,
        majority, shuffled labels) are always among the rows.
    granted : InformationSet
        What the protocol grants.
    seed : int
        The study's seed.
    tune : str, optional
        A criterion of `eegtl.evaluation.search`: methods with a grid get a second row, in which
        it chooses their settings.
    window : float, optional
        Length of a window in seconds; a search with a calibration block needs it.
    columns : pandas.MultiIndex, optional
        Of the table that is studied, for the methods that read features of their own; None as
        long as there is no table.

    Returns
    -------
    rows : list of StudyRow
    notes : list of str
        Which rows were left out because the information set does not allow them, or the table
        lacks their features.

    Raises
    ------
    StudyError
        When a name is unknown, reserved or no valid text, two rows have the same name and
        normalisation, or there is nothing to tune.
    InformationError
        When no row of what is asked for is allowed: each needs more than is granted.

    Examples
    --------
    >>> rows, _ = choose_rows(["tca"], InformationSet("transductive"))
    >>> [row.key for row in rows if row.role == "transfer"][:2]
    ['tca [z0]', 'tca [z2]']
    """
    if tune is not None:
        criterion_named(tune)
    asked, own = _asked(methods, seed, columns)
    named = [method for group in asked.values() for method in group]
    wanted = METHODS if methods is None else with_baselines(named)
    check = partial(_split, granted=granted, tune=tune, window=window, seed=seed)
    rows: list[StudyRow] = []
    refused: list[_Refusal] = []
    without: list[str] = []
    found: dict[Method, tuple[list[StudyRow], list[_Refusal]]] = {}
    for method in METHODS:
        if not (method.always or method in wanted):
            continue
        try:
            layout = _layout(method, columns)
        except StudyError:
            if method in named:
                raise
            without.append(f"{method.name} (reads {', '.join(method.view)})")
            continue
        found[method] = check(method, method.rows(layout))
        rows += found[method][0][:1] if method.shuffled else found[method][0]
        # the pooled baseline is of interest beside methods that use labels only
        if not method.shuffled and method.family != "source+calibration":
            refused += found[method][1]
    for group in asked.values():
        _refuse_empty([found[method] for method in group])
    brought: list[StudyRow] = []
    for record, group_rows in own:
        _check_reserved(group_rows)
        allowed, not_allowed = check(record, group_rows)
        _refuse_empty([(allowed, not_allowed)])
        brought += allowed
        refused += not_allowed
    first_reference = next(i for i, row in enumerate(rows) if row.role == "reference")
    rows[first_reference:first_reference] = brought
    _check_unique(rows)
    if tune is not None and not any(row.search for row in rows):
        _refuse_tuning(tune, granted, refused)
    notes = _left_out(refused, granted, seed)
    if without:
        notes.append(f"left out, since the table lacks their features: {', '.join(without)}")
    return rows, notes


def _split(
    method: Method | None,
    rows: list[StudyRow],
    *,
    granted: InformationSet,
    tune: str | None,
    window: float | None,
    seed: int,
) -> tuple[list[StudyRow], list[_Refusal]]:
    """Part the rows that are allowed from those that are not.

    Behind each allowed row stands the tuned one, where that is asked for and its method has a grid.
    """
    allowed: list[StudyRow] = []
    refused: list[_Refusal] = []
    for row in rows:
        try:
            check_row(row, granted, seed)
        except InformationError as error:
            refused.append((row, error))
            continue
        allowed.append(row)
        if tune is None or method is None or not method.grid:
            continue
        tuned = tuned_row(method, row, granted, criterion=tune, window=window, seed=seed)
        try:
            check_row(tuned, granted, seed)
        except InformationError as error:
            refused.append((tuned, error))
        else:
            allowed.append(tuned)
    return allowed, refused


def _refuse_empty(parts: list[tuple[list[StudyRow], list[_Refusal]]]) -> None:
    """Refuse what was asked for when no row of it is allowed."""
    errors = [error for _, refused in parts for _, error in refused]
    if errors and not any(allowed for allowed, _ in parts):
        raise errors[0]


def _refuse_tuning(tune: str, granted: InformationSet, refused: list[_Refusal]) -> None:
    """Say why there is nothing to tune."""
    reasons = [str(error) for row, error in refused if row.search]
    if not reasons:
        reasons = [
            f"none of the methods that {granted.tag!r} allows has a grid. With a grid are: "
            f"{', '.join(dict.fromkeys(m.family for m in METHODS if m.grid))}."
        ]
    raise StudyError(f"there is nothing to tune by {tune!r}: {reasons[0]}")


def _left_out(refused: list[_Refusal], granted: InformationSet, seed: int) -> list[str]:
    """Name the rows that are left out, tuned ones with a reason of their own."""
    plain = [row for row, _ in refused if not row.search]
    notes = []
    if plain:
        labels = any("labelled" in (needs_of(row.build(seed)), row.uses) for row in plain)
        notes.append(
            f"left out, since the information set {granted.tag!r} does not grant what they need: "
            + ", ".join(row.key for row in plain)
            + (". Labels are granted by, for example, calibration:60:labelled" if labels else "")
        )
    return [*notes, *(f"left out: {error}" for row, error in refused if row.search)]


def extra_features(methods: Methods, features: Iterable[str]) -> tuple[str, ...]:
    """List the features that methods read besides those that a study is about.

    Parameters
    ----------
    methods : as in `choose_rows`
    features : iterable of str
        What the study is about.

    Returns
    -------
    tuple of str
        Each once; empty for methods that bring estimators of their own.

    Examples
    --------
    >>> extra_features(["tca"], ["de"])
    ()
    """
    wanted: Iterable[Method] = METHODS
    if methods is not None:
        asked = _asked(methods, 0, None)[0].values()
        wanted = with_baselines(method for group in asked for method in group)
    names = dict.fromkeys(name for method in wanted for name in method.view)
    return tuple(name for name in names if name not in set(features))


def with_baselines(named: Iterable[Method]) -> list[Method]:
    """Give methods, and those source-only methods that they are compared with.

    Parameters
    ----------
    named : iterable of Method

    Returns
    -------
    list of Method

    Examples
    --------
    >>> style = next(method for method in METHODS if method.name == "style transfer")
    >>> [method.name for method in with_baselines([style])]
    ['style transfer', 'source-only (svm each)']
    """
    wanted = list(named)
    compared = {method.compared_with for method in wanted}
    return wanted + [
        method
        for method in METHODS
        if method.role == "source-only"
        and method.compared_with in compared
        and method not in wanted
    ]


def _layout(method: Method, columns: pd.MultiIndex | None) -> Layout:
    """Say where a method finds its features; what it does not read does not matter."""
    if columns is None or not method.view:
        return NOWHERE
    return layout_of(columns, method.view)


def check_row(row: StudyRow, granted: InformationSet, seed: int = 0) -> str:
    """Refuse a row that needs more of the target than is granted.

    Parameters
    ----------
    row : StudyRow
    granted : InformationSet
    seed : int

    Returns
    -------
    {"inductive", "unlabelled", "labelled"}
        The information level that the row is handed.

    Raises
    ------
    InformationError
        When it needs more than `granted`, or searches its settings with another information set.
    """
    estimator = row.build(seed)
    check(estimator, granted, name=row.key)
    level = row.level(estimator)
    if INFORMATION_LEVELS.index(level) > INFORMATION_LEVELS.index(granted.level):
        raise InformationError(
            f"{row.key} uses {level} rows of the target, but the information set "
            f"{granted.tag!r} grants at most {granted.level!r} "
            f"({granted.sees(granted.level)}). Choose another information set, for example "
            "calibration:60:labelled, or leave the method out."
        )
    check_search(estimator, granted.consumed(level), row.key)
    return level


def row_of_estimator(name: str, estimator: Any, seed: int = 0) -> StudyRow:
    """Make a study row of an unfitted estimator.

    Parameters
    ----------
    name : str
        As the table shows it.
    estimator : transfer estimator
        For example from `eegtl.transfer.make_transfer_pipeline`; a fresh clone is used in each
        fold. The normalisation shown is the mode of its first `SubjectNormalizer`. It is compared
        with the source-only row whose classifier has the same class and parameters as the one at
        its end, if there is any.
    seed : int
        The study's seed, with which those classifiers are built.

    Returns
    -------
    StudyRow

    Raises
    ------
    StudyError
        When the estimator cannot be cloned, since it has no ``get_params``, or has no
        ``predict``.
    """
    settings_of(estimator, name)
    if not hasattr(estimator, "predict"):
        raise StudyError(
            f"{name} ({type(estimator).__name__}) has no predict; a study scores classifiers. Put "
            f"it into make_transfer_pipeline({type(estimator).__name__}(...), "
            "default_classifier())."
        )
    steps = _steps(estimator)
    modes = [step.mode for step in steps if isinstance(step, SubjectNormalizer)]
    last = steps[-1]
    if isinstance(last, SourceOnly):
        last = default_classifier() if last.estimator is None else last.estimator
    own = settings_of(last, name)
    same = (k for k, build in CLASSIFIERS.items() if settings_of(build(seed)) == own)
    return StudyRow(
        name,
        modes[0] if modes else "none",
        partial(_clone, estimator),
        next(same, None),
        search=search_facts(estimator),
    )


def _steps(estimator: Any) -> list[Any]:
    """List the steps of an estimator, those inside a search, too."""
    if isinstance(estimator, TransferSearch):
        return _steps(estimator.estimator)
    if not hasattr(estimator, "steps"):
        return [estimator]
    return [inner for _, step in estimator.steps for inner in _steps(step)]


def _clone(estimator: Any, seed: int) -> Any:
    """Give a fresh estimator; its own random_state stands, so the seed is not used."""
    return clone(estimator)


def _asked(
    methods: Methods, seed: int, columns: pd.MultiIndex | None
) -> tuple[dict[str, list[Method]], list[tuple[Method | None, list[StudyRow]]]]:
    """Separate the methods asked for, by name or family, from rows that the caller brings."""
    asked: dict[str, list[Method]] = {}
    own: list[tuple[Method | None, list[StudyRow]]] = []
    if methods is None:
        return asked, own
    if isinstance(methods, Mapping):
        for name, method in methods.items():
            if isinstance(method, str):
                asked[method] = _by_name(method)
            else:
                own.append((None, [row_of_estimator(name, method, seed)]))
        return asked, own
    for method in [methods] if isinstance(methods, str) else methods:
        if isinstance(method, StudyRow):
            own.append((None, [method]))
        elif isinstance(method, Method):
            own.append((method, method.rows(_layout(method, columns))))
        else:
            asked[method] = _by_name(method)
    return asked, own


def _by_name(name: Any) -> list[Method]:
    if not isinstance(name, str):
        raise StudyError(
            f"methods holds a {type(name).__name__}; a list takes names of methods and `Method` "
            "records. Give estimators of your own by name, beside names of methods: "
            "{'mine': pipeline, 'tca': 'tca'}."
        )
    found = [method for method in METHODS if name in (method.name, method.family)]
    if found:
        return found
    known = list(dict.fromkeys(method.family for method in METHODS))
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise StudyError(f"unknown method {name!r}; known are: {', '.join(known)}.{hint}")


def _check_reserved(rows: list[StudyRow]) -> None:
    for row in rows:
        if row.name in _RESERVED:
            raise StudyError(
                f"{row.name!r} is the name of a row that stands in every study; give the method "
                "another name."
            )


def _check_unique(rows: list[StudyRow]) -> None:
    keys = [row.key for row in rows]
    for key in keys:
        check_text(key, "the list of methods")
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise StudyError(
            f"two rows of the study have the same name and normalisation: {', '.join(twice)}. "
            "Give them different names."
        )
