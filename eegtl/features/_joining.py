"""From many recordings to one table: reading them, the channels they share, their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DatasetError, SubjectError
from ._recording import RecordingFeatures


def each_recording(recordings: Iterable[Any]) -> Iterator[tuple[int, int, Callable[[], Any]]]:
    """Yield the count, the total, and a function that reads the recording (and may raise)."""
    if isinstance(recordings, Sequence):
        for index in range(len(recordings)):
            yield index + 1, len(recordings), partial(recordings.__getitem__, index)
    else:
        for index, recording in enumerate(recordings):
            yield index + 1, index + 1, partial(_itself, recording)


def _itself(recording: Any) -> Any:
    """Give a recording that is read already."""
    return recording


def channel_error(
    first: RecordingFeatures, names: Sequence[str], file: str, subject: str
) -> SubjectError:
    """Say which recording lacks a channel: this one or, where this one has more, the first."""
    here = [name for name in first.ch_names if name not in names]
    if here:
        return _missing(here, names, len(first.ch_names), file, subject)
    there = [name for name in names if name not in first.ch_names]
    return _missing(there, first.ch_names, len(names), first.file, first.subject)


def _missing(
    lacking: Sequence[str], found: Sequence[str], wanted: int, file: str, subject: str
) -> SubjectError:
    """Name the channel, what was found instead, and the two ways out."""
    which = (
        f"channel {lacking[0]!r} is missing"
        if len(lacking) == 1
        else f"channels {', '.join(map(repr, lacking))} are missing"
    )
    present = wanted - len(lacking)
    return SubjectError(
        f"{which} (found {present} of {wanted}: {', '.join(found)}). Re-run with --channels "
        "common to use the channels all recordings share, or --skip-bad to leave this recording "
        "out.",
        file=file,
        subject=subject,
    )


def most_common_channels(
    parts: list[RecordingFeatures],
) -> tuple[list[RecordingFeatures], list[str]]:
    """Keep the recordings with the channels most have (the larger set when equal)."""
    if not parts:
        return [], []
    counts: dict[tuple[str, ...], int] = {}
    for part in parts:
        counts[part.ch_names] = counts.get(part.ch_names, 0) + 1
    best = max(counts, key=lambda names: (counts[names], len(names)))
    reference = next(part for part in parts if part.ch_names == best)
    kept = [part for part in parts if part.ch_names == best]
    dropped = []
    for part in parts:
        lacking = [name for name in best if name not in part.ch_names]
        if lacking:
            dropped.append(_missing(lacking, part.ch_names, len(best), part.file, part.subject))
        elif part.ch_names != best:
            extra = [name for name in part.ch_names if name not in best]
            dropped.append(
                SubjectError(
                    f"channels {', '.join(map(repr, extra))} are not in {reference.file} and "
                    "most other recordings. Re-run with --channels common to use the channels "
                    "all recordings share.",
                    file=part.file,
                    subject=part.subject,
                )
            )
    return kept, [str(error) for error in dropped]


def join_rows(parts: Sequence[RecordingFeatures]) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Put the rows of recordings one after the other: features, and what they belong to."""
    # Recordings without rows have no types to contribute: joined, they would spoil those
    # of the others.
    filled = [part for part in parts if len(part.meta)]
    if not filled:
        raise DatasetError(
            f"the {len(parts)} recordings give no window: they have no trials, or gaps leave "
            "nothing of them; check the trials tables and the selection of labels"
        )
    X = np.concatenate([part.X for part in filled])
    return X, pd.concat([part.meta for part in filled], ignore_index=True)
