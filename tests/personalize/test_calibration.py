"""What a wearer gets: each kind of block, the guard, the next day, and the way back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from personalize.played_people import EXTRACTOR, people, sources_of

from eegtl.errors import CalibrationError
from eegtl.personalize import Profile, SourceFile, calibrate, roll_back, update
from eegtl.personalize.candidates import SAFE
from eegtl.personalize.guard import Guard
from eegtl.transfer.state import to_state

X, META = people(9)
OWN = (META["subject"] == "n8").to_numpy()
X, Y = X[OWN], META["label"].to_numpy()[OWN].astype(str)
BALANCED = np.r_[0:5, 15:20]  # rest, task


def last(profile: Profile) -> dict[str, Any]:
    return dict(profile.history[-1])


def rows_equal(one: Profile, other: Profile) -> None:
    np.testing.assert_array_equal(one.model.predict_proba(X), other.model.predict_proba(X))


class TestOutcomes:
    def test_nothing_of_the_wearer(self) -> None:
        made = calibrate(sources_of())
        entry = last(made)
        assert (entry["candidate"], entry["information"], entry["seconds"]) == (
            SAFE, "inductive", 0.0
        )  # fmt: skip
        np.testing.assert_array_equal(
            made.model.predict_proba(X), sources_of().models[SAFE].predict_proba(X)
        )
        assert made.days[-1].X.shape == (0, 6)

    def test_a_block_without_labels(self) -> None:
        made = calibrate(sources_of(), X[:10], day="Monday")
        entry = last(made)
        assert (entry["n_windows"], entry["seconds"], entry["day"]) == (10, 20.0, "Monday")
        assert entry["information"] in ("inductive", "unlabelled")
        assert 0 <= entry["expected"]["low"] <= entry["expected"]["mean"]
        assert entry["reasons"]
        assert made.day == "Monday"

    def test_the_model_is_the_one_adapted_by_hand(self) -> None:
        sources = sources_of()
        made = calibrate(sources, X[BALANCED], kind="balanced")
        name = last(made)["candidate"]
        assert name != SAFE
        assert sources.plan.sees[sources.plan.names.index(name)] == "unlabelled"
        fresh = sources_of().models[name].adapt(X[BALANCED])
        np.testing.assert_array_equal(made.model.predict_proba(X), fresh.predict_proba(X))
        sources_of().models[name].adapt()

    def test_one_state(self) -> None:
        made = calibrate(sources_of(), X[:10], kind="only rest")
        assert last(made)["candidate"] in ("mix known", "matched baseline")
        accuracy = np.mean(made.model.predict(X) == Y)
        assert accuracy > np.mean(calibrate(sources_of()).model.predict(X) == Y)

    def test_labels_say_which_block_it_is(self) -> None:
        assert last(calibrate(sources_of(), X[:10], Y[:10]))["kind"] == "only rest"
        both = last(calibrate(sources_of(), X[BALANCED], Y[BALANCED]))
        assert (both["kind"], both["labelled"]) == ("balanced", True)
        skewed = np.r_[0:9, 15]
        assert last(calibrate(sources_of(), X[skewed], Y[skewed]))["kind"] == "first"

    def test_labels_of_text_stand_for_numbers(self) -> None:
        sources = sources_of((0, 1))
        made = calibrate(sources, X[BALANCED], [("0", "1")[y == "task"] for y in Y[BALANCED]])
        assert made.days[-1].y is not None
        assert made.days[-1].y.dtype.kind == "i"

    @pytest.mark.parametrize("n", [1, 2, 4])
    def test_a_block_shorter_than_any_tried_changes_nothing(self, n: int) -> None:
        made = calibrate(sources_of(), X[:n])
        assert last(made)["candidate"] == SAFE
        assert "shorter than any that was tried" in last(made)["reasons"][0]

    def test_the_guard_holds_back(self) -> None:
        sources = sources_of()
        name = last(calibrate(sources, X[BALANCED], kind="balanced"))["candidate"]
        for limit, fires in ((-1.0, True), (1e9, False)):
            guards = {**sources.plan.guards, name: Guard("distance", limit, 0.1, 8)}
            plan = replace(sources.plan, guards=guards)
            scores = plan.scores.copy()
            if fires:  # the candidate is still the best on average, guard or not
                scores[plan.names.index(SAFE)] += 0.01
                scores[[i for i, n in enumerate(plan.names) if n not in (SAFE, name)]] -= 0.5
            made = calibrate(
                replace(sources, plan=replace(plan, scores=scores)), X[BALANCED], kind="balanced"
            )
            entry = last(made)
            if fires:
                assert entry["candidate"] == SAFE
            else:
                assert (entry["candidate"], entry["guarded"]) == (name, False)
                assert "guard: the block lies" in entry["reasons"][-1]

    def test_sources_stay_as_they_are(self) -> None:
        sources = sources_of()
        before = {name: repr(to_state(model)) for name, model in sources.models.items()}
        calibrate(sources, X[:10], kind="only rest")
        calibrate(sources, X[BALANCED], Y[BALANCED])
        assert {name: repr(to_state(model)) for name, model in sources.models.items()} == before

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"X": X[:, :4]}, r"the shape \(60, 4\); the sources have 6 features"),
            ({"X": X[:0]}, "has no good window; check the electrodes"),
            ({"X": np.full((9, 6), np.nan)}, "holds what is no number"),
            ({"X": X[:9], "y": ["rest"]}, "there are 1 labels for 9 windows"),
            ({"X": X[:9], "y": ["sad"] * 9}, "the labels sad, which no source has; the sources"),
            ({"X": X[:9], "kind": "only sad"}, r"cannot be 'only sad'; it may be: 'first', 'bal"),
        ],
    )
    def test_what_is_refused(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(CalibrationError, match=message):
            calibrate(sources_of(), **given)


class TestDays:
    def monday(self) -> Profile:
        return calibrate(sources_of(), X[BALANCED], day="Monday", kind="balanced")

    def test_a_new_day_needs_no_sources_and_keeps_the_last(self, tmp_path: Path) -> None:
        monday = self.monday()
        path = monday.save(tmp_path / "anna.eegtl")
        tuesday = update(Profile.load(path), X[30:50] + 0.5, day="Tuesday", kind="balanced")
        entry = last(tuesday)
        assert [day.name for day in tuesday.days] == ["Monday", "Tuesday"]
        assert entry["drift"]["since"] == "Monday"
        assert entry["drift"]["value"] > 0
        name = entry["candidate"]
        fresh = sources_of().models[name].adapt(X[30:50] + 0.5)
        np.testing.assert_array_equal(tuesday.model.predict_proba(X), fresh.predict_proba(X))
        sources_of().models[name].adapt()
        np.testing.assert_array_equal(tuesday.days[0].X, X[BALANCED])

    def test_the_way_back_is_exact(self, tmp_path: Path) -> None:
        monday = self.monday()
        days = monday
        for number, day in enumerate(("Tuesday", "Wednesday", "Thursday")):
            days = update(days, X[10 * number : 10 * number + 12], day=day)
            days = Profile.load(days.save(tmp_path / f"{number}.eegtl"))
        back = roll_back(days, "Monday")
        rows_equal(back, monday)
        assert back.day == "Monday"
        assert [day.name for day in back.days] == ["Monday", "Tuesday", "Wednesday", "Thursday"]
        assert last(back)["rolled_back_to"] == "Monday"
        rows_equal(roll_back(back, "Thursday"), days)

    def test_what_is_refused(self) -> None:
        monday = self.monday()
        with pytest.raises(CalibrationError, match="has a day 'Monday' already"):
            update(monday, X[:10], day="Monday")
        with pytest.raises(
            CalibrationError, match="no day 'Sunday' in the profile; its days are: Mo"
        ):
            roll_back(monday, "Sunday")
        with pytest.raises(CalibrationError, match="was not made by 'eegtl calibrate'"):
            update(replace(monday, plan=None), X[:10], day="Tuesday")


class TestFiles:
    def test_sources_come_back(self, tmp_path: Path) -> None:
        sources = sources_of()
        path = sources.save(tmp_path / "x.eegsrc")
        again = SourceFile.load(path)
        assert again.fingerprint == sources.fingerprint
        for name, model in sources.models.items():
            np.testing.assert_array_equal(
                again.models[name].predict_proba(X), model.predict_proba(X)
            )
        assert again.labels == ("rest", "task")
        rows_equal(
            calibrate(again, X[BALANCED], kind="balanced"),
            calibrate(sources, X[BALANCED], kind="balanced"),
        )

    def test_of_the_size_of_seed(self, tmp_path: Path) -> None:
        """310 features, three classes, 60 s of windows: a profile under 5 MB."""
        from personalize.played_people import LENGTHS, WINDOW

        from eegtl.personalize.candidates import named_candidates
        from eegtl.personalize.play import make_plan

        rng = np.random.default_rng(0)
        small, meta = people(4, ("a", "b", "c"), n_windows=40)
        wide = small @ rng.standard_normal((6, 310)) + rng.standard_normal((len(small), 310))
        chosen = named_candidates(["z2"])
        plan, models = make_plan(wide, meta, WINDOW, chosen, LENGTHS[:1])
        sources = SourceFile(
            EXTRACTOR, 128.0, ("F3",), None, wide.mean(axis=0), wide.std(axis=0), models, plan
        )
        path = sources.save(tmp_path / "x.eegsrc")
        sources = SourceFile.load(path)
        begun = time.perf_counter()
        made = calibrate(sources, wide[:30], kind="balanced")
        kept = made.save(tmp_path / "x.eegtl")
        print(f"{path.stat().st_size} B, {kept.stat().st_size} B, {time.perf_counter() - begun} s")
        assert last(made)["candidate"] != SAFE
        assert kept.stat().st_size < 5e6


class TestWhatIsKept:
    """Days in a row that end in the others' model lose no model of an earlier day."""

    @pytest.mark.parametrize("kind", ["balanced", "only rest"])
    def test_poor_days_between(self, kind: str) -> None:
        rows = X[BALANCED] if kind == "balanced" else X[:10]
        monday = calibrate(sources_of(), rows, day="Monday", kind=kind)
        assert last(monday)["candidate"] != SAFE
        days = monday
        for day in ("Tuesday", "Wednesday", "Thursday"):
            days = update(days, X[:2], day=day)
            assert last(days)["candidate"] == SAFE
        rows_equal(roll_back(days, "Monday"), monday)

    def test_a_profile_begun_with_nothing_learns_later(self) -> None:
        later = update(calibrate(sources_of()), X[BALANCED], day="Tuesday", kind="balanced")
        assert last(later)["candidate"] != SAFE

    def test_labels_come_after_a_day_without(self) -> None:
        first = calibrate(sources_of(), X[BALANCED], day="Monday", kind="balanced")
        second = update(first, X[BALANCED], Y[BALANCED], day="Tuesday")
        assert second.days[-1].y is not None
        assert "z2 + labels" in {second.name, *second.others}

    def test_the_guard_fires_on_a_wearer_far_from_all(self) -> None:
        sources = sources_of()
        name = last(calibrate(sources, X[BALANCED], kind="balanced"))["candidate"]
        guards = {**sources.plan.guards, name: Guard("distance", 50.0, 0.1, 8)}
        guarded = replace(sources, plan=replace(sources.plan, guards=guards))
        entry = last(calibrate(guarded, X[BALANCED] + 1000.0, kind="balanced"))
        assert (entry["candidate"], entry["guarded"]) == (SAFE, True)
        assert (
            "more than the limit learnt on 8 source people, so that source-only"
            in (entry["reasons"][-1])
        )
        assert not last(calibrate(guarded, X[BALANCED], kind="balanced"))["guarded"]
