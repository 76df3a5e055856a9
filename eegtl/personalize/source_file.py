"""Source files (``.eegsrc``): what a wearer's device needs of others, and no row of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import ContainerError, StateError
from ..transfer.state import from_states, to_state
from .container import fingerprint, write_container
from .container_reading import read_container
from .feature_basis import (
    DISTORTED,
    MAX_MODELS,
    basis_from_tree,
    basis_to_tree,
    try_extractor,
    try_model,
)
from .plain_values import table
from .plan import Plan
from .profile_versions import is_version
from .told import check_provenance

if TYPE_CHECKING:
    from ..features import FeatureExtractor

FORMAT, VERSION = "eegtl-sources", 1
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SourceFile:
    """Fitted candidates, how they did on source people, and how their features are computed.

    Parameters
    ----------
    extractor : FeatureExtractor
    sfreq : float
        Hz.
    ch_names : tuple of str
    passband : (float, float) or None
    mean, sd : ndarray of shape (n_features,)
        Of the rows of all sources.
    models : mapping of str to fitted pipeline
        By candidate; none holds a row of anybody.
    plan : Plan
    provenance : mapping
    """

    extractor: FeatureExtractor
    sfreq: float
    ch_names: tuple[str, ...]
    passband: tuple[float, float] | None
    mean: Floats
    sd: Floats
    models: Mapping[str, Any]
    plan: Plan
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes by name."""
        return tuple(str(label) for label in self.classes.tolist())

    @property
    def classes(self) -> NDArray[Any]:
        """The classes as the sources have them."""
        return np.asarray(next(iter(self.models.values())).classes_)

    @property
    def fingerprint(self) -> str:
        """Hash of all that it holds."""
        return fingerprint(self._content())

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it to one file.

        Parameters
        ----------
        path : path
            Usually ``<name>.eegsrc``.
        overwrite : bool

        Returns
        -------
        Path

        Raises
        ------
        ContainerError
            When the file is there already.
        """
        from .. import __version__

        content = {"format": FORMAT, "version": VERSION, "eegtl": __version__, **self._content()}
        write_container(path, content, overwrite=overwrite)
        return Path(path)

    def _content(self) -> dict[str, Any]:
        return {
            **basis_to_tree(self),
            "models": {name: to_state(model) for name, model in self.models.items()},
            "plan": self.plan.to_tree(),
            "provenance": dict(self.provenance),
        }

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a source file; nothing in it is executed.

        Parameters
        ----------
        path : path

        Returns
        -------
        SourceFile

        Raises
        ------
        ContainerError
            When it is missing, damaged, no source file, or of a later version.
        StateError
            When a model names a class that is not on the whitelist, or is malformed.
        """
        tree = read_container(path, FORMAT)
        if not is_version(tree.get("version"), VERSION):
            raise ContainerError(
                f"{path} is a source file of version {tree.get('version')!r}; this eegtl reads "
                f"version {VERSION}. Update eegtl, or prepare the sources anew."
            )
        try:
            plan = Plan.from_tree(table(tree["plan"]))
            states = table(tree["models"])
            if set(states) != set(plan.names) or len(states) > MAX_MODELS:
                raise ValueError("the models are not those of the plan")
            models = from_states(states)
            check_provenance(table(tree["provenance"]))
            found = cls(
                **basis_from_tree(tree),
                models=models,
                plan=plan,
                provenance=table(tree["provenance"]),
            )
            n = len(found.mean)
            if not len(found.sd) == len(plan.mean) == n or len(plan.prior) != len(found.labels):
                raise ValueError("mean, spread and plan are of other features or classes")
            for model in models.values():
                try_model(model, found.mean, found.classes)
            try_extractor(found)
            return found
        except StateError as error:
            raise StateError(f"{path}: {error}") from error
        except DISTORTED as error:
            raise ContainerError(
                f"{path} lacks or distorts what a source file holds ({type(error).__name__}: "
                f"{error}); it is damaged or foreign."
            ) from error
