"""A route as a row, and how a request finds its row.

Knows: methods, path templates, the permission each route needs, how handlers are typed. In: handlers. Out: `Route`s,
`Router`. Never: calls a handler, knows a resource.

One row is the whole truth about a route: dispatch, authorisation, the OpenAPI document, docs/rest.md and the
generated attack tests are made from it. A path is matched segment by segment, exactly: no case folding, no empty
segment, no trailing slash, no parameter after `;`, no percent-encoded slash, no `..`; anything else is not found.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Literal, TypeAlias, get_type_hints
from urllib.parse import unquote_to_bytes

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.server.exchange import Answer, Declined, Request, Stream
from eyeflow.workspace.permissions import Operation

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Permission: TypeAlias = Operation | Literal["open", "signed"]
"""An operation of the workspace; `open` needs no key, `signed` is proved by the body's signature instead."""

Handler: TypeAlias = Callable[..., Awaitable[Any]]
Tell: TypeAlias = Callable[[Answer | Exception], None]
AtOnce: TypeAlias = Callable[[Any, Request, Tell], Awaitable[Answer] | None]
"""Begins what a request asks for, and calls `tell` with the answer once it is there, perhaps at once; or gives what has
to be waited for, and then does not call it. Raises what keeps it from beginning."""

_PARAM: Final = re.compile(r"\{([a-z_]+)(\.\.\.)?\}")
_PLAIN: Final = re.compile(rb"(?:/[A-Za-z0-9_.~!$&'()*+,=:@\-]+)+\Z")
_SEGMENT: Final = re.compile(rb"(?:[A-Za-z0-9_.~!$&'()*+,=:@\-]|%[0-9A-Fa-f]{2})+\Z")
_BARE: Final = re.compile(rb"[A-Za-z0-9_.~\-]\Z")
_MAX_PATH: Final = 2048


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route. `raw`: the handler reads the body itself and gives an `Answer`. `live`: asked with
    `Accept: text/event-stream`, it answers a stream. `at_once` does what the handler does for a request that came
    whole, without a task of its own."""

    method: Method
    path: str
    permission: Permission
    handler: Handler
    name: str
    tag: str
    summary: str
    detail: str = ""
    params: tuple[str, ...] = ()
    body: Any = None
    query: Any = None
    answer: Any = None
    status: int = 200
    raw: bool = False
    live: bool = False
    also: tuple[int, ...] = ()
    content: str = "application/json"
    at_once: AtOnce | None = None

    @property
    def body_may_be_left_out(self) -> bool:
        """Whether no body at all says the same as `{}`. Not where something is replaced: there it would empty it."""
        if self.method != "POST" or not isinstance(self.body, type):
            return False
        return not any(field.required for field in msgspec.structs.fields(self.body))


class Routes:
    """Collects the handlers of one resource."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.rows: list[Route] = []

    def add(
        self,
        method: Method,
        path: str,
        permission: Permission,
        *,
        status: int = 200,
        raw: bool = False,
        live: bool = False,
        body: Any = None,
        answer: Any = None,
        also: tuple[int, ...] = (),
        content: str = "application/json",
        at_once: AtOnce | None = None,
    ) -> Callable[[Handler], Handler]:
        """Make a function the handler of a route. It is called with the service, the request, the path's parameters
        by name, and `body` and `query` when it has parameters of these names; their annotations are their types."""

        def enter(handler: Handler) -> Handler:
            hints = get_type_hints(handler)
            known = inspect.signature(handler).parameters
            for kind in (hints.get("body"), hints.get("query"), body):
                assert kind is None or kind.__struct_config__.forbid_unknown_fields, f"{kind} takes what it knows only"
            params = tuple(found[0] for found in _PARAM.findall(path))
            assert set(params) <= set(known), f"{handler.__name__} takes {params}"
            lead, _, rest = (inspect.getdoc(handler) or "").partition("\n\n")
            assert lead, f"{handler.__name__} says what it does"
            self.rows.append(Route(
                method=method, path=path, permission=permission, handler=handler, name=handler.__name__, tag=self.tag,
                summary=" ".join(lead.split()), detail=" ".join(rest.split()), params=params,
                body=hints["body"] if "body" in known else body, query=hints.get("query") if "query" in known else None,
                answer=answer if answer is not None else hints.get("return"), status=status, raw=raw, live=live,
                also=also, content=content, at_once=at_once,
            ))  # fmt: skip
            return handler

        return enter


