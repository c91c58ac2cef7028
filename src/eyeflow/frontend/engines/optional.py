"""Packages that only some people install.

Knows: how a missing package is told. In: a module's name and the extra that brings it. Out: the module.
Never: installs or downloads anything.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from eyeflow.errors import EyeFlowError


def load(module: str, extra: str) -> ModuleType:
    """The module. Raises: EyeFlowError `missing_extra` when the package is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise EyeFlowError(
            "missing_extra", f"the package behind `{module}` is not installed", hint=f'pip install "eyeflow[{extra}]"'
        ) from error
