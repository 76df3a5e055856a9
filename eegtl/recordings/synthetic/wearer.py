"""What is a person's own, and what is a day's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .draws import Draws
from .fields import Shares, draw_field
from .settings import SyntheticSettings
from .spectrum import EXPONENT

#: Of the variance between persons, as at two electrodes of eegmat in one band (r = .68) and in two
#: bands at one electrode (r = .55); what is missing to 1 comes from the exponent and the peak.
PERSON = Shares(whole=0.42, band=0.12, patch=0.13, own=0.15)
#: Of the variance between days; what is missing to 1 is the contact of each electrode.
DAY = Shares(whole=0.36, band=0.24, patch=0.10, own=0.10)
_CONTACT = 0.2
_EXPONENT = 0.6  # standard deviation, in units of the shift of the person
_ALPHA_GAIN = 1.2  # likewise, of the log amplitude of the peak
_EXPRESSION = 0.25  # standard deviation of the log of the factor of the class effect
_BLINK_RATE, _BLINK_UV = 0.5, 0.3  # standard deviations over persons, of the log
_BLINK_PEAK = 100.0  # uV
#: Highest rate of anybody: closer blinks would run into each other.
MOST_BLINKS = 80.0
_MAINS_UV, _MAINS_PERSON, _MAINS_CONTACT = 0.5, 0.5, 0.6
_SENSOR_UV, _SENSOR_CONTACT = 0.4, 0.3


@dataclass(frozen=True)
class Wearer:
    """What is a person's own, apart from the shift of each patch and band.

    Parameters
    ----------
    alpha_hz : float
        Frequency of the alpha peak in Hz.
    alpha_gain : float
        Factor of its amplitude.
    exponent : float
        Of the 1/f background.
    expression : float
        Factor of the class effect.
    blinks_per_minute, blink_uv : float
        How often the wearer blinks (80 at most), and the peak of a blink on the forehead in uV.
    mains_uv : float
        Root mean square of the hum at an electrode of usual contact, in uV.
    """

    alpha_hz: float
    alpha_gain: float
    exponent: float
    expression: float
    blinks_per_minute: float
    blink_uv: float
    mains_uv: float


def draw_wearer(settings: SyntheticSettings, number: int) -> Wearer:
    """Draw what is a person's own.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    number : int
        The wearer, from 1.

    Returns
    -------
    Wearer
        It does not depend on how many others there are.

    Examples
    --------
    >>> round(draw_wearer(SyntheticSettings(), 1).alpha_hz, 1)
    9.9
    """
    z = Draws(settings.seed, "wearer", number).normal((7,))
    peak = settings.alpha_hz + settings.alpha_spread * np.clip(z[0], -2, 2)
    return Wearer(
        alpha_hz=float(np.clip(peak, 8.0, 14.0)),
        alpha_gain=float(np.exp(_ALPHA_GAIN * settings.subject_shift * z[1])),
        exponent=float(EXPONENT + _EXPONENT * settings.subject_shift * z[2]),
        expression=float(np.exp(_EXPRESSION * z[3])),
        blinks_per_minute=float(min(settings.blinks * np.exp(_BLINK_RATE * z[4]), MOST_BLINKS)),
        blink_uv=float(_BLINK_PEAK * np.exp(_BLINK_UV * z[5])),
        mains_uv=float(_MAINS_UV * np.exp(_MAINS_PERSON * z[6])) if settings.mains else 0.0,
    )


def own_level(settings: SyntheticSettings, number: int, session: int) -> NDArray[np.float64]:
    """Draw the shift of a person on a day.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    number, session : int
        The wearer and the day, from 1.

    Returns
    -------
    ndarray, shape (n_patches, n_bands)
        Change of log amplitude in nats: the person's, and the day's.
    """
    person = draw_field(Draws(settings.seed, "person", number), PERSON)[..., 0]
    day = draw_field(Draws(settings.seed, "day", number, session), DAY)[..., 0]
    return np.asarray(settings.subject_shift * person + settings.day_shift * day)


@dataclass(frozen=True)
class Contacts:
    """How each electrode touches the skin on a day: arrays of shape (n_channels,).

    Parameters
    ----------
    gain : ndarray
        Factor of all that comes from the head.
    hum : ndarray
        Factor of the hum.
    sensor_uv : ndarray
        Root mean square of the electrode's white noise in uV.
    """

    gain: NDArray[np.float64]
    hum: NDArray[np.float64]
    sensor_uv: NDArray[np.float64]


def draw_contacts(
    settings: SyntheticSettings, number: int, session: int, ch_names: Sequence[str]
) -> Contacts:
    """Draw how each electrode touches the skin.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    number, session : int
        The wearer and the day, from 1.
    ch_names : sequence of str
        The electrodes; one does not depend on which others there are.

    Returns
    -------
    Contacts
        One entry per electrode.
    """
    seed = settings.seed
    z = np.array([Draws(seed, "contact", number, session, n).normal((3,)) for n in ch_names])
    return Contacts(
        gain=np.exp(np.sqrt(_CONTACT) * settings.day_shift * z[:, 0]),
        hum=np.exp(_MAINS_CONTACT * z[:, 1]),
        sensor_uv=_SENSOR_UV * np.exp(_SENSOR_CONTACT * z[:, 2]),
    )
