"""ASFM against plain loops, its two stages apart, and what self-training must not do."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.asfm_naive import asfm
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from eegtl.errors import CalibrationError, ContractError, InputError
from eegtl.testing import check_transfer_estimator, toy_problem
from eegtl.transfer import (
    SourceSummary,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.asfm import ASFM, balanced, confident_rows
from eegtl.transfer.sources import RowSources, SummarySources
from eegtl.transfer.subspace_alignment import SubspaceAlignment

TOY = toy_problem()
EXTRA = [ASFM, SubspaceAlignment]


def people(
    seed: int = 0, n_classes: int = 2, n: int = 40, turn: float = 0.3, shift: float = 2.0
) -> tuple[np.ndarray, ...]:
    """Five people with axes and means of their own; the last is the target."""
    rng = np.random.default_rng(seed)
    d, y = 8, np.arange(n) % n_classes
    scale = np.array([2.0, 1.6, 1.2, 0.6, 0.5, 0.4, 0.3, 0.2])
    effect = rng.standard_normal((n_classes, d)) * scale
    rows = []
    for _ in range(5):
        G = rng.standard_normal((d, d))
        axes = np.linalg.qr(np.eye(d) + turn * (G - G.T) / np.sqrt(d))[0]
        own = rng.standard_normal((n, d)) * scale + 1.5 * effect[y]
        rows.append(own @ axes + shift * rng.standard_normal(d))
    subjects = np.repeat(["ann", "ben", "cid", "dot"], n)
    return np.vstack(rows[:4]), np.tile(y, 4), subjects, rows[4], y


def decisions(fitted: Any, T: np.ndarray) -> np.ndarray:
    return fitted.decision_function(T)


def sa_pipeline(per_source: bool, k: int = 3) -> Any:
    return make_transfer_pipeline(SubspaceAlignment(k, per_source=per_source), default_classifier())


@pytest.mark.parametrize(
    "estimator",
    [
        ASFM(3),
        ASFM(per_source=False),
        ASFM(3, max_rounds=0),
        ASFM(3, estimator=LogisticRegression(tol=1e-10)),
    ],
    ids=repr,
)
def test_every_rule_holds(estimator: ASFM) -> None:
    check_transfer_estimator(estimator, extra_classes=EXTRA)


@pytest.mark.parametrize("per_source", [False, True])
class TestStages:
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_equals_plain_loops(self, per_source: bool, n_classes: int) -> None:
        n_refits = []
        for seed in range(6):
            X, y, subjects, T, _ = people(seed, n_classes, n=42)
            fitted = ASFM(3, per_source=per_source).fit(X, y, subjects=subjects).adapt(T)
            model, Z, n_fits = asfm(X, y, subjects, T, 3, per_source)
            np.testing.assert_array_equal(fitted.predict(T), model.predict(Z))
            np.testing.assert_allclose(fitted.predict_proba(T), model.predict_proba(Z), atol=1e-8)
            assert fitted.n_rounds_ == n_fits
            n_refits.append(n_fits)
        assert max(n_refits) > 2  # the rounds did something

    def test_stage_1_is_subspace_alignment(self, per_source: bool) -> None:
        X, y, subjects, T, _ = people()
        fitted = ASFM(3, per_source=per_source).fit(X, y, subjects=subjects).adapt(T)
        sa = SubspaceAlignment(3, per_source=per_source).fit(X, subjects=subjects).adapt(T)
        np.testing.assert_allclose(fitted.aligner_.transform(T), sa.transform(T), atol=1e-8)
        np.testing.assert_allclose(
            fitted.aligner_.transform_source(X, subjects),
            sa.transform_source(X, subjects),
            atol=1e-8,
        )

    def test_no_rounds_are_subspace_alignment_and_the_classifier(self, per_source: bool) -> None:
        X, y, subjects, T, _ = people()
        fitted = ASFM(3, per_source=per_source, max_rounds=0).fit(X, y, subjects=subjects)
        plain = sa_pipeline(per_source).fit(X, y, subjects=subjects)
        np.testing.assert_allclose(decisions(fitted, T), decisions(plain, T), atol=1e-8)
        np.testing.assert_allclose(
            decisions(fitted.adapt(T), T), decisions(plain.adapt(T), T), atol=1e-8
        )
        assert fitted.n_rounds_ == 0
        assert fitted.pseudo_counts_.tolist() == [0, 0]

    def test_before_adapt_it_is_the_classifier_on_principal_components(
        self, per_source: bool
    ) -> None:
        X, y, subjects, T, _ = people()
        fitted = ASFM(3, per_source=per_source).fit(X, y, subjects=subjects)
        plain = sa_pipeline(per_source).fit(X, y, subjects=subjects)
        for _ in range(2):
            np.testing.assert_allclose(decisions(fitted, T), decisions(plain, T), atol=1e-8)
            assert (fitted.information_, fitted.n_rounds_) == ("inductive", 0)
            fitted.adapt(T).adapt()

    def test_from_a_summary_as_from_rows(self, per_source: bool) -> None:
        X, y, subjects, T, _ = people()
        a = ASFM(3, per_source=per_source).fit(X, y, subjects=subjects)
        b = ASFM(3, per_source=per_source).fit_summary(SourceSummary().add(X, y, subjects))
        # given class shares make the same classifier need rows
        lda = LinearDiscriminantAnalysis(
            solver="lsqr", covariance_estimator=OAS(), priors=[0.5, 0.5]
        )
        c = ASFM(3, per_source=per_source, estimator=lda).fit(X, y, subjects=subjects)
        assert isinstance(a.sources_, SummarySources)
        assert isinstance(b.sources_, SummarySources)
        assert isinstance(c.sources_, RowSources)
        for _ in range(2):
            np.testing.assert_allclose(decisions(a, T), decisions(b, T), atol=1e-8)
            np.testing.assert_allclose(decisions(a, T), decisions(c, T), atol=1e-8)
            for fitted in (a, b, c):
                fitted.adapt(T)
        assert a.n_rounds_ == b.n_rounds_ == c.n_rounds_ > 1

    @settings(max_examples=15)
    @given(seed=st.integers(0, 2**16))
    def test_neither_order_nor_a_turn_of_the_features_matters(
        self, per_source: bool, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        X, y, subjects, T, _ = people(seed)
        turn = np.linalg.qr(rng.standard_normal((8, 8)))[0]
        order, target_order = rng.permutation(len(X)), rng.permutation(len(T))
        asfm_ = ASFM(3, per_source=per_source)
        a = decisions(asfm_.fit(X, y, subjects=subjects).adapt(T), T)
        b = asfm_.fit(X[order] @ turn, y[order], subjects=subjects[order])
        b.adapt(T[target_order] @ turn)
        np.testing.assert_allclose(a, decisions(b, T @ turn), atol=1e-6)


class TestPseudoLabels:
    @settings(max_examples=60)
    @given(
        seed=st.integers(0, 2**16),
        n=st.integers(1, 60),
        mix=st.lists(st.floats(0.05, 1.0), min_size=2, max_size=4),
    )
    def test_classes_keep_their_mix(self, seed: int, n: int, mix: list[float]) -> None:
        rng = np.random.default_rng(seed)
        shares = np.array(mix) / sum(mix)
        codes = rng.integers(0, len(shares), n)
        sure, margins = rng.random(n) < 0.7, rng.random(n)
        kept = balanced(codes, sure, margins, shares)
        assert np.all(np.diff(kept) > 0)
        assert np.all(sure[kept])
        counts = np.bincount(codes[kept], minlength=len(shares))
        if len(kept):
            total = min(np.sum(sure & (codes == c)) / s for c, s in enumerate(shares))
            assert np.all(counts >= 1)
            assert np.all(np.abs(counts - shares * total) < 1 + 1e-6)
        for c in range(len(shares)):  # nobody surer was left out
            left = np.setdiff1d(np.flatnonzero(sure & (codes == c)), kept)
            mine = kept[codes[kept] == c]
            assert not len(left) or not len(mine) or margins[left].max() <= margins[mine].min()

    def test_only_sure_rows_are_taken(self) -> None:
        X, y, _, T, _ = people(turn=0.0, shift=0.0)
        model = default_classifier().fit(X, y)
        probabilities = model.predict_proba(T).max(axis=1)
        for least in (0.99, 0.9, 0.5):
            chosen, codes = confident_rows(model, T, least, np.array([0.5, 0.5]))
            assert len(chosen)
            assert np.all(probabilities[chosen] >= least)
            np.testing.assert_array_equal(model.classes_[codes], model.predict(T))

    def test_one_class_alone_gives_no_pseudo_labels(self) -> None:
        """A target that all seems to be of one class cannot pull the classifier there."""
        X, y, subjects, T, _ = people()
        fitted = ASFM(3).fit(X, y, subjects=subjects).adapt(T)
        assert fitted.n_rounds_ > 0
        counts = fitted.pseudo_counts_
        assert counts[0] == counts[1] > 0
        plain = ASFM(3, max_rounds=0).fit(X, y, subjects=subjects).adapt(T[:1])
        single = fitted.adapt(T[:1])
        assert single.n_rounds_ == 0
        np.testing.assert_allclose(decisions(single, T), decisions(plain, T), atol=1e-10)

    def test_the_mix_is_that_of_the_sources(self) -> None:
        X, y, subjects, T, _ = people()
        keep = (y == 0) | (np.arange(len(y)) % 4 == 1)
        fitted = ASFM(3).fit(X[keep], y[keep], subjects=subjects[keep])
        np.testing.assert_allclose(fitted.class_mix_, [2 / 3, 1 / 3])
        counts = fitted.adapt(T).pseudo_counts_
        assert abs(counts[0] - 2 * counts[1]) <= 2
        assert counts.min() > 0
        assert ASFM.assumes_ == "class mix of the sources"

    def test_more_rounds_than_one_are_needed_and_they_end(self) -> None:
        X, y, subjects, T, _ = people(seed=7)
        rounds = [
            ASFM(3, max_rounds=m).fit(X, y, subjects=subjects).adapt(T).n_rounds_
            for m in (1, 2, 10, 50)
        ]
        assert rounds[0] == 1
        assert rounds[1] == 2
        assert 2 < rounds[2] == rounds[3] < 10

    def test_equally_sure_rows_are_chosen_by_content(self) -> None:
        X, y, subjects, T, _ = people()
        forest = RandomForestClassifier(5, max_depth=2, random_state=0)
        a = ASFM(3, estimator=forest).fit(X, y, subjects=subjects).adapt(T)
        b = ASFM(3, estimator=forest).fit(X, y, subjects=subjects).adapt(T[::-1])
        assert a.n_rounds_ > 0
        np.testing.assert_allclose(a.predict_proba(T), b.predict_proba(T), atol=1e-12)


class TestCalibration:
    def test_true_labels_are_used_instead_of_pseudo_labels(self) -> None:
        X, y, subjects, T, y_target = people(turn=1.5)
        fitted = ASFM(3).fit(X, y, subjects=subjects)
        parts: dict[str, Any] = {"X_target": T[10:], "X_calib": T[:10]}
        fitted.adapt(**parts, y_calib=y_target[:10])
        assert (fitted.information_, fitted.n_target_windows_) == ("labelled", 40)
        right = decisions(fitted, T)
        assert fitted.pseudo_counts_.sum() <= 30
        wrong = decisions(fitted.adapt(**parts, y_calib=1 - y_target[:10]), T)
        assert np.mean(right * (2 * y_target - 1)) > np.mean(wrong * (2 * y_target - 1))
        unlabelled = fitted.adapt(**parts)
        assert (unlabelled.information_, unlabelled.n_target_windows_) == ("unlabelled", 40)
        np.testing.assert_allclose(
            decisions(unlabelled, T), decisions(copy(fitted).adapt(T), T), atol=1e-8
        )

    def test_equals_the_classifier_on_aligned_sources_and_calibration(self) -> None:
        X, y, subjects, T, y_target = people()
        fitted = ASFM(3, max_rounds=0).fit(X, y, subjects=subjects)
        fitted.adapt(X_calib=T[:10], y_calib=y_target[:10])
        plain = sa_pipeline(per_source=True).fit(X, y, subjects=subjects)
        plain.adapt(X_calib=T[:10], y_calib=y_target[:10])
        np.testing.assert_allclose(decisions(fitted, T), decisions(plain, T), atol=1e-8)

    def test_labels_that_no_source_has_are_refused_and_change_nothing(self) -> None:
        X, y, subjects, T, _ = people()
        fitted = ASFM(3).fit(X, y, subjects=subjects).adapt(T)
        before = decisions(fitted, T)
        with pytest.raises(CalibrationError, match=r"hold \[7\], which no source has"):
            fitted.adapt(X_calib=T[:2], y_calib=[0, 7])
        np.testing.assert_array_equal(decisions(fitted, T), before)


class Refuses(LogisticRegression):
    """Fails once it meets more rows than the sources have."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        if len(X) > 160:
            raise ValueError("too many rows")
        return super().fit(X, y)


