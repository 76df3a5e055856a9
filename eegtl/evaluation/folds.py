"""Running one fold: the only place where rows of the target meet an estimator."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from ..errors import StudyError
from .information import InformationSet
from .protocols import Fold

#: What methods may read about source rows, and about rows of the target. The stimulus tells
#: the label as soon as a source person had the same one, so it is withheld without labels.
SOURCE_ROWS = ("session", "trial", "stimulus", "onset")
TARGET_ROWS = ("session", "trial", "onset")


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
    """

    row: str
    repeat: int
    fold: Fold
    estimator: Any
    level: str
    granted: InformationSet
    y_source: NDArray[Any]
    y_calib: NDArray[Any] | None


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
    """

    row: str
    repeat: int
    fold: str
    y_pred: NDArray[Any]
    n_target_windows: int
    seconds: float
    warnings: tuple[str, ...]


def run_fold(
    task: FoldTask, X: NDArray[np.float64], subjects: NDArray[Any], rows: pd.DataFrame
) -> FoldOutcome:
    """Fit on the sources, hand over what the information set allows, predict the test rows.

    Parameters
    ----------
    task : FoldTask
    X : ndarray of shape (n_windows, n_features)
        All rows of the study; the arrays handed to the estimator are copies.
    subjects : ndarray of shape (n_windows,)
    rows : pandas.DataFrame
        Descriptions of the rows, with at least the columns of `SOURCE_ROWS`.

    Returns
    -------
    FoldOutcome

    Raises
    ------
    StudyError
        When the estimator fails, naming the row and the person.
    """
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # the number of epochs is the stopping rule of the MLP, so its end is no news
        warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum it", ConvergenceWarning)
        try:
            y_pred, n_target = _fit_and_predict(task, X, subjects, rows)
        except Exception as error:
            raise StudyError(
                f"{task.row} failed on subject {task.fold.name}: {type(error).__name__}: {error}"
            ) from error
    return FoldOutcome(
        task.row,
        task.repeat,
        task.fold.name,
        y_pred,
        n_target,
        time.perf_counter() - start,
        tuple(f"{w.category.__name__}: {w.message}" for w in caught),
    )


def _fit_and_predict(
    task: FoldTask, X: NDArray[np.float64], subjects: NDArray[Any], rows: pd.DataFrame
) -> tuple[NDArray[Any], int]:
    fold, estimator = task.fold, task.estimator
    X = np.asarray(X)  # a process gets a memory map; estimators get plain arrays
    target: dict[str, Any] = {}
    if task.level != "inductive" and task.granted.kind == "transductive":
        # given to fit, which equals fit and adapt, but solves once and not twice
        target["X_target"] = X[fold.target]
        target["rows_target"] = _describe(rows, fold.target, TARGET_ROWS)
    estimator.fit(
        X[fold.source],
        task.y_source,
        subjects=subjects[fold.source],
        rows=_describe(rows, fold.source, SOURCE_ROWS),
        **target,
    )
    n_handed = len(fold.target) if target else 0
    if task.level != "inductive" and task.granted.kind == "online":
        return _predict_online(estimator, X, fold), len(fold.test)
    if task.level != "inductive" and task.granted.kind == "calibration":
        columns = TARGET_ROWS if task.y_calib is None else SOURCE_ROWS
        estimator.adapt(
            X_calib=X[fold.calibration],
            y_calib=task.y_calib,
            rows_calib=_describe(rows, fold.calibration, columns),
        )
        n_handed = len(fold.calibration)
    return np.asarray(estimator.predict(X[fold.test])), n_handed


def _predict_online(estimator: Any, X: NDArray[np.float64], fold: Fold) -> NDArray[Any]:
    """Score each window in time order before the estimator may learn from it."""
    predicted = []
    for i in fold.test:
        window = X[i : i + 1].copy()
        predicted.append(np.asarray(estimator.predict(window))[0])
        estimator.partial_adapt(window)
    return np.asarray(predicted)


def _describe(rows: pd.DataFrame, index: NDArray[np.intp], columns: tuple[str, ...]) -> Any:
    return rows.iloc[index][list(columns)].reset_index(drop=True)
