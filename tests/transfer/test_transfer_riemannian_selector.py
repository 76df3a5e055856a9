"""The Riemannian selector against plain loops, and what its weights promise."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.recenter_naive import references, unpack
from reference.riemannian_selector_naive import (
    affine_invariant_squared,
    feature_distances,
    hard,
    soft,
)
from transfer.riemannian_problems import COV, FEW, NAMES, WHO, T, X, Y, shaped

from eegtl.errors import InputError, TransferWarning
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import (
    SourceOnly,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.covariance_rows import matrices_to_rows, rows_to_matrices
from eegtl.transfer.riemannian_selector import RiemannianSelector, whitening
from eegtl.transfer.state import from_state, to_state

DOMAINS = [list(X[name == WHO]) for name in NAMES]


@cache
def naive(with_mean: bool = False) -> np.ndarray:
    """Squared distances of the persons of X, in the order of NAMES."""
    return feature_distances(DOMAINS, list(T), with_mean=with_mean)


def weights_of(selector: RiemannianSelector, **given: Any) -> np.ndarray:
    """Weights of the persons of X."""
    fitted = selector.fit(X, Y, subjects=WHO, **given).adapt(T)
    by_person = [np.unique(fitted.source_weights_[name == WHO]) for name in NAMES]
    assert all(len(values) == 1 for values in by_person)
    return np.concatenate(by_person)


class TestDistances:
    @pytest.mark.parametrize("with_mean", [False, True])
    def test_equal_plain_loops(self, with_mean: bool) -> None:
        squared = naive(with_mean)
        selector = RiemannianSelector(with_mean=with_mean)
        np.testing.assert_allclose(weights_of(selector), soft(squared), rtol=1e-8)
        np.testing.assert_allclose(selector.distances_**2, squared, rtol=1e-8)
        assert selector.domain_subjects_.tolist() == NAMES.tolist()
        for n in (1, 2, 5, 50):
            selector = RiemannianSelector(with_mean=with_mean, n_sources=n)
            np.testing.assert_array_equal(weights_of(selector), hard(squared, n))

    def test_means_count_only_when_asked_for(self) -> None:
        moved = X + 10 * (WHO == "ann")[:, None]
        for with_mean in (False, True):
            a = RiemannianSelector(with_mean=with_mean).fit(X, subjects=WHO).adapt(T)
            b = RiemannianSelector(with_mean=with_mean).fit(moved, subjects=WHO).adapt(T)
            same = np.allclose(a.distances_, b.distances_, rtol=1e-8)
            assert same != with_mean
            assert not with_mean or b.distances_[0] > a.distances_[0] + 1

    @given(st.integers(0, 2**32 - 1), st.booleans())
    @settings(max_examples=25)
    def test_mixing_everybody_s_features_changes_nothing(self, seed: int, with_mean: bool) -> None:
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((5, 5)) * 10.0 ** rng.uniform(-3, 3, 5)
        b = 1e4 * rng.standard_normal(5)
        if np.linalg.cond(A / np.linalg.norm(A, axis=0)) > 1e3:
            return
        plain = RiemannianSelector(with_mean=with_mean).fit(X, subjects=WHO).adapt(T)
        mixed = (
            RiemannianSelector(with_mean=with_mean).fit(X @ A + b, subjects=WHO).adapt(T @ A + b)
        )
        np.testing.assert_allclose(mixed.distances_, plain.distances_, rtol=1e-6)
        np.testing.assert_allclose(mixed.source_weights_, plain.source_weights_, rtol=1e-6)

    @pytest.mark.parametrize("with_mean", [False, True])
    def test_a_twin_ranks_first(self, with_mean: bool) -> None:
        rows, who = np.vstack([X, T[::-1]]), np.append(WHO, ["twin"] * len(T))
        selector = RiemannianSelector(with_mean=with_mean, n_sources=1).fit(rows, subjects=who)
        selector.adapt(T)
        assert set(who[selector.source_weights_ > 0]) == {"twin"}
        assert selector.distances_[-1] < 1e-6 < selector.distances_[:-1].min()

    def test_sessions(self) -> None:
        sitting = np.where(np.arange(len(X)) % 3, "morning", "night")
        table = pd.DataFrame({"session": sitting})
        selector = RiemannianSelector("session", n_sources=3).fit(X, Y, subjects=WHO, rows=table)
        selector.adapt(T)
        pairs = [(name, when) for name in NAMES for when in ("morning", "night")]
        masks = [(name == WHO) & (when == sitting) for name, when in pairs]
        squared = feature_distances([list(X[mask]) for mask in masks], list(T))
        found = list(zip(selector.domain_subjects_, selector.domain_sessions_, strict=True))
        assert found == pairs
        np.testing.assert_allclose(selector.distances_**2, squared, rtol=1e-8)
        for mask, weight in zip(masks, hard(squared, 3), strict=True):
            assert np.unique(selector.source_weights_[mask]).tolist() == [weight]
        assert RiemannianSelector("session").reads_rows
        assert not RiemannianSelector("subject").reads_rows

    def test_covariances_of_persons(self) -> None:
        rows, who = COV.X[:24], COV.subjects[:24]
        selector = RiemannianSelector(n_bands=2).fit(rows, subjects=who).adapt(FEW)
        target = references(FEW, 2, "riemann")
        expected = [
            sum(map(affine_invariant_squared, references(rows[who == name], 2, "riemann"), target))
            for name in np.unique(who)
        ]
        np.testing.assert_allclose(selector.distances_**2, expected, rtol=1e-7)

    def test_covariances_of_rows(self) -> None:
        selector = RiemannianSelector("row", n_bands=2, n_sources=20).fit(COV.X).adapt(FEW)
        target = references(FEW, 2, "riemann")
        expected = np.array(
            [sum(map(affine_invariant_squared, unpack(row, 2), target)) for row in COV.X]
        )
        np.testing.assert_allclose(selector.distances_**2, expected, rtol=1e-7)
        np.testing.assert_array_equal(selector.source_weights_, hard(expected, 20))
        softly = RiemannianSelector("row", n_bands=2).fit(COV.X).adapt(FEW)
        np.testing.assert_allclose(softly.source_weights_, soft(expected), rtol=1e-7)

    @given(st.integers(0, 2**32 - 1), st.sampled_from(["subject", "row"]))
    @settings(max_examples=10)
    def test_mixing_everybody_s_channels_changes_nothing(self, seed: int, level: str) -> None:
        A = np.eye(3) + 0.5 * np.random.default_rng(seed).standard_normal((3, 3))
        if np.linalg.cond(A) > 30:
            return
        mixed = [matrices_to_rows(A @ rows_to_matrices(rows, 2) @ A.T) for rows in (COV.X, COV.T)]
        a, b = (
            RiemannianSelector(level, n_bands=2).fit(rows, subjects=COV.subjects).adapt(target)
            for rows, target in ((COV.X, COV.T), mixed)
        )
        np.testing.assert_allclose(b.distances_, a.distances_, rtol=1e-6)
        np.testing.assert_allclose(b.source_weights_, a.source_weights_, rtol=1e-5, atol=1e-9)

    def test_whitening(self) -> None:
        covariance = np.cov(X.T)
        W = whitening(covariance, X.mean(axis=0))
        np.testing.assert_allclose(W.T @ covariance @ W, np.eye(5), atol=1e-10)


class TestClasses:
    @pytest.mark.parametrize("n_sources", [1, 2])
    def test_a_class_of_far_people_alone(self, n_sources: int) -> None:
        squared = naive()
        far, farther = NAMES[np.argsort(squared)[-2:]]
        y = np.where(np.isin(WHO, [far, farther]), "tense", "calm")
        message = (
            f"none of the {n_sources} nearest subjects holds the class tense: subject {far} is "
            "added with weight 1"
        )
        selector = RiemannianSelector(n_sources=n_sources).fit(X, y, subjects=WHO)
        with pytest.warns(TransferWarning, match=message):
            selector.adapt(T)
        used = selector.source_weights_ > 0
        nearest = NAMES[np.argsort(squared)[:n_sources]]
        assert set(WHO[used]) == {far, *nearest}
        pipeline = make_transfer_pipeline(RiemannianSelector(n_sources=n_sources), SourceOnly())
        with pytest.warns(TransferWarning, match=message):
            pipeline.fit(X, y, subjects=WHO).adapt(T)
        assert pipeline.classes_.tolist() == ["calm", "tense"]

    def test_a_class_of_sessions_and_rows(self) -> None:
        table = {"session": np.arange(len(X)) % 2}
        selector = RiemannianSelector("session", n_sources=1)
        far = NAMES[np.argmax(naive())]
        selector.fit(X, np.where(far == WHO, "tense", "calm"), subjects=WHO, rows=_Table(table))
        with pytest.warns(
            TransferWarning, match=f"nearest sessions .*: subject {far}, session [01] is"
        ):
            selector.adapt(T)
        target = RiemannianSelector("row", n_bands=2).fit(COV.X).adapt(COV.T).distances_
        y = np.where(target > np.sort(target)[60], 1, 0)
        selector = RiemannianSelector("row", n_bands=2, n_sources=30).fit(COV.X, y)
        with pytest.warns(TransferWarning, match="class 1: its 15 nearest rows are added"):
            selector.adapt(COV.T)
        assert np.bincount(y, selector.source_weights_).tolist() == [30, 15]

    def test_before_adapt_all_count(self) -> None:
        selector = RiemannianSelector(n_sources=1).fit(X, Y, subjects=WHO)
        assert selector.source_weights_.tolist() == [1.0] * len(X)
        assert np.isnan(selector.distances_).all()
        selector.adapt(T)
        assert selector.source_weights_.sum() == 40
        assert selector.adapt().source_weights_.tolist() == [1.0] * len(X)


class _Table(dict):  # a plain table: columns by name, as long as its columns
    def __len__(self) -> int:
        return len(next(iter(self.values())))


class TestEdges:
    def test_one_target_row(self) -> None:
        selector = RiemannianSelector().fit(X, Y, subjects=WHO)
        selector.adapt(T)
        with pytest.warns(TransferWarning, match="one row of the target has no covariance: all"):
            selector.adapt(T[:1])
        assert selector.source_weights_.tolist() == [1.0] * len(X)
        assert (selector.information_, selector.n_target_windows_) == ("inductive", 0)
        one = RiemannianSelector(n_bands=2).fit(COV.X, COV.y, subjects=COV.subjects)
        assert np.isfinite(one.adapt(COV.T[:1]).distances_).all()

    def test_a_person_with_one_row_is_average(self) -> None:
        rows, who = np.vstack([X, X[:1]]), np.append(WHO, "zoe")
        selector = RiemannianSelector().fit(rows, subjects=who).adapt(T)
        np.testing.assert_allclose(selector.domain_matrices_[-1, 0], np.eye(5) / 3)

    def test_one_source_person(self) -> None:
        selector = RiemannianSelector().fit(X, Y).adapt(T)
        assert selector.source_weights_.tolist() == [1.0] * len(X)
        assert selector.domain_subjects_.shape == (1,)

    def test_features_that_say_nothing(self) -> None:
        constant, double = np.full((len(X), 1), 0.1), X[:, :1] * 2 - X[:, 1:2]
        assert constant.std() > 0  # rounding alone
        wide = np.hstack([X, constant, double])
        wide_T = np.hstack([T, constant[:40], T[:, :1] * 2 - T[:, 1:2]])
        a = RiemannianSelector().fit(X, subjects=WHO).adapt(T)
        b = RiemannianSelector().fit(wide, subjects=WHO).adapt(wide_T)
        np.testing.assert_allclose(b.distances_, a.distances_, rtol=1e-6)
        flat = RiemannianSelector().fit(np.ones((6, 3)), subjects=[1, 1, 2, 2, 3, 3])
        self.says_nothing(flat, np.ones((4, 3)), "within any of the 3 subjects of the sources")

    @staticmethod
    def says_nothing(selector: RiemannianSelector, target: Any, message: str) -> None:
        with pytest.warns(TransferWarning, match=message):
            selector.adapt(target)
        assert np.isnan(selector.distances_).all()
        assert selector.source_weights_.tolist() == [1.0] * len(selector.source_weights_)
        assert (selector.information_, selector.n_target_windows_) == ("inductive", 0)

    def test_people_of_one_row_each(self) -> None:
        rows = np.random.default_rng(0).standard_normal((12, 3)) * np.repeat([[1.0], [50.0]], 6, 0)
        lone = RiemannianSelector(n_sources=3).fit(rows, subjects=np.arange(12))
        self.says_nothing(lone, rows[:6], "no feature varies within any of the 12 subjects")

    def test_equal_sources_weigh_alike_whatever_rounding_says(self) -> None:
        """Behind z2 a single feature has the variance 1 in everybody."""
        rng = np.random.default_rng(0)
        who, rows = np.repeat(np.arange(5), 30), rng.standard_normal((150, 1))
        z2 = SubjectNormalizer("z2").fit(rows, subjects=who).adapt(own := rows[:20] * 3)
        for n_sources in (None, 1):
            selector = RiemannianSelector(n_sources=n_sources)
            selector.fit(z2.transform_source(rows, who), subjects=who)
            selector.adapt(z2.transform(own))
            assert 0 < selector.distances_.max() < 1e-12
            assert selector.source_weights_.tolist() == [1.0] * 150

    def test_refit_forgets_rows_that_the_new_setting_does_not_need(self) -> None:
        rows = np.tile([2.0, 0.5, 1.0], (6, 1)) * np.arange(1.0, 7.0)[:, None]
        selector = RiemannianSelector("row", n_bands=1).fit(rows)
        assert len(selector.source_rows_) == 6
        selector.set_params(level="subject").fit(rows, subjects=[1, 1, 1, 2, 2, 2])
        assert not hasattr(selector, "source_rows_")

    def test_rows_are_copies(self) -> None:
        selector = RiemannianSelector().fit(X, subjects=WHO).adapt(T)
        assert not np.shares_memory(selector.transform(T), T)
        assert not np.shares_memory(selector.transform_source(X, WHO), X)

    def test_fewer_rows_than_features(self) -> None:
        rows, who, target = shaped(1, n=10, d=25)
        selector = RiemannianSelector(n_sources=2).fit(rows, subjects=who).adapt(target)
        assert np.isfinite(selector.distances_).all()
        assert selector.source_weights_.sum() == 20

    def test_sessions_that_are_not_described(self) -> None:
        selector = RiemannianSelector("session")
        with pytest.warns(TransferWarning, match="got no rows with a column 'session': each per"):
            selector.fit(X, subjects=WHO)
        plain = RiemannianSelector().fit(X, subjects=WHO).adapt(T)
        np.testing.assert_array_equal(selector.adapt(T).source_weights_, plain.source_weights_)
        with pytest.raises(InputError, match="needs the column 'session' in rows; got DataFrame"):
            RiemannianSelector("session").fit(X, rows=pd.DataFrame({"day": np.zeros(len(X))}))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"level": "day"}, "level must be one of subject, session, row; got 'day'"),
            ({"level": "row"}, "level='row' compares the covariance matrices that rows hold: set"),
            ({"n_bands": 1, "with_mean": True}, "rows of covariances .n_bands=1. have none"),
            ({"n_sources": 0}, "n_sources must be None .*; got 0"),
            ({"n_sources": 1.5}, "n_sources must be None .*; got 1.5"),
            ({"n_sources": True}, "n_sources must be None .*; got True"),
            ({"n_bands": 2}, "rows of 5 columns cannot hold 2 covariance matrices"),
        ],
    )
    def test_parameters_that_cannot_be(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            RiemannianSelector(**options).fit(X)

    def test_what_is_no_covariance_is_named(self) -> None:
        bad = COV.X.copy()
        bad[5, 1] = -9.0
        for level, who in (("subject", f"subject {COV.subjects[5]}"), ("row", "source")):
            with pytest.raises(InputError, match=f"{who}, band 1: row 5 is no covariance matrix"):
                RiemannianSelector(level, n_bands=2).fit(bad, subjects=COV.subjects)
        selector = RiemannianSelector(n_bands=2).fit(COV.X, subjects=COV.subjects).adapt(COV.T)
        weights = selector.source_weights_
        with pytest.raises(InputError, match="target, band 1: row 5 is no covariance matrix"):
            selector.adapt(bad)
        assert selector.source_weights_ is weights

    def test_keeps_no_rows(self) -> None:
        selector = RiemannianSelector().fit(X, Y, subjects=WHO).adapt(T)
        wide = [v for v in vars(selector).values() if isinstance(v, np.ndarray) and v.ndim > 1]
        assert max(v.size for v in wide) == 6 * 25
        rows = RiemannianSelector("row", n_bands=2).fit(COV.X)
        assert rows.source_rows_ is not COV.X


class TestContract:
    @pytest.mark.parametrize(
        "estimator",
        [
            RiemannianSelector(),
            RiemannianSelector(n_sources=2, with_mean=True),
            RiemannianSelector("session", n_sources=0.5),
            RiemannianSelector(n_bands=2),
            RiemannianSelector("row", n_bands=1),
            make_transfer_pipeline(
                RiemannianSelector(n_sources=2), SubjectNormalizer("z2"), default_classifier()
            ),
        ],
        ids=["soft", "hard", "session", "covariances", "row", "pipeline"],
    )
    def test_every_rule_holds(self, estimator: Any) -> None:
        check_transfer_estimator(estimator, extra_classes=[RiemannianSelector])

    def test_weights_come_back_from_a_state(self) -> None:
        selector = RiemannianSelector().fit(X, Y, subjects=WHO).adapt(T)
        again = from_state(to_state(selector, extra=[type(selector)]), extra=[type(selector)])
        np.testing.assert_array_equal(again.source_weights_, selector.source_weights_)
        np.testing.assert_array_equal(
            again.adapt(T[:20]).distances_, selector.adapt(T[:20]).distances_
        )

    def test_declares(self) -> None:
        assert RiemannianSelector.moves_source
        assert RiemannianSelector.by_subject
        assert RiemannianSelector().needs_ == "unlabelled"

    def test_says_nothing_where_nothing_is_to_say(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            weights_of(RiemannianSelector())
