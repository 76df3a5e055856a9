"""Offline extraction: each recording through a stream of its own, and all rows to one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DatasetError, InputError, SignalError, SubjectError
from ..recordings.recording import Recording
from ..recordings.signals import check_signals
from ._joining import channel_error, each_recording, join_rows, most_common_channels
from ._recording import RecordingFeatures, Samples, recording_features
from .description import settings_of
from .table import FeatureTable

if TYPE_CHECKING:
    from .extractor import Designs, FeatureExtractor


def extract_table(
    extractor: FeatureExtractor,
    recordings: Iterable[Recording],
    progress: Callable[[int, int], None] | None,
    *,
    skip_bad: bool,
) -> FeatureTable:
    """Compute the features of all windows inside trials; see `FeatureExtractor.extract`."""
    if isinstance(recordings, Recording) or not isinstance(recordings, Iterable):
        raise InputError(
            f"recordings is a {type(recordings).__name__}; give a collection, or a list such "
            "as [recording]"
        )
    banks: Designs = {}
    parts: list[RecordingFeatures] = []
    skipped: list[str] = []
    for done, total, item in each_recording(recordings):
        try:
            recording = item()
            if not isinstance(recording, Recording):
                raise InputError(
                    f"recordings holds a {type(recording).__name__}; make recordings of your "
                    "own data with eegtl.from_raws"
                )
            parts.append(_one(extractor, recording, banks, parts, check_channels=not skip_bad))
        except SubjectError as error:
            if not skip_bad:
                raise
            skipped.append(str(error))
        if progress is not None:
            progress(done, total)
    if skip_bad:
        parts, dropped = most_common_channels(parts)
        skipped += dropped
    if not parts:
        reasons = f": {'; '.join(skipped)}" if skipped else "; the collection is empty"
        raise DatasetError(f"no recording is left to extract features from{reasons}")
    return _table(extractor, parts, banks, skipped)


def _one(
    extractor: FeatureExtractor,
    recording: Recording,
    banks: Designs,
    before: list[RecordingFeatures],
    *,
    check_channels: bool,
) -> RecordingFeatures:
    """Compute the features of one recording."""
    file, subject = recording.file, recording.subject
    samples = Samples(recording)
    names = recording.ch_names
    check_signals(samples.rows(), names, file=file, subject=subject)
    for earlier in before:
        if names != earlier.inputs and set(earlier.inputs) == set(names):
            # The order of channels is that of the first recording that has them.
            names = earlier.inputs
            samples.reorder(names)
            break
    try:
        stream = extractor._stream(recording.sfreq, names, recording.passband, banks)
    except SignalError:
        _blame_recording(extractor, recording, names)
        raise
    if check_channels and before and stream.ch_names != before[0].ch_names:
        raise channel_error(before[0], stream.ch_names, file, subject)
    later = extractor.smoothing if extractor._smooths_later else None
    return recording_features(recording, samples, names, stream, later)


def _blame_recording(
    extractor: FeatureExtractor, recording: Recording, names: Sequence[str]
) -> None:
    """Say so if the preprocessing cannot start on a recording: others may be as it needs."""
    try:
        extractor.preprocessing.start(recording.sfreq, names, recording.passband)
    except SignalError as error:
        raise SubjectError(str(error), file=recording.file, subject=recording.subject) from error


def _table(
    extractor: FeatureExtractor,
    parts: list[RecordingFeatures],
    banks: Designs,
    skipped: list[str],
) -> FeatureTable:
    """Join the recordings to a table."""
    import numba
    import scipy

    from .. import __version__

    info: dict[str, Any] = {
        **settings_of(extractor),
        "notes": list(dict.fromkeys(note for part in parts for note in part.notes)),
        "delay": max(part.delay for part in parts),
        "filters": [
            {"sfreq": bank.sfreq, "bands": {n: list(e) for n, e in bank.bands.items()}}
            for bank in banks.values()
        ],
        "sfreq": sorted({part.sfreq for part in parts}),
        "ch_names": list(parts[0].inputs),
        "passbands": [
            None if band is None else list(band)
            for band in dict.fromkeys(part.passband for part in parts)
        ],
        "skipped": skipped,
        "versions": {
            "eegtl": __version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "numba": numba.__version__,
        },
    }
    X, meta = join_rows(parts)
    causal = extractor.causal and all(part.causal for part in parts)
    return FeatureTable(X, parts[0].column_names, meta, causal=causal, info=info)
