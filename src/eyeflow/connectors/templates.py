"""The `{place}` templates of a service file, prepared once and filled for each request.

Knows: what a place may name (`{param}`, `{let.x}`, `{steps.found.id}`, `{body.error}`, a setting of the connection).
In: template text, the values of one call. Out: text, or the value itself where a template is one place alone.
Never: evaluates expressions (`ir` does), encodes for a URL or header (the builder of the request does).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from eyeflow.errors import CallError
from eyeflow.ir.render import render
from eyeflow.values import JSON, Value

Roots: TypeAlias = dict[str, Value]
"""The values of one call by root name: `params`, `let`, `steps`, and after an answer `status`, `headers`, `body`."""

ROOTS: Final = frozenset({"params", "let", "steps", "status", "headers", "body", "items", "page", "rows"})

_PLACE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_UTC: Final = ZoneInfo("UTC")

Read: TypeAlias = Callable[[Roots], Value]


def text_of(value: Value) -> str:
    """`value` as text in a request: as templates render it, but an object or list as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        return msgspec.json.encode(value).decode()
    return render(value, JSON, _UTC)


class Template:
    """One prepared template. `names` are its places as written (`channel`, `let.text`); none when it is `fixed`.

    `value` gives the value of the one place, with its type; otherwise the text. None when that one place is absent.
    """

    def __init__(self, parts: tuple[str | Read, ...], names: tuple[str, ...]) -> None:
        self._parts = parts
        self.names = names
        self.constant = "".join(part for part in parts if isinstance(part, str))
        self.fixed = not names
        single = parts[0] if len(parts) == 1 and not isinstance(parts[0], str) else None
        self.value: Read = single if single is not None else self.text

    def text(self, roots: Roots) -> str:
        """The text."""
        if self.fixed:
            return self.constant
        return "".join([part if isinstance(part, str) else text_of(part(roots)) for part in self._parts])

    def parts(self, roots: Roots) -> tuple[tuple[str | None, Value], ...]:
        """Every part in order: the place's name and its value, or None and the text."""
        names = iter(self.names)
        return tuple((None, part) if isinstance(part, str) else (next(names), part(roots)) for part in self._parts)


def prepare(text: str, params: frozenset[str], fixed: Mapping[str, str] | None = None) -> Template:
    """`text` as a `Template`. `fixed` are names known now (settings of the connection); they win over parameters.

    Raises: CallError (permanent, `bad_mapping`) for a place that names nothing.
    """
    parts: list[str | Read] = []
    names: list[str] = []
    literal, at = "", 0
    for found in _PLACE.finditer(text):
        literal += text[at : found.start()]
        at = found.end()
        if found[0] in ("{{", "}}"):
            literal += found[0][0]
        elif found[1] is None:
            raise _bad(text, "a lone brace")
        elif fixed is not None and found[1].strip() in fixed:
            literal += fixed[found[1].strip()]
        else:
            if literal:
                parts.append(literal)
            literal = ""
            parts.append(_reader(found[1].strip(), params, text))
            names.append(found[1].strip())
    literal += text[at:]
    if literal or not parts:
        parts.append(literal)
    return Template(tuple(parts), tuple(names))


def dig(value: Value, path: tuple[str, ...]) -> Value:
    """What is at `path` inside `value`; None as soon as something is missing."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _reader(place: str, params: frozenset[str], text: str) -> Read:
    if place in params:
        return lambda roots: roots["params"].get(place)  # type: ignore[union-attr]  # they are always an object
    root, *path = place.split(".")
    rest = tuple(path)
    if root in params:
        return lambda roots: dig(roots["params"], (root, *rest))
    if root in ROOTS:
        return lambda roots: dig(roots.get(root), rest)
    raise _bad(text, f"the place {place[:60]!a} names nothing")


def _bad(text: str, what: str) -> CallError:
    return CallError("permanent", "bad_mapping", f"the catalog's template {text[:80]!a} has {what}")
