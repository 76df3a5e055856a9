"""Distil source people into one small file: each of them plays the wearer once."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError, TransferWarning
from ..evaluation.blocks import time_order
from ..evaluation.metrics import balanced_accuracy, confusion
from ..evaluation.name_order import name_ranks
from ..transfer.distances.day_drift import LEAST_ROWS, day_drift, usual_drift
from .candidates import SAFE, Candidate, give_mix, holds_rows_of, named_candidates
from .days import FIRST, ONLY
from .feature_basis import signals_of, table_of
from .guard import EVIDENCE, Guard, evidence_of, learn_guard
from .plan import Plan
from .session_drift import SPAN, drift_limit
from .source_file import SourceFile
from .trial_blocks import PersonBlocks, covered_seconds, kinds_of, person_blocks

if TYPE_CHECKING:
    from ..features import FeatureExtractor, FeatureTable
    from ..recordings.collection import Collection

Floats = NDArray[np.float64]

#: Seconds of calibration that are tried.
LENGTHS = (10.0, 20.0, 30.0, 60.0)
#: Seconds of the state that all people are referred to.
BASELINE = 20.0


def prepare_sources(
    recordings: Collection | FeatureTable,
    extractor: FeatureExtractor,
    *,
    candidates: Sequence[str] | None = None,
    lengths: Sequence[float] = LENGTHS,
    baseline: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SourceFile:
    """Distil labelled recordings of other people into what a wearer's device needs of them.

    Each person plays the wearer: the candidates are fitted on the others, adapted with blocks of
    each kind and length, and scored on the same other rows of that person (those that no block of
    any kind or length uses). Then all are fitted on everybody. No label of the person who plays
    the wearer reaches a model, but those of the block where a candidate is one for labelled
    blocks; it is scored on trials that the block does not touch. A sitting without rows of each
    class to be scored gives no score.

    Parameters
    ----------
    recordings : Collection, list of Recording or FeatureTable
        All with the same channels and sampling rate; or what the extractor made of them, where it
        is there already, for example without those that are bad.
    extractor : FeatureExtractor
        Causal.
    candidates : sequence of str, optional
        Names of `CANDIDATES`; by default all.
    lengths : sequence of float
        Seconds of the blocks.
    baseline : str, optional
        A class that is a state which every wearer can record, such as rest: the first 20 s of each
        source person's are what the candidate ``matched baseline`` refers that person to.
    progress : callable, optional
        Is told how many people are done, and of how many.

    Returns
    -------
    SourceFile

    Raises
    ------
    InputError
        When there are fewer than two people, no labels, a class that only one person has, or
        rates or channels differ.

    Notes
    -----
    The choice of candidate and the limits of its guard are made on the same people whose scores
    make the interval; with few candidates and a guard of one number the interval is a little too
    good by that, which docs/personalization.md measures by leaving people out of all of it.

    O(people x candidates) fits, each as in a study; memory as one fit.

    Examples
    --------
    >>> import eegtl
    >>> people = eegtl.load("synthetic").select(subjects=["w01", "w02", "w03", "w04"])
    >>> sources = prepare_sources(people, eegtl.FeatureExtractor(window=2.0), lengths=[20.0])
    >>> sources.plan.n_people, sources.models["z2"].information_
    (4, 'inductive')
    """
    table = table_of(recordings, extractor)
    signals = signals_of(table, extractor)
    used = (~table.meta["settling"] & table.meta["label"].notna()).to_numpy()
    X, meta = table.X[used], table.meta[used].reset_index(drop=True)
    window = float(table.info["window"])
    if baseline is not None:
        meta = with_baseline(meta, baseline, window)
    chosen = named_candidates(candidates, baseline=baseline is not None)
    plan, models = make_plan(X, meta, window, chosen, lengths, progress=progress)
    content = hashlib.sha256(np.ascontiguousarray(X).tobytes())
    content.update("\n".join(meta["label"].astype(str)).encode())
    return SourceFile(
        extractor=extractor,
        **signals,
        mean=X.mean(axis=0),
        sd=X.std(axis=0),
        models=models,
        plan=plan,
        provenance={
            "datasets": sorted(set(map(str, meta["dataset"]))),
            "n_people": int(meta["subject"].nunique()),
            "n_windows": len(meta),
            "rows_sha256": content.hexdigest(),
        },
    )


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
    lengths : sequence of float
    progress : callable, optional

    Returns
    -------
    plan : Plan
    models : dict of str to fitted pipeline
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
    shape = (len(candidates), len(kinds), len(lengths), len(people))
    scores, evidence = np.full(shape, np.nan), np.full((*shape, len(EVIDENCE)), np.nan)
    for p, person in enumerate(people):
        mine = subjects == person
        laid = [
            person_blocks(meta, np.flatnonzero(sittings == one), window, lengths, classes.tolist())
            for one in dict.fromkeys(sittings[mine].tolist())
        ]
        played = _play(candidates, X, y, sittings, meta, ~mine, laid)
        for (i, kind, seconds), cases in played.items():
            at = (i, kinds.index(kind), lengths.index(seconds), p)
            scores[at] = np.mean([score for score, _ in cases])
            evidence[at] = np.mean([told for _, told in cases], axis=0)
        if progress is not None:
            progress(p + 1, len(people))
    models = {}
    for one in candidates:
        model = _fit(one, X, y, sittings, meta)
        if holds_rows_of(model, X):
            raise InputError(
                f"the candidate {one.name!r} would keep rows of people; a file of sources holds "
                "none. Use another method."
            )
        models[one.name] = model
    means = _means(X, sittings)
    plan = Plan(
        names=tuple(one.name for one in candidates),
        sees=tuple(one.sees for one in candidates),
        words=tuple(one.words for one in candidates),
        kinds=kinds,
        lengths=lengths,
        scores=scores,
        evidence=evidence,
        guards=_guards(candidates, scores, evidence),
        mean=means.mean(axis=0),
        spread=means.std(axis=0, ddof=min(1, len(means) - 1)),
        prior=np.array([np.mean(y == label) for label in classes]),
        usual_drift=_usual_drift(X, meta),
        drift_limit=_drift_limit(X, meta, sittings, window),
    )
    return plan, models


def _play(
    candidates: Sequence[Candidate],
    X: Floats,
    y: NDArray[Any],
    sittings: NDArray[Any],
    meta: pd.DataFrame,
    others: NDArray[np.bool_],
    laid: list[PersonBlocks],
) -> dict[tuple[int, str, float], list[tuple[float, Floats]]]:
    """Let one person play the wearer in each sitting.

    Gives scores and evidence of the sittings by candidate, kind and length.
    """
    source = meta[others].reset_index(drop=True)
    out: dict[tuple[int, str, float], list[tuple[float, Floats]]] = {}
    means = _means(X[others], sittings[others])
    mean, spread = means.mean(axis=0), means.std(axis=0, ddof=min(1, len(means) - 1))
    safe = None
    for i, one in enumerate(candidates):
        model = _fit(one, X[others], y[others], sittings[others], source)
        if one.name == SAFE:
            safe = model
        assert safe is not None  # it is the first
        prior = np.array([np.mean(y[others] == label) for label in model.classes_])
        cases = [(key, block, own.test) for own in laid for key, block in own.blocks.items()]
        for (kind, seconds), block, rest in cases:
            if one.sees == "mix" and kind == FIRST:
                continue  # nobody tells what it holds
            if one.sees == "baseline" and not (kind.startswith(ONLY) and _is_baseline(meta, block)):
                continue
            # with labels, what is left of a trial that gave some is not scored
            test = rest[~_shares_trial(meta, rest, block)] if one.sees == "labelled" else rest
            if len(np.unique(y[test])) < len(model.classes_):
                continue  # the share found of one class alone is no score
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", TransferWarning)
                _adapt(model, one.sees, X[block], y[block])
            counts, _ = confusion(y[test], model.predict(X[test]))
            told = evidence_of(safe, model, X[block], mean, spread, prior)
            out.setdefault((i, kind, seconds), []).append((balanced_accuracy(counts), told))
    return out


def _shares_trial(
    meta: pd.DataFrame, rows: NDArray[np.intp], block: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Say which rows are of a trial that a block has rows of; all are of one sitting."""
    trial = meta["trial"].to_numpy()
    return np.isin(trial[rows], trial[block])


