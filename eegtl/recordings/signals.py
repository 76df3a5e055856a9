"""What makes the samples of a recording usable as EEG in volts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import SubjectError

MAX_STANDARD_DEVIATION = 1e-2
"""Median over channels above which values cannot be volts (10 mV; EEG has 5 to 100 uV)."""

MIN_STANDARD_DEVIATION = 1e-9
"""Median over channels below which values cannot be volts (1 nV; amplifiers have 100 nV noise)."""


def check_signals(
    data: NDArray[np.float64], ch_names: Sequence[str], *, file: str, subject: str
) -> None:
    """Refuse samples that cannot be EEG in volts.

    Samples that are not finite are gaps and allowed, as long as every channel has some that are.
    A channel that is constant is allowed too: the features mark its windows as flat.

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
        When there are no samples, a channel has no finite sample, or the scale is not that of
        volts.

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
    deviations = np.array([row[good].std() for row, good in zip(data, finite, strict=True)])
    alive = deviations[deviations > 0]
    typical = float(np.median(alive)) if alive.size else 0.0
    if typical > MAX_STANDARD_DEVIATION:
        raise error(
            f"the channels have a standard deviation of {typical:.3g} V (median), EEG has about "
            "1e-05 V: microvolts were taken for volts. Multiply the samples by 1e-6, or correct "
            "the unit in the file's header"
        )
    if 0 < typical < MIN_STANDARD_DEVIATION:
        raise error(
            f"the channels have a standard deviation of {typical:.3g} V (median), EEG has about "
            "1e-05 V: volts were scaled as if they were microvolts. Correct the unit in the "
            "file's header, or do not scale the samples"
        )
