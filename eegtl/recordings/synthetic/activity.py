"""The brain of one recording: log amplitudes over time, and the noise they shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from .draws import Draws
from .fields import N_TERMS, Shares, combine, draw_field, wander
from .head import N_PATCHES, lead_field
from .pattern import class_effects
from .settings import SyntheticSettings
from .spectrum import N_BANDS, band_weights, power_density
from .wearer import draw_wearer, own_level

#: Time constants of the slow wandering in seconds, with their shares of its variance.
DRIFT = {1.0: 0.65, 4.0: 0.15, 60.0: 0.2}
#: Of the variances of what is a trial's own, as in eegmat, and of the wandering.
_TRIAL = Shares(whole=0.15, band=0.30, patch=0.10, own=0.45)
_WANDER = Shares(whole=0.10, band=0.42, patch=0.10, own=0.38)
#: Trials differ more in delta and alpha than in other bands (eegmat, root mean square 1).
_TRIAL_BANDS = np.array([1.25, 0.80, 1.40, 0.65, 0.70])
#: What a clip does to everybody at the same moment, and how fast it changes (s).
_CLIP = Shares(whole=0.10, band=0.40, patch=0.10, own=0.40)
_CLIP_SECONDS = 4.0
_STEPS_PER_SECOND = 8


def brain(
    settings: SyntheticSettings,
    number: int,
    session: int,
    trials: pd.DataFrame,
    ch_names: Sequence[str],
    n_times: int,
) -> NDArray[np.float64]:
    """Make what the electrodes see of the brain.

    Every patch is, in each band, Gaussian noise of the person's spectrum times exp(g(t)). The log
    amplitude g is the person's and the day's own level, plus in trials the class effect and what
    is the trial's own and the clip's, plus slow wandering.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like.
    number, session : int
        The wearer and the day, from 1.
    trials : DataFrame
        From `plan.plan_trials`.
    ch_names : sequence of str
        The electrodes.
    n_times : int
        Number of samples.

    Returns
    -------
    ndarray, shape (n_channels, n_times)
        In uV.
    """
    wearer = draw_wearer(settings, number)
    # One step of log amplitude is a whole number of samples; between steps amplitudes ramp.
    stride = max(1, round(settings.sfreq / _STEPS_PER_SECOND))
    times = np.arange(n_times // stride + 2) * stride / settings.sfreq
    gains = np.exp(_log_gains(settings, number, session, trials, times))
    length = next_fast_len(n_times, real=True)
    frequencies = np.arange(length // 2 + 1) * (settings.sfreq / length)
    density = power_density(
        frequencies,
        exponent=wearer.exponent,
        alpha_hz=wearer.alpha_hz,
        alpha_gain=wearer.alpha_gain,
    )
    # The variance of irfft(c * complex normal) is the sum of 4 c^2 / length^2 over frequencies.
    scale = length * np.sqrt(density * settings.sfreq / length / 4)
    weights = np.sqrt(band_weights(frequencies))
    mixing = lead_field(ch_names)
    ramp = np.arange(stride) / stride
    data = np.zeros((len(ch_names), n_times))
    for band in range(N_BANDS):
        inside = np.flatnonzero(weights[band] > 0)
        noise = np.zeros((N_PATCHES, len(frequencies)), dtype=np.complex128)
        draws = Draws(settings.seed, "noise", number, session, band)
        noise[:, inside] = draws.complex_normal((N_PATCHES, len(inside)))
        noise[:, inside] *= scale[:, inside] * weights[band, inside]
        signal = irfft(noise, n=length, axis=1)[:, :n_times]
        steps = gains[:, band]
        smooth = steps[:, :-1, None] + np.diff(steps, axis=1)[:, :, None] * ramp
        signal *= smooth.reshape(N_PATCHES, -1)[:, :n_times]
        data += mixing @ signal
    return data


def _log_gains(
    settings: SyntheticSettings,
    number: int,
    session: int,
    trials: pd.DataFrame,
    times: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Add up the log amplitudes: (n_patches, n_bands, n_steps)."""
    seed = settings.seed
    interval = float(times[1])
    gains = own_level(settings, number, session)[..., None] + np.zeros(len(times))
    effects = class_effects(len(settings.classes)).transpose(1, 2, 0)
    codes = [settings.classes.index(label) for label in trials["label"]]
    expression = draw_wearer(settings, number).expression
    per_trial = settings.class_effect * expression * effects[..., codes]
    draws = Draws(seed, "trial", number, session)
    own = draw_field(draws, _TRIAL, len(trials)) * _TRIAL_BANDS[None, :, None]
    per_trial = per_trial + settings.trial_effect * own
    # What is a trial's own holds during the trial and ramps in the pauses: no step that a filter
    # would ring from.
    onsets = trials["onset"].to_numpy()
    knots = np.column_stack([onsets, onsets + settings.trial_seconds]).ravel()
    held = np.repeat(np.eye(len(trials)), 2, axis=1)
    gains += per_trial @ np.stack([np.interp(times, knots, row) for row in held])
    if settings.drift:
        draws = Draws(seed, "drift", number, session)
        gains += settings.drift * wander(draws, _WANDER, len(times), interval, DRIFT)
    if settings.stimulus_effect:
        for stimulus, onset in zip(trials["stimulus"], onsets, strict=True):
            inside = (times >= onset) & (times <= onset + settings.trial_seconds)
            course = clip_course(settings, stimulus, times[inside] - onset)
            gains[..., inside] += settings.stimulus_effect * course
    return gains


def clip_course(
    settings: SyntheticSettings, stimulus: str, times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give what a clip does to everybody, for a stimulus effect of 1.

    The k-th clips of all classes play the same course, each from another place on: it closes to a
    ring, which they enter evenly spaced. So classes differ in when something happens and in
    nothing else, neither in the mean over a trial, which is 0, nor in the spread about it; courses
    of their own would be an effect of the class, since a clip has one class.

    Parameters
    ----------
    settings : SyntheticSettings
        What the wearers are like; only seed, classes and length of the trial matter.
    stimulus : str
        The clip, as `plan.plan_trials` names it.
    times : ndarray, shape (n_times,)
        Seconds from the start of the clip.

    Returns
    -------
    ndarray, shape (n_patches, n_bands, n_times)
        Change of log amplitude: noise that forgets as exp(-t / 4 s), of variance 1 over time.

    Examples
    --------
    >>> settings = SyntheticSettings()
    >>> first = clip_course(settings, "clip01", np.array([10.0, 17.5]))
    >>> first.shape, np.array_equal(first, clip_course(settings, "clip02", np.array([0.0, 7.5])))
    ((24, 5, 2), True)
    """
    number, of_class = divmod(int(stimulus.removeprefix("clip")) - 1, len(settings.classes))
    n = int(np.ceil(settings.trial_seconds * _STEPS_PER_SECOND))
    interval = settings.trial_seconds / n
    noise = Draws(settings.seed, "clip", number).normal((n, N_TERMS)).T
    # x[k + 1] = keep x[k] + e, round the ring and without its mean.
    keep = np.exp(-interval / _CLIP_SECONDS)
    response = 1 / (1 - keep * np.exp(-2j * np.pi * np.arange(n // 2 + 1) / n))
    response[0] = 0.0
    ring = irfft(rfft(noise, axis=1) * response, n=n, axis=1)
    ring /= irfft(response, n=n).std() * np.sqrt(n)
    course = combine(ring, _CLIP)
    place = times / interval + n * of_class / len(settings.classes)
    step = np.floor(place).astype(np.intp)
    part = place - step
    return np.asarray((1 - part) * course[..., step % n] + part * course[..., (step + 1) % n])
