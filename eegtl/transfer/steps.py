"""Which steps can be joined to a pipeline, and what they can do together."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from ..errors import ContractError
from .base import Floats, Target, TransferEstimator
from .classifiers import fits_from_summary


def check_steps(steps: Any) -> None:
    """Refuse steps that do not make a pipeline.

    Parameters
    ----------
    steps : list of (name, estimator)

    Raises
    ------
    ContractError
        When it is no list of (name, estimator), a step before the last has no `transform`, or
        the last no `predict`.
    """
    if not isinstance(steps, list | tuple) or not steps:
        raise ContractError(
            f"steps must be a list of (name, estimator) with at least one; got {steps!r}."
        )
    for item in steps:
        if not (isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)):
            raise ContractError(
                f"steps must be a list of (name, estimator); an entry is {item!r}. "
                "make_transfer_pipeline names the steps for you."
            )
    for name, step in steps[:-1]:
        if not hasattr(step, "transform") or not isinstance(step, BaseEstimator):
            raise ContractError(
                f"step '{name}' ({type(step).__name__}) has no transform; only the last step "
                "may be a classifier."
            )
    name, last = steps[-1]
    if not hasattr(last, "predict"):
        raise ContractError(
            f"the last step '{name}' ({type(last).__name__}) has no predict; end the pipeline "
            "in a classifier, for example default_classifier()."
        )


def check_partial_adapt(steps: list[Any]) -> None:
    """Refuse `partial_adapt` where it would not be exact.

    Parameters
    ----------
    steps : list of estimator

    Raises
    ------
    AttributeError
        When more than one step adapts, or the one that does has no exact `partial_adapt`: then
        the pipeline has none, as `hasattr` shows.
    """
    adaptive = [s for s in steps if isinstance(s, TransferEstimator) and s.needs_ != "inductive"]
    exact = [s for s in adaptive if hasattr(s, "partial_adapt") and not s.moves_source]
    # two adaptive steps in a row are not exact: the second would see rows mapped by statistics
    # that later chunks change
    if len(adaptive) > 1 or len(exact) != len(adaptive):
        raise AttributeError(
            "partial_adapt is exact only with at most one adapting step that has it and leaves "
            f"the source side in place; adapting here: {[type(s).__name__ for s in adaptive]}."
        )


def accepts_summary(step: Any) -> bool:
    """Say whether a step sees the sources through counts, means and scatters only.

    Parameters
    ----------
    step : estimator

    Returns
    -------
    bool
    """
    if isinstance(step, TransferEstimator):
        return hasattr(step, "accepts_summary") and step.accepts_summary()
    return fits_from_summary(step)


def adapt_arguments(Z: Floats, n_target: int, target: Target) -> dict[str, Any]:
    """Give the arguments of `adapt` for rows that earlier steps have mapped.

    Parameters
    ----------
    Z : ndarray of shape (n_target + n_calib, n_features)
        The mapped target rows, followed by the mapped calibration rows.
    n_target : int
    target : Target
        The rows as they were given, for their labels and descriptions.

    Returns
    -------
    dict
        Empty where there is nothing to adapt to.
    """
    arguments: dict[str, Any] = {}
    if n_target:
        arguments.update(X_target=Z[:n_target], rows_target=target.rows_target)
    if len(Z) > n_target:
        arguments.update(X_calib=Z[n_target:], y_calib=target.y_calib, rows_calib=target.rows_calib)
    return arguments


def joint_assumption(parts: list[Any]) -> str:
    """Say what several estimators together take for granted of the wearer.

    Parameters
    ----------
    parts : list of estimator

    Returns
    -------
    str
        As `assumes_`; a class mix that was given stands for one of the sources, too.

    Examples
    --------
    >>> from eegtl.transfer import TSVM, ThresholdRecentring
    >>> joint_assumption([ThresholdRecentring(), TSVM(prior=[0.5, 0.5])])
    'class mix given'
    """
    assumed = {getattr(part, "assumes_", "") for part in parts} - {""}
    return min(assumed, key=lambda text: text != "class mix given", default="")
