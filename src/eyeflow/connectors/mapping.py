"""One HTTP request of a mapping, prepared once: templates and expressions become functions of a call.

Knows: `HttpMapping` and `ServiceHttp`. In: a mapping, its service, the connection's settings. Out: `Exchange`, which
builds requests and reads answers. Never: sends, retries, holds a credential longer than one request.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from eyeflow.catalog.model import Auth, Capability, HttpMapping, Service, ServiceHttp
from eyeflow.connectors import payload
from eyeflow.connectors.answers import body_value, failed, seconds_ms, status_error
from eyeflow.connectors.credentials import no_credential
from eyeflow.connectors.formulas import Formula, formula, outline
from eyeflow.connectors.port import Credential
from eyeflow.connectors.templates import ROOTS, Roots, Template, prepare, text_of
from eyeflow.connectors.transport import Headers, HttpResponse
from eyeflow.connectors.url import Url, parse_url
from eyeflow.errors import CallError, RunError
from eyeflow.values import Value

_CREDENTIAL_PARTS = frozenset({"token", "username", "password", "key"})


USER_AGENT: Final = ("User-Agent", "eyeflow")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A request before its credential: `answered` when its origin was named by an earlier answer. `own` are headers
    that hold a secret of the caller's own."""

    method: str
    url: Url
    headers: Headers
    own: Headers
    body: bytes | None
    answered: bool


class Login:
    """How a service takes its credential: the `auth_header` and `auth_query` of the file, else the usual form of the
    first `auth` way the credential has the parts for."""

    def __init__(self, service: Service) -> None:
        http = service.http or ServiceHttp()
        self._ways = service.auth
        self._header = None if http.auth_header is None else prepare(http.auth_header, _CREDENTIAL_PARTS)
        self._query = tuple((name, prepare(text, _CREDENTIAL_PARTS)) for name, text in http.auth_query)

    def apply(self, credential: Credential) -> tuple[Headers, Headers]:
        """Headers and query fields that carry `credential`. Raises: CallError (denied, `no_credential`)."""
        roots: Roots = {"params": dict(credential.parts)}
        if self._header is not None or self._query:
            header = () if self._header is None else (("Authorization", self._filled(self._header, roots)),)
            return tuple(payload.checked_header(*pair) for pair in header), tuple(
                (name, self._filled(template, roots)) for name, template in self._query
            )
        for way in self._ways:
            found = _usual(way, credential)
            if found is not None:
                return found
        if not self._ways or all(way.type == "none" for way in self._ways):
            return (), ()
        raise no_credential("the credential lacks the parts this service needs", hint=_needed(self._ways))

    def _filled(self, template: Template, roots: Roots) -> str:
        if any(value is None for name, value in template.parts(roots) if name is not None):
            raise no_credential("the credential lacks a part", hint=f"it needs {', '.join(template.names)}")
        return template.text(roots)


def _usual(way: Auth, credential: Credential) -> tuple[Headers, Headers] | None:
    token, key, password = credential.part("token"), credential.part("key"), credential.part("password")
    match way.type:
        case "bearer" | "oauth2" if token:
            return (payload.checked_header("Authorization", f"Bearer {token}"),), ()
        case "basic" if password is not None:
            pair = f"{credential.part('username') or ''}:{password}".encode()
            return (("Authorization", "Basic " + base64.b64encode(pair).decode()),), ()
        case "api_key" if key and way.name:
            if way.place == "query":
                return (), ((way.name, key),)
            return (payload.checked_header(way.name, key),), ()
        case _:
            return None


def _needed(ways: tuple[Auth, ...]) -> str:
    parts = {"basic": "username and password", "api_key": "key"}
    return "it needs " + " or ".join(dict.fromkeys(parts.get(way.type, "token") for way in ways if way.type != "none"))


