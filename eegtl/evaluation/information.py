"""Information sets: what a study lets a method see of the person it is scored on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._checks import INFORMATION_LEVELS
from ..errors import InformationError, StudyError

KINDS = ("inductive", "calibration", "online", "transductive")
_FORMS = "inductive, transductive, online, calibration:SECONDS or calibration:SECONDS:labelled"


@dataclass(frozen=True)
class InformationSet:
    """What of the target a protocol grants.

    Parameters
    ----------
    kind : {"inductive", "calibration", "online", "transductive"}
        Nothing of the target; its first `seconds`; its past windows, each scored before it is
        used; all its windows without labels.
    seconds : float, optional
        Length of the calibration block in seconds; for `calibration` only.
    labelled : bool
        Whether the labels of the calibration block are given, too.

    Raises
    ------
    StudyError
        When the parts do not fit together.

    Examples
    --------
    >>> InformationSet.parse("calibration:60").sees("unlabelled")
    'unlabelled, first 60 s'
    """

    kind: str
    seconds: float | None = None
    labelled: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise StudyError(f"unknown information set {self.kind!r}; write {_FORMS}.")
        if self.kind != "calibration":
            if self.seconds is not None or self.labelled:
                raise StudyError(
                    f"information set {self.kind!r} takes neither seconds nor labels; "
                    f"got seconds={self.seconds}, labelled={self.labelled}. Write {_FORMS}."
                )
        elif self.seconds is None or not 0 < self.seconds < float("inf"):
            raise StudyError(
                f"a calibration block needs a positive length in seconds; got {self.seconds}. "
                "Write for example calibration:60."
            )

    @classmethod
    def parse(cls, text: str | InformationSet) -> InformationSet:
        """Read an information set as it is written on the command line and in tables.

        Parameters
        ----------
        text : str or InformationSet
            ``inductive``, ``transductive``, ``online``, ``calibration:SECONDS`` or
            ``calibration:SECONDS:labelled``; an InformationSet is given back as it is.

        Returns
        -------
        InformationSet

        Raises
        ------
        StudyError
            When the text has another form.

        Examples
        --------
        >>> InformationSet.parse("calibration:60:labelled")
        InformationSet(kind='calibration', seconds=60.0, labelled=True)
        """
        if isinstance(text, InformationSet):
            return text
        kind, *rest = str(text).split(":")
        if kind != "calibration" and not rest:
            return cls(kind)
        if kind == "calibration" and rest and rest[1:] in ([], ["labelled"]):
            try:
                seconds = float(rest[0])
            except ValueError:
                pass
            else:
                return cls(kind, seconds, labelled=bool(rest[1:]))
        raise StudyError(f"unknown information set {text!r}; write {_FORMS}.")

    @property
    def level(self) -> str:
        """The highest information level that may be consumed."""
        if self.labelled:
            return "labelled"
        return "inductive" if self.kind == "inductive" else "unlabelled"

    @property
    def tag(self) -> str:
        """The set in the form that `parse` reads."""
        if self.kind != "calibration":
            return self.kind
        return f"calibration:{self.seconds:g}" + (":labelled" if self.labelled else "")

    def consumed(self, level: str) -> InformationSet:
        """Give the set that describes a method which consumed only `level` of this one.

        Parameters
        ----------
        level : {"inductive", "unlabelled", "labelled"}

        Returns
        -------
        InformationSet

        Examples
        --------
        >>> InformationSet("transductive").consumed("inductive").tag
        'inductive'
        """
        if level == "inductive":
            return InformationSet("inductive")
        if level == "unlabelled" and self.labelled:
            return InformationSet(self.kind, self.seconds)
        return self

    def sees(self, level: str) -> str:
        """Say in words what a method that consumes `level` sees of the target.

        Parameters
        ----------
        level : {"inductive", "unlabelled", "labelled"}

        Returns
        -------
        str

        Examples
        --------
        >>> InformationSet("online").sees("unlabelled")
        'unlabelled, past windows'
        """
        if level == "inductive":
            return "nothing of the target"
        if self.kind == "calibration":
            return f"{level}, first {self.seconds:g} s"
        return f"{level}, {'past' if self.kind == 'online' else 'all'} windows"


def check(estimator: Any, granted: InformationSet, *, name: str | None = None) -> None:
    """Refuse an estimator that needs more of the target than a protocol grants.

    Parameters
    ----------
    estimator : transfer estimator
        Its `needs_` is the least information without which it is not what its name says.
    granted : InformationSet
        What the protocol grants.
    name : str, optional
        The method's name for the message; by default the estimator's class.

    Raises
    ------
    InformationError
        When `needs_` is above the level granted, or the target arrives online and the
        estimator cannot take it piece by piece.
    """
    name = name or type(estimator).__name__
    needs = needs_of(estimator)
    if INFORMATION_LEVELS.index(needs) > INFORMATION_LEVELS.index(granted.level):
        raise InformationError(
            f"{name} needs {needs} rows of the target, but the information set {granted.tag!r} "
            f"grants at most {granted.level!r} ({granted.sees(granted.level)}). Choose another "
            "information set or leave the method out."
        )
    if granted.kind == "online" and needs != "inductive" and not can_run_online(estimator):
        raise InformationError(
            f"{name} needs {needs} rows of the target and cannot take them as they arrive (it "
            f"has no partial_adapt), but the information set is {granted.tag!r}. Choose another "
            "information set or leave the method out."
        )


def needs_of(estimator: Any) -> str:
    """Read the information level an estimator needs, before it is fitted.

    Parameters
    ----------
    estimator : transfer estimator

    Returns
    -------
    {"inductive", "unlabelled", "labelled"}

    Raises
    ------
    InformationError
        When it does not say, or says another word.
    """
    needs = getattr(estimator, "needs_", None)
    if needs not in INFORMATION_LEVELS:
        raise InformationError(
            f"{type(estimator).__name__} does not say what it needs of the target: needs_ is "
            f"{needs!r}, expected one of {', '.join(INFORMATION_LEVELS)}. Wrap a plain "
            "scikit-learn classifier in eegtl.transfer.SourceOnly."
        )
    return needs


def can_run_online(estimator: Any) -> bool:
    """Say whether an estimator can take target rows as they arrive.

    Parameters
    ----------
    estimator : transfer estimator

    Returns
    -------
    bool
    """
    return callable(getattr(estimator, "partial_adapt", None))
