"""Profiles and source files that were tampered with: only errors of eegtl."""

from __future__ import annotations

import copy
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from personalize.played_people import LENGTHS, WINDOW, people, sources_of

from eegtl.errors import EegtlError
from eegtl.personalize import Profile, SourceFile, calibrate, make_plan
from eegtl.personalize.candidates import named_candidates
from eegtl.personalize.container import write_container
from eegtl.personalize.container_reading import read_container

X, META = people(9)
X = X[(META["subject"] == "n8").to_numpy()]

#: What somebody may put in the place of a value.
ODD: list[Any] = [
    None, True, -1, 0, 2**63, 1e300, float("nan"), float("inf"), "", "z2", "../x", [], [[]], {},
    [0],
    {"kind": "array"}, np.zeros(0), np.zeros((2, 2)), np.zeros(3, dtype=np.int64), np.array(["a"]),
    np.full(6, np.nan), np.zeros((1, 1, 1, 1)),
]  # fmt: skip


def files(folder: Path) -> dict[str, Path]:
    """Write both, with few models: each case reads and tries them all."""
    rows, meta = people(4, n_windows=24)
    few = named_candidates(["z2 + tpt", "mix known"])
    plan, models = make_plan(rows, meta, WINDOW, few, LENGTHS[:2])
    sources = replace(sources_of(), models=models, plan=plan)
    made = calibrate(sources, X[np.r_[0:5, 15:20]], kind="balanced", day="Monday")
    return {
        "eegtl-sources": sources.save(folder / "x.eegsrc"),
        "eegtl-profile": made.save(folder / "x.eegtl"),
    }


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List where the values of a tree stand."""
    found = [path] if path else []
    if isinstance(node, dict):
        for key, value in node.items():
            found += places(value, (*path, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            found += places(value, (*path, place))
    return found


def load(kind: str, path: Path) -> None:
    """Read a file and use it; what cannot be used must be an error of eegtl."""
    try:
        if kind == "eegtl-sources":
            sources = SourceFile.load(path)
            calibrate(sources, X[:10])
        else:
            Profile.load(path).model.predict_proba(X[:2])
    except EegtlError:
        pass


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("kept")
    return {
        kind: (read_container(path, kind), path.read_bytes())
        for kind, path in files(folder).items()
    }


@pytest.mark.parametrize("kind", ["eegtl-sources", "eegtl-profile"])
@pytest.mark.filterwarnings("ignore")
def test_every_value_exchanged_or_left_out(kind: str, kept: Any, tmp_path: Path) -> None:
    tree = kept[kind][0]
    rng = np.random.default_rng(0)
    everywhere = places(tree)
    top = [path for path in everywhere if len(path) <= 3]
    chosen = [everywhere[i] for i in rng.integers(len(everywhere), size=120)] + top
    for turn, where in enumerate(chosen):
        bad = copy.deepcopy(tree)
        owner = bad
        for key in where[:-1]:
            owner = owner[key]
        if turn % 5 == 0:
            del owner[where[-1]]
        else:
            owner[where[-1]] = ODD[int(rng.integers(len(ODD)))]
        try:
            write_container(tmp_path / "bad", bad, overwrite=True)
        except EegtlError:
            continue
        load(kind, tmp_path / "bad")


@pytest.mark.parametrize("kind", ["eegtl-sources", "eegtl-profile"])
def test_bytes_flipped_and_cut(kind: str, kept: Any, tmp_path: Path) -> None:
    content = kept[kind][1]
    rng = np.random.default_rng(1)
    for turn in range(600):
        bad = bytearray(content)
        if turn % 3 == 0:
            del bad[int(rng.integers(len(bad))) :]
        else:
            for at in rng.integers(len(bad), size=1 + turn % 4):
                bad[at] ^= 1 << int(rng.integers(8))
        (tmp_path / "bad").write_bytes(bytes(bad))
        load(kind, tmp_path / "bad")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.binary(max_size=200), manifest=st.dictionaries(st.text(max_size=5), st.integers())
)
def test_files_of_another_kind(content: bytes, manifest: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("manifest.json", json.dumps({"format": "eegtl-sources", **manifest}))
    for name in "ab":
        for read in (SourceFile.load, Profile.load):
            with pytest.raises(EegtlError):
                read(tmp_path / name)


def test_a_profile_of_version_1_is_read(kept: Any, tmp_path: Path) -> None:
    tree, _ = kept["eegtl-profile"]
    old = {k: v for k, v in tree.items() if k not in ("name", "others", "plan", "days", "day")}
    write_container(tmp_path / "old", {**old, "version": 1})
    got = Profile.load(tmp_path / "old")
    assert (got.days, got.plan, got.name, dict(got.others)) == ((), None, "", {})
    again = Profile.load(got.save(tmp_path / "new"))
    assert again.fingerprint == got.fingerprint
    for version in (0, 3, None, True, "2", 1.5):
        write_container(tmp_path / "odd", {**tree, "version": version}, overwrite=True)
        with pytest.raises(EegtlError, match=r"is a profile of version|reads up to version 2"):
            Profile.load(tmp_path / "odd")
