"""Invented wearers, a profile for them, and sessions that are fed in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from features.noise_recording import make_noise_recording

from eegtl.features import FeatureExtractor
from eegtl.personalize import Profile
from eegtl.streaming import OnlineSession, Prediction, SessionSettings
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline

FS = 128.0
NAMES = ("F3", "F4", "P3", "P4")
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 14.0)}
START = 1000.0


def signal(seconds: float, seed: int = 0, fs: float = FS, n: int = len(NAMES)) -> np.ndarray:
    """Noise of 10 uV, in volts."""
    return 1e-5 * np.random.default_rng(seed).standard_normal((n, round(seconds * fs)))


def stamps_of(data: np.ndarray, fs: float = FS, start: float = START) -> np.ndarray:
    return start + np.arange(data.shape[1]) / fs


def moods(seconds: float, seed: int, fs: float = FS, block: float = 10.0) -> np.ndarray:
    """Blocks without and with alpha in turns, the labels 0 and 1 of `make_noise_recording`."""
    data = signal(seconds, seed, fs)
    times = np.arange(data.shape[1]) / fs
    data += 4e-6 * (times // block % 2) * np.sin(2 * np.pi * (10 + 0.1 * seed) * times)
    return data


def person(seed: int, fs: float = FS, seconds: float = 80.0, **options: Any) -> Any:
    trials = [(i, 10.0 * i, 10.0) for i in range(round(seconds / 10))]
    given = {"names": NAMES, "sfreq": fs, "subject": f"s{seed}", "file": f"{seed}.edf", **options}
    return make_noise_recording(moods(seconds, seed, fs), trials=trials, **given)


def z2_lda() -> Any:
    return make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())


@cache
def make_profile(model: Any = None, fs: float = FS, **settings: Any) -> Profile:
    given = {"window": 1.0, **settings}
    if "preprocessing" in given:
        given["preprocessing"] = list(given["preprocessing"])
    extractor = FeatureExtractor(bands=BANDS, **given)
    people = [person(seed, fs) for seed in (1, 2, 3)]
    return Profile.fit(z2_lda() if model is None else model, people, extractor)


def feed(
    session: OnlineSession,
    data: np.ndarray,
    stamps: np.ndarray | None = None,
    sizes: Sequence[int] = (16,),
    marks: Iterable[tuple[float, str]] = (),
    delay: float = 0.0,
) -> list[Prediction]:
    """Push chunks of the sizes, over and over; marks come with the chunk they fall in."""
    stamps = stamps_of(data) if stamps is None else stamps
    waiting = sorted(marks)
    out: list[Prediction] = []
    at, turn = 0, 0
    while at < data.shape[1]:
        part = slice(at, at + sizes[turn % len(sizes)])
        while waiting and waiting[0][0] <= stamps[part][-1]:
            time, label = waiting.pop(0)
            session.mark(label, time)
        now = float(np.nanmax(stamps[part])) + delay
        out += session.push(data[:, part], stamps[part], now=now)
        at, turn = part.stop, turn + 1
    for time, label in waiting:
        session.mark(label, time)
    return out


def begin(profile: Profile | None = None, **settings: Any) -> OnlineSession:
    options = {key: settings.pop(key) for key in ("sfreq", "ch_names") if key in settings}
    return OnlineSession(profile or make_profile(), SessionSettings(**settings), **options)


def told(session: OnlineSession, *events: str) -> list[dict[str, Any]]:
    """Details of the events of some kinds, in order."""
    return [dict(e.details) for e in session.events if e.event in events]


def states(session: OnlineSession) -> list[str]:
    return [details["to"] for details in told(session, "state")]
