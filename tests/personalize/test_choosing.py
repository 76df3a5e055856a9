"""Choosing among candidates: on the same people and rows, and without believing the best."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from personalize.played_people import WINDOW, people, plan_and_models, sources_of

from eegtl.errors import CalibrationError, InputError
from eegtl.personalize import calibrate
from eegtl.personalize.candidates import CANDIDATES, SAFE, Candidate, named_candidates
from eegtl.personalize.choosing import choose, longer_block, with_nested
from eegtl.personalize.guard import EVIDENCE, Guard, learn_guards
from eegtl.personalize.intervals import mean_over_people
from eegtl.personalize.plan import Plan
from eegtl.personalize.play import make_plan
from eegtl.personalize.session_drift import block_scale, distance_from_block
from eegtl.personalize.trial_blocks import person_blocks
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline

SEES = ("inductive", "unlabelled", "unlabelled", "unlabelled", "labelled")
NAMES = (SAFE, "a", "b", "c", "l")


def plan_of(
    scores: np.ndarray, safe: np.ndarray | None = None, people: Any = None, **changes: Any
) -> Plan:
    """Make a plan of one kind and up to two lengths; axes: candidate, length, sitting."""
    scores = np.asarray(scores, dtype=float)[:, None]
    safe = np.broadcast_to(scores[:1], scores.shape) if safe is None else safe[:, None]
    n, n_lengths, n_sittings = len(scores), *scores.shape[2:]
    evidence = np.zeros((*scores.shape, len(EVIDENCE)))
    unset = np.full((2, *scores.shape[1:]), np.nan)
    nothing = np.full((1, n_lengths), np.nan)
    plan = Plan(
        names=NAMES[:n],
        sees=SEES[:n],
        words=NAMES[:n],
        kinds=("first",),
        lengths=(10.0, 20.0)[:n_lengths],
        covered=np.array([[10.0, 20.0]])[:, :n_lengths],
        people=np.arange(n_sittings) if people is None else np.asarray(people),
        scores=scores,
        safe=np.where(np.isfinite(scores), safe, np.nan),
        evidence=evidence,
        guards={},
        nested=unset,
        nested_gain=unset,
        mean=np.zeros(3),
        spread=np.ones(3),
        prior=np.array([0.5, 0.5]),
        usual_drift=nothing,
        drift_limit=nothing,
    )
    plan = replace(plan, **changes)
    if not plan.guards:
        given = (plan.names, plan.sees, plan.evidence, plan.scores, plan.safe, plan.people)
        plan = replace(plan, guards=learn_guards(*given))
    return with_nested(plan)


def gains_of(plan: Plan, **options: Any) -> dict[str, float]:
    """Give the mean gain of each candidate over people."""
    found = plan.gains(0, labelled=False, **options)
    return {name: mean_over_people(gain, plan.people).mean() for name, gain in found.items()}


class TestPairs:
    def test_an_easy_half_of_the_people_makes_no_candidate_better(self) -> None:
        """b has scores of the people for whom everything works, and loses there."""
        easy = np.array([0.9, 0.9, 0.9, 0.5, 0.5, 0.5])
        b = np.where(easy > 0.8, 0.85, np.nan)
        plan = plan_of(np.array([[easy], [easy + 0.02], [b]]))
        assert gains_of(plan) == pytest.approx({SAFE: 0.0, "a": 0.02, "b": -0.05})
        choice = choose(plan, 10.0, labelled=False, among=plan.names)
        assert choice.name == "a"
        assert choice.reasons == (
            "a (a) did best on 6 source people with 10 s: source-only 70 %; against it on the same "
            "rows a +2.0, b -5.0 points",
        )

    def test_too_few_people_make_no_candidate(self) -> None:
        rows = np.full(6, 0.5)
        few = np.array([0.9, 0.9, np.nan, np.nan, np.nan, np.nan])
        assert set(gains_of(plan_of(np.array([[rows], [few]])))) == {SAFE}
        half = np.array([0.9, 0.9, 0.9, np.nan, np.nan, np.nan])
        assert gains_of(plan_of(np.array([[rows], [half]])))["a"] == pytest.approx(0.4)

    def test_labels_are_compared_on_the_rows_that_they_leave(self) -> None:
        """On harder rows less is found by everybody; the gain is what counts."""
        safe = np.full((5, 1, 6), 0.7)
        scores = safe.copy()
        scores[1] = 0.72
        safe[4], scores[4] = 0.5, 0.6
        plan = plan_of(scores, safe)
        assert choose(plan, 10.0, labelled=True).name == "l"
        assert choose(plan, 10.0, labelled=False).name == "a"

    def test_lengths_that_few_have_are_not_used(self) -> None:
        scores = np.full((2, 2, 6), 0.6)
        scores[:, 1, 2:] = np.nan
        plan = plan_of(scores)
        assert plan.places() == [0]
        assert plan.place(60.0) == 0

    def test_each_person_counts_once(self) -> None:
        """Five sittings of one person, for whom a is good, are no five people."""
        scores = np.full((2, 1, 9), 0.5)
        scores[1, 0] = [0.9] * 5 + [0.45] * 4
        plan = plan_of(scores, people=[0] * 5 + [1, 2, 3, 4])
        assert gains_of(plan)["a"] == pytest.approx((0.4 - 4 * 0.05) / 5)
        assert plan.n_people == 5
        assert plan.worth_keeping() == (SAFE, "a")

    def test_of_equal_ones_the_safer(self) -> None:
        assert choose(plan_of(np.full((3, 1, 6), 0.6)), 10.0, labelled=False).name == SAFE


class TestNested:
    def test_the_best_of_equals_is_not_believed(self) -> None:
        """Of candidates alike but for chance the best looks better than a new person gets."""
        rng = np.random.default_rng(0)
        best, nested = [], []
        for _ in range(200):
            scores = 0.5 + 0.1 * rng.standard_normal((4, 1, 8))
            plan = plan_of(scores, sees=SEES[:1] * 4)  # without guards, which choose once more
            best.append(max(plan.scores.mean(axis=-1).ravel()))
            nested.append(plan.nested[0].mean())
        assert np.mean(best) > 0.53
        assert np.mean(nested) == pytest.approx(0.5, abs=3 * 0.1 / np.sqrt(200 * 8))

    def test_what_is_printed_is_not_too_good_either(self) -> None:
        """Neither where a candidate is chosen, nor where choosing is given up."""
        rng = np.random.default_rng(1)
        printed, got = [], []
        for _ in range(300):
            scores = 0.5 + 0.1 * rng.standard_normal((4, 1, 9))
            plan = plan_of(scores[..., :8], sees=SEES[:1] * 4)
            choice = choose(plan, 10.0, labelled=False, among=plan.names)
            assert choice.expected is not None
            printed.append(choice.expected.mean)
            got.append(scores[plan.names.index(choice.name), 0, 8])
        error = np.std(np.subtract(printed, got)) / np.sqrt(300)
        assert abs(np.mean(printed) - np.mean(got)) < 3 * error

    def test_what_is_chosen_for_somebody_does_not_depend_on_their_scores(self) -> None:
        rng = np.random.default_rng(0)
        scores = rng.random((4, 2, 8))
        people = [0, 0, 1, 2, 3, 4, 4, 5]
        plan = plan_of(scores, people=people)
        for person in range(6):
            mine = np.flatnonzero(np.equal(people, person))
            other = scores.copy()
            other[..., mine] = rng.random((4, 2, len(mine)))
            found = plan_of(other, people=people).nested[0, 0]
            for place in range(2):
                for sitting in mine:
                    was = plan.nested[0, 0, place, sitting]
                    [i] = np.flatnonzero(scores[:, place, sitting] == was)
                    assert found[place, sitting] == other[i, place, sitting]

    def test_by_hand(self) -> None:
        """Gains of a: -.1, .1, .1, 0, .4. Left out of the others of the second (and the third),
        choosing brings -.1, .1, 0 and 0, of those of the last -.1, 0, 0 and 0: nothing."""
        scores = np.array([[[0.5] * 5], [[0.4, 0.6, 0.6, 0.5, 0.9]]])
        assert plan_of(scores, sees=SEES[:1] * 2).nested[0, 0, 0].tolist() == [
            0.4, 0.5, 0.5, 0.5, 0.5
        ]  # fmt: skip

    def test_guards_are_learnt_without_the_person(self) -> None:
        """One person alone, far out, shows that adapting hurts: nobody else's guard may know it."""
        rng = np.random.default_rng(0)
        scores = np.full((2, 2, 9), 0.6)
        scores[1] = 0.8 + 0.01 * rng.standard_normal((2, 9))
        scores[1, :, 4] = 0.1
        evidence = np.zeros((2, 1, 2, 9, 4))
        evidence[1, 0, :, :, 1] = rng.random((2, 9))
        evidence[1, 0, :, 4, 1] = 5.0
        guards = {"a": Guard("distance", 2.0, 0.1, 9)}
        plan = plan_of(scores, evidence=evidence, guards=guards)
        assert plan.guarded("a", 0)[4] == 0.6  # with the guard that the person's own score made
        assert plan.nested[0, 0, 0, 4] == pytest.approx(0.1)

    def test_every_person_with_a_score_has_one(self) -> None:
        plan, _ = plan_and_models()
        safe = np.isfinite(plan.scores[0])
        assert np.isfinite(plan.nested[:, safe]).all()
        again = Plan.from_tree(plan.to_tree())
        np.testing.assert_array_equal(with_nested(again).nested, plan.nested)


