"""Features of one recording: trials to marks, windows to rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import SignalWarning, SubjectError
from ..preprocessing import usable_runs
from ..preprocessing.whole import warn_of_bads
from ..recordings.recording import Recording
from .columns import ColumnName
from .smoothing import LDS, MovingAverage
from .stream import BLOCK_VALUES, FeatureStream
from .windows import Windows


@dataclass(frozen=True)
class RecordingFeatures:
    """Rows of one recording, before they are joined with others."""

    file: str
    subject: str
    sfreq: float
    passband: tuple[float, float] | None
    inputs: tuple[str, ...]
    ch_names: tuple[str, ...]
    column_names: list[ColumnName]
    delay: float
    notes: tuple[str, ...]
    causal: bool
    X: NDArray[np.float64]
    meta: pd.DataFrame


class Samples:
    """The samples of one recording, piece by piece.

    Those of a raw that is in memory are not copied as a whole; others are read once.

    Parameters
    ----------
    recording : Recording
        Where they are.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._data = None if recording.raw.preload else recording.get_data()
        self._order: list[int] | None = None

    def rows(self) -> Iterator[NDArray[np.float64]]:
        """Yield the channels one by one, in the order of the recording."""
        for row in range(len(self._recording.ch_names)):
            if self._data is None:
                yield self._recording.raw.get_data(picks=[row])[0]
            else:
                yield self._data[row]

    def reorder(self, ch_names: Sequence[str]) -> None:
        """Give the channels of pieces in another order."""
        self._order = [self._recording.ch_names.index(name) for name in ch_names]

    def piece(self, start: int, stop: int) -> NDArray[np.float64]:
        """Give the samples start..stop of all channels in volts."""
        if self._data is None:
            data = self._recording.get_data(start, min(stop, self._recording.n_times))
        else:
            data = self._data[:, start:stop]
        return data if self._order is None else data[self._order]


def recording_features(
    recording: Recording,
    samples: Samples,
    inputs: tuple[str, ...],
    stream: FeatureStream,
    smoothing: MovingAverage | LDS | None = None,
) -> RecordingFeatures:
    """Push the whole recording through a fresh stream; keep the windows inside trials.

    `smoothing` is one that needs whole trials, which the stream cannot do.
    """
    trials = recording.trials
    marks = _nearest(trials["onset"].to_numpy(dtype=np.float64) * recording.sfreq)
    starts, stops = _trial_samples(recording, marks, stream)
    warn_of_bads(recording, stream.chain)
    parts = []
    block = max(1, BLOCK_VALUES // len(inputs))
    for begin in range(0, recording.n_times, block):
        inside = marks[(begin <= marks) & (marks < begin + block)] - begin
        parts.append(stream.process(samples.piece(begin, begin + block), marks=inside))
    windows = Windows.join([*parts, stream.finish()])
    rows, trial_of = _inside(windows, starts, stops, stream.grid.length)
    empty = np.setdiff1d(np.arange(len(trials)), trial_of)
    if len(empty):
        _warn_of_empty_trials(recording, samples, empty, marks)
    chosen = trials.iloc[trial_of].reset_index(drop=True)
    n_rows = len(rows)
    X, settling = windows.X[rows], windows.settling[rows]
    if smoothing is not None:
        groups = np.stack([trial_of, windows.runs[rows], settling], axis=1)
        changes = np.flatnonzero((np.diff(groups, axis=0) != 0).any(axis=1)) + 1
        step = stream.grid.stride / stream.sfreq
        for group in np.split(np.arange(n_rows), changes):
            X[group] = smoothing.smooth(X[group], step)
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
            "settling": settling,
            "flags": windows.flags[rows].astype(str),
        }
    )
    return RecordingFeatures(
        recording.file,
        recording.subject,
        recording.sfreq,
        recording.passband,
        inputs,
        stream.ch_names,
        stream.column_names,
        stream.delay,
        stream.notes,
        recording.causal,
        X,
        meta,
    )


def _warn_of_empty_trials(
    recording: Recording,
    samples: Samples,
    empty: NDArray[np.intp],
    starts: NDArray[np.int64],
) -> None:
    """Say which trials give no window, and why."""
    trials = recording.trials
    lengths = _nearest(trials["duration"].to_numpy(dtype=np.float64) * recording.sfreq)
    holed = []
    for trial in empty:
        piece = samples.piece(int(starts[trial]), int(starts[trial] + lengths[trial]))
        if usable_runs(piece) != [(0, piece.shape[1])]:
            holed.append(trial)
    whole = [trial for trial in empty if trial not in holed]
    for cause, lost in (("gaps leave", holed), ("rounding to whole samples leaves", whole)):
        if lost:
            names = ", ".join(str(trial) for trial in trials["trial"].iloc[lost])
            warnings.warn(
                f"{recording.file} (subject {recording.subject}): {cause} no whole window in "
                f"trial {names}",
                SignalWarning,
                stacklevel=6,
            )


def _trial_samples(
    recording: Recording, marks: NDArray[np.int64], stream: FeatureStream
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give first and end sample of each trial behind the preprocessing.

    Refuses a trial that is shorter than a window.
    """
    trials = recording.trials
    lengths = _nearest(trials["duration"].to_numpy(dtype=np.float64) * stream.sfreq)
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
    starts = stream.output_samples(marks)
    return starts, starts + lengths


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
