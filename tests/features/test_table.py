from __future__ import annotations

import gc
import io
import json
import os
import tempfile
import zipfile
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from eegtl.errors import InputError
from eegtl.features import META_COLUMNS, FeatureTable, make_columns


def make_table(n=6, labels=("calm", "tense")):
    rng = np.random.default_rng(n)
    columns = make_columns("de", ["Fz", "Cz"], ["alpha", "beta"]).append(
        make_columns("power", ["Fz", "Cz"], ["alpha", "beta"])
    )
    meta = pd.DataFrame(
        {
            "dataset": ["noise"] * n,
            "subject": [f"Zoë {row % 2}" for row in range(n)],
            "session": np.arange(n) % 3,
            "trial": np.arange(n) // 2,
            "stimulus": [f"clip{row // 2}" for row in range(n)],
            "label": [labels[row % len(labels)] for row in range(n)],
            "onset": np.arange(n) / 3,
            "settling": np.arange(n) < 2,
            "flags": np.where(np.arange(n) == 1, "flat", ""),
            "hours": [None if row == 0 else row / 2 for row in range(n)],
        }
    )
    info = {"window": 2.0, "bands": {"alpha": [8.0, 14.0]}, "skipped": ["é"]}
    return FeatureTable(rng.standard_normal((n, 8)), columns, meta, causal=False, info=info)


@pytest.mark.parametrize("labels", [("calm", "tense"), (-1, 0, 1), ("calm", 1, None), (0.5, 1.5)])
@pytest.mark.parametrize("n", [0, 6])
def test_save_and_load_give_the_same_table(tmp_path, labels, n):
    table = make_table(n, labels)
    path = table.save(tmp_path / "table.npz")
    loaded = FeatureTable.load(path)
    np.testing.assert_array_equal(loaded.X, table.X)
    assert loaded.columns.equals(table.columns)
    assert loaded.columns.names == ["feature", "channel", "band"]
    pd.testing.assert_frame_equal(loaded.meta, table.meta)
    assert loaded.info == table.info
    assert loaded.causal is False
    loaded.X[:] = 0  # a table of its own, not a read-only view of the file
    assert os.listdir(tmp_path) == ["table.npz"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = make_table().save(tmp_path / "table.npz")
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(KeyboardInterrupt):
        make_table(4).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["table.npz"]


def test_the_file_holds_no_pickle(tmp_path):
    path = make_table(6, ("calm", 1, None)).save(tmp_path / "table.npz")
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "buif" for name in archive.files)


def rewritten(path, changes):
    """Copy a table file with some members replaced; None drops one."""
    target = path.with_name("changed.npz")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            content = changes.get(name, source.read(name))
            if content is not None:
                archive.writestr(name, content)
    return target


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def header(path, **changes):
    with np.load(path) as archive:
        content = json.loads(archive["header"].tobytes()) | changes
    return npy(np.frombuffer(json.dumps(content).encode(), dtype=np.uint8))


def words(path, listed):
    """A header in which the column of labels has other words."""
    with np.load(path) as archive:
        meta = json.loads(archive["header"].tobytes())["meta"]
    meta[5]["words"] = listed
    return header(path, meta=meta)


