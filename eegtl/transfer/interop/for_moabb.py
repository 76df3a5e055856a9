"""Our methods where MOABB evaluates."""

from __future__ import annotations

import warnings
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..._checks import INFORMATION_LEVELS
from ...errors import TransferWarning
from ..base import Floats


def _estimator_has(method: str) -> Any:
    def check(self: ForMoabb) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return available_if(check)


class ForMoabb(ClassifierMixin, BaseEstimator):
    """A transfer method of eegtl as MOABB's cross-subject evaluation calls it.

    `CrossSubjectEvaluation` of MOABB (1.6 and later) passes to `fit`, by scikit-learn's metadata
    routing, whose row each one is and rows of the held-out person, with labels or without. This
    class asks for all of it and hands it on to `fit` and `adapt`.

    Parameters
    ----------
    estimator : transfer classifier
        For example a `TransferPipeline`; it takes two-dimensional rows.

    Attributes
    ----------
    estimator_ : transfer classifier
        The fitted, adapted clone.
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    MOABB routes the rows of the held-out person as they are; let a pipeline map them on their way:
    ``make_pipeline(Covariances("oas"), TangentSpace(), ForMoabb(...),
    transform_input=["X_target_unlabeled", "X_target_labeled"])``.

    What a protocol does not grant is not there: the method then stays as it is before `adapt`,
    and a `TransferWarning` says so where that is less than the method needs.

    Examples
    --------
    >>> from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline
    >>> method = ForMoabb(make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier()))
    >>> X, y = [[0.0], [0.1], [1.0], [1.2], [5.0], [5.2], [6.0], [6.1]], [0, 0, 1, 1] * 2
    >>> method = method.fit(X, y, subjects=[1] * 4 + [2] * 4, X_target_unlabeled=[[8.0], [9.0]])
    >>> method.predict([[8.1], [8.9]]).tolist()
    [0, 1]
    """

    # asked for by default, so that nobody has to call set_fit_request
    __metadata_request__fit = {  # noqa: RUF012
        "subjects": True,
        "X_target_unlabeled": True,
        "X_target_labeled": True,
        "y_target_labeled": True,
    }

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        subjects: ArrayLike | None = None,
        X_target_unlabeled: ArrayLike | None = None,
        X_target_labeled: ArrayLike | None = None,
        y_target_labeled: ArrayLike | None = None,
    ) -> Self:
        """Fit on the source people, and adapt to what is given of the held-out one.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,)
        subjects : array-like of shape (n_rows,), optional
            Whose row it is.
        X_target_unlabeled : array-like of shape (n_target, n_features), optional
            Rows of the held-out person.
        X_target_labeled : array-like of shape (n_calib, n_features), optional
            Further rows of the held-out person, with labels.
        y_target_labeled : array-like of shape (n_calib,), optional
            Their labels.

        Returns
        -------
        self
        """
        estimator = clone(self.estimator)
        given = "inductive"
        if X_target_labeled is not None:
            given = "labelled"
        elif X_target_unlabeled is not None:
            given = "unlabelled"
        enough = INFORMATION_LEVELS.index(given) >= INFORMATION_LEVELS.index(estimator.needs_)
        if enough and given != "labelled":  # one solution, not one before and one after adapt
            estimator.fit(X, y, subjects=subjects, X_target=X_target_unlabeled)
        else:
            estimator.fit(X, y, subjects=subjects)
        if enough and given == "labelled":
            estimator.adapt(X_target_unlabeled, X_calib=X_target_labeled, y_calib=y_target_labeled)
        elif not enough:
            warnings.warn(
                f"{type(estimator).__name__} needs {estimator.needs_} rows of the target, and the "
                f"protocol grants {given} ones; it answers as before adapt. Choose a mode of the "
                "evaluation that grants them.",
                TransferWarning,
                stacklevel=2,
            )
        self.estimator_ = estimator
        self.classes_ = estimator.classes_
        self.n_features_in_ = estimator.n_features_in_
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the label of each row of the held-out person.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @_estimator_has("predict_proba")
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Give the class probabilities of each row of the held-out person.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @_estimator_has("decision_function")
    def decision_function(self, X: ArrayLike) -> Floats:
        """Give the decision values of each row of the held-out person.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)
