"""CSV files of ``muselsl record``: parsing, damaged files, lost and repeated samples."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import SubjectError
from ..channels import canonical_names
from .stamps import check_rate, find_gaps, repeated_packets, repeated_rows

_STAMPS, _MARKER = "timestamps", "Marker"
_MAX_BYTES = 2**30
_VOLTS = {"uV": 1e-6, "V": 1.0}
_ADVICE = "Fetch or record the file again, or re-run with --skip-bad to leave this recording out"


@dataclass(frozen=True)
class MuseLSL:
    """The contents of a muselsl CSV on an even time grid.

    Parameters
    ----------
    ch_names : tuple of str
        Canonical names, among them "Right AUX".
    data : ndarray, shape (n_channels, n_times)
        Samples in volts; lost ones are NaN.
    sfreq : float
        Nominal rate in Hz.
    start : float
        First time stamp in seconds (since 1970 with muselsl's defaults).
    markers : DataFrame
        Columns ``onset`` (s from the first sample) and ``marker`` (the code, never 0).
    gaps : tuple of (float, int)
        Where samples are lost: onset in seconds, number of samples.
    n_repeated : int
        Number of rows left out because they repeat the row before, time stamp included, or are
        part of a packet that arrived again.
    """

    ch_names: tuple[str, ...]
    data: NDArray[np.float64]
    sfreq: float
    start: float
    markers: pd.DataFrame
    gaps: tuple[tuple[float, int], ...] = field(default=())
    n_repeated: int = 0

    def to_raw(self, names: Sequence[str] | None = None) -> Any:
        """Make an MNE object of some channels.

        Parameters
        ----------
        names : sequence of str, optional
            Canonical names, in order; all by default.

        Returns
        -------
        mne.io.RawArray
            In volts.
        """
        names = self.ch_names if names is None else names
        rows = [self.ch_names.index(name) for name in names]
        info = mne.create_info(list(names), self.sfreq, "eeg", verbose="error")
        return mne.io.RawArray(self.data[rows], info, verbose="error")


def read_muselsl(path: Path, *, subject: str, sfreq: float = 256.0, unit: str = "uV") -> MuseLSL:
    """Read a CSV or ``.csv.gz`` of ``muselsl record``.

    Rows that repeat the row before, time stamp included, are left out: some versions of the
    recorder write the first sample of each chunk twice. So are packets that arrived again, with
    stamps that go back and samples equal to those of shortly before. Where samples were lost on
    the way, NaN stands in their place, so that time stays true.

    Parameters
    ----------
    path : Path
        The file: ``timestamps``, one column per channel, perhaps ``Marker0``.
    subject : str
        Named in errors.
    sfreq : float
        Nominal rate in Hz.
    unit : {"uV", "V"}
        Unit of the samples in the file.

    Returns
    -------
    MuseLSL
        Its contents.

    Raises
    ------
    SubjectError
        When the file is empty, cut, no muselsl CSV, its rate is not `sfreq` within 1 %, or its
        time stamps make no sense.

    Warns
    -----
    SignalWarning
        When the clock goes back though the samples go on, or some stamps stand apart.
    """

    def error(problem: str) -> SubjectError:
        return SubjectError(problem, file=path.name, subject=subject)

    text = _text(path, subject, _MAX_BYTES)
    columns = _columns(path, text, subject)
    _check_lines(path, text, len(columns), subject)
    try:
        table = pd.read_csv(io.BytesIO(text), dtype=np.float64, skipinitialspace=True)
    except ValueError as cause:
        raise error(f"the file holds something that is no number: {cause}. {_ADVICE}") from cause
    stamps = table.iloc[:, 0].to_numpy()
    if len(stamps) < 2:
        raise error(f"the file is empty: a header and {len(stamps)} samples. {_ADVICE}")
    bad = np.flatnonzero(~np.isfinite(stamps))
    if bad.size:
        raise error(f"line {bad[0] + 2} has no time stamp. {_ADVICE}")
    values = table.to_numpy()
    repeated = repeated_rows(values)
    values = values[~repeated]
    n_repeated = int(repeated.sum())
    repeated = repeated_packets(values)
    values = values[~repeated]
    n_repeated += int(repeated.sum())
    stamps = np.ascontiguousarray(values[:, 0])
    check_rate(stamps, sfreq, file=path.name, subject=subject)
    gaps = find_gaps(stamps, sfreq, file=path.name, subject=subject)
    place = np.arange(len(stamps))
    for at, lost in gaps:
        place[at:] += lost
    is_marker = [name.startswith(_MARKER) for name in columns[1:]]
    signal = [i for i, marker in enumerate(is_marker, start=1) if not marker]
    data = np.full((len(signal), place[-1] + 1), np.nan)
    data[:, place] = _VOLTS[unit] * values[:, signal].T
    codes = values[:, [i for i, marker in enumerate(is_marker, start=1) if marker]]
    row, column = np.nonzero(np.nan_to_num(codes))
    return MuseLSL(
        ch_names=canonical_names(columns[i] for i in signal),
        data=data,
        sfreq=sfreq,
        start=float(stamps[0]),
        markers=pd.DataFrame({"onset": place[row] / sfreq, "marker": codes[row, column]}),
        gaps=tuple((float(place[at - 1] + 1) / sfreq, lost) for at, lost in gaps),
        n_repeated=n_repeated,
    )


def muselsl_channels(path: Path, *, subject: str) -> tuple[str, ...]:
    """Return the canonical names of the channels of a muselsl CSV, from its first line.

    Parameters
    ----------
    path : Path
        The file.
    subject : str
        Named in errors.

    Returns
    -------
    tuple of str
        In the order of the file, "Right AUX" included, markers not.
    """
    columns = _columns(path, _text(path, subject, None), subject)
    return canonical_names(name for name in columns[1:] if not name.startswith(_MARKER))


def first_stamp(path: Path, *, subject: str) -> float:
    """Return the first time stamp of a muselsl CSV, from its second line.

    Parameters
    ----------
    path : Path
        The file.
    subject : str
        Named in errors.

    Returns
    -------
    float
        Seconds.
    """
    lines = _text(path, subject, None).splitlines()
    try:
        return float(lines[1].split(b",")[0])
    except (IndexError, ValueError) as cause:
        raise SubjectError(
            f"the second line holds no time stamp. {_ADVICE}", file=path.name, subject=subject
        ) from cause


def _text(path: Path, subject: str, limit: int | None) -> bytes:
    """Return the unpacked text: at most `limit` bytes, or the first two lines without a limit."""

    def error(problem: str) -> SubjectError:
        return SubjectError(problem, file=path.name, subject=subject)

    try:
        if path.stat().st_size == 0:
            raise error(f"the file is empty (0 bytes). {_ADVICE}")
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            if limit is None:
                text: bytes = file.readline(65536) + file.readline(65536)
            else:
                text = file.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as cause:
        raise error(f"the packed file is truncated or damaged: {cause}. {_ADVICE}") from cause
    except OSError as cause:
        raise error(f"the file cannot be opened: {cause.strerror or cause}") from cause
    if limit is not None and len(text) > limit:
        raise error(
            f"the file unpacks to more than {limit} bytes, a day of Muse samples has 1.4e9; "
            "split the recording"
        )
    return text


def _columns(path: Path, text: bytes, subject: str) -> list[str]:
    """Return the names of the columns, or say that this is no muselsl CSV."""
    first = text.partition(b"\n")[0].decode("utf-8-sig", errors="replace").strip()
    columns = [name.strip() for name in first.split(",")]
    if "\r" in first:
        raise SubjectError(
            "its lines end with carriage returns alone, which no version of muselsl writes; save "
            "it with the line ends of Unix or Windows",
            file=path.name,
            subject=subject,
        )
    if columns[0] != _STAMPS or len(columns) < 2:
        raise SubjectError(
            f"the file is no muselsl CSV: its first line is {first[:80]!r}, expected is "
            f"'{_STAMPS},TP9,AF7,AF8,TP10,...'. Check what wrote it, or re-run with --skip-bad to "
            "leave this recording out",
            file=path.name,
            subject=subject,
        )
    return columns


def _check_lines(path: Path, text: bytes, n_columns: int, subject: str) -> None:
    """Refuse a file in which a line has too few or too many fields."""
    # The count over the whole text is fast; lines are looked at only where it fails.
    body = text.rstrip(b"\r\n")
    if body.count(b",") == (n_columns - 1) * (body.count(b"\n") + 1) and not body.endswith(b","):
        _check_last_field(path, text, subject)
        return
    lines = body.split(b"\n")
    for number, line in enumerate(lines, start=1):
        fields = line.count(b",") + 1
        if fields != n_columns or (number == len(lines) and line.endswith(b",")):
            where = "the file is cut in its last line" if number == len(lines) else "it is damaged"
            raise SubjectError(
                f"line {number} has {fields} of {n_columns} fields ({where}). {_ADVICE}",
                file=path.name,
                subject=subject,
            )


def _check_last_field(path: Path, text: bytes, subject: str) -> None:
    """Refuse a last line without an end whose last number has fewer decimals than all before."""
    before, last = [b"", *text[-4096:].splitlines()][-2:]
    decimals = {len(field.partition(b".")[2]) for field in before.split(b",")}
    field = last.rpartition(b",")[2]
    uniform = len(decimals) == 1 and not text.endswith((b"\n", b"\r"))
    if uniform and len(field.partition(b".")[2]) < min(decimals):
        raise SubjectError(
            f"the file is cut in its last field: it ends with {field.decode(errors='replace')!r}, "
            f"without an end of line. {_ADVICE}",
            file=path.name,
            subject=subject,
        )