def literal(text):
    """An npy member with a header that numpy did not write."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(64)


def claims(shape):
    """An npy member whose header claims far more than it holds."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue() + bytes(64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda p: {"X.npy": None}, "changed.npz is not a feature table, or is damaged"),
        (lambda p: {"header.npy": None}, "changed.npz is not a feature table, or is damaged"),
        (lambda p: {"header.npy": header(p, format="x")}, "is not a feature table of eegtl"),
        (lambda p: {"header.npy": header(p, version=9)}, "has the format version 9; this eegtl re"),
        (lambda p: {"X.npy": claims((10**12, 8))}, "X claims 64000000000000 bytes and holds"),
        (lambda p: {"X.npy": claims((10**30, 8))}, "X claims 64000.* bytes and holds"),
        (lambda p: {"X.npy": claims((1, 9))}, "X claims 72 bytes and holds 64"),
        (lambda p: {"X.npy": claims((-1, 8))}, "X claims -64 bytes"),
        (lambda p: {"X.npy": npy(np.array([{}]), allow_pickle=True)}, "X has the type object; on"),
        (lambda p: {"X.npy": npy(np.ones((5, 8)))}, r"'dataset' has the shape \(6,\), X has 5"),
        (lambda p: {"X.npy": npy(np.ones((6, 8), dtype=np.float32))}, "X has the type float32"),
        (lambda p: {"X.npy": npy(np.ones((6, 8))) + b"0"}, "X claims 384 bytes and holds more"),
        (lambda p: {"X.npy": literal("{'descr': '<f8', 'shape': (6, 8)")}, "EOF in multi-line"),
        (lambda p: {"meta_5.npy": npy(np.ones(3))}, r"'label' has the shape \(3,\), X has 6 rows"),
        (lambda p: {"meta_5.npy": npy(np.arange(6))}, "'label' names words that it has not"),
        (lambda p: {"meta_5.npy": npy(np.full(6, -1))}, "'label' names words that it has not"),
        (lambda p: {"meta_7.npy": npy(np.full(6, 7, np.uint8).view("?"))}, "that are neither"),
        (lambda p: {"header.npy": header(p, causal="no")}, "causal is 'no', which is no bool"),
        (lambda p: {"header.npy": header(p, info=[1])}, r"info is '\[1\]', which is no dict"),
        (lambda p: {"header.npy": header(p, columns=[["de", "Fz", 1]] * 8)}, "a column is '1'"),
        (lambda p: {"header.npy": header(p, columns=[["de", "Fz", "a"]] * 8)}, "more than once"),
        (lambda p: {"header.npy": words(p, [["calm"], {}])}, "words of 'label' are not of the ki"),
        (lambda p: {"header.npy": words(p, {"0": 1, "1": 2})}, "words of 'label' is .* no list"),
        (lambda p: {"header.npy": npy(np.frombuffer(b"[" * 10**5, np.uint8))}, "recursion depth"),
        (lambda p: {"X.npy": b"nothing"}, "is not a feature table, or is damaged"),
    ],
)
def test_damaged_or_hostile_files_are_refused(tmp_path, changes, message):
    path = make_table().save(tmp_path / "table.npz")
    with pytest.raises(InputError, match=message):
        FeatureTable.load(rewritten(path, changes(path)))


@pytest.mark.parametrize(
    ("labels", "plain"),
    [
        (pd.array([1, 2, 1], dtype="Int64"), np.array([1, 2, 1])),
        (pd.array([1.5, 2, None], dtype="Float64"), np.array([1.5, 2.0, np.nan])),
        (pd.array([True, False, True], dtype="boolean"), np.array([True, False, True])),
        (pd.Categorical([2, 1, 2]), np.array([2, 1, 2])),
        (pd.Categorical(["b", "a", "b"], categories=["b", "a"], ordered=True), ["b", "a", "b"]),
        (pd.Categorical([1, None, 2]), pd.Series([1, None, 2], dtype=object)),
        (pd.array([1, None, 2], dtype="Int64"), pd.Series([1, None, 2], dtype=object)),
        (pd.array(["a", None, "b"], dtype="string"), ["a", None, "b"]),
        (pd.Series([1, 1.0, True], dtype=object), pd.Series([1, 1.0, True], dtype=object)),
    ],
)
def test_labels_of_any_kind_come_back_equal_and_of_equal_type(tmp_path, labels, plain):
    table = make_table(3)
    meta = table.meta.assign(label=labels)
    table = FeatureTable(table.X, table.columns, meta)
    pd.testing.assert_series_equal(table.meta["label"], pd.Series(plain, name="label"))
    loaded = FeatureTable.load(table.save(tmp_path / "table.npz"))
    pd.testing.assert_frame_equal(loaded.meta, table.meta)
    kinds = [type(value) for value in table.meta["label"].tolist()]
    assert [type(value) for value in loaded.meta["label"].tolist()] == kinds


def test_one_flipped_bit_is_never_taken_silently(tmp_path):
    table = make_table(3)
    content = table.save(tmp_path / "table.npz").read_bytes()
    path = tmp_path / "flipped.npz"
    refused = 0
    for at in range(0, len(content), 5):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            loaded = FeatureTable.load(path)
        except InputError:
            refused += 1
            continue
        np.testing.assert_array_equal(loaded.X, table.X)
        pd.testing.assert_frame_equal(loaded.meta, table.meta)
    assert refused > 300


