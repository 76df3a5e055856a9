"""The four normalisation modes against plain loops, and what must not change them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.normalization_naive import normalise

from eegtl.errors import InputError
from eegtl.transfer import SourceSummary, SubjectNormalizer

MODES = ("z0", "z1", "z2", "z3")


def people(seed: int = 0, d: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source rows of four interleaved people of unequal size, their names, target rows."""
    rng = np.random.default_rng(seed)
    subjects = np.array(["ann", "ben", "cid", "dot"])[rng.permutation(np.arange(40) % 7 % 4)]
    shift = {name: 5 * rng.standard_normal(d) for name in ("ann", "ben", "cid", "dot")}
    X = np.array([shift[s] for s in subjects]) + rng.standard_normal((40, d))
    return X, subjects, 3 + 2 * rng.standard_normal((12, d))


@pytest.mark.parametrize("mode", MODES)
class TestAgainstLoops:
    def test_all_target_rows(self, mode: str) -> None:
        X, subjects, T = people()
        z = SubjectNormalizer(mode).fit(X, subjects=subjects).adapt(T)
        source, target = normalise(mode, X, subjects, T, T)
        np.testing.assert_allclose(z.transform_source(X, subjects), source, atol=1e-12)
        np.testing.assert_allclose(z.transform(T), target, atol=1e-12)

    def test_before_adapt(self, mode: str) -> None:
        """z2 acts as z1 and z3 as z0."""
        X, subjects, T = people()
        z = SubjectNormalizer(mode).fit(X, subjects=subjects)
        acting = {"z2": "z1", "z3": "z0"}.get(mode, mode)
        source, target = normalise(acting, X, subjects, T)
        np.testing.assert_allclose(z.transform_source(X, subjects), source, atol=1e-12)
        np.testing.assert_allclose(z.transform(T), target, atol=1e-12)
        assert (z.information_, z.n_target_windows_) == ("inductive", 0)

    def test_calibration_block(self, mode: str) -> None:
        """Rows of the block set the statistics; other rows of the target are only mapped."""
        X, subjects, T = people()
        block, rest = T[:5], T[5:]
        z = SubjectNormalizer(mode).fit(X, subjects=subjects)
        z.adapt(X_calib=block, y_calib=["a", "b", "a", "b", "a"])
        _, target = normalise(mode, X, subjects, rest, block)
        np.testing.assert_allclose(z.transform(rest), target, atol=1e-12)
        consumed = ("unlabelled", 5) if mode in ("z2", "z3") else ("inductive", 0)
        assert (z.information_, z.n_target_windows_) == consumed

    def test_constant_features(self, mode: str) -> None:
        X, subjects, T = people()
        X[:, 0] = 0.1  # constant for everybody
        X[subjects == "ben", 1] = 7.3  # constant for one person
        T[:, 2] = -4.7  # constant for the target
        z = SubjectNormalizer(mode).fit(X, subjects=subjects).adapt(T)
        source, target = normalise(mode, X, subjects, T, T)
        np.testing.assert_allclose(z.transform_source(X, subjects), source, atol=1e-12)
        np.testing.assert_allclose(z.transform(T), target, atol=1e-12)
        assert np.all(np.isfinite(target))

    def test_one_target_row(self, mode: str) -> None:
        X, subjects, T = people()
        z = SubjectNormalizer(mode).fit(X, subjects=subjects).adapt(T[:1])
        _, target = normalise(mode, X, subjects, T, T[:1])
        np.testing.assert_allclose(z.transform(T), target, atol=1e-12)
        if mode in ("z2", "z3"):
            np.testing.assert_allclose(z.transform(T[:1]), 0.0, atol=1e-15)

    def test_one_row_a_subject(self, mode: str) -> None:
        X, _, T = people()
        z = SubjectNormalizer(mode).fit(X[:4], subjects=["a", "b", "c", "d"]).adapt(T)
        source, _ = normalise(mode, X[:4], ["a", "b", "c", "d"], T, T)
        got = z.transform_source(X[:4], ["a", "b", "c", "d"])
        np.testing.assert_allclose(got, source, atol=1e-12)

    def test_summary_path_equals_row_path(self, mode: str) -> None:
        X, subjects, T = people()
        y = np.arange(40) % 3
        rows = SubjectNormalizer(mode).fit(X, subjects=subjects).adapt(T)
        summary = SourceSummary().add(X[:11], y[:11], subjects[:11])
        summary.add(X[11:], y[11:], subjects[11:])
        blocks = SubjectNormalizer(mode).fit_summary(summary).adapt(T)
        for name in ("pooled_mean_", "pooled_scale_", "subject_mean_", "subject_scale_"):
            np.testing.assert_allclose(getattr(blocks, name), getattr(rows, name), rtol=1e-12)
        assert blocks.subjects_.tolist() == rows.subjects_.tolist()
        np.testing.assert_allclose(blocks.transform(T), rows.transform(T), atol=1e-12)
        mapped = blocks.map_summary(summary)
        direct = SourceSummary().add(rows.transform_source(X, subjects), y, subjects)
        for i, key in enumerate(zip(mapped.subjects, mapped.labels, strict=True)):
            same = [k for k in range(12) if (direct.subjects[k], direct.labels[k]) == key]
            np.testing.assert_allclose(mapped.means[i], direct.means[same[0]], atol=1e-10)
            np.testing.assert_allclose(mapped.scatters[i], direct.scatters[same[0]], atol=1e-10)

    @settings(max_examples=20, deadline=None)
    @given(cuts=st.lists(st.integers(1, 11), max_size=5, unique=True))
    def test_partial_adapt_in_any_chunks_equals_adapt(self, mode: str, cuts: list[int]) -> None:
        X, subjects, T = people()
        whole = SubjectNormalizer(mode).fit(X, subjects=subjects).adapt(T)
        parts = SubjectNormalizer(mode).fit(X, subjects=subjects)
        for chunk in np.split(T, sorted(cuts)):
            parts.partial_adapt(chunk)
        np.testing.assert_allclose(parts.transform(T), whole.transform(T), atol=1e-12)
        assert parts.information_ == whole.information_
        assert parts.n_target_windows_ == whole.n_target_windows_

    @settings(max_examples=20, deadline=None)
    @given(
        scale=st.lists(st.floats(1e-3, 1e3), min_size=15, max_size=15),
        shift=st.lists(st.floats(-1e3, 1e3), min_size=15, max_size=15),
    )
    def test_units_of_the_person(self, mode: str, scale: list[float], shift: list[float]) -> None:
        """A person's own gain and offset vanish where the person is standardised by itself."""
        X, subjects, T = people()
        gain, offset = np.reshape(scale, (5, 3)), np.reshape(shift, (5, 3))
        codes = np.searchsorted(["ann", "ben", "cid", "dot"], subjects)
        moved, moved_target = X * gain[codes] + offset[codes], T * gain[4] + offset[4]
        a = SubjectNormalizer(mode).fit(X, subjects=subjects).adapt(T)
        b = SubjectNormalizer(mode).fit(moved, subjects=subjects).adapt(moved_target)
        if mode in ("z1", "z2"):
            np.testing.assert_allclose(
                b.transform_source(moved, subjects), a.transform_source(X, subjects), atol=1e-6
            )
        if mode in ("z2", "z3"):
            np.testing.assert_allclose(b.transform(moved_target), a.transform(T), atol=1e-6)

    def test_huge_offset(self, mode: str) -> None:
        X, subjects, T = people()
        a = SubjectNormalizer(mode).fit(X, subjects=subjects).adapt(T)
        b = SubjectNormalizer(mode).fit(X + 1e7, subjects=subjects)
        b.partial_adapt(T[:5] + 1e7).partial_adapt(T[5:] + 1e7)
        np.testing.assert_allclose(b.transform(T + 1e7), a.transform(T), atol=1e-7)


