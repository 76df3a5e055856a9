"""Reading signals and markers of LSL streams, in volts and in this machine's clock."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StreamError
from ..recordings.channels import canonical_names, duplicates
from ..recordings.markers import marker_label
from .lsl import StreamDescription, StreamLostError, _pylsl, description_of, reaches_network

Floats = NDArray[np.float64]

#: Volts that one unit of a stream stands for; MNE-LSL writes powers of ten.
UNITS = {
    "microvolts": 1e-6,
    "microvolt": 1e-6,
    "uv": 1e-6,
    "µv": 1e-6,
    "μv": 1e-6,
    "-6": 1e-6,
    "millivolts": 1e-3,
    "millivolt": 1e-3,
    "mv": 1e-3,
    "-3": 1e-3,
    "nanovolts": 1e-9,
    "nv": 1e-9,
    "-9": 1e-9,
    "volts": 1.0,
    "volt": 1.0,
    "v": 1.0,
    "0": 1.0,
}
#: Seconds of signal that an inlet holds back at most; what is older is lost, and seen as a gap.
BUFFER = 10
#: Seconds that the clock of a stream may differ and be this machine's.
_SAME_CLOCK = 0.01


class SignalInlet:
    """Reads a signal: its stamps in this machine's clock, canonical channel names.

    Nothing is received before `open`: what comes while a program still prepares itself would be
    old when it is read.

    Parameters
    ----------
    info : pylsl.StreamInfo
        From `Search.find`.
    unit : str, optional
        Of all samples, whatever the stream says.
    ch_names : sequence of str, optional
        Names of all its channels, whatever the stream says.
    needed : sequence of str, optional
        Canonical names of the channels that must be there and have a known unit; by default all
        that the stream has. Trigger channels and the like often have none.
    like : SignalInlet, optional
        What read the stream before it was lost. Samples come in that one's channels and units,
        whatever the order in which the stream returns; NaN for channels that it has no more.
    seconds : float
        How long to wait for each answer.

    Attributes
    ----------
    description : StreamDescription
    uid : str
        Another one each time that the stream is started.
    ch_names : tuple of str
        Canonical, as the samples come.
    sfreq : float
    changes : str
        What is different from `like`; ``""`` for nothing.

    Raises
    ------
    StreamError
        When the stream does not answer, has no regular rate, no numbers, no known unit, or not
        the channels that are needed.
    """

    def __init__(
        self,
        info: Any,
        *,
        unit: str | None = None,
        ch_names: Sequence[str] | None = None,
        needed: Sequence[str] | None = None,
        like: SignalInlet | None = None,
        seconds: float = 5.0,
    ) -> None:
        self._seconds = seconds
        pylsl = _pylsl()
        try:
            # what is lost is found anew by us: its channels may come back in another order
            self._inlet = _inlet_of(info, seconds)
            full = self._inlet.info(timeout=seconds)
        except RuntimeError as error:  # all of pylsl's errors are
            raise StreamError(
                f"the stream {info.name()!r} does not answer ({_words(error)}); start it again."
            ) from error
        self.description, self.uid = description_of(full), str(full.uid())
        self.sfreq = self.description.sfreq
        if self.description.channel_format == "string":
            raise StreamError(
                f"the stream {self.description} holds text, no signal; choose another."
            )
        if not self.sfreq > 0:
            raise StreamError(
                f"the stream {self.description} has no regular rate, which a signal needs; "
                "choose another."
            )
        if ch_names is not None:
            self._rename(ch_names)
        own_names = canonical_names(self.description.ch_names)
        own_factors = _factors(self.description, own_names, unit, needed)
        self._most = max(1, int(np.ceil(BUFFER * self.sfreq)))
        self._lost = pylsl.util.LostError
        self._n_own = len(own_names)
        self.ch_names, self._factors, self.changes = own_names, own_factors, ""
        self._rows: list[int] | None = None
        if like is not None:
            self._be_like(like, needed)

    def open(self) -> None:
        """Begin to receive.

        Raises
        ------
        StreamError
            When the stream does not answer.
        """
        try:
            self._inlet.open_stream(timeout=self._seconds)
        except RuntimeError as error:
            raise StreamError(
                f"the stream {self.description.name!r} does not answer ({_words(error)}); start "
                "it again."
            ) from error

    def pull_raw(self, seconds: float = 0.1) -> tuple[Floats, Floats]:
        """Take all that has come, in the stream's own unit; wait for the first sample only.

        Parameters
        ----------
        seconds : float
            How long to wait.

        Returns
        -------
        values : ndarray of shape (n, n_channels)
        stamps : ndarray of shape (n,)
            Seconds of this machine's LSL clock.

        Raises
        ------
        StreamLostError
            When the stream is gone.
        """
        try:
            values, stamps = self._inlet.pull_chunk(
                timeout=seconds, max_samples=self._most, min_samples=1, as_numpy=True
            )
        except self._lost as error:
            raise StreamLostError(
                f"the stream {self.description.name!r} is gone ({_words(error)})"
            ) from error
        own = np.asarray(values, dtype=np.float64).reshape(len(stamps), self._n_own)
        return (own if self._rows is None else self._rewire(own)), stamps

    @property
    def factors(self) -> Floats:
        """Volts that one unit of each channel stands for; NaN where that is not known."""
        return self._factors

    def close(self) -> None:
        """End the connection."""
        self._inlet.close_stream()

    def _rename(self, ch_names: Sequence[str]) -> None:
        """Take other names of channels than the stream's own."""
        said = self.description
        if len(ch_names) != len(said.ch_names):
            raise StreamError(
                f"{len(ch_names)} channels are named ({', '.join(ch_names)}), but the stream "
                f"{said} has {len(said.ch_names)}; name all of them, in its order."
            )
        self.description = replace(said, ch_names=tuple(ch_names))

    def _be_like(self, like: SignalInlet, needed: Sequence[str] | None) -> None:
        """Prepare to give samples as an earlier connection did."""
        place = {name: i for i, name in enumerate(self.ch_names)}
        missing = [n for n in (like.ch_names if needed is None else needed) if n not in place]
        if missing:
            raise StreamError(
                f"the stream {self.description} came back without {', '.join(missing)}; switch "
                "these channels on."
            )
        changes = []
        if self.ch_names != like.ch_names:
            changes.append(f"its channels are {' '.join(self.ch_names)} now")
        # a row behind the last one holds the NaN of what is gone
        rows = [place.get(name, self._n_own) for name in like.ch_names]
        own = np.append(self._factors, np.nan)[rows]
        same = (own == like.factors) | np.isnan(like.factors)
        self._scale = np.where(same, 1.0, own / like.factors)
        if not np.all((self._scale == 1.0) | np.isnan(self._scale)):
            changes.append("its unit is another")
        self._float32 = like.description.channel_format == "float32"
        self._rows, self.changes = rows, "; ".join(changes)
        self.ch_names, self._factors = like.ch_names, like.factors

    def _rewire(self, own: Floats) -> Floats:
        values = np.column_stack([own, np.full(len(own), np.nan)])[:, self._rows] * self._scale
        # so that a recorder keeps exactly what the session saw
        return values.astype(np.float32).astype(np.float64) if self._float32 else values