class TestTrust:
    def test_what_brought_nothing_is_not_used(self) -> None:
        """Two candidates, each good for half of the people: the others choose the wrong one."""
        scores = np.full((3, 1, 8), 0.6)
        scores[1, 0, :4] += 0.1
        scores[1, 0, 4:] -= 0.08
        scores[2, 0, 4:] += 0.1
        scores[2, 0, :4] -= 0.08
        plan = plan_of(scores, sees=SEES[:1] * 3)
        assert gains_of(plan)["a"] > 0
        choice = choose(plan, 10.0, labelled=False, among=plan.names)
        assert (choice.name, choice.expected) == (SAFE, plan.expected(0))
        assert choice.reasons[-1] == (
            "but choosing brought people who were left out of it -8.0 points, so that source-only "
            "is used"
        )

    @pytest.mark.parametrize("n_people", [1, 2])
    def test_few_people_can_say_nothing(self, n_people: int) -> None:
        plan = plan_of(np.array([[[0.5] * n_people], [[0.9] * n_people]]))
        choice = choose(plan, 10.0, labelled=False)
        assert choice.name == SAFE
        if n_people == 2:
            assert choice.reasons[-1] == (
                "but so few people cannot tell whether choosing brings anything, so that "
                "source-only is used"
            )

    def test_a_longer_block_that_brings_nothing_is_said_to(self) -> None:
        """Of the longer block each half of the people chooses what harms the other."""
        scores = np.full((3, 2, 8), 0.6)
        scores[1, 0] = 0.7
        scores[1, 1, :4] += 0.1
        scores[1, 1, 4:] -= 0.08
        scores[2, 1, 4:] += 0.1
        scores[2, 1, :4] -= 0.08
        plan = plan_of(scores, sees=SEES[:1] * 3)
        assert choose(plan, 10.0, labelled=False, among=plan.names).name == "a"
        assert choose(plan, 20.0, labelled=False, among=plan.names).name == SAFE

    def test_only_what_a_profile_keeps_is_named(self) -> None:
        """b is best at one length, a over all: a profile has a, and picture and text say a."""
        scores = np.full((3, 2, 8), 0.5)
        scores[1] = 0.7
        scores[2, 0], scores[2, 1] = 0.8, 0.4
        plan = plan_of(scores, sees=SEES[:1] + SEES[1:2] * 2)
        assert plan.worth_keeping() == (SAFE, "a")
        assert choose(plan, 10.0, labelled=False).name == "a"


