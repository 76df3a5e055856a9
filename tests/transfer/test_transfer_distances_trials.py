"""What needs trials: the permutation test and the proxy A-distance."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
from reference import distances_naive as naive
from scipy.stats import kstest
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from eegtl.errors import InputError, MemoryEstimateError
from eegtl.transfer.distances import (
    domains,
    mean_gap,
    mmd_linear,
    mmd_multi,
    mmd_rbf,
    permutation_test,
    proxy_a_distance,
    split_noise,
    trial_halves,
)


def _trials(rng, n_trials, n_windows=12, d=3, effect=1.0, shift=0.0):
    """Rows of trials with an effect of their own, and the trial of each."""
    own = effect * rng.standard_normal((n_trials, d)) + shift
    rows = np.repeat(own, n_windows, axis=0) + rng.standard_normal((n_trials * n_windows, d))
    return rows, np.repeat(np.arange(n_trials), n_windows)


class TestPermutation:
    @pytest.mark.parametrize("distance", [mmd_linear, mmd_rbf, mmd_multi])
    def test_value_is_the_distance_and_sums_over_units_give_that_of_every_division(self, distance):
        rng = np.random.default_rng(0)
        (A, a), (B, b) = _trials(rng, 5, 4), _trials(rng, 4, 7)
        fast = permutation_test(distance, A, B, units=(a, b), n_permutations=60)
        assert fast.value == pytest.approx(distance(A, B), rel=1e-9)
        assert (fast.n_units, fast.n_permutations) == ((5, 4), 60)
        # a function that is not known is computed anew for each division
        slow = permutation_test(partial(distance), A, B, units=(a, b), n_permutations=60)
        assert slow.value == distance(A, B)
        assert fast.p == slow.p
        assert 1 / 61 < fast.p < 1

    def test_p_is_the_share_of_divisions_at_least_as_far_apart(self):
        rng = np.random.default_rng(1)
        (A, a), (B, b) = _trials(rng, 3, 4), _trials(rng, 3, 4)
        units = [(side, k) for side in range(2) for k in range(3)]
        every = [set(chosen) for chosen in itertools.combinations(units, 3)]
        kernel = naive.rbf(0.2)
        exact = naive.permutation_p(
            lambda X, Y: naive.mmd(X, Y, kernel), A.tolist(), B.tolist(), a, b, every
        )
        exact = (21 * exact - 1) / 20  # over all divisions, of which the given one is one
        found = permutation_test(
            partial(mmd_rbf, gamma=0.2), A, B, units=(a, b), n_permutations=2000
        )
        assert found.p == pytest.approx(exact, abs=0.04)

    def test_p_is_uniform_where_nothing_differs_but_trials(self):
        rng = np.random.default_rng(2)
        p = []
        for seed in range(200):
            (A, a), (B, b) = _trials(rng, 6, 5), _trials(rng, 7, 5)
            p.append(permutation_test(mmd_rbf, A, B, units=(a, b), n_permutations=199, seed=seed).p)
        assert kstest(p, "uniform").pvalue > 0.01
        assert np.mean(np.array(p) <= 0.05) < 0.1

    def test_permuting_windows_finds_differences_where_there_are_none(self):
        rng = np.random.default_rng(3)
        p = []
        for seed in range(50):
            (A, _), (B, _) = _trials(rng, 6, 5), _trials(rng, 7, 5)
            p.append(permutation_test(mmd_rbf, A, B, n_permutations=99, seed=seed).p)
        assert np.mean(np.array(p) <= 0.05) > 0.5  # should be .05

    def test_of_independent_rows_windows_may_be_the_units(self):
        rng = np.random.default_rng(4)
        p = [
            permutation_test(
                mmd_linear,
                rng.standard_normal((20, 2)),
                rng.standard_normal((15, 2)),
                n_permutations=99,
                seed=seed,
            ).p
            for seed in range(200)
        ]
        assert kstest(p, "uniform").pvalue > 0.01

    def test_finds_a_shift_that_is_larger_than_the_trials_differ(self):
        rng = np.random.default_rng(5)
        (A, a), (B, b) = _trials(rng, 8), _trials(rng, 8, shift=4.0)
        for distance in (mmd_linear, mmd_rbf, mmd_multi, mean_gap):
            assert permutation_test(distance, A, B, units=(a, b), n_permutations=199).p == 1 / 200

    def test_few_units_give_no_small_p(self):
        rng = np.random.default_rng(6)
        (A, a), (B, b) = _trials(rng, 2), _trials(rng, 2, shift=50.0)
        # 2 of the 6 divisions give the sides back
        p = permutation_test(mmd_rbf, A, B, units=(a, b), n_permutations=3000).p
        assert p == pytest.approx(1 / 3, abs=0.03)

    def test_one_unit_against_many(self):
        rng = np.random.default_rng(7)
        (A, a), (B, b) = _trials(rng, 1), _trials(rng, 9)
        found = permutation_test(mmd_rbf, A + 30, B, units=(a, b), n_permutations=500)
        assert found.p == pytest.approx(1 / 10, abs=0.04)

    def test_names_of_units_do_not_matter_nor_does_the_order_of_rows_within(self):
        rng = np.random.default_rng(8)
        (A, a), (B, b) = _trials(rng, 5), _trials(rng, 4)
        order = rng.permutation(len(A))
        one = permutation_test(mmd_rbf, A, B, units=(a, b))
        other = permutation_test(
            mmd_rbf, A[order], B, units=(np.array(list("pqrst"))[a][order], b + 100)
        )
        assert other.value == pytest.approx(one.value, rel=1e-9)
        assert other.p == one.p

    def test_what_cannot_be_tested_is_refused(self, monkeypatch):
        rng = np.random.default_rng(9)
        (A, a), (B, b) = _trials(rng, 5, 2), _trials(rng, 4, 2)
        with pytest.raises(InputError, match=r"the unit of each of the 10 rows .* shape is \(9,\)"):
            permutation_test(mmd_rbf, A, B, units=(a[1:], b))
        with pytest.raises(InputError, match=r"units must be two arrays, .* got a ndarray"):
            permutation_test(mmd_rbf, A, B, units=a)
        with pytest.raises(InputError, match=r"n_permutations must be .* whole number; got 0\."):
            permutation_test(mmd_rbf, A, B, units=(a, b), n_permutations=0)
        one = np.zeros(2, dtype=int)
        with pytest.raises(InputError, match=r"have 1 and 10 units, .* leave a side with 1 row;"):
            permutation_test(mmd_rbf, A[:2], np.vstack([B, B[:2]]), units=(one, np.arange(10)))
        monkeypatch.setattr(domains, "MATRIX_LIMIT_BYTES", 8 * 80)
        with pytest.raises(MemoryEstimateError, match=r"pairs of units \(9 x 9\) needs"):
            permutation_test(mmd_rbf, A, B, units=(a, b))


def _proxy_by_sklearn(A, B, a, b, k):
    """The same classifier and folds by scikit-learn, features scaled as the training rows are."""
    errors = np.zeros(2)
    for fold in range(k):
        train, test = (
            [X[u % k != fold] for X, u in ((A, a), (B, b))],
            [X[u % k == fold] for X, u in ((A, a), (B, b))],
        )
        scale = np.sqrt(sum(X.var(axis=0) for X in train) / 2)
        lda = LinearDiscriminantAnalysis(
            solver="lsqr", covariance_estimator=OAS(), priors=[0.5, 0.5]
        ).fit(np.vstack(train) / scale, np.repeat([0, 1], [len(X) for X in train]))
        for side in range(2):
            errors[side] += np.sum(lda.predict(test[side] / scale) != side)
    error = (errors[0] / len(A) + errors[1] / len(B)) / 2
    return min(2.0, max(0.0, 2 * (1 - 2 * error)))


class TestProxy:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(("n_a", "n_b", "k"), [(5, 8, 5), (2, 9, 2), (3, 3, 3), (11, 20, 5)])
    def test_equals_scikit_learn_s_classifier_on_the_same_folds(self, seed, n_a, n_b, k):
        rng = np.random.default_rng(seed)
        (A, a), (B, b) = _trials(rng, n_a, effect=0.3), _trials(rng, n_b, effect=0.3, shift=0.8)
        B = B * [1.0, 5.0, 0.1]
        found = proxy_a_distance(A, B, trials_a=a, trials_b=b)
        assert found == pytest.approx(_proxy_by_sklearn(A, B, a, b, k), abs=1e-12)

    def test_disjoint_domains_are_2_apart_and_equal_ones_about_0(self):
        rng = np.random.default_rng(0)
        (A, a), (B, b) = _trials(rng, 8, 25, effect=0), _trials(rng, 12, 25, effect=0)
        assert proxy_a_distance(A, B + 30, trials_a=a, trials_b=b) == 2.0
        assert proxy_a_distance(A, B, trials_a=a, trials_b=b) < 0.25
        # known overlap: two unit normals d apart are told with the error Phi(-d / 2)
        A, B = rng.standard_normal((4000, 1)), rng.standard_normal((4000, 1)) + 2.0
        trials = np.repeat(np.arange(10), 400)
        found = proxy_a_distance(A, B, trials_a=trials, trials_b=trials)
        assert found == pytest.approx(2 * (1 - 2 * 0.15866), abs=0.04)

    def test_windows_of_one_trial_on_both_sides_would_make_a_distance_of_nothing(self):
        """Trials differ, domains do not: only the split by trial sees that."""
        rng = np.random.default_rng(1)
        by_trial, by_window = [], []
        for _ in range(10):
            (A, a), (B, b) = (_trials(rng, 6, 20, d=15, effect=1.5) for _ in "AB")
            by_trial.append(proxy_a_distance(A, B, trials_a=a, trials_b=b))
            windows = np.arange(len(A))
            by_window.append(proxy_a_distance(A, B, trials_a=windows, trials_b=windows))
        assert np.mean(by_trial) < 0.5
        assert np.mean(by_window) > 1.2

    def test_units_of_features_and_the_order_of_rows_do_not_matter(self):
        rng = np.random.default_rng(2)
        (A, a), (B, b) = _trials(rng, 5), _trials(rng, 7, shift=0.7)
        found = proxy_a_distance(A, B, trials_a=a, trials_b=b)
        assert 0 < found < 2
        scales = np.array([1e-6, 1.0, 1e5])
        order = rng.permutation(len(A))
        moved = proxy_a_distance(
            A[order] * scales - 4, B * scales - 4, trials_a=a[order], trials_b=b
        )
        assert moved == pytest.approx(found, abs=1e-12)
        assert proxy_a_distance(B, A, trials_a=b, trials_b=a) == pytest.approx(found, abs=1e-12)

    def test_the_larger_domain_counts_no_more(self):
        rng = np.random.default_rng(3)
        (A, a), (B, b) = _trials(rng, 4, effect=0), _trials(rng, 100, effect=0)
        assert proxy_a_distance(A, B, trials_a=a, trials_b=b) < 0.5  # "always B" errs on all of A

    def test_equal_means_are_no_distance_however_different_the_spreads(self):
        rng = np.random.default_rng(4)
        A, B = rng.standard_normal((400, 3)), 10 * rng.standard_normal((400, 3))
        trials = np.repeat(np.arange(8), 50)
        A, B = A - A.mean(axis=0), B - B.mean(axis=0)
        assert proxy_a_distance(A, B, trials_a=trials, trials_b=trials) < 0.2

    def test_degenerate_rows(self):
        trials = np.array([0, 0, 1, 1])
        same = np.ones((4, 3))
        assert proxy_a_distance(same, same, trials_a=trials, trials_b=trials) == 0.0
        assert proxy_a_distance(same, same + 1, trials_a=trials, trials_b=trials) == 2.0
        wide = np.random.default_rng(0).standard_normal((4, 50))
        found = proxy_a_distance(wide, wide + 9, trials_a=trials, trials_b=trials)
        assert found == 2.0

    def test_what_cannot_be_tested_is_refused(self, monkeypatch):
        rng = np.random.default_rng(5)
        (A, a), (B, b) = _trials(rng, 5), _trials(rng, 1)
        with pytest.raises(InputError, match=r"the domains have 5 and 1 trials; a classifier of"):
            proxy_a_distance(A, B, trials_a=a, trials_b=b)
        with pytest.raises(InputError, match=r"trials_b must name .* 12 rows; its shape is \(2,\)"):
            proxy_a_distance(A, B, trials_a=a, trials_b=[1, 2])
        with pytest.raises(InputError, match=r"n_folds must be .* at least 2; got 1\."):
            proxy_a_distance(A, A, trials_a=a, trials_b=a, n_folds=1)
        monkeypatch.setattr(domains, "MATRIX_LIMIT_BYTES", 8 * 8)
        with pytest.raises(MemoryEstimateError, match=r"covariance of the features \(3 x 3\) need"):
            proxy_a_distance(A, A, trials_a=a, trials_b=a)


def test_halves_hold_the_same_trials():
    trials = np.repeat([3, 1, 2], [8, 12, 4])
    halves = trial_halves(trials)
    assert len(halves) == 3
    for half in halves:
        assert np.bincount(trials[half]).tolist() == np.bincount(trials[~half]).tolist()
    assert trial_halves([1, 1, 2]) == []
    X = np.random.default_rng(0).standard_normal((24, 2))
    by_hand = np.sqrt(np.mean([mean_gap(X[h], X[~h]) ** 2 for h in halves]))
    assert split_noise(mean_gap, X, trials) == pytest.approx(by_hand)
