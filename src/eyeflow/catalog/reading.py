"""Text of a service file as plain data that remembers where each key stood.

Knows: YAML events, JSON, and the bounds within which foreign text is read. In: bytes, text or Python data.
Out: `Document` (data made of dict, list, str, int, float, bool, None, and the place of every key) or diagnostics.
Never: knows what a service is, builds Python objects from YAML tags, raises for bad input.

The YAML read here is the JSON-like heart of YAML 1.2: a plain scalar is null, true, false or a number only where JSON
(or the usual capitals, or `~`) says so, and text otherwise, so `on`, `NO`, `09:00` and `+15550100` stay text.
Tags are refused. Anchors are allowed; what their aliases would expand to counts against the limits.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable
from typing import Any, Final, TypeAlias

import yaml

from eyeflow.diagnostics import Diagnostic, Place
from eyeflow.values import Value

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_NODES: Final = 400_000
MAX_DEPTH: Final = 64
MAX_KEY_CHARS: Final = 500
_INT64: Final = 1 << 63

Plain: TypeAlias = Value
"""What a document is made of: of all values only null, flags, finite numbers, text, lists and mappings."""
Position: TypeAlias = tuple[int, int]

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})\Z")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: Final[dict[str, None | bool]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_MERGE: Final = "<<"
_BOM: Final = "\ufeff"


class Document:
    """Plain data and where it stood: `positions[(id(container), key)]` is the (line, column) of an entry."""

    __slots__ = ("data", "positions", "source")

    def __init__(self, data: Plain, source: str, positions: dict[tuple[int, Hashable], Position] | None = None) -> None:
        self.data = data
        self.source = source
        self.positions: dict[tuple[int, Hashable], Position] = positions if positions is not None else {}

    def place(self, container: object, key: Hashable, path: str) -> Place:
        """The place of `container[key]`, with line and column where the text is known."""
        line, column = self.positions.get((id(container), key), (None, None))
        return Place(source=self.source, line=line, column=column, path=path)


class _RefusedError(Exception):
    """One finding that ends the reading of this text."""

    def __init__(self, code: str, message: str, hint: str = "", at: Position | None = None, path: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.at, self.path = code, message, hint, at, path

    def diagnostic(self, source: str) -> Diagnostic:
        line, column = self.at or (None, None)
        place = Place(source=source, line=line, column=column, path=self.path)
        return Diagnostic(self.code, self.message, place=place, hint=self.hint)


def decode(raw: bytes, source: str) -> tuple[str | None, Diagnostic | None]:
    """UTF-8 text of a file, without its byte order mark; refuses what is too long or no UTF-8."""
    if len(raw) > MAX_BYTES:
        return None, _too_long(source)
    try:
        return raw.decode("utf-8").removeprefix(_BOM), None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        place = Place(source=source, line=line)
        return None, Diagnostic("not_utf8", "the file is not UTF-8 text", place=place, hint="save it as UTF-8")


def read_yaml(text: str, source: str) -> tuple[Document | None, Diagnostic | None]:
    """One YAML document. Returns the document, or the finding that stopped the reading."""
    if len(text) > MAX_BYTES:
        return None, _too_long(source)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
        return Document(builder.result(), source, builder.positions), None
    except _RefusedError as refused:
        return None, refused.diagnostic(source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = None if mark is None else (mark.line + 1, mark.column + 1)
        said = error.problem or error.context or "not YAML"
        return None, _RefusedError("bad_yaml", f"not YAML here: {said}", at=at).diagnostic(source)
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        said = getattr(error, "reason", "") or "unreadable text"
        at = _position(text, getattr(error, "position", getattr(error, "start", None)))
        return None, _RefusedError("bad_yaml", f"not YAML: {said}", at=at).diagnostic(source)


def read_json(text: str, source: str) -> tuple[Document | None, Diagnostic | None]:
    """One JSON document. Duplicate keys, NaN and infinities are refused; entries have paths but no lines."""
    if len(text) > MAX_BYTES:
        return None, _too_long(source)
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        at = (error.lineno, error.colno)
        return None, _RefusedError("bad_json", f"not JSON here: {error.msg}", at=at).diagnostic(source)
    except RecursionError:
        return None, _too_deep().diagnostic(source)
    except _RefusedError as refused:
        return None, refused.diagnostic(source)
    except ValueError:
        return None, _RefusedError("number_too_large", "a number has thousands of digits").diagnostic(source)
    return read_data(data, source)


def read_data(data: object, source: str) -> tuple[Document | None, Diagnostic | None]:
    """Python data as a document, after a check that it is plain, finite, shallow and not endless."""
    try:
        _check_plain(data)
    except _RefusedError as refused:
        return None, refused.diagnostic(source)
    return Document(data, source), None  # type: ignore[arg-type]


def _too_long(source: str) -> Diagnostic:
    return Diagnostic("too_large", f"longer than {MAX_BYTES} bytes", place=Place(source=source))


def _too_deep(at: Position | None = None, path: str = "") -> _RefusedError:
    return _RefusedError("too_deep", f"nested deeper than {MAX_DEPTH} levels", at=at, path=path)


def _too_many(at: Position | None = None) -> _RefusedError:
    hint = "aliases count as often as they are used"
    return _RefusedError("too_large", f"more than {MAX_NODES} values", hint, at)


def _position(text: str, offset: object) -> Position | None:
    if not isinstance(offset, int):
        return None
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


class _Open:
    """A mapping or sequence whose end has not come yet."""

    __slots__ = ("anchor", "at", "before", "key", "key_at", "tallest", "value")

    def __init__(self, value: dict[str, Plain] | list[Plain], anchor: str | None, at: Position, before: int) -> None:
        self.value = value
        self.anchor = anchor
        self.at = at
        self.before = before
        self.tallest = 0
        self.key: str | None = None
        self.key_at = at


class _Builder:
    """Builds plain data from YAML events with an explicit stack, so that depth is a number and not a crash."""

    def __init__(self) -> None:
        self.positions: dict[tuple[int, Hashable], Position] = {}
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Plain, int, int]] = {}
        self._nodes = 0
        self._root: Plain = None
        self._documents = 0

    def result(self) -> Plain:
        """The data, once all events are in."""
        if not self._documents:
            raise _RefusedError("empty_document", "there is nothing in it", "write at least `service:` and `title:`")
        return self._root

    def take(self, event: Any) -> None:
        """Add one event."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open({}, event)
        elif kind is yaml.SequenceStartEvent:
            self._open([], event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise _RefusedError("many_documents", "a second document begins here", "one file holds one service",
                               _at(event))  # fmt: skip

    def _count(self, event: Any, nodes: int = 1) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise _too_many(_at(event))

    def _scalar(self, event: Any) -> None:
        self._count(event)
        if event.tag is not None:
            raise _RefusedError("tag_refused", f"the tag `{event.tag[:80]}` is not allowed", "remove it", _at(event))
        text: str = event.value
        value: Plain = text
        top = self._stack[-1] if self._stack else None
        awaits_key = top is not None and top.key is None and type(top.value) is dict
        if not awaits_key and event.implicit[0]:
            value = _resolve(text, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1, 0)
        self._put(value, event, 0)

    def _open(self, value: dict[str, Plain] | list[Plain], event: Any) -> None:
        self._count(event)
        if event.tag is not None:
            raise _RefusedError("tag_refused", f"the tag `{event.tag[:80]}` is not allowed", "remove it", _at(event))
        if len(self._stack) >= MAX_DEPTH:
            raise _too_deep(_at(event))
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        self._put(value, event, 1)
        self._stack.append(_Open(value, event.anchor, _at(event), self._nodes))

    def _close(self) -> None:
        done = self._stack.pop()
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, self._nodes - done.before + 1, done.tallest + 1)
        if self._stack:
            self._stack[-1].tallest = max(self._stack[-1].tallest, done.tallest + 1)

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:
            raise _RefusedError("bad_alias", f"`*{event.anchor[:80]}` names no finished anchor", at=_at(event))
        value, nodes, height = known
        self._count(event, nodes)
        if len(self._stack) + height > MAX_DEPTH:
            raise _too_deep(_at(event))
        self._put(value, event, height)
        if self._stack:
            self._stack[-1].tallest = max(self._stack[-1].tallest, height)

    def _put(self, value: Plain, event: Any, height: int) -> None:
        if not self._stack:
            self._root = value
            return
        top = self._stack[-1]
        container = top.value
        if type(container) is list:
            mark = event.start_mark
            self.positions[(id(container), len(container))] = (mark.line + 1, mark.column + 1)
            container.append(value)
        elif top.key is None:
            top.key, top.key_at = self._key(value, event, container)
        else:
            self.positions[(id(container), top.key)] = top.key_at
            container[top.key] = value  # type: ignore[call-overload]
            top.key = None

    def _key(self, value: Plain, event: Any, container: object) -> tuple[str, Position]:
        at = _at(event)
        if not isinstance(value, str):
            raise _RefusedError("bad_key", "a key must be text", at=at)
        if len(value) > MAX_KEY_CHARS:
            raise _RefusedError("bad_key", f"a key is longer than {MAX_KEY_CHARS} characters", at=at)
        if value == _MERGE:
            raise _RefusedError("bad_key", "the merge key `<<` is not part of YAML 1.2", "repeat the entries", at)
        if value in container:  # type: ignore[operator]
            first = self.positions.get((id(container), value))
            where = f", first on line {first[0]}" if first else ""
            raise _RefusedError(
                "duplicate_key", f"the key `{value[:80]}` is given twice{where}", "keep one of them", at
            )
        return value, at


