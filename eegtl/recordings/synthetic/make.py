"""Recordings of invented wearers, made when they are asked for."""

from __future__ import annotations

from functools import partial
from typing import Any

import mne
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..channels import positions
from ..collection import Collection, Entry
from ..selection import choose_channels
from .activity import brain
from .artefacts import blink_course, hum, sensor_noise
from .head import blink_map
from .plan import class_counts, plan_trials
from .settings import SyntheticSettings
from .wearer import draw_contacts, draw_wearer


def make_synthetic(
    settings: SyntheticSettings | None = None, *, name: str = "synthetic"
) -> Collection:
    """Invent wearers with a known, chosen shift.

    Parameters
    ----------
    settings : SyntheticSettings, optional
        What they are like; the defaults give the data set that ``load("synthetic")`` lists.
    name : str
        Name of the collection.

    Returns
    -------
    Collection
        One recording per wearer and day, made each time it is asked for, always the same.
        Its card is None.

    Raises
    ------
    SignalError
        When a channel has no standard position.

    Examples
    --------
    >>> collection = make_synthetic(SyntheticSettings(n_subjects=2, trial_seconds=4.0))
    >>> collection[1].trials["label"].value_counts().tolist()
    [4, 4, 4]
    """
    settings = settings or SyntheticSettings()
    return Collection(
        list_synthetic(settings),
        name=name,
        card=None,
        choice=choose_channels(None, settings.channels, dataset=name),
    )


def list_synthetic(settings: SyntheticSettings) -> list[Entry]:
    """List the recordings without making a signal.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.

    Returns
    -------
    list of Entry
        One per wearer and day.

    Raises
    ------
    SignalError
        When a channel has no standard position.

    Examples
    --------
    >>> [entry.file for entry in list_synthetic(SyntheticSettings(n_subjects=1, n_sessions=2))]
    ['w01-day1', 'w01-day2']
    """
    positions(settings.channels)
    width = max(2, len(str(settings.n_subjects)))
    entries = []
    for number in range(1, settings.n_subjects + 1):
        subject = f"w{number:0{width}d}"
        counts = class_counts(settings, number)
        labels = tuple(c for c, n in zip(settings.classes, counts, strict=True) if n)
        for session in range(1, settings.n_sessions + 1):
            entries.append(
                Entry(
                    subject=subject,
                    session=session,
                    file=subject if settings.n_sessions == 1 else f"{subject}-day{session}",
                    channels=partial(tuple, settings.channels),
                    read=partial(_read, settings, number, session),
                    labels=labels,
                )
            )
    return entries


def _read(
    settings: SyntheticSettings, number: int, session: int, names: tuple[str, ...]
) -> tuple[Any, pd.DataFrame]:
    """Make one recording at some of the electrodes."""
    trials = plan_trials(settings, number, session)
    microvolts = _signals(settings, number, session, trials, names)
    info = mne.create_info(list(names), settings.sfreq, "eeg", verbose="error")
    return mne.io.RawArray(1e-6 * microvolts, info, verbose="error"), trials


def _signals(
    settings: SyntheticSettings,
    number: int,
    session: int,
    trials: pd.DataFrame,
    names: tuple[str, ...],
) -> NDArray[np.float64]:
    """Add up brain, blinks, hum and electrode noise, in uV: (n_channels, n_times)."""
    end = trials["onset"].iloc[-1] + settings.trial_seconds + settings.pause_seconds
    n_times = round(end * settings.sfreq)
    wearer = draw_wearer(settings, number)
    contacts = draw_contacts(settings, number, session, names)
    data = brain(settings, number, session, trials, names, n_times)
    blinks = blink_course(settings, wearer, number, session, n_times)
    data += np.outer(blink_map(names), blinks)
    data *= contacts.gain[:, None]
    data += hum(settings, wearer, contacts, number, session, n_times)
    data += sensor_noise(settings, contacts, number, session, names, n_times)
    return data
