"""XDF files of LabRecorder and of the format's own examples, which are read in place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pyxdf
from recordings.test_xdf_reader import refusal

from eegtl.errors import SignalWarning
from eegtl.recordings import read_xdf
from eegtl.recordings.readers.xdf_chunks import look_through
from eegtl.recordings.readers.xdf_gaps import lost_samples

pytestmark = pytest.mark.realdata


def eeg_of(path: Path, **options: bool) -> dict:
    streams, _ = pyxdf.load_xdf(path, **options)
    return next(each for each in streams if each["info"]["type"] == ["EEG"])


@pytest.mark.filterwarnings("ignore:sub-P003.*pyxdf:eegtl.errors.SignalWarning")
def test_every_muse_file(realdata: Path) -> None:
    paths = sorted((realdata / "formats" / "muselsl2_xdf").glob("*.xdf"))
    assert len(paths) == 7
    for path in paths:
        (recording,) = read_xdf(path)
        reference = eeg_of(path)
        assert recording.subject == path.stem.removeprefix("sub-")
        assert recording.ch_names == ("TP9", "AF7", "AF8", "TP10", "Right AUX")
        assert recording.sfreq == 256.0
        expected = 1e-6 * reference["time_series"].T.astype(np.float64)
        np.testing.assert_allclose(recording.get_data(), expected, rtol=1e-15)
        # pyxdf's line through the stamps, and ours
        rate = float(recording.notes[0].split("; ")[1].split()[0])
        assert rate == pytest.approx(reference["info"]["effective_srate"], abs=5e-3)
        assert 255.9 < rate < 256.1


def test_all_streams_of_a_file_are_seen(realdata: Path) -> None:
    for path in sorted((realdata / "formats").glob("*_xdf*/*.xdf")):
        streams, whole = look_through(path.read_bytes())
        assert whole == path.stat().st_size
        reference, _ = pyxdf.load_xdf(path, synchronize_clocks=False, dejitter_timestamps=False)
        found = [(each.number, each.n_samples, each.rate, each.format) for each in streams]
        assert found == [
            (
                each["info"]["stream_id"],
                len(each["time_stamps"]),
                float(each["info"]["nominal_srate"][0]),
                each["info"]["channel_format"][0],
            )
            for each in reference
        ]


def test_other_streams_of_a_muse(realdata: Path) -> None:
    path = realdata / "formats" / "muselsl2_xdf" / "sub-P001.xdf"
    assert "no channel is of type EEG" in refusal(path, stream="GYRO")
    message = refusal(path, stream="Muse")
    assert "3 streams match; name one by its number, such as stream=" in message
    assert "'Muse', type 'GYRO', 3 x float32, 52 Hz, 573 samples" in message


def test_pyxdf_drops_a_sample_behind_the_end_and_says_so(realdata: Path) -> None:
    path = realdata / "formats" / "muselsl2_xdf" / "sub-P003.xdf"
    with pytest.warns(SignalWarning, match=r"sub-P003.*pyxdf: Stream 2: last clock offset is"):
        (recording,) = read_xdf(path)
    assert recording.n_times == 2687
    assert "exceeds footer sample_count (2687), truncating extra samples" in recording.notes[1]


def test_examples_of_the_format(realdata: Path) -> None:
    folder = realdata / "formats" / "xdf_example_files"
    assert "channel 'Ch1' has no unit" in refusal(folder / "minimal.xdf")
    message = refusal(folder / "empty_streams.xdf")
    assert "the file has no stream of type EEG" in message
    assert "stream 2: 'Empty marker stream: test stream 0 counter', type 'data'" in message


@pytest.mark.filterwarnings("ignore:clock_resets.*without labels:eegtl.errors.SignalWarning")
@pytest.mark.filterwarnings("ignore:clock_resets.*the header says:eegtl.errors.SignalWarning")
def test_a_real_clock_reset(realdata: Path) -> None:
    # A generator, no amplifier: 93 Hz instead of the nominal 100, and not steady.
    path = realdata / "formats" / "xdf_example_files" / "clock_resets.xdf"
    with pytest.warns(
        SignalWarning, match=r"do not run evenly, and leave a line by up to 0\.\d+ s"
    ):
        first, second = read_xdf(path, unit="uV")
    reference = eeg_of(path, dejitter_timestamps=False)
    split = reference["info"]["clock_segments"][1][0]
    assert split == 12876
    assert first.sfreq == second.sfreq == pytest.approx(93, abs=0.3)
    found = second.get_data()
    assert found.shape[1] == 27815 - split
    expected = 1e-6 * reference["time_series"][split:].T.astype(np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert second.notes[-1] == (
        "part 2 of 2: the clock of the sender was reset (its stamps go from 653288.510 to 100.616 "
        "s, +273.56 s by the recorder's clock)"
    )
    # Nothing is lost of the markers; those between stop and start lie outside.
    n = len(first.raw.annotations) + len(second.raw.annotations)
    outside = [note for note in first.notes if "lie outside" in note]
    assert n == 175 - (int(outside[0].split()[0]) if outside else 0)
    assert n >= 170
    stamps = reference["time_stamps"]
    events, _ = pyxdf.load_xdf(path, select_streams=[{"type": "Markers"}])
    times = events[0]["time_stamps"]
    times = times[times > stamps[split]]
    place = np.searchsorted(stamps[split:], times) / second.sfreq
    assert np.abs(second.raw.annotations.onset[-len(times) :] - place).max() < 0.8


def test_lost_samples_of_real_radio(realdata: Path) -> None:
    found = {}
    for path in sorted((realdata / "muse-days").glob("*.csv.gz")):
        stamps = pd.read_csv(path, usecols=["timestamps"])["timestamps"].to_numpy()
        gaps = lost_samples(stamps[np.diff(stamps, prepend=-1) > 0], 256.0)
        found |= {path.name: gaps} if gaps else {}
    # As the other method finds it, in the CSV reader: three packets of twelve.
    assert found == {"S2_20250402_confused_run1.csv.gz": [(19284, 36)]}
    for path in sorted((realdata / "ssvep-muse").rglob("*.csv.gz")):  # 33 ms of jitter
        stamps = pd.read_csv(path, usecols=["timestamps"])["timestamps"].to_numpy()
        assert lost_samples(stamps, 256.0) == []
