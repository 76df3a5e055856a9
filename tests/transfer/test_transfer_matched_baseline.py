"""Everybody referred to one kind of block."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegtl.errors import InputError
from eegtl.transfer import MatchedBaseline, SubjectNormalizer

RNG = np.random.default_rng(0)
WHO = np.repeat(["ann", "ben", "cid"], 20)
X = RNG.standard_normal((60, 3)) + np.repeat(4 * RNG.standard_normal((3, 3)), 20, axis=0)
ROWS = pd.DataFrame({"baseline": np.tile(np.arange(20) < 8, 3)})
T = RNG.standard_normal((15, 3)) + 9


@pytest.mark.parametrize("scale", [False, True])
def test_against_loops(scale):
    model = MatchedBaseline(scale=scale).fit(X, subjects=WHO, rows=ROWS).adapt(T[:5])
    blocks = {who: X[(who == WHO) & ROWS["baseline"]] for who in ("ann", "ben", "cid")}
    V = np.mean([rows.var(axis=0) for rows in blocks.values()], axis=0)

    def scaled(rows, block):
        n = len(block)
        s2 = (n * block.var(axis=0) + 10 * V) / (n + 10) if scale else V
        return (rows - block.mean(axis=0)) / np.sqrt(s2)

    np.testing.assert_allclose(model.transform(T), scaled(T, T[:5]), atol=1e-12)
    for who, block in blocks.items():
        own = X[who == WHO]
        got = model.transform_source(own, WHO[who == WHO])
        np.testing.assert_allclose(got, scaled(own, block), atol=1e-12)
    before = model.adapt().transform(T)
    middle = np.mean([rows.mean(axis=0) for rows in blocks.values()], axis=0)
    np.testing.assert_allclose(before, (T - middle) / np.sqrt(V), atol=1e-12)
    assert (model.information_, model.n_target_windows_) == ("inductive", 0)


def test_the_target_s_block_may_be_marked():
    model = MatchedBaseline("quiet").fit(
        X, subjects=WHO, rows=ROWS.rename(columns={"baseline": "quiet"})
    )
    expected = model.adapt(T[:5]).transform(T)
    marked = pd.DataFrame({"quiet": np.arange(15) < 5})
    model.adapt(T, rows_target=marked)
    np.testing.assert_allclose(model.transform(T), expected, atol=1e-12)
    assert model.n_target_windows_ == 5
    model.adapt(T, rows_target=pd.DataFrame({"trial": np.ones(15)}))
    assert model.n_target_windows_ == 15


@settings(max_examples=20, deadline=None)
@given(
    offset=st.lists(st.floats(-100, 100), min_size=4, max_size=4),
    scale=st.booleans(),
)
def test_offsets_of_people_vanish(offset, scale):
    moved = X + np.array(offset)[np.searchsorted(["ann", "ben", "cid"], WHO)][:, None]
    a, b = (MatchedBaseline(scale=scale).fit(rows, subjects=WHO, rows=ROWS) for rows in (X, moved))
    np.testing.assert_allclose(
        b.transform_source(moved, WHO), a.transform_source(X, WHO), atol=1e-9
    )
    expected = a.adapt(T).transform(T)
    np.testing.assert_allclose(b.adapt(T + offset[3]).transform(T + offset[3]), expected, atol=1e-9)


def test_a_long_block_of_all_rows_is_z2():
    rng = np.random.default_rng(1)
    rows, who = rng.standard_normal((40_000, 2)), np.repeat([0, 1], 20_000)
    model = MatchedBaseline().fit(rows, subjects=who)
    z2 = SubjectNormalizer("z2").fit(rows, subjects=who)
    difference = model.transform_source(rows, who) - z2.transform_source(rows, who)
    assert np.abs(difference).max() < 1e-3


def test_errors():
    without = ROWS.copy()
    without.loc[20:39, "baseline"] = False
    message = "MatchedBaseline: the source people ben have no row with 'baseline' true; mark each"
    with pytest.raises(InputError, match=re.escape(message)):
        MatchedBaseline().fit(X, subjects=WHO, rows=without)
    words = pd.DataFrame({"baseline": ["rest", "task"] * 30})
    with pytest.raises(InputError, match=re.escape("got the values ['rest', 'task'].")):
        MatchedBaseline().fit(X, subjects=WHO, rows=words)
    model = MatchedBaseline().fit(X, subjects=WHO, rows=ROWS)
    none = pd.DataFrame({"baseline": np.zeros(15, dtype=bool)})
    with pytest.raises(InputError, match="none of the 15 target rows has 'baseline' true"):
        model.adapt(T, rows_target=none)
