"""Re-centring against plain loops, pyriemann, and what the geometry promises."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyriemann.geometry.mean import gmean
from pyriemann.geometry.tangentspace import tangent_space
from pyriemann.transfer import TLCenter, encode_domains
from reference.recenter_naive import MEANS, recentred_rows, references
from sklearn.metrics import accuracy_score

from eegtl.errors import InputError, TransferWarning
from eegtl.features.covariance import tangent_vectors
from eegtl.features.power import entropy_of_variance
from eegtl.testing import check_transfer_estimator
from eegtl.testing.toys import covariance_problem
from eegtl.transfer import (
    SubjectNormalizer,
    TransferPipeline,
    covariance_rows,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.covariance_rows import matrices_to_rows, rows_to_matrices
from eegtl.transfer.recenter import Recenter
from eegtl.transfer.state import from_state, to_state

METRICS = ("riemann", "euclid", "logeuclid")
TOY = covariance_problem(n_bands=2)
WHO = np.unique(TOY.subjects)


def fit(metric: str = "riemann", **options: Any) -> Recenter:
    return Recenter(metric, n_bands=2, **options).fit(TOY.X, TOY.y, subjects=TOY.subjects)


def rows_of(matrices: np.ndarray) -> np.ndarray:
    return matrices_to_rows(matrices[:, None])


def sources(n: int, p: int, seed: int = 0, n_times: int = 60) -> np.ndarray:
    """Covariances of p mixed sources whose powers vary from window to window."""
    rng = np.random.default_rng(seed)
    mixing = np.eye(p) + 0.3 * rng.standard_normal((p, p))
    signals = np.exp(rng.standard_normal((n, p, 1)) / 2) * rng.standard_normal((n, p, n_times))
    mixed = mixing @ signals
    return mixed @ mixed.transpose(0, 2, 1) / n_times


def gram(rows: np.ndarray) -> np.ndarray:
    return rows @ rows.T


@pytest.mark.parametrize("metric", METRICS)
class TestMathematics:
    def test_equals_plain_loops(self, metric: str) -> None:
        X, subjects, T = TOY.X[:24], TOY.subjects[:24], TOY.T[:8]
        recenter = Recenter(metric, n_bands=2).fit(X, subjects=subjects)
        found = recenter.transform_source(X, subjects)
        means = []
        for name in WHO:
            mask = subjects == name
            means.append(references(X[mask], 2, metric))
            expected = recentred_rows(X[mask], means[-1], 2, metric)
            np.testing.assert_allclose(found[mask], expected, atol=1e-8)
        pooled = [MEANS[metric]([mean[band] for mean in means]) for band in range(2)]
        expected = recentred_rows(T, pooled, 2, metric)
        np.testing.assert_allclose(recenter.transform(T), expected, atol=1e-8)
        expected = recentred_rows(T, references(T, 2, metric), 2, metric)
        np.testing.assert_allclose(recenter.adapt(T).transform(T), expected, atol=1e-8)

    def test_everybody_s_mean_is_the_identity(self, metric: str) -> None:
        recenter = fit(metric, output="covariances").adapt(TOY.T)
        moved = recenter.transform_source(TOY.X, TOY.subjects)
        persons = [moved[TOY.subjects == name] for name in WHO]
        for rows in [*persons, recenter.transform(TOY.T)]:
            for matrices in rows_to_matrices(rows, 2).swapaxes(0, 1):
                options = {"tol": 1e-12} if metric == "riemann" else {}
                mean = gmean(matrices, metric=metric, **options)
                np.testing.assert_allclose(mean, np.eye(3), atol=1e-8)

    def test_tangent_is_that_of_the_recentred_matrices(self, metric: str) -> None:
        moved = rows_to_matrices(fit(metric, output="covariances").adapt(TOY.T).transform(TOY.T), 2)
        vectors = fit(metric).adapt(TOY.T).transform(TOY.T)
        for band in range(2):
            expected = tangent_space(moved[:, band], np.eye(3), metric="riemann")
            np.testing.assert_allclose(vectors[:, band::2], expected, atol=1e-9)
        if metric != "euclid":  # the arithmetic mean of matrices is not that of logarithms
            np.testing.assert_allclose(vectors.mean(axis=0), 0.0, atol=1e-8)

    def test_blocks_change_nothing(self, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = fit(metric).adapt(TOY.T)
        monkeypatch.setattr(covariance_rows, "BLOCK_BYTES", 7 * 8 * 9)  # 7 matrices
        parts = fit(metric).adapt(TOY.T)
        np.testing.assert_allclose(parts.transform(TOY.T), whole.transform(TOY.T), atol=1e-9)
        np.testing.assert_allclose(
            parts.transform_source(TOY.X, TOY.subjects),
            whole.transform_source(TOY.X, TOY.subjects),
            atol=1e-9,
        )

    # Diagonal matrices commute: re-centring is subtracting the mean of log variances, which is
    # twice the differential entropy as z2 centres it (z2 then divides by the deviation).
    def test_diagonal_matrices_are_centred_entropies(self, metric: str) -> None:
        rng = np.random.default_rng(3)
        variances = np.exp(rng.standard_normal((60, 4)) + rng.standard_normal(4))
        people = np.repeat(["ann", "ben"], 30)
        X = rows_of(variances[:, :, None] * np.eye(4))
        vectors = Recenter(metric).fit(X, subjects=people).transform_source(X, people)
        diagonal = np.flatnonzero(np.equal(*np.triu_indices(4)))
        entropy = entropy_of_variance(variances)
        for name in ("ann", "ben"):
            mine, centre = entropy[people == name], entropy[people == name].mean(axis=0)
            if metric == "euclid":  # centred at the mean variance, not at the mean entropy
                centre = entropy_of_variance(variances[people == name].mean(axis=0))
            np.testing.assert_allclose(
                vectors[people == name][:, diagonal], 2 * (mine - centre), atol=1e-8
            )
        np.testing.assert_allclose(np.delete(vectors, diagonal, axis=1), 0.0, atol=1e-12)
        z_of = [
            SubjectNormalizer("z2").fit(rows, subjects=people).transform_source(rows, people)
            for rows in (vectors[:, diagonal], entropy)
        ]
        np.testing.assert_allclose(*z_of, atol=1e-8)

    @pytest.mark.filterwarnings("ignore::eegtl.errors.TransferWarning")
    def test_state_comes_back(self, metric: str) -> None:
        recenter = fit(metric).adapt(TOY.T)
        again = from_state(to_state(recenter, extra=[Recenter]), extra=[Recenter])
        np.testing.assert_array_equal(again.transform(TOY.T), recenter.transform(TOY.T))


class TestInvariance:
    # An invertible mixing of one person's channels changes what comes out by one rotation alone:
    # inner products of the tangent vectors, within the person, stay.
    @given(st.integers(0, 2**32 - 1), st.sampled_from(["riemann", "euclid"]))
    @settings(max_examples=20)
    def test_a_person_s_mixing_drops_out(self, seed: int, metric: str) -> None:
        rng = np.random.default_rng(seed)
        matrices = sources(12, 4, seed % 1000)
        mixing = np.eye(4) + 0.5 * rng.standard_normal((4, 4))
        mixed = mixing @ matrices @ mixing.T
        if np.linalg.cond(mixing) > 30:
            return
        a, b = (
            Recenter(metric, output="tangent").fit(rows_of(m)).transform(rows_of(m))
            for m in (matrices, mixed)
        )
        np.testing.assert_allclose(gram(b), gram(a), atol=1e-7)
        moved, changed = (
            rows_to_matrices(
                Recenter(metric, output="covariances").fit(rows_of(m)).transform(rows_of(m))
            )[:, 0]
            for m in (matrices, mixed)
        )
        # the rotation itself, from the references alone: U = R2^-1/2 A R1^1/2
        R1, R2 = (Recenter(metric).fit(rows_of(m)).target_reference_[0] for m in (matrices, mixed))
        values, vectors = np.linalg.eigh(R2)
        inverse_root = (vectors / np.sqrt(values)) @ vectors.T
        values, vectors = np.linalg.eigh(R1)
        U = inverse_root @ mixing @ (vectors * np.sqrt(values)) @ vectors.T
        np.testing.assert_allclose(U @ U.T, np.eye(4), atol=1e-7)
        np.testing.assert_allclose(changed, U @ moved @ U.T, atol=1e-6)

    def test_log_euclidean_keeps_only_rotations_and_scale(self) -> None:
        matrices = sources(12, 4)
        rng = np.random.default_rng(5)
        rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
        mixing = np.eye(4) + 0.5 * rng.standard_normal((4, 4))

        def products(A: np.ndarray) -> np.ndarray:
            rows = rows_of(A @ matrices @ A.T)
            return gram(Recenter("logeuclid").fit(rows).transform(rows))

        np.testing.assert_allclose(products(3.0 * rotation), products(np.eye(4)), atol=1e-8)
        assert np.abs(products(mixing) - products(np.eye(4))).max() > 0.1

    # ... and is the feature "tangent", centred person by person: behind z2 both are the same.
    def test_log_euclidean_is_the_centred_feature_tangent(self) -> None:
        tangents = [
            np.stack([tangent_vectors(band) for band in matrices.swapaxes(0, 1)], axis=2)
            for matrices in (rows_to_matrices(TOY.X, 2), rows_to_matrices(TOY.T, 2))
        ]
        feature, feature_T = (rows.reshape(len(rows), -1) for rows in tangents)
        recenter = fit("logeuclid").adapt(TOY.T)
        moved, moved_T = recenter.transform_source(TOY.X, TOY.subjects), recenter.transform(TOY.T)
        np.testing.assert_allclose(moved_T, feature_T - feature_T.mean(axis=0), atol=1e-9)
        a, b = (
            SubjectNormalizer("z2").fit(rows, subjects=TOY.subjects).adapt(target)
            for rows, target in ((moved, moved_T), (feature, feature_T))
        )
        np.testing.assert_allclose(a.transform(moved_T), b.transform(feature_T), atol=1e-8)
        np.testing.assert_allclose(
            a.transform_source(moved, TOY.subjects),
            b.transform_source(feature, TOY.subjects),
            atol=1e-8,
        )

    def test_units_drop_out(self) -> None:
        volts = Recenter(n_bands=2).fit(1e-12 * TOY.X, subjects=TOY.subjects)
        found = volts.adapt(1e-12 * TOY.T).transform(1e-12 * TOY.T)
        np.testing.assert_allclose(found, fit().adapt(TOY.T).transform(TOY.T), atol=1e-8)

    @pytest.mark.parametrize("metric", ["riemann", "euclid"])
    def test_pyriemann_as_a_second_opinion(self, metric: str) -> None:
        X, T = TOY.X[:, ::2], TOY.T[:, ::2]
        matrices = rows_to_matrices(np.vstack([X, T]))[:, 0]
        domains = np.concatenate([TOY.subjects, np.repeat("eve", len(T))])
        encoded = encode_domains(matrices, np.concatenate([TOY.y, TOY.y_target]), domains)
        theirs = TLCenter(target_domain="eve", metric=metric).fit_transform(*encoded)
        recenter = Recenter(metric, output="covariances").fit(X, subjects=TOY.subjects).adapt(T)
        ours = np.vstack([recenter.transform_source(X, TOY.subjects), recenter.transform(T)])
        np.testing.assert_allclose(rows_to_matrices(ours)[:, 0], theirs, atol=1e-6)


class TestRank:
    def test_common_average_reference(self) -> None:
        matrices = sources(40, 6)
        referenced = np.eye(6) - 1 / 6
        X = rows_of(referenced @ matrices @ referenced)
        message = (
            r"the covariances of source \(one subject\) have rank 5\.0 of 6 in band 0: what is "
            r"missing counts as 1e-06 of their mean variance"
        )
        with pytest.warns(TransferWarning, match=message):
            recenter = Recenter().fit(X)
        assert recenter.subject_rank_.tolist() == [[5.0]]
        assert np.isnan(recenter.target_rank_).all()
        with pytest.warns(TransferWarning, match="the covariances of the target have rank 5.0"):
            recenter.adapt(X)
        assert recenter.target_rank_.tolist() == [5.0]
        # In the space of the 5 directions nothing has changed; the sixth adds the total power.
        basis = np.linalg.qr(referenced[:, :5])[0]
        small = rows_of(basis.T @ matrices @ basis)
        expected = gram(Recenter().fit(small).transform(small))
        power = np.log(np.trace(rows_to_matrices(X)[:, 0], axis1=1, axis2=2))
        power -= power.mean()
        found = gram(recenter.transform(X))
        np.testing.assert_allclose(found, expected + np.outer(power, power), atol=1e-6)

    @pytest.mark.filterwarnings("ignore::eegtl.errors.TransferWarning")
    def test_windows_of_too_few_samples(self) -> None:
        X = rows_of(sources(40, 6, n_times=3))
        recenter = Recenter().fit(X)
        assert recenter.subject_rank_.tolist() == [[3.0]]
        assert np.isfinite(recenter.transform(X)).all()

    def test_one_flat_window(self) -> None:
        X = TOY.X.copy()
        X[5] = 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            recenter = Recenter(n_bands=2).fit(X, subjects=TOY.subjects).adapt(TOY.T)
        assert recenter.subject_rank_.min() == pytest.approx(3 * 23 / 24)
        flat = recenter.transform(np.zeros((1, 12)))
        assert np.isfinite(flat).all()
        assert flat.min() < -20  # and is seen to be extreme

    def test_full_rank_says_nothing_and_floor_does_nothing(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            small, large = fit(floor=1e-9).adapt(TOY.T), fit(floor=1e-4).adapt(TOY.T)
        np.testing.assert_array_equal(small.transform(TOY.T), large.transform(TOY.T))
        assert (small.subject_rank_ == 3.0).all()

    def test_what_is_no_covariance_is_named(self) -> None:
        X, T = TOY.X.copy(), TOY.T.copy()
        bad = np.flatnonzero(TOY.subjects == "ben")[3]
        X[bad, 1] = -5.0
        message = f"source ben, band 1: row {bad} is no covariance matrix: its smallest eigenvalue"
        with pytest.raises(InputError, match=message):
            Recenter(n_bands=2).fit(X, subjects=TOY.subjects)
        T[7, 0] = -5.0
        recenter = fit().adapt(TOY.T)
        before = recenter.transform(TOY.T)
        for call in (recenter.adapt, recenter.transform):
            with pytest.raises(InputError, match="target, band 0: row 7 is no covariance matrix"):
                call(T)
        np.testing.assert_array_equal(recenter.transform(TOY.T), before)


class TestContract:
    @pytest.mark.parametrize(
        "estimator",
        [
            Recenter(),
            Recenter("euclid", n_bands=2),
            Recenter("logeuclid"),
            Recenter("logeuclid", n_bands=2, output="covariances"),
            make_transfer_pipeline(Recenter(n_bands=2), default_classifier()),
        ],
        ids=lambda e: type(e).__name__ + str(getattr(e, "metric", "")),
    )
    def test_every_rule_holds(self, estimator: Any) -> None:
        check_transfer_estimator(estimator, extra_classes=[Recenter])

    def test_says_what_it_is(self) -> None:
        assert Recenter.by_subject
        assert not Recenter.moves_source
        assert Recenter.skipped_checks == {}
        assert Recenter().needs_ == "unlabelled"
        assert fit().get_feature_names_out().tolist() == [f"x{i}" for i in range(12)]

    @pytest.mark.parametrize("metric", ["euclid", "logeuclid"])
    def test_partial_adapt_is_exact(self, metric: str) -> None:
        parts, whole = fit(metric), fit(metric).adapt(TOY.T)
        for start in range(0, 30, 10):
            parts.partial_adapt(TOY.T[start : start + 10])
        np.testing.assert_allclose(parts.transform(TOY.T), whole.transform(TOY.T), atol=1e-10)
        np.testing.assert_allclose(parts.target_rank_, whole.target_rank_)
        assert parts.n_target_windows_ == 30

    # It runs through a pipeline, too: Recenter leaves the sources in place.
    def test_partial_adapt_of_a_pipeline(self) -> None:
        pipeline = make_transfer_pipeline(Recenter("logeuclid", n_bands=2), default_classifier())
        pipeline.fit(TOY.X, TOY.y, subjects=TOY.subjects)
        pipeline.partial_adapt(TOY.T[:9]).partial_adapt(TOY.T[9:])
        scores = pipeline.decision_function(TOY.T)
        np.testing.assert_allclose(scores, pipeline.adapt(TOY.T).decision_function(TOY.T))

    def test_a_riemannian_mean_has_no_running_form(self) -> None:
        assert not hasattr(fit(), "partial_adapt")
        with pytest.raises(AttributeError, match="partial_adapt"):
            fit().partial_adapt(TOY.T)

    def test_keeps_references_and_no_rows(self) -> None:
        recenter = fit().adapt(TOY.T)
        shapes = {v.shape for v in vars(recenter).values() if isinstance(v, np.ndarray)}
        assert max(shapes, key=np.prod) == (4, 2, 3, 3)

    def test_one_row_and_one_person(self) -> None:
        one = Recenter(n_bands=2).fit(TOY.X[:1])
        np.testing.assert_allclose(one.transform(TOY.X[:1]), 0.0, atol=1e-9)
        np.testing.assert_allclose(one.adapt(TOY.T[:1]).transform(TOY.T[:1]), 0.0, atol=1e-9)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"metric": "wasserstein"}, "metric must be one of riemann, euclid, logeuclid; got 'w"),
            ({"output": "matrices"}, "output must be one of tangent, covariances; got 'matrices'"),
            ({"floor": 0}, "floor must lie between 0 and 1.*got 0"),
            ({"floor": 1.0}, "floor must lie between 0 and 1.*got 1.0"),
            ({"tolerance": 0.0}, "tolerance must be positive; got 0.0"),
            ({"n_bands": 5}, "rows of 12 columns cannot hold 5 covariance matrices"),
            ({"n_bands": 0}, "n_bands must be a whole number from 1 on; got 0"),
        ],
    )
    def test_parameters_that_cannot_be(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            Recenter(**options).fit(TOY.X)

    def test_subjects_that_were_not_there(self) -> None:
        names = TOY.subjects.copy()
        names[0] = "zoe"
        with pytest.raises(InputError, match=r"got the subjects zoe, which were not in fit \(ther"):
            fit().transform_source(TOY.X, names)
        with pytest.raises(InputError, match="each of the 4 source subjects by itself: give"):
            fit().transform_source(TOY.X)


def accuracies(problem: Any) -> tuple[float, float]:
    """Accuracy with the target re-centred by itself, and with nobody re-centred."""
    X, y, subjects, T, y_target = problem
    adapted, pooled = (
        make_transfer_pipeline(Recenter(), default_classifier()).fit(X, y, subjects=who)
        for who in (subjects, None)
    )
    found = [accuracy_score(y_target, p.predict(T)) for p in (adapted.adapt(T), pooled)]
    return found[0], found[1]


def people(seed: int, spread: float) -> Any:
    """Six people whose mixing differs by `spread`; two classes of source power."""
    rng = np.random.default_rng(seed)
    power, common = rng.standard_normal((2, 4)) / 2, np.eye(4) + 0.3 * rng.standard_normal((4, 4))
    y = np.tile([0, 1], 180)
    mixing = common @ (np.eye(4) + spread * rng.standard_normal((6, 4, 4))).repeat(60, axis=0)
    scale = np.exp(power[y] / 2 + rng.standard_normal((360, 4)) / 4)[:, :, None]
    signals = mixing @ (scale * rng.standard_normal((360, 4, 40)))
    X = rows_of(signals @ signals.transpose(0, 2, 1) / 40)
    who = np.repeat(np.arange(6), 60)
    return X[:300], y[:300], who[:300], X[300:], y[300:]


class TestPurpose:
    def test_equal_people_are_not_harmed(self) -> None:
        found = np.array([accuracies(people(seed, 0.0)) for seed in range(6)])
        assert found.mean(axis=0)[0] > found.mean(axis=0)[1] - 0.02

    def test_unequal_people_gain(self) -> None:
        found = np.array([accuracies(people(seed, 0.6)) for seed in range(6)])
        assert found.mean(axis=0)[0] > found.mean(axis=0)[1] + 0.05

    def test_pipeline_needs_no_rows_of_sources_to_adapt(self) -> None:
        X, y, subjects, T, _ = people(0, 0.6)
        pipeline = make_transfer_pipeline(Recenter(), default_classifier())
        pipeline.fit(X, y, subjects=subjects)
        assert isinstance(pipeline, TransferPipeline)
        coefficients = pipeline.steps_[-1][1].coef_
        assert pipeline.adapt(T).steps_[-1][1].coef_ is coefficients
