"""Strings and templates: JSON escapes, `\"\"\"` blocks, `{name.path}` places.

Knows: how text becomes a `Template` and back. In: quoted tokens, or raw template text from a catalog or an Intent.
Out: str, `Template`. Never: evaluates a template.

A `\"\"\"` directly followed by a line break opens a block: its first and last line break do not count, and the
indentation of the closing quotes is taken off every line. Otherwise the text between the quotes is taken as it is.
Source: RFC 8259 section 7 for escapes.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.ir.expr import Ref, Template
from eyeflow.ir.text.findings import Refused, shown
from eyeflow.ir.text.words import CONSTANTS, PATH, steps
from eyeflow.values import Span

_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))')
_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PLACE = re.compile(rf"\{{ *+({PATH}) *+\}}", re.DOTALL)
_BRACE = re.compile(r"\{\{|\}\}|\{|\}")
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
MAX_STEPS: Final = 64
MAX_PLACES: Final = 10_000
TRIPLE: Final = '"""'


def decode(token: str, start: int) -> str:
    """The text of a quoted token that begins at `start` of the source. Raises: Refused `bad_escape`."""
    if token.startswith(TRIPLE) and len(token) >= 6:
        return _unescape(_block(token[3:-3].replace("\r\n", "\n")), start)
    return _unescape(token[1:-1], start)


def _block(body: str) -> str:
    opening, newline, rest = body.partition("\n")
    if not newline or opening.strip(" "):
        return body
    content, newline, indent = rest.rpartition("\n")
    if indent.strip(" "):
        return body
    if not newline:
        return ""
    return "\n".join(
        line.removeprefix(indent) if line.strip(" ") else line[len(indent) :] for line in content.split("\n")
    )


def _unescape(body: str, start: int) -> str:
    if "\\" not in body:
        return body
    parts: list[str] = []
    at = 0
    while (slash := body.find("\\", at)) >= 0:
        parts.append(body[at:slash])
        found = _ESCAPE.match(body, slash)
        if found is None:
            where = Span(start, start + len(body) + 2)
            raise Refused(
                "bad_escape", f"`{shown(body[slash : slash + 2])}` is no escape", where, "write \\\\ for a backslash"
            )
        parts.append(_PLAIN[found[1]] if found[1] else chr(int(found[2], 16)))
        at = found.end()
    parts.append(body[at:])
    text = "".join(parts)
    if any("\ud800" <= char <= "\udfff" for char in text):
        text = _pair(text, start, len(body))
    return text


def _pair(text: str, start: int, length: int) -> str:
    """Joins `\\ud83d\\ude00` halves; a half alone is not a character."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        where = Span(start, start + length + 2)
        raise Refused("bad_escape", "half of a surrogate pair is no character", where, "write both halves") from None


def quote(text: str) -> str:
    """`text` as a JSON string; control, direction and line-separator characters escaped."""
    body = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _HIDDEN.sub(_escaped, body) + '"'


def _escaped(found: re.Match[str]) -> str:
    char = found.group()
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def quote_block(text: str, indent: str) -> str:
    """`text` as a `\"\"\"` block whose lines stand at `indent`; `parse` reads back exactly `text`."""
    body = text.replace("\\", "\\\\").replace(TRIPLE, '\\"\\"\\"')
    lines = [_HIDDEN.sub(_escaped, line) for line in body.split("\n")]
    lines = [line[:-1] + ("\\u0020" if line.endswith(" ") else line[-1:]) for line in lines]
    return TRIPLE + "\n" + "".join((indent + line if line else "") + "\n" for line in lines) + indent + TRIPLE


def escape(text: str) -> str:
    """`text` as template text that renders as itself: braces doubled."""
    return text.replace("{", "{{").replace("}", "}}")


def read_template(text: str, span: Span, *, exact: bool) -> Template:
    """The template `text` spells; `exact` says that `text` is the source at `span.start`, so places get spans.

    Raises: Refused `bad_template`.
    """
    parts: list[str | Ref] = []
    literal: list[str] = []
    at = 0
    while (found := _BRACE.search(text, at)) is not None:
        literal.append(text[at : found.start()])
        if len(found.group()) == 2:
            literal.append(found.group()[0])
            at = found.end()
            continue
        place = _PLACE.match(text, found.start())
        if place is None:
            raise _bad_place(text, found.start(), span, exact)
        if joined := "".join(literal):
            parts.append(joined)
        literal = []
        if len(parts) > MAX_PLACES:
            raise Refused(
                "source_too_large", f"a text with more than {MAX_PLACES:,} parts", span, "build a list and JOIN it"
            )
        where = Span(span.start + place.start(1), span.start + place.end(1)) if exact else span
        parts.append(read_ref(place[1], where, exact=exact))
        at = place.end()
    if joined := "".join((*literal, text[at:])):
        parts.append(joined)
    return Template(tuple(parts), span=span)


def _bad_place(text: str, at: int, span: Span, exact: bool) -> Refused:
    end = text.find("}", at) + 1 or min(len(text), at + 20)
    where = Span(span.start + at, span.start + max(end, at + 1)) if exact else span
    if text[at] == "}":
        return Refused("bad_template", "`}` closes nothing", where, "write }} for a brace")
    inside = text[at + 1 : end].rstrip("}").strip()
    if not inside:
        return Refused("bad_template", "`{` encloses no name", where, "write {{ for a brace, {name.path} for a value")
    hint = "a place holds a name and its path; compute in a transform action, or write {{ for a brace"
    return Refused("bad_template", f"`{shown(inside)}` is not a name", where, hint)


def read_ref(path: str, span: Span, *, exact: bool = True) -> Ref:
    """The reference a `PATH` spells. Raises: Refused."""
    found = steps(path)
    if len(found) > MAX_STEPS:
        raise Refused(
            "too_deep", f"a path of more than {MAX_STEPS} steps", span, "use a transform action for its start"
        )
    root = path[: found[0][0] - 1] if found else path
    if root in CONSTANTS:
        raise Refused("reserved_name", f"`{root}` is a constant, not a name", span, "give the value another name")
    return Ref(
        root, tuple(_step(word, span.start + at if exact else span.start, span) for at, word in found), span=span
    )


def _step(word: str, start: int, span: Span) -> str | int:
    if word[0] == '"':
        return decode(word, start)
    if not word[0].isdigit():
        return word
    if len(word) > 9:
        raise Refused("bad_number", f"`{shown(word)}` is too large for a position", span, "positions count from 0")
    return int(word)


def print_path(ref: Ref) -> str:
    """`root.path`, steps that are no plain names quoted."""
    return ref.root + "".join(f".{step}" if isinstance(step, int) else f".{_spelled(step)}" for step in ref.path)


def _spelled(step: str) -> str:
    return step if steps("a." + step) == [(2, step)] and step[0] not in '"0123456789' else quote(step)


def print_template(template: Template) -> str:
    """Template text: literal braces doubled, places as `{root.path}`; not quoted."""
    return "".join(escape(part) if isinstance(part, str) else f"{{{print_path(part)}}}" for part in template.parts)
