"""Writing TOML, which Python only reads, and finding the line of a key in it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"\s*\[(\[?)([^\[\]]+)\]\]?\s*(#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")

Path = tuple[str | int, ...]


def write_toml(content: Mapping[str, Any]) -> str:
    """Write a mapping as TOML.

    Parameters
    ----------
    content : mapping
        Texts, numbers, truth values, lists of these, mappings, and lists of mappings. Keys whose
        value is None are left out, since TOML has no word for it.

    Returns
    -------
    str
        What `tomllib.loads` reads back as the same content.

    Raises
    ------
    TypeError
        When a value is of another kind.

    Examples
    --------
    >>> print(write_toml({"data": {"name": "eegmat", "bands": {"alpha": [8.0, 14.0]}}}))
    [data]
    name = "eegmat"
    <BLANKLINE>
    [data.bands]
    alpha = [8.0, 14.0]
    <BLANKLINE>
    """
    return "\n".join(_table((), content)).lstrip("\n") + "\n"


def _table(path: tuple[str, ...], content: Mapping[str, Any]) -> list[str]:
    """Write the plain values of a table, then the tables inside it."""
    lines: list[str] = []
    inside: list[str] = []
    for key, value in content.items():
        place = (*path, key)
        if isinstance(value, Mapping):
            inside += ["", f"[{_dotted(place)}]", *_table(place, value)]
        elif _holds_tables(value):
            for each in value:
                inside += ["", f"[[{_dotted(place)}]]", *_table(place, each)]
        elif value is not None:
            lines.append(f"{_dotted((key,))} = {_value(value)}")
    return lines + inside


def _holds_tables(value: Any) -> bool:
    """Say whether a value is a list of tables."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(isinstance(each, Mapping) for each in value)
    )


def _dotted(keys: tuple[str, ...]) -> str:
    """Join keys; those that are no bare words are quoted."""
    return ".".join(key if _BARE.fullmatch(key) else _text(key) for key in keys)


def _text(value: str) -> str:
    """Quote a text; TOML has the escapes of JSON, and wants one more character escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    """Write a plain value or a list of them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"TOML has no word for {value!r}")


def line_finder(text: str) -> Callable[[Path], int | None]:
    r"""Find the lines of the keys of a text, which is parsed once, at the first question.

    Parameters
    ----------
    text : str
        TOML.

    Returns
    -------
    callable
        From keys, the outermost table first (a number counts the tables of a list from 0), to the
        line of the key or of the innermost table around it, the first line being 1; to None where
        no table around the key has a line.

    Examples
    --------
    >>> find = line_finder("[study]\nseed = 1\n")
    >>> find(("study", "seed")), find(("study", "methods", 0)), find(("data",))
    (2, 1, None)
    """
    lines = functools.cache(lambda: _lines(text))

    def find(path: Path) -> int | None:
        around = (path[:n] for n in range(len(path), 0, -1))
        return next((lines()[place] for place in around if place in lines()), None)

    return find


def _lines(text: str) -> dict[Path, int]:
    """Give the first line of each table and each key."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line):
            table = ()
            keys = _keys(header[2])
            for key in keys[:-1]:
                table += (key,)
                if table in counts:  # the last table of a list is meant
                    table += (counts[table] - 1,)
            table += (keys[-1],)
            if header[1]:
                found.setdefault(table, number)
                counts[table] = counts.get(table, 0) + 1
                table += (counts[table] - 1,)
            found.setdefault(table, number)
        elif pair := _KEY.match(line):
            found.setdefault((*table, *_keys(pair[1])), number)
    return found


def _keys(dotted: str) -> list[str]:
    """Split a dotted key."""
    return [part.strip("\"'") for part in re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", dotted)]
