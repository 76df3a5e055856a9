"""One way to print a line: control characters escaped, wrapped between words on a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap

import typer


def say(text: str, *, err: bool = False) -> None:
    """Print text that may hold names from outside.

    Parameters
    ----------
    text : str
        One paragraph.
    err : bool
        Print it on stderr.

    Notes
    -----
    On a terminal lines break between words; what is piped or written to a file stays one line.
    """
    from ..report.escape import printable

    line = printable(text)
    if (sys.stderr if err else sys.stdout).isatty():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
    typer.echo(line, err=err)


def columns_of_terminal() -> int:
    """Give the width of the terminal in characters; 0 where the output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
