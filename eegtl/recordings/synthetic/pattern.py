"""What a feeling does to the patches."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .head import N_PATCHES, patches
from .spectrum import N_BANDS, seen_weights

_DELTA, _THETA, _ALPHA, _BETA, _GAMMA = range(N_BANDS)


def feeling(valence: float) -> NDArray[np.float64]:
    """Give the effect of a feeling on each patch and band, in arbitrary units.

    Invented after what is reported of emotion: with a positive feeling less alpha on the left
    front and more on the right (Davidson 1992), more frontal midline theta (Sammler et al. 2007)
    and more lateral temporal beta and gamma; with a neutral one more posterior alpha, with a
    negative one more posterior delta (Zheng and Lu 2015).

    Parameters
    ----------
    valence : float
        From -1 (most negative) to 1 (most positive).

    Returns
    -------
    ndarray, shape (n_patches, n_bands)
        Change of log amplitude; bands are delta, theta, alpha, beta, gamma.

    Examples
    --------
    >>> left, right = patches()[:, 0] < 0, patches()[:, 0] > 0
    >>> bool(feeling(1.0)[left, 2].mean() < feeling(1.0)[right, 2].mean())
    True
    """
    x, y, _ = patches().T
    front, back = np.clip(y, 0, 1), np.clip(-y, 0, 1)
    side = x**2 * (1 - y**2)
    effect = np.zeros((N_PATCHES, N_BANDS))
    effect[:, _DELTA] = -0.5 * valence * back
    effect[:, _THETA] = 0.5 * valence * front * (1 - np.abs(x))
    effect[:, _ALPHA] = valence * x * front + (0.5 - abs(valence)) * back
    effect[:, _BETA] = 0.7 * valence * side
    effect[:, _GAMMA] = valence * side
    return effect


@lru_cache(maxsize=16)
def class_effects(n_classes: int) -> NDArray[np.float64]:
    """Give the effects of all classes, scaled to a standard deviation of 1 at the electrodes.

    Parameters
    ----------
    n_classes : int
        How many, evenly from the most negative to the most positive feeling.

    Returns
    -------
    ndarray, shape (n_classes, n_patches, n_bands)
        The variance between the classes (divided by n_classes - 1), mean over the 62-channel cap
        and the bands, is 1 to first order.

    Examples
    --------
    >>> class_effects(3).shape
    (3, 24, 5)
    """
    effects = np.stack([feeling(v) for v in np.linspace(-1, 1, n_classes)])
    seen = np.einsum("bep,cpb->ceb", seen_weights(), effects)
    return np.asarray(effects / np.sqrt(seen.var(axis=0, ddof=1).mean()))
