"""TPT against plain loops, and what its mathematics promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.tca_naive import median_gamma_naive
from reference.tpt_naive import (
    machines,
    mean_gap_to_one,
    ridge_left_out,
    ridge_prediction,
    similarities,
    tpt_machine,
)
from scipy.special import log_softmax
from transfer.tpt_problems import (
    REGRESSORS,
    fitted,
    machine,
    moving_threshold,
    own_machines,
    people,
)

from eegtl.errors import InputError
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline
from eegtl.transfer.answers import fit_sharpness
from eegtl.transfer.solvers.parameter_blend import blend_left_out, blend_response
from eegtl.transfer.tpt import ALPHAS, TPT


class TestAgainstPlainLoops:
    @pytest.mark.parametrize("kernel", ["mmd", "density"])
    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("alpha", [0.01, 1.0])
    def test_machine_of_the_target(self, alpha: float, n_classes: int, kernel: str) -> None:
        X, y, subjects = people(4, 15, n_classes=n_classes)
        T = X[subjects == 3] + 0.5
        X, y, subjects = X[:45], y[:45], subjects[:45]
        tpt = fitted(
            (X, y, subjects), alpha=alpha, gamma=0.1, C=0.5, distribution_kernel=kernel
        ).adapt(T)
        sets = [X[subjects == i] for i in range(3)]
        codes = [y[subjects == i] for i in range(3)]
        expected = tpt_machine(sets, codes, T, n_classes, 0.5, 0.1, alpha, kernel)
        np.testing.assert_allclose(machine(tpt), expected, atol=2e-5)
        scores = T @ expected[:, :-1].T + expected[:, -1]
        np.testing.assert_array_equal(tpt.predict(T), np.argmax(scores, axis=1))
        K, k = similarities(sets, T, 0.1, kernel)
        np.testing.assert_allclose(tpt.kernel_, K, rtol=1e-8)
        np.testing.assert_allclose(tpt.similarity_, k, rtol=1e-8)

    def test_sources_machines_are_support_vector_machines(self) -> None:
        X, y, subjects = people(3, 21, n_classes=3)
        tpt = fitted((X, y, subjects), C=0.3)
        for i in range(3):
            rows = subjects == i
            expected = machines(X[rows], y[rows], 3, 0.3)
            np.testing.assert_allclose(own_machines(tpt)[i], expected, atol=2e-5)

    def test_a_constant_in_the_kernel_frees_the_intercept(self) -> None:
        """What K has in common for all pairs acts as an intercept without penalty."""
        rng = np.random.default_rng(0)
        rows = rng.standard_normal((6, 3))
        K = np.exp(-np.square(rows[:, None] - rows).sum(axis=2) / 4)
        k, theta = rng.random(6), rng.standard_normal((6, 2))
        H = np.eye(6) - 1 / 6
        centred = (k - K.mean(axis=0)) @ H @ np.linalg.inv(H @ K @ H + 0.1 * np.eye(6)) @ H
        free = (1 / 6 + centred) @ theta
        blend = 1 / 6 + (k + 1e7) @ blend_response(K + 1e7, theta, 0.1, None)
        np.testing.assert_allclose(blend @ theta, free, atol=1e-5)
        own = 1 / 6 + k @ blend_response(K, theta, 0.1, None)
        assert np.abs(own @ theta - free).max() > 1e-3

    def test_width_of_the_kernel(self) -> None:
        X, y, subjects = people()
        tpt = fitted((X, y, subjects))
        assert tpt.gamma_ == pytest.approx(median_gamma_naive(X), rel=1e-3)
        assert fitted((X, y, subjects), gamma=0.7).gamma_ == 0.7

    @pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
    @pytest.mark.parametrize("n", [2, 3, 7])
    def test_left_out_without_refits(self, n: int, alpha: float) -> None:
        rng = np.random.default_rng(n)
        rows = rng.standard_normal((n, 4))
        K = np.exp(-0.2 * np.square(rows[:, None] - rows).sum(axis=2))
        theta = rng.standard_normal((n, 6))
        weights = blend_left_out(K, theta, alpha, None)
        np.testing.assert_allclose(weights @ theta, ridge_left_out(K, theta, alpha), atol=1e-9)
        np.testing.assert_array_equal(np.diagonal(weights), 0.0)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-10)
        # support vector regression without insensitivity, refitted n times, is the same
        np.testing.assert_allclose(blend_left_out(K, theta, alpha, 0.0), weights, atol=1e-7)
        k = rng.random(n)
        blend = 1 / n + k @ blend_response(K, theta, alpha, None)
        np.testing.assert_allclose(blend @ theta, ridge_prediction(K, k, theta, alpha), atol=1e-9)

    def test_loss_of_each_alpha_and_the_choice(self) -> None:
        X, y, subjects = people(6, 30, seed=3)
        tpt = fitted((X, y, subjects), gamma=0.05)
        expected, sharpness = [], []
        spread = mean_gap_to_one(tpt.kernel_)
        assert tpt.spread_ == pytest.approx(spread, rel=1e-12)
        for alpha in ALPHAS:
            theta = own_machines(tpt).reshape(6, -1)
            predicted = ridge_left_out(tpt.kernel_, theta, alpha * spread).reshape(6, 2, -1)
            scores = np.vstack(
                [X[subjects == i] @ m[:, :-1].T + m[:, -1] for i, m in enumerate(predicted)]
            )
            sharpness.append(fit_sharpness(scores, y))
            log_p = log_softmax(sharpness[-1] * scores, axis=1)
            expected.append(-np.mean(log_p[np.arange(len(y)), y]))
        np.testing.assert_allclose(tpt.loo_loss_, expected, rtol=1e-6)
        assert tpt.alpha_ == ALPHAS[int(np.argmin(expected))]
        assert tpt.sharpness_ == pytest.approx(sharpness[int(np.argmin(expected))], rel=1e-5)
        given = fitted((X, y, subjects), gamma=0.05, alpha=0.1)
        assert given.loo_loss_ == pytest.approx([expected[ALPHAS.index(0.1)]], rel=1e-6)


class TestKnownAnswers:
    @pytest.mark.parametrize("regressor", REGRESSORS)
    def test_a_source_that_returns_gets_its_own_machine(self, regressor: str) -> None:
        X, y, subjects = people()
        tpt = fitted((X, y, subjects), regressor=regressor, alpha=1e-8, epsilon=0.0, gamma=0.2)
        for i in (0, 3):
            tpt.adapt(X[subjects == i][::-1])
            np.testing.assert_allclose(machine(tpt), own_machines(tpt)[i], atol=1e-5)
            np.testing.assert_allclose(tpt.blend_[0], np.eye(5)[i], atol=1e-5)
            assert tpt.similarity_[i] == pytest.approx(1.0, rel=1e-12)

    @pytest.mark.parametrize("regressor", REGRESSORS)
    def test_a_target_unlike_anybody_gets_the_mean_machine(self, regressor: str) -> None:
        X, y, subjects = people()
        tpt = fitted((X, y, subjects), regressor=regressor, alpha=0.01)
        before = machine(tpt)
        np.testing.assert_allclose(before, own_machines(tpt).mean(axis=0), atol=1e-12)
        tpt.adapt(X[:10] + 1e3)
        np.testing.assert_allclose(machine(tpt), before, atol=1e-12)
        assert np.linalg.norm(before[:, :-1]) > 0.1  # and not nothing
        tpt.adapt(X[:20])
        assert np.abs(machine(tpt) - before).max() > 0.01

    def test_far_is_measured_by_the_distances_between_the_sources(self) -> None:
        """Sources that lie close together, and a target that is ten times as far from them."""
        rng = np.random.default_rng(0)
        X, y, subjects = people(5, 200, d=20, seed=1)
        for i in range(5):
            own = subjects == i
            X[own] = (X[own] - X[own].mean(axis=0)) / X[own].std(axis=0)
        T = 2.0 * rng.standard_normal((200, 20)) + 0.5
        changes = []
        for kernel in ("mmd", "density"):
            tpt = fitted((X, y, subjects), alpha=0.001, distribution_kernel=kernel)
            own = tpt.source_coef_.std(axis=0).max()
            before = machine(tpt)
            changes.append(np.abs(machine(tpt.adapt(T)) - before).max() / own)
        assert fitted((X, y, subjects), distribution_kernel="density").spread_ < 0.1
        assert changes[0] < 0.05
        assert changes[1] > 0.25

    @pytest.mark.parametrize("regressor", REGRESSORS)
    @pytest.mark.parametrize("embedding", ["exact", "fourier"])
    def test_one_subject_is_its_own_machine(self, embedding: str, regressor: str) -> None:
        X, y, _ = people(1, 40)
        tpt = TPT(embedding=embedding, regressor=regressor).fit(X, y).adapt(X[:7] + 1)
        expected = machines(X, y, 2, 0.1)
        np.testing.assert_allclose(machine(tpt), expected, atol=2e-5)
        np.testing.assert_array_equal(tpt.blend_, 1.0)
        assert np.isnan(tpt.loo_loss_).all()
        assert tpt.sharpness_ > 0

    @pytest.mark.parametrize("regressor", REGRESSORS)
    def test_two_subjects(self, regressor: str) -> None:
        X, y, subjects = people(2, 40)
        tpt = fitted((X, y, subjects), regressor=regressor, alpha=0.1, epsilon=0.0, gamma=0.1)
        tpt.adapt(X[subjects == 1])
        # with K = [[1, q], [q, 1]] the difference vector is an eigenvector of eigenvalue 1 - q,
        # which is what alpha is relative to
        expected = 0.5 + 0.5 / (1 + 0.1)
        np.testing.assert_allclose(tpt.blend_, [[1 - expected, expected]] * 2, atol=1e-9)
        # left out, each has the other's machine whatever alpha is: the strongest shrinkage
        chosen = fitted((X, y, subjects), regressor=regressor)
        assert chosen.alpha_ == ALPHAS[0]
        np.testing.assert_allclose(chosen.loo_loss_, chosen.loo_loss_[0], rtol=1e-9)

    def test_large_alpha_gives_everybody_the_mean_machine(self) -> None:
        X, y, subjects = people()
        tpt = fitted((X, y, subjects), alpha=1e9)
        before = machine(tpt)
        np.testing.assert_allclose(machine(tpt.adapt(X[:20])), before, atol=1e-7)

    @pytest.mark.parametrize("embedding", ["exact", "fourier"])
    def test_threshold_that_moves_with_the_distribution(self, embedding: str) -> None:
        X, y, subjects = moving_threshold(12)
        for wearer in (2, 7):
            own = subjects == wearer
            tpt = fitted((X[~own], y[~own], subjects[~own]), embedding=embedding)
            assert tpt.alpha_ < 0.1
            assert np.mean(tpt.predict(X[own]) == y[own]) < 0.85
            assert np.mean(tpt.adapt(X[own]).predict(X[own]) == y[own]) > 0.95
            block = X[own][:10]  # a short block suffices
            assert np.mean(tpt.adapt(block).predict(X[own]) == y[own]) > 0.95

    def test_machines_that_have_nothing_to_do_with_distributions(self) -> None:
        """The best prediction is then the mean machine."""
        chosen = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            subjects = np.repeat(np.arange(10), 60)
            X = rng.standard_normal((600, 2))
            y = (X[:, 0] > rng.permutation(np.linspace(-0.7, 0.7, 10))[subjects]).astype(int)
            X[:, 1] += np.linspace(-3, 3, 10)[subjects]  # tells people apart, but no threshold
            chosen.append(fitted((X, y, subjects)).alpha_)
        assert np.median(chosen) >= 1.0


class TestInvariances:
    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 2**16))
    def test_rows_are_sets(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        X, y, subjects = people(4, 16, seed=seed)
        order, names = rng.permutation(64), rng.permutation(4)
        T = rng.standard_normal((9, 3))
        a = fitted((X, y, subjects)).adapt(T)
        b = fitted((X[order], y[order], names[subjects][order])).adapt(rng.permutation(T))
        assert a.alpha_ == b.alpha_
        np.testing.assert_allclose(machine(a), machine(b), atol=1e-9)
        np.testing.assert_allclose(a.blend_, b.blend_[:, names], atol=1e-9)

    @pytest.mark.parametrize("regressor", REGRESSORS)
    @pytest.mark.parametrize("embedding", ["exact", "fourier"])
    def test_the_origin_of_the_features_does_not_matter(
        self, embedding: str, regressor: str
    ) -> None:
        X, y, subjects = people(n_classes=3)
        T = X[subjects == 4]
        source = subjects < 4
        scores = [
            fitted(
                (X[source] + shift, y[source], subjects[source]),
                regressor=regressor,
                embedding=embedding,
                alpha=0.01,
            )
            .adapt(T + shift)
            .decision_function(T + shift)
            for shift in (0.0, np.array([50.0, -3.0, 1e3]))
        ]
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-7)

    def test_blends_sum_to_one(self) -> None:
        X, y, subjects = people(6, n_classes=3)
        keep = (subjects != 0) | (y != 2)
        for regressor in REGRESSORS:
            tpt = fitted((X[keep], y[keep], subjects[keep]), regressor=regressor, alpha=0.01)
            tpt.adapt(X[:20])
            np.testing.assert_allclose(tpt.blend_.sum(axis=1), 1.0, atol=1e-10)

    def test_labels_of_the_target_are_not_used(self) -> None:
        X, y, subjects = people()
        tpt = fitted((X, y, subjects), alpha=0.01)
        without = machine(tpt.adapt(X[:20]))
        labelled = tpt.adapt(X[10:20], X_calib=X[:10], y_calib=1 - y[:10])
        np.testing.assert_allclose(machine(labelled), without, atol=1e-12)
        assert labelled.information_ == "unlabelled"
        assert labelled.n_target_windows_ == 20


def test_does_no_harm_where_all_are_alike() -> None:
    """Sources and target of one distribution: as good as the plain classifier."""
    gains = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y, subjects = np.tile([0, 1], 240), np.repeat(np.arange(6), 80)
        X = rng.standard_normal((480, 5)) + np.outer(y, [1.5, 0, 0, 0, 0])
        source = subjects < 5
        T, y_target = X[~source], y[~source]
        ours = fitted((X[source], y[source], subjects[source])).adapt(T)
        plain = default_classifier().fit(X[source], y[source])
        gains.append(np.mean(ours.predict(T) == y_target) - np.mean(plain.predict(T) == y_target))
    assert np.mean(gains) > -0.02
    assert min(gains) > -0.1


def test_probabilities_are_honest_about_new_people() -> None:
    """Fitted on the sources' own rows they would be surer of themselves than they are right."""
    X, y, subjects = people(30, 40, d=6, seed=5)
    source = subjects < 10
    tpt = fitted((X[source], y[source], subjects[source]))
    sure, right = [], []
    for i in range(10, 30):
        T, truth = X[subjects == i], y[subjects == i]
        p = tpt.adapt(T).predict_proba(T)
        sure.append(p.max(axis=1).mean())
        right.append(np.mean(np.argmax(p, axis=1) == truth))
    assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.1)


