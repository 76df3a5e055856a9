"""Methods of skada under our contract."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.base import ClassifierMixin, clone
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.metaestimators import available_if

from ..._checks import unique_subjects
from ..._optional import require
from ...errors import ContractError
from ..base import Floats, Target, TransferEstimator
from ..classifiers import default_classifier
from ..source_only import SourceOnly

#: skada's numbers of domains: positive for sources, negative for targets, no number twice.
TARGET_DOMAIN = -1
FIRST_SOURCE = 2
#: skada's mark of a label that is not known.
MASKED = -1


def import_skada() -> ModuleType:
    """Import skada and leave scikit-learn's settings as they are.

    Returns
    -------
    module

    Raises
    ------
    MissingExtraError
        When skada is not installed.

    Notes
    -----
    ``import skada`` switches scikit-learn's metadata routing on for the whole process, which
    changes what other estimators do. `FromSkada` switches it on while skada runs, and only then.
    """
    with config_context():  # puts back on leaving what the import changes
        return require("skada", extra="bench", purpose="run a domain adaptation method of skada")


def _answers_in_probabilities(self: FromSkada) -> bool:
    return hasattr(self.estimator, "predict_proba") and hasattr(
        plain_classifier(self.estimator), "predict_proba"
    )


class FromSkada(ClassifierMixin, TransferEstimator):
    """A method of skada as a transfer classifier.

    Consumes: the unlabelled target rows. Calibration rows count as such; their labels are not
        used.
    Before adapt: the classifier at the end of `estimator`, fitted on the source rows as they are.
    Memory: the source rows; after `adapt` what the method keeps.

    Parameters
    ----------
    estimator : skada estimator
        A pipeline of `skada.make_da_pipeline` that ends in a classifier, or a classifier such as
        `skada.JDOTClassifier`. `import_skada` imports skada without side effects.

    Attributes
    ----------
    model_ : estimator or None
        The clone that was fitted on sources and target; None before `adapt`.
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    Every person is a source domain of its own. Labels go to skada as 0 to n_classes - 1, since
    -1, which may be a label, means "unknown" there; rows go source by source and the target last,
    since skada 0.6.0 gives back rows in that order from `fit_transform` of its TCA and TJM,
    whatever order they came in; and as copies, since it writes into labels.

    The fitted method is foreign code and has no place in a profile: `to_state` refuses it. All
    rows are fitted again for every wearer; some methods need memory of the order of their square.

    Examples
    --------
    With skada installed::

        skada = import_skada()
        coral = skada.make_da_pipeline(skada.CORALAdapter(), default_classifier())
        pipeline = make_transfer_pipeline(SubjectNormalizer("z0"), FromSkada(coral))
    """

    needs_ = "unlabelled"
    by_subject = True
    label_agreement = 0.99

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        classes = self._check_classes(y)
        if not _asks(self.estimator, "fit"):
            raise ContractError(
                f"{type(self.estimator).__name__} is no estimator of skada: its fit does not ask "
                "for sample_domain. Give a pipeline of skada.make_da_pipeline, or leave FromSkada "
                "out for a plain classifier."
            )
        self.classes_ = classes
        people = unique_subjects(subjects)[1]
        order = np.argsort(people, kind="stable")
        self.source_X_, self.source_domain_ = X[order], people[order] + FIRST_SOURCE
        self.source_codes_ = np.searchsorted(self.classes_, np.asarray(y))[order]
        self.plain_ = plain_classifier(self.estimator).fit(self.source_X_, self.source_codes_)

    def _forget_target(self) -> None:
        self.model_ = None

    def _adapt_target(self, target: Target) -> str:
        n_target = len(target.X)
        model = without_transform(clone(self.estimator))
        with config_context(enable_metadata_routing=True):
            model.fit(
                np.vstack([self.source_X_, target.X]),
                np.concatenate([self.source_codes_, np.full(n_target, MASKED)]),
                sample_domain=np.concatenate(
                    [self.source_domain_, np.full(n_target, TARGET_DOMAIN)]
                ),
            )
        self.model_ = model
        return "unlabelled"

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the label of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows,)
        """
        codes = np.asarray(self._ask("predict", X)).astype(np.intp)
        if codes.min() < 0:
            raise ContractError(
                f"{type(self.estimator).__name__} predicts {codes.min()}, skada's mark of an "
                "unknown label: its classifier was fitted on the target's rows as a class. Build "
                "it with make_da_pipeline, and end that in a classifier without transform."
            )
        return self.classes_[codes]

    @available_if(_answers_in_probabilities)
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Give the class probabilities of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows, n_classes)
        """
        given = np.asarray(self._ask("predict_proba", X), dtype=np.float64)
        last = _last(self.plain_ if self.model_ is None else self.model_)
        known = getattr(getattr(last, "base_estimator_", last), "classes_", None)
        codes = np.arange(given.shape[1]) if known is None else np.asarray(known, dtype=np.intp)
        out = np.zeros((len(given), len(self.classes_)))
        out[:, codes] = given
        return out

    def _ask(self, method: str, X: ArrayLike) -> Any:
        """Let the model of the current target answer, with the rows' domain where it asks."""
        checked = self._check_X(X)
        if self.model_ is None:
            return getattr(self.plain_, method)(checked)
        given = {}
        if _asks(self.model_, method):
            given["sample_domain"] = np.full(len(checked), TARGET_DOMAIN)
        with config_context(enable_metadata_routing=True):
            return getattr(self.model_, method)(checked, **given)


def plain_classifier(estimator: Any) -> Any:
    """Give a fresh clone of the classifier that a skada estimator ends in.

    Parameters
    ----------
    estimator : skada estimator

    Returns
    -------
    classifier
        The default classifier where there is none, as in a method that is its own.
    """
    last = _last(estimator)
    base = getattr(last, "base_estimator", None)
    return default_classifier() if base is None else clone(base)


def without_transform(estimator: Any) -> Any:
    """Hide the `transform` of the classifier at the end of a skada pipeline.

    skada 0.6.0 takes a classifier that can also transform, as linear discriminant analysis can,
    for a transformer: it does not leave out the rows whose label is masked, and the classifier
    learns "unknown" as a class of its own.

    Parameters
    ----------
    estimator : skada estimator
        Changed in place.

    Returns
    -------
    estimator
        The same object.
    """
    last = _last(estimator)
    base = getattr(last, "base_estimator", None)
    if hasattr(base, "transform"):
        last.set_params(base_estimator=SourceOnly(base))
    return estimator


def _asks(estimator: Any, method: str) -> bool:
    """Say whether a method asks for the domain of each row."""
    with config_context(enable_metadata_routing=True):
        return bool(get_routing_for_object(estimator).consumes(method, {"sample_domain"}))


def _last(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
