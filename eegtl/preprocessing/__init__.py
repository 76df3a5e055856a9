"""Steps between the raw signal and the features: causal filters with carried state."""

from .bandpass import BandpassBank, design_bank
from .running import RunningBank

__all__ = ["BandpassBank", "RunningBank", "design_bank"]
