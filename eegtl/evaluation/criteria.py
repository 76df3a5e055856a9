"""By what settings are chosen without the wearer's labels: plain formulas, and a registry.

All scores are such that higher is better. Errors are counted as 0 or 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from .._checks import unique_subjects
from ..errors import InputError, StudyError, TransferWarning
from ..kernels.gram import canonical_order
from .blocks import wearer_parts
from .folds import FoldTask, run_fold
from .index_sets import Fold
from .information import InformationSet, needs_of

Floats = NDArray[np.float64]
#: largest importance weight of a row
MAX_WEIGHT = 20.0
#: below this share of rows that count, importance weights are said to rest on few
_FEW = 0.1


def importance_weights(X_source: ArrayLike, X_target: ArrayLike) -> Floats:
    """Estimate p_target(x) / p_source(x) at the source rows by a domain classifier.

    Parameters
    ----------
    X_source : array-like of shape (n_source, n_features)
    X_target : array-like of shape (n_target, n_features)

    Returns
    -------
    ndarray of shape (n_source,)
        Weights, clipped at 20; not normalised.

    Notes
    -----
    Logistic regression (L2, C = 0.1) tells the domains apart by the features, standardised over
    both; by Bayes' rule the ratio is n_source / n_target times the odds p(target|x) / p(source|x)
    (Bickel, Brueckner, Scheffer, Journal of Machine Learning Research 10, 2009). Where the domains
    can be told apart with certainty, few source rows carry all the weight: put a
    `SubjectNormalizer` before the search.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> bool(importance_weights(X, X + 0.5)[-1] > importance_weights(X, X + 0.5)[0])
    True
    """
    source, target = (np.asarray(X, dtype=np.float64) for X in (X_source, X_target))
    rows = np.vstack([source, target])
    spread = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    of_target = np.arange(len(rows)) >= len(source)
    order = canonical_order(rows)  # the solver's last digits depend on the order of the rows
    model = LogisticRegression(C=0.1, max_iter=1000).fit(rows[order], of_target[order])
    log_odds = np.minimum(model.decision_function(rows[: len(source)]), 100.0)
    return np.minimum(np.exp(log_odds) * len(source) / len(target), MAX_WEIGHT)


def source_weights(X_source: Floats, X_target: Floats) -> Floats:
    """Give the importance weights of source rows, and say so when they rest on few.

    Parameters
    ----------
    X_source : ndarray of shape (n_source, n_features)
    X_target : ndarray of shape (n_target, n_features)

    Returns
    -------
    ndarray of shape (n_source,)
        As of `importance_weights`.

    Warns
    -----
    TransferWarning
        When the effective number of rows, (sum w)^2 / sum w^2, is below a tenth of them, or the
        mean weight, which should be 1, below a tenth.
    """
    weights = importance_weights(X_source, X_target)
    mean = float(weights.mean())
    share = float(mean**2 / np.mean(weights**2))
    if min(share, mean) < _FEW:
        warnings.warn(
            f"the importance weights rest on {share:.1%} of the source rows and have the mean "
            f"{mean:.2g} instead of 1, since a classifier tells sources and wearer apart; put a "
            "SubjectNormalizer before the search.",
            TransferWarning,
            stacklevel=2,
        )
    return weights


def importance_weighted_risk(losses: ArrayLike, weights: ArrayLike) -> float:
    """Estimate the risk on the target from losses on source rows.

    Parameters
    ----------
    losses, weights : array-like of shape (n_rows,)

    Returns
    -------
    float
        sum(w l) / sum(w): weights are normalised to the mean 1, which bounds the risk by the
        largest loss.

    References
    ----------
    Sugiyama, Krauledat, Mueller, "Covariate shift adaptation by importance weighted cross
    validation", Journal of Machine Learning Research 8, 2007.

    Examples
    --------
    >>> importance_weighted_risk([1, 0, 0], [2.0, 1.0, 1.0])
    0.5
    """
    losses, weights = _losses(losses, weights)
    return float(losses @ weights / weights.sum())


def dev_risk(losses: ArrayLike, weights: ArrayLike) -> float:
    """Estimate the risk on the target with a control variate (deep embedded validation).

    Parameters
    ----------
    losses, weights : array-like of shape (n_rows,)
        Weights must not be normalised: that their expectation is 1 is what the estimate uses.

    Returns
    -------
    float
        mean(w l) + eta (mean(w) - 1) with eta = -cov(w l, w) / var(w); without a spread of the
        weights, mean(w l).

    References
    ----------
    You, Wang, Long, Jordan, "Towards accurate model selection in deep unsupervised domain
    adaptation", ICML 2019, eq. 9.

    Examples
    --------
    >>> dev_risk([1, 1, 1], [0.5, 1.0, 3.0])
    1.0
    """
    losses, weights = _losses(losses, weights)
    weighted = losses * weights
    variance = weights.var()
    if variance <= (10 * np.finfo(np.float64).eps * np.abs(weights).max()) ** 2:
        return float(weighted.mean())
    covariance = np.mean((weighted - weighted.mean()) * (weights - weights.mean()))
    eta = -covariance / variance
    return float(weighted.mean() + eta * (weights.mean() - 1.0))


def prediction_entropy(probabilities: ArrayLike) -> float:
    """Mean entropy of predicted class probabilities.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)

    Returns
    -------
    float
        In nats; NaN where a probability is NaN, since nothing is known of such a prediction.

    Examples
    --------
    >>> prediction_entropy([[1.0, 0.0], [1.0, 0.0]])
    0.0
    """
    # below 0 is rounding; `np.maximum` hands NaN on
    p = np.maximum(np.asarray(probabilities, dtype=np.float64), 0.0)
    return float(entr(p).sum(axis=1).mean())


def _losses(losses: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    pair = np.asarray(losses, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if pair[0].ndim != 1 or pair[0].shape != pair[1].shape or not pair[0].size:
        raise InputError(
            "a weighted risk needs one loss and one weight a row; got the shapes "
            f"{pair[0].shape} and {pair[1].shape}."
        )
    if not (pair[1] >= 0).all() or not pair[1].sum() > 0:
        raise InputError("importance weights must not be negative, and not all 0.")
    return pair


@dataclass(frozen=True)
class Sources:
    """What a search may see: labelled sources, and rows of the wearer without labels.

    Attributes
    ----------
    X, y, subjects : ndarray
        Source rows, their labels, and whose they are.
    information : InformationSet
        What a wearer's rows are used as when a source person plays the wearer.
    window : float
        Length of a window in seconds; read for a calibration block only.
    rows, opaque : pandas.DataFrame or None
        Descriptions of the rows, and those that do not tell a label.
    X_target : ndarray or None
        Rows of the real wearer.
    rows_target : table or None
    weights : ndarray or None
        Importance weights of the source rows.
    """

    X: Floats
    y: NDArray[Any]
    subjects: NDArray[Any]
    information: InformationSet
    window: float = 0.0
    rows: Any = None
    opaque: Any = None
    X_target: Floats | None = None
    rows_target: Any = None
    weights: Floats | None = None

    @cached_property
    def people(self) -> list[tuple[str, NDArray[np.intp], NDArray[np.intp]]]:
        """Name, own rows and rows of the others, for each person whose others suffice."""
        names, codes = unique_subjects(self.subjects)
        turns = [
            (str(name), np.flatnonzero(codes == i), np.flatnonzero(codes != i))
            for i, name in enumerate(names.tolist())
        ]
        return [turn for turn in turns if len(np.unique(self.y[turn[2]])) > 1]

    @cached_property
    def wearers(self) -> list[Fold]:
        """Each source person in the wearer's place, split as the information set says."""
        folds, refused = [], None
        for name, own, others in self.people:
            try:
                parts = self._parts(own, name)
            except StudyError as error:  # too short for the block
                refused = error
                continue
            folds.append(Fold(name, name, others, *parts))
        if refused is not None and not folds:
            raise refused
        return folds

    def _parts(self, own: NDArray[np.intp], name: str) -> Any:
        if self.rows is None:
            empty = own[:0]
            revealed = empty if self.information.kind == "inductive" else own
            return empty, revealed, own
        return wearer_parts(self.rows, own, self.information, self.window, f"source {name}")

    def fitted(self, estimator: Any, index: NDArray[np.intp]) -> Any:
        """Fit a clone on some source rows and adapt it to the wearer's."""
        own = clone(estimator)
        own.fit(
            self.X[index],
            self.y[index],
            subjects=self.subjects[index],
            rows=None if self.rows is None else self.rows.iloc[index].reset_index(drop=True),
        )
        if needs_of(own) != "inductive":
            own.adapt(self.X_target, rows_target=self.rows_target)
        return own


