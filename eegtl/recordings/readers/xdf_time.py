"""The time stamps of an XDF stream: where its clock was reset, where samples are missing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalWarning
from .stamps import check_rate, effective_rate
from .xdf_gaps import lost_samples, window_length

Floats = NDArray[np.float64]

#: Seconds of lost samples that are filled with NaN; where more are lost, a new part begins.
LONGEST_FILLED = 1.0
#: Seconds that a part must have; a window and the settling of filters need more.
SHORTEST = 1.0
_NOMINAL, _EVEN = 0.01, 0.03  # shares of a rate
_BACK = -1.0  # s; what goes back less is jitter, or a packet that came late
_NEIGHBOURS = 48
_FITS, _OUTLIERS = 4, 5.0
_WANDER = 0.1  # s by which markers may be misplaced without being told
_APART = 86400.0
#: Stamps in this range look like seconds since 1970 (2001 to 2096).
_UNIX = (1e9, 4e9)


@dataclass(frozen=True)
class Part:
    """Samples of a stream between which no time is missing that is not filled.

    Attributes
    ----------
    start, stop : int
        Its samples in the stream.
    place : ndarray of int, shape (stop - start,)
        Where each stands on an even grid; places between are lost samples.
    origin : float
        Time of the first place, in seconds of the recorder's clock.
    rate : float
        Effective rate in Hz, by the stamps.
    reason : str
        Why it does not go on from the part before; "" for the first.
    """

    start: int
    stop: int
    place: NDArray[np.intp]
    origin: float
    rate: float
    reason: str

    @property
    def n_times(self) -> int:
        """Number of places on the grid."""
        return int(self.place[-1]) + 1

    @property
    def end(self) -> float:
        """Time of the end of the last sample, in seconds of the recorder's clock."""
        return self.origin + self.n_times / self.rate


def grid_rate(stamps: Floats, resets: Sequence[int], sfreq: float) -> float:
    """Return the rate of the grid that samples stand on.

    Parameters
    ----------
    stamps : ndarray, shape (n_times,)
        Seconds of the recorder's clock, in order of arrival.
    resets : sequence of int
        First samples after a reset of the sender's clock.
    sfreq : float
        Nominal rate in Hz.

    Returns
    -------
    float
        The nominal rate, unless the stamps say otherwise by more than 1 % and are even: lost
        samples make steps of several lengths, a device that runs at another rate does not.

    Examples
    --------
    >>> grid_rate(np.arange(1000) / 93.0, [], 100.0), grid_rate(np.arange(1000) / 99.5, [], 100.0)
    (93.0, 100.0)
    """
    edges = sorted({0, *resets, *_jumps(stamps), len(stamps)})
    start, stop = max(pairwise(edges), key=lambda pair: pair[1] - pair[0])
    own = stamps[start:stop]
    if len(own) < 2:
        return sfreq
    rate = effective_rate(own, sfreq)
    usual, mean = float(np.median(np.diff(own))), float(own[-1] - own[0]) / (len(own) - 1)
    even = abs(usual * rate - 1) <= _EVEN and abs(mean * rate - 1) <= _EVEN
    return sfreq if abs(rate - sfreq) <= _NOMINAL * sfreq or not even else round(rate, 3)


def split_parts(
    stamps: Floats,
    sent: Floats,
    resets: Sequence[int],
    sfreq: float,
    *,
    file: str,
    subject: str,
) -> tuple[list[Part], list[str]]:
    """Split a stream where its clock was reset, goes back, or more than a second is missing.

    Parameters
    ----------
    stamps : ndarray, shape (n_times,)
        Seconds of the recorder's clock, in order of arrival.
    sent : ndarray, shape (n_times,)
        The same as the sender stamped them.
    resets : sequence of int
        First samples after a reset of the sender's clock.
    sfreq : float
        Rate of the grid in Hz.
    file, subject : str
        Named in errors and warnings.

    Returns
    -------
    parts : list of Part
        In the order of the file.
    left_out : list of str
        What is too short to be one, in words.

    Raises
    ------
    SubjectError
        When the rate by the stamps is not `sfreq` within 1 %.

    Warns
    -----
    SignalWarning
        When the stamps do not run evenly, so that markers cannot be placed well.

    Examples
    --------
    >>> stamps = np.delete(np.arange(2000) / 256.0, slice(700, 1200))
    >>> parts, _ = split_parts(stamps, stamps, [], 256.0, file="a.xdf", subject="S1")
    >>> [(part.start, part.stop, part.reason) for part in parts]
    [(0, 700, ''), (700, 1500, '1.95 s (500 samples) are missing')]
    """
    cuts = {0: ""}
    cuts |= {at: _jump(stamps, at) for at in _jumps(stamps)}
    for at in resets:
        cuts[at] = (
            f"the clock of the sender was reset (its stamps go from {sent[at - 1]:.3f} to "
            f"{sent[at]:.3f} s, {stamps[at] - stamps[at - 1]:+.2f} s by the recorder's clock)"
        )
    parts: list[Part] = []
    left_out = []
    edges = [*sorted(cuts), len(stamps)]
    for start, stop in pairwise(edges):
        if _is_short(stop - start, sfreq):
            left_out.append(_left_out(start, stop, cuts[start]))
            continue
        own = stamps[start:stop]
        check_rate(own, sfreq, file=file, subject=subject)
        gaps = lost_samples(own, sfreq)
        reasons = {0: cuts[start]}
        for at, lost in gaps:
            if lost > LONGEST_FILLED * sfreq:
                reasons[at] = f"{lost / sfreq:.2f} s ({lost} samples) are missing"
        inner = [*reasons, len(own)]
        for first, last in pairwise(inner):
            if _is_short(last - first, sfreq):
                left_out.append(_left_out(start + first, start + last, reasons[first]))
                continue
            inside = [(at - first, lost) for at, lost in gaps if first < at < last]
            part = _part(own[first:last], inside, start + first, sfreq, reason=reasons[first])
            _warn_of_wander(part, own[first:last], file, subject)
            parts.append(part)
    return parts, left_out


