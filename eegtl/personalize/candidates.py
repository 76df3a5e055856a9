"""The models that a wearer may get: pipelines that keep no row of the people they learnt from."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, TransferWarning
from ..transfer import (
    TPT,
    MatchedBaseline,
    ShiftAwareNormalizer,
    SubjectNormalizer,
    ThresholdRecentring,
    default_classifier,
    make_transfer_pipeline,
)
from ..transfer.state import to_state


@dataclass(frozen=True)
class Candidate:
    """A way to make a model for a wearer.

    Attributes
    ----------
    name : str
    build : callable
        Gives the unfitted pipeline.
    sees : {"inductive", "unlabelled", "mix", "baseline", "labelled"}
        What it is given of the wearer: nothing, a block, a block and its class mix, a block of the
        state that all source people recorded, too, a block with labels.
    words : str
        What it does, for the wearer.

    Examples
    --------
    >>> CANDIDATES["z2"].sees, CANDIDATES["z2"].words
    ('unlabelled', "the wearer's own mean and spread (z2)")
    """

    name: str
    build: Callable[[], Any]
    sees: str
    words: str


def _candidates() -> tuple[Candidate, ...]:
    z0, z2 = (lambda mode=mode: SubjectNormalizer(mode) for mode in ("z0", "z2"))

    def chain(*makers: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: make_transfer_pipeline(*[make() for make in makers])

    lda = default_classifier
    return (
        Candidate("source-only", chain(z0, lda), "inductive", "the others' model as it is"),
        Candidate("z2", chain(z2, lda), "unlabelled", "the wearer's own mean and spread (z2)"),
        Candidate(
            "shift-aware",
            chain(ShiftAwareNormalizer, lda),
            "unlabelled",
            "the wearer's own mean and spread, corrected for the class mix that the block seems to "
            "have",
        ),
        Candidate(
            "threshold recentring",
            chain(z0, ThresholdRecentring),
            "unlabelled",
            "the others' model with thresholds moved to the usual class mix",
        ),
        Candidate(
            "z2 + tpt",
            chain(z2, lambda: TPT(embedding="fourier", n_frequencies=512, random_state=0)),
            "unlabelled",
            "z2, and a blend of the classifiers of the people most like the wearer",
        ),
        Candidate(
            "mix known",
            chain(ShiftAwareNormalizer, lda),
            "mix",
            "the wearer's own mean and spread, corrected for the class mix that the block has",
        ),
        Candidate(
            "matched baseline",
            chain(MatchedBaseline, lda),
            "baseline",
            "everybody referred to a block of the same state",
        ),
        Candidate(
            "z2 + labels",
            chain(z2, lda),
            "labelled",
            "z2, and the wearer's labelled windows among those of the others",
        ),
    )


#: By name, from the safest on.
CANDIDATES: dict[str, Candidate] = {one.name: one for one in _candidates()}
#: What a guard falls back to.
SAFE = "source-only"


def named_candidates(names: Any = None, *, baseline: bool = False) -> list[Candidate]:
    """Give candidates by name.

    Parameters
    ----------
    names : iterable of str, optional
        By default all; the one that is fallen back to is always among them.
    baseline : bool
        Whether the sources have a block of one state; without it nothing is matched with one.

    Returns
    -------
    list of Candidate
        In the order of `CANDIDATES`.

    Raises
    ------
    InputError
        When a name is unknown.

    Examples
    --------
    >>> [one.name for one in named_candidates(["z2"])]
    ['source-only', 'z2']
    """
    wanted = set(CANDIDATES) if names is None else {SAFE, *names}
    unknown = sorted(wanted - set(CANDIDATES))
    if unknown:
        raise InputError(
            f"there is no candidate {unknown[0]!r}; known are: {', '.join(CANDIDATES)}."
        )
    if names is not None and not baseline:
        lost = [name for name in sorted(wanted) if CANDIDATES[name].sees == "baseline"]
        if lost:
            raise InputError(
                f"the candidate {lost[0]!r} needs a state that everybody recorded; name it, for "
                "example baseline='rest' (--baseline rest)."
            )
    return [
        one
        for name, one in CANDIDATES.items()
        if name in wanted and (baseline or one.sees != "baseline")
    ]


def give_mix(model: Any, shares: Any) -> None:
    """Tell a fitted pipeline the class mix of the block that it will be adapted to.

    Parameters
    ----------
    model : TransferPipeline
        With a `ShiftAwareNormalizer`; its next `adapt` uses the mix.
    shares : sequence of float
        In the order of the classes.

    Raises
    ------
    InputError
        When no step takes a mix.
    """
    steps = [name for name, step in model.steps_ if isinstance(step, ShiftAwareNormalizer)]
    if not steps:
        raise InputError("no step of the pipeline takes a class mix; choose 'mix known'.")
    given = [float(share) for share in shares]
    model.set_params(**{f"{name}__mix": given for name in steps})
    model.steps_ = [
        (name, step.with_mix(given) if name in steps else step) for name, step in model.steps_
    ]


def adapt_to(
    model: Any,
    sees: str,
    X: NDArray[np.float64],
    y: NDArray[Any] | None = None,
    shares: Sequence[float] = (),
) -> Any:
    """Adapt a fitted model to a block, with what its candidate may see of it.

    Parameters
    ----------
    model : transfer estimator
        Fitted; it is changed.
    sees : str
        See `Candidate`.
    X : ndarray of shape (n_rows, n_features)
        The block; without rows nothing is seen.
    y : ndarray of shape (n_rows,), optional
        Read where labels may be seen.
    shares : sequence of float
        Class mix of the block; read where the mix may be seen.

    Returns
    -------
    transfer estimator
        The same.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        if sees == "inductive" or not len(X):
            return model.adapt()
        if sees == "labelled":
            return model.adapt(X_calib=X, y_calib=y)
        if sees == "mix":
            give_mix(model, shares)
        return model.adapt(X)


def holds_rows_of(model: Any, X: NDArray[np.float64]) -> bool:
    """Say whether a fitted model keeps any of the rows that it was fitted on.

    Parameters
    ----------
    model : transfer estimator
        Fitted.
    X : ndarray of shape (n_rows, n_features)
        As the model got them.

    Returns
    -------
    bool
        Also where it keeps them shifted and scaled feature by feature, person by person: then it
        has an array with a line for each row.
    """
    seen = {row.tobytes() for row in np.ascontiguousarray(X, dtype=np.float64)}

    def search(node: Any) -> bool:
        if isinstance(node, dict):
            return any(search(value) for value in node.values())
        if isinstance(node, list | tuple):
            return any(search(value) for value in node)
        if not isinstance(node, np.ndarray) or node.ndim != 2 or node.dtype != np.float64:
            return False
        return len(node) == len(X) or any(row.tobytes() in seen for row in node)

    return search(to_state(model))
