"""From source people and a wearer's first minute to a profile; and the next day's minute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import CalibrationError, ContainerError, EegtlError
from ..transfer.distances.day_drift import LEAST_ROWS, day_drift
from .candidates import SAFE, adapt_to
from .choosing import Choice, choose, held_back, look
from .days import BALANCED, ONLY, Day, block_seconds, day_named, kind_of
from .feature_basis import DISTORTED
from .plan import USUAL, Plan
from .profile import Profile
from .source_file import SourceFile

Floats = NDArray[np.float64]


def calibrate(
    sources: SourceFile,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    day: str = "",
    kind: str = USUAL,
    quality: Mapping[str, Any] | None = None,
) -> Profile:
    """Make a wearer's profile from source people and the wearer's calibration block.

    Parameters
    ----------
    sources : SourceFile
    X : array-like of shape (n_windows, n_features), optional
        Good windows of the wearer, in the order of time; without any, the others' model.
    y : array-like of shape (n_windows,), optional
        Their labels.
    day : str
        Name of the day.
    kind : str
        What is known of the block: ``first`` for nothing, ``balanced`` for all classes alike,
        ``only <class>`` for one state. With labels it follows from these.
    quality : mapping, optional
        Plain values on the block's quality, to be kept.

    Returns
    -------
    Profile
        Its last entry of history says what was chosen, why, and what to expect.

    Raises
    ------
    CalibrationError
        When the block has other features, no rows, numbers that are none, or a class that no
        source has.

    Examples
    --------
    >>> import eegtl
    >>> from eegtl.personalize.prepare import prepare_sources
    >>> people = eegtl.load("synthetic").select(subjects=["w01", "w02", "w03", "w04"])
    >>> extractor = eegtl.FeatureExtractor(window=2.0)
    >>> sources = prepare_sources(people, extractor, candidates=["z2"], lengths=[20.0])
    >>> wearer = extractor.extract(eegtl.load("synthetic").select(subjects=["w05"])).X[4:14]
    >>> profile = calibrate(sources, wearer, day="Monday")
    >>> profile.history[-1]["seconds"], profile.history[-1]["n_windows"]
    (20.0, 10)
    """
    base = Profile(
        model=sources.models[SAFE],
        extractor=sources.extractor,
        sfreq=sources.sfreq,
        ch_names=sources.ch_names,
        passband=sources.passband,
        mean=sources.mean,
        sd=sources.sd,
        provenance={**sources.provenance, "sources": sources.fingerprint},
        plan=sources.plan,
    )
    kept = sources.plan.worth_keeping()
    models = {name: model for name, model in sources.models.items() if name in kept}
    return _with_day(base, models, X, y, day or "first day", kind, quality)


def update(
    profile: Profile,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    day: str,
    kind: str = USUAL,
    quality: Mapping[str, Any] | None = None,
) -> Profile:
    """Begin a new day from a profile, without the sources.

    Parameters
    ----------
    profile : Profile
        Of `calibrate`.
    X, y, kind, quality
        As in `calibrate`.
    day : str
        A name that no other day has.

    Returns
    -------
    Profile
        Earlier days stay in it; `roll_back` returns to them.

    Raises
    ------
    CalibrationError
        When the profile has no plan, or has the day, and as in `calibrate`.
    """
    if profile.plan is None:
        raise CalibrationError(
            "the profile was not made by 'eegtl calibrate', so that it does not know how others "
            "did; make it anew from a file of sources."
        )
    if any(known.name == day for known in profile.days):
        raise CalibrationError(
            f"the profile has a day {day!r} already; choose another name, or roll back to it."
        )
    models = {**profile.others, profile.name: profile.model}
    return _with_day(profile, models, X, y, day, kind, quality)


def roll_back(profile: Profile, day: str) -> Profile:
    """Return to the model of an earlier day.

    Parameters
    ----------
    profile : Profile
    day : str

    Returns
    -------
    Profile
        All days stay in it.

    Raises
    ------
    CalibrationError
        When there is no such day, or its model is not kept.
    """
    wanted = day_named(profile.days, day)
    models = {**profile.others, profile.name: profile.model}
    name = str(wanted.entry.get("candidate", SAFE))
    if name not in models:
        raise CalibrationError(
            f"the model {name!r} of the day {day!r} is not in the profile, which has "
            f"{', '.join(models)}; calibrate anew."
        )
    model = _adapted(models[name], name, profile.plan, wanted)
    entry = {**wanted.entry, "rolled_back_to": day}
    return _using(profile, models, name, model, day).adapted(model, entry)


def _with_day(
    profile: Profile,
    models: Mapping[str, Any],
    X: ArrayLike | None,
    y: ArrayLike | None,
    day: str,
    kind: str,
    quality: Mapping[str, Any] | None,
) -> Profile:
    """Choose, adapt, look again, and keep the day."""
    plan = profile.plan
    assert plan is not None
    classes = np.asarray(models[SAFE].classes_)
    rows = _checked(X, len(profile.mean))
    labels = _labels(y, rows, classes)
    if labels is not None:
        kind = kind_of(labels, classes)
    if kind not in plan.kinds:
        raise CalibrationError(
            f"the block cannot be {kind!r}; it may be: {', '.join(map(repr, plan.kinds))}."
        )
    seconds = block_seconds(len(rows), profile.extractor)
    labelled = labels is not None and len(set(labels.tolist())) > 1
    choice = choose(plan, seconds, labelled=labelled, kind=kind, among=tuple(models))
    made = Day(day, rows, labels, kind)
    choice, model = _adapted_or_safe(models, choice, plan, made)
    if len(rows):
        with _of_a_file(choice.name):
            looked = look(plan, choice, models[SAFE], model, rows, kind)
        if looked.guarded and not choice.guarded:
            model = _adapted(models[SAFE], SAFE, plan, made)
        choice = looked
    entry = _entry(choice, made, seconds, model, quality or {})
    if profile.days and len(rows) >= LEAST_ROWS and len(profile.days[-1].X) >= LEAST_ROWS:
        before = profile.days[-1]
        drift = day_drift(before.X, rows)
        shorter = min(seconds, block_seconds(len(before.X), profile.extractor))
        entry["drift"] = {
            "since": before.name,
            "value": drift.value,
            "same_kind": before.kind == kind,
            "usual": plan.usual_drift_for(kind, shorter) if before.kind == kind else np.nan,
        }
    kept = replace(
        _using(profile, models, choice.name, model, day),
        days=(*profile.days, replace(made, entry=entry)),
    )
    return kept.adapted(model, entry)


def _using(profile: Profile, models: Mapping[str, Any], name: str, model: Any, day: str) -> Profile:
    """Give the profile with a model in use, and all others that there are aside."""
    others = {n: models[n] for n in sorted(set(models) - {name})}
    return replace(profile, model=model, name=name, others=others, day=day)


def _adapted_or_safe(
    models: Mapping[str, Any], choice: Choice, plan: Plan, day: Day
) -> tuple[Choice, Any]:
    """Adapt what was chosen; where it refuses the block, say so and use the safe one."""
    try:
        return choice, _adapted(models[choice.name], choice.name, plan, day)
    except ContainerError:
        raise
    except EegtlError as error:
        if choice.name == SAFE:
            raise
        why = f"{choice.name} cannot use this block ({error}), so that {SAFE} is used"
        return held_back(plan, choice, why, day.kind), _adapted(models[SAFE], SAFE, plan, day)


def _adapted(model: Any, name: str, plan: Plan | None, day: Day) -> Any:
    """Adapt a copy of a model to a day's block, with what the candidate may see."""
    sees = "inductive" if plan is None else plan.sees[plan.names.index(name)]
    with _of_a_file(name):
        fresh = deepcopy(model)
        shares = mix_of(day, np.asarray(fresh.classes_), plan)
        return adapt_to(fresh, sees, day.X, day.y, shares)


