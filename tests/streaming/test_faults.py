"""Faults that are rehearsed: each does what it says, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import cycle, repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegtl.errors import InputError
from eegtl.streaming.faults import KINDS, Fault
from eegtl.streaming.replay import Packet, packets

FS, N = 100.0, 1000
VALUES = np.stack([np.arange(N), -np.arange(N)], axis=1).astype(np.float32)
STAMPS = np.arange(N) / FS


def cut(*faults: str, sizes: Iterator[int] | None = None, fs: float = FS) -> list[Packet]:
    return list(packets(VALUES, fs, sizes or repeat(7), [Fault.parse(text) for text in faults]))


def sent(got: Sequence[Packet]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and stamps of the samples, in the order in which they are sent."""
    return (
        np.concatenate([p.values[:, 0] for p in got]),
        np.concatenate([p.stamps for p in got]),
    )


def test_without_faults_everything_is_sent_once_in_packets_of_the_sizes() -> None:
    got = cut(sizes=cycle([3, 11]))
    numbers, stamps = sent(got)
    np.testing.assert_array_equal(numbers, VALUES[:, 0])
    np.testing.assert_array_equal(stamps, STAMPS)
    assert [len(p.values) for p in got[:-1]] == [3, 11] * ((len(got) - 1) // 2) + [3] * (
        (len(got) - 1) % 2
    )
    assert all(p.due == p.stamps[-1] for p in got)
    assert not any(p.outage or p.reverse for p in got)


@pytest.mark.parametrize(
    ("fault", "lost"),
    [
        ("gap@2:0.5", slice(200, 250)),
        ("gap@2.005:0.5", slice(201, 251)),
        ("gap@9.9:5", slice(990, 1000)),
        ("drop@0:12", slice(0, 12)),
        ("drop@0.07:1", slice(7, 8)),  # 0.07 * 100 is a little more than 7
        ("drop@2", slice(200, 212)),
    ],
)
def test_gap_and_drop_leave_out_so_much_and_stamps_go_on(fault: str, lost: slice) -> None:
    got = cut(fault)
    kept = np.delete(np.arange(N), lost)
    numbers, stamps = sent(got)
    np.testing.assert_array_equal(numbers, kept)
    np.testing.assert_array_equal(stamps, STAMPS[kept])
    # no packet spans it, and nothing comes earlier
    assert all(np.all(np.diff(p.values[:, 0]) == 1) for p in got)
    assert all(p.due == p.stamps[-1] for p in got)
    assert not any(p.outage for p in got)


@pytest.mark.parametrize(("kind", "reverse"), [("die", False), ("channels", True)])
def test_die_and_channels_end_the_stream_for_so_long(kind: str, reverse: bool) -> None:
    got = cut(f"{kind}@3:2")
    numbers, stamps = sent(got)
    kept = np.delete(np.arange(N), slice(300, 500))
    np.testing.assert_array_equal(numbers, kept)
    np.testing.assert_array_equal(stamps, STAMPS[kept])
    [back] = [p for p in got if p.outage]
    assert (back.values[0, 0], back.outage, back.reverse) == (500, 2.0, reverse)
    assert sum(p.reverse for p in got) == reverse


def test_nan_makes_all_channels_no_numbers_for_so_long() -> None:
    got = cut("nan@4:0.2")
    values = np.concatenate([p.values for p in got])
    assert np.isnan(values[400:420]).all()
    values[400:420] = VALUES[400:420]
    np.testing.assert_array_equal(values, VALUES)
    np.testing.assert_array_equal(sent(got)[1], STAMPS)
    assert not np.isnan(VALUES).any()  # what was given stays


@pytest.mark.parametrize("size", [3600.0, -10.0, 200_000.0, -0.5])
def test_jump_moves_the_stamps_by_so_much_and_nothing_is_late(size: float) -> None:
    got = cut(f"jump@5:{size:f}")
    numbers, stamps = sent(got)
    np.testing.assert_array_equal(numbers, VALUES[:, 0])
    np.testing.assert_allclose(stamps, STAMPS + size * (STAMPS >= 5), rtol=1e-12)
    np.testing.assert_allclose([p.due for p in got], [p.values[-1, 0] / FS for p in got])


def test_reorder_sends_the_second_of_two_packets_first() -> None:
    got = cut("reorder@6:12", sizes=repeat(12))
    numbers, stamps = sent(got)
    expected = np.concatenate(
        [np.arange(600), np.arange(612, 624), np.arange(600, 612), np.arange(624, N)]
    )
    np.testing.assert_array_equal(numbers, expected)
    np.testing.assert_array_equal(stamps, STAMPS[expected])
    firsts = [p.values[0, 0] for p in got]
    assert firsts.index(612) + 1 == firsts.index(600)
    assert all(len(p.values) == 12 for p in got[:49] if p.values[-1, 0] != 599)


