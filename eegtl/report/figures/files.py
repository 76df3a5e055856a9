"""Writing figures: whole, or not at all."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from ...errors import InputError

#: Endings that matplotlib draws without further programs.
KINDS = (".png", ".svg", ".pdf")


def check_name(path: str | Path) -> Path:
    """Refuse a name that no picture can have.

    Parameters
    ----------
    path : path

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When the ending is another than `KINDS`, or the folder is not there.
    """
    target = Path(path)
    if target.suffix.lower() not in KINDS:
        raise InputError(f"a picture cannot be {target.name!r}; name it {', '.join(KINDS)}.")
    if not target.parent.is_dir():
        raise InputError(f"{target} cannot be written: there is no folder {target.parent}.")
    return target


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure to a file, which it replaces only when all of it is there.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path
        Ends in ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When the ending is another, or the file cannot be written.
    """
    target = check_name(path)
    partial = target.with_name(f".{target.stem}.partial{target.suffix}")
    try:
        figure.savefig(partial, dpi=150)
        partial.replace(target)
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error}); choose another place.") from error
    finally:
        partial.unlink(missing_ok=True)
    return target
