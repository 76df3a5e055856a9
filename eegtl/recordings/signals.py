"""What makes the samples of a recording usable as EEG in volts."""

from __future__ import annotations

from collections.abc import Sequence

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
    data: NDArray[np.float64], ch_names: Sequence[str], *, file: str, subject: str
) -> None:
    """Refuse samples that cannot be EEG in volts.

    Samples that are not finite, or beyond 1 V, are gaps and allowed, as long as every channel has
    some others. A channel that is constant is allowed too, where others are not: the features mark
    its windows as flat.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_times)
        Samples in volts.
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

    if data.shape[0] == 0 or data.shape[1] == 0:
        raise error(
            f"the recording holds no samples ({data.shape[0]} channels x {data.shape[1]} times)"
        )
    finite = np.isfinite(data)
    usable = np.asarray(finite.any(axis=1))
    if not usable.any():
        raise error(
            f"all {data.shape[0]} channels hold only NaN; export the recording again, or re-run "
            "with --skip-bad to leave it out"
        )
    if not usable.all():
        dead = [name for name, good in zip(ch_names, usable, strict=True) if not good]
        raise error(
            f"channel {dead[0]!r} holds only NaN ({len(dead)} of {len(ch_names)} channels do: "
            f"{', '.join(dead)}). Choose other channels with --channels, or re-run with "
            "--skip-bad to leave this recording out"
        )
    scales = [_scale(row[good]) for row, good in zip(data, finite, strict=True)]
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
    far = ~(np.abs(data) <= MAX_VOLTS).any(axis=1)
    if far.any():
        raise error(
            f"channel {ch_names[int(np.argmax(far))]!r} lies beyond {MAX_VOLTS:g} V in every "
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


def _scale(values: NDArray[np.float64]) -> float:
    """Return the standard deviation without a few faults above 1 V; 0 for a constant."""
    largest = float(np.abs(values).max())
    if largest > MAX_VOLTS:
        possible = values[np.abs(values) <= MAX_VOLTS]
        if len(possible) >= (1 - _FEW) * len(values):
            values, largest = possible, float(np.abs(possible).max())
    if np.ptp(values) <= _CONSTANT * largest:
        return 0.0
    # Divided first, so that no square overflows.
    return largest * float((values / largest).std())