class Exchange:
    """One prepared request and the reading of its answer. `name` is the step's, "" for a mapping without steps.

    Raises: CallError (permanent, `bad_mapping`) when the mapping's templates or expressions are not well formed.
    """

    def __init__(
        self,
        service: Service,
        capability: Capability,
        mapping: HttpMapping,
        settings: Mapping[str, str],
        name: str = "",
    ) -> None:
        params = frozenset(param.name for param in capability.params)
        http = service.http or ServiceHttp()
        base = mapping.base_url if mapping.base_url is not None else http.base_url
        self.name = name
        self.mapping = mapping
        self.safe = mapping.method in ("GET", "HEAD", "OPTIONS", "QUERY") or capability.effect in ("pure", "read")
        self._segments = frozenset(param.name for param in capability.params if param.format == "path")
        self._base = None if base is None else _base(base, params, settings)
        self._fixed = parse_url(self._base.constant) if self._base is not None and self._base.fixed else None
        self._answered = base is not None and "{steps." in base
        self._path = prepare(mapping.path, params)
        self._query = _pairs(mapping.query, params)
        self._spelled_query = payload.query_of(self._query)
        self._headers = _pairs(http.headers, params) + _pairs(mapping.headers, params)
        self._same = all(template.fixed for _, template in self._headers)
        self._heads: dict[str | None, tuple[Headers, Headers]] = {}
        """Headers by content type, where they are the same for every call."""
        self._place: Url | None = None
        """Base and path, where they are the same for every call."""
        if self._fixed is not None and self._path.fixed:
            self._place = _joined(self._fixed, payload.path_text(self._path, {}, self._segments), "")
        body = None if mapping.body is None else _tree(msgspec.json.decode(mapping.body), params)
        self._body = None if body is None else payload.filler(body)
        self._lets = tuple((name, formula(text)) for name, text in mapping.let)
        self._when = _maybe(mapping.when)
        self._ok = _maybe(mapping.ok)
        self._table = _maybe(mapping.table)
        self._error = None if mapping.error is None else prepare(mapping.error, params - ROOTS)
        self._result = None if mapping.result is None else outline(mapping.result)
        self.reads_headers = b"headers" in msgspec.json.encode(_read_by(mapping, http))
        """Whether anything may look at the headers of an answer: those who use a step's result say so for it."""
        wait = mapping.retry_after or http.retry_after
        self._wait = None if wait in (None, "header") else _maybe(wait)
        self._items = None if mapping.pages is None else formula(mapping.pages.items)
        self._next = tuple((name, formula(text)) for name, text in (mapping.pages.next if mapping.pages else ()))

    def wanted(self, roots: Roots) -> bool:
        """False when the step's `when` says to leave it out. Raises: CallError (`bad_value`)."""
        return self._when is None or _evaluated(self._when, roots) is True

    def draft(self, roots: Roots, more: Headers = ()) -> Draft:
        """The request for these values; `let`s are added to `roots`, `more` query fields replace or join the query's.

        Raises: CallError (permanent) for values that cannot be sent; EgressDenied for a base URL that is no URL.
        """
        lets: dict[str, Value] = {}
        roots["let"] = lets
        for name, compute in self._lets:
            lets[name] = _evaluated(compute, roots)
        query = self._spelled_query(roots) if not more else self._paged_query(roots, more)
        body = kind = None
        if self._body is not None:
            value = self._body(roots)
            if value is not None:
                body, kind = payload.encode_body(value, self.mapping.encoding)
        own, headers = self._head(kind, roots)
        if self._place is not None:
            url = self._place if not query else _queried(self._place, query)
        else:
            base = self._fixed or parse_url(self._base_text(roots))
            path = payload.path_text(self._path, roots, self._segments)
            url = _joined(base, path, query)
        return Draft(
            method=self.mapping.method, url=url, headers=headers, own=own, body=body, answered=self._answered
        )  # fmt: skip

    def _paged_query(self, roots: Roots, more: Headers) -> str:
        """The query's fields, `more` replacing those of the same names."""
        replaced = dict(more)
        query = [pair for pair in payload.query_pairs(self._query, roots) if pair[0] not in replaced]
        return payload.query_text([*query, *more])

    def _head(self, kind: str | None, roots: Roots) -> tuple[Headers, Headers]:
        """The headers that hold a secret of the caller's own, and the others with the body's type and a user agent."""
        known = self._heads.get(kind) if self._same else None
        if known is not None:
            return known
        headers = payload.header_pairs(self._headers, roots)
        names = {name.lower() for name, _ in headers}
        if kind is not None and "content-type" not in names:
            headers += (("Content-Type", kind),)
        if "user-agent" not in names:
            headers += (USER_AGENT,)
        own = tuple(pair for pair in headers if pair[0].lower() in payload.SECRET_HEADERS)
        parted = own, tuple(pair for pair in headers if pair not in own)
        if self._same and self.mapping.encoding != "multipart":
            self._heads[kind] = parted
        return parted

    def read(self, response: HttpResponse, roots: Roots) -> None:
        """Puts `status`, `headers`, `body` (and `rows`) of an answer that is not an error into `roots`.

        Raises: CallError for an answer that is one, with the service's own words where the mapping finds them.
        """
        roots["status"] = response.status
        if self.reads_headers:
            roots["headers"] = dict(reversed(response.headers))
        try:
            roots["body"] = body_value(response, lenient=not self.mapping.any_status)
        except ValueError as error:
            roots["body"] = None
            if status_error(response.status, safe=self.safe) is None:
                raise self._unreadable(str(error)) from None
        if self.mapping.any_status:
            return
        failure = status_error(response.status, safe=self.safe)
        if failure is not None and failure[0] != "permanent":
            raise failed(response, *failure, self._message(response, roots), retry_ms=self._asked_wait(roots))
        try:
            if self._table is not None:
                roots["rows"] = table_rows(self._table(roots))
            fine = failure is None if self._ok is None else self._ok(roots) is True
        except RunError as error:
            if failure is None:
                raise self._unreadable(error.message) from error
            fine = False
        if not fine:
            kind, code = failure or ("permanent", "refused")
            raise failed(response, kind, code, self._message(response, roots), retry_ms=self._asked_wait(roots))

    def result(self, roots: Roots) -> Value:
        """The mapped result; without a mapping the whole body, or the items of all pages.

        Raises: CallError (`bad_response`) when the answer has no such result.
        """
        if self._result is None:
            return roots["body"] if self._items is None else roots["items"]
        try:
            return self._result(roots)
        except RunError as error:
            raise self._unreadable(error.message) from error

    def page(self, roots: Roots) -> Headers:
        """Adds this page's items to `roots["items"]`; the query fields of the next page, none at the end.

        Raises: CallError (`bad_response`) when the page has no list of items.
        """
        assert self._items is not None
        try:
            found = self._items(roots)
            if found is not None and not isinstance(found, list | tuple):
                raise self._unreadable("a page has no list of items")
            before = roots["items"]
            assert isinstance(before, list)
            roots["items"] = [*before, *(found or ())]
            following = [(name, compute(roots)) for name, compute in self._next]
        except RunError as error:
            raise self._unreadable(error.message) from error
        if any(value is None or value is False or value == "" for _, value in following):
            return ()
        return tuple((name, text_of(value)) for name, value in following)

    def _base_text(self, roots: Roots) -> str:
        if self._base is None:
            raise CallError("permanent", "bad_mapping", "the service has no base URL")
        return self._base.text(roots)

    def _asked_wait(self, roots: Roots) -> int | None:
        if self._wait is None:
            return None
        try:
            return seconds_ms(self._wait(roots))
        except RunError:
            return None

    def _message(self, response: HttpResponse, roots: Roots) -> str:
        said = "" if self._error is None else self._error.text(roots).strip()
        shown = " ".join(said.split())[:300]
        return f"{shown} (HTTP {response.status})" if shown else f"HTTP {response.status}"

    def _unreadable(self, message: str) -> CallError:
        return CallError("permanent" if self.safe else "uncertain", "bad_response", message)


