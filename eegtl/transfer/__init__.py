"""Subject transfer: estimators that are fitted on many people and adapted to one."""

from .base import Aligner, Target, TransferEstimator
from .classifiers import default_classifier
from .kpca import KPCA
from .normalization import SubjectNormalizer
from .pipeline import TransferPipeline, make_transfer_pipeline
from .source_only import SourceOnly
from .summary import SourceSummary
from .tca import TCA

__all__ = [
    "KPCA",
    "TCA",
    "Aligner",
    "SourceOnly",
    "SourceSummary",
    "SubjectNormalizer",
    "Target",
    "TransferEstimator",
    "TransferPipeline",
    "default_classifier",
    "make_transfer_pipeline",
]
