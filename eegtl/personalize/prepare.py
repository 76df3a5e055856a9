"""Distil source people into one small file: each of them plays the wearer once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError
from ..evaluation.blocks import time_order
from .candidates import named_candidates
from .feature_basis import signals_of, table_of
from .play import LENGTHS, make_plan
from .source_file import SourceFile
from .trial_blocks import covered_seconds

if TYPE_CHECKING:
    from ..features import FeatureExtractor, FeatureTable
    from ..recordings.collection import Collection

Floats = NDArray[np.float64]

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
        Causal. Windows that its artefact marks flag are left out, as they are of the wearer.
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
    What is expected of a new person is what people got from the candidate and the guard that all
    *others'* scores choose (`with_nested`), so that it is not too good by the choice.

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
    usable = ~table.meta["settling"] & table.meta["label"].notna()
    flagged = usable & (table.meta["flags"].astype(str) != "")
    used = (usable & ~flagged).to_numpy()
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
            "n_flagged": int(flagged.sum()),
            "rows_sha256": content.hexdigest(),
        },
    )


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
