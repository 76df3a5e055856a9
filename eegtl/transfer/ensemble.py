"""Several adapted pipelines that answer together, by the mean of their class probabilities."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.utils.metaestimators import _BaseComposition, available_if
from sklearn.utils.validation import check_is_fitted

from .._checks import check_rows, check_subjects, highest_information
from ..errors import ContractError, InputError
from .base import Floats, TransferEstimator
from .steps import adapt_arguments, joint_assumption


def _can_partial_adapt(self: TransferEnsemble) -> bool:
    members = getattr(self, "members_", self.members)
    lacking = [name for name, member in members if not hasattr(member, "partial_adapt")]
    if lacking:
        raise AttributeError(
            f"partial_adapt is exact only where every member has it; {', '.join(lacking)} has none."
        )
    return True


class TransferEnsemble(ClassifierMixin, _BaseComposition, TransferEstimator):
    """The mean of the class probabilities of several transfer classifiers.

    Each member is fitted and adapted by itself, on all columns of the rows; a pipeline that
    begins with `SelectColumns` reads one view of them, such as differential entropies, and
    another may read covariances.

    Consumes: what its members consume.
    Before adapt: the mean of the members as they are before adapt.
    Memory: what the members keep. Each keeps its own sources.

    Parameters
    ----------
    members : list of (name, estimator)
        Transfer classifiers with `predict_proba`, usually pipelines.
    weights : array-like of shape (n_members,), optional
        How much each member counts, not negative; None means all alike.

    Attributes
    ----------
    members_ : list of (name, fitted estimator)
        Clones; the estimators in `members` stay untouched.
    weights_ : ndarray of shape (n_members,)
        Their sum is 1.
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    p(c | x) = sum_m w_m p_m(c | x), the linear opinion pool. It is right where one of the members
    is right, and which one is not known; and no member can decide alone that a class is
    impossible. The mean of the logarithms (a product of the probabilities) takes the views for
    independent given the class. Views of one window are not: they would count their common error
    twice, and one that is sure and wrong, as classifiers of a shifted wearer are, would overrule
    all others.

    A class that a member does not know (a selector gave all its rows the weight 0) has
    probability 0 there.

    References
    ----------
    Stone, "The opinion pool", Annals of Mathematical Statistics 32(4), 1961. Genest, Zidek,
    "Combining probability distributions", Statistical Science 1(1), 1986.

    Examples
    --------
    >>> from eegtl.transfer import SelectColumns, default_classifier, make_transfer_pipeline
    >>> X = [[0.0, 5.0], [0.2, 4.8], [1.0, 2.0], [1.2, 1.9]]
    >>> views = {"left": [0], "right": [1]}
    >>> ensemble = TransferEnsemble([
    ...     (name, make_transfer_pipeline(SelectColumns(columns), default_classifier()))
    ...     for name, columns in views.items()
    ... ]).fit(X, ["calm", "calm", "tense", "tense"])
    >>> ensemble.predict([[0.9, 2.4]]).tolist()
    ['tense']
    """

    by_subject = True

    def __init__(self, members: list[tuple[str, Any]], *, weights: ArrayLike | None = None) -> None:
        self.members = members
        self.weights = weights

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters and, as ``name__parameter``, those of the members.

        Parameters
        ----------
        deep : bool

        Returns
        -------
        dict
        """
        return self._get_params("members", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, for example ``de__tca__n_components=20``, or replace members by name.

        Parameters
        ----------
        **params

        Returns
        -------
        self
        """
        self._set_params("members", **params)
        return self

    @property
    def needs_(self) -> str:  # type: ignore[override]
        """The least information with which all members deserve their names."""
        return highest_information(*[member.needs_ for _, member in self.members])

    @property
    def assumes_(self) -> str:  # type: ignore[override]
        """What the members take for granted of the wearer; a mix that was given stands for both."""
        return joint_assumption([member for _, member in self.members])

    @property
    def reads_rows(self) -> bool:  # type: ignore[override]
        """Whether a member reads descriptions of rows."""
        return any(member.reads_rows for _, member in self.members)

    @property
    def named_members_(self) -> dict[str, Any]:
        """The fitted members by name."""
        return dict(self.members_)

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
        """Fit all members on labelled rows of other people.

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
            When a member is no transfer classifier with `predict_proba`.
        InputError
            When the weights do not fit.
        """
        check_members(self.members)
        self._validate_names([name for name, _ in self.members])
        weights = member_weights(self.weights, len(self.members))
        checked, labels = self._check_source(X, y)
        classes = self._check_classes(labels)
        check_rows(rows, len(checked))
        given: dict[str, Any] = {"subjects": check_subjects(subjects, len(checked)), "rows": rows}
        target = self._check_target(X_target, None, None, rows_target, None)
        # with the target at once: one solution, not one before and one after adapt
        given |= adapt_arguments(target.X, len(target.X), target)
        members = [(name, clone(m).fit(checked, labels, **given)) for name, m in self.members]
        self.members_, self.weights_, self.classes_ = members, weights, classes
        self._set_consumed_by_members()
        return self

    def adapt(
        self,
        X_target: ArrayLike | None = None,
        *,
        X_calib: ArrayLike | None = None,
        y_calib: ArrayLike | None = None,
        rows_target: Any = None,
        rows_calib: Any = None,
    ) -> Self:
        """Adapt all members to a wearer; replaces what an earlier target left behind.

        Parameters
        ----------
        X_target, X_calib, y_calib, rows_target, rows_calib
            As in every transfer estimator; each member gets all of it.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        target = self._check_target(X_target, X_calib, y_calib, rows_target, rows_calib)
        arguments = adapt_arguments(target.X, len(target.X) - len(target.X_calib), target)
        # copies (of the attributes, not of the arrays): a member that fails changes nothing
        self.members_ = [(name, copy(member).adapt(**arguments)) for name, member in self.members_]
        self._set_consumed_by_members()
        return self

    @available_if(_can_partial_adapt)
    def partial_adapt(self, X_target: ArrayLike) -> Self:
        """Take further rows of the same wearer; only where it is exact for every member.

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
        X = self._check_X(X_target)
        if self.information_ == "labelled":
            # before any member has taken the rows, which others may refuse
            raise ContractError(
                "partial_adapt after a labelled calibration is not exact. Call adapt with all "
                "rows instead."
            )
        for _, member in self.members_:
            member.partial_adapt(X)
        self._set_consumed_by_members()
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the label of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows,)
        """
        probabilities = self.predict_proba(X)  # checks that it is fitted
        return self.classes_[np.argmax(probabilities, axis=1)]

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Give the class probabilities of each row of the current target.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)

        Returns
        -------
        ndarray of shape (n_windows, n_classes)
        """
        checked = self._check_X(X)
        mean = np.zeros((len(checked), len(self.classes_)))
        for weight, (_, member) in zip(self.weights_, self.members_, strict=True):
            places = np.searchsorted(self.classes_, member.classes_)
            mean[:, places] += weight * member.predict_proba(checked)
        return mean

    def _set_consumed_by_members(self) -> None:
        members = [member for _, member in self.members_]
        level = highest_information(*[member.information_ for member in members])
        self._set_consumed(level, max(member.n_target_windows_ for member in members))


def check_members(members: Any) -> None:
    """Refuse members that cannot answer together.

    Parameters
    ----------
    members : list of (name, estimator)

    Raises
    ------
    ContractError
        When it is no list of (name, estimator), or a member is no transfer classifier with
        `predict_proba`.
    """
    if not isinstance(members, list | tuple) or not members:
        raise ContractError(
            f"members must be a list of (name, estimator) with at least one; got {members!r}."
        )
    for item in members:
        if not (isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)):
            raise ContractError(
                f"members must be a list of (name, estimator); an entry is {item!r}."
            )
        name, member = item
        if not isinstance(member, TransferEstimator) or not hasattr(member, "predict"):
            raise ContractError(
                f"member '{name}' ({type(member).__name__}) is no transfer classifier; make a "
                "pipeline of it: make_transfer_pipeline(..., classifier)."
            )
        if not hasattr(member, "predict_proba"):
            raise ContractError(
                f"member '{name}' ({type(member).__name__}) has no predict_proba, which is what "
                "is averaged; end it in a classifier that has, such as default_classifier()."
            )


def member_weights(weights: ArrayLike | None, n_members: int) -> Floats:
    """Give the members' shares in the mean.

    Parameters
    ----------
    weights : array-like of shape (n_members,) or None
    n_members : int

    Returns
    -------
    ndarray of shape (n_members,)
        Their sum is 1.

    Raises
    ------
    InputError
        When there is not one finite weight a member, one is negative, or all are 0.

    Examples
    --------
    >>> member_weights([1, 3], 2).tolist()
    [0.25, 0.75]
    """
    given = np.ones(n_members) if weights is None else np.asarray(weights, dtype=np.float64)
    right = given.shape == (n_members,) and np.all(np.isfinite(given)) and np.all(given >= 0)
    if not right or not given.sum() > 0:
        raise InputError(
            f"weights must be {n_members} numbers, one a member, finite, not negative and not all "
            f"0; got {weights!r}."
        )
    return given / given.sum()
