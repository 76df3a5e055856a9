"""The steps by the names that recipes use."""

from __future__ import annotations

from .artefacts import ArtefactMarks
from .asr import ASR
from .channels import Channels
from .dropouts import Dropouts
from .filters import Bandpass, Notch
from .harmonise import Harmonise
from .reference import Reference
from .resample import Resample
from .step import Step

#: Name of each step, as in recipes, and its class.
STEPS: dict[str, type[Step]] = {
    step.name: step
    for step in (
        Dropouts,
        Notch,
        Bandpass,
        Reference,
        Resample,
        Channels,
        Harmonise,
        ArtefactMarks,
        ASR,
    )
}
