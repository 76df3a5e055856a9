"""Running one fold: the only place where rows of the target meet an estimator."""

from __future__ import annotations

import inspect
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from .._checks import INFORMATION_LEVELS
from ..errors import StudyError, TransferWarning
from .index_sets import Fold
from .information import InformationSet
from .settings import settings_text

#: What methods may read about source rows, and about calibration rows with their labels.
SOURCE_ROWS = ("session", "trial", "stimulus", "onset")
#: What they may read about rows of the target without labels. Where everybody had the same clips
#: in the same order, stimulus, number and time of a trial tell its label; so the stimulus is
#: withheld, `trial` is a code (see `StudyData.target_rows`) and `onset` counts from the trial's
#: first window.
TARGET_ROWS = ("session", "trial", "onset")
#: what scores of a window may differ by, relative to the mean score, when it comes alone
_ROUNDING = 1e-6


@dataclass(frozen=True)
class FoldTask:
    """One estimator to fit and one person to predict, without that person's labels.

    Attributes
    ----------
    row : str
        The study row's key.
    repeat : int
        0 for the true labels, else the number of the shuffle.
    fold : Fold
        Index sets into X.
    estimator : transfer estimator
        Unfitted.
    level : {"inductive", "unlabelled", "labelled"}
        What it is handed of the target.
    granted : InformationSet
        In which form.
    y_source : ndarray of shape (n_source,)
        Labels of the source rows.
    y_calib : ndarray of shape (n_calibration,) or None
        Labels of the calibration rows, only at the level ``labelled``.
    columns : ndarray of int or None
        The columns of X that the estimator reads; None means all.
    """

    row: str
    repeat: int
    fold: Fold
    estimator: Any
    level: str
    granted: InformationSet
    y_source: NDArray[Any]
    y_calib: NDArray[Any] | None
    columns: NDArray[np.intp] | None = None

    def take(self, X: NDArray[np.float64], index: NDArray[np.intp]) -> NDArray[np.float64]:
        """Copy rows, as far as the estimator reads them.

        Parameters
        ----------
        X : ndarray of shape (n_windows, n_features)
        index : ndarray of int, shape (n_rows,)

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
        """
        return X[index] if self.columns is None else X[np.ix_(index, self.columns)]


@dataclass(frozen=True)
class FoldOutcome:
    """What a fold gave.

    Attributes
    ----------
    row, repeat, fold : str, int, str
        Which fold.
    y_pred : ndarray of shape (n_test,)
        Predicted labels of the fold's test rows.
    n_target_windows : int
        How many target rows the estimator was handed.
    seconds : float
        Time of fit, adapt and predict.
    warnings : tuple of str
        Messages of the warnings given meanwhile.
    chosen : str
        The ``best_params_`` of a search, as text; empty for other estimators.
    """

    row: str
    repeat: int
    fold: str
    y_pred: NDArray[Any]
    n_target_windows: int
    seconds: float
    warnings: tuple[str, ...]
    chosen: str = ""


def run_fold(
    task: FoldTask,
    X: NDArray[np.float64],
    subjects: NDArray[Any],
    rows: pd.DataFrame | None,
    target_rows: pd.DataFrame | None,
) -> FoldOutcome:
    """Fit on the sources, hand over what the information set allows, predict the test rows.

    Parameters
    ----------
    task : FoldTask
    X : ndarray of shape (n_windows, n_features)
        All rows of the study; the arrays handed to the estimator are copies.
    subjects : ndarray of shape (n_windows,)
        What the estimator knows as such: people, or sessions.
    rows : pandas.DataFrame or None
        Descriptions of the rows, with at least the columns of `SOURCE_ROWS`.
    target_rows : pandas.DataFrame or None
        Descriptions that do not tell a label, with the columns of `TARGET_ROWS`.

    Returns
    -------
    FoldOutcome

    Raises
    ------
    StudyError
        When the estimator fails, does not keep to its information level, or predicts a window
        otherwise when it comes alone, naming the row and the person.

    Notes
    -----
    Rows of the target come in the order of presentation. A method that reads the *order* of the
    rows handed to it can thus still tell the clip where everybody had the same order; so it can
    by `session` where each sitting has a label of its own. No method of eegtl does.
    """
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # the number of epochs is the stopping rule of the MLP, so its end is no news
        warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum it", ConvergenceWarning)
        try:
            y_pred, n_target = _fit_and_predict(task, X, subjects, rows, target_rows)
        except Exception as error:
            raise StudyError(
                f"{task.row} failed on subject {task.fold.name}: {type(error).__name__}: "
                f"{str(error).rstrip('.')}. Finished folds are kept in the folder of the study; "
                "mend the method or leave it out, and continue."
            ) from error
    seconds = time.perf_counter() - start
    _check_consumed(task, warned=any(issubclass(w.category, TransferWarning) for w in caught))
    if task.granted.kind != "online":
        _check_first_window(task, np.asarray(X), y_pred)
    return FoldOutcome(
        task.row,
        task.repeat,
        task.fold.name,
        y_pred,
        int(getattr(task.estimator, "n_target_windows_", n_target)),
        seconds,
        tuple(f"{w.category.__name__}: {w.message}" for w in caught),
        _chosen(task.estimator),
    )


def _chosen(estimator: Any) -> str:
    """Write down what a search chose; it may stand at the end of a pipeline."""
    steps = getattr(estimator, "steps_", None)
    last = steps[-1][1] if steps else estimator
    return settings_text(getattr(last, "best_params_", None) or {})