class TestLonger:
    def test_pairs_of_the_people_who_have_both(self) -> None:
        scores = np.full((2, 2, 6), 0.5)
        scores[1] = [[0.6] * 6, [0.7, 0.7, 0.7, 0.7, np.nan, np.nan]]
        scores[0, 1, 4:] = np.nan
        scores[:, 0, 4:] += 0.4  # easy people, without a longer block
        plan = plan_of(scores)
        seconds, gain, n_people = longer_block(plan, 10.0) or (0.0, 0.0, 0)
        assert (seconds, n_people) == (20.0, 4)
        assert gain == pytest.approx(0.1)
        seconds, gain, n_people = longer_block(plan, 0.0) or (0.0, 0.0, 0)
        assert (seconds, n_people) == (10.0, 6)
        assert gain == pytest.approx(0.1)
        assert longer_block(plan, 20.0) is None

    def test_nobody_has_both(self) -> None:
        scores = np.full((2, 2, 6), 0.5)
        scores[:, 0, :3], scores[:, 1, 3:] = np.nan, np.nan
        assert longer_block(plan_of(scores), 10.0) is None


class Refuses:
    """Fits like z2, and refuses what the test wants."""

    def __init__(self, *, fit: bool) -> None:
        self.inner = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
        self._refuses_fit = fit

    def fit(self, *args: Any, **known: Any) -> Refuses:
        if self._refuses_fit:
            raise InputError("these people are too few.")
        self.inner.fit(*args, **known)
        self.classes_, self.information_ = self.inner.classes_, "inductive"
        return self

    def adapt(self, *args: Any, **known: Any) -> Any:
        raise InputError("this block is too short.")


