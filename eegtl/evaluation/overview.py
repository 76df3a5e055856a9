"""What the data of a study look like: descriptions for its reader, never for an estimator.

Everything here uses everybody's labels and rows, so nothing of it may reach a fold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg

from ..errors import InputError
from .study_data import StudyData
from .study_distances import normalized_rows

Floats = NDArray[np.float64]
#: windows in the map of the features
_MAP_WINDOWS = 2000
#: features whose channels are electrodes, so that their effect can be drawn on a head
_ELECTRODES = ("de", "de_stft", "power", "relative_power")


def study_overview(table: Any, data: StudyData, seed: int = 0) -> dict[str, Any]:
    """Describe the data of a study.

    Parameters
    ----------
    table : FeatureTable
        As it is studied.
    data : StudyData
    seed : int
        Draws the windows of the map.

    Returns
    -------
    dict
        JSON-able, with the keys

        - ``class_effect``: ``feature, channels, bands, classes`` and ``effect``
          [class][channel][band]: the mean over people of (mean of the class - mean of the person's
          other windows) / the person's standard deviation within classes; None where nobody has
          it. None for a table without a full block of channels x bands, and where nobody has
          several classes.
        - ``map``: two principal components of the features, standardised once over all windows
          (``none``) and each person or session by itself (``z2``), as ``x`` and ``y``; for each
          window its ``subject`` and ``label`` (places in ``subjects`` and ``classes``); the
          shares of variance ``explained``. At most 2000 windows, drawn evenly over people and
          classes.
        - ``windows``: ``counts`` [subject][class].
    """
    names = list(dict.fromkeys(data.subjects.tolist()))
    place = {name: i for i, name in enumerate(names)}
    people = np.array([place[name] for name in data.subjects.tolist()], dtype=np.intp)
    subjects, classes = [str(name) for name in names], [str(name) for name in data.classes]
    counts = np.zeros((len(names), len(classes)), dtype=np.intp)
    np.add.at(counts, (people, data.codes), 1)
    return {
        "class_effect": class_effect(table, people, data.codes, classes),
        "map": _map(data, people, subjects, classes, seed),
        "windows": {"subjects": subjects, "classes": classes, "counts": counts.tolist()},
    }


def class_effect(
    table: Any, people: NDArray[np.intp], codes: NDArray[np.intp], classes: list[str]
) -> dict[str, Any] | None:
    """Say by how much each class stands out within people, by channel and band.

    Parameters
    ----------
    table : FeatureTable
    people : ndarray of int, shape (n_windows,)
    codes : ndarray of int, shape (n_windows,)
        Places of the labels in `classes`.
    classes : list of str

    Returns
    -------
    dict or None
        As `study_overview` describes it.
    """
    found = _block(table)
    if found is None:
        return None
    feature, channels, bands, block = found
    effects = np.full((people.max() + 1, len(classes), len(channels), len(bands)), np.nan)
    for person in range(len(effects)):
        own, y = block[people == person], codes[people == person]
        present = np.unique(y)
        if len(present) < 2 or len(own) <= len(present):
            continue
        squares = sum(
            np.square(own[y == c] - own[y == c].mean(axis=0)).sum(axis=0) for c in present
        )
        spread = np.sqrt(squares / (len(own) - len(present)))
        # a constant feature shows no effect, and the rounding of its mean must not pass for one
        constant = np.ptp(own, axis=0) <= 10 * np.finfo(np.float64).eps * np.abs(own).max(axis=0)
        spread[constant | (spread == 0)] = np.nan
        for c in present:
            gap = own[y == c].mean(axis=0) - own[y != c].mean(axis=0)
            effects[person, c] = gap / spread
    n = np.isfinite(effects).sum(axis=0)
    mean = (np.nansum(effects, axis=0) / np.maximum(n, 1)).astype(object)
    mean[n == 0] = None  # JSON has no NaN
    if not n.any():
        return None
    return {
        "feature": feature,
        "channels": channels,
        "bands": bands,
        "classes": classes,
        "effect": mean.tolist(),
    }


def _block(table: Any) -> tuple[str, list[str], list[str], Floats] | None:
    """Find the first feature that is a full block of channels x bands, electrodes first."""
    features = list(dict.fromkeys(table.columns.get_level_values("feature")))
    for feature in sorted(features, key=lambda name: name not in _ELECTRODES):
        try:
            block = table.block(feature)
        except InputError:
            continue
        part = table.columns[table.columns.get_level_values("feature") == feature]
        channels, bands = (list(part.get_level_values(n).unique()) for n in ("channel", "band"))
        return feature, channels, bands, block
    return None


def _map(
    data: StudyData, people: NDArray[np.intp], subjects: list[str], classes: list[str], seed: int
) -> dict[str, Any]:
    drawn = _drawn_evenly(people * len(classes) + data.codes, seed)
    views: dict[str, Any] = {}
    explained = {}
    for mode, name in (("z0", "none"), ("z2", "z2")):
        X = normalized_rows(data, mode)[drawn]
        scores, shares = _two_components(X)
        views[name] = {"x": scores[:, 0].tolist(), "y": scores[:, 1].tolist()}
        explained[name] = shares
    return views | {
        "subject": people[drawn].tolist(),
        "label": data.codes[drawn].tolist(),
        "subjects": subjects,
        "classes": classes,
        "explained": explained,
    }


def _drawn_evenly(groups: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Draw windows one by one from each group in turn, until there are enough."""
    shuffled = np.random.default_rng((seed, 2)).permutation(len(groups))
    turn = pd.Series(groups[shuffled]).groupby(groups[shuffled]).cumcount().to_numpy()
    return np.sort(shuffled[np.argsort(turn, kind="stable")[:_MAP_WINDOWS]])


def _two_components(X: Floats) -> tuple[Floats, list[float]]:
    """Give the scores on two principal components and their shares of variance."""
    X = X - X.mean(axis=0)
    n, d = X.shape
    # the smaller of the two products; both have the same leading eigenvalues
    product = X @ X.T if n < d else X.T @ X
    m = len(product)
    values, vectors = linalg.eigh(product, subset_by_index=(max(m - 2, 0), m - 1))
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    scores = vectors * np.sqrt(values) if n < d else X @ vectors
    total = float(np.trace(product))
    shares = [float(value / total) if total else 0.0 for value in values]
    if m < 2:
        scores, shares = np.column_stack([scores, np.zeros(n)]), [*shares, 0.0]
    largest = scores[np.abs(scores).argmax(axis=0), [0, 1]]
    return scores * np.where(largest < 0, -1.0, 1.0), shares
