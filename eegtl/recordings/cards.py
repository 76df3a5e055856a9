"""Cards: the facts of each data set, written once, as TOML."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..errors import DatasetError
from .channels import canonical_name, duplicates

# TOML has arrays only; everything inside them stays strict.
Strings = Annotated[tuple[str, ...], Field(strict=False)]
Range = Annotated[tuple[float, float], Field(strict=False)]


class _Strict(BaseModel):
    """No unknown keys, no conversions, no changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Folder(_Strict):
    """Where the files of a data set lie and how their names are read.

    `candidates` is a glob of the files that belong to the data set; `pattern` a regular expression
    with named groups that every candidate's name must match in full; `shape` says the same in
    words.
    """

    candidates: str
    pattern: str
    shape: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        """Refuse what is no regular expression, or names neither person nor label."""
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if missing := [name for name in ("subject", "label") if name not in groups]:
            raise ValueError(f"lacks the named groups {', '.join(missing)}")
        return value


class Fetch(_Strict):
    """Where the files can be fetched, and the list of their checksums.

    A file is at `base_url` followed by its name in the list; `sums` is the list, a text file beside
    the card with one SHA-256 sum and one name a line.
    """

    base_url: str
    sums: str

    @field_validator("base_url")
    @classmethod
    def _is_a_folder(cls, value: str) -> str:
        """Refuse what is no address of a folder."""
        if not re.fullmatch(r"https?://[^/\s]+/(\S*/)?", value):
            raise ValueError("must begin with https:// or http:// and end with a slash")
        return value

    @field_validator("sums")
    @classmethod
    def _lies_beside_the_card(cls, value: str) -> str:
        """Refuse paths."""
        if not re.fullmatch(r"\w[\w.-]*", value):
            raise ValueError("must be the plain name of a file beside the card")
        return value


class Trials(_Strict):
    """Which part of a recording is a trial, and what its label is.

    ``first-seconds``: one trial, from the start, of `seconds` length. ``whole-file``: one trial,
    all of it. ``in-file``: the reader finds the trials in the recording. `labels` maps what the
    file name says to the label, where the two differ.
    """

    rule: Literal["first-seconds", "whole-file", "in-file"]
    seconds: float | None = Field(default=None, gt=0)
    labels: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _seconds_where_used(self) -> Trials:
        """Demand `seconds` exactly where the rule reads it."""
        if (self.rule == "first-seconds") != (self.seconds is not None):
            raise ValueError("'seconds' belongs to the rule 'first-seconds', and only to it")
        return self


class Checks(_Strict):
    """What the complete data set holds: persons, recordings, and shortest and longest seconds."""

    subjects: int = Field(gt=0)
    recordings: int = Field(gt=0)
    seconds: Range


class Study(_Strict):
    """Settings of a study that suit the data set: window length in seconds."""

    window: float = Field(gt=0)


class Card(_Strict):
    """The facts of one data set.

    Parameters
    ----------
    name, title : str
        Short name (also that of its folder) and full title.
    reader : str
        Name of a reader in `eegtl.recordings.readers.READERS`.
    sfreq : float
        Sampling rate in Hz.
    unit : {"uV", "V", "header"}
        Unit of the stored samples; "header" means that each file says it.
    channels : tuple of str
        Canonical names of the EEG channels, in order.
    passband : (float, float) or None
        What the makers left of the spectrum, in Hz.
    labels : tuple of str
        In the order for tables.
    licence, url : str
        Terms of use, and where to get the data.
    citation : tuple of str
        What to cite.
    folder : Folder or None
        None for data that are made in memory.
    fetch : Fetch or None
        None where the files cannot be fetched one by one.
    trials : Trials
        What a trial is.
    checks : Checks
        What the complete data set holds.
    study : Study
        Settings that suit it.
    """

    name: str
    title: str
    reader: str
    sfreq: float = Field(gt=0)
    unit: Literal["uV", "V", "header"]
    channels: Strings = Field(min_length=1)
    passband: Range | None = None
    labels: Strings = Field(min_length=2)
    licence: str
    citation: Strings
    url: str
    folder: Folder | None = None
    fetch: Fetch | None = None
    trials: Trials
    checks: Checks
    study: Study

    @field_validator("channels")
    @classmethod
    def _canonical(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse names in another spelling, and names that repeat."""
        for name in value:
            if canonical_name(name) != name:
                raise ValueError(f"{name!r} must be written {canonical_name(name)!r}")
        if repeated := duplicates(value):
            raise ValueError(f"{repeated[0]!r} is listed twice")
        return value

    @field_validator("passband")
    @classmethod
    def _rises(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        """Refuse a pass-band that is empty."""
        if value is not None and not 0 <= value[0] < value[1]:
            raise ValueError(f"must rise from at least 0, not {value[0]:g} to {value[1]:g}")
        return value


def read_card(path: Path) -> Card:
    """Read one card.

    Parameters
    ----------
    path : Path
        A ``card.toml``.

    Returns
    -------
    Card
        Its contents.

    Raises
    ------
    DatasetError
        Naming the file, the key and the value, when something is missing, unknown or of the
        wrong kind.

    Examples
    --------
    >>> read_card(card_folder() / "synthetic" / "card.toml").name
    'synthetic'
    """
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise DatasetError(f"{path}: not valid TOML: {error}") from error
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, problem['loc'])) or 'card'}: {problem['msg']} "
            f"(got {_shown(problem['input'])})"
            for problem in error.errors()
        ]
        raise DatasetError(f"{path}: {'; '.join(lines)}") from error


def _shown(value: Any) -> str:
    """Show a value in a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def card_folder() -> Path:
    """Return the folder of the cards.

    Returns
    -------
    Path
        Inside the installed package, or beside it in a checkout.

    Examples
    --------
    >>> card_folder().name
    'datasets'
    """
    package = Path(__file__).resolve().parents[1]
    inside = package / "datasets"
    return inside if inside.is_dir() else package.parent / "datasets"


def card_names() -> tuple[str, ...]:
    """List the data sets that have a card.

    Returns
    -------
    tuple of str
        In alphabetic order.

    Examples
    --------
    >>> "synthetic" in card_names()
    True
    """
    return tuple(sorted(path.parent.name for path in card_folder().glob("*/card.toml")))


def get_card(name: str) -> Card:
    """Return the card of a data set.

    Parameters
    ----------
    name : str
        One of `card_names`.

    Returns
    -------
    Card
        The card.

    Raises
    ------
    DatasetError
        When there is no such card (the message lists them), or it is faulty.

    Examples
    --------
    >>> get_card("eegmat").labels
    ('rest', 'arithmetic')
    """
    known = card_names()
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        raise DatasetError(
            f"the data set {name!r} is unknown{f'; did you mean {near[0]!r}?' if near else '.'} "
            f"Known are {', '.join(known)}; recordings of your own are read with "
            "eegtl.from_raws"
        )
    card = read_card(card_folder() / name / "card.toml")
    if card.name != name:
        raise DatasetError(
            f"{card_folder() / name / 'card.toml'}: name: {card.name!r} differs from the name of "
            f"its folder, {name!r}; rename one of them"
        )
    return card