@contextmanager
def _of_a_file(name: str) -> Iterator[None]:
    """Say of a model that fails in any other way than eegtl's that its file is not to be used."""
    try:
        yield
    except DISTORTED as error:
        if isinstance(error, EegtlError):
            raise
        raise ContainerError(
            f"the model {name!r} cannot be used ({type(error).__name__}: {error}); the file that "
            "it is from was damaged or tampered with. Make it anew."
        ) from error


def mix_of(day: Day, classes: NDArray[Any], plan: Plan | None) -> list[float]:
    """Give the class mix that a block is known to have.

    Parameters
    ----------
    day : Day
    classes : ndarray of shape (n_classes,)
    plan : Plan or None

    Returns
    -------
    list of float
    """
    if day.y is not None:
        return [float(np.mean(day.y == label)) for label in classes]
    if day.kind.startswith(f"{ONLY} "):
        state = day.kind.removeprefix(f"{ONLY} ")
        return [float(str(label) == state) for label in classes.tolist()]
    if day.kind == BALANCED or plan is None:
        return [1 / len(classes)] * len(classes)
    return [float(share) for share in plan.prior]


def _checked(X: ArrayLike | None, n_features: int) -> Floats:
    if X is None:
        return np.empty((0, n_features))
    rows = np.ascontiguousarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != n_features:
        raise CalibrationError(
            f"the calibration block has the shape {rows.shape}; the sources have {n_features} "
            "features. Compute the same features, of the same channels."
        )
    if not len(rows):
        raise CalibrationError(
            "the calibration block has no good window; check the electrodes and record it again, "
            "or calibrate without one."
        )
    if not np.isfinite(rows).all():
        raise CalibrationError("the calibration block holds what is no number; leave gaps out.")
    return rows


def _labels(y: ArrayLike | None, rows: Floats, classes: NDArray[Any]) -> NDArray[Any] | None:
    """Give labels as the sources have them: text from a marker may stand for a number."""
    if y is None:
        return None
    given = np.asarray(y)
    if given.shape != (len(rows),):
        raise CalibrationError(
            f"there are {given.size} labels for {len(rows)} windows; give one for each."
        )
    known = {str(label): label for label in classes.tolist()}
    unknown = sorted({str(label) for label in given.tolist()} - set(known))
    if unknown:
        raise CalibrationError(
            f"the block has the labels {', '.join(unknown)}, which no source has; the sources have "
            f"{', '.join(known)}."
        )
    return np.array([known[str(label)] for label in given.tolist()], dtype=classes.dtype)


def _entry(
    choice: Choice, day: Day, seconds: float, model: Any, quality: Mapping[str, Any]
) -> dict[str, Any]:
    """Say in plain values what was decided."""
    expected = choice.expected
    return {
        "day": day.name,
        "kind": day.kind,
        "seconds": seconds,
        "n_windows": len(day.X),
        "labelled": day.y is not None,
        "candidate": choice.name,
        "guarded": choice.guarded,
        "information": str(model.information_),
        "reasons": list(choice.reasons),
        "expected": {} if expected is None else dict(vars(expected)),
        "quality": dict(quality),
    }
