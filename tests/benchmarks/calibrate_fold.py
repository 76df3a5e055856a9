"""Prepare sources with the features of SEED, calibrate from their file, load the profile.

Each part runs as a process of its own: ``python calibrate_fold.py prepare|calibrate|load FOLDER``.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
from seed_fold import N_PEOPLE, N_WINDOWS, people

from eegtl.features import FeatureExtractor
from eegtl.personalize import Profile, SourceFile, calibrate, make_plan
from eegtl.personalize.candidates import named_candidates
from eegtl.recordings.channels import TEN_TEN

#: Every how many-th window of the source people is used: models do not grow with them, and all
#: of SEED takes seven minutes.
EVERY = 8
#: Seconds of the wearer's block, and of a window, as SEED is used.
SECONDS, WINDOW = 60, 1.0
EXTRACTOR = FeatureExtractor(window=WINDOW)


def megabytes(what: str) -> float:
    """Memory of this process: ``VmRSS`` for now, ``VmHWM`` for the most."""
    found = re.search(rf"{what}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1)) / 1024


def prepare(folder: Path) -> None:
    """Let 14 people play the wearer with every candidate; keep a wearer's block, too."""
    import pandas as pd

    X, labels, subjects, trials = people()
    block = X[subjects == N_PEOPLE][:SECONDS]
    onset = np.tile(np.arange(float(N_WINDOWS)), N_PEOPLE + 1)
    used = (subjects < N_PEOPLE) & (onset % EVERY == 0)
    X, subjects = X[used], subjects[used]
    meta = pd.DataFrame(
        {
            "subject": [f"s{n:02d}" for n in subjects],
            "session": 1,
            "trial": trials[used],
            "onset": onset[used],
            "label": labels[used],
        }
    )
    begun = time.perf_counter()
    plan, models = make_plan(X, meta, WINDOW, named_candidates(), [10, 20, 30, 60])
    took = time.perf_counter() - begun
    names = TEN_TEN[:62]
    sources = SourceFile(EXTRACTOR, 200.0, names, None, X.mean(axis=0), X.std(axis=0), models, plan)
    path = sources.save(folder / "seed.eegsrc")
    np.save(folder / "block.npy", block)
    print(f"{took:.1f} {megabytes('VmHWM'):.0f} {path.stat().st_size / 2**20:.2f}")


def calibrate_from(folder: Path) -> None:
    """Calibrate from the file; memory counts from after the imports."""
    block = np.load(folder / "block.npy")
    before = megabytes("VmRSS")
    begun = time.perf_counter()
    made = calibrate(SourceFile.load(folder / "seed.eegsrc"), block)
    path = made.save(folder / "seed.eegtl", overwrite=True)
    took = time.perf_counter() - begun
    print(f"{took:.3f} {megabytes('VmHWM') - before:.0f} {path.stat().st_size / 2**20:.2f}")


def load(folder: Path) -> None:
    """Load the profile, after imports; the shortest of five."""
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        made = Profile.load(folder / "seed.eegtl")
        took.append(time.perf_counter() - begun)
    assert made.model.information_ in ("inductive", "unlabelled")
    print(f"{min(took):.3f} {took[0]:.3f}")


if __name__ == "__main__":
    part = {"prepare": prepare, "calibrate": calibrate_from, "load": load}[sys.argv[1]]
    part(Path(sys.argv[2]))