def _source(estimator: Any, sources: Sources) -> float:
    """Mean accuracy over the source people, each in the wearer's place."""
    information = sources.information
    level = "labelled" if information.labelled else needs_of(estimator)
    accuracies = []
    for fold in sources.wearers:
        task = FoldTask(
            row="the search",
            repeat=0,
            fold=fold,
            estimator=clone(estimator),
            level=level,
            granted=information,
            y_source=sources.y[fold.source],
            y_calib=sources.y[fold.calibration] if level == "labelled" else None,
        )
        outcome = run_fold(task, sources.X, sources.subjects, sources.rows, sources.opaque)
        accuracies.append(np.mean(outcome.y_pred == sources.y[fold.test]))
    return float(np.mean(accuracies))


def _reverse(estimator: Any, sources: Sources) -> float:
    """Mean accuracy on source people of models fitted on the wearer's predicted labels."""
    accuracies = []
    for _, own, others in sources.people:
        predicted = sources.fitted(estimator, others).predict(sources.X_target)
        if len(np.unique(predicted)) < 2:
            back = np.repeat(predicted[:1], len(own))  # nothing else can be learned from it
        else:
            model = clone(estimator).fit(sources.X_target, predicted, rows=sources.rows_target)
            if needs_of(model) != "inductive":
                rows = None if sources.opaque is None else sources.opaque.iloc[own]
                model.adapt(sources.X[own], rows_target=rows)
            back = model.predict(sources.X[own])
        accuracies.append(np.mean(back == sources.y[own]))
    return float(np.mean(accuracies))


