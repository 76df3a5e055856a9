"""Invented wearers whose persons differ more than their emotions do.

Every band of every channel is noise whose log amplitude is a sum of five terms: what the channel
usually has, the *shift* of the person, the *class effect* (the same for everybody up to a factor),
the trial, and a slow drift. The log amplitude is what differential entropy measures, so the
settings are in its unit, nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from numbers import Integral, Real
from typing import Any

import mne
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError
from .channels import HEADSETS, canonical_name
from .collection import Collection, Entry
from .selection import choose_channels

# Band in Hz: usual amplitude in uV (root mean square).
_BANDS = {(1, 4): 9.0, (4, 8): 6.0, (8, 14): 8.0, (14, 31): 5.0, (31, 50): 3.0}
_ALPHA, _BETA, _GAMMA = 2, 3, 4
_BACKGROUND_UV = 2.0
_SHARED = 0.3  # part of a band's variance that all channels have in common


@dataclass(frozen=True)
class SyntheticSettings:
    """What the invented wearers are like; one set of values gives one data set.

    Parameters
    ----------
    n_subjects : int
        Number of wearers, named w01, w02, ...
    trials_per_class : int
        Number of trials of each class per wearer.
    trial_seconds, pause_seconds : float
        Length of a trial, and of the pauses before, between and after trials, in seconds.
    classes : tuple of str
        Labels, from the most negative to the most positive feeling.
    channels : tuple of str
        Canonical names.
    sfreq : float
        Sampling rate in Hz; above 100, so that the highest band fits.
    seed : int
        Seed of everything random.
    class_effect : float
        Size of the difference between the classes in nats; 0 leaves no information on the label.
    subject_shift : float
        Standard deviation of a person's own level per channel and band, in nats.
    trial_effect : float
        Standard deviation of a trial's own level per band, and per channel and band, in nats.

    Raises
    ------
    InputError
        When a value is out of range.

    Examples
    --------
    >>> SyntheticSettings(n_subjects=3, class_effect=0.0).n_trials
    12
    """

    n_subjects: int = 12
    trials_per_class: int = 4
    trial_seconds: float = 30.0
    pause_seconds: float = 5.0
    classes: tuple[str, ...] = ("negative", "neutral", "positive")
    channels: tuple[str, ...] = HEADSETS["epoc"]
    sfreq: float = 128.0
    seed: int = 0
    class_effect: float = 0.1
    subject_shift: float = 0.5
    trial_effect: float = 0.1

    def __post_init__(self) -> None:
        whole = {"n_subjects": 1, "trials_per_class": 1, "seed": 0}
        numbers = {"class_effect": 0, "subject_shift": 0, "trial_effect": 0, "pause_seconds": 0}
        for name, limit in (whole | numbers).items():
            value = getattr(self, name)
            if name in whole and (not isinstance(value, Integral) or isinstance(value, bool)):
                raise InputError(f"{name} must be a whole number, not {value!r}")
            if not (_is_number(value) and value >= limit):
                raise InputError(f"{name} must be a number of at least {limit}, not {value!r}")
        for name, above, why in (
            ("trial_seconds", 0, ""),
            ("sfreq", 100, " Hz, so that the band up to 50 Hz fits"),
        ):
            value = getattr(self, name)
            if not (_is_number(value) and value > above):
                raise InputError(f"{name} must be a number above {above}{why}, not {value!r}")
        for name, least in (("classes", 2), ("channels", 1)):
            names = getattr(self, name)
            if not isinstance(names, tuple) or not all(isinstance(n, str) for n in names):
                raise InputError(f"{name} must be a tuple of names, not {names!r}")
            if len(names) < least or len(set(names)) != len(names):
                raise InputError(f"{name} must be at least {least} different names, not {names!r}")
        odd = next((name for name in self.channels if canonical_name(name) != name), None)
        if odd is not None:
            raise InputError(f"channels holds {odd!r}; write {canonical_name(odd)!r}")

    @property
    def n_trials(self) -> int:
        """Number of trials per wearer."""
        return self.trials_per_class * len(self.classes)


def _is_number(value: Any) -> bool:
    """Say whether a value is a finite number."""
    return isinstance(value, Real) and isfinite(value)


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
        One recording per wearer with all trials, made each time it is asked for, always the same.
        Its card is None.

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
    """List the wearers without making a signal.

    Parameters
    ----------
    settings : SyntheticSettings
        What they are like.

    Returns
    -------
    list of Entry
        One per wearer.

    Examples
    --------
    >>> [entry.subject for entry in list_synthetic(SyntheticSettings(n_subjects=2))]
    ['w01', 'w02']
    """
    width = max(2, len(str(settings.n_subjects)))
    return [
        Entry(
            subject=f"w{number:0{width}d}",
            session=1,
            file=f"w{number:0{width}d}",
            channels=partial(tuple, settings.channels),
            read=partial(_read, settings, number),
            labels=settings.classes,
        )
        for number in range(1, settings.n_subjects + 1)
    ]


def _read(
    settings: SyntheticSettings, number: int, names: tuple[str, ...]
) -> tuple[Any, pd.DataFrame]:
    """Make the recording of one wearer and keep some of its channels."""
    # A stream of its own per wearer: one wearer does not depend on how many others there are.
    rng = np.random.Generator(np.random.PCG64([settings.seed, number]))
    trials = _trials(settings, rng)
    microvolts = _signals(settings, trials, rng)
    rows = [settings.channels.index(name) for name in names]
    info = mne.create_info(list(names), settings.sfreq, "eeg", verbose="error")
    return mne.io.RawArray(1e-6 * microvolts[rows], info, verbose="error"), trials


def _trials(settings: SyntheticSettings, rng: np.random.Generator) -> pd.DataFrame:
    """Put the clips, the same for everybody, into this wearer's order."""
    clips = np.arange(settings.n_trials)
    order = rng.permutation(clips)
    step = settings.trial_seconds + settings.pause_seconds
    return pd.DataFrame(
        {
            "trial": clips + 1,
            "stimulus": [f"clip{clip + 1:02d}" for clip in order],
            "label": [settings.classes[clip % len(settings.classes)] for clip in order],
            "onset": settings.pause_seconds + step * clips,
            "duration": settings.trial_seconds,
        }
    )


