"""Markers of other programs, as they send them."""

from __future__ import annotations

from ctypes import c_char_p, c_double

import pylsl
import pytest
from pylsl.lib import lib
from streaming.transport_programs import unique, wait_until

from eegtl.errors import StreamError
from eegtl.streaming.inlets import MarkerInlet
from eegtl.streaming.lsl import Search, configure


def outlet(kind, channels=1, sfreq=0.0):
    configure()
    name = unique("markers")
    return name, pylsl.StreamOutlet(pylsl.StreamInfo(name, "Markers", channels, sfreq, kind, name))


def heard(name, send):
    inlet = MarkerInlet(Search().find(name=name, seconds=60))
    send()
    marks = []
    wait_until(lambda: marks.extend(inlet.pull()) or marks, "a marker")
    inlet.close()
    return marks


def push_bytes(stream, text, stamp):
    """Send bytes as they are, as programs of other languages do."""
    lib.lsl_push_sample_strtp(stream.obj, (c_char_p * 1)(text), c_double(stamp), 1)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("üben".encode(), "üben"),
        ("üben".encode("latin-1"), "\N{REPLACEMENT CHARACTER}ben"),
        (b" calm ", "calm"),
    ],
)
def test_texts_of_any_encoding(text, label):
    name, stream = outlet("string")
    assert heard(name, lambda: push_bytes(stream, text, 12.5)) == [(label, 12.5)]


def test_numbers_and_several_channels():
    name, stream = outlet("float32")
    assert heard(name, lambda: stream.push_sample([2.0], 3.0)) == [("2", 3.0)]
    name, stream = outlet("string", 2)
    assert heard(name, lambda: stream.push_sample(["film", "3"], 4.0)) == [("film/3", 4.0)]


def test_a_signal_is_no_stream_of_markers():
    name, stream = outlet("float32", 4, 256.0)
    with pytest.raises(StreamError, match=r"has 256 samples a second, so that it holds a signal"):
        MarkerInlet(Search().find(name=name, seconds=60))
    del stream
