"""Live: streams in and out, their clocks, the session, the recorder and replay.

The public names are imported on first use, so that a command does not pay for what it does not use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adaptation import Adaptation
    from .drift import Drift
    from .driver import Driver
    from .events import Event
    from .faults import Fault
    from .prediction import AdaptRequest, Prediction
    from .recorder import SessionRecorder
    from .replay import Replay
    from .session import OnlineSession, SessionSettings
    from .xdf_file import XdfWriter

_LAZY = {
    "AdaptRequest": "prediction",
    "Adaptation": "adaptation",
    "Drift": "drift",
    "Driver": "driver",
    "Event": "events",
    "Fault": "faults",
    "OnlineSession": "session",
    "Prediction": "prediction",
    "Replay": "replay",
    "SessionRecorder": "recorder",
    "SessionSettings": "session",
    "XdfWriter": "xdf_file",
}

__all__ = [
    "AdaptRequest",
    "Adaptation",
    "Drift",
    "Driver",
    "Event",
    "Fault",
    "OnlineSession",
    "Prediction",
    "Replay",
    "SessionRecorder",
    "SessionSettings",
    "XdfWriter",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module 'eegtl.streaming' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
