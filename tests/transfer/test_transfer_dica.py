"""DICA and UDICA against the dense problem, and what theory says of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.dica_naive import (
    centred,
    dica_dense,
    dica_matrices,
    domain_matrix,
    domain_variance,
    published_dica,
)
from reference.tca_naive import kernel_matrix
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from transfer.people import people_with_classes
from transfer.transfer_problems import gram

from eegtl.errors import InputError, TransferWarning
from eegtl.transfer import (
    DICA,
    KPCA,
    UDICA,
    SubjectNormalizer,
)

pytestmark = pytest.mark.filterwarnings("ignore:UDICA with the linear kernel keeps all")
METHODS = [DICA, UDICA]


def dense(method: Any, fitted: Any, K: Any, y: Any, s: Any, m: int) -> tuple[Any, Any]:
    """The reference's answer to the problem that an estimator was given."""
    labels = y if method is DICA else None
    return dica_dense(K, s.tolist(), m, fitted.mu_, labels, getattr(fitted, "epsilon", 0.0))


SHAPES = {
    "more rows than features": people_with_classes((20, 25, 15), 8),
    "more features than rows": people_with_classes((8, 9, 7), 40),
    "unequal people and classes": people_with_classes((40, 5, 11), 6, n_classes=4),
    "one person": people_with_classes((30,), 5),
    "far from the origin": tuple(
        x + 50 if x.dtype == float else x for x in people_with_classes((20, 25, 15), 8)
    ),
}


@pytest.mark.parametrize("method", METHODS)
class TestAgainstTheDenseProblem:
    @pytest.mark.parametrize("mu", [1e-4, 1e-2, 1.0, 1e2])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_linear(self, method: Any, shape: str, mu: float) -> None:
        X, y, s = SHAPES[shape]
        fitted = method(2, mu=mu).fit(X, y, subjects=s)
        values, scores = dense(method, fitted, kernel_matrix(X, X), y, s, 2)
        assert fitted.n_components_ == 2
        np.testing.assert_allclose(fitted.eigenvalues_, values, rtol=1e-6)
        np.testing.assert_allclose(gram(fitted.transform(X)), gram(scores), atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(fitted.components_, axis=0), 1.0, rtol=1e-12)
        np.testing.assert_allclose(fitted.transform(X).mean(axis=0), 0.0, atol=1e-9)
        assert fitted.residual_ < 1e-8

    @pytest.mark.parametrize("mu", [1e-2, 1.0])
    def test_gaussian_kernel_with_all_rows(self, method: Any, mu: float) -> None:
        X, y, s = people_with_classes((30, 25, 35), 5)
        fitted = method(2, kernel="rbf", mu=mu, mu_scale="absolute").fit(X, y, subjects=s)
        assert (fitted.mu_, fitted.approximation_) == (mu, "exact")
        K = kernel_matrix(X, X, fitted.gamma_)
        values, scores = dense(method, fitted, K, y, s, 2)
        np.testing.assert_allclose(fitted.eigenvalues_, values, rtol=1e-6)
        np.testing.assert_allclose(gram(fitted.transform(X)), gram(scores), atol=1e-6)
        assert fitted.residual_ < 1e-8

    def test_landmarks_solve_the_problem_of_the_approximated_matrix(self, method: Any) -> None:
        X, y, s = people_with_classes((30, 25, 35), 4)
        fitted = method(2, kernel="rbf", n_landmarks=20).fit(X, y, subjects=s)
        assert fitted.approximation_ == "Nystroem, 20 landmarks of 90 rows"
        assert fitted.anchors_.shape == (20, 4)
        C = kernel_matrix(X, fitted.anchors_, fitted.gamma_)
        middle = kernel_matrix(fitted.anchors_, fitted.anchors_, fitted.gamma_)
        K = C @ np.linalg.pinv(middle, rcond=1e-10, hermitian=True) @ C.T
        values, scores = dense(method, fitted, K, y, s, 2)
        np.testing.assert_allclose(fitted.eigenvalues_, values, rtol=1e-5)
        np.testing.assert_allclose(gram(fitted.transform(X)), gram(scores), atol=1e-5)

    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 2**16))
    def test_no_directions_beat_it(self, method: Any, seed: int) -> None:
        """tr((B'RB)^-1 B'MB), what the problem makes as large as two directions can."""
        X, y, s = people_with_classes((12, 9, 11), 5, seed=seed)
        fitted = method(2, kernel="rbf", mu=0.1).fit(X, y, subjects=s)
        rows = fitted.anchors_
        order = [int(np.argmin(np.abs(X - row).sum(axis=1))) for row in rows]
        K = kernel_matrix(rows, rows, fitted.gamma_)
        labels = y[order] if method is DICA else None
        left, right = dica_matrices(K, s[order].tolist(), fitted.mu_, labels)

        def ratio(B: np.ndarray) -> float:
            return float(np.trace(np.linalg.solve(B.T @ right @ B, B.T @ left @ B)))

        best = ratio(fitted.weights_)
        assert best == pytest.approx(fitted.eigenvalues_.sum(), rel=1e-6)
        rng = np.random.default_rng(seed)
        for size in (1e-3, 1e-1, 1.0, 1e2):
            for _ in range(10):
                step = rng.standard_normal(fitted.weights_.shape) * np.abs(fitted.weights_).mean()
                assert ratio(fitted.weights_ + size * step) <= best * (1 + 1e-9)

    def test_epsilon(self, method: Any) -> None:
        X, y, s = people_with_classes((40, 5, 11), 6, n_classes=2)
        keep = (y == "calm") | (np.arange(len(y)) % 4 == 0)  # unequal classes
        X, y, s = np.vstack([X[keep], X[:6]]), [*y[keep], *["sad"] * 6], [*s[keep], *s[:6]]
        y, s = np.array(y), np.array(s)
        if method is UDICA:
            with pytest.raises(TypeError, match="epsilon"):
                method(epsilon=0.1)
            return
        plain, damped = (DICA(1, epsilon=e).fit(X, y, subjects=s) for e in (0.0, 0.2))
        assert np.abs(gram(plain.transform(X)) - gram(damped.transform(X))).max() > 1e-3
        values, scores = dense(method, damped, kernel_matrix(X, X), y, s, 1)
        np.testing.assert_allclose(damped.eigenvalues_, values, rtol=1e-8)
        np.testing.assert_allclose(gram(damped.transform(X)), gram(scores), atol=1e-8)


