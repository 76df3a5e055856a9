"""Features of one recording: trials to marks, windows to rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import SignalWarning, SubjectError
from ..recordings.recording import Recording
from ..recordings.signals import MAX_VOLTS
from .stream import FeatureStream, Windows


@dataclass(frozen=True)
class RecordingFeatures:
    """Rows of one recording, before they are joined with others."""

    file: str
    subject: str
    ch_names: tuple[str, ...]
    columns: pd.MultiIndex
    X: NDArray[np.float64]
    meta: pd.DataFrame


def recording_features(
    recording: Recording, data: NDArray[np.float64], stream: FeatureStream
) -> RecordingFeatures:
    """Push the whole recording through a fresh stream; keep the windows inside trials."""
    trials = recording.trials
    starts, stops = trial_samples(recording, data.shape[1], stream)
    windows = stream.process(data, marks=starts)
    rows, trial_of = _inside(windows, starts, stops, stream.grid.length)
    empty = np.setdiff1d(np.arange(len(trials)), trial_of)
    if len(empty):
        usable = np.all(np.abs(data) <= MAX_VOLTS, axis=0)
        holed = [i for i in empty if not usable[starts[i] : stops[i]].all()]
        whole = [i for i in empty if i not in holed]
        for cause, lost in (("gaps leave", holed), ("rounding to whole samples leaves", whole)):
            if lost:
                names = ", ".join(str(trial) for trial in trials["trial"].iloc[lost])
                warnings.warn(
                    f"{recording.file} (subject {recording.subject}): {cause} no whole window in "
                    f"trial {names}",
                    SignalWarning,
                    stacklevel=4,
                )
    chosen = trials.iloc[trial_of].reset_index(drop=True)
    n_rows = len(rows)
    meta = pd.DataFrame(
        {
            "dataset": [recording.dataset] * n_rows,
            "recording": [recording.file] * n_rows,
            "subject": [recording.subject] * n_rows,
            "session": np.full(n_rows, recording.session, dtype=np.int64),
            "trial": chosen["trial"],
            "stimulus": chosen["stimulus"],
            "label": chosen["label"],
            "onset": windows.starts[rows] / stream.sfreq,
            "settling": windows.settling[rows],
            "flags": np.where(windows.flat[rows], "flat", ""),
        }
    )
    return RecordingFeatures(
        recording.file,
        recording.subject,
        stream.ch_names,
        stream.columns,
        windows.X[rows],
        meta,
    )


def trial_samples(
    recording: Recording, n_times: int, stream: FeatureStream
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and end sample of each trial; refuse one that is shorter than a window."""
    trials = recording.trials
    starts, lengths = (
        _nearest(trials[name].to_numpy(dtype=np.float64) * stream.sfreq)
        for name in ("onset", "duration")
    )
    short = np.flatnonzero(lengths < stream.grid.length)
    if len(short):
        trial, seconds = (trials[name].iloc[short[0]] for name in ("trial", "duration"))
        raise SubjectError(
            f"trial {trial} lasts {seconds:g} s, which is shorter than a window of "
            f"{stream.grid.length / stream.sfreq:g} s. Choose a shorter window, or re-run with "
            "--skip-bad to leave this recording out",
            file=recording.file,
            subject=recording.subject,
        )
    return starts, np.minimum(starts + lengths, n_times)


def _nearest(samples: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round times in samples, halves upwards, so that equal steps of time stay equal steps."""
    # Numbers that differ from a half by rounding in the last digits count as a half.
    return np.floor(np.round(samples, 6) + 0.5).astype(np.int64)


def _inside(
    windows: Windows, starts: NDArray[np.int64], stops: NDArray[np.int64], length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the windows that lie inside a trial, and the trial of each."""
    if not len(starts):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    trial = np.searchsorted(starts, windows.starts, side="right") - 1
    ends = windows.starts + length
    inside = (trial >= 0) & (ends <= stops[trial])
    rows = np.flatnonzero(inside)
    return rows, trial[rows]
