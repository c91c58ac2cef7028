"""What comes into a run from outside: inputs by the task's declaration, other roots as own copies.

Knows: defaults, required inputs, unknown names. In: data somebody sent. Out: values of the declared types that
nobody else can change. Never: guesses a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

import msgspec

from eyeflow.diagnostics import nearest
from eyeflow.errors import RunError
from eyeflow.ir.evaluate import expecter
from eyeflow.ir.program import Program
from eyeflow.recurrence.wall import zone_of
from eyeflow.svm import wire
from eyeflow.svm.executable import Executable, Read
from eyeflow.values import Field, ObjectOf, Scalar, Value, may_be_left_out, non_null, spell


def own(value: object, limit: int) -> Value:
    """A copy of `value` that nobody else holds. Raises: RunError `bad_input`."""
    if value is None:
        return None
    try:
        return wire.owned(value, limit)[0]
    except RunError as error:
        raise RunError("bad_input", error.message, hint=error.hint) from error


_PLAIN: Final[Mapping[str, frozenset[type]]] = {
    "string": frozenset((str,)),
    "boolean": frozenset((bool,)),
    "integer": frozenset((int,)),
    "number": frozenset((int, float)),
}
_Plain: TypeAlias = tuple[str, frozenset[type], Value, bool]
"""An input whose type says all there is to say: its name, the types of values that are fine as they are, its default,
whether it may be left out."""

_SHORT: Final = 1_000
_MOST: Final = 2**53
_LEAST: Final = -_MOST
_ROOMY: Final = 1_000_000


def inputs_reader(program: Program) -> Callable[[Mapping[str, Value]], dict[str, Value]]:
    """How a task's inputs are read: those given, the defaults of the others, null for what is optional.

    The reader raises RunError `bad_input`, naming the input; nothing has run.
    """
    wanted = _plain_inputs(program)
    read = expecter(ObjectOf(program.inputs), zone_of(program.zone), "the input") or _as_is
    read_all = partial(_read_all, program.task, program.inputs, program.limits.memory_bytes, read)
    if wanted is None:
        return read_all

    def quick(given: Mapping[str, Value]) -> dict[str, Value]:
        """What is short and of the declared plain types is fine as it is; everything else goes the long way."""
        whole: dict[str, Value] = {}
        missing = 0
        for name, kinds, default, optional in wanted:
            if name in given:
                value = whole[name] = given[name]
                kind = type(value)
                if kind not in kinds:
                    break
                if kind is str:
                    if len(value) > _SHORT:  # type: ignore[arg-type]
                        break
                elif not _LEAST <= value <= _MOST:  # type: ignore[operator]
                    break
            elif optional:
                whole[name] = default
                missing += 1
            else:
                break
        else:
            if len(given) + missing == len(whole):
                return whole
        return read_all(given)

    return quick


def conformed(executable: Executable, given: Mapping[str, Value]) -> dict[str, Value]:
    """The task's inputs, as its reader gives them. Raises: RunError `bad_input`."""
    return executable.code.inputs(given)


def _plain_inputs(program: Program) -> tuple[_Plain, ...] | None:
    """How the inputs are looked at, when a look is enough; None when one of them declares more than a plain type, or
    when memory is so short that inputs are counted."""
    if program.limits.memory_bytes < _ROOMY:
        return None
    found: list[_Plain] = []
    for field in program.inputs:
        of = non_null(field.type)
        if not isinstance(of, Scalar) or of.name not in _PLAIN or of.unit is not None or _declares_more(field):
            return None
        default = None if field.default is None else field.default.value
        if default is not None and type(default) not in _PLAIN[of.name]:
            return None
        found.append((field.name, _PLAIN[of.name], default, may_be_left_out(field)))
    return tuple(found)


def _declares_more(field: Field) -> bool:
    bare = Field(field.name, field.type, field.required, field.default)
    cues = msgspec.structs.replace(field, secret=False, entity=None, role=None)
    return cues != bare


def _as_is(value: Value) -> Value:
    return value


def _read_all(
    task: str, fields: Sequence[Field], memory_bytes: int, read: Read, given: Mapping[str, Value]
) -> dict[str, Value]:
    known = {field.name for field in fields}
    for name in given:
        if name not in known:
            close = nearest(str(name), known)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sorted(known)) or 'no inputs'}"
            raise RunError("bad_input", f"task {task} has no input {name!r}", hint=hint)
    whole = {
        field.name: None if field.default is None else field.default.value
        for field in fields
        if field.name not in given and may_be_left_out(field)
    }
    copy = own(dict(given), memory_bytes)
    assert isinstance(copy, dict)
    whole.update(copy)
    try:
        held = read(whole)
    except RunError as error:
        takes = ", ".join(f"{field.name} {spell(field.type)}" for field in fields)
        raise RunError("bad_input", error.message, hint=error.hint or f"it takes {takes}") from error
    assert isinstance(held, dict)
    return {field.name: held.get(field.name) for field in fields}


def read_of_me(executable: Executable, me: Mapping[str, Value] | None) -> Value:
    """The part of the profile that the program reads, so that the record holds no more of a person than it must.

    Raises: RunError `bad_input`.
    """
    wanted = executable.code.me_fields
    if me is None or wanted is None:
        return own(me, executable.limits.memory_bytes)
    return own({name: me[name] for name in wanted if name in me}, executable.limits.memory_bytes)
