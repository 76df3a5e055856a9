"""``eegtl datasets``: what data sets are known, where they are, whether their files are right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DatasetError
from .problems import one_paragraph
from .progress import Progress
from .say import say

if TYPE_CHECKING:
    from ..recordings import Card

datasets_app = typer.Typer(
    help="List, describe, check and fetch data sets.",
    epilog="Example: eegtl datasets check eegmat --root ~/data/eegmat",
    rich_markup_mode=None,
    no_args_is_help=True,
)

#: exit code of a check that found something
WRONG = 1

Name = Annotated[str, typer.Argument(help="Data set: the name of a card, for example eegmat.")]
Root = Annotated[
    str | None,
    typer.Option(help="Folder of the data set; else EEGTL_DATA or the user data folder."),
]


@datasets_app.command("list", epilog="Example: eegtl datasets list --root ~/data")
def list_(root: Root = None) -> None:
    """List the data sets that have a card, and where they were found."""
    from ..recordings import card_names, get_card
    from ..report.escape import printable

    lines = [("name", "people", "recordings", "rate", "channels", "labels", "where")]
    with one_paragraph():
        for name in card_names():
            card = get_card(name)
            numbers = (str(card.checks.subjects), str(card.checks.recordings))
            shape = (f"{card.sfreq:g} Hz", str(len(card.channels)))
            lines.append((name, *numbers, *shape, " / ".join(card.labels), _where(card, root)))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo(printable("  ".join(cells).rstrip()))


@datasets_app.command(epilog="Example: eegtl datasets info eegmat")
def info(name: Name, root: Root = None) -> None:
    """Show the card of a data set and what to know about it."""
    from ..recordings import get_card
    from ..recordings.cards import card_folder
    from ..report.escape import printable

    with one_paragraph():
        card = get_card(name)
        where = _where(card, root)
    passband = "not known" if card.passband is None else "{:g} - {:g} Hz".format(*card.passband)
    low, high = card.checks.seconds
    facts = {
        "title": card.title,
        "people": f"{card.checks.subjects}, {card.checks.recordings} recordings of {low:g} to "
        f"{high:g} s",
        "signal": f"{card.sfreq:g} Hz, {len(card.channels)} channels, pass-band {passband}",
        "channels": " ".join(card.channels),
        "labels": " / ".join(card.labels),
        "window": f"{card.study.window:g} s by default",
        "licence": card.licence,
        "address": card.url,
        "cite": "; ".join(card.citation) or "nothing",
        "files": "none" if card.folder is None else card.folder.shape,
        "where": where,
    }
    for key, value in facts.items():
        say(f"{key:<9} {value}")
    text = (card_folder() / name / "recipe.md").read_text(encoding="utf-8")
    typer.echo("\n" + "\n".join(map(printable, text.splitlines())))


@datasets_app.command(epilog="Example: eegtl datasets check eegmat --root ~/data/eegmat --partial")
def check(
    name: Name,
    root: Root = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Some of the people or files may be missing.")
    ] = False,
) -> None:
    """Compare the files of a data set with its card.

    Numbers of people and recordings, channels, rates, lengths, and SHA-256 where the card has a
    list. One line a problem; the exit code is 1 when there is one.
    """
    from ..recordings.checking import check_dataset

    with one_paragraph(), Progress(f"checking {name}") as progress:
        problems = check_dataset(name, root, partial=partial, progress=progress)
    for problem in problems:
        say(problem)
    if problems:
        say(f"{name}: {len(problems)} problem{'' if len(problems) == 1 else 's'}")
        raise typer.Exit(WRONG)
    say(f"{name}: all is as the card says")


@datasets_app.command(
    epilog="Examples: eegtl datasets fetch eegmat --to ~/data/eegmat  |  "
    "eegtl datasets fetch eegmat --from /media/stick/eegmat"
)
def fetch(
    name: Name,
    to: Annotated[
        str | None,
        typer.Option(
            help="Folder for the files.",
            show_default="sub-folder NAME of EEGTL_DATA or of the user data folder",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="Copy from this folder instead of the network.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files whose content is wrong.")
    ] = False,
) -> None:
    """Fetch the files of a data set, or copy them from a folder.

    The address is that of the makers, and every file is compared with its SHA-256. Files that
    are there stay, so that the same command continues a fetch that was stopped.
    """
    from ..recordings import get_card
    from ..recordings.fetching import fetch_files
    from ..recordings.folders import data_folder

    with one_paragraph("stopped; what is there stays. Run the same command again to go on."):
        card = get_card(name)
        folder = data_folder()[0] / name if to is None else _given(to, "to")
        origin = None if source is None else _given(source, "from")
        if card.fetch is not None:
            say(f"{name}: licence {card.licence}; from {origin or card.fetch.base_url} to {folder}")
        with Progress("files") as progress:
            done = fetch_files(card, folder, source=origin, overwrite=overwrite, progress=progress)
    if done.absent:
        say(f"note: not in {origin}: {len(done.absent)} of the files, such as {done.absent[0]}")
    say(f"{folder}: files new {len(done.new)}, there before {len(done.kept)}")


def _where(card: Card, root: str | None) -> str:
    """Say where a data set was found."""
    from ..recordings.folders import find_folder

    if card.folder is None:
        return "made in memory"
    try:
        return str(find_folder(card, root))
    except DatasetError as error:
        return "cannot be read" if isinstance(error.__cause__, OSError) else "not found"


def _given(text: str, option: str) -> Path:
    """Refuse an empty path, which would mean the folder one is in."""
    if not text.strip():
        raise DatasetError(f"--{option} is empty; name a folder or leave the option out")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise DatasetError(f"--{option} is {text!r} ({error}); write the folder in full") from error
