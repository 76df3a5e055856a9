"""What a pipeline keeps of the sources: rows, or their summary where every step allows it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import has_fit_parameter

from ..errors import ContractError
from .base import Floats, TransferEstimator
from .classifiers import fit_classifier, fit_lda_from_summary, fits_from_summary
from .summary import SourceSummary


@dataclass(frozen=True)
class RowSources:
    """Labelled rows of the sources at one place of a pipeline.

    Attributes
    ----------
    X : ndarray of shape (n_windows, n_features)
    y, subjects : ndarray of shape (n_windows,)
    rows : table or None
    weight : ndarray of shape (n_windows,) or None
        Product of the weights that selectors gave so far.
    """

    X: Floats
    y: NDArray[Any]
    subjects: NDArray[Any]
    rows: Any = None
    weight: Floats | None = None

    @property
    def n_features(self) -> int:
        """Number of features at this place."""
        return self.X.shape[1]

    def fit(self, step: Any, target: dict[str, Any]) -> None:
        """Fit a step here and adapt it.

        Parameters
        ----------
        step : estimator
            A transfer estimator, or a plain transformer, which sees the sources only.
        target : dict
            Arguments of `adapt`.
        """
        if not isinstance(step, TransferEstimator):
            step.fit(self.X, self.y)
            return
        given: dict[str, Any] = {"subjects": self.subjects, "rows": self.rows}
        if self.weight is not None:
            if has_fit_parameter(step, "sample_weight"):
                given["sample_weight"] = self.weight
            elif hasattr(step, "predict"):
                raise ContractError(
                    f"{type(step).__name__} takes no sample weights, but a selector before it "
                    "gives some; end the pipeline in a classifier whose fit has sample_weight."
                )
        if "X_calib" in target:
            step.fit(self.X, self.y, **given).adapt(**target)
        else:  # one solution, not one before and one after adapt
            step.fit(self.X, self.y, **given, **target)

    def through(self, step: Any) -> RowSources:
        """Give the sources behind a fitted step.

        Parameters
        ----------
        step : estimator

        Returns
        -------
        RowSources
        """
        if not isinstance(step, TransferEstimator):
            return replace(self, X=step.transform(self.X))
        # a person's sessions may have a map each; the rows' table tells them apart
        told = "rows" in inspect.signature(step.transform_source).parameters
        X = step.transform_source(self.X, self.subjects, **({"rows": self.rows} if told else {}))
        new = getattr(step, "source_weights_", None)
        weight = self.weight
        if new is not None:
            weight = new if weight is None else weight * new
        return replace(self, X=X, weight=weight)

    def classifier(self, unfitted: Any, X_calib: Floats, y_calib: NDArray[Any] | None) -> Any:
        """Fit a plain classifier on the sources and, if labelled, the calibration rows.

        Parameters
        ----------
        unfitted : classifier
        X_calib : ndarray of shape (n_calib, n_features)
        y_calib : ndarray of shape (n_calib,) or None

        Returns
        -------
        classifier
        """
        if y_calib is None:
            return fit_classifier(unfitted, self.X, self.y, self.weight)
        weight = self.weight
        if weight is not None:
            weight = np.concatenate([weight, np.ones(len(y_calib))])
        X, y = np.vstack([self.X, X_calib]), np.concatenate([self.y, y_calib])
        return fit_classifier(unfitted, X, y, weight)

    def without_subjects(self) -> RowSources:
        """Rows stay rows."""
        return self

    def in_front_of(self, last: Any) -> RowSources | SummarySources:
        """Give what must be kept of the sources in front of the last step.

        Parameters
        ----------
        last : estimator

        Returns
        -------
        RowSources or SummarySources
            No rows where the last step is adapted by itself and never fitted again; a summary
            where a plain classifier is a function of one.
        """
        if isinstance(last, TransferEstimator):
            return RowSources(self.X[:0], self.y[:0], self.subjects[:0])
        if self.weight is None and fits_from_summary(last):
            return SummarySources(SourceSummary().add(self.X, self.y))
        return self


@dataclass(frozen=True)
class SummarySources:
    """Sufficient statistics of the sources at one place of a pipeline.

    Attributes
    ----------
    summary : SourceSummary
    """

    summary: SourceSummary

    @property
    def n_features(self) -> int:
        """Number of features at this place."""
        return self.summary.n_features

    def fit(self, step: Any, target: dict[str, Any]) -> None:
        """Fit a step here and adapt it.

        Parameters
        ----------
        step : transfer estimator
        target : dict
            Arguments of `adapt`.
        """
        step.fit_summary(self.summary)
        if target:
            step.adapt(**target)

    def through(self, step: Any) -> SummarySources:
        """Give the sources behind a fitted step.

        Parameters
        ----------
        step : transfer estimator

        Returns
        -------
        SummarySources
        """
        return SummarySources(step.map_summary(self.summary))

    def classifier(self, unfitted: Any, X_calib: Floats, y_calib: NDArray[Any] | None) -> Any:
        """Fit a plain classifier on the sources and, if labelled, the calibration rows.

        Parameters
        ----------
        unfitted : classifier
        X_calib : ndarray of shape (n_calib, n_features)
        y_calib : ndarray of shape (n_calib,) or None

        Returns
        -------
        classifier
        """
        summary = self.summary
        if y_calib is not None:
            summary = summary.copy().add(X_calib, y_calib)
        return fit_lda_from_summary(unfitted, summary)

    def in_front_of(self, last: Any) -> SummarySources:
        """Keep the summary.

        Parameters
        ----------
        last : estimator

        Returns
        -------
        SummarySources
        """
        return self

    def without_subjects(self) -> SummarySources:
        """Pool the subjects."""
        return SummarySources(self.summary.without_subjects())
