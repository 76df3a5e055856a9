"""Steps between the raw signal and the features, offline and in chunks with equal output.

A chain is made of steps; every step is a frozen dataclass of settings with `start`, for chunks of
any size, and `apply`, for a whole recording.
"""

from .artefacts import ArtefactMarks, mains_share
from .asr import ASR
from .bandpass import BandpassBank, design_bank
from .chain import Chain, RunningChain
from .channels import Channels
from .dropouts import Dropouts
from .filters import Bandpass, Notch
from .format import Format, check_chunk
from .gaps import usable_runs
from .harmonise import Harmonise
from .reference import Reference
from .registry import STEPS
from .resample import Resample
from .running import RunningBank
from .settling import decay_time
from .step import RunningStep, Step

__all__ = [
    "ASR",
    "STEPS",
    "ArtefactMarks",
    "Bandpass",
    "BandpassBank",
    "Chain",
    "Channels",
    "Dropouts",
    "Format",
    "Harmonise",
    "Notch",
    "Reference",
    "Resample",
    "RunningBank",
    "RunningChain",
    "RunningStep",
    "Step",
    "check_chunk",
    "decay_time",
    "design_bank",
    "mains_share",
    "usable_runs",
]
