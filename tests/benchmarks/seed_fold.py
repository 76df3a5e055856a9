"""One fold of the size of SEED for one method: prints seconds of fit, adapt, predict and peak MB.

Run as a process of its own, so that the peak is the method's: ``python seed_fold.py ROW``.
"""

from __future__ import annotations

import re
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np

from eegtl._threads import one_thread
from eegtl.errors import TransferWarning
from eegtl.evaluation import METHODS
from eegtl.evaluation.views import Layout
from eegtl.features.covariance import tangent_vectors
from eegtl.transfer.covariance_rows import rows_to_matrices

#: 62 channels x 5 bands; 14 people of 3394 windows; the wearer has as many
N_FEATURES, N_PEOPLE, N_WINDOWS, N_TRIALS = 310, 14, 3394, 15
#: pairs of 24 channels, one band: as many columns as fit
N_CHANNELS = 24


def people() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows with a decaying spectrum, a class effect, and an offset and scale for each person."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((60, N_FEATURES)) / np.arange(1, 61)[:, None] ** 0.7
    effect = 0.05 * rng.standard_normal((3, N_FEATURES))
    trial = np.arange(N_WINDOWS) * N_TRIALS // N_WINDOWS
    X = np.empty(((N_PEOPLE + 1) * N_WINDOWS, N_FEATURES))
    for person in range(N_PEOPLE + 1):
        rows = rng.standard_normal((N_WINDOWS, 60)) @ mixing
        rows += 0.2 * rng.standard_normal((N_WINDOWS, N_FEATURES)) + effect[trial % 3]
        scale = np.exp(0.3 * rng.standard_normal(N_FEATURES))
        X[person * N_WINDOWS : (person + 1) * N_WINDOWS] = rows * scale + 2 * rng.standard_normal(
            N_FEATURES
        )
    labels = np.tile(trial % 3 - 1, N_PEOPLE + 1)
    subjects = np.repeat(np.arange(N_PEOPLE + 1), N_WINDOWS)
    return X, labels, subjects, np.tile(trial, N_PEOPLE + 1)


def covariance_rows(labels: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Half vectors of covariances: a mixing for each person, a power for each class."""
    rng = np.random.default_rng(0)
    i, j = np.triu_indices(N_CHANNELS)
    out = np.empty((len(labels), len(i)))
    for person in np.unique(subjects):
        own = np.flatnonzero(subjects == person)
        mix = np.eye(N_CHANNELS) + 0.3 * rng.standard_normal((N_CHANNELS, N_CHANNELS))
        power = np.exp(0.3 * rng.standard_normal((len(own), N_CHANNELS)))
        power[:, :3] *= np.exp(0.5 * (labels[own, None] == np.arange(-1, 2)))
        noise = rng.standard_normal((len(own), N_CHANNELS, 4))
        for start in range(0, len(own), 500):
            rows = slice(start, start + 500)
            matrices = np.einsum("ij,nj,kj->nik", mix, power[rows], mix)
            matrices += 0.1 * noise[rows] @ noise[rows].transpose(0, 2, 1)
            out[own[rows]] = matrices[:, i, j]
    return out


def main(key: str) -> None:
    """Run the row of a study by its key."""
    import pandas as pd

    record, row = next((m, row) for m in METHODS for row in m.rows() if row.key == key)
    X, labels, subjects, trials = people()
    build = row.build
    if record.view:
        blocks = {"de": X, "cov": covariance_rows(labels, subjects)}
        if "tangent" in record.view:
            with one_thread():
                blocks["tangent"] = np.vstack(
                    [
                        tangent_vectors(rows_to_matrices(part)[:, 0])
                        for part in np.array_split(blocks["cov"], 50)
                    ]
                )
        X = np.column_stack([blocks[name] for name in record.view])
        ends = np.cumsum([0, *(blocks[name].shape[1] for name in record.view)]).tolist()
        places = dict(zip(record.view, pairwise(ends), strict=True))
        del blocks
        row = next(r for r in record.rows(Layout(places, 1)) if r.key == key)
        build = row.build
    rows = pd.DataFrame({"session": 1, "trial": trials, "stimulus": trials})
    rows["onset"] = np.tile(np.arange(float(N_WINDOWS)), N_PEOPLE + 1)
    own = subjects == N_PEOPLE
    source, target = np.flatnonzero(~own), np.flatnonzero(own)
    estimator = build(0)
    level = row.level(estimator)
    given = {"rows_target": rows.iloc[target]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        start = time.perf_counter()
        estimator.fit(X[source], labels[source], subjects=subjects[source], rows=rows.iloc[source])
        fitted = time.perf_counter()
        if level == "labelled":
            block = target[trials[target] < 3]
            estimator.adapt(X_calib=X[block], y_calib=labels[block], rows_calib=rows.iloc[block])
        elif level == "unlabelled":
            estimator.adapt(X[target], **given)
        adapted = time.perf_counter()
        accuracy = np.mean(estimator.predict(X[target]) == labels[target])
    predicted = time.perf_counter()
    # not ru_maxrss, which a child process inherits from its parent
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak is not None
    megabytes = int(peak.group(1)) / 1024
    times = (fitted - start, adapted - fitted, predicted - adapted)
    print(*(f"{value:.3f}" for value in (*times, megabytes, accuracy)))


if __name__ == "__main__":
    main(sys.argv[1])
