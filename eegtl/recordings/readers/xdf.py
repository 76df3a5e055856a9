"""XDF files of LabRecorder and others: one EEG stream, and the markers beside it."""

from __future__ import annotations

import gzip
import io
import logging
import os
import re
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import mne
import numpy as np
from numpy.typing import NDArray

from ..._optional import require
from ...errors import InputError, SignalWarning, SubjectError
from ..recording import Recording
from ..signals import check_signals
from ..trials import is_missing, whole_number
from .xdf_chunks import MAGIC, DamagedError, XdfStream, look_through
from .xdf_markers import PlacedMarkers, place_markers
from .xdf_streams import UNITS, Error, choose_eeg, choose_markers, eeg_channels
from .xdf_time import Part, grid_rate, split_parts, why_not_aligned

_ADVICE = "Fetch or record the file again, or leave it out"
_GZIP = b"\x1f\x8b"
_MAX_BYTES = 2**32
#: Not even microseconds since 1970 go so far.
_NO_SECONDS = 1e16
#: What pyxdf always says of streams without clock offsets, or with clock resets.
_USUAL = ("Segments and clock-segments differ",)


def read_xdf(
    path: str | os.PathLike[str],
    *,
    stream: str | int | None = None,
    markers: str | int | Literal[False] | None = None,
    subject: str | None = None,
    session: int | None = None,
    unit: str | None = None,
) -> list[Recording]:
    """Read the EEG of an XDF file, such as LabRecorder and `XdfWriter` make.

    Clocks are synchronised by pyxdf. A new recording begins where the clock of the sender was
    reset, or more than a second is missing; its notes say why. Where up to a second is missing,
    NaN stands in its place, so that time stays true. Samples stand on the grid of the nominal
    rate; markers are placed among them by the effective one. Where the two differ by more than
    1 %, evenly spaced samples are taken at the effective rate, and others are refused.

    A marker opens a trial that lasts up to the next marker, or to the end of its recording; its
    text (or number) is the label, and no two trials share a stimulus. All markers, also those
    that come with the next one, are annotations of ``recording.raw``.

    Parameters
    ----------
    path : path
        The file; also the ``.partial`` that a crash has left, and packed ones (.xdfz, .xdf.gz).
    stream : str or int, optional
        Name or type of the stream, or its number in the file; the only one of type EEG by
        default.
    markers : str or int or False, optional
        Name, type or number of the stream of markers; by default the only one of type Markers,
        the ``eegtl-events`` of a live session not counted. False reads none.
    subject : str, optional
        The person; what follows ``sub-`` in the name of the file, else the name, by default.
    session : int, optional
        The sitting; the number behind ``ses-`` in the name of the file, else 1, by default.
    unit : str, optional
        The unit of channels for which the file names none: "uV", "V", "mV" or "nV".

    Returns
    -------
    list of Recording
        In volts, in the order of the file; data set "xdf", EEG channels only.

    Raises
    ------
    SubjectError
        When the file is no XDF file or damaged, no stream or several match, units or rates are
        missing or contradict each other, or the clocks of EEG and markers cannot be related.
    InputError
        When an argument is not what it must be.
    MissingExtraError
        When pyxdf is not installed.

    Warns
    -----
    SignalWarning
        When the end of the file is cut off, channels have no names, the nominal rate is not that
        of the samples, a part is too short, pyxdf repaired something, or time stamps are odd.

    Examples
    --------
    >>> read_xdf("nowhere.xdf")
    Traceback (most recent call last):
        ...
    eegtl.errors.SubjectError: nowhere.xdf (subject nowhere): the file cannot be opened: No ...
    """
    path = Path(path)
    subject, session = _who(path, subject, session)
    if unit is not None and str(unit).lower() not in UNITS:
        raise InputError(f"unit must be 'uV', 'V', 'mV' or 'nV'; got {unit!r}")
    pyxdf = require("pyxdf", extra="xdf", purpose="read XDF files")

    def error(problem: str) -> SubjectError:
        return SubjectError(problem, file=path.name, subject=subject)

    def warn(problem: str) -> str:
        warnings.warn(f"{path.name} (subject {subject}): {problem}", SignalWarning, stacklevel=3)
        return problem

    content = _content(path, error)
    try:
        streams, whole = look_through(content)
    except DamagedError as cause:
        raise error(f"the file is damaged: {cause}. {_ADVICE}") from cause
    eeg = choose_eeg(streams, stream, error)
    others = [each for each in streams if each.number != eeg.number]
    marker = choose_markers(others, markers, error)
    channels = eeg_channels(eeg, unit, error)
    notes = []
    if whole < len(content):
        notes.append(
            warn(
                f"the file ends inside a chunk, and the last {len(content) - whole} bytes are left "
                "out: the recorder crashed, or the copy is not complete"
            )
        )
    elif not eeg.ended:
        notes.append("the recording was not ended: the stream has no footer")
    if channels.left_out:
        notes.append(f"channels left out: {', '.join(channels.left_out)}")
    if channels.unnamed:
        notes.append(
            warn(
                f"channels without labels are called {', '.join(channels.names)}; name them with "
                "recording.raw.rename_channels"
            )
        )
    chosen = [eeg] if marker is None or not marker.n_samples else [eeg, marker]
    loaded, sent, repairs = _load(pyxdf, content[:whole], chosen, error)
    if repairs:
        notes.append(warn(f"pyxdf: {' '.join(repairs)}"))
    signals = loaded[eeg.number]
    data = signals["time_series"][:, channels.columns].T * np.array(channels.volts)[:, None]
    check_signals(data, channels.names, file=path.name, subject=subject)
    stamps = signals["time_stamps"]
    resets = [first for first, _ in signals["info"]["clock_segments"][1:]]
    sfreq = grid_rate(stamps, resets, eeg.rate)
    if sfreq != eeg.rate:
        notes.append(
            warn(
                f"the header says {eeg.rate:g} Hz, and the time stamps are even at {sfreq:g} Hz, "
                "which is taken; check the settings of the device"
            )
        )
    parts, left_out = split_parts(
        stamps, sent[eeg.number], resets, sfreq, file=path.name, subject=subject
    )
    if not parts:
        raise error(f"no part of {eeg} lasts a second: {'; '.join(left_out)}")
    if left_out:
        notes.append(warn(f"left out: {'; '.join(left_out)}"))
    placed = [PlacedMarkers() for _ in parts]
    if len(chosen) > 1:
        found = loaded[chosen[1].number]
        why = why_not_aligned(parts, found["time_stamps"])
        if why:
            raise error(
                f"the markers of {marker} cannot be placed in {eeg}: {why}. Record with one clock, "
                "or read the signals alone with markers=False"
            )
        placed, lost = place_markers(
            found["time_series"],
            found["time_stamps"],
            parts,
            sfreq,
            prefix=f"{subject}/{session}",
        )
        notes += [f"markers of {marker}", *lost]
    recordings = []
    for index, (part, own) in enumerate(zip(parts, placed, strict=True)):
        about = [f"{eeg}; {part.rate:.3f} Hz by its time stamps", *notes]
        n_lost = part.n_times - len(part.place)
        if n_lost:
            about.append(f"{n_lost} lost samples are NaN")
        if len(parts) > 1:
            why = f": {part.reason}" if part.reason else ""
            about.append(f"part {index + 1} of {len(parts)}{why}")
        recordings.append(
            Recording(
                _raw(data, channels.names, part, sfreq, own),
                subject=subject,
                session=session,
                trials=own.table(),
                dataset="xdf",
                file=path.name,
                notes=tuple(about),
            )
        )
    return recordings