def class_pattern(channels: Sequence[str], valence: float) -> NDArray[np.float64]:
    """Give the effect of a feeling on each channel and band, for a class effect of 1.

    Invented after what is reported of emotion: less alpha on the left front and more on the right
    when the feeling is positive, more temporal beta and gamma with it, and more posterior alpha
    when it is neutral.

    Parameters
    ----------
    channels : sequence of str
        Canonical names.
    valence : float
        From -1 (most negative) to 1 (most positive).

    Returns
    -------
    ndarray, shape (n_channels, n_bands)
        Change of log amplitude in nats; bands are delta, theta, alpha, beta, gamma.

    Examples
    --------
    >>> class_pattern(["F3", "F4"], 1.0)[:, 2].tolist()
    [-1.0, 1.0]
    """
    pattern = np.zeros((len(channels), len(_BANDS)))
    for row, name in enumerate(channels):
        number = "".join(filter(str.isdigit, name))
        side = 0 if not number else (-1 if int(number) % 2 else 1)
        if name.startswith(("AF", "F")):
            pattern[row, _ALPHA] = valence * side
        elif name.startswith("T"):
            pattern[row, _BETA] = 0.7 * valence
            pattern[row, _GAMMA] = valence
        elif name.startswith(("P", "O")):
            pattern[row, _ALPHA] = 0.5 - abs(valence)
    return pattern


def _signals(
    settings: SyntheticSettings, trials: pd.DataFrame, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Make the samples of one wearer in uV: (n_channels, n_times)."""
    n_channels, n_bands = len(settings.channels), len(_BANDS)
    end = trials["onset"].iloc[-1] + settings.trial_seconds + settings.pause_seconds
    n_times = round(end * settings.sfreq)
    times = np.arange(n_times) / settings.sfreq
    shape = (n_channels, n_bands)

    level = np.log(list(_BANDS.values())) + settings.subject_shift * rng.normal(size=shape)
    expression = np.exp(0.25 * rng.normal())
    valences = dict(zip(settings.classes, np.linspace(-1, 1, len(settings.classes)), strict=True))
    effects = np.stack(
        [class_pattern(settings.channels, valences[label]) for label in trials["label"]], axis=-1
    )
    per_trial = settings.class_effect * expression * effects
    per_trial += settings.trial_effect * rng.normal(size=(1, n_bands, len(trials)))
    per_trial += settings.trial_effect * rng.normal(size=(*shape, len(trials)))
    slope = 0.1 * rng.normal(size=shape)

    # Gains hold during a trial and ramp in the pauses: no step that a filter would ring from.
    onsets = trials["onset"].to_numpy()
    knots = np.column_stack([onsets, onsets + settings.trial_seconds]).ravel()
    frequencies = np.fft.rfftfreq(n_times, 1 / settings.sfreq)
    data = _BACKGROUND_UV * _noise(rng, n_channels, n_times, 1 / np.maximum(frequencies, 0.5))
    for band, (low, high) in enumerate(_BANDS):
        inside = ((frequencies >= low) & (frequencies < high)).astype(float)
        own = _noise(rng, n_channels, n_times, inside)
        common = _noise(rng, 1, n_times, inside)
        carrier = np.sqrt(1 - _SHARED) * own + np.sqrt(_SHARED) * common
        for row in range(n_channels):
            gain = np.interp(times, knots, np.repeat(per_trial[row, band], 2))
            gain += level[row, band] + slope[row, band] * (times / end - 0.5)
            data[row] += np.exp(gain) * carrier[row]
    return data


def _noise(
    rng: np.random.Generator, n_rows: int, n_times: int, power: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Make Gaussian noise of variance 1 with the given power spectrum: (n_rows, n_times)."""
    power = power.copy()
    power[0] = 0.0
    spectrum = np.fft.rfft(rng.normal(size=(n_rows, n_times)), axis=1) * np.sqrt(power)
    noise: NDArray[np.float64] = np.fft.irfft(spectrum, n=n_times, axis=1)
    # Each row is scaled by what the spectrum predicts, so that rows vary as noise does.
    return noise / np.sqrt(2 * power.sum() / n_times)
