"""The options that several commands share, and how they change a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import StudyError

if TYPE_CHECKING:
    from ..evaluation.recipe import Recipe

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME|RECIPE.toml",
        help="Data set: the name of a card, for example synthetic; or a recipe.",
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
    "shuffles": ("study", "shuffles"),
    "seed": ("study", "seed"),
}
_LISTS = ("subjects", "features", "methods")


def recipe_of(name: str, given: Mapping[str, Any]) -> Recipe:
    """Make the recipe that a command was given.

    Parameters
    ----------
    name : str
        Name of a card, or a file whose name ends in ``.toml``.
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

    content, in_file = read_file(name) if name.endswith(".toml") else ({}, dotted)
    if not name.endswith(".toml"):
        content = {"data": {"name": name}}
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
        When an option was given an empty text.
    """
    values: dict[str, Any] = {}
    for option, value in given.items():
        if value is None or value is False:
            continue
        if isinstance(value, str) and not value.strip():
            raise StudyError(f"--{option} is empty; give a value or leave the option out.")
        if option in _LISTS or (option == "channels" and "," in value):
            value = [part.strip() for part in value.split(",")]
        elif option == "smoothing":
            value = _smoothing(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise StudyError(f"--{option} is {value:g}; give a number of seconds, for example 2.")
        values[option] = value
    return values


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
