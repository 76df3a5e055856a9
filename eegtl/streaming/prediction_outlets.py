"""Predictions and events as LSL streams."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .lsl import _pylsl, configure

#: what stands behind the probabilities
COLUMNS = ("confidence", "quality", "abstain", "lag_ms")
#: Predictions and events that are kept for a reader that does not read; older ones are dropped.
KEPT = 6000


class PredictionOutlets:
    """The streams ``eegtl`` (probabilities) and ``eegtl-events`` (JSON), in the input's clock.

    Parameters
    ----------
    labels : sequence of str
    name : str
        Of the first; the second has ``-events`` behind it. `Search.refuse` says whether it is
        taken.
    network : bool
        Whether other machines can find them.
    """

    def __init__(
        self, labels: Sequence[str], name: str = "eegtl", *, network: bool = False
    ) -> None:
        configure(network=network)
        pylsl = _pylsl()
        channels = [*(f"p_{label}" for label in labels), *COLUMNS]
        info = pylsl.StreamInfo(
            name, "Emotion", len(channels), pylsl.IRREGULAR_RATE, "float32", f"{name}-predictions"
        )
        described = info.desc().append_child("channels")
        for channel in channels:
            described.append_child("channel").append_child_value("label", channel)
        info.desc().append_child_value("manufacturer", "eegtl")
        events = pylsl.StreamInfo(
            f"{name}-events", "Markers", 1, pylsl.IRREGULAR_RATE, "string", f"{name}-events"
        )
        # LSL counts in hundreds where the rate is irregular
        self._predictions = pylsl.StreamOutlet(info, chunk_size=1, max_buffered=KEPT // 100)
        self._events = pylsl.StreamOutlet(events, chunk_size=1, max_buffered=KEPT // 100)
        self._lock = threading.Lock()

    def prediction(self, prediction: Any) -> None:
        """Send one prediction, stamped with the time of its newest sample.

        Parameters
        ----------
        prediction : Prediction
        """
        values = [
            *prediction.probabilities,
            prediction.confidence,
            prediction.quality,
            float(prediction.abstain),
            1e3 * prediction.lag,
        ]
        with self._lock:
            self._predictions.push_sample(values, prediction.time)

    def event(self, event: Any) -> None:
        """Send one event.

        Parameters
        ----------
        event : Event
        """
        stamp = event.time if np.isfinite(event.time) else _pylsl().local_clock()
        with self._lock:
            self._events.push_sample([event.to_json()], stamp)
