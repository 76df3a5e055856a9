"""Surface potential of a radial dipole in a homogeneous sphere, as a Legendre series."""

from __future__ import annotations

import math


def legendre(n: int, x: float) -> float:
    before, now = 1.0, x
    if n == 0:
        return before
    for k in range(2, n + 1):
        before, now = now, ((2 * k - 1) * x * now - (k - 1) * before) / k
    return now


def radial_potential(electrode: list[float], dipole: list[float], depth: float) -> float:
    """V = sum over n >= 1 of (2 n + 1) depth^(n - 1) P_n(cos angle)."""
    cosine = math.fsum(a * b for a, b in zip(electrode, dipole, strict=True))
    return math.fsum((2 * n + 1) * depth ** (n - 1) * legendre(n, cosine) for n in range(1, 200))