def _means(X: Floats, sittings: NDArray[Any]) -> Floats:
    """Give the mean of each sitting."""
    return np.array([X[sittings == s].mean(axis=0) for s in dict.fromkeys(sittings.tolist())])


def _adapt(model: Any, sees: str, X: Floats, y: NDArray[Any]) -> None:
    """Give a model of a block what it may see."""
    if sees == "unlabelled":
        model.adapt(X)
    elif sees == "mix":
        give_mix(model, [np.mean(y == label) for label in model.classes_])
        model.adapt(X)
    elif sees == "baseline":
        model.adapt(X)
    elif sees == "labelled":
        model.adapt(X_calib=X, y_calib=y)


def _is_baseline(meta: pd.DataFrame, block: NDArray[np.intp]) -> bool:
    """Say whether all rows of a block are of the state of the baseline."""
    states = set(meta["label"][meta["baseline"]])
    return set(meta["label"].to_numpy()[block].tolist()) <= states


def with_baseline(meta: pd.DataFrame, label: str, window: float) -> pd.DataFrame:
    """Mark each person's first 20 s of a state.

    Parameters
    ----------
    meta : pandas.DataFrame
    label : str
        The state's name.
    window : float
        Seconds.

    Returns
    -------
    pandas.DataFrame
        With a column ``baseline``.

    Raises
    ------
    InputError
        When somebody has none of it.
    """
    marked = np.zeros(len(meta), dtype=bool)
    state = meta["label"].astype(str).to_numpy() == label
    sitting = meta.groupby(["subject", "session"], sort=False, observed=True).ngroup().to_numpy()
    for code in dict.fromkeys(sitting.tolist()):
        own = time_order(meta, np.flatnonzero(state & (sitting == code)))
        if not len(own):
            who = meta[sitting == code].iloc[0]
            raise InputError(
                f"session {who['session']} of {who['subject']} has no windows of {label!r}, which "
                "shall be everybody's baseline; the classes are "
                f"{', '.join(sorted(set(meta['label'].astype(str))))}."
            )
        marked[own[covered_seconds(meta.iloc[own], window) <= BASELINE + 1e-6]] = True
    return meta.assign(baseline=marked)


