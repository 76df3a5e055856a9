"""What `Replay` hands to its outlets, and in which order; packets with faults that overlap."""

from __future__ import annotations

from itertools import repeat

import numpy as np
import pytest
from streaming.transport_programs import unique

from eegtl.errors import InputError
from eegtl.streaming.faults import Fault
from eegtl.streaming.replay import Replay, packets

SFREQ = 100.0


def values(seconds=4.0):
    n = round(seconds * SFREQ)
    return np.arange(2 * n, dtype=np.float32).reshape(n, 2)


class Outlet:
    """Keeps what is pushed, in one list with others."""

    def __init__(self, kind, pushed):
        self._kind, self._pushed = kind, pushed

    def push_chunk(self, samples, stamps):
        self._pushed.append((self._kind, samples.copy(), np.array(stamps)))

    def push_sample(self, sample, stamp):
        self._pushed.append((self._kind, sample, stamp))


def played(markers=(), **settings):
    """Play at once, without LSL behind the outlets."""
    replay = Replay(values(), SFREQ, ("a", "b"), name=unique(), markers=markers)
    pushed = []
    replay._signal, replay._markers = Outlet("signal", pushed), Outlet("marker", pushed)
    replay._outlet = lambda names: Outlet("".join(names), pushed)
    replay.run(speed=1e6, **settings)
    return replay, pushed


@pytest.mark.parametrize("faults", ["", "jump@1:5000", "reorder@1:30", "jump@2:-5000"])
def test_a_marker_goes_before_its_sample_and_not_early(faults):
    """Also where the stamps have jumped: the marker's clock is another."""
    marks = [(0.5, "x"), (1.234, "y"), (3.9, "z")]
    replay, pushed = played(marks, chunk=0.25, faults=[Fault.parse(f) for f in faults.split()])
    newest = -np.inf
    seen = []
    for kind, what, stamps in pushed:
        if kind == "signal":
            newest = max(newest, what[-1, 0] / 2 / SFREQ)  # samples hold their own number
        else:
            at = stamps - replay.start
            seen.append((round(at, 6), what[0]))
            assert newest < at
            assert at - newest < 0.3 + 0.3 * faults.startswith("reorder")
    assert seen == marks


def test_markers_behind_the_last_sample_are_sent():
    _, pushed = played([(9.0, "end")])
    assert pushed[-1][:2] == ("marker", ["end"])


def test_all_samples_go_once_with_their_stamps():
    replay, pushed = played(random_chunks=3, chunk=0.1)
    sent = np.vstack([what for _, what, _ in pushed])
    stamps = np.concatenate([stamps for *_, stamps in pushed])
    assert np.array_equal(sent, values())
    np.testing.assert_allclose(stamps - replay.start, np.arange(400) / SFREQ, atol=1e-9)
    assert replay.n_sent == 400
    assert len({len(what) for _, what, _ in pushed}) > 5


@pytest.mark.parametrize(
    ("faults", "outage", "reverse"),
    [
        (["die@1:1"], 1.0, False),
        (["channels@1:1"], 1.0, True),
        (["die@1:1", "gap@2:0.5"], 1.0, False),  # a gap just where the stream returns
        (["die@1:1", "drop@1.9:30"], 1.0, False),
        (["channels@1:1", "channels@1.5:1"], 2.0, False),  # reversed twice
    ],
)
def test_an_outage_happens_whatever_overlaps_it(faults, outage, reverse):
    cut = list(packets(values(), SFREQ, repeat(25), [Fault.parse(text) for text in faults]))
    outages = [(packet.outage, packet.reverse) for packet in cut if packet.outage]
    assert outages == [(outage, reverse)]
    place = next(i for i, packet in enumerate(cut) if packet.outage)
    assert cut[place - 1].stamps[-1] < 1.0
    assert cut[place].stamps[0] >= 2.0


def test_channels_return_reversed():
    _, pushed = played(faults=[Fault("channels", 1.0, 1e-2)])
    assert {kind for kind, *_ in pushed} == {"signal", "ba"}
    before = np.vstack([what for kind, what, _ in pushed if kind == "signal"])
    after = np.vstack([what for kind, what, _ in pushed if kind == "ba"])
    assert np.array_equal(before, values()[:100])
    assert np.array_equal(after[:, ::-1], values()[101:])


@pytest.mark.parametrize("settings", [{"speed": 0.0}, {"speed": np.nan}, {"chunk": np.inf}])
def test_speed_and_chunk_are_positive(settings):
    replay = Replay(values(), SFREQ, ("a", "b"), name=unique())
    speed, chunk = settings.get("speed", 1.0), settings.get("chunk", 0.04)
    with pytest.raises(InputError, match=f"speed and chunk .* got {speed!r} and {chunk!r}"):
        replay.run(**settings)
