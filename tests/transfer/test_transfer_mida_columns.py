"""MIDA with covariates, labels and appended domains; summaries, few directions, bad inputs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from reference.mida_naive import (
    domain_columns,
    mida_dense,
    mida_matrix,
    mida_new_rows,
    standardised,
)
from reference.tca_naive import kernel_matrix
from transfer.people import TARGET, fitted, people, pooled
from transfer.transfer_problems import gram

from eegtl.errors import InputError, TransferWarning
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import (
    MIDA,
    SourceSummary,
    default_classifier,
    make_transfer_pipeline,
)

pytestmark = pytest.mark.filterwarnings("ignore:MIDA with the linear kernel keeps all")


def check_scores(mida: MIDA, rows: Any, expected: tuple[Any, Any, Any]) -> None:
    values, _, scores = expected
    np.testing.assert_allclose(mida.eigenvalues_, values, rtol=1e-7)
    np.testing.assert_allclose(gram(mida.transform(rows)), gram(scores), atol=1e-7)
    assert mida.residual_ < 1e-8


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
class TestBothKernels:
    def test_a_constant_covariate_changes_nothing(self, kernel: str) -> None:
        X, s, T = people((20, 30, 20), 6)
        tables = [pd.DataFrame({"hours": np.full(n, 3.1)}) for n in (len(X), len(T))]
        mida = MIDA(2, kernel=kernel, covariates=["hours"])
        mida.fit(X, subjects=s, rows=tables[0]).adapt(T, rows_target=tables[1])
        plain = fitted(MIDA(2, kernel=kernel), X, s, T)
        np.testing.assert_allclose(gram(mida.transform(T)), gram(plain.transform(T)), atol=1e-8)

    def test_equals_the_dense_problem_with_covariates(self, kernel: str) -> None:
        X, s, T = people((20, 30, 20), 8)
        rng = np.random.default_rng(3)
        tables = [
            pd.DataFrame({"hours": 1e4 + rng.random(n), "day": rng.integers(0, 3, n)})
            for n in (len(X), len(T))
        ]
        hours, days = (
            np.concatenate([table[name] for table in tables]) for name in ("hours", "day")
        )
        mida = MIDA(3, kernel=kernel, covariates=("hours", "day"))
        assert mida.reads_rows
        assert not mida.accepts_summary()
        mida.fit(X, subjects=s, rows=tables[0])
        # target rows come in two parts, and so do their tables
        parts = slice(0, 5), slice(5, None)
        mida.adapt(
            T[parts[0]],
            X_calib=T[parts[1]],
            rows_target=tables[1].iloc[parts[0]],
            rows_calib=tables[1].iloc[parts[1]],
        )
        rows, D = pooled(X, s, T)
        D = np.column_stack([D, standardised(hours), standardised(days)])
        K = kernel_matrix(rows, rows, mida.gamma_ if kernel == "rbf" else None)
        check_scores(mida, rows, mida_dense(K, D, 3, 1.0))

    def test_equals_the_dense_problem_with_labels(self, kernel: str) -> None:
        X, s, T = people((20, 30, 20), 8)
        y = np.array(["calm", "tense", "other"])[np.arange(50) % 3]
        y_calib = ["tense"] * 4 + ["calm"] * 6
        mida = MIDA(3, kernel=kernel, label_weight=0.3)
        mida.fit(X, y, subjects=s).adapt(T)
        assert mida.information_ == "unlabelled"
        rows, D = pooled(X, s, T)
        K = kernel_matrix(rows, rows, mida.gamma_ if kernel == "rbf" else None)
        expected = mida_dense(K, D, 3, 1.0, [*y, *[None] * 20], 0.3)
        check_scores(mida, rows, expected)
        mida.adapt(T[:10], X_calib=T[10:], y_calib=y_calib)
        assert mida.information_ == "labelled"
        expected = mida_dense(K, D, 3, 1.0, [*y, *[None] * 10, *y_calib], 0.3)
        check_scores(mida, rows, expected)
        without = MIDA(3, kernel=kernel).fit(X, y, subjects=s)
        without.adapt(T[:10], X_calib=T[10:], y_calib=y_calib)
        assert without.information_ == "unlabelled"

    def test_equals_the_dense_problem_of_augmented_rows(self, kernel: str) -> None:
        X, s, T = people((20, 30, 20), 5)
        mida = fitted(MIDA(3, kernel=kernel, augment=True, mu=5.0), X, s, T)
        rows, D = pooled(X, s, T)
        spread = np.sqrt(np.mean(np.var(X, axis=0)))
        augmented = np.hstack([rows, spread * D])
        K = kernel_matrix(augmented, augmented, mida.gamma_ if kernel == "rbf" else None)
        values, W, scores = mida_dense(K, D, 3, 5.0)
        ours = np.vstack([mida.transform_source(X, s), mida.transform(T)])
        np.testing.assert_allclose(mida.eigenvalues_, values, rtol=1e-7)
        np.testing.assert_allclose(gram(ours), gram(scores), atol=1e-7)
        # before adapt, the wearer counts as the average source row
        mida.adapt()
        D = domain_columns([*s.tolist(), TARGET])[:-1]
        K = kernel_matrix(augmented[:50], augmented[:50], mida.gamma_ if kernel == "rbf" else None)
        W = mida_dense(K, D, 3, 5.0)[1]
        average = np.hstack([T, np.tile(spread * D.mean(axis=0), (len(T), 1))])
        gamma = mida.gamma_ if kernel == "rbf" else None
        expected = mida_new_rows(K, kernel_matrix(average, augmented[:50], gamma), W)
        np.testing.assert_allclose(gram(mida.transform(T)), gram(expected), atol=1e-7)

    def test_a_drift_that_a_covariate_drives_is_removed(self, kernel: str) -> None:
        X, s, T = people((80, 80, 80, 60), 6, seed=2, shift=0.2)
        rng = np.random.default_rng(2)
        hours = rng.random(300)
        drift = 6 * (hours - 0.5)[:, None] * [1.0, 0.6, 0, 0, 0, 0]
        rows, T = X + drift[:240], T + drift[240:]
        tables = pd.DataFrame({"hours": hours[:240]}), pd.DataFrame({"hours": hours[240:]})

        def largest_correlation(mida: MIDA) -> float:
            mida.fit(rows, subjects=s, rows=tables[0]).adapt(T, rows_target=tables[1])
            scores = mida.transform(np.vstack([rows, T]))
            return max(abs(np.corrcoef(scores.T, hours)[-1, :-1]))

        assert largest_correlation(MIDA(2, kernel=kernel)) > 0.7
        assert largest_correlation(MIDA(2, kernel=kernel, covariates=["hours"])) < 0.1


def test_a_target_of_few_rows_weighs_little() -> None:
    X, s, T = people((400, 400, 400, 400), 8)

    def distance(n: int) -> float:
        mida = fitted(MIDA(3), X, s, T[:n])
        own, others = mida.transform(T[:n]).mean(axis=0), mida.transform_source(X).mean(axis=0)
        return float(np.linalg.norm(own - others) / np.sqrt(mida.transform(X).var(axis=0).sum()))

    assert distance(400) < 0.05
    assert distance(4) > 0.5


class TestSummary:
    @pytest.mark.parametrize(
        "parameters", [{}, {"augment": True}, {"label_weight": 0.2}, {"mu_scale": "rows"}]
    )
    def test_equals_the_rows(self, parameters: dict[str, Any]) -> None:
        X, s, T = people((20, 31, 15, 12), 6)
        y = np.array(["a", "b"])[np.arange(len(X)) % 2]
        summary = SourceSummary()
        for part in (slice(0, 7), slice(7, 40), slice(40, None)):
            summary.add(X[part], y[part], s[part])
        mida = MIDA(3, **parameters)
        assert mida.accepts_summary()
        rows = MIDA(3, **parameters).fit(X, y, subjects=s)
        blocks = mida.fit_summary(summary)
        np.testing.assert_allclose(gram(blocks.transform(T)), gram(rows.transform(T)), atol=1e-8)
        rows.adapt(T)
        blocks.adapt(T)
        np.testing.assert_allclose(gram(blocks.transform(T)), gram(rows.transform(T)), atol=1e-8)
        mapped = rows.map_summary(summary)
        scores = rows.transform_source(X, s)
        for who, label, mean, scatter in zip(
            mapped.subjects, mapped.labels, mapped.means, mapped.scatters, strict=True
        ):
            own = scores[(s == who) & (y == label)]
            np.testing.assert_allclose(mean, own.mean(axis=0), atol=1e-9)
            np.testing.assert_allclose(scatter, np.cov(own.T, bias=True) * len(own), atol=1e-8)

    def test_is_refused_where_it_does_not_suffice(self) -> None:
        X, s, _ = people((10, 10, 1), 3)
        summary = SourceSummary().add(X, np.arange(20) % 2, s)
        with pytest.raises(InputError, match=r"MIDA with covariates \(hours\) needs rows"):
            MIDA(covariates=["hours"]).fit_summary(summary)
        with pytest.raises(InputError, match="kernel is 'rbf'"):
            MIDA(kernel="rbf").fit_summary(summary)
        assert not MIDA(kernel="rbf").accepts_summary()


class TestFewDirections:
    def test_only_what_outweighs_the_domains_is_kept(self) -> None:
        X, s, T = people((40, 40, 40, 40), 5, shift=3.0)
        mida = fitted(MIDA(5), X, s, T)
        assert mida.n_components_ == 2  # 5 features, 4 domains: 3 directions tell them apart
        assert mida.transform(T).shape == (40, 2)
        assert mida.get_feature_names_out().tolist() == ["mida0", "mida1"]
        assert fitted(MIDA(5, mu=1e6), X, s, T).n_components_ == 5

    def test_where_nothing_does_the_nearest_is_kept_with_a_warning(self) -> None:
        X, s, T = people((40, 40, 40, 40), 2, shift=3.0)
        mida = MIDA(2)
        with pytest.warns(TransferWarning, match=r"times mu = 1, outweighs .* the 4 domains"):
            mida.fit(X, subjects=s).adapt(T)
        assert mida.n_components_ == 1
        assert mida.eigenvalues_[0] < 0
        rows, D = pooled(X, s, T)
        values = np.linalg.eigvalsh(mida_matrix(kernel_matrix(rows, rows), D, 1.0))
        inside = values[np.abs(values) > 1e-8 * np.abs(values).max()]
        assert mida.eigenvalues_[0] == pytest.approx(inside.max(), rel=1e-9)

    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    @pytest.mark.parametrize("value", [1.0, 0.1])
    def test_equal_rows_are_refused(self, kernel: str, value: float) -> None:
        with pytest.raises(InputError, match="all rows of a person are equal"):
            MIDA(3, kernel=kernel).fit(np.full((10, 7), value), subjects=np.arange(10) % 3)

    def test_a_refused_target_changes_nothing(self) -> None:
        X, s, T = people((20, 20, 20), 4)
        rows = pd.DataFrame({"hours": np.arange(40.0)})
        mida = MIDA(2, covariates=["hours"]).fit(X, subjects=s, rows=rows)
        before = mida.transform(T)
        with pytest.raises(InputError, match="needs rows_target with the columns hours; got None"):
            mida.adapt(T)
        np.testing.assert_array_equal(mida.transform(T), before)
        assert mida.information_ == "inductive"


class TestParameters:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"kernel": "poly"}, "MIDA: kernel must be 'linear' or 'rbf'; got 'poly'."),
            ({"mu": 0.0}, "MIDA: mu must be a positive number; got 0.0."),
            ({"mu": float("inf")}, "MIDA: mu must be a positive number; got inf."),
            ({"mu": "1"}, "MIDA: mu must be a positive number; got '1'."),
            ({"mu_scale": "trace"}, "MIDA: mu_scale must be 'absolute' or 'rows'; got 'trace'."),
            ({"label_weight": -1}, "MIDA: label_weight must be a number of at least 0; got -1."),
            (
                {"label_weight": None},
                "MIDA: label_weight must be a number of at least 0; got None.",
            ),
            ({"covariates": "hours"}, "a list of names of columns, or None; got 'hours'."),
            ({"covariates": [3]}, "a list of names of columns, or None; got [3]."),
            ({"n_components": 0}, "MIDA: n_components must be a positive integer; got 0."),
        ],
    )
    def test_are_checked_in_fit(self, parameters: dict[str, Any], message: str) -> None:
        X, s, _ = people((10, 10, 1), 3)
        with pytest.raises(InputError, match=re.escape(message)):
            MIDA(**parameters).fit(X, subjects=s)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (None, "MIDA with covariates needs rows with the columns hours; got None."),
            (
                pd.DataFrame({"day": range(20)}),
                "rows has no column 'hours', which MIDA's covariates name; its columns are day.",
            ),
            (
                pd.DataFrame({"hours": ["noon"] * 20}),
                "the column 'hours' of rows must hold numbers to be a covariate of MIDA; it holds "
                "['noon'].",
            ),
            (
                pd.DataFrame({"hours": [1.0] * 18 + [np.nan, np.inf]}),
                "the column 'hours' of rows has 2 missing values; a covariate of MIDA needs a",
            ),
        ],
    )
    def test_tables_are_checked(self, rows: Any, message: str) -> None:
        X, s, _ = people((10, 10, 1), 3)
        with pytest.raises(InputError, match=re.escape(message)):
            MIDA(covariates=["hours"]).fit(X, subjects=s, rows=rows)

    def test_labels_are_needed_where_they_count(self) -> None:
        X, s, _ = people((10, 10, 1), 3)
        with pytest.raises(InputError, match="MIDA requires y to be passed"):
            MIDA(label_weight=0.1).fit(X, subjects=s)

    def test_source_rows_need_their_subject_where_the_map_depends_on_it(self) -> None:
        X, s, _ = people((10, 10, 1), 3)
        mida = MIDA(2, augment=True).fit(X, subjects=s)
        with pytest.raises(InputError, match="MIDA maps each of the 2 source subjects by itself"):
            mida.transform_source(X)
        with pytest.raises(InputError, match=r"got the subjects zoe, which were not in fit"):
            mida.transform_source(X, np.repeat("zoe", 20))
        MIDA(2).fit(X, subjects=s).transform_source(X)


@pytest.mark.parametrize(
    "mida",
    [
        MIDA(3, label_weight=0.1),
        MIDA(3, mu_scale="rows"),
        MIDA(3, kernel="rbf", augment=True, n_landmarks=40),
    ],
    ids=["labels", "rows", "augmented landmarks"],
)
def test_every_rule_of_the_contract_holds(mida: MIDA) -> None:
    check_transfer_estimator(mida)


def test_equal_domains_do_no_harm_beyond_noise() -> None:
    """Sources and target from one distribution: as good as the sources alone."""
    differences = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        y = np.arange(500) % 2
        rows = rng.standard_normal((500, 10)) * np.arange(1, 11) ** -0.5
        rows[:, :3] += 0.7 * y[:, None]
        s = np.arange(300) % 3
        X, T, y_target = rows[:300], rows[300:], y[300:]
        alone = default_classifier().fit(X, y[:300]).score(T, y_target)
        steps = MIDA(5), default_classifier()
        adapted = make_transfer_pipeline(*steps).fit(X, y[:300], subjects=s).adapt(T)
        differences.append(adapted.score(T, y_target) - alone)
    assert np.mean(differences) > -0.02
