from __future__ import annotations

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegtl.evaluation.toml_text import line_finder, write_toml

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
plain = texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
values = plain | st.lists(plain | st.lists(plain, max_size=2), max_size=3)
tables = st.recursive(
    st.dictionaries(texts, values, max_size=3),
    lambda inner: st.dictionaries(
        texts, values | inner | st.lists(inner, min_size=1, max_size=2), max_size=3
    ),
    max_leaves=8,
)


@given(tables)
def test_what_is_written_reads_back_equal(content: dict[str, object]) -> None:
    text = write_toml(content)
    assert tomllib.loads(text) == content
    assert "\r" not in text


@given(tables)
def test_types_stay(content: dict[str, object]) -> None:
    """True is not 1 and 1.0 is not 1, although they are equal."""

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(each) for key, each in value.items()}
        if isinstance(value, list):
            return [shape(each) for each in value]
        return type(value)

    assert shape(tomllib.loads(write_toml(content))) == shape(content)


def test_words_that_have_no_digits() -> None:
    read = tomllib.loads(write_toml({"a": math.inf, "b": -math.inf, "c": math.nan, "d": 1e-5}))
    assert (read["a"], read["b"], read["d"]) == (math.inf, -math.inf, 1e-5)
    assert math.isnan(read["c"])


def test_none_is_left_out_and_other_kinds_are_refused() -> None:
    assert write_toml({"a": None, "b": {"c": None}}) == "[b]\n"
    with pytest.raises(TypeError, match=r"TOML has no word for \{1\}"):
        write_toml({"a": {1}})
    with pytest.raises(TypeError, match="TOML has no word for None"):
        write_toml({"a": [None]})


TEXT = """# a comment = 1
[data]
name = "x"   # the name
"odd key" = 1

[features.bands]
alpha = [
  8,
  14,
]

[[preprocessing]]
step = "notch"
[[preprocessing]]
step = "bandpass"
[preprocessing.more]
deep = 1
[study]
a.b = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("data",), 2),
        (("data", "name"), 3),
        (("data", "odd key"), 4),
        (("data", "missing"), 2),
        (("features", "bands", "alpha", 1), 7),
        (("features", "window"), None),
        (("preprocessing",), 12),
        (("preprocessing", 0, "step"), 13),
        (("preprocessing", 1), 14),
        (("preprocessing", 1, "step"), 15),
        (("preprocessing", 1, "low"), 14),
        (("preprocessing", 1, "more", "deep"), 17),
        (("study", "a", "b"), 19),
        (("nothing",), None),
        ((), None),
    ],
)
def test_the_line_of_a_key(path: tuple[str | int, ...], line: int | None) -> None:
    tomllib.loads(TEXT)
    assert line_finder(TEXT)(path) == line
