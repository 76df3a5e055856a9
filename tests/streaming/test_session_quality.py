"""Bad channels, features in their place, and predictions that are abstentions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from features.noise_recording import make_noise_recording
from streaming.live_signals import (
    BANDS,
    FS,
    NAMES,
    begin,
    feed,
    make_profile,
    moods,
    told,
    z2_lda,
)

from eegtl.errors import InputError
from eegtl.features import FeatureExtractor
from eegtl.personalize import Profile
from eegtl.personalize.days import Day
from eegtl.preprocessing import ArtefactMarks, Channels, Dropouts, Reference
from eegtl.streaming.prediction import _channels_in, _columns_of_channels

N = 128
DATA = moods(20.0, seed=9)


def hum(amplitude: float = 8e-5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * 50 * np.arange(DATA.shape[1]) / FS)


def spoilt(kind: str) -> np.ndarray:
    data = DATA.copy()
    if kind == "flat":
        data[1, 10 * N :] = 3e-6
    elif kind == "clipped":
        data[1, 10 * N :] = np.clip(3 * data[1, 10 * N :], -1e-5, 1e-5)
    elif kind == "mains":
        data[1, 10 * N :] += hum()[10 * N :]
    elif kind == "identical":
        data[1, 10 * N :] = data[3, 10 * N :]
    elif kind == "amplitude":
        data[1, 10 * N :] *= 30
    elif kind == "dropout":
        for at in range(10 * N, 20 * N, 40):
            data[1, at : at + 8] = 0.0
    return data


KINDS = ("flat", "clipped", "mains", "identical", "amplitude", "dropout")
QUALITY = ArtefactMarks(mains=50.0)


class TestAbstaining:
    @pytest.mark.parametrize("kind", KINDS)
    def test_for_a_bad_channel(self, kind: str) -> None:
        session = begin(quality=QUALITY)
        predictions = feed(session, spoilt(kind))
        bad = ["F4", "P4"] if kind == "identical" else ["F4"]
        assert [p.abstain for p in predictions] == [False] * 6 + [True] * 10
        good, last = predictions[0], predictions[-1]
        assert (good.quality, good.reason) == (1.0, "")
        assert (last.label, last.quality) == ("", 1 - len(bad) / 4)
        assert sum(last.probabilities) == pytest.approx(1.0)  # what the model says, all the same
        [event] = told(session, "bad_channels")
        assert list(event) == bad
        assert all(kind in kinds for kinds in event.values())
        each = [f"{name} ({', '.join(kinds)})" for name, kinds in event.items()]
        assert last.reason == "bad channels: " + ", ".join(each)

    def test_told_when_it_changes_only(self) -> None:
        data = DATA.copy()
        data[0, 8 * N : 10 * N] = 0.0
        data[3, 9 * N : 12 * N] = 0.0
        session = begin()
        feed(session, data)
        assert [sorted(e) for e in told(session, "bad_channels")] == [
            ["F3"], ["F3", "P4"], ["P4"], []
        ]  # fmt: skip

    def test_what_the_profile_mends_is_no_fault(self) -> None:
        profile = make_profile(preprocessing=(Dropouts(),))
        predictions = feed(begin(profile), spoilt("dropout"))
        assert len(predictions) > 10
        assert not any(p.abstain for p in predictions)

    def test_the_profile_says_what_is_bad(self) -> None:
        data = spoilt("amplitude")
        wide = make_profile(preprocessing=(ArtefactMarks(amplitude=1.0),))
        assert not any(p.abstain for p in feed(begin(wide), data))
        assert any(p.abstain for p in feed(begin(wide, quality=ArtefactMarks()), data))

    @pytest.mark.parametrize("kind", KINDS)
    def test_not_for_a_channel_that_the_profile_drops(self, kind: str) -> None:
        others = make_profile(preprocessing=(Channels(["F3", "P3"]),))
        session = begin(others, quality=QUALITY)
        predictions = feed(session, spoilt(kind))
        assert len(predictions) > 10
        assert not any(p.abstain for p in predictions)
        assert {p.quality for p in predictions} == {1.0}
        assert not told(session, "bad_channels")

    def test_but_for_one_that_was_in_the_reference_of_the_others(self) -> None:
        others = make_profile(preprocessing=(Reference("average"), Channels(["F3", "P3"])))
        session = begin(others, quality=QUALITY)
        assert feed(session, spoilt("mains"))[-1].reason == "bad channels: F4 (mains)"

    def test_for_little_confidence(self) -> None:
        plain = feed(begin(), DATA)
        least = float(np.median([p.confidence for p in plain]))
        predictions = feed(begin(least_confidence=least), DATA)
        assert 0 < sum(p.abstain for p in predictions) < len(predictions)
        for p in predictions:
            assert p.abstain == (p.confidence < least)
            assert p.reason == (f"confidence below {least:g}" if p.abstain else "")
            assert bool(p.label) != p.abstain

    def test_for_a_model_that_gives_no_number(self) -> None:
        session = begin()
        feed(session, DATA[:, : 10 * N])

        class Broken:
            classes_ = np.array([0, 1])

            def predict_proba(self, X: Any) -> Any:
                return np.full((len(X), 2), np.nan)

        session.install(Broken())
        [p] = feed(session, DATA[:, 10 * N : 11 * N], np.arange(10 * N, 11 * N) / FS + 1000)
        assert (p.probabilities, p.confidence, p.label) == ((0.5, 0.5), 0.0, "")
        assert p.reason == "the model gave no number"

    def test_several_reasons_are_all_given(self) -> None:
        session = begin(least_confidence=2.0)
        p = feed(session, spoilt("flat"))[-1]
        assert p.reason == "bad channels: F4 (flat); confidence below 2"

    @pytest.mark.parametrize("mode", ["running", "every"])
    def test_abstentions_teach_nothing(self, mode: str) -> None:
        from eegtl.streaming import Adaptation

        session = begin(least_confidence=2.0, adaptation=Adaptation(mode, every=2))
        feed(session, DATA)
        assert session.request is None
        assert not session.adapted


class TestReplacing:
    def test_features_of_bad_channels_are_those_of_the_sources(self) -> None:
        profile = make_profile()
        data = spoilt("amplitude")
        predictions = feed(begin(bad_channels="replace"), data)
        X = profile.extractor.start(FS, NAMES, profile.passband).push(data)[0]
        X[6:, 2:4] = profile.mean[2:4]  # F4, theta and alpha
        np.testing.assert_array_equal(
            [p.probabilities for p in predictions],
            np.concatenate([profile.model.predict_proba(x[None]) for x in X]),
        )
        last = predictions[-1]
        assert (last.abstain, last.reason, last.quality) == (False, "replaced: F4", 0.75)
        assert last.label

    def test_or_those_of_the_calibration_until_a_reset(self) -> None:
        profile = make_profile()
        data = spoilt("flat")
        session = begin(bad_channels="replace", calibrate=5.0)
        out = feed(session, data[:, : 10 * N])
        session.adapt_now()
        stamps = 1000.0 + np.arange(data.shape[1]) / FS
        out += feed(session, data[:, 10 * N : 15 * N], stamps[10 * N : 15 * N])
        X = profile.extractor.start(FS, NAMES, profile.passband).push(data)[0]
        mended = X[6:11].copy()
        mended[:, 2:4] = X[:5, 2:4].mean(axis=0)
        expected = session.model.predict_proba(mended)
        np.testing.assert_allclose([p.probabilities for p in out], expected, rtol=1e-12)
        session.reset()
        session.install(profile.model)
        out = feed(session, data[:, 15 * N :], stamps[15 * N :])
        X = profile.extractor.start(FS, NAMES, profile.passband).push(data[:, 15 * N :])[0]
        mended = X.copy()
        mended[:, 2:4] = profile.mean[2:4]
        np.testing.assert_allclose(
            [p.probabilities for p in out], profile.model.predict_proba(mended), rtol=1e-12
        )

    def test_or_those_of_the_profile_s_day(self) -> None:
        profile = make_profile()
        rows = np.random.default_rng(0).standard_normal((9, len(profile.mean)))
        of_day = replace(profile, days=(Day("Monday", rows),), day="Monday")
        data = spoilt("flat")
        session = begin(of_day, bad_channels="replace")
        last = feed(session, data)[-1]
        X = profile.extractor.start(FS, NAMES, profile.passband).push(data)[0]
        mended = X[-1:].copy()
        mended[:, 2:4] = rows[:, 2:4].mean(axis=0)
        expected = profile.model.predict_proba(mended)[0]
        np.testing.assert_allclose(last.probabilities, expected, rtol=1e-12)

    @pytest.mark.parametrize(("n_bad", "abstains"), [(1, False), (2, True), (3, True)])
    def test_only_where_most_channels_are_good(self, n_bad: int, abstains: bool) -> None:
        data = DATA.copy()
        data[:n_bad, 10 * N :] *= 30
        last = feed(begin(bad_channels="replace"), data)[-1]
        assert last.abstain == abstains
        assert last.reason.startswith("bad channels: " if abstains else "replaced: ")

    @pytest.mark.parametrize(
        ("settings", "where"),
        [
            ({"preprocessing": (Reference("average"),)}, "behind reference"),
            ({"features": ("cov",)}, "in cov"),
            ({"features": ("de", "tangent")}, "in tangent"),
        ],
    )
    def test_is_refused_where_every_feature_has_a_part_of_every_channel(
        self, settings: Any, where: str
    ) -> None:
        profile = make_profile(**settings)
        text = f"cannot be replaced {where}, where they are in all channels; choose bad_channels"
        with pytest.raises(InputError, match=re.escape(text)):
            begin(profile, bad_channels="replace")
        begin(profile)

    def test_pairs_count_for_both_channels(self) -> None:
        profile = make_profile(features=("de", "dasm", "rasm", "dcau", "hjorth"))
        stream = profile.extractor.start(FS, NAMES, profile.passband)
        columns = _columns_of_channels(profile)
        for name in NAMES:
            named = [
                i
                for i, (_, channel, _) in enumerate(stream.column_names)
                if name in re.split("[-/]", channel)
            ]
            assert columns[name].tolist() == named
            assert {stream.column_names[i][0] for i in named} == {
                "de",
                "dasm",
                "rasm",
                "dcau",
                "hjorth",
            }

    def test_names_that_hold_the_signs_of_pairs(self) -> None:
        names = {"F3-M2", "F4-M1", "P3/A", "Cz"}
        assert _channels_in("F3-M2", names) == {"F3-M2"}
        assert _channels_in("F3-M2-F4-M1", names) == {"F3-M2", "F4-M1"}
        assert _channels_in("F3-M2~P3/A", names) == {"F3-M2", "P3/A"}
        assert _channels_in("P3/A/Cz", names) == {"P3/A", "Cz"}
        assert _channels_in("all", names) == names

    def test_bipolar_channels_are_replaced(self) -> None:
        names = ("F3-M2", "F4-M1", "P3-M2", "P4-M1")
        people = [
            make_noise_recording(
                moods(80.0, seed),
                names=names,
                subject=str(seed),
                file=f"{seed}.edf",
                trials=[(i, 10.0 * i, 10.0) for i in range(8)],
            )
            for seed in (1, 2, 3)
        ]
        profile = Profile.fit(z2_lda(), people, FeatureExtractor(bands=BANDS, window=1.0))
        data = spoilt("amplitude")
        X = profile.extractor.start(FS, profile.ch_names, profile.passband).push(data)[0]
        X[6:, 2:4] = profile.mean[2:4]
        predictions = feed(begin(profile, bad_channels="replace"), data)
        np.testing.assert_allclose(
            [p.probabilities for p in predictions], profile.model.predict_proba(X), rtol=1e-12
        )
