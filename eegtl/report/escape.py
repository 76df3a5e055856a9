"""Strings from outside, made harmless on the terminal and in Markdown."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""Escape control characters, so that a name cannot steer the terminal.

    Parameters
    ----------
    text : object
        A name, a label, a file name, a message.

    Returns
    -------
    str
        On one line.

    Examples
    --------
    >>> printable("a" + chr(27) + "[31mb")
    'a\\x1b[31mb'
    """
    shown = str(text)
    if shown.isprintable():  # nearly always, and a figure is a million characters
        return shown
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in shown
    )


def markdown(text: object) -> str:
    r"""Escape what Markdown or HTML would read as markup.

    Parameters
    ----------
    text : object

    Returns
    -------
    str
        On one line.

    Examples
    --------
    >>> markdown("<b>|*")
    '&lt;b&gt;\\|\\*'
    """
    escaped = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + c if c in "\\`*_[]|#!" else c for c in escaped)
