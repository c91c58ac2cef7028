"""Keeps a credential inside its connector: every echo of it in an answer is replaced before the answer goes on.

Knows: the spellings a service or a library gives a secret: plain, percent-encoded (also twice), JSON- and
HTML-escaped, Base64 and Base64url at any offset, hexadecimal; mixed within one echo, and in any case, as hosts are
folded. In: a `Credential`.
Out: `Redactor`. Never: the first line of defence: secrets are kept apart by type; this is the second net.

A part of fewer than four characters is not looked for (it would hit everything), nor are parts that are not secrets
(`username`, because accounts may legitimately appear in results).
"""

from __future__ import annotations

import base64
from typing import Final

import re2

from eyeflow.connectors.port import Credential
from eyeflow.values import Value

MARK: Final = "[redacted]"
MIN_CHARS: Final = 4
_PUBLIC_PARTS: Final = frozenset({"username", "user", "account", "host", "database"})
_EDGE: Final = r"[A-Za-z0-9+/_\-]"
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


class Redactor:
    """Finds and replaces what `credential` holds. With no secret part it changes nothing."""

    def __init__(self, credential: Credential) -> None:
        secrets = [value for name, value in credential.parts if name not in _PUBLIC_PARTS and len(value) >= MIN_CHARS]
        username, password = credential.part("username"), credential.part("password")
        if username and password:
            secrets.append(f"{username}:{password}")
        forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        self._pattern = re2.compile(("(?i)" + "|".join(forms)).encode()) if forms else None

    def holds(self, data: bytes) -> bool:
        """True when `data` has an echo of the secret in any spelling."""
        return self._pattern is not None and self._pattern.search(data) is not None

    def raw(self, data: bytes) -> bytes:
        """`data` with every echo replaced."""
        return data if self._pattern is None else bytes(self._pattern.sub(MARK.encode(), data))

    def text(self, text: str) -> str:
        """`text` with every echo replaced."""
        if self._pattern is None:
            return text
        return self.raw(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def value(self, value: Value) -> Value:
        """`value` with every echo replaced: in texts, keys, bytes, and numbers that spell a secret."""
        match value:
            case _ if self._pattern is None:
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
