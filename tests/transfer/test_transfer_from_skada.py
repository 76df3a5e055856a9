"""skada's methods under our contract: a stand-in with its interface, and skada where installed."""

from __future__ import annotations

import re
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from transfer.transfer_problems import HALF, TOY

from eegtl.errors import ContractError, MissingExtraError, StateError
from eegtl.testing import check_transfer_estimator, toy_problem
from eegtl.testing.contract import RULES, check_few_rows
from eegtl.transfer import default_classifier
from eegtl.transfer.interop import FromSkada, import_skada
from eegtl.transfer.interop.from_skada import without_transform
from eegtl.transfer.state import to_state


class Strict(ClassifierMixin, BaseEstimator):
    """What skada's estimators look like from outside; centres each domain, and checks its input."""

    __metadata_request__fit = {"sample_domain": True}  # noqa: RUF012
    __metadata_request__predict = {"sample_domain": True}  # noqa: RUF012
    __metadata_request__predict_proba = {"sample_domain": True}  # noqa: RUF012

    def __init__(self, base_estimator: Any = None) -> None:
        self.base_estimator = base_estimator

    def fit(self, X: Any, y: Any, sample_domain: Any = None) -> Any:
        assert sklearn.get_config()["enable_metadata_routing"]
        source = sample_domain >= 0
        assert np.all(np.diff(source.astype(int)) <= 0), "the sources come first"
        assert set(np.unique(y[source])) == set(range(y.max() + 1)), "labels are 0, 1, ..."
        assert set(y[~source]) == {-1}, "labels of the target are masked"
        assert not set(np.abs(sample_domain[source])) & set(np.abs(sample_domain[~source]))
        self.means_ = {str(d): X[sample_domain == d].mean(axis=0) for d in np.unique(sample_domain)}
        centred = np.array([x - self.means_[str(d)] for x, d in zip(X, sample_domain, strict=True)])
        if hasattr(self.base_estimator, "transform"):  # skada leaves masked rows in then
            source[:] = True
        self.base_estimator_ = clone(self.base_estimator).fit(centred[source], y[source])
        y[:] = 0  # skada writes into what it is given
        X[:] = 0
        return self

    def predict(self, X: Any, sample_domain: Any = None) -> Any:
        return self.base_estimator_.predict(X - self.means_[str(sample_domain[0])])

    def predict_proba(self, X: Any, sample_domain: Any = None) -> Any:
        return self.base_estimator_.predict_proba(X - self.means_[str(sample_domain[0])])


def strict(classifier: Any = None) -> FromSkada:
    return FromSkada(Strict(classifier or LogisticRegression(tol=1e-10)))


