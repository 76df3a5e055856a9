"""How far the covariances and means of two domains can be told apart, from their moments.

All lengths are taken in coordinates in which the covariance within a source subject, pooled over
subjects, is the identity: no unit and no linear mixing of the features changes a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ..._checks import check_subjects, unique_subjects
from ..moments import Moments
from ..summary import SourceSummary

Floats = NDArray[np.float64]

#: Directions with less than this share of the largest variance count as none.
RANGE = 1e-10


def covariance_power(covariance: Floats, power: float) -> Floats:
    """Give a power of a covariance matrix on its numerical range.

    Parameters
    ----------
    covariance : ndarray of shape (d, d)
    power : float
        Below 0 for a pseudo-inverse.

    Returns
    -------
    ndarray of shape (d, d)
        Directions with less than 1e-10 of the largest variance are left out.

    Examples
    --------
    >>> covariance_power(np.diag([4.0, 0.0]), -0.5).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    values, vectors = _range(covariance)
    return (vectors * values**power) @ vectors.T


def whitener(covariance: Floats) -> Floats:
    """Give R with R'CR = I.

    Parameters
    ----------
    covariance : ndarray of shape (d, d)

    Returns
    -------
    ndarray of shape (d, r)
        r is the numerical rank.

    Examples
    --------
    >>> whitening = whitener(np.diag([4.0, 0.0]))
    >>> whitening.shape, (whitening @ whitening.T)[0, 0].item()
    ((2, 1), 0.25)
    """
    values, vectors = _range(covariance)
    return vectors / np.sqrt(values)


@dataclass(frozen=True)
class Whitened:
    """A domain in the coordinates of the whitener.

    Attributes
    ----------
    count : float
        Number of rows.
    covariance : ndarray of shape (r, r)
        Unbiased; the identity for a single row, which has none.
    """

    count: float
    covariance: Floats

    @classmethod
    def of(cls, count: float, scatter: Floats, whitening: Floats) -> Whitened:
        """Whiten the moments of a domain.

        Parameters
        ----------
        count : float
        scatter : ndarray of shape (d, d)
        whitening : ndarray of shape (d, r)

        Returns
        -------
        Whitened
        """
        if count <= 1:
            return cls(count, np.eye(whitening.shape[1]))
        return cls(count, whitening.T @ scatter @ whitening / (count - 1))

    @cached_property
    def root(self) -> Floats:
        """The symmetric root of the covariance."""
        return covariance_power(self.covariance, 0.5)

    def noise(self, dependence: float) -> float:
        """Give E|W^1/2 - its estimate|^2, from sampling windows.

        Parameters
        ----------
        dependence : float

        Returns
        -------
        float
            Infinite with less than one independent window besides the one that the mean takes.
        """
        dof = (self.count - 1) / dependence
        if dof < 1:
            return np.inf
        rank = len(self.covariance)
        shrunk = mean_root(rank, dof)
        # W^1/2 is about sqrt(level) I; at least that of a source subject, since a few rows in a
        # row show too little spread
        level = max(1.0, (float(np.trace(self.root)) / (rank * shrunk)) ** 2) if rank else 1.0
        return level * 2 * (rank + 1) * (1 - shrunk)


def mean_root(rank: int, dof: float) -> float:
    """Give E tr(W^1/2) / rank of a sample covariance W of independent standard normal rows.

    Parameters
    ----------
    rank : int
        Number of features.
    dof : float
        Degrees of freedom, not below 1.

    Returns
    -------
    float
        1 for many rows, less for few.

    Notes
    -----
    By the law of Marchenko and Pastur (1967) for the eigenvalues of W: with
    x = 1 + g + 2 sqrt(g) cos(t) and g = rank / dof it is the mean of 2 sin(t)^2 / sqrt(x) over t
    from 0 to pi.

    E|W^1/2 - I|^2 = E tr(W) - 2 E tr(W^1/2) + rank is then 2 rank (1 - mean root). For many rows
    that is rank^2 / (4 dof), where the exact value is rank (rank + 1) / (4 dof), so (rank + 1)
    stands for rank in `Whitened.noise`.

    Examples
    --------
    >>> round(mean_root(95, 55), 3), round(mean_root(95, 1e6), 3)
    (0.701, 1.0)
    """
    g = rank / dof
    t = (np.arange(2000) + 0.5) * (np.pi / 2000)
    x = 1 + g + 2 * np.sqrt(g) * np.cos(t)
    return float(2 * np.mean(np.sin(t) ** 2 / np.sqrt(x)))


