"""A leave-one-subject-out study in plain scipy and scikit-learn, to judge data sets by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

BANDS = ((1, 4), (4, 8), (8, 14), (14, 31), (31, 45))

Rows = tuple[NDArray[np.float64], NDArray[Any]]


def log_variances(recording: Any, window: float = 2.0) -> Rows:
    """Half the log variance of each window, band and channel, with the labels."""
    data, sfreq = 1e6 * recording.get_data(), recording.sfreq
    bands = [sosfilt(butter(4, band, "bandpass", fs=sfreq, output="sos"), data) for band in BANDS]
    length = round(window * sfreq)
    rows, labels = [], []
    for trial in recording.trials.itertuples():
        first = round(trial.onset * sfreq)
        for start in range(first, first + round(trial.duration * sfreq) - length + 1, length):
            parts = [band[:, start : start + length].var(axis=1) for band in bands]
            rows.append(0.5 * np.log(np.maximum(parts, 1e-6)).ravel())
            labels.append(trial.label)
    return np.array(rows), np.array(labels)


def z_scored(subjects: list[Rows]) -> list[Rows]:
    """Every subject centred and scaled by itself."""
    return [((X - X.mean(axis=0)) / X.std(axis=0), y) for X, y in subjects]


def loso_accuracy(subjects: list[Rows]) -> float:
    """Mean accuracy of shrinkage LDA over the subjects left out in turn."""
    scores = []
    for left_out, (X, y) in enumerate(subjects):
        others = [rows for i, rows in enumerate(subjects) if i != left_out]
        model = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=OAS())
        model.fit(np.concatenate([r[0] for r in others]), np.concatenate([r[1] for r in others]))
        scores.append(np.mean(model.predict(X) == y))
    return float(np.mean(scores))
