"""The readers on the real recordings, which are read in place."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recordings.plain_study import log_variances, loso_accuracy, z_scored

import eegtl
from eegtl.recordings.readers.muselsl import read_muselsl
from eegtl.recordings.readers.stamps import effective_rate

pytestmark = pytest.mark.realdata


def digests(folder: Path, pattern: str) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob(pattern))
    }


def test_every_eegmat_file(realdata: Path) -> None:
    folder = realdata / "eegmat"
    collection = eegtl.load("eegmat", root=folder)
    assert collection.subjects == tuple(f"{number:02d}" for number in range(2, 36, 2))
    assert len(collection) == 34
    card = collection.card
    for position, recording in enumerate(collection):
        task = position % 2
        assert recording.ch_names == card.channels
        assert recording.sfreq == 500.0
        assert recording.session == 1
        assert recording.duration in ((62.0,) if task else (170.0, 182.0, 188.0))
        label = ("rest", "arithmetic")[task]
        assert recording.trials.to_numpy().tolist() == [[task + 1, label, label, 0.0, 60.0]]
        data = recording.get_data()
        assert np.isfinite(data).all()
        assert 2e-6 < np.median(data.std(axis=1)) < 5e-5
    known = dict(
        line.split()[::-1] for line in (folder / "SHA256SUMS.txt").read_text().splitlines()
    )
    now = digests(folder, "*.edf")
    assert now == {name: known[name] for name in now}


def test_eegmat_agrees_with_its_reference(realdata: Path) -> None:
    # An independent study with zero-phase filters found .648 and .775 (bands up to 45 Hz).
    by_subject: dict[str, list] = {}
    for recording in eegtl.load("eegmat", root=realdata):
        by_subject.setdefault(recording.subject, []).append(log_variances(recording))
    rows = [
        (np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts]))
        for parts in by_subject.values()
    ]
    assert [len(y) for _, y in rows] == [60] * 17
    plain, scored = loso_accuracy(rows), loso_accuracy(z_scored(rows))
    assert 0.58 <= plain <= 0.70
    assert scored >= plain + 0.08


def test_every_muse_file(realdata: Path) -> None:
    folder = realdata / "muse-days"
    before = digests(folder, "*.csv.gz")
    collection = eegtl.load("muse-days", root=folder)
    listed = pd.read_csv(folder / "index.csv", dtype={"date_utc": str})
    assert len(collection) == len(listed) == 30
    assert collection.subjects == ("S1", "S2", "S3")
    # The list is in the order of time within each day.
    listed["trial"] = listed.groupby(["subject", "date_utc"]).cumcount() + 1
    days = listed.groupby("subject")["date_utc"].rank(method="dense").astype(int)
    expected = {
        row.file: (row.subject, session, row.trial, row.label)
        for row, session in zip(listed.itertuples(), days, strict=True)
    }
    for recording in collection:
        (trial,) = recording.trials.itertuples()
        found = (recording.subject, recording.session, trial.trial, trial.label)
        assert found == expected[recording.file]
        assert (trial.onset, trial.duration) == (0.0, recording.duration)
        assert recording.ch_names == ("TP9", "AF7", "AF8", "TP10")
        assert 150 < recording.duration < 300
        assert 5e-6 < np.nanmedian(np.nanstd(recording.get_data(), axis=1)) < 1e-4
    assert digests(folder, "*.csv.gz") == before


def test_muse_gap_and_repeated_rows(realdata: Path) -> None:
    folder = realdata / "muse-days"
    with_repeats = 0
    for path in sorted(folder.glob("*.csv.gz")):
        content = read_muselsl(path, subject="any")
        lost = np.isnan(content.data).any(axis=0)
        if path.name.startswith("S2_20250402_confused"):
            # Three packets of twelve are lost; with them the file is as long as the others.
            assert content.gaps == ((19284 / 256, 36),)
            assert np.flatnonzero(lost).tolist() == list(range(19284, 19320))
            assert content.data.shape[1] == 75768
        else:
            assert content.gaps == ()
            assert not lost.any()
        stamps = pd.read_csv(path, usecols=["timestamps"])["timestamps"].to_numpy()
        # One row in 1285 comes twice, or none does; without them the rate is the same everywhere.
        assert content.n_repeated in (0, len(stamps) // 1285, len(stamps) // 1285 + 1)
        with_repeats += content.n_repeated > 0
        rate = effective_rate(stamps[np.diff(stamps, prepend=-1) > 0], 256.0)
        # The stamps behind the gap come back to true time bit by bit, so they run fast.
        assert abs(rate - 256.0) < (0.15 if content.gaps else 0.06)
    assert with_repeats == 13


def test_muselsl_with_markers(realdata: Path) -> None:
    paths = sorted((realdata / "ssvep-muse").rglob("*.csv.gz"))
    assert len(paths) == 6
    for path in paths:
        content = read_muselsl(path, subject="1")
        assert content.ch_names == ("TP9", "AF7", "AF8", "TP10", "Right AUX")
        # Stamps jitter by up to 33 ms here; no sample is lost.
        assert content.gaps == ()
        assert content.data.shape[1] in (30720, 30732)
        assert set(content.markers["marker"]) == {1, 2}
        assert 31 <= len(content.markers) <= 34
        assert np.diff(content.markers["onset"]).min() > 3.0


def test_flicker_stands_out_after_its_marker(realdata: Path) -> None:
    power = {1: [], 2: []}  # type: dict[int, list]
    for path in sorted((realdata / "ssvep-muse").rglob("*.csv.gz")):
        content = read_muselsl(path, subject="1")
        signal = content.data[content.ch_names.index("Right AUX")]
        for marker in content.markers.itertuples():
            first = round(256 * (marker.onset + 0.5))
            part = signal[first : first + 512]
            if len(part) == 512:
                spectrum = np.abs(np.fft.rfft(part * np.hanning(512))) ** 2
                power[int(marker.marker)].append(spectrum)
    for marker, wanted, other in ((1, 30, 20), (2, 20, 30)):
        mean = np.mean(power[marker], axis=0)

        def stands_out(frequency: int, mean: np.ndarray = mean) -> float:
            at = 2 * frequency
            around = np.r_[mean[at - 6 : at - 2], mean[at + 3 : at + 7]].mean()
            return float(np.log10(mean[at] / around))

        assert stands_out(wanted) > 1.0
        assert stands_out(other) < 0.4
