"""``eegtl report``: build the report of a study again from its results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import StudyError
from .problems import one_paragraph
from .say import say

EPILOG = "Examples: eegtl report runs/first  |  eegtl report runs/first --out first.html --open yes"


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a study: the one with results.sqlite.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file to write.", show_default="report.html in the folder"),
    ] = None,
    open_: Annotated[
        str, typer.Option("--open", metavar="yes|no", help="Whether to show it in the browser.")
    ] = "no",
) -> None:
    """Build report.html and table.md again from the results of a study.

    Nothing is computed anew but means, intervals and figures; an unfinished study is reported
    with the rows that are complete.
    """
    with one_paragraph():
        if open_ not in ("yes", "no"):
            raise StudyError(f"--open is {open_!r}; write yes or no.")
        from ..evaluation import StudyResult
        from ..report import save_markdown, study_title, write_report

        result = StudyResult.load(folder)
        target = folder / "report.html" if out is None else out
        page = write_report(result, target)
        table = save_markdown(result, folder, study_title(result))
        if result.n_missing:
            say(f"note: the study is not finished; folds that have not run: {result.n_missing}")
        say(f"written: {page}, {table}")
        if open_ == "yes":
            typer.launch(page.resolve().as_uri())