def test_in_a_pipeline() -> None:
    X, y, subjects = people(6, 30, seed=4)
    source = subjects < 5
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), TPT())
    pipeline.fit(X[source], y[source], subjects=subjects[source]).adapt(X[~source])
    z2 = SubjectNormalizer("z2").fit(X[source], subjects=subjects[source]).adapt(X[~source])
    alone = fitted((z2.transform_source(X[source], subjects[source]), y[source], subjects[source]))
    alone.adapt(z2.transform(X[~source]))
    np.testing.assert_allclose(
        pipeline.decision_function(X), alone.decision_function(z2.transform(X)), atol=1e-10
    )


@pytest.mark.parametrize(
    "tpt",
    [
        TPT(),
        TPT(regressor="msvr", alpha=0.1, distribution_kernel="density"),
        TPT(embedding="fourier", n_frequencies=64),
    ],
    ids=["krr", "msvr", "fourier"],
)
def test_keeps_the_contract(tpt: TPT) -> None:
    check_transfer_estimator(tpt)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"C": 0}, r"TPT: C must be a positive number; got 0\."),
        ({"C": "loo"}, r"TPT: C must be a positive number; got 'loo'\."),
        ({"gamma": "scale"}, r"TPT: gamma must be 'median' or a positive number; got 'scale'\."),
        ({"gamma": -1.0}, r"TPT: gamma must be 'median' or a positive number; got -1\.0\."),
        ({"alpha": 0.0}, r"TPT: alpha must be 'loo' or a positive number; got 0\.0\."),
        ({"alpha": "median"}, r"TPT: alpha must be 'loo' or a positive number; got 'median'\."),
        ({"alpha": np.inf}, r"TPT: alpha must be 'loo' or a positive number; got inf\."),
        ({"alpha": True}, r"TPT: alpha must be 'loo' or a positive number; got True\."),
        ({"epsilon": -0.1}, r"TPT: epsilon must be a number of at least 0; got -0\.1\."),
        ({"epsilon": None}, r"TPT: epsilon must be a number of at least 0; got None\."),
        (
            {"distribution_kernel": "emd"},
            r"TPT: distribution_kernel must be 'mmd' or 'density'; got 'emd'\.",
        ),
        ({"regressor": "svr"}, r"TPT: regressor must be 'krr' or 'msvr'; got 'svr'\."),
        ({"embedding": None}, r"TPT: embedding must be 'exact' or 'fourier'; got None\."),
        ({"n_frequencies": 0}, r"TPT: n_frequencies must be a positive integer; got 0\."),
        ({"n_frequencies": 1.5}, r"TPT: n_frequencies must be a positive integer; got 1\.5\."),
    ],
)
def test_parameters_are_checked(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fitted(people(), **parameters)
