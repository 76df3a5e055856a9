"""ITL: what its map promises. The objective has tests of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.utils import get_tags
from transfer.transfer_problems import TOY, gram

from eegtl.errors import InputError, MemoryEstimateError
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import SubjectNormalizer, default_classifier, itl, make_transfer_pipeline
from eegtl.transfer.distances import domains
from eegtl.transfer.itl import ITL, itl_objective, quotas

SEEDS = st.integers(0, 10_000)


def _problem(seed=0, n_source=60, n_target=30, d=6, effect=2.0, shift=0.0):
    """Sources and a target with a class effect along one line and a shift along another."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((d, 2)))[0].T
    n = n_source + n_target
    y = np.arange(n) % 2
    X = rng.standard_normal((n, d)) + effect * np.outer(2 * y - 1, axes[0])
    X[n_source:] += shift * axes[1]
    return X[:n_source], y[:n_source], X[n_source:], y[n_source:]


class TestITL:
    @pytest.mark.parametrize(
        "estimator", [ITL(3), ITL(3, max_rows=20, lam=0.0), ITL()], ids=lambda e: str(e)
    )
    def test_contract(self, estimator):
        check_transfer_estimator(estimator, extra_classes=[ITL])

    def test_before_adapt_it_is_pca_of_the_sources(self):
        X, y, T, _ = _problem()
        fitted = ITL(3).fit(X, y)
        expected = PCA(3).fit(X)
        np.testing.assert_allclose(
            gram(fitted.transform(T)), gram(expected.transform(T)), atol=1e-9
        )
        assert fitted.scale_ == pytest.approx(
            np.sqrt(expected.explained_variance_.mean() * (len(X) - 1) / len(X))
        )
        assert fitted.objective_.tolist() == []
        assert np.isnan(fitted.label_information_)
        fitted.adapt(T).adapt()
        assert fitted.objective_.tolist() == []
        np.testing.assert_array_equal(fitted.transform(T), ITL(3).fit(X, y).transform(T))

    def test_starts_at_the_target_s_principal_components_and_keeps_the_constraint(self):
        X, y, T, _ = _problem(shift=2.0)
        fitted = ITL(3).fit(X, y).adapt(T)
        order = np.argsort(y, kind="stable")
        start = PCA(3).fit(T).components_.T
        source, target = ((rows - X.mean(axis=0)) / fitted.scale_ for rows in (X[order], T))
        expected = itl_objective(start, source, target, np.array([30, 30]), 1.0)[0]
        assert fitted.objective_[0] == pytest.approx(expected, rel=1e-9)
        assert (np.diff(fitted.objective_) >= 0).all()
        assert np.vdot(fitted.components_, fitted.components_) == pytest.approx(3)
        label, domain = fitted.label_information_, fitted.domain_information_
        assert label - domain == pytest.approx(fitted.objective_[-1], rel=1e-9)
        assert fitted.get_feature_names_out().tolist() == ["itl0", "itl1", "itl2"]

    def test_the_map_is_linear_and_the_same_for_sources_and_target(self):
        X, y, T, _ = _problem()
        fitted = ITL(2).fit(X, y).adapt(T)
        np.testing.assert_array_equal(fitted.transform(X), fitted.transform_source(X))
        gaps = fitted.transform(T[:5]) - fitted.transform(T[5:10])
        np.testing.assert_allclose(gaps, (T[:5] - T[5:10]) @ fitted.components_, atol=1e-12)

    @pytest.mark.parametrize("factor", [1e-6, 1e3])
    def test_units_and_offsets_of_the_features_do_not_matter(self, factor):
        X, y, T, _ = _problem(shift=1.0)
        a = ITL(3).fit(X, y).adapt(T)
        b = ITL(3).fit(factor * X + 7 * factor, y).adapt(factor * T + 7 * factor)
        assert b.objective_[0] == pytest.approx(a.objective_[0], rel=1e-9)
        assert b.objective_[-1] == pytest.approx(a.objective_[-1], rel=1e-3)
        assert b.scale_ == pytest.approx(factor * a.scale_, rel=1e-9)

    def test_the_domain_term_hides_the_domain(self):
        X, y, T, _ = _problem(shift=4.0)
        with_term, without = (ITL(3, lam=lam).fit(X, y).adapt(T) for lam in (1.0, 0.0))
        assert np.isnan(without.domain_information_)
        order = np.argsort(y, kind="stable")
        source, target = ((rows - X.mean(axis=0)) / without.scale_ for rows in (X[order], T))
        left = itl_objective(without.components_, source, target, np.array([30, 30]), 1.0)[2][1]
        start = itl_objective(PCA(3).fit(T).components_.T, source, target, np.array([30, 30]), 1.0)
        assert with_term.domain_information_ < 0.2 * start[2][1]
        assert with_term.domain_information_ < 0.5 * left

    def test_finds_the_classes_behind_a_shift(self):
        gains = []
        for seed in range(5):
            X, y, T, y_target = _problem(seed, 200, 100, d=8, effect=1.5, shift=6.0)
            # the shift looks like the effect to a classifier of the sources
            shift = np.linalg.lstsq(X, 2.0 * y - 1, rcond=None)[0]
            T = T + 3 * shift / np.linalg.norm(shift)
            pipeline = make_transfer_pipeline(ITL(4), default_classifier()).fit(X, y)
            before = default_classifier().fit(X, y).score(T, y_target)
            gains.append(pipeline.adapt(T).score(T, y_target) - before)
        assert np.mean(gains) > 0.2
        assert min(gains) > 0

    def test_equal_domains_are_not_harmed_where_the_target_has_rows_enough(self):
        losses = []
        for seed in range(8):
            X, y, T, y_target = _problem(seed, 300, 150, d=8, effect=1.5)
            pipeline = make_transfer_pipeline(ITL(4), default_classifier()).fit(X, y)
            plain = default_classifier().fit(X, y).score(T, y_target)
            losses.append(plain - pipeline.adapt(T).score(T, y_target))
        assert np.mean(losses) < 0.02
        assert max(losses) < 0.05

    def test_labels_of_the_target_are_not_used(self):
        X, y, T, y_target = _problem()
        fitted = ITL(3).fit(X, y)
        a = fitted.adapt(T[10:], X_calib=T[:10], y_calib=y_target[:10]).transform(T)
        assert fitted.information_ == "unlabelled"
        b = fitted.adapt(T[10:], X_calib=T[:10], y_calib=1 - y_target[:10]).transform(T)
        c = fitted.adapt(T).transform(T)
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)

    def test_labels_of_the_sources_are(self):
        X, y, T, _ = _problem()
        a = ITL(3).fit(X, y).adapt(T).objective_
        b = ITL(3).fit(X, y[np.random.default_rng(0).permutation(60)]).adapt(T).objective_
        assert a[0] > b[0]