def _at(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _resolve(text: str, event: Any) -> Plain:
    if len(text) <= 5 and text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "-0123456789":
        return text
    if _INTEGER.match(text):
        number = int(text)
        if -_INT64 <= number < _INT64:
            return number
        raise _RefusedError(
            "number_too_large", f"`{text}` does not fit 64 bits", "quote it if it is a name", _at(event)
        )
    if _NUMBER.match(text):
        try:
            value = float(text)
        except ValueError:
            value = math.inf
        if math.isinf(value) or _is_long_integer(text):
            raise _RefusedError("number_too_large", "a number is too large", "quote it if it is a name", _at(event))
        return value
    return text


def _is_long_integer(text: str) -> bool:
    return text.lstrip("-").isdigit()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _RefusedError("duplicate_key", f"the key {json.dumps(key[:80])} is given twice", "keep one of them")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise _RefusedError("bad_json", f"`{name}` is not JSON", "use null or a number")


def _check_plain(data: object) -> None:
    """Refuse anything that is no JSON value, with its path; iterative, so that depth cannot overflow the stack."""
    budget = MAX_NODES
    pending: list[tuple[object, str, int]] = [(data, "", 0)]
    while pending:
        value, path, depth = pending.pop()
        budget -= 1
        if budget < 0:
            raise _too_many()
        if isinstance(value, dict | list | tuple):
            if depth >= MAX_DEPTH:
                raise _too_deep(path=path[:200])
            if isinstance(value, dict):
                pending.extend((item, _checked_key(key, path), depth + 1) for key, item in value.items())
            elif isinstance(value, list):
                pending.extend((item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value))
            else:
                raise _RefusedError("bad_value", "a tuple is no JSON value", "use a list", path=path)
        else:
            _check_scalar(value, path)


def _checked_key(key: object, path: str) -> str:
    if not isinstance(key, str) or len(key) > MAX_KEY_CHARS:
        raise _RefusedError("bad_key", f"a key must be text of at most {MAX_KEY_CHARS} characters", path=path)
    _check_scalar(key, path)
    return f"{path}.{key}" if path else key


def _check_scalar(value: object, path: str) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _RefusedError("bad_text", "text holds half of a surrogate pair", path=path) from None
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise _RefusedError("number_too_large", "a number does not fit 64 bits", path=path)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _RefusedError("number_too_large", "a number is not finite", path=path)
    else:
        raise _RefusedError("bad_value", f"a {type(value).__name__} is no JSON value", path=path)
