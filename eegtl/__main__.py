"""``python -m eegtl``: the command line, also where the script ``eegtl`` is not on the path."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