def test_z2_gives_everybody_mean_0_and_sd_1() -> None:
    X, subjects, T = people()
    z = SubjectNormalizer("z2").fit(X, subjects=subjects).adapt(T)
    Z = z.transform_source(X, subjects)
    for rows in (*[Z[subjects == s] for s in np.unique(subjects)], z.transform(T)):
        np.testing.assert_allclose(rows.mean(axis=0), 0.0, atol=1e-12)
        np.testing.assert_allclose(rows.std(axis=0), 1.0, atol=1e-12)


def test_partial_adapt_continues_after_adapt_and_adapt_starts_again() -> None:
    X, subjects, T = people()
    fitted = SubjectNormalizer("z2").fit(X, subjects=subjects)
    whole = SubjectNormalizer("z2").fit(X, subjects=subjects).adapt(T).transform(T)
    fitted.adapt(T[:5]).partial_adapt(T[5:])
    np.testing.assert_allclose(fitted.transform(T), whole, atol=1e-12)
    assert fitted.n_target_windows_ == 12
    fitted.adapt(100 + T).adapt().partial_adapt(T)
    np.testing.assert_allclose(fitted.transform(T), whole, atol=1e-12)
    assert fitted.n_target_windows_ == 12


def test_partial_adapt_with_no_rows_is_refused_and_changes_nothing() -> None:
    X, subjects, T = people()
    fitted = SubjectNormalizer("z2").fit(X, subjects=subjects).adapt(T)
    before = fitted.transform(T)
    with pytest.raises(ValueError, match="0 sample"):
        fitted.partial_adapt(np.empty((0, 3)))
    np.testing.assert_array_equal(fitted.transform(T), before)
    assert fitted.n_target_windows_ == 12


