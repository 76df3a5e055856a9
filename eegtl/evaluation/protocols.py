"""Who is source, calibration, target and test: index sets of a table's rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StudyError
from .blocks import Index, wearer_parts
from .cross_day import CrossDay
from .index_sets import Fold, prepared
from .information import InformationSet
from .name_order import check_names_tell, in_order, name_order_note, name_ranks


@dataclass(frozen=True)
class LeaveOneSubjectOut:
    """Each person in turn is the wearer; all others are the sources.

    Parameters
    ----------
    information : InformationSet or str
        What of the wearer may be used (the forms of `InformationSet.parse`).

    Notes
    -----
    The split is by person only, so windows of one trial never lie on both sides; all sessions of
    a person are one fold, so that each person counts once. A calibration block takes windows from
    the person's first session on, in time order, as long as the signal they cover is not longer
    than its `seconds`; windows that overlap it are not scored, and with labels neither is the
    rest of the trials it touches.

    Examples
    --------
    >>> meta = pd.DataFrame({"subject": ["a", "b"] * 2, "session": 1, "trial": [1, 1, 2, 2],
    ...                      "onset": 0.0, "label": ["x", "x", "y", "y"]})
    >>> table = type("Table", (), {"meta": meta, "info": {"window": 1.0, "step": 1.0}})
    >>> fold = next(LeaveOneSubjectOut("transductive").split(table))
    >>> fold.name, fold.source.tolist(), fold.test.tolist()
    ('a', [1, 3], [0, 2])
    """

    name: ClassVar[str] = "leave-one-subject-out"
    information: InformationSet | str = "transductive"

    def domains(self, meta: pd.DataFrame) -> NDArray[Any]:
        """Say whose row each row is for the methods, which know it as ``subjects``.

        Parameters
        ----------
        meta : pandas.DataFrame

        Returns
        -------
        ndarray of shape (n_windows,)
            The person.
        """
        return np.asarray(meta["subject"].tolist())

    def split(self, table: Any) -> Iterator[Fold]:
        """Give one fold for each person.

        Parameters
        ----------
        table : FeatureTable
            Only its ``meta`` and, for a calibration block, ``info["window"]`` are read. Where
            ``meta`` has a column ``recording``, onsets are compared within each recording.

        Yields
        ------
        Fold

        Raises
        ------
        StudyError
            When there is one person only, a class is missing among the sources, trials are not
            numbered in the order of time where that matters, or a calibration block is shorter
            than a window or leaves nothing to score.
        """
        information, window = prepared(self.information, table)
        subjects = table.meta["subject"].to_numpy()
        labels = table.meta["label"].to_numpy()
        names = list(dict.fromkeys(subjects.tolist()))
        if len(names) < 2:
            raise StudyError(
                f"leave-one-subject-out needs at least two people; got {len(names)} "
                f"({', '.join(map(str, names)) or 'no rows'}). Add recordings of other people."
            )
        for subject in names:
            own = np.flatnonzero(subjects == subject)
            source = np.flatnonzero(subjects != subject)
            _check_classes(subject, labels[source], labels[own])
            who = f"subject {subject}"
            parts = wearer_parts(table.meta, own, information, window, who)
            yield Fold(str(subject), subject, source, *parts)

    def notes(self, table: Any) -> list[str]:
        """Say whom the protocol leaves out: nobody.

        Parameters
        ----------
        table : FeatureTable

        Returns
        -------
        list of str
            Empty.
        """
        return []


@dataclass(frozen=True)
class CrossSession:
    """Each later session of a person is the wearer's; the person's earlier ones are the sources.

    Parameters
    ----------
    information : InformationSet or str
        What of the later session may be used (the forms of `InformationSet.parse`).

    Notes
    -----
    Sessions are in the order of their names or numbers, which is taken as that of time (digits in
    a name count as numbers: S2 before S10); nothing later is ever a source. To the methods a
    session is what a person is elsewhere. A person with k sessions gives k - 1 folds; their
    scores are averaged within the person first, so that each person counts once. Sessions that
    cannot be scored are left out with a note: when the earlier ones hold one class only, or lack
    a class of the later one.

    Examples
    --------
    >>> meta = pd.DataFrame({"subject": "a", "session": [1, 1, 2, 2], "trial": [1, 2, 1, 2],
    ...                      "onset": 0.0, "label": ["x", "y"] * 2})
    >>> table = type("Table", (), {"meta": meta, "info": {"window": 1.0}})
    >>> fold = next(CrossSession("transductive").split(table))
    >>> fold.name, fold.source.tolist(), fold.test.tolist()
    ('a session 2', [0, 1], [2, 3])
    """

    name: ClassVar[str] = "cross-session"
    information: InformationSet | str = "transductive"

    def domains(self, meta: pd.DataFrame) -> NDArray[Any]:
        """Say whose row each row is for the methods, which know it as ``subjects``.

        Parameters
        ----------
        meta : pandas.DataFrame

        Returns
        -------
        ndarray of shape (n_windows,)
            The session; sources of one fold are all of one person.
        """
        return np.asarray(meta["session"].tolist())

    def split(self, table: Any) -> Iterator[Fold]:
        """Give one fold for each person and each session after the first.

        Parameters
        ----------
        table : FeatureTable
            As in `LeaveOneSubjectOut.split`.

        Yields
        ------
        Fold

        Raises
        ------
        StudyError
            When nobody has a session that can be scored, or the names of a person's sessions do
            not tell which came first (S1 and S01), and as in `LeaveOneSubjectOut.split`.
        """
        information, window = prepared(self.information, table)
        turns, notes = self._turns(table.meta)
        if not turns:
            raise StudyError(
                "cross-session needs a person with two sessions, the earlier with all classes of "
                f"the later; {'; '.join(notes) or 'there are no rows'}. Load more sessions, or use "
                "the protocol leave-one-subject-out."
            )
        for subject, session, source, own in turns:
            name = f"{subject} session {session}"
            parts = wearer_parts(table.meta, own, information, window, f"subject {name}")
            yield Fold(name, subject, source, *parts)

    def notes(self, table: Any) -> list[str]:
        """Say in which order the sessions were taken, and which are not scored, and why.

        Parameters
        ----------
        table : FeatureTable

        Returns
        -------
        list of str
        """
        order = name_order_note(table.meta, "session")
        return [*order, *(f"not scored: {note}" for note in self._turns(table.meta)[1])]

    def _turns(self, meta: pd.DataFrame) -> tuple[list[tuple[Any, Any, Index, Index]], list[str]]:
        """Give subject, session, source and own rows of each fold, and why others are none."""
        subjects, sessions = meta["subject"].to_numpy(), meta["session"].to_numpy()
        ranks = name_ranks(meta["session"])
        labels = meta["label"].to_numpy()
        turns: list[tuple[Any, Any, Index, Index]] = []
        notes, alone = [], []
        for subject in dict.fromkeys(subjects.tolist()):
            mine = np.flatnonzero(subjects == subject)
            names = in_order(sessions[mine].tolist())
            check_names_tell(names, f"sessions of subject {subject}")
            if len(names) == 1:
                alone.append(str(subject))
            for session in names[1:]:
                own = mine[sessions[mine] == session]
                source = mine[ranks[mine] < ranks[own[0]]]
                known, asked = set(labels[source].tolist()), set(labels[own].tolist())
                if len(known) < 2 or asked - known:
                    which = (
                        f"only class {next(iter(known))!r}"
                        if len(known) < 2
                        else f"no class {', '.join(map(repr, sorted(asked - known, key=str)))}"
                    )
                    notes.append(
                        f"subject {subject} session {session}, whose earlier sessions hold {which}"
                    )
                    continue
                turns.append((subject, session, source, own))
        if alone:
            notes.append(f"{len(alone)} people with one session ({', '.join(alone)})")
        return turns, notes


#: The protocols of `run_study` by name.
PROTOCOLS: dict[str, type[LeaveOneSubjectOut] | type[CrossSession] | type[CrossDay]] = {
    cls.name: cls for cls in (LeaveOneSubjectOut, CrossSession, CrossDay)
}
#: What `run_study` takes.
Protocol = LeaveOneSubjectOut | CrossSession | CrossDay


def choose_protocol(
    protocol: str | Protocol, information: InformationSet | str | None = None
) -> Protocol:
    """Give the protocol of a study.

    Parameters
    ----------
    protocol : str or protocol
        A name of `PROTOCOLS`, or a protocol with its own information set.
    information : InformationSet or str, optional
        What of the wearer may be used; by default what the protocol says, which by default is
        ``transductive``.

    Returns
    -------
    protocol

    Raises
    ------
    StudyError
        When the name is unknown, or the protocol says otherwise than `information`.

    Examples
    --------
    >>> choose_protocol("cross-session", "online").information.tag
    'online'
    """
    given = None if information is None else InformationSet.parse(information)
    if isinstance(protocol, str):
        if protocol not in PROTOCOLS:
            raise StudyError(f"unknown protocol {protocol!r}; known are: {', '.join(PROTOCOLS)}.")
        return PROTOCOLS[protocol](given or InformationSet("transductive"))
    if not isinstance(protocol, Protocol):
        raise StudyError(
            f"protocol is a {type(protocol).__name__}; give one of {', '.join(PROTOCOLS)}, or an "
            "object of the classes LeaveOneSubjectOut, CrossSession and CrossDay."
        )
    own = InformationSet.parse(protocol.information)
    if given is not None and given != own:
        raise StudyError(
            f"the protocol says information={own.tag!r} and the study {given.tag!r}; say it once."
        )
    return replace(protocol, information=own)


def _check_classes(subject: Any, source: NDArray[Any], own: NDArray[Any]) -> None:
    known = set(source.tolist())
    if len(known) < 2:
        raise StudyError(
            f"without subject {subject} the sources hold one class only ({known.pop()!r}); a "
            "comparison needs at least two. Add recordings of the other class."
        )
    missing = sorted(set(own.tolist()) - known, key=str)
    if missing:
        raise StudyError(
            f"subject {subject} has windows of class {', '.join(map(repr, missing))}, which "
            f"none of the other people has (they have {', '.join(sorted(map(repr, known)))}). "
            "Leave the class out or add people who have it."
        )