def covariance_shrinkage(source: Whitened, target: Whitened, dependence: float) -> float:
    """Give the share of the difference of two covariances that is noise.

    Parameters
    ----------
    source, target : Whitened
    dependence : float
        How many windows carry what one independent window would; see `dependence`.

    Returns
    -------
    float
        min(1, noise / |W_s^1/2 - W_t^1/2|^2): 1 where nothing can be told apart, and where a
        domain does not vary.

    Notes
    -----
    |W_s^1/2 - W_t^1/2|^2 is the mean square by which the map of one covariance to the other moves
    whitened rows, so that errors are counted by how far they misplace rows. Of all multiples of
    a difference D that is seen with errors of mean 0, (1 - a) D is closest to the difference
    without errors, in the mean square, for a = E|errors|^2 / E|D|^2. Both are estimated, as
    Ledoit and Wolf do for one covariance matrix. The errors are those of both domains.
    """
    if min(float(np.trace(domain.covariance)) for domain in (source, target)) < RANGE:
        return 1.0  # else a dead signal would pass for a domain of a single point
    noise = source.noise(dependence) + target.noise(dependence)
    difference = float(np.sum(np.square(source.root - target.root)))
    return 1.0 if noise >= difference else noise / difference


def mean_shrinkage(
    delta: Floats, source: Whitened, target: Whitened, dependence: float, shrinkage: float
) -> float:
    """Give the share of the difference of two means that is noise.

    Parameters
    ----------
    delta : ndarray of shape (r,)
        Mean of the target minus mean of the source, whitened.
    source, target : Whitened
    dependence : float
        See `covariance_shrinkage`.
    shrinkage : float
        Its result: how little is known of the covariances.

    Returns
    -------
    float
        min(1, noise / delta'M^-1 delta) with noise = tr(M^-1 W_t) / n_t + tr(M^-1 W_s) / n_s
        times the dependence. W_t and W_s are shrunk towards the identity, and M is the mean of
        W_t and the identity.

    Notes
    -----
    The rule of James and Stein (1961), by the argument of `covariance_shrinkage`. M holds W_t so
    that a target of large spread in few directions is not judged by these alone, and the
    identity so that none counts without bound.

    Examples
    --------
    >>> source, target = Whitened(np.inf, np.eye(1)), Whitened(1.0, np.eye(1))
    >>> mean_shrinkage(np.array([2.0]), source, target, 1.0, 1.0)
    0.25
    """
    r = len(delta)
    own_target, own_source = (
        (1 - shrinkage) * domain.covariance + shrinkage * np.eye(r) for domain in (target, source)
    )
    metric = (np.eye(r) + own_target) / 2
    stacked = np.column_stack([own_target, own_source, delta])
    solved = linalg.solve(metric, stacked, assume_a="pos")
    noise = np.trace(solved[:, :r]) / target.count + np.trace(solved[:, r:-1]) / source.count
    noise *= dependence
    square = float(delta @ solved[:, -1])
    return 1.0 if noise >= square else float(noise / square)


