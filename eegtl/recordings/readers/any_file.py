"""One recording from one file, whatever its format, for `eegtl replay` and `eegtl calibrate`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError, SignalWarning
from ..channels import canonical_names
from ..markers import Mark

Floats = NDArray[np.float64]

#: Files that muselsl wrote; all others but XDF are MNE's.
_MUSELSL = (".csv", ".csv.gz")
_XDF = (".xdf", ".xdfz", ".xdf.gz", ".xdf.partial")


def read_signal(
    path: str | Path, *, stream: str | None = None
) -> tuple[Floats, float, tuple[str, ...], list[Mark]]:
    """Read the EEG of a file, and the markers beside it.

    Parameters
    ----------
    path : path
        A CSV of muselsl, XDF (extra ``xdf``), or whatever `mne.io.read_raw` reads.
    stream : str, optional
        Name or type of the stream of an XDF file.

    Returns
    -------
    data : ndarray of shape (n_channels, n_times)
        Volts; NaN where samples are missing.
    sfreq : float
        Hz.
    ch_names : tuple of str
        Canonical.
    markers : list of Mark
        Those of XDF files hold up to the next one, so that they have no duration.

    Raises
    ------
    DatasetError
        When there is no such file, or nothing reads it.

    Warns
    -----
    SignalWarning
        When an XDF file holds several recordings, of which the longest is read.
    """
    file = Path(path)
    if not file.is_file():
        raise DatasetError(f"there is no file {file}; check the path.")
    name = file.name.lower()
    if name.endswith(_MUSELSL):
        from .muselsl import read_muselsl

        read = read_muselsl(file, subject=file.name)
        return read.data, read.sfreq, canonical_names(read.ch_names), []
    if name.endswith(_XDF):
        from .xdf import read_xdf

        parts = read_xdf(file, stream=stream)
        longest = max(parts, key=lambda part: part.raw.n_times)
        if len(parts) > 1:
            seconds = [part.raw.n_times / part.sfreq for part in parts]
            warnings.warn(
                f"{file.name} holds {len(parts)} recordings, between which the clock was reset or "
                f"samples are missing ({', '.join(f'{s:.0f} s' for s in seconds)}); the longest is "
                "read.",
                SignalWarning,
                stacklevel=2,
            )
        return _of_raw(longest.raw)
    return _of_raw(_read_by_mne(file))


def _read_by_mne(file: Path) -> Any:
    import mne

    try:
        raw = mne.io.read_raw(file, preload=True, verbose="error")
    except Exception as error:  # a file that is of another kind than its name says meets any
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".rstrip(": .")
        raise DatasetError(
            f"{file} cannot be read ({why}); give a CSV of "
            "muselsl, an XDF file, or a format of MNE such as EDF, BDF or FIF."
        ) from error
    try:
        return raw.pick("eeg")
    except ValueError as error:
        kinds = ", ".join(sorted(set(raw.get_channel_types())))
        raise DatasetError(
            f"{file} holds no EEG channels (there: {kinds}); set the types of its channels, for "
            "example with MNE."
        ) from error


def _of_raw(raw: Any) -> tuple[Floats, float, tuple[str, ...], list[Mark]]:
    said = raw.annotations
    marks = [
        Mark(float(onset) - raw.first_time, str(text), float(duration))
        for onset, text, duration in zip(said.onset, said.description, said.duration, strict=True)
        if not str(text).upper().startswith(("BAD", "EDGE"))
    ]
    return raw.get_data(), float(raw.info["sfreq"]), canonical_names(raw.ch_names), marks
