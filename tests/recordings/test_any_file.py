"""One recording from one file, whatever wrote it."""

from __future__ import annotations

import re
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from eegtl.errors import DatasetError, SignalWarning
from eegtl.recordings.markers import Mark
from eegtl.recordings.readers.any_file import read_signal
from eegtl.streaming import XdfWriter

NAMES = ["TP9", "AF7", "AF8", "TP10"]
SFREQ = 256.0
N, CUT, END = 8192, 5120, 7680
VOLTS = 1e-5 * np.random.default_rng(0).standard_normal((4, N))


def test_mne_with_annotations(tmp_path: Path) -> None:
    raw = mne.io.RawArray(VOLTS, mne.create_info(NAMES, SFREQ, "eeg"), verbose="error")
    raw.set_annotations(
        mne.Annotations([1.0, 2.0, 3.0], [0.0, 0.5, 4.0], ["calm", "BAD_blink", "tense"])
    )
    raw.save(tmp_path / "x_raw.fif", verbose="error")
    data, sfreq, names, markers = read_signal(tmp_path / "x_raw.fif")
    np.testing.assert_allclose(data, VOLTS, rtol=1e-6)
    assert (sfreq, names) == (SFREQ, tuple(NAMES))
    assert markers == [Mark(1.0, "calm"), Mark(3.0, "tense", 4.0)]


def test_muselsl(tmp_path: Path) -> None:
    table = pd.DataFrame((1e6 * VOLTS).T, columns=NAMES)
    table.insert(0, "timestamps", 1.7e9 + np.arange(N) / SFREQ)
    table.to_csv(tmp_path / "x.csv", index=False)
    data, sfreq, names, markers = read_signal(tmp_path / "x.csv")
    np.testing.assert_allclose(data, VOLTS, atol=1e-12)
    assert (sfreq, names, markers) == (SFREQ, tuple(NAMES), [])


def write_xdf(path: Path, gap: float) -> None:
    """20 s of samples, a gap, 10 s of samples, and a marker."""
    with XdfWriter(path) as file:
        eeg = file.add_stream("Muse", "EEG", NAMES, rate=SFREQ, units="microvolts")
        marks = file.add_stream("marks", "Markers", ["m"], rate=0.0, format="string")
        stamps = 50 + np.arange(N) / SFREQ
        stamps[CUT:] += gap
        file.write(eeg, 1e6 * VOLTS.T[:END], stamps[:END])
        file.write(marks, [["calm"]], [50.5])


def test_xdf(tmp_path: Path) -> None:
    write_xdf(tmp_path / "x.xdf", 0.0)
    data, sfreq, names, markers = read_signal(tmp_path / "x.xdf")
    np.testing.assert_allclose(data, VOLTS[:, :END], atol=1e-11)
    assert (sfreq, names) == (SFREQ, tuple(NAMES))
    assert [(mark.label, mark.duration) for mark in markers] == [("calm", 0.0)]
    assert markers[0].onset == pytest.approx(0.5, abs=0.005)


def test_of_several_recordings_the_longest(tmp_path: Path) -> None:
    write_xdf(tmp_path / "x.xdf", 30.0)
    message = r"x\.xdf holds 2 recordings, .*\(20 s, 10 s\); the longest"
    with pytest.warns(SignalWarning, match=message):
        data, *_ = read_signal(tmp_path / "x.xdf")
    np.testing.assert_allclose(data, VOLTS[:, :CUT], atol=1e-11)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"there is no file .*no\.edf; check the path"):
        read_signal(tmp_path / "no.edf")
    (tmp_path / "x.edf").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"x\.edf cannot be read .* give a CSV"):
        read_signal(tmp_path / "x.edf")
    # what MNE's readers raise at a file of another kind: an assertion, an attribute, an index
    for name in ("x.txt", "x.fif", "x.sqd"):
        (tmp_path / name).write_bytes(b"nothing at all")
        message = rf"{re.escape(name)} cannot be read \((Ass|Attr|Ind|Val)\w+Error.*\); give a CSV"
        with pytest.raises(DatasetError, match=message):
            read_signal(tmp_path / name)
    raw = mne.io.RawArray(VOLTS, mne.create_info(NAMES, SFREQ, "misc"), verbose="error")
    raw.save(tmp_path / "m_raw.fif", verbose="error")
    with pytest.raises(DatasetError, match=r"holds no EEG channels \(there: misc\)"):
        read_signal(tmp_path / "m_raw.fif")
