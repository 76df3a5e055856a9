"""Source people play the wearer: each is scored with what the others and a block of it make."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import EegtlError, InputError, TransferWarning
from ..evaluation.blocks import time_order
from ..evaluation.metrics import balanced_accuracy, confusion
from ..evaluation.name_order import name_ranks
from ..transfer.distances.day_drift import LEAST_ROWS, day_drift, usual_drift
from .candidates import SAFE, Candidate, adapt_to, holds_rows_of
from .choosing import with_nested
from .days import FIRST, ONLY
from .guard import EVIDENCE, evidence_of, learn_guards
from .plan import Plan
from .session_drift import SPAN, drift_limit
from .trial_blocks import PersonBlocks, covered_seconds, kinds_of, person_blocks

Floats = NDArray[np.float64]
#: Kind of a block, and its seconds.
Cell = tuple[str, float]

#: Seconds of calibration that are tried.
LENGTHS = (10.0, 20.0, 30.0, 60.0)


def make_plan(
    X: Floats,
    meta: pd.DataFrame,
    window: float,
    candidates: Sequence[Candidate],
    lengths: Sequence[float] = LENGTHS,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Plan, dict[str, Any]]:
    """Score candidates on people who play the wearer, and fit them on everybody.

    Parameters
    ----------
    X : ndarray of shape (n_windows, n_features)
    meta : pandas.DataFrame
        With the columns ``subject, session, trial, onset, label``, and ``baseline`` for a
        candidate that reads it.
    window : float
        Seconds of a window.
    candidates : sequence of Candidate
        The first is the one that is fallen back to. Others that cannot be fitted are left out;
        the plan says why.
    lengths : sequence of float
    progress : callable, optional

    Returns
    -------
    plan : Plan
    models : dict of str to fitted pipeline

    Raises
    ------
    InputError
        When there are fewer than two people, one class, a class that only one person has, or a
        length shorter than a window.
    """
    y, subjects = np.asarray(meta["label"].tolist()), np.asarray(meta["subject"].tolist())
    # what a wearer calibrates is one sitting, so that each sitting is a domain of its own
    people = list(dict.fromkeys(subjects.tolist()))
    codes = {name: f"p{number:03d}" for number, name in enumerate(people, 1)}  # nobody is named
    sittings = np.array(
        [
            f"{codes[name]}/{1 + number}"
            for name, number in zip(subjects.tolist(), name_ranks(meta["session"]), strict=True)
        ]
    )
    classes = np.unique(y)
    _check_people(people, subjects, y, classes)
    lengths = tuple(sorted(set(map(float, lengths))))
    if not lengths or not all(window <= length < np.inf for length in lengths):
        raise InputError(
            f"lengths of calibration are {list(lengths)} s; give some numbers, none shorter than a "
            f"window of {window:g} s."
        )
    kinds = kinds_of(classes.tolist())
    laid = {
        sitting: person_blocks(
            meta, np.flatnonzero(sittings == sitting), window, lengths, classes.tolist()
        )
        for sitting in dict.fromkeys(sittings.tolist())
    }
    shape = (len(candidates), len(kinds), len(lengths), len(laid))
    order = list(laid)
    whose = np.array([people.index(subjects[sittings == sitting][0]) for sitting in order])
    scores, safe = np.full(shape, np.nan), np.full(shape, np.nan)
    evidence = np.full((*shape, len(EVIDENCE)), np.nan)
    left_out: dict[str, str] = {}
    for p, person in enumerate(people):
        played = _play(
            candidates, X, y, sittings, meta, subjects != person,
            {sitting: laid[sitting] for sitting, who in zip(order, whose, strict=True) if who == p},
            left_out,
        )  # fmt: skip
        for (i, kind, seconds, sitting), found in played.items():
            at = (i, kinds.index(kind), lengths.index(seconds), order.index(sitting))
            scores[at], safe[at], evidence[at] = found
        if progress is not None:
            progress(p + 1, len(people))
    models = {}
    for one in candidates:
        model = None if one.name in left_out else _fit(one, X, y, sittings, meta, left_out)
        if model is None:
            continue
        if holds_rows_of(model, X):
            raise InputError(
                f"the candidate {one.name!r} would keep rows of people; a file of sources holds "
                "none. Use another method."
            )
        models[one.name] = model
    kept = [i for i, one in enumerate(candidates) if one.name in models]
    names, sees = (tuple(getattr(candidates[i], what) for i in kept) for what in ("name", "sees"))
    scores, safe, evidence = scores[kept], safe[kept], evidence[kept]
    means = _means(X, sittings)
    limits, usual = _drifts(X, meta, sittings, laid, kinds, lengths, window)
    nothing = np.full((2, *scores.shape[1:]), np.nan)
    plan = Plan(
        names=names,
        sees=sees,
        words=tuple(candidates[i].words for i in kept),
        kinds=kinds,
        lengths=lengths,
        covered=_covered(meta, laid, kinds, lengths, window),
        people=whose,
        scores=scores,
        safe=safe,
        evidence=evidence,
        guards=learn_guards(names, sees, evidence, scores, safe, whose),
        nested=nothing,
        nested_gain=nothing,
        mean=means.mean(axis=0),
        spread=means.std(axis=0, ddof=min(1, len(means) - 1)),
        prior=np.array([np.mean(y == label) for label in classes]),
        usual_drift=usual,
        drift_limit=limits,
        left_out=left_out,
    )
    return with_nested(plan), models


def _play(
    candidates: Sequence[Candidate],
    X: Floats,
    y: NDArray[Any],
    sittings: NDArray[Any],
    meta: pd.DataFrame,
    others: NDArray[np.bool_],
    laid: Mapping[str, PersonBlocks],
    left_out: dict[str, str],
) -> dict[tuple[int, str, float, str], tuple[float, float, Floats]]:
    """Let one person play the wearer in each sitting.

    Gives score, score of the safe candidate on the same rows, and evidence, by candidate, kind,
    length and sitting.
    """
    source = meta[others].reset_index(drop=True)
    out: dict[tuple[int, str, float, str], tuple[float, float, Floats]] = {}
    means = _means(X[others], sittings[others])
    mean, spread = means.mean(axis=0), means.std(axis=0, ddof=min(1, len(means) - 1))
    safe, safe_scores = None, {}
    for i, one in enumerate(candidates):
        if one.name in left_out:
            continue
        model = _fit(one, X[others], y[others], sittings[others], source, left_out)
        if model is None:
            continue
        if one.name == SAFE:
            safe = model
        assert safe is not None  # it is the first
        prior = np.array([np.mean(y[others] == label) for label in model.classes_])
        cases = [
            (one, *cell, block, own.test)
            for one, own in laid.items()
            for cell, block in own.blocks.items()
        ]
        for sitting, kind, seconds, block, rest in cases:
            if one.sees == "mix" and kind == FIRST:
                continue  # nobody tells what it holds
            if one.sees == "baseline" and not (kind.startswith(ONLY) and _is_baseline(meta, block)):
                continue
            if one.sees == "labelled" and len(np.unique(y[block])) < 2:
                continue  # labels of one class are a known mix
            # with labels, what is left of a trial that gave some is not scored
            test = rest[~_shares_trial(meta, rest, block)] if one.sees == "labelled" else rest
            if len(np.unique(y[test])) < len(model.classes_):
                continue  # the share found of one class alone is no score
            shares = [float(np.mean(y[block] == label)) for label in model.classes_]
            try:
                adapt_to(model, one.sees, X[block], y[block], shares)
            except EegtlError:
                continue  # a block that a method cannot use gives no score with it
            told = evidence_of(safe, model, X[block], mean, spread, prior)
            score, same = _recall(model, X[test], y[test]), test.tobytes()
            if same not in safe_scores:
                safe_scores[same] = _recall(safe, X[test], y[test])
            out[i, kind, seconds, sitting] = score, safe_scores[same], told
    return out


def _recall(model: Any, X: Floats, y: NDArray[Any]) -> float:
    return balanced_accuracy(confusion(y, model.predict(X))[0])


def _shares_trial(
    meta: pd.DataFrame, rows: NDArray[np.intp], block: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Say which rows are of a trial that a block has rows of; all are of one sitting."""
    trial = meta["trial"].to_numpy()
    return np.isin(trial[rows], trial[block])