class MarkerInlet:
    """Reads markers, with stamps in this machine's clock.

    Parameters
    ----------
    info : pylsl.StreamInfo
    recover : bool
        Whether a lost stream that has a source id is waited for; its sender may have been killed,
        and then nothing ever tells. Without, each loss is told at once.

    Raises
    ------
    StreamError
        When the stream does not answer, or holds a signal.
    """

    def __init__(self, info: Any, *, recover: bool = True) -> None:
        self.name = info.name()
        if info.nominal_srate() > 0:
            raise StreamError(
                f"the stream {self.name!r} (type {info.type() or '-'}) has "
                f"{info.nominal_srate():g} samples a second, so that it holds a signal and no "
                "markers; name another by --markers."
            )
        try:
            self._inlet = _inlet_of(info, 5.0, recover=recover)
            self._inlet.open_stream(timeout=5.0)
            # liblsl (1.18) never returns from the first pull where the stream is lost before it
            self._first = self._pull()
        except RuntimeError as error:
            raise StreamError(
                f"the stream of markers {self.name!r} does not answer ({_words(error)}); start "
                "it again."
            ) from error

    def pull(self) -> list[tuple[str, float]]:
        """Take what has come.

        Returns
        -------
        list of (label, stamp)

        Raises
        ------
        StreamLostError
            When the stream is gone; where it recovers, one with a source id is waited for instead.
        """
        try:
            came = self._pull()
        except RuntimeError as error:  # lost, or lost before its clock was known
            raise StreamLostError(f"the stream {self.name!r} is gone ({_words(error)})") from error
        came, self._first = [*self._first, *came], []
        return came

    def _pull(self) -> list[tuple[str, float]]:
        """Take what is there; text as bytes, since senders need not keep to UTF-8."""
        samples, stamps = self._inlet.pull_chunk(timeout=0.0, as_numpy=True)
        return [
            (_label_of(sample), float(stamp))
            for sample, stamp in zip(samples.tolist(), stamps, strict=True)
        ]

    def close(self) -> None:
        """End the connection."""
        self._inlet.close_stream()


