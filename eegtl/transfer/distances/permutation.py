"""Whether two domains differ by more than chance: permuting whole trials between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .domains import Floats, check_matrix, two_domains
from .mmd import kernel_blocks, kernel_width, mmd_linear, mmd_multi, mmd_rbf

#: discrepancies that are computed from kernel values, and of how many Gaussian kernels each is
#: the mean; 0 stands for the linear kernel
_KERNELS: tuple[tuple[Callable[..., float], int], ...] = (
    (mmd_linear, 0),
    (mmd_rbf, 1),
    (mmd_multi, 5),
)
#: divisions whose discrepancies are computed at a time
_DIVISIONS = 256


@dataclass(frozen=True)
class PermutationTest:
    """What a permutation test found.

    Attributes
    ----------
    value : float
        The distance.
    p : float
        (1 + number of permutations with a distance at least as large) / (1 + n_permutations).
    n_permutations : int
    n_units : tuple of int
        How many units each domain has.
    """

    value: float
    p: float
    n_permutations: int
    n_units: tuple[int, int]


def permutation_test(
    distance: Callable[[Floats, Floats], float],
    A: ArrayLike,
    B: ArrayLike,
    *,
    units: tuple[ArrayLike, ArrayLike] | None = None,
    n_permutations: int = 999,
    seed: int = 0,
) -> PermutationTest:
    """Test whether two domains are further apart than a random division of their units.

    Parameters
    ----------
    distance : callable
        Takes the rows of two domains, gives a number; for example `mmd_rbf`. Bind settings of
        other distances with `functools.partial`.
    A, B : array-like of shape (n_rows, n_features)
    units : (array-like of shape (n_rows_a,), array-like of shape (n_rows_b,)), optional
        The unit of each row: its trial, or its block of time. Whole units change sides. Units of
        A and of B are different ones, whatever their names. None makes each row a unit, which is
        right for independent rows only.
    n_permutations : int
        How many random divisions are drawn, with as many units on each side as there were.
    seed : int
        Draws them.

    Returns
    -------
    PermutationTest

    Raises
    ------
    InputError
        When the domains do not compare (see `mmd_linear`), `units` are not two arrays with one
        unit a row, the units of a side could hold fewer than two rows, or `n_permutations` is
        below 1.
    MemoryEstimateError
        When the sums of kernel values between all pairs of units would need more than 2 GiB.

    Notes
    -----
    A permutation test is valid where the units are exchangeable if nothing differs. Windows are
    not: windows of one trial are alike, and those beside each other more so. Permuting windows
    takes their number for the number of observations, and finds differences between any two sets
    of trials (docs/methods/distances.md has a measurement: under the null hypothesis p <= .05 in
    nearly every case). Trials of one person are alike, too, compared with those of other people:
    to ask whether two *groups* of people differ, let the unit be the person.

    With k of m units on one side there are no more than C(m, k) divisions, and p cannot fall far
    below its inverse: of the 6 divisions of two trials and two, two give the sides back, so that p
    is about 1/3 at best. Ties count against the difference.

    For `mmd_linear`, `mmd_rbf` and `mmd_multi` the kernel values are computed once, 512 rows at a
    time, and summed over pairs of units: n^2 d, then m^2 for each permutation; memory m^2. The
    kernel's width is taken from all rows, which no permutation changes. Any other distance is
    computed anew for each permutation.

    References
    ----------
    Gretton et al. 2012, as in `mmd_linear`. Phipson, Smyth, "Permutation p-values should never be
    zero", Statistical Applications in Genetics and Molecular Biology 9, 2010.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> A, B = rng.standard_normal((40, 2)), rng.standard_normal((40, 2)) + 3
    >>> blocks = np.repeat(np.arange(8), 5)
    >>> permutation_test(mmd_rbf, A, B, units=(blocks, blocks)).p
    0.001
    """
    if not isinstance(n_permutations, int | np.integer) or n_permutations < 1:
        raise InputError(f"n_permutations must be a positive whole number; got {n_permutations!r}.")
    A, B = two_domains(A, B)
    if units is None:
        units = (np.arange(len(A)), np.arange(len(B)))
    if not isinstance(units, tuple | list) or len(units) != 2:
        raise InputError(
            "units must be two arrays, the units of A's rows and those of B's: units=(a, b); got "
            f"a {type(units).__name__}."
        )
    codes_a, codes_b = (_codes(given, D) for given, D in zip(units, (A, B), strict=True))
    k_a, k_b = int(codes_a.max()) + 1, int(codes_b.max()) + 1
    codes = np.concatenate([codes_a, k_a + codes_b])
    sizes = np.bincount(codes)
    smallest = np.sort(sizes)[: min(k_a, k_b)].sum()
    if smallest < 2:
        raise InputError(
            f"the domains have {k_a} and {k_b} units, of which one could leave a side with "
            f"{smallest} row; a distance needs two. Take larger units, or more of them."
        )
    rows = np.vstack([A, B])
    rng = np.random.default_rng(seed)
    first = np.arange(k_a + k_b) < k_a
    divisions = np.array([rng.permutation(first) for _ in range(int(n_permutations))])
    n_widths = next((n for known, n in _KERNELS if known is distance), None)
    if n_widths is not None:
        sums = _unit_sums(rows, codes, kernel_width(A, B, "median"), n_widths)
        value = float(_discrepancies(sums, sizes, first[None])[0])
        parts = (divisions[i : i + _DIVISIONS] for i in range(0, len(divisions), _DIVISIONS))
        found = np.concatenate([_discrepancies(sums, sizes, part) for part in parts])
    else:
        value = float(distance(A, B))
        found = np.array([distance(rows[d[codes]], rows[~d[codes]]) for d in divisions])
    # a division that gives the sides back has the same distance, but for rounding
    scale = max(abs(value), float(np.abs(found).max()))
    n_larger = int(np.sum(found >= value - 1e-10 * scale))
    p = (1 + n_larger) / (1 + int(n_permutations))
    return PermutationTest(value, p, int(n_permutations), (k_a, k_b))


def _codes(units: ArrayLike, rows: Floats) -> NDArray[np.intp]:
    given = np.asarray(units)
    if given.shape != (len(rows),):
        raise InputError(
            f"units must name the unit of each of the {len(rows)} rows of a domain; the shape is "
            f"{given.shape}."
        )
    return np.unique(given, return_inverse=True)[1]


def _unit_sums(rows: Floats, codes: NDArray[np.intp], gamma: float, n_widths: int) -> Floats:
    """Sum the kernel over the pairs of rows of each pair of units; a row is no pair with itself."""
    n_units = int(codes.max()) + 1
    check_matrix(
        n_units, n_units, "the kernel between all pairs of units", "take larger units (trials)"
    )
    order = np.argsort(codes, kind="stable")
    rows, codes = rows[order], codes[order]
    starts = np.searchsorted(codes, np.arange(n_units))
    if n_widths == 0:
        rows = rows - rows.mean(axis=0)
        totals = np.add.reduceat(rows, starts, axis=0)
        sums = totals @ totals.T
        own = np.add.reduceat(np.square(rows).sum(axis=1), starts)
    else:
        sums = np.zeros((n_units, n_units))
        done = 0
        for block in kernel_blocks(rows, rows, gamma, n_widths):
            by_unit = np.add.reduceat(block, starts, axis=1)
            np.add.at(sums, codes[done : done + len(block)], by_unit)
            done += len(block)
        own = np.bincount(codes).astype(np.float64)
    sums[np.diag_indices(n_units)] -= own
    return sums


def _discrepancies(sums: Floats, sizes: NDArray[np.intp], sides: NDArray[np.bool_]) -> Floats:
    """Give the unbiased discrepancy of each division (a line of `sides`) of the units."""
    a = sides.astype(np.float64)
    b = 1 - a
    n_a, n_b = a @ sizes, b @ sizes
    to_a = a @ sums
    within_a = np.einsum("pu,pu->p", to_a, a)
    across = np.einsum("pu,pu->p", to_a, b)
    within_b = sums.sum() - within_a - 2 * across
    return within_a / (n_a * (n_a - 1)) + within_b / (n_b * (n_b - 1)) - 2 * across / (n_a * n_b)
