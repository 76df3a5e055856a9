"""Reading the text of a recipe, and telling what is wrong in it with its place."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import StudyError
from .toml_text import find_line

Key = tuple[str | int, ...]
Place = tuple[Key, type[BaseModel] | None]


def read_file(path: str | Path) -> tuple[dict[str, Any], Callable[[Key], str]]:
    """Read the content of a recipe without checking it.

    Parameters
    ----------
    path : path

    Returns
    -------
    content : dict
    spelled : callable
        As `Recipe.read` takes it: names the file, the line and the key.

    Raises
    ------
    StudyError
        When the file cannot be read or is no TOML.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise StudyError(
            f"the recipe {path} cannot be read ({error.strerror}); name a file, or a data set "
            "such as synthetic"
        ) from error
    except ValueError as error:  # of the decoder or of TOML
        raise StudyError(f"{path}: not valid TOML: {error}") from error

    def spelled(key: Key) -> str:
        line = find_line(text, key)
        return f"{path}{'' if line is None else f', line {line}'}: {dotted(key)}"

    return content, spelled


def dotted(key: Key) -> str:
    """Write a key path as TOML does; places in lists count from 1.

    Parameters
    ----------
    key : tuple of str or int

    Returns
    -------
    str

    Examples
    --------
    >>> dotted(("preprocessing", 0, "order"))
    'preprocessing[1].order'
    """
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in key]
    return "".join(parts).lstrip(".") or "recipe"


def all_known(what: str, names: tuple[str, ...], known: Mapping[str, Any]) -> tuple[str, ...]:
    """Refuse the first name that is not known.

    Parameters
    ----------
    what : str
        What the names are names of.
    names : tuple of str
    known : mapping
        Those that exist, in the order to list them.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    ValueError
        Naming the first that is unknown, and those that are known.
    """
    for name in names:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r};{_near(name, known)} known are "
                             f"{', '.join(known)}")  # fmt: skip
    return names


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" did you mean {near[0]!r}?" if near else ""


def problems(
    error: ValidationError, spelled: Callable[[Key], str], place: Callable[[Key], Place]
) -> list[str]:
    """Write one text for each problem: where, what is wrong, what came or what is allowed.

    Parameters
    ----------
    error : ValidationError
    spelled : callable
        Says how a key path is called.
    place : callable
        From pydantic's location to the key path, and the model that its last key is part of.

    Returns
    -------
    list of str
    """
    texts = []
    for problem in error.errors():
        key, model = place(problem["loc"])
        kind, got = problem["type"], problem["input"]
        if kind == "extra_forbidden" and model is not None:
            known = model.model_fields
            text = f"unknown key;{_near(str(key[-1]), known)} Allowed are {', '.join(known)}"
        elif kind == "missing":
            text = "is missing"
        elif kind == "union_tag_invalid":
            context = problem["ctx"]
            key = (*key, str(context["discriminator"]).strip("'"))
            text = f"{context['tag']!r} is unknown; known are {context['expected_tags']}"
        elif kind == "union_tag_not_found":
            text = f"{problem['ctx']['discriminator']} is missing (got {_shown(got)})"
        else:
            text = f"{problem['msg'].removeprefix('Value error, ')} (got {_shown(got)})"
        texts.append(f"{spelled(key)}: {text}")
    return list(dict.fromkeys(texts))


def _shown(value: Any) -> str:
    """Show a value in a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
