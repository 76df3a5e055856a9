"""Kernel PCA against the dense centred problem, scikit-learn, and plain PCA."""

from __future__ import annotations

import numpy as np
import pytest
from reference.kpca_naive import kpca_dense, kpca_new_rows
from reference.tca_naive import kernel_matrix
from sklearn.decomposition import PCA, KernelPCA

from eegtl.errors import InputError
from eegtl.transfer import KPCA, SourceSummary
from eegtl.transfer.solvers import krylov


def domains(n_source: int, n_target: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(d)
    mix = rng.standard_normal((d, d)) / np.sqrt(d)
    return rng.standard_normal((n_source, d)) @ mix, rng.standard_normal((n_target, d)) @ mix + 1


def gram(scores: np.ndarray) -> np.ndarray:
    return scores @ scores.T


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("shape", [(60, 30, 6), (20, 10, 50), (20, 1, 4)])
def test_equals_the_dense_problem(kernel: str, shape: tuple[int, int, int]) -> None:
    X, T = domains(*shape)
    rows = np.vstack([X, T])
    kpca = KPCA(4, kernel=kernel).fit(X).adapt(T)
    gamma = None if kernel == "linear" else kpca.gamma_
    K = kernel_matrix(rows, rows, gamma)
    values, scores = kpca_dense(K, 4)
    np.testing.assert_allclose(kpca.eigenvalues_, values, rtol=1e-8)
    # scores of variance eigenvalue / n, where the reference has 1
    scores = scores * np.sqrt(values / len(rows))
    np.testing.assert_allclose(gram(kpca.transform(rows)), gram(scores), atol=1e-7)
    assert kpca.residual_ < 1e-10
    new = domains(1, 12, shape[2])[1] * 1.1
    expected = kpca_new_rows(K, kernel_matrix(new, rows, gamma), 4)
    expected = expected * np.sqrt(values / len(rows))
    np.testing.assert_allclose(gram(kpca.transform(new)), gram(expected), atol=1e-7)


def test_krylov_solver_equals_the_dense_problem() -> None:
    X, T = domains(500, 200, 8)
    assert len(X) + len(T) > krylov.DENSE_ROWS
    rows = np.vstack([X, T])
    kpca = KPCA(10).fit(X, X_target=T)
    values, scores = kpca_dense(kernel_matrix(rows, rows, kpca.gamma_), 10)
    np.testing.assert_allclose(kpca.eigenvalues_, values, rtol=1e-8)
    scores = scores * np.sqrt(values / len(rows))
    np.testing.assert_allclose(gram(kpca.transform(rows)), gram(scores), atol=1e-7)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_agrees_with_sklearn(kernel: str) -> None:
    X, T = domains(60, 30, 6)
    kpca = KPCA(3, kernel=kernel).fit(X).adapt(T)
    gamma = None if kernel == "linear" else kpca.gamma_
    other = KernelPCA(3, kernel=kernel, gamma=gamma).fit(np.vstack([X, T]))
    np.testing.assert_allclose(kpca.eigenvalues_, other.eigenvalues_, rtol=1e-9)
    np.testing.assert_allclose(gram(kpca.transform(T)), gram(other.transform(T)), atol=1e-8)


def test_linear_kernel_is_pca_of_the_pooled_rows() -> None:
    X, T = domains(60, 30, 6)
    pca = PCA(3).fit(np.vstack([X, T]))
    ours = KPCA(3, kernel="linear").fit(X).adapt(T).transform(T)
    np.testing.assert_allclose(gram(ours), gram(pca.transform(T)), atol=1e-9)


# The moments are kept as X'X, not centred: a common offset of the features cancels in
# S = X'X - n m m', and the components are wrong without a word (residual_ stays 1e-16).
@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
def test_a_common_offset_changes_nothing(offset: float) -> None:
    X = np.random.default_rng(0).standard_normal((300, 5)) * [3.0, 2.0, 1.0, 1.0, 0.5]
    plain = KPCA(3, kernel="linear").fit(X).transform(X)
    moved = KPCA(3, kernel="linear").fit(X + offset).transform(X + offset)
    # the input itself carries rounding of eps * offset
    np.testing.assert_allclose(gram(moved), gram(plain), atol=1e-8 + 1e-13 * offset)


def test_rank_bounds_the_components_and_their_names() -> None:
    X = np.random.default_rng(0).standard_normal((40, 2)) @ np.ones((2, 5))
    kpca = KPCA(4, kernel="linear").fit(X)
    assert kpca.n_components_ == 1
    assert kpca.get_feature_names_out().tolist() == ["kpca0"]


def test_summary_path_equals_row_path() -> None:
    X, T = domains(60, 30, 6)
    y, subjects = np.arange(60) % 2, np.arange(60) % 3
    summary = SourceSummary()
    for part in (slice(0, 7), slice(7, 40), slice(40, 60)):
        summary.add(X[part], y[part], subjects[part])
    rows = KPCA(3, kernel="linear").fit(X).adapt(T)
    blocks = KPCA(3, kernel="linear").fit_summary(summary)
    np.testing.assert_allclose(
        gram(blocks.transform(T)), gram(KPCA(3, kernel="linear").fit(X).transform(T)), atol=1e-9
    )
    np.testing.assert_allclose(gram(blocks.adapt(T).transform(T)), gram(rows.transform(T)))
    mapped = rows.map_summary(summary)
    direct = SourceSummary().add(rows.transform_source(X), y, subjects)
    order = [
        list(zip(direct.subjects, direct.labels, strict=True)).index(k)
        for k in zip(mapped.subjects, mapped.labels, strict=True)
    ]
    np.testing.assert_allclose(mapped.means, direct.means[order], atol=1e-9)
    np.testing.assert_allclose(mapped.scatters, direct.scatters[order], atol=1e-9)


def test_rbf_refuses_a_summary() -> None:
    X, _ = domains(20, 1, 3)
    message = (
        r"KPCA can be fitted from a summary with kernel='linear' only; kernel is 'rbf'\. Fit on "
        r"rows instead\."
    )
    with pytest.raises(InputError, match=message):
        KPCA(2).fit_summary(SourceSummary().add(X, np.arange(20) % 2))
    assert KPCA(kernel="linear").accepts_summary()
    assert not KPCA().accepts_summary()
