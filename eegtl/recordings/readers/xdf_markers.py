"""Markers of an XDF file, as trials and as annotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..markers import marker_label
from ..trials import TRIAL_COLUMNS
from .xdf_time import Part, place_times


@dataclass
class PlacedMarkers:
    """The markers in one part.

    Attributes
    ----------
    onsets : list of float
        Seconds from the start of the part.
    labels : list of str or int or float
        What they say.
    trials : list of tuple
        Rows of a trials table.
    """

    onsets: list[float] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    trials: list[tuple[Any, ...]] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """Return the trials table."""
        return pd.DataFrame(self.trials, columns=list(TRIAL_COLUMNS))


def place_markers(
    values: Sequence[Any],
    times: NDArray[np.float64],
    parts: Sequence[Part],
    sfreq: float,
    *,
    prefix: str,
) -> tuple[list[PlacedMarkers], list[str]]:
    """Place markers in the parts of a recording, and make trials of them.

    A marker opens a trial that lasts to the next marker or the end of its part. Trials are
    numbered through all parts. Where several markers come within a sample, the last of them opens
    the trial.

    Parameters
    ----------
    values : sequence of sequence
        What each marker says, channel by channel; several channels are joined by a slash.
    times : ndarray, shape (n_markers,)
        Seconds of the recorder's clock.
    parts : sequence of Part
        Of the signals.
    sfreq : float
        Nominal rate in Hz, which onsets refer to.
    prefix : str
        Begins the stimulus of each trial, which differs for all.

    Returns
    -------
    markers : list of PlacedMarkers
        One for each part.
    notes : list of str
        What was left out.

    Examples
    --------
    >>> part = Part(0, 2560, np.arange(2560), 100.0, 256.0, "")
    >>> placed, _ = place_markers([["calm"], ["fear"]], np.array([101.0, 105.0]), [part], 256.0,
    ...                           prefix="S1/1")
    >>> placed[0].table()[["label", "onset", "duration"]].to_numpy().tolist()
    [['calm', 1.0, 4.0], ['fear', 5.0, 5.0]]
    """
    order = np.argsort(times, kind="stable")
    placed = [PlacedMarkers() for _ in parts]
    where = place_times(times[order], parts)
    outside = [k for k, (index, _) in enumerate(where) if index < 0]
    instant = number = 0
    for k, (index, at) in enumerate(where):
        if index < 0:
            continue
        label = marker_label(values[order[k]])
        following = where[k + 1] if k + 1 < len(where) else (-1, 0.0)
        end = following[1] if following[0] == index else float(parts[index].n_times)
        placed[index].onsets.append(at / sfreq)
        placed[index].labels.append(label)
        # Labels may not be blank, and trials may not be empty.
        if end - at < 1 or label == "":
            instant += 1
            continue
        number += 1
        row = (number, f"{prefix}/{number}", label, at / sfreq, (end - at) / sfreq)
        placed[index].trials.append(row)
    notes = []
    if outside:
        first = times[order[outside[0]]]
        notes.append(
            f"{len(outside)} of {len(where)} markers lie outside the signals, the first at "
            f"{first:.3f} s"
        )
    if instant:
        notes.append(
            f"{instant} of {len(where)} markers are blank, or come less than a sample before the "
            "next one, and open no trial"
        )
    return placed, notes
