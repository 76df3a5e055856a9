"""Conditional transfer against plain loops, and what it must decide on planted problems."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from reference import conditional_naive as naive
from sklearn.naive_bayes import GaussianNB

from eegtl.errors import CalibrationError, InputError, TransferWarning
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import SourceOnly, SubjectNormalizer, default_classifier, make_transfer_pipeline
from eegtl.transfer.conditional import ConditionalTransfer, spread_rows
from eegtl.transfer.conditional_choice import Block, score_without
from eegtl.transfer.distances import mmd_rbf
from eegtl.transfer.row_table import read_trials
from eegtl.transfer.trial_similarity import TrialMeans, stimulus_similarity

D = 6


def person(sign, n_trials, *, noise=1.0, seed=0, n_windows=3, n_classes=2):
    """Trials of a person whose classes differ by sign times 1 in features 0 and 1."""
    rng = np.random.default_rng(seed)
    stimuli = rng.permutation(n_trials)
    labels = stimuli % n_classes
    trial = np.repeat(np.arange(n_trials), n_windows)
    means = noise * rng.standard_normal((n_trials, D))
    means[:, :2] += sign * (2.0 * labels[:, None] - n_classes + 1)
    X = means[trial] + 0.5 * noise * rng.standard_normal((len(trial), D))
    rows = pd.DataFrame(
        {"session": 1, "trial": trial + 1, "stimulus": [f"clip{s}" for s in stimuli[trial]]}
    )
    return X, labels[trial], rows


def stack(people):
    """Join people to the arguments of fit."""
    X, y = np.vstack([p[0] for p in people]), np.concatenate([p[1] for p in people])
    who = np.repeat([f"p{i}" for i in range(len(people))], [len(p[1]) for p in people])
    return X, y, who, pd.concat([p[2] for p in people], ignore_index=True)


def fitted(people, **parameters: Any):
    X, y, who, rows = stack(people)
    return ConditionalTransfer(**parameters).fit(X, y, subjects=who, rows=rows)


def calibrated(model, block, **more: Any):
    return model.adapt(X_calib=block[0], y_calib=block[1], rows_calib=block[2], **more)


def as_loops(p):
    return p[0].tolist(), p[1].tolist(), p[2]["trial"].tolist(), p[2]["stimulus"].tolist()


SIGNS = (1.0, 1.0, 0.5, -1.0, -0.5)
SOURCES = [person(sign, 8, seed=10 + i) for i, sign in enumerate(SIGNS)]


class TestAgainstLoops:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("by", ["stimulus", "class"])
    @pytest.mark.parametrize("n_trials", [6, 8])
    def test_the_whole_labelled_procedure(self, by, n_trials, seed):
        sources, block = SOURCES, person(1.0, n_trials, noise=1.5, seed=seed)
        correlation = naive.stimulus_correlation
        if by == "class":
            sources = [
                (X, y, rows.assign(stimulus=f"own {i}")) for i, (X, y, rows) in enumerate(SOURCES)
            ]
            correlation = naive.class_correlation
        model = calibrated(fitted(sources, n_features=3), block)
        people = [as_loops(p) for p in sources]
        expected = naive.choose_with_labels(people, as_loops(block), [1, 2, 4, 5], 3, correlation)
        assert model.grid_ == [1, 2, 4, 5]
        assert model.own_accuracy_ * n_trials == pytest.approx(expected["right"])
        assert model.p_value_ == pytest.approx(expected["p_value"], rel=1e-9)
        assert model.selected_features_.tolist() == expected["features"]
        values = dict(model.ranking_)
        np.testing.assert_allclose(
            [values[f"p{i}"] for i in range(5)], expected["values"], atol=1e-10
        )
        np.testing.assert_allclose(model.scores_, expected["scores"], atol=1e-12)
        assert np.flatnonzero(model.chosen_).tolist() == expected["chosen"]
        assert model.transfers_ == bool(expected["chosen"])
        trained = naive.fit_on(
            [people[i] for i in expected["chosen"]], as_loops(block)[:2], expected["features"]
        )
        test = person(1.0, 6, seed=99)[0]
        answers = [naive.bayes_predict(trained, x[expected["features"]]) for x in test]
        assert model.predict(test).tolist() == answers

    def test_the_source_people_who_play_the_wearer(self):
        model = fitted(SOURCES, variant="unlabelled")
        people = [(X.tolist(), y.tolist()) for X, y, _ in SOURCES]
        expected = naive.source_scores(people, [1, 2, 4], model.gamma_)
        np.testing.assert_allclose(model.people_scores_, expected, atol=1e-12)
        target = person(1.0, 6, seed=5)[0]
        model.adapt(target)
        for i, (name, value) in enumerate(sorted(model.ranking_)):
            assert name == f"p{i}"
            assert value == pytest.approx(
                naive.discrepancy(target.tolist(), people[i][0], model.gamma_), abs=1e-12
            )


class TestNothingLeaks:
    @pytest.mark.parametrize("trial", range(8))
    def test_the_label_of_the_trial_left_out_changes_nothing_for_it(self, trial):
        """With two classes, another label turns right answers into wrong ones and back."""
        model = fitted(SOURCES, n_features=3)
        X, y, rows = person(1.0, 8, noise=1.5, seed=1)
        trials, stimuli = read_trials(rows, len(X))
        people = [TrialMeans(*parts) for parts in model.source_trials_]
        outcomes = []
        for labels in (y, np.where(trials == trial, 1 - y, y)):
            block = Block.of(X, labels, np.array([0, 1]), trials, stimuli)
            outcomes.append(
                score_without(
                    model._pool(), people, block, trial, [1, 2, 5], 3, stimulus_similarity
                )
            )
        assert outcomes[0][0] != outcomes[1][0]
        np.testing.assert_allclose(outcomes[0][1], 1 - np.array(outcomes[1][1]))

    def test_the_windows_of_the_trial_left_out_change_nothing_for_others(self):
        """A trial of absurd values leaves no trace in what is trained while it is held out."""
        model = fitted(SOURCES, n_features=3)
        X, y, rows = person(1.0, 8, noise=1.5, seed=1)
        absurd = X.copy()
        absurd[rows["trial"] == 3] += 1e6 * np.arange(1, D + 1)
        trials, stimuli = read_trials(rows, len(X))
        people = [TrialMeans(*parts) for parts in model.source_trials_]
        seen = []

        class Spy(GaussianNB):
            def fit(self, X, y, sample_weight=None):
                seen.append(np.abs(X).max())
                return super().fit(X, y, sample_weight)

        model.estimator = Spy()
        block = Block.of(absurd, y, np.array([0, 1]), trials, stimuli)
        score_without(model._pool(), people, block, 2, [1, 5], None, stimulus_similarity)
        assert len(seen) == 3
        assert max(seen) < 100

    def test_the_order_of_rows_does_not_matter(self):
        X, y, rows = person(1.0, 8, noise=1.5, seed=1)
        model = calibrated(fitted(SOURCES, n_features=3), (X, y, rows))
        kept = (model.decision_, model.selected_features_, model.scores_, model.predict_proba(X))
        order = np.random.default_rng(0).permutation(len(X))
        model = calibrated(model, (X[order], y[order], rows.iloc[order].reset_index(drop=True)))
        assert model.decision_ == kept[0]
        assert np.array_equal(model.selected_features_, kept[1])
        np.testing.assert_allclose(model.scores_, kept[2], atol=1e-12)
        np.testing.assert_allclose(model.predict_proba(X), kept[3], atol=1e-8)

    def test_no_other_row_of_the_target_is_read(self):
        block = person(1.0, 8, seed=1)
        model = calibrated(fitted(SOURCES, n_features=3), block)
        kept = (model.decision_, model.ranking_, model.predict_proba(SOURCES[0][0]))
        model = calibrated(model, block, X_target=person(-1.0, 30, seed=2)[0])
        assert (model.decision_, model.ranking_) == kept[:2]
        assert np.array_equal(model.predict_proba(SOURCES[0][0]), kept[2])


class TestPlanted:
    def test_own_data_suffice(self):
        """A wearer whose classes are clear, among people who have them the other way round."""
        sources = [person(-1.0, 10, seed=i) for i in range(4)]
        model = calibrated(fitted(sources), person(3.0, 10, seed=7))
        assert not model.transfers_
        assert (model.n_sources_, model.chosen_.sum()) == (0, 0)
        assert (
            model.decision_
            == "own model right in 10 of 10 trials (chance 0.50, p = 0.001): no transfer"
        )
        X, y, _ = person(3.0, 20, seed=8)
        assert model.score(X, y) > 0.95
        # without the gate they are asked, and the choice of their number limits the harm
        assert calibrated(fitted(sources, gate=False), person(3.0, 10, seed=7)).transfers_

    def test_one_helps_and_many_harm(self):
        """One person is like the wearer, and all others have the classes the other way round."""
        chosen, brute, own = [], [], []
        for seed in range(6):
            sources = [person(-1.0, 12, seed=100 * seed + i, noise=0.7) for i in range(5)]
            sources.insert(2, person(1.0, 12, seed=100 * seed + 50, noise=0.7))
            block = person(1.0, 6, seed=100 * seed + 70, noise=1.5)
            X, y, _ = person(1.0, 40, seed=100 * seed + 80, noise=1.0)
            model = calibrated(fitted(sources, n_features=2, gate=False), block)
            assert model.ranking_[0][0] == "p2"
            chosen.append(model.score(X, y))
            everybody = calibrated(fitted(sources, n_features=2, n_sources=6, gate=False), block)
            assert everybody.n_sources_ == 6
            brute.append(everybody.score(X, y))
            features = model.selected_features_
            alone = GaussianNB().fit(block[0][:, features], block[1])
            own.append(alone.score(X[:, features], y))
        assert np.mean(chosen) > np.mean(brute) + 0.2
        assert np.mean(chosen) > np.mean(own) - 0.05
        assert np.mean(brute) < 0.55  # transfer from everybody is harm

    def test_equal_domains_do_little_harm(self):
        """Everybody alike: against the same classifier on all people and the block."""
        losses = {"labelled": [], "unlabelled": []}
        for seed in range(6):
            sources = [person(1.0, 10, seed=100 * seed + i) for i in range(6)]
            block, (X, y, _) = (
                person(1.0, 6, seed=100 * seed + 50),
                person(1.0, 40, seed=seed + 7000),
            )
            plain = SourceOnly(GaussianNB()).fit(*stack(sources)[:2]).score(X, y)
            model = calibrated(fitted(sources, n_features=None), block)
            losses["labelled"].append(plain - model.score(X, y))
            model = fitted(sources, variant="unlabelled").adapt(X)
            losses["unlabelled"].append(plain - model.score(X, y))
        assert np.mean(losses["unlabelled"]) < 0.02
        assert np.mean(losses["labelled"]) < 0.06

    def test_the_nearest_are_chosen_without_labels(self):
        """Two kinds of people, told apart by where their features lie, with reversed classes."""
        offset = np.r_[0, 0, 6, 6, 0, 0]
        sources = [person(1.0, 10, seed=i) for i in range(5)]
        for X, y, rows in [person(-1.0, 10, seed=20 + i) for i in range(6)]:
            sources.append((X + offset, y, rows))
        target = person(1.0, 20, seed=50)
        model = fitted(sources, variant="unlabelled").adapt(target[0])
        assert model.n_sources_ == 4
        assert not model.chosen_[5:].any()
        assert "better than all others for" in model.decision_
        assert model.score(target[0], target[1]) > 0.8
        everybody = SourceOnly(GaussianNB()).fit(*stack(sources)[:2])
        assert everybody.score(target[0], target[1]) < 0.75


class TestFallbacks:
    @pytest.mark.parametrize("n_first", [1, 2])
    def test_too_few_trials(self, n_first):
        X, y, rows = person(1.0, 8, seed=1)
        first, second = (rows["trial"][y == c].unique() for c in (0, 1))
        keep = rows["trial"].isin([*first[:n_first], second[0]]).to_numpy()
        message = (
            rf"the block has {n_first + 1} trials of 2 classes, .*: transfer from all 5 people"
        )
        with pytest.warns(TransferWarning, match=message):
            model = calibrated(
                fitted(SOURCES), (X[keep], y[keep], rows[keep].reset_index(drop=True))
            )
        assert model.transfers_
        assert model.chosen_.all()
        assert model.selected_features_.tolist() == list(range(D))
        assert model.ranking_ == []
        assert model.information_ == "labelled"
        pooled = GaussianNB().fit(
            np.vstack([stack(SOURCES)[0], X[keep]]), np.concatenate([stack(SOURCES)[1], y[keep]])
        )
        np.testing.assert_allclose(model.predict_proba(X), pooled.predict_proba(X), atol=1e-8)

    def test_one_class(self):
        X, y, rows = person(1.0, 10, seed=1)
        one = y == 1
        with pytest.warns(TransferWarning, match="the block has 5 trials of 1 classes"):
            model = calibrated(fitted(SOURCES), (X[one], y[one], rows[one].reset_index(drop=True)))
        assert model.chosen_.all()

    def test_constant_block(self):
        X, y, rows = person(1.0, 8, seed=1)
        with pytest.warns(TransferWarning, match="features that vary"):
            model = calibrated(fitted(SOURCES), (np.ones_like(X), y, rows))
        assert np.isfinite(model.predict_proba(X)).all()

    def test_a_block_without_one_of_the_classes_always_transfers(self):
        """And the missing class comes from the one person who has it, alike or not."""
        signs = (1.0, 1.0, 1.0, -1.0)
        sources = [person(s, 9, seed=i, n_classes=3, noise=0.5) for i, s in enumerate(signs)]
        for _, labels, _ in sources[:3]:
            labels[labels == 2] = 1
        X, y, rows = person(1.0, 12, seed=7, n_classes=3, noise=0.2)
        two = y < 2
        block = (X[two], y[two], rows[two].reset_index(drop=True))
        model = calibrated(fitted(sources, n_sources=1), block)
        assert model.p_value_ < 0.05
        assert model.transfers_
        assert model.decision_.startswith("the block lacks a class: transfer from 2 of 4 people")
        assert model.ranking_[0][0] != "p3"
        assert model.chosen_[3]
        assert model.estimator_.classes_.tolist() == [0, 1, 2]
        assert model.predict_proba(X).shape == (36, 3)

    def test_without_trials_each_row_is_one_and_it_says_so(self):
        X, y, rows = person(3.0, 4, seed=1)
        model = fitted(SOURCES)
        with pytest.warns(TransferWarning, match="no trials are told of the 12 calibration rows"):
            model.adapt(X_calib=X, y_calib=y)
        assert model.scores_.shape[0] == 12
        # four trials of two classes can never be significant; twelve rows are
        assert not model.transfers_
        assert calibrated(model, (X, y, rows)).transfers_
        assert model.p_value_ >= 1 / 16

    def test_without_rows_of_the_sources(self):
        X, y, who, _ = stack(SOURCES)
        model = ConditionalTransfer().fit(X, y, subjects=who)
        calibrated(model, person(0.5, 8, seed=1))
        assert model.decision_.endswith("(correlation of class means)") or not model.transfers_

    def test_trials_of_two_sessions_are_not_mixed(self):
        X, y, rows = person(1.0, 8, seed=1)
        rows["session"] = np.where(rows["trial"] > 4, "b", "a")
        rows["trial"] = (rows["trial"] - 1) % 4
        model = calibrated(fitted(SOURCES), (X, y, rows))
        assert model.scores_.shape[0] == 8

    def test_labels_are_needed(self):
        with pytest.raises(
            CalibrationError, match="ConditionalTransfer needs labelled calibration"
        ):
            fitted(SOURCES).adapt(person(1.0, 4)[0])


class TestUnlabelled:
    def test_number_as_asked_for_and_gate(self):
        target = person(1.0, 8, seed=3)[0]
        model = fitted(SOURCES, variant="unlabelled", n_sources=2, gate=False).adapt(target)
        assert (model.n_sources_, model.grid_) == (2, [])
        assert model.decision_ == "the nearest 2 of 5 people, as asked for"
        distances = [
            mmd_rbf(spread_rows(target, 500), spread_rows(p[0], 500), gamma=model.gamma_)
            for p in SOURCES
        ]
        assert set(np.flatnonzero(model.chosen_)) == set(np.argsort(distances)[:2])
        gated = fitted(SOURCES, variant="unlabelled", n_sources=2).adapt(target)
        assert gated.grid_ == [2, 4]
        assert gated.n_sources_ == 5  # two of five are not better for significantly many
        assert "all 5 people: the nearest 2 are better than all others for" in gated.decision_

    def test_without_the_gate_the_best_number_is_taken_as_it_is(self):
        target = person(1.0, 8, seed=3)[0]
        gated, free = (
            fitted(SOURCES, variant="unlabelled", gate=gate).adapt(target) for gate in (True, False)
        )
        best = int(np.argmax(np.round(gated.scores_.mean(axis=0), 10)))
        assert gated.grid_[best] == 2
        assert (gated.n_sources_, free.n_sources_) == (5, 2)

    def test_labelled_rows_join(self):
        X, y, _ = person(1.0, 8, seed=3)
        model = fitted(SOURCES, variant="unlabelled", n_sources=5, gate=False)
        model.adapt(X_calib=X, y_calib=y)
        assert model.information_ == "labelled"
        sources = stack(SOURCES)
        pooled = GaussianNB().fit(np.vstack([sources[0], X]), np.concatenate([sources[1], y]))
        np.testing.assert_allclose(model.predict_proba(X), pooled.predict_proba(X), atol=1e-8)

    def test_one_target_row(self):
        model = fitted(SOURCES, variant="unlabelled", n_sources=1, gate=False)
        message = "one row has no distribution: transfer from all 5 people. Adapt to more rows"
        with pytest.warns(TransferWarning, match=message):
            model.adapt(SOURCES[0][0][:1])
        assert model.chosen_.all()

    def test_odd_sources(self):
        """One person, people of one class each, and people of one row."""
        X, y, who, _ = stack(SOURCES)
        target = person(1.0, 8, seed=3)[0]
        for subjects in (None, y, np.where(np.arange(len(y)) < 2, np.arange(len(y)) + 10, y)):
            model = ConditionalTransfer(variant="unlabelled").fit(X, y, subjects=subjects)
            assert model.adapt(target).estimator_.classes_.tolist() == [0, 1]
        who = who.astype(object)
        who[:2] = ["single", "other single"]
        model = ConditionalTransfer(variant="unlabelled", n_sources=6, gate=False)
        model.fit(X, y, subjects=who).adapt(target)
        assert np.isinf([value for _, value in model.ranking_]).sum() == 2

    def test_many_rows_are_compared_by_500(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((1400, 2))
        model = ConditionalTransfer(variant="unlabelled").fit(
            X, np.arange(1400) % 2, subjects=np.arange(1400) // 700
        )
        assert [len(rows) for rows in model.distance_rows_] == [500, 500]
        order = rng.permutation(1400)
        np.testing.assert_allclose(spread_rows(X[order], 500), spread_rows(X, 500))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"variant": "both"}, "variant must be one of labelled, unlabelled; got 'both'"),
        ({"n_sources": 0}, "n_sources must be a whole number from 1 on, or None; got 0"),
        ({"n_features": 2.0}, r"n_features must be a whole number from 1 on, or None; got 2\.0"),
        ({"gate": 1}, "gate must be True or False; got 1"),
        ({"significance": 1.0}, r"significance must lie between 0 and 1; got 1\.0"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(InputError, match=message):
        fitted(SOURCES, **parameters)


@pytest.mark.parametrize(
    "estimator",
    [
        ConditionalTransfer(n_features=3),
        ConditionalTransfer(variant="unlabelled"),
        make_transfer_pipeline(
            SubjectNormalizer("z2"),
            ConditionalTransfer(gate=False, estimator=default_classifier()),
        ),
    ],
    ids=["labelled", "unlabelled", "pipeline"],
)
def test_battery(estimator):
    check_transfer_estimator(estimator, extra_classes=[ConditionalTransfer, GaussianNB])
