"""The chain: what is fitted on what, when it is refitted, and what may not leak."""

from __future__ import annotations

import re
from copy import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from transfer.transfer_problems import HALF, TOY, NeedsLabels, Weigher, fitted, values

from eegtl.errors import CalibrationError, ContractError, InputError
from eegtl.testing import toy_problem
from eegtl.transfer import (
    CORAL,
    KPCA,
    TCA,
    SourceOnly,
    SubjectNormalizer,
    TransferPipeline,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.state import from_state, to_state


class TestPlainStepsBehindMovingOnes:
    """They are fitted anew for each wearer, and never in place."""

    @staticmethod
    def chain(last: Any) -> TransferPipeline:
        return make_transfer_pipeline(CORAL(), StandardScaler(), last).fit(
            TOY.X, TOY.y, subjects=TOY.subjects
        )

    def test_an_adapt_that_fails_changes_nothing(self) -> None:
        pipeline = self.chain(NeedsLabels())
        pipeline.adapt(X_calib=TOY.T, y_calib=TOY.y_target)
        scaler = pipeline.steps_[1][1]
        before = scaler.mean_.copy()
        with pytest.raises(CalibrationError):
            pipeline.adapt(TOY.T * 3 - 100)
        assert pipeline.steps_[1][1] is scaler
        np.testing.assert_array_equal(scaler.mean_, before)

    def test_a_copy_adapts_by_itself(self) -> None:
        pipeline = self.chain(default_classifier()).adapt(TOY.T)
        before = pipeline.predict_proba(TOY.T)
        copy(pipeline).adapt(TOY.T * 3 - 100)
        np.testing.assert_array_equal(pipeline.predict_proba(TOY.T), before)


class TestByHand:
    """The pipeline against the same calls written out."""

    def test_each_step_sees_the_previous_one(self) -> None:
        pipeline = fitted(SubjectNormalizer("z2"), TCA(3, mu=0.1), LogisticRegression())
        pipeline.adapt(TOY.T)
        z2 = SubjectNormalizer("z2").fit(TOY.X, subjects=TOY.subjects).adapt(TOY.T)
        Z, Z_target = z2.transform_source(TOY.X, TOY.subjects), z2.transform(TOY.T)
        tca = TCA(3, mu=0.1).fit(Z, X_target=Z_target)
        plain = LogisticRegression().fit(tca.transform_source(Z), TOY.y)
        expected = plain.decision_function(tca.transform(Z_target))
        np.testing.assert_allclose(values(pipeline), expected, atol=1e-10)
        probabilities = plain.predict_proba(tca.transform(Z_target))
        np.testing.assert_allclose(pipeline.predict_proba(TOY.T), probabilities, atol=1e-10)
        assert pipeline.predict(TOY.T).tolist() == plain.predict(tca.transform(Z_target)).tolist()

    def test_labels_refit_the_classifier_on_sources_and_calibration(self) -> None:
        T, calib, y_calib = TOY.T[HALF:], TOY.T[:HALF], TOY.y_target[:HALF]
        pipeline = fitted(SubjectNormalizer("z2"), LogisticRegression())
        pipeline.adapt(T, X_calib=calib, y_calib=y_calib)
        z2 = SubjectNormalizer("z2").fit(TOY.X, subjects=TOY.subjects).adapt(TOY.T)
        pooled = np.vstack([z2.transform_source(TOY.X, TOY.subjects), z2.transform(calib)])
        plain = LogisticRegression().fit(pooled, np.concatenate([TOY.y, y_calib]))
        expected = plain.decision_function(z2.transform(TOY.T))
        np.testing.assert_allclose(values(pipeline), expected, atol=1e-10)
        assert pipeline.information_ == "labelled"
        assert pipeline.n_target_windows_ == len(TOY.T)
        assert pipeline.n_pooled_windows_ == HALF
        # without labels the calibration rows are target rows, and the labels are forgotten
        pipeline.adapt(T, X_calib=calib)
        unlabelled = fitted(SubjectNormalizer("z2"), LogisticRegression()).adapt(TOY.T)
        np.testing.assert_allclose(values(pipeline), values(unlabelled), atol=1e-10)
        assert (pipeline.information_, pipeline.n_pooled_windows_) == ("unlabelled", 0)

    def test_source_only_at_the_end_ignores_labels(self) -> None:
        a = fitted(SubjectNormalizer("z2"), SourceOnly())
        a.adapt(X_calib=TOY.T, y_calib=TOY.y_target)
        b = fitted(SubjectNormalizer("z2"), default_classifier()).adapt(TOY.T)
        np.testing.assert_allclose(values(a), values(b), atol=1e-10)
        assert (a.information_, a.n_pooled_windows_) == ("unlabelled", 0)
        other = TOY.y_target[::-1].copy()
        c = fitted(SubjectNormalizer("z2"), SourceOnly()).adapt(X_calib=TOY.T, y_calib=other)
        np.testing.assert_array_equal(values(a), values(c))

    def test_two_aligners_stacked(self) -> None:
        pipeline = fitted(KPCA(4), TCA(2, kernel="linear"), LogisticRegression()).adapt(TOY.T)
        kpca = KPCA(4).fit(TOY.X, X_target=TOY.T)
        Z, Z_target = kpca.transform_source(TOY.X), kpca.transform(TOY.T)
        tca = TCA(2, kernel="linear").fit(Z).adapt(Z_target)
        plain = LogisticRegression().fit(tca.transform_source(Z), TOY.y)
        expected = plain.decision_function(tca.transform(Z_target))
        np.testing.assert_allclose(values(pipeline), expected, atol=1e-7)

    def test_plain_transformer_sees_the_sources_only(self) -> None:
        pipeline = fitted(StandardScaler(), SubjectNormalizer("z2"), LogisticRegression())
        before = pipeline.named_steps_["standardscaler"].mean_.copy()
        pipeline.adapt(1000 + TOY.T)
        np.testing.assert_array_equal(pipeline.named_steps_["standardscaler"].mean_, before)
        np.testing.assert_allclose(before, TOY.X.mean(axis=0))

    def test_plain_transformer_behind_a_moving_step_is_refitted(self) -> None:
        pipeline = fitted(TCA(4), PCA(2), LogisticRegression()).adapt(TOY.T)
        Z = TCA(4).fit(TOY.X, X_target=TOY.T).transform_source(TOY.X)
        expected = PCA(2).fit(Z).components_
        got = pipeline.named_steps_["pca"].components_
        np.testing.assert_allclose(np.abs(got), np.abs(expected), atol=1e-8)

    def test_classifier_is_not_refitted_where_the_sources_stay(self) -> None:
        pipeline = fitted(SubjectNormalizer("z2"), LogisticRegression())
        before = pipeline.steps_[-1][1]
        assert pipeline.adapt(TOY.T).steps_[-1][1] is before
        pipeline = fitted(TCA(3), LogisticRegression())
        before = pipeline.steps_[-1][1]
        assert pipeline.adapt(TOY.T).steps_[-1][1] is not before


class TestNoLeak:
    CHAINS = (
        [SubjectNormalizer("z2"), TCA(3), LogisticRegression(tol=1e-12)],
        [SubjectNormalizer("z2"), KPCA(3, kernel="linear"), default_classifier()],
        [SubjectNormalizer("z2"), default_classifier()],
    )

    @pytest.mark.parametrize("steps", CHAINS)
    def test_row_order_of_the_target(self, steps: list[Any]) -> None:
        order = np.random.default_rng(0).permutation(len(TOY.T))
        a, b = fitted(*steps).adapt(TOY.T), fitted(*steps).adapt(TOY.T[order])
        np.testing.assert_allclose(values(a), values(b), atol=1e-7)
        np.testing.assert_allclose(values(a)[order], a.decision_function(TOY.T[order]), atol=1e-9)

    @pytest.mark.parametrize("steps", CHAINS)
    def test_predicting_changes_nothing(self, steps: list[Any]) -> None:
        pipeline = fitted(*steps).adapt(TOY.T[:10])
        before = values(pipeline)
        for rows in (TOY.T[10:], 1000 + TOY.T, TOY.X):
            pipeline.predict(rows)
            pipeline.predict_proba(rows)
            pipeline.decision_function(rows)
        np.testing.assert_array_equal(values(pipeline), before)
        assert pipeline.n_target_windows_ == 10

    @pytest.mark.parametrize("steps", CHAINS)
    def test_an_earlier_wearer_leaves_nothing(self, steps: list[Any]) -> None:
        fresh = fitted(*steps).adapt(TOY.T)
        used = fitted(*steps).adapt(50 + 9 * TOY.T[::-1])
        used.adapt(X_calib=TOY.T[:4], y_calib=TOY.y_target[:4])
        np.testing.assert_allclose(values(used.adapt(TOY.T)), values(fresh), atol=1e-8)

    @pytest.mark.parametrize("steps", CHAINS)
    def test_labels_of_an_earlier_calibration_leave_nothing(self, steps: list[Any]) -> None:
        block = {"X_calib": TOY.T[:4], "y_calib": TOY.y_target[:4]}
        once = values(fitted(*steps).adapt(TOY.T[4:], **block))
        twice = fitted(*steps).adapt(TOY.T[4:], **block).adapt(TOY.T[4:], **block)
        np.testing.assert_allclose(values(twice), once, atol=1e-8)

    def test_adapt_takes_no_labels_of_target_rows(self) -> None:
        pipeline = fitted(SubjectNormalizer("z2"), default_classifier())
        with pytest.raises(TypeError):
            pipeline.adapt(TOY.T, TOY.y_target)  # type: ignore[misc]
        message = (
            r"y_calib has 30 labels for 0 calibration rows; give X_calib and one label for each "
            r"of its rows\."
        )
        with pytest.raises(CalibrationError, match=message):
            pipeline.adapt(TOY.T, y_calib=TOY.y_target)

    def test_unknown_calibration_label(self) -> None:
        pipeline = fitted(SubjectNormalizer("z2"), default_classifier())
        message = (
            r"the calibration labels hold \['glad'\], which no source has; the sources have "
            r"\['calm', 'tense'\]\."
        )
        with pytest.raises(CalibrationError, match=message):
            pipeline.adapt(X_calib=TOY.T[:2], y_calib=["calm", "glad"])

    # A failing adapt left the first steps at the new wearer and the others at the old one.
    def test_a_refused_adapt_leaves_no_mixture(self) -> None:
        pipeline = fitted(SubjectNormalizer("z2"), NeedsLabels())
        pipeline.adapt(X_calib=TOY.T[:HALF], y_calib=TOY.y_target[:HALF])
        before = pipeline.predict_proba(TOY.T)
        with pytest.raises(CalibrationError, match="NeedsLabels needs labelled calibration rows"):
            pipeline.adapt(5 * TOY.T + 100)
        np.testing.assert_allclose(pipeline.predict_proba(TOY.T), before, atol=1e-10)


class TestPartialAdapt:
    @pytest.mark.parametrize(
        "steps",
        [
            [SubjectNormalizer("z2"), default_classifier()],
            [StandardScaler(), SubjectNormalizer("z3"), LogisticRegression()],
            [SubjectNormalizer("z0"), SubjectNormalizer("z2"), SourceOnly()],
        ],
    )
    def test_equals_adapt(self, steps: list[Any]) -> None:
        parts = fitted(*steps)
        for chunk in (TOY.T[:1], TOY.T[1:7], TOY.T[7:]):
            assert parts.partial_adapt(chunk) is parts
        whole = fitted(*steps).adapt(TOY.T)
        np.testing.assert_allclose(values(parts), values(whole), atol=1e-10)
        assert (parts.information_, parts.n_target_windows_) == ("unlabelled", 30)
        assert whole.n_target_windows_ == 30

    def test_of_a_chain_that_does_not_adapt(self) -> None:
        pipeline = fitted(SubjectNormalizer("z1"), default_classifier())
        before = values(pipeline)
        np.testing.assert_array_equal(values(pipeline.partial_adapt(TOY.T)), before)
        assert (pipeline.information_, pipeline.n_target_windows_) == ("inductive", 0)

    @pytest.mark.parametrize(
        "steps",
        [
            [TCA(3), default_classifier()],
            [SubjectNormalizer("z2"), KPCA(3), default_classifier()],
            [SubjectNormalizer("z2"), SubjectNormalizer("z2"), default_classifier()],
            [Weigher(), default_classifier()],
        ],
    )
    def test_is_not_offered_where_it_would_not_be_exact(self, steps: list[Any]) -> None:
        pipeline: Any = make_transfer_pipeline(*steps)
        assert not hasattr(pipeline, "partial_adapt")
        with pytest.raises(AttributeError, match="partial_adapt"):
            pipeline.partial_adapt(TOY.T)
        assert hasattr(make_transfer_pipeline(SubjectNormalizer(), default_classifier()), "fit")


class TestAsSklearnEstimator:
    def test_grid_search(self) -> None:
        pipeline = make_transfer_pipeline(
            SubjectNormalizer("z0"), TCA(2, kernel="linear"), default_classifier()
        )
        search = GridSearchCV(
            pipeline, {"tca__n_components": [1, 3], "subjectnormalizer__mode": ["z0", "z1"]}, cv=3
        )
        search.fit(TOY.X, TOY.y, subjects=TOY.subjects)
        assert len(search.cv_results_["mean_test_score"]) == 4
        assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
        assert search.best_estimator_.information_ == "inductive"
        search.best_estimator_.adapt(TOY.T)
        assert search.predict(TOY.T).shape == (30,)

    def test_parameters(self) -> None:
        pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), TCA(3), default_classifier())
        assert pipeline.set_params(tca__n_components=2, tca__mu=5.0) is pipeline
        assert pipeline.get_params()["tca__n_components"] == 2
        assert pipeline.get_params(deep=False) == {"steps": pipeline.steps}
        pipeline.set_params(tca=KPCA(4))
        assert [type(step).__name__ for _, step in pipeline.steps][1] == "KPCA"
        with pytest.raises(ValueError, match="Invalid parameter 'nobody'"):
            pipeline.set_params(nobody__n_components=2)

    def test_clone_and_steps_stay_unfitted(self) -> None:
        steps = [StandardScaler(), SubjectNormalizer("z2"), TCA(3), LogisticRegression()]
        pipeline = fitted(*steps).adapt(TOY.T)
        for step in steps:
            assert not [name for name in vars(step) if name.endswith("_")]
        copy = clone(pipeline)
        assert not hasattr(copy, "steps_")
        assert copy.steps[2][1] is not steps[2]
        refitted = copy.fit(TOY.X, TOY.y, subjects=TOY.subjects, X_target=TOY.T)
        np.testing.assert_allclose(values(refitted), values(pipeline), atol=1e-10)

    def test_fitting_again_forgets(self) -> None:
        pipeline = fitted(SubjectNormalizer("z2"), default_classifier())
        pipeline.adapt(X_calib=TOY.T, y_calib=TOY.y_target)
        pipeline.fit(TOY.X, TOY.y, subjects=TOY.subjects)
        assert (pipeline.information_, pipeline.n_pooled_windows_) == ("inductive", 0)
        fresh = fitted(SubjectNormalizer("z2"), default_classifier())
        np.testing.assert_array_equal(values(pipeline), values(fresh))

    def test_names(self) -> None:
        pipeline = make_transfer_pipeline(KPCA(), KPCA(), default_classifier())
        names = [name for name, _ in pipeline.steps]
        assert names == ["kpca-1", "kpca-2", "lineardiscriminantanalysis"]
        assert list(fitted(KPCA(3), SourceOnly()).named_steps_) == ["kpca", "sourceonly"]

    def test_takes_data_frames(self) -> None:
        frame, target = pd.DataFrame(TOY.X), pd.DataFrame(TOY.T)
        frame.columns = target.columns = [f"f{i}" for i in range(6)]
        pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), TCA(3), LogisticRegression())
        pipeline.fit(frame, pd.Series(TOY.y), subjects=pd.Series(TOY.subjects)).adapt(target)
        plain = fitted(SubjectNormalizer("z2"), TCA(3), LogisticRegression()).adapt(TOY.T)
        np.testing.assert_allclose(pipeline.decision_function(target), values(plain), atol=1e-10)
        assert pipeline.feature_names_in_.tolist() == list(frame.columns)

    def test_offers_what_the_last_step_offers(self) -> None:
        svm: Any = fitted(SubjectNormalizer("z2"), LinearSVC())
        assert not hasattr(svm, "predict_proba")
        assert hasattr(svm, "decision_function")

    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ([SubjectNormalizer("z1")], "inductive"),
            ([SubjectNormalizer("z2")], "unlabelled"),
            ([SubjectNormalizer("z0"), TCA(3)], "unlabelled"),
        ],
    )
    def test_needs(self, steps: list[Any], expected: str) -> None:
        assert make_transfer_pipeline(*steps, default_classifier()).needs_ == expected
        labelled = make_transfer_pipeline(*steps, NeedsLabels())
        assert labelled.needs_ == "labelled"


