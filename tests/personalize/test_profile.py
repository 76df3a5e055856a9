"""Profiles: what they are made of, what they refuse, and damaged files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from features.noise_recording import make_noise_recording
from personalize.test_profile_estimators import profile_of
from sklearn.ensemble import RandomForestClassifier

import eegtl
from eegtl.errors import ContainerError, InputError, SignalWarning, StateError
from eegtl.features import LDS, FeatureExtractor, FeatureTable, MovingAverage
from eegtl.personalize import Profile, read_container, write_container
from eegtl.preprocessing import Bandpass, Notch, Resample
from eegtl.testing import toy_problem
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline

TOY = toy_problem()


def z2_lda() -> Any:
    return make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())


def fitted() -> Any:
    return z2_lda().fit(TOY.X, TOY.y, subjects=TOY.subjects)


def people(**options: Any) -> list[Any]:
    trials = [(i, 5.0 + 6 * i, 5.0) for i in range(6)]
    return [
        make_noise_recording(
            np.random.default_rng(i).standard_normal((3, 256 * 45)) * 1e-5,
            trials=trials,
            **{"subject": f"s{i}", "file": f"{i}.edf", **options},
        )
        for i in range(3)
    ]


class TestFit:
    extractor = FeatureExtractor(bands={"alpha": (8, 14)})

    def test_is_the_model_on_settled_labelled_windows(self) -> None:
        recordings = people()
        profile = Profile.fit(z2_lda(), recordings, self.extractor)
        table = self.extractor.extract(recordings)
        used = (~table.meta["settling"] & table.meta["label"].notna()).to_numpy()
        assert used.sum() > 0
        X, y = table.X[used], table.meta["label"].to_numpy()[used]
        model = z2_lda().fit(X, y, subjects=table.meta["subject"].to_numpy()[used])
        np.testing.assert_array_equal(profile.model.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(profile.mean, X.mean(axis=0))
        np.testing.assert_array_equal(profile.sd, X.std(axis=0))
        assert profile.labels == ("0", "1")
        assert (profile.sfreq, profile.ch_names) == (128.0, ("F3", "F4", "P3"))
        assert profile.provenance["n_people"] == 3
        assert profile.provenance["n_windows"] == used.sum()
        assert profile.provenance["datasets"] == ["noise"]
        assert profile.history == ()

    def test_the_hash_tells_rows_and_labels_apart(self) -> None:
        def digest(recordings: Any) -> str:
            return Profile.fit(z2_lda(), recordings, self.extractor).provenance["rows_sha256"]

        first, again, other = people(), people(), people()
        other[0].trials["label"] = 1 - other[0].trials["label"]
        assert digest(first) == digest(again)
        assert digest(first) != digest(first[:2])
        assert digest(first) != digest(other)

    def test_the_order_of_channels_is_that_of_the_first(self) -> None:
        recordings = people()
        recordings[1] = people(names=("P3", "F3", "F4"))[1]
        assert Profile.fit(z2_lda(), recordings, self.extractor).ch_names == ("F3", "F4", "P3")

    def test_different_rates_are_refused(self) -> None:
        mixed = [people()[0], people(sfreq=256.0)[1]]
        with pytest.raises(InputError, match=re.escape("rates [128.0, 256.0] Hz; a profile has")):
            Profile.fit(z2_lda(), mixed, self.extractor)
        resampled = FeatureExtractor(bands={"alpha": (8, 14)}, preprocessing=[Resample(64.0)])
        with pytest.raises(InputError, match=re.escape("rates [128.0, 256.0] Hz; a profile has")):
            Profile.fit(z2_lda(), mixed, resampled)

    def test_unlabelled_recordings_are_refused(self) -> None:
        recordings = people()
        for recording in recordings:
            recording.trials["label"] = None
        with pytest.raises(InputError, match=r"none of the \d+ windows has settled and has a lab"):
            Profile.fit(z2_lda(), recordings, self.extractor)


class TestChecks:
    def test_a_classifier_without_probabilities(self) -> None:
        with pytest.raises(InputError, match="needs a fitted classifier with predict_proba; got S"):
            profile_of(SubjectNormalizer().fit(TOY.X, TOY.y, subjects=TOY.subjects))

    def test_an_unfitted_one(self) -> None:
        model = z2_lda()
        model.n_features_in_ = 6
        with pytest.raises(InputError, match=r"got TransferPipeline\. Fit it"):
            profile_of(model)

    def test_features_that_need_the_future(self) -> None:
        for settings in (
            {"preprocessing": [Notch(50.0, zero_phase=True)]},
            {"smoothing": LDS("smooth")},
        ):
            with pytest.raises(InputError, match="do without the future of the signal; choose"):
                profile_of(fitted(), extractor=FeatureExtractor(**settings))

    @pytest.mark.parametrize("name", ["mean", "sd"])
    def test_means_of_other_features(self, name: str) -> None:
        with pytest.raises(InputError, match=r"the model reads 6 features, but mean and sd have"):
            profile_of(fitted(), **{name: np.zeros(5)})


def test_all_that_a_profile_says_comes_back(tmp_path: Path) -> None:
    extractor = FeatureExtractor(
        features=("de", "dasm"),
        bands={"theta": (4, 8), "alpha": (8, 14)},
        window=2.0,
        step=0.5,
        preprocessing=[Notch(50.0), Bandpass(1.0, 40.0), Resample(64.0)],
        smoothing=MovingAverage(3),
    )
    profile = profile_of(
        fitted(),
        extractor=extractor,
        sfreq=256.0001,
        ch_names=("TP9", "Ä-1", "x;y"),
        passband=None,
        provenance={"datasets": ["a", "b"], "n_people": 3, "note": "ä"},
    )
    calibrated = profile.adapted(fitted().adapt(TOY.T), {"day": 1, "windows": 30})
    later = calibrated.adapted(fitted().adapt(TOY.T[:9]), {"day": 2, "windows": 9})
    path = later.save(tmp_path / "x.eegtl")
    got = Profile.load(path)
    assert (got.sfreq, got.ch_names, got.passband) == (256.0001, ("TP9", "Ä-1", "x;y"), None)
    assert got.provenance == {"datasets": ["a", "b"], "n_people": 3, "note": "ä"}
    assert [entry["day"] for entry in got.history] == [1, 2]
    assert got.model.n_target_windows_ == 9
    assert got.extractor.start(256.0, ("Fp1", "Fp2")).column_names == (
        extractor.start(256.0, ("Fp1", "Fp2")).column_names
    )
    assert list(got.extractor.bands) == ["theta", "alpha"]
    assert got.extractor.preprocessing.describe() == extractor.preprocessing.describe()
    np.testing.assert_array_equal(got.mean, profile.mean)
    assert profile.history == ()
    assert profile.model.n_target_windows_ == 0
    with pytest.raises(ContainerError, match="is there already"):
        profile.save(path)
    assert profile.save(path, overwrite=True) == path
    assert Profile.load(path).history == ()


def test_a_model_that_cannot_be_kept_is_named(tmp_path: Path) -> None:
    forest = RandomForestClassifier(2).fit(TOY.X, TOY.y)
    with pytest.raises(StateError, match="holds a RandomForestClassifier, which cannot be stored"):
        profile_of(forest).save(tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_a_synthetic_wearer_s_profile_predicts_after_loading(tmp_path: Path) -> None:
    recordings = eegtl.load("synthetic").select(subjects=["w01", "w02", "w03"])
    extractor = FeatureExtractor(window=2.0)
    profile = Profile.fit(z2_lda(), recordings, extractor)
    loaded = Profile.load(profile.save(tmp_path / "w.eegtl"))
    w04 = eegtl.load("synthetic").select(subjects=["w04"])
    X = extractor.extract(w04).X
    np.testing.assert_array_equal(loaded.extractor.extract(w04).X, X)
    np.testing.assert_array_equal(loaded.model.predict_proba(X), profile.model.predict_proba(X))
    print(f"synthetic z2 + LDA: {(tmp_path / 'w.eegtl').stat().st_size} bytes")


Change = Callable[[dict[str, Any]], Any]


def _set(*path: Any, to: Any) -> Change:
    def change(tree: dict[str, Any]) -> None:
        node: Any = tree
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = to

    return change


def _drop(name: str) -> Change:
    return lambda tree: tree.pop(name)


class TestDamage:
    """A profile that is a sound container, with what does not belong there."""

    def load(self, tmp_path: Path, change: Change) -> Profile:
        path = profile_of(fitted(), history=({"day": 1},)).save(tmp_path / "x")
        tree = read_container(path, "eegtl-profile")
        change(tree)
        write_container(path, tree, overwrite=True)
        return Profile.load(path)

    def test_untouched_it_loads(self, tmp_path: Path) -> None:
        assert self.load(tmp_path, lambda tree: None).history == ({"day": 1},)

    @pytest.mark.parametrize("version", [3, 0, "1", None, 1.5, [1]])
    def test_another_version(self, tmp_path: Path, version: Any) -> None:
        text = (
            f"is a profile of version {version!r}; this eegtl reads up to version 2. Update eegtl"
        )
        with pytest.raises(ContainerError, match=re.escape(text)):
            self.load(tmp_path, _set("version", to=version))

    @pytest.mark.parametrize(
        "name",
        [
            "model",
            "extractor",
            "sfreq",
            "ch_names",
            "passband",
            "mean",
            "sd",
            "provenance",
            "history",
        ],
    )
    def test_an_entry_that_is_missing_is_named(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ContainerError, match=rf"lacks or distorts .*KeyError: '{name}'.*dama"):
            self.load(tmp_path, _drop(name))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (_set("sfreq", to="fast"), "'fast' is no number"),
            (_set("sfreq", to=True), "True is no number"),
            (_set("sfreq", to=float("nan")), "nan is no number"),
            (_set("sfreq", to=10**400), "too large"),
            (_set("ch_names", to="abc"), "'abc' is no list"),
            (_set("ch_names", 0, to=3), "is no list of texts"),
            (_set("passband", to=[1.0]), "IndexError"),
            (_set("passband", to=["a", "b"]), "'a' is no number"),
            (_set("passband", to=3.0), "TypeError"),
            (_set("mean", to=[0.0] * 6), "an array of 1 axes of numbers"),
            (_set("mean", to=np.zeros((6, 1))), "an array of 1 axes of numbers"),
            (_set("mean", to=np.zeros(6, np.float32)), "an array of 1 axes of numbers"),
            (_set("mean", to=np.zeros(5)), "the model reads 6 features"),
            (_set("provenance", to=[]), r"\[\] is no table"),
            (_set("history", to={}), "is no list"),
            (_set("history", 0, to="x"), "'x' is no table"),
            (_set("extractor", to=None), "it is a NoneType, not a dict"),
            (_set("extractor", "features", to=["os.system"]), "'os.system' is unknown"),
            (_set("extractor", "window", to=-1), "positive number of seconds"),
            (_set("model", to={"kind": "list", "items": []}), "with predict_proba; got list"),
            (_set("model", "fitted", "n_features_in_", to=None), "TypeError"),
            (_set("model", "fitted", "n_features_in_", to=7), "the model reads 7 features"),
        ],
    )
    def test_entries_that_are_distorted(self, tmp_path: Path, change: Change, message: str) -> None:
        with pytest.raises(ContainerError, match=rf"(?s)x lacks or distorts.*({message})"):
            self.load(tmp_path, change)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (_set("model", "class", to="Popen"), "asks for the class 'Popen', which is not on"),
            (_set("model", "class", to="os.system"), "asks for the class 'os.system'"),
            (_set("model", "kind", to="pickle"), "node of unknown kind 'pickle'"),
            (_set("model", to="cos\nsystem\n"), "the state is a str"),
            (_set("model", "fitted", "predict", to=1), "would replace its methods predict"),
        ],
    )
    def test_a_foreign_model(self, tmp_path: Path, change: Change, message: str) -> None:
        with pytest.raises(StateError, match=rf"x: .*{message}"):
            self.load(tmp_path, change)

    def test_another_container(self, tmp_path: Path) -> None:
        write_container(tmp_path / "x", {"format": "toy"})
        with pytest.raises(ContainerError, match="of the format 'toy', not 'eegtl-profile'"):
            Profile.load(tmp_path / "x")


def test_whole_numbers_make_the_same_profile(tmp_path: Path) -> None:
    profile = profile_of(fitted(), sfreq=128, passband=(1, 40))
    profile.save(tmp_path / "x")
    assert Profile.load(tmp_path / "x").fingerprint == profile.fingerprint


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("model", lambda tree: tree["fitted"].update(n_features_in_=None)),
        ("sfreq", None),
    ],
)
def test_what_could_not_be_used_is_refused_when_it_is_read(
    tmp_path: Path, name: str, change: Any
) -> None:
    profile_of(fitted()).save(tmp_path / "x")
    tree = read_container(tmp_path / "x", "eegtl-profile")
    if change is None:
        tree[name] = 1e300
    else:
        change(tree[name])
    write_container(tmp_path / "y", tree)
    with pytest.raises(ContainerError, match="lacks or distorts what a profile holds"):
        Profile.load(tmp_path / "y")


def test_recordings_of_unlike_passbands() -> None:
    mixed = [people(passband=(0.5, 60.0))[0], *people(passband=(0.5, 20.0))[1:]]
    beta = FeatureExtractor(bands={"beta": (14.0, 31.0)})
    with (
        pytest.warns(SignalWarning, match="'beta' .* is clipped"),
        pytest.raises(InputError, match=r"pass-bands \(0\.5, 60\.0\), \(0\.5, 20\.0\) Hz"),
    ):
        Profile.fit(z2_lda(), mixed, beta)
    alpha = FeatureExtractor(bands={"alpha": (8.0, 14.0)})
    assert Profile.fit(z2_lda(), mixed, alpha).passband == (0.5, 60.0)


class TestTables:
    """A profile of features that are there already, without the recordings."""

    extractor = FeatureExtractor(bands={"alpha": (8, 14)})

    def test_is_that_of_the_recordings(self, tmp_path: Path) -> None:
        recordings = people(passband=(0.5, 60.0))
        table = self.extractor.extract(recordings)
        kept = FeatureTable.load(table.save(tmp_path / "x.npz"))
        profile = Profile.fit(z2_lda(), kept, self.extractor)
        assert profile.fingerprint == Profile.fit(z2_lda(), recordings, self.extractor).fingerprint
        assert (profile.sfreq, profile.passband) == (128.0, (0.5, 60.0))

    def test_may_lack_what_is_bad(self) -> None:
        bad, *good = people()
        bad.raw.apply_function(lambda x: x * np.nan, channel_wise=False, verbose="error")
        table = self.extractor.extract([bad, *good], skip_bad=True)
        assert len(table.info["skipped"]) == 1
        profile = Profile.fit(z2_lda(), table, self.extractor)
        assert profile.fingerprint == Profile.fit(z2_lda(), good, self.extractor).fingerprint

    @pytest.mark.parametrize("key", ["sfreq", "ch_names", "passbands"])
    def test_must_say_what_it_is_of(self, key: str) -> None:
        table = self.extractor.extract(people())
        del table.info[key]
        with pytest.raises(InputError, match=f"does not say {key} of its recordings; it was not"):
            Profile.fit(z2_lda(), table, self.extractor)


def test_recordings_are_read_once() -> None:
    read: list[str] = []

    class Counting(list[Any]):
        def __getitem__(self, index: Any) -> Any:
            read.append(super().__getitem__(index).subject)
            return super().__getitem__(index)

        def __iter__(self) -> Any:
            return (self[i] for i in range(len(self)))

    Profile.fit(z2_lda(), Counting(people()), TestFit.extractor)
    assert read == ["s0", "s1", "s2"]
