"""What comes into a run from outside: inputs by the task's declaration, other roots as own copies.

Knows: defaults, required inputs, unknown names. In: data somebody sent. Out: values of the declared types that
nobody else can change. Never: guesses a name.
"""

from __future__ import annotations

from collections.abc import Mapping

from eyeflow.diagnostics import nearest
from eyeflow.errors import RunError
from eyeflow.svm import wire
from eyeflow.svm.executable import Executable
from eyeflow.values import Value


def own(value: object, limit: int) -> Value:
    """A copy of `value` that nobody else holds. Raises: RunError `bad_input`."""
    if value is None:
        return None
    try:
        return wire.owned(value, limit)[0]
    except RunError as error:
        raise RunError("bad_input", error.message, hint=error.hint) from error


def conformed(executable: Executable, given: Mapping[str, Value]) -> dict[str, Value]:
    """The task's inputs: those given, the defaults of the others, null for what is optional.

    Raises: RunError `bad_input`, naming the input; nothing has run.
    """
    fields = executable.program.inputs
    if not fields and not given:
        return {}
    known = {field.name for field in fields}
    for name in given:
        if name not in known:
            close = nearest(str(name), known)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sorted(known)) or 'no inputs'}"
            raise RunError("bad_input", f"task {executable.task} has no input {name!r}", hint=hint)
    whole = {
        field.name: field.default.value for field in fields if field.default is not None and field.name not in given
    }
    copy = own(dict(given), executable.program.limits.memory_bytes)
    assert isinstance(copy, dict)
    whole.update(copy)
    try:
        read = executable.inputs(whole)
    except RunError as error:
        raise RunError("bad_input", error.message, hint=error.hint) from error
    assert isinstance(read, dict)
    return {field.name: read.get(field.name) for field in fields}


def read_of_me(executable: Executable, me: Mapping[str, Value] | None) -> Value:
    """The part of the profile that the program reads, so that the record holds no more of a person than it must.

    Raises: RunError `bad_input`.
    """
    wanted = executable.me_fields
    if me is None or wanted is None:
        return own(me, executable.program.limits.memory_bytes)
    return own({name: me[name] for name in wanted if name in me}, executable.program.limits.memory_bytes)
