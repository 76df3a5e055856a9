"""How alike two sets of rows are: means of the Gaussian kernel over their pairs.

The mean of k(x, y) over one row of each set is the inner product of the sets' kernel mean
embeddings. It compares distributions: the order of the rows does not matter, and sets may have
any number of rows. Exact means are formed block by block; random Fourier features replace a set
by one vector, so that its rows need not be kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernels.gram import rbf_kernel

Floats = NDArray[np.float64]

#: Kernel values held at a time; 64 MiB.
_BLOCK_VALUES = 2**23


def kernel_mean(X: Floats, Y: Floats, gamma: float) -> float:
    """Mean of exp(-gamma |x - y|^2) over all pairs of one row of each set.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    Y : ndarray of shape (m, d)
    gamma : float

    Returns
    -------
    float

    Notes
    -----
    Time n m d, memory 64 MiB whatever n and m.

    Examples
    --------
    >>> round(kernel_mean(np.array([[0.0], [1.0]]), np.array([[0.0]]), 1.0), 4)
    0.6839
    """
    small, large = (X, Y) if len(X) <= len(Y) else (Y, X)
    step = max(1, _BLOCK_VALUES // len(small))
    buffer = np.empty((min(step, len(large)), len(small)))
    total = 0.0
    for start in range(0, len(large), step):
        block = large[start : start + step]
        total += float(rbf_kernel(block, small, gamma, out=buffer[: len(block)]).sum())
    return total / (len(X) * len(Y))


def self_kernel_mean(X: Floats, gamma: float) -> float:
    """Mean of the kernel over all pairs of rows of one set, each row with itself, too.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    gamma : float

    Returns
    -------
    float

    Notes
    -----
    Each pair is computed once, so that it takes about half the time of `kernel_mean`. The pairs
    of a row with itself count, since the mean is the squared length of an embedding; a matrix
    of such means is positive semi-definite.

    Examples
    --------
    >>> round(self_kernel_mean(np.array([[0.0], [1.0]]), 1.0), 4)
    0.6839
    """
    step = max(1, min(_BLOCK_VALUES // len(X), -(-len(X) // 8)))
    total = 0.0
    for start in range(0, len(X), step):
        block = X[start : start + step]
        total += float(rbf_kernel(block, block, gamma).sum())
        if start + step < len(X):
            rest = X[start + step :]
            total += 2 * len(block) * len(rest) * kernel_mean(block, rest, gamma)
    return total / len(X) ** 2


def kernel_means(sets: Sequence[Floats], gamma: float) -> Floats:
    """Give the mean kernel value of every two sets.

    Parameters
    ----------
    sets : sequence of ndarray of shape (n_i, d)
    gamma : float

    Returns
    -------
    ndarray of shape (n_sets, n_sets)
        Symmetric and positive semi-definite.

    Examples
    --------
    >>> a, b = np.array([[0.0]]), np.array([[1.0]])
    >>> kernel_means([a, b], 1.0).round(4).tolist()
    [[1.0, 0.3679], [0.3679, 1.0]]
    """
    K = np.empty((len(sets), len(sets)))
    for i, X in enumerate(sets):
        K[i, i] = self_kernel_mean(X, gamma)
        for j in range(i):
            K[i, j] = K[j, i] = kernel_mean(X, sets[j], gamma)
    return K


def fourier_frequencies(
    n_features: int, n_frequencies: int, gamma: float, random_state: int
) -> Floats:
    """Draw the frequencies of random Fourier features of the Gaussian kernel.

    Parameters
    ----------
    n_features : int
    n_frequencies : int
    gamma : float
    random_state : int

    Returns
    -------
    ndarray of shape (n_frequencies, n_features)
        Independent normal numbers of variance 2 gamma: exp(-gamma |x - y|^2) is the mean of
        cos(w'(x - y)) over them.

    References
    ----------
    Rahimi and Recht, "Random features for large-scale kernel machines", NIPS 2007.

    Examples
    --------
    >>> fourier_frequencies(3, 8, 0.5, 0).shape
    (8, 3)
    """
    generator = np.random.default_rng(random_state)
    return np.sqrt(2 * gamma) * generator.standard_normal((n_frequencies, n_features))


def mean_embedding(X: Floats, frequencies: Floats) -> Floats:
    """Average the random Fourier features of a set of rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    frequencies : ndarray of shape (n_frequencies, d)

    Returns
    -------
    ndarray of shape (2 n_frequencies,)
        The inner product of two of them estimates `kernel_mean` of their sets without bias.

    Notes
    -----
    The estimate is the mean over the frequencies of independent numbers between -1 and 1, so
    that by Hoeffding's inequality it is off by more than t with a probability of at most
    2 exp(-n_frequencies t^2 / 2): for 2048 frequencies, by more than .06 in one draw of
    twenty at the most. Time n d n_frequencies, memory a block of 2^21 values.

    Examples
    --------
    >>> w = fourier_frequencies(1, 4096, 0.5, 0)
    >>> a, b = (mean_embedding(np.array([[x]]), w) for x in (0.0, 1.0))
    >>> bool(abs(a @ b - np.exp(-0.5)) < 0.05)
    True
    """
    step = max(1, 2**21 // len(frequencies))
    total = np.zeros((2, len(frequencies)))
    for start in range(0, len(X), step):
        phase = X[start : start + step] @ frequencies.T
        total[0] += np.cos(phase).sum(axis=0)
        total[1] += np.sin(phase).sum(axis=0)
    return total.ravel() / (len(X) * np.sqrt(len(frequencies)))
