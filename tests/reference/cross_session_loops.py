"""Earlier sessions of a person against each later one, with LDA, written as plain loops."""

from __future__ import annotations

import numpy as np
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis


def person_means(X, y, subjects, sessions, normalization):
    """Mean accuracy over the later sessions of each person, in order of the names."""
    X, y = np.asarray(X, float), np.asarray(y)
    subjects, sessions = np.asarray(subjects), np.asarray(sessions)
    means = []
    for subject in sorted(set(subjects)):
        found = []
        for session in sorted(set(sessions[subjects == subject]))[1:]:
            source = (subjects == subject) & (sessions < session)
            test = (subjects == subject) & (sessions == session)
            Z = X.copy()
            if normalization == "z0":
                Z = (X - X[source].mean(axis=0)) / X[source].std(axis=0)
            if normalization == "z2":
                for own in sorted(set(sessions[subjects == subject])):
                    rows = (subjects == subject) & (sessions == own)
                    Z[rows] = (X[rows] - X[rows].mean(axis=0)) / X[rows].std(axis=0)
            lda = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=OAS())
            lda.fit(Z[source], y[source])
            found.append(float(np.mean(lda.predict(Z[test]) == y[test])))
        means.append(float(np.mean(found)))
    return means
