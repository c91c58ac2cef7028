"""What comes into a run from outside: inputs by the task's declaration, other roots as own copies.

Knows: defaults, required inputs, unknown names. In: data somebody sent. Out: values of the declared types that
nobody else can change. Never: guesses a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from eyeflow.diagnostics import nearest
from eyeflow.errors import RunError
from eyeflow.ir.program import Program
from eyeflow.svm import wire
from eyeflow.svm.executable import Executable, PlainInput
from eyeflow.values import Field, Scalar, Value, may_be_left_out, non_null


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
_SHORT: Final = 1_000
_EXACT: Final = 2**53
_ROOMY: Final = 1_000_000


def plain_inputs(program: Program) -> tuple[PlainInput, ...] | None:
    """How the inputs are looked at, when a look is enough; None when one of them declares more than a plain type, or
    when memory is so short that inputs are counted."""
    if program.limits.memory_bytes < _ROOMY:
        return None
    found: list[PlainInput] = []
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


def _plain(wanted: Sequence[PlainInput], given: Mapping[str, Value]) -> dict[str, Value] | None:
    """The inputs when all that is given is short and of the declared plain types; None sends them the long way."""
    whole: dict[str, Value] = {}
    left = len(given)
    for name, kinds, default, optional in wanted:
        if name not in given:
            if not optional:
                return None
            whole[name] = default
            continue
        left -= 1
        value = given[name]
        kind = type(value)
        if kind not in kinds:
            return None
        if kind is str:
            if len(value) > _SHORT:  # type: ignore[arg-type]
                return None
        elif not -_EXACT <= value <= _EXACT:  # type: ignore[operator]
            return None
        whole[name] = value
    return whole if left == 0 else None


def conformed(executable: Executable, given: Mapping[str, Value]) -> dict[str, Value]:
    """The task's inputs: those given, the defaults of the others, null for what is optional.

    Raises: RunError `bad_input`, naming the input; nothing has run.
    """
    code = executable.code
    if code.plain_inputs is not None and (plain := _plain(code.plain_inputs, given)) is not None:
        return plain
    fields = code.fields
    known = {field.name for field in fields}
    for name in given:
        if name not in known:
            close = nearest(str(name), known)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sorted(known)) or 'no inputs'}"
            raise RunError("bad_input", f"task {executable.task} has no input {name!r}", hint=hint)
    whole = {
        field.name: None if field.default is None else field.default.value
        for field in fields
        if field.name not in given and may_be_left_out(field)
    }
    copy = own(dict(given), executable.limits.memory_bytes)
    assert isinstance(copy, dict)
    whole.update(copy)
    try:
        read = code.inputs(whole)
    except RunError as error:
        raise RunError("bad_input", error.message, hint=error.hint) from error
    assert isinstance(read, dict)
    return {field.name: read.get(field.name) for field in fields}


def read_of_me(executable: Executable, me: Mapping[str, Value] | None) -> Value:
    """The part of the profile that the program reads, so that the record holds no more of a person than it must.

    Raises: RunError `bad_input`.
    """
    wanted = executable.code.me_fields
    if me is None or wanted is None:
        return own(me, executable.limits.memory_bytes)
    return own({name: me[name] for name in wanted if name in me}, executable.limits.memory_bytes)
