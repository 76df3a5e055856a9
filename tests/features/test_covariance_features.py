from __future__ import annotations

import mne
import numpy as np
import pytest
from pyriemann.geometry.covariance import covariances
from pyriemann.geometry.tangentspace import tangent_space
from scipy import linalg, signal
from sklearn.covariance import oas
from threadpoolctl import threadpool_info, threadpool_limits

from eegtl.features import BANDS, FEATURES, FeatureExtractor
from eegtl.features.covariance import shrunk_covariances, tangent_vectors
from eegtl.preprocessing import design_bank

NAMES = ["Fz", "Cz", "T7"]
TWO = {"alpha": (8.0, 14.0), "beta": (14.0, 31.0)}


@pytest.fixture
def mixed():
    """Three channels that share sources, with an offset, in volts."""
    rng = np.random.default_rng(0)
    return 1e-5 * rng.standard_normal((3, 3)) @ rng.standard_normal((3, 1500)) + 5e-4


def test_columns_are_pairs():
    assert FEATURES["cov"].columns(NAMES, ["a"]).get_level_values("channel").tolist() == [
        "Fz~Fz",
        "Fz~Cz",
        "Fz~T7",
        "Cz~Cz",
        "Cz~T7",
        "T7~T7",
    ]


@pytest.mark.parametrize("step", [None, 0.25])
def test_covariances_are_those_of_scipy_and_sklearn(mixed, step):
    stream = FeatureExtractor(("cov",), TWO, 1.0, step).start(100.0, NAMES)
    windows = stream.process(mixed)
    got = windows.X.reshape(len(windows.X), 6, 2)
    for band, sos in enumerate(design_bank(100.0, TWO).sos()):
        zi = signal.sosfilt_zi(sos)[:, None, :] * mixed[None, :, :1]
        filtered, _ = signal.sosfilt(sos, mixed, axis=1, zi=zi)
        for row, at in enumerate(windows.starts):
            expected, _ = oas(1e6 * filtered[:, at : at + 100].T)
            np.testing.assert_allclose(
                got[row, :, band], expected[np.triu_indices(3)], rtol=1e-9, atol=1e-9
            )


