"""Reading the text of a recipe, and telling what is wrong in it with its place."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import StudyError
from .toml_text import line_finder

Key = tuple[str | int, ...]
Place = tuple[Key, type[BaseModel] | None]

#: bytes; a recipe takes a few thousand
MAX_BYTES = 2**20
#: of one line; Python's parser takes time with the square of the parts of a key
_DOTS = 1000
#: how many problems a message tells
_TOLD = 20
_DEEP = "tables or lists are nested too deep; a recipe has four levels at most"


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
        When the file cannot be read, is no TOML, or larger than a recipe can be.
    """
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise StudyError(
                f"{path}: has more than {MAX_BYTES} bytes, which no recipe needs; name another file"
            )
        text = raw.decode("utf-8-sig")  # editors of Windows begin a file with a mark
        if any(line.count(".") > _DOTS for line in text.splitlines() if line.strip()[:1] != "#"):
            raise too_deep(str(path))
        content = tomllib.loads(text)
    except RecursionError as error:
        raise too_deep(str(path)) from error
    except OSError as error:
        raise StudyError(
            f"the recipe {path} cannot be read ({error.strerror}); name a file, or a data set "
            "such as synthetic"
        ) from error
    except ValueError as error:  # of the decoder or of TOML
        raise StudyError(f"{path}: not valid TOML: {error}") from error

    find = line_finder(text)

    def spelled(key: Key) -> str:
        line = find(key)
        return f"{path}{'' if line is None else f', line {line}'}: {dotted(key)}"

    return content, spelled


def too_deep(where: str) -> StudyError:
    """Say that tables or lists lie inside each other more often than can be read.

    Parameters
    ----------
    where : str
        The file, or what else was read.

    Returns
    -------
    StudyError
        To be raised.
    """
    return StudyError(f"{where}: {_DEEP}")


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
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{_cut(part)}" for part in key]
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
            raise ValueError(f"unknown {what} {_shown(name)};{_near(name, known)} known are "
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
        Of the first problems only, where there are many; the last text then counts the others.
    """
    texts = []
    found = error.errors(include_url=False)
    for problem in found[:_TOLD]:
        key, model = place(problem["loc"])
        kind, got = problem["type"], problem["input"]
        if kind == "extra_forbidden" and model is not None:
            known = model.model_fields
            text = f"unknown key;{_near(str(key[-1]), known)} Allowed are {', '.join(known)}"
        elif kind == "json_invalid" and "recursion" in problem["msg"]:
            text = _DEEP
        elif kind == "missing":
            text = "is missing"
        elif kind == "union_tag_invalid":
            context = problem["ctx"]
            key = (*key, str(context["discriminator"]).strip("'"))
            text = f"{_shown(context['tag'])} is unknown; known are {context['expected_tags']}"
        elif kind == "union_tag_not_found":
            text = f"{problem['ctx']['discriminator']} is missing (got {_shown(got)})"
        else:
            text = f"{problem['msg'].removeprefix('Value error, ')} (got {_shown(got)})"
        texts.append(f"{spelled(key)}: {text}")
    texts = list(dict.fromkeys(texts))
    return texts if len(found) <= _TOLD else [*texts, f"and {len(found) - _TOLD} more"]


def _shown(value: Any) -> str:
    """Show a value in a message, cut where it is long."""
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