class TestContract:
    @pytest.mark.parametrize(
        ("steps", "message"),
        [
            ([], "steps must be a list of (name, estimator) with at least one; got []."),
            (None, "steps must be a list of (name, estimator) with at least one; got None."),
            (
                [("svm", LinearSVC()), ("lda", default_classifier())],
                "step 'svm' (LinearSVC) has no transform; only the last step may be a classifier.",
            ),
            (
                [("z", SubjectNormalizer()), ("tca", TCA())],
                "the last step 'tca' (TCA) has no predict; end the pipeline in a classifier, for "
                "example default_classifier().",
            ),
            (
                [("z", SubjectNormalizer), ("lda", default_classifier())],
                "step 'z' (type) has no transform; only the last step may be a classifier.",
            ),
        ],
    )
    def test_steps_that_cannot_be_joined(self, steps: Any, message: str) -> None:
        with pytest.raises(ContractError, match=re.escape(message)):
            TransferPipeline(steps).fit(TOY.X, TOY.y)

    # a TypeError of unpacking
    def test_steps_without_names(self) -> None:
        steps: Any = [SubjectNormalizer(), default_classifier()]
        with pytest.raises(ContractError, match="steps must be a list of"):
            TransferPipeline(steps).fit(TOY.X, TOY.y)

    def test_names_are_unique(self) -> None:
        steps = [("a", SubjectNormalizer()), ("a", default_classifier())]
        with pytest.raises(ValueError, match="Names provided are not unique"):
            TransferPipeline(steps).fit(TOY.X, TOY.y)

    def test_labels_are_needed(self) -> None:
        pipeline = make_transfer_pipeline(SubjectNormalizer(), default_classifier())
        message = r"TransferPipeline requires y to be passed, but the target y is None\."
        with pytest.raises(InputError, match=message):
            pipeline.fit(TOY.X)
        message = (
            r"the training labels hold one class only \(.*'a'.*\); a classifier needs at least "
            r"two\. Add sources of the other class\."
        )
        with pytest.raises(InputError, match=message):
            pipeline.fit(TOY.X, ["a"] * 96)