class TestRows:
    def test_quotas_are_proportional_and_leave_no_class_out(self):
        assert quotas([10, 5], 30) == [10, 5]
        assert quotas([600, 300, 100], 100) == [60, 30, 10]
        assert quotas([1000, 1, 1], 10) == [9, 1, 1]  # one more than asked for
        assert sum(quotas([333, 333, 334], 100)) == 100
        assert quotas([5, 5, 5], 2) == [1, 1, 1]
        assert quotas([10, 10, 19], 4) == [1, 1, 2]  # the largest remainder

    def test_only_so_many_rows_are_kept_class_by_class(self):
        X, y, T, _ = _problem(n_source=300, n_target=90)
        y = np.where(np.arange(300) < 30, "rare", np.where(y, "b", "a"))
        fitted = ITL(2, max_rows=50).fit(X, y)
        assert fitted.source_rows_.shape == (50, 6)
        assert fitted.class_sizes_.tolist() == [23, 22, 5]
        names = {tuple(row): name for row, name in zip(X, y, strict=True)}
        kept = [names[tuple(row)] for row in fitted.source_rows_]
        assert kept == ["a"] * 23 + ["b"] * 22 + ["rare"] * 5
        sizes = [np.size(v) for v in vars(fitted.adapt(T)).values() if isinstance(v, np.ndarray)]
        assert max(sizes) == 300

    def test_few_rows_learn_nearly_what_many_do(self):
        X, y, T, y_target = _problem(n_source=400, n_target=300, effect=1.5, shift=3.0)
        scores = [
            make_transfer_pipeline(ITL(3, max_rows=n), default_classifier())
            .fit(X, y)
            .adapt(T)
            .score(T, y_target)
            for n in (100, 400)
        ]
        assert abs(scores[0] - scores[1]) < 0.05

    def test_another_seed_draws_other_rows(self):
        X, y, T, _ = _problem(n_source=300)
        a, b, c = (ITL(2, max_rows=40, random_state=s).fit(X, y).adapt(T) for s in (0, 1, 0))
        assert not np.array_equal(a.source_rows_, b.source_rows_)
        np.testing.assert_array_equal(a.components_, c.components_)

    @settings(max_examples=10)
    @given(seed=SEEDS)
    def test_the_order_of_rows_does_not_matter_even_of_equal_ones(self, seed):
        X, y, T, _ = _problem(seed % 50)
        X[5:10], T[3] = X[0], T[4]  # equal rows, of both classes
        order = np.random.default_rng(seed).permutation(60)
        turned = np.random.default_rng(seed).permutation(30)
        a = ITL(3, max_rows=25).fit(X, y).adapt(T)
        b = ITL(3, max_rows=25).fit(X[order], y[order]).adapt(T[turned])
        np.testing.assert_array_equal(a.transform(T), b.transform(T))

    def test_the_caller_s_rows_are_not_kept(self):
        X, y, T, _ = _problem()
        fitted, given_rows = ITL(3).fit(X, y), X.copy()
        X[:] = 0.0
        again = ITL(3).fit(given_rows, y)
        np.testing.assert_array_equal(fitted.adapt(T).transform(T), again.adapt(T).transform(T))


