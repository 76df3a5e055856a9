"""How errors of a command reach the user: one paragraph, no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ..errors import EegtlError, SubjectError
from .say import say

#: exit codes
FAILED, INTERRUPTED = 2, 130


@contextmanager
def one_paragraph(when_stopped: str = "stopped.") -> Iterator[None]:
    """Print an error of eegtl on stderr and leave with exit code 2, or 130 at Ctrl-C.

    Parameters
    ----------
    when_stopped : str
        What to say at Ctrl-C.

    Raises
    ------
    typer.Exit
        Instead of an `EegtlError` or a KeyboardInterrupt; all other exceptions pass, since they
        are defects.
    """
    try:
        yield
    except EegtlError as error:
        name = type(error).__name__
        message = f"{name} in {error}" if isinstance(error, SubjectError) else f"{name}: {error}"
        say(f"eegtl: {message}", err=True)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        say(f"eegtl: {when_stopped}", err=True)
        raise typer.Exit(INTERRUPTED) from None
