"""The arrays of a study, and the refusal of tables that do not allow one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StudyError
from .folds import SOURCE_ROWS
from .information import InformationSet
from .protocols import Fold
from .shuffling import shuffle_trial_labels


@dataclass(frozen=True)
class StudyData:
    """The arrays of a study, one entry a window.

    Attributes
    ----------
    X : ndarray of shape (n_windows, n_features)
    classes : ndarray of shape (n_classes,)
        The labels that occur, sorted.
    codes : ndarray of int, shape (n_windows,)
        Places of the true labels in `classes`.
    subjects : ndarray of shape (n_windows,)
    trials : ndarray of int, shape (n_windows,)
        A number for each trial of each person.
    rows : pandas.DataFrame
        What methods may read about the windows.
    """

    X: NDArray[np.float64]
    classes: NDArray[Any]
    codes: NDArray[np.intp]
    subjects: NDArray[Any]
    trials: NDArray[np.intp]
    rows: pd.DataFrame


def usable_rows(
    table: Any, granted: InformationSet, *, allow_acausal: bool, keep_settling: bool
) -> Any:
    """Leave out settling windows; refuse tables that would break the information set.

    Parameters
    ----------
    table : FeatureTable
    granted : InformationSet
    allow_acausal, keep_settling : bool
        As in `run_study`.

    Returns
    -------
    FeatureTable

    Raises
    ------
    StudyError
        When features are not causal but must be, no window has settled, a window has no label,
        or a feature is not finite.
    """
    if not table.causal and granted.kind != "transductive" and not allow_acausal:
        raise StudyError(
            f"the features used samples after their window, which the information set "
            f"{granted.tag!r} does not grant. Extract causal features, use the information set "
            "'transductive', or pass allow_acausal=True: the table then says 'future of the "
            "trial'."
        )
    settling = table.meta["settling"].to_numpy(dtype=bool)
    if settling.any() and not keep_settling:
        if settling.all():
            raise StudyError(
                f"all {len(settling)} windows lie where the filters had not settled; take longer "
                "recordings, or pass keep_settling=True to score them all the same."
            )
        table = table.select(~settling)
    unlabelled = table.meta["label"].isna().to_numpy()
    if unlabelled.any():
        who = table.meta["subject"].to_numpy()[unlabelled][0]
        raise StudyError(
            f"{int(unlabelled.sum())} windows have no label, the first of subject {who}. Select "
            "the labelled trials first."
        )
    bad = ~np.isfinite(table.X).all(axis=1)
    if bad.any():
        first = table.meta.iloc[int(np.flatnonzero(bad)[0])]
        raise StudyError(
            f"{int(bad.sum())} windows hold NaN or infinite features, the first of subject "
            f"{first['subject']}, trial {first['trial']}. Leave them out with table.select(...)."
        )
    return table


def study_arrays(table: Any) -> StudyData:
    """Take the arrays of a study from its table.

    Parameters
    ----------
    table : FeatureTable

    Returns
    -------
    StudyData

    Raises
    ------
    StudyError
        When there is one class only, or a trial has several labels.
    """
    meta = table.meta
    labels = np.asarray(meta["label"].tolist())
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise StudyError(
            f"all {len(labels)} windows have one class ({classes[0].item()!r}); a comparison "
            "needs at least two. Load recordings of the other class."
        )
    by_trial = meta.groupby(["subject", "session", "trial"], sort=True, observed=True)
    trials = by_trial.ngroup()
    mixed = (by_trial["label"].transform("nunique") > 1).to_numpy()
    if mixed.any():
        first = meta.iloc[int(np.flatnonzero(mixed)[0])]
        own = meta.loc[trials == trials.iloc[int(np.flatnonzero(mixed)[0])], "label"]
        raise StudyError(
            f"trial {first['trial']} of subject {first['subject']} has several labels "
            f"({', '.join(map(str, own.unique()))}); votes and shuffled labels go by trial, so "
            "give each trial one label."
        )
    return StudyData(
        X=table.X,
        classes=classes,
        codes=codes,
        subjects=np.asarray(meta["subject"].tolist()),
        trials=trials.to_numpy(dtype=np.intp),
        rows=meta[list(SOURCE_ROWS)],
    )


def all_labels(data: StudyData, n_shuffles: int, seed: int) -> dict[int, NDArray[np.intp]]:
    """Give the true labels and the shuffled ones.

    Parameters
    ----------
    data : StudyData
    n_shuffles : int
    seed : int

    Returns
    -------
    dict of int to ndarray of int, shape (n_windows,)
        Codes of the true labels (0) and of each shuffle (1, 2, ...).
    """
    shuffles = {
        repeat: shuffle_trial_labels(data.codes, data.subjects, data.trials, (seed, repeat))
        for repeat in range(1, n_shuffles + 1)
    }
    return {0: data.codes} | shuffles


def study_notes(table: Any, data: StudyData, folds: list[Fold]) -> list[str]:
    """Say what a reader must know about the data of a study.

    Parameters
    ----------
    table : FeatureTable
    data : StudyData
    folds : list of Fold

    Returns
    -------
    list of str
        Recordings left out, people with one class left to score.
    """
    notes = [f"left out: {problem}" for problem in table.info.get("skipped", [])]
    one_class = [f.name for f in folds if len(np.unique(data.codes[f.test])) == 1]
    if one_class:
        notes.append(
            f"only one class is left to score for {len(one_class)} of {len(folds)} people "
            f"({', '.join(one_class[:3])}{', ...' if len(one_class) > 3 else ''}): their "
            "balanced accuracy is the recall of that class"
        )
    return notes
