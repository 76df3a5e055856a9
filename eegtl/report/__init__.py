"""Tables of studies, for the terminal and as Markdown."""

from .table import footnotes, format_markdown, format_table, save_markdown

__all__ = ["footnotes", "format_markdown", "format_table", "save_markdown"]