def _fit(
    one: Candidate, X: Floats, y: NDArray[Any], sittings: NDArray[Any], meta: pd.DataFrame
) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        return one.build().fit(X, y, subjects=sittings, rows=meta)


def _guards(candidates: Sequence[Candidate], scores: Floats, evidence: Floats) -> dict[str, Guard]:
    """Learn a guard for each candidate that adapts without labels."""
    n_people = scores.shape[-1]
    safe = [one.name for one in candidates].index(SAFE)
    guards = {}
    for i, one in enumerate(candidates):
        if one.sees in ("unlabelled", "mix", "baseline"):
            cases = (scores[i].reshape(-1), scores[safe].reshape(-1))
            people = np.tile(np.arange(n_people), scores[i].size // n_people)
            guards[one.name] = learn_guard(
                evidence[i].reshape(-1, len(EVIDENCE)), *cases, people.tolist()
            )
    return guards


def _usual_drift(X: Floats, meta: pd.DataFrame) -> float:
    """Give the median drift from session to session; NaN where each person has one."""
    values = []
    for person in dict.fromkeys(meta["subject"].tolist()):
        own = time_order(meta, np.flatnonzero(meta["subject"].to_numpy() == person))
        sessions = meta["session"].to_numpy()[own]
        parts = [X[own[sessions == session]] for session in dict.fromkeys(sessions.tolist())]
        values += [
            day_drift(earlier, later).value
            for earlier, later in pairwise(parts)
            if min(len(earlier), len(later)) >= LEAST_ROWS
        ]
    return usual_drift(values)


def _drift_limit(X: Floats, meta: pd.DataFrame, sittings: NDArray[Any], window: float) -> float:
    """Find how far the sittings go from their first minute."""
    pairs, seconds = [], []
    for one in dict.fromkeys(sittings.tolist()):
        own = time_order(meta, np.flatnonzero(sittings == one))
        covered = covered_seconds(meta.iloc[own], window)
        n = int(np.searchsorted(covered, SPAN + 1e-6, side="right"))
        pairs.append((X[own[:n]], X[own[n:]]))
        seconds.append(covered[-1] / len(own))
    n_recent = max(2, round(SPAN / float(np.median(seconds))))
    return drift_limit(pairs, n_recent, X.std(axis=0))


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
