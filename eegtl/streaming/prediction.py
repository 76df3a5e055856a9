"""What a session says of a window, and what it asks for when it wants to adapt."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..personalize.days import FIRST, kind_of
from ..personalize.profile import Profile
from .fitting import judged_channels, mixing_steps, started
from .live_windows import LiveWindow

Floats = NDArray[np.float64]

BAD_CHANNEL_RULES = ("abstain", "replace")
#: Features of which every column has a part of every channel.
MIXED = ("cov", "tangent")


@dataclass(frozen=True)
class Prediction:
    """Probabilities of one window, or an abstention.

    Attributes
    ----------
    time, onset : float
        Stamps of its newest and its first sample, in seconds of the stream's clock.
    sample : int
        Number of its newest sample, of those taken.
    probabilities : tuple of float
        In the order of the profile's labels; what the model says, abstain or not.
    label : str
        The most probable one; ``""`` where it abstains.
    confidence : float
        (n p - 1) / (n - 1) of the largest of n probabilities p: 0 for no idea, 1 for sure.
    quality : float
        Share of good channels.
    abstain : bool
        Whether it cannot be trusted.
    reason : str
        Why, or what was done for bad channels.
    lag : float
        Seconds from its newest sample to the time it was computed.
    adapted : bool
        Whether the model has seen anything of the wearer.
    """

    time: float
    onset: float
    sample: int
    probabilities: tuple[float, ...]
    label: str
    confidence: float
    quality: float
    abstain: bool
    reason: str
    lag: float
    adapted: bool


class Judge:
    """Predicts windows, and decides which predictions cannot be trusted.

    Parameters
    ----------
    profile : Profile
    bad_channels : {"abstain", "replace"}
    least_confidence : float

    Raises
    ------
    InputError
        When features of bad channels shall be replaced where each has a part of all channels.
    """

    def __init__(self, profile: Profile, bad_channels: str, least_confidence: float) -> None:
        mixing = mixing_steps(profile)
        mixed = [f.name for f in profile.extractor.features if f.name in MIXED]
        if bad_channels == "replace" and (mixing or mixed):
            where = f"behind {', '.join(mixing)}" if mixing else f"in {', '.join(mixed)}"
            raise InputError(
                f"features of bad channels cannot be replaced {where}, where they are in all "
                "channels; choose bad_channels='abstain'."
            )
        self._profile, self._rule, self._least = profile, bad_channels, least_confidence
        self._usual = _usual_features(profile)
        self._mean = self._usual
        self._n_channels = len(judged_channels(profile))
        self._columns = _columns_of_channels(profile) if bad_channels == "replace" else {}

    def remember(self, rows: Floats) -> None:
        """Replace features by the mean of the wearer's rows from now on.

        Parameters
        ----------
        rows : ndarray of shape (n, n_features)
        """
        self._mean = rows.mean(axis=0)

    def forget(self) -> None:
        """Replace features by those of the profile's day, or of the sources, again."""
        self._mean = self._usual

    def predict(
        self, model: Any, window: LiveWindow, *, lag: float, adapted: bool, rate_is_off: bool
    ) -> Prediction:
        """Predict one window.

        Parameters
        ----------
        model : transfer classifier
        window : LiveWindow
        lag : float
        adapted, rate_is_off : bool

        Returns
        -------
        Prediction
        """
        X, reasons = window.X, []
        n_channels, bad = self._n_channels, sorted(window.faults)
        note = ""
        if bad:
            if self._rule == "abstain" or 2 * len(bad) >= n_channels:
                each = [f"{name} ({', '.join(window.faults[name])})" for name in bad]
                reasons.append("bad channels: " + ", ".join(each))
            else:
                places = np.unique(np.concatenate([self._columns[name] for name in bad]))
                X = X.copy()
                X[places] = self._mean[places]
                note = "replaced: " + ", ".join(bad)
        if rate_is_off:
            reasons.append("samples come at another rate than the stream says")
        p = np.asarray(model.predict_proba(X[None])[0], dtype=np.float64)
        n = len(p)
        if not np.all(np.isfinite(p)):
            p = np.full(n, 1.0 / n)
            reasons.append("the model gave no number")
        confidence = float((n * p.max() - 1) / (n - 1)) if n > 1 else 1.0
        if confidence < self._least:
            reasons.append(f"confidence below {self._least:g}")
        return Prediction(
            time=window.time,
            onset=window.onset,
            sample=window.sample,
            probabilities=tuple(p.tolist()),
            label="" if reasons else self._profile.labels[int(p.argmax())],
            confidence=confidence,
            quality=1 - len(bad) / n_channels,
            abstain=bool(reasons),
            reason="; ".join(reasons) or note,
            lag=float(lag),
            adapted=adapted,
        )


