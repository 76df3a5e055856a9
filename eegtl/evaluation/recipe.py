"""Recipes: all that a study is started with, as TOML that names registry entries and no code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, Field, FiniteFloat, ValidationError, field_validator

from .. import __version__
from ..errors import StudyError
from ..features import BANDS, FEATURES, FeatureExtractor
from ..features.bands import check_bands
from ..features.registry import get_features
from ..features.smoothing import SMOOTHING
from ..preprocessing.chain import Chain
from ..preprocessing.registry import STEPS
from ..recordings import Collection, get_card, load
from ..recordings.folders import data_folder
from .recipe_parts import Settings, Strict, entry_models, one_of
from .recipe_text import Key, all_known, dotted, problems, read_file, too_deep
from .study_part import StudyPart
from .toml_text import write_toml

_STEPS, _SMOOTHING = entry_models(STEPS, "step"), entry_models(SMOOTHING, "name")
if TYPE_CHECKING:
    Step = Settings
    Smoothing = Settings
else:
    Step, Smoothing = one_of(_STEPS, "step"), one_of(_SMOOTHING, "name")
Positive = Annotated[FiniteFloat, Field(gt=0)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class DataPart(Strict):
    """``[data]``: the data set, and what of it is used.

    `channels` is "common", the name of a headset or a list of names; a relative `root` counts from
    the folder in which the study is started, and is kept in full with its results.
    """

    name: str
    root: str | None = None
    channels: str | tuple[str, ...] | None = None
    subjects: Names | None = None
    skip_bad: bool = False

    @field_validator("channels")
    @classmethod
    def _some(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        """Refuse an empty list."""
        if value == ():
            raise ValueError("name at least one channel, or leave the key out to take all")
        return value


class FeaturesPart(Strict):
    """``[features]``: what is computed of each window; `window` and `step` in seconds.

    A `window` that is left out is that of the card, a `step` that is left out the window.
    """

    names: Names = ("de",)
    window: Positive | None = None
    step: Positive | None = None
    bands: Annotated[dict[str, tuple[FiniteFloat, FiniteFloat]], Field(min_length=1)] = Field(
        default_factory=lambda: dict(BANDS)
    )
    smoothing: Smoothing | None = None

    @field_validator("smoothing", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        """Read a bare name as the smoothing with its defaults."""
        return {"name": value} if isinstance(value, str) else value

    @field_validator("names")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse features that nobody computes, and those named twice."""
        get_features(all_known("feature", value, FEATURES))
        return value

    @field_validator("bands")
    @classmethod
    def _possible(cls, value: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        """Refuse bands that are none."""
        return check_bands(value)


class Recipe(Strict):
    """All that a study is started with.

    Parameters
    ----------
    data : DataPart
        Which data set, and what of it.
    preprocessing : tuple
        Steps before the features: tables with the name of a `step` and its settings.
    features : FeaturesPart
        Features, windows, bands, smoothing.
    study : StudyPart
        Protocol, information set, methods, seed.

    Examples
    --------
    >>> recipe = Recipe.read({"data": {"name": "synthetic"}, "preprocessing": [{"step": "notch"}]})
    >>> recipe.features.window, recipe.chain().describe()[0]["name"]
    (2.0, 'notch')
    """

    data: DataPart
    preprocessing: tuple[Step, ...] = ()
    features: FeaturesPart = Field(default_factory=FeaturesPart)
    study: StudyPart = Field(default_factory=StudyPart)

    @field_validator("preprocessing")
    @classmethod
    def _fit_together(cls, value: tuple[Step, ...]) -> tuple[Step, ...]:
        """Refuse steps of which a chain can have one only."""
        Chain.of([part.make() for part in value])
        return value

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a recipe from a file.

        Parameters
        ----------
        path : path
            TOML with the sections ``[data]``, ``[features]``, ``[[preprocessing]]`` and
            ``[study]``; only ``[data]`` must be there.

        Returns
        -------
        Recipe

        Raises
        ------
        StudyError
            When the file cannot be read; or with line, key and value of everything in it that is
            missing, unknown or of the wrong kind.
        DatasetError
            When the data set is unknown.
        """
        content, spelled = read_file(path)
        return cls.read(content, spelled=spelled)

    @classmethod
    def read(
        cls, content: Mapping[str, Any], *, spelled: Callable[[Key], str] | None = None
    ) -> Self:
        """Check the content of a recipe, and complete it from the card of its data set.

        Parameters
        ----------
        content : mapping
            Plain values, as TOML or JSON have them.
        spelled : callable, optional
            Says how messages call a key, given as a tuple; by default joined with dots.

        Returns
        -------
        Recipe

        Raises
        ------
        StudyError
            Naming key and value of everything that is missing, unknown or of the wrong kind.
        DatasetError
            When the data set is unknown.

        Examples
        --------
        >>> Recipe.read({"data": {"name": "synthetic"}, "study": {"sede": 1}})
        Traceback (most recent call last):
            ...
        eegtl.errors.StudyError: study.sede: unknown key; did you mean 'seed'? Allowed are ...
        """
        try:
            recipe = cls.model_validate_json(json.dumps(content, default=str))
        except ValidationError as error:
            raise StudyError("; ".join(problems(error, spelled or dotted, _place))) from error
        except RecursionError as error:
            raise too_deep((spelled or dotted)(())) from error
        if recipe.features.window is not None:
            return recipe
        window = get_card(recipe.data.name).study.window
        features = recipe.features.model_copy(update={"window": window})
        return recipe.model_copy(update={"features": features})

    def anchored(self) -> Self:
        """Write a relative root out in full, so that it is the same from every folder.

        Returns
        -------
        Recipe

        Raises
        ------
        DatasetError
            When the root begins with the home of nobody.
        """
        if self.data.root is None:
            return self
        root = str(data_folder(self.data.root)[0].absolute())
        return self.model_copy(update={"data": self.data.model_copy(update={"root": root})})

    def as_dict(self) -> dict[str, Any]:
        """Give the content as texts, numbers, lists and dicts, which `read` takes back.

        Returns
        -------
        dict
            JSON-able; complete, so that it does not depend on the defaults of a later version.
        """
        return json.loads(self.model_dump_json())

    def dump(self) -> str:
        r"""Write the recipe as TOML.

        Returns
        -------
        str
            What `load` reads back as an equal recipe.

        Examples
        --------
        >>> text = Recipe.read({"data": {"name": "synthetic"}}).dump()
        >>> print("\n".join(text.splitlines()[:3]))
        # eegtl 0.1.0; repeat with: eegtl study recipe.toml
        [data]
        name = "synthetic"
        """
        head = f"# eegtl {__version__}; repeat with: eegtl study recipe.toml\n"
        content = self.as_dict()
        if not content["preprocessing"]:
            del content["preprocessing"]  # TOML writes tables, and there is none
        return head + write_toml(content)

    def collection(self) -> Collection:
        """List the recordings.

        Returns
        -------
        Collection

        Raises
        ------
        DatasetError
            When the data set, its folder, a channel or a person is unknown.
        """
        data = self.data
        return load(data.name, data.root, channels=data.channels, subjects=data.subjects)

    def chain(self) -> Chain:
        """Build the steps of preprocessing.

        Returns
        -------
        Chain
        """
        return Chain.of([part.make() for part in self.preprocessing])

    def extractor(self) -> FeatureExtractor:
        """Build the extractor of the features.

        Returns
        -------
        FeatureExtractor

        Raises
        ------
        SignalError
            When bands, window or step are not possible.
        """
        part = self.features
        assert part.window is not None, "read() takes it from the card"
        return FeatureExtractor(
            part.names,
            part.bands,
            part.window,
            part.step,
            preprocessing=self.chain(),
            smoothing=None if part.smoothing is None else part.smoothing.make(),
        )

    def with_features(self, extra: Iterable[str]) -> Self:
        """Compute further features, which some methods read in place of those of the study.

        Parameters
        ----------
        extra : iterable of str
            As `eegtl.evaluation.extra_features` lists them.

        Returns
        -------
        Recipe
            For the extraction alone; the study is about the features of this one.
        """
        names = (*self.features.names, *extra)
        return self.model_copy(
            update={"features": self.features.model_copy(update={"names": names})}
        )

    def arguments(self) -> dict[str, Any]:
        """Give the arguments of `run_study` besides the table.

        Returns
        -------
        dict
            ``run_study(table, **recipe.arguments())``; ``command`` is the recipe itself.
        """
        part = self.study
        return {
            "protocol": part.make_protocol(),
            "information": part.information,
            "methods": None if part.methods is None else list(part.methods),
            "tune": part.tune,
            "n_shuffles": part.shuffles,
            "seed": part.seed,
            "features": list(self.features.names),
            "keep_settling": part.keep_settling,
            "allow_acausal": part.allow_acausal,
            "command": self.as_dict(),
        }


def _place(location: tuple[str | int, ...]) -> tuple[Key, type[BaseModel] | None]:
    """Turn pydantic's location into a key path, and find the model that the last key is part of.

    Pydantic also counts the tag of a table with a name (`step`, `name`) and the member of a
    choice between kinds; these are no keys.
    """
    parts: dict[str, type[BaseModel]] = {
        "data": DataPart,
        "features": FeaturesPart,
        "study": StudyPart,
    }
    key = tuple(part for part in location if part not in ("str", "tuple[str, ...]"))
    if key[:1] == ("preprocessing",) and len(key) > 2:
        return key[:2] + key[3:], _STEPS[str(key[2])]
    if key[:2] == ("features", "smoothing") and len(key) > 2:
        return key[:2] + key[3:], _SMOOTHING[str(key[2])]
    return key, parts.get(str(key[0]), Recipe) if len(key) > 1 else Recipe
