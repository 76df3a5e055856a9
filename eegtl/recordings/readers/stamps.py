"""Time stamps of headsets that send packets: rate, repeats, and where samples were lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ...errors import SubjectError

_NEIGHBOURS = 256  # a second of Muse samples: its median stays put when packets come in bursts
_FEWEST = 48  # four packets of 12 samples
_GAP_SAMPLES = 1.5
_LONGEST_GAP = 600.0
_RATE_TOLERANCE = 0.01


def repeated_rows(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find rows that are equal to the row before them in every column.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_columns)
        Time stamp first.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        True where a row repeats; the first of equal rows is kept.

    Examples
    --------
    >>> repeated_rows(np.array([[0.0, 5.0], [0.0, 5.0], [0.1, 5.0]])).tolist()
    [False, True, False]
    """
    same = np.zeros(len(values), dtype=bool)
    same[1:] = (values[1:] == values[:-1]).all(axis=1)
    return same


def effective_rate(stamps: NDArray[np.float64], sfreq: float) -> float:
    """Estimate the rate of samples from their time stamps.

    The median over all stretches of two seconds: jitter averages out, and a sample lost now and
    then spoils only some of them.

    Parameters
    ----------
    stamps : ndarray, shape (n_times,)
        Seconds, in order of arrival; at least two.
    sfreq : float
        Nominal rate in Hz.

    Returns
    -------
    float
        Hz; infinite where the stamps do not advance.

    Examples
    --------
    >>> round(effective_rate(np.arange(5000) / 250.0, 256.0), 3)
    250.0
    """
    lag = max(1, min(round(2 * sfreq), len(stamps) // 3))
    step = float(np.median(stamps[lag:] - stamps[:-lag]))
    return lag / step if step > 0 else float("inf")


def check_rate(stamps: NDArray[np.float64], sfreq: float, *, file: str, subject: str) -> None:
    """Refuse stamps whose rate differs from the nominal one by more than 1 %.

    Parameters
    ----------
    stamps : ndarray, shape (n_times,)
        Seconds, in order of arrival; at least two.
    sfreq : float
        Nominal rate in Hz.
    file, subject : str
        Named in the error.

    Raises
    ------
    SubjectError
        With both rates.
    """
    rate = effective_rate(stamps, sfreq)
    if not abs(rate - sfreq) <= _RATE_TOLERANCE * sfreq:
        raise SubjectError(
            f"the time stamps give {rate:.2f} Hz, expected are {sfreq:g} Hz within 1 %. Check that "
            "the file holds raw samples of this device, or re-run with --skip-bad to leave this "
            "recording out",
            file=file,
            subject=subject,
        )


def find_gaps(
    stamps: NDArray[np.float64], sfreq: float, *, file: str, subject: str
) -> list[tuple[int, int]]:
    """Find where samples were lost.

    Stamps are made on the host when a packet arrives, so a late packet looks like a gap that the
    next packets take back. A gap is real when the stamps, compared with an even grid of their own
    rate, stay late: the median of the deviations of the next 256 samples exceeds that of the 256
    before by more than 1.5 samples beyond the jitter (the 95th percentile of the deviation from
    the running median).

    Parameters
    ----------
    stamps : ndarray, shape (n_times,)
        Seconds, in order of arrival.
    sfreq : float
        Nominal rate in Hz.
    file, subject : str
        Named in the error.

    Returns
    -------
    list of (int, int)
        Position of the first sample after a gap, and the number of samples lost before it.

    Raises
    ------
    SubjectError
        When the clock jumps back by more than a second, or ahead by more than ten minutes.

    Examples
    --------
    >>> stamps = np.delete(np.arange(1000) / 256.0, slice(400, 436))
    >>> find_gaps(stamps, 256.0, file="a.csv", subject="S1")
    [(400, 36)]
    """
    late = (stamps - stamps[0]) * effective_rate(stamps, sfreq) - np.arange(len(stamps))
    limit = _GAP_SAMPLES + _jitter(late)
    suspects = np.flatnonzero(np.abs(np.diff(late)) > limit) + 1
    # So near the ends a late packet and a gap look alike.
    suspects = suspects[(suspects >= _FEWEST) & (suspects <= len(late) - _FEWEST)]
    shifts = np.array([_shift(late, suspects, i) for i in range(len(suspects))])
    gaps: list[tuple[int, int]] = []
    while suspects.size:
        best = int(np.argmax(np.abs(shifts)))
        at, shift = int(suspects[best]), float(shifts[best])
        if abs(shift) <= limit:
            break
        if shift < -sfreq or shift > _LONGEST_GAP * sfreq:
            raise SubjectError(
                f"the clock jumps by {shift / sfreq:+.1f} s at sample {at} (allowed are -1 to "
                f"+{_LONGEST_GAP:g} s). Split the file there, or re-run with --skip-bad to leave "
                "this recording out",
                file=file,
                subject=subject,
            )
        if shift > 0:
            gaps.append((at, round(shift)))
        # With this step taken away, what its neighbours saw of it goes away too.
        late[at:] -= shift
        suspects, shifts = np.delete(suspects, best), np.delete(shifts, best)
        for i in range(*np.searchsorted(suspects, [at - _NEIGHBOURS, at + _NEIGHBOURS])):
            shifts[i] = _shift(late, suspects, i)
    return sorted(gaps)


def _jitter(late: NDArray[np.float64]) -> float:
    """Return how far stamps usually stand from their running median, in samples."""
    centre = median_filter(late, size=2 * _NEIGHBOURS + 1, mode="nearest")
    return float(np.quantile(np.abs(late - centre), 0.95))


def _shift(late: NDArray[np.float64], suspects: NDArray[np.intp], i: int) -> float:
    """Return by how many samples the stamps stay later from suspect position `i` on.

    The stretches that are compared end at the next suspect, unless that is very near.
    """
    at = int(suspects[i])
    left = int(suspects[i - 1]) if i > 0 else 0
    right = int(suspects[i + 1]) if i + 1 < len(suspects) else len(late)
    before = late[max(0, at - _NEIGHBOURS, min(left, at - _FEWEST)) : at]
    after = late[at : min(at + _NEIGHBOURS, max(right, at + _FEWEST))]
    return float(np.median(after) - np.median(before))