class TestDegenerate:
    def test_rank_bounds_the_components(self):
        rng = np.random.default_rng(0)
        mix = rng.standard_normal((2, 6))
        X, y = rng.standard_normal((40, 2)) @ mix, np.arange(40) % 2
        T = rng.standard_normal((20, 6))  # of higher rank than the sources
        fitted = ITL(5).fit(X, y)
        assert fitted.n_components_ == 2
        assert fitted.adapt(T).transform(T).shape == (20, 2)
        few = ITL(30).fit(X[:3], y[:3])
        assert few.adapt(T).transform(T).shape == (20, few.n_components_)

    @pytest.mark.parametrize("n", [1, 2])
    def test_a_target_of_few_rows_starts_with_directions_of_the_sources(self, n):
        X, y, T, _ = _problem()
        fitted = ITL(4).fit(X, y).adapt(T[:n])
        assert np.isfinite(fitted.transform(T)).all()
        assert fitted.n_components_ == 4
        assert np.linalg.matrix_rank(fitted.components_) == 4

    def test_a_target_of_equal_rows(self):
        X, y, T, _ = _problem()
        fitted = ITL(3).fit(X, y).adapt(np.repeat(T[:1], 5, axis=0))
        assert np.isfinite(fitted.transform(T)).all()

    def test_constant_features_do_not_matter(self):
        X, y, T, _ = _problem()
        held = [np.column_stack([R, np.full(len(R), 3.0)]) for R in (X, T)]
        a = ITL(3).fit(X, y).adapt(T)
        b = ITL(3).fit(held[0], y).adapt(held[1])
        assert b.objective_[0] == pytest.approx(a.objective_[0], rel=1e-9)
        assert abs(b.components_[-1]).max() < 1e-12

    def test_a_subject_with_one_class_and_a_target_with_one(self):
        X, y, T, y_target = _problem(n_target=60)
        subjects = np.where(y == 1, "one", "many")
        pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), ITL(3), default_classifier())
        pipeline.fit(X, y, subjects=subjects).adapt(T[y_target == 1])
        assert np.isfinite(pipeline.predict_proba(T)).all()

    def test_what_cannot_be_used_is_refused(self, monkeypatch):
        X, y, T, _ = _problem()
        assert get_tags(ITL()).target_tags.required
        with pytest.raises(InputError, match=r"ITL requires y to be passed"):
            ITL().fit(X)
        with pytest.raises(InputError, match=r"one class only \(1\); a classifier needs"):
            ITL().fit(X, np.ones(60, dtype=int))
        with pytest.raises(InputError, match=r"ITL found no direction in which"):
            ITL().fit(np.ones((60, 3)), y)
        for settings_, message in (
            ({"n_components": 0}, r"n_components must be a positive integer; got 0"),
            ({"lam": -1.0}, r"lam must be a number of at least 0; got -1\.0"),
            ({"lam": "one"}, r"lam must be a number of at least 0; got 'one'"),
            ({"max_rows": 1}, r"max_rows must be an integer of at least 2; got 1"),
            ({"max_rows": 2.5}, r"max_rows must be an integer of at least 2; got 2\.5"),
        ):
            with pytest.raises(InputError, match=message):
                ITL(**settings_).fit(X, y)
        # more rows than there are may be allowed
        fitted = ITL(3, max_rows=100_000).fit(X, y).adapt(T)
        monkeypatch.setattr(domains, "MATRIX_LIMIT_BYTES", 8 * 90**2 - 1)
        with pytest.raises(MemoryEstimateError, match=r"sources and target \(90 x 90\) needs"):
            fitted.adapt(T)
        assert fitted.n_target_windows_ == 30

    def test_an_adapt_that_fails_changes_nothing(self, monkeypatch):
        fitted = ITL(3).fit(TOY.X, TOY.y).adapt(TOY.T[:20])
        before = fitted.transform(TOY.T)

        def fail(*given):
            raise FloatingPointError

        monkeypatch.setattr(itl, "itl_ascent", fail)
        with pytest.raises(FloatingPointError):
            fitted.adapt(TOY.T)
        np.testing.assert_array_equal(fitted.transform(TOY.T), before)
        assert fitted.n_target_windows_ == 20