def _who(path: Path, subject: Any, session: Any) -> tuple[str, int]:
    """Return person and sitting, as given or as the name of the file has them."""
    if subject is not None and (is_missing(subject) or not isinstance(subject, str)):
        raise InputError(f"subject must be the name of a person; got {subject!r}")
    number = None if session is None else whole_number(session)
    if session is not None and number is None:
        raise InputError(f"session must be a whole number, 1 for the first; got {session!r}")
    # LabRecorder's template: sub-P001_ses-S001_task-Default_run-001_eeg.xdf
    person = re.search(r"sub-([A-Za-z0-9]+)", path.name)
    sitting = re.search(r"ses-[A-Za-z]*(\d+)", path.name)
    return (
        subject or (person[1] if person else path.name.split(".xdf")[0]),
        number if number is not None else int(sitting[1]) if sitting else 1,
    )


def _content(path: Path, error: Error) -> bytes:
    """Return all of a file that begins as XDF files do."""
    try:
        content = path.read_bytes()
    except OSError as cause:
        raise error(f"the file cannot be opened: {cause.strerror or cause}") from cause
    if not content:
        raise error(f"the file is empty (0 bytes). {_ADVICE}")
    if content.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(_MAX_BYTES + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as cause:
            raise error(f"the packed file is truncated or damaged: {cause}. {_ADVICE}") from cause
        if len(content) > _MAX_BYTES:
            raise error(f"the file unpacks to more than {_MAX_BYTES} bytes; split the recording")
    if not content.startswith(MAGIC):
        raise error(
            f"the file is no XDF file: it begins with {content[:4]!r}, expected is {MAGIC!r}. "
            "Check what wrote it, or leave it out"
        )
    return content


class _Kept(logging.Handler):
    """Keeps what pyxdf logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def _load(
    pyxdf: Any, content: bytes, streams: Sequence[XdfStream], error: Error
) -> tuple[dict[int, Any], dict[int, NDArray[np.float64]], list[str]]:
    """Load streams with synchronised clocks; also return the stamps as sent, and repairs."""
    sent: dict[int, list[NDArray[np.float64]]] = {}

    def keep(values: Any, stamps: Any, info: Any, number: int) -> Any:
        sent.setdefault(number, []).append(stamps)
        return values, stamps, info

    logger = logging.getLogger("pyxdf.pyxdf")
    kept = _Kept()
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(kept)
    try:
        # Jitter is left to the parts: pyxdf would smooth over gaps of less than 500 samples.
        with np.errstate(all="ignore"):
            found, _ = pyxdf.load_xdf(
                io.BytesIO(content),
                [stream.number for stream in streams],
                on_chunk=keep,
                dejitter_timestamps=False,
            )
    except Exception as cause:  # it checks little, so that anything may come
        raise error(f"pyxdf cannot read the file: {cause!r}. {_ADVICE}") from cause
    finally:
        logger.removeHandler(kept)
        logger.propagate = propagates
    by_number = {each["info"]["stream_id"]: each for each in found}
    broken = [record for record in kept.records if record.levelno >= logging.ERROR]
    if broken:
        raise error(f"the file is damaged; pyxdf: {broken[0].getMessage()} {_ADVICE}")
    stamps = {}
    for stream in streams:
        times = by_number[stream.number]["time_stamps"]
        stamps[stream.number] = np.concatenate(sent[stream.number])[: len(times)]
        n_odd = int(np.sum(~(np.abs(times) < _NO_SECONDS)))
        if n_odd:
            raise error(f"{n_odd} time stamps of {stream} are no seconds. {_ADVICE}")
    repairs = [record.getMessage() for record in kept.records]
    return by_number, stamps, [each for each in repairs if not each.endswith(_USUAL)]


def _raw(
    data: NDArray[np.float64],
    names: Sequence[str],
    part: Part,
    sfreq: float,
    markers: PlacedMarkers,
) -> Any:
    """Make an MNE object of a part, with its markers as annotations."""
    grid = np.full((len(names), part.n_times), np.nan)
    grid[:, part.place] = data[:, part.start : part.stop]
    info = mne.create_info(list(names), sfreq, "eeg", verbose="error")
    raw = mne.io.RawArray(grid, info, verbose="error")
    texts = [str(label) for label in markers.labels]
    raw.set_annotations(mne.Annotations(markers.onsets, [0.0] * len(texts), texts))
    return raw
