"""Signals of two classes that one sees at a glance, a profile that tells them apart, truths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest

import eegtl
import eegtl.streaming.session
from eegtl.features import FeatureExtractor
from eegtl.personalize.profile import Profile
from eegtl.recordings.recording import Recording
from eegtl.streaming.rerun import Rerun, rerun
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline

MUSE = ("TP9", "AF7", "AF8", "TP10")
#: microvolts of each class
CLASSES = {"calm": 9.0, "busy": 11.0}


def noise(ch_names: tuple[str, ...], sfreq: float, seconds: float, label: str, seed: int) -> Any:
    """Give volts of one class, shape (n_channels, n)."""
    rng = np.random.default_rng(seed)
    size = (len(ch_names), round(seconds * sfreq))
    return 1e-6 * CLASSES[label] * rng.standard_normal(size)


def recording(
    data: Any, ch_names: tuple[str, ...], sfreq: float, *, subject: str = "s", label: str = "calm"
) -> Recording:
    """Make volts a recording with one trial."""
    raw = mne.io.RawArray(data, mne.create_info(list(ch_names), sfreq, "eeg"), verbose="error")
    trials = pd.DataFrame(
        {
            "trial": [1],
            "stimulus": [label],
            "label": [label],
            "onset": [0.0],
            "duration": [data.shape[1] / sfreq],
        }
    )
    return Recording(raw, subject=subject, session=1, trials=trials, dataset="d", file="f")


def profile_of(
    ch_names: tuple[str, ...], sfreq: float, extractor: FeatureExtractor | None = None
) -> Profile:
    """Fit a profile that tells the two classes apart without knowing the wearer."""
    people = [
        recording(
            noise(ch_names, sfreq, 12.0, label, 10 * person + i),
            ch_names,
            sfreq,
            subject=f"p{person}",
            label=label,
        )
        for person in range(3)
        for i, label in enumerate(CLASSES)
    ]
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    return Profile.fit(pipeline, people, extractor or FeatureExtractor(window=1.0))


def write_fif(path: Path, data: Any, ch_names: tuple[str, ...], sfreq: float) -> Path:
    """Write volts to a file that `eegtl replay` reads."""
    raw = mne.io.RawArray(data, mne.create_info(list(ch_names), sfreq, "eeg"), verbose="error")
    raw.save(path, fmt="double", verbose="error")
    return path


def sent(data: Any) -> Any:
    """Give volts as they go over the wire: float32 microvolts."""
    return (1e6 * np.asarray(data)).astype(np.float32).astype(np.float64) * 1e-6


@dataclass(frozen=True)
class Offline:
    """What all settled windows of a signal are, computed at once.

    Attributes
    ----------
    X, probabilities : ndarray
    onsets : ndarray
        Seconds from the first sample.
    """

    X: Any
    probabilities: Any
    onsets: Any


def offline(profile: Profile, data: Any) -> Offline:
    """Compute the windows of a signal from its recording."""
    table = profile.extractor.extract([recording(data, profile.ch_names, profile.sfreq)])
    settled = ~table.meta["settling"].to_numpy()
    X = table.X[settled]
    return Offline(X, profile.model.predict_proba(X), table.meta["onset"].to_numpy()[settled])


def rerun_with_features(
    path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> tuple[Rerun, Any]:
    """Run a recorded session again, and give the features of the windows it predicts, too."""
    rows = []
    judge = eegtl.streaming.session.Judge
    predict = judge.predict

    def keep(self: Any, model: Any, window: Any, **more: Any) -> Any:
        rows.append(window.X)
        return predict(self, model, window, **more)

    with monkeypatch.context() as patch:
        patch.setattr(judge, "predict", keep)
        done = rerun(path, profile)
    return done, np.array(rows)


def logged(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read a log: predictions and events."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    predictions = [line["prediction"] for line in lines if "prediction" in line]
    return predictions, [line for line in lines if "event" in line]