def _means(X: Floats, sittings: NDArray[Any]) -> Floats:
    """Give the mean of each sitting."""
    return np.array([X[sittings == s].mean(axis=0) for s in dict.fromkeys(sittings.tolist())])


def _is_baseline(meta: pd.DataFrame, block: NDArray[np.intp]) -> bool:
    """Say whether all rows of a block are of the state of the baseline."""
    states = set(meta["label"][meta["baseline"]])
    return set(meta["label"].to_numpy()[block].tolist()) <= states


def _fit(
    one: Candidate,
    X: Floats,
    y: NDArray[Any],
    sittings: NDArray[Any],
    meta: pd.DataFrame,
    left_out: dict[str, str],
) -> Any | None:
    """Fit a candidate; one that cannot be, other than the safe one, is noted and left out."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TransferWarning)
            return one.build().fit(X, y, subjects=sittings, rows=meta)
    except EegtlError as error:
        if one.name == SAFE:
            raise
        left_out[one.name] = str(error)
        return None


def _covered(
    meta: pd.DataFrame,
    laid: Mapping[str, PersonBlocks],
    kinds: Sequence[str],
    lengths: Sequence[float],
    window: float,
) -> Floats:
    """Give the seconds that blocks really cover, the median over sittings."""
    found: dict[Cell, list[float]] = {}
    for own in laid.values():
        for cell, block in own.blocks.items():
            found.setdefault(cell, []).append(covered_seconds(meta.iloc[block], window)[-1])
    return _table(
        kinds, lengths, {cell: float(np.median(values)) for cell, values in found.items()}
    )


def _drifts(
    X: Floats,
    meta: pd.DataFrame,
    sittings: NDArray[Any],
    laid: Mapping[str, PersonBlocks],
    kinds: Sequence[str],
    lengths: Sequence[float],
    window: float,
) -> tuple[Floats, Floats]:
    """Find how far sittings go from blocks of theirs, and blocks of following days from another."""
    order = {one: time_order(meta, np.flatnonzero(sittings == one)) for one in laid}
    # as many windows as a session has in that time: it counts from the start of one to the next
    steps = np.concatenate([np.diff(meta["onset"].to_numpy()[own]) for own in order.values()])
    n_recent = max(2, round(SPAN / float(np.median(steps)))) if len(steps) else 2
    usual_spread = X.std(axis=0)
    in_time = sorted(laid, key=lambda one: (one.partition("/")[0], int(one.partition("/")[2])))
    limits, usual = {}, {}
    for cell in {cell for own in laid.values() for cell in own.blocks}:
        blocks = {one: own.blocks[cell] for one, own in laid.items() if cell in own.blocks}
        pairs = [
            (X[block], X[order[one][~np.isin(order[one], block)]]) for one, block in blocks.items()
        ]
        limits[cell] = drift_limit(pairs, n_recent, usual_spread)
        days = [
            day_drift(X[blocks[earlier]], X[blocks[later]]).value
            for earlier, later in pairwise(in_time)
            if earlier.partition("/")[0] == later.partition("/")[0]
            and min(len(blocks.get(day, ())) for day in (earlier, later)) >= LEAST_ROWS
        ]
        usual[cell] = usual_drift(days)
    return _table(kinds, lengths, limits), _table(kinds, lengths, usual)


def _table(kinds: Sequence[str], lengths: Sequence[float], values: Mapping[Cell, float]) -> Floats:
    """Lay out values by kind and length; NaN where there is none."""
    return np.array([[values.get((kind, length), np.nan) for length in lengths] for kind in kinds])


def _check_people(
    people: list[Any], subjects: NDArray[Any], y: NDArray[Any], classes: NDArray[Any]
) -> None:
    if len(people) < 2:
        raise InputError(
            f"sources need two people at least, since each plays the wearer for the others; got "
            f"{len(people)} ({', '.join(map(str, people)) or 'nobody with labels'})."
        )
    for label in classes.tolist():
        having = np.unique(subjects[y == label])
        if len(having) < 2:
            raise InputError(
                f"only {having[0]} has the class {label!r}, so that nobody is left to learn it "
                "from when that person plays the wearer. Leave the class out, or add people."
            )
    if len(classes) < 2:
        raise InputError(f"the sources hold one class only ({classes[0]!r}); two are needed.")
