"""Fair comparison of transfer methods: information sets, protocols, metrics, the study runner."""

from .comparison import TABLE_COLUMNS
from .information import InformationSet, check
from .methods import METHODS, Method, StudyRow
from .metrics import Scores, score, trial_accuracy
from .protocols import Fold, LeaveOneSubjectOut
from .runner import StudyResult, run_study
from .selection import choose_rows
from .shuffling import shuffle_trial_labels
from .statistics import holm, paired_wilcoxon
from .store import ResultsStore

__all__ = [
    "METHODS",
    "TABLE_COLUMNS",
    "Fold",
    "InformationSet",
    "LeaveOneSubjectOut",
    "Method",
    "ResultsStore",
    "Scores",
    "StudyResult",
    "StudyRow",
    "check",
    "choose_rows",
    "holm",
    "paired_wilcoxon",
    "run_study",
    "score",
    "shuffle_trial_labels",
    "trial_accuracy",
]
