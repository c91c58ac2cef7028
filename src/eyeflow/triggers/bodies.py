"""The body of a delivery as a value: JSON to the letter, forms, text.

Knows: what of JSON is ambiguous and therefore refused; which media types are taken. In: raw bytes, headers. Out: a
value, or a TriggerError that names the place. Never: guesses an encoding, reads what is larger than its bound, undoes
compression.

Source: RFC 8259 (JSON); WHATWG URL, application/x-www-form-urlencoded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Final, NoReturn
from urllib.parse import parse_qsl

from eyeflow.triggers.port import TriggerError
from eyeflow.values import Value, deeper

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 64
MAX_FIELDS: Final = 1_000

_BOM: Final = b"\xef\xbb\xbf"


class _RefusedError(ValueError):
    """What is wrong with a text; caught in this module."""


def read_body(headers: Mapping[str, str], body: bytes, *, form_field: str | None = None) -> tuple[Value, bool]:
    """The value of a body, and whether it came as a form, whose values are all text. An empty body is null.

    `form_field` names the field in which a provider sends its JSON when it sends a form.
    Raises: TriggerError `payload_too_large` (413), `unsupported_media_type` (415), `bad_json` (400).
    """
    if len(body) > MAX_BYTES:
        raise TriggerError("payload_too_large", f"the body is larger than {MAX_BYTES} bytes", status=413)
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise _unsupported("compressed bodies are not taken")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return None, False
    if kind in ("", "application/json", "text/json") or kind.endswith("+json"):
        return read_json(body), False
    if kind == "application/x-www-form-urlencoded":
        fields = read_form(body)
        inside = fields.get(form_field) if form_field is not None else None
        return (read_json(inside.encode()), False) if isinstance(inside, str) else (fields, True)
    if kind == "text/plain":
        return _text(body), False
    raise _unsupported(f"a body of type {kind[:60]!a} is not taken")


def read_json(body: bytes) -> Value:
    """The value of one JSON text. Raises: TriggerError `bad_json`."""
    if body.startswith(_BOM):
        raise _bad_json("it begins with a byte order mark")
    try:
        value: Value = _DECODER.decode(_text(body))
    except json.JSONDecodeError as error:
        raise _bad_json(f"{error.msg.lower()}, line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _bad_json(f"it is nested deeper than {MAX_DEPTH}") from None
    except _RefusedError as error:
        raise _bad_json(str(error)) from None
    except ValueError:
        raise _bad_json("a number has thousands of digits") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and deeper(value, MAX_DEPTH):
        raise _bad_json(f"it is nested deeper than {MAX_DEPTH}")
    if (b"\\ud" in body or b"\\uD" in body) and _is_torn(value):
        raise _bad_json("a text holds half of a surrogate pair")
    return value


def read_form(body: bytes | str) -> dict[str, Value]:
    """The fields of a form or query; a name that stands more than once has the list of its values.

    Raises: TriggerError `bad_form`.
    """
    text = body if isinstance(body, str) else _text(body)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        message = f"it has more than {MAX_FIELDS} fields, or is not UTF-8"
        raise TriggerError("bad_form", f"the form cannot be read: {message}") from None
    fields: dict[str, Value] = {}
    for name, value in pairs:
        held = fields.get(name)
        if held is None:
            fields[name] = value
        else:
            fields[name] = [*held, value] if isinstance(held, list) else [held, value]
    return fields


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad_json("it is not UTF-8") from None


def _bad_json(what: str) -> TriggerError:
    return TriggerError("bad_json", f"the body is not JSON: {what}", hint="send one JSON value, in UTF-8")


def _unsupported(message: str) -> TriggerError:
    hint = "send application/json"
    return TriggerError("unsupported_media_type", message, hint=hint, status=415)


def _once(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RefusedError(f"the key {twice[:60]!a} stands twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _RefusedError(f"{text[:20]} is larger than any number")
    return number


def _no_constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is no JSON value")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_constant=_no_constant)


def _is_torn(value: Value) -> bool:
    """True when a text in a value of bounded depth holds a lone surrogate."""
    if isinstance(value, str):
        return any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, dict):
        return any(_is_torn(name) or _is_torn(item) for name, item in value.items())
    return isinstance(value, list) and any(_is_torn(item) for item in value)
