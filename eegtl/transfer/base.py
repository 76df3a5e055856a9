"""The contract of every subject-transfer estimator: fit on the sources, adapt to the wearer.

``fit`` sees labelled rows of other people, ``adapt`` rows of one new person. A subclass
writes three plain methods; this base validates, counts and keeps the rules:

- ``_fit_source(X, y, subjects, rows)`` learns from the sources,
- ``_adapt_target(target)`` replaces whatever an earlier target left behind,
- ``_forget_target()`` brings about the *Before adapt* state, after `fit` and whenever `adapt`
  is called with nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import INFORMATION_LEVELS, check_rows, check_subjects
from ..errors import CalibrationError, ContractError, InputError

Floats = NDArray[np.float64]

#: What a fit says of its table, and not of what it learnt.
_OF_THE_TABLE = ("n_features_in_", "feature_names_in_")


@dataclass(frozen=True)
class Target:
    """What an estimator may use of the wearer.

    Attributes
    ----------
    X : ndarray of shape (n_target, n_features)
        All unlabelled and labelled target rows: `X_target` followed by `X_calib`.
    X_calib : ndarray of shape (n_calib, n_features)
        The calibration rows; empty when there are none.
    y_calib : ndarray of shape (n_calib,) or None
        Their labels, only for a labelled calibration block.
    rows_target, rows_calib : table or None
        Descriptions of the rows (session, trial, stimulus, hours), as given.
    """

    X: Floats
    X_calib: Floats
    y_calib: NDArray[Any] | None
    rows_target: Any = None
    rows_calib: Any = None

    @property
    def level(self) -> str:
        """The information level that these rows stand for."""
        if self.y_calib is not None:
            return "labelled"
        return "unlabelled" if len(self.X) else "inductive"


class TransferEstimator(BaseEstimator):
    """Base of aligners, selectors and transfer classifiers.

    Attributes
    ----------
    needs_ : {"inductive", "unlabelled", "labelled"}
        The least information about the target without which the estimator is not what its
        name says. Readable before `fit`.
    information_ : {"inductive", "unlabelled", "labelled"}
        What it has consumed by now.
    n_target_windows_ : int
        How many target rows it has consumed by now.
    """

    #: class constant; a property in estimators whose parameters decide
    needs_: str = "unlabelled"
    #: what it takes for granted of the wearer besides the rows: "class mix of the sources",
    #: "class mix given", or nothing; a property in estimators whose parameters decide
    assumes_: str = ""
    #: whether `adapt` changes what `transform_source` returns
    moves_source: bool = False
    #: whether it reads `rows`; a pipeline keeps the sources' rows only where a step does
    reads_rows: bool = False
    #: reasons for each scikit-learn check that cannot hold, by the check's name
    skipped_checks: ClassVar[dict[str, str]] = {}
    #: rows fitted in another order give labels that agree at least this much (1 = closed form)
    label_agreement: ClassVar[float] = 1.0

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
        """Learn from labelled rows of other people.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)
            Source rows.
        y : array-like of shape (n_windows,)
            Their labels; aligners that do without accept None.
        subjects : array-like of shape (n_windows,), optional
            Whose row it is; None means one subject.
        rows : table, optional
            One description a row (session, trial, stimulus, hours); only estimators whose
            docstring says *Needs* read it.
        X_target : array-like of shape (n_target, n_features), optional
            Unlabelled rows of the wearer: the same as calling ``adapt(X_target)`` afterwards.
        rows_target : table, optional
            Descriptions of the target rows.

        Returns
        -------
        self

        Raises
        ------
        InputError
            When the arguments do not fit together.
        """
        checked, labels = self._check_source(X, y)
        check_rows(rows, len(checked))
        self._fit_source(checked, labels, check_subjects(subjects, len(checked)), rows)
        if X_target is not None:
            return self.adapt(X_target, rows_target=rows_target)
        return self._before_adapt()

    def adapt(
        self,
        X_target: ArrayLike | None = None,
        *,
        X_calib: ArrayLike | None = None,
        y_calib: ArrayLike | None = None,
        rows_target: Any = None,
        rows_calib: Any = None,
    ) -> Self:
        """Adapt to a wearer; replaces whatever an earlier target left behind.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features), optional
            Unlabelled rows of the wearer.
        X_calib : array-like of shape (n_calib, n_features), optional
            Calibration rows of the wearer; they count as target rows, too.
        y_calib : array-like of shape (n_calib,), optional
            Labels of the calibration rows.
        rows_target, rows_calib : table, optional
            Descriptions of the rows.

        Returns
        -------
        self

        Raises
        ------
        CalibrationError
            When the method cannot work without labels and got none, or labels without rows.

        Notes
        -----
        With no argument the estimator returns to its *Before adapt* state.
        """
        check_is_fitted(self)
        target = self._check_target(X_target, X_calib, y_calib, rows_target, rows_calib)
        if len(target.X) == 0:
            return self._before_adapt()
        if self.needs_ == "labelled" and target.y_calib is None:
            raise CalibrationError(
                f"{type(self).__name__} needs labelled calibration rows of the wearer; got "
                f"{len(target.X)} unlabelled rows. Pass X_calib and y_calib, or choose a method "
                "that works without labels."
            )
        used = self._adapt_target(target)
        if used not in INFORMATION_LEVELS:
            raise ContractError(
                f"{type(self).__name__}._adapt_target returned {used!r}; it must return what it "
                f"consumed: one of {', '.join(INFORMATION_LEVELS)}."
            )
        self._set_consumed(used, self._n_consumed(target) if used != "inductive" else 0)
        return self

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        raise ContractError(f"{type(self).__name__} does not define _fit_source.")

    def _adapt_target(self, target: Target) -> str:
        """Adapt, and say which information level was consumed; the default uses nothing."""
        return "inductive"

    def _n_consumed(self, target: Target) -> int:
        """Count the target rows that are consumed; the default reads all."""
        return len(target.X)

    def _forget_target(self) -> None:
        """Return to the state before `adapt`; the default has nothing to forget."""

    def _before_adapt(self) -> Self:
        self._forget_target()
        self._set_consumed("inductive", 0)
        return self

    def _set_consumed(self, level: str, n_rows: int) -> None:
        self.information_ = level
        self.n_target_windows_ = n_rows

    def _check_source(
        self, X: ArrayLike, y: ArrayLike | None
    ) -> tuple[Floats, NDArray[Any] | None]:
        labels = None
        if y is None:
            checked = validate_data(self, X, dtype=np.float64, order="C")
        else:
            checked, labels = validate_data(self, X, y, dtype=np.float64, order="C")
        # nothing of an earlier fit with other parameters stays: it may hold rows of people
        for name in [n for n in vars(self) if n.endswith("_") and n not in _OF_THE_TABLE]:
            delattr(self, name)
        return checked, labels

    def _check_classes(self, y: NDArray[Any] | None) -> NDArray[Any]:
        """Validate the labels of a classifier's sources and give the classes, sorted."""
        if y is None:
            raise InputError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise InputError(
                f"the training labels hold one class only ({classes.tolist()[0]!r}); a classifier "
                "needs at least two. Add sources of the other class."
            )
        return classes

    def _check_X(self, X: ArrayLike) -> Floats:
        """Validate rows to be mapped or classified."""
        if _is_checked(self, X):
            return X  # type: ignore[return-value]
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, order="C", reset=False)

    def _check_target(
        self, X_target: Any, X_calib: Any, y_calib: Any, rows_target: Any, rows_calib: Any
    ) -> Target:
        parts = [_rows(self, X_target, "X_target"), _rows(self, X_calib, "X_calib")]
        check_rows(rows_target, len(parts[0]), "rows_target")
        check_rows(rows_calib, len(parts[1]), "rows_calib")
        if y_calib is not None:
            y_calib = self._check_calibration_labels(y_calib, len(parts[1]))
        X = parts[0] if not len(parts[1]) else np.vstack(parts) if len(parts[0]) else parts[1]
        return Target(X, parts[1], y_calib, rows_target, rows_calib)

    def _check_calibration_labels(self, y_calib: Any, n_rows: int) -> NDArray[Any]:
        """Give the calibration labels as the sources have them: known, and of their kind."""
        labels = np.asarray(y_calib)
        if labels.ndim != 1:
            raise CalibrationError(
                f"y_calib must be 1-D, one label for each of the {n_rows} calibration rows; its "
                f"shape is {labels.shape}."
            )
        if len(labels) != n_rows or n_rows == 0:
            raise CalibrationError(
                f"y_calib has {len(labels)} labels for {n_rows} calibration rows; give X_calib "
                "and one label for each of its rows."
            )
        classes = getattr(self, "source_classes_", getattr(self, "classes_", None))
        if classes is None:
            return labels
        index = {label: i for i, label in enumerate(classes.tolist())}
        unknown = [label for label in np.unique(labels).tolist() if label not in index]
        if unknown:
            raise CalibrationError(
                f"the calibration labels hold {unknown}, which no source has; the sources have "
                f"{classes.tolist()}."
            )
        return classes[[index[label] for label in labels.tolist()]]


