"""Transfer methods of pyRiemann under our contract."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if

from ..._checks import unique_subjects
from ...errors import ContractError
from ..base import Floats, Target, TransferEstimator
from ..covariance_rows import mean_variances, raise_eigenvalues, rows_to_matrices


class FromPyriemann(ClassifierMixin, TransferEstimator):
    """A transfer method of pyRiemann, on rows that hold covariance matrices.

    Consumes: the unlabelled target rows; calibration labels, where there are some. With
        `TLRotate` or `MDWM`, which learn from labels of the target, the labelled rows alone.
    Before adapt: as for a wearer whose rows are those of all sources together.
    Memory: the source rows, and the fitted method.

    Parameters
    ----------
    estimator : pyRiemann estimator
        A `TLClassifier` or `MDWM`, or a scikit-learn pipeline of `TLCenter`, `TLScale`, ... that
        ends in one. Its `target_domain` may be any text; it is set here.
    n_bands : int
        Matrices in a row, laid out as the feature ``cov``. Several become one block-diagonal
        matrix, whose affine-invariant geometry is that of the bands side by side.

    Attributes
    ----------
    model_ : list of estimator
        The fitted steps.
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    pyRiemann writes domain and label of a row into one text, and gives labels back as texts;
    here they go in as numbers and come back as the user's. The people are the domains ``source0``,
    ``source1``, ... in sorted order, the wearer is ``target``: keys for `domain_weight`.

    The steps before the classifier see all rows, and those of the wearer without labels as a class
    ``none``, which the steps of `pyriemann.transfer` do not read; the classifier sees labelled
    rows only. Eigenvalues below 1e-6 of a matrix's mean are raised to it.

    Examples
    --------
    >>> from pyriemann.classification import MDM
    >>> from pyriemann.transfer import TLCenter, TLClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> steps = make_pipeline(TLCenter("me"), TLClassifier("me", MDM()))
    >>> rows = np.array([[1.0, 0, 1], [4.0, 0, 1], [100.0, 0, 9], [400.0, 0, 9]])
    >>> model = FromPyriemann(steps).fit(rows, [0, 1, 0, 1], subjects=[1, 1, 2, 2])
    >>> model.adapt(rows[:2] * 50).predict(rows[:2] * 50).tolist()
    [0, 1]
    """

    by_subject = True
    #: what its rows are; the battery makes problems accordingly
    row_kind = "covariances"
    label_agreement = 0.99

    def __init__(self, estimator: Any, *, n_bands: int = 1) -> None:
        self.estimator = estimator
        self.n_bands = n_bands

    @property
    def needs_(self) -> str:  # type: ignore[override]
        """The least information with which the method deserves its name."""
        from pyriemann.transfer import MDWM, TLRotate

        reads_labels = any(isinstance(step, TLRotate | MDWM) for step in _steps(self.estimator))
        return "labelled" if reads_labels else "unlabelled"

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        from pyriemann.transfer import MDWM, TLClassifier

        last = _steps(self.estimator)[-1]
        if not isinstance(last, TLClassifier | MDWM):
            raise ContractError(
                f"the last step is a {type(last).__name__}, which would take the texts "
                "'domain/label' of pyRiemann for classes; end the pipeline in "
                "TLClassifier(target_domain, classifier) or MDWM."
            )
        classes = self._check_classes(y)
        level = mean_variances(X, self.n_bands)
        matrices = self._matrices(X, level, "source")
        self.classes_, self.level_ = classes, level
        self.source_matrices_ = matrices
        self.source_codes_ = np.searchsorted(classes, np.asarray(y))
        self.source_domains_ = [f"source{i}" for i in unique_subjects(subjects)[1]]

    def _matrices(self, X: Floats, level: Floats, who: str) -> Floats:
        """Give one symmetric positive definite matrix a row."""
        bands = rows_to_matrices(X, self.n_bands)
        n, n_bands, p, _ = bands.shape
        out = np.zeros((n, n_bands * p, n_bands * p))
        for band in range(n_bands):
            place, where = slice(band * p, (band + 1) * p), f"{who}, band {band}"
            out[:, place, place] = raise_eigenvalues(
                bands[:, band], level[band], 1e-6, np.arange(n), where
            )[0]
        return out

    def _forget_target(self) -> None:
        self.model_ = self._fitted(self.source_matrices_, self.source_codes_)

    def _adapt_target(self, target: Target) -> str:
        labelled = target.y_calib is not None
        X = target.X_calib if labelled and self.needs_ == "labelled" else target.X
        codes = np.full(len(X), -1)
        if target.y_calib is not None:
            codes[len(X) - len(target.y_calib) :] = np.searchsorted(self.classes_, target.y_calib)
        self.model_ = self._fitted(self._matrices(X, self.level_, "target"), codes)
        return target.level

    def _fitted(self, matrices: Floats, codes: NDArray[np.intp]) -> list[Any]:
        """Fit the steps for a target; a code of -1 is a label that is not known."""
        pooled = np.concatenate([self.source_matrices_, matrices])
        all_codes = np.concatenate([self.source_codes_, codes])
        domains = self.source_domains_ + ["target"] * len(codes)
        texts = [str(code) if code >= 0 else "none" for code in all_codes]
        y_enc = np.array([f"{domain}/{text}" for domain, text in zip(domains, texts, strict=True)])
        model = clone(self.estimator)
        model.set_params(
            **{name: "target" for name in model.get_params() if name.endswith("target_domain")}
        )
        *steps, last = _steps(model)
        for step in steps:
            pooled = step.fit_transform(pooled, y_enc)
        known = all_codes >= 0
        last.fit(pooled[known], y_enc[known])
        return [*steps, last]

    def _mapped(self, X: ArrayLike) -> Floats:
        mapped = self._matrices(self._check_X(X), self.level_, "target")
        for step in self.model_[:-1]:
            mapped = step.transform(mapped)
        return mapped

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the label of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows,)
        """
        mapped = self._mapped(X)
        return self.classes_[self.model_[-1].predict(mapped).astype(np.intp)]

    @available_if(lambda self: hasattr(_classifier(_steps(self.estimator)[-1]), "predict_proba"))
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Give the class probabilities of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows, n_classes)
        """
        mapped = self._mapped(X)
        codes = np.asarray(_classifier(self.model_[-1]).classes_).astype(np.intp)
        out = np.zeros((len(mapped), len(self.classes_)))
        out[:, codes] = self.model_[-1].predict_proba(mapped)
        return out


def _steps(estimator: Any) -> list[Any]:
    """List the steps of a pipeline; anything else is one step."""
    return [step for _, step in estimator.steps] if hasattr(estimator, "steps") else [estimator]


def _classifier(last: Any) -> Any:
    """Give the classifier inside a `TLClassifier`."""
    return getattr(last, "estimator", last)
