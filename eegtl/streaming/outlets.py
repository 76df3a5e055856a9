"""The LSL stream of a signal, described so that others can use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .lsl import _pylsl


def signal_outlet(
    name: str,
    sfreq: float,
    ch_names: Sequence[str],
    *,
    source_id: str,
    manufacturer: str,
    unit: str = "microvolts",
) -> Any:
    """Open a stream of type EEG; samples are float32.

    Parameters
    ----------
    name : str
    sfreq : float
        Hz.
    ch_names : sequence of str
    source_id : str
        The same for the same device: readers find a stream again by it.
    manufacturer, unit : str

    Returns
    -------
    pylsl.StreamOutlet
    """
    pylsl = _pylsl()
    info = pylsl.StreamInfo(name, "EEG", len(ch_names), sfreq, "float32", source_id)
    channels = info.desc().append_child("channels")
    for channel in ch_names:
        described = channels.append_child("channel")
        described.append_child_value("label", channel)
        described.append_child_value("unit", unit)
        described.append_child_value("type", "EEG")
    info.desc().append_child_value("manufacturer", manufacturer)
    # without a limit an inlet is handed what half an hour without reading has piled up
    return pylsl.StreamOutlet(info, max_buffered=60)
