"""The options that several commands share, and how they change a recipe."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import StudyError

if TYPE_CHECKING:
    from ..evaluation.recipe import Recipe

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME|RECIPE.toml",
        help="Data set: the name of a card, for example synthetic; or the file of a recipe.",
    ),
]
Root = Annotated[
    str | None,
    typer.Option(help="Folder of the data set; else EEGTL_DATA or the user data folder."),
]
Subjects = Annotated[
    str | None,
    typer.Option(help="People to use, separated by commas.", show_default="all"),
]
Channels = Annotated[
    str | None,
    typer.Option(
        help="'common' (those that all recordings share), a headset such as muse, or names "
        "separated by commas.",
        show_default="all of the card",
    ),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out recordings that cannot be used.")
]
Features = Annotated[
    str | None,
    typer.Option(
        help="What is computed of each window, separated by commas; "
        "eegtl features --list shows all.",
        show_default="de",
    ),
]
Window = Annotated[
    float | None,
    typer.Option(help="Length of a window in seconds.", show_default="as the card says"),
]
Step = Annotated[
    float | None,
    typer.Option(help="Seconds from window to window.", show_default="the window"),
]
Smoothing = Annotated[
    str | None,
    typer.Option(
        help="Smoothing over the windows of a trial, for example lds, lds:mode=smooth or "
        "moving_average:seconds=10.",
        show_default="none",
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        help="cross-day: sessions are added to the first day from others, from the wearer's own "
        "days in between, or all of these.",
        show_default="others",
    ),
]
NSources = Annotated[
    str | None,
    typer.Option(
        help="cross-day: how many sessions are added, those nearest to the first day; 0 for the "
        "first day alone, all for every session.",
        show_default="3",
    ),
]
Ranking = Annotated[
    str | None,
    typer.Option(
        help="cross-day: near by covariances of the features (unlabelled), or by what the classes "
        "look like (labelled).",
        show_default="unlabelled",
    ),
]
Distances = Annotated[
    bool,
    typer.Option(
        "--distances",
        help="Also print how far each person's features lie from those of the sources, with the "
        "noise of each distance, and write distances.csv. With --resume: of a study that is there.",
    ),
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Compute the features, also when they are kept already."),
]

#: where the value of an option stands in a recipe
KEYS: dict[str, tuple[str, str]] = {
    "root": ("data", "root"),
    "subjects": ("data", "subjects"),
    "channels": ("data", "channels"),
    "skip_bad": ("data", "skip_bad"),
    "features": ("features", "names"),
    "window": ("features", "window"),
    "step": ("features", "step"),
    "smoothing": ("features", "smoothing"),
    "protocol": ("study", "protocol"),
    "information": ("study", "information"),
    "methods": ("study", "methods"),
    "tune": ("study", "tune"),
    "pool": ("study", "pool"),
    "n_sources": ("study", "n_sources"),
    "ranking": ("study", "ranking"),
    "shuffles": ("study", "shuffles"),
    "seed": ("study", "seed"),
}
_LISTS = ("subjects", "features", "methods")


def recipe_of(name: str, given: Mapping[str, Any]) -> Recipe:
    """Make the recipe that a command was given.

    Parameters
    ----------
    name : str
        Name of a card, or the file of a recipe (see `is_recipe`).
    given : mapping
        Values of options by the names in `KEYS`; None where an option was left out. They replace
        what the recipe says.

    Returns
    -------
    Recipe

    Raises
    ------
    StudyError
        Naming the option, or file, line and key, of what is wrong.
    DatasetError
        When the data set is unknown.
    """
    from ..evaluation.recipe import Recipe
    from ..evaluation.recipe_text import dotted, read_file

    if is_recipe(name):
        content, in_file = read_file(name)
    else:
        content, in_file = {"data": {"name": name}}, dotted
    changes = changed(given)
    for option, value in changes.items():
        section, key = KEYS[option]
        part = content.setdefault(section, {})
        if isinstance(part, dict):  # else the recipe is refused for it
            part[key] = value
    options = {KEYS[option]: option for option in changes}

    def spelled(key: tuple[str | int, ...]) -> str:
        option = options.get(key[:2])  # type: ignore[arg-type]
        if option is None:
            return in_file(key)
        inside = f", {dotted(key[2:])}" if len(key) > 2 else ""
        return f"--{option.replace('_', '-')}{inside}"

    return Recipe.read(content, spelled=spelled)


def is_recipe(name: str) -> bool:
    """Say whether a name means a file rather than a data set.

    Parameters
    ----------
    name : str
        What a command was given.

    Returns
    -------
    bool
        Whether it ends in ``.toml``, has the separator of a path, or is a file that is there; the
        names of data sets come first.
    """
    from ..recordings import card_names

    if name in card_names():
        return False
    if name.lower().endswith(".toml") or os.sep in name or (os.altsep or os.sep) in name:
        return True
    try:
        return Path(name).is_file()
    except OSError:  # such as a name that no file can have
        return False


def changed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the options that were given into values as a recipe has them.

    Parameters
    ----------
    given : mapping
        As for `recipe_of`.

    Returns
    -------
    dict
        Without the options that were left out.

    Raises
    ------
    StudyError
        When an option was given a text that is empty, has an empty part, or is not UTF-8.
    """
    values: dict[str, Any] = {}
    for option, value in given.items():
        if value is None or value is False:
            continue
        if isinstance(value, str) and not value.strip():
            raise StudyError(f"--{option} is empty; give a value or leave the option out.")
        if isinstance(value, str) and not _encodes(value):
            raise StudyError(
                f"--{option} is {value!r}, which is not UTF-8; rename what it names, or give it "
                "another way."
            )
        if option in _LISTS or (option == "channels" and "," in value):
            value = _parts(option, value)
        elif option == "smoothing":
            value = _smoothing(value)
        elif option == "n_sources" and value.strip().isdecimal():
            value = int(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise StudyError(f"--{option} is {value:g}; give a number of seconds, for example 2.")
        values[option] = value
    return values


def _encodes(text: str) -> bool:
    """Say whether a text is UTF-8; what a shell hands over need not be."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parts(option: str, text: str) -> list[str]:
    """Split a list at its commas, of which one may end it."""
    parts = [part.strip() for part in text.split(",")]
    if not parts[-1]:
        del parts[-1]
    if not all(parts) or not parts:
        raise StudyError(
            f"--{option} is {text!r}, which has nothing before a comma; give names with one comma "
            "between two of them."
        )
    return parts


def _smoothing(text: str) -> dict[str, Any]:
    """Read a name and settings such as ``lds:mode=smooth,q=0.001``."""
    name, _, rest = text.partition(":")
    settings: dict[str, Any] = {"name": name.strip()}
    for pair in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            raise StudyError(
                f"--smoothing: {pair!r} is no setting; write for example moving_average:seconds=10."
            )
        try:
            settings[key] = float(value)
        except ValueError:
            settings[key] = value
    return settings
