"""Rows of a study whose settings are chosen inside each fold, beside those with fixed settings."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from .._checks import INFORMATION_LEVELS
from ..errors import InformationError, StudyError
from ..transfer import TransferPipeline, make_transfer_pipeline
from .information import InformationSet, can_run_online, needs_of
from .method import Method, StudyRow
from .settings import settings_text
from .transfer_search import TransferSearch
from .tuning import configurations_of, configured, criterion_named


def tuned_row(
    method: Method,
    row: StudyRow,
    granted: InformationSet,
    *,
    criterion: str,
    window: float | None = None,
    seed: int = 0,
) -> StudyRow:
    """Make the row that chooses the settings of a method by a criterion.

    Parameters
    ----------
    method : Method
        With a grid.
    row : StudyRow
        Its row behind one normalisation.
    granted : InformationSet
        What the study grants; source people in the wearer's place give as much.
    criterion : str
        A name of `eegtl.evaluation.criteria.CRITERIA`.
    window : float, optional
        Length of a window in seconds, for a calibration block.
    seed : int

    Returns
    -------
    StudyRow
        Named ``<method>, tuned``.

    Raises
    ------
    StudyError
        When none of the method's own steps has the parameters of its grid.

    Examples
    --------
    >>> from eegtl.evaluation import METHODS
    >>> tca = next(method for method in METHODS if method.name == "tca")
    >>> given = InformationSet("transductive")
    >>> tuned_row(tca, tca.rows()[1], given, criterion="source").key
    'tca, tuned [z2]'
    """
    information = granted.consumed(row.level(row.build(seed))).tag
    build = partial(_build, method, row, criterion, information, window)
    return replace(row, name=f"{row.name}, tuned", build=build, search=search_facts(build(seed)))


def search_facts(estimator: Any) -> dict[str, Any] | None:
    """Say what a search inside an estimator will do.

    Parameters
    ----------
    estimator : transfer estimator
        A `TransferSearch`, or a pipeline that ends in one.

    Returns
    -------
    dict or None
        ``criterion`` and ``n_configurations``; None without a search.
    """
    search = _search_of(estimator)
    if search is None:
        return None
    n = len(configurations_of(search.grid, search.estimator))
    return {"criterion": search.criterion, "n_configurations": n}


def check_search(estimator: Any, handed: InformationSet, name: str) -> None:
    """Refuse a search that chooses for a wearer other than that of the study.

    Parameters
    ----------
    estimator : transfer estimator
        One without a search passes.
    handed : InformationSet
        What the row is handed of the wearer.
    name : str
        The row, for the message.

    Raises
    ------
    InformationError
        When the source people in the wearer's place give more or less. A criterion other than
        ``source`` puts nobody there, and an inductive method is handed nothing of them. Or when a
        configuration needs more than the row is handed.
    """
    search = _search_of(estimator)
    if search is None:
        return
    _check_configurations(search, handed, name)
    if criterion_named(search.criterion).needs_target:
        return
    own = InformationSet.parse(search.information)
    if own == handed or (needs_of(search) == "inductive" and not own.labelled):
        return
    raise InformationError(
        f"{name} chooses its settings with information={own.tag!r}, but is handed {handed.tag!r} "
        "of the wearer in this study; settings chosen for the one need not suit the other. Give "
        f"TransferSearch information={handed.tag!r}, or the study another information set."
    )


def _check_configurations(search: TransferSearch, handed: InformationSet, name: str) -> None:
    """Refuse settings that need more than those the search starts from, by which it is handed."""
    unlabelled = criterion_named(search.criterion).needs_target
    for settings in configurations_of(search.grid, search.estimator):
        model = configured(search.estimator, settings)
        needs = needs_of(model)
        # the other criteria hand the wearer's rows on without labels, whatever the study grants
        level = "unlabelled" if unlabelled else handed.level
        if INFORMATION_LEVELS.index(needs) > INFORMATION_LEVELS.index(level):
            raise InformationError(
                f"{name} with {settings_text(settings)} needs {needs} rows of the target, but its "
                f"search is handed {handed.sees(level)}. Leave these settings out of the grid, or "
                f"put them into a method that asks for more (uses={needs!r}) where the study "
                "grants it."
            )
        if handed.kind == "online" and needs != "inductive" and not can_run_online(model):
            raise InformationError(
                f"{name} with {settings_text(settings)} cannot take rows of the target as they "
                f"arrive (it has no partial_adapt), but the information set is {handed.tag!r}. "
                "Leave these settings out of the grid, or choose another information set."
            )


def _search_of(estimator: Any) -> TransferSearch | None:
    """Give the search that an estimator is or ends in."""
    steps = getattr(estimator, "steps", None)
    last = steps[-1][1] if steps else estimator
    return last if isinstance(last, TransferSearch) else None


def _build(
    method: Method,
    row: StudyRow,
    criterion: str,
    information: str,
    window: float | None,
    seed: int,
) -> Any:
    """Build the search around the whole method, or behind its normaliser.

    A source person in the wearer's place must be normalised as the wearer will be, so ``source``
    goes around all. The other criteria compare rows of sources and wearer as they are, which
    asks for the normaliser in front.
    """
    steps = list(row.build(seed).steps)
    n_front = int(row.normalization != "none" and not method.inside)
    own = steps[n_front : len(steps) - (method.classifier is not None)]
    wanted = method.grid or {}
    step = next((name for name, part in own if set(wanted) <= set(part.get_params())), None)
    if step is None:
        raise StudyError(
            f"the method {method.name!r} has a grid for {', '.join(wanted)}, but none of its own "
            f"steps ({', '.join(type(part).__name__ for _, part in own)}) has these parameters. "
            "Name parameters of one of them."
        )
    grid = {f"{step}__{name}": list(values) for name, values in wanted.items()}
    n_outside = n_front if criterion_named(criterion).needs_target else 0
    front = [part for _, part in steps[:n_outside]]
    search = TransferSearch(
        TransferPipeline(steps[n_outside:]),
        grid,
        criterion=criterion,
        information=information,
        window=window,
        random_state=seed,
    )
    return make_transfer_pipeline(*front, search) if front else search
