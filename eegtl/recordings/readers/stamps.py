"""Time stamps of headsets that send packets: rate, repeats, and where samples were lost."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ...errors import SignalWarning, SubjectError

_NEIGHBOURS = 256  # a second of Muse samples: its median stays put when packets come in bursts
_FEWEST = 48  # four packets of 12 samples
_GAP_SAMPLES = 1.5
_LONGEST_GAP = 600.0
_RATE_TOLERANCE = 0.01
_STRETCHES = (2.0, 0.5)  # s; the short one is whole more often where many packets are lost
_PASSES = 3
_LONGEST_REPEAT = 2560  # ten seconds of Muse samples
_FEWEST_REPEATED = 4
_CHECKED = 10.0  # s over which the rate must hold
_DRIFT = 0.02
_MISPLACED = 1.0  # s by which stamps may stand off without being told
_ADVICE = "Split the file there, or re-run with --skip-bad to leave this recording out"


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


def repeated_packets(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find packets that arrived again: stamps go back, and samples are those of shortly before.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_columns)
        Time stamp first.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        True for the rows that repeat earlier ones: at least four in a row, not all alike (a dead
        headset sends equal samples), within ten seconds.

    Examples
    --------
    >>> rows = np.arange(12.0).reshape(6, 2)
    >>> repeated_packets(rows[[0, 1, 2, 3, 4, 1, 2, 3, 4, 5]]).tolist()
    [False, False, False, False, False, True, True, True, True, False]
    """
    again = np.zeros(len(values), dtype=bool)
    samples = values[:, 1:]
    for at in (np.flatnonzero(np.diff(values[:, 0]) < 0) + 1).tolist():
        first = max(0, at - _LONGEST_REPEAT)
        equal = np.flatnonzero((samples[first:at] == samples[at]).all(axis=1))
        for start in (first + equal).tolist():
            length = min(at - start, len(values) - at)
            same = (samples[at : at + length] == samples[start : start + length]).all(axis=1)
            length = length if same.all() else int(np.argmin(same))
            block = samples[at : at + length]
            if length >= _FEWEST_REPEATED and (block != block[0]).any():
                again[at : at + length] = True
                break
    return again


