"""`FeatureExtractor`: features of recordings, offline, by the objects that also run live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import InputError, SignalError
from ..preprocessing import BandpassBank, Chain, Step, design_bank
from .bands import BANDS, check_bands
from .registry import get_features
from .smoothing import LDS, SMOOTHING, MovingAverage
from .stream import FeatureStream
from .windows import check_window

if TYPE_CHECKING:
    from ..recordings.recording import Recording
    from .table import FeatureTable

Preprocessing = Chain | Step | Iterable[Step] | None
Smoothing = MovingAverage | LDS
# The sampling rate and the pass-band that a bank was designed for.
Designs = dict[tuple[float, tuple[float, float] | None], BandpassBank]


class FeatureExtractor:
    """Computes features of windows, offline from recordings and live from chunks.

    The signal passes the preprocessing, is cut into windows and filtered for the features, and
    the features of the windows pass the smoothing.

    Filters run through the whole recording and restart only after gaps; they start in the
    steady state of the first sample. The start of a trial restarts windows and smoothing; no
    window crosses the end of a trial or a gap. A gap is where samples are not finite, or beyond
    1 V, in some channel. Windows that begin before the filters have settled, 4 s after a restart
    or more with slow or narrow bands, are marked ``settling``; live they are withheld.

    Parameters
    ----------
    features : sequence of str
        Names from `FEATURES`.
    bands : mapping of str to (low, high)
        Band edges in Hz.
    window, step : float
        In seconds; step None means the window. Both are rounded to whole samples, so that
        recordings of several rates give windows of nearly the same length.
    preprocessing : Step, iterable of Step, Chain or None
        What the signal passes first. The kinds of its `ArtefactMarks` are written into the
        ``flags`` of the windows, with the channels.
    smoothing : MovingAverage, LDS or None
        What the features pass last: within a trial, anew after each gap, and apart in windows
        that are ``settling`` and those that are not.

    Raises
    ------
    InputError
        When a feature is unknown, or something is no step or smoothing.
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
        preprocessing: Preprocessing = None,
        smoothing: Smoothing | None = None,
    ) -> None:
        self.features = get_features(features)
        self.bands = check_bands(bands)
        self.window, self.step = check_window(window, step)
        self.preprocessing = Chain.of(preprocessing)
        if smoothing is not None and not isinstance(smoothing, tuple(SMOOTHING.values())):
            raise InputError(
                f"smoothing is {smoothing!r}; give None, or one of "
                f"{', '.join(kind.__name__ for kind in SMOOTHING.values())} with its settings"
            )
        self.smoothing = smoothing

    @property
    def causal(self) -> bool:
        """Whether preprocessing and smoothing do without the future of the signal."""
        return self.preprocessing.causal and (self.smoothing is None or self.smoothing.causal)

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
            When preprocessing or smoothing needs the future of the signal, a step of the
            preprocessing cannot work on this one, a feature lacks its channels, a band lies
            outside the signal, the window is too short, or a channel is named twice.

        Warns
        -----
        SignalWarning
            When a band is clipped.

        Examples
        --------
        >>> import numpy as np
        >>> stream = FeatureExtractor().start(128.0, ["Fz", "Cz"])
        >>> X, onsets = stream.push(np.zeros((2, 32)))
        >>> X.shape
        (0, 10)
        """
        for what, part in (("preprocessing", self.preprocessing), ("smoothing", self.smoothing)):
            if part is not None and not part.causal:
                raise SignalError(
                    f"the {what} {_names(part)} needs the future of the signal, which a stream "
                    "has not; use it with extract only, or choose settings that are causal"
                )
        return self._stream(sfreq, ch_names, passband, {})

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
            missing, a step of the preprocessing cannot work on it, a trial is shorter than a
            window, overlaps another or ends outside.
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
        >>> FeatureExtractor(window=2.0).extract(collection).meta["settling"].any().item()
        False
        """
        from ._extraction import extract_table  # asks for pandas, which a stream does without

        return extract_table(self, recordings, progress, skip_bad=skip_bad)

    def _stream(
        self,
        sfreq: float,
        ch_names: Sequence[str],
        passband: tuple[float, float] | None,
        banks: Designs,
    ) -> FeatureStream:
        """Begin a stream, with filters that are designed already where they are."""

        def design(
            sfreq: float,
            bands: Mapping[str, tuple[float, float]],
            passband: tuple[float, float] | None,
        ) -> BandpassBank:
            if (sfreq, passband) not in banks:
                banks[sfreq, passband] = design_bank(sfreq, bands, passband)
            return banks[sfreq, passband]

        return FeatureStream(
            sfreq,
            ch_names,
            features=self.features,
            bands=self.bands,
            window=self.window,
            step=self.step,
            passband=passband,
            preprocessing=self.preprocessing,
            smoothing=None if self._smooths_later else self.smoothing,
            design=design,
        )

    @property
    def _smooths_later(self) -> bool:
        """Whether the smoothing needs whole trials."""
        return self.smoothing is not None and not self.smoothing.causal


def extract_features(
    recordings: Iterable[Recording],
    features: Sequence[str] = ("de",),
    bands: Mapping[str, Sequence[float]] = BANDS,
    window: float = 1.0,
    step: float | None = None,
    preprocessing: Preprocessing = None,
    smoothing: Smoothing | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    skip_bad: bool = False,
) -> FeatureTable:
    """Compute features in one call; see `FeatureExtractor`.

    Parameters
    ----------
    recordings : Collection or iterable of Recording
        What to read.
    features, bands, window, step, preprocessing, smoothing
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
    extractor = FeatureExtractor(features, bands, window, step, preprocessing, smoothing)
    return extractor.extract(recordings, progress, skip_bad=skip_bad)


def _names(part: Chain | Smoothing) -> str:
    """Give the names of what is not causal."""
    if isinstance(part, Chain):
        return ", ".join(repr(step.name) for step in part.steps if not step.causal)
    return repr(part.name)
