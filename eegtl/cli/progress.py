"""Progress of long work: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Any, Self

import typer

from .say import say

#: columns that a bar takes beside its title
_BAR = 60


class Progress:
    """A callable for (done, total), to be used in a ``with`` block.

    Parameters
    ----------
    title : str
        What is going on. Where the terminal is too narrow for it and a bar, it stands on lines of
        its own, and what is before its first colon beside the bar.

    Attributes
    ----------
    done : int or None
        How much was done at the last call; None before the first.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.done: int | None = None
        self._bar: Any = None
        self._task: Any = None
        self._start = time.monotonic()
        self._shown = -1

    def __enter__(self) -> Self:
        if sys.stdout.isatty():
            from rich import progress
            from rich.console import Console
            from rich.markup import escape

            title = self.title
            if len(title) + _BAR > shutil.get_terminal_size().columns:
                say(title)
                title = title.partition(":")[0]
            self._bar = progress.Progress(
                progress.TextColumn(escape(title)),
                progress.BarColumn(bar_width=24),
                progress.MofNCompleteColumn(),
                progress.TimeElapsedColumn(),
                progress.TimeRemainingColumn(compact=True, elapsed_when_finished=False),
                progress.TextColumn("left {task.fields[remark]}"),
                console=Console(),  # the shared one would keep the width it found first
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=None, remark="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, remark: str = "") -> None:
        """Show how far the work is.

        Parameters
        ----------
        done, total : int
        remark : str
            What to say behind it.
        """
        self.done = done
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, remark=remark)
            return
        quarter = 4 * done // max(total, 1)
        if quarter > self._shown:  # at most five lines in a log
            self._shown = quarter
            elapsed = _clock(time.monotonic() - self._start)
            typer.echo(f"{self.title}  {done}/{total}  {elapsed}  {remark}".rstrip())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
