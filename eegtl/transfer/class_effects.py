"""What classes do to everybody, apart from where each person lies: the additive model.

Group means are taken to be person + class, in units of each person's own spread. With it the
statistics that a person would have at another class mix follow from those at its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .classifiers import oas_covariance
from .normalization import _scale as standard_deviation

Floats = NDArray[np.float64]

#: Passes between the people's scales and the class effects; they settle in three.
_PASSES = 6
#: Least share of the variance that counts as within classes.
_LEAST_WITHIN = 0.05
#: What of the squared misses of people left out counts as spread: chosen on invented wearers.
_LEFT_OUT = 0.5
#: Penalty on people's offsets, in shares of their rows; it decides only where nothing else tells
#: people from classes.
_TIE_BREAK = 1e-6


@dataclass(frozen=True)
class GroupMoments:
    """Moments of each (person, class).

    Attributes
    ----------
    people, classes : ndarray of int, shape (n_groups,)
        Codes.
    counts : ndarray of shape (n_groups,)
    means : ndarray of shape (n_groups, n_features)
    scatters : ndarray of shape (n_groups, n_features, n_features)
    """

    people: NDArray[np.intp]
    classes: NDArray[np.intp]
    counts: Floats
    means: Floats
    scatters: Floats


@dataclass(frozen=True)
class SourceStatistics:
    """Where each person lies at the common class mix, and what classes add.

    Attributes
    ----------
    shares : ndarray of shape (n_people, n_classes)
        Each person's own class mix.
    mix : ndarray of shape (n_classes,)
        The common one: that of all rows.
    centre, scale : ndarray of shape (n_people, n_features)
        Mean and standard deviation that each would have at the common mix.
    pooled_centre, pooled_scale : ndarray of shape (n_features,)
        Of all people together.
    effects : ndarray of shape (n_classes, n_features)
        Class means in normalised space; their mean at the common mix is 0.
    """

    shares: Floats
    mix: Floats
    centre: Floats
    scale: Floats
    pooled_centre: Floats
    pooled_scale: Floats
    effects: Floats


def additive_effects(moments: GroupMoments, means: Floats, mix: Floats) -> Floats:
    """Fit person + class to group means by least squares, and give the classes' part.

    Parameters
    ----------
    moments : GroupMoments
        Whose codes and counts are read.
    means : ndarray of shape (n_groups, n_features)
        The means, in the unit wanted.
    mix : ndarray of shape (n_classes,)
        At which the effects have the mean 0.

    Returns
    -------
    ndarray of shape (n_classes, n_features)

    Notes
    -----
    Rows count alike. Where people and classes cannot be told apart (each has one class only), the
    classes get what they can explain: offsets of people are penalised by a millionth of their
    rows, which otherwise changes nothing.
    """
    n_people, n_classes = moments.people.max() + 1, len(mix)
    design = np.zeros((len(means), n_people + n_classes))
    rows = np.arange(len(means))
    design[rows, moments.people] = 1
    design[rows, n_people + moments.classes] = 1
    weighted = design * moments.counts[:, None]
    normal = weighted.T @ design
    own = np.arange(n_people)
    normal[own, own] += _TIE_BREAK * moments.counts.sum() / n_people
    # the offset common to all is free of meaning: people count about their weighted mean
    centred = means - moments.counts @ means / moments.counts.sum()
    solution = np.linalg.lstsq(normal, weighted.T @ centred, rcond=1e-13)[0]
    effects: Floats = solution[n_people:]
    return effects - mix @ effects


def between_classes(mix: Floats, effects: Floats) -> Floats:
    """Give the variance between classes at one class mix or several.

    Parameters
    ----------
    mix : ndarray of shape (n_classes,) or (n_mixes, n_classes)
    effects : ndarray of shape (n_classes, n_features)

    Returns
    -------
    ndarray of shape (n_features,) or (n_mixes, n_features)

    Examples
    --------
    >>> between_classes(np.array([0.5, 0.5]), np.array([[-1.0], [1.0]])).tolist()
    [1.0]
    """
    variance: Floats = np.maximum(mix @ effects**2 - (mix @ effects) ** 2, 0.0)
    return variance


def variance_gain(between: Floats, common: Floats) -> Floats:
    """Give what a person's variance is multiplied by when the mix becomes the common one.

    Parameters
    ----------
    between : ndarray of shape (..., n_features)
        Variance between classes at the person's mix, in normalised space.
    common : ndarray of shape (n_features,)
        At the common mix, where the whole variance is 1.

    Returns
    -------
    ndarray of shape (..., n_features)
        (w + common) / (w + between) with the variance within classes w = 1 - common.

    Examples
    --------
    >>> variance_gain(np.array([0.0]), np.array([0.5])).tolist()
    [2.0]
    """
    within = np.maximum(1 - common, _LEAST_WITHIN)
    gain: Floats = (within + common) / (within + between)
    return gain


def source_statistics(moments: GroupMoments, n_classes: int) -> SourceStatistics:
    """Standardise each person as if all had the common class mix.

    Parameters
    ----------
    moments : GroupMoments
    n_classes : int

    Returns
    -------
    SourceStatistics

    Notes
    -----
    With shares pi of a person, mean m and variance v of its rows, and the class effects e of
    everybody: scale a^2 = v (w + Var_p(e)) / (w + Var_pi(e)), centre b = m - a sum_c pi_c e_c. The
    effects are those of group means divided by a, which in turn depend on e; a few passes settle
    both. A person with the common mix p keeps its own mean and standard deviation exactly.
    """
    people, counts = moments.people, moments.counts
    n_people = people.max() + 1
    table = np.zeros((n_people, n_classes))
    table[people, moments.classes] = counts
    rows = table.sum(axis=1)
    shares, mix = table / rows[:, None], table.sum(axis=0) / rows.sum()
    mean = np.zeros((n_people, moments.means.shape[1]))
    np.add.at(mean, people, counts[:, None] * moments.means)
    mean /= rows[:, None]
    squares = np.zeros_like(mean)
    spread = counts[:, None] * (moments.means - mean[people]) ** 2
    np.add.at(squares, people, np.einsum("gii->gi", moments.scatters) + spread)
    grand = rows @ mean / rows.sum()
    total = (squares.sum(axis=0) + rows @ (mean - grand) ** 2) / rows.sum()
    fallback = standard_deviation(grand, total, np.ones(len(grand)))
    own = np.array(
        [
            standard_deviation(m, s / n, fallback)
            for m, s, n in zip(mean, squares, rows, strict=True)
        ]
    )
    scale, effects = own, np.zeros((n_classes, mean.shape[1]))
    for _ in range(_PASSES):
        effects = additive_effects(moments, (moments.means - grand) / scale[people], mix)
        common = between_classes(mix, effects)
        scale = own * np.sqrt(variance_gain(between_classes(shares, effects), common))
    centre = mean - scale * (shares @ effects)
    pooled = rows @ centre / rows.sum()
    # z1's scale: where a feature is constant for a person, it adds no variance of its own
    within = np.where(squares > 0, scale, 0.0) ** 2
    variance = rows @ (within + (centre - pooled) ** 2) / rows.sum()
    pooled_scale = standard_deviation(pooled, variance, np.ones(len(pooled)))
    return SourceStatistics(shares, mix, centre, scale, pooled, pooled_scale, effects)


@dataclass(frozen=True)
class ClassPlane:
    """The plane in which classes differ, and where people lie in it.

    Attributes
    ----------
    directions : ndarray of shape (n_features, n_directions)
        Projections of normalised rows; within classes their covariance is the identity.
    within : ndarray of shape (n_features, n_features)
        Covariance within classes, in normalised space.
    regression : ndarray of shape (n_features, n_directions)
    constant : ndarray of shape (n_directions,)
        A person with the offset o (centre minus pooled centre, in units of its scale) lies at
        constant + o regression in the plane, as far as all other directions tell.
    spread : ndarray of shape (n_directions, n_directions)
        Covariance of people about that; empty where a single person leaves it unknown.
    noise : float
        Variance of people's class means about person + class, in the plane.
    scale_spread : float
        Standard deviation of the logarithm of people's variance within classes, in the plane.
    """

    directions: Floats
    within: Floats
    regression: Floats
    constant: Floats
    spread: Floats
    noise: float
    scale_spread: float


def class_plane(moments: GroupMoments, statistics: SourceStatistics) -> ClassPlane:
    """Find the plane of the classes, and what the sources say of a person's place in it.

    Parameters
    ----------
    moments : GroupMoments
    statistics : SourceStatistics

    Returns
    -------
    ClassPlane
        With no direction where classes do not differ or nothing varies within them.

    Notes
    -----
    Directions: W^-1 times the class effects, W the covariance within classes with OAS shrinkage
    (the plane of linear discriminant analysis). A person's place in it is predicted from the W-
    orthogonal rest of its offset by ridge regression over the source people (a Gaussian process
    with a linear kernel; the ridge is the variance of class means about the additive model, which
    is the noise of an offset), and `spread` is what the prediction misses when each person in turn
    is left out (half of the squared misses: docs/methods/shift-aware.md).
    """
    people, counts, scale = moments.people, moments.counts, statistics.scale
    effects, mix = statistics.effects, statistics.mix
    inverse = 1 / scale[people]
    within = np.einsum("gij,gi,gj->ij", moments.scatters, inverse, inverse) / counts.sum()
    within = (within + within.T) / 2  # to the last bit: such matrices are kept by half
    values, vectors = np.linalg.eigh(oas_covariance(within, float(counts.sum())))
    weighted = np.sqrt(mix)[:, None] * effects
    empty = np.zeros((len(within), 0))
    if values[-1] <= 0:
        return ClassPlane(empty, within, empty, np.zeros(0), np.zeros((0, 0)), 0.0, 0.0)
    precision = (vectors / np.maximum(values, 1e-10 * values[-1])) @ vectors.T
    strength, turn = np.linalg.eigh(weighted @ precision @ weighted.T)
    kept = strength > max(1e-9 * strength[-1], 1e-12)
    plane = precision @ weighted.T @ turn[:, kept] / np.sqrt(strength[kept])
    values, vectors = np.linalg.eigh(plane.T @ within @ plane)
    D = plane @ (vectors / np.sqrt(np.maximum(values, 1e-6))) @ vectors.T
    noise = _noise(
        moments,
        ((moments.means - statistics.centre[people]) * inverse - effects[moments.classes]) @ D,
        len(mix),
    )
    spread_of_scale = _scale_spread(moments, inverse, D)
    n_people = len(scale)
    if n_people < 2:
        zero = np.zeros(D.shape[1])
        nothing = np.zeros((0, 0))
        return ClassPlane(D, within, np.zeros_like(D), zero, nothing, noise, spread_of_scale)
    offsets = (statistics.centre - statistics.pooled_centre) / scale
    places, middle = offsets @ D, offsets.mean(axis=0)
    rest = (precision - plane @ plane.T) @ (offsets - middle).T
    gram = (offsets - middle) @ rest
    values, vectors = np.linalg.eigh((gram + gram.T) / 2)
    values = np.maximum(values, 0.0)
    ridge = n_people * noise
    hat = 1 / n_people + (vectors * (values / (values + ridge))) @ vectors.T
    missed = (places - hat @ places) / np.maximum(1 - np.diag(hat), 1e-6)[:, None]
    second = missed.T @ missed / n_people
    typical = np.trace(second) / max(D.shape[1], 1)
    # two people's worth of the mean: a few people do not span the plane
    spread = _LEFT_OUT * (n_people * second + 2 * typical * np.eye(D.shape[1])) / (n_people + 2)
    weights = (vectors / (values + ridge)) @ vectors.T @ (places - places.mean(axis=0))
    regression = rest @ weights
    constant = places.mean(axis=0) - middle @ regression
    return ClassPlane(D, within, regression, constant, spread, noise, spread_of_scale)


def _noise(moments: GroupMoments, misses: Floats, n_classes: int) -> float:
    """Give the variance of group means about person + class; a tenth where nothing tells it."""
    free = len(moments.counts) - (moments.people.max() + 1) - n_classes + 1
    if free < 1 or not misses.shape[1]:
        return 0.1
    return max(float(np.square(misses).sum()) / (free * misses.shape[1]), 1e-3)


def _scale_spread(moments: GroupMoments, inverse: Floats, D: Floats) -> float:
    """Give the spread of the logarithm of people's variance in the plane."""
    n_people = moments.people.max() + 1
    squares, free = np.zeros(n_people), np.zeros(n_people)
    for who, count, scatter, unit in zip(
        moments.people, moments.counts, moments.scatters, inverse, strict=True
    ):
        scaled = unit[:, None] * D
        squares[who] += np.einsum("dr,de,er->", scaled, scatter, scaled)
        free[who] += (count - 1) * D.shape[1]
    told = (free >= 5) & (squares > 0)
    if told.sum() < 2:
        return 0.0
    return min(float(np.std(np.log(squares[told] / free[told]), ddof=1)), 1.0)