@dataclass(frozen=True, eq=False)
class AdaptRequest:
    """Rows that a model shall be adapted to, by whoever has the time.

    Attributes
    ----------
    kind : {"calibration", "memory"}
    model : transfer classifier
        A copy: what predicts meanwhile stays as it is.
    X_target : ndarray of shape (n, n_features) or None
        Rows without labels.
    X_calib : ndarray of shape (m, n_features) or None
    y_calib : ndarray of shape (m,) or None
        Rows with labels.
    """

    kind: str
    model: Any
    X_target: Floats | None
    X_calib: Floats | None = None
    y_calib: NDArray[Any] | None = None

    @property
    def block_kind(self) -> str:
        """What is known of the class mix of its rows, see `personalize.days`."""
        if self.y_calib is None or self.X_target is not None:
            return FIRST
        return kind_of(self.y_calib, np.asarray(self.model.classes_))

    @classmethod
    def of_rows(
        cls, kind: str, model: Any, rows: Floats, calibration: AdaptRequest | None = None
    ) -> AdaptRequest:
        """Ask for adaptation to rows without labels.

        Parameters
        ----------
        kind : str
        model : transfer classifier
        rows : ndarray of shape (n, n_features)
        calibration : AdaptRequest, optional
            Its rows with labels are used again: adaptation forgets what was before.

        Returns
        -------
        AdaptRequest
        """
        known = calibration
        labelled = () if known is None else (known.X_calib, known.y_calib)
        return cls(kind, deepcopy(model), rows, *labelled)

    @classmethod
    def of_block(
        cls, kind: str, model: Any, block: list[LiveWindow], classes: dict[str, Any]
    ) -> AdaptRequest:
        """Ask for adaptation to a calibration block.

        Parameters
        ----------
        kind : str
        model : transfer classifier
        block : list of LiveWindow
            Those whose mark names a class are labelled rows.
        classes : dict
            The classes by name.

        Returns
        -------
        AdaptRequest
        """
        known = [w for w in block if w.label in classes]
        rest = [w for w in block if w.label not in classes]
        return cls(
            kind,
            deepcopy(model),
            np.array([w.X for w in rest]) if rest else None,
            np.array([w.X for w in known]) if known else None,
            np.array([classes[str(w.label)] for w in known]) if known else None,
        )

    def describe(self) -> dict[str, Any]:
        """Say how many rows of which kind there are.

        Returns
        -------
        dict
        """
        return {
            "kind": self.kind,
            "unlabelled": 0 if self.X_target is None else len(self.X_target),
            "labelled": 0 if self.X_calib is None else len(self.X_calib),
        }

    def run(self) -> Any:
        """Adapt.

        Returns
        -------
        transfer classifier
            The adapted copy.

        Raises
        ------
        CalibrationError
            When the method cannot work with these rows.
        """
        if self.y_calib is None:
            return self.model.adapt(self.X_target)
        return self.model.adapt(self.X_target, X_calib=self.X_calib, y_calib=self.y_calib)


def _usual_features(profile: Profile) -> Floats:
    """Give the mean of the calibration that the profile is of, or of the sources."""
    day = next((day for day in profile.days if day.name == profile.day), None)
    return profile.mean if day is None or not len(day.X) else day.X.mean(axis=0)


def _columns_of_channels(profile: Profile) -> dict[str, NDArray[np.intp]]:
    """Give the columns that a channel has a part in."""
    stream = started(profile, profile.sfreq)
    names = set(stream.ch_names)
    parts = [_channels_in(channel, names) for _, channel, _ in stream.column_names]
    return {
        name: np.array([i for i, part in enumerate(parts) if name in part], dtype=np.intp)
        for name in profile.ch_names
    }


def _channels_in(column: str, names: set[str]) -> set[str]:
    """Give the channels of a column: one, or two with a sign between; names may hold signs."""
    if column in names:
        return {column}
    cuts = [i for i, letter in enumerate(column) if letter in "-/~"]
    pairs = ({column[:i], column[i + 1 :]} for i in cuts)
    return next((pair for pair in pairs if pair <= names), names)
