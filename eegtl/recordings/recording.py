"""One recording of one person: samples in volts, and the trials in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


class Recording:
    """One recording of one person: an MNE raw with subject, session and trials.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The samples; its channels bear canonical names.
    subject : str
        The person.
    session : int
        The sitting, 1 being the first in time.
    trials : DataFrame
        Columns ``trial`` (number, unique within subject and session), ``stimulus`` (same id =
        same clip for everybody), ``label`` (as given), ``onset`` (s from the start of this
        recording), ``duration`` (s).
    dataset : str
        Name of the data set.
    file : str
        Name of the file, for messages.
    passband : (float, float), optional
        What the makers of the data left of the spectrum, in Hz; None when unknown.
    causal : bool
        False where a step that made these samples used the future of the signal.
    notes : tuple of str
        What steps of preprocessing chose for these samples, in words.

    Attributes
    ----------
    raw, subject, session, trials, dataset, file, passband, causal, notes
        As given; `trials` is checked and sorted by onset.

    Raises
    ------
    SubjectError
        When the trials do not fit the recording.

    Examples
    --------
    >>> import eegtl
    >>> recording = eegtl.load("synthetic")[0]
    >>> recording.subject, recording.sfreq, len(recording.ch_names)
    ('w01', 128.0, 14)
    """

    def __init__(
        self,
        raw: Any,
        *,
        subject: str,
        session: int,
        trials: pd.DataFrame,
        dataset: str,
        file: str,
        passband: tuple[float, float] | None = None,
        causal: bool = True,
        notes: tuple[str, ...] = (),
    ) -> None:
        from .trials import check_trials  # asks for pandas, which live classification does without

        self.raw = raw
        self.subject = subject
        self.session = session
        self.dataset = dataset
        self.file = file
        self.passband = passband
        self.causal = causal
        self.notes = tuple(notes)
        self.trials = check_trials(
            trials, seconds=self.duration, tolerance=0.5 / self.sfreq, file=file, subject=subject
        )

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return float(self.raw.info["sfreq"])

    @property
    def ch_names(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the rows of the data."""
        return tuple(self.raw.ch_names)

    @property
    def n_times(self) -> int:
        """Number of samples per channel."""
        return int(self.raw.n_times)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.n_times / self.sfreq

    def get_data(self, start: int = 0, stop: int | None = None) -> NDArray[np.float64]:
        """Return the samples, all or some.

        Parameters
        ----------
        start, stop : int
            First sample, and the one behind the last; None means the end.

        Returns
        -------
        ndarray, shape (n_channels, n_times)
            Volts, float64, C-contiguous, a copy; samples that are lost are NaN.

        Examples
        --------
        >>> import eegtl
        >>> data = eegtl.load("synthetic")[0].get_data()
        >>> data.shape[0], data.dtype.name, data.flags.c_contiguous
        (14, 'float64', True)
        """
        return np.ascontiguousarray(self.raw.get_data(start=start, stop=stop), dtype=np.float64)

    def __repr__(self) -> str:
        return (
            f"<Recording {self.dataset} {self.file}: subject {self.subject}, session "
            f"{self.session}, {len(self.ch_names)} channels, {self.sfreq:g} Hz, "
            f"{self.duration:.1f} s, {len(self.trials)} trials>"
        )
