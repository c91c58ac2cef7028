"""Functions of text.

Knows: code points, the Unicode rules below, and encodings. In: text (bytes for HASH and BASE64). Out: text, lists.
Never: locale, normalisation, rendering of other values (see `ir.render`).

UPPER and LOWER map each code point by itself with the full mappings of Unicode 14, whatever newer tables the Python
in use has. TRIM removes the code points with the property White_Space. LEN counts code points.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final
from urllib.parse import quote

from eyeflow.ir.functions.row import MAX_LIST, MAX_TEXT, impossible, mismatched, too_big
from eyeflow.values import Value

_WHITE: Final = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_NEWER: Final = frozenset(
    chr(point)
    for first, last in (
        (0x019B, 0x019B), (0x0264, 0x0264), (0x1C89, 0x1C8A), (0xA7CB, 0xA7CF), (0xA7D2, 0xA7D5), (0xA7DA, 0xA7DC),
        (0x10D50, 0x10D65), (0x10D70, 0x10D85), (0x16EA0, 0x16EB8), (0x16EBB, 0x16ED3),
    )
    for point in range(first, last + 1)
)  # fmt: skip
"""Letters that got a case mapping after Unicode 14; left alone, so that every Python agrees."""


def upper(text: str) -> str:
    """UPPER."""
    if text.isascii():
        return text.upper()
    return bounded("UPPER", "".join(c if c in _NEWER else c.upper() for c in text))


def lower(text: str) -> str:
    """LOWER."""
    if text.isascii():
        return text.lower()
    return bounded("LOWER", "".join(c if c in _NEWER else c.lower() for c in text))


def trim(text: str) -> str:
    """TRIM."""
    return text.strip(_WHITE)


def bounded(name: str, text: str) -> str:
    """`text` unless it is longer than one value may be. Raises: RunError `output_limit`."""
    if len(text) > MAX_TEXT:
        raise too_big(name, f"text of more than {MAX_TEXT} characters")
    return text


def split(text: str, separator: str) -> list[Value]:
    """SPLIT at every occurrence of a separator that is not empty."""
    if not separator:
        raise impossible("SPLIT needs a separator of at least one character")
    if text.count(separator) >= MAX_LIST:
        raise too_big("SPLIT", f"a list of more than {MAX_LIST} items")
    return list(text.split(separator))


def join(items: Value, separator: str = ", ") -> str:
    """JOIN: nulls are nothing at all, not an empty item."""
    if not isinstance(items, (list, tuple)):
        raise mismatched("JOIN", "a list", items)
    pieces = [item for item in items if item is not None]
    size = len(separator) * len(pieces)
    for piece in pieces:
        if not isinstance(piece, str):
            raise mismatched("JOIN", "a list of text", piece)
        size += len(piece)
    if size > MAX_TEXT + len(separator):
        raise too_big("JOIN", f"text of more than {MAX_TEXT} characters")
    return separator.join(pieces)  # type: ignore[arg-type]


def replace(text: str, old: str, new: str) -> str:
    """REPLACE every occurrence; the size is judged before anything is built."""
    if not old:
        raise impossible("REPLACE needs at least one character to look for")
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise too_big("REPLACE", f"text of more than {MAX_TEXT} characters")
    return text.replace(old, new)


def concatenate(*values: Value) -> Value:
    """CONCAT of text, or of lists."""
    if all(isinstance(value, (list, tuple)) for value in values):
        lists = [list(value) for value in values]  # type: ignore[arg-type]
        if sum(map(len, lists)) > MAX_LIST:
            raise too_big("CONCAT", f"a list of more than {MAX_LIST} items")
        return [item for each in lists for item in each]
    for value in values:
        if value is not None and not isinstance(value, str):
            raise mismatched("CONCAT", "text", value)
    pieces = [value for value in values if isinstance(value, str)]
    if sum(map(len, pieces)) > MAX_TEXT:
        raise too_big("CONCAT", f"text of more than {MAX_TEXT} characters")
    return "".join(pieces)


def shown(text: str | None) -> str:
    """FORMAT and TO_STRING: their argument comes rendered; null is nothing."""
    return "" if text is None else text


def encoded(name: str, value: Value) -> bytes:
    """Text as UTF-8, bytes as they are. Raises: RunError `evaluation` for half of a surrogate pair."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise mismatched(name, "text or bytes", value)
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise impossible(f"{name} needs well-formed text", "the text holds half of a surrogate pair") from None


ALGORITHMS: Final = ("sha256", "sha512", "sha1", "md5")


def digest(value: Value, algorithm: str = "sha256") -> str:
    """HASH as lower-case hex."""
    if algorithm not in ALGORITHMS:
        raise impossible(f"HASH knows {', '.join(ALGORITHMS)}")
    return hashlib.new(algorithm, encoded("HASH", value), usedforsecurity=False).hexdigest()


def base64_text(value: Value) -> str:
    """BASE64 with padding. Source: RFC 4648, section 4."""
    data = encoded("BASE64", value)
    if len(data) // 3 * 4 > MAX_TEXT:
        raise too_big("BASE64", f"text of more than {MAX_TEXT} characters")
    return base64.b64encode(data).decode("ascii")


def url_encode(text: str) -> str:
    """URL_ENCODE: everything but unreserved characters as percent triplets. Source: RFC 3986, section 2.3."""
    data = encoded("URL_ENCODE", text)
    return bounded("URL_ENCODE", quote(data, safe="-._~"))