def _is_checked(estimator: TransferEstimator, X: Any) -> bool:
    """Say whether `validate_data` would give `X` back as it is; it takes 0.2 ms to say so.

    A live window passes every step of a pipeline, and that is half of its time otherwise.
    """
    fitted = vars(estimator)
    return (
        type(X) is np.ndarray
        and X.dtype == np.float64
        and X.ndim == 2
        and len(X) > 0
        and X.shape[1] == fitted.get("n_features_in_")
        and X.flags.c_contiguous
        and "feature_names_in_" not in fitted
        and bool(np.isfinite(X).all())
    )


def _rows(estimator: TransferEstimator, X: ArrayLike | None, name: str) -> Floats:
    """Validate target rows; None means none, an empty table is more likely a slip."""
    if X is None:
        return np.empty((0, estimator.n_features_in_))
    if np.ndim(X) == 2 and np.shape(X)[0] == 0:
        raise InputError(
            f"{name} holds no rows; select rows of the wearer, or call adapt() with nothing to "
            "return to the sources alone."
        )
    try:
        return validate_data(estimator, X, dtype=np.float64, order="C", reset=False)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error


class Aligner(TransformerMixin, TransferEstimator):
    """Base of the estimators that change the representation.

    A subclass adds ``_transform(X)`` for rows of the wearer and
    ``_transform_source(X, subjects)`` for rows of the sources.
    """

    def transform(self, X: ArrayLike) -> Floats:
        """Map rows of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)
            Rows of the wearer.

        Returns
        -------
        ndarray of shape (n_windows, n_components)
        """
        return self._transform(self._check_X(X))

    def transform_source(self, X: ArrayLike, subjects: ArrayLike | None = None) -> Floats:
        """Map rows of the sources.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)
            Rows of people that were in `fit`.
        subjects : array-like of shape (n_windows,), optional
            Whose row it is; None means the one subject of a fit without `subjects`.

        Returns
        -------
        ndarray of shape (n_windows, n_components)
        """
        checked = self._check_X(X)
        return self._transform_source(checked, check_subjects(subjects, len(checked)))

    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any) -> Floats:
        """Fit on one unnamed source and map its rows as the rows of a wearer.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)
        y : array-like of shape (n_windows,), optional
        **fit_params
            Not accepted: see Raises.

        Returns
        -------
        ndarray of shape (n_windows, n_components)

        Raises
        ------
        ContractError
            With `subjects` or target rows, since the sources' rows then have another map.
        """
        given = sorted(name for name, value in fit_params.items() if value is not None)
        if given:
            raise ContractError(
                f"{type(self).__name__}.fit_transform does not take {', '.join(given)}: rows of "
                "the sources and of the target have different maps. Call "
                "fit(X, y, subjects=subjects).transform_source(X, subjects) for the sources."
            )
        return self.fit(X, y).transform(X)

    def _transform(self, X: Floats) -> Floats:
        raise ContractError(f"{type(self).__name__} does not define _transform.")

    def _transform_source(self, X: Floats, subjects: NDArray[Any]) -> Floats:
        return self._transform(X)
