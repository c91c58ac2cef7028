"""The second net: every echo of a known secret in what goes out is replaced.

Knows: the spellings a service or a library gives a secret: plain, percent-encoded (also twice), JSON- and
HTML-escaped, Base64 and Base64url at any offset, hexadecimal; mixed within one echo, and in any case, as hosts are
folded. In: secret texts. Out: `Redactor`. Never: the first line of defence: secrets are kept apart by type.

Built once, then one pass over the data in linear time. A secret of more than `LONG_CHARS` (keys, certificates) is
looked for piece by piece as it stands, and whole in the spellings above, not mixed ones. One of fewer than four
characters is not looked for: it would hit everything.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

import re2

from eyeflow.values import Value

MARK: Final = "[redacted]"
MIN_CHARS: Final = 4
LONG_CHARS: Final = 256
_PIECE_CHARS: Final = 32
_PATTERN_CHARS: Final = 512
_MEMORY_BYTES: Final = 64 << 20
_MAX_HELD: Final = 1 << 16
_MAX_STREAM_HELD: Final = 1 << 20
_EDGE: Final = r"[A-Za-z0-9+/_\-]"
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_ESCAPES: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


class Redactor:
    """Finds and replaces `secrets`. With none that is long enough it changes nothing."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= MIN_CHARS}, key=len, reverse=True)
        self._patterns = [_pattern(forms) for forms in _grouped(known)]
        # The longest spelling of a character takes some twelve bytes (`\\ud83d\\ude00`, `%2525F0`, `&#x0001f600;`).
        self._reach = min(
            max((12 * len(secret.encode("utf-8", "surrogatepass")) for secret in known), default=0), _MAX_HELD
        )

    def holds(self, data: bytes) -> bool:
        """True when `data` has an echo of a secret in any spelling."""
        return any(pattern.search(data) is not None for pattern in self._patterns)

    def raw(self, data: bytes) -> bytes:
        """`data` with every echo replaced."""
        for pattern in self._patterns:
            data = bytes(pattern.sub(MARK.encode(), data))
        return data

    def text(self, text: str) -> str:
        """`text` with every echo replaced."""
        if not self._patterns:
            return text
        return self.raw(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def value(self, value: Value) -> Value:
        """`value` with every echo replaced: in texts, keys, bytes, and numbers that spell a secret."""
        match value:
            case _ if not self._patterns:
                return value
            case str():
                return self.text(value)
            case bytes():
                return self.raw(value)
            case dict():
                return {self.text(key): self.value(item) for key, item in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
            case bool() | None:
                return value
            case int() | float():
                return MARK if self.holds(repr(value).encode()) else value
            case _:
                return value

    def whole_until(self, data: bytes, cut: int) -> int:
        """The greatest place, at most `cut`, that lies within no echo."""
        while True:
            spans = (found.span() for pattern in self._patterns for found in pattern.finditer(data))
            before = min((start for start, end in spans if start < cut < end), default=cut)
            if before == cut:
                return cut
            cut = before

    def stream(self) -> RedactedStream:
        """A redactor of data that comes in pieces."""
        return RedactedStream(self, self._reach)


class RedactedStream:
    """Redacts across the borders of chunks: the last `reach` bytes wait until it is known how they go on, so what is
    let go is what `raw` makes of the whole."""

    def __init__(self, redactor: Redactor, reach: int) -> None:
        self._redactor = redactor
        self._reach = reach
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be let go after `chunk`."""
        data = self._held + chunk
        cut = max(0, len(data) - self._reach)
        if len(data) <= _MAX_STREAM_HELD:
            cut = self._redactor.whole_until(data, cut)
        self._held = data[cut:]
        return self._redactor.raw(data[:cut])

    def finish(self) -> bytes:
        """The rest."""
        rest, self._held = self._held, b""
        return self._redactor.raw(rest)


def _grouped(secrets: list[str]) -> Iterator[list[str]]:
    """The forms of all secrets, so many at a time that a pattern stays fast."""
    group: list[str] = []
    size = 0
    for secret in secrets:
        long = len(secret) > LONG_CHARS
        if group and (long or size + len(secret) > _PATTERN_CHARS):
            yield group
            group, size = [], 0
        if long:
            yield _long_forms(secret)
        else:
            group += _forms(secret)
            size += len(secret)
    if group:
        yield group


def _pattern(forms: list[str]) -> re2._Regexp[bytes]:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.case_sensitive = False
    options.log_errors = False
    ordered = sorted(set(forms), key=lambda form: (-len(form), form))
    return re2.compile("|".join(ordered).encode("utf-8", "surrogatepass"), options)


def _forms(secret: str) -> list[str]:
    """Patterns (RE2, over bytes) of every spelling of `secret`."""
    data = secret.encode("utf-8", "surrogatepass")
    forms = ["".join(_char(char) for char in secret), _hex(data)]
    for offset in range(3):
        core = _base64_core(data, offset)
        if len(core) >= 6:
            before = f"{_EDGE}?" if offset else ""
            after = f"(?:{_EDGE}={{0,2}})?" if (offset + len(data)) % 3 else ""
            forms.append(before + "".join(_base64_char(char) for char in core) + after)
    return forms


def _long_forms(secret: str) -> list[str]:
    """The same for a long one: literal text, so that the pattern stays a few times as long as the secret."""
    data = secret.encode("utf-8", "surrogatepass")
    cores = [_base64_core(data, offset) for offset in range(3)]
    whole = [data.hex(), *cores, *(core.translate(str.maketrans("+/", "-_")) for core in cores)]
    if not any(0xD800 <= ord(char) <= 0xDFFF for char in secret):
        whole += [quote(secret, safe=""), quote_plus(secret), html.escape(secret)]
    whole += [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    pieces = [
        line[at : at + _PIECE_CHARS]
        for line in secret.split()
        for at in range(0, len(line), _PIECE_CHARS)
        if len(line) - at >= MIN_CHARS and not line.startswith("-----")
    ]
    return [_literal(form) for form in (*whole, *pieces)]


def _char(char: str) -> str:
    """All spellings of one character."""
    data = char.encode("utf-8", "surrogatepass")
    code = ord(char)
    spelled = [_literal(char), "".join(f"%(?:25)*{_hex_byte(byte)}" for byte in data)]
    units = char.encode("utf-16-be", "surrogatepass")
    spelled.append(
        "".join(rf"\\+[uU]{_hex_byte(units[at])}{_hex_byte(units[at + 1])}" for at in range(0, len(units), 2))
    )
    if code < 256:
        spelled.append(rf"\\+[xX]{_hex_byte(code)}")
    spelled += [f"&#0*{code};", f"&#[xX]0*{''.join(_hex_digit(digit) for digit in f'{code:x}')};"]
    if char in _ENTITIES:
        spelled.append(_literal(_ENTITIES[char]))
    if char in "\"\\/'":
        spelled.append(rf"\\+{_literal(char)}")
    if char in _ESCAPES:
        spelled.append(rf"\\+{_ESCAPES[char]}")
    if char == " ":
        spelled.append(r"\+")
    return f"(?:{'|'.join(spelled)})"


def _literal(text: str) -> str:
    return str(re2.escape(text))


def _base64_core(data: bytes, offset: int) -> str:
    """The characters of Base64 that depend on `data` alone when it starts `offset` bytes into a group of three."""
    coded = base64.b64encode(b"\0" * offset + data).decode()
    start = (0, 2, 3)[offset]
    spare = (offset + len(data)) % 3
    return coded[start : len(coded) if spare == 0 else len(coded.rstrip("=")) - 1]


def _base64_char(char: str) -> str:
    if char == "+":
        return r"(?:\+|-|%(?:25)*2[bB])"
    if char == "/":
        return r"(?:\\?/|_|%(?:25)*2[fF])"
    return char


def _hex(data: bytes) -> str:
    return "".join(_hex_byte(byte) for byte in data)


def _hex_byte(byte: int) -> str:
    return "".join(_hex_digit(digit) for digit in f"{byte:02x}")


def _hex_digit(digit: str) -> str:
    return digit if digit.isdecimal() else f"[{digit}{digit.upper()}]"
