"""The geodesic flow kernel as the integral it is defined by, and as the paper's three blocks."""

from __future__ import annotations

import numpy as np
from scipy.linalg import null_space


def gfk_integral(P_s, P_t, n=2001):
    """Simpson's rule over the geodesic Phi(u) from P_s to P_t, for Phi(u) Phi(u)'."""
    R_s = null_space(P_s.T)
    left, cosines, right = np.linalg.svd(P_s.T @ P_t)
    angles = np.arccos(np.clip(cosines, 0.0, 1.0))
    # R_s'P_t = -U2 sin(angles) V'; columns of angle 0 have no direction of their own
    rest = R_s.T @ P_t @ right.T
    U2 = np.zeros_like(rest)
    for i, angle in enumerate(angles):
        if angle > 1e-9:
            U2[:, i] = -rest[:, i] / np.sin(angle)
    total = np.zeros((len(P_s), len(P_s)))
    for j, u in enumerate(np.linspace(0.0, 1.0, n)):
        flow = P_s @ left @ np.diag(np.cos(u * angles)) - R_s @ U2 @ np.diag(np.sin(u * angles))
        weight = 1 if j in (0, n - 1) else 4 if j % 2 else 2
        total += weight * (flow @ flow.T)
    return total / (3 * (n - 1))


def gfk_blocks(P_s, P_t):
    """Equations 5 and 6 of Gong et al. 2012, for angles that are all above 0."""
    R_s = null_space(P_s.T)
    left, cosines, right = np.linalg.svd(P_s.T @ P_t)
    t = np.arccos(np.clip(cosines, 0.0, 1.0))
    U2 = -R_s.T @ P_t @ right.T / np.sin(t)
    L1 = np.diag(1 + np.sin(2 * t) / (2 * t))
    L2 = np.diag((np.cos(2 * t) - 1) / (2 * t))
    L3 = np.diag(1 - np.sin(2 * t) / (2 * t))
    sides = np.hstack([P_s @ left, R_s @ U2])
    return 0.5 * sides @ np.block([[L1, L2], [L2, L3]]) @ sides.T
