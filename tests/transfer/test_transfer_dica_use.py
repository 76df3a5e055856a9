"""DICA and UDICA in use: targets, summaries, pipelines, names, bad inputs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from reference.dica_naive import (
    domain_variance,
)
from transfer.people import people_with_classes
from transfer.transfer_problems import gram

from eegtl.errors import InputError
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import (
    DICA,
    UDICA,
    SourceSummary,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
    projection,
)

pytestmark = pytest.mark.filterwarnings("ignore:UDICA with the linear kernel keeps all")
METHODS = [DICA, UDICA]


@pytest.mark.parametrize("method", METHODS)
class TestBoth:
    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    def test_the_gap_closes_with_mu(self, method: Any, kernel: str) -> None:
        X, y, s = people_with_classes((50, 40, 60, 50), 8)
        gaps = [
            method(2, kernel=kernel, mu=mu).fit(X, y, subjects=s).gap_
            for mu in (1e4, 1e2, 1.0, 1e-2, 1e-4)
        ]
        assert np.all(np.diff(gaps) < 0)
        assert gaps[-1] < 1e-2 < 0.2 < gaps[0]

    @pytest.mark.parametrize("mu", [1e-8, 1e-2])
    def test_residual_of_many_rows(self, method: Any, mu: float) -> None:
        X, y, s = people_with_classes((9_000, 12_000, 10_000), 8)
        X = X * np.arange(1, 9) ** -1.5
        assert method(5, mu=mu).fit(X, y, subjects=s).residual_ < 1e-8

    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    def test_the_target_changes_nothing(self, method: Any, kernel: str) -> None:
        X, y, s = people_with_classes((20, 25, 15), 6)
        fitted = method(2, kernel=kernel).fit(X, y, subjects=s)
        before = fitted.transform(X)
        fitted.adapt(X[:20] + 3, X_calib=X[:4], y_calib=y[:4])
        np.testing.assert_array_equal(fitted.transform(X), before)
        np.testing.assert_array_equal(fitted.transform_source(X, s), before)
        assert (fitted.information_, fitted.n_target_windows_) == ("inductive", 0)
        assert (fitted.needs_, fitted.moves_source) == ("inductive", False)

    def test_keeps_the_projection_alone(self, method: Any) -> None:
        X, y, s = people_with_classes((200, 250, 150), 6)
        fitted = method(2).fit(X, y, subjects=s)
        sizes = [np.size(v) for v in vars(fitted).values() if isinstance(v, np.ndarray)]
        assert max(sizes) == 12
        landmarks = method(2, kernel="rbf", n_landmarks=25).fit(X, y, subjects=s)
        sizes = [len(v) for v in vars(landmarks).values() if isinstance(v, np.ndarray)]
        assert max(sizes) == 25

    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    def test_names_and_order_do_not_matter(self, method: Any, kernel: str) -> None:
        X, y, s = people_with_classes((20, 25, 15), 6)
        order = np.random.default_rng(1).permutation(len(X))
        other = np.array([{"p0": 7, "p1": -2, "p2": 3}[name] for name in s])
        mine = method(2, kernel=kernel, n_landmarks=30)
        a = mine.fit(X, y, subjects=s).transform(X)
        b = mine.fit(X[order], y[order], subjects=other[order]).transform(X)
        np.testing.assert_allclose(gram(a), gram(b), atol=1e-8)

    def test_each_person_counts_alike(self, method: Any) -> None:
        X, y, s = people_with_classes((20, 25, 15), 6)
        again = np.flatnonzero(s == "p1")
        more = np.concatenate([np.arange(len(s)), *[again] * 4])
        mus = [method(2, mu=1e-2).fit(X[i], y[i], subjects=s[i]).mu_ for i in (slice(None), more)]
        assert mus[0] == pytest.approx(mus[1])  # mu times the domain variance
        assert mus[0] == pytest.approx(1e-2 * domain_variance(X, s.tolist()) / (3 - 1))
        mine = method(2, mu_scale="absolute", mu=1e-9).fit(X[more], y[more], subjects=s[more])
        scores = mine.transform(X)
        assert domain_variance(scores, s.tolist()) < 1e-6 * scores.var()

    def test_summary_path_equals_row_path(self, method: Any) -> None:
        X, y, s = people_with_classes((20, 25, 15), 6)
        y = np.array([{"calm": 1, "other": 2, "tense": 3}[label] for label in y])
        summary = SourceSummary()
        for part in (slice(0, 7), slice(7, 40), slice(40, None)):
            summary.add(X[part], y[part], s[part])
        mine = method(2)
        assert mine.accepts_summary()
        rows = method(2).fit(X, y, subjects=s)
        blocks = mine.fit_summary(summary)
        np.testing.assert_allclose(gram(blocks.transform(X)), gram(rows.transform(X)), atol=1e-9)
        mapped, scores = rows.map_summary(summary), rows.transform(X)
        for who, label, mean, scatter in zip(
            mapped.subjects, mapped.labels, mapped.means, mapped.scatters, strict=True
        ):
            own = scores[(s == who) & (y == label)]
            np.testing.assert_allclose(mean, own.mean(axis=0), atol=1e-9)
            np.testing.assert_allclose(scatter, np.cov(own.T, bias=True) * len(own), atol=1e-8)
        assert not method(kernel="rbf").accepts_summary()
        with pytest.raises(InputError, match="kernel is 'rbf'"):
            method(kernel="rbf").fit_summary(summary)

    def test_in_a_pipeline_it_needs_no_rows(self, method: Any) -> None:
        X, y, s = people_with_classes((40, 30, 50), 6)
        steps = SubjectNormalizer("z2"), method(2), default_classifier()
        pipeline = make_transfer_pipeline(*steps).fit(X[:90], y[:90], subjects=s[:90])
        assert type(pipeline.sources_).__name__ == "SummarySources"
        z2 = SubjectNormalizer("z2").fit(X[:90], subjects=s[:90]).adapt(X[90:])
        Z = z2.transform_source(X[:90], s[:90])
        mine = method(2).fit(Z, y[:90], subjects=s[:90])
        lda = default_classifier().fit(mine.transform(Z), y[:90])
        expected = lda.decision_function(mine.transform(z2.transform(X[90:])))
        scores = pipeline.adapt(X[90:]).decision_function(X[90:])
        np.testing.assert_allclose(scores, expected, atol=1e-8)

    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    @pytest.mark.parametrize("value", [1.0, 0.1])
    def test_equal_rows_are_refused(self, method: Any, kernel: str, value: float) -> None:
        with pytest.raises(InputError, match=f"{method.__name__} found no direction in which"):
            method(3, kernel=kernel).fit(np.full((10, 7), value), np.arange(10) % 2)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"kernel": "poly"}, "kernel must be 'linear' or 'rbf'; got 'poly'."),
            ({"mu": 0}, "mu must be a positive number; got 0."),
            ({"mu_scale": "rows"}, "mu_scale must be 'trace' or 'absolute'; got 'rows'."),
            ({"n_landmarks": 1}, "n_landmarks must be 'auto', None or an integer of at least 2"),
        ],
    )
    def test_parameters_are_checked_in_fit(
        self, method: Any, parameters: dict[str, Any], message: str
    ) -> None:
        X, y, s = people_with_classes((10, 10), 3)
        with pytest.raises(InputError, match=re.escape(message)):
            method(**parameters).fit(X, y, subjects=s)

    def test_many_rows_take_landmarks_without_a_word(
        self, method: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("eegtl.transfer.dica.AUTO_LANDMARKS", 25)
        X, y, s = people_with_classes((20, 25, 15), 3)
        fitted = method(2, kernel="rbf").fit(X, y, subjects=s)
        assert fitted.approximation_ == "Nystroem, 25 landmarks of 60 rows"
        assert projection.AUTO_LANDMARKS == 2000

    def test_equal_domains_do_no_harm_beyond_noise(self, method: Any) -> None:
        """Sources and target from one distribution of round classes, where DICA is LDA."""
        differences = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            y = np.arange(500) % 2
            rows = rng.standard_normal((500, 10))
            rows[:, :3] += 0.5 * y[:, None]
            s, train, test = np.arange(300) % 3, slice(0, 300), slice(300, None)
            alone = default_classifier().fit(rows[train], y[train]).score(rows[test], y[test])
            chain = make_transfer_pipeline(method(8), default_classifier())
            chain.fit(rows[train], y[train], subjects=s).adapt(rows[test])
            differences.append(chain.score(rows[test], y[test]) - alone)
        assert np.mean(differences) > -0.03


@pytest.mark.parametrize("epsilon", [-1.0, "0", float("nan")])
def test_epsilon_is_checked_in_fit(epsilon: Any) -> None:
    X, y, s = people_with_classes((10, 10), 3)
    with pytest.raises(InputError, match=re.escape(f"at least 0; got {epsilon!r}.")):
        DICA(epsilon=epsilon).fit(X, y, subjects=s)


@pytest.mark.parametrize("method", METHODS)
def test_every_rule_of_the_contract_holds_with_landmarks(method: Any) -> None:
    check_transfer_estimator(method(3, kernel="rbf", n_landmarks=40))
