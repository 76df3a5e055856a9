"""What a transductive machine is told of the target: its class mix, and labels of some rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.squared_hinge_naive import objective
from reference.tsvm_naive import mean_variance_naive, tsvm_objective
from sklearn.base import clone
from transfer.svm_problems import plane_of, shifted

from eegtl.errors import CalibrationError, InputError
from eegtl.transfer.solvers.squared_hinge import SquaredHinge
from eegtl.transfer.tsvm import TSVM, balanced_labels


class TestClassMix:
    @pytest.mark.parametrize(
        ("prior", "n_target", "expected"),
        [
            ([0.5, 0.5], 10, 5),
            ([0.4, 0.6], 7, 4),  # 4.2
            ([0.7, 0.3], 11, 3),
            ([0.99, 0.01], 20, 0),
            ([1.0, 0.0], 9, 0),
            ([0.0, 1.0], 9, 9),
        ],
    )
    def test_is_kept_to_the_row(self, prior: Any, n_target: int, expected: int) -> None:
        X, y, T, _ = shifted(30, n_target, shift=2.0)
        fitted = TSVM(prior=prior).fit(X, y).adapt(T)
        assert fitted.n_assigned_.tolist() == [n_target - expected, expected]
        coef, intercept = plane_of(fitted)
        labels = balanced_labels(T @ coef, expected)  # a fixed point of the switching
        value = tsvm_objective(coef, intercept, X, 2 * y - 1, T, labels, 100.0, 100.0)
        assert fitted.trace_[-1, 2] == pytest.approx(value, rel=1e-9)

    def test_of_the_sources(self) -> None:
        X, y, T, _ = shifted(40, 20, shift=1.0)
        y = np.where(np.arange(40) < 10, y, 0)
        fitted = TSVM().fit(X, y)
        np.testing.assert_allclose(fitted.prior_, [35 / 40, 5 / 40])
        # 2.5 of 20, and the sources' machine takes the third for the other class, too
        assert np.sort(T @ fitted.coef_[1] + fitted.intercept_[1])[-3] < 0
        assert fitted.adapt(T).n_assigned_.tolist() == [18, 2]
        weighted = TSVM().fit(X, y, sample_weight=np.where(y == 1, 7.0, 1.0))
        np.testing.assert_allclose(weighted.prior_, [0.5, 0.5])

    @pytest.mark.parametrize("n_target", [1, 3, 5, 9, 21])
    def test_half_a_row_is_not_given_by_the_names_of_classes(self, n_target: int) -> None:
        first, second = np.array(["a", "b"]), np.array(["z", "b"])
        for seed in range(10):
            X, y, T, _ = shifted(20, n_target, seed=seed, shift=1.0)
            one = TSVM().fit(X, first[y])
            start = one.predict(T)
            one.adapt(T)
            other = TSVM().fit(X, second[y]).adapt(T)
            assert (one.predict(T) == "b").tolist() == (other.predict(T) == "b").tolist()
            if n_target == 1:  # which is no reason to doubt the sources
                assert one.predict(T).tolist() == start.tolist()

    def test_says_what_it_assumes(self) -> None:
        assert TSVM().assumes_ == "class mix of the sources"
        assert TSVM(prior=[0.5, 0.5]).assumes_ == "class mix given"
        assert TSVM(prior={"a": 0.5, "b": 0.5}).assumes_ == "class mix given"
        assert TSVM(prior=np.array([0.5, 0.5])).assumes_ == "class mix given"

    def test_forms_of_a_given_mix(self) -> None:
        X, y, T, _ = shifted(30, 10)
        names = np.array(["tense", "calm"])[y]
        a = TSVM(prior={"tense": 0.3, "calm": 0.7}).fit(X, names).adapt(T)
        b = TSVM(prior=(0.7, 0.3)).fit(X, names).adapt(T)
        assert a.classes_.tolist() == ["calm", "tense"]
        assert a.n_assigned_.tolist() == [7, 3]
        np.testing.assert_array_equal(a.decision_function(T), b.decision_function(T))
        pairs = TSVM(prior=[("tense", 0.3), ("calm", 0.7)]).fit(X, names)
        assert pairs.prior_.tolist() == [0.7, 0.3]
        c = TSVM(prior={0: 0.25, 1: 0.75}).fit(X, y)
        assert c.prior_.tolist() == [0.25, 0.75]
        assert clone(c).prior == {0: 0.25, 1: 0.75}

    @pytest.mark.parametrize(
        ("prior", "message"),
        [
            ("uniform", r"prior must be 'sources' or the share of each class; got 'uniform'"),
            ([], r"prior names the classes \[\], but the sources have \[0, 1\]"),
            ([(0, 0.5), (2, 0.5)], r"prior names the classes \[0, 2\], but the sources have"),
            ({0: 1.0}, r"prior names the classes \[0\], but the sources have \[0, 1\]"),
            ({0: 0.5, 1: 0.3, 2: 0.2}, r"names the classes \[0, 1, 2\], but the sources have"),
            ([0.2, 0.3, 0.5], r"one share for each of the classes \[0, 1\]; got \[0\.2, 0"),
            (0.5, r"one share for each of the classes \[0, 1\]; got 0\.5"),
            (
                [0.5, 0.6],
                r"sum to 1; got \[0\.5, 0\.6\] .* which sum to 1\.1",
            ),
            ([1.5, -0.5], r"shares that sum to 1; got \[1\.5, -0\.5\]"),
            ([np.nan, 1.0], r"shares that sum to 1; got \[nan, 1\.0\]"),
            (["a", "b"], r"prior must hold numbers; got \['a', 'b'\]"),
        ],
    )
    def test_that_cannot_be_used(self, prior: Any, message: str) -> None:
        X, y, _, _ = shifted(20, 5)
        with pytest.raises(InputError, match=message):
            TSVM(prior=prior).fit(X, y)

    def test_a_wrong_mix_hurts_and_the_right_one_helps(self) -> None:
        """A tenth of the target is of one class: a balanced mix must take others for it."""
        source_only, balanced, right = [], [], []
        for seed in range(10):
            X, y, T, y_target = shifted(200, 60, seed=seed, d=6, shift=0.3, share=0.1)
            for prior, into in (("sources", balanced), ([0.9, 0.1], right)):
                fitted = TSVM(prior=prior).fit(X, y).adapt(T)
                into.append(np.mean(fitted.predict(T) == y_target))
            source_only.append(np.mean(fitted.adapt().predict(T) == y_target))
        assert np.mean(balanced) < np.mean(source_only) - 0.1
        assert np.mean(right) > np.mean(source_only)


class TestCalibration:
    def test_labelled_rows_count_like_source_rows(self) -> None:
        """With nothing else of the target it is the machine of both, at the cost of each row."""
        X, y, T, y_target = shifted(40, 12, shift=3.0)
        fitted = TSVM(5.0).fit(X, y).adapt(X_calib=T, y_calib=y_target)
        cost = 5.0 / (mean_variance_naive(X) * 52)
        plane = SquaredHinge(np.vstack([X, T])).solve(np.append(y, y_target) * 2.0 - 1, cost)
        np.testing.assert_allclose(fitted.coef_[1], plane.coef, atol=1e-10)
        assert fitted.n_assigned_.tolist() == [0, 0]
        assert (fitted.information_, fitted.n_target_windows_) == ("labelled", 12)

    def test_labels_are_kept_and_count_towards_the_mix(self) -> None:
        X, y, T, y_target = shifted(40, 20, shift=2.0)
        order = np.random.default_rng(0).permutation(20)
        T, y_target = T[order], y_target[order]
        wrong = 1 - y_target[:6]
        fitted = TSVM().fit(X, y).adapt(T[6:], X_calib=T[:6], y_calib=wrong)
        assert fitted.n_assigned_.tolist() == [10 - np.sum(wrong == 0), 10 - np.sum(wrong == 1)]
        assert fitted.information_ == "labelled"
        right = TSVM().fit(X, y).adapt(T[6:], X_calib=T[:6], y_calib=y_target[:6])
        assert np.abs(fitted.coef_ - right.coef_).max() > 1e-3
        # 46 labelled rows share C, 14 unlabelled ones C_target
        labels = balanced_labels(T[6:] @ fitted.coef_[1], int(fitted.n_assigned_[1]))
        v = mean_variance_naive(X)
        cost = np.repeat([100 / (46 * v), 100 / (14 * v)], [46, 14])
        rows, sides = np.vstack([X, T]), np.concatenate([2 * y - 1, 2 * wrong - 1, labels])
        value = objective(fitted.coef_[1], fitted.intercept_[1], rows, sides, cost, np.zeros(60))
        assert fitted.trace_[-1, 2] == pytest.approx(value, rel=1e-10)

    def test_more_known_rows_of_a_class_than_the_mix_has(self) -> None:
        X, y, T, _ = shifted(40, 10)
        fitted = TSVM().fit(X, y).adapt(T[8:], X_calib=T[:8], y_calib=np.ones(8, dtype=int))
        assert fitted.n_assigned_.tolist() == [2, 0]

    def test_unlabelled_calibration_rows_are_target_rows(self) -> None:
        X, y, T, _ = shifted(40, 10, shift=2.0)
        a = TSVM().fit(X, y).adapt(T[:4], X_calib=T[4:])
        b = TSVM().fit(X, y).adapt(T)
        np.testing.assert_array_equal(a.decision_function(T), b.decision_function(T))
        assert a.information_ == "unlabelled"

    def test_unknown_labels_are_refused_and_nothing_changes(self) -> None:
        X, y, T, _ = shifted(40, 10, shift=2.0)
        fitted = TSVM().fit(X, y).adapt(T)
        before = fitted.decision_function(T)
        with pytest.raises(CalibrationError, match=r"calibration labels hold \[7\]"):
            fitted.adapt(T[2:], X_calib=T[:2], y_calib=[0, 7])
        np.testing.assert_array_equal(fitted.decision_function(T), before)
