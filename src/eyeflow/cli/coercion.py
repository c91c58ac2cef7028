"""What becomes of an option's text, without the validation library that typer would load for it.

Knows: text, lists of text, and plain paths: nothing needs to be validated about them. In: the parameters of a command.
Out: nothing; they read their values by themselves from then on. Never: decides about anything else (numbers, choices,
flags from the environment, a path that cannot be read): that stays typer's, its words included.

Typer 0.29 builds a pydantic adapter for every parameter, those not given too: 75 ms of every start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

_NOT_READ: Final = object()


def lighten(params: Iterable[Any]) -> None:
    """Give each parameter of a command its own reading of plain values; where typer has no such place, do nothing."""
    for param in params:
        build = getattr(param, "get_runtime_param", None)
        if build is not None and hasattr(param, "type_descriptor") and not isinstance(build, _Light):
            param.get_runtime_param = _Light(build)


_OF_THE_VALIDATOR: Final = "Value error, "
"""What typer's validator puts before the words of an error; nobody who typed a wrong word needs it."""


class _Light:
    """Stands in for a parameter's coercion, and for the call that gives it."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build

    def __call__(self) -> _Light:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value an option's text stands for. Raises: typer's usage errors."""
        read = _read(value, param)
        if read is not _NOT_READ:
            return read
        try:
            return self._build().coerce(value, param=param, ctx=ctx)
        except Exception as error:
            message = getattr(error, "message", None)
            if isinstance(message, str):
                error.message = message.removeprefix(_OF_THE_VALIDATOR)  # type: ignore[attr-defined]
            raise


def _read(value: Any, param: Any) -> Any:
    many = param.multiple or param.nargs == -1
    if value is None:
        return () if many else None
    descriptor = param.type_descriptor
    plain, info = descriptor.annotation, descriptor.parameter_info
    if info.parser is not None or getattr(info, "click_type", None) is not None:
        return _NOT_READ
    if not many:
        return _one(value, plain, info)
    kind: type[str] | type[Path] | None = str if plain == list[str] else Path if plain == list[Path] else None
    if kind is None or not isinstance(value, list | tuple):
        return _NOT_READ
    found = [_one(each, kind, info) for each in value]
    return found if all(each is not _NOT_READ for each in found) else _NOT_READ


def _one(value: Any, kind: Any, info: Any) -> Any:
    if not isinstance(value, str):
        return _NOT_READ
    if kind is str:
        return value
    asks = info.exists or info.writable or info.resolve_path or info.path_type is not None
    if kind is not Path or asks or not (info.file_okay and info.dir_okay):
        return _NOT_READ
    if "\0" in value or (info.readable and os.path.exists(value) and not os.access(value, os.R_OK)):  # noqa: PTH110
        return _NOT_READ
    return Path(value)
