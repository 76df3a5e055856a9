"""The tutorials run as they are written; what is live, in processes of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eegtl.cli import app

TUTORIALS = sorted((Path(__file__).parents[1] / "docs" / "tutorials").glob("*.md"))
#: Commands that a stream goes through: each in a process of its own.
LIVE = re.compile(r" (replay|stream|record) ")
BLOCK = re.compile(r"```(python|console)\n(.*?)```", re.DOTALL)


def start(line: str, folder: Path) -> subprocess.Popen[str]:
    """Begin a command of the tutorial."""
    command = [os.path.expandvars(word) for word in shlex.split(line.removeprefix("$ "))]
    assert command[0] == "eegtl"
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def run_here(line: str) -> None:
    """Run a command in this process, which has imported already what each would import anew."""
    words = [os.path.expandvars(word) for word in shlex.split(line.removeprefix("$ "))]
    assert words[0] == "eegtl"
    result = CliRunner().invoke(app, words[1:])
    assert result.exit_code == 0, (result.output, result.exception)


def pages() -> Iterator[Any]:
    """Give the pages; what speaks of EEGTL_DATA needs real recordings."""
    for page in TUTORIALS:
        needs_data = "EEGTL_DATA" in page.read_text(encoding="utf-8")
        marks = [pytest.mark.realdata] if needs_data else []
        yield pytest.param(page, id=page.stem, marks=marks)


@pytest.mark.parametrize("page", list(pages()))
@pytest.mark.filterwarnings("ignore:This filename")
def test_runs_as_written(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EEGTL_DATA", os.environ.get("EEGTL_TEST_DATA", ""))
    names: dict[str, Any] = {"__name__": "tutorial"}
    running: list[subprocess.Popen[str]] = []
    try:
        for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if kind == "python":
                exec(compile(text, page.name, "exec"), names)
                continue
            for line in text.strip().splitlines():
                if not LIVE.search(line):
                    run_here(line)
                    continue
                process = start(line, tmp_path)
                running.append(process)
                if " replay " not in line:  # a signal goes on in its own terminal
                    said, _ = process.communicate(timeout=120)
                    assert process.returncode == 0, said
                    if " stream " in line or " record " in line:
                        assert re.search(r"stopped after [1-9]\d* predictions", said), said
    finally:
        for process in running:
            process.kill()
            process.communicate()
