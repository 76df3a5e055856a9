"""pyRiemann's transfer methods under our contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pyriemann.classification import MDM
from pyriemann.preprocessing import Whitening
from pyriemann.tangentspace import TangentSpace
from pyriemann.transfer import MDWM, TLCenter, TLClassifier, TLRotate, TLScale, encode_domains
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC
from transfer.transfer_problems import HALF

from eegtl.errors import ContractError, InputError
from eegtl.testing import check_transfer_estimator
from eegtl.testing.contract import RULES
from eegtl.testing.toys import covariance_problem
from eegtl.transfer import Recenter, default_classifier, make_transfer_pipeline
from eegtl.transfer.covariance_rows import rows_to_matrices
from eegtl.transfer.interop import FromPyriemann


def recentred(classifier: Any) -> Any:
    return make_pipeline(TLCenter("anybody"), TLClassifier("anybody", classifier))


def rotated() -> Any:
    classifier = TLClassifier("x", LogisticRegression(tol=1e-10))
    return make_pipeline(TLCenter("x"), TLScale("x"), TangentSpace(), TLRotate("x"), classifier)


STORED = [TLCenter, TLScale, TLRotate, TLClassifier, MDM, MDWM, TangentSpace, Whitening, Pipeline]
COVARIANCES = covariance_problem()


class TestFromPyriemann:
    @pytest.mark.parametrize(
        "estimator",
        [
            FromPyriemann(TLClassifier("x", MDM())),
            FromPyriemann(recentred(MDM()), n_bands=2),
            FromPyriemann(MDWM(0.5, "x")),
        ],
        ids=["plain", "recentred", "mdwm"],
    )
    def test_every_rule_holds(self, estimator: Any) -> None:
        check_transfer_estimator(estimator, extra_classes=[FromPyriemann, *STORED])

    # rotations are not defined for the single channel of scikit-learn's checks, and the spread of
    # a single matrix not for scaling
    def test_every_rule_of_transfer_holds_with_rotation(self) -> None:
        for rule in RULES:
            rule(FromPyriemann(rotated()))

    def test_is_what_pyriemann_gives_where_all_labels_are_known(self) -> None:
        toy = COVARIANCES
        model = FromPyriemann(rotated()).fit(toy.X, toy.y, subjects=toy.subjects)
        model.adapt(X_calib=toy.T[:HALF], y_calib=toy.y_target[:HALF])
        X = rows_to_matrices(np.vstack([toy.X, toy.T[:HALF]]))[:, 0]
        y = np.concatenate([toy.y, toy.y_target[:HALF]])
        domain = np.concatenate([toy.subjects, np.repeat("x", HALF)])
        pipeline = rotated()
        pipeline.fit(*encode_domains(X, y, domain))
        rest = toy.T[HALF:]
        matrices = rows_to_matrices(rest)[:, 0]
        np.testing.assert_array_equal(model.predict(rest), pipeline.predict(matrices))
        np.testing.assert_allclose(
            model.predict_proba(rest), pipeline.predict_proba(matrices), atol=1e-6
        )

    def test_without_labels_it_is_our_recentring(self) -> None:
        toy = COVARIANCES
        tangent = make_pipeline(TangentSpace(metric="logeuclid"), default_classifier())
        model = FromPyriemann(recentred(tangent)).fit(toy.X, toy.y, subjects=toy.subjects)
        ours = make_transfer_pipeline(Recenter(), default_classifier())
        ours.fit(toy.X, toy.y, subjects=toy.subjects)
        # tangent vectors at the mean of all, which re-centred persons have at the identity
        np.testing.assert_allclose(
            model.adapt(toy.T).predict_proba(toy.T),
            ours.adapt(toy.T).predict_proba(toy.T),
            atol=1e-4,
        )

    def test_bands_side_by_side_are_one_block_diagonal_matrix(self) -> None:
        toy = covariance_problem(n_bands=2)
        model = FromPyriemann(TLClassifier("x", MDM()), n_bands=2).fit(toy.X, toy.y)
        bands = rows_to_matrices(toy.X, 2)
        expected = np.zeros((len(bands), 6, 6))
        expected[:, :3, :3], expected[:, 3:, 3:] = bands[:, 0], bands[:, 1]
        np.testing.assert_allclose(model.source_matrices_, expected)

    def test_labels_come_back_as_they_were(self) -> None:
        toy = covariance_problem(tuple(range(-6, 6)))  # twelve: texts would sort "10" before "2"
        model = FromPyriemann(recentred(MDM())).fit(toy.X, toy.y, subjects=toy.subjects)
        predicted = model.adapt(toy.T).predict(toy.T)
        assert predicted.dtype == toy.y.dtype
        p = model.predict_proba(toy.T)
        np.testing.assert_array_equal(predicted, model.classes_[p.argmax(axis=1)])
        assert np.mean(predicted == toy.y_target) > 0.3

    def test_names_of_people_may_hold_what_pyriemann_splits_at(self) -> None:
        toy = COVARIANCES
        names = np.array([f"{'seed' if s in ('ann', 'ben') else 'deap'}/s1" for s in toy.subjects])
        plain = np.where(np.char.startswith(names, "seed"), "a", "b")
        a = FromPyriemann(recentred(MDM())).fit(toy.X, toy.y, subjects=names).adapt(toy.T)
        b = FromPyriemann(recentred(MDM())).fit(toy.X, toy.y, subjects=plain).adapt(toy.T)
        one = FromPyriemann(recentred(MDM())).fit(toy.X, toy.y).adapt(toy.T)
        expected = b.predict_proba(toy.T)
        np.testing.assert_allclose(a.predict_proba(toy.T), expected, atol=1e-8)
        assert np.abs(one.predict_proba(toy.T) - expected).max() > 1e-3

    def test_what_it_needs(self) -> None:
        assert FromPyriemann(recentred(MDM())).needs_ == "unlabelled"
        assert FromPyriemann(rotated()).needs_ == "labelled"
        assert FromPyriemann(MDWM(0.5, "x")).needs_ == "labelled"

    def test_the_given_estimator_stays_as_it_was(self) -> None:
        inner = MDM()
        FromPyriemann(recentred(inner)).fit(COVARIANCES.X, COVARIANCES.y).adapt(COVARIANCES.T)
        assert not hasattr(inner, "covmeans_")

    @pytest.mark.parametrize("last", [MDM(), make_pipeline(TLCenter("x"), MDM())], ids=str)
    def test_a_classifier_without_its_wrapper_is_refused(self, last: Any) -> None:
        with pytest.raises(ContractError, match=r"the last step is a MDM, .* TLClassifier\("):
            FromPyriemann(last).fit(COVARIANCES.X, COVARIANCES.y)

    def test_rows_that_are_no_covariances_are_refused(self) -> None:
        with pytest.raises(InputError, match="rows of 5 columns cannot hold 1 covariance"):
            FromPyriemann(recentred(MDM())).fit(COVARIANCES.X[:, :5], COVARIANCES.y)

    def test_probabilities_are_there_where_the_classifier_has_them(self) -> None:
        svm = make_pipeline(TangentSpace(), LinearSVC())
        model = FromPyriemann(recentred(svm))
        assert not hasattr(model, "predict_proba")
        assert hasattr(FromPyriemann(recentred(MDM())), "predict_proba")
        model.fit(COVARIANCES.X, COVARIANCES.y).adapt(COVARIANCES.T).predict(COVARIANCES.T)
