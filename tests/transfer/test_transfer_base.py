"""What the base does for every estimator: validation, counting, the order of calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegtl.errors import CalibrationError, ContractError, InputError
from eegtl.transfer import KPCA, TCA, SourceOnly, SubjectNormalizer
from eegtl.transfer.base import Aligner, Target, TransferEstimator

X = np.random.default_rng(0).standard_normal((20, 3))
T = np.random.default_rng(1).standard_normal((8, 3)) + 1
Y = np.array(["a", "b"])[np.arange(20) % 2]


class Recorder(Aligner):
    """Keeps what the base hands over."""

    def __init__(self, needs: str = "unlabelled") -> None:
        self.needs = needs

    @property
    def needs_(self) -> str:  # type: ignore[override]
        return self.needs

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.fitted_ = (X, y, subjects, rows)
        self.calls_: list[Any] = []

    def _forget_target(self) -> None:
        self.calls_.append("forget")

    def _adapt_target(self, target: Target) -> str:
        self.calls_.append(target)
        return target.level

    def _transform(self, X: Any) -> Any:
        return X


class TestFit:
    def test_hands_over_checked_arguments(self) -> None:
        rows = pd.DataFrame({"session": range(20)})
        recorder = Recorder().fit(X.tolist(), Y.tolist(), subjects=["s"] * 20, rows=rows)
        got, labels, subjects, got_rows = recorder.fitted_
        assert got.dtype == np.float64
        assert got.flags.c_contiguous
        np.testing.assert_array_equal(got, X)
        assert labels.tolist() == Y.tolist()
        assert subjects.tolist() == ["s"] * 20
        assert got_rows is rows
        assert recorder.calls_ == ["forget"]
        assert recorder.n_features_in_ == 3

    def test_with_a_target_adapts_once(self) -> None:
        rows = pd.DataFrame({"hours": range(8)})
        recorder = Recorder().fit(X, Y, X_target=T, rows_target=rows)
        assert len(recorder.calls_) == 1
        np.testing.assert_array_equal(recorder.calls_[0].X, T)
        assert recorder.calls_[0].rows_target is rows
        assert (recorder.information_, recorder.n_target_windows_) == ("unlabelled", 8)

    def test_rows_must_fit(self) -> None:
        with pytest.raises(InputError, match=r"rows describes 2 rows, but there are 20\."):
            Recorder().fit(X, Y, rows=pd.DataFrame({"session": [1, 2]}))
        with pytest.raises(InputError, match=r"rows_target describes 2 rows, but there are 8\."):
            Recorder().fit(X, Y, X_target=T, rows_target=pd.DataFrame({"session": [1, 2]}))
        with pytest.raises(InputError, match=r"subjects has 2 entries for 20 rows"):
            Recorder().fit(X, Y, subjects=["a", "b"])

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_numbers_must_be_finite(self, bad: float) -> None:
        broken = X.copy()
        broken[3, 1] = bad
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            Recorder().fit(broken)
        with pytest.raises(InputError, match=r"X_target: Input X contains (NaN|infinity)"):
            Recorder().fit(X).adapt(broken)
        with pytest.raises(InputError, match=r"X_calib: Input X contains (NaN|infinity)"):
            Recorder().fit(X).adapt(T, X_calib=broken)


class TestAdapt:
    def test_calibration_rows_are_target_rows(self) -> None:
        recorder = Recorder().fit(X, Y).adapt(T[:5], X_calib=T[5:], y_calib=["a", "b", "a"])
        target = recorder.calls_[-1]
        np.testing.assert_array_equal(target.X, T)
        np.testing.assert_array_equal(target.X_calib, T[5:])
        assert target.y_calib.tolist() == ["a", "b", "a"]
        assert (recorder.information_, recorder.n_target_windows_) == ("labelled", 8)

    def test_calibration_rows_alone(self) -> None:
        target = Recorder().fit(X).adapt(X_calib=T).calls_[-1]
        np.testing.assert_array_equal(target.X, T)
        np.testing.assert_array_equal(target.X_calib, T)
        assert target.y_calib is None
        assert target.level == "unlabelled"

    def test_nothing_forgets(self) -> None:
        recorder = Recorder().fit(X).adapt(T).adapt()
        assert recorder.calls_[-1] == "forget"
        assert (recorder.information_, recorder.n_target_windows_) == ("inductive", 0)

    def test_labels_are_asked_for(self) -> None:
        message = (
            r"Recorder needs labelled calibration rows of the wearer; got 8 unlabelled rows\. "
            r"Pass X_calib and y_calib, or choose a method that works without labels\."
        )
        recorder = Recorder("labelled").fit(X, Y)
        with pytest.raises(CalibrationError, match=message):
            recorder.adapt(T)
        with pytest.raises(CalibrationError, match=message):
            recorder.adapt(T[:4], X_calib=T[4:])
        assert recorder.adapt(X_calib=T[:2], y_calib=["a", "b"]).information_ == "labelled"

    # An empty block brings no labels.
    def test_no_labels_are_not_labels(self) -> None:
        with pytest.raises((CalibrationError, InputError), match="calib"):
            Recorder("labelled").fit(X, Y).adapt(T, y_calib=[])
        unlabelled = Recorder().fit(X, Y).adapt(T)
        assert unlabelled.information_ == "unlabelled"

    @pytest.mark.parametrize(
        ("X_calib", "y_calib", "n_labels", "n_rows"), [(None, ["a"], 1, 0), (T, ["a"] * 3, 3, 8)]
    )
    def test_one_label_a_row(self, X_calib: Any, y_calib: Any, n_labels: int, n_rows: int) -> None:
        message = (
            f"y_calib has {n_labels} labels for {n_rows} calibration rows; give X_calib and one "
            "label for each of its rows."
        )
        with pytest.raises(CalibrationError, match=message):
            Recorder().fit(X).adapt(T, X_calib=X_calib, y_calib=y_calib)

    # A single string ended in a TypeError of len(), a column was flattened with a warning.
    @pytest.mark.parametrize("y_calib", ["a", np.array([["a"], ["b"]])])
    def test_labels_are_one_dimensional(self, y_calib: Any) -> None:
        with pytest.raises(CalibrationError, match="y_calib"):
            Recorder().fit(X).adapt(X_calib=T[: np.size(y_calib)], y_calib=y_calib)

    def test_descriptions_must_fit(self) -> None:
        with pytest.raises(InputError, match=r"rows_calib describes 1 rows, but there are 8\."):
            Recorder().fit(X).adapt(X_calib=T, rows_calib=[0])

    def test_number_of_features(self) -> None:
        with pytest.raises(InputError, match=r"X_target: X has 2 features, but Recorder is expec"):
            Recorder().fit(X).adapt(T[:, :2])

    def test_an_empty_selection_is_not_nothing(self) -> None:
        """A filter that found no row is a mistake; `adapt()` says that nothing is meant."""
        for name in ("X_target", "X_calib"):
            message = (
                f"{name} holds no rows; select rows of the wearer, or call adapt\\(\\) with "
                "nothing to return to the sources alone"
            )
            with pytest.raises(InputError, match=message):
                Recorder().fit(X).adapt(**{name: T[:0]})


class TestAligner:
    def test_transform_source_is_transform_unless_said_otherwise(self) -> None:
        recorder = Recorder().fit(X)
        np.testing.assert_array_equal(recorder.transform_source(X, ["s"] * 20), X)

    @pytest.mark.parametrize("estimator", [SubjectNormalizer(), TCA(2), KPCA(2)])
    def test_fit_transform_takes_no_domains(self, estimator: Any) -> None:
        message = (
            rf"{type(estimator).__name__}\.fit_transform does not take X_target, subjects: rows "
            r"of the sources and of the target have different maps\. Call fit\(X, y, "
            r"subjects=subjects\)\.transform_source\(X, subjects\) for the sources\."
        )
        with pytest.raises(ContractError, match=message):
            estimator.fit_transform(X, Y, subjects=["s"] * 20, X_target=T)
        plain = type(estimator)(**estimator.get_params())
        np.testing.assert_allclose(plain.fit_transform(X, Y), plain.fit(X, Y).transform(X))

    def test_what_a_subclass_lacks(self) -> None:
        class Nothing(Aligner):
            pass

        class OnlyFit(Aligner):
            def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
                self.done_ = True

        with pytest.raises(ContractError, match=r"Nothing does not define _fit_source\."):
            Nothing().fit(X)
        with pytest.raises(ContractError, match=r"OnlyFit does not define _transform\."):
            OnlyFit().fit(X).transform(X)


class TestClasses:
    # the message showed np.str_('a')
    def test_one_class(self) -> None:
        message = (
            r"the training labels hold one class only \('a'\); a classifier needs at "
            r"least two\. Add sources of the other class\."
        )
        with pytest.raises(InputError, match=message):
            SourceOnly().fit(X, ["a"] * 20)

    def test_no_labels(self) -> None:
        message = r"SourceOnly requires y to be passed, but the target y is None\."
        with pytest.raises(InputError, match=message):
            SourceOnly().fit(X)

    def test_ratings_are_no_classes(self) -> None:
        with pytest.raises(ValueError, match="continuous"):
            SourceOnly().fit(X, np.linspace(0, 1, 20))

    def test_unknown_calibration_labels(self) -> None:
        message = (
            r"the calibration labels hold \['c'\], which no source has; the sources have "
            r"\['a', 'b'\]\."
        )
        with pytest.raises(CalibrationError, match=message):
            SourceOnly().fit(X, Y).adapt(X_calib=T[:2], y_calib=["a", "c"])


def test_target_levels() -> None:
    empty = np.empty((0, 3))
    assert Target(empty, empty, None).level == "inductive"
    assert Target(T, empty, None).level == "unlabelled"
    assert Target(T, T, np.array(["a"] * 8)).level == "labelled"


def test_defaults_of_the_base() -> None:
    assert TransferEstimator.needs_ == "unlabelled"
    assert not TransferEstimator.moves_source
    assert TransferEstimator.label_agreement == 1.0
    assert TransferEstimator.skipped_checks == {}
