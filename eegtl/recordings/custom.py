"""Recordings that the user brings as MNE objects."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Sequence
from functools import partial
from numbers import Real
from typing import Any

import mne
import numpy as np
import pandas as pd

from ..errors import InputError, SignalWarning, SubjectError
from .channels import canonical_names
from .collection import Collection, Entry
from .selection import choose_channels
from .trials import is_missing, whole_number


def from_raws(
    raws: Sequence[Any],
    trials: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    subjects: Sequence[str],
    sessions: Sequence[int] | None = None,
    name: str = "custom",
    channels: str | Sequence[str] | None = None,
) -> Collection:
    """Make a collection of recordings that are already MNE objects.

    Parameters
    ----------
    raws : sequence of mne.io.BaseRaw
        The recordings, in volts as MNE has it; their EEG channels are used, also those in
        ``raw.info["bads"]``, with a warning: all recordings need the same channels.
    trials : DataFrame or sequence of DataFrame
        One table per recording, or one table with the column ``recording`` (position in `raws`,
        from 0). Needed are ``label``, ``onset`` (s from the start of the recording) and
        ``duration`` (s). ``trial`` is numbered 1, 2, ... within each subject and session when it
        is absent. ``stimulus`` (same id = same clip for everybody) differs for every trial when
        it is absent.
    subjects : sequence of str
        The person of each recording.
    sessions : sequence of int, optional
        The sitting of each recording, 1 being the person's first; all are 1 by default.
    name : str
        Name of the collection.
    channels : None, "common", name of a headset, or sequence of str
        None takes the EEG channels of the first recording and demands them of all others.

    Returns
    -------
    Collection
        The recordings in the given order; its card is None.

    Raises
    ------
    InputError
        When the arguments do not fit together.
    DatasetError
        When a channel is unknown.

    Warns
    -----
    SignalWarning
        When a recording marks channels as bad.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> info = mne.create_info(["EEG T3", "EEG T4"], 128.0, "eeg", verbose="error")
    >>> raws = [mne.io.RawArray(1e-5 * rng.normal(size=(2, 1280)), info, verbose="error")]
    >>> table = pd.DataFrame({"label": ["calm"], "onset": [0.0], "duration": [10.0]})
    >>> from_raws(raws, table, subjects=["anna"])[0].ch_names
    ('T7', 'T8')
    """
    raws = list(raws)
    if not raws:
        raise InputError("raws is empty; give at least one mne.io.BaseRaw")
    for position, raw in enumerate(raws):
        if not isinstance(raw, mne.io.BaseRaw):
            raise InputError(
                f"raws[{position}] is a {type(raw).__name__}; expected is an mne.io.BaseRaw, for "
                "example mne.io.RawArray(samples_in_volts, info)"
            )
        if raw.info["bads"] and channels is None:
            warnings.warn(
                f"raws[{position}] marks {', '.join(raw.info['bads'])} as bad, and all EEG "
                "channels are used: interpolate them first, or leave them out with channels=[...]",
                SignalWarning,
                stacklevel=2,
            )
    subjects = [_person(subject) for subject in _one_each(subjects, "subjects", len(raws))]
    sessions = [1] * len(raws) if sessions is None else _one_each(sessions, "sessions", len(raws))
    numbers = [whole_number(session) for session in sessions]
    if None in numbers:
        raise InputError(
            f"sessions holds {sessions[numbers.index(None)]!r}; give whole numbers, 1 being the "
            "person's first sitting"
        )
    sessions = [int(number) for number in numbers if number is not None]
    tables = _tables(trials, subjects, sessions)
    entries = []
    for position, (raw, table) in enumerate(zip(raws, tables, strict=True)):
        file = raw.filenames[0].name if raw.filenames and raw.filenames[0] else f"raw {position}"
        entries.append(
            Entry(
                subject=subjects[position],
                session=sessions[position],
                file=file,
                channels=partial(_channels, raw),
                read=partial(_read, raw, table),
                labels=tuple(dict.fromkeys(table["label"])),
            )
        )
    known = entries[0].channels()
    if not known:
        raise SubjectError(
            f"the recording has no channel of type eeg (types: "
            f"{', '.join(sorted(set(raws[0].get_channel_types())))}); set them with "
            "raw.set_channel_types",
            file=entries[0].file,
            subject=entries[0].subject,
        )
    return Collection(
        entries, name=name, card=None, choice=choose_channels(channels, known, dataset=name)
    )


def _person(subject: Any) -> str:
    """Return the name of a person; what is missing would make one person of many."""
    if is_missing(subject) or not isinstance(subject, str | Real):
        raise InputError(f"subjects holds {subject!r}; give every recording the name of a person")
    return str(subject)


def _one_each(values: Any, what: str, n: int) -> list[Any]:
    """Return one value per recording, or say how many came."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError(f"{what} must be a list with one value per recording, not {values!r}")
    listed = list(values)
    if len(listed) != n:
        raise InputError(
            f"{what} has {len(listed)} values for {n} recordings; give one for each recording"
        )
    return listed


