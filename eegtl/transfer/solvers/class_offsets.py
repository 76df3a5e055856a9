"""Offsets of log-posteriors that bring their mean posterior to a given class mix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Floats = NDArray[np.float64]

#: Newton steps on one level of sharpness; a few are usual.
MAX_STEPS = 200


def class_offsets(log_posteriors: Floats, prior: Floats, weight: Floats | None = None) -> Floats:
    """Find what to add to log-posteriors so that their mean posterior is the prior.

    Parameters
    ----------
    log_posteriors : ndarray of shape (n_rows, n_classes)
    prior : ndarray of shape (n_classes,)
        Positive, with the sum 1.
    weight : ndarray of shape (n_rows,), optional
        How much each row counts; None means all alike.

    Returns
    -------
    ndarray of shape (n_classes,)
        Of mean 0. Zeros when there are no rows.

    Notes
    -----
    With p_i = softmax(l_i + b), the gradient of mean_i logsumexp(l_i + b) - prior'b is
    mean_i p_i - prior, and its second derivatives are those of a graph whose edge between
    classes c and e is mean_i p_ic p_ie. Newton's steps s are shortened to log(1 + r) / r of
    their length, r = max(s) - min(s), with which they converge from anywhere, since third
    derivatives along s are at most r times second ones (Sun and Tran-Dinh 2019). For sharp
    posteriors the problem is solved for blunted ones first, l / 2^k. These are the potentials of
    the entropic optimal transport of rows to classes (cost -l, regularisation 1).

    Where a whole number of rows belongs to each class and all are sure, gradient and curvature
    are both tiny; they are summed from the small probabilities alone, which keeps their digits.

    References
    ----------
    Sun, Tran-Dinh, "Generalized self-concordant functions: a recipe for Newton-type methods",
    Mathematical Programming 178, 2019.

    Examples
    --------
    >>> rows = np.log([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4]])
    >>> softmax(rows + class_offsets(rows, np.array([0.5, 0.5])), axis=1).mean(axis=0).round(9)
    array([0.5, 0.5])
    """
    offsets = np.zeros(len(prior))
    if not len(log_posteriors):
        return offsets
    weight = np.ones(len(log_posteriors)) if weight is None else weight
    weight = weight / weight.sum()
    levels = log_posteriors - log_posteriors.max(axis=1, keepdims=True)
    sharpness = min(1.0, 16 / max(float(-levels.min()), 1e-300))
    while True:
        offsets = _newton(sharpness * levels, prior, weight, offsets)
        if sharpness == 1:
            return offsets - offsets.mean()
        sharper = min(1.0, 2 * sharpness)
        offsets, sharpness = offsets * (sharper / sharpness), sharper


def _newton(levels: Floats, prior: Floats, weight: Floats, offsets: Floats) -> Floats:
    """Minimise by damped Newton steps from some offsets on."""
    n_classes = len(prior)
    rows, off_diagonal = np.arange(len(levels)), ~np.eye(n_classes, dtype=bool)
    for _ in range(MAX_STEPS):
        p = softmax(levels + offsets, axis=1)
        own = p.argmax(axis=1)
        p[rows, own] = 0.0
        rest = p.sum(axis=1)  # 1 - p of the most probable class, with all its digits
        excess = np.bincount(own, weights=weight, minlength=n_classes) - prior
        excess[np.abs(excess) < 1e-13] = 0.0
        missing = np.bincount(own, weights=weight * rest, minlength=n_classes)
        gradient = excess + weight @ p - missing
        p[rows, own] = 1 - rest
        edges = (p.T * weight) @ p * off_diagonal
        degree = edges.sum(axis=1)
        if not np.all(degree > 0):  # rows too sure for a double: the middle of the gap is reached
            break
        scale = np.sqrt(degree)
        laplacian = (np.diag(degree) - edges) / scale / scale[:, None]
        step = -np.linalg.lstsq(laplacian, gradient / scale, rcond=1e-15)[0] / scale
        length = float(np.ptp(step))
        if length > 0:
            step *= np.log1p(length) / length
        offsets = offsets + step - step.mean()
        if length <= 1e-13 * max(1.0, float(np.ptp(offsets))):
            break
    return offsets
