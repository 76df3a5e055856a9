"""Largest eigenpairs by a block Krylov space with Rayleigh-Ritz, and which of them to trust."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ...errors import InputError, TransferWarning

Floats = NDArray[np.float64]

#: Residual |Aw - lBw| / (|Aw| + |l||Bw|) at which the iteration stops.
TOLERANCE = 1e-9
#: Residual up to which a pair is kept.
TRUSTED = 1e-8
#: Residual of a dense solution up to which a pair counts as lost to rounding.
ROUNDED = 1e-5
#: Eigenvalues below this share of the largest may be left out where rounding hides them.
NEGLIGIBLE = 1e-6
#: At most this many rows are solved densely, where that is faster than iterating.
DENSE_ROWS = 600
#: At most this many are, where iterating does not converge (about 20 s and 1 GB).
DENSE_FALLBACK_ROWS = 4500
#: Columns of a block; wide enough for fast matrix products.
BLOCK = 16


@dataclass(frozen=True)
class Pairs:
    """Eigenpairs, largest first.

    Attributes
    ----------
    vectors : ndarray of shape (n, m)
    eigenvalues, residuals : ndarray of shape (m,)
    """

    vectors: Floats
    eigenvalues: Floats
    residuals: Floats

    @property
    def n_trusted(self) -> int:
        """How many leading pairs reach the trusted residual."""
        bad = np.flatnonzero(self.residuals > TRUSTED)
        return int(bad[0]) if len(bad) else len(self.residuals)

    @property
    def complete(self) -> bool:
        """Whether what is not trusted is negligible against the largest pair."""
        k = self.n_trusted
        if k == len(self.eigenvalues):
            return True
        return k > 0 and bool(self.eigenvalues[k] <= NEGLIGIBLE * self.eigenvalues[0])

    def trusted(self, *, dense: bool = True) -> Pairs:
        """Give the leading trusted pairs.

        Parameters
        ----------
        dense : bool
            Whether the whole problem was solved, so that a large residual is rounding's and not
            that of a pair that was not found yet.

        Returns
        -------
        Pairs

        Raises
        ------
        InputError
            When a pair that is not negligible cannot be resolved.

        Warns
        -----
        TransferWarning
            When some are trusted, and the rest was lost to rounding: one row or person far from
            all others makes a pair so large that few others have digits left.
        """
        k = self.n_trusted
        if dense and not self.complete and k and self.residuals[k] <= ROUNDED:
            warnings.warn(
                f"{k} of {len(self.eigenvalues)} components are kept: rounding hides the others "
                f"(residual {self.residuals[k]:.1e}, above {TRUSTED:.0e}), as it does where a "
                "person or some rows are far from all others. Look for flat or broken recordings, "
                "or standardise by person ('z2').",
                TransferWarning,
                stacklevel=2,
            )
        elif not self.complete:
            raise InputError(
                f"component {k + 1} of {len(self.eigenvalues)} cannot be resolved: its residual is "
                f"{self.residuals[k]:.1e}, above {TRUSTED:.0e}. The kernel matrix is constant to "
                "rounding (choose a larger gamma) or has too flat a spectrum for so many rows "
                "(choose fewer components, a smaller gamma, or n_landmarks)."
            )
        return Pairs(self.vectors[:, :k], self.eigenvalues[:k], self.residuals[:k])


Ritz = Callable[[Floats, Floats], Pairs]


def relative_residuals(Aw: Floats, Bw: Floats, eigenvalues: Floats) -> Floats:
    """Give |Aw - lBw| / (|Aw| + |l||Bw|) of each pair.

    Parameters
    ----------
    Aw, Bw : ndarray of shape (n, m)
    eigenvalues : ndarray of shape (m,)

    Returns
    -------
    ndarray of shape (m,)
    """
    error = linalg.norm(Aw - Bw * eigenvalues, axis=0)
    size = linalg.norm(Aw, axis=0) + np.abs(eigenvalues) * linalg.norm(Bw, axis=0)
    return error / size


def largest_pairs(
    apply: Callable[[Floats], Floats], ritz: Ritz, n: int, m: int, start: Floats
) -> Pairs:
    """Find the largest eigenpairs of a problem whose operator is known by its products.

    Parameters
    ----------
    apply : callable
        Takes (n, k), gives the product with a symmetric matrix of size n.
    ritz : callable
        Takes an orthonormal basis V (n, p) and apply(V), gives the largest m pairs of the
        problem restricted to the space of V, with residuals of the unrestricted problem.
    n, m : int
        Size of the problem, number of pairs.
    start : ndarray of shape (n, k)
        Vectors to start from, besides random ones.

    Returns
    -------
    Pairs
        At most m; those that rounding hides are left out.

    Raises
    ------
    InputError
        When pairs that are not negligible cannot be resolved.

    Notes
    -----
    Small problems are solved densely. Beyond, the space is kept whole, without restarts:
    spectra of kernel matrices of real rows fall fast, so that some 8 m columns do. Where it
    does not converge, up to 4500 rows are solved densely.
    """
    if n <= DENSE_ROWS:
        return ritz(np.eye(n), apply(np.eye(n))).trusted()
    rng = np.random.default_rng(0)
    limit = min(n, max(40 * BLOCK, 12 * m))
    V, P = np.empty((n, limit), order="F"), np.empty((n, limit), order="F")
    fresh = np.column_stack([start, rng.standard_normal((n, BLOCK))])
    p, check_at, worst = 0, min(limit, 7 * m + BLOCK), np.inf
    while p < limit:
        Q = _orthonormal(fresh, V[:, :p])[:, : limit - p]
        if Q.shape[1] == 0:  # the space is invariant: look elsewhere
            fresh = rng.standard_normal((n, BLOCK))
            continue
        end = p + Q.shape[1]
        V[:, p:end] = Q
        P[:, p:end] = apply(Q)
        fresh, p = P[:, p:end], end
        if p >= check_at:
            pairs = ritz(V[:, :p], P[:, :p])
            before, worst = worst, float(pairs.residuals.max(initial=0.0))
            stalled = pairs.complete and worst > 0.5 * before
            if worst <= TOLERANCE or stalled:
                return pairs.trusted()
            check_at = min(limit, max(p + 2 * BLOCK, int(1.2 * p)))
    dense = not pairs.complete and n <= DENSE_FALLBACK_ROWS
    if dense:
        pairs = ritz(np.eye(n), apply(np.eye(n)))
    return pairs.trusted(dense=dense)


def _orthonormal(fresh: Floats, V: Floats) -> Floats:
    """Orthonormalise new columns against V and among themselves, dropping dependent ones.

    Twice through the eigenvectors of the small Gram matrix, which costs matrix products only.
    """
    norms = linalg.norm(fresh, axis=0)
    fresh = fresh[:, norms > 0] / norms[norms > 0]
    for _ in range(2):  # twice is enough (Parlett 1998, section 6.9)
        if not fresh.shape[1]:
            break
        fresh = fresh - V @ (V.T @ fresh)
        values, vectors = linalg.eigh(fresh.T @ fresh)
        keep = values > 1e-14  # below, the direction is rounding of what V holds already
        fresh = fresh @ (vectors[:, keep] / np.sqrt(values[keep]))
    return fresh
