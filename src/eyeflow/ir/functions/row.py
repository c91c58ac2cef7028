"""What one row of the function table is.

Knows: the shape of a function (arity, signature, null rule, errors, implementation) and the bounds on its results.
In: nothing. Out: `Function`, `Signed`, `Mismatch`, and the refusals `impossible` and `too_big`.
Never: lists functions (that is `table`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.errors import RunError
from eyeflow.values import Type, Value

MAX_TEXT: Final = 4_000_000
"""Longest text a function returns, in code points."""

MAX_LIST: Final = 1_000_000
"""Longest list a function returns."""

MAX_INTEGER_BITS: Final = 4096
"""Widest integer arithmetic returns."""

NullRule: TypeAlias = Literal["strict", "tolerates"]
"""`strict`: a null argument makes the result null, and `run` is not called. `tolerates`: `run` receives nulls."""


class Signed(msgspec.Struct, frozen=True):
    """A signature applied: the type each argument must be converted to, and the result.

    `params` counts a binder's body as its second argument. A null argument of a strict function makes `result`
    nullable; that is the checker's business, so `result` says nothing about it. `units`: the units of two compared
    numbers that differ; the checker hands them on as third and fourth argument.
    `renders`: an argument that must be text is rendered, whatever it is, instead of having to be text.
    """

    params: tuple[Type, ...]
    result: Type
    units: tuple[str, str] | None = None
    renders: bool = False


class Mismatch(msgspec.Struct, frozen=True):
    """Why arguments do not fit: which one (from 0), what was wanted, and a way out."""

    argument: int
    wanted: str
    hint: str = ""


Sign: TypeAlias = Callable[[tuple[Type, ...]], Signed | Mismatch]
"""Types of the arguments, nullability removed, to a signature. A tolerant function sees nullable types as they are."""


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `number` is for ever: programs name functions by it.

    `least`, `most`: arguments as written, None for any number. `binder`: it may name its item, in which case it has
    three or more arguments (`source, item, body, rest...`) and `run` receives `(source, item -> value, *rest)`.
    `lazy`: `run` receives thunks. `journaled`: `run` receives one argument, the value that the machine recorded.
    `errors`: codes of the `RunError`s it raises. `example` is an expression and what it gives.
    """

    number: int
    name: str
    least: int
    most: int | None
    spelled: str
    sign: Sign
    run: Callable[..., Value]
    doc: str
    example: tuple[str, str]
    nulls: NullRule = "strict"
    errors: tuple[str, ...] = ()
    lazy: bool = False
    binder: bool = False
    journaled: bool = False
    zoned: bool = False
    """The task's zone is added as last argument when it was left out."""

    def binds(self, arguments: int) -> bool:
        """True when `arguments` arguments mean the form that names its item."""
        return self.binder and arguments >= 3


def impossible(message: str, hint: str = "") -> RunError:
    """The error `evaluation`: the function has no value for these arguments."""
    return RunError("evaluation", message, hint=hint)


def mismatched(function: str, wanted: str, value: Value) -> RunError:
    """The error `type_mismatch`: data of unknown shape turned out to be something else."""
    return RunError("type_mismatch", f"{function} needs {wanted}, not {named(value)}")


def too_big(function: str, what: str) -> RunError:
    """The error `output_limit`: the result would exceed what one value may hold."""
    return RunError("output_limit", f"the result of {function} would be {what}", hint="work on less data at a time")


def named(value: Value) -> str:
    """The kind of `value` in words, never its content."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case bytes():
            return "bytes"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
        case _:
            return f"a {type(value).__name__}".replace("datetime", "timestamp").replace("timedelta", "duration")
