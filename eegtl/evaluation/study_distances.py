"""How far each person of a study lies from those trained on: for its reader, never for a fold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError, MemoryEstimateError
from ..features import FeatureTable
from ..kernels.gram import canonical_order, median_gamma
from ..transfer import SubjectNormalizer
from ..transfer.distances import DISTANCES, proxy_a_distance, split_noise, trial_halves
from .blocks import time_order
from .index_sets import Fold
from .information import InformationSet
from .protocols import Protocol, choose_protocol
from .study_data import StudyData, study_arrays, usable_rows, varies
from .study_notes import flat_notes
from .views import view_columns

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
#: windows of a person, and of the sources, between which distances are measured
_WINDOWS = 2000
#: normalisations by the names that tables have for them
_MODES = {"none": "z0", "z2": "z2"}
_KEYS = ["subject", "normalization", "distance"]
_BY_WIDTH = ("mmd_rbf", "mmd_multi")
_BY_TRIAL = "proxy_a"


@dataclass(frozen=True)
class StudyDistance:
    """A distance as a study shows it.

    Parameters
    ----------
    name : str
        In `eegtl.transfer.distances.DISTANCES`, or ``proxy_a``.
    words : str
        Heading of its column, with the unit it has between standardised features.
    behind_z2 : bool
        Whether it says anything behind ``z2``. There everybody's means are equal by
        construction: a gap of means is 0, the linear MMD -d (1 / n_A + 1 / n_B), and a linear
        classifier has nothing to tell people by.
    in_every_study : bool
        Whether each study measures and keeps it, for the figure of its report.
    """

    name: str
    words: str
    behind_z2: bool = True
    in_every_study: bool = False


#: All that ``eegtl study --distances`` shows, in that order.
STUDY_DISTANCES = (
    StudyDistance("mean_gap", "mean gap, sd", behind_z2=False, in_every_study=True),
    StudyDistance("mmd_linear", "MMD2 linear, sd2", behind_z2=False, in_every_study=True),
    StudyDistance("mmd_rbf", "MMD2 rbf", in_every_study=True),
    StudyDistance("mmd_multi", "MMD2 multi"),
    StudyDistance("histogram_js", "JS, bits"),
    StudyDistance("gaussian_kl", "KL, nats"),
    StudyDistance("gaussian_w2", "W2, sd"),
    StudyDistance("sliced_wasserstein", "sliced W1, sd"),
    StudyDistance(_BY_TRIAL, "proxy A", behind_z2=False),
)
_STORED = tuple(distance for distance in STUDY_DISTANCES if distance.in_every_study)


def study_distances(meta: pd.DataFrame, data: StudyData, folds: list[Fold]) -> pd.DataFrame:
    """Say how far each person's features lie from those of the sources, as every study keeps it.

    Parameters
    ----------
    meta : pandas.DataFrame
        Of the table as it is studied.
    data : StudyData
    folds : list of Fold

    Returns
    -------
    pandas.DataFrame
        Columns ``subject, normalization`` (``none``: features standardised once over all windows;
        ``z2``: each person, or session, by itself), ``distance`` (a name of
        `eegtl.transfer.distances.DISTANCES`), ``value`` (mean over the folds of the person) and
        ``noise`` (what `split_noise` finds within the person). The Gaussian kernel has one width
        for all people. At most 2000 windows of a person, evenly spread in time, and of the
        sources, evenly spread in the order of their content, are used. Behind ``z2``, where all
        means are 0, distances of means would tell the number of windows alone, so ``mmd_rbf``
        stands there by itself. NaN where a person has too few windows, or all of them are the
        same: what does not vary within the person has no scale to be measured by.
    """
    return _table(_measured(meta, data, folds, _STORED, []))


def person_distances(
    table: Any,
    *,
    protocol: str | Protocol = "leave-one-subject-out",
    information: InformationSet | str | None = None,
    features: Sequence[str] | None = None,
    keep_settling: bool = False,
    allow_acausal: bool = False,
    distances: Iterable[StudyDistance] = STUDY_DISTANCES,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Measure how far each person lies from the sources, in every way that says something.

    Parameters
    ----------
    table : FeatureTable
    protocol, information, features, keep_settling, allow_acausal
        As in `run_study`.
    distances : iterable of StudyDistance
        What to measure.
    progress : callable, optional
        Called with (folds done, folds in all).

    Returns
    -------
    table : pandas.DataFrame
        As `study_distances` gives it, with more distances. ``proxy_a`` needs two trials of a
        person, and is NaN elsewhere.
    notes : list of str
        People whose windows are all the same, distances that are left out because the features
        are too many for them.

    Raises
    ------
    StudyError
        As in `run_study`, where the table does not allow the study.

    Examples
    --------
    >>> import eegtl
    >>> collection = eegtl.load("synthetic").select(subjects=["w01", "w02", "w03"])
    >>> table = eegtl.FeatureExtractor(window=10.0).extract(collection)
    >>> found, _ = person_distances(table, distances=STUDY_DISTANCES[:1])
    >>> found["subject"].tolist(), bool((found["value"] > found["noise"]).all())
    (['w01', 'w02', 'w03'], True)
    """
    chosen = choose_protocol(protocol, information)
    granted = InformationSet.parse(chosen.information)
    used = usable_rows(table, granted, allow_acausal=allow_acausal, keep_settling=keep_settling)
    data = study_arrays(used, chosen)
    plain = view_columns(used.columns, features)
    data = replace(data, X=data.X[:, plain])
    about = FeatureTable(data.X, used.columns[plain], used.meta, info=used.info)
    folds = list(chosen.split(about))
    notes = flat_notes(data)
    lines = _measured(used.meta, data, folds, tuple(distances), notes, progress)
    return _table(lines), notes


