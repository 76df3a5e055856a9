"""Reading XDF: which stream, which channels, which units, and what is no XDF file."""

from __future__ import annotations

import gzip
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from recordings.recording_files import noise

import eegtl
from eegtl.errors import InputError, MissingExtraError, SignalWarning, SubjectError
from eegtl.recordings import read_xdf
from eegtl.recordings.readers.xdf_chunks import MAGIC, Tag, chunk, document, element
from eegtl.streaming.xdf_file import XdfWriter

MUSE = ("TP9", "AF7", "AF8", "TP10")


def write_xdf(
    path: Path,
    *,
    seconds: float = 10.0,
    stamps: NDArray[np.float64] | None = None,
    streams: Sequence[dict[str, Any]] = ({},),
    markers: dict[str, Sequence[tuple[float, str]]] | None = None,
    offsets: Sequence[tuple[float, float]] = (),
) -> NDArray[np.float64]:
    """Write EEG streams that all hold the same; return it in microvolts, (n_times, n_channels)."""
    times = 1000 + np.arange(round(256 * seconds)) / 256 if stamps is None else stamps
    data = noise(len(times), 4).astype(np.float32)
    with XdfWriter(path) as file:
        for options in streams:
            wanted = {"name": "Muse", "kind": "EEG", "channels": MUSE, "rate": 256.0}
            number = file.add_stream(**{**wanted, "units": "microvolts", **options})
            file.write(number, data[:, : len(options.get("channels", MUSE))], times)
            for time, value in offsets:
                file.clock_offset(number, time, value)
        for name, events in (markers or {}).items():
            number = file.add_stream(name, "Markers", ["marker"], rate=0.0, format="string")
            file.write(number, [text for _, text in events], [time for time, _ in events])
            for time, value in offsets:
                file.clock_offset(number, time, value)
    return data.astype(np.float64)


def refusal(path: Path, **options: Any) -> str:
    """The message with which a file is refused."""
    with pytest.raises(SubjectError) as caught:
        read_xdf(path, **options)
    return str(caught.value)


def test_samples_names_person_and_sitting(tmp_path: Path) -> None:
    path = tmp_path / "sub-P012_ses-S003_task-Default_run-001_eeg.xdf"
    data = write_xdf(path, streams=[{"channels": ["EEG TP9", "af7", "T3", "AUX_RIGHT"]}])
    (recording,) = read_xdf(path)
    assert recording.ch_names == ("TP9", "AF7", "T7", "Right AUX")
    assert (recording.subject, recording.session, recording.dataset) == ("P012", 3, "xdf")
    assert (recording.sfreq, recording.duration, recording.file) == (256.0, 10.0, path.name)
    np.testing.assert_array_equal(recording.get_data(), 1e-6 * data.T)
    assert recording.notes == (
        "stream 1: 'Muse', type 'EEG', 4 x float32, 256 Hz, 2560 samples; 256.000 Hz by its time "
        "stamps",
    )
    assert len(recording.trials) == 0
    (other,) = read_xdf(path, subject="Anna", session=7)
    assert (other.subject, other.session) == ("Anna", 7)
    write_xdf(tmp_path / "walk.xdf")
    (plain,) = read_xdf(str(tmp_path / "walk.xdf"))
    assert (plain.subject, plain.session) == ("walk", 1)


def test_features_are_made_of_it(tmp_path: Path) -> None:
    write_xdf(tmp_path / "a.xdf", markers={"m": [(1000.0, "calm"), (1006.0, "fear")]})
    table = eegtl.extract_features(read_xdf(tmp_path / "a.xdf"), window=1.0)
    assert table.meta["label"].tolist() == ["calm"] * 6 + ["fear"] * 4


@pytest.mark.parametrize(
    ("unit", "volts"),
    [("uV", 1e-6), ("\u00b5V", 1e-6), ("\u03bcV", 1e-6), ("Microvolts", 1e-6), ("nV", 1e-9)],
)
def test_units(tmp_path: Path, unit: str, volts: float) -> None:
    data = write_xdf(tmp_path / "a.xdf", streams=[{"units": unit}])
    (recording,) = read_xdf(tmp_path / "a.xdf")
    np.testing.assert_array_equal(recording.get_data(), volts * data.T)