@pytest.mark.parametrize("mode", MODES)
def test_needs(mode: str) -> None:
    expected = "unlabelled" if mode in ("z2", "z3") else "inductive"
    assert SubjectNormalizer(mode).needs_ == expected


@pytest.mark.parametrize("subjects", [["ann", "new"], ["new", "ann"]])
@pytest.mark.parametrize("mode", ["z1", "z2"])
def test_unknown_subject(mode: str, subjects: list[str]) -> None:
    X, names, _ = people()
    message = re.escape(
        f"{mode} got the subjects new, which were not in fit (there: ann, ben, cid, "
        "dot); rows of a new person go to adapt and transform."
    )
    with pytest.raises(InputError, match=message):
        SubjectNormalizer(mode).fit(X, subjects=names).transform_source(X[:2], subjects)


@pytest.mark.parametrize("mode", ["z0", "z3"])
def test_pooled_modes_do_not_ask_whose_row_it_is(mode: str) -> None:
    X, subjects, _ = people()
    z = SubjectNormalizer(mode).fit(X, subjects=subjects)
    np.testing.assert_array_equal(z.transform_source(X), z.transform_source(X, subjects))


# After a fit with named subjects, "no subjects" is nobody; that one of them happens to be
# called 0 must not lend its statistics.
def test_no_subjects_after_a_fit_with_subjects_is_refused() -> None:
    X, _, _ = people()
    z = SubjectNormalizer("z2").fit(X, subjects=np.arange(40) % 2)
    with pytest.raises(InputError, match="subjects"):
        z.transform_source(X)


def test_unknown_mode() -> None:
    message = r"mode must be one of z0, z1, z2, z3; got 'z4'\."
    with pytest.raises(InputError, match=message):
        SubjectNormalizer("z4").fit([[1.0], [2.0]])


@pytest.mark.parametrize(
    "names",
    [[1, 2, 3, 4], ["a", "b", "c", "d"], [("s", 1), ("s", 2), ("t", 1), ("t", 2)], [1.5, 2, 3, 4]],
)
def test_subjects_are_any_hashables(names: list[object]) -> None:
    X, subjects, _ = people()
    codes = np.searchsorted(["ann", "ben", "cid", "dot"], subjects)
    renamed = [names[code] for code in codes]
    a = SubjectNormalizer("z2").fit(X, subjects=subjects)
    b = SubjectNormalizer("z2").fit(X, subjects=renamed)
    c = SubjectNormalizer("z2").fit_summary(SourceSummary().add(X, codes % 2, renamed))
    expected = a.transform_source(X, subjects)
    np.testing.assert_allclose(b.transform_source(X, renamed), expected, atol=1e-12)
    np.testing.assert_allclose(c.transform_source(X, renamed), expected, atol=1e-12)