class TestRefusals:
    def test_a_candidate_that_cannot_be_fitted_is_left_out_and_named(self) -> None:
        X, meta = people(4)
        odd = Candidate("odd", lambda: Refuses(fit=True), "unlabelled", "")
        chosen = [*named_candidates(["z2"]), odd]
        plan, models = make_plan(X, meta, WINDOW, chosen, [20.0])
        assert plan.names == (SAFE, "z2") == tuple(models)
        assert plan.scores.shape[0] == plan.safe.shape[0] == plan.evidence.shape[0] == 2
        assert dict(plan.left_out) == {"odd": "these people are too few."}
        plain, _ = make_plan(X, meta, WINDOW, named_candidates(["z2"]), [20.0])
        np.testing.assert_array_equal(plan.scores, plain.scores)

    def test_the_safe_one_must_be_fitted(self) -> None:
        X, meta = people(4)
        odd = Candidate(SAFE, lambda: Refuses(fit=True), "inductive", "")
        with pytest.raises(InputError, match="these people are too few"):
            make_plan(X, meta, WINDOW, [odd], [20.0])

    def test_a_block_that_it_cannot_use_gives_no_score(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("eegtl.personalize.play.holds_rows_of", lambda *_: False)
        X, meta = people(4)
        odd = Candidate("odd", lambda: Refuses(fit=False), "unlabelled", "")
        plan, _ = make_plan(X, meta, WINDOW, [CANDIDATES[SAFE], odd], [20.0])
        assert np.isnan(plan.scores[1]).all()
        assert choose(plan, 20.0, labelled=False).name == SAFE

    def test_a_wearer_s_block_that_the_choice_refuses_ends_in_the_safe_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = np.random.default_rng(0).standard_normal((10, 6))
        name = calibrate(sources_of(), rows, kind="balanced").name
        assert name != SAFE

        def refuse(model: Any, sees: str, *given: Any) -> Any:
            if sees != "inductive":
                raise InputError("this block is too short.")
            return model.adapt()

        monkeypatch.setattr("eegtl.personalize.calibration.adapt_to", refuse)
        made = calibrate(sources_of(), rows, kind="balanced")
        entry = made.history[-1]
        assert (entry["candidate"], entry["guarded"], made.name) == (SAFE, True, SAFE)
        assert entry["reasons"][-1] == (
            f"{name} cannot use this block (this block is too short.), so that source-only is used"
        )
        np.testing.assert_array_equal(
            made.model.predict_proba(rows), sources_of().models[SAFE].predict_proba(rows)
        )


class TestBlocks:
    def test_blocks_count_what_whole_windows_cover(self) -> None:
        """10 s of two classes are two windows of 2 s each."""
        plan, _ = plan_and_models()
        covered = dict(zip(plan.kinds, plan.covered.tolist(), strict=True))
        assert covered["balanced"] == [8.0, 20.0, 40.0]
        assert covered["only rest"] == [10.0, 20.0, 40.0]
        assert plan.place(8.0, "balanced") == 0
        assert choose(plan, 8.0, labelled=False, kind="balanced").place == 0
        short = choose(plan, 6.0, labelled=False, kind="balanced")
        assert "shorter than any that was tried (8 s)" in short.reasons[0]

    def test_drift_limits_are_those_of_plain_loops(self) -> None:
        X, meta = people(8)
        plan, _ = plan_and_models()
        sd, who = X.std(axis=0), meta["subject"].to_numpy()
        for kind, seconds in (("first", 20.0), ("only task", 10.0), ("balanced", 40.0)):
            largest = []
            for person in dict.fromkeys(who):
                own = np.flatnonzero(who == person)
                laid = person_blocks(meta, own, WINDOW, plan.lengths, ["rest", "task"])
                block = laid.blocks[kind, seconds]
                mean, spread = block_scale(X[block], sd)
                rest = np.setdiff1d(own, block)
                largest.append(
                    max(
                        distance_from_block(X[rest[i : i + 30]], mean, spread)
                        for i in range(len(rest) - 29)
                    )
                )
            assert plan.limit_for(kind, seconds) == pytest.approx(np.quantile(largest, 0.9))
        assert plan.limit_for("only task", 10.0) > plan.limit_for("balanced", 40.0)
        assert np.isnan(plan.limit_for("only task", 6.0))
        assert np.isnan(plan.limit_for("only sleep", 20.0))

    def test_usual_drift_is_between_blocks_of_one_kind(self) -> None:
        from eegtl.transfer.distances import day_drift

        X, meta = people(4, sessions=3)
        plan, _ = make_plan(X, meta, WINDOW, named_candidates(["z2"]), [10.0, 20.0])
        values = []
        for person in range(4):
            blocks = [
                person_blocks(
                    meta,
                    np.flatnonzero((meta["subject"] == f"n{person}") & (meta["session"] == day)),
                    WINDOW,
                    [10.0, 20.0],
                    ["rest", "task"],
                ).blocks["only rest", 20.0]
                for day in (1, 2, 3)
            ]
            values += [day_drift(X[blocks[i]], X[blocks[i + 1]]).value for i in range(2)]
        assert plan.usual_drift_for("only rest", 25.0) == pytest.approx(np.median(values))

    def test_no_kind_with_scores(self) -> None:
        plan = plan_of(np.full((2, 2, 6), np.nan))
        with pytest.raises(CalibrationError, match="too few source people have enough windows"):
            plan.place(20.0)
        assert choose(plan, 20.0, labelled=False).expected is None
