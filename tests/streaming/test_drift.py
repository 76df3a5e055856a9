"""Drift while live: told when it lasts, and what is done then."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from personalize.played_people import EXTRACTOR, sources_of
from scipy.signal import lfilter
from streaming.live_signals import FS, begin, feed, make_profile, moods, told

from eegtl.cli.event_words import in_words
from eegtl.errors import InputError
from eegtl.features import FeatureExtractor
from eegtl.personalize import calibrate
from eegtl.personalize.session_drift import block_scale, distances_from_block, drift_limit
from eegtl.streaming import Adaptation, Drift, OnlineSession
from eegtl.streaming.adaptation import following, knows_more_than_rows
from eegtl.streaming.drift import _MARGIN, MINUTES, DriftWatch

CALM = moods(140.0, seed=3)
#: A minute of these tests: one mood and the other.
SHORT = 20.0


@pytest.fixture
def short_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sessions be short."""
    monkeypatch.setattr("eegtl.streaming.drift.SPAN", SHORT)


def drifting(rise: float = 3.0) -> np.ndarray:
    """From 60 s on it is larger: all entropies rise."""
    data = CALM.copy()
    data[:, round(60 * FS) :] *= rise
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


def wandering(rng: np.random.Generator, *shape: int, rho: float = 0.9) -> np.ndarray:
    """Rows of 1 s that remember some ten seconds, and never change."""
    noise = rng.standard_normal((*shape, 30))
    noise[..., 1:, :] *= np.sqrt(1 - rho**2)
    return np.asarray(lfilter([1.0], [1.0, -rho], noise, axis=-2))


def alarm_rates(rng: np.random.Generator, *rules: tuple[int, float]) -> list[float]:
    """Share of sessions of two hours in which so many minutes lie beyond so many limits.

    Limits are learnt from two minutes of 17 people; nothing ever changes.
    """
    alarms = []
    for _ in range(25):
        sittings = [(x[:30], x[30:]) for x in wandering(rng, 17, 120)]
        limit = drift_limit(sittings, 60, np.ones(30))
        for rows in wandering(rng, 4, 7200):
            scale = block_scale(rows[:30], np.ones(30))
            far = distances_from_block(rows[30:], 60, scale) / limit
            n = len(far) - 60 * max(minutes for minutes, _ in rules)
            alarms.append(
                [
                    np.any(np.all([far[60 * k :][:n] > least for k in range(minutes)], axis=0))
                    for minutes, least in rules
                ]
            )
    return np.mean(alarms, axis=0).tolist()


def watch_of(limit: float, *, rule: Drift | None = None) -> DriftWatch:
    """Watch rows of 1 s, with a limit that the profile knows."""
    made = calibrate(sources_of(), np.eye(6))
    assert made.plan is not None
    limits = np.full_like(made.plan.drift_limit, limit)
    extractor = FeatureExtractor(bands=EXTRACTOR.bands, window=1.0)
    plan = replace(made.plan, drift_limit=limits)
    return DriftWatch(replace(made, sd=np.ones(6), extractor=extractor, plan=plan), rule or Drift())


class TestSustained:
    def test_what_does_not_change_does_not_alarm(self) -> None:
        """Neither three minutes nor the margin would be enough without the other."""
        once, lasting, far, rule = alarm_rates(
            np.random.default_rng(0), (1, 1.0), (MINUTES, 1.0), (1, _MARGIN), (MINUTES, _MARGIN)
        )
        assert once > 0.7
        assert min(lasting, far) > 0.15
        assert rule < 0.05

    def test_each_of_three_minutes_lies_beyond_the_limit(self) -> None:
        """What changes at once is told after three minutes, and over within one."""
        watch = watch_of(1.0, rule=Drift(limit=1.5))
        block = np.tile([[-1.0], [1.0]], (15, 6))
        watch.refer(block)
        for k in range(300):
            assert watch.take(block[k % 2]) is None
        beyond = [watch.take(block[k % 2] + 2.0) for k in range(300)]
        [when] = [k for k, distance in enumerate(beyond) if distance is not None]
        # of the first of three minutes three quarters are enough
        assert 120 + 45 <= when <= 120 + 47
        assert beyond[when] == pytest.approx(2.0)
        assert watch.drifted
        back = [watch.take(block[k % 2]) for k in range(180)]
        [when] = [k for k, distance in enumerate(back) if distance is not None]
        assert 0.9 < (back[when] or 0.0) < 0.8 * 1.5
        assert when < 60
        assert not watch.drifted

    def test_a_minute_in_range_begins_it_anew(self) -> None:
        watch = watch_of(1.0, rule=Drift(limit=1.5))
        block = np.tile([[-1.0], [1.0]], (15, 6))
        watch.refer(block)
        for _ in range(5):
            for far in (2.0, 2.0, 0.0):
                assert {watch.take(block[k % 2] + far) for k in range(60)} == {None}

    def test_rows_that_are_no_numbers_are_left_out(self) -> None:
        watch = watch_of(1.0, rule=Drift(limit=1.5))
        watch.refer(np.tile([[-1.0], [1.0]], (15, 6)))
        for _ in range(59):
            assert watch.take(np.full(6, -np.inf)) is None
        told_at = [k for k in range(180) if watch.take(np.full(6, 2.0)) is not None]
        assert told_at == [179]


@pytest.mark.usefixtures("short_minutes")
class TestTelling:
    def test_when_the_range_is_left(self) -> None:
        live = session(drift=Drift(limit=2.0))
        run(live, drifting())
        assert [e.event for e in live.events if e.event.startswith("drift")] == ["drift"]
        [left] = told(live, "drift")
        assert left["distance"] > left["limit"] == 2.0
        when = next(e.sample for e in live.events if e.event == "drift") / FS
        assert 60 + 2 * SHORT < when <= 60 + 3 * SHORT
        assert in_words(next(e for e in live.events if e.event == "drift")).startswith(
            "the signal has left the calibration's range for minutes ("
        )

    def test_models_that_are_unsure_are_watched(self) -> None:
        """Just drift makes them unsure; they follow nothing all the same."""
        live = session(drift=Drift("follow", limit=2.0), least_confidence=2.0)
        run(live, drifting())
        assert len(told(live, "drift")) == len(told(live, "follows")) == 1
        assert live.model.n_target_windows_ == 20

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
            made, plan=replace(made.plan, drift_limit=np.full_like(made.plan.drift_limit, 1.2))
        )
        watch = DriftWatch(limited, Drift())
        assert watch.limit == 1.5  # a quarter more
        for _ in range(89):
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
                assert watch.limit == 1.25 * own
                seen.add(own)
                watch.refer(rows)  # unknown content, longer than any that was tried
                assert watch.limit == 1.25 * plan.drift_limit[plan.kinds.index("first"), -1]
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


def test_after_a_reset_the_profile_s_day_is_the_range_again() -> None:
    rows = np.random.default_rng(0).standard_normal((20, 6))
    watch = DriftWatch(calibrate(sources_of(), rows, kind="balanced"), Drift(limit=1.0))
    watch.refer(rows + 50.0)
    watch.refer_to_day()
    far = [watch.take(row + 9.0) for row in np.tile(rows, (5, 1))]
    assert any(distance is not None for distance in far)
