"""A wearer's profile: the fitted model, and all that live use needs to feed it as it was fitted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import ContainerError, InputError, StateError
from ..transfer.state import from_states, to_state
from .candidates import SAFE
from .container import fingerprint, write_container
from .container_reading import read_container
from .days import Day
from .feature_basis import (
    DISTORTED,
    MAX_MODELS,
    basis_from_tree,
    basis_to_tree,
    signals_of,
    table_of,
    try_extractor,
    try_model,
)
from .plain_values import entries, table, text
from .plan import Plan
from .profile_versions import of_this_version
from .told import check_entry, check_provenance

if TYPE_CHECKING:
    from ..features import FeatureExtractor, FeatureTable
    from ..recordings.collection import Collection

FORMAT, VERSION = "eegtl-profile", 2
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profile:
    """A model, and how its features are computed.

    Parameters
    ----------
    model : transfer classifier
        Fitted, with `predict_proba`; every estimator of eegtl can be kept.
    extractor : FeatureExtractor
        What makes its rows from the signal; causal.
    sfreq : float
        Sampling rate of the signals that it was fitted on, in Hz.
    ch_names : tuple of str
        Their channels, by canonical name, in the order of the features.
    passband : (float, float) or None
        What was left of their spectrum, in Hz: filters are clipped to it live, too.
    mean, sd : ndarray of shape (n_features,)
        Of the features of the sources.
    provenance : mapping
        What it was made from: data set, number of people and windows, a hash of the rows.
    history : tuple of mapping
        Its calibrations, oldest first.
    name : str
        Which of the candidates the model is; ``""`` for a model of another origin.
    others : mapping of str to model
        Further candidates, to fall back to.
    plan : Plan or None
        How the candidates did on source people.
    days : tuple of Day
        The calibration blocks of the wearer.
    day : str
        Which of them the model is of.

    Examples
    --------
    >>> import eegtl
    >>> from eegtl.transfer import SubjectNormalizer, default_classifier
    >>> people = eegtl.load("synthetic").select(subjects=["w01", "w02", "w03"])
    >>> pipeline = eegtl.make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    >>> profile = Profile.fit(pipeline, people, eegtl.FeatureExtractor(window=2.0))
    >>> profile.labels, profile.sfreq, len(profile.ch_names)
    (('negative', 'neutral', 'positive'), 128.0, 14)
    """

    model: Any
    extractor: FeatureExtractor
    sfreq: float
    ch_names: tuple[str, ...]
    passband: tuple[float, float] | None
    mean: Floats
    sd: Floats
    provenance: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    name: str = ""
    others: Mapping[str, Any] = field(default_factory=dict)
    plan: Plan | None = None
    days: tuple[Day, ...] = ()
    day: str = ""

    def __post_init__(self) -> None:
        # as they come back from a file: whole numbers would make another fingerprint
        object.__setattr__(self, "sfreq", float(self.sfreq))
        if self.passband is not None:
            low, high = self.passband
            object.__setattr__(self, "passband", (float(low), float(high)))
        if not hasattr(self.model, "predict_proba") or not hasattr(self.model, "classes_"):
            raise InputError(
                f"a profile needs a fitted classifier with predict_proba; got "
                f"{type(self.model).__name__}. Fit it, or end its pipeline in a classifier that "
                "has probabilities, such as default_classifier()."
            )
        if not self.extractor.causal:
            raise InputError(
                "a profile needs features that do without the future of the signal; choose causal "
                "filters and smoothing for the extractor."
            )
        try:
            check_provenance(self.provenance)
            for entry in self.history:
                check_entry(entry)
        except (LookupError, TypeError) as error:
            raise InputError(
                f"what a profile tells of its origin cannot be printed ({type(error).__name__}: "
                f"{error}); give people, windows and seconds as numbers, names as texts, and what "
                "has a 'candidate' as calibrate does."
            ) from error
        n = int(self.model.n_features_in_)
        if self.mean.shape != (n,) or self.sd.shape != (n,):
            raise InputError(
                f"the model reads {n} features, but mean and sd have {self.mean.shape} and "
                f"{self.sd.shape}; give those of the same features."
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes by name, in the order of the probabilities."""
        return tuple(str(label) for label in self.model.classes_.tolist())

    @classmethod
    def fit(
        cls, model: Any, recordings: Collection | FeatureTable, extractor: FeatureExtractor
    ) -> Self:
        """Fit a model on labelled recordings of other people.

        Parameters
        ----------
        model : transfer classifier
            Unfitted; it stays as it is.
        recordings : Collection, list of Recording or FeatureTable
            All with the same channels and sampling rate; or what the extractor made of them, for
            example without those that are bad (``extract(recordings, skip_bad=True)``).
        extractor : FeatureExtractor

        Returns
        -------
        Profile

        Raises
        ------
        InputError
            When no window has a label, or sampling rates differ, or pass-bands do so that bands
            are not the same for all.
        """
        from sklearn.base import clone

        table = table_of(recordings, extractor)
        signals = signals_of(table, extractor)
        meta = table.meta
        used = (~meta["settling"] & meta["label"].notna()).to_numpy()
        if not used.any():
            raise InputError(
                f"none of the {len(meta)} windows has settled and has a label; give labelled "
                "recordings."
            )
        X, rows = table.X[used], meta[used].reset_index(drop=True)
        y, subjects = rows["label"].to_numpy(), rows["subject"].to_numpy()
        fitted = clone(model).fit(X, y, subjects=subjects, rows=rows)
        content = hashlib.sha256(np.ascontiguousarray(X).tobytes())
        content.update("\n".join(map(str, y)).encode())
        return cls(
            fitted,
            extractor,
            mean=X.mean(axis=0),
            sd=X.std(axis=0),
            provenance={
                "datasets": sorted(set(map(str, rows["dataset"]))),
                "n_people": int(rows["subject"].nunique()),
                "n_windows": len(rows),
                "rows_sha256": content.hexdigest(),
            },
            **signals,
        )

    def adapted(self, model: Any, entry: Mapping[str, Any]) -> Self:
        """Give the profile with another model of the same features, and a line of history.

        Parameters
        ----------
        model : transfer classifier
        entry : mapping
            Plain values that say what was done: when, how many windows, of what kind.

        Returns
        -------
        Profile
        """
        return replace(self, model=model, history=(*self.history, dict(entry)))

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the profile to one file.

        Parameters
        ----------
        path : path
            Usually ``<name>.eegtl``.
        overwrite : bool

        Returns
        -------
        Path

        Raises
        ------
        ContainerError
            When the file is there already.
        StateError
            When the model holds something that cannot be kept safely.
        """
        from .. import __version__

        content = {"format": FORMAT, "version": VERSION, "eegtl": __version__, **self._content()}
        write_container(path, content, overwrite=overwrite)
        return Path(path)

    def _try(self) -> None:
        """Predict once: a file that was tampered with shall fail when it is read."""
        for model in (self.model, *self.others.values()):
            try_model(model, self.mean, np.asarray(self.model.classes_))
        plan = self.plan
        if plan is not None and (
            len(plan.mean) != len(self.mean) or len(plan.prior) != len(self.labels)
        ):
            raise ValueError("its plan is of other features or classes")
        if any(day.X.shape[1] != len(self.mean) for day in self.days):
            raise ValueError("a day has other features")
        if plan is not None:
            names = {self.name, *self.others}
            if SAFE not in names or not names <= set(plan.names):
                raise ValueError("the models are not those of the plan")
            if any(day.entry["candidate"] not in plan.names for day in self.days):
                raise ValueError("a day has a model that is not in the plan")
            if any({day.kind, day.entry["kind"]} - set(plan.kinds) for day in self.days):
                raise ValueError("a day is of a kind that is not in the plan")
        try_extractor(self)

    @property
    def fingerprint(self) -> str:
        """Hash of all that it holds: two profiles that differ in anything have two."""
        return fingerprint(self._content())

    def _content(self) -> dict[str, Any]:
        return {
            "model": to_state(self.model),
            **basis_to_tree(self),
            "provenance": dict(self.provenance),
            "history": [dict(entry) for entry in self.history],
            "name": self.name,
            "others": {name: to_state(model) for name, model in self.others.items()},
            "plan": None if self.plan is None else self.plan.to_tree(),
            "days": [day.to_tree() for day in self.days],
            "day": self.day,
        }

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a profile; nothing in the file is executed.

        Parameters
        ----------
        path : path

        Returns
        -------
        Profile

        Raises
        ------
        ContainerError
            When it is missing, damaged, no profile, or of a later version.
        StateError
            When its model names a class that is not on the whitelist, or is malformed.
        """
        tree = read_container(path, FORMAT)
        try:
            tree = of_this_version(tree, VERSION)
        except LookupError:
            raise ContainerError(
                f"{path} is a profile of version {tree.get('version')!r}; this eegtl reads up to "
                f"version {VERSION}. Update eegtl, or make the profile anew."
            ) from None
        try:
            others, plan = table(tree["others"]), tree["plan"]
            if len(others) > MAX_MODELS:
                raise ValueError(f"it holds {len(others)} models")
            models = from_states(
                {"model": tree["model"], **{f"-{n}": s for n, s in others.items()}}
            )
            loaded = cls(
                models["model"],
                **basis_from_tree(tree),
                provenance=table(tree["provenance"]),
                history=tuple(table(entry) for entry in entries(tree["history"])),
                name=text(tree["name"]),
                others={name: models[f"-{name}"] for name in others},
                plan=None if plan is None else Plan.from_tree(table(plan)),
                days=tuple(Day.from_tree(table(day)) for day in entries(tree["days"])),
                day=text(tree["day"]),
            )
            loaded._try()
            return loaded
        except StateError as error:
            raise StateError(f"{path}: {error}") from error
        except DISTORTED as error:
            raise ContainerError(
                f"{path} lacks or distorts what a profile holds ({type(error).__name__}: {error}); "
                "it is damaged or foreign."
            ) from error
