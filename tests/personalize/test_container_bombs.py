"""Files that ask for much memory or time: each gives a `ContainerError` soon."""

from __future__ import annotations

import bz2
import lzma
import math
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from personalize.container_files import (
    make_zip,
    manifest_of,
    npy,
    reference,
    with_header,
)
from personalize.test_container_damage import good, refuses

from eegtl.personalize import container_limits
from eegtl.personalize.container_reading import read_container


class TestBombs:
    """None may take more memory than a file that is allowed, nor long."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(container_limits, "MAX_BYTES", 4 * 2**20)

    def bounded(self, path: Path, message: str, most: float = 16 * 2**20) -> None:
        tracemalloc.start()
        try:
            refuses(path, message)
            assert tracemalloc.get_traced_memory()[1] < most
        finally:
            tracemalloc.stop()

    def test_by_the_size_that_is_declared(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        zeros = bytes(64 * 2**20)
        path = make_zip(
            tmp_path / "x", {"manifest.json": manifest_of({}), "arrays/00000.npy": zeros}
        )

        def never(*_: Any, **__: Any) -> None:
            raise AssertionError("something was unpacked")

        monkeypatch.setattr(zipfile.ZipFile, "open", never)
        self.bounded(path, "unpacked it would have 64 MiB, 0 MiB of them manifest; at most 4 MiB")

    @pytest.mark.parametrize("name", ["manifest.json", "arrays/00000.npy"])
    def test_by_a_size_that_is_not_declared(self, tmp_path: Path, name: str) -> None:
        zeros = bytes(64 * 2**20)
        array = zeros if name != "manifest.json" else b"x"
        said = reference(0, zeros, np.zeros(1))
        manifest = manifest_of({"a": said}) if name != "manifest.json" else zeros
        path = make_zip(tmp_path / "x", {"manifest.json": manifest, "arrays/00000.npy": array})
        content = path.read_bytes()
        size = struct.pack("<I", len(zeros))
        assert content.count(size) == 2
        path.write_bytes(content.replace(size, struct.pack("<I", 1000)))
        self.bounded(path, "cannot be read as toy")

    @pytest.mark.parametrize(
        ("method", "pack"),
        [
            (zipfile.ZIP_BZIP2, bz2.compress),
            (zipfile.ZIP_LZMA, lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
        ],
    )
    def test_by_a_method_that_unpacks_without_limit(
        self, tmp_path: Path, method: int, pack: Callable[[bytes], bytes]
    ) -> None:
        zeros = bytes(200 * 2**20)
        path = make_zip(tmp_path / "x", {"manifest.json": zeros}, method)
        content = path.read_bytes()
        size = struct.pack("<I", len(zeros))
        path.write_bytes(content.replace(size, struct.pack("<I", 1000)))
        self.bounded(path, "an entry is packed in another way than deflated")

    def test_by_an_array_that_is_named_again_and_again(self, tmp_path: Path) -> None:
        array = np.zeros(2**17)
        said = reference(0, npy(array), array)
        entries = {
            "manifest.json": manifest_of({"a": [said] * 1000}),
            "arrays/00000.npy": npy(array),
        }
        self.bounded(
            make_zip(tmp_path / "x", entries), "names arrays of more than 4 MiB, some of t"
        )

    @pytest.mark.parametrize(
        ("shape", "n", "times", "message"),
        [
            # nothing at all, and the indices of a triangle
            ((0, 700 * 701 // 2), 700, 1, "is no half of symmetric matrices"),
            # fits, but the matrices that it is half of do not
            ((700 * 701 // 2,), 700, 1, "names arrays of more than 4 MiB"),
            ((256 * 257 // 2,), 256, 8, "names arrays of more than 4 MiB"),
            ((0, 10**12), None, 1, "has axes that are too long"),
        ],
    )
    def test_by_halves_of_matrices_and_by_arrays_of_nothing(
        self, tmp_path: Path, shape: tuple[int, ...], n: int | None, times: int, message: str
    ) -> None:
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
        content = with_header(header, bytes(8 * math.prod(shape)))
        said = reference(0, content, np.zeros(1), shape=list(shape))
        if n is not None:
            said["symmetric"] = n
        entries = {"manifest.json": manifest_of({"a": [said] * times}), "arrays/00000.npy": content}
        self.bounded(make_zip(tmp_path / "x", entries), message, 12 * 2**20)

    @pytest.mark.parametrize("error", [MemoryError, RecursionError])
    def test_memory_that_there_is_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
    ) -> None:
        good(tmp_path)

        def fails(*_: Any, **__: Any) -> None:
            raise error("no more")

        monkeypatch.setattr(np, "frombuffer", fails)
        refuses(tmp_path / "good", f"cannot be read as toy ({error.__name__}: no more)")

    def test_many_arrays_take_no_square_of_time(self, tmp_path: Path) -> None:
        contents = [npy(np.array(i)) for i in range(6000)]
        said = [reference(i, content, np.array(i)) for i, content in enumerate(contents)]
        entries = {"manifest.json": manifest_of({"a": said})}
        entries |= {f"arrays/{i:05d}.npy": content for i, content in enumerate(contents)}
        path = make_zip(tmp_path / "x", entries)
        calls = 0
        namelist = zipfile.ZipFile.namelist

        def counted(archive: zipfile.ZipFile) -> list[str]:
            nonlocal calls
            calls += 1
            return namelist(archive)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(zipfile.ZipFile, "namelist", counted)
            assert [int(i) for i in read_container(path, "toy")["a"]] == list(range(6000))
        assert calls < 10
