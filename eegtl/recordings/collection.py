"""A lazy sequence of recordings: listed at once, read one by one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Collection as AnyCollection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..errors import DatasetError, SignalWarning, SubjectError
from .cards import Card
from .recording import Recording
from .selection import ChannelChoice, nearest, require_channels
from .signals import check_signals


@dataclass(frozen=True)
class Entry:
    """What a reader tells about one recording before reading it.

    Parameters
    ----------
    subject : str
        The person.
    session : int
        The sitting, 1 being the first in time.
    file : str
        Name of the file, for messages.
    channels : callable
        Takes nothing; returns the canonical names of the channels, from the header alone.
    read : callable
        Takes the canonical names to read; returns ``(raw, trials)``, where `raw` has exactly
        these channels in this order, under these names.
    labels : tuple or None
        The labels that occur in it, when they are known without reading.
    """

    subject: str
    session: int
    file: str
    channels: Callable[[], tuple[str, ...]]
    read: Callable[[tuple[str, ...]], tuple[Any, pd.DataFrame]]
    labels: tuple[Any, ...] | None = None


class Collection(Sequence[Recording]):
    """A lazy sequence of recordings; a recording is read each time it is asked for.

    Parameters
    ----------
    entries : sequence of Entry
        The recordings, in order.
    name : str
        Name of the data set.
    card : Card or None
        Its card; None for recordings that the user brought.
    choice : ChannelChoice
        The channels that recordings are reduced to.

    Attributes
    ----------
    name, card
        As given.
    skipped : list of SubjectError
        Why recordings were left out, from the latest ``read(skip_bad=True)``.

    Examples
    --------
    >>> import eegtl
    >>> collection = eegtl.load("synthetic").select(subjects=["w01", "w02"])
    >>> len(collection), collection.subjects
    (2, ('w01', 'w02'))
    >>> [recording.subject for recording in collection.read()]
    ['w01', 'w02']
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        *,
        name: str,
        card: Card | None,
        choice: ChannelChoice,
        _all: Sequence[Entry] | None = None,
        _labels: frozenset[Any] | None = None,
    ) -> None:
        self.name = name
        self.card = card
        self.skipped: list[SubjectError] = []
        self._entries = tuple(entries)
        self._choice = choice
        self._all = self._entries if _all is None else tuple(_all)
        self._labels = _labels

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._with(self._entries[index], self._labels)
        return self._recording(self._entries[index])

    def __iter__(self) -> Iterator[Recording]:
        return (self._recording(entry) for entry in self._entries)

    def __repr__(self) -> str:
        return f"<Collection {self.name}: {self.extent()}; read when asked for>"

    def extent(self) -> str:
        """Say how many persons and recordings there are, and of how many.

        Returns
        -------
        str
            One line; the complete numbers are those of the card.

        Examples
        --------
        >>> import eegtl
        >>> eegtl.load("synthetic", subjects=["w01"]).extent()
        '1 of 12 subjects, 1 of 12 recordings'
        """
        here = (len(self.subjects), len(self))
        if self.card is None:
            return f"{here[0]} subjects, {here[1]} recordings"
        complete = (self.card.checks.subjects, self.card.checks.recordings)
        counts = [f"{n} of {m}" if n != m else str(n) for n, m in zip(here, complete, strict=True)]
        return f"{counts[0]} subjects, {counts[1]} recordings"

    @property
    def subjects(self) -> tuple[str, ...]:
        """The distinct persons, in order."""
        return tuple(dict.fromkeys(entry.subject for entry in self._entries))

    @property
    def index(self) -> pd.DataFrame:
        """One row per recording: subject, session, file. Nothing is read for it."""
        rows = [(entry.subject, entry.session, entry.file) for entry in self._entries]
        return pd.DataFrame(rows, columns=["subject", "session", "file"])

    @property
    def ch_names(self) -> tuple[str, ...]:
        """The channels that recordings are reduced to; "common" reads all headers once."""
        return self._choice.names(self._all)

    def read(self, skip_bad: bool = False) -> Iterator[Recording]:
        """Read the recordings one by one.

        Parameters
        ----------
        skip_bad : bool
            Whether a recording that cannot be used is left out and its error appended to
            `skipped`, instead of being raised.

        Yields
        ------
        Recording
            The next recording.

        Raises
        ------
        SubjectError
            When a recording cannot be used and `skip_bad` is False.

        Examples
        --------
        >>> import eegtl
        >>> next(eegtl.load("synthetic").read()).subject
        'w01'
        """
        self.skipped.clear()
        for entry in self._entries:
            try:
                recording = self._recording(entry)
            except SubjectError as error:
                if not skip_bad:
                    raise
                self.skipped.append(error)
                continue
            yield recording

    def select(
        self,
        subjects: AnyCollection[str] | None = None,
        sessions: AnyCollection[int] | None = None,
        labels: AnyCollection[Any] | None = None,
    ) -> Collection:
        """Keep some persons, sessions or labels; nothing is read.

        Parameters
        ----------
        subjects : collection of str, optional
            The persons to keep.
        sessions : collection of int, optional
            The sessions to keep.
        labels : collection, optional
            The labels whose trials to keep; a recording without any keeps no trials, and is left
            out where that is known without reading.

        Returns
        -------
        Collection
            In the order of this one.

        Raises
        ------
        DatasetError
            When a person, a session or a label does not occur.

        Examples
        --------
        >>> import eegtl
        >>> eegtl.load("synthetic").select(subjects=["w03"]).index["file"].tolist()
        ['w03']
        """
        subjects, sessions, labels = (_listed(v) for v in (subjects, sessions, labels))
        entries = self._entries
        self._require("subject", subjects, self.subjects)
        self._require("session", sessions, sorted({entry.session for entry in entries}))
        self._require("label", labels, self._known_labels())
        kept = None if labels is None else frozenset(labels)
        if kept is not None and self._labels is not None:
            kept &= self._labels
        return self._with(
            [
                entry
                for entry in entries
                if (subjects is None or entry.subject in subjects)
                and (sessions is None or entry.session in sessions)
                and (kept is None or entry.labels is None or kept.intersection(entry.labels))
            ],
            self._labels if kept is None else kept,
        )

    def _known_labels(self) -> tuple[Any, ...] | None:
        """Return the labels that may occur, or None when only reading would tell."""
        if self.card is not None:
            return self.card.labels
        found = [entry.labels for entry in self._entries]
        if any(labels is None for labels in found):
            return None
        return tuple(dict.fromkeys(label for labels in found for label in labels or ()))

    def _require(self, what: str, asked: Iterable[Any] | None, known: Sequence[Any] | None) -> None:
        """Refuse a subject, session or label that does not occur."""
        if asked is None or known is None:
            return
        for value in asked:
            if value not in known:
                near = nearest(str(value), [str(k) for k in known])
                raise DatasetError(
                    f"{what} {value!r} does not occur in {self.name}"
                    f"{f'; did you mean {near!r}?' if near else '.'} "
                    f"It has {', '.join(repr(k) for k in known)}"
                )

    def _with(self, entries: Sequence[Entry], labels: frozenset[Any] | None) -> Collection:
        """Return a collection of some of the entries, with the same channels."""
        return Collection(
            entries,
            name=self.name,
            card=self.card,
            choice=self._choice,
            _all=self._all,
            _labels=labels,
        )

    def _warn_of_length(self, seconds: float, entry: Entry) -> None:
        """Warn of a recording that is shorter or longer than any of the complete data set."""
        if self.card is None:
            return
        low, high = self.card.checks.seconds
        if not low <= seconds <= high:
            warnings.warn(
                f"{entry.file} (subject {entry.subject}): the recording lasts {seconds:.1f} s, "
                f"those of {self.name} last {low:g} to {high:g} s; it may be cut, or not belong "
                "to it",
                SignalWarning,
                stacklevel=4,
            )

    def _recording(self, entry: Entry) -> Recording:
        """Read one recording and refuse what cannot be used."""
        found = entry.channels()
        names = self.ch_names
        require_channels(names, found, file=entry.file, subject=entry.subject)
        raw, trials = entry.read(names)
        self._warn_of_length(raw.n_times / raw.info["sfreq"], entry)
        if self._labels is not None:
            trials = trials[[label in self._labels for label in trials["label"]]]
        recording = Recording(
            raw,
            subject=entry.subject,
            session=entry.session,
            trials=trials,
            dataset=self.name,
            file=entry.file,
            passband=self.card.passband if self.card else None,
        )
        raw.load_data(verbose="error")
        check_signals(
            recording.get_data(), recording.ch_names, file=entry.file, subject=entry.subject
        )
        return recording


def _listed(values: AnyCollection[Any] | None) -> tuple[Any, ...] | None:
    """Return the values as a tuple; one string means that string, not its letters."""
    if values is None:
        return None
    return (values,) if isinstance(values, str | int) else tuple(values)
