"""Imports the packages that only some kinds of picture need."""

from importlib import import_module
from types import ModuleType

from sinct.errors import InputError


def imported(module: str, package: str, extra: str, kind: str) -> ModuleType:
    """Import a module of an extra.

    Args:
        module: its name.
        package: the package that has it.
        extra: the extra of sinct that installs it.
        kind: what the file is, with an article.

    Raises:
        InputError: the package is not installed. The caller must put the file's name before the message.
    """
    try:
        return import_module(module)
    except (ImportError, OSError):  # OSError: the module is installed, but not its library
        raise InputError(
            f"is {kind}, which needs the extra {extra}; run `pip install {package}`, or save the picture as PNG or TIFF"
        ) from None
