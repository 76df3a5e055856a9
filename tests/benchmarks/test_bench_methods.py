"""Every method on a full fold of the size of SEED: under 2 GB, and what it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eegtl.evaluation import METHODS

ROWS = [method.rows()[-1].key for method in METHODS if method.role != "reference" and method.rows()]


@pytest.mark.parametrize("key", ROWS)
def test_a_full_fold(benchmark: Any, key: str) -> None:
    """47 516 source rows, 3394 of the wearer, 310 features (300 of covariances)."""
    figures: list[list[float]] = []

    def run() -> None:
        script = str(Path(__file__).with_name("seed_fold.py"))
        out = subprocess.run(
            [sys.executable, script, key], capture_output=True, text=True, check=True
        )
        figures.append([float(value) for value in out.stdout.split()])

    benchmark.pedantic(run, rounds=1)
    fit, adapt, predict, megabytes, accuracy = figures[0]
    print(
        f"\n| {key} | {fit:.2f} | {adapt:.2f} | {predict:.2f} | {megabytes:.0f} | {accuracy:.3f} |"
    )
    assert megabytes < 2000
