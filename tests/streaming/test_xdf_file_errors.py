"""What the writer of XDF files refuses, and that refusals leave no trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streaming.full_disk import full_disk
from streaming.test_xdf_file import load

from eegtl.errors import InputError
from eegtl.streaming.new_file import NewFile, WriteError
from eegtl.streaming.xdf_file import XdfWriter


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"a\.xdf already exists; a recording is never overwritte"):
        XdfWriter(path)
    assert path.read_text() == "mine"
    other = tmp_path / "b.xdf"
    (tmp_path / "b.xdf.partial").write_text("crashed")
    with pytest.raises(InputError, match=r"b\.xdf\.partial already exists: an earlier recording d"):
        XdfWriter(other)
    assert (tmp_path / "b.xdf.partial").read_text() == "crashed"
    file = XdfWriter(tmp_path / "c.xdf")
    (tmp_path / "c.xdf").write_text("meanwhile")
    with pytest.raises(InputError, match=r"it was made meanwhile; yours is .*c\.xdf\.partial"):
        file.close()
    assert (tmp_path / "c.xdf").read_text() == "meanwhile"
    assert load(file.partial) == {}


def test_where_a_disk_knows_no_links_the_file_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    XdfWriter(tmp_path / "a.xdf").close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.xdf"]


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'a\.xdfz' must end in \.xdf"):
        XdfWriter(tmp_path / "a.xdfz")
    with pytest.raises(InputError, match=r"the folder .*nowhere does not exist; make it"):
        XdfWriter(tmp_path / "nowhere" / "a.xdf")
    for none in ("", ".", "/"):
        with pytest.raises(InputError, match=r"must end in \.xdf"):
            XdfWriter(none)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("no folder")
    advice = r"check that the folder is one and is yours, or choose another name or place"
    for path, why in (
        (tmp_path / "file" / "a.xdf", "Not a directory"),
        (tmp_path / ("a" * 300 + ".xdf"), "File name too long"),
        (tmp_path / "a\0b.xdf", "embedded null byte"),
    ):
        with pytest.raises(InputError, match=rf"cannot be written \({why}\); {advice}"):
            XdfWriter(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def begun(path: Path) -> XdfWriter:
    """Begin a file that holds back its second sample."""
    file = XdfWriter(path)
    number = file.add_stream("x", "EEG", ["a"], rate=10.0)
    file.write(number, [1.0], 0.0)
    file.flush()
    file.write(number, [2.0], 0.1)
    return file


@pytest.mark.parametrize("stuck", [False, True])
def test_an_error_is_not_hidden_by_a_full_disk(tmp_path: Path, stuck: bool) -> None:
    file = begun(tmp_path / "a.xdf")
    with full_disk(file._file, stuck=stuck), pytest.raises(KeyError, match="first"), file:
        raise KeyError("the first error")
    assert file._file.closed
    file.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["a.xdf.partial"]
    (stream,) = load(file.partial).values()
    assert stream["time_series"][:, 0].tolist() == [1.0]


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_file_that_cannot_be_ended_stays_a_partial(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = begun(tmp_path / "a.xdf")

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    message = r"a\.xdf\.partial cannot be written any more \((No space left|Input/output error)"
    if call == "write":
        with full_disk(file._file), pytest.raises(WriteError, match=message):
            file.close()
    else:
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(WriteError, match=message):
            file.close()
    file.close()  # again does no harm
    assert [path.name for path in tmp_path.iterdir()] == ["a.xdf.partial"]
    (stream,) = load(file.partial).values()
    assert stream["time_series"][:, 0].tolist() == [1.0, 2.0][: 1 if call == "write" else 2]


def test_a_file_that_cannot_be_begun_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: NewFile, piece: bytes) -> None:
        raise self.cannot(OSError(28, "No space left on device"))

    monkeypatch.setattr(NewFile, "append", full)
    with pytest.raises(WriteError, match=r"Make space on the disk, or write to another one"):
        XdfWriter(tmp_path / "a.xdf")
    assert list(tmp_path.iterdir()) == []


def test_a_real_limit_of_size(tmp_path: Path) -> None:
    """Of the operating system, in another process."""
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
from eegtl.errors import EegtlError
from eegtl.streaming.xdf_file import XdfWriter
file = XdfWriter({str(tmp_path / "a.xdf")!r})
number = file.add_stream("x", "EEG", ["a"], rate=10.0)
n = 0
try:
    while True:
        file.write(number, [0.0] * 10, float(n))
        file.flush()
        n += 10
except EegtlError as error:
    print(n, error)
file.abandon()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    n, said = done.stdout.split(" ", 1)
    assert "a.xdf.partial cannot be written any more (File too large); what it holds" in said
    (stream,) = load(tmp_path / "a.xdf.partial").values()
    assert len(stream["time_stamps"]) == int(n) > 100


def test_bad_streams_leave_no_trace(tmp_path: Path) -> None:
    with XdfWriter(tmp_path / "a.xdf") as file:

        def refuses(match: str, name: str = "x", channels: Any = ("a",), **more: Any) -> None:
            with pytest.raises(InputError, match=match):
                file.add_stream(name, "EEG", channels, **{"rate": 1.0, **more})

        refuses("channels must be a list of labels, at least one; got 'TP9'", channels="TP9")
        refuses(r"at least one; got \[\]", channels=[])
        refuses("units has 2 entries for 1 channels", units=["V", "V"])
        refuses("types has 2 entries for 1 channels", types=["EEG", "Misc"])
        refuses("format must be one of float32, .*; got 'float64'", format="float64")
        refuses("rate must be in Hz, or 0 for irregular samples; got nan", rate=float("nan"))
        refuses("got -1", rate=-1)
        refuses("description names 'channels', which is an argument", description={"channels": 1})
        refuses(r"'1a' cannot name an XML element", description={"1a": "x"})
        refuses(r"'a b' cannot name", description={"deep": {"a b": "x"}})
        refuses(r"the text 'x\\x00' of 'name' holds '\\x00', which XML", name="x\0")
        refuses(r"holds '\\ud800'", channels=["\ud800"])
        assert file.add_stream("x", "EEG", ["a"], rate=1.0) == 1
    assert list(load(tmp_path / "a.xdf")) == [1]


def test_bad_samples_leave_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    with XdfWriter(path) as file:
        floats = file.add_stream("f", "EEG", ["a", "b"], rate=1.0)
        whole = file.add_stream("i", "EEG", ["a"], rate=0.0, format="int16")
        texts = file.add_stream("s", "EEG", ["a", "b"], rate=0.0, format="string")

        def refuses(number: int, samples: Any, stamps: Any, match: str) -> None:
            with pytest.raises(InputError, match=match):
                file.write(number, samples, stamps)

        refuses(floats, [[1, 2, 3]], [0.0], r"'f' takes samples of shape \(n_samples, 2\); got \(1")
        refuses(floats, [1.0, 2.0], [0.0], r"got \(2,\)")
        refuses(floats, [[1, 2], [3]], [0.0, 1.0], "the samples differ in length")
        refuses(floats, [["a", "b"]], [0.0], "'f' stores float32; got values of type <U1")
        refuses(floats, [[1e39, 0.0]], [0.0], r"'f': np.float64\(1e\+39\) is too large for float32")
        refuses(floats, np.zeros((2, 2)), [0.0], r"2 samples need 2 time stamps.*shape \(1,\)")
        refuses(floats, [[1, 2]], [np.nan], "'f': a time stamp is not finite")
        refuses(whole, [1.5], [0.0], "'i' stores int16; got values of type float64")
        refuses(whole, [40000], [0.0], r"np.int64\(40000\) is too large for int16")
        refuses(whole, [1, 2], 0.0, "'i' is irregular, so its 2 samples need a time stamp each")
        refuses(texts, "ab", [0.0], "give a list of samples, not the text 'ab'")
        refuses(texts, [["a"]], [0.0], r"takes 2 texts a sample; got \['a'\]")
        refuses(texts, [["a", 1]], [0.0], r"takes 2 texts a sample; got \['a', 1\]")
        refuses(texts, [["a", "\ud800"]], [0.0], "half a character, which UTF-8 cannot store")
        refuses(7, [[1.0]], [0.0], r"there is no stream 7 in a\.xdf \(it has 3\)")
        with pytest.raises(
            InputError, match=r"a clock offset must be finite; got time 1\.0, value"
        ):
            file.clock_offset(floats, 1.0, np.inf)
        file.write(floats, [[1, 2]], [3.0])
    assert [len(stream["time_stamps"]) for stream in load(path).values()] == [1, 0, 0]
    with pytest.raises(InputError, match=r"a\.xdf is closed; begin another file"):
        file.write(floats, [[1, 2]], [3.0])
    file.close()
    file.abandon()


def test_the_writer_needs_none_of_what_reading_needs() -> None:
    code = (
        "import sys, eegtl.streaming.xdf_file; print({'mne', 'pandas', 'pyxdf'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
