from __future__ import annotations

import io
import re
import shutil
import sys

import pytest

from eegtl.cli.progress import Progress

LONG = "features: differential entropy, dasm, 5 bands, 2 s windows every 1 s, causal"


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def run(title: str) -> None:
    with Progress(title) as progress:
        for done in range(1, 9):
            progress(done, 8)
        progress(8, 8, "(cached)")


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run(LONG)
    lines = capsys.readouterr().out.splitlines()
    assert [re.search(r"\d/8", line)[0] for line in lines] == ["1/8", "2/8", "4/8", "6/8", "8/8"]
    assert all(re.fullmatch(rf"{LONG}  \d/8  \d:\d\d:\d\d", line) for line in lines)


@pytest.mark.parametrize("width", [80, 200])
def test_a_bar_is_seen_on_every_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb-but-wide")
    assert shutil.get_terminal_size().columns == width
    run(LONG)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "━" * 10 in shown
    assert "8/8" in shown
    assert "(cached)" in shown
    first = shown.strip().splitlines()[0]
    assert ("━" in first) == (width == 200)
    assert first.startswith("features: differential entropy")


def test_a_title_is_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    run("[red]folds[/red]")
    assert "[red]folds[/red]" in terminal.getvalue()
