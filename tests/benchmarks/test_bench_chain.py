"""An hour of a dense cap through a chain to features: seconds, and memory beside the recording."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from eegtl.features import FeatureExtractor
from eegtl.preprocessing import Notch, Reference, Resample
from eegtl.recordings.channels import HEADSETS
from eegtl.recordings.recording import Recording

MINUTES, SFREQ, CHANNELS = 60, 1000.0, HEADSETS["seed62"]
CHAIN = [Notch(50.0), Reference("average"), Resample(250.0)]
ZERO_PHASE = [Notch(50.0, zero_phase=True), *CHAIN[1:]]
# GiB for blocks in passing and the features, whatever the length.
BLOCKS = 0.2


@pytest.fixture(autouse=True)
def only_with_make_bench(request):
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("a benchmark, not a test: run it with make bench")


def resident():
    """Memory of this process in GiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**30


class Peak:
    """The largest memory within a block, looked at a hundred times a second."""

    def __enter__(self):
        self.before = self.largest = resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self):
        while not self._over.wait(0.01):
            self.largest = max(self.largest, resident())

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def cap(minutes):
    """A recording of noise, made channel by channel."""
    n = round(60 * minutes * SFREQ)
    data = np.empty((len(CHANNELS), n))
    rng = np.random.default_rng(0)
    for row in data:
        row[:] = 1e-5 * rng.standard_normal(n)
    info = mne.create_info(list(CHANNELS), SFREQ, "eeg", verbose="error")
    trials = pd.DataFrame({"trial": [1], "stimulus": ["a"], "label": ["x"], "onset": [0.0]})
    return Recording(
        mne.io.RawArray(data, info, copy="auto", verbose="error"),
        subject="s",
        session=1,
        trials=trials.assign(duration=60.0 * minutes),
        dataset="d",
        file="f",
    )


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory from /proc")
@pytest.mark.parametrize(
    ("steps", "minutes", "seconds", "times_recording"),
    # A zero-phase filter holds the run, and a quarter of it leaves the resampling in one piece.
    [(CHAIN, MINUTES, 25.0, 0.0), (ZERO_PHASE, MINUTES / 6, 25.0 / 6, 1.25)],
    ids=["causal", "zero-phase"],
)
def test_an_hour_of_a_dense_cap(benchmark, steps, minutes, seconds, times_recording):
    recording = cap(minutes)
    size = len(CHANNELS) * recording.n_times * 8 / 2**30
    run = FeatureExtractor(preprocessing=steps).extract
    run([cap(0.1)])  # compiles
    with Peak() as peak:
        begun = time.perf_counter()
        table = benchmark.pedantic(run, ([recording],), rounds=1)
        took = time.perf_counter() - begun
    above, most = peak.largest - peak.before, times_recording * size + BLOCKS
    print(
        f"\n{minutes:g} min x {len(CHANNELS)} channels at {SFREQ:g} Hz, "
        f"{' -> '.join(step.name for step in steps)} -> DE: {took:.1f} s (at most {seconds:g}), "
        f"{above:.2f} GiB above the recording's {size:.2f} GiB (at most {most:.2f})"
    )
    assert len(table.meta) == 60 * minutes
    assert took < seconds
    assert above < most
