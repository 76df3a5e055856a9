"""A clean stop at Ctrl-C, SIGTERM, and when the terminal is closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set an event at the first Ctrl-C, SIGTERM or SIGHUP; a second one breaks off.

    SIGHUP stays ignored where it is, under nohup.

    Parameters
    ----------
    stop : threading.Event
    """

    def ask(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    heard = [signal.SIGINT, signal.SIGTERM]
    # Windows has none
    if getattr(signal, "SIGHUP", None) and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