def _fit_and_predict(
    task: FoldTask,
    X: NDArray[np.float64],
    subjects: NDArray[Any],
    rows: pd.DataFrame | None,
    target_rows: pd.DataFrame | None,
) -> tuple[NDArray[Any], int]:
    fold, estimator = task.fold, task.estimator
    X = np.asarray(X)  # a process gets a memory map; estimators get plain arrays
    target: dict[str, Any] = {}
    if task.level != "inductive" and task.granted.kind == "transductive":
        target["X_target"] = task.take(X, fold.target)
        target["rows_target"] = _describe(target_rows, fold.target, TARGET_ROWS)
    # given to fit, which equals fit and adapt, but solves once and not twice
    at_once = bool(target) and "X_target" in inspect.signature(estimator.fit).parameters
    estimator.fit(
        task.take(X, fold.source),
        task.y_source,
        subjects=subjects[fold.source],
        rows=_describe(rows, fold.source, SOURCE_ROWS),
        **(target if at_once else {}),
    )
    if target and not at_once:
        estimator.adapt(**target)
    n_handed = len(fold.target) if target else 0
    if task.level != "inductive" and task.granted.kind == "online":
        return _predict_online(task, X), len(fold.test)
    if task.level != "inductive" and task.granted.kind == "calibration":
        unlabelled = task.y_calib is None
        estimator.adapt(
            X_calib=task.take(X, fold.calibration),
            y_calib=task.y_calib,
            rows_calib=_describe(target_rows, fold.calibration, TARGET_ROWS)
            if unlabelled
            else _describe(rows, fold.calibration, SOURCE_ROWS),
        )
        n_handed = len(fold.calibration)
    return _labels(estimator.predict(task.take(X, fold.test))), n_handed


def _predict_online(task: FoldTask, X: NDArray[np.float64]) -> NDArray[Any]:
    """Score each window in time order before the estimator may learn from it."""
    predicted = []
    for window in task.take(X, task.fold.test)[:, None]:
        predicted.append(_labels(task.estimator.predict(window))[0])
        task.estimator.partial_adapt(window.copy())
    return np.asarray(predicted)


def _labels(predicted: Any) -> NDArray[Any]:
    """Give predictions as one label a row; a single column is one, too."""
    labels = np.asarray(predicted)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise StudyError(f"predict gave the shape {labels.shape}; expected is one label a row")
    return labels


def _check_consumed(task: FoldTask, *, warned: bool) -> None:
    """Refuse an estimator that says it consumed more than it was handed, or nothing of a need.

    One that gave a `TransferWarning` has said itself that it does less than its name suggests, as
    with a block of too few rows; the study shows the warning.
    """
    consumed = getattr(task.estimator, "information_", None)
    if consumed is None:
        return
    needs = task.estimator.needs_
    rank = INFORMATION_LEVELS.index
    if consumed not in INFORMATION_LEVELS or rank(consumed) > rank(task.level):
        raise StudyError(
            f"{task.row} says it consumed {consumed!r} of subject {task.fold.name} (its "
            f"information_), but was handed {task.level!r}. Mend information_, or say in needs_ "
            "what the method needs."
        )
    if consumed == "inductive" and needs != "inductive" and not warned:
        raise StudyError(
            f"{task.row} needs {needs!r} (its needs_) and was handed {task.level!r} of subject "
            f"{task.fold.name}, but says it consumed nothing (its information_ is 'inductive'). "
            "Mend adapt, or set needs_ to 'inductive'."
        )


def _check_first_window(task: FoldTask, X: NDArray[np.float64], y_pred: NDArray[Any]) -> None:
    """Refuse a `predict` that reads the other windows of its batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            window = task.take(X, task.fold.test[:1])
            alone = _labels(task.estimator.predict(window)).tolist()
        except Exception as error:
            alone = [f"{type(error).__name__}: {error}"]
        among = y_pred[:1].tolist()
        agree = alone == among or _is_tie(task, X, [*among, *alone])
    if not agree:
        raise StudyError(
            f"{task.row} predicts {among} for the first window of subject "
            f"{task.fold.name} among {len(y_pred)} windows, but {alone} for the same window "
            "alone. What a method learns of the person must come from fit and adapt, so that the "
            "information set holds; let predict treat each window by itself."
        )


def _is_tie(task: FoldTask, X: NDArray[np.float64], labels: list[Any]) -> bool:
    """Say whether two labels of the first window differ because their scores are equal.

    Products of a batch and of a single row are summed in another order, so that a tie may go
    either way. The scores must be the same in the batch and alone, and the two labels must tie in
    them: a `predict` of its own may read the batch although the scores do not.
    """
    # a classifier with both usually predicts by the first, such as SVC(probability=True)
    for name in ("decision_function", "predict_proba"):
        try:
            score = getattr(task.estimator, name)
            batch, single = (
                _class_scores(score(task.take(X, index)), task.estimator.classes_, labels)
                for index in (task.fold.test, task.fold.test[:1])
            )
        except Exception:  # it has none, or none for these labels, or none for a single row
            continue
        rounding = _ROUNDING * np.abs(batch).mean()
        moved = np.abs(batch[0] - single[0]).max()
        apart = max(np.ptp(batch[0]), np.ptp(single[0]))
        if moved <= rounding and apart <= rounding:
            return True
    return False


def _class_scores(scores: Any, classes: Any, labels: list[Any]) -> NDArray[np.float64]:
    """Give the columns of two labels; a single column is the second class against the first."""
    values, names = np.asarray(scores, dtype=np.float64), np.asarray(classes).tolist()
    if values.ndim == 1:
        values = np.column_stack([-values, values])
    if values.shape[1] != len(names):
        raise StudyError(f"scores of the shape {values.shape} for {len(names)} classes")
    return values[:, [names.index(label) for label in labels]]


def _describe(rows: pd.DataFrame | None, index: NDArray[np.intp], columns: tuple[str, ...]) -> Any:
    if rows is None:
        return None
    return rows.iloc[index][list(columns)].reset_index(drop=True)
