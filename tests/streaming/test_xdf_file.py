"""The writer of XDF files against pyxdf, the reference reader."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from streaming.full_disk import full_disk

from eegtl.recordings.readers.xdf_chunks import FORMATS, MARK
from eegtl.streaming.new_file import WriteError
from eegtl.streaming.xdf_file import XdfWriter


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def load(path: Path) -> dict[int, Any]:
    """All streams by number, stamps as they are in the file."""
    streams, header = pyxdf.load_xdf(path, synchronize_clocks=False, dejitter_timestamps=False)
    assert header["info"]["version"] == ["1.0"]
    return {stream["info"]["stream_id"]: stream for stream in streams}


VALUES = {
    "float32": np.array([[1.5, np.nan], [-0.0, np.inf], [1e-45, 3.4e38]], dtype=np.float32),
    "double64": np.array([[np.pi, -1e300], [5e-324, np.nan], [-0.0, np.inf]]),
    "int8": np.array([[-128, 127], [0, 1], [2, 3]], dtype=np.int8),
    "int16": np.array([[-32768, 32767], [0, 1], [2, 3]], dtype=np.int16),
    "int32": np.array([[-(2**31), 2**31 - 1], [0, 1], [2, 3]], dtype=np.int32),
    "int64": np.array([[-(2**63), 2**63 - 1], [0, 1], [2, 3]], dtype=np.int64),
}
TEXTS = [
    ["", "a"],
    ["<b attr='x'>&amp;</b>", "Ärger 悲しい \U0001f600"],
    ["x" * 300, "line\r\nline\x00"],
]


def test_values_and_stamps_come_back_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    stamps = np.array([100.1, 100.1 + 1 / 3, 1e9 + 1 / 7])
    with XdfWriter(path) as file:
        numbers = {
            name: file.add_stream(name, "EEG", ["a", "b"], rate=3.0, format=name)
            for name in FORMATS
        }
        for name, number in numbers.items():  # the streams take turns, sample by sample
            file.write(number, TEXTS[:1] if name == "string" else VALUES[name][:1], stamps[:1])
        for name, number in numbers.items():
            file.write(number, TEXTS[1:] if name == "string" else VALUES[name][1:], stamps[1:])
    found = load(path)
    assert list(found) == list(numbers.values()) == [1, 2, 3, 4, 5, 6, 7]
    for name, number in numbers.items():
        assert found[number]["time_stamps"].tobytes() == stamps.tobytes()
        if name == "string":
            assert found[number]["time_series"] == TEXTS
        else:
            assert found[number]["time_series"].dtype == VALUES[name].dtype
            assert found[number]["time_series"].tobytes() == VALUES[name].tobytes()


def test_headers_and_footers(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    with XdfWriter(path) as file:
        eeg = file.add_stream(
            'Kopfhörer <1> & "2" ]]>',
            "EEG",
            ["TP9", "A<B>&'\r\n\t悲"],
            rate=256.1,
            units=["microvolts", ""],
            source_id="00:55&DA",
            manufacturer="Müller & <Söhne>",
            description={
                "cap": {"size": 56, "note": ["a<b", "c&d"]},
                "empty": None,
                "acquisition.info-1": 0.1,
            },
        )
        file.write(eeg, np.zeros((4, 2)), [5.0, 5.5, 6.0, 8.0])
    with XdfWriter(tmp_path / "b.xdf") as file:
        file.add_stream("keys", "Markers", ("key",), rate=0, format="string")
    info = load(path)[eeg]["info"]
    plain = ("name", "type", "channel_count", "channel_format", "source_id", "nominal_srate")
    assert [info[key][0] for key in plain] == [
        'Kopfhörer <1> & "2" ]]>',
        "EEG",
        "2",
        "float32",
        "00:55&DA",
        "256.1",
    ]
    desc = info["desc"][0]
    assert desc["manufacturer"] == ["Müller & <Söhne>"]
    first, second = desc["channels"][0]["channel"]
    assert first == {"label": ["TP9"], "type": ["EEG"], "unit": ["microvolts"]}
    assert second == {"label": ["A<B>&'\r\n\t悲"], "type": ["EEG"]}
    assert desc["cap"][0] == {"size": ["56"], "note": ["a<b", "c&d"]}
    assert (desc["empty"], desc["acquisition.info-1"]) == ([None], ["0.1"])
    assert load(path)[eeg]["footer"]["info"] == {
        "first_timestamp": ["5.0"],
        "last_timestamp": ["8.0"],
        "sample_count": ["4"],
        "measured_srate": ["1.0"],
    }
    (empty,) = load(tmp_path / "b.xdf").values()
    assert (empty["time_series"], len(empty["time_stamps"])) == ([], 0)
    assert empty["footer"]["info"]["sample_count"] == ["0"]
    assert set(empty["info"]) >= {"name", "type"}
    assert "source_id" not in empty["info"]


def test_the_first_stamp_implies_the_others_as_readers_deduce_them(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    with XdfWriter(path) as file:
        number = file.add_stream("x", "EEG", ["a"], rate=256.1, format="int32")
        file.write(number, np.arange(60000), 1234.5678)  # several chunks
        file.write(number, [7], 5000.25)
        texts = file.add_stream("y", "Words", ["a"], rate=10.0, format="string")
        file.write(texts, ["a", "b", "c"], 3.0)
        lone = file.add_stream("z", "Markers", ["a"], rate=0.0, format="string")
        file.write(lone, ["only"], 9.0)
    found = load(path)
    stamps = [1234.5678]
    for _ in range(59999):
        stamps.append(stamps[-1] + 1 / 256.1)
    assert found[number]["time_stamps"].tolist() == [*stamps, 5000.25]
    assert found[number]["time_series"][:, 0].tolist() == [*range(60000), 7]
    assert found[number]["footer"]["info"]["sample_count"] == ["60001"]
    assert found[texts]["time_stamps"].tolist() == [3.0, 3.0 + 1 / 10.0, 3.0 + 1 / 10.0 + 1 / 10.0]
    assert (found[lone]["time_series"], found[lone]["time_stamps"]) == ([["only"]], [9.0])
    with XdfWriter(tmp_path / "b.xdf") as file:
        number = file.add_stream("x", "EEG", ["a"], rate=256.1)
        file.write(number, np.zeros(60000), 1234.5678)
    assert load(tmp_path / "b.xdf")[1]["footer"]["info"]["last_timestamp"] == [repr(stamps[-1])]


def test_stamps_are_stored_as_given_whatever_their_order(tmp_path: Path) -> None:
    with XdfWriter(tmp_path / "a.xdf") as file:
        number = file.add_stream("x", "EEG", ["a"], rate=100.0)
        file.write(number, np.zeros(4), [3.0, 1.0, 1.0, -2.0])
    (stream,) = load(tmp_path / "a.xdf").values()
    assert stream["time_stamps"].tolist() == [3.0, 1.0, 1.0, -2.0]
    assert stream["footer"]["info"]["measured_srate"] == ["0.0"]


def test_no_samples_leave_nothing_and_streams_may_begin_late(tmp_path: Path) -> None:
    with XdfWriter(tmp_path / "a.xdf") as file:
        first = file.add_stream("x", "EEG", ["a", "b"], rate=100.0)
        size = file.partial.stat().st_size
        file.write(first, np.zeros((0, 2)), [])
        file.write(first, [], [])
        file.write(first, [], 5.0)
        file.flush()
        assert file.partial.stat().st_size == size
        file.write(first, [[1, 2]], [7.0])
        second = file.add_stream("y", "Markers", ["m"], rate=0.0, format="string")
        file.write(second, [], [])
        file.write(second, np.array([["late"]]), [8.0])
    found = load(tmp_path / "a.xdf")
    assert found[first]["time_series"].tolist() == [[1.0, 2.0]]
    assert found[second]["time_series"] == [["late"]]


def test_clock_offsets_move_the_stamps(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    with XdfWriter(path) as file:
        number = file.add_stream("x", "EEG", ["a"], rate=10.0)
        for second in range(20):
            file.write(number, np.zeros(10), 100.0 + second)
            file.clock_offset(number, 100.0 + second, -50.0)
    (stream,), _ = pyxdf.load_xdf(path)
    assert stream["clock_times"] == [100.0 + second for second in range(20)]
    assert set(stream["clock_values"]) == {-50.0}
    np.testing.assert_allclose(stream["time_stamps"], 50 + np.arange(200) / 10, atol=1e-6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_written_in_whatever_pieces_comes_back(data: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    for left in tmp_path.iterdir():  # by another example
        left.unlink()
    formats = data.draw(st.lists(st.sampled_from(list(FORMATS)), min_size=1, max_size=3))
    clock = Clock()
    written: dict[int, tuple[list[Any], list[float]]] = {}
    text = st.text(st.characters(codec="utf-8"), max_size=300)
    label = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")))
    with XdfWriter(path, clock=clock) as file:
        wide = {}
        for name in formats:
            labels = data.draw(st.lists(label, min_size=1, max_size=3))
            rate = data.draw(st.floats(0, 1e4))
            number = file.add_stream("x", "EEG", labels, rate=rate, format=name, units="&<>")
            written[number] = ([], [])
            wide[number] = labels
        for _ in range(data.draw(st.integers(0, 6))):
            number = data.draw(st.sampled_from(list(written)))
            n, width = data.draw(st.integers(0, 5)), len(wide[number])
            dtype = FORMATS[formats[number - 1]]
            if dtype is None:
                row = st.lists(text, min_size=width, max_size=width)
                rows = data.draw(st.lists(row, min_size=n, max_size=n))
            else:
                rows = data.draw(hnp.arrays(dtype, (n, width)))
            stamps = data.draw(
                st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=n, max_size=n)
            )
            file.write(number, rows, stamps)
            written[number][0].extend(rows if dtype is None else rows.tolist())
            written[number][1].extend(stamps)
            clock.now += data.draw(st.sampled_from([0.0, 1.0, 10.0]))
    with np.errstate(all="ignore"):
        found = load(path)
    for number, (rows, stamps) in written.items():
        stream = found[number]
        assert stream["time_stamps"].tobytes() == np.array(stamps, dtype=np.float64).tobytes()
        dtype = FORMATS[formats[number - 1]]
        if dtype is None:
            assert stream["time_series"] == rows
        else:
            expected = np.array(rows, dtype=dtype).reshape(-1, len(wide[number]))
            assert stream["time_series"].astype(dtype).tobytes() == expected.tobytes()
        described = stream["info"]["desc"][0]["channels"][0]["channel"]
        assert [each["label"][0] or "" for each in described] == wide[number]


def test_an_error_leaves_the_partial_with_all_samples(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"

    def record() -> None:
        with XdfWriter(path) as file:
            number = file.add_stream("x", "EEG", ["a"], rate=10.0)
            file.write(number, np.arange(5), 1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    assert not path.exists()
    (stream,) = load(tmp_path / "a.xdf.partial").values()
    assert stream["time_series"][:, 0].tolist() == [0, 1, 2, 3, 4]
    assert "footer" not in stream


def test_a_killed_program_leaves_what_was_flushed(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    code = f"""
import os
import numpy as np
from eegtl.streaming.xdf_file import XdfWriter
file = XdfWriter({str(path)!r})
number = file.add_stream("x", "EEG", ["a"], rate=10.0)
file.write(number, np.arange(100), 1.0)
file.flush()
file.write(number, np.arange(100), 11.0)
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert not path.exists()
    (stream,) = load(tmp_path / "a.xdf.partial").values()
    assert stream["time_series"][:, 0].tolist() == list(range(100))