def _jumps(stamps: Floats) -> list[int]:
    """Find where the clock goes back by more than a second, and stays there."""
    found = []
    for at in (np.flatnonzero(np.diff(stamps) < _BACK) + 1).tolist():
        # One stamp that stands apart is no jump.
        before, after = stamps[max(0, at - _NEIGHBOURS) : at], stamps[at : at + _NEIGHBOURS]
        if np.median(after) - np.median(before) < _BACK:
            found.append(at)
    return found


def _jump(stamps: Floats, at: int) -> str:
    return (
        f"the clock goes back ({stamps[at] - stamps[at - 1]:+.2f} s), and the file has no clock "
        "offsets that explain it"
    )


def _warn_of_wander(part: Part, stamps: Floats, file: str, subject: str) -> None:
    """Tell where stamps leave the line on which markers are placed."""
    off = stamps - part.origin - part.place / part.rate
    size = window_length(part.rate)
    blocks = [float(np.median(off[at : at + size])) for at in range(0, len(off) - size + 1, size)]
    worst = max((abs(each) for each in blocks), default=0.0)
    if worst > _WANDER:
        warnings.warn(
            f"{file} (subject {subject}): the time stamps do not run evenly, and leave a line by "
            f"up to {worst:.2f} s; markers may be misplaced by as much",
            SignalWarning,
            stacklevel=4,
        )


def _is_short(n: int, sfreq: float) -> bool:
    return n < max(2, SHORTEST * sfreq)


def _left_out(start: int, stop: int, reason: str) -> str:
    behind = f" behind this: {reason}" if reason else ""
    return f"{stop - start} samples from sample {start} on are fewer than a second{behind}"


def _part(
    stamps: Floats, gaps: Sequence[tuple[int, int]], start: int, sfreq: float, *, reason: str
) -> Part:
    """Place samples on the grid, and fit a line to their stamps against jitter."""
    place = np.arange(len(stamps))
    for at, lost in gaps:
        place[at:] += lost
    centre, used = place.mean(), np.ones(len(stamps), dtype=bool)
    for _ in range(_FITS):
        step, middle = np.polyfit(place[used] - centre, (stamps - stamps[0])[used], 1)
        off = stamps - stamps[0] - middle - step * (place - centre)
        off -= np.median(off)
        # What a stall delayed, or stands apart, says nothing of the line.
        used = np.abs(off) <= max(_OUTLIERS * float(np.median(np.abs(off))), 1.0 / sfreq)
    return Part(
        start=start,
        stop=start + len(stamps),
        place=place,
        origin=float(stamps[0] + middle - step * centre),
        rate=float(1.0 / step),
        reason=reason,
    )


def place_times(times: Floats, parts: Sequence[Part]) -> list[tuple[int, float]]:
    """Find the parts in which some times lie.

    Parameters
    ----------
    times : ndarray, shape (n,)
        Seconds of the recorder's clock.
    parts : sequence of Part
        Not overlapping.

    Returns
    -------
    list of (int, float)
        For each time the index of its part, -1 for none, and its place there in samples from the
        first, as a fraction, at least 0.

    Examples
    --------
    >>> part = Part(0, 512, np.arange(512), 100.0, 256.0, "")
    >>> place_times(np.array([99.0, 101.0]), [part])
    [(-1, 0.0), (0, 256.0)]
    """
    found = []
    for time in times.tolist():
        for index, part in enumerate(parts):
            # Rounded, since the line through the stamps is only so exact; half a sample is noise.
            at = round((time - part.origin) * part.rate, 6)
            if -0.5 <= at < part.n_times - 0.5:
                found.append((index, max(0.0, at)))
                break
        else:
            found.append((-1, 0.0))
    return found


def why_not_aligned(parts: Sequence[Part], times: Floats) -> str:
    """Say why times of another stream cannot be placed in these parts.

    Parameters
    ----------
    parts : sequence of Part
        Of the signals, at least one.
    times : ndarray, shape (n,)
        Of the other stream, in seconds.

    Returns
    -------
    str
        "" where nothing stands against it.

    Examples
    --------
    >>> part = Part(0, 512, np.arange(512), 100.0, 256.0, "")
    >>> print(why_not_aligned([part], np.array([1.7e9])))
    their clocks differ by 19675.9 days: 100.0 s, which is no time since 1970, against ...
    """
    for before, after in pairwise(parts):
        if after.origin < before.end + _BACK:
            return (
                f"its own clock goes back from {before.end:.1f} to {after.origin:.1f} s, and the "
                "file has no clock offsets that explain it, so that a time may mean two places"
            )
    first, last = parts[0].origin, parts[-1].end
    distance = max(first - float(times.max()), float(times.min()) - last)
    if distance > _APART:
        return (
            f"their clocks differ by {distance / 86400:.1f} days: {_clock(first)}, against "
            f"{_clock(float(times.min()))}. One program stamped with the time since 1970, another "
            "with LSL's local clock, and nothing in the file says how they relate"
        )
    return ""


def _clock(time: float) -> str:
    """Describe a time."""
    if _UNIX[0] <= time <= _UNIX[1]:
        return f"{time:.1f} s, which as time since 1970 is {np.datetime64(int(time), 's')}"
    return f"{time:.1f} s, which is no time since 1970"
