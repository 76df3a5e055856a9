"""Predictions and events as lines of JSON, written as they come."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .events import Event, plain
from .new_file import NewFile
from .prediction import Prediction


class JsonLog:
    """A file with one line of JSON a prediction or event; each is on disk before the next comes.

    Parameters
    ----------
    path : path
        A file that is not there yet.
    labels : sequence of str
        Of the probabilities.

    Raises
    ------
    InputError
        When the file is there already, since it is never overwritten; or cannot be made.
    WriteError
        When a line does not fit on the disk; none of it is written then.
    """

    def __init__(self, path: str | Path, labels: tuple[str, ...]) -> None:
        self.path = Path(path)
        self._labels = labels
        self._file = NewFile(
            self.path,
            taken="is there already, and a log is never overwritten; choose another name.",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def prediction(self, prediction: Prediction) -> None:
        """Write a prediction.

        Parameters
        ----------
        prediction : Prediction
        """
        values = dict(vars(prediction))
        p = values.pop("probabilities")
        values["probabilities"] = dict(zip(self._labels, p, strict=True))
        self._write({"prediction": values})

    def event(self, event: Event) -> None:
        """Write an event.

        Parameters
        ----------
        event : Event
        """
        self._write(json.loads(event.to_json()))

    def close(self) -> None:
        """End the file; all lines are written already."""
        self._file.close()

    def _write(self, values: dict[str, Any]) -> None:
        self._file.append(json.dumps(plain(values), allow_nan=False).encode() + b"\n")
