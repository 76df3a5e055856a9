"""Re-centring of covariances, one matrix at a time."""

from __future__ import annotations

import math

import numpy as np
from scipy import linalg


def unpack(row, n_bands):
    """One symmetric matrix a band: pairs in rows of the upper triangle, band fastest."""
    n_pairs = len(row) // n_bands
    p = next(p for p in range(1, n_pairs + 1) if p * (p + 1) // 2 == n_pairs)
    matrices = [np.zeros((p, p)) for _ in range(n_bands)]
    column = 0
    for i in range(p):
        for j in range(i, p):
            for band in range(n_bands):
                matrices[band][i, j] = matrices[band][j, i] = row[column]
                column += 1
    return matrices


def arithmetic_mean(matrices):
    return sum(matrices) / len(matrices)


def log_euclidean_mean(matrices):
    return linalg.expm(sum(linalg.logm(C) for C in matrices) / len(matrices))


def logarithm(A):
    """Logarithm of a matrix with positive eigenvalues that need not be symmetric."""
    values, vectors = np.linalg.eig(A)
    return np.real(vectors @ np.diag(np.log(values)) @ np.linalg.inv(vectors))


def karcher_mean(matrices):
    """M <- M exp(0.8 mean log(M^-1 C)): no square roots, and a step that is always the same."""
    M = arithmetic_mean(matrices)
    for _ in range(200):
        gradient = sum(logarithm(np.linalg.solve(M, C)) for C in matrices) / len(matrices)
        M = M @ linalg.expm(0.8 * gradient)
        M = (M + M.T) / 2
        if np.abs(gradient).max() < 1e-13:
            break
    return M


MEANS = {"riemann": karcher_mean, "euclid": arithmetic_mean, "logeuclid": log_euclidean_mean}


def recentre(C, R, metric):
    if metric == "logeuclid":
        return linalg.expm(linalg.logm(C) - linalg.logm(R))
    root = linalg.inv(linalg.sqrtm(R))
    return root @ C @ root


def tangent(C):
    """Upper triangle of log C, row by row, off the diagonal times the root of two."""
    L, vector = linalg.logm(C), []
    for i in range(len(C)):
        for j in range(i, len(C)):
            vector.append(float(np.real(L[i, j])) * (1 if i == j else math.sqrt(2)))
    return vector


def references(rows, n_bands, metric):
    """The mean matrix of some rows in each band."""
    unpacked = [unpack(row, n_bands) for row in rows]
    return [MEANS[metric]([matrices[band] for matrices in unpacked]) for band in range(n_bands)]


def recentred_rows(rows, reference, n_bands, metric):
    """Tangent vectors, band fastest, of rows as seen from a reference in each band."""
    out = []
    for row in rows:
        vectors = [
            tangent(recentre(C, R, metric))
            for C, R in zip(unpack(row, n_bands), reference, strict=True)
        ]
        out.append(
            [vectors[band][pair] for pair in range(len(vectors[0])) for band in range(n_bands)]
        )
    return np.array(out)


def geometric_mean_of_two(A, B):
    """A^1/2 (A^-1/2 B A^-1/2)^1/2 A^1/2: the Riemannian mean in closed form."""
    half = np.real(linalg.sqrtm(A))
    inverse = linalg.inv(half)
    return half @ np.real(linalg.sqrtm(inverse @ B @ inverse)) @ half