class _Node:
    __slots__ = ("methods", "param", "rest", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.param: _Node | None = None
        self.rest: dict[str, Route] = {}
        self.methods: dict[str, Route] = {}


class Router:
    """Finds the row of a request."""

    def __init__(self, rows: Iterable[Route]) -> None:
        self.rows = tuple(rows)
        self._static: dict[tuple[str, bytes], Route] = {}
        self._root = _Node()
        for row in self.rows:
            self._enter(row)

    def _enter(self, row: Route) -> None:
        node = self._root
        methods = node.methods
        for part in row.path.strip("/").split("/"):
            param = _PARAM.fullmatch(part)
            if param is None:
                node = node.words.setdefault(part, _Node())
                methods = node.methods
            elif param.group(2):
                methods = node.rest
            else:
                node.param = node.param or _Node()
                node = node.param
                methods = node.methods
        assert row.method not in methods, f"{row.method} {row.path} stands in the table twice"
        methods[row.method] = row
        if not row.params:
            self._static[row.method, row.path.encode()] = row

    def plain(self, method: str, raw: bytes) -> Route | None:
        """The row of an address without parameters, spelled as in the table; None for all others."""
        return self._static.get((method, raw))

    def find(self, method: str, raw: bytes) -> tuple[Route, dict[str, str]]:
        """The row of a request and the parameters of its path. Raises: Declined `not_found`, `wrong_method`."""
        row = self._static.get((method, raw))
        if row is not None:
            return row, {}
        words = segments(raw)
        if words[:2] == ["api", "v1"]:
            del words[1]
        methods, params = self._walk(words)
        row = methods.get(method)
        if row is None:
            if not methods:
                raise not_found()
            allowed = ", ".join(sorted({*methods, *(("HEAD",) if "GET" in methods else ())}))
            raise Declined(
                405, "wrong_method", f"this address takes {allowed}", hint="/api/docs lists what there is",
                headers=((b"allow", allowed.encode()),),
            )  # fmt: skip
        return row, dict(zip(row.params, params, strict=True))

    def _walk(self, words: list[str]) -> tuple[dict[str, Route], list[str]]:
        node, params = self._root, list[str]()
        rest: tuple[dict[str, Route], list[str]] = ({}, [])
        for number, word in enumerate(words):
            if node.rest:
                rest = node.rest, [*params, "/".join(words[number:])]
            following = node.words.get(word)
            if following is None:
                if node.param is None:
                    return rest
                params.append(word)
                following = node.param
            node = following
        return (node.methods, params) if node.methods else rest


def segments(raw: bytes) -> list[str]:
    """The decoded segments of a path. Raises: Declined `not_found` for every spelling but the one plain one."""
    if len(raw) > _MAX_PATH:
        raise Declined(414, "head_too_large", f"the address is longer than {_MAX_PATH} bytes")
    if _PLAIN.match(raw):
        words = raw.decode("ascii").split("/")[1:]
    else:
        words = [_segment(part) for part in raw.split(b"/")[1:]]
    if not words or any(word in (".", "..") for word in words):
        raise not_found()
    return words


def _segment(part: bytes) -> str:
    if not _SEGMENT.match(part):
        raise not_found()
    for code in re.findall(rb"%(..)", part):
        if _BARE.match(bytes([int(code, 16)])):
            raise not_found()  # `%61` for `a`: a second spelling of the same name, which filters before us may miss
    try:
        word = unquote_to_bytes(part).decode("utf-8")
    except UnicodeDecodeError:
        raise not_found() from None
    if not word.isprintable() or "/" in word or "\\" in word:
        raise not_found()
    return word


def not_found() -> EyeFlowError:
    """What every address that is none is told."""
    return Declined(404, "no_such_address", "there is nothing at this address", hint="/api/docs lists what there is")


Result: TypeAlias = Answer | Stream | msgspec.Struct | None
