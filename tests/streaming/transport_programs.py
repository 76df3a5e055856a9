"""Programs of the transport tests: started, listened to, and ended whatever happens."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: Seconds that anything may take on a busy machine; what is waited for usually comes at once.
PATIENCE = 90.0
#: what keeps programs that are not eegtl on this machine, too
LOOPBACK = """[multicast]
ResolveScope = machine
[lab]
KnownPeers = {127.0.0.1}
[ports]
PortRange = 128
[log]
level = -3
"""


def unique(name: str = "t") -> str:
    """Give a name that no other test has."""
    return f"{name}-{uuid.uuid4().hex[:10]}"


def wait_until(condition: Any, what: str, seconds: float = PATIENCE) -> Any:
    """Wait until a condition gives something true, and give that."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)


class Program:
    """A program in a process of its own; used in a ``with`` block, which kills it at its end.

    Parameters
    ----------
    args : str
        Of the interpreter: ``-m eegtl stream ...`` or ``-c ...``.
    """

    def __init__(self, *args: str) -> None:
        self._dir = tempfile.TemporaryDirectory()
        config = Path(self._dir.name) / "lsl_api.cfg"
        config.write_text(LOOPBACK)
        env = os.environ | {
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            "LSLAPICFG": str(config),
        }
        self.process = subprocess.Popen(
            [sys.executable, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=env,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)

    @property
    def output(self) -> str:
        """What it has said so far."""
        return "".join(self._lines)

    def wait_for(self, pattern: str, *, after: int = 0) -> int:
        """Wait until it says something; give the place behind it."""

        def seen() -> re.Match[str] | None:
            found = re.compile(pattern, re.M).search(self.output, after)
            ended = self.process.poll() is not None and not self._reader.is_alive()
            assert found or not ended, f"it ended without {pattern!r}:\n{self.output}"
            return found

        try:
            return int(wait_until(seen, repr(pattern)).end())
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n{self.output}") from None

    def tell(self, line: str) -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def finish(self, *codes: int, seconds: float = PATIENCE) -> str:
        """Wait for its end with one of some codes, 0 unless said; give what it said."""
        try:
            ended = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end; it said:\n{self.output}") from None
        self._reader.join(PATIENCE)
        assert ended in (codes or (0,)), f"it ended with {ended}, not {codes}:\n{self.output}"
        return self.output

    def stop(self) -> str:
        """End it as Ctrl-C does; give what it said."""
        self.signal(signal.SIGINT)
        return self.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self._dir.cleanup()


def eegtl(*args: object) -> Program:
    """Start a command of eegtl in another process."""
    return Program("-m", "eegtl", *map(str, args))