def test_an_error_on_the_way_leaves_the_fitted_object_as_it_was() -> None:
    X, y, subjects, T, _ = people()
    fitted = ASFM(3, estimator=Refuses()).fit(X, y, subjects=subjects)
    before, state = decisions(fitted, T), dict(vars(fitted))
    with pytest.raises(ValueError, match="too many rows"):
        fitted.adapt(T)
    np.testing.assert_array_equal(decisions(fitted, T), before)
    assert all(vars(fitted)[name] is value for name, value in state.items())


class TestPartialAdapt:
    @pytest.mark.parametrize("per_source", [False, True])
    def test_row_by_row_is_exact(self, per_source: bool) -> None:
        X, y, subjects, T, _ = people()
        parts = ASFM(3, per_source=per_source).fit(X, y, subjects=subjects)
        whole = ASFM(3, per_source=per_source).fit(X, y, subjects=subjects)
        for i in range(len(T)):
            parts.partial_adapt(T[i : i + 1])
            if i in (0, 1, 2, 7, 39):
                whole.adapt(T[: i + 1])
                np.testing.assert_array_equal(decisions(parts, T), decisions(whole, T))
                assert parts.n_target_windows_ == whole.n_target_windows_ == i + 1
                assert parts.information_ == "unlabelled"

    def test_behind_a_labelled_calibration(self) -> None:
        X, y, subjects, T, y_target = people()
        block = {"X_calib": T[:6], "y_calib": y_target[:6]}
        parts = ASFM(3).fit(X, y, subjects=subjects).adapt(T[6:20], **block).partial_adapt(T[20:])
        whole = ASFM(3).fit(X, y, subjects=subjects).adapt(T[6:], **block)
        np.testing.assert_array_equal(decisions(parts, T), decisions(whole, T))
        assert (parts.information_, parts.n_target_windows_) == ("labelled", 40)

    def test_in_a_pipeline(self) -> None:
        X, y, subjects, T, _ = people()
        steps = [SubjectNormalizer("z0"), ASFM(3)]
        parts = make_transfer_pipeline(*steps).fit(X, y, subjects=subjects)
        whole = make_transfer_pipeline(*steps).fit(X, y, subjects=subjects)
        parts.partial_adapt(T[:11]).partial_adapt(T[11:])
        np.testing.assert_allclose(decisions(parts, T), decisions(whole.adapt(T), T), atol=1e-8)
        # two adapting steps are not exact
        assert not hasattr(
            make_transfer_pipeline(SubjectNormalizer("z2"), ASFM(3)), "partial_adapt"
        )

    def test_the_callers_rows_may_change_afterwards(self) -> None:
        X, y, subjects, T, _ = people()
        fitted = ASFM(3).fit(X, y, subjects=subjects)
        expected = decisions(ASFM(3).fit(X, y, subjects=subjects).adapt(T), T)
        rows, more, sources = T[:20].copy(), T[20:].copy(), X.copy()
        logistic = ASFM(3, estimator=LogisticRegression()).fit(sources, y, subjects=subjects)
        as_given = decisions(copy(logistic).adapt(T), T)
        fitted.adapt(rows)
        rows[:] = sources[:] = 0.0
        np.testing.assert_array_equal(decisions(fitted.partial_adapt(more), T), expected)
        np.testing.assert_array_equal(decisions(logistic.adapt(T), T), as_given)


