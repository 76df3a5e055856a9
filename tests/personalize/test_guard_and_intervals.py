"""The guard's limits, learnt without the person they are for; intervals for one new person."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eegtl.errors import InputError
from eegtl.personalize.guard import (
    EVIDENCE,
    Guard,
    evidence_of,
    guard_from_tree,
    guard_to_tree,
    learn_guard,
)
from eegtl.personalize.intervals import expectation, mean_over_people, prediction_interval
from eegtl.personalize.session_drift import block_scale, distance_from_block, drift_limit


class Says:
    """A classifier that says what it was given."""

    def __init__(self, p: Any) -> None:
        self.p = np.asarray(p, dtype=float)

    def predict_proba(self, X: Any) -> Any:
        return self.p


def test_evidence_by_hand() -> None:
    safe = Says([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])
    adapted = Says([[1.0, 0.0], [0.5, 0.5], [1.0, 0.0], [0.9, 0.1]])
    X = np.array([[3.0, 5.0]] * 4)
    told = evidence_of(safe, adapted, X, np.array([1.0, 5.0]), np.array([2.0, 0.0]), [0.5, 0.5])
    entropy = (np.log(2) - 0.9 * np.log(0.9) - 0.1 * np.log(0.1)) / 4 / np.log(2)
    expected = {
        "skew": 0.85 - 0.5,
        "distance": np.sqrt(0.5),
        "disagreement": 0.25,
        "entropy": entropy,
    }
    assert dict(zip(EVIDENCE, told, strict=True)) == pytest.approx(expected)


class TestLearning:
    def cases(self, n_people: int = 12, seed: int = 0) -> tuple[Any, ...]:
        rng = np.random.default_rng(seed)
        people = np.repeat(np.arange(n_people), 6)
        evidence = rng.random((len(people), 4))
        safe = np.full(len(people), 0.6)
        adapted = np.where(evidence[:, 2] > 0.7, 0.4, 0.75) + 0.02 * rng.standard_normal(
            len(people)
        )
        return evidence, adapted, safe, people

    def test_what_tells_is_found(self) -> None:
        guard = learn_guard(*self.cases())
        assert guard.evidence == "disagreement"
        assert 0.6 < guard.limit < 0.75
        assert guard.gain > 0.02
        assert guard.fires(np.array([0.0, 0.0, 0.9, 0.0]))
        assert not guard.fires(np.array([9.0, 9.0, 0.1, 9.0]))
        assert "disagree on 90% of the block, more than the limit" in guard.words(
            np.array([0.0, 0.0, 0.9, 0.0])
        )

    def test_noise_makes_no_guard(self) -> None:
        rng = np.random.default_rng(1)
        fired = 0
        for seed in range(20):
            evidence, _, safe, people = self.cases(seed=seed)
            adapted = 0.6 + 0.1 * rng.standard_normal(len(people))
            fired += bool(learn_guard(evidence, adapted, safe, people).evidence)
        assert fired <= 4

    def test_where_adapting_never_hurts_nothing_is_held_back(self) -> None:
        evidence, _, safe, people = self.cases()
        guard = learn_guard(evidence, safe + 0.1, safe, people)
        assert guard.evidence == ""
        assert not guard.fires(evidence[0])
        assert "nothing is held back" in guard.words(evidence[0])

    @pytest.mark.parametrize("n_people", [1, 2])
    def test_few_people_make_none(self, n_people: int) -> None:
        assert learn_guard(*self.cases(n_people)) == Guard(n_people=n_people)

    def test_cases_without_a_score_do_not_count(self) -> None:
        evidence, adapted, safe, people = self.cases()
        more = (
            np.vstack([evidence, np.full((6, 4), np.nan)]),
            np.append(adapted, [np.nan] * 6),
            np.append(safe, [0.6] * 6),
            np.append(people, [99] * 6),
        )
        assert learn_guard(*more) == learn_guard(evidence, adapted, safe, people)

    @given(order=st.permutations(range(72)))
    @settings(max_examples=20, deadline=None)
    def test_the_order_of_cases_does_not_matter(self, order: list[int]) -> None:
        evidence, adapted, safe, people = self.cases()
        one = learn_guard(evidence, adapted, safe, people)
        other = learn_guard(evidence[order], adapted[order], safe[order], people[order])
        assert (one.evidence, one.limit) == (other.evidence, other.limit)
        assert one.gain == pytest.approx(other.gain)

    def test_round_trip(self) -> None:
        guard = learn_guard(*self.cases())
        assert guard_from_tree(guard_to_tree(guard)) == guard
        with pytest.raises(ValueError, match="'x' is no evidence"):
            guard_from_tree({**guard_to_tree(guard), "evidence": "x"})


class TestIntervals:
    def test_against_scipy(self) -> None:
        scores = np.array([0.5, 0.62, 0.7, 0.66, 0.58])
        half = stats.t.ppf(0.9, 4) * scores.std(ddof=1) * np.sqrt(1.2)
        low, high = prediction_interval(scores)
        assert (low, high) == pytest.approx((scores.mean() - half, scores.mean() + half))

    def test_they_hold_the_next_person_as_often_as_they_say(self) -> None:
        rng = np.random.default_rng(0)
        held = 0
        for _ in range(2000):
            scores = 0.6 + 0.05 * rng.standard_normal(9)
            low, high = prediction_interval(scores[:8])
            held += low <= scores[8] <= high
        assert held / 2000 == pytest.approx(0.8, abs=0.03)

    def test_a_single_sitting_of_the_next_person_as_often_as_they_say(self) -> None:
        """People with one to four sittings: what a wearer gets is one."""
        rng = np.random.default_rng(0)
        people = np.repeat(np.arange(9), [1, 2, 3, 4, 3, 3, 2, 4, 1])
        held, of_means = 0, 0
        for _ in range(2000):
            own = 0.03 * rng.standard_normal(9)
            scores = 0.6 + own[people] + 0.06 * rng.standard_normal(len(people))
            low, high = prediction_interval(scores[:-1], people=people[:-1])
            held += low <= scores[-1] <= high
            low, high = prediction_interval(mean_over_people(scores[:-1], people[:-1]))
            of_means += low <= scores[-1] <= high
        assert held / 2000 == pytest.approx(0.8, abs=0.04)
        assert of_means / 2000 < 0.72  # what comes of taking means for sittings

    def test_each_person_counts_once(self) -> None:
        found = expectation([0.9, 0.9, 0.9, 0.5, 0.6], people=[0, 0, 0, 1, 2])
        assert found.mean == pytest.approx(2 / 3)
        assert found.n_people == 3

    def test_within_what_is_possible(self) -> None:
        assert prediction_interval([0.1, 0.9]) == (0.0, 1.0)
        assert prediction_interval([0.7]) == (0.0, 1.0)
        assert prediction_interval([0.7, 0.7, 0.7]) == pytest.approx((0.7, 0.7))

    def test_coverage_leaves_each_out(self) -> None:
        found = expectation([0.5, 0.52, 0.51, 0.49, 0.95])
        assert found.coverage == 0.8
        assert found.n_people == 5
        assert str(found).startswith("59 % (")
        assert np.isnan(expectation([0.5]).coverage)

    @pytest.mark.parametrize("scores", [[], [np.nan, 0.5]])
    def test_no_scores(self, scores: list[float]) -> None:
        with pytest.raises(InputError, match="an interval needs finite scores of people"):
            prediction_interval(scores)
        with pytest.raises(InputError, match="level must lie between 0 and 1; got 1"):
            prediction_interval([0.5, 0.6], level=1)


class TestSessionDrift:
    def test_a_known_shift(self) -> None:
        rng = np.random.default_rng(0)
        block = rng.standard_normal((4000, 3))
        mean, spread = block_scale(block, np.ones(3))
        recent = rng.standard_normal((4000, 3)) + np.array([2.0, 0.0, 0.0])
        assert distance_from_block(recent, mean, spread) == pytest.approx(2 / np.sqrt(3), abs=0.05)

    def test_scale_does_not_matter(self) -> None:
        rng = np.random.default_rng(0)
        block, recent = rng.standard_normal((2, 30, 3))
        scale = np.array([1.0, 50.0, 1e-3])
        one = distance_from_block(recent, *block_scale(block, np.ones(3)))
        other = distance_from_block(recent * scale, *block_scale(block * scale, scale))
        assert one == pytest.approx(other)

    def test_equal_rows_have_the_usual_spread(self) -> None:
        mean, spread = block_scale(np.ones((5, 2)), np.array([2.0, 0.0]))
        assert spread.tolist() == [0.4, 1.0]
        assert mean.tolist() == [1.0, 1.0]

    def test_the_limit_is_what_most_never_reach(self) -> None:
        rng = np.random.default_rng(0)
        sittings = [rng.standard_normal((2, 60, 4)) for _ in range(40)]
        limit = drift_limit(sittings, 20, np.ones(4))
        reached = 0
        for block, later in sittings:
            mean, spread = block_scale(block, np.ones(4))
            far = max(distance_from_block(later[i : i + 20], mean, spread) for i in range(41))
            reached += far > limit
        assert reached == 4
        assert np.isnan(drift_limit(sittings[:2], 20, np.ones(4)))
        assert np.isnan(drift_limit(sittings, 61, np.ones(4)))
