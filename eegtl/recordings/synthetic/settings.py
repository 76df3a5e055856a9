"""What the invented wearers are like."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any

from ...errors import InputError
from ..channels import HEADSETS, canonical_name

# The least value of every number, and how the bound reads.
_WHOLE = {"n_subjects": 1, "n_sessions": 1, "trials_per_class": 1, "seed": 0}
_NUMBERS = {"trial_seconds": 1} | dict.fromkeys(
    (
        "pause_seconds",
        "class_effect",
        "subject_shift",
        "day_shift",
        "trial_effect",
        "drift",
        "stimulus_effect",
        "label_shift",
        "alpha_spread",
        "blinks",
        "mains",
    ),
    0,
)
_MOST_BLINKS = 50


@dataclass(frozen=True)
class SyntheticSettings:
    """What the invented wearers are like; one set of values gives one data set.

    Effects and shifts are changes of log amplitude in nats, which is the unit of differential
    entropy. They are what a 62-channel cap sees of them, root mean square over its channels and
    the five usual bands, to first order in small changes.

    Parameters
    ----------
    n_subjects : int
        Number of wearers, named w01, w02, ...
    n_sessions : int
        Number of days per wearer, one recording each.
    trials_per_class : int
        Number of trials of each class per recording, where the mix is even.
    trial_seconds, pause_seconds : float
        Length of a trial, at least 1 s, and of the pauses before, between and after trials, in
        seconds.
    classes : tuple of str
        Labels, from the most negative to the most positive feeling.
    channels : tuple of str
        Canonical names.
    sfreq : float
        Sampling rate in Hz; above 100, so that the highest band fits.
    seed : int
        Seed of everything random.
    class_effect : float
        Standard deviation between the classes; 0 leaves no information on the label.
    subject_shift, day_shift, trial_effect : float
        Standard deviation of what is a person's, a day's and a trial's own.
    drift : float
        Standard deviation of the slow wandering within a recording (see `activity.DRIFT`).
    stimulus_effect : float
        Standard deviation over time of what a clip does to everybody at the same moment; it says
        nothing of the class (see `activity.clip_course`).
    label_shift : float
        From 0, where everybody has all classes alike, to 1, where each wearer has one class only;
        wearers favour the classes in turn.
    alpha_hz, alpha_spread : float
        Mean over people of the frequency of the alpha peak and its standard deviation, in Hz.
    blinks : float
        Blinks per minute of the typical wearer, 50 at most; 0 for none.
    mains : float
        Frequency of the hum in Hz; 0 for none.

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
    n_sessions: int = 1
    trials_per_class: int = 4
    trial_seconds: float = 30.0
    pause_seconds: float = 5.0
    classes: tuple[str, ...] = ("negative", "neutral", "positive")
    channels: tuple[str, ...] = HEADSETS["epoc"]
    sfreq: float = 128.0
    seed: int = 0
    class_effect: float = 0.066
    subject_shift: float = 0.19
    day_shift: float = 0.12
    trial_effect: float = 0.17
    drift: float = 0.22
    stimulus_effect: float = 0.0
    label_shift: float = 0.0
    alpha_hz: float = 10.0
    alpha_spread: float = 0.9
    blinks: float = 12.0
    mains: float = 50.0

    def __post_init__(self) -> None:
        for name, limit in (_WHOLE | _NUMBERS).items():
            value = getattr(self, name)
            if name in _WHOLE and (not isinstance(value, Integral) or isinstance(value, bool)):
                raise InputError(f"{name} must be a whole number, not {value!r}")
            if not (_is_number(value) and value >= limit):
                raise InputError(f"{name} must be a number of at least {limit}, not {value!r}")
        if not (_is_number(self.sfreq) and self.sfreq > 100):
            raise InputError(
                "sfreq must be a number above 100 Hz, so that the band up to 50 Hz fits, not "
                f"{self.sfreq!r}"
            )
        if self.blinks > _MOST_BLINKS:
            raise InputError(
                f"blinks must be at most {_MOST_BLINKS} per minute, since some wearers blink "
                f"twice as often as the typical one, not {self.blinks!r}"
            )
        if self.label_shift > 1:
            raise InputError(f"label_shift must be a number from 0 to 1, not {self.label_shift!r}")
        if not (_is_number(self.alpha_hz) and 8 <= self.alpha_hz <= 14):
            raise InputError(f"alpha_hz must lie from 8 to 14 Hz, not {self.alpha_hz!r}")
        if self.mains >= self.sfreq / 2:
            raise InputError(
                f"mains must lie below half the sampling rate, {self.sfreq / 2:g} Hz, not "
                f"{self.mains!r}; give 0 for no hum"
            )
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
        """Number of trials per recording."""
        return self.trials_per_class * len(self.classes)


def _is_number(value: Any) -> bool:
    """Say whether a value is a finite number and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
