"""EDF files: a check of the header against the file, then MNE reads the samples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import Any

import mne
import numpy as np
from numpy.typing import NDArray

from ...errors import SubjectError
from ..channels import canonical_names

_FIXED = 256
_PER_SIGNAL = 256

# Volts per unit. Spellings that mean one thing only are taken; "MV" might be mega- or millivolts.
_MICRO = ("uV", "\u00b5V", "\u03bcV", "\x83\xcaV")  # micro sign, Greek mu, Shift-JIS mu
_VOLTS = dict.fromkeys(_MICRO, 1e-6) | {"mV": 1e-3, "nV": 1e-9, "V": 1.0}
_VOLTS |= {
    "uv": 1e-6,
    "UV": 1e-6,
    "\u00b5v": 1e-6,
    "\u03bcv": 1e-6,
    "mv": 1e-3,
    "nv": 1e-9,
    "v": 1.0,
}
# MNE scales these spellings and leaves the samples of every other unit as they are.
_SCALED_BY_MNE = dict.fromkeys(_MICRO, 1e-6) | {"mV": 1e-3}

# What MNE warns of in header fields that are not used here: filters (the card says the pass-band),
# the date, and the person's data. The number of records is checked before MNE reads.
_HARMLESS = (
    "Highpass cutoff frequency",
    "Channels contain different (highpass|lowpass) filters",
    "Invalid measurement date",
    "Invalid patient information",
    "All-NaN axis encountered",
    "Number of records from the header does not match",
)


@dataclass(frozen=True)
class EDFHeader:
    """The part of an EDF header that is checked before reading.

    Parameters
    ----------
    labels : tuple of str
        Names of the signals as the file has them, without the annotation signal.
    units : tuple of str
        Physical dimension of each.
    rates : tuple of float
        Sampling rate of each in Hz.
    ranges : tuple of (float, float, float, float)
        Physical minimum and maximum, digital minimum and maximum of each; NaN where the header
        holds no number.
    n_records : int
        Number of data records; -1 when the file does not say.
    record_seconds : float
        Length of a record in seconds.
    header_bytes, record_bytes : int
        Size of the header and of one record.
    """

    labels: tuple[str, ...]
    units: tuple[str, ...]
    rates: tuple[float, ...]
    ranges: tuple[tuple[float, ...], ...]
    n_records: int
    record_seconds: float
    header_bytes: int
    record_bytes: int


def read_edf_header(path: Path, *, subject: str) -> EDFHeader:
    """Read the header of an EDF file and compare it with the size of the file.

    The layout is that of Kemp et al., Electroencephalogr Clin Neurophysiol 82:391 (1992): 256
    bytes, then 256 bytes per signal, then records of 2-byte samples.

    Parameters
    ----------
    path : Path
        The file.
    subject : str
        Named in the error.

    Returns
    -------
    EDFHeader
        What the header says.

    Raises
    ------
    SubjectError
        When the file is empty, is no EDF, has interruptions (EDF+D), or its size disagrees with
        its header.
    """

    def error(problem: str) -> SubjectError:
        return SubjectError(problem, file=path.name, subject=subject)

    advice = "Fetch the file again, or re-run with --skip-bad to leave this recording out"
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            fixed = file.read(_FIXED)
            if size == 0:
                raise error(f"the file is empty (0 bytes). {advice}")
            if len(fixed) < _FIXED:
                raise error(
                    f"the file is truncated: {size} bytes, its header alone needs {_FIXED}. "
                    f"{advice}"
                )
            try:
                n_signals = int(fixed[252:256])
                header_bytes = int(fixed[184:192])
                n_records = int(fixed[236:244])
                record_seconds = float(fixed[244:252])
            except ValueError as cause:
                raise error(
                    f"the file is no EDF: its header begins with {bytes(fixed[:16])!r} and holds "
                    f"no record and signal counts. {advice}"
                ) from cause
            signals = file.read(_PER_SIGNAL * max(n_signals, 0))
    except OSError as cause:
        raise error(f"the file cannot be opened: {cause.strerror or cause}") from cause
    if (
        n_signals < 1
        or header_bytes != _FIXED + _PER_SIGNAL * n_signals
        or not (isfinite(record_seconds) and record_seconds > 0)
        or n_records < -1
    ):
        raise error(
            f"the EDF header contradicts itself: {n_signals} signals, {header_bytes} header bytes, "
            f"{n_records} records of {record_seconds:g} s. {advice}"
        )
    if fixed[192:197] == b"EDF+D":
        raise error(
            "the recording has interruptions (EDF+D), and its parts would be joined as if there "
            "were none. Export it as EDF+C, one file for each part, or re-run with --skip-bad to "
            "leave this recording out"
        )
    if len(signals) < _PER_SIGNAL * n_signals:
        raise error(
            f"the file is truncated: {size} bytes, its header alone needs {header_bytes}. {advice}"
        )

    def column(start: int, width: int) -> list[str]:
        begin = start * n_signals
        return [
            signals[begin + i * width : begin + (i + 1) * width].decode("latin-1").strip()
            for i in range(n_signals)
        ]

    labels, units = column(0, 16), column(96, 8)
    try:
        counts = [int(text) for text in column(216, 8)]
    except ValueError as cause:
        raise error(f"the EDF header holds no sample counts per record. {advice}") from cause
    if min(counts) < 1:
        raise error(f"the EDF header announces {min(counts)} samples per record. {advice}")
    record_bytes = 2 * sum(counts)
    if n_records == 0 or size == header_bytes:
        raise error(f"the file is empty: a header, but no data record. {advice}")
    expected = header_bytes + n_records * record_bytes
    if n_records > 0 and size != expected:
        kind = "truncated" if size < expected else "damaged"
        raise error(
            f"the file is {kind}: its header announces {n_records} records, that is {expected} "
            f"bytes, and it has {size}. {advice}"
        )
    if n_records == -1 and (size - header_bytes) % record_bytes:
        raise error(
            f"the file is truncated: its header does not say how many records it has, and its "
            f"{size} bytes are no whole number of records of {record_bytes}. {advice}"
        )
    limits = [column(start, 8) for start in (104, 112, 120, 128)]
    real = [i for i, label in enumerate(labels) if "Annotations" not in label]
    return EDFHeader(
        labels=tuple(labels[i] for i in real),
        units=tuple(units[i] for i in real),
        rates=tuple(counts[i] / record_seconds for i in real),
        ranges=tuple(tuple(_number(limit[i]) for limit in limits) for i in real),
        n_records=n_records,
        record_seconds=record_seconds,
        header_bytes=header_bytes,
        record_bytes=record_bytes,
    )


def _number(text: str) -> float:
    """Return the number in a header field, NaN when there is none."""
    try:
        return float(text)
    except ValueError:
        return nan


def _scaled(samples: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Return samples in volts."""
    return samples * factor


