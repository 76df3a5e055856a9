"""The battery on rows of covariances: its problems, and that it still finds fault."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from transfer.transfer_problems import Weigher

from eegtl.testing import check_transfer_estimator
from eegtl.testing.any_rows import accepting_any_rows
from eegtl.testing.contract import check_row_order, check_weights, toy_for
from eegtl.testing.toys import any_row_as_covariances, covariance_problem, row_kind, toy_problem
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline
from eegtl.transfer.base import Target
from eegtl.transfer.covariance_rows import rows_to_matrices
from eegtl.transfer.recenter import Recenter
from eegtl.transfer.riemannian_selector import RiemannianSelector


class TestProblems:
    def test_rows_are_covariances(self) -> None:
        toy = covariance_problem(n_bands=3)
        for rows in (toy.X, toy.T, toy.T + 5):  # the battery moves the target by 5
            assert np.linalg.eigvalsh(rows_to_matrices(rows, 3)).min() > 0.01
        other = covariance_problem(seed=1, n_bands=3)
        assert np.abs(other.X - toy.X).max() > 0.1

    def test_kinds(self) -> None:
        assert row_kind(Recenter(n_bands=2)) == ("covariances", 2)
        assert row_kind(RiemannianSelector()) == ("features", 1)
        assert row_kind(RiemannianSelector("row", n_bands=3)) == ("covariances", 3)
        pipeline = make_transfer_pipeline(Recenter(n_bands=2), default_classifier())
        assert row_kind(pipeline) == ("covariances", 2)
        assert toy_for(pipeline).X.shape == (96, 12)

    # What was checked so far is checked as before, with the same numbers.
    def test_features_stay_as_they_were(self) -> None:
        toy = toy_for(SubjectNormalizer("z2"), seed=3)
        np.testing.assert_array_equal(toy.X, toy_problem(seed=3).X)
        z2 = SubjectNormalizer("z2")
        assert accepting_any_rows(z2) is z2
        first = [-3.869457, 1.60581, -4.084088, -4.670542, -2.260506, -0.2511]
        assert toy_problem().X[0].round(6).tolist() == first

    def test_any_row_makes_a_covariance_that_tells_it(self) -> None:
        rows = np.random.default_rng(0).standard_normal((20, 4)) * [1, 10, 1e3, 1e6]
        matrices = rows_to_matrices(any_row_as_covariances(rows, 2), 2)
        np.testing.assert_array_equal(matrices[:, 0], matrices[:, 1])
        assert np.linalg.eigvalsh(matrices).min() > 0
        variances = np.diagonal(matrices[:, 0], axis1=1, axis2=2) - 0.5
        np.testing.assert_allclose((variances - 1 / variances)[:, :2] / 2, rows[:, :2], rtol=1e-6)


class TestAnyRows:
    def test_is_the_estimator_itself_behind_the_rows(self) -> None:
        made = accepting_any_rows(Recenter("euclid", n_bands=2))
        assert isinstance(made, Recenter)
        assert type(made).__name__ == "Recenter"
        assert clone(made).get_params() == Recenter("euclid", n_bands=2).get_params()
        X = np.random.default_rng(0).standard_normal((9, 3))
        rows = any_row_as_covariances(X, 2)
        plain = Recenter("euclid", n_bands=2).fit(rows).adapt(rows[:4])
        made.fit(X).adapt(X[:4])
        assert made.n_features_in_ == 3
        np.testing.assert_array_equal(made.transform(X), plain.transform(rows))
        again = pickle.loads(pickle.dumps(made))
        np.testing.assert_array_equal(again.transform(X), plain.transform(rows))


class KeepsState(Recenter):
    __doc__ = Recenter.__doc__

    def _transform(self, X: Any) -> Any:
        self.last_ = X  # scikit-learn: predicting leaves the object as it is
        return super()._transform(X)


class FirstMatrix(Recenter):
    __doc__ = Recenter.__doc__

    def _adapt_target(self, target: Target) -> str:
        super()._adapt_target(target)
        self.target_reference_ = rows_to_matrices(target.X[:1], self.n_bands)[0]
        return "unlabelled"


class WeighsByPlace(RiemannianSelector):
    __doc__ = RiemannianSelector.__doc__

    def _adapt_target(self, target: Target) -> str:
        self.source_weights_ = np.linspace(0, 1, len(self.domain_codes_))
        return "unlabelled"


class WeighsNothing(RiemannianSelector):
    __doc__ = RiemannianSelector.__doc__

    def _adapt_target(self, target: Target) -> str:
        self.source_weights_ = np.zeros(len(self.domain_codes_))
        return "unlabelled"


class TestFindsFault:
    def test_of_scikit_learn_s_checks(self) -> None:
        with pytest.raises(AssertionError, match="changes __dict__ during transform"):
            check_transfer_estimator(KeepsState())

    def test_of_the_rules(self) -> None:
        with pytest.raises(AssertionError, match="row order does not matter"):
            check_row_order(FirstMatrix())

    @pytest.mark.parametrize(
        ("selector", "message"),
        [
            (WeighsByPlace(), "weights go with their rows"),
            (WeighsNothing(), "not all weights are 0"),
        ],
    )
    def test_of_weights(self, selector: Any, message: str) -> None:
        with pytest.raises(AssertionError, match=message):
            check_weights(selector)

    def test_weights_by_name(self) -> None:
        with pytest.raises(AssertionError, match="weights go with their rows"):
            check_weights(Weigher("ann"))
        check_weights(Weigher(None))
        check_weights(SubjectNormalizer("z2"))