@pytest.mark.parametrize("shape", [(7, 3, 62, 200), (5, 20, 10), (4, 1, 50), (2, 3, 2)])
@pytest.mark.parametrize("kind", ["noise", "offset", "sums", "constant", "identity"])
def test_shrinkage_is_that_of_pyriemann(shape, kind):
    rng = np.random.default_rng(sum(shape))
    windows = 10.0 * rng.standard_normal(shape)
    if kind == "offset":
        windows += 1e4 * rng.standard_normal((*shape[:-1], 1))
    elif kind == "sums":
        windows -= windows.mean(axis=-2, keepdims=True)  # an average reference: no full rank
    elif kind == "constant":
        windows[:] = 3.0
    elif kind == "identity":
        windows[:] = 0.0
        times = np.arange(min(shape[-2:]) // 2 * 2)
        windows[..., times, times] = 1.0
    got = shrunk_covariances(windows)
    expected = covariances(windows.reshape(-1, *shape[-2:]), estimator="oas")
    scale = max(np.abs(expected).max(), 1e-300)
    np.testing.assert_allclose(
        got.reshape(expected.shape), expected, rtol=1e-10, atol=1e-12 * scale
    )


def test_what_is_a_multiple_of_the_identity_stays_so():
    """The formula divides by zero there, or by what rounding leaves of it."""
    rotation = linalg.hadamard(4).astype(float)
    for scale in 3.0 ** np.arange(-12, 13):
        got = shrunk_covariances(scale * rotation[1:])
        np.testing.assert_allclose(got, scale**2 * np.eye(3), rtol=1e-14, atol=0)


def test_the_windows_are_not_changed():
    windows = np.random.default_rng(5).standard_normal((2, 3, 50)) + 2.0
    before = windows.copy()
    shrunk_covariances(windows)
    np.testing.assert_array_equal(windows, before)


def blas_threads():
    """How many threads each library of linear algebra would use."""
    return {part["num_threads"] for part in threadpool_info() if part["user_api"] == "blas"}


def test_small_matrices_are_kept_in_one_thread(monkeypatch):
    """Several threads take up to a hundred times as long for them."""
    seen = []

    def spied(function):
        def call(*args, **kwargs):
            seen.append(blas_threads())
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(np, "matmul", spied(np.matmul))
    monkeypatch.setattr(np.linalg, "eigh", spied(np.linalg.eigh))
    windows = np.random.default_rng(6).standard_normal((4, 3, 50))
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        tangent_vectors(shrunk_covariances(windows))
        assert blas_threads() == before
    assert len(seen) >= 3
    assert all(threads == {1} for threads in seen)


def test_the_diagonal_is_the_power_without_shrinkage_towards_the_mean(mixed):
    # Long windows are shrunk little, so the diagonal comes close to the variances.
    extractor = FeatureExtractor(("cov", "power"), TWO, 7.0)
    stream = extractor.start(100.0, NAMES)
    X = stream.process(mixed).X[0]
    cov = X[:12].reshape(6, 2)[[0, 3, 5]]
    np.testing.assert_allclose(cov, X[12:].reshape(3, 2), rtol=0.1)


def test_permuted_channels_permute_the_pairs(mixed):
    order = [2, 0, 1]
    one = FeatureExtractor(("cov",), TWO).start(100.0, NAMES)
    other = FeatureExtractor(("cov",), TWO).start(100.0, [NAMES[i] for i in order])
    X, Y = one.process(mixed).X, other.process(mixed[order]).X

    def by_pair(stream, values):
        return {
            (frozenset(channel.split("~")), band): values[:, number]
            for number, (_, channel, band) in enumerate(stream.columns)
        }

    first, second = by_pair(one, X), by_pair(other, Y)
    assert first.keys() == second.keys()
    for key, values in first.items():
        np.testing.assert_allclose(values, second[key], rtol=1e-9, atol=1e-9)


def test_tangent_vectors_are_logarithms(mixed):
    stream = FeatureExtractor(("cov", "tangent"), TWO).start(100.0, NAMES)
    X = stream.process(mixed).X
    i, j = np.triu_indices(3)
    for row in X:
        cov, tangent = row[:12].reshape(6, 2), row[12:].reshape(6, 2)
        for band in range(2):
            matrix = np.empty((3, 3))
            matrix[i, j] = matrix[j, i] = cov[:, band]
            logarithm = np.empty((3, 3))
            logarithm[i, j] = tangent[:, band] / np.where(i == j, 1, np.sqrt(2))
            logarithm[j, i] = logarithm[i, j]
            np.testing.assert_allclose(linalg.expm(logarithm), matrix, rtol=1e-9, atol=1e-9)


def logarithm(matrix):
    """Matrix logarithm by eigenvectors."""
    values, vectors = np.linalg.eigh(matrix)
    return sum(np.log(x) * np.outer(v, v) for x, v in zip(values, vectors.T, strict=True))


@pytest.mark.parametrize("p", [1, 4, 14, 62])
def test_tangent_vectors_are_those_of_pyriemann(p):
    matrices = shrunk_covariances(10 * np.random.default_rng(p).standard_normal((50, p, 200)))
    expected = tangent_space(matrices, np.eye(p), metric="logeuclid")
    np.testing.assert_allclose(tangent_vectors(matrices), expected, rtol=1e-12, atol=1e-12)


def test_lengths_are_log_euclidean_distances():
    rng = np.random.default_rng(1)
    roots = rng.standard_normal((2, 4, 6))
    a, b = roots @ roots.transpose(0, 2, 1)
    first, second = tangent_vectors(np.stack([a, b]))
    expected = np.linalg.norm(logarithm(a) - logarithm(b))
    assert np.linalg.norm(first - second) == pytest.approx(expected, rel=1e-9)


def test_scaling_moves_the_diagonal_alone(mixed):
    one, two = (
        FeatureExtractor(("tangent",), TWO).start(100.0, NAMES).process(factor * mixed).X
        for factor in (1, 3)
    )
    difference = (two - one).reshape(-1, 6, 2)
    np.testing.assert_allclose(difference[:, [0, 3, 5]], np.log(9), rtol=0, atol=1e-9)
    np.testing.assert_allclose(difference[:, [1, 2, 4]], 0, rtol=0, atol=1e-9)


def test_no_eigenvalue_is_below_the_floor():
    singular = np.array([[[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    vectors = tangent_vectors(singular)
    half = (np.log(2) + np.log(1e-6)) / 2
    off = np.sqrt(2) * (np.log(2) - np.log(1e-6)) / 2
    np.testing.assert_allclose(vectors[0], [half, off, half], rtol=1e-9)
    np.testing.assert_allclose(vectors[1], [np.log(1e-6), 0, np.log(1e-6)], atol=1e-9)


def test_few_samples_of_many_channels_have_full_rank():
    window = np.random.default_rng(2).standard_normal((1, 20, 10))
    eigenvalues = np.linalg.eigvalsh(shrunk_covariances(window)[0])
    assert eigenvalues[0] > 1e-3


def test_the_table_gives_pairs_by_bands(mixed):
    import pandas as pd

    from eegtl.recordings import Recording

    info = mne.create_info(NAMES, 100.0, "eeg")
    trials = pd.DataFrame(
        {"trial": [1], "stimulus": ["a"], "label": [0], "onset": [0.0], "duration": [15.0]}
    )
    recording = Recording(
        mne.io.RawArray(mixed, info, verbose="error"),
        subject="1",
        session=1,
        trials=trials,
        dataset="noise",
        file="a.fif",
    )
    table = FeatureExtractor(("cov", "tangent"), {**BANDS, "gamma": (31, 45)}).extract([recording])
    assert table.block("cov").shape == (15, 6, 5)
    assert table.block("tangent").shape == (15, 6, 5)
