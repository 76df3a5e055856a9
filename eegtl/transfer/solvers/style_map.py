"""Style transfer mapping: the affine map of one person's rows onto destinations of another's.

Plain functions: where rows of a class should go (prototypes or Gaussians of the other person) and
the regularised map that brings them there, in closed form.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ...kernels.gram import canonical_order
from ..classifiers import oas_covariance

Floats = NDArray[np.float64]


def fit_style_map(
    S: Floats, T: Floats, confidence: Floats, beta: float, gamma_b: float
) -> tuple[Floats, Floats]:
    """Find the affine map, close to the identity, that brings rows to their destinations.

    Minimises sum_i f_i |A s_i + b - t_i|^2 + beta |A - I|^2 + gamma |b|^2 over A and b.

    Parameters
    ----------
    S : ndarray of shape (n, d)
        Rows, s_i.
    T : ndarray of shape (n, d)
        Their destinations, t_i.
    confidence : ndarray of shape (n,)
        f_i, not negative.
    beta : float
        Relative: the weight of |A - I|^2 is this times the mean over the features of
        sum_i f_i s_i^2.
    gamma_b : float
        Relative: the weight of |b|^2 is this times sum_i f_i.

    Returns
    -------
    A : ndarray of shape (d, d)
    b : ndarray of shape (d,)
        A row x goes to ``A @ x + b``. The identity where no row has any confidence.

    Notes
    -----
    Setting the derivatives to 0 with F = sum f + gamma, s = sum f_i s_i, t = sum f_i t_i gives
    b = (t - A s) / F and A P = Q with P = sum f_i s_i s_i' - s s' / F + beta I and
    Q = sum f_i t_i s_i' - t s' / F + beta I. P is positive definite where beta is positive.
    A - I = (Q - P) P^-1 has the span of the rows as its row space, so that directions in which no
    row lies are left as they are. With beta to infinity A becomes I and b the mean way to the
    destinations over 1 + `gamma_b`. Time n d^2 + d^3.

    References
    ----------
    Zhang, Liu, "Writer adaptation with style transfer mapping", IEEE Transactions on Pattern
    Analysis and Machine Intelligence 35(7), 2013.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((50, 2))
    >>> A, b = fit_style_map(rows, 2 * rows + 1, np.ones(50), beta=1e-9, gamma_b=0.0)
    >>> A.round(6).tolist(), b.round(6).tolist()
    ([[2.0, 0.0], [0.0, 2.0]], [1.0, 1.0])
    """
    d = S.shape[1]
    total = float(confidence.sum())
    if not total > 0:
        return np.eye(d), np.zeros(d)
    weighted = S * confidence[:, None]
    scatter = weighted.T @ S
    weight = beta * float(np.trace(scatter)) / d
    F = total * (1 + gamma_b)
    s, t = weighted.sum(axis=0), confidence @ T
    if not weight > 0:  # all rows lie at the origin: nothing is known about A
        return np.eye(d), t / F
    P = scatter - np.outer(s, s) / F
    P.flat[:: d + 1] += weight
    Q = T.T @ weighted - np.outer(t, s) / F
    Q.flat[:: d + 1] += weight
    A = _solve_positive(P, Q.T).T
    return A, (t - A @ s) / F


def _solve_positive(P: Floats, right: Floats) -> Floats:
    try:
        return linalg.cho_solve(linalg.cho_factor(P, check_finite=False), right)
    except linalg.LinAlgError:  # beta is within rounding of nothing
        return linalg.lstsq(P, right)[0]


def clear_rows(margins: Floats, at_least: int) -> NDArray[np.intp]:
    """Choose the rows that a machine does not take for ambiguous.

    Parameters
    ----------
    margins : ndarray of shape (n,)
        Of each row the smallest margin y f(x) over the machines; rows below 1 are support
        vectors.
    at_least : int
        Where fewer rows than this are no support vectors, those of the largest margins count.

    Returns
    -------
    ndarray of shape (n_chosen,)
        Indices, rising.

    Examples
    --------
    >>> clear_rows(np.array([0.2, 3.0, -1.0, 1.5]), 1).tolist()
    [1, 3]
    >>> clear_rows(np.array([0.2, 3.0, -1.0, 0.5]), 2).tolist()
    [1, 3]
    """
    clear = np.flatnonzero(margins >= 1)
    if len(clear) >= min(at_least, len(margins)):
        return clear
    return np.sort(np.argsort(-margins, kind="stable")[:at_least])


def class_prototypes(X: Floats, n_prototypes: int, random_state: int) -> Floats:
    """Summarise rows by the centres of k-means.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    n_prototypes : int
        At most this many; rows may be fewer or coincide.
    random_state : int

    Returns
    -------
    ndarray of shape (n_centres, d)
        They do not depend on the order of the rows.

    Examples
    --------
    >>> rows = np.array([[0.0], [0.2], [5.0], [5.2]])
    >>> sorted(class_prototypes(rows, 2, 0).round(3).ravel().tolist())
    [0.1, 5.1]
    """
    X = X[canonical_order(X)]
    means = KMeans(min(n_prototypes, len(X)), n_init=1, random_state=random_state)
    with warnings.catch_warnings():  # rows that coincide make fewer clusters, which is fine
        warnings.simplefilter("ignore", ConvergenceWarning)
        means.fit(X)
    return means.cluster_centers_[np.unique(means.labels_)]


def nearest_prototypes(Z: Floats, prototypes: Floats) -> Floats:
    """Give the prototype that each row is nearest to.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
    prototypes : ndarray of shape (k, d)

    Returns
    -------
    ndarray of shape (n, d)

    Examples
    --------
    >>> nearest_prototypes(np.array([[0.4], [9.0]]), np.array([[0.0], [1.0]])).ravel().tolist()
    [0.0, 1.0]
    """
    half_squares = np.square(prototypes).sum(axis=1) / 2
    return prototypes[np.argmax(Z @ prototypes.T - half_squares, axis=1)]


def whitening(X: Floats, floor: float) -> Floats:
    """Give R such that |(x - mean) R| is the Mahalanobis distance from the rows' Gaussian.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows of one class; their covariance is shrunk by OAS.
    floor : float
        Variance that is added in each direction, for classes whose rows coincide.

    Returns
    -------
    ndarray of shape (d, d)

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((1000, 2)) * [2, 10]
    >>> np.diagonal(whitening(rows, 0.0)).round(1).tolist()
    [0.5, 0.1]
    """
    centred = X - X.mean(axis=0)
    covariance = oas_covariance(centred.T @ centred / len(X), len(X)).copy()
    covariance.flat[:: len(covariance) + 1] += floor
    lower = linalg.cholesky(covariance, lower=True)
    return linalg.solve_triangular(lower, np.eye(len(lower)), lower=True).T


def towards_gaussian(Z: Floats, mean: Floats, root: Floats, radius: float) -> Floats:
    """Pull rows that are far from a class to the shell on which its typical rows lie.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
    mean : ndarray of shape (d,)
    root : ndarray of shape (d, d)
        As from `whitening`.
    radius : float
        Of the shell, in units of sqrt(d): the root mean square Mahalanobis distance of the rows of
        a Gaussian is 1.

    Returns
    -------
    ndarray of shape (n, d)
        ``mean + (z - mean) min(1, radius sqrt(d) / distance)``.

    Examples
    --------
    >>> towards_gaussian(np.array([[0.5], [4.0]]), np.zeros(1), np.eye(1), 1.0).ravel().tolist()
    [0.5, 1.0]
    """
    away = Z - mean
    distance = np.sqrt(np.square(away @ root).sum(axis=1))
    reach = radius * np.sqrt(Z.shape[1])
    return mean + away * (reach / np.maximum(distance, reach))[:, None]
