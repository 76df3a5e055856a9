"""Profiles and source files that were tampered with: only errors of eegtl."""

from __future__ import annotations

import copy
import json
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from personalize.played_people import CH_NAMES, EXTRACTOR, LENGTHS, WINDOW, people

from eegtl.cli.profile import _tell as tell_profile
from eegtl.cli.sources import _tell as tell_sources
from eegtl.errors import EegtlError, InputError
from eegtl.personalize import Profile, SourceFile, calibrate, make_plan, update
from eegtl.personalize.calibration import roll_back
from eegtl.personalize.candidates import named_candidates
from eegtl.personalize.container import write_container
from eegtl.personalize.container_reading import read_container
from eegtl.personalize.inspection import arrays_of, differences

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
    sources = SourceFile(
        EXTRACTOR, 128.0, CH_NAMES, (0.5, 60.0), rows.mean(axis=0), rows.std(axis=0), models, plan,
        {"n_people": 4, "datasets": ["generated"], "n_windows": len(rows), "n_flagged": 1},
    )  # fmt: skip
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


def use(kind: str, path: Path, turn: int, whole: Profile) -> bool:
    """Read a file and use it, in turn by all that reads one; only errors of eegtl may come."""
    try:
        if kind == "eegtl-sources":
            sources = SourceFile.load(path)
            tell_sources(sources, path, "first")
            if turn % 2:
                calibrate(sources, X[:10])
            return True
        profile = Profile.load(path)
        tell_profile(profile, path)
        if turn % 5 == 0:
            profile.model.predict_proba(X[:2])
        elif turn % 5 == 1:
            update(profile, X[:10], day="Tuesday")
        elif turn % 5 == 2:
            roll_back(profile, profile.days[0].name if profile.days else "Monday")
        elif turn % 5 == 3:
            arrays_of(profile)
        else:
            differences(whole, profile)
        return True
    except EegtlError:
        return False


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("kept")
    made = files(folder)
    return {
        "whole": Profile.load(made["eegtl-profile"]),
        **{kind: (read_container(path, kind), path.read_bytes()) for kind, path in made.items()},
    }