def test_reorder_at_the_end_halves_what_is_left() -> None:
    numbers, _ = sent(cut("reorder@9.95:12"))
    np.testing.assert_array_equal(numbers[-5:], [997, 998, 995, 996, 999])


class TestTogether:
    def test_an_outage_is_not_lost_behind_another_fault(self) -> None:
        for other in ("gap@5:1", "drop@4.9:30", "reorder@4.95:20"):
            got = cut("channels@3:2", other)
            back = [p for p in got if p.outage]
            assert [(p.outage, p.reverse) for p in back] == [(2.0, True)], other
            before = np.concatenate([p.values[:, 0] for p in got[: got.index(back[0])]])
            assert before.max() < 300

    def test_two_outages(self) -> None:
        got = cut("channels@1:1", "channels@5:2")
        assert [(p.outage, p.reverse) for p in got if p.outage] == [(1.0, True), (2.0, True)]
        merged = cut("channels@1:1", "channels@2:1")  # one directly behind the other
        assert [(p.outage, p.reverse) for p in merged if p.outage] == [(2.0, False)]

    @given(
        st.lists(
            st.tuples(st.sampled_from(sorted(KINDS)), st.floats(0, 9.9), st.integers(1, 40)),
            max_size=5,
        ),
        st.lists(st.integers(1, 30), min_size=1, max_size=4),
    )
    def test_every_sample_is_sent_at_most_once_and_not_before_its_time(
        self, faults: Any, sizes: list[int]
    ) -> None:
        given = [
            Fault(kind, at, float(n) if KINDS[kind][0] == "samples" else n / 20)
            for kind, at, n in faults
        ]
        numbered = np.repeat(np.arange(N, dtype=np.float32)[:, None], 2, axis=1)
        got = list(packets(numbered, FS, cycle(sizes), given))
        values = np.concatenate([p.values[:, 0] for p in got] or [np.empty(0)])
        finite = values[np.isfinite(values)]
        assert len(np.unique(finite)) == len(finite)
        if not any(f.kind in ("gap", "drop", "die", "channels") for f in given):
            assert len(values) == N
        for p in got:
            assert len(p.values) == len(p.stamps) > 0
            numbers = p.values[np.isfinite(p.values[:, 0]), 0]
            assert not len(numbers) or p.due >= numbers.max() / FS - 1e-9


class TestErrors:
    @pytest.mark.parametrize(
        "text",
        [
            "", "gap", "gap@", "gap@x", "gap@1:", "gap@1:x", "gap@1.2.3", "gap@.", "gap@-1",
            "gap@1:0", "gap@1:-2", "drop@1:0", "drop@1:2.5", "reorder@1:0.3", "explode@1",
            "GAP@1", "gap@1:0.5:3", "gap@1 :2", "jump@1:--3", "gap@" + "9" * 400,
            "jump@1:" + "9" * 400, "gap@nan", "gap@1:inf",
        ],
    )  # fmt: skip
    def test_what_is_no_fault(self, text: str) -> None:
        message = (
            f"{text!r} is no fault; write KIND@SECONDS or KIND@SECONDS:SIZE, for example "
            f"gap@10:0.5. Kinds are {', '.join(KINDS)}; sizes are above 0"
        )
        with pytest.raises(InputError, match=re.escape(message)):
            Fault.parse(text)

    @pytest.mark.parametrize("kind", list(KINDS))
    def test_every_kind_has_a_usual_size(self, kind: str) -> None:
        assert Fault.parse(f" {kind}@1.5 ") == Fault(kind, 1.5, KINDS[kind][1])
        assert Fault.parse(f"{kind}@1.5:3") == Fault(kind, 1.5, 3.0)

    def test_behind_the_end(self) -> None:
        with pytest.raises(
            InputError, match=r"gap@10 lies behind the end of the recording \(10\.0"
        ):
            cut("gap@10")
        cut("gap@9.99")

    @pytest.mark.parametrize("fault", ["gap@1:0.004", "nan@1:0.001", "die@1:0.002"])
    def test_shorter_than_a_sample(self, fault: str) -> None:
        text = f"the fault {fault} is shorter than a sample, which lasts 0.01 s; make it longer."
        with pytest.raises(InputError, match=re.escape(text)):
            cut(fault)
