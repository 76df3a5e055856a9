"""A recording of noise with trials, made in memory."""

from __future__ import annotations

import mne
import numpy as np
import pandas as pd

from eegtl.recordings import Recording


def make_noise_recording(
    data=None, *, names=("F3", "F4", "P3"), sfreq=128.0, seconds=60.0, trials=(), **options
):
    """Trials are (number, onset, duration); noise of 10 uV where no data are given."""
    if data is None:
        rng = np.random.default_rng(len(names))
        data = 1e-5 * rng.standard_normal((len(names), round(seconds * sfreq)))
    numbers, onsets, durations = (list(column) for column in zip(*trials, strict=True))
    table = pd.DataFrame(
        {
            "trial": numbers,
            "stimulus": [f"clip{number}" for number in numbers],
            "label": [number % 2 for number in numbers],
            "onset": onsets,
            "duration": durations,
        }
    )
    settings = {"subject": "7", "session": 1, "dataset": "noise", "file": "a.edf", **options}
    info = mne.create_info(list(names), sfreq, "eeg")
    return Recording(mne.io.RawArray(data, info, verbose="error"), trials=table, **settings)
