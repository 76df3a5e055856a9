"""Subspace alignment of each source and self-training, by plain loops with scikit-learn's LDA."""

from __future__ import annotations

import numpy as np
from reference.subspaces_naive import centred, pca_basis
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis


def aligned(X, subjects, T, k, per_source):
    """Aligned source rows, in the order of X, and aligned target rows."""
    P_t = pca_basis(T, k)
    out = np.zeros((len(X), k))
    for person in np.unique(subjects) if per_source else [None]:
        rows = subjects == person if per_source else np.ones(len(X), dtype=bool)
        P_s = pca_basis(X[rows], k)
        out[rows] = centred(X[rows]) @ P_s @ P_s.T @ P_t
    return out, centred(T) @ P_t


def lda(X, y):
    return LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=OAS()).fit(X, y)


def log_odds(model, z):
    """Log-probability of the most probable class less that of the next, by the Gaussians."""
    solved = np.linalg.solve(model.covariance_, model.means_.T)
    values = [
        z @ solved[:, c] - 0.5 * mean @ solved[:, c] + np.log(model.priors_[c])
        for c, mean in enumerate(model.means_)
    ]
    return sorted(values)[-1] - sorted(values)[-2]


def pseudo_labels(model, Z, least, mix):
    """Row -> label: the surest rows of each class, in the sources' mix."""
    probabilities = model.predict_proba(Z)
    of_class = {c: [] for c in range(len(mix))}
    for i, p in enumerate(probabilities):
        if max(p) >= least:
            of_class[int(np.argmax(p))].append((-log_odds(model, Z[i]), i))
    most = min(len(of_class[c]) / mix[c] for c in of_class)
    counts = [int(mix[c] * most + 1e-9) for c in of_class]
    if min(counts) == 0:
        return {}
    return {i: model.classes_[c] for c in of_class for _, i in sorted(of_class[c])[: counts[c]]}


def asfm(X, y, subjects, T, k, per_source=True, max_rounds=10):
    """The classifier, the aligned target rows and how often it was fitted anew."""
    Z, Z_t = aligned(X, subjects, T, k, per_source)
    mix = [np.mean(y == label) for label in np.unique(y)]
    model, labels, n_fits = lda(Z, y), {}, 0
    for i in range(max_rounds):
        least = [0.9, 0.8, 0.7, 0.6, 0.5][min(i, 4)]
        new = pseudo_labels(model, Z_t, least, mix)
        if new == labels and least == 0.5:
            break
        if new != labels:
            rows = sorted(new)
            model = lda(np.vstack([Z, Z_t[rows]]), np.concatenate([y, [new[j] for j in rows]]))
            n_fits += 1
        labels = new
    return model, Z_t, n_fits
