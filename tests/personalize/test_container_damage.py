"""Damaged, foreign and hostile files: each gives a `ContainerError`, soon, and in little memory."""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from personalize.container_files import (
    make_zip,
    manifest_of,
    npy,
    reference,
    with_array,
    with_header,
)

from eegtl.errors import ContainerError
from eegtl.personalize import container_limits
from eegtl.personalize.container import write_container
from eegtl.personalize.container_reading import read_container

TREE = {
    "format": "toy",
    "w": np.arange(40.0).reshape(8, 5),
    "names": np.array(["Fp1", "ä€😀"]),
    "flags": np.array([True, False]),
    "inner": {"x": [1, 2.5, float("nan"), None, "text"], "empty": np.zeros((0, 3))},
}


def refuses(path: Path, message: str = "cannot be read as toy") -> None:
    with pytest.raises(ContainerError, match=re.escape(message)):
        read_container(path, "toy")


def good(tmp_path: Path) -> bytes:
    write_container(tmp_path / "good", TREE)
    return (tmp_path / "good").read_bytes()


class TestMutations:
    """Thousands of bad files: what is read in spite of it is what was written."""

    @pytest.mark.parametrize("seed", range(4))
    def test_flipped_and_replaced_bytes(self, tmp_path: Path, seed: int) -> None:
        content, path = good(tmp_path), tmp_path / "bad"
        rng = np.random.default_rng(seed)
        n_refused = 0
        for _ in range(400):
            bad = bytearray(content)
            for place in rng.integers(len(bad), size=rng.integers(1, 4)):
                bad[place] = rng.integers(256) if seed % 2 else bad[place] ^ 1 << rng.integers(8)
            path.write_bytes(bad)
            n_refused += self.refused(path)
        # a time stamp or an attribute of an entry may change without harm
        assert n_refused > 250

    def test_bytes_cut_off_inserted_and_repeated(self, tmp_path: Path) -> None:
        content, path = good(tmp_path), tmp_path / "bad"
        rng = np.random.default_rng(9)
        for _ in range(300):
            a, b = sorted(rng.integers(len(content), size=2).tolist())
            for bad in (content[:a], content[a:], content[:a] + content[b:]):
                path.write_bytes(bad)
                assert self.refused(path) or bad == content
            path.write_bytes(content[:b] + content[a:])
            self.refused(path)

    def test_contents_changed_in_a_whole_zip(self, tmp_path: Path) -> None:
        """The checksums of the zip are right, so that our own checks must find it."""
        good(tmp_path)
        with zipfile.ZipFile(tmp_path / "good") as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        rng = np.random.default_rng(3)
        n_refused = 0
        for _ in range(300):
            bad = dict(entries)
            name = list(bad)[rng.integers(len(bad))]
            text = bytearray(bad[name])
            text[rng.integers(len(text))] ^= 1 << rng.integers(8)
            bad[name] = bytes(text)
            make_zip(tmp_path / "bad", bad)
            is_array = name != "manifest.json"
            refused = self.refused(tmp_path / "bad", same=is_array)
            assert refused or not is_array, f"a changed {name} was read"
            n_refused += refused
        assert n_refused > 200

    @staticmethod
    def refused(path: Path, *, same: bool = True) -> bool:
        try:
            tree = read_container(path, "toy")
        except ContainerError:
            return True
        if same:
            np.testing.assert_equal(tree, TREE)
        return False


