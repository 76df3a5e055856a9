"""How likely each class mix of an unlabelled block is, by where it lies and by its shape."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

Floats = NDArray[np.float64]

#: No more mixes than this are weighed against each other.
_MIXES = 128
#: Nodes and weights over a standard normal variable.
_NODES = np.array([-(3**0.5), 0.0, 3**0.5])
_NODE_WEIGHTS = np.array([1 / 6, 2 / 3, 1 / 6])
#: Numbers held at once.
_BLOCK = 4_000_000


@dataclass(frozen=True)
class MixPosterior:
    """What is known of a class mix.

    Attributes
    ----------
    mean : ndarray of shape (n_classes,)
    second : ndarray of shape (n_classes, n_classes)
        Means of products of shares.
    """

    mean: Floats
    second: Floats


def mix_lattice(n_classes: int, most: int = _MIXES) -> Floats:
    """List class mixes evenly: all whose shares are multiples of 1/k.

    Parameters
    ----------
    n_classes : int
    most : int
        The finest k up to 40 with no more mixes than this.

    Returns
    -------
    ndarray of shape (n_mixes, n_classes)

    Examples
    --------
    >>> mix_lattice(2, 3).tolist()
    [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    k = 40
    while k > 1 and comb(k + n_classes - 1, n_classes - 1) > most:
        k -= 1
    if k == 1:
        return np.eye(n_classes)
    bars = itertools.combinations(range(k + n_classes - 1), n_classes - 1)
    cuts = np.array(list(bars), dtype=np.float64).reshape(-1, n_classes - 1)
    ends = np.column_stack([np.full(len(cuts), -1.0), cuts, np.full(len(cuts), k + n_classes - 1)])
    return (np.diff(ends, axis=1) - 1) / k


def log_prior(lattice: Floats, mix: Floats) -> Floats:
    """Give the Dirichlet-multinomial prior of the mixes, with parameters `mix` (sum 1).

    Parameters
    ----------
    lattice : ndarray of shape (n_mixes, n_classes)
    mix : ndarray of shape (n_classes,)
        Its mean.

    Returns
    -------
    ndarray of shape (n_mixes,)

    Examples
    --------
    >>> p = np.exp(log_prior(mix_lattice(2), np.array([0.3, 0.7])))
    >>> (p @ mix_lattice(2)).round(12).tolist()
    [0.3, 0.7]
    """
    k = round(1 / lattice[lattice > 0].min())
    counts = np.round(lattice * k)
    log_p = (gammaln(counts + mix) - gammaln(counts + 1)).sum(axis=1)
    return np.asarray(log_p - logsumexp(log_p))


def shape_evidence(
    rows: Floats,
    lattice: Floats,
    effects: Floats,
    covariances: Floats,
    scale_spread: float,
    tempering: float,
) -> Floats:
    """Give the log-likelihood of centred rows under each mix.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_directions)
        Their mean is 0.
    lattice : ndarray of shape (n_mixes, n_classes)
    effects : ndarray of shape (n_mixes, n_classes, n_directions)
        Class means under each mix.
    covariances : ndarray of shape (n_mixes, n_directions, n_directions)
        Covariance within classes under each mix.
    scale_spread : float
        Standard deviation of the logarithm of a factor to them that people differ by; it is
        integrated out.
    tempering : float
        What a row counts.

    Returns
    -------
    ndarray of shape (n_mixes,)
    """
    n_rows, n_directions = rows.shape
    n_mixes, n_classes = lattice.shape
    whitening = np.linalg.inv(np.linalg.cholesky(covariances))
    middle = np.einsum("gc,gcr->gr", lattice, effects)
    means = np.einsum("gcq,grq->gcr", effects - middle[:, None], whitening)
    with np.errstate(divide="ignore"):
        log_share = np.log(lattice)[:, None]
    log_det = np.log(np.einsum("grr->gr", whitening)).sum(axis=1)
    factors = np.exp(scale_spread * _NODES)
    total = np.zeros((len(_NODES), n_mixes))
    step = max(1, _BLOCK // (n_mixes * n_classes))
    for start in range(0, n_rows, step):
        white = np.einsum("nq,grq->gnr", rows[start : start + step], whitening)
        distance = np.square(white).sum(axis=2)[:, :, None] - 2 * white @ means.swapaxes(1, 2)
        distance += np.square(means).sum(axis=2)[:, None]
        for i, factor in enumerate(factors):
            joint = log_share - 0.5 * distance / factor
            top = joint.max(axis=2)
            total[i] += (top + np.log(np.exp(joint - top[:, :, None]).sum(axis=2))).sum(axis=1)
    total += n_rows * (log_det - 0.5 * n_directions * np.log(factors)[:, None])
    return np.asarray(logsumexp(tempering * total + np.log(_NODE_WEIGHTS)[:, None], axis=0))


def place_evidence(misses: Floats, covariances: Floats) -> Floats:
    """Give the log-density of where the block would put the person, under each mix.

    Parameters
    ----------
    misses : ndarray of shape (n_mixes, n_directions)
        The person's place under each mix, minus the place that is expected.
    covariances : ndarray of shape (n_mixes, n_directions, n_directions)

    Returns
    -------
    ndarray of shape (n_mixes,)
    """
    solved = np.linalg.solve(covariances, misses[:, :, None])[:, :, 0]
    log_det = np.linalg.slogdet(covariances)[1]
    return np.asarray(-0.5 * np.einsum("gr,gr->g", misses, solved) - 0.5 * log_det)


def mix_posterior(lattice: Floats, log_weight: Floats) -> MixPosterior:
    """Average over the mixes.

    Parameters
    ----------
    lattice : ndarray of shape (n_mixes, n_classes)
    log_weight : ndarray of shape (n_mixes,)

    Returns
    -------
    MixPosterior

    Examples
    --------
    >>> mix_posterior(np.eye(2), np.array([0.0, 0.0])).mean.tolist()
    [0.5, 0.5]
    """
    weight = np.exp(log_weight - logsumexp(log_weight))
    return MixPosterior(weight @ lattice, (lattice * weight[:, None]).T @ lattice)
