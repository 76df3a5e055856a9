"""Drift while live: told when the last minute leaves the calibration's range, and what is done."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from personalize.played_people import sources_of
from streaming.live_signals import FS, begin, feed, make_profile, moods, told

from eegtl.cli.event_words import in_words
from eegtl.errors import InputError
from eegtl.personalize import calibrate
from eegtl.streaming import Adaptation, Drift, OnlineSession
from eegtl.streaming.adaptation import following, knows_more_than_rows
from eegtl.streaming.drift import DriftWatch

CALM = moods(200.0, seed=3)


def drifting(rise: float = 3.0) -> np.ndarray:
    """The second half is larger: all entropies rise."""
    data = CALM.copy()
    data[:, data.shape[1] // 2 :] *= rise
    return data


def session(**settings: Any) -> OnlineSession:
    return begin(calibrate=20.0, **settings)


def run(live: OnlineSession, data: np.ndarray) -> None:
    for start in range(0, data.shape[1], 16 * 64):
        feed(
            live,
            data[:, start : start + 1024],
            1000.0 + np.arange(start, min(start + 1024, data.shape[1])) / FS,
        )
        live.adapt_now()


class TestTelling:
    def test_when_the_range_is_left_and_entered_again(self) -> None:
        data = np.hstack([drifting(), CALM])
        live = session(drift=Drift(limit=2.0))
        run(live, data)
        kinds = [e.event for e in live.events if e.event.startswith("drift")]
        assert kinds == ["drift", "drift_over"]
        [left] = told(live, "drift")
        assert left["distance"] > left["limit"] == 2.0
        when = next(e.sample for e in live.events if e.event == "drift") / FS
        assert 100 < when < 160

    def test_nothing_where_nothing_changes(self) -> None:
        live = session(drift=Drift(limit=2.0))
        run(live, CALM)
        assert told(live, "drift") == []

    @pytest.mark.parametrize("drift", [Drift(), Drift(limit=np.inf)])
    def test_nothing_without_a_limit(self, drift: Drift) -> None:
        """A profile of another origin knows of no limit."""
        live = session(drift=drift)
        run(live, drifting())
        assert told(live, "drift") == []

    def test_who_asks_for_a_reaction_is_told_that_nothing_is_watched(self) -> None:
        live = session(drift=Drift("ask"))
        run(live, drifting())
        assert told(live, "drift_unwatched") == [
            {"why": "no limit is known for such a calibration block"}
        ]
        assert in_words(next(e for e in live.events if e.event == "drift_unwatched")) == (
            "drift is not watched, since no limit is known for such a calibration block"
        )
        alone = begin(drift=Drift("ask", limit=2.0))
        run(alone, CALM)
        assert told(alone, "drift_unwatched") == [
            {"why": "there is no calibration block to compare with"}
        ]
        for watched in (Drift("ask", limit=2.0), Drift("tell")):
            live = session(drift=watched)
            run(live, CALM)
            assert told(live, "drift_unwatched") == []

    def test_asking_for_a_new_calibration(self) -> None:
        live = session(drift=Drift("ask", limit=2.0))
        run(live, drifting())
        assert len(told(live, "recalibrate")) == 1
        assert told(live, "follows") == []

    def test_following(self) -> None:
        live = session(drift=Drift("follow", limit=2.0))
        run(live, drifting())
        assert told(live, "follows") == [{"mode": "running"}]
        still = session(drift=Drift("tell", limit=2.0))
        run(still, drifting())
        assert live.model.n_target_windows_ > still.model.n_target_windows_ == 20

    def test_who_follows_already_goes_on(self) -> None:
        live = session(drift=Drift("follow", limit=2.0), adaptation=Adaptation("every", every=50))
        run(live, drifting())
        assert told(live, "follows") == []

    def test_a_reset_forgets_the_range(self) -> None:
        live = session(drift=Drift("follow", limit=2.0))
        run(live, drifting())
        live.reset()
        assert not live._drift.drifted
        assert live._rule.mode == "none"

    def test_settings(self) -> None:
        with pytest.raises(
            InputError, match="reaction must be one of tell, follow, ask; got 'cry'"
        ):
            Drift("cry")
        with pytest.raises(InputError, match="limit must be a positive number of spreads; got 0"):
            Drift(limit=0.0)


class TestProfile:
    def test_the_limit_and_the_range_are_the_profile_s(self) -> None:
        rows = np.random.default_rng(0).standard_normal((20, 6))
        made = calibrate(sources_of(), rows, day="Monday", kind="balanced")
        assert made.plan is not None
        limited = replace(
            made, plan=replace(made.plan, drift_limit=np.full_like(made.plan.drift_limit, 1.5))
        )
        watch = DriftWatch(limited, Drift())
        assert watch.limit == 1.5
        for _ in range(29):
            assert watch.take(rows.mean(axis=0) + 2 * rows.std(axis=0)) is None
        assert watch.take(rows.mean(axis=0) + 2 * rows.std(axis=0)) == pytest.approx(2.0, abs=0.1)
        assert watch.drifted
        assert np.isnan(DriftWatch(make_profile(), Drift()).limit)

    def test_short_blocks_and_blocks_of_one_state_have_limits_of_their_own(self) -> None:
        plan = sources_of().plan
        rows = np.random.default_rng(0).standard_normal((60, 6))
        kinds = {"balanced": (10, 20), "only rest": (5, 10, 20)}
        seen = set()
        for kind, sizes in kinds.items():
            for n in sizes:
                watch = DriftWatch(calibrate(sources_of(), rows[:n], kind=kind), Drift())
                own = plan.drift_limit[plan.kinds.index(kind), plan.lengths.index(2.0 * n)]
                assert watch.limit == own
                seen.add(own)
                watch.refer(rows)  # unknown content, longer than any that was tried
                assert watch.limit == plan.drift_limit[plan.kinds.index("first"), -1]
        assert len(seen) == 5
        too_short = DriftWatch(calibrate(sources_of(), rows[:2], kind="only rest"), Drift())
        assert np.isnan(too_short.limit)


class TestModelsThatKnowMore:
    """Live rows of all kinds must not take the place of a block whose state was known."""

    @pytest.mark.parametrize("kind", ["only rest", "labelled"])
    def test_they_do_not_follow(self, kind: str) -> None:
        rng = np.random.default_rng(0)
        rows = rng.standard_normal((20, 6))
        if kind == "labelled":
            model = sources_of().models["z2 + labels"]
            labels = np.array(["rest", "task"] * 10)
            model = deepcopy(model).adapt(X_calib=rows, y_calib=labels)
        else:
            model = calibrate(sources_of(), rows, kind=kind).model
        assert knows_more_than_rows(model)
        assert following(model, Adaptation()) is None

    def test_others_do(self) -> None:
        model = deepcopy(sources_of().models["z2"]).adapt(np.eye(6))
        rule = following(model, Adaptation())
        assert rule is not None
        assert rule.mode == "running"

    def test_after_a_reset_the_profile_s_day_is_the_range_again(self) -> None:
        rows = np.random.default_rng(0).standard_normal((20, 6))
        watch = DriftWatch(calibrate(sources_of(), rows, kind="balanced"), Drift(limit=1.0))
        watch.refer(rows + 50.0)
        watch.refer_to_day()
        far = [watch.take(row + 9.0) for row in np.vstack([rows, rows])]
        assert any(distance is not None for distance in far)
