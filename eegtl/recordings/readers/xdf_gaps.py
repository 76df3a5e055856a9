"""Where samples of a stream were lost, among late packets and stalls of the line."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Seconds within which a stall of the line is made up for, or samples were lost.
_STALL = 5.0
_LEAST = 48  # samples; four packets of twelve
_GAP_SAMPLES = 1.5
#: Seconds that must be missing near an end, where a late packet and a gap look alike.
_END = 1.0


def lost_samples(stamps: Floats, sfreq: float) -> list[tuple[int, int]]:
    """Find where samples were lost.

    A stamp may come late, never early: the earliest of some seconds tell the true time. When a
    line stalls, samples pile up and catch up; when samples are lost, all later ones stay late. So
    samples are missing where the earliest stamp of the next 5 s, against an even grid, is later
    than that of the 5 s before by more than 1.5 samples beyond what is usual in this stream; and
    by more than a second in the first and last 1.25 s.

    Parameters
    ----------
    stamps : ndarray, shape (n_times,)
        Seconds, in order of arrival; at least two.
    sfreq : float
        Rate in Hz; that of the stamps may differ by 1 %.

    Returns
    -------
    list of (int, int)
        Position of the first sample after a gap, and the number of samples lost before it.

    Examples
    --------
    >>> lost_samples(np.delete(np.arange(2000) / 256.0, slice(400, 436)), 256.0)
    [(400, 36)]
    """
    count = np.arange(len(stamps))
    late = (stamps - stamps[0]) * sfreq - count
    window = window_length(sfreq)
    quarter = window // 4
    first = [at + int(late[at : at + quarter].argmin()) for at in range(0, len(late), quarter)]
    limit = _GAP_SAMPLES
    if len(first) > 1:
        # A gap shows in one of these differences, the true rate in all of them.
        slope = float(np.median(np.diff(late[first]) / np.diff(first)))
        late = (stamps - stamps[0]) * (sfreq / (1 + slope)) - count
        limit += 4 * float(np.median(np.abs(np.diff(late[first]))))
    # A single early stamp is none of the earliest meant here.
    late[1:-1] = np.maximum(late[1:-1], np.minimum(late[:-2], late[2:]))
    suspects = (np.flatnonzero(np.diff(late) > _GAP_SAMPLES) + 1).tolist()
    gaps = []
    for k, at in enumerate(suspects):
        while _is_gap(late, at, limit, sfreq):
            near = suspects[k : bisect_left(suspects, at + quarter)]
            near = [each for each in near if _is_gap(late, each, limit, sfreq)]
            # Jitter blurs a gap: of those near by, it is where the largest step is. Of two gaps,
            # the first is taken first, since behind the second both are seen.
            while near:
                best = max(near, key=lambda each: late[each] - late[each - 1])
                near = [
                    each
                    for each in near
                    if best - each >= window // 10 and _later(late[:best], each, window) > limit
                ]
            lost = round(_later(late, best, window))
            gaps.append((best, lost))
            late[best:] -= lost
    return sorted(gaps)


def window_length(sfreq: float) -> int:
    """Return how many samples tell a stall of the line from a gap.

    Parameters
    ----------
    sfreq : float
        Rate in Hz.

    Returns
    -------
    int

    Examples
    --------
    >>> window_length(256.0)
    1280
    """
    return max(_LEAST, round(_STALL * sfreq))


def _is_gap(late: Floats, at: int, limit: float, sfreq: float) -> bool:
    """Say whether the stamps stay later from a position on, by samples beyond a limit."""
    window = window_length(sfreq)
    # Near an end, a packet that came late and a gap look alike.
    is_inside = window // 4 <= at <= len(late) - window // 4
    return _later(late, at, window) > (limit if is_inside else max(limit, _END * sfreq))


def _later(late: Floats, at: int, window: int) -> float:
    """Return by how many samples the earliest stamp behind a position is later than before it."""
    return float(late[at : at + window].min() - late[max(0, at - window) : at].min())