def _held_out(estimator: Any, sources: Sources) -> Iterator[tuple[Floats, Floats]]:
    """Give losses and weights of each source person under the model of the others."""
    for _, own, others in sources.people:
        wrong = sources.fitted(estimator, others).predict(sources.X[own]) != sources.y[own]
        weights = np.asarray(sources.weights)
        yield wrong.astype(np.float64), weights[own]


def _weighted(estimator: Any, sources: Sources) -> float:
    losses, weights = zip(*_held_out(estimator, sources), strict=True)
    return 1.0 - importance_weighted_risk(np.concatenate(losses), np.concatenate(weights))


def _dev(estimator: Any, sources: Sources) -> float:
    losses, weights = zip(*_held_out(estimator, sources), strict=True)
    return 1.0 - dev_risk(np.concatenate(losses), np.concatenate(weights))


def _entropy(estimator: Any, sources: Sources) -> float:
    model = sources.fitted(estimator, np.arange(len(sources.X)))
    if not hasattr(model, "predict_proba"):
        raise StudyError(
            f"{type(estimator).__name__} gives no class probabilities, which the criterion "
            "'entropy' needs. End it in a classifier with predict_proba, or choose another."
        )
    return -prediction_entropy(model.predict_proba(sources.X_target))


@dataclass(frozen=True)
class Criterion:
    """One way to choose settings.

    Attributes
    ----------
    name : str
    score : callable
        Takes an unfitted estimator and `Sources`; higher is better.
    needs_target : bool
        Whether it uses rows of the wearer, without labels.
    says : str
        What the score is, in words.
    weighs : bool
        Whether it uses importance weights.
    """

    name: str
    score: Callable[[Any, Sources], float]
    needs_target: bool
    says: str
    weighs: bool = False


#: The criteria of `search` by name.
CRITERIA: dict[str, Criterion] = {
    criterion.name: criterion
    for criterion in (
        Criterion("source", _source, False, "accuracy of source people in the wearer's place"),
        Criterion("reverse", _reverse, True, "accuracy on source people, learned back"),
        Criterion(
            "weighted", _weighted, True, "importance-weighted accuracy on source people", True
        ),
        Criterion("dev", _dev, True, "the same with a control variate", True),
        Criterion("entropy", _entropy, True, "minus the entropy of the wearer's predictions"),
    )
}
