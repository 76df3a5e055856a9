"""``eegtl doctor``: what eegtl needs, and what of it is here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import typer

from .problems import one_paragraph
from .say import say

EPILOG = "Example: eegtl doctor"

#: exit code when something needed is broken
BROKEN = 1


def doctor() -> None:
    """Say whether eegtl works on this machine.

    Looks at versions, threads, kernels, extras, folders and LSL streams. The exit code is 1 when
    something is broken that eegtl needs; what is optional never is.
    """
    from . import findings
    from .findings import Finding

    parts: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
        ("versions", findings.versions),
        ("threads", findings.threads),
        ("kernels", findings.kernels),
        ("extras", findings.extras),
        ("folders", findings.folders),
        ("LSL streams on this machine", findings.streams),
    )
    n_broken = 0
    with one_paragraph():
        for title, find in parts:
            typer.echo(title)
            for finding in find():
                n_broken += finding.broken
                say(f"  {'BROKEN  ' if finding.broken else ''}{finding.text}")
    if n_broken:
        say(f"{n_broken} of these keep eegtl from working")
        raise typer.Exit(BROKEN)
    say("all that eegtl needs is here")
