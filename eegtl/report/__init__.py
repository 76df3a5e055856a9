"""Reports of studies: the table for the terminal and as Markdown, figures, one HTML page.

The public names are imported on first use, so that a command that only prints a name safely (see
`eegtl.report.escape`) does not pay for figures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import figures
    from .page import report_html, write_report
    from .table import footnotes, format_markdown, format_table, save_markdown, study_title

_LAZY = {
    "footnotes": "table",
    "format_markdown": "table",
    "format_table": "table",
    "report_html": "page",
    "save_markdown": "table",
    "study_title": "table",
    "write_report": "page",
}

__all__ = [
    "figures",
    "footnotes",
    "format_markdown",
    "format_table",
    "report_html",
    "save_markdown",
    "study_title",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    if name == "figures":
        return import_module(".figures", __name__)
    raise AttributeError(f"module 'eegtl.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