def test_the_reference_measures_the_variance_of_the_means() -> None:
    """Its Q, on which all of the above rests: w'Qw is the variance of the people's mean of w."""
    s = ["a"] * 4 + ["b"] * 7 + ["c"] * 2
    w = np.random.default_rng(0).standard_normal((13, 1))
    assert (w.T @ domain_matrix(s) @ w).item() == pytest.approx(domain_variance(w, s))
    np.testing.assert_allclose(domain_matrix(s).sum(axis=1), 0.0, atol=1e-15)


def test_the_published_left_side_is_not_symmetric_and_learns_the_labels_by_heart() -> None:
    """Why DICA solves K L (L + n eps I)^-1 K: with L (L + n eps I)^-1 K^2 and one person, the
    scores of the rows say nothing but their class."""
    X, y, s = people_with_classes((40,), 5)
    K = kernel_matrix(X, X, 0.2)
    left, scores = published_dica(K, s.tolist(), 2, 1e-9, y.tolist(), 1e-6)
    assert np.abs(left - left.T).max() > 0.3 * np.abs(left).max()
    within = [scores[y == label].std(axis=0) for label in np.unique(y)]
    assert np.max(within) < 1e-4 * scores.std(axis=0).min()
    ours = DICA(2, kernel="rbf", gamma=0.2).fit(X, y).transform(X)
    assert np.min([ours[y == label].std(axis=0) for label in np.unique(y)]) > 0.1 * ours.std()


