"""Public batteries that hold estimators to the rules, for contributors' own ones, too."""

from .contract import check_transfer_estimator, toy_problem
from .steps import check_step

__all__ = ["check_step", "check_transfer_estimator", "toy_problem"]