def mean_accuracy(make: Any, **settings: Any) -> float:
    found = []
    for seed in range(10):
        X, y, subjects, T, y_target = people(seed, **settings)
        found.append(make().fit(X, y, subjects=subjects, X_target=T).score(T, y_target))
    return float(np.mean(found))


def test_equal_domains_do_no_harm() -> None:
    plain = mean_accuracy(default_pipeline, turn=0.0, shift=0.0)
    for per_source in (False, True):
        ours = mean_accuracy(lambda p=per_source: ASFM(3, per_source=p), turn=0.0, shift=0.0)
        assert ours > plain - 0.04


def test_people_who_are_shifted_and_turned_are_made_good() -> None:
    plain = mean_accuracy(default_pipeline, turn=0.6, shift=4.0)
    assert mean_accuracy(lambda: ASFM(3), turn=0.6, shift=4.0) > plain + 0.05


def default_pipeline() -> Any:
    return make_transfer_pipeline(default_classifier())


def test_arguments_that_cannot_be_used() -> None:
    X, y, subjects, _, _ = people()
    with pytest.raises(InputError, match=r"LinearSVC\(\) has no predict_proba"):
        ASFM(estimator=LinearSVC()).fit(X, y)
    for wrong in (-1, 2.5, True, None):
        with pytest.raises(InputError, match=rf"integer of at least 0; got {wrong!r}\."):
            ASFM(max_rounds=wrong).fit(X, y)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"n_components must be a positive integer; got 0\."):
        ASFM(0).fit(X, y)
    with pytest.raises(InputError, match=r"one class only \(0\)"):
        ASFM().fit(X[y == 0], y[y == 0])
    with pytest.raises(InputError, match="requires y to be passed"):
        ASFM().fit(X)
    with pytest.raises(ContractError, match=r"ASFM\(LogisticRegression\(\)\) needs rows"):
        ASFM(estimator=LogisticRegression()).fit_summary(SourceSummary().add(X, y, subjects))
    with pytest.raises(InputError, match=r"the summary holds 1 classes \(\[0\]\)"):
        ASFM().fit_summary(SourceSummary().add(X[y == 0], y[y == 0]))
