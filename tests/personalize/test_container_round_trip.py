"""What is kept in a container comes back to the bit, and nothing that is there is lost."""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eegtl.errors import ContainerError
from eegtl.personalize import container_limits
from eegtl.personalize.container import write_container
from eegtl.personalize.container_limits import MAX_DEPTH
from eegtl.personalize.container_reading import read_container

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.unicode_string_dtypes(endianness="?", min_len=1, max_len=6),
)
# halves of characters are refused
WHOLE = {"alphabet": st.characters(codec="utf-8")}
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES, elements=WHOLE))
KEYS = st.text(max_size=6).filter(lambda key: not key.startswith("$"))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), ARRAYS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def assert_equal(got: Any, expected: Any) -> None:
    assert type(got) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert got.tobytes() == expected.tobytes()
        assert got.flags.f_contiguous == expected.flags.f_contiguous
        assert got.flags.writeable
    elif isinstance(expected, dict):
        assert list(got) == list(expected)  # the order, too
        for key, value in expected.items():
            assert_equal(got[key], value)
    elif isinstance(expected, list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_equal(one, other)
    elif isinstance(expected, float) and math.isnan(expected):
        assert math.isnan(got)
    else:
        assert got == expected
        assert str(got) == str(expected)  # tells -0.0 from 0.0


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(tree=st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_is_kept_comes_back_and_equal_trees_give_equal_bytes(tree: Any) -> None:
    tree = {**tree, "format": "toy"}
    with TemporaryDirectory() as folder:
        path, other = Path(folder) / "a.zip", Path(folder) / "b.zip"
        write_container(path, tree)
        assert_equal(read_container(path, "toy"), tree)
        write_container(other, tree)
        assert other.read_bytes() == path.read_bytes()
        write_container(other, read_container(path, "toy"), overwrite=True)
        assert other.read_bytes() == path.read_bytes()


def test_numbers_of_numpy_and_arrays_in_any_layout(tmp_path: Path) -> None:
    grid = np.arange(12.0).reshape(3, 4)
    tree = {
        "format": "toy",
        "numbers": [np.float64(np.nan), np.int8(-3), np.bool_(True), np.str_("ä"), np.float32(0.5)],
        "views": [grid.T, grid[::2, ::-1], np.asfortranarray(grid), np.broadcast_to(1.5, (2, 2))],
        "zero": np.array(7, dtype=">u2"),
    }
    write_container(tmp_path / "x", tree)
    got = read_container(tmp_path / "x", "toy")
    assert math.isnan(got["numbers"][0])
    assert got["numbers"][1:] == [-3, True, "ä", 0.5]
    assert [type(value) for value in got["numbers"]] == [float, int, bool, str, float]
    for view, expected in zip(got["views"], tree["views"], strict=True):
        np.testing.assert_array_equal(view, expected)
    assert (got["zero"].shape, got["zero"].dtype.str, int(got["zero"])) == ((), ">u2", 7)


def test_nothing_is_unpickled_and_the_time_of_day_is_not_in_it(tmp_path: Path) -> None:
    write_container(tmp_path / "x", {"format": "toy", "a": np.arange(3)})
    with zipfile.ZipFile(tmp_path / "x") as archive:
        assert [entry.filename for entry in archive.infolist()] == [
            "manifest.json",
            "arrays/00000.npy",
        ]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


NESTED: Any = "x"
for _ in range(MAX_DEPTH + 1):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "['a'] holds a set; only plain values"),
        ((1, 2), "['a'] holds a tuple; only plain values"),
        (b"x", "['a'] holds a bytes; only plain values"),
        (1j, "['a'] holds a complex; only plain values"),
        ([0, {"b": object()}], "['a'][1]['b'] holds a object; only plain values"),
        ({1: 2}, "['a'] holds a dict; only plain values, lists, dicts with string keys"),
        ({"$array": 0}, "['a'] has a key that begins with '$'"),
        (np.array([None]), "['a'] is an array of object; only numbers of up to 64 bit"),
        (np.array([1j]), "['a'] is an array of complex128; only numbers of up to 64 bit"),
        (np.array(["2026-01-01"], "M8[D]"), "['a'] is an array of datetime64[D]; only numbers"),
        (np.array([b"x"]), "['a'] is an array of |S1; only numbers"),
        (np.zeros(2, np.longdouble), "['a'] is an array of float128; only numbers of up to 64"),
        (np.zeros(2, [("x", "f8")]), "['a'] is an array of [('x', '<f8')]; only numbers"),
        ("a\ud800", r"['a'] holds 'a\ud800', which is no text"),
        ({"\udfff": 1}, r"['a'] holds '\udfff', which is no text"),
        (np.array(["a", "b\ud800"]), "['a'] holds what is no text"),
        (np.zeros((0, 10**12)), "['a'] has axes that are too long for 512 MiB"),
        (NESTED, f"is nested more than {MAX_DEPTH} levels deep"),
        (10**5000, "the tree holds what JSON cannot say"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_kept_is_named_and_leaves_nothing(
    tmp_path: Path, value: Any, message: str
) -> None:
    with pytest.raises(ContainerError, match=re.escape(message)):
        write_container(tmp_path / "x", {"format": "toy", "a": value})
    assert not list(tmp_path.iterdir())


class TestPlace:
    def test_a_file_is_replaced_only_when_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "x.zip"
        write_container(path, {"format": "toy", "n": 1})
        with pytest.raises(ContainerError, match=r"x\.zip is there already; choose another name"):
            write_container(path, {"format": "toy", "n": 2})
        assert read_container(path, "toy")["n"] == 1
        write_container(path, {"format": "toy", "n": 2}, overwrite=True)
        assert read_container(path, "toy")["n"] == 2
        assert list(tmp_path.iterdir()) == [path]

    def test_one_made_meanwhile_is_not_replaced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, link = tmp_path / "x.zip", os.link

        def another_was_quicker(source: Any, target: Any) -> None:
            path.write_text("precious")
            link(source, target)

        monkeypatch.setattr(os, "link", another_was_quicker)
        with pytest.raises(ContainerError, match="is there already"):
            write_container(path, {"format": "toy"})
        assert path.read_text() == "precious"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_disk_without_links(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(source: Any, target: Any) -> None:
            raise PermissionError("no links here")

        monkeypatch.setattr(os, "link", refuse)
        write_container(tmp_path / "x", {"format": "toy", "n": 1})
        assert read_container(tmp_path / "x", "toy")["n"] == 1
        assert len(list(tmp_path.iterdir())) == 1

    @pytest.mark.parametrize("error", [OSError("disk is full"), KeyboardInterrupt()])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_failure_leaves_what_was_there(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        error: BaseException,
        overwrite: bool,
    ) -> None:
        path = tmp_path / "x"
        if overwrite:
            write_container(path, {"format": "toy", "n": 1})
        before = {file: file.read_bytes() for file in tmp_path.iterdir()}

        def fail(*_: Any) -> None:
            raise error

        monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
        expected = ContainerError if isinstance(error, OSError) else KeyboardInterrupt
        with pytest.raises(expected, match="disk is full" if isinstance(error, OSError) else None):
            write_container(path, {"format": "toy", "n": 2}, overwrite=overwrite)
        assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before

    def test_a_folder_is_made_and_what_cannot_be_one_is_said(self, tmp_path: Path) -> None:
        write_container(tmp_path / "a" / "b" / "x", {"format": "toy"})
        assert read_container(tmp_path / "a" / "b" / "x", "toy") == {"format": "toy"}
        with pytest.raises(ContainerError, match=r"cannot be written .*; check that the disk"):
            write_container(tmp_path / "a" / "b" / "x" / "y", {"format": "toy"})
        with pytest.raises(ContainerError, match="cannot be written"):
            write_container(tmp_path / "a", {"format": "toy"}, overwrite=True)
        assert sorted(p.name for p in (tmp_path).iterdir()) == ["a"]

    def test_equal_arrays_are_kept_once_and_read_apart(self, tmp_path: Path) -> None:
        rows = np.random.default_rng(0).standard_normal((40, 40))
        tree = {
            "format": "toy",
            "a": rows,
            "b": [rows.copy(), rows + rows.T, (rows + rows.T).copy()],
        }
        write_container(tmp_path / "x", tree)
        with zipfile.ZipFile(tmp_path / "x") as archive:
            assert len(archive.namelist()) == 3
        again = read_container(tmp_path / "x", "toy")
        np.testing.assert_equal(again, tree)
        again["a"][0, 0] = again["b"][1][0, 0] = 7.0
        assert again["b"][0][0, 0] != 7.0
        assert again["b"][2][0, 0] != 7.0

    def test_what_could_not_be_read_again_is_not_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(container_limits, "MAX_BYTES", 2**20)
        monkeypatch.setattr(container_limits, "MAX_ARRAYS", 5)
        with pytest.raises(ContainerError, match=r"would have 2 MiB, .* at most 1 MiB are read"):
            write_container(tmp_path / "x", {"format": "toy", "a": np.zeros(2**18)})
        # kept once, but each reference gets an array of its own when it is read
        with pytest.raises(ContainerError, match=r"would have 2 MiB, .* at most 1 MiB are read"):
            write_container(tmp_path / "x", {"format": "toy", "a": [np.zeros(2**14)] * 16})
        with pytest.raises(ContainerError, match="would hold 6 entries; at most 5 are read"):
            write_container(
                tmp_path / "x", {"format": "toy", "a": [np.full(1, i) for i in range(5)]}
            )
        monkeypatch.setattr(container_limits, "MAX_MANIFEST_BYTES", 2**10)
        with pytest.raises(ContainerError, match=r"and 0 MiB of manifest"):
            write_container(tmp_path / "x", {"format": "toy", "a": "x" * 2**11})
        write_container(tmp_path / "x", {"format": "toy", "a": [np.zeros(1)] * 4})
        assert len(read_container(tmp_path / "x", "toy")["a"]) == 4


def test_a_missing_file_and_another_kind(tmp_path: Path) -> None:
    with pytest.raises(ContainerError, match=r"there is no file .*x; check the path"):
        read_container(tmp_path / "x", "toy")
    write_container(tmp_path / "x", {"format": "toy"})
    with pytest.raises(ContainerError, match=r"is of the format 'toy', not 'eegtl-profile'; give"):
        read_container(tmp_path / "x", "eegtl-profile")
    with pytest.raises(ContainerError, match="cannot be read as toy"):
        read_container(tmp_path, "toy")


def test_the_order_of_memory_is_kept(tmp_path: Path) -> None:
    rows = np.arange(12.0).reshape(3, 4)
    tree = {"format": "x", "C": rows, "F": rows.T, "none": np.arange(24.0).reshape(4, 6)[::2, ::3]}
    write_container(tmp_path / "file", tree)
    got = read_container(tmp_path / "file", "x")
    assert_equal(got["C"], rows)
    assert_equal(got["F"], rows.T)
    np.testing.assert_array_equal(got["none"], tree["none"])


def test_symmetric_matrices_are_kept_by_half(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    half = rng.standard_normal((3, 200, 200))
    matrices = half + np.swapaxes(half, 1, 2)
    nearly = matrices.copy()
    nearly[0, 0, 1] = np.nextafter(nearly[0, 0, 1], 9)
    for name, array in (("half", matrices), ("whole", nearly)):
        write_container(tmp_path / name, {"format": "x", "a": array})
        assert_equal(read_container(tmp_path / name, "x")["a"], array)
    sizes = [(tmp_path / name).stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.55 * sizes[1]
    nan = np.full((20, 20), np.nan)
    write_container(tmp_path / "nan", {"format": "x", "a": nan, "b": -np.zeros((20, 20))})
    got = read_container(tmp_path / "nan", "x")
    assert_equal(got["a"], nan)
    assert_equal(got["b"], -np.zeros((20, 20)))
    none = {"format": "x", "a": np.zeros((0, 20, 20)), "b": np.zeros((2, 0, 16, 16))}
    write_container(tmp_path / "none", none)
    assert_equal(read_container(tmp_path / "none", "x"), none)


def test_halves_are_counted_as_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {"format": "x", "a": [np.eye(150)] * 5}
    write_container(tmp_path / "x", tree)
    read, written = [], []
    for most in range(1_300_000, 1_400_000, 5_000):  # 0.45 MB of halves, 0.9 MB of matrices
        monkeypatch.setattr(container_limits, "MAX_BYTES", most)
        for done, go in (
            (written, lambda: write_container(tmp_path / "y", tree, overwrite=True)),
            (read, lambda: read_container(tmp_path / "x", "x")),
        ):
            try:
                go()
                done.append(most)
            except ContainerError as error:
                assert "MiB are read" in str(error) or "more than 1 MiB" in str(error)  # noqa: PT017
    # whatever is written is read
    assert 0 < len(written) <= len(read) < 20
    assert len(read) - len(written) <= 1


@pytest.mark.parametrize("n", [3, 19, -20, "20", None, 2**40, True])
def test_a_half_of_what_it_is_not(tmp_path: Path, n: Any) -> None:
    write_container(tmp_path / "x", {"format": "x", "a": np.eye(20)})
    with zipfile.ZipFile(tmp_path / "x") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        array = archive.read("arrays/00000.npy")
    manifest["a"]["symmetric"] = n
    with zipfile.ZipFile(tmp_path / "y", "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("arrays/00000.npy", array)
    with pytest.raises(ContainerError, match="is no half of symmetric matrices"):
        read_container(tmp_path / "y", "x")
