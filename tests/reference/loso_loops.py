"""Leave one subject out with LDA, written plainly with numpy and scikit-learn only."""

from __future__ import annotations

import numpy as np
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis


def accuracies(X, y, subjects, normalization):
    """Window accuracy of each person in turn, in order of their names."""
    X, y, subjects = np.asarray(X, float), np.asarray(y), np.asarray(subjects)
    found = []
    for subject in sorted(set(subjects)):
        test = subjects == subject
        Z = X.copy()
        if normalization == "z0":
            Z = (X - X[~test].mean(axis=0)) / X[~test].std(axis=0)
        if normalization == "z2":
            for own in sorted(set(subjects)):
                rows = subjects == own
                Z[rows] = (X[rows] - X[rows].mean(axis=0)) / X[rows].std(axis=0)
        lda = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=OAS())
        lda.fit(Z[~test], y[~test])
        found.append(float(np.mean(lda.predict(Z[test]) == y[test])))
    return found
