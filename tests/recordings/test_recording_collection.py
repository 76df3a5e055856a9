from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest

from eegtl.errors import DatasetError, SubjectError
from eegtl.recordings import Collection, Entry, Recording
from eegtl.recordings.selection import choose_channels

NAMES = ("Fz", "Cz")


class Shelf:
    """Entries that remember what was read."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.headers: list[str] = []

    def entry(
        self, subject: str, session: int, labels: tuple[Any, ...], *, told: bool = True
    ) -> Entry:
        file = f"{subject}-{session}"

        def channels() -> tuple[str, ...]:
            self.headers.append(file)
            return NAMES

        def read(names: tuple[str, ...]) -> tuple[Any, pd.DataFrame]:
            self.read.append(file)
            data = 1e-5 * np.random.default_rng(0).normal(size=(len(names), 400))
            info = mne.create_info(list(names), 100.0, "eeg", verbose="error")
            table = pd.DataFrame(
                {
                    "trial": range(1, len(labels) + 1),
                    "stimulus": [f"clip-{label}" for label in labels],
                    "label": labels,
                    "onset": np.arange(float(len(labels))),
                    "duration": 1.0,
                }
            )
            return mne.io.RawArray(data, info, verbose="error"), table

        known = tuple(dict.fromkeys(labels)) if told else None
        return Entry(subject, session, file, channels, read, known)

    def collection(self, entries: Sequence[Entry]) -> Collection:
        choice = choose_channels(None, NAMES, dataset="shelf")
        return Collection(entries, name="shelf", card=None, choice=choice)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def collection(shelf: Shelf) -> Collection:
    entries = [
        shelf.entry(subject, session, labels)
        for subject, session, labels in [
            ("b", 1, (-1, 0, 1)),
            ("a", 1, (-1, 0)),
            ("a", 2, (1, 1)),
        ]
    ]
    return shelf.collection(entries)


def test_nothing_is_read_before_it_is_asked_for(shelf: Shelf, collection: Collection) -> None:
    assert len(collection) == 3
    assert collection.subjects == ("b", "a")
    assert collection.index.columns.tolist() == ["subject", "session", "file"]
    assert collection.index.to_numpy().tolist() == [
        ["b", 1, "b-1"],
        ["a", 1, "a-1"],
        ["a", 2, "a-2"],
    ]
    assert collection.ch_names == NAMES
    assert repr(collection) == ("<Collection shelf: 2 subjects, 3 recordings; read when asked for>")
    chosen = collection.select(subjects=["a"], sessions=[2], labels=[1])
    assert len(chosen) == 1
    assert shelf.read == shelf.headers == []
    assert isinstance(chosen[0], Recording)
    assert shelf.read == ["a-2"]


def test_iteration_reads_one_at_a_time(shelf: Shelf, collection: Collection) -> None:
    iterator = iter(collection)
    assert next(iterator).subject == "b"
    assert shelf.read == ["b-1"]
    assert [recording.file for recording in iterator] == ["a-1", "a-2"]


def test_positions_from_the_end_and_slices(collection: Collection) -> None:
    assert collection[-1].file == "a-2"
    part = collection[1:]
    assert isinstance(part, Collection)
    assert part.index["file"].tolist() == ["a-1", "a-2"]
    with pytest.raises(IndexError):
        collection[3]


def test_select_keeps_the_order_of_the_collection(collection: Collection) -> None:
    assert collection.select(subjects=["a", "b"]).subjects == ("b", "a")
    assert collection.select(subjects="a", sessions=1).index["file"].tolist() == ["a-1"]


def test_select_by_label_keeps_the_trials_of_these_labels(collection: Collection) -> None:
    chosen = collection.select(labels=[1, -1])
    assert [recording.trials["label"].tolist() for recording in chosen] == [[-1, 1], [-1], [1, 1]]
    assert chosen.select(labels=[0, 1])[0].trials["label"].tolist() == [1]
    again = chosen.select(labels=[1])
    assert [recording.file for recording in again] == ["b-1", "a-2"]
    assert again[0].trials["trial"].tolist() == [3]


def test_recording_of_unknown_labels_is_kept_and_may_have_no_trials(shelf: Shelf) -> None:
    entries = [shelf.entry(name, 1, (label,), told=False) for name, label in ("ax", "by")]
    chosen = shelf.collection(entries).select(labels=["x"])
    assert [len(recording.trials) for recording in chosen] == [1, 0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"subjects": ["A"]}, "subject 'A' does not occur in shelf. It has 'b', 'a'"),
        ({"sessions": [3]}, "session 3 does not occur in shelf. It has 1, 2"),
        ({"labels": [2]}, "label 2 does not occur in shelf. It has "),
    ],
)
def test_select_what_does_not_occur(
    collection: Collection, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(DatasetError, match=re.escape(message)):
        collection.select(**asked)


def test_get_data_is_a_contiguous_copy(collection: Collection) -> None:
    recording = collection[0]
    data = recording.get_data()
    assert data.shape == (2, 400)
    assert data.dtype == np.float64
    assert data.flags.c_contiguous
    data[:] = 0
    assert recording.get_data().any()


def test_repr_of_a_recording(collection: Collection) -> None:
    assert repr(collection[0]) == (
        "<Recording shelf b-1: subject b, session 1, 2 channels, 100 Hz, 4.0 s, 3 trials>"
    )


def test_skip_bad_does_not_hide_other_errors(shelf: Shelf) -> None:
    def broken(names: tuple[str, ...]) -> Any:
        raise ZeroDivisionError("a defect, not a bad file")

    entry = Entry("a", 1, "a-1", lambda: NAMES, broken)
    with pytest.raises(ZeroDivisionError):
        list(shelf.collection([entry]).read(skip_bad=True))


def test_skipped_is_of_the_latest_read(shelf: Shelf) -> None:
    def bad(names: tuple[str, ...]) -> Any:
        raise SubjectError("cut", file="a-1", subject="a")

    entries = [Entry("a", 1, "a-1", lambda: NAMES, bad), shelf.entry("b", 1, ("x",))]
    collection = shelf.collection(entries)
    for _ in range(2):
        assert [recording.subject for recording in collection.read(skip_bad=True)] == ["b"]
        assert [str(error) for error in collection.skipped] == ["a-1 (subject a): cut"]