def _label_of(sample: list[Any]) -> str:
    """Give the text of a marker, as files are read: numbers plain, several channels joined."""
    texts = [v.decode("utf-8", errors="replace") if isinstance(v, bytes) else v for v in sample]
    label = marker_label(texts)
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _words(error: Exception) -> str:
    """Give what pylsl says, to stand in a sentence."""
    return str(error).rstrip(".")


def _inlet_of(info: Any, seconds: float, *, recover: bool = False) -> Any:
    """Open an inlet whose stamps are of this machine's clock."""
    pylsl = _pylsl()
    settings = {"max_buflen": BUFFER, "recover": recover}
    threadsafe = pylsl.proc_threadsafe
    if not reaches_network() or info.hostname() == socket.gethostname():
        # It has our clock. What LSL estimates as the difference is noise, milliseconds on a busy
        # machine, which would put samples before those that came already.
        inlet = pylsl.StreamInlet(info, processing_flags=threadsafe, **settings)
        # names of machines need not be unique
        if not reaches_network() or abs(inlet.time_correction(timeout=seconds)) < _SAME_CLOCK:
            return inlet
    inlet = pylsl.StreamInlet(info, processing_flags=pylsl.proc_clocksync | threadsafe, **settings)
    inlet.time_correction(timeout=seconds)
    return inlet


def _factors(
    description: StreamDescription,
    names: tuple[str, ...],
    unit: str | None,
    needed: Sequence[str] | None,
) -> Floats:
    """Give volts for one unit of each channel."""
    if unit is not None and unit.strip().lower() not in UNITS:
        raise StreamError(f"{unit!r} is no unit that is known; write uV, mV, nV or V.")
    wanted = names if needed is None else needed
    twice = [name for name in duplicates(names) if name in wanted]
    if twice:
        raise StreamError(
            f"the stream {description} has the channel {twice[0]} more than once, so that nobody "
            "knows which is meant; give its channels names of their own."
        )
    said = [unit if unit is not None else own for own in description.units]
    factors = np.array([UNITS.get(own.strip().lower(), np.nan) for own in said])
    unknown = sorted(
        {
            own
            for name, own, factor in zip(names, said, factors, strict=True)
            if np.isnan(factor) and name in wanted
        }
    )
    if unknown:
        what = "says no unit" if unknown == [""] else f"has the unit {unknown[-1]!r}"
        raise StreamError(
            f"the stream {description} {what}, so that its samples cannot be turned into volts. "
            "Say what they are, for example --unit uV."
        )
    return factors
