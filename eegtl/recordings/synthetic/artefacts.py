"""What is not brain: blinks, hum and the noise of the electrodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .draws import Draws
from .settings import SyntheticSettings
from .wearer import Contacts, Wearer

_BLINK_SECONDS = 0.35
_LEAST_PAUSE = 0.6  # s between the starts of two blinks; below 60 / wearer.MOST_BLINKS


def blink_times(
    settings: SyntheticSettings, wearer: Wearer, number: int, session: int, seconds: float
) -> NDArray[np.float64]:
    """Draw when a wearer blinks.

    Between the starts of two blinks lie 0.6 s and an exponential waiting time, which together
    are a minute over the wearer's rate on average.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    wearer : Wearer
        What is the person's own.
    number, session : int
        The wearer and the day, from 1.
    seconds : float
        Length of the recording.

    Returns
    -------
    ndarray, shape (n_blinks,)
        Starts of the blinks in seconds.
    """
    if not wearer.blinks_per_minute:
        return np.zeros(0)
    mean = 60.0 / wearer.blinks_per_minute - _LEAST_PAUSE
    draws = Draws(settings.seed, "blinks", number, session)
    starts: list[float] = []
    last = -_LEAST_PAUSE
    while last < seconds:
        waits = _LEAST_PAUSE - mean * np.log(draws.uniform((64,)))
        starts += (last + np.cumsum(waits)).tolist()
        last = starts[-1]
    return np.array([start for start in starts if start < seconds - _BLINK_SECONDS])


def blink_course(
    settings: SyntheticSettings, wearer: Wearer, number: int, session: int, n_times: int
) -> NDArray[np.float64]:
    """Make the blinks as the forehead sees them.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    wearer : Wearer
        What is the person's own.
    number, session : int
        The wearer and the day, from 1.
    n_times : int
        Number of samples.

    Returns
    -------
    ndarray, shape (n_times,)
        In uV; a blink is ``sin(pi t / 0.35 s)^2``, its peak varies by a fifth.
    """
    sfreq = settings.sfreq
    starts = blink_times(settings, wearer, number, session, n_times / sfreq)
    heights = Draws(settings.seed, "blink heights", number, session).normal((len(starts),))
    course = np.zeros(n_times)
    length = int(_BLINK_SECONDS * sfreq)
    for start, height in zip(starts, heights, strict=True):
        first = int(np.ceil(start * sfreq))
        phase = (first + np.arange(length)) / sfreq - start
        shape = np.sin(np.pi * np.clip(phase / _BLINK_SECONDS, 0, 1)) ** 2
        course[first : first + length] += wearer.blink_uv * np.exp(0.2 * height) * shape
    return course


def hum(
    settings: SyntheticSettings,
    wearer: Wearer,
    contacts: Contacts,
    number: int,
    session: int,
    n_times: int,
) -> NDArray[np.float64]:
    """Make the hum of the mains: one sinusoid, as loud as each contact is bad.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    wearer : Wearer
        What is the person's own.
    contacts : Contacts
        Of the electrodes.
    number, session : int
        The wearer and the day, from 1.
    n_times : int
        Number of samples.

    Returns
    -------
    ndarray, shape (n_channels, n_times)
        In uV.
    """
    phase = 2 * np.pi * Draws(settings.seed, "hum", number, session).uniform((1,))
    # The phase is reduced to one turn first, so that a long recording loses no digits.
    turns = np.mod(settings.mains * np.arange(n_times) / settings.sfreq, 1.0)
    wave = np.sqrt(2.0) * wearer.mains_uv * np.sin(2 * np.pi * turns + phase)
    return np.asarray(contacts.hum[:, None] * wave)


def sensor_noise(
    settings: SyntheticSettings,
    contacts: Contacts,
    number: int,
    session: int,
    ch_names: Sequence[str],
    n_times: int,
) -> NDArray[np.float64]:
    """Make the white noise of the electrodes.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    contacts : Contacts
        Of the electrodes.
    number, session : int
        The wearer and the day, from 1.
    ch_names : sequence of str
        The electrodes.
    n_times : int
        Number of samples.

    Returns
    -------
    ndarray, shape (n_channels, n_times)
        In uV.
    """
    rows = [
        Draws(settings.seed, "sensor", number, session, name).normal((n_times,))
        for name in ch_names
    ]
    return np.asarray(contacts.sensor_uv[:, None] * np.array(rows))
