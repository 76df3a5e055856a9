"""Writers of small files in the exact layouts that the readers know, for tests."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_OLD_NAMES = "Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz"
EEGMAT_NAMES = (*(f"EEG {name}" for name in _OLD_NAMES.split()), "EEG A2-A1", "ECG ECG")


def noise(n_channels: int, n_times: int, *, seed: int = 0, sd: float = 10.0) -> NDArray[np.float64]:
    """White noise in microvolts."""
    return sd * np.random.default_rng(seed).normal(size=(n_channels, n_times))


def write_edf(
    path: Path,
    *,
    seconds: int = 62,
    sfreq: int = 500,
    names: Sequence[str] = EEGMAT_NAMES,
    unit: str = "uV",
    seed: int = 0,
    sd: float = 10.0,
    prefilters: Sequence[str] = ("",),
    startdate: str = "01-JAN-2012",
    date: str = "01.01.12",
    person: str = "12 M 01-JAN-1993 Subject2",
) -> NDArray[np.float64]:
    """Write an EDF+C file as PhysioNet's eegmat has it; return the samples in microvolts."""
    data = noise(len(names), seconds * sfreq, seed=seed, sd=sd)
    if "ECG ECG" in names:
        data[names.index("ECG ECG")] *= 0.01
    n_signals = len(names) + 1
    # Eight characters hold a limit only in few digits when it is tiny.
    limits = [(f"{-8 * row.std():.1e}", f"{8 * row.std():.1e}") for row in data]

    def column(values: Sequence[object], width: int) -> bytes:
        return b"".join(str(value).encode("latin-1").ljust(width) for value in values)

    units = ["mV" if name == "ECG ECG" else unit for name in names]
    counts = [sfreq] * len(names) + [57]
    header = b"".join(
        [
            b"0".ljust(8),
            person.encode().ljust(80),
            f"Startdate {startdate} 12 X NeuroCom".encode().ljust(80),
            f"{date}00.00.00".encode(),
            str(256 * (n_signals + 1)).encode().ljust(8),
            b"EDF+C".ljust(44),
            str(seconds).encode().ljust(8),
            b"1".ljust(8),
            str(n_signals).encode().ljust(4),
            column([*names, "EDF Annotations"], 16),
            column([""] * n_signals, 80),
            column([*units, ""], 8),
            column([*(low for low, _ in limits), -1], 8),
            column([*(high for _, high in limits), 1], 8),
            column([-32768] * n_signals, 8),
            column([32767] * n_signals, 8),
            column([*(prefilters[i % len(prefilters)] for i in range(len(names))), ""], 80),
            column(counts, 8),
            column([""] * n_signals, 32),
        ]
    )
    digital = np.empty(data.shape, dtype="<i2")
    for row, (low, high) in enumerate(limits):
        step = (float(high) - float(low)) / 65535
        digital[row] = np.clip(np.rint((data[row] - float(low)) / step) - 32768, -32768, 32767)
    body = bytearray()
    for record in range(seconds):
        body += digital[:, record * sfreq : (record + 1) * sfreq].tobytes()
        body += f"+{record}\x14\x14\x00".encode().ljust(2 * 57, b"\x00")
    path.write_bytes(header + bytes(body))
    return data


def muse_text(
    values: NDArray[np.float64],
    stamps: NDArray[np.float64],
    *,
    names: Sequence[str] = ("TP9", "AF7", "AF8", "TP10", "Right AUX"),
    markers: NDArray[np.int64] | None = None,
) -> str:
    """Text of a CSV as ``muselsl record`` writes it: values (n_times, n_channels) in uV."""
    head = ["timestamps", *names, *([] if markers is None else ["Marker0"])]
    lines = [",".join(head)]
    for i, (stamp, row) in enumerate(zip(stamps, values, strict=True)):
        fields = [f"{stamp:.3f}", *(f"{value:.3f}" for value in row)]
        if markers is not None:
            fields.append(str(markers[i]))
        lines.append(",".join(fields))
    return "\n".join(lines) + "\n"


def write_muse(
    path: Path,
    *,
    seconds: float = 130.0,
    rate: float = 256.0,
    start: float = 1742953889.024,
    seed: int = 0,
    lost: tuple[int, int] | None = None,
    scale: float = 1.0,
) -> NDArray[np.float64]:
    """Write a muselsl CSV (packed if the name ends so); return samples (n_times, 5) in uV."""
    n_times = round(seconds * rate)
    values = np.round(noise(n_times, 5, seed=seed) * scale, 3)
    values[:, 4] = 0.0
    stamps = np.round(start + np.arange(n_times) / rate, 3)
    if lost is not None:
        keep = np.r_[0 : lost[0], lost[0] + lost[1] : n_times]
        values, stamps = values[keep], stamps[keep]
    text = muse_text(values, stamps).encode()
    path.write_bytes(gzip.compress(text, 1) if path.suffix == ".gz" else text)
    return values