class TestWithLabels:
    def test_has_at_most_one_component_less_than_classes(self) -> None:
        for n_classes in (2, 3, 4):
            X, y, s = people_with_classes((20, 25, 15), 8, n_classes=n_classes)
            for kernel in ("linear", "rbf"):
                dica = DICA(kernel=kernel).fit(X, y, subjects=s)
                assert dica.n_components_ == n_classes - 1
                assert dica.transform(X).shape == (60, n_classes - 1)
        assert DICA().fit(X[:, :2], y, subjects=s).n_components_ == 2
        assert DICA(1).fit(X, y, subjects=s).n_components_ == 1
        names = DICA(2).fit(X, y, subjects=s).get_feature_names_out()
        assert names.tolist() == ["dica0", "dica1"]

    def test_of_one_person_it_is_pca_of_the_class_means(self) -> None:
        X, y, _ = people_with_classes((31, 20), 6)
        means = {label: X[y == label].mean(axis=0) for label in np.unique(y)}
        pca = PCA(2).fit(np.array([means[label] for label in y]))
        for mu in (1e-4, 1e2):
            dica = DICA(mu=mu).fit(X, y)
            expected = gram((X - X.mean(axis=0)) @ pca.components_.T)
            np.testing.assert_allclose(gram(dica.transform(X)), expected, atol=1e-8)

    def test_of_one_person_with_round_classes_it_is_linear_discriminant_analysis(self) -> None:
        X, y, _ = people_with_classes((60, 40), 6)
        within = sum((y == c).sum() * np.cov(X[y == c].T, bias=True) for c in np.unique(y)) / 100
        values, axes = np.linalg.eigh(within)
        X = (X - X.mean(axis=0)) @ (axes / np.sqrt(values))
        lda = LinearDiscriminantAnalysis(solver="eigen").fit(X, y)
        theirs = lda.transform(X)[:, :2]
        theirs = theirs / np.linalg.norm(lda.scalings_[:, :2], axis=0)
        np.testing.assert_allclose(gram(DICA().fit(X, y).transform(X)), gram(theirs), atol=1e-8)

    def test_classes_of_equal_means_are_refused(self) -> None:
        X = np.random.default_rng(0).standard_normal((20, 3))
        X, y = np.vstack([X, X]), np.repeat(["up", "down"], 20)
        message = "DICA found no direction in which the means of the classes down, up differ."
        with pytest.raises(InputError, match=re.escape(message)):
            DICA().fit(X, y)

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (None, "DICA requires y to be passed"),
            (["calm"] * 20, "the training labels hold one class only ('calm')"),
        ],
    )
    def test_labels_are_needed(self, y: Any, message: str) -> None:
        with pytest.raises(InputError, match=re.escape(message)):
            DICA().fit(people_with_classes((10, 10), 3)[0], y)


class TestWithoutLabels:
    def test_with_equal_means_of_all_it_is_pca(self) -> None:
        X, _, s = people_with_classes((20, 25, 15), 7)
        Z = SubjectNormalizer("z2").fit(X, subjects=s).transform_source(X, s)
        udica, kpca = UDICA(3).fit(Z, subjects=s), KPCA(3, kernel="linear").fit(Z)
        np.testing.assert_allclose(gram(udica.transform(Z)), gram(kpca.transform(Z)), atol=1e-8)
        assert udica.gap_ < 1e-12

    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    def test_of_one_person_it_is_kpca(self, kernel: str) -> None:
        X, _, _ = people_with_classes((40,), 5)
        udica, kpca = UDICA(3, kernel=kernel).fit(X), KPCA(3, kernel=kernel).fit(X)
        np.testing.assert_allclose(gram(udica.transform(X)), gram(kpca.transform(X)), atol=1e-6)

    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    def test_the_people_differ_less_than_on_principal_components(self, kernel: str) -> None:
        X, _, s = people_with_classes((50, 40, 60, 50), 8, shift=2.0)
        udica = UDICA(3, kernel=kernel).fit(X, subjects=s)
        kpca = KPCA(3, kernel=kernel).fit(X)
        ours, theirs = udica.transform(X), kpca.transform(X)
        ours_share, theirs_share = (
            domain_variance(z, s.tolist()) / z.var(axis=0).sum() for z in (ours, theirs)
        )
        assert ours_share < 0.1 * theirs_share
        assert udica.gap_ == pytest.approx(np.sqrt(ours_share), rel=1e-6)

    def test_what_leaves_nothing_out_says_so(self) -> None:
        X, _, s = people_with_classes((20, 25), 4)
        message = "UDICA with the linear kernel keeps all 4 directions in which the rows vary"
        with pytest.warns(TransferWarning, match=message):
            UDICA(30).fit(X, subjects=s)
        assert UDICA(3).fit(X, subjects=s).n_components_ == 3  # no warning: errors in tests


def test_centred_reference() -> None:
    K = kernel_matrix(np.arange(4.0)[:, None], np.arange(4.0)[:, None])
    np.testing.assert_allclose(centred(K).sum(axis=0), 0.0, atol=1e-12)
