"""Each source person plays the wearer: what may be seen, what is scored, what is kept."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from personalize.played_people import LENGTHS, WINDOW, people, plan_and_models

import eegtl
from eegtl.errors import CalibrationError, InputError
from eegtl.personalize import candidates as module
from eegtl.personalize.candidates import (
    CANDIDATES,
    SAFE,
    Candidate,
    give_mix,
    holds_rows_of,
    named_candidates,
)
from eegtl.personalize.choosing import choose
from eegtl.personalize.plan import Plan
from eegtl.personalize.play import make_plan
from eegtl.personalize.prepare import prepare_sources, with_baseline
from eegtl.personalize.trial_blocks import covered_seconds, person_blocks
from eegtl.transfer import (
    KPCA,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)

Z2 = named_candidates(["z2"])


class TestBlocks:
    def laid(self, lengths: Any = LENGTHS, **options: Any) -> tuple[pd.DataFrame, Any]:
        _, meta = people(1, **options)
        rows = np.arange(len(meta))
        return meta, person_blocks(meta, rows, WINDOW, lengths, ["rest", "task"])

    def test_scored_rows_are_the_same_for_all_and_in_no_block(self) -> None:
        _, laid = self.laid()
        for block in laid.blocks.values():
            assert not set(block) & set(laid.test)
        assert len(laid.test)

    def test_seconds_and_classes(self) -> None:
        meta, laid = self.laid()
        labels, onset = meta["label"].to_numpy(), meta["onset"].to_numpy()
        for (kind, seconds), block in laid.blocks.items():
            covered = covered_seconds(meta.iloc[block], WINDOW)[-1]
            # whole windows of each class
            assert seconds - 2 * WINDOW < covered <= seconds
            assert np.all(np.diff(onset[block]) > 0)
            shares = np.mean(labels[block] == "task")
            if kind != "first":
                assert shares == {"balanced": 0.5, "only rest": 0, "only task": 1}[kind]

    def test_a_third_of_each_class_is_left(self) -> None:
        meta, laid = self.laid((10.0, 40.0, 44.0, 60.0))
        kinds = {key for key in laid.blocks if key[0].startswith("only")}
        assert ("only task", 40.0) in kinds
        assert ("only task", 44.0) not in kinds
        assert set(meta["label"].to_numpy()[laid.test]) == {"rest", "task"}

    def test_windows_that_overlap_a_block_are_not_scored(self) -> None:
        meta = pd.DataFrame({"session": 1, "trial": 1, "label": "a", "onset": np.arange(20.0)})
        laid = person_blocks(meta, np.arange(20), 2.0, [5.0], ["a"])
        assert laid.blocks["first", 5.0].tolist() == [0, 1, 2, 3]
        assert laid.test.tolist() == list(range(5, 20))

    def test_rows_in_another_order_are_the_same(self) -> None:
        _, meta = people(1)
        order = np.random.default_rng(0).permutation(len(meta))
        mixed = meta.iloc[order].reset_index(drop=True)
        one = person_blocks(meta, np.arange(len(meta)), WINDOW, LENGTHS, ["rest", "task"])
        other = person_blocks(mixed, np.arange(len(meta)), WINDOW, LENGTHS, ["rest", "task"])
        for key, block in one.blocks.items():
            assert order[other.blocks[key]].tolist() == block.tolist()
        assert order[other.test].tolist() == one.test.tolist()


class Spy:
    """Stands for a model; keeps what it was given."""

    seen: list[tuple[str, Any]] = []  # noqa: RUF012

    def fit(self, X: Any, y: Any, subjects: Any, rows: Any) -> Spy:
        Spy.seen.append(("fit", X.copy()))
        self.classes_ = np.unique(y)
        return self

    def adapt(self, X: Any = None, *, X_calib: Any = None, y_calib: Any = None) -> Spy:
        Spy.seen.append(("adapt", (X, X_calib, y_calib)))
        return self

    def predict(self, X: Any) -> Any:
        Spy.seen.append(("predict", X.copy()))
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_nothing_of_who_plays_the_wearer_is_fitted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    Spy.seen = []
    monkeypatch.setattr("eegtl.personalize.play.holds_rows_of", lambda *_: False)
    spies = [
        Candidate(name, Spy, sees, "") for name, sees in ((SAFE, "inductive"), ("u", "unlabelled"))
    ]
    X, meta = people(4)
    make_plan(X, meta, WINDOW, spies, LENGTHS)
    who = meta["subject"].to_numpy()
    fits = [given for what, given in Spy.seen if what == "fit"]
    for place, person in enumerate(dict.fromkeys(who)):
        for rows in fits[2 * place : 2 * place + 2]:
            np.testing.assert_array_equal(rows, X[who != person])
    assert all(
        labels is None for what, given in Spy.seen if what == "adapt" for labels in given[1:]
    )


def test_labels_of_the_wearer_change_scores_only() -> None:
    """Permuted labels of one person leave what is predicted for that person as it was."""
    X, meta = people(4)
    plan, _ = make_plan(X, meta, WINDOW, Z2, LENGTHS)
    own = (meta["subject"] == "n2").to_numpy()
    swapped = meta.assign(
        label=np.where(own, meta["label"].map({"rest": "task", "task": "rest"}), meta["label"])
    )
    other, _ = make_plan(X, swapped, WINDOW, Z2, LENGTHS)
    first = plan.kinds.index("first")
    np.testing.assert_allclose(other.scores[:, first, :, 2], 1 - plan.scores[:, first, :, 2])


def test_scores_are_those_of_plain_loops() -> None:
    X, meta = people(4)
    plan, _ = make_plan(X, meta, WINDOW, Z2, LENGTHS)
    y, who = meta["label"].to_numpy().astype(str), meta["subject"].to_numpy()
    laid = person_blocks(meta, np.flatnonzero(who == "n1"), WINDOW, LENGTHS, ["rest", "task"])
    model = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    model.fit(X[who != "n1"], y[who != "n1"], subjects=who[who != "n1"])
    predicted = model.adapt(X[laid.blocks["balanced", 20.0]]).predict(X[laid.test])
    truth = y[laid.test]
    score = np.mean([np.mean(predicted[truth == c] == c) for c in ("rest", "task")])
    at = (plan.names.index("z2"), plan.kinds.index("balanced"), plan.lengths.index(20.0), 1)
    assert plan.scores[at] == pytest.approx(score)


def test_no_row_and_no_name_of_anybody_is_kept() -> None:
    X, _ = people(8)
    _, models = plan_and_models()
    assert set(models) == set(CANDIDATES)
    for model in models.values():
        assert not holds_rows_of(model, X)
        assert "n3" not in repr(module.to_state(model))


def test_a_model_that_keeps_rows_is_no_candidate() -> None:
    X, meta = people(3, n_windows=12)
    keeps = Candidate(
        "kpca",
        lambda: make_transfer_pipeline(KPCA(2, kernel="rbf"), default_classifier()),
        "unlabelled",
        "",
    )
    with pytest.raises(InputError, match=r"'kpca' would keep rows of people"):
        make_plan(X, meta, WINDOW, [CANDIDATES[SAFE], keeps], LENGTHS)


def test_each_sitting_is_normalised_by_itself() -> None:
    X, meta = people(4, sessions=2)
    plan, models = make_plan(X, meta, WINDOW, Z2, LENGTHS)
    assert len(models["z2"].named_steps_["subjectnormalizer"].subjects_) == 8
    assert plan.n_people == 4
    assert np.all((plan.usual_drift > 0) & (plan.usual_drift < 10))
    assert np.isnan(plan_and_models()[0].usual_drift).all()


def test_the_mix_that_is_known_helps_a_block_of_one_class() -> None:
    plan, _ = plan_and_models()
    only = plan.kinds.index("only rest")
    by_name = {
        name: np.nanmean(plan.scores[plan.names.index(name), only])
        for name in ("mix known", "z2", SAFE)
    }
    assert by_name["mix known"] > by_name["z2"] + 0.05
    assert by_name["mix known"] > by_name[SAFE]


def test_choices_follow_what_is_known() -> None:
    plan, _ = plan_and_models()
    assert choose(plan, 0.0, labelled=False).name == SAFE
    short = choose(plan, 4.0, labelled=False)
    assert short.name == SAFE
    assert "shorter than any that was tried (10 s)" in short.reasons[0]
    usual = choose(plan, 25.0, labelled=False)
    assert plan.sees[plan.names.index(usual.name)] in ("inductive", "unlabelled")
    assert plan.covered[0, usual.place] == 20.0
    known = choose(plan, 20.0, labelled=False, kind="only rest")
    assert known.name in ("mix known", "matched baseline")
    assert choose(plan, 20.0, labelled=False, kind="only rest", among=(SAFE, "z2")).name in (
        SAFE, "z2"
    )  # fmt: skip


def test_round_trip() -> None:
    plan, _ = plan_and_models()
    again = Plan.from_tree(plan.to_tree())
    for name, value in vars(plan).items():
        np.testing.assert_equal(getattr(again, name), value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ["balanced"]}, "scores"),
        ({"names": ["z2"] * 8}, "candidates"),
        ({"lengths": [40.0, 20.0, 10.0]}, "not in order"),
        ({"level": 2.0}, "level"),
        ({"spread": np.zeros(2)}, "people"),
        ({"evidence": np.zeros((8, 4, 3, 8, 3))}, "evidence"),
        ({"safe": np.zeros((8, 4, 3, 7))}, "safe"),
        ({"nested": np.zeros((1, 4, 3, 8))}, "nested"),
        ({"nested_gain": np.zeros((1, 4, 3, 8))}, "nested_gain"),
        ({"nested": np.full((2, 4, 3, 8), np.nan)}, "gaps"),
        ({"drift_limit": np.zeros((4, 2))}, "not in order"),
        ({"covered": np.zeros(3)}, "2 axes"),
        ({"left_out": {"z2": 3}}, "no text"),
    ],
)
def test_a_plan_that_is_none(change: dict[str, Any], message: str) -> None:
    plan, _ = plan_and_models()
    with pytest.raises((ValueError, TypeError), match=message):
        Plan.from_tree({**plan.to_tree(), **change})


def test_what_cannot_be_prepared() -> None:
    X, meta = people(4)
    few = (meta["subject"] == "n0").to_numpy()
    with pytest.raises(InputError, match=r"two people at least, .* got 1 \(n0\)"):
        make_plan(X[few], meta[few].reset_index(drop=True), WINDOW, Z2, LENGTHS)
    with pytest.raises(InputError, match=r"lengths of calibration are \[1.0\] s"):
        make_plan(X, meta, WINDOW, Z2, [1.0])
    alone = meta.assign(label=np.where(np.arange(len(meta)) < 9, "odd", meta["label"]))
    with pytest.raises(InputError, match=r"only n0 has the class 'odd'"):
        make_plan(X, alone, WINDOW, Z2, LENGTHS)
    with pytest.raises(InputError, match=r"session 1 of n0 has no windows of 'sleep'"):
        with_baseline(meta, "sleep", WINDOW)
    with pytest.raises(InputError, match=r"no candidate 'zz'; known are: source-only"):
        named_candidates(["zz"])
    with pytest.raises(InputError, match=r"'matched baseline' needs a state that everybody reco"):
        named_candidates(["z2", "matched baseline"])
    plan, models = plan_and_models()
    with pytest.raises(InputError, match="no step of the pipeline takes a class mix"):
        give_mix(models["z2"], [0.5, 0.5])
    empty = Plan.from_tree({**plan.to_tree(), "scores": np.full_like(plan.scores, np.nan)})
    with pytest.raises(CalibrationError, match="too few source people have enough windows"):
        empty.place(20.0)
    choice = choose(empty, 20.0, labelled=False)
    assert (choice.name, choice.expected) == (SAFE, None)
    assert "Until then the others' model is used." in choice.reasons[0]


def test_progress_is_told() -> None:
    X, meta = people(4)
    told: list[tuple[int, int]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_plan(X, meta, WINDOW, Z2, [10.0], progress=lambda *n: told.append(n))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_labels_score_no_trial_that_gave_some(monkeypatch: pytest.MonkeyPatch) -> None:
    Spy.seen = []
    monkeypatch.setattr("eegtl.personalize.play.holds_rows_of", lambda *_: False)
    spies = [Candidate(SAFE, Spy, "inductive", ""), Candidate("l", Spy, "labelled", "")]
    X, meta = people(3)
    make_plan(X, meta, WINDOW, spies, [20.0])
    key = {row.tobytes(): place for place, row in enumerate(X)}
    trial = (meta["subject"] + "/" + meta["trial"].astype(str)).to_numpy()
    last: set[str] = set()
    n_scored = 0
    for what, given in Spy.seen:
        if what == "fit":
            last = set()
        elif what == "adapt":
            last = {trial[key[row.tobytes()]] for row in (() if given[1] is None else given[1])}
        elif last:
            assert not last & {trial[key[row.tobytes()]] for row in given}
            n_scored += 1
    assert n_scored >= 3  # people


def test_labels_of_one_class_are_no_labelled_block() -> None:
    plan, _ = plan_and_models()
    found = np.isfinite(plan.scores[plan.names.index("z2 + labels")]).any(axis=-1)
    by_kind = dict(zip(plan.kinds, found.tolist(), strict=True))
    assert by_kind["only rest"] == by_kind["only task"] == [False] * 3
    assert by_kind["first"] == [False, False, True]  # a trial has 30 s
    assert by_kind["balanced"][1]


def test_sittings_stand_for_themselves() -> None:
    X, meta = people(4, sessions=2)
    plan, _ = make_plan(X, meta, WINDOW, Z2, LENGTHS)
    assert plan.people.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert plan.scores.shape[-1] == plan.evidence.shape[-2] == 8
    own = (meta["session"] == 1).to_numpy() | (meta["subject"] != "n2").to_numpy()
    fewer, _ = make_plan(X[own], meta[own].reset_index(drop=True), WINDOW, Z2, LENGTHS)
    assert fewer.people.tolist() == [0, 0, 1, 1, 2, 3, 3]
    # the person's other sitting was never among the sources of this one
    np.testing.assert_array_equal(fewer.scores[..., 4], plan.scores[..., 4])


def test_a_mix_that_nobody_told_is_not_tried() -> None:
    plan, _ = plan_and_models()
    known, first = plan.names.index("mix known"), plan.kinds.index("first")
    assert np.isnan(plan.scores[known, first]).all()
    assert np.isfinite(plan.scores[known, plan.kinds.index("balanced")]).any()


def test_sittings_of_one_class_give_no_score() -> None:
    X, meta = people(4, sessions=2)
    kept = ((meta["session"] == 1) == (meta["label"] == "rest")).to_numpy()
    plan, _ = make_plan(X[kept], meta[kept].reset_index(drop=True), WINDOW, Z2, [10.0])
    assert np.isnan(plan.scores).all()
    assert choose(plan, 10.0, labelled=False).name == SAFE


def test_flagged_windows_of_sources_are_left_out() -> None:
    extractor = eegtl.FeatureExtractor(window=2.0)
    table = extractor.extract(eegtl.load("synthetic").select(subjects=["w01", "w02", "w03"]))
    flags = np.where(np.arange(len(table)) % 7 == 0, "amplitude: Fz", "")
    meta = table.meta.assign(flags=flags)
    table = eegtl.FeatureTable(table.X, table.columns, meta, causal=True, info=table.info)
    made = prepare_sources(table, extractor, candidates=["z2"], lengths=[20.0])
    usable = ~table.meta["settling"].to_numpy() & table.meta["label"].notna().to_numpy()
    kept = usable & (flags == "")
    assert made.provenance["n_windows"] == kept.sum() < usable.sum()
    assert made.provenance["n_flagged"] == (usable & (flags != "")).sum()
    plan, _ = make_plan(
        table.X[kept], table.meta[kept].reset_index(drop=True), 2.0, Z2, [20.0]
    )  # fmt: skip
    np.testing.assert_array_equal(made.plan.scores, plan.scores)
    np.testing.assert_array_equal(made.mean, table.X[kept].mean(axis=0))
    with pytest.raises(InputError, match=r"another extractor: its window is 2\.0, that of .* 1\.0"):
        prepare_sources(table, eegtl.FeatureExtractor(window=1.0))
