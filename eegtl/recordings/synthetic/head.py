"""From sources in the head to electrodes on it: radial dipoles in a conducting sphere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..channels import HEADSETS, TEN_TWENTY, positions

N_PATCHES = 24
"""Number of patches of cortex, each one radial dipole."""

#: Distance of a patch from the centre of a homogeneous sphere, as a share of its radius. Its
#: potentials are those of a dipole at 0.8 of the radius behind a skull, to r > .99.
_DEPTH = 0.6
#: Where a dipole for each eye makes blinks fall from the forehead to .58 at AF3 and to a tenth at
#: Fz, much as blinks do.
_EYE_DEPTH = 0.5
_EYES = ((-0.30, 0.93, -0.20), (0.30, 0.93, -0.20))
#: Centre of the sphere that fits the 10-10 electrodes of Colin 27 best, in metres.
_CENTRE = (0.0, -0.0165, -0.0019)
#: Lowest height of a patch, as a share of the radius: the temporal lobes lie below the centre.
_LOWEST = -0.35


def directions(ch_names: Sequence[str]) -> NDArray[np.float64]:
    """Put electrodes on the unit sphere.

    Parameters
    ----------
    ch_names : sequence of str
        Canonical names.

    Returns
    -------
    ndarray, shape (n_channels, 3)
        Unit vectors: right, front, up.

    Raises
    ------
    SignalError
        When a name has no standard position.

    Examples
    --------
    >>> directions(["Cz"]).round(1).tolist()
    [[0.0, 0.1, 1.0]]
    """
    offsets = positions(ch_names) - np.array(_CENTRE)
    return np.asarray(offsets / np.linalg.norm(offsets, axis=1, keepdims=True))


@lru_cache(maxsize=1)
def patches() -> NDArray[np.float64]:
    """Place the patches evenly over the brain, on a Fibonacci spiral.

    Returns
    -------
    ndarray, shape (n_patches, 3)
        Unit vectors: right, front, up.

    Examples
    --------
    >>> patches().shape
    (24, 3)
    """
    steps = np.arange(N_PATCHES) + 0.5
    height = 1.0 - (1.0 - _LOWEST) * steps / N_PATCHES
    angle = np.pi * (3.0 - np.sqrt(5.0)) * steps
    radius = np.sqrt(1.0 - height**2)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])


def sphere_potential(
    electrodes: NDArray[np.float64], dipoles: NDArray[np.float64], depth: float
) -> NDArray[np.float64]:
    """Give the potential of radial dipoles on the surface of a homogeneous conducting sphere.

    A point source at r0 in the unit sphere has the surface potential
    ``2 / d - ln(1 - r.r0 + d)`` up to a constant factor and an offset, with d = |r - r0| (the
    Neumann function of the sphere). Its gradient in r0 along the unit vector n is that of a
    dipole: ``n.(2 (r - r0) / d^3 + (r + (r - r0) / d) / (1 - r.r0 + d))``, of mean zero over the
    sphere. A dipole in the centre gives 3 cos(angle).

    Parameters
    ----------
    electrodes : ndarray, shape (n_electrodes, 3)
        Unit vectors r.
    dipoles : ndarray, shape (n_dipoles, 3)
        Unit vectors n; the dipoles lie at ``depth * n`` and point outwards.
    depth : float
        Distance from the centre, below 1.

    Returns
    -------
    ndarray, shape (n_electrodes, n_dipoles)
        Potential in arbitrary units.

    References
    ----------
    D. Yao, "Electric potential produced by a dipole in a homogeneous conducting sphere", IEEE
    Trans. Biomed. Eng. 47(7), 2000. That moving a dipole inwards stands for a skull: J. P. Ary,
    S. A. Klein, D. H. Fender, "Location of sources of evoked scalp potentials: corrections for
    skull and scalp thicknesses", IEEE Trans. Biomed. Eng. 28(6), 1981.

    Examples
    --------
    >>> up = np.array([[0.0, 0.0, 1.0]])
    >>> sphere_potential(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]), up, 0.0).tolist()
    [[3.0], [0.0]]
    """
    r = electrodes[:, None, :]
    offset = r - depth * dipoles
    d = np.linalg.norm(offset, axis=2)[:, :, None]
    along = depth * (r * dipoles).sum(axis=2, keepdims=True)
    gradient = 2.0 * offset / d**3 + (r + offset / d) / (1.0 - along + d)
    return np.asarray((gradient * dipoles).sum(axis=2))


@lru_cache(maxsize=1)
def _usual_gain() -> float:
    """Root mean square over the 10-20 electrodes of what all patches together give."""
    potential = sphere_potential(directions(TEN_TWENTY), patches(), _DEPTH)
    return float(np.sqrt((potential**2).sum(axis=1).mean()))


def lead_field(ch_names: Sequence[str]) -> NDArray[np.float64]:
    """Say how much of every patch each electrode sees.

    Parameters
    ----------
    ch_names : sequence of str
        Canonical names.

    Returns
    -------
    ndarray, shape (n_channels, n_patches)
        Scaled so that independent patches of amplitude 1 uV give 1 uV root mean square over the
        19 electrodes of the 10-20 system. The reference is the mean over the whole sphere.

    Examples
    --------
    >>> field = lead_field(["O1", "O2", "Fp1"])
    >>> bool(np.corrcoef(field[0], field[1])[0, 1] > np.corrcoef(field[0], field[2])[0, 1])
    True
    """
    return sphere_potential(directions(ch_names), patches(), _DEPTH) / _usual_gain()


def blink_map(ch_names: Sequence[str]) -> NDArray[np.float64]:
    """Say how much of a blink each electrode sees: a dipole in either eye, pointing outwards.

    Parameters
    ----------
    ch_names : sequence of str
        Canonical names.

    Returns
    -------
    ndarray, shape (n_channels,)
        1 on the mean of Fp1 and Fp2.

    Examples
    --------
    >>> blink_map(["AF7", "O1"]).round(2).tolist()
    [0.7, -0.24]
    """
    eyes = np.array(_EYES)
    eyes /= np.linalg.norm(eyes, axis=1, keepdims=True)
    both = sphere_potential(directions([*ch_names, "Fp1", "Fp2"]), eyes, _EYE_DEPTH).sum(axis=1)
    return np.asarray(both[:-2] / both[-2:].mean())


@lru_cache(maxsize=1)
def cap_field() -> NDArray[np.float64]:
    """Return the lead field of the 62-channel cap by which effects are measured.

    Returns
    -------
    ndarray, shape (62, n_patches)
        As `lead_field`.

    Examples
    --------
    >>> cap_field().shape
    (62, 24)
    """
    return lead_field(HEADSETS["seed62"])