# A profile is stored with to_state: descriptions of rows that no step reads may not stop it.
def test_row_descriptions_are_kept_only_for_steps_that_read_them() -> None:
    pipeline = fitted(
        SubjectNormalizer("z2"), LogisticRegression(), rows=pd.DataFrame({"session": range(96)})
    )
    again = from_state(to_state(pipeline))
    np.testing.assert_array_equal(values(again), values(pipeline))


# The labels' kind is what the user gave, whatever kind the calibration labels have.
@pytest.mark.parametrize("classifier", [LogisticRegression(), default_classifier()])
def test_calibration_labels_of_another_number_type(classifier: Any) -> None:
    toy = toy_problem((0, 1))
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), classifier)
    pipeline.fit(toy.X, toy.y, subjects=toy.subjects)
    pipeline.adapt(X_calib=toy.T, y_calib=toy.y_target.astype(float))
    assert pipeline.predict(toy.T).dtype.kind == "i"


# (see test_a_change_in_the_last_bit_draws_the_same_landmarks)
def test_behind_z2_the_row_order_of_the_sources_does_not_matter() -> None:
    """Normalising rounds differently in another order; nothing that is drawn may follow that."""
    rng = np.random.default_rng(0)
    people, y = np.arange(1200) % 4, np.arange(1200) // 4 % 2
    X = rng.standard_normal((1200, 4)) + 3 * people[:, None] + y[:, None]
    T = rng.standard_normal((40, 4))
    order = rng.permutation(1200)
    for tca in (TCA(3), TCA(3, n_landmarks=60)):
        pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), tca, default_classifier())
        a = clone(pipeline).fit(X, y, subjects=people).adapt(T)
        b = clone(pipeline).fit(X[order], y[order], subjects=people[order]).adapt(T[::-1])
        np.testing.assert_allclose(a.decision_function(T), b.decision_function(T), atol=1e-6)
