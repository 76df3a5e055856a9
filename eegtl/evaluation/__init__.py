"""Fair comparison of transfer methods: information sets, protocols, metrics, the study runner."""

from .comparison import TABLE_COLUMNS
from .cross_day import CrossDay
from .day_curve import CrossDayCurve, cross_day_curve
from .day_notes import table_drifts
from .index_sets import Fold
from .information import InformationSet, check
from .method import Method, StudyRow
from .methods import METHODS
from .metrics import Scores, score, trial_accuracy
from .protocols import PROTOCOLS, CrossSession, LeaveOneSubjectOut
from .result import StudyResult
from .runner import run_study
from .selection import choose_rows, extra_features
from .shuffling import shuffle_trial_labels
from .statistics import holm, paired_wilcoxon
from .store import ResultsStore
from .transfer_search import TransferSearch
from .tuning import SearchResult, search

__all__ = [
    "METHODS",
    "PROTOCOLS",
    "TABLE_COLUMNS",
    "CrossDay",
    "CrossDayCurve",
    "CrossSession",
    "Fold",
    "InformationSet",
    "LeaveOneSubjectOut",
    "Method",
    "ResultsStore",
    "Scores",
    "SearchResult",
    "StudyResult",
    "StudyRow",
    "TransferSearch",
    "check",
    "choose_rows",
    "cross_day_curve",
    "extra_features",
    "holm",
    "paired_wilcoxon",
    "run_study",
    "score",
    "search",
    "shuffle_trial_labels",
    "table_drifts",
    "trial_accuracy",
]
