"""Which clip comes when, and whether a wearer's clips are of all classes alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .draws import Draws
from .settings import SyntheticSettings


def class_counts(settings: SyntheticSettings, number: int) -> NDArray[np.intp]:
    """Say how many trials of each class a wearer has.

    The favoured class, which wearers take in turn, gets the share ``(1 - label_shift) / n_classes
    + label_shift``, the others the rest alike; rounded by largest remainder.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    number : int
        The wearer, from 1.

    Returns
    -------
    ndarray, shape (n_classes,)
        Adding up to the number of trials.

    Examples
    --------
    >>> class_counts(SyntheticSettings(label_shift=0.75), 2).tolist()
    [1, 10, 1]
    """
    n_classes = len(settings.classes)
    wanted = np.full(n_classes, (1 - settings.label_shift) / n_classes)
    wanted[(number - 1) % n_classes] += settings.label_shift
    wanted *= settings.n_trials
    counts = np.floor(wanted + 1e-9).astype(np.intp)
    rest = np.argsort(counts - wanted, kind="stable")[: settings.n_trials - counts.sum()]
    counts[rest] += 1
    return counts


def plan_trials(settings: SyntheticSettings, number: int, session: int) -> pd.DataFrame:
    """Put the clips, the same for everybody, into the order of a wearer's day.

    Clip k has the class (k - 1) modulo the number of classes; a wearer sees the first ones of
    each class, as many as the mix asks for.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    number, session : int
        The wearer and the day, from 1.

    Returns
    -------
    DataFrame
        Columns trial, stimulus, label, onset and duration (s).

    Examples
    --------
    >>> sorted(plan_trials(SyntheticSettings(trials_per_class=1), 1, 1)["stimulus"])
    ['clip01', 'clip02', 'clip03']
    """
    n_classes = len(settings.classes)
    counts = class_counts(settings, number)
    clips = np.sort([n_classes * k + c for c in range(n_classes) for k in range(counts[c])])
    order = clips[Draws(settings.seed, "order", number, session).order(len(clips))]
    step = settings.trial_seconds + settings.pause_seconds
    return pd.DataFrame(
        {
            "trial": np.arange(len(clips)) + 1,
            "stimulus": [f"clip{clip + 1:02d}" for clip in order],
            "label": [settings.classes[clip % n_classes] for clip in order],
            "onset": settings.pause_seconds + step * np.arange(len(clips)),
            "duration": settings.trial_seconds,
        }
    )
