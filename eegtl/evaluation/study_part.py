"""The section ``[study]`` of a recipe."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from ..errors import StudyError
from .criteria import CRITERIA
from .cross_day import POOLS, CrossDay
from .information import InformationSet
from .methods import METHODS
from .protocols import PROTOCOLS, LeaveOneSubjectOut
from .recipe_parts import Strict
from .recipe_text import all_known
from .session_ranking import RANKINGS

Names = Annotated[tuple[str, ...], Field(min_length=1)]


class StudyPart(Strict):
    """``[study]``: what is compared, on whom, and what each method may see."""

    protocol: str = LeaveOneSubjectOut.name
    information: str = "transductive"
    methods: Names | None = None
    tune: str | None = None
    pool: str | None = None
    n_sources: int | str | None = None
    ranking: str | None = None
    shuffles: Annotated[int, Field(ge=0)] = 20
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    keep_settling: bool = False
    allow_acausal: bool = False

    @field_validator("protocol")
    @classmethod
    def _named(cls, value: str) -> str:
        """Refuse protocols that do not exist."""
        return all_known("protocol", (value,), PROTOCOLS)[0]

    @field_validator("pool", "n_sources", "ranking", mode="before")
    @classmethod
    def _of_cross_day(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse settings that the protocol of the study does not have, or not so."""
        protocol = info.data.get("protocol", CrossDay.name)  # missing where it is refused itself
        if value is not None and protocol != CrossDay.name:
            raise ValueError(
                f"is a setting of the protocol {CrossDay.name}, and the protocol is {protocol}; "
                "leave it out, or set the protocol"
            )
        known = {"pool": POOLS, "ranking": RANKINGS}.get(str(info.field_name))
        if isinstance(value, str) and known is not None:
            return all_known(str(info.field_name), (value,), dict.fromkeys(known))[0]
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if info.field_name == "n_sources" and value not in (None, "all") and not whole:
            raise ValueError(
                f"is {value!r}; give a whole number from 0 (the first day alone) on, or 'all'"
            )
        return value

    @field_validator("tune")
    @classmethod
    def _judges(cls, value: str | None) -> str | None:
        """Refuse criteria that do not exist."""
        return None if value is None else all_known("criterion", (value,), CRITERIA)[0]

    @field_validator("information")
    @classmethod
    def _has_a_form(cls, value: str) -> str:
        """Refuse what is no information set."""
        try:
            return InformationSet.parse(value).tag
        except StudyError as error:
            raise ValueError(str(error).rstrip(".")) from error

    @field_validator("methods")
    @classmethod
    def _known(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Refuse methods that have no record."""
        names = dict.fromkeys(name for m in METHODS for name in (m.family, m.name))
        return None if value is None else all_known("method", value, names)

    def make_protocol(self) -> str | CrossDay:
        """Give the protocol as `run_study` takes it.

        Returns
        -------
        str or CrossDay
            Its name where it has no settings.
        """
        if self.protocol != CrossDay.name:
            return self.protocol
        n = CrossDay.n_sources if self.n_sources is None else self.n_sources
        return CrossDay(
            self.information,
            self.pool or CrossDay.pool,
            None if n == "all" or n is None else int(n),
            self.ranking or CrossDay.ranking,
        )
