from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recordings.recording_files import write_edf

from eegtl.evaluation import feature_cache
from eegtl.evaluation.feature_cache import FeatureCache, extract, features_key
from eegtl.evaluation.recipe import Recipe
from eegtl.features import BANDS, FeatureTable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with two short recordings in the layout of eegmat."""
    folder = tmp_path / "data"
    folder.mkdir()
    for k in (1, 2):
        write_edf(folder / f"Subject00_{k}.edf", seconds=62, seed=k)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache", worth=0.0)


def recipe(root: Path, **parts: object) -> Recipe:
    data = {"name": "eegmat", "root": str(root), "channels": ["Fp1", "Fz", "O1"]}
    return Recipe.read({"data": data, "features": {"window": 10.0}, **parts})


def equal(first: FeatureTable, second: FeatureTable) -> bool:
    pd.testing.assert_frame_equal(first.meta, second.meta)
    return bool(
        np.array_equal(first.X, second.X)
        and first.columns.equals(second.columns)
        and first.causal == second.causal
        and first.info == second.info
    )


def test_what_is_read_back_is_what_was_computed(root: Path, cache: FeatureCache) -> None:
    calls: list[tuple[int, int]] = []
    first = cache.features(recipe(root), progress=lambda *given: calls.append(given))
    assert (first.cached, calls) == (False, [(1, 2), (2, 2)])
    second = cache.features(recipe(root), progress=lambda *given: calls.append(given))
    assert (second.cached, len(calls)) == (True, 2)
    table, notes = extract(recipe(root))
    assert equal(first.table, table)
    assert equal(second.table, table)
    assert first.notes == second.notes == tuple(notes)
    assert "band 'gamma' (31-50 Hz) is clipped to 31-45 Hz" in notes[0]


def test_the_key_follows_what_the_features_depend_on(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = features_key(recipe(root))
    assert plain == features_key(recipe(root))
    assert plain == features_key(recipe(root, study={"seed": 5, "methods": ["tca"]}))
    keys = [
        plain,
        features_key(recipe(root, features={"window": 5.0})),
        features_key(recipe(root, features={"window": 10.0, "names": ["power"]})),
        features_key(
            recipe(root, features={"window": 10.0, "bands": dict(reversed(BANDS.items()))})
        ),
        features_key(recipe(root, features={"window": 10.0, "smoothing": "lds"})),
        features_key(recipe(root, preprocessing=[{"step": "notch"}])),
        features_key(recipe(root, preprocessing=[{"step": "notch", "frequency": 60.0}])),
    ]
    # the same files elsewhere are the same data; time stamps are kept by a move, not by a copy
    moved = root.rename(tmp_path / "moved")
    assert features_key(recipe(moved)) == plain
    write_edf(moved / "Subject01_1.edf")
    keys.append(features_key(recipe(moved)))
    (moved / "Subject01_1.edf").unlink()
    status = (moved / "Subject00_1.edf").stat()
    os.utime(moved / "Subject00_1.edf", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    keys.append(features_key(recipe(moved)))
    monkeypatch.setattr(feature_cache, "_digest_of_code", lambda: "another")
    keys.append(features_key(recipe(moved)))
    monkeypatch.setattr(feature_cache, "_version", lambda name: "another")
    keys.append(features_key(recipe(moved)))
    assert len(set(keys)) == len(keys) == 11


@pytest.mark.parametrize("damage", ["cut", "overwritten", "empty", "foreign", "folder in the way"])
def test_a_damaged_file_is_computed_anew_with_a_note(
    root: Path, cache: FeatureCache, damage: str
) -> None:
    first = cache.features(recipe(root))
    (path,) = cache.folder.iterdir()
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "overwritten":
        path.write_bytes(content[:300] + b"\0" * 200 + content[500:])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "foreign":
        first.table.save(path)  # without the notes that the cache adds
    else:
        path.unlink()
        path.mkdir()
    again = cache.features(recipe(root))
    assert not again.cached
    assert equal(again.table, first.table)
    if damage == "folder in the way":
        assert again.notes[-1].startswith(f"the features could not be kept in {cache.folder} (")
        return
    assert again.notes[-1].startswith(f"{path} could not be read back (")
    assert again.notes[-1].endswith("the features are computed anew")
    assert cache.features(recipe(root)).cached


def test_a_folder_that_cannot_be_made_is_a_note(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = FeatureCache(tmp_path / "file" / "cache", worth=0.0).features(recipe(root))
    assert found.notes[-1].startswith("the features could not be kept in ")
    assert len(found.table) == 12


def test_the_tables_used_last_are_kept(root: Path, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache", worth=0.0)
    recipes = [recipe(root, features={"window": window}) for window in (10.0, 12.0, 15.0)]
    for i, each in enumerate(recipes[:2]):
        cache.features(each)
        path = cache.folder / f"eegmat-{features_key(each)}.npz"
        os.utime(path, (1000 + i, 1000 + i))
    assert cache.features(recipes[0]).cached  # now it is the one used last
    n, size = cache.extent()
    assert n == 2
    tight = FeatureCache(cache.folder, max_bytes=size + size // 4, worth=0.0)
    tight.features(recipes[2])
    assert tight.extent()[0] == 2
    assert tight.extent()[1] <= tight.max_bytes
    assert [tight.features(each).cached for each in (recipes[0], recipes[2])] == [True, True]
    assert not tight.features(recipes[1]).cached


def test_what_is_quick_is_not_kept(root: Path, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache", worth=float("inf"))
    assert not cache.features(recipe(root)).cached
    assert cache.extent() == (0, 0)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EEGTL_CACHE", str(tmp_path))
    assert FeatureCache().folder == tmp_path / "features"
    monkeypatch.delenv("EEGTL_CACHE")
    monkeypatch.setattr(
        feature_cache, "user_cache_path", lambda name, appauthor: tmp_path / "user" / name
    )
    assert FeatureCache().folder == tmp_path / "user" / "eegtl" / "features"


def test_errors_of_recordings_pass(root: Path, cache: FeatureCache) -> None:
    from eegtl.errors import SubjectError

    write_edf(root / "Subject01_1.edf", names=["EEG Fp1", "EEG Fp2"])
    with pytest.raises(SubjectError, match=r"Subject01_1\.edf"):
        cache.features(recipe(root))
    assert cache.extent() == (0, 0)


@pytest.mark.parametrize("fault", ["dangling", "unreadable"])
def test_a_table_without_all_recordings_is_not_kept(
    root: Path, cache: FeatureCache, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was wrong may be repaired without a change of the file, such as its mode."""
    if fault == "dangling":
        (root / "Subject01_1.edf").symlink_to(root / "nowhere")
    else:
        write_edf(root / "Subject01_1.edf", names=["EEG Fp1", "EEG Fp2"])
    bad = recipe(root)
    bad = bad.model_copy(update={"data": bad.data.model_copy(update={"skip_bad": True})})
    for _ in range(2):
        found = cache.features(bad)
        assert not found.cached
        assert len(found.table.info["skipped"]) == 1
    assert cache.extent() == (0, 0)
    # nor is one read that was kept before this was so
    path = cache.folder / f"eegmat-{features_key(bad)}.npz"
    cache._keep(path, found.table, [])
    assert cache.extent()[0] == 1
    assert not cache.features(bad).cached