def test_damage_to_a_packed_file_is_named(tmp_path):
    path = tmp_path / "packed.npz"
    table = make_table(200)
    with (
        zipfile.ZipFile(table.save(tmp_path / "table.npz")) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert len(FeatureTable.load(path)) == 200
    content = path.read_bytes()
    refused = set()
    for at in range(60, len(content), 97):
        path.write_bytes(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
        try:
            np.testing.assert_array_equal(FeatureTable.load(path).X, table.X)
        except InputError as error:
            refused.add(str(error).partition(" (")[0])
    assert refused == {"packed.npz is not a feature table, or is damaged"}


def test_the_header_is_small_whatever_it_unpacks_to(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", npy(np.frombuffer(b"[" + b"{}," * 2 * 10**6, np.uint8)))
    with pytest.raises(InputError, match=r"bomb.npz has a header of more than 4194304 bytes"):
        FeatureTable.load(path)
    table = make_table()
    table.info = {"long": "x" * 5 * 2**20}
    with pytest.raises(InputError, match=r"info and the different texts of meta take 52\d+ bytes"):
        table.save(tmp_path / "table.npz")


def test_where_a_table_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match=r"the folder .*nowhere does not exist; make it first"):
        make_table().save(tmp_path / "nowhere" / "table.npz")
    with pytest.raises(InputError, match=r"is a folder; give the name of a file"):
        make_table().save(tmp_path)
    message = r"/x{300}\.npz cannot be written \(.*File name too long.*\); check that the disk has"
    with pytest.raises(InputError, match=message):
        make_table().save(tmp_path / f"{'x' * 300}.npz")
    with pytest.raises(InputError, match=r"cannot be written \(embedded null byte\); check that"):
        make_table().save(tmp_path / "a\0b.npz")
    assert not list(tmp_path.iterdir())


@contextmanager
def files_of_at_most(n_bytes):
    """Let no file of this process grow beyond a size, as on a full disk."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_full_disk_leaves_the_old_file(tmp_path, share):
    path = make_table(500).save(tmp_path / "table.npz")
    before = path.read_bytes()
    table = make_table(600)
    with files_of_at_most(int(share * len(before))), pytest.raises(InputError) as caught:
        table.save(path)
    assert str(caught.value) == (
        f"{path} cannot be written ([Errno 27] File too large); check that the disk has space and "
        "the folder is yours, or choose another place"
    )
    gc.collect()  # an archive left open would complain now
    assert os.listdir(tmp_path) == ["table.npz"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["mkstemp", "chmod", "replace"])
def test_what_the_system_refuses_is_told_and_nothing_is_left(tmp_path, monkeypatch, place):
    path = make_table().save(tmp_path / "table.npz")
    before = path.read_bytes()

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile if place == "mkstemp" else os, place, refuse)
    with pytest.raises(InputError) as caught:
        make_table(9).save(path)
    monkeypatch.undo()
    assert str(caught.value) == (
        f"{path} cannot be written ([Errno 13] Permission denied); check that the disk has space "
        "and the folder is yours, or choose another place"
    )
    assert os.listdir(tmp_path) == ["table.npz"]
    assert path.read_bytes() == before


def test_names_of_columns_differ():
    table = make_table()
    meta = table.meta.rename(columns={"hours": "label"})
    with pytest.raises(InputError, match="meta names 'label' more than once; name each column"):
        FeatureTable(table.X, table.columns, meta)


def test_what_is_no_table_is_refused(tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("hello")
    with pytest.raises(InputError, match=r"text.npz is not a feature table, or is damaged"):
        FeatureTable.load(path)
    with pytest.raises(InputError, match=r"none.npz is not a file; give the path of a saved"):
        FeatureTable.load(tmp_path / "none.npz")


def test_size_is_checked_before_unpacking(tmp_path):
    path = make_table().save(tmp_path / "table.npz")
    with pytest.raises(
        InputError, match=r"table.npz would unpack to \d+ bytes, more than the limit of 1000; raise"
    ):
        FeatureTable.load(path, max_bytes=1000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"info": {"when": object()}}, "info cannot be saved: Object of type object is not JSON"),
        ({"meta": [1j] * 6}, r"meta column 'label' holds 1j of type complex; only texts"),
        ({"meta": [("a", 1)] * 6}, r"meta column 'label' holds \('a', 1\) of type tuple"),
    ],
)
def test_only_plain_values_are_saved(tmp_path, change, message):
    table = make_table()
    table.info = change.get("info", table.info)
    if "meta" in change:
        table.meta["label"] = pd.Series(change["meta"], dtype=object)
    with pytest.raises(InputError, match=message):
        table.save(tmp_path / "table.npz")
    assert not list(tmp_path.iterdir())


def test_select_takes_masks_and_row_numbers():
    table = make_table()
    chosen = table.select(table.meta["session"] == 1)
    assert len(chosen) == 2
    np.testing.assert_array_equal(chosen.X, table.X[[1, 4]])
    assert chosen.meta.index.tolist() == [0, 1]
    assert chosen.info == table.info
    chosen.info["bands"]["alpha"][0] = 7.0
    assert table.info["bands"]["alpha"] == [8.0, 14.0]
    assert chosen.causal is False
    np.testing.assert_array_equal(table.select([4, 1]).X, table.X[[4, 1]])
    assert len(table.select([])) == 0


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([True], r"the mask has the shape \(1,\); give \(6,\)"),
        ([7], "row numbers run from 7 to 7; the table has 6 rows"),
        ([-8, 2], "row numbers run from -8 to 2; the table has 6 rows"),
        ([0.5], "the mask has 1 dimensions of type float64; give a 1-d array of bool or of row"),
        ([[1]], "the mask has 2 dimensions of type int64"),
    ],
)
def test_bad_masks_are_named(mask, message):
    with pytest.raises(InputError, match=message):
        make_table().select(mask)


def test_block_is_a_view():
    table = make_table()
    block = table.block("power")
    assert block.shape == (6, 2, 2)
    block[0, 1, 0] = 77.0
    assert table.X[0, table.columns.get_loc(("power", "Cz", "alpha"))] == 77.0


def test_columns_may_be_given_by_names():
    table = make_table()
    other = FeatureTable(table.X, table.columns.tolist(), table.meta)
    assert other.columns.equals(table.columns)
    assert other.columns.names == ["feature", "channel", "band"]
    wrong = [*table.columns.tolist()[:-1], ("power", "Cz")]
    with pytest.raises(
        InputError, match=r"a column is named \('power', 'Cz'\); give \(feature, ch"
    ):
        FeatureTable(table.X, wrong, table.meta)


def test_block_needs_a_full_block_of_a_known_feature():
    table = make_table()
    with pytest.raises(InputError, match="the table has no feature 'asm'; it has: de, power"):
        table.block("asm")
    holed = FeatureTable(table.X[:, :3], table.columns[:3], table.meta)
    with pytest.raises(InputError, match="columns of 'de' are not a full channels x bands block"):
        holed.block("de")


@pytest.mark.parametrize(
    ("X", "columns", "drop", "message"),
    [
        (np.ones(3), None, [], r"X has 1 dimensions; give \(n_windows, n_features\)"),
        (np.ones((6, 7)), None, [], r"X has the shape \(6, 7\), but meta has 6 rows and .* 8"),
        (np.ones((6, 8)), None, ["onset", "flags"], "meta lacks onset, flags; it has dataset, sub"),
        (
            np.ones((6, 8)),
            pd.MultiIndex.from_product([["a"], range(8)], names=["x", "y"]),
            [],
            r"columns has the levels \['x', 'y'\]; give a MultiIndex",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(X, columns, drop, message):
    table = make_table()
    with pytest.raises(InputError, match=message):
        FeatureTable(
            X, table.columns if columns is None else columns, table.meta.drop(columns=drop)
        )


def test_repr_says_what_it_is():
    assert repr(make_table()) == "<FeatureTable de, power: 6 windows x 8 features, 2 subjects>"
    assert list(make_table().meta.columns[:9]) == list(META_COLUMNS)