def test_units_that_are_missing_or_no_voltage(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    data = write_xdf(path, streams=[{"units": ""}])
    assert "channel 'TP9' has no unit (the units are: ''). Known are microvolts, uV," in refusal(
        path
    )
    (recording,) = read_xdf(path, unit="uV")
    np.testing.assert_array_equal(recording.get_data(), 1e-6 * data.T)
    with pytest.raises(InputError, match="unit must be 'uV', 'V', 'mV' or 'nV'; got 'counts'"):
        read_xdf(path, unit="counts")
    write_xdf(other := tmp_path / "e.xdf", streams=[{"units": "unknown"}])
    assert read_xdf(other, unit="uV")[0].n_times == 2560
    other = tmp_path / "b.xdf"
    write_xdf(other, streams=[{"units": ["uV", "uV", "counts", ""]}])
    for unit in (None, "uV"):
        assert (
            "channel 'AF8' has the unit 'counts', which is no voltage (the units are: 'uV', "
            "'counts', '')" in refusal(other, unit=unit)
        )
    third = tmp_path / "c.xdf"
    write_xdf(third)
    assert "unit='V' was given, but the file says 'microvolts' for 'TP9'; leave it" in refusal(
        third, unit="V"
    )
    fourth = tmp_path / "d.xdf"
    write_xdf(fourth, streams=[{"units": "volts"}])
    assert "microvolts were taken for volts" in refusal(fourth)


def test_channels_of_other_types_are_left_out_and_names_must_differ(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    types = ["EEG", "eeg", "AUX", ""]
    listed = "".join(
        element("channel", {"label": name, "type": kind, "unit": "uV" if kind != "AUX" else "g"})
        for name, kind in zip(MUSE, types, strict=True)
    )
    data = noise(2560, 4).astype("<f4")
    write_raw(path, f"<desc><channels>{listed}</channels></desc>", data)
    (recording,) = read_xdf(path)
    assert recording.ch_names == ("TP9", "AF7", "TP10")
    np.testing.assert_array_equal(
        recording.get_data(), 1e-6 * data[:, [0, 1, 3]].T.astype(np.float64)
    )
    assert "channels left out: AF8 (AUX)" in recording.notes
    write_xdf(path := tmp_path / "b.xdf", streams=[{"channels": ["T3", "T7", "C3", "C4"]}])
    assert "the channel 'T7' occurs more than once among T7, T7, C3, C4" in refusal(path)
    write_xdf(path := tmp_path / "c.xdf", streams=[{"kind": "ACC"}])
    assert (
        "no channel is of type EEG: TP9 (ACC), AF7 (ACC), AF8 (ACC), TP10 (ACC). Name another "
        "with stream=" in refusal(path, stream="Muse")
    )


def write_raw(path: Path, desc: str, data: NDArray[Any]) -> None:
    """Write a file with any description; its samples have a stamp at the start alone."""
    facts = {"name": "x", "type": "EEG", "channel_count": data.shape[1], "nominal_srate": 256}
    inside = "".join(element(key, value) for key, value in facts.items())
    header = document(f"{inside}<channel_format>float32</channel_format>{desc}")
    body = b"\x04" + len(data).to_bytes(4, "little")
    stamp = b"\x08" + np.float64(1000.0).tobytes()
    for row in data:
        body += stamp + row.tobytes()
        stamp = b"\0"
    path.write_bytes(
        MAGIC
        + chunk(Tag.FILE_HEADER, document(element("version", "1.0")))
        + chunk(Tag.STREAM_HEADER, header, 5)
        + chunk(Tag.SAMPLES, body, 5)
    )


def test_channels_without_labels_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    one = "<desc><channels><channel><label>Cz</label></channel></channels></desc>"
    for desc in ("", "<desc/>", one):  # the last describes one channel of two
        write_raw(path, desc, noise(2560, 2).astype("<f4"))
        with pytest.warns(SignalWarning, match="channels without labels are called Ch1, Ch2; name"):
            (recording,) = read_xdf(path, unit="uV")
        assert recording.ch_names == ("Ch1", "Ch2")
        assert "the recording was not ended: the stream has no footer" in recording.notes


def test_no_stream_or_several(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    listed = "stream 1: 'Muse', type 'ACC', 4 x float32, 256 Hz, 2560 samples"
    write_xdf(path, streams=[{"kind": "ACC"}])
    assert (
        f"the file has no stream of type EEG; name another with stream=. The file has: {listed}"
        in (refusal(path))
    )
    assert f"no stream has the name, type or number 'Epoc'. The file has: {listed}" in refusal(
        path, stream="Epoc"
    )
    XdfWriter(tmp_path / "b.xdf").close()
    assert "type EEG; name another with stream=. The file has: no streams" in refusal(
        tmp_path / "b.xdf"
    )
    path = tmp_path / "c.xdf"
    data = write_xdf(path, streams=[{"source_id": "a"}, {"name": "Epoc", "channels": ["AF3"]}])
    message = refusal(path)
    assert (
        "2 streams match; name one by its number, such as stream=1. They are: stream 1:" in message
    )
    assert "stream 2: 'Epoc', type 'EEG', 1 x float32, 256 Hz, 2560 samples" in message
    for stream in (2, "Epoc"):
        (recording,) = read_xdf(path, stream=stream)
        np.testing.assert_array_equal(recording.get_data(), 1e-6 * data[:, :1].T)
    assert read_xdf(path, stream="Muse")[0].ch_names == MUSE
    assert "no stream has the name, type or number 3" in refusal(path, stream=3)


def test_the_same_stream_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    write_xdf(path, streams=[{"source_id": "a"}, {"source_id": "a"}])
    assert (
        "2 streams match, and they bear the same name, type and source: one was recorded twice; "
        "name one by its number, such as stream=1. They are: stream 1: 'Muse', type 'EEG', 4 x "
        "float32, 256 Hz, 2560 samples; stream 2: 'Muse'" in refusal(path)
    )
    assert len(read_xdf(path, stream=2)) == 1


def test_empty_and_irregular_streams(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    with XdfWriter(path) as file:
        file.add_stream("Muse", "EEG", MUSE, rate=256.0, units="uV")
    assert "the stream holds no samples: stream 1: 'Muse', type 'EEG', 4 x float32, 256 Hz, 0" in (
        refusal(path)
    )
    with XdfWriter(path := tmp_path / "b.xdf") as file:  # an empty one stands in nobody's way
        file.add_stream("Muse", "EEG", MUSE, rate=256.0, units="uV")
        number = file.add_stream("Muse", "EEG", MUSE, rate=256.0, units="uV")
        file.write(number, noise(2560, 4), 5.0)
        file.add_stream("keys", "Markers", ["key"], rate=0.0, format="string")
    assert read_xdf(path)[0].n_times == 2560
    write_xdf(path := tmp_path / "c.xdf", streams=[{"rate": 0.0}])
    assert "the stream holds no signal at a regular rate: stream 1: 'Muse', type 'EEG'" in (
        refusal(path)
    )
    with XdfWriter(path := tmp_path / "d.xdf") as file:
        number = file.add_stream("x", "EEG", ["TP9"], rate=256.0, units="uV")
        file.write(number, [1.0, 2.0], 5.0)
    assert "lasts a second: 2 samples from sample 0 on are fewer than a second" in refusal(path)


def test_what_is_no_xdf_file(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    assert refusal(path) == (
        "a.xdf (subject a): the file cannot be opened: No such file or directory"
    )
    path.write_bytes(b"")
    assert "the file is empty (0 bytes)" in refusal(path)
    path.write_bytes(b"timestamps,TP9")
    assert "the file is no XDF file: it begins with b'time', expected is b'XDF:'" in refusal(path)
    for options in ({"subject": 5}, {"subject": ""}):
        with pytest.raises(InputError, match="subject must be the name of a person; got"):
            read_xdf(path, **options)
    with pytest.raises(InputError, match=r"session must be a whole number.*got '1'"):
        read_xdf(path, session="1")  # type: ignore[arg-type]


def test_packed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_xdf(tmp_path / "a.xdf")
    packed = gzip.compress((tmp_path / "a.xdf").read_bytes())
    path = tmp_path / "b.xdfz"
    path.write_bytes(packed)
    (recording,) = read_xdf(path)
    assert recording.subject == "b"
    np.testing.assert_array_equal(recording.get_data(), 1e-6 * data.T)
    path.write_bytes(packed[:-20])
    assert "the packed file is truncated or damaged: Compressed file ended" in refusal(path)
    path.write_bytes(packed)
    monkeypatch.setattr("eegtl.recordings.readers.xdf._MAX_BYTES", 1000)
    assert "the file unpacks to more than 1000 bytes; split the recording" in refusal(path)


def test_pyxdf_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyxdf", None)
    with pytest.raises(MissingExtraError, match=r"pyxdf is needed to read XDF.*'eegtl\[xdf\]'"):
        read_xdf(tmp_path / "a.xdf")


def test_a_cut_file_is_read_up_to_the_cut(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.xdf", tmp_path / "cut.xdf"
    with XdfWriter(path) as file:
        number = file.add_stream("Muse", "EEG", MUSE, rate=256.0, units="uV")
        data = noise(1024, 4).astype(np.float32)
        for start in range(0, 1024, 256):
            file.write(number, data[start : start + 256], 100.0 + start / 256)
            file.flush()
        ends = file.partial.stat().st_size
    content = path.read_bytes()
    for size in (ends - 1, ends - 200, ends - 5000, ends + 3, len(content) - 1):
        cut.write_bytes(content[:size])
        with pytest.warns(SignalWarning, match=r"ends inside a chunk, and the last \d+ bytes are"):
            (recording,) = read_xdf(cut)
        n = 1024 if size > ends else 768 - 256 * (size < ends - 4500)
        assert recording.n_times == n
        np.testing.assert_array_equal(recording.get_data(), 1e-6 * data[:n].T.astype(np.float64))
    cut.write_bytes(content[:ends])  # between two chunks, as a crash of our recorder leaves it
    (recording,) = read_xdf(cut)
    assert recording.n_times == 1024
    assert "the recording was not ended: the stream has no footer" in recording.notes


def test_the_partial_of_a_crash_is_read(tmp_path: Path) -> None:
    file = XdfWriter(tmp_path / "day1.xdf")
    number = file.add_stream("Muse", "EEG", MUSE, rate=256.0, units="uV")
    file.write(number, noise(2560, 4), 5.0)
    file.abandon()
    (recording,) = read_xdf(tmp_path / "day1.xdf.partial")
    assert (recording.subject, recording.n_times) == ("day1", 2560)


def test_damage_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    write_xdf(path)
    content = path.read_bytes()
    samples = content.index(b"\x04" + (2560).to_bytes(4, "little"))

    def damaged(content: bytes, match: str) -> None:
        path.write_bytes(content)
        assert re.search(f"the file is damaged: {match}", refusal(path)), refusal(path)

    damaged(content[:4] + b"\x07" + content[5:], "at byte 4 stands 7, which begins no chunk")
    damaged(content[:4] + b"\x01\x00" + content[6:], "the chunk at byte 4 is 0 bytes long")
    damaged(content[:4] + b"\x01\x02\x09\x00" + content[4:], "the chunk at byte 4 is of the unkno")
    damaged(content[:4] + b"\x01\x03\x03\x00\x00" + content[4:], "the chunk at byte 4 is 3 bytes l")
    damaged(content[:4] + chunk(Tag.SAMPLES, b"", 9), r"stream 9 has samples but no header \(byte")
    many = content[: samples + 1] + b"\xff\xff\xff\x7f" + content[samples + 5 :]
    damaged(many, r"the chunk at byte \d+ is too short for the 2147483647 samples that it claims")
    header = chunk(Tag.STREAM_HEADER, b"<info/>", 1)
    damaged(content[:4] + header, "the header of stream 1 names 0 channels of the format '' at nan")
    damaged(content[:4] + chunk(Tag.STREAM_HEADER, b"<info>", 1), "the header of stream 1 cannot b")
    bomb = b'<!DOCTYPE x [<!ENTITY a "aa">]><info><name>&a;</name></info>'
    damaged(content[:4] + chunk(Tag.STREAM_HEADER, bomb, 1), "the header of stream 1 holds declar")
    twice = content + content[4:]
    damaged(twice, r"stream 1 has two headers \(byte")


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_damaged_the_error_is_ours(data: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    if not path.exists():
        stamps = 1000 + np.arange(300) / 256
        write_xdf(path, stamps=stamps, markers={"m": [(1000.5, "x")]}, offsets=[(1000.0, 0.1)] * 3)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        # Most bytes are samples; headers and footers are tried as often.
        edge = data.draw(st.sampled_from([len(content), 1000]))
        at = data.draw(st.integers(0, edge - 1))
        content[at if edge == 1000 else -at - 1] = data.draw(st.integers(0, 255))
    other = tmp_path / "b.xdf"
    other.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SignalWarning)
        try:
            recordings = read_xdf(other)
        except SubjectError:
            return
    assert sum(each.n_times for each in recordings) > 0
