"""Public batteries that hold estimators to the rules, for contributors' own ones, too."""

from .contract import check_transfer_estimator, toy_problem

__all__ = ["check_transfer_estimator", "toy_problem"]