def table_rows(cells: Value) -> list[Value]:
    """`rows` of a mapping's `table`: the first list names the columns; row numbers count from 1 with the names.

    Raises: RunError (`type_mismatch`) when it is no list of lists.
    """
    if not isinstance(cells, list | tuple) or not all(isinstance(row, list | tuple) for row in cells):
        raise RunError("type_mismatch", "the answer has no list of rows")
    lists = [list(row) for row in cells if isinstance(row, list | tuple)]
    names = [text_of(name) for name in lists[0]] if lists else []
    return [
        {
            "number": at,
            "cells": {name: row[col] if col < len(row) else None for col, name in enumerate(names) if name},
        }
        for at, row in enumerate(lists[1:], start=2)
    ]


def _queried(place: Url, query: str) -> Url:
    """`place` with more fields in its query."""
    mark = "&" if "?" in place.target else "?"
    return Url(place.scheme, place.host, place.port, f"{place.target}{mark}{query}")


def _joined(base: Url, path: str, query: str) -> Url:
    own_path, _, own_query = base.target.partition("?")
    joined = own_path if not path else own_path.rstrip("/") + (path if path.startswith("/") else f"/{path}")
    fields = "&".join(part for part in (own_query, query) if part)
    return msgspec.structs.replace(base, target=joined + (f"?{fields}" if fields else ""))


def _read_by(mapping: HttpMapping, http: ServiceHttp) -> list[object]:
    """All texts that are computed once an answer is there."""
    pages = mapping.pages
    after = (mapping.ok, mapping.error, mapping.result, mapping.table, mapping.retry_after or http.retry_after)
    return [*after, *(() if pages is None else (pages.items, pages.next))]


def _pairs(pairs: tuple[tuple[str, str], ...], params: frozenset[str]) -> tuple[tuple[str, Template], ...]:
    return tuple((name, prepare(text, params)) for name, text in pairs)


def _tree(value: Value, params: frozenset[str]) -> payload.Tree:
    match value:
        case str():
            return prepare(value, params)
        case dict():
            return {key: _tree(item, params) for key, item in value.items()}
        case list() | tuple():
            return [_tree(item, params) for item in value]
        case None | bool() | int() | float():
            return value
        case _:
            raise AssertionError("a body in a catalog is JSON")


def _base(text: str, params: frozenset[str], settings: Mapping[str, str]) -> Template:
    open_places = [found.partition(".")[0] for found in re.findall(r"\{([^{}]*)\}", text) if found not in settings]
    missing = [name for name in open_places if name not in params and name not in ROOTS]
    if missing:
        raise CallError(
            "permanent",
            "missing_setting",
            f"the connection has no setting {missing[0][:60]!a}",
            hint=f"add {missing[0][:60]} to the connection's settings",
        )
    return prepare(text, params, settings)


def _maybe(text: str | None) -> Formula | None:
    return None if text is None else formula(text)


def _evaluated(compute: Formula, roots: Roots) -> Value:
    try:
        return compute(roots)
    except RunError as error:
        raise payload.bad_value(error.message) from error