@pytest.mark.parametrize("kind", ["eegtl-sources", "eegtl-profile"])
@pytest.mark.filterwarnings("ignore")
def test_every_value_exchanged_or_left_out(
    kind: str, kept: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, whole = kept[kind][0], kept["whole"]
    rng = np.random.default_rng(0)
    everywhere = places(tree)
    top = [path for path in everywhere if len(path) <= 3]
    chosen = [everywhere[i] for i in rng.integers(len(everywhere), size=120)] + top
    n_used = 0
    (tmp_path / "bad").touch()  # its size is told
    for turn, where in enumerate(chosen):
        bad = copy.deepcopy(tree)
        owner = bad
        for key in where[:-1]:
            owner = owner[key]
        if turn % 5 == 0:
            del owner[where[-1]]
        else:
            owner[where[-1]] = ODD[int(rng.integers(len(ODD)))]
        # what containers give is tested elsewhere; writing and reading would take most time
        for module in ("profile", "source_file"):
            monkeypatch.setattr(f"eegtl.personalize.{module}.read_container", lambda *_, t=bad: t)
        n_used += use(kind, tmp_path / "bad", turn, whole)
    # a case that is refused says nothing of those who use it
    assert n_used > 20


@pytest.mark.parametrize("kind", ["eegtl-sources", "eegtl-profile"])
def test_bytes_flipped_and_cut(kind: str, kept: Any, tmp_path: Path) -> None:
    content, whole = kept[kind][1], kept["whole"]
    rng = np.random.default_rng(1)
    for turn in range(600):
        bad = bytearray(content)
        if turn % 3 == 0:
            del bad[int(rng.integers(len(bad))) :]
        else:
            for at in rng.integers(len(bad), size=1 + turn % 4):
                bad[at] ^= 1 << int(rng.integers(8))
        (tmp_path / "bad").write_bytes(bytes(bad))
        use(kind, tmp_path / "bad", turn, whole)


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


def changed(tree: Any, path: str, value: Any) -> Any:
    """Give a copy with one value exchanged; a function makes it of the one that was there."""
    new = copy.deepcopy(tree)
    *before, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    owner = new
    for key in before:
        owner = owner[key]
    owner[last] = value(owner[last]) if callable(value) else value
    return new


def without_lengths(plan: dict[str, Any]) -> dict[str, Any]:
    cut = {name: plan[name][:, :0].copy() for name in ("covered", "usual_drift", "drift_limit")}
    names = ("scores", "safe", "evidence", "nested", "nested_gain")
    return {**plan, "lengths": [], **cut, **{name: plan[name][:, :, :0].copy() for name in names}}


def refused(kind: str, tree: Any, folder: Path, message: str) -> None:
    write_container(folder / "bad", tree, overwrite=True)
    read = SourceFile.load if kind == "eegtl-sources" else Profile.load
    with pytest.raises(EegtlError, match=message):
        read(folder / "bad")


NOTCH = {"name": "notch", "frequency": 50.0, "width": 2.0, "harmonics": 1, "zero_phase": False}
RESAMPLE = {"name": "resample", "sfreq": 100.0}
MANY = [f"c{i}" for i in range(20_000)]


@pytest.mark.parametrize("kind", ["eegtl-sources", "eegtl-profile"])
@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("ch_names", MANY, "20000 channels are more than the 512"),
        ("extractor/preprocessing", [{"name": "channels", "names": MANY}], "20000 channels"),
        ("extractor/bands", {f"b{i}": [8.0, 14.0] for i in range(65)}, "65 bands are more than"),
        ("extractor/preprocessing", [NOTCH] * 17, "17 steps of preprocessing are more"),
        ("extractor/preprocessing", [{**NOTCH, "harmonics": 10**9}], "harmonics is 1000000000"),
        ("extractor/preprocessing", [RESAMPLE] * 3, "3 changes of the sampling rate are more"),
        ("extractor/preprocessing", [{**RESAMPLE, "sfreq": 0.1}], "by more than 256 times"),
        ("extractor/preprocessing", [{**RESAMPLE, "sfreq": 2e5}], r"200000 Hz are more|2e\+05 Hz"),
        ("extractor/window", 1e5, "samples in a window are more"),
        ("sfreq", 1e7, r"1e\+07 Hz are more than"),
        ("mean", np.zeros(2**20 + 1), "features are more than"),
        ("plan", without_lengths, "the blocks of the plan are not in order"),
        ("provenance", {"n_people": [3]}, r"of 'n_people': \[3\] is no number of things"),
        ("provenance", {"datasets": [1]}, r"of 'datasets': \[1\] is no list of texts"),
        ("provenance", {"n_windows": "9"}, "of 'n_windows': '9' is no number of things"),
        ("provenance", {"n_flagged": True}, "of 'n_flagged': True is no number of things"),
        ("provenance", {"sources": 5}, "of 'sources': 5 is no text"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_no_file_may_ask_for_or_tell(
    kind: str, path: str, value: Any, message: str, kept: Any, tmp_path: Path
) -> None:
    refused(kind, changed(kept[kind][0], path, value), tmp_path, message)


@pytest.mark.parametrize("n_channels", [20_000, 512])
def test_columns_are_counted_before_they_are_named(
    kept: Any, tmp_path: Path, n_channels: int
) -> None:
    tree = changed(kept["eegtl-profile"][0], "ch_names", [f"c{i}" for i in range(n_channels)])
    tree = changed(tree, "extractor/features", ["cov", "tangent"])
    write_container(tmp_path / "bad", changed(tree, "extractor/bands", lambda own: {
        f"b{i}": [8.0, 14.0] for i in range(60)
    }))  # fmt: skip
    tracemalloc.start()
    try:
        with pytest.raises(EegtlError, match=r"channels are more|columns of features are more"):
            Profile.load(tmp_path / "bad")
        assert tracemalloc.get_traced_memory()[1] < 32 * 2**20
    finally:
        tracemalloc.stop()


def entry_with(**changes: Any) -> Any:
    return lambda entry: {**entry, **changes}


def entry_without(name: str) -> Any:
    return lambda entry: {key: value for key, value in entry.items() if key != name}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("others", lambda own: {n: s for n, s in own.items() if n != "source-only"}, "the models"),
        ("others", lambda own: {**own, "zz": next(iter(own.values()))}, "not those of the plan"),
        ("others", lambda own: dict.fromkeys(map(str, range(65)), own["source-only"]), "65 models"),
        ("name", "zz", "the models are not those of the plan"),
        ("days/0/entry", entry_with(candidate="zz"), "a model that is not in the plan"),
        ("days/0/entry", entry_with(kind="only zz"), "a kind that is not in the plan"),
        ("days/0/kind", "only zz", "a kind that is not in the plan"),
        ("days/0/entry", {}, "KeyError: 'candidate'"),
        ("days/0/entry", entry_without("labelled"), "KeyError: 'labelled'"),
        ("days/0/X", lambda X: np.full_like(X, np.nan), "rows hold what is no number"),
        ("history/0", entry_without("day"), "KeyError: 'day'"),
        ("history/0", entry_with(seconds="9"), "of 'seconds': '9' is no number"),
        ("history/0", entry_with(reasons=[1]), "of 'reasons'"),
        ("history/0", entry_with(guarded=1), "of 'guarded': 1 is neither true nor false"),
        ("history/0", entry_with(expected={"mean": 0.5}), "KeyError: 'low'"),
        ("history/0", entry_with(drift={"since": 1}), "of 'since': 1 is no text"),
        ("model/fitted/information_", 3, "3 is no text"),
        ("model/fitted/classes_/values", np.array(["rest", "zz"]), "a model knows other classes"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_profiles_whose_parts_do_not_fit(
    path: str, value: Any, message: str, kept: Any, tmp_path: Path
) -> None:
    tree = kept["eegtl-profile"][0]
    refused("eegtl-profile", changed(tree, path, value), tmp_path, message)


def test_lines_of_another_origin_stay_possible(
    kept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = kept["whole"]
    entry = {"day": 1, "seconds": "9", "by": None, "list": [1, {"a": "b"}]}
    again = Profile.load(whole.adapted(whole.model, entry).save(tmp_path / "x"))
    tell_profile(again, tmp_path / "x")
    assert "- day: 1, seconds: 9, by: None, list: [1, {'a': 'b'}]" in capsys.readouterr().out
    # what could not be read again cannot be made
    with pytest.raises(InputError, match=r"cannot be printed \(KeyError: 'day'\); give people"):
        whole.adapted(whole.model, {"candidate": "mine"})


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
@pytest.mark.parametrize("kind", ["eegtl-sources", "eegtl-profile"])
def test_memory_that_there_is_not(
    kind: str, error: type[Exception], kept: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise error("no more")

    monkeypatch.setattr("eegtl.personalize.feature_basis.extractor_from", fails)
    refused(kind, kept[kind][0], tmp_path, rf"lacks or distorts .*\({error.__name__}: no more\)")


def test_objects_are_counted_over_all_models(
    kept: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = {"kind": "array", "values": np.full(60_000, 7, dtype=np.int8), "object": True}
    tree = copy.deepcopy(kept["eegtl-profile"][0])
    for state in (tree["model"], *tree["others"].values()):
        state["fitted"]["more"] = labels
    monkeypatch.setattr("eegtl.transfer.state._Reading.__init__.__defaults__", (100_000,))
    refused("eegtl-profile", tree, tmp_path, "the state holds 60000 objects in an array")


@pytest.mark.filterwarnings("error")
def test_differences_of_what_is_no_number(kept: Any) -> None:
    whole = kept["whole"]
    n = len(whole.mean)
    big = np.r_[1e308, np.zeros(n - 1)]
    for left, right, words in (
        (np.full(n, np.nan), whole.mean, "mean: other values"),
        (whole.mean, np.r_[np.nan, whole.mean[1:]], "mean: other values"),
        (
            whole.mean,
            np.r_[whole.mean[0] + 0.5, whole.mean[1:]],
            "mean: other values, by up to 0.5",
        ),
        (big, -big, "mean: other values, by up to inf"),
    ):
        assert differences(replace(whole, mean=left), replace(whole, mean=right)) == [words]
