"""Subject transfer: estimators that are fitted on many people and adapted to one."""

from .adaptive_svm import AdaptiveSVM
from .asfm import ASFM
from .base import Aligner, Target, TransferEstimator
from .classifiers import default_classifier
from .columns import SelectColumns
from .conditional import ConditionalTransfer
from .coral import CORAL
from .dica import DICA, UDICA
from .ensemble import TransferEnsemble
from .gfk import GFK
from .itl import ITL
from .kpca import KPCA
from .matched_baseline import MatchedBaseline
from .mida import MIDA
from .normalization import SubjectNormalizer
from .pipeline import TransferPipeline, make_transfer_pipeline
from .recenter import Recenter
from .riemannian_selector import RiemannianSelector
from .robust_pca import RobustPCA
from .robust_pca_transfer import RobustPCATransfer
from .shift_aware import ShiftAwareNormalizer
from .source_only import SourceOnly
from .style_transfer import StyleTransfer
from .subspace_alignment import SubspaceAlignment
from .summary import SourceSummary
from .tca import TCA
from .threshold import ThresholdRecentring
from .tpt import TPT
from .tsvm import TSVM

__all__ = [
    "ASFM",
    "CORAL",
    "DICA",
    "GFK",
    "ITL",
    "KPCA",
    "MIDA",
    "TCA",
    "TPT",
    "TSVM",
    "UDICA",
    "AdaptiveSVM",
    "Aligner",
    "ConditionalTransfer",
    "MatchedBaseline",
    "Recenter",
    "RiemannianSelector",
    "RobustPCA",
    "RobustPCATransfer",
    "SelectColumns",
    "ShiftAwareNormalizer",
    "SourceOnly",
    "SourceSummary",
    "StyleTransfer",
    "SubjectNormalizer",
    "SubspaceAlignment",
    "Target",
    "ThresholdRecentring",
    "TransferEnsemble",
    "TransferEstimator",
    "TransferPipeline",
    "default_classifier",
    "make_transfer_pipeline",
]