def shrunk_covariances(source: Moments, target: Moments, shrinkage: float) -> tuple[Floats, Floats]:
    """Move the covariances of two domains towards the one of both together.

    Parameters
    ----------
    source, target : (count, mean, scatter)
        Of at least 2 rows each.
    shrinkage : float
        0 leaves both as they are, 1 makes both the joint one.

    Returns
    -------
    source, target : ndarray of shape (d, d)

    Examples
    --------
    >>> few, many = (3.0, np.zeros(1), np.eye(1)), (9.0, np.zeros(1), 29 * np.eye(1))
    >>> [c.item() for c in shrunk_covariances(few, many, 0.5)]
    [1.75, 3.3125]
    """
    dof_source, dof_target = source[0] - 1, target[0] - 1
    joint = (source[2] + target[2]) / (dof_source + dof_target)
    return (
        (1 - shrinkage) * source[2] / dof_source + shrinkage * joint,
        (1 - shrinkage) * target[2] / dof_target + shrinkage * joint,
    )


def dependence(summary: SourceSummary, whitening: Floats) -> float:
    """Estimate how many windows of a source carry what one independent window would.

    Windows that follow each other are alike, so that a covariance of n of them is as uncertain
    as one of n / dependence independent ones.

    Parameters
    ----------
    summary : SourceSummary
        Groups by subject and class.
    whitening : ndarray of shape (d, r)

    Returns
    -------
    float
        At least 1; 1 where there are not two subjects that have the same two classes.

    Notes
    -----
    The covariances W_ic of subject i in class c are taken apart as in an analysis of variance
    with one value a cell: effect of the subject, effect of the class, and a rest R_ic. Would all
    windows be independent and Gaussian, the rest were noise with the expectation

        E sum |R_ic|^2 = (1 - 1/m)(1 - 1/C) sum_ic (tr(W_ic)^2 + |W|^2) / (n_ic - 1).

    The ratio of the sum seen to that expected is returned. Neither the order of the rows nor
    their times are needed. Covariances whose class effect differs between subjects count as
    noise, too, which errs towards more shrinkage.
    """
    names, codes = unique_subjects(check_subjects(summary.subjects, len(summary.subjects)))
    labels = summary.classes.tolist()
    cells = {
        (int(code), label): i
        for i, (code, label) in enumerate(zip(codes, summary.labels.tolist(), strict=True))
        if summary.counts[i] >= 2
    }
    complete = [i for i in range(len(names)) if all((i, label) in cells for label in labels)]
    m, n_classes, r = len(complete), len(labels), whitening.shape[1]
    if m < 2 or n_classes < 2 or r == 0:
        return 1.0
    # sum |R|^2 = sum |W_ic|^2 - C sum |W_i.|^2 - m sum |W_.c|^2 + m C |W_..|^2, one subject at a
    # time, so that no second copy of the summary is needed
    by_class = np.zeros((n_classes, r, r))
    rest = traces = inverse_dofs = 0.0
    for i in complete:
        chosen = [cells[i, label] for label in labels]
        dofs = summary.counts[chosen] - 1
        W = np.array([whitening.T @ summary.scatters[g] @ whitening for g in chosen])
        W /= dofs[:, None, None]
        rest += float(np.vdot(W, W)) - n_classes * float(np.sum(np.square(W.mean(axis=0))))
        traces += float(np.sum(np.square(np.trace(W, axis1=1, axis2=2)) / dofs))
        inverse_dofs += float(np.sum(1 / dofs))
        by_class += W / m
    overall = by_class.mean(axis=0)
    square = float(np.vdot(overall, overall))
    rest += m * (n_classes * square - float(np.vdot(by_class, by_class)))
    expected = (1 - 1 / m) * (1 - 1 / n_classes) * (traces + square * inverse_dofs)
    return max(1.0, rest / expected) if expected > 0 else 1.0


def _range(covariance: Floats) -> tuple[Floats, Floats]:
    """Give eigenvalues and eigenvectors of the numerical range."""
    values, vectors = linalg.eigh(covariance)
    keep = values > RANGE * values[-1]
    return values[keep], vectors[:, keep]
