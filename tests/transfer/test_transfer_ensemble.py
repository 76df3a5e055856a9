"""`TransferEnsemble`: the mean of the members' probabilities, and the contract of the whole."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from transfer.transfer_problems import HALF, TOY, NeedsLabels, Weigher

from eegtl.errors import CalibrationError, ContractError, InputError
from eegtl.testing import check_transfer_estimator, toy_problem
from eegtl.transfer import (
    TCA,
    SelectColumns,
    SourceOnly,
    SubjectNormalizer,
    ThresholdRecentring,
    TransferEnsemble,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.base import Aligner
from eegtl.transfer.ensemble import member_weights


def z2(columns: Any = "all") -> Any:
    return make_transfer_pipeline(
        SelectColumns(columns), SubjectNormalizer("z2"), default_classifier()
    )


def tca() -> Any:
    return make_transfer_pipeline(TCA(2, kernel="linear"), LogisticRegression(tol=1e-10))


def fitted(*members: Any, toy: Any = TOY, **extra: Any) -> TransferEnsemble:
    named = [(f"m{i}", member) for i, member in enumerate(members)]
    return TransferEnsemble(named, **extra).fit(toy.X, toy.y, subjects=toy.subjects)


def alone(member: Any, toy: Any = TOY) -> Any:
    return member.fit(toy.X, toy.y, subjects=toy.subjects)


class TestMean:
    @pytest.mark.parametrize("labels", [("calm", "tense"), (-1, 0, 1)])
    def test_is_the_mean_by_hand(self, labels: Any) -> None:
        toy = toy_problem(labels)
        ensemble = fitted(z2([0, 1, 2]), tca(), z2(), toy=toy, weights=[1, 2, 5]).adapt(toy.T)
        parts = [alone(m, toy).adapt(toy.T).predict_proba(toy.T) for m in (z2([0, 1, 2]), tca())]
        parts.append(alone(z2(), toy).adapt(toy.T).predict_proba(toy.T))
        mean = (parts[0] + 2 * parts[1] + 5 * parts[2]) / 8
        np.testing.assert_allclose(ensemble.predict_proba(toy.T), mean, atol=1e-14)
        expected = ensemble.classes_[mean.argmax(axis=1)]
        np.testing.assert_array_equal(ensemble.predict(toy.T), expected)

    def test_of_one_or_of_twins_is_the_member(self) -> None:
        member = alone(z2()).adapt(TOY.T)
        for ensemble in (fitted(z2()), fitted(z2(), z2()), fitted(z2(), tca(), weights=[1, 0])):
            ensemble.adapt(TOY.T)
            expected = member.predict_proba(TOY.T)
            np.testing.assert_allclose(ensemble.predict_proba(TOY.T), expected, atol=1e-15)
            np.testing.assert_array_equal(ensemble.predict(TOY.T), member.predict(TOY.T))

    def test_the_order_of_members_is_irrelevant(self) -> None:
        a = fitted(z2([0, 1]), tca(), z2([3, 4, 5])).adapt(TOY.T).predict_proba(TOY.T)
        b = fitted(z2([3, 4, 5]), z2([0, 1]), tca()).adapt(TOY.T).predict_proba(TOY.T)
        np.testing.assert_allclose(a, b, atol=1e-14)

    def test_a_class_that_a_member_does_not_know_counts_as_0_there(self) -> None:
        toy = toy_problem((-1, 0, 1))
        lacks = toy.subjects == "ann"
        y = np.where(lacks, 0, np.where(toy.y == 0, 1, toy.y))  # only ann has class 0
        weighs = make_transfer_pipeline(Weigher("ann"), LogisticRegression())
        ensemble = TransferEnsemble([("weighs", weighs), ("plain", SourceOnly())])
        ensemble.fit(toy.X, y, subjects=toy.subjects).adapt(toy.T)
        members = ensemble.named_members_
        assert members["weighs"].classes_.tolist() == [-1, 1]
        plain = members["plain"].predict_proba(toy.T)
        p = ensemble.predict_proba(toy.T)
        np.testing.assert_allclose(p[:, 1], plain[:, 1] / 2, atol=1e-15)
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)

    def test_two_noisy_views_are_better_than_one(self) -> None:
        gains = []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            y = np.arange(600) % 2
            X = np.hstack([y[:, None] * 1.2 + rng.standard_normal((600, 1)) for _ in range(2)])
            ensemble = TransferEnsemble([("a", z2([0])), ("b", z2([1]))])
            ensemble.fit(X[:300], y[:300]).adapt(X[300:])
            single = [m.score(X[300:], y[300:]) for _, m in ensemble.members_]
            gains.append(ensemble.score(X[300:], y[300:]) - np.mean(single))
        assert np.mean(gains) > 0.03


class TestContract:
    def test_needs_what_its_members_need(self) -> None:
        inductive = SourceOnly()
        assert TransferEnsemble([("a", inductive)]).needs_ == "inductive"
        assert TransferEnsemble([("a", inductive), ("b", z2())]).needs_ == "unlabelled"
        labelled = TransferEnsemble([("a", z2()), ("b", NeedsLabels())])
        assert labelled.needs_ == "labelled"
        labelled.fit(TOY.X, TOY.y, subjects=TOY.subjects)
        with pytest.raises(CalibrationError, match="NeedsLabels needs labelled calibration rows"):
            labelled.adapt(TOY.T)
        assert labelled.information_ == "inductive"
        labelled.adapt(TOY.T[HALF:], X_calib=TOY.T[:HALF], y_calib=TOY.y_target[:HALF])
        assert (labelled.information_, labelled.n_target_windows_) == ("labelled", len(TOY.T))

    def test_assumes_what_its_members_assume(self) -> None:
        class Assuming(SourceOnly):
            assumes_ = "class mix of the sources"

        class Given(SourceOnly):
            assumes_ = "class mix given"

        plain, assuming, given = ("a", SourceOnly()), ("b", Assuming()), ("c", Given())
        assert TransferEnsemble([plain]).assumes_ == ""
        assert TransferEnsemble([plain, assuming]).assumes_ == "class mix of the sources"
        for members in ([given, assuming], [assuming, given]):
            assert TransferEnsemble(members).assumes_ == "class mix given"

    def test_members_are_clones(self) -> None:
        member = z2()
        ensemble = TransferEnsemble([("a", member), ("b", member)])
        ensemble.fit(TOY.X, TOY.y, subjects=TOY.subjects).adapt(TOY.T)
        assert not hasattr(member, "steps_")
        assert ensemble.named_members_["a"] is not ensemble.named_members_["b"]

    def test_nested_parameters(self) -> None:
        ensemble = TransferEnsemble([("de", z2()), ("tca", tca())])
        ensemble.set_params(tca__tca__n_components=1, weights=[1, 3])
        assert ensemble.get_params()["tca__tca__n_components"] == 1
        ensemble.set_params(de=SourceOnly())
        assert type(ensemble.members[0][1]) is SourceOnly
        with pytest.raises(ValueError, match="Invalid parameter 'x' for estimator SourceOnly"):
            ensemble.set_params(de__x=1)

    def test_labels_of_a_calibration_reach_every_member(self) -> None:
        given = {"X_calib": TOY.T[:HALF], "y_calib": TOY.y_target[:HALF]}
        ensemble = fitted(z2(), tca()).adapt(TOY.T[HALF:], **given)
        parts = [alone(m).adapt(TOY.T[HALF:], **given).predict_proba(TOY.T) for m in (z2(), tca())]
        mean = (parts[0] + parts[1]) / 2
        np.testing.assert_allclose(ensemble.predict_proba(TOY.T), mean, atol=1e-12)
        assert ensemble.information_ == "labelled"

    def test_rows_reach_every_member(self) -> None:
        class Reader(Aligner):
            reads_rows = True

            def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
                self.seen_ = list(rows["hours"])

            def _adapt_target(self, target: Any) -> str:
                self.target_seen_ = list(target.rows_target["hours"])
                return "unlabelled"

            def _transform(self, X: Any) -> Any:
                return X

        ensemble = TransferEnsemble([("a", make_transfer_pipeline(Reader(), default_classifier()))])
        rows = pd.DataFrame({"hours": np.arange(len(TOY.X))})
        own = pd.DataFrame({"hours": np.arange(len(TOY.T)) * 2})
        ensemble.fit(TOY.X, TOY.y, rows=rows).adapt(TOY.T, rows_target=own)
        reader = ensemble.named_members_["a"].named_steps_["reader"]
        assert reader.seen_ == rows["hours"].tolist()
        assert reader.target_seen_ == own["hours"].tolist()

    def test_partial_adapt_is_there_only_where_every_member_has_it(self) -> None:
        assert hasattr(fitted(z2(), z2([1, 2])), "partial_adapt")
        assert not hasattr(fitted(z2(), tca()), "partial_adapt")
        parts = fitted(z2(), z2([1, 2])).partial_adapt(TOY.T[:7]).partial_adapt(TOY.T[7:])
        whole = fitted(z2(), z2([1, 2])).adapt(TOY.T)
        np.testing.assert_allclose(
            parts.predict_proba(TOY.T), whole.predict_proba(TOY.T), atol=1e-12
        )

    def test_partial_adapt_behind_labels_is_refused_before_any_member_takes_rows(self) -> None:
        ensemble = fitted(ThresholdRecentring(), z2())  # the first would take them
        ensemble.adapt(X_calib=TOY.T[:6], y_calib=TOY.y_target[:6])
        before = ensemble.predict_proba(TOY.T)
        with pytest.raises(ContractError, match="partial_adapt after a labelled calibration"):
            ensemble.partial_adapt(TOY.T[6:])
        np.testing.assert_array_equal(ensemble.predict_proba(TOY.T), before)

    def test_a_member_that_fails_leaves_all_as_they_were(self) -> None:
        class Picky(SubjectNormalizer):
            def _adapt_target(self, target: Any) -> str:
                if len(target.X) < 5:
                    raise InputError("too few")
                return super()._adapt_target(target)

        picky = make_transfer_pipeline(Picky(), default_classifier())
        ensemble = fitted(z2(), picky).adapt(TOY.T)
        before = ensemble.predict_proba(TOY.T)
        with pytest.raises(InputError, match="too few"):
            ensemble.adapt(TOY.T[:3])
        np.testing.assert_array_equal(ensemble.predict_proba(TOY.T), before)

    def test_each_member_is_solved_once_where_the_target_comes_with_fit(self) -> None:
        solved = []

        class Counting(SubjectNormalizer):
            def _before_adapt(self) -> Any:
                solved.append("before adapt")
                return super()._before_adapt()

            def _adapt_target(self, target: Any) -> str:
                solved.append("adapted")
                return super()._adapt_target(target)

        member = make_transfer_pipeline(Counting(), LogisticRegression())
        ensemble = TransferEnsemble([("a", member)])
        ensemble.fit(TOY.X, TOY.y, subjects=TOY.subjects, X_target=TOY.T)
        assert solved == ["adapted"]
        again = fitted(member).adapt(TOY.T)
        np.testing.assert_array_equal(ensemble.predict_proba(TOY.T), again.predict_proba(TOY.T))


class TestRefusals:
    @pytest.mark.parametrize(
        ("members", "message"),
        [
            ([], r"members must be a list of \(name, estimator\) with at least one; got \[\]"),
            ("z2", r"with at least one; got 'z2'"),
            ([SourceOnly()], r"an entry is SourceOnly\(\)"),
            ([(1, SourceOnly())], r"an entry is \(1, SourceOnly\(\)\)"),
            (
                [("a", SourceOnly()), ("svm", SourceOnly(LinearSVC()))],
                r"member 'svm' \(SourceOnly\) has no predict_proba, which is what is averaged",
            ),
            (
                [("svm", make_transfer_pipeline(SubjectNormalizer(), LinearSVC()))],
                r"member 'svm' \(TransferPipeline\) has no predict_proba",
            ),
            ([("lda", default_classifier())], r"member 'lda' \(Linear.*\) is no transfer class"),
            ([("z", SubjectNormalizer())], r"member 'z' \(SubjectNormalizer\) is no transfer"),
        ],
    )
    def test_of_members_come_in_fit(self, members: Any, message: str) -> None:
        with pytest.raises(ContractError, match=message):
            TransferEnsemble(members).fit(TOY.X, TOY.y)

    def test_of_names(self) -> None:
        with pytest.raises(ValueError, match="Names provided are not unique"):
            TransferEnsemble([("a", SourceOnly()), ("a", SourceOnly())]).fit(TOY.X, TOY.y)

    @pytest.mark.parametrize(
        "weights", [[1], [1, 2, 3], [1, -1], [0, 0], [np.nan, 1], [[1, 1]], [np.inf, 1]]
    )
    def test_of_weights(self, weights: Any) -> None:
        message = re.escape("weights must be 2 numbers, one a member, finite, not negative and not")
        with pytest.raises(InputError, match=message):
            fitted(z2(), tca(), weights=weights)

    def test_weights_are_shares(self) -> None:
        assert member_weights(None, 4).tolist() == [0.25] * 4
        assert fitted(z2(), z2(), weights=[3, 1]).weights_.tolist() == [0.75, 0.25]


ENSEMBLES = {
    "views": TransferEnsemble([("a", z2()), ("b", tca())]),
    "weighted": TransferEnsemble([("a", SourceOnly()), ("b", z2())], weights=[1, 2]),
    "nested": TransferEnsemble([("a", TransferEnsemble([("c", z2())])), ("b", SourceOnly())]),
}


@pytest.mark.parametrize("name", list(ENSEMBLES))
def test_every_rule_holds(name: str) -> None:
    check_transfer_estimator(ENSEMBLES[name])


def test_every_rule_holds_at_the_end_of_a_pipeline() -> None:
    pipeline = make_transfer_pipeline(SubjectNormalizer("z0"), ENSEMBLES["views"])
    check_transfer_estimator(pipeline)