def edf_channels(path: Path, subject: str) -> tuple[str, ...]:
    """Return the canonical names of the channels of an EDF file, from its header.

    Parameters
    ----------
    path : Path
        The file.
    subject : str
        Named in errors.

    Returns
    -------
    tuple of str
        In the order of the file.
    """
    return canonical_names(read_edf_header(path, subject=subject).labels)


def read_edf(path: Path, names: Sequence[str], *, sfreq: float, dataset: str, subject: str) -> Any:
    """Read some channels of an EDF file.

    Parameters
    ----------
    path : Path
        The file.
    names : sequence of str
        Canonical names; the file must have each exactly once.
    sfreq : float
        The rate that the card demands, in Hz.
    dataset, subject : str
        Named in errors.

    Returns
    -------
    mne.io.BaseRaw
        With these channels in this order, under their canonical names, in volts; samples are not
        yet in memory, unless MNE does not know their unit and they were scaled here.

    Raises
    ------
    SubjectError
        When the file is damaged, or the rate, the unit or the range of a channel is not what it
        should be.
    """
    header = read_edf_header(path, subject=subject)
    found = canonical_names(header.labels)
    rows = [found.index(name) for name in names]
    for name, row in zip(names, rows, strict=True):
        if abs(header.rates[row] - sfreq) > 1e-6 * sfreq:
            raise SubjectError(
                f"channel {name!r} is sampled at {header.rates[row]:g} Hz, the card of {dataset} "
                f"says {sfreq:g} Hz. Check that the file belongs to {dataset}, or re-run with "
                "--skip-bad to leave this recording out",
                file=path.name,
                subject=subject,
            )
        if header.units[row] not in _VOLTS:
            raise SubjectError(
                f"channel {name!r} has the unit {header.units[row]!r}; expected is uV, mV, nV or V "
                "(MV would be megavolts). Correct the physical dimension in the file's header",
                file=path.name,
                subject=subject,
            )
        low, high, digital_low, digital_high = header.ranges[row]
        if not (isfinite(high - low) and high != low and isfinite(digital_high - digital_low)) or (
            digital_low >= digital_high
        ):
            raise SubjectError(
                f"channel {name!r} has the physical range {low:g} to {high:g} and the digital "
                f"range {digital_low:g} to {digital_high:g}, which give no scale. Correct them in "
                "the file's header, or re-run with --skip-bad to leave this recording out",
                file=path.name,
                subject=subject,
            )
    stored = [header.labels[row] for row in rows]
    with warnings.catch_warnings():
        for message in _HARMLESS:
            warnings.filterwarnings("ignore", message=message, category=RuntimeWarning)
        try:
            raw = mne.io.read_raw_edf(path, preload=False, include=stored, verbose="warning")
        except (ValueError, RuntimeError, NotImplementedError, OSError) as cause:
            raise SubjectError(
                f"MNE cannot read the file: {cause}", file=path.name, subject=subject
            ) from cause
    raw.rename_channels(dict(zip(stored, names, strict=True)), verbose="warning")
    raw.reorder_channels(list(names))
    for name, row in zip(names, rows, strict=True):
        unit = header.units[row]
        factor = _VOLTS[unit] / _SCALED_BY_MNE.get(unit, 1.0)
        if factor != 1.0:
            raw.load_data(verbose="warning")
            raw.apply_function(_scaled, picks=[name], verbose="warning", factor=factor)
    return raw
