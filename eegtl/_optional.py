"""Optional dependencies: one function imports them, or says why and how to install."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .errors import MissingExtraError


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency.

    Parameters
    ----------
    module : str
        Import name, for example ``"pyxdf"``.
    extra : str
        The extra of eegtl that installs it, for example ``"xdf"``.
    purpose : str
        What needs it, as the end of "... is needed to ...".

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingExtraError
        When the module is not installed.

    Examples
    --------
    >>> require("json", extra="none", purpose="read a header").__name__
    'json'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtraError(
            f"{module} is needed to {purpose} and is not installed; "
            f"install it with: pip install 'eegtl[{extra}]'"
        ) from error
