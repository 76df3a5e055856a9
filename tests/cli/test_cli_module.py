"""``python -m eegtl``."""

from __future__ import annotations

import subprocess
import sys

import eegtl


def test_the_package_runs_as_the_command_does():
    command = [sys.executable, "-m", "eegtl", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"eegtl {eegtl.__version__}\n"
    help_ = subprocess.run([*command[:-1], "-h"], capture_output=True, text=True, check=True)
    assert help_.stdout.startswith("Usage: python -m eegtl [OPTIONS] COMMAND")
