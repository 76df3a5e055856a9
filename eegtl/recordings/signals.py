"""What makes the samples of a recording usable as EEG in volts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SubjectError

MAX_VOLTS = 1.0
"""Magnitude in volts above which a sample is no EEG but a fault of the line, which is a gap."""

MAX_STANDARD_DEVIATION = 1e-2
"""What no channel in volts exceeds (10 mV; EEG has 5 to 100 uV)."""

MIN_STANDARD_DEVIATION = 1e-9
"""Median over channels below which values cannot be volts (1 nV; amplifiers have 100 nV noise)."""

# A recording in microvolts has some samples below 1; one in volts has few faults above it.
_FEW = 0.01
# Peak to peak relative to the largest magnitude: what is below is rounding of a constant.
_CONSTANT = 1e-9


def check_signals(
    data: Iterable[NDArray[np.float64]], ch_names: Sequence[str], *, file: str, subject: str
) -> None:
    """Refuse samples that cannot be EEG in volts.

    Samples that are not finite, or beyond 1 V, are gaps and allowed, as long as every channel has
    some others. A channel that is constant is allowed too, where others are not: the features mark
    its windows as flat.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_times), or iterable of its rows
        Samples in volts; one row after the other is looked at.
    ch_names : sequence of str
        Names of the channels.
    file, subject : str
        Named in the error.

    Raises
    ------
    SubjectError
        When there are no samples, a channel has no finite sample, all are constant, or the scale
        of one is not that of volts.

    Examples
    --------
    >>> check_signals(np.array([[1e-5, -1e-5]]), ["Cz"], file="a.edf", subject="1")
    """

    def error(problem: str) -> SubjectError:
        return SubjectError(problem, file=file, subject=subject)

    rows = [_look(row) for row in data]
    if not rows or not rows[0].n_times:
        n_times = rows[0].n_times if rows else 0
        raise error(f"the recording holds no samples ({len(rows)} channels x {n_times} times)")
    usable = np.array([row.usable for row in rows])
    if not usable.any():
        raise error(
            f"all {len(rows)} channels hold only NaN; export the recording again, or re-run "
            "with --skip-bad to leave it out"
        )
    if not usable.all():
        dead = [name for name, good in zip(ch_names, usable, strict=True) if not good]
        raise error(
            f"channel {dead[0]!r} holds only NaN ({len(dead)} of {len(ch_names)} channels do: "
            f"{', '.join(dead)}). Choose other channels with --channels, or re-run with "
            "--skip-bad to leave this recording out"
        )
    scales = [row.scale for row in rows]
    worst = int(np.argmax(scales))
    if scales[worst] > MAX_STANDARD_DEVIATION:
        typical = float(np.median(scales))
        n_large = int(np.sum(np.array(scales) > MAX_STANDARD_DEVIATION))
        raise error(
            f"channel {ch_names[worst]!r} has a standard deviation of {scales[worst]:.3g} V "
            f"({n_large} of {len(ch_names)} channels are above {MAX_STANDARD_DEVIATION:g} V, the "
            f"median is {typical:.3g} V), EEG has about 1e-05 V: microvolts were taken for volts, "
            "or the electrode was off. Multiply the samples by 1e-6, correct the unit in the "
            "file's header, or leave the channel out with --channels"
        )
    far = [name for name, row in zip(ch_names, rows, strict=True) if row.far]
    if far:
        raise error(
            f"channel {far[0]!r} lies beyond {MAX_VOLTS:g} V in every "
            "sample, which no electrode does. Take the offset off, or correct the unit in the "
            "file's header"
        )
    alive = [scale for scale in scales if scale > 0]
    if not alive:
        raise error(
            f"all {len(ch_names)} channels are constant, so the recording holds no signal; export "
            "it again, or re-run with --skip-bad to leave it out"
        )
    typical = float(np.median(alive))
    if typical < MIN_STANDARD_DEVIATION:
        raise error(
            f"the channels have a standard deviation of {typical:.3g} V (median), EEG has about "
            "1e-05 V: volts were scaled as if they were microvolts. Correct the unit in the "
            "file's header, or do not scale the samples"
        )


@dataclass(frozen=True)
class _Row:
    """What matters of one channel: any finite sample, its scale, and none within 1 V."""

    n_times: int
    usable: bool
    scale: float
    far: bool


def _look(row: NDArray[np.float64]) -> _Row:
    """Look at one channel."""
    if not len(row):
        return _Row(0, False, 0.0, False)
    low, high = float(row.min()), float(row.max())
    # The extremes answer the usual case; NaN in the data is one of them and compares as false.
    if -MAX_VOLTS <= low <= high <= MAX_VOLTS:
        return _Row(len(row), True, _scale(row, low, high), False)
    values = row[np.isfinite(row)]
    if not len(values):
        return _Row(len(row), False, 0.0, True)
    low, high = float(values.min()), float(values.max())
    far = low > MAX_VOLTS or high < -MAX_VOLTS or not (np.abs(values) <= MAX_VOLTS).any()
    return _Row(len(row), True, _scale(values, low, high), far)


def _scale(values: NDArray[np.float64], low: float, high: float) -> float:
    """Return the standard deviation without a few faults above 1 V; 0 for a constant."""
    largest = max(abs(low), abs(high))
    if largest > MAX_VOLTS:
        possible = values[np.abs(values) <= MAX_VOLTS]
        if len(possible) >= (1 - _FEW) * len(values):
            values, low, high = possible, float(possible.min()), float(possible.max())
            largest = max(abs(low), abs(high))
    if high - low <= _CONSTANT * largest:
        return 0.0
    # Divided first, so that no square overflows.
    return largest * float((values / largest).std())
