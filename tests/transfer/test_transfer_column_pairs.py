"""Eigenpairs of small problems beside which a few columns are large."""

from __future__ import annotations

import numpy as np
import pytest

from eegtl.transfer.solvers.column_pairs import difference_pairs, low_rank_pairs


class TestProblemsBesideLargeColumns:
    """left - CC' where CC' is up to 1e20 times what is wanted."""

    @pytest.mark.parametrize("size", [1.0, 1e3, 1e6, 1e10])
    def test_pairs_are_those_beside_the_columns(self, size: float) -> None:
        rng = np.random.default_rng(0)
        axes = np.linalg.qr(rng.standard_normal((20, 20)))[0]
        root = axes * 10.0 ** -np.linspace(0, 2, 20)
        left, columns = root @ root.T, size * rng.standard_normal((20, 4))
        pairs, products = difference_pairs(root, columns, 12)
        assert pairs.residuals.max() < 1e-11
        np.testing.assert_allclose(np.linalg.norm(pairs.vectors, axis=0), 1.0, rtol=1e-12)
        if size < 1e4:
            values = np.linalg.eigvalsh(left - columns @ columns.T)[::-1][:12]
            np.testing.assert_allclose(
                pairs.eigenvalues, values, rtol=1e-16 * size**2 * 1e5 + 1e-10
            )
            np.testing.assert_allclose(products, columns.T @ pairs.vectors, atol=1e-13 * size)
        else:  # all but orthogonal to the columns: the limit is the problem on their complement
            free = np.linalg.svd(columns)[0][:, 4:]
            values = np.linalg.eigvalsh(free.T @ left @ free)[::-1][:12]
            np.testing.assert_allclose(pairs.eigenvalues, values, rtol=1e-7)
            # C'b = s t with t from the equation along C, far below rounding of C'b as it comes
            assert np.abs(products).max() < 10 / size

    def test_nothing_at_all(self) -> None:
        pairs, products = difference_pairs(np.zeros((3, 3)), np.ones((3, 2)), 2)
        assert (pairs.vectors.shape, products.shape) == ((3, 0), (2, 0))


def test_pairs_of_low_rank_are_those_of_the_full_problem() -> None:
    rng = np.random.default_rng(0)
    F, C = rng.standard_normal((12, 3)), 1e3 * rng.standard_normal((12, 4))
    pairs = low_rank_pairs(F, C, 1e-3, 3)
    right = C @ C.T + 1e-3 * np.eye(12)
    values = np.linalg.eigvals(np.linalg.solve(right, F @ F.T)).real
    np.testing.assert_allclose(pairs.eigenvalues, np.sort(values)[::-1][:3], rtol=1e-5)
    assert pairs.residuals.max() < 1e-9
    assert low_rank_pairs(np.zeros((4, 2)), C[:4], 1.0, 2).vectors.shape == (4, 0)