def test_a_table_that_is_too_large_costs_no_other_its_place(root: Path, tmp_path: Path) -> None:
    small, large = recipe(root), recipe(root, features={"window": 1.0})
    cache = FeatureCache(tmp_path / "cache", worth=0.0)
    cache.features(small)
    n_bytes = cache.extent()[1]
    tight = FeatureCache(cache.folder, max_bytes=n_bytes + 100, worth=0.0)
    found = tight.features(large)
    assert found.table.X.nbytes > tight.max_bytes
    assert found.notes[-1] == (
        f"the features could not be kept in {tight.folder} (they take {found.table.X.nbytes} "
        f"bytes, and no more than {tight.max_bytes} are kept)"
    )
    assert tight.extent() == (1, n_bytes)
    assert tight.features(small).cached
    # here the numbers alone have room, the file with its header has not
    tighter = FeatureCache(cache.folder, max_bytes=found.table.X.nbytes + 1, worth=0.0)
    assert tighter.max_bytes > n_bytes
    assert "and no more than" in tighter.features(large).notes[-1]
    assert tighter.extent() == (1, n_bytes)


def test_a_folder_of_others_is_read(
    root: Path, cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.features(recipe(root))

    def refuse(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    assert cache.features(recipe(root)).cached


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        ("x" * 5000, "File name too long"),
        ("~nobody at all/cache", "there is no home folder ~nobody at all"),
    ],
)
def test_a_folder_of_no_use_is_a_note(
    root: Path, monkeypatch: pytest.MonkeyPatch, folder: str, problem: str
) -> None:
    monkeypatch.setenv("EEGTL_CACHE", folder)
    cache = FeatureCache(worth=0.0)
    assert cache.problem() == problem
    assert cache.extent() == (0, 0)
    assert cache.features(recipe(root)).notes[-1] == (
        f"the features could not be kept in {cache.folder} ({problem})"
    )


def test_a_folder_that_may_not_be_entered_is_a_note(
    root: Path, cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = Path.stat

    def refuse(path: Path, **named: bool) -> os.stat_result:
        if cache.folder in (path, *path.parents):
            raise PermissionError(13, "Permission denied")
        return stat(path, **named)

    monkeypatch.setattr(Path, "stat", refuse)
    assert cache.features(recipe(root)).notes[-1] == (
        f"the features could not be kept in {cache.folder} (Permission denied)"
    )
    assert cache.extent() == (0, 0)


def test_a_folder_that_may_not_be_written_is_a_problem(
    cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache.problem() is None
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert cache.problem() == f"{cache.folder.parent} may not be written"


def test_skip_bad_reaches_the_extractor(root: Path) -> None:
    write_edf(root / "Subject01_1.edf", names=["EEG Fp1", "EEG Fp2"])
    data = {"name": "eegmat", "root": str(root), "channels": ["Fp1", "Fz"], "skip_bad": True}
    table, _ = extract(Recipe.read({"data": data, "features": {"window": 10.0}}))
    (skipped,) = table.info["skipped"]
    assert skipped.startswith("Subject01_1.edf (subject 01): channel 'Fz' is missing")
    assert set(table.meta["subject"]) == {"00"}


def test_the_key_follows_the_card(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = features_key(recipe(root))
    card = feature_cache.get_card("eegmat")
    other = card.model_copy(update={"passband": (1.0, 30.0)})
    monkeypatch.setattr(feature_cache, "get_card", lambda name: other)
    assert features_key(recipe(root)) != plain
