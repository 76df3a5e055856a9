"""`FeatureExtractor`: features of recordings, offline, by the objects that also run live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DatasetError, InputError, SubjectError
from ..preprocessing import BandpassBank, design_bank
from ..recordings.recording import Recording
from ..recordings.signals import check_signals
from ._recording import RecordingFeatures, recording_features
from .bands import BANDS, check_bands
from .registry import get_features
from .stream import FeatureStream
from .table import FeatureTable
from .windows import check_window


class FeatureExtractor:
    """Computes features of windows, offline from recordings and live from chunks.

    Filters run through the whole recording and restart only after gaps; they start in the
    steady state of the first sample. The start of a trial restarts the windows; no window
    crosses the end of a trial or a gap. A gap is where samples are not finite, or beyond 1 V, in
    some channel. Windows that begin before the filters have settled, 4 s after a restart or more
    with slow or narrow bands, are marked ``settling``; live they are withheld.

    Parameters
    ----------
    features : sequence of str
        Names from `FEATURES`.
    bands : mapping of str to (low, high)
        Band edges in Hz.
    window, step : float
        In seconds; step None means the window. Both are rounded to whole samples, so that
        recordings of several rates give windows of nearly the same length.

    Raises
    ------
    InputError
        When a feature is unknown.
    SignalError
        When a band is not (low, high), or window or step is not positive.

    Examples
    --------
    >>> import eegtl
    >>> extractor = FeatureExtractor(window=2.0)
    >>> table = extractor.extract(eegtl.load("synthetic").select(subjects=["w01"]))
    >>> table.block("de").shape[1:]
    (14, 5)
    """

    def __init__(
        self,
        features: Sequence[str] = ("de",),
        bands: Mapping[str, Sequence[float]] = BANDS,
        window: float = 1.0,
        step: float | None = None,
    ) -> None:
        self.features = get_features(features)
        self.bands = check_bands(bands)
        self.window, self.step = check_window(window, step)

    def start(
        self,
        sfreq: float,
        ch_names: Sequence[str],
        passband: tuple[float, float] | None = None,
    ) -> FeatureStream:
        """Begin a stream.

        Parameters
        ----------
        sfreq : float
            Sampling rate in Hz.
        ch_names : sequence of str
            Names of the channels, the rows of the chunks.
        passband : (low, high) or None
            What is known to be left in the signal, in Hz. Give what the offline data had, if
            the features shall be equal.

        Returns
        -------
        FeatureStream
            Takes chunks with ``push``.

        Raises
        ------
        SignalError
            When a band lies outside the signal, the window is too short, or a channel is
            named twice.

        Warns
        -----
        SignalWarning
            When a band is clipped.

        Examples
        --------
        >>> stream = FeatureExtractor().start(128.0, ["Fz", "Cz"])
        >>> X, onsets = stream.push(np.zeros((2, 32)))
        >>> X.shape
        (0, 10)
        """
        return self._stream(design_bank(sfreq, self.bands, passband), ch_names)

    def extract(
        self,
        recordings: Iterable[Recording],
        progress: Callable[[int, int], None] | None = None,
        *,
        skip_bad: bool = False,
    ) -> FeatureTable:
        """Compute the features of all windows inside trials.

        Parameters
        ----------
        recordings : Collection or iterable of Recording
            All with the same channels; sampling rates may differ.
        progress : callable, optional
            Called with (recordings done, recordings in all) after each; when the number is
            unknown, in all is the number done.
        skip_bad : bool
            Leave out recordings that raise a `SubjectError`, and list why in
            ``table.info["skipped"]``. Where channels differ, the set most recordings have is
            kept.

        Returns
        -------
        FeatureTable
            One row per window, in the order of recordings and time. ``onset`` counts from the
            start of the recording.

        Raises
        ------
        SubjectError
            When a recording cannot be used: no finite samples, not in volts, a channel is
            missing, a trial is shorter than a window, overlaps another or ends outside.
        DatasetError
            When no recording is left, or none gives a window.
        SignalError
            When a band lies outside the signal.
        InputError
            When `recordings` is no collection of recordings.

        Warns
        -----
        SignalWarning
            When a band is clipped, or a trial gives no window because of gaps.

        Examples
        --------
        >>> import eegtl
        >>> collection = eegtl.load("synthetic").select(subjects=["w01"])
        >>> FeatureExtractor(window=2.0).extract(collection).meta["settling"].any()
        np.False_
        """
        if isinstance(recordings, Recording) or not isinstance(recordings, Iterable):
            raise InputError(
                f"recordings is a {type(recordings).__name__}; give a collection, or a list such "
                "as [recording]"
            )
        banks: dict[tuple[float, tuple[float, float] | None], BandpassBank] = {}
        parts: list[RecordingFeatures] = []
        skipped: list[str] = []
        for done, total, item in _each(recordings):
            try:
                recording = item()
                if not isinstance(recording, Recording):
                    raise InputError(
                        f"recordings holds a {type(recording).__name__}; make recordings of your "
                        "own data with eegtl.from_raws"
                    )
                parts.append(self._one(recording, banks, parts, check_channels=not skip_bad))
            except SubjectError as error:
                if not skip_bad:
                    raise
                skipped.append(str(error))
            if progress is not None:
                progress(done, total)
        if skip_bad:
            parts, dropped = _most_common_channels(parts)
            skipped += dropped
        if not parts:
            reasons = f": {'; '.join(skipped)}" if skipped else "; the collection is empty"
            raise DatasetError(f"no recording is left to extract features from{reasons}")
        return self._table(parts, banks, skipped)

    def _stream(self, bank: BandpassBank, ch_names: Sequence[str]) -> FeatureStream:
        """Begin a stream with filters that are designed already."""
        return FeatureStream(bank, ch_names, self.features, self.window, self.step)

    def _one(
        self,
        recording: Recording,
        banks: dict[tuple[float, tuple[float, float] | None], BandpassBank],
        before: list[RecordingFeatures],
        *,
        check_channels: bool,
    ) -> RecordingFeatures:
        """Compute the features of one recording."""
        file, subject = recording.file, recording.subject
        data = recording.get_data()
        names = recording.ch_names
        check_signals(data, names, file=file, subject=subject)
        for earlier in before:
            if set(earlier.ch_names) == set(names):
                # The order of channels is that of the first recording that has them.
                data = data[[names.index(name) for name in earlier.ch_names]]
                names = earlier.ch_names
                break
        if check_channels and before and names != before[0].ch_names:
            raise _channel_error(before[0], names, file, subject)
        key = (recording.sfreq, recording.passband)
        if key not in banks:
            banks[key] = design_bank(recording.sfreq, self.bands, recording.passband)
        return recording_features(recording, data, self._stream(banks[key], names))

    def _table(
        self,
        parts: list[RecordingFeatures],
        banks: dict[tuple[float, tuple[float, float] | None], BandpassBank],
        skipped: list[str],
    ) -> FeatureTable:
        """Join the recordings to a table."""
        import numba
        import scipy

        from .. import __version__

        info: dict[str, Any] = {
            "features": [feature.name for feature in self.features],
            "window": self.window,
            "step": self.step,
            "bands": {name: list(edges) for name, edges in self.bands.items()},
            "filters": [
                {"sfreq": bank.sfreq, "bands": {n: list(e) for n, e in bank.bands.items()}}
                for bank in banks.values()
            ],
            "sfreq": sorted({sfreq for sfreq, _ in banks}),
            "skipped": skipped,
            "versions": {
                "eegtl": __version__,
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "numba": numba.__version__,
            },
        }
        # Recordings without rows have no types to contribute: joined, they would spoil those
        # of the others.
        filled = [part for part in parts if len(part.meta)]
        if not filled:
            raise DatasetError(
                f"the {len(parts)} recordings give no window: they have no trials, or gaps leave "
                "nothing of them; check the trials tables and the selection of labels"
            )
        meta = pd.concat([part.meta for part in filled], ignore_index=True)
        X = np.concatenate([part.X for part in filled])
        return FeatureTable(X, parts[0].columns, meta, causal=True, info=info)


def extract_features(
    recordings: Iterable[Recording],
    features: Sequence[str] = ("de",),
    bands: Mapping[str, Sequence[float]] = BANDS,
    window: float = 1.0,
    step: float | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    skip_bad: bool = False,
) -> FeatureTable:
    """Compute features in one call; see `FeatureExtractor`.

    Parameters
    ----------
    recordings : Collection or iterable of Recording
        What to read.
    features, bands, window, step
        As for `FeatureExtractor`; seconds and Hz.
    progress, skip_bad
        As for `FeatureExtractor.extract`.

    Returns
    -------
    FeatureTable
        One row per window.

    Raises
    ------
    SubjectError, DatasetError, SignalError, InputError
        As the extractor does.

    Examples
    --------
    >>> import eegtl
    >>> collection = eegtl.load("synthetic").select(subjects=["w01"])
    >>> eegtl.extract_features(collection, window=2.0).X.shape[1]
    70
    """
    extractor = FeatureExtractor(features, bands, window, step)
    return extractor.extract(recordings, progress, skip_bad=skip_bad)


def _each(recordings: Iterable[Any]) -> Iterator[tuple[int, int, Callable[[], Any]]]:
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


def _channel_error(
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


def _most_common_channels(
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
