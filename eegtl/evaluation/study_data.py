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
from .protocols import Protocol
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
    domains : ndarray of shape (n_windows,)
        What methods know as ``subjects``: the person, or the session.
    units : ndarray of int, shape (n_windows,)
        A number for each domain of each person; labels are shuffled within.
    trials : ndarray of int, shape (n_windows,)
        A number for each trial of each person.
    rows : pandas.DataFrame
        What methods may read about the windows of the sources, and about calibration windows
        that they are given the labels of.
    target_rows : pandas.DataFrame
        What they may read about the other windows of the person they are scored on.
    """

    X: NDArray[np.float64]
    classes: NDArray[Any]
    codes: NDArray[np.intp]
    subjects: NDArray[Any]
    domains: NDArray[Any]
    units: NDArray[np.intp]
    trials: NDArray[np.intp]
    rows: pd.DataFrame
    target_rows: pd.DataFrame


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
        When there are no windows, a subject, session or trial is missing or cannot be told from
        another, a name is no valid text, features are not causal but must be, no window has
        settled, a window has no label, or a feature is not finite.
    """
    if not hasattr(table, "meta"):
        raise StudyError(
            f"a study takes a FeatureTable; got a {type(table).__name__}. FeatureExtractor.extract "
            "makes one, with the subject, trial and label of each window."
        )
    if len(table) == 0:
        raise StudyError(
            "the table holds no windows. Check the selection of subjects, labels and windows."
        )
    _check_names(table.meta)
    _check_texts(table)
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
    labels = table.meta["label"]
    if pd.api.types.is_float_dtype(labels) and not (labels == labels.round()).all():
        raise StudyError(
            f"the labels are continuous ({labels.nunique()} values from {labels.min():g} to "
            f"{labels.max():g}); a study compares classifiers. Make classes of them first, for "
            "example with pandas.cut."
        )
    bad = ~np.isfinite(table.X).all(axis=1)
    if bad.any():
        first = table.meta.iloc[int(np.flatnonzero(bad)[0])]
        raise StudyError(
            f"{int(bad.sum())} windows hold NaN or infinite features, the first of subject "
            f"{first['subject']}, trial {first['trial']}. Leave them out with table.select(...)."
        )
    return table


def _check_names(meta: pd.DataFrame) -> None:
    """Refuse subjects, sessions and trials that are missing, and names of several types."""
    for name in ("subject", "session", "trial"):
        missing = meta[name].isna().to_numpy()
        if missing.any():
            first = meta.iloc[int(np.flatnonzero(missing)[0])]
            where = ", ".join(f"{n} {first[n]}" for n in ("subject", "session", "trial"))
            raise StudyError(
                f"{int(missing.sum())} windows have no {name}, the first is of {where}. Give each "
                "window its subject, session and trial."
            )
    for name in ("subject", "session", "trial", "label"):
        examples: dict[str, Any] = {}
        for value in meta[name].dropna().tolist():
            plain = value.item() if isinstance(value, np.generic) else value
            examples.setdefault(type(plain).__name__, plain)
        if len(examples) > 1:
            raise StudyError(
                f"the column {name!r} holds names of several types: "
                f"{', '.join(f'{value!r} ({kind})' for kind, value in examples.items())}; 1 and "
                "'1' would be taken for one. Use one type."
            )


def _check_texts(table: Any) -> None:
    """Refuse names that no file can hold: halves of surrogate pairs, as of a wrong decoding."""
    places = {f"the column {name!r}": table.meta[name].tolist() for name in table.meta}
    places["the index of the features"] = [part for column in table.columns for part in column]
    for where, values in places.items():
        for text in {value for value in values if isinstance(value, str)}:
            check_text(text, where)