def _tables(trials: Any, subjects: Sequence[str], sessions: Sequence[int]) -> list[pd.DataFrame]:
    """Return one complete trials table per recording."""
    n = len(subjects)
    if isinstance(trials, pd.DataFrame):
        if "recording" in trials.columns:
            outside = [i for i in trials["recording"] if whole_number(i) not in range(n)]
            if outside:
                raise InputError(
                    f"the column 'recording' holds {outside[0]!r}; it counts raws from 0 to {n - 1}"
                )
            tables = [trials[(trials["recording"] == i).to_numpy()] for i in range(n)]
        elif n == 1:
            tables = [trials]
        else:
            raise InputError(
                f"one trials table for {n} recordings needs the column 'recording' (position in "
                f"raws, from 0); it has {', '.join(map(str, trials.columns))}"
            )
    else:
        tables = _one_each(trials, "trials", n)
    complete = []
    counts: dict[tuple[str, int], int] = {}
    seen: dict[tuple[str, int], set[Any]] = {}
    people = zip(subjects, sessions, strict=True)
    for position, (table, who) in enumerate(zip(tables, people, strict=True)):
        if not isinstance(table, pd.DataFrame):
            raise InputError(
                f"the trials table of recording {position} is a {type(table).__name__}; give a "
                "pandas DataFrame with the columns label, onset, duration"
            )
        missing = [c for c in ("label", "onset", "duration") if c not in table.columns]
        if missing:
            raise InputError(
                f"the trials table of recording {position} lacks the columns {', '.join(missing)} "
                f"(it has {', '.join(map(str, table.columns)) or 'none'}); add them"
            )
        table = table.reset_index(drop=True)
        if "trial" not in table.columns:
            start = counts.get(who, 0)
            table["trial"] = np.arange(start + 1, start + 1 + len(table))
            counts[who] = start + len(table)
        if "stimulus" not in table.columns:
            table["stimulus"] = [f"{who[0]}/{who[1]}/{trial}" for trial in table["trial"]]
        odd = next((v for v in table["label"] if not isinstance(v, Hashable)), None)
        if odd is not None:
            raise InputError(
                f"the trials table of recording {position} holds the label {odd!r}; labels are "
                "texts, numbers or truth values"
            )
        # A number that is not whole is refused when the recording is read.
        own = {number for number in map(whole_number, table["trial"]) if number is not None}
        numbers = seen.setdefault(who, set())
        again = numbers & own
        if again:
            raise InputError(
                f"trial {min(again)} of subject {who[0]}, session {who[1]} occurs in more than one "
                "recording; number the trials through, or give the recordings different sessions"
            )
        numbers |= own
        complete.append(table)
    return complete


def _eeg(raw: Any) -> list[str]:
    """Return the names of the EEG channels as the raw has them, those marked bad included."""
    types = raw.get_channel_types()
    return [name for name, kind in zip(raw.ch_names, types, strict=True) if kind == "eeg"]


def _channels(raw: Any) -> tuple[str, ...]:
    """Return the canonical names of the EEG channels."""
    return canonical_names(_eeg(raw))


def _read(raw: Any, table: pd.DataFrame, names: tuple[str, ...]) -> tuple[Any, pd.DataFrame]:
    """Copy the wanted channels, so that the user's object stays as it is."""
    stored = _eeg(raw)
    by_name = dict(zip(canonical_names(stored), stored, strict=True))
    wanted = [by_name[name] for name in names]
    copy = raw.copy().pick(wanted, verbose="error")
    copy.rename_channels(dict(zip(wanted, names, strict=True)), verbose="error")
    return copy, table
