"""`Harmonise`: the electrodes of another montage, interpolated where they are missing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..errors import SignalError, SignalWarning
from ..recordings.channels import TEN_TWENTY, positions
from .channels import electrode_names
from .format import Floats, Format
from .mixing import MixingEngine, PassEngine
from .step import RunningStep, Step

#: Least number of electrodes from which others are interpolated.
LEAST_ELECTRODES = 8
# Beyond that an interpolated electrode is a guess: metres to the nearest one, and the root of the
# sum of the squared weights, by which independent noise of the electrodes grows.
_FARTHEST = 0.06
_MOST_GAIN = 1.5
_SHOWN = 5  # of them are named in the warning; the notes have all


@dataclass(frozen=True)
class Harmonise(Step):
    """Give the channels of a target montage, in its order.

    Electrodes that the signal has are taken as they are. Missing ones are interpolated from all
    electrodes of the signal by spherical splines, at their standard positions on the Colin 27
    head. Which ones are is said in the `notes` of the running step, with the distance to the
    nearest electrode. The weights of each sum to 1, so that the reference stays what it was.

    An interpolated channel is a mixture of the others and adds no information of its own. It lets
    recordings of different caps share one set of features.

    Parameters
    ----------
    montage : sequence of str, or name of a headset
        The target electrodes, or one of ``muse``, ``epoc``, ``ten-twenty``, ``deap32``,
        ``seed62``.

    Raises
    ------
    InputError
        When no electrode is given, or one twice.

    Warns
    -----
    SignalWarning
        When an electrode is more than 6 cm away from the nearest one that is there, or its
        interpolation makes independent noise more than 1.5 times as large: that is no
        interpolation but extrapolation.

    References
    ----------
    Perrin, Pernier, Bertrand and Echallier (1989), "Spherical splines for scalp potential and
    current density mapping", Electroenceph. Clin. Neurophysiol. 72 (`mne.Evoked.interpolate_bads`).

    Examples
    --------
    >>> cap = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8"]
    >>> running = Harmonise(["F3", "FCz"]).start(250.0, cap)
    >>> running.notes
    ('interpolated: FCz (Fz 3.8 cm away)',)
    >>> running.push(np.full((12, 1), 1e-6)).round(9).tolist()
    [[1e-06], [1e-06]]
    """

    montage: tuple[str, ...]
    name: ClassVar[str] = "harmonise"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "montage", electrode_names(self.montage, "montage"))

    def _begin(self, before: Format) -> RunningStep:
        """Find the channels and the weights of the missing ones."""
        names = before.ch_names
        after = Format(before.sfreq, self.montage, before.passband)
        missing = tuple(name for name in self.montage if name not in names)
        if not missing:
            rows = [names.index(name) for name in self.montage]
            return RunningStep(PassEngine(len(rows)), before, after, rows=rows)
        placed = tuple(name for name in names if _has_position(name))
        if len(placed) < LEAST_ELECTRODES:
            raise SignalError(
                f"electrode {missing[0]!r} is missing ({len(missing)} of {len(self.montage)} are), "
                f"and {len(placed)} electrodes ({', '.join(placed)}) are too few to interpolate "
                f"it: {LEAST_ELECTRODES} are needed. Choose electrodes that both montages have"
            )
        unplaced = [name for name in missing if not _has_position(name)]
        if unplaced:
            raise SignalError(
                f"channel {unplaced[0]!r} is missing and has no standard position to interpolate "
                "it at; leave it out of the montage"
            )
        # Channels without a position are read only where the target asks for them.
        used = [name for name in names if name in placed or name in self.montage]
        weights = spline_weights(placed, missing)
        matrix = np.zeros((len(self.montage), len(used)))
        columns = [used.index(name) for name in placed]
        for row, name in enumerate(self.montage):
            if name in names:
                matrix[row, used.index(name)] = 1.0
            else:
                matrix[row, columns] = weights[missing.index(name)]
        _warn_of_guesses(placed, missing, weights)
        return RunningStep(
            MixingEngine(matrix),
            before,
            after,
            rows=[names.index(name) for name in used],
            notes=("interpolated: " + ", ".join(_nearest(name, placed) for name in missing),),
            spread=placed,
        )


def _warn_of_guesses(placed: tuple[str, ...], missing: tuple[str, ...], weights: Floats) -> None:
    """Name the electrodes that are far from all others, or made of large weights."""
    gains = np.sqrt((weights**2).sum(axis=1))
    guesses = []
    for name, gain in zip(missing, gains, strict=True):
        near, distance = _nearest_of(name, placed)
        if distance > _FARTHEST or gain > _MOST_GAIN:
            guesses.append(f"{name} ({near} {100 * distance:.1f} cm away, noise x {gain:.1f})")
    if guesses:
        more = f" and {len(guesses) - _SHOWN} more" if len(guesses) > _SHOWN else ""
        warnings.warn(
            f"Harmonise rather guesses {len(guesses)} of the {len(missing)} electrodes it "
            f"interpolates: {', '.join(guesses[:_SHOWN])}{more} (limits: "
            f"{100 * _FARTHEST:g} cm, noise x {_MOST_GAIN:g}). Choose a montage that the "
            "signal's electrodes surround, or Channels that both have",
            SignalWarning,
            stacklevel=4,
        )


@lru_cache(maxsize=32)
def spline_weights(present: tuple[str, ...], missing: tuple[str, ...]) -> Floats:
    """Give the weights that interpolate missing electrodes from those present.

    Parameters
    ----------
    present, missing : tuple of str
        Canonical names with standard positions.

    Returns
    -------
    ndarray of shape (n_missing, n_present)
        Each row sums to 1.

    Examples
    --------
    >>> cap = ("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8")
    >>> spline_weights(cap, ("FCz",)).sum().round(6).item()
    1.0
    """
    import mne

    names = [*present, *missing]
    info = mne.create_info(names, 1.0, "eeg", verbose="error")
    places = dict(zip(names, positions(names), strict=True))
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), verbose="error")
    info["bads"] = list(missing)
    # One sample for each electrode with 1 there and 0 elsewhere: what MNE fills in are the weights.
    impulses = np.zeros((len(names), len(present)))
    impulses[: len(present)] = np.eye(len(present))
    evoked = mne.EvokedArray(impulses, info, verbose="error")
    evoked.interpolate_bads(origin=_centre(), verbose="error")
    weights: Floats = np.ascontiguousarray(evoked.data[len(present) :])
    return weights


@lru_cache(maxsize=1)
def _centre() -> tuple[float, float, float]:
    """Fit a sphere to the 10-20 electrodes: the same centre for every montage."""
    at = positions(TEN_TWENTY)
    design = np.column_stack([2 * at, np.ones(len(at))])
    x, y, z, _ = np.linalg.lstsq(design, (at**2).sum(axis=1), rcond=None)[0]
    return float(x), float(y), float(z)


def _has_position(name: str) -> bool:
    """Say whether an electrode has a standard position."""
    try:
        positions([name])
    except SignalError:
        return False
    return True


def _nearest(name: str, present: tuple[str, ...]) -> str:
    """Name the nearest electrode and its distance."""
    near, distance = _nearest_of(name, present)
    return f"{name} ({near} {100 * distance:.1f} cm away)"


def _nearest_of(name: str, present: tuple[str, ...]) -> tuple[str, float]:
    """Find the nearest electrode and its distance in metres."""
    distances = np.linalg.norm(positions(present) - positions([name]), axis=1)
    nearest = int(np.argmin(distances))
    return present[nearest], float(distances[nearest])
