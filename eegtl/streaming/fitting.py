"""Whether a stream fits a profile: its rate, its features, its channels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import InputError, SignalError, SignalWarning
from ..features.stream import FeatureStream
from ..personalize.profile import Profile
from ..preprocessing import ArtefactMarks, Dropouts

#: Steps of preprocessing behind which a channel is in all others, too.
_MIXING = ("reference", "harmonise", "asr")


def stream_for(profile: Profile, rate: float) -> FeatureStream:
    """Begin a stream that makes the features of a profile.

    Parameters
    ----------
    profile : Profile
    rate : float
        Sampling rate of the signal in Hz.

    Returns
    -------
    FeatureStream

    Raises
    ------
    SignalError
        When windows would be cut at another rate than the profile's, or of other bands.
    InputError
        When the model reads another number of features.
    """
    stream, expected = started(profile, rate), started(profile, profile.sfreq)
    if abs(stream.sfreq - expected.sfreq) > 1e-3 * expected.sfreq:
        raise SignalError(
            f"the stream has {rate:g} Hz, but the profile was made from signals of "
            f"{profile.sfreq:g} Hz and does not resample them. Make the profile with "
            f"preprocessing=[Resample({min(rate, profile.sfreq):g})], or stream at its rate."
        )
    if stream.bands != expected.bands:
        raise SignalError(
            f"at {rate:g} Hz the signal holds the bands {_words(stream.bands)}, but the profile is "
            f"of {_words(expected.bands)}: features of one name would be of unlike "
            f"frequencies. Stream at {profile.sfreq:g} Hz."
        )
    n = int(profile.model.n_features_in_)
    if stream.n_features != n:
        raise InputError(
            f"the model of the profile reads {n} features, but its extractor makes "
            f"{stream.n_features} of its channels {', '.join(profile.ch_names)}; give a profile as "
            "Profile.fit makes it."
        )
    return stream


def started(profile: Profile, rate: float) -> FeatureStream:
    """Begin a stream of a profile; which bands are clipped was said when it was made.

    Parameters
    ----------
    profile : Profile
    rate : float
        Hz.

    Returns
    -------
    FeatureStream
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SignalWarning)
        return profile.extractor.start(rate, profile.ch_names, profile.passband)


def _words(bands: Mapping[str, tuple[float, float]]) -> str:
    return ", ".join(f"{name} {low:g}-{high:g} Hz" for name, (low, high) in bands.items())


def quality_of(profile: Profile) -> ArtefactMarks:
    """Give the limits beyond which a channel is bad, as a profile's preprocessing has them.

    They judge the signal as it arrives, in front of all steps.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    ArtefactMarks
        Those among the steps, or the usual ones; without dropouts where `Dropouts` mends them.
    """
    steps = profile.extractor.preprocessing.steps
    marks = next((step for step in steps if isinstance(step, ArtefactMarks)), ArtefactMarks())
    mends = any(isinstance(step, Dropouts) for step in steps)
    return replace(marks, dropout=None) if mends else marks


def judged_channels(profile: Profile) -> tuple[str, ...]:
    """Name the channels whose faults spoil features.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    tuple of str
        Those behind the preprocessing; all, where a step mixes channels before some are dropped.
    """
    if mixing_steps(profile):
        return profile.ch_names
    stream = started(profile, profile.sfreq)
    return tuple(name for name in profile.ch_names if name in stream.ch_names)


def mixing_steps(profile: Profile) -> list[str]:
    """Name the steps behind which a channel is in all others, too.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    list of str
    """
    return [step.name for step in profile.extractor.preprocessing.steps if step.name in _MIXING]


def rows_of(profile: Profile, ch_names: Sequence[str]) -> list[int]:
    """Find the rows of chunks that hold a profile's channels.

    Parameters
    ----------
    profile : Profile
    ch_names : sequence of str
        Canonical names of the rows.

    Returns
    -------
    list of int

    Raises
    ------
    SignalError
        When channels are missing.
    """
    place = {name: i for i, name in enumerate(ch_names)}
    missing = [name for name in profile.ch_names if name not in place]
    if missing:
        raise SignalError(
            f"the stream lacks the channels {', '.join(missing)} of the profile; it has "
            f"{', '.join(map(str, ch_names)) or 'none'}. Stream all of "
            f"{', '.join(profile.ch_names)}, or make a profile for these channels."
        )
    return [place[name] for name in profile.ch_names]
