"""The one way to join normalisers, aligners, selectors and a classifier."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.metaestimators import _BaseComposition, available_if
from sklearn.utils.validation import check_is_fitted

from .._checks import check_rows, check_subjects, highest_information
from ..errors import ContractError, InputError
from .answers import DelegatingClassifier
from .base import Floats, Target, TransferEstimator
from .sources import RowSources, SummarySources
from .steps import (
    accepts_summary,
    adapt_arguments,
    check_partial_adapt,
    check_steps,
    joint_assumption,
)
from .summary import SourceSummary


def make_transfer_pipeline(*steps: Any) -> TransferPipeline:
    """Join steps into a `TransferPipeline`, named after their classes in lower case.

    Parameters
    ----------
    *steps : estimator
        Aligners, selectors, plain transformers, and at the end a classifier.

    Returns
    -------
    TransferPipeline

    Examples
    --------
    >>> from eegtl.transfer import TCA, SubjectNormalizer, default_classifier
    >>> pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), TCA(30), default_classifier())
    >>> [name for name, _ in pipeline.steps]
    ['subjectnormalizer', 'tca', 'lineardiscriminantanalysis']
    """
    names = [type(step).__name__.lower() for step in steps]
    unique = [
        f"{name}-{names[: i + 1].count(name)}" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]
    return TransferPipeline(list(zip(unique, steps, strict=True)))


def _can_partial_adapt(self: TransferPipeline) -> bool:
    check_partial_adapt([step for _, step in getattr(self, "steps_", self.steps)])
    return True


class TransferPipeline(DelegatingClassifier, _BaseComposition):
    """A chain of steps behind the subject-transfer contract.

    Each step is fitted on the previous step's `transform_source` and adapted on its
    `transform`. Steps are transfer estimators of eegtl (aligners, selectors) and plain
    scikit-learn transformers (fitted on the sources alone); the last is a plain or a transfer
    classifier. A plain classifier at the end is refitted only where a step before it moves the
    source side, and on sources plus calibration rows where there are calibration labels.

    Consumes: what its steps consume.
    Before adapt: every step as it is before adapt.
    Memory: the steps, and the source rows in front of the first step that moves the source side.
    If there is none, what the classifier at the end needs to be fitted again with the wearer's
    labelled rows: nothing where it is a transfer classifier, which adapts by itself; a
    `SourceSummary` where it depends on the sources through counts, means and scatters only, or
    where every step does; its rows else.

    Parameters
    ----------
    steps : list of (name, estimator)

    Attributes
    ----------
    steps_ : list of (name, fitted estimator)
        Clones; the estimators in `steps` stay untouched.
    classes_ : ndarray of shape (n_classes,)
        Of the classifier at the end.
    source_classes_ : ndarray of shape (n_classes,)
        Of the labels in `fit`.
    sources_ : RowSources or SummarySources
        The sources in front of the first step that moves them; a summary where it suffices.
    n_pooled_windows_ : int
        How many labelled calibration rows the plain classifier at the end was fitted on.

    Notes
    -----
    scikit-learn's search tools (`GridSearchCV`) run, but they call `fit` and `score` and never
    `adapt`: they tune the pipeline as it is *before adapt*. To judge a setting as a wearer will
    meet it, let each source person play the wearer: fit on the others, `adapt` to that person's
    rows without labels, then score; never with the target's labels.

    Examples
    --------
    >>> from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline
    >>> X, y = [[0.0], [0.2], [1.0], [1.2], [8.0], [8.2], [9.0], [9.2]], list("aabbaabb")
    >>> pipe = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    >>> pipe = pipe.fit(X, y, subjects=[1, 1, 1, 1, 2, 2, 2, 2])
    >>> pipe.adapt([[5.0], [6.0]]).predict([[6.0]]).item()
    'b'
    """

    n_pooled_windows_: int

    def __init__(self, steps: list[tuple[str, Any]]) -> None:
        self.steps = steps

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of the pipeline and, as ``name__parameter``, of its steps.

        Parameters
        ----------
        deep : bool

        Returns
        -------
        dict
        """
        return self._get_params("steps", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, for example ``tca__n_components=20``, or replace steps by name.

        Parameters
        ----------
        **params

        Returns
        -------
        self
        """
        self._set_params("steps", **params)
        return self

    @property
    def needs_(self) -> str:  # type: ignore[override]
        """The least information with which all steps deserve their names."""
        return highest_information(*[getattr(s, "needs_", "inductive") for _, s in self.steps])

    @property
    def assumes_(self) -> str:  # type: ignore[override]
        """What its steps take for granted of the wearer; a mix that was given stands for both."""
        return joint_assumption([step for _, step in self.steps])

    @property
    def reads_rows(self) -> bool:  # type: ignore[override]
        """Whether a step reads descriptions of rows."""
        return any(getattr(step, "reads_rows", False) for _, step in self.steps)

    @property
    def moves_source(self) -> bool:  # type: ignore[override]
        """Whether a step changes the source side when it adapts."""
        return any(getattr(step, "moves_source", False) for _, step in self.steps)

    @property
    def named_steps_(self) -> dict[str, Any]:
        """The fitted steps by name."""
        return dict(self.steps_)

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        subjects: ArrayLike | None = None,
        rows: Any = None,
        X_target: ArrayLike | None = None,
        rows_target: Any = None,
    ) -> Self:
        """Fit all steps on labelled rows of other people.

        Parameters
        ----------
        X, y, subjects, rows, X_target, rows_target
            As in every transfer estimator.

        Returns
        -------
        self

        Raises
        ------
        ContractError
            When the steps cannot be joined.
        """
        check_steps(self.steps)
        self._validate_names([name for name, _ in self.steps])
        checked, labels = self._check_source(X, y)
        self.source_classes_ = self._check_classes(labels)
        check_rows(rows, len(checked))
        people = check_subjects(subjects, len(checked))
        sources: RowSources | SummarySources
        if all(accepts_summary(step) for _, step in self.steps):
            sources = SummarySources(SourceSummary().add(checked, np.asarray(labels), people))
        else:
            # a copy: `adapt` reads it again, and the caller may have changed X by then
            kept = rows if self.reads_rows else None
            sources = RowSources(checked.copy(), np.asarray(labels).copy(), people, kept)
        return self._start(sources, self._check_target(X_target, None, None, rows_target, None))

    def fit_summary(self, summary: SourceSummary) -> Self:
        """Fit all steps on sufficient statistics of the sources instead of rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        self

        Raises
        ------
        ContractError
            When a step needs rows; it is named.
        InputError
            When the summary holds fewer than two classes.
        """
        check_steps(self.steps)
        self._validate_names([name for name, _ in self.steps])
        blocking = [name for name, step in self.steps if not accepts_summary(step)]
        if blocking:
            raise ContractError(
                f"the steps {', '.join(blocking)} need rows of the sources, not a summary; fit on "
                "rows, or use steps that see the sources through counts, means and scatters only."
            )
        if len(summary.classes) < 2:
            raise InputError(
                f"the summary holds {len(summary.classes)} classes ({summary.classes.tolist()}); "
                "at least two are needed. Add labelled rows of the sources."
            )
        self.source_classes_ = summary.classes
        self.n_features_in_ = summary.n_features
        return self._start(SummarySources(summary.copy()), self._check_target(*[None] * 5))

    def adapt(
        self,
        X_target: ArrayLike | None = None,
        *,
        X_calib: ArrayLike | None = None,
        y_calib: ArrayLike | None = None,
        rows_target: Any = None,
        rows_calib: Any = None,
    ) -> Self:
        """Adapt all steps to a wearer; replaces what an earlier target left behind.

        Parameters
        ----------
        X_target, X_calib, y_calib, rows_target, rows_calib
            As in every transfer estimator. With `y_calib`, a plain classifier at the end is
            refitted on the sources and the calibration rows.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        target = self._check_target(X_target, X_calib, y_calib, rows_target, rows_calib)
        # copies (of the attributes, not of the arrays): a step that fails changes nothing
        steps = [
            (name, copy(step) if isinstance(step, TransferEstimator) else step)
            for name, step in self.steps_
        ]
        return self._run(steps, self.sources_, target, fitting=False)

    @available_if(_can_partial_adapt)
    def partial_adapt(self, X_target: ArrayLike) -> Self:
        """Take further rows of the same wearer; only where it is exact.

        Parameters
        ----------
        X_target : array-like of shape (n_new, n_features)

        Returns
        -------
        self

        Raises
        ------
        ContractError
            After a labelled calibration, where it would not be exact.
        """
        Z = self._check_X(X_target)
        if self.n_pooled_windows_:
            raise ContractError(
                "partial_adapt after a labelled calibration is not exact: the classifier was "
                f"fitted on {self.n_pooled_windows_} calibration rows as they were mapped then. "
                "Call adapt with all rows instead."
            )
        for _, step in self.steps_[:-1]:
            if hasattr(step, "partial_adapt"):
                step.partial_adapt(Z)
            Z = step.transform(Z)
        last = self.steps_[-1][1]
        if hasattr(last, "partial_adapt"):
            last.partial_adapt(Z)
        self._set_consumed_by_steps()
        return self

    def _delegate(self) -> Any:
        return getattr(self, "steps_", self.steps)[-1][1]

    def _rows_for_delegate(self, X: ArrayLike) -> Floats:
        """Map rows of the target by all steps but the last."""
        Z = self._check_X(X)
        for _, step in self.steps_[:-1]:
            Z = step.transform(Z)
        return Z

    def _start(self, sources: RowSources | SummarySources, target: Target) -> Self:
        """Fit fresh clones of all steps, and adapt them."""
        steps = [(name, clone(step)) for name, step in self.steps]
        return self._run(steps, sources, target, fitting=True)

    def _run(
        self,
        steps: list[tuple[str, Any]],
        sources: RowSources | SummarySources,
        target: Target,
        *,
        fitting: bool,
    ) -> Self:
        """Fit and adapt the steps in order.

        Steps up to the first that moves the source side are fitted once; `sources_` is what the
        sources are in front of that one. All later ones are fitted anew for each target.
        """
        n_steps = len(steps)
        moving = [getattr(step, "moves_source", False) for _, step in steps]
        cut = moving.index(True) if any(moving) else n_steps - 1
        n_pooled: int = 0 if fitting else self.n_pooled_windows_
        kept = sources
        Z = target.X
        for i, (name, step) in enumerate(steps):
            if fitting and i == cut:
                later = steps[cut:]
                if not any(getattr(step, "by_subject", False) for _, step in later):
                    sources = sources.without_subjects()
                kept = sources.in_front_of(step) if i == n_steps - 1 else sources
                if not isinstance(step, TransferEstimator):
                    sources = kept  # the same numbers now and after a later adapt
            stale = fitting or i > cut
            n_target = len(Z) - len(target.X_calib)
            if isinstance(step, TransferEstimator):
                arguments = adapt_arguments(Z, n_target, target)
                if stale:
                    sources.fit(step, arguments)
                else:
                    step.adapt(**arguments)
            elif i < n_steps - 1:
                if stale:  # never in place: pipelines before this adapt hold the step, too
                    step = clone(step)
                    sources.fit(step, {})
                    steps[i] = (name, step)
            elif stale or target.y_calib is not None or n_pooled:
                fresh = sources.classifier(clone(step), Z[n_target:], target.y_calib)
                steps[i] = (name, fresh)
                n_pooled = 0 if target.y_calib is None else len(target.y_calib)
            if i < n_steps - 1:
                if fitting or i >= cut:
                    sources = sources.through(step)
                Z = step.transform(Z) if len(Z) else np.empty((0, sources.n_features))
        self.steps_, self.sources_, self.n_pooled_windows_ = steps, kept, n_pooled
        # a class whose rows a selector weights to 0 is none of the classifier's
        self.classes_ = steps[-1][1].classes_
        self._set_consumed_by_steps()
        return self

    def _set_consumed_by_steps(self) -> None:
        steps = [s for _, s in self.steps_ if isinstance(s, TransferEstimator)]
        level = highest_information(*[s.information_ for s in steps])
        if self.n_pooled_windows_:
            level = "labelled"
        self._set_consumed(level, max([s.n_target_windows_ for s in steps], default=0))
        self.n_target_windows_ = max(self.n_target_windows_, self.n_pooled_windows_)
