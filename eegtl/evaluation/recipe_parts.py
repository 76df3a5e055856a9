"""Tables of a recipe that name a registry entry and give its settings."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    model_serializer,
    model_validator,
)


class Strict(BaseModel):
    """No unknown keys, no conversions, no changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Settings(Strict):
    """The settings of one registry entry, whose class is a frozen dataclass.

    TOML has no word for None: the text "none" stands for it where a setting may be None.
    """

    registered: ClassVar[type[Any]]
    optional: ClassVar[frozenset[str]]

    @model_validator(mode="before")
    @classmethod
    def _words(cls, data: Any) -> Any:
        """Read "none", and lists as the tuples that frozen settings hold."""
        if not isinstance(data, Mapping):
            return data
        return {
            key: None if value == "none" and key in cls.optional else _tuples(value)
            for key, value in data.items()
        }

    @model_validator(mode="after")
    def _possible(self) -> Settings:
        """Let the dataclass refuse what it cannot work with; its errors are values, too."""
        self.make()
        return self

    @model_serializer
    def _plain(self) -> dict[str, Any]:
        """Write the settings, "none" for None."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: "none" if value is None else value for name, value in values.items()}

    def make(self) -> Any:
        """Make the instance of the registered class.

        Returns
        -------
        object
            Such as a step of preprocessing.
        """
        names = [field.name for field in dataclasses.fields(self.registered)]
        return self.registered(**{name: getattr(self, name) for name in names})


def _tuples(value: Any) -> Any:
    """Turn lists into tuples, all the way down."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def entry_models(registry: Mapping[str, type[Any]], tag: str) -> dict[str, type[Settings]]:
    """Make the models of the tables that name an entry of a registry and give its settings.

    Parameters
    ----------
    registry : mapping of str to type
        Frozen dataclasses by name.
    tag : str
        The key of the table that holds the name.

    Returns
    -------
    dict of str to type
        One model an entry.
    """
    return {name: _model(kind, tag, name) for name, kind in registry.items()}


def one_of(models: Mapping[str, type[Settings]], tag: str) -> Any:
    """Join models to the type of a table that is one of them, told apart by its tag.

    Parameters
    ----------
    models : mapping
        As from `entry_models`.
    tag : str
        The key that holds the name.

    Returns
    -------
    type
        For a field of a pydantic model.
    """
    return Annotated[Union[tuple(models.values())], Field(discriminator=tag)]  # noqa: UP007


def _model(registered: type[Any], tag: str, name: str) -> type[Settings]:
    """Make the model of one entry: the tag, then the fields of the dataclass."""
    hints = typing.get_type_hints(registered)
    fields: dict[str, Any] = {tag: (Literal[name], ...)}
    for field in dataclasses.fields(registered):
        given = field.default is not dataclasses.MISSING
        hint = hints[field.name]
        if hint == tuple[str, ...]:
            hint = str | hint  # what takes names of channels takes the name of a headset, too
        fields[field.name] = (hint, field.default if given else ...)
    model: type[Settings] = create_model(registered.__name__, __base__=Settings, **fields)
    model.registered = registered
    model.optional = frozenset(
        key for key, hint in hints.items() if NoneType in typing.get_args(hint)
    )
    return model
