"""`TransferSearch`: a transfer estimator that chooses its settings itself, inside fit and adapt."""

from __future__ import annotations

import warnings
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if

from .._checks import highest_information
from ..errors import TransferWarning
from ..transfer.answers import DelegatingClassifier
from ..transfer.base import Floats, Target
from ..transfer.steps import adapt_arguments
from .information import InformationSet, needs_of
from .tuning import Grid, SearchResult, configurations_of, configured, criterion_named, search


def _can_partial_adapt(self: TransferSearch) -> bool:
    if criterion_named(self.criterion).needs_target:
        raise AttributeError(
            f"the criterion {self.criterion!r} chooses anew with each row of the wearer, so that "
            "there is no partial_adapt; with 'source' there is."
        )
    return callable(self._delegate().partial_adapt)


class TransferSearch(DelegatingClassifier):
    """A transfer classifier whose settings are chosen without labels of the wearer.

    With the criterion ``source`` the search runs in `fit`, on the sources alone; with the others
    it runs in `adapt`, since they use the wearer's rows without labels. Each fold of a study thus
    has a search of its own, which never sees the person scored.

    Consumes: what its estimator consumes; with criteria other than ``source`` at least the
        unlabelled target rows.
    Before adapt: the chosen estimator before its adapt; with criteria other than ``source`` the
        estimator with the settings it was given.
    Memory: the chosen estimator's; with criteria other than ``source`` all source rows, too.

    Parameters
    ----------
    estimator : transfer classifier
        For example a pipeline.
    grid : mapping of str to sequence
        Values to try, by the names of `set_params`.
    criterion : {"source", "reverse", "weighted", "dev", "entropy"}
        As in `search`.
    information : str
        What a wearer will give, for ``source``: the forms of `InformationSet.parse`. A study
        refuses a search whose wearer gives other than its own. A calibration block needs `rows`
        in `fit`, and `window`.
    window : float, optional
        Length of a window in seconds.
    n_jobs : int
        Number of processes over the configurations.
    random_state : int
        As `seed` in `search`.

    Attributes
    ----------
    best_estimator_ : transfer classifier
    best_params_ : dict
        The chosen settings; empty where nothing has been chosen (yet).
    n_configurations_ : int
        How many were tried.
    scores_ : ndarray of shape (n_configurations_,)
        In the order of the grid; empty where nothing has been chosen.
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    With the criterion ``source`` there is a `partial_adapt` where the estimator has an exact one.

    *Needs* `rows` (session, trial, stimulus, onset) where `information` speaks of time. With fewer
    than two source people there is nothing to choose by: the settings stay as they were given,
    and a `TransferWarning` says so.

    Examples
    --------
    >>> from eegtl.transfer import KPCA, default_classifier, make_transfer_pipeline
    >>> rng = np.random.default_rng(0)
    >>> y, who = np.tile([0, 1], 30), np.repeat(["ann", "ben", "cid"], 20)
    >>> X = rng.standard_normal((60, 4)) * [3, 1, 1, 1] + np.outer(y, [0, 3, 0, 0])
    >>> pipeline = make_transfer_pipeline(KPCA(kernel="linear"), default_classifier())
    >>> tuned = TransferSearch(pipeline, {"kpca__n_components": [1, 2]})
    >>> tuned.fit(X, y, subjects=who).best_params_
    {'kpca__n_components': 2}
    """

    #: a pipeline keeps the subjects of the sources for it
    by_subject = True

    best_params_: dict[str, Any]

    def __init__(
        self,
        estimator: Any,
        grid: Grid,
        *,
        criterion: str = "source",
        information: str = "transductive",
        window: float | None = None,
        n_jobs: int = 1,
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.grid = grid
        self.criterion = criterion
        self.information = information
        self.window = window
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def needs_(self) -> str:  # type: ignore[override]
        """The least information with which it deserves its name; of what was chosen, if it was."""
        own = "unlabelled" if criterion_named(self.criterion).needs_target else "inductive"
        return highest_information(needs_of(self._delegate()), own)

    @property
    def reads_rows(self) -> bool:  # type: ignore[override]
        """Whether it, or the estimator inside, reads descriptions of rows."""
        in_time = InformationSet.parse(self.information).kind in ("calibration", "online")
        by_source = not criterion_named(self.criterion).needs_target
        return (by_source and in_time) or bool(getattr(self.estimator, "reads_rows", False))

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self.classes_ = self._check_classes(y)
        self.n_configurations_ = len(configurations_of(self.grid, self.estimator))
        self.best_params_, self.scores_ = {}, np.empty(0)
        rows = rows if self.reads_rows else None
        if criterion_named(self.criterion).needs_target:
            # copies: `adapt` reads them, and the caller may have changed them by then
            self.sources_ = [X.copy(), np.asarray(y).copy(), subjects.copy(), rows]
            self.source_estimator_ = self._fitted({}, X, y, subjects, rows)
            self.best_estimator_ = self.source_estimator_
            return
        if self._can_choose(subjects):
            self._keep(self._search(X, y, subjects, rows))
        self.best_estimator_ = self._fitted(self.best_params_, X, y, subjects, rows)

    def _forget_target(self) -> None:
        if criterion_named(self.criterion).needs_target:
            self.best_params_, self.scores_ = {}, np.empty(0)
            self.best_estimator_ = self.source_estimator_
        else:
            self.best_estimator_ = copy(self.best_estimator_).adapt()

    def _adapt_target(self, target: Target) -> str:
        n_target = len(target.X) - len(target.X_calib)
        arguments = adapt_arguments(target.X, n_target, target)
        if not criterion_named(self.criterion).needs_target:
            self.best_estimator_ = copy(self.best_estimator_).adapt(**arguments)
            return self.best_estimator_.information_
        X, y, subjects, rows = self.sources_
        if not self._can_choose(subjects):
            best = copy(self.source_estimator_).adapt(**arguments)
            self.best_params_, self.scores_, self.best_estimator_ = {}, np.empty(0), best
            return best.information_
        described = None if len(target.X_calib) else target.rows_target
        found = self._search(X, y, subjects, rows, target.X, described)
        best = self._fitted(found.best_params, X, y, subjects, rows).adapt(**arguments)
        self._keep(found)
        self.best_estimator_ = best
        return highest_information("unlabelled", best.information_)

    @available_if(_can_partial_adapt)
    def partial_adapt(self, X_target: ArrayLike) -> Self:
        """Take further rows of the same wearer; only where what was chosen can, exactly.

        Parameters
        ----------
        X_target : array-like of shape (n_new, n_features)

        Returns
        -------
        self
        """
        best = self.best_estimator_.partial_adapt(self._check_X(X_target))
        self._set_consumed(best.information_, best.n_target_windows_)
        return self

    def _can_choose(self, subjects: NDArray[Any]) -> bool:
        if len(set(subjects.tolist())) > 1:
            return True
        warnings.warn(
            "the sources are one person or session, so there is nothing to choose settings by; "
            "they stay as they were given.",
            TransferWarning,
            stacklevel=2,
        )
        return False

    def _search(
        self, X: Floats, y: Any, subjects: Any, rows: Any, X_target: Any = None, more: Any = None
    ) -> SearchResult:
        return search(
            self.estimator,
            self.grid,
            X,
            y,
            subjects,
            criterion=self.criterion,
            information=self.information,
            X_target=X_target,
            rows=rows,
            rows_target=more,
            window=self.window,
            n_jobs=self.n_jobs,
            seed=self.random_state,
        )

    def _keep(self, found: SearchResult) -> None:
        self.best_params_ = found.best_params
        self.scores_ = found.scores["score"].to_numpy(dtype=np.float64)

    def _fitted(self, params: dict[str, Any], X: Floats, y: Any, subjects: Any, rows: Any) -> Any:
        return configured(self.estimator, params).fit(X, y, subjects=subjects, rows=rows)

    @property
    def assumes_(self) -> str:  # type: ignore[override]
        """What its estimator takes for granted of the wearer."""
        return getattr(self.estimator, "assumes_", "")

    def _delegate(self) -> Any:
        return getattr(self, "best_estimator_", self.estimator)
