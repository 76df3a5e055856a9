"""Sufficient statistics: any cut of the rows, weights, maps, pooling; huge offsets."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.lda_naive import mean_and_covariance

from eegtl.errors import InputError, MemoryEstimateError
from eegtl.transfer import SourceSummary
from eegtl.transfer import summary as summary_module
from eegtl.transfer.summary import check_weights

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)) @ RNG.standard_normal((4, 4)) + [0, 1, 10, -100]
Y = np.array(["calm", "tense", "glad"])[np.arange(60) % 3]
SUBJECTS = np.array(["ann", "ben"])[np.arange(60) // 7 % 2]


def as_dict(summary: SourceSummary) -> dict[Any, tuple[float, np.ndarray, np.ndarray]]:
    keys = zip(summary.subjects, summary.labels, strict=True)
    values = zip(summary.counts, summary.means, summary.scatters, strict=True)
    return dict(zip(keys, values, strict=True))


def assert_same(a: SourceSummary, b: SourceSummary, atol: float = 1e-9) -> None:
    left, right = as_dict(a), as_dict(b)
    assert set(left) == set(right)
    for key, moments in left.items():
        for one, other in zip(moments, right[key], strict=True):
            np.testing.assert_allclose(one, other, atol=atol, rtol=1e-10)


WHOLE = SourceSummary().add(X, Y, SUBJECTS)


def test_equals_the_loop() -> None:
    assert len(WHOLE.counts) == 6
    assert WHOLE.n_features == 4
    assert WHOLE.classes.tolist() == ["calm", "glad", "tense"]
    for (subject, label), (count, mean, scatter) in as_dict(WHOLE).items():
        chosen = (subject == SUBJECTS) & (label == Y)
        total, expected_mean, covariance = mean_and_covariance(X[chosen])
        assert count == total
        np.testing.assert_allclose(mean, expected_mean, atol=1e-12)
        np.testing.assert_allclose(scatter, covariance * total, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(1, 59), max_size=8, unique=True), seed=st.integers(0, 99))
def test_any_cut_and_any_order_give_the_same(cuts: list[int], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(60)
    blocks = SourceSummary()
    for part in np.split(order, sorted(cuts)):
        blocks.add(X[part], Y[part], SUBJECTS[part])
    assert_same(blocks, WHOLE)


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, 59))
def test_merge_equals_adding(cut: int) -> None:
    left = SourceSummary().add(X[:cut], Y[:cut], SUBJECTS[:cut])
    right = SourceSummary().add(X[cut:], Y[cut:], SUBJECTS[cut:])
    before = as_dict(right.copy())
    assert left.merge(right) is left
    assert_same(left, WHOLE)
    for key, moments in as_dict(right).items():
        for one, other in zip(moments, before[key], strict=True):
            np.testing.assert_array_equal(one, other)
    assert_same(SourceSummary().merge(WHOLE).merge(SourceSummary()), WHOLE)


def test_copy_is_independent() -> None:
    copy = WHOLE.copy()
    copy.add(X, Y, SUBJECTS)
    assert copy.counts.sum() == 120
    assert WHOLE.counts.sum() == 60


def test_input_is_not_changed() -> None:
    rows, weight = X.copy(), np.ones(60)
    SourceSummary().add(rows, Y, SUBJECTS, weight).add(rows, Y, SUBJECTS)
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(weight, 1.0)


class TestWeights:
    def test_integers_repeat_rows(self) -> None:
        weight = np.arange(60) % 4
        repeated = np.repeat(np.arange(60), weight)
        assert_same(
            SourceSummary().add(X, Y, SUBJECTS, weight),
            SourceSummary().add(X[repeated], Y[repeated], SUBJECTS[repeated]),
        )

    def test_zero_is_absent(self) -> None:
        """Groups of which no row counts do not appear."""
        weight = ((SUBJECTS == "ann") & (Y != "glad")).astype(float)
        weighted = SourceSummary().add(X, Y, SUBJECTS, weight)
        kept = weight > 0
        assert_same(weighted, SourceSummary().add(X[kept], Y[kept], SUBJECTS[kept]))
        assert weighted.classes.tolist() == ["calm", "tense"]

    def test_fractions(self) -> None:
        weight = np.random.default_rng(1).random(60)
        for (subject, label), (count, mean, scatter) in as_dict(
            SourceSummary().add(X, Y, SUBJECTS, weight)
        ).items():
            chosen = (subject == SUBJECTS) & (label == Y)
            total, expected, covariance = mean_and_covariance(X[chosen], weight[chosen])
            assert count == pytest.approx(total)
            np.testing.assert_allclose(mean, expected, atol=1e-12)
            np.testing.assert_allclose(scatter, covariance * total, atol=1e-9)

    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            ([1.0, -0.5, 1.0], "finite non-negative numbers; got shape (3,), smallest -0.5"),
            ([1.0, np.nan, 1.0], "finite non-negative numbers; got shape (3,), smallest nan"),
            ([1.0, 2.0], "sample_weight must be 3 finite non-negative numbers; got shape (2,)"),
            ([0.0, 0.0, 0.0], "all sample weights are zero; at least one row must count."),
        ],
    )
    def test_that_cannot_be(self, weight: list[float], message: str) -> None:
        with pytest.raises(InputError, match=re.escape(message)):
            SourceSummary().add(X[:3], Y[:3], None, weight)
        with pytest.raises(InputError, match=re.escape(message)):
            check_weights(weight, 3)

    def test_none_is_none(self) -> None:
        assert check_weights(None, 3) is None


class TestAffine:
    def test_matrix_of_each_subject(self) -> None:
        rng = np.random.default_rng(2)
        shift = {s: rng.standard_normal(4) for s in ("ann", "ben")}
        maps = {s: rng.standard_normal((4, 3)) for s in ("ann", "ben")}
        rows = np.array([(x - shift[s]) @ maps[s] for x, s in zip(X, SUBJECTS, strict=True)])
        mapped = WHOLE.affine(shift.__getitem__, maps.__getitem__)
        assert mapped.n_features == 3
        assert_same(mapped, SourceSummary().add(rows, Y, SUBJECTS), atol=1e-8)

    def test_diagonal(self) -> None:
        scale = np.array([1.0, -2.0, 0.5, 0.0])
        mapped = WHOLE.affine(lambda _: np.ones(4), lambda _: scale)
        assert_same(mapped, SourceSummary().add((X - 1) * scale, Y, SUBJECTS), atol=1e-8)
        as_matrix = WHOLE.affine(lambda _: np.ones(4), lambda _: np.diag(scale))
        assert_same(mapped, as_matrix, atol=1e-8)

    def test_leaves_the_summary_alone(self) -> None:
        before = WHOLE.copy()
        WHOLE.affine(lambda _: np.ones(4), lambda _: np.ones(4)).add(X, Y, SUBJECTS)
        assert_same(WHOLE, before, atol=0.0)


class TestPooling:
    def test_all_rows(self) -> None:
        total, mean, covariance = mean_and_covariance(X)
        count, got, scatter = WHOLE.pooled()
        assert count == total
        np.testing.assert_allclose(got, mean, atol=1e-11)
        np.testing.assert_allclose(scatter, covariance * total, atol=1e-8)

    @pytest.mark.parametrize("which", [{"subject": "ann"}, {"label": "glad"}])
    def test_part(self, which: dict[str, str]) -> None:
        chosen = (which["subject"] == SUBJECTS) if "subject" in which else (which["label"] == Y)
        total, mean, covariance = mean_and_covariance(X[chosen])
        count, got, scatter = WHOLE.pooled(**which)
        assert count == total
        np.testing.assert_allclose(got, mean, atol=1e-11)
        np.testing.assert_allclose(scatter, covariance * total, atol=1e-8)

    # NaN means with nothing but a RuntimeWarning
    def test_nobody(self) -> None:
        with pytest.raises(InputError, match="eve"):
            WHOLE.pooled(subject="eve")

    def test_without_subjects(self) -> None:
        pooled = WHOLE.without_subjects()
        assert pooled.labels.tolist() == ["calm", "glad", "tense"]
        assert len(set(pooled.subjects.tolist())) == 1
        assert_same(pooled, SourceSummary().add(X, Y))


@pytest.mark.parametrize("offset", [1e6, -1e8])
def test_huge_offset_does_not_cancel(offset: float) -> None:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((5000, 3))
    y, subjects = np.arange(5000) % 2, np.arange(5000) % 5
    blocks = SourceSummary()
    for part in np.split(np.arange(5000), 20):
        blocks.add(rows[part] + offset, y[part], subjects[part])
    plain = as_dict(SourceSummary().add((rows + offset) - offset, y, subjects))
    for key, (_, _, scatter) in as_dict(blocks).items():
        np.testing.assert_allclose(scatter, plain[key][2], atol=1e-8 * abs(offset) / 1e6 * 500)
    _, mean, scatter = blocks.pooled()
    np.testing.assert_allclose(scatter / 5000, np.cov(rows.T, bias=True), atol=1e-6)
    centred = blocks.affine(lambda _: mean, lambda _: np.ones(3)).pooled()
    np.testing.assert_allclose(centred[1], 0.0, atol=1e-7)


class TestFromArrays:
    def test_round_trip(self) -> None:
        again = SourceSummary.from_arrays(
            WHOLE.subjects,
            WHOLE.labels,
            WHOLE.counts.copy(),
            WHOLE.means.copy(),
            WHOLE.scatters.copy(),
        )
        assert_same(again, WHOLE, atol=0.0)
        again.add(X, Y, SUBJECTS)
        assert len(again.counts) == 6
        np.testing.assert_allclose(again.counts, 2 * WHOLE.counts)

    # A summary merges in place, so it may not keep arrays that belong to somebody else.
    def test_takes_copies(self) -> None:
        counts, means, scatters = WHOLE.counts.copy(), WHOLE.means.copy(), WHOLE.scatters.copy()
        other = SourceSummary.from_arrays(WHOLE.subjects, WHOLE.labels, counts, means, scatters)
        other.add(X + 5, Y, SUBJECTS)
        np.testing.assert_array_equal(counts, WHOLE.counts)
        np.testing.assert_array_equal(means, WHOLE.means)
        np.testing.assert_array_equal(scatters, WHOLE.scatters)

    def test_shapes_must_fit(self) -> None:
        message = (
            "the arrays do not fit together: 6 subjects, 6 labels, 5 counts, means (6, 4), "
            "scatters (6, 4, 4)."
        )
        with pytest.raises(InputError, match=re.escape(message)):
            SourceSummary.from_arrays(
                WHOLE.subjects, WHOLE.labels, WHOLE.counts[:5], WHOLE.means, WHOLE.scatters
            )
        with pytest.raises(InputError, match=re.escape("scatters (6, 3, 3)")):
            SourceSummary.from_arrays(
                WHOLE.subjects, WHOLE.labels, WHOLE.counts, WHOLE.means, WHOLE.scatters[:, :3, :3]
            )


def test_other_number_of_features() -> None:
    with pytest.raises(InputError, match=r"this block has 3 features, earlier ones had 4\."):
        WHOLE.copy().add(X[:, :3], Y, SUBJECTS)
    with pytest.raises(InputError, match=r"the other summary has 3 features, this one 4\."):
        WHOLE.copy().merge(SourceSummary().add(X[:, :3], Y, SUBJECTS))


def test_memory_is_estimated_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary_module, "SUMMARY_LIMIT_BYTES", 6 * 16 * 8)
    exact = SourceSummary().add(X, Y, SUBJECTS)  # 6 groups of 4 x 4 numbers: just fits
    before = exact.copy()
    message = (
        "the summary of 7 (subject, class) groups x 4 features needs 0.0 GiB, above 0 GiB; pool "
        "subjects, reduce the features, or fit on rows."
    )
    with pytest.raises(MemoryEstimateError, match=re.escape(message)):
        exact.add(X[:1], Y[:1], ["eve"])
    assert_same(exact, before, atol=0.0)  # refused before anything was changed


def test_memory_message_has_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary_module, "SUMMARY_LIMIT_BYTES", 2**30)
    summary = SourceSummary()
    with pytest.raises(
        MemoryEstimateError,
        match=r"2 \(subject, class\) groups x 9000 features "
        r"needs 1\.2 GiB, above 1 GiB",
    ):
        summary.add(np.zeros((2, 9000)), [0, 1])


def test_empty() -> None:
    summary = SourceSummary()
    assert summary.n_features == 0
    assert summary.classes.tolist() == []
    assert summary.counts.shape == (0,)
