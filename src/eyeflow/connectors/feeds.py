"""RSS 2.0, RSS 1.0 and Atom read into one shape.

Knows: the elements of three feed formats. In: bytes. Out: `Feed` data as the catalog declares it.
Never: expands entities, loads a DTD, goes deeper or longer than its bounds.

Source: rssboard.org/rss-specification, RFC 4287, purl.org/rss/1.0/spec. The parser is expat with entity declarations
refused, which rules out expansion bombs and external entities alike.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Final
from xml.parsers import expat

from eyeflow.connectors.payload import bad_value
from eyeflow.values import Value

MAX_ITEMS: Final = 500
MAX_DEPTH: Final = 64
MAX_TEXT: Final = 200_000

_ITEM: Final = frozenset({"item", "entry"})
_TITLE: Final = "title"
_LINK: Final = "link"
_SUMMARY: Final = ("description", "summary", "encoded", "content")
_WHEN: Final = ("pubDate", "published", "date", "updated")
_AUTHOR: Final = ("creator", "author", "name")
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_SPACE: Final = re.compile(r"\s+")


class FeedError(ValueError):
    """Bytes that are no feed; the message says why."""


def read_feed(data: bytes, limit: int) -> dict[str, Value]:
    """`title`, `count` and `items`, newest first as far as dates are known. Raises: FeedError."""
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise FeedError(f"the feed is not well-formed XML: line {error.lineno}") from None
    if not reader.is_feed:
        raise FeedError("the answer is XML, but no RSS or Atom feed")
    items = [_item(fields) for fields in reader.items]
    if all("published_at" in item for item in items):
        items.sort(key=lambda item: str(item["published_at"]), reverse=True)
    shown: list[Value] = list(items[:limit])
    return {"title": _plain(reader.title), "count": len(shown), "items": shown}


class _Reader:
    """Collects the leaf texts of the channel and of each item, by local name."""

    def __init__(self) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._entity
        parser.buffer_text = True
        self.parser = parser
        self.title = ""
        self.is_feed = False
        self.items: list[dict[str, list[str]]] = []
        self._path: list[str] = []
        self._now: dict[str, list[str]] | None = None
        self._texts: list[str] = []
        self._size = 0

    def _entity(self, *declared: object) -> None:
        raise FeedError("the feed declares entities, which are not expanded")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise FeedError(f"the feed is nested deeper than {MAX_DEPTH}")
        if len(self._path) == 1:
            self.is_feed = name in ("rss", "RDF", "feed")
        if name in _ITEM and self._now is None and len(self.items) < MAX_ITEMS:
            self._now = {}
        elif self._now is not None:
            if name == _LINK and attributes.get("href") and attributes.get("rel", "alternate") == "alternate":
                self._now.setdefault(_LINK, []).append(attributes["href"])
            if name == "category" and attributes.get("term"):
                self._now.setdefault("category", []).append(attributes["term"])
        self._texts, self._size = [], 0

    def _text(self, text: str) -> None:
        if self._size < MAX_TEXT:
            self._texts.append(text)
            self._size += len(text)

    def _end(self, tag: str) -> None:
        name = self._path.pop()
        text = "".join(self._texts).strip()[:MAX_TEXT]
        self._texts = []
        if name in _ITEM and self._now is not None and not any(part in _ITEM for part in self._path):
            self.items.append(self._now)
            self._now = None
        elif self._now is not None:
            if text:
                self._now.setdefault(name, []).append(text)
        elif name == _TITLE and not self.title and len(self._path) <= 2:
            self.title = text


def _item(fields: dict[str, list[str]]) -> dict[str, Value]:
    title, link = _plain(_first(fields, (_TITLE,))), _first(fields, (_LINK,))
    identity = next((fields[name][0] for name in ("guid", "id") if fields.get(name)), "")
    item: dict[str, Value] = {
        "id": identity or link or title,
        "title": title,
        "link": link or (identity if identity.startswith(("http://", "https://")) else ""),
        "summary": _plain(_first(fields, _SUMMARY)),
        "categories": [_plain(text) for text in fields.get("category", [])],
    }
    author, when = _first(fields, _AUTHOR), _moment(_first(fields, _WHEN))
    if author:
        item["author"] = _plain(author)
    if when is not None:
        item["published_at"] = when.isoformat().replace("+00:00", "Z")
    return item


def _first(fields: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((fields[name][0] for name in names if fields.get(name)), "")


def _plain(text: str) -> str:
    """Text without mark-up, on one line."""
    return _SPACE.sub(" ", unescape(_TAG.sub(" ", text))).strip()


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
        except (ValueError, TypeError, IndexError):
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    return None


def wanted_limit(value: Value) -> int:
    """`limit` as a number from 1 to 500. Raises: CallError (`bad_value`)."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ITEMS:
        raise bad_value(f"limit must be from 1 to {MAX_ITEMS}")
    return value