def normalized_rows(data: StudyData, mode: str) -> Floats:
    """Normalise all windows of a study at once, as only a description may.

    Parameters
    ----------
    data : StudyData
    mode : {"z0", "z2"}

    Returns
    -------
    ndarray of shape (n_windows, n_features)
    """
    normalizer = SubjectNormalizer(mode).fit(data.X, data.codes, subjects=data.units)
    return normalizer.transform_source(data.X, data.units)


Line = tuple[str, str, str, float, float]


def _table(lines: Iterable[Line]) -> pd.DataFrame:
    table = pd.DataFrame(list(lines), columns=[*_KEYS, "value", "noise"])
    return table.groupby(_KEYS, sort=False, as_index=False).mean()


def _measured(
    meta: pd.DataFrame,
    data: StudyData,
    folds: list[Fold],
    distances: tuple[StudyDistance, ...],
    notes: list[str],
    progress: Progress | None = None,
) -> Iterator[Line]:
    """Measure each fold behind each normalisation; what does not fit into memory is a note."""
    refused: set[str] = set()
    n_done = 0
    for name, mode in _MODES.items():
        X = normalized_rows(data, mode)
        order = canonical_order(X)
        width = median_gamma(X[order])
        for fold in folds:
            rows = np.unique(np.concatenate([fold.calibration, fold.target, fold.test]))
            rows = _spread(time_order(meta, rows))
            source = _spread(order[np.isin(order, fold.source)])
            pair = _Pair(
                X[rows],
                X[source],
                data.trials[rows],
                data.trials[source],
                width,
                # as they came: behind a normaliser equal rows may differ by rounding
                flat=len(rows) > 1 and not varies(data.X[rows]),
            )
            for distance in distances:
                if distance.name in refused or (name == "z2" and not distance.behind_z2):
                    continue
                try:
                    value, noise = pair.value(distance.name), pair.noise(distance.name)
                except MemoryEstimateError as error:
                    refused.add(distance.name)
                    notes.append(f"distance {distance.name} is left out: {error}")
                    continue
                yield str(fold.subject), name, distance.name, value, noise
            n_done += 1
            if progress is not None:
                progress(n_done, len(_MODES) * len(folds))


@dataclass(frozen=True)
class _Pair:
    """The rows of a person and of the sources, with a number for each trial."""

    own: Floats
    others: Floats
    trials: NDArray[np.intp]
    other_trials: NDArray[np.intp]
    width: float
    flat: bool

    def value(self, distance: str) -> float:
        """Give the distance; NaN where there are too few windows or trials, or all are equal."""
        if self.flat:
            return float("nan")
        if distance == _BY_TRIAL:
            return _proxy_a(self.own, self.others, self.trials, self.other_trials)
        if min(len(self.own), len(self.others)) < 2:
            return float("nan")
        return self._distance(distance, self.own, self.others)

    def noise(self, distance: str) -> float:
        """Give the distance within the person; NaN where it is not defined."""
        if self.flat:
            return float("nan")
        if distance != _BY_TRIAL:
            return split_noise(partial(self._distance, distance), self.own, self.trials)
        halves = trial_halves(self.trials)
        found = [
            _proxy_a(self.own[h], self.own[~h], self.trials[h], self.trials[~h]) for h in halves
        ]
        return float(np.sqrt(np.mean(np.square(found)))) if found else float("nan")

    def _distance(self, distance: str, A: Floats, B: Floats) -> float:
        settings = {"gamma": self.width} if distance in _BY_WIDTH else {}
        try:
            return float(DISTANCES[distance](A, B, **settings))
        except InputError:
            # The table is checked, so this is a side without spread: a person, or a half of the
            # own windows, with a flat signal. One of many people must not end the study.
            return float("nan")


def _proxy_a(A: Floats, B: Floats, trials_a: NDArray[Any], trials_b: NDArray[Any]) -> float:
    if min(len(np.unique(trials_a)), len(np.unique(trials_b))) < 2:
        return float("nan")
    return proxy_a_distance(A, B, trials_a=trials_a, trials_b=trials_b)


def _spread(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Take every so many-th row where there are too many."""
    return rows[:: -(-len(rows) // _WINDOWS) or 1]