def check_text(text: str, where: str) -> None:
    """Refuse a text that cannot be written as UTF-8.

    Parameters
    ----------
    text : str
    where : str
        Where it stands.

    Raises
    ------
    StudyError
        Naming the text and where it stands.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise StudyError(
            f"{where} holds the name {text!a}, which is no valid text (half of a surrogate "
            "pair, as of a file read in a wrong encoding) and cannot be written to a file. Rename "
            "it."
        ) from error


def study_arrays(table: Any, protocol: Protocol, seed: int = 0) -> StudyData:
    """Take the arrays of a study from its table.

    Parameters
    ----------
    table : FeatureTable
    protocol : protocol
        Says what the domains are.
    seed : int
        Seed of the codes that stand for the trials of the person scored.

    Returns
    -------
    StudyData

    Raises
    ------
    StudyError
        When labels are no texts or numbers, there is one class only, or a trial has several
        labels.
    """
    meta = table.meta
    labels = np.asarray(meta["label"].tolist())
    if labels.ndim != 1 or labels.dtype.kind not in "biufU":
        raise StudyError(
            f"the labels are no texts or numbers, for example {meta['label'].iloc[0]!r}. Give one "
            "text or one number for each window."
        )
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
    subjects = np.asarray(meta["subject"].tolist())
    trial_codes = trials.to_numpy(dtype=np.intp)
    domains = protocol.domains(meta)
    names = pd.MultiIndex.from_arrays([subjects, domains])
    return StudyData(
        X=table.X,
        classes=classes,
        codes=codes,
        subjects=subjects,
        domains=domains,
        units=pd.factorize(names)[0],
        trials=trial_codes,
        rows=meta[list(SOURCE_ROWS)],
        target_rows=opaque_rows(meta, subjects, trial_codes, seed),
    )


def varies(rows: NDArray[np.float64]) -> bool:
    """Say whether windows differ in any feature by more than rounding.

    Parameters
    ----------
    rows : ndarray of shape (n_windows, n_features)

    Returns
    -------
    bool
        False for a single window, too.

    Examples
    --------
    >>> varies(np.array([[0.1, 2.0], [0.1, 2.1]])), varies(np.full((5, 2), 0.1))
    (True, False)
    """
    if len(rows) < 2:
        return False
    # not by the standard deviation: the mean of many equal numbers is off by more than rounding
    rounding = 10 * np.finfo(np.float64).eps * np.abs(rows).max(axis=0)
    return bool((np.ptp(rows, axis=0) > rounding).any())


def opaque_rows(
    meta: pd.DataFrame, subjects: NDArray[Any], trials: NDArray[np.intp], seed: int
) -> pd.DataFrame:
    """Describe windows so that they cannot be matched with those of other people.

    Parameters
    ----------
    meta : pandas.DataFrame
        With the columns ``session`` and ``onset``.
    subjects : ndarray of shape (n_windows,)
    trials : ndarray of int, shape (n_windows,)
        A number for each trial of each person.
    seed : int
        Draws the codes of the trials.

    Returns
    -------
    pandas.DataFrame
        Columns ``session``, ``trial`` (a code) and ``onset`` (from the trial's first window).

    Notes
    -----
    Where everybody saw the same clips in the same order, the number of a trial and its time tell
    the label as well as the clip does.
    """
    codes = np.empty(len(trials), dtype=np.int64)
    for place, subject in enumerate(np.unique(subjects)):
        own = subjects == subject
        names, which = np.unique(trials[own], return_inverse=True)
        # the last 1 keeps this stream apart from those of the shuffles
        codes[own] = np.random.default_rng((seed, place, 1)).permutation(len(names))[which]
    onset = meta["onset"].astype(np.float64)
    return pd.DataFrame(
        {
            "session": meta["session"],
            "trial": codes,
            "onset": onset - onset.groupby(trials).transform("min"),
        }
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
        repeat: shuffle_trial_labels(data.codes, data.units, data.trials, (seed, repeat))
        for repeat in range(1, n_shuffles + 1)
    }
    return {0: data.codes} | shuffles