class TestTableOfContents:
    @pytest.mark.parametrize(
        "name",
        [
            "../x",
            "/etc/passwd",
            "C:/x",
            "arrays/../../x.npy",
            "arrays/0.npy",
            "arrays/00000.npz",
            "arrays/٠٠٠٠٠.npy",
            "manifest.json/",
            "arrays/",
        ],
    )
    def test_foreign_paths(self, tmp_path: Path, name: str) -> None:
        make_zip(tmp_path / "x", {"manifest.json": manifest_of({}), name: b"x"})
        refuses(tmp_path / "x", f"it holds a foreign entry {name!r}")
        assert [file.name for file in tmp_path.iterdir()] == ["x"]

    def test_duplicates_and_no_manifest(self, tmp_path: Path) -> None:
        content = make_zip(
            tmp_path / "twice", {"manifest.json": manifest_of({}), "arrays/1.npy1": b"x"}
        ).read_bytes()
        (tmp_path / "twice").write_bytes(content.replace(b"arrays/1.npy1", b"manifest.json"))
        refuses(tmp_path / "twice", "it holds no manifest, or an entry twice")
        make_zip(tmp_path / "none", {"arrays/00000.npy": npy(1)})
        refuses(tmp_path / "none", "it holds no manifest, or an entry twice")
        make_zip(tmp_path / "empty", {})
        refuses(tmp_path / "empty", "it holds no manifest, or an entry twice")

    def test_too_many_entries_are_counted_before_they_are_listed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = {f"arrays/{i:05d}.npy": b"" for i in range(600)}
        path = make_zip(tmp_path / "x", {"manifest.json": manifest_of({}), **names})
        monkeypatch.setattr(container_limits, "MAX_ARRAYS", 500)

        def never(*_: Any, **__: Any) -> None:
            raise AssertionError("the table was made")

        monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", never)
        refuses(path, "it should hold 601 entries; at most 500 are read")

    def test_a_table_that_says_less_than_it_holds(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = {f"arrays/{i:05d}.npy": b"" for i in range(600)}
        path = make_zip(tmp_path / "x", {"manifest.json": manifest_of({}), **names})
        content = bytearray(path.read_bytes())
        content[-14:-10] = struct.pack("<HH", 1, 1)
        path.write_bytes(content)
        monkeypatch.setattr(container_limits, "MAX_ARRAYS", 500)
        refuses(path, "hold 601 entries; at most 500 are read")

    def test_another_end_than_the_last_bytes(self, tmp_path: Path) -> None:
        content = good(tmp_path)
        path = tmp_path / "x"
        path.write_bytes(content + b"more")
        refuses(path, "it does not end as a zip does")
        # the record of zips for large files, which would overrule the numbers that were checked
        path.write_bytes(content[:-22] + b"PK\x06\x07" + bytes(16) + content[-22:])
        refuses(path, "it is a zip of another kind")

    @pytest.mark.parametrize("content", [b"", b"x", b"PK\x05\x06" + bytes(18), bytes(1000)])
    def test_no_zip_at_all(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x").write_bytes(content)
        refuses(tmp_path / "x")

    def test_a_file_that_is_too_long(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        good(tmp_path)
        monkeypatch.setattr(container_limits, "MAX_BYTES", 100)
        monkeypatch.setattr(container_limits, "MAX_ARRAYS", 2)
        refuses(tmp_path / "good", "it has 0 MiB; at most 0 MiB are read")


class TestManifest:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "its manifest is no JSON (JSONDecodeError)"),
            (b"{", "its manifest is no JSON (JSONDecodeError)"),
            (b"\xff\xfe\xff", "its manifest is no JSON (UnicodeDecodeError)"),
            (b"[" * 100_000, "its manifest is no JSON (RecursionError)"),
            (b'{"format": "toy", "a": ' + b"9" * 10_000 + b"}", "its manifest is no JSON"),
            (b"[]", "its manifest is no table"),
            (b"3", "its manifest is no table"),
            (manifest_of({"a": {"$float": "1e400"}}), "holds the number '1e400'"),
            (manifest_of({"a": {"$float": ["nan"]}}), "holds the number ['nan']"),
            (manifest_of({"a": json.loads("[" * 70 + "]" * 70)}), "more than 60 levels deep"),
            (manifest_of({"a": "\ud800"}), r"holds '\ud800', which is no text"),
            (manifest_of({"\udfff": 1}), r"holds '\udfff', which is no text"),
            (manifest_of({"a": {"$array": 0}}), "the array 0 is missing"),
            (manifest_of({"a": {"$array": "0"}}), "names the array '0'"),
            (manifest_of({"a": {"$array": True}}), "names the array True"),
            (manifest_of({"a": {"$array": -1}}), "names the array -1"),
            (manifest_of({"a": {"$array": 10**20}}), "names the array 100000000000000000000"),
            (manifest_of({"a": {"$array": None}}), "names the array None"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_is_checked(self, tmp_path: Path, content: bytes, message: str) -> None:
        refuses(make_zip(tmp_path / "x", {"manifest.json": content}), message)

    def test_names_every_array_and_is_none_itself(self, tmp_path: Path) -> None:
        entries = {"manifest.json": manifest_of({}), "arrays/00007.npy": npy(1)}
        refuses(make_zip(tmp_path / "x", entries), "does not name the entry 'arrays/00007.npy'")
        said = reference(0, npy(1), 1)
        entries = {"manifest.json": json.dumps(said).encode(), "arrays/00000.npy": npy(1)}
        refuses(make_zip(tmp_path / "y", entries), "its manifest is an array, no table")


THREE = np.arange(3.0)
DATA = THREE.tobytes()


class TestArrays:
    @pytest.mark.parametrize(
        ("content", "changes", "message"),
        [
            (npy(THREE), {"sha256": "0" * 64}, "not the one that was written (its hash)"),
            (npy(THREE), {"sha256": None}, "not the one that was written (its hash)"),
            (npy(THREE), {"dtype": "<i8"}, "not of the kind or shape"),
            (npy(THREE), {"shape": [3, 1]}, "not of the kind or shape"),
            (npy(THREE), {"shape": "3"}, "not of the kind or shape"),
            (npy(THREE, (2, 0)), {}, "of another version of npy, or none"),
            (npy(THREE, (3, 0)), {}, "of another version of npy, or none"),
            (npy(THREE)[:-1], {}, "longer or shorter than its shape"),
            (npy(THREE) + b"x", {}, "longer or shorter than its shape"),
            (npy(THREE)[:40], {}, "of another version of npy, or none"),
            (b"", {}, "of another version of npy, or none"),
            (DATA, {}, "of another version of npy, or none"),
            (npy(np.asfortranarray(np.ones((2, 3)))), {}, "not of the kind or shape"),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_are_what_was_written(
        self, tmp_path: Path, content: bytes, changes: Any, message: str
    ) -> None:
        refuses(with_array(tmp_path / "x", content, THREE, **changes), message)

    def test_objects_would_be_pickles(self, tmp_path: Path) -> None:
        objects = np.array([{"a": 1}], dtype=object)
        header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
        content = with_header(header, b"cos\nsystem\n(S'touch pwned'\ntR.")
        path = with_array(tmp_path / "x", content, objects)
        refuses(path, "of another version of npy, or none")

    @pytest.mark.parametrize(
        "header",
        [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3L,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': " + "(" * 300 + ")" * 300 + ", }",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }",
            "{'descr': '<f8', 'fortran_order': None, 'shape': (3,), }",
            "{'descr': '<f8', 'fortran_order': False}",
            "{[]: 1}",
            "{1: 2, 'a': 3}",
            "__import__('os').system('true')",
            "'",
            "",
        ],
    )
    def test_headers_are_matched_and_never_parsed(self, tmp_path: Path, header: str) -> None:
        refuses(
            with_array(tmp_path / "x", with_header(header, DATA), THREE),
            "of another version of npy, or none",
        )

    @pytest.mark.parametrize(
        ("descr", "shape", "data", "message"),
        [
            ("<f9", "3,", DATA, "not of the kind or shape"),
            ("<c16", "3,", DATA, "not of the kind or shape"),
            ("<U0", "3,", b"", "cannot be read as toy"),
            ("|S8", "3,", DATA, "not of the kind or shape"),
            ("<f8", "999999999999999999,", DATA, "longer or shorter than its shape"),
            ("<f8", "0,999999999999999999,999999999999999999", b"", "cannot be read as toy"),
            ("<f8", "1," * 70, DATA[:8], "cannot be read as toy"),
            ("|b1", "2,", b"\x01\x02", "holds what is no bool"),
            ("<U1", "1,", b"\x00\x00\x11\x00", "holds what is no str32"),
            (">U1", "", b"\xff\xff\xff\xff", "holds what is no str32"),
            (">U1", "", b"\x00\x00\xd8\x00", "holds what is no text"),
            ("<U1", "1,", b"\xff\xdf\x00\x00", "holds what is no text"),
        ],
    )
    def test_kinds_shapes_and_values_that_no_array_has(
        self, tmp_path: Path, descr: str, shape: str, data: bytes, message: str
    ) -> None:
        header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}"
        numbers = [int(n) for n in shape.split(",") if n]
        path = with_array(tmp_path / "x", with_header(header, data), dtype=descr, shape=numbers)
        refuses(path, message)

    def test_a_stored_entry_is_read_and_a_wrong_checksum_is_not(self, tmp_path: Path) -> None:
        said = reference(0, npy(THREE), THREE)
        entries = {"manifest.json": manifest_of({"a": said}), "arrays/00000.npy": npy(THREE)}
        path = make_zip(tmp_path / "x", entries, zipfile.ZIP_STORED)
        np.testing.assert_array_equal(read_container(path, "toy")["a"], THREE)
        crc = struct.pack("<I", zlib.crc32(npy(THREE)))
        path.write_bytes(path.read_bytes().replace(crc, bytes(4)))
        refuses(path, "BadZipFile: Bad CRC-32")
