"""Is transfer needed for this wearer, from whom, and from how many (Lin and Jung 2017)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.naive_bayes import GaussianNB

from .._checks import unique_subjects
from .._threads import in_one_thread
from ..errors import InputError, TransferWarning
from ..kernels.gram import canonical_order, median_gamma
from .answers import DelegatingClassifier
from .base import Floats, Target
from .classifiers import unfitted_classifier
from .conditional_choice import Block, Choice, choose_by_trials
from .distances import mmd_rbf
from .row_table import read_trials
from .source_pool import SourcePool, choose_by_people
from .trial_similarity import TrialMeans, trial_means

VARIANTS = ("labelled", "unlabelled")
#: Rows of one person whose kernel values are formed when distributions are compared.
DISTANCE_ROWS = 500


class ConditionalTransfer(DelegatingClassifier):
    """Decide whether to transfer at all, from which source people, and from how many.

    ``labelled``: trials of the wearer with labels answer all three. A model of the wearer's own is
    tried by leaving out one trial at a time; only where it is not above chance, the most similar
    source people join the training rows. ``unlabelled``: source people are ranked by how near their
    distribution is, and leaving out one source person at a time says how many help.

    Consumes: ``labelled`` the labelled calibration rows, and no other row of the target;
    ``unlabelled`` the unlabelled target rows (labelled calibration rows join the training rows).
    Before adapt: all source people, all features.
    Needs: for ``labelled`` the columns `trial` and, where known, `session` and `stimulus` of
    `rows`, for the sources and for the calibration. Without them each row counts as a trial of its
    own, and people are compared by their class means; the gate is then far too trusting, since
    windows of one trial resemble each other (a `TransferWarning` says so).
    Memory: the source rows; for ``labelled`` the means of their trials.

    Parameters
    ----------
    variant : {"labelled", "unlabelled"}
    n_sources : int or None
        How many source people; None chooses among 1, 2, 4, 8, ... and all by leaving out one trial
        (``labelled``) or one source person (``unlabelled``) at a time; equal scores take the
        fewest.
    n_features : int or None
        For ``labelled``: how many features ReliefF selects on the calibration trials; None keeps
        all. 20 was fixed beforehand; how many the paper keeps is not known to us.
    estimator : classifier, optional
        Any scikit-learn classifier; None means Gaussian naive Bayes (the paper's, as recalled).
    gate : bool
        ``labelled``: whether a model of the wearer's own that is above chance ends the matter.
        ``unlabelled``: whether the nearest are preferred to all sources only where they are better
        for significantly many source people.
    significance : float
        Level of the gate's one-sided exact binomial test.

    Attributes
    ----------
    transfers_ : bool
        Whether rows of source people are trained on.
    n_sources_ : int
        Of how many.
    ranking_ : list of (subject, value)
        Most similar first; the value is a correlation for ``labelled`` and a squared maximum mean
        discrepancy for ``unlabelled``. Empty where nobody was ranked.
    chosen_ : ndarray of bool, shape (n_subjects,)
        Who of `subjects_`.
    selected_features_ : ndarray of int
    decision_ : str
        What was decided, and why.
    grid_ : list of int
        The numbers of source people that were tried.
    scores_ : ndarray of shape (n_trials or n_subjects, n_grid)
        Share of right windows of each trial (source person) left out.
    own_accuracy_, chance_, p_value_ : float
        Gate of ``labelled``: share of trials that the wearer's own model gets right, the share of
        the commonest class, and the probability of so many by chance. NaN where there was no gate.
    subjects_ : ndarray of shape (n_subjects,)
    estimator_ : classifier
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    ``labelled``. For each trial of the calibration block, and for the block as a whole: ReliefF on
    the means of the (other) trials selects the features; each source person's similarity is the
    correlation of its means with the wearer's on these features over shared stimuli
    (`stimulus_similarity`), or over class means (`class_similarity`) unless everybody shares at
    least three stimuli with the block. The trial left out has no part in what is selected, ranked
    and trained for it, so the choice of `n_sources` and the gate are honest about new trials. The
    gate compares the number of trials whose majority of windows is right with a binomial
    distribution; the probability of success is the share of the commonest class. With four trials
    of two classes no result is significant, and transfer it is.

    It takes two classes with two trials each; with less, all sources and all features are used. A
    block that lacks a class always transfers, and a class that none of the chosen people has is
    brought back by the most similar person who has it.

    ``unlabelled``. The discrepancy has a Gaussian kernel whose width comes from the sources, on at
    most 500 rows a person, spread evenly over a fixed order of their content. Each source
    person in turn is the wearer: trained on its 1, 2, 4, ... nearest among the others and scored on
    its own rows.

    Training takes all windows; a person with many weighs more.

    References
    ----------
    Lin, Jung, "Improving EEG-based emotion classification using conditional transfer learning",
    Frontiers in Human Neuroscience 11:334, 2017.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> def person(sign):  # four trials of three windows; classes differ by sign
    ...     return sign * np.repeat([[-1.0], [1.0]] * 2, 3, axis=0) + rng.normal(0, 0.3, (12, 1))
    >>> X, y = np.vstack([person(s) for s in (1, -1, -1)]), np.tile(np.repeat([0, 1] * 2, 3), 3)
    >>> rows = pd.DataFrame({"trial": np.repeat(np.arange(12), 3)})
    >>> model = ConditionalTransfer().fit(X, y, subjects=np.repeat([1, 2, 3], 12), rows=rows)
    >>> model = model.adapt(X_calib=person(1), y_calib=y[:12], rows_calib=rows[:12])
    >>> model.ranking_[0][0], model.n_sources_, model.decision_[:33]
    (1, 1, 'own model right in 4 of 4 trials ')
    """

    by_subject = True

    def __init__(
        self,
        *,
        variant: str = "labelled",
        n_sources: int | None = None,
        n_features: int | None = 20,
        estimator: Any = None,
        gate: bool = True,
        significance: float = 0.05,
    ) -> None:
        self.variant = variant
        self.n_sources = n_sources
        self.n_features = n_features
        self.estimator = estimator
        self.gate = gate
        self.significance = significance

    @property
    def needs_(self) -> str:  # type: ignore[override]
        """The least information without which it is not what its name says."""
        return "labelled" if self.variant == "labelled" else "unlabelled"

    @property
    def reads_rows(self) -> bool:  # type: ignore[override]
        """Whether it reads the descriptions of the rows."""
        return self.variant == "labelled"

    @in_one_thread
    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        self.classes_ = self._check_classes(y)
        labels = np.asarray(y)
        if not np.ptp(X, axis=0).any():
            raise InputError(
                f"ConditionalTransfer: all {len(X)} source rows are equal, so there is nothing to "
                "tell people or classes by. Check the features."
            )
        self.subjects_, codes = unique_subjects(subjects)
        # by person, so that rows of one are a slice
        order = np.argsort(codes, kind="stable")
        self.source_rows_, self.source_labels_ = X[order], labels[order]
        self.source_codes_ = codes[order]
        if self.variant == "labelled":
            self._fit_trials(rows, order)
        else:
            self._fit_distances()

    def _pool(self) -> SourcePool:
        """Give the sources' rows as what choices are made from."""
        members = [np.flatnonzero(self.source_codes_ == i) for i in range(len(self.subjects_))]
        present = [[np.any(self.source_labels_[m] == c) for c in self.classes_] for m in members]
        return SourcePool(
            self.source_rows_, self.source_labels_, members, np.array(present), self._unfitted()
        )

    def _unfitted(self) -> Any:
        return GaussianNB() if self.estimator is None else unfitted_classifier(self.estimator)

    def _fit_trials(self, rows: Any, order: NDArray[np.intp]) -> None:
        """Average each source person's trials."""
        X, y = self.source_rows_, np.searchsorted(self.classes_, self.source_labels_)
        trials, stimuli = read_trials(rows, len(X))
        trials = None if trials is None else trials[order]
        stimuli = stimuli[order]
        self.source_trials_ = []
        for index in self._pool().members:
            own = np.arange(len(index))
            if trials is not None:
                own = np.unique(trials[index], return_inverse=True)[1].ravel()
            self.source_trials_.append(tuple(trial_means(X[index], y[index], own, stimuli[index])))

    def _fit_distances(self) -> None:
        """Compare the source people's distributions, and decide how many of the nearest to take."""
        pool = self._pool()
        spread = [spread_rows(pool.X[index], DISTANCE_ROWS) for index in pool.members]
        stacked = np.vstack(spread)
        self.gamma_ = median_gamma(stacked[canonical_order(stacked)])
        self.distance_rows_ = spread
        n = len(pool)
        distances = np.zeros((n, n))
        for i in range(n):
            distances[i, :i] = self._distances(spread[i], spread[:i])
            distances[:i, i] = distances[i, :i]
        found = choose_by_people(
            pool,
            distances,
            n_sources=self.n_sources,
            gate=self.gate,
            significance=self.significance,
        )
        self.n_nearest_, self.people_decision_ = found.n, found.decision
        self.people_grid_, self.people_scores_ = found.grid, found.scores

    def _distances(self, rows: Floats, others: list[Floats]) -> Floats:
        """Give discrepancies from other people; infinite where one has a single row."""
        return np.array(
            [
                mmd_rbf(rows, other, gamma=self.gamma_)
                if min(len(rows), len(other)) > 1
                else np.inf
                for other in others
            ]
        )

    def _forget_target(self) -> None:
        everybody = np.ones(len(self.subjects_), dtype=bool)
        features = np.arange(self.n_features_in_)
        fitted = self._pool().train(everybody)
        self._install(
            Choice(everybody, features, "before adapt: all source people, all features"), fitted
        )

    def _n_consumed(self, target: Target) -> int:
        return len(target.X_calib) if self.variant == "labelled" else len(target.X)

    @in_one_thread
    def _adapt_target(self, target: Target) -> str:
        pool = self._pool()
        if self.variant == "labelled":
            choice = self._choose_labelled(pool, target)
        else:
            choice = self._choose_unlabelled(pool, target)
        own = target.X_calib[:, choice.features]
        fitted = pool.on(choice.features).train(choice.chosen, own, target.y_calib)
        self._install(choice, fitted)
        return "unlabelled" if target.y_calib is None else "labelled"

    def _choose_labelled(self, pool: SourcePool, target: Target) -> Choice:
        trials, stimuli = read_trials(target.rows_calib, len(target.X_calib))
        if trials is None:
            _warn(
                f"no trials are told of the {len(target.X_calib)} calibration rows, so that each "
                "counts as a trial of its own; windows of one trial resemble each other, and the "
                "gate trusts the wearer's own model too much. Pass rows_calib with the column "
                "'trial'."
            )
        block = Block.of(target.X_calib, np.asarray(target.y_calib), self.classes_, trials, stimuli)
        choice = choose_by_trials(
            pool,
            [TrialMeans(*parts) for parts in self.source_trials_],
            block,
            n_sources=self.n_sources,
            n_features=self.n_features,
            gate=self.gate,
            significance=self.significance,
        )
        if not block.can_be_nested:
            _warn(f"{choice.decision}.")
        return choice

    def _choose_unlabelled(self, pool: SourcePool, target: Target) -> Choice:
        features = np.arange(pool.X.shape[1])
        rows = spread_rows(target.X, DISTANCE_ROWS)
        values = self._distances(rows, self.distance_rows_)
        grid, scores = self.people_grid_, self.people_scores_
        if not np.isfinite(values).any():
            everybody = np.ones(len(pool), dtype=bool)
            decision = f"one row has no distribution: transfer from all {len(pool)} people"
            _warn(f"{decision}. Adapt to more rows.")
            return Choice(everybody, features, decision, grid=grid, scores=scores)
        own = None if target.y_calib is None else np.isin(self.classes_, target.y_calib)
        chosen = pool.nearest(values, self.n_nearest_, own)
        return Choice(chosen, features, self.people_decision_, values, grid, scores)

    def _install(self, choice: Choice, fitted: Any) -> None:
        """Set what `predict` uses, and all that can be audited."""
        self.transfers_ = bool(choice.chosen.any())
        self.chosen_, self.n_sources_ = choice.chosen, int(choice.chosen.sum())
        order = np.argsort(
            -choice.values if self.variant == "labelled" else choice.values, kind="stable"
        )
        self.ranking_ = [
            (self.subjects_[i : i + 1].tolist()[0], float(choice.values[i])) for i in order
        ]
        self.selected_features_, self.decision_ = choice.features, choice.decision
        self.grid_, self.scores_ = choice.grid, choice.scores
        self.own_accuracy_, self.chance_ = choice.own_accuracy, choice.chance
        self.p_value_ = choice.p_value
        self.estimator_ = fitted

    def _delegate(self) -> Any:
        return self.estimator_ if hasattr(self, "estimator_") else self._unfitted()

    def _rows_for_delegate(self, X: ArrayLike) -> Floats:
        return self._check_X(X)[:, self.selected_features_]

    def _check_parameters(self) -> None:
        if self.variant not in VARIANTS:
            raise InputError(f"variant must be one of {', '.join(VARIANTS)}; got {self.variant!r}.")
        for name in ("n_sources", "n_features"):
            n = getattr(self, name)
            whole = isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 1
            if n is not None and not whole:
                raise InputError(f"{name} must be a whole number from 1 on, or None; got {n!r}.")
        if not isinstance(self.gate, bool | np.bool_):
            raise InputError(f"gate must be True or False; got {self.gate!r}.")
        if isinstance(self.significance, str) or not 0 < self.significance < 1:
            raise InputError(f"significance must lie between 0 and 1; got {self.significance!r}.")


def spread_rows(X: Floats, n: int) -> Floats:
    """Take rows evenly spread over an order of their content.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    n : int
        At most so many.

    Returns
    -------
    ndarray of shape (min(n, n_rows), n_features)
        A copy.

    Examples
    --------
    >>> spread_rows(np.array([[3.0], [1.0], [2.0]]), 2).ravel().tolist()
    [1.0, 3.0]
    """
    order = canonical_order(X)
    if len(X) > n:
        order = order[np.linspace(0, len(X) - 1, n).astype(np.intp)]
    return X[order]


def _warn(message: str) -> None:
    warnings.warn(message, TransferWarning, stacklevel=2)
