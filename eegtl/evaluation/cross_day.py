"""The protocol ``cross-day``: a wearer's first day and the nearest sessions, a later day (Lin)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StudyError
from ..transfer.source_weights import hard_weights
from .blocks import Index, wearer_parts
from .day_notes import drift_notes
from .days import day_column, day_notes, day_ranks
from .index_sets import Fold, prepared
from .information import InformationSet
from .session_ranking import RANKINGS, SessionRanking

POOLS = ("others", "own", "all")
_POOL_WORDS = {
    "others": "sessions of other people",
    "own": "sessions of the wearer's days in between",
    "all": "sessions of other people and of the wearer's days in between",
}


@dataclass(frozen=True)
class _Turn:
    """A later day of a person, before the sessions of the pool are chosen."""

    subject: Any
    day: Any
    first: Index
    pool: list[Index]
    own: Index


@dataclass(frozen=True)
class CrossDay:
    """A person's first day and the sessions nearest to it are the sources of each later day.

    Parameters
    ----------
    information : InformationSet or str
        What of the later day may be used (the forms of `InformationSet.parse`).
    pool : {"others", "own", "all"}
        Where sessions may come from: all sessions of other people, the wearer's days between the
        first and the one that is scored, or both. Never that day, nor a later one of the wearer.
    n_sources : int or None
        How many sessions of the pool are added to the first day; 0 leaves the first day alone,
        None adds all, and so does a number above what the pool holds. Sessions as far as the last
        one come along, so that neither names nor the order of rows choose.
    ranking : {"unlabelled", "labelled"}
        By what sessions are near the wearer's *first* day, of which nothing later is known:
        covariances of the features, or what the classes look like; `SessionRanking` has the
        formulas. The day that is scored is never looked at.

    Raises
    ------
    StudyError
        When a setting is none of these.

    Notes
    -----
    A day is what the column ``day`` of the table says; where there is none, each session counts
    as a day. Both are in the order of their names or numbers, as in `CrossSession`. To the methods
    each session of each person is a domain of its own, so that z1 and z2 normalise the sittings by
    themselves, and robust PCA takes off the background of each, the scored day's own included.

    A person with k days gives k - 1 folds, averaged within the person. A day whose classes the
    first day lacks is left out with a note, whatever `n_sources` is, so that the points of a
    curve over it are of the same days. Shuffled labels are trained on the sessions that the true
    ones chose.

    References
    ----------
    Lin, "Constructing a personalized cross-day EEG-based emotion-classification model using
    transfer learning", IEEE Journal of Biomedical and Health Informatics 24(5), 2020.

    Examples
    --------
    >>> meta = pd.DataFrame({"subject": ["a"] * 4 + ["b"] * 2, "session": [1, 1, 2, 2, 1, 1],
    ...                      "trial": [1, 2] * 3, "onset": 0.0, "label": ["x", "y"] * 3})
    >>> table = type("Table", (), {"meta": meta, "info": {"window": 1.0}})
    >>> fold = next(CrossDay(n_sources=None).split(table))
    >>> fold.name, fold.source.tolist(), fold.test.tolist()
    ('a day 2', [0, 1, 4, 5], [2, 3])
    """

    name: ClassVar[str] = "cross-day"
    information: InformationSet | str = "transductive"
    pool: str = "others"
    n_sources: int | None = 3
    ranking: str = "unlabelled"

    def __post_init__(self) -> None:
        for setting, known in (("pool", POOLS), ("ranking", RANKINGS)):
            value = getattr(self, setting)
            if value not in known:
                raise StudyError(
                    f"the protocol cross-day knows no {setting} {value!r}; give one of "
                    f"{', '.join(known)}."
                )
        n = self.n_sources
        whole = isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 0
        if n is not None and not whole:
            raise StudyError(
                f"n_sources is {n!r}; give a whole number from 0 (the first day alone) on, or "
                "None for all sessions of the pool."
            )

    def settings(self) -> dict[str, Any]:
        """Give what makes this protocol another one, as text and numbers.

        Returns
        -------
        dict
            ``pool, n_sources, ranking``.
        """
        n = None if self.n_sources is None else int(self.n_sources)
        return {"pool": self.pool, "n_sources": n, "ranking": self.ranking}

    def domains(self, meta: pd.DataFrame) -> NDArray[Any]:
        """Say whose row each row is for the methods, which know it as ``subjects``.

        Parameters
        ----------
        meta : pandas.DataFrame

        Returns
        -------
        ndarray of shape (n_windows,)
            Person and session: every sitting is a domain of its own.
        """
        pairs = zip(meta["subject"].tolist(), meta["session"].tolist(), strict=True)
        # by `repr`, in which no name can look like another pair
        return np.asarray([f"{subject!r} session {session!r}" for subject, session in pairs])

    def split(self, table: Any) -> Iterator[Fold]:
        """Give one fold for each person and each day after the first.

        Parameters
        ----------
        table : FeatureTable
            As in `LeaveOneSubjectOut.split`; ``X`` is read where sessions are ranked.

        Yields
        ------
        Fold

        Raises
        ------
        StudyError
            When nobody has a day that can be scored, days have no order, a session lies on two
            days, and as in `LeaveOneSubjectOut.split`.
        """
        information, window = prepared(self.information, table)
        turns, notes = self._turns(table.meta)
        if not turns:
            raise StudyError(
                "cross-day needs a person with two days, the first with all classes of the later; "
                f"{'; '.join(notes) or 'there are no rows'}. Load more days, or use the protocol "
                "leave-one-subject-out."
            )
        ranking = self._ranking(table)
        for turn in turns:
            chosen = np.flatnonzero(self._choose(turn, ranking)[1])
            source = np.sort(np.concatenate([turn.first, *(turn.pool[i] for i in chosen)]))
            name = f"{turn.subject} day {turn.day}"
            parts = wearer_parts(table.meta, turn.own, information, window, f"subject {name}")
            yield Fold(name, turn.subject, source, *parts)

    def ranked(self, table: Any) -> pd.DataFrame:
        """List the sessions of each fold's pool, nearest to the first day first.

        Parameters
        ----------
        table : FeatureTable

        Returns
        -------
        pandas.DataFrame
            Columns ``fold, subject, session, distance, chosen``; distances are NaN where all or
            none are added, so that nothing is ranked.

        Examples
        --------
        >>> import eegtl
        >>> people = eegtl.load("synthetic-days").select(subjects=["w01", "w02"])
        >>> table = eegtl.FeatureExtractor(window=10.0).extract(people)
        >>> found = CrossDay(n_sources=2).ranked(table)
        >>> found.groupby("fold")["chosen"].sum().tolist()
        [2, 2, 2, 2]
        """
        ranking = self._ranking(table)
        lines = []
        for turn in self._turns(table.meta)[0]:
            distances, chosen = self._choose(turn, ranking)
            for place in np.argsort(distances, kind="stable"):
                row = table.meta.iloc[turn.pool[place][0]]
                name = f"{turn.subject} day {turn.day}"
                lines.append(
                    (name, row["subject"], row["session"], distances[place], chosen[place])
                )
        return pd.DataFrame(lines, columns=["fold", "subject", "session", "distance", "chosen"])

    def notes(self, table: Any) -> list[str]:
        """Say what is added, in which order the days were taken, what is not scored, the drift.

        Parameters
        ----------
        table : FeatureTable

        Returns
        -------
        list of str
        """
        turns, left_out = self._turns(table.meta)
        notes = [*day_notes(table.meta), *(f"not scored: {note}" for note in left_out)]
        if day_column(table.meta) == "session":
            notes.append("the table has no column 'day': each session counts as a day")
        sizes = Counter(len(turn.pool) for turn in turns)
        short = sum(n for size, n in sizes.items() if size < (self.n_sources or 0))
        if short:
            notes.append(
                f"{short} of {len(turns)} days have a pool of fewer than {self.n_sources} "
                f"{_POOL_WORDS[self.pool]} (the smallest: {min(sizes)}) and get all there are"
            )
        return [*notes, *drift_notes(table)]

    def _ranking(self, table: Any) -> SessionRanking | None:
        """Prepare the ranking, where there is something to choose."""
        if self.n_sources in (0, None):
            return None
        labels = table.meta["label"].to_numpy() if self.ranking == "labelled" else None
        return SessionRanking(table.X, labels)

    def _choose(
        self, turn: _Turn, ranking: SessionRanking | None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Give the distance of each session of the pool, and whether it is added."""
        n_pool, n = len(turn.pool), self.n_sources
        if ranking is None or n is None or n >= n_pool:
            return np.full(n_pool, np.nan), np.full(n_pool, n != 0)
        distances = ranking.distances(turn.first, turn.pool)
        return distances, hard_weights(distances**2, int(n)) > 0

    def _turns(self, meta: pd.DataFrame) -> tuple[list[_Turn], list[str]]:
        """Give the folds without their choice of sessions, and why other days are none."""
        subjects, days = meta["subject"].to_numpy(), day_ranks(meta)
        names = meta[day_column(meta)].to_numpy()
        labels = meta["label"].to_numpy()
        sittings = list(meta.groupby(["subject", "session"], sort=False).indices.values())
        turns: list[_Turn] = []
        notes, alone = [], []
        for subject in dict.fromkeys(subjects.tolist()):
            mine = np.flatnonzero(subjects == subject)
            order = np.unique(days[mine])
            first = mine[days[mine] == order[0]]
            known = set(labels[first].tolist())
            if len(order) == 1:
                alone.append(str(subject))
            for day in order[1:]:
                own = mine[days[mine] == day]
                asked = set(labels[own].tolist())
                if len(known) < 2 or asked - known:
                    which = (
                        f"only class {next(iter(known))!r}"
                        if len(known) < 2
                        else f"no class {', '.join(map(repr, sorted(asked - known, key=str)))}"
                    )
                    notes.append(
                        f"subject {subject} day {names[own[0]]}, whose first day holds {which}"
                    )
                    continue
                pool = [
                    np.sort(rows)
                    for rows in sittings
                    if self._in_pool(subjects[rows[0]] == subject, order[0] < days[rows[0]] < day)
                ]
                turns.append(_Turn(subject, names[own[0]], first, pool, own))
        if alone:
            notes.append(f"{len(alone)} people with one day ({', '.join(alone)})")
        return turns, notes

    def _in_pool(self, is_own: bool, between: bool) -> bool:
        """Say whether a session may be added: of another person, or of a day in between."""
        if is_own:
            return bool(between) and self.pool != "others"
        return self.pool != "own"