def effective_rate(stamps: NDArray[np.float64], sfreq: float, seconds: float = 2.0) -> float:
    """Estimate the rate of samples from their time stamps.

    The median over all stretches of some seconds: jitter averages out, and a sample lost now and
    then spoils only some of them.

    Parameters
    ----------
    stamps : ndarray, shape (n_times,)
        Seconds, in order of arrival; at least two.
    sfreq : float
        Nominal rate in Hz.
    seconds : float
        Length of a stretch.

    Returns
    -------
    float
        Hz; infinite where the stamps do not advance.

    Examples
    --------
    >>> round(effective_rate(np.arange(5000) / 250.0, 256.0), 3)
    250.0
    """
    lag = max(1, min(round(seconds * sfreq), len(stamps) // 3))
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
    rate = _likely_rate(stamps, sfreq)
    if not _is_near(rate, sfreq):
        raise SubjectError(
            f"the time stamps give {rate:.2f} Hz, expected are {sfreq:g} Hz within 1 %. Check that "
            "the file holds raw samples of this device, or re-run with --skip-bad to leave this "
            "recording out",
            file=file,
            subject=subject,
        )


def _is_near(rate: float, sfreq: float) -> bool:
    """Say whether a rate is the nominal one within 1 %."""
    return abs(rate - sfreq) <= _RATE_TOLERANCE * sfreq


def _likely_rate(stamps: NDArray[np.float64], sfreq: float) -> float:
    """Return the rate over stretches so short that most of them are whole."""
    rates = [effective_rate(stamps, sfreq, seconds) for seconds in _STRETCHES]
    return next((rate for rate in rates if _is_near(rate, sfreq)), rates[0])


def find_gaps(
    stamps: NDArray[np.float64], sfreq: float, *, file: str, subject: str
) -> list[tuple[int, int]]:
    """Find where samples were lost.

    Stamps are made on the host when a packet arrives, so a late packet looks like a gap that the
    next packets take back. A gap is real when the stamps, compared with an even grid of their own
    rate, stay late: the median of the deviations of the next 256 samples exceeds that of the 256
    before by more than 1.5 samples beyond the jitter (the 95th percentile of the deviation from
    the running median). What the gaps leave unexplained is refused, or told where the order of
    the samples explains it.

    Parameters
    ----------
    stamps : ndarray, shape (n_times,)
        Seconds, in order of arrival.
    sfreq : float
        Nominal rate in Hz.
    file, subject : str
        Named in errors and warnings.

    Returns
    -------
    list of (int, int)
        Position of the first sample after a gap, and the number of samples lost before it.

    Raises
    ------
    SubjectError
        When the clock jumps back by more than a second or ahead by more than ten minutes, the
        rate changes, or the first or last 48 samples stand apart.

    Warns
    -----
    SignalWarning
        When the clock goes back though the samples go on, or some stamps stand apart.

    Examples
    --------
    >>> stamps = np.delete(np.arange(1000) / 256.0, slice(400, 436))
    >>> find_gaps(stamps, 256.0, file="a.csv", subject="S1")
    [(400, 36)]
    """

    def error(problem: str) -> SubjectError:
        return SubjectError(f"{problem}. {_ADVICE}", file=file, subject=subject)

    gaps: list[tuple[int, int]] = []
    for _ in range(_PASSES):
        # Without the gaps found so far, the rate is estimated better, and so are the gaps.
        closed = stamps.copy()
        for at, lost in gaps:
            closed[at:] -= lost / sfreq
        rate = _likely_rate(closed, sfreq)
        late = (stamps - stamps[0]) * rate - np.arange(len(stamps))
        steps = _take_steps_away(late)
        for at, shift in steps:
            if shift < -sfreq or shift > _LONGEST_GAP * sfreq:
                raise error(
                    f"the clock jumps by {shift / sfreq:+.1f} s at sample {at} (allowed are -1 to "
                    f"+{_LONGEST_GAP:g} s)"
                )
        before, gaps = gaps, [(at, round(shift)) for at, shift in steps if shift > 0]
        if gaps == before:
            break
    for at, shift in steps:
        if shift < 0:
            _warn(
                f"the clock goes back by {-shift / sfreq:.2f} s at sample {at} and the samples go "
                "on; they are taken to follow each other",
                file,
                subject,
            )
    _check_rest(late, rate, sfreq, file=file, subject=subject)
    return gaps


def _take_steps_away(late: NDArray[np.float64]) -> list[tuple[int, float]]:
    """Find where stamps stay later or earlier from a sample on, by how many samples; level it."""
    limit = _GAP_SAMPLES + _jitter(late)
    suspects = np.flatnonzero(np.abs(np.diff(late)) > limit) + 1
    # So near the ends a late packet and a gap look alike.
    suspects = suspects[(suspects >= _FEWEST) & (suspects <= len(late) - _FEWEST)]
    shifts = np.array([_shift(late, suspects, i) for i in range(len(suspects))])
    steps: list[tuple[int, float]] = []
    while suspects.size:
        best = int(np.argmax(np.abs(shifts)))
        at, shift = int(suspects[best]), float(shifts[best])
        if abs(shift) <= limit:
            break
        steps.append((at, shift))
        # With this step taken away, what its neighbours saw of it goes away too.
        late[at:] -= shift
        suspects, shifts = np.delete(suspects, best), np.delete(shifts, best)
        for i in range(*np.searchsorted(suspects, [at - _NEIGHBOURS, at + _NEIGHBOURS])):
            shifts[i] = _shift(late, suspects, i)
    return sorted(steps)


def _check_rest(
    late: NDArray[np.float64], rate: float, sfreq: float, *, file: str, subject: str
) -> None:
    """Refuse or tell what is left of the deviations, in samples, when steps are taken away."""

    def error(problem: str) -> SubjectError:
        return SubjectError(f"{problem}. {_ADVICE}", file=file, subject=subject)

    centre = median_filter(late, size=2 * _NEIGHBOURS + 1, mode="reflect")
    lag = min(round(_CHECKED * sfreq), len(late) - 1)
    drift = centre[lag:] - centre[:-lag]
    at = int(np.argmax(np.abs(drift)))
    if abs(drift[at]) > _DRIFT * _CHECKED * sfreq:
        local = rate * lag / (lag + drift[at])
        raise error(
            f"the rate changes: the time stamps give {local:.1f} Hz for {lag} samples from sample "
            f"{at} on, elsewhere {rate:.1f} Hz"
        )
    n = min(_FEWEST, len(late) // 3)
    ends = {"first": (late[:n], late[n:][:_NEIGHBOURS]), "last": (late[-n:], late[:-n])}
    for which, (end, inside) in ends.items():
        off = end - np.median(inside[-_NEIGHBOURS:])
        worst = off[np.argmax(np.abs(off))]
        if abs(worst) > _MISPLACED * sfreq:
            raise error(
                f"among the {which} {n} samples, time stamps stand {worst / sfreq:+.1f} s off "
                "those inside; so near the end of a file it cannot be told whether samples were "
                "lost"
            )
    apart = np.flatnonzero(np.abs(late - centre) > _MISPLACED * sfreq)
    if apart.size:
        _warn(
            f"{apart.size} time stamps stand more than {_MISPLACED:g} s off their neighbours, the "
            f"first at sample {apart[0]}; these samples are placed by their order",
            file,
            subject,
        )


def _warn(problem: str, file: str, subject: str) -> None:
    """Tell what was made of odd time stamps."""
    warnings.warn(f"{file} (subject {subject}): {problem}", SignalWarning, stacklevel=4)


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
