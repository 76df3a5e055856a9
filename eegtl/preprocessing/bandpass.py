"""Design of a bank of causal Butterworth band-pass filters as second-order sections."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ..errors import SignalError, SignalWarning

#: Order of the low-pass prototype; the band-pass has twice as many poles, two per section.
ORDER = 4
#: Highest usable frequency as a share of the Nyquist frequency: the bilinear transform needs
#: a margin, and so does the anti-alias filter of every amplifier.
NYQUIST_SHARE = 0.99
#: Least share of the width of a band that must be left after clipping; less is another band.
LEAST_SHARE = 0.25


@dataclass(frozen=True)
class BandpassBank:
    """Band-pass filters of one sampling rate, one cascade of four sections per band.

    Every section has the numerator ``1 - z^-2``; the gain of a band applies once.

    Parameters
    ----------
    sfreq : float
        Sampling rate in Hz.
    bands : dict of str to (float, float)
        Edges in Hz as designed, after clipping.
    denominators : ndarray of shape (n_bands, 4, 2)
        ``a1, a2`` of each section.
    gains : ndarray of shape (n_bands,)
        Gain of each band.
    """

    sfreq: float
    bands: dict[str, tuple[float, float]]
    denominators: NDArray[np.float64]
    gains: NDArray[np.float64]

    def sos(self) -> NDArray[np.float64]:
        """Return the cascades in the form of `scipy.signal.sosfilt`.

        Returns
        -------
        ndarray of shape (n_bands, 4, 6)
            ``b0, b1, b2, 1, a1, a2`` of each section; the first section has the gain.

        Examples
        --------
        >>> design_bank(200.0, {"alpha": (8, 14)}).sos().shape
        (1, 4, 6)
        """
        sections = np.zeros((*self.denominators.shape[:2], 6))
        sections[:, :, [0, 2, 3]] = 1.0, -1.0, 1.0
        sections[:, :, 4:] = self.denominators
        sections[:, 0, :3] *= self.gains[:, None]
        return sections


def design_bank(
    sfreq: float,
    bands: Mapping[str, tuple[float, float]],
    passband: tuple[float, float] | None = None,
) -> BandpassBank:
    """Design one causal Butterworth band-pass (order 4, so 8 poles) per band.

    Zeros of a digital Butterworth band-pass lie at 0 Hz and at the Nyquist frequency, four
    each; one of each kind goes to every section, which makes all numerators equal. Poles go
    from the least to the most resonant section.

    Parameters
    ----------
    sfreq : float
        Sampling rate in Hz.
    bands : mapping of str to (low, high)
        Band edges (-3 dB) in Hz.
    passband : (low, high) or None
        What is known to be left in the signal, in Hz; None when only the Nyquist frequency
        limits it. Bands that are partly outside are clipped with a warning.

    Returns
    -------
    BandpassBank
        The filters; ``bands`` has the edges used.

    Raises
    ------
    SignalError
        When the sampling rate is not positive, the pass-band does not rise, or less than a quarter
        of a band lies inside.

    Warns
    -----
    SignalWarning
        When a band is clipped.

    References
    ----------
    Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd ed., sections 6.3 and 7.2.

    Examples
    --------
    >>> bank = design_bank(256.0, {"theta": (4, 8), "alpha": (8, 14)})
    >>> bank.denominators.shape, bank.bands["alpha"]
    ((2, 4, 2), (8.0, 14.0))
    """
    if not (isinstance(sfreq, Real) and np.isfinite(sfreq) and sfreq > 0):
        raise SignalError(f"sfreq is {sfreq!r}; give the sampling rate in Hz")
    if passband is not None and not (len(passband) == 2 and 0 <= passband[0] < passband[1]):
        raise SignalError(
            f"passband is {tuple(passband)}; give (low, high) in Hz with 0 <= low < high"
        )
    used: dict[str, tuple[float, float]] = {}
    for name, (low, high) in bands.items():
        used[name] = _clip(name, float(low), float(high), float(sfreq), passband)
    denominators = np.empty((len(used), ORDER, 2))
    gains = np.empty(len(used))
    for row, edges in enumerate(used.values()):
        _, poles, gains[row] = signal.butter(ORDER, edges, "bandpass", fs=sfreq, output="zpk")
        denominators[row] = _pair_poles(poles)
    return BandpassBank(float(sfreq), used, denominators, gains)


def _clip(
    name: str, low: float, high: float, sfreq: float, passband: tuple[float, float] | None
) -> tuple[float, float]:
    """Keep the part of a band that the signal can hold, or say that there is none."""
    nyquist = NYQUIST_SHARE * sfreq / 2
    floor, ceiling = (0.0, nyquist) if passband is None else passband
    ceiling = min(ceiling, nyquist)
    known = f"at {sfreq:g} Hz the signal holds {floor:g}-{ceiling:g} Hz"
    clipped = (max(low, floor), min(high, ceiling))
    if clipped[0] >= clipped[1]:
        raise SignalError(
            f"band {name!r} ({low:g}-{high:g} Hz) lies outside the signal: {known}; "
            "leave the band out or choose other bands"
        )
    if clipped[1] - clipped[0] < LEAST_SHARE * (high - low):
        raise SignalError(
            f"of band {name!r} ({low:g}-{high:g} Hz) only {clipped[0]:g}-{clipped[1]:g} Hz are in "
            f"the signal: {known}; leave the band out or choose other bands"
        )
    if clipped != (low, high):
        warnings.warn(
            f"band {name!r} ({low:g}-{high:g} Hz) is clipped to {clipped[0]:g}-{clipped[1]:g} Hz: "
            f"{known}",
            SignalWarning,
            stacklevel=3,
        )
    return clipped


def _pair_poles(poles: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return ``a1, a2`` of each section, conjugates together, real poles two by two."""
    upper = poles[poles.imag > 0]
    real = np.sort(poles[poles.imag == 0].real)
    pairs = [(-2 * pole.real, abs(pole) ** 2) for pole in upper]
    pairs += [(-(p + q), p * q) for p, q in zip(real[::2], real[1::2], strict=True)]
    return np.array(sorted(pairs, key=lambda pair: pair[1]), dtype=np.float64)
