"""Rows of half-vectorised covariances: their layout, and eigenvalues that are zero to rounding."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.recenter_naive import geometric_mean_of_two, karcher_mean, unpack

from eegtl.errors import InputError, MemoryEstimateError, TransferWarning
from eegtl.features.covariance import pair_columns, prepare_covariance, shrunk_covariances
from eegtl.features.table import META_COLUMNS, FeatureTable
from eegtl.transfer import covariance_means
from eegtl.transfer.covariance_means import domain_mean, mean_matrix
from eegtl.transfer.covariance_rows import (
    count_channels,
    matrices_to_rows,
    mean_variances,
    raise_eigenvalues,
    rows_to_matrices,
)


def random_covariances(n: int, p: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p, 3 * p)) * np.exp(rng.standard_normal((n, p, 1)) / 2)
    return X @ X.transpose(0, 2, 1) / (3 * p)


class TestLayout:
    @given(st.integers(0, 4), st.integers(1, 5), st.integers(1, 4))
    @settings(max_examples=30)
    def test_round_trip(self, n_rows: int, p: int, n_bands: int) -> None:
        rows = np.random.default_rng(0).standard_normal((n_rows, n_bands * p * (p + 1) // 2))
        matrices = rows_to_matrices(rows, n_bands)
        assert matrices.shape == (n_rows, n_bands, p, p)
        np.testing.assert_array_equal(matrices, matrices.transpose(0, 1, 3, 2))
        np.testing.assert_array_equal(matrices_to_rows(matrices), rows)

    def test_equals_plain_loops(self) -> None:
        rows = np.random.default_rng(1).standard_normal((3, 2 * 10))
        for row, matrices in zip(rows, rows_to_matrices(rows, 2), strict=True):
            np.testing.assert_array_equal(matrices, unpack(row, 2))

    # The rows are those of the feature "cov" in a table: the columns' own names say what is where.
    def test_is_that_of_the_feature(self) -> None:
        channels, bands = ["Fz", "Cz", "Pz"], ["alpha", "beta"]
        windows = np.random.default_rng(2).standard_normal((4, 2, 3, 50))
        X = prepare_covariance(None)(windows).reshape(4, -1)  # type: ignore[arg-type]
        meta = pd.DataFrame({name: [0] * 4 for name in META_COLUMNS})
        table = FeatureTable(X, pair_columns("cov", channels, bands), meta)
        matrices = rows_to_matrices(table.X, len(bands))
        np.testing.assert_array_equal(matrices, shrunk_covariances(windows))
        for b, band in enumerate(bands):
            for i, first in enumerate(channels):
                for j, second in enumerate(channels[i:], start=i):
                    place = table.columns.get_loc(("cov", f"{first}~{second}", band))
                    np.testing.assert_array_equal(matrices[:, b, i, j], table.X[:, place])
        block = table.block("cov")
        np.testing.assert_array_equal(rows_to_matrices(block.reshape(4, -1), 2), matrices)

    @pytest.mark.parametrize(
        ("n_columns", "n_bands", "message"),
        [
            (20, 3, r"rows of 20 columns cannot hold 3 covariance matrices: .* such as 18 for 3"),
            (5, 1, r"cannot hold 1 covariance matrix: .* such as 3 for 2 or 6 for 3"),
            (2, 3, r"rows of 2 columns cannot hold 3 covariance matrices"),
            (6, 0, "n_bands must be a whole number from 1 on; got 0"),
            (6, True, "n_bands must be a whole number from 1 on; got True"),
            (6, 1.5, "n_bands must be a whole number from 1 on; got 1.5"),
        ],
    )
    def test_columns_that_do_not_fit(self, n_columns: int, n_bands: int, message: str) -> None:
        with pytest.raises(InputError, match=message):
            count_channels(n_columns, n_bands)

    def test_mean_variances(self) -> None:
        matrices = np.stack([random_covariances(5, 3), 100 * random_covariances(5, 3, 1)], axis=1)
        expected = np.trace(matrices, axis1=2, axis2=3).mean(axis=0) / 3
        np.testing.assert_allclose(mean_variances(matrices_to_rows(matrices), 2), expected)
        matrices[:, 1] *= -1
        with pytest.raises(InputError, match=r"the mean variance of band 1 is -\d.*n_bands"):
            mean_variances(matrices_to_rows(matrices), 2)
        with pytest.raises(InputError, match="the mean variance of band 0 is 0"):
            mean_variances(np.zeros((3, 6)), 1)


class TestEigenvalues:
    def test_good_matrices_stay_as_they_are(self) -> None:
        matrices = random_covariances(6, 4)
        raised, ranks = raise_eigenvalues(matrices, 1.0, 1e-6, np.arange(6), "source")
        assert raised is matrices
        assert ranks.tolist() == [4] * 6

    # One bad matrix must not change the others in its block: a row has no company.
    def test_only_the_bad_ones_are_raised(self) -> None:
        matrices = random_covariances(6, 4)
        referenced = np.eye(4) - 0.25
        bad = matrices.copy()
        bad[2] = referenced @ bad[2] @ referenced
        raised, ranks = raise_eigenvalues(bad, 1.0, 1e-6, np.arange(6), "source")
        assert ranks.tolist() == [4, 4, 3, 4, 4, 4]
        np.testing.assert_array_equal(np.delete(raised, 2, 0), np.delete(matrices, 2, 0))
        values = np.linalg.eigvalsh(raised[2])
        assert values[0] == pytest.approx(1e-6 * np.trace(bad[2]) / 4, rel=1e-6)
        np.testing.assert_allclose(values[1:], np.linalg.eigvalsh(bad[2])[1:], rtol=1e-9)

    def test_flat_window(self) -> None:
        raised, ranks = raise_eigenvalues(np.zeros((1, 3, 3)), 50.0, 1e-4, np.arange(1), "source")
        np.testing.assert_allclose(raised[0], 50.0 * 1e-8 * np.eye(3))
        assert ranks.tolist() == [0]

    def test_negative_eigenvalue(self) -> None:
        matrices = random_covariances(3, 2)
        matrices[1] = [[1.0, 2.0], [2.0, 1.0]]
        message = (
            "source ann, band 2: row 18 is no covariance matrix: its smallest eigenvalue is -1 at "
            "a mean variance of 1"
        )
        with pytest.raises(InputError, match=message):
            raise_eigenvalues(matrices, 1.0, 1e-6, np.array([7, 18, 30]), "source ann, band 2")

    def test_rounding_below_zero_is_no_error(self) -> None:
        matrix = np.diag([1.0, 1.0, -1e-12])[None]
        raised, ranks = raise_eigenvalues(matrix, 1.0, 1e-6, np.arange(1), "source")
        assert np.linalg.eigvalsh(raised)[0, 0] == pytest.approx(2e-6 / 3)
        assert ranks.tolist() == [2]


class TestMeans:
    def test_riemannian_mean_of_two_in_closed_form(self) -> None:
        A, B = random_covariances(2, 4)
        found = mean_matrix(np.stack([A, B]), "riemann")
        np.testing.assert_allclose(found, geometric_mean_of_two(A, B), atol=1e-8)

    def test_riemannian_mean_of_many(self) -> None:
        matrices = random_covariances(7, 3)
        np.testing.assert_allclose(
            mean_matrix(matrices, "riemann"), karcher_mean(list(matrices)), atol=1e-8
        )

    @pytest.mark.parametrize("metric", ["euclid", "logeuclid", "riemann"])
    def test_weights_are_counts(self, metric: str) -> None:
        matrices = random_covariances(2, 3)
        weighted = mean_matrix(matrices, metric, weights=np.array([1.0, 3.0]))
        np.testing.assert_allclose(weighted, mean_matrix(matrices[[0, 1, 1, 1]], metric), atol=1e-8)

    def test_says_that_it_did_not_converge(self) -> None:
        message = (
            "the Riemannian mean of 5 matrices did not reach the tolerance 1e-30 in 100 iterations"
        )
        with pytest.warns(TransferWarning, match=message):
            mean_matrix(random_covariances(5, 3), "riemann", tolerance=1e-30)

    def test_is_quiet_otherwise(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            mean_matrix(random_covariances(5, 3), "riemann")

    def test_refuses_what_does_not_fit_into_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(covariance_means, "MEAN_LIMIT_BYTES", 2**20)
        rows = matrices_to_rows(random_covariances(1, 10)[:, None]).repeat(400, axis=0)
        given = {"floor": 1e-6, "tolerance": 1e-9, "who": "source ann"}
        message = r"mean of 400 matrices of 10 channels \(source ann\) needs 0\.0 GiB.*logeuclid"
        with pytest.raises(MemoryEstimateError, match=message):
            domain_mean(rows, np.arange(400), np.ones(1), metric="riemann", **given)
        mean, _ = domain_mean(rows, np.arange(400), np.ones(1), metric="logeuclid", **given)
        np.testing.assert_allclose(mean[0], rows_to_matrices(rows)[0, 0], rtol=1e-9)