def test_flushes_and_boundaries_go_by_the_clock_and_memory_stays_flat(tmp_path: Path) -> None:
    clock = Clock()
    file = XdfWriter(tmp_path / "a.xdf", clock=clock)
    number = file.add_stream("x", "EEG", ["a"] * 8, rate=250.0)
    held = []
    for k in range(600):  # a minute in chunks of 0.1 s
        clock.now = k / 10
        file.write(number, np.full((25, 8), k), clock.now)
        held.append(file._streams[0].n_held)
    assert max(held) == 10 * 25  # a second
    assert 5 <= file.partial.read_bytes().count(MARK) <= 6
    file.write(number, np.zeros((400_000, 8)), 60.0)  # much at once: by size
    assert sum(map(len, file._streams[0].held)) < 2**17
    file.close()
    content = (tmp_path / "a.xdf").read_bytes()
    places = [match.start() for match in re.finditer(re.escape(MARK), content)]
    assert len(places) >= 7
    (stream,) = load(tmp_path / "a.xdf").values()
    assert len(stream["time_stamps"]) == 415_000


@pytest.mark.parametrize("stuck", [False, True])
def test_a_full_disk_leaves_whole_chunks_and_may_be_tried_again(
    tmp_path: Path, stuck: bool
) -> None:
    file = XdfWriter(tmp_path / "a.xdf")
    number = file.add_stream("x", "EEG", ["a"], rate=10.0)
    file.write(number, [1.0], 0.0)
    size = file.partial.stat().st_size
    why = "No space left on device|Input/output error"
    message = rf"a\.xdf\.partial cannot be written any more \(({why})\); what it holds so far can"
    with full_disk(file._file, stuck=stuck):
        for k in range(2):
            file.write(number, [2.0 + k], 0.1)
            with pytest.raises(WriteError, match=message) as caught:
                file.flush()
            assert isinstance(caught.value, OSError)
            assert file.partial.stat().st_size == size + (7 if stuck else 0)
    file.close()
    (stream,) = load(tmp_path / "a.xdf").values()
    assert stream["time_series"][:, 0].tolist() == [1.0, 2.0, 3.0]