class TestFromSkada:
    def test_every_rule_holds(self) -> None:
        check_transfer_estimator(strict(), extra_classes=[Strict, FromSkada])

    @pytest.mark.parametrize("labels", [(-1, 0, 1), ("a", "b"), (7, 3)])
    def test_is_what_the_method_says_of_sources_and_target(self, labels: Any) -> None:
        toy = toy_problem(labels)
        model = strict().fit(toy.X, toy.y, subjects=toy.subjects).adapt(toy.T)
        own = LogisticRegression(tol=1e-10)
        centred = toy.X.copy()
        for person in np.unique(toy.subjects):
            centred[toy.subjects == person] -= toy.X[toy.subjects == person].mean(axis=0)
        own.fit(centred, toy.y)
        mapped = toy.T - toy.T.mean(axis=0)
        np.testing.assert_array_equal(model.predict(toy.T), own.predict(mapped))
        np.testing.assert_allclose(model.predict_proba(toy.T), own.predict_proba(mapped), atol=1e-6)

    # skada 0.6.0 trains a classifier that can also transform on the target as a class of its own
    def test_a_classifier_that_can_transform_learns_no_mask(self) -> None:
        toy = toy_problem((-1, 0, 1))
        given = default_classifier()
        assert hasattr(given, "transform")
        model = strict(given).fit(toy.X, toy.y, subjects=toy.subjects).adapt(toy.T)
        fitted = model.model_.base_estimator_
        assert fitted.classes_.tolist() == [0, 1, 2]
        assert type(model.estimator.base_estimator) is type(given)
        np.testing.assert_allclose(model.predict_proba(toy.T).sum(axis=1), 1, atol=1e-12)
        kept = without_transform(Strict(LogisticRegression()))
        assert type(kept.base_estimator) is LogisticRegression

    def test_before_adapt_it_is_its_classifier_on_the_sources(self) -> None:
        model = strict().fit(TOY.X, TOY.y, subjects=TOY.subjects)
        plain = LogisticRegression(tol=1e-10).fit(TOY.X, TOY.y)
        expected = plain.predict_proba(TOY.T)
        np.testing.assert_allclose(model.predict_proba(TOY.T), expected, atol=1e-6)
        model.adapt(TOY.T)
        assert np.abs(model.predict_proba(TOY.T) - expected).max() > 0.1
        np.testing.assert_allclose(model.adapt().predict_proba(TOY.T), expected, atol=1e-6)

    def test_calibration_rows_count_and_their_labels_do_not(self) -> None:
        model = strict().fit(TOY.X, TOY.y, subjects=TOY.subjects)
        model.adapt(TOY.T[HALF:], X_calib=TOY.T[:HALF], y_calib=TOY.y_target[:HALF])
        a = model.predict_proba(TOY.T)
        assert (model.information_, model.n_target_windows_) == ("unlabelled", len(TOY.T))
        np.testing.assert_allclose(a, model.adapt(TOY.T).predict_proba(TOY.T), atol=1e-9)

    def test_probabilities_are_there_where_the_classifier_has_them(self) -> None:
        assert hasattr(strict(), "predict_proba")
        assert not hasattr(strict(LinearSVC()), "predict_proba")

    def test_a_mask_that_was_learnt_as_a_class_is_an_error(self) -> None:
        class Naive(Strict):
            def fit(self, X: Any, y: Any, sample_domain: Any = None) -> Any:
                self.means_ = {"-1": 0.0}
                self.base_estimator_ = clone(self.base_estimator).fit(X, y)
                return self

        model = FromSkada(Naive(LogisticRegression())).fit(TOY.X, TOY.y).adapt(TOY.T + 30)
        with pytest.raises(ContractError, match="predicts -1, skada's mark of an unknown label"):
            model.predict(TOY.T + 30)

    def test_what_does_not_know_of_domains_is_refused(self) -> None:
        with pytest.raises(ContractError, match="LogisticRegression is no estimator of skada"):
            FromSkada(LogisticRegression()).fit(TOY.X, TOY.y)

    def test_scikit_learn_s_settings_stay(self) -> None:
        strict().fit(TOY.X, TOY.y, subjects=TOY.subjects).adapt(TOY.T).predict(TOY.T)
        assert not sklearn.get_config()["enable_metadata_routing"]

    def test_import_leaves_scikit_learn_s_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Finder:
            """Finds a skada that does on import what skada does."""

            def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
                return ModuleSpec(name, self) if name == "skada" else None

            def create_module(self, spec: Any) -> None:
                return None

            def exec_module(self, module: ModuleType) -> None:
                sklearn.set_config(enable_metadata_routing=True)

        monkeypatch.delitem(sys.modules, "skada", raising=False)
        monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
        assert import_skada().__name__ == "skada"
        assert not sklearn.get_config()["enable_metadata_routing"]
        del sys.modules["skada"]

    def test_import_says_how_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "skada", None)
        with pytest.raises(MissingExtraError, match=re.escape("pip install 'eegtl[bench]'")):
            import_skada()


def _skada_methods(skada: Any) -> dict[str, Any]:
    pipeline = skada.make_da_pipeline
    with sklearn.config_context(enable_metadata_routing=True):
        weighted = LogisticRegression(tol=1e-10).set_fit_request(sample_weight=True)
    return {
        "coral": pipeline(skada.CORALAdapter(), default_classifier()),
        "sa": pipeline(StandardScaler(), skada.SubspaceAlignmentAdapter(3), default_classifier()),
        "ot": pipeline(skada.OTMappingAdapter(), LogisticRegression(tol=1e-10)),
        "tca": pipeline(skada.TransferComponentAnalysisAdapter(n_components=3), SVC()),
        "jdot": skada.JDOTClassifier(LogisticRegression()),
        "weights": pipeline(skada.GaussianReweightAdapter(), weighted),
    }


SKADA = ["coral", "sa", "ot", "tca", "jdot", "weights"]


@pytest.mark.filterwarnings("ignore::UserWarning")
class TestRealSkada:
    # the battery fits them dozens of times, and the other two are slow
    @pytest.mark.parametrize("name", ["coral", "sa", "ot", "weights"])
    def test_every_rule_of_transfer_holds(self, name: str) -> None:
        model = FromSkada(_skada_methods(import_skada())[name])
        for rule in RULES:
            if rule is not check_few_rows:  # most of skada's methods need two target rows
                rule(model)

    @pytest.mark.parametrize("name", SKADA)
    def test_interleaved_rows_are_no_trap(self, name: str) -> None:
        model = FromSkada(_skada_methods(import_skada())[name])
        order = np.argsort(TOY.subjects, kind="stable")
        a = clone(model).fit(TOY.X, TOY.y, subjects=TOY.subjects).adapt(TOY.T)
        b = clone(model).fit(TOY.X[order], TOY.y[order], subjects=TOY.subjects[order]).adapt(TOY.T)
        np.testing.assert_array_equal(a.predict(TOY.T), b.predict(TOY.T))

    @pytest.mark.parametrize("name", SKADA)
    def test_a_profile_cannot_hold_it(self, name: str) -> None:
        model = FromSkada(_skada_methods(import_skada())[name])
        model.fit(TOY.X, TOY.y, subjects=TOY.subjects).adapt(TOY.T)
        with pytest.raises(StateError):
            to_state(model, extra=[FromSkada])
