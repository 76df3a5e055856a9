"""A wearer's device: from a file of sources with the features of SEED to a loaded profile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("calibrate_fold.py")


def figures(part: str, folder: Path) -> list[float]:
    """Run a part in a process of its own."""
    out = subprocess.run(
        [sys.executable, str(SCRIPT), part, str(folder)], capture_output=True, text=True, check=True
    )
    return [float(value) for value in out.stdout.split()]


def test_from_sources_to_a_loaded_profile(benchmark: Any, tmp_path: Path) -> None:
    """14 people, 310 features, three classes, all candidates; the wearer's block has 60 s."""
    took, most, size = benchmark.pedantic(figures, args=("prepare", tmp_path), rounds=1)
    print(
        f"\nsources of 14 people, 5950 windows of 310 features, prepared in {took:.0f} s, "
        f"{most:.0f} MB at most; the file has {size:.1f} MiB"
    )
    seconds, more, kept = min(figures("calibrate", tmp_path) for _ in range(3))
    print(
        f"calibrating from it with 60 s: {seconds:.3f} s (at most 1), {more:.0f} MB beyond imports "
        f"(at most 300); the profile has {kept:.2f} MiB (at most 5)"
    )
    best, first = figures("load", tmp_path)
    print(f"loading the profile: {best:.3f} s, the first time {first:.3f} s (at most .1)")
    assert seconds < 1
    assert more < 300
    assert kept < 5
    assert first < 0.1
