from __future__ import annotations

import io
import json
import os
import zipfile

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
        (lambda p: {"X.npy": npy(np.ones((5, 8)))}, r"X has the shape \(5, 8\), but meta has 6"),
        (lambda p: {"meta_5.npy": npy(np.ones(3))}, "is not a feature table, or is damaged"),
        (lambda p: {"X.npy": b"nothing"}, "is not a feature table, or is damaged"),
    ],
)
def test_damaged_or_hostile_files_are_refused(tmp_path, changes, message):
    path = make_table().save(tmp_path / "table.npz")
    with pytest.raises(InputError, match=message):
        FeatureTable.load(rewritten(path, changes(path)))


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
