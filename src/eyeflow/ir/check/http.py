"""`http_call`: which capability of the catalog a URL means.

Knows: how mappings spell paths, queries, headers and bodies. In: a call as written, a scope. Out: the call bound to
one capability with its parameters, or to the general HTTP service when it says EXPECT. Never: contacts anybody.

A capability matches when host, method and path are its own, every constant of its query and body is there with the
same value, and nothing is there that its mapping does not have. Of several the one with the most written-out path
segments is meant. A mapping with steps or computed names (`let`) is called by name only.

The EXPECT of a call through the general HTTP service is the type of its whole answer: `object{status, body, headers}`.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from eyeflow.catalog.model import Capability, HttpMapping
from eyeflow.diagnostics import nearest
from eyeflow.ir.check.calls import Calls
from eyeflow.ir.check.findings import meant, words
from eyeflow.ir.check.fit import as_it_is
from eyeflow.ir.check.scope import Scope
from eyeflow.ir.check.services import Account
from eyeflow.ir.check.urls import BadUrl, Url, read_url
from eyeflow.ir.expr import Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.functions.order import equal
from eyeflow.ir.task import Bound, HttpCall
from eyeflow.values import Json, ListOf, ObjectOf, Scalar, Type, Value, is_numeric, non_null

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PLACE: Final = re.compile(r"\{(?:params\.)?([\w.\-]+)\}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?\Z", re.ASCII)


class Match(msgspec.Struct, frozen=True):
    """A capability that a call means; `score` counts written-out segments of its path."""

    account: Account
    capability: Capability
    params: tuple[Entry, ...]
    score: int


class Attempt(msgspec.Struct, frozen=True):
    """One call being looked up."""

    call: HttpCall
    url: Url
    calls: Calls
    scope: Scope


class NoMatch(Exception):  # noqa: N818 - control flow of this file
    """The mapping does not spell this call."""


class Resolved(msgspec.Struct, frozen=True):
    """A bound call, its capability and the type of its result."""

    call: HttpCall
    capability: Capability
    result: Type


def bind(call: HttpCall, calls: Calls, scope: Scope) -> Resolved | None:
    """The call bound, or None after findings."""
    found = calls.found
    method = call.method.upper()
    if method not in METHODS:
        hint = f"methods are {words(METHODS)}"
        found.add("bad_method", f"`{call.method[:20]}` is not an HTTP method", hint=hint)
        return None
    if isinstance(call.url, Template) and calls.typing.text(call.url, scope) is None:
        return None
    with found.at("url", span=call.url.span):
        try:
            url = read_url(call.url)
        except BadUrl as error:
            found.add(error.code, str(error))
            return None
    accounts = _accounts(call, calls)
    if accounts is None or _carries_secret(call, url, accounts, calls):
        return None
    matches = _matches(Attempt(msgspec.structs.replace(call, method=method), url, calls, scope), accounts)
    best = [each for each in matches if each.score == max(m.score for m in matches)]
    same = {(each.account.service.id, each.capability.name) for each in best}
    if len(same) > 1:
        names = [".".join(pair) for pair in sorted(same)]
        found.add("ambiguous_call", f"this call could be {words(names)}", hint="call one of them by name")
        return None
    if len(best) > 1:
        names = [each.account.connection.name for each in best]
        found.add("ambiguous_connection", f"several connections can make this call: {words(names)}", hint="say AUTH")
        return None
    if not best:
        return _unmatched(call, url, accounts, calls, scope)
    return _bound(call, best[0], calls, scope)


def _accounts(call: HttpCall, calls: Calls) -> list[Account] | None:
    """The connections this call may use: the one AUTH names, else all."""
    if call.auth_connection is None:
        return calls.directory.accounts()
    with calls.found.at("auth"):
        account = calls.directory.account(call.auth_connection)
        if account is None:
            return None
        known = [way.type for way in account.service.auth]
        if call.auth is not None and call.auth not in known:
            message = f"{account.service.title} does not take `{call.auth}`"
            calls.found.add("wrong_auth", message, hint=meant(nearest(call.auth, known), known, "it takes"))
            return None
    return [account]


def _carries_secret(call: HttpCall, url: Url, accounts: list[Account], calls: Calls) -> bool:
    """A finding, and True, when the credential is written into the call: the connection adds it."""
    names = {"authorization"}
    for account in accounts:
        if account.reaches(url.host):
            service = account.service
            names.update(way.name.lower() for way in service.auth if way.name is not None)
            names.update(name.lower() for name, _ in (service.http.auth_query if service.http is not None else ()))
    given = [name for name, _ in url.query] + [entry.name for entry in (*call.query, *call.headers)]
    for name in given:
        if name.lower() in names:
            message = f"`{name[:40]}` is a credential: the connection adds it"
            calls.found.add("secret_in_call", message, hint="take it out and say AUTH")
            return True
    return False


def _bound(call: HttpCall, match: Match, calls: Calls, scope: Scope) -> Resolved | None:
    account, capability = match.account, match.capability
    if calls.directory.capability(account, capability.name) is None:
        return None
    params = calls.params(match.params, account, capability, scope)
    if params is None:
        return None
    result = capability.returns
    if call.expect is not None:
        if not _could_be(result, call.expect):
            label = f"{account.service.id}.{capability.name}"
            calls.found.add("type_mismatch", f"EXPECT does not fit what {label} returns", hint="leave EXPECT out")
            return None
        result = call.expect
    bound = Bound(account.service.id, capability.name, account.connection.name)
    return Resolved(msgspec.structs.replace(call, bound=bound, params=params), capability, result)


def _unmatched(call: HttpCall, url: Url, accounts: list[Account], calls: Calls, scope: Scope) -> Resolved | None:
    """A call no capability spells: through the general HTTP service, with EXPECT."""
    owners = [each.service for each in accounts if each.reaches(url.host)]
    if call.expect is None:
        known = sorted({f"{s.id}.{c.name}" for s in owners for c in s.capabilities if c.http is not None})
        hint = (
            f"say EXPECT and the type of the answer, or call one of {words(known)}"
            if known
            else ("say EXPECT and the type of the answer")
        )
        message = f"no service of the catalog has {call.method.upper()} {url.host}{_shown(url)}"
        calls.found.add("unmatched_call", message, hint=hint)
        return None
    general = [(each, _general(each, call.method.upper())) for each in accounts]
    usable = [(account, capability) for account, capability in general if capability is not None]
    reaching = [pair for pair in usable if pair[0].reaches(url.host)] or usable[:1]
    if not reaching:
        verb = call.method.upper()
        titles = words(list(dict.fromkeys(each.title for each in owners)))
        message = f"nothing in the catalog may {verb} {url.host}{_shown(url)}"
        message += f": no function of {titles} is reached so" if owners else ""
        calls.found.add("host_not_allowed", message, hint="use a connection of the http service that allows the host")
        return None
    if len(reaching) > 1:
        names = [account.connection.name for account, _ in reaching]
        message = f"several connections reach {url.host}: {words(names)}"
        calls.found.add("ambiguous_connection", message, hint="say AUTH")
        return None
    account, capability = reaching[0]
    assert capability is not None, "only usable pairs are left"
    calls.reach(url.host, account)
    given = [Entry("url", call.url)]
    given += [Entry("headers", ObjectExpr(call.headers))] if call.headers else []
    given += [Entry("query", ObjectExpr(call.query))] if call.query else []
    given += [Entry("body", call.body)] if call.body is not None else []
    return _bound(call, Match(account, capability, tuple(given), 0), calls, scope)


def _general(account: Account, method: str) -> Capability | None:
    for capability in account.service.capabilities:
        mapping = capability.http
        if mapping is not None and mapping.base_url == "{url}" and mapping.method.upper() == method:
            return capability
    return None


def _shown(url: Url) -> str:
    return "".join(piece if isinstance(piece, str) else "{...}" for piece in url.pieces(url.path))[:80]


def _could_be(have: Type, want: Type) -> bool:
    """True when data of type `have` may turn out to be `want`."""
    have, want = non_null(have), non_null(want)
    if isinstance(have, Json) or as_it_is(have, want):
        return True
    if isinstance(have, ObjectOf) and isinstance(want, ObjectOf):
        pairs = [(have.field(f.name), f) for f in want.fields]
        return all(not f.required if own is None else _could_be(own.type, f.type) for own, f in pairs)
    if isinstance(have, ListOf) and isinstance(want, ListOf):
        return _could_be(have.item, want.item)
    return False


def _matches(attempt: Attempt, accounts: list[Account]) -> list[Match]:
    found: list[Match] = []
    for account in accounts:
        for capability in account.service.capabilities:
            if capability.http is None or capability.http.steps or capability.http.let:
                continue
            try:
                found.append(_match(attempt, account, capability))
            except NoMatch:
                continue
    return found


def _match(attempt: Attempt, account: Account, capability: Capability) -> Match:
    call, url, mapping = attempt.call, attempt.url, capability.http
    assert mapping is not None, "only mapped capabilities are tried"
    base = mapping.base_url or (account.service.http.base_url if account.service.http is not None else None)
    if base is None or mapping.method.upper() != call.method:
        raise NoMatch
    try:
        home = read_url(Lit(account.filled(base)))
    except BadUrl:
        raise NoMatch from None
    if (home.scheme, home.host, home.port) != (url.scheme, url.host, url.port):
        raise NoMatch
    taken: dict[str, Expr] = {}
    path = home.path.rstrip("/") + mapping.path
    score = _path(path, url, taken)
    _query(call, url, mapping, taken)
    _headers(call, mapping, taken)
    if mapping.body is None and call.body is not None:
        raise NoMatch
    if mapping.body is not None:
        _body(msgspec.json.decode(mapping.body), call.body, taken, attempt)
    params = tuple(Entry(name, _typed_text(value, capability, name)) for name, value in taken.items())
    if any(capability.param(entry.name) is None for entry in params):
        raise NoMatch
    return Match(account, capability, params, score)


def _path(template: str, url: Url, taken: dict[str, Expr]) -> int:
    wanted, given = template.split("/"), url.path.split("/")
    if len(wanted) != len(given):
        raise NoMatch
    score = 0
    for segment, text in zip(wanted, given, strict=True):
        score += "{" not in segment
        _text(segment, text, url, taken)
    return score


def _text(template: str, text: str, url: Url, taken: dict[str, Expr]) -> None:
    """Text of the URL against a template with places."""
    names = _PLACE.findall(template)
    if not names:
        if url.pieces(text) not in ((template,), ()) or (not text and template):
            raise NoMatch
        return
    shape = "".join("(.+?)" if index % 2 else re.escape(piece) for index, piece in enumerate(_PLACE.split(template)))
    met = re.fullmatch(shape, text, re.DOTALL)
    if met is None:
        raise NoMatch
    for name, part in zip(names, met.groups(), strict=True):
        _take(name, url.value(part), taken)


def _take(name: str, value: Expr, taken: dict[str, Expr]) -> None:
    if name in taken and taken[name] != value:
        raise NoMatch
    taken[name] = value


def _query(call: HttpCall, url: Url, mapping: HttpMapping, taken: dict[str, Expr]) -> None:
    wanted = dict(mapping.query)
    seen: set[str] = set()
    for name, text in url.query:
        if name not in wanted or name in seen:
            raise NoMatch
        seen.add(name)
        _text(wanted[name], text, url, taken)
    for entry in call.query:
        if entry.name not in wanted or entry.name in seen:
            raise NoMatch
        seen.add(entry.name)
        _leaf(wanted[entry.name], entry.value, taken)
    if any(name not in seen and _PLACE.search(template) is None for name, template in wanted.items()):
        raise NoMatch


def _headers(call: HttpCall, mapping: HttpMapping, taken: dict[str, Expr]) -> None:
    wanted = {name.lower(): template for name, template in mapping.headers}
    for entry in call.headers:
        name = entry.name.lower()
        if name in wanted:
            _leaf(wanted[name], entry.value, taken)
        elif name not in ("accept", "content-type") or _constant(entry.value) not in ("application/json", "*/*"):
            raise NoMatch


def _leaf(template: Value, value: Expr, taken: dict[str, Expr]) -> None:
    """A value against a leaf of a mapping: one place takes it, a constant must equal it."""
    if isinstance(template, str) and (met := _PLACE.fullmatch(template)) is not None:
        _take(met[1], value, taken)
    elif (isinstance(template, str) and _PLACE.search(template)) or not equal(_constant(value), template):
        raise NoMatch


def _constant(value: Expr) -> Value:
    """A literal's value; for anything else something that no mapping holds."""
    if isinstance(value, Lit):
        return value.value
    if isinstance(value, Template) and all(isinstance(part, str) for part in value.parts):
        return "".join(str(part) for part in value.parts)
    return b""


def _body(template: Value, value: Expr | None, taken: dict[str, Expr], attempt: Attempt) -> None:
    if isinstance(template, dict):
        fields = _fields(value, attempt)
        if any(name not in template for name in fields):
            raise NoMatch
        for name, inner in template.items():
            if name in fields:
                _body(inner, fields[name], taken, attempt)
            elif isinstance(inner, dict):
                _body(inner, None, taken, attempt)
            elif not (isinstance(inner, str) and _PLACE.fullmatch(inner)):
                raise NoMatch
    elif isinstance(template, list):
        if not isinstance(value, ListExpr) or len(value.items) != len(template):
            raise NoMatch
        for inner, item in zip(template, value.items, strict=True):
            _body(inner, item, taken, attempt)
    elif value is not None:
        _leaf(template, value, taken)
    elif not (isinstance(template, str) and _PLACE.fullmatch(template)):
        raise NoMatch


def _fields(value: Expr | None, attempt: Attempt) -> dict[str, Expr]:
    """The fields of a written object, or of a value whose type says them."""
    if value is None:
        return {}
    if isinstance(value, ObjectExpr):
        return {entry.name: entry.value for entry in value.entries}
    if isinstance(value, Ref):
        typed = attempt.calls.typing.infer(value, attempt.scope)
        if typed is not None and isinstance(typed.type, ObjectOf):
            return {f.name: Ref(value.root, (*value.path, f.name), None, value.span) for f in typed.type.fields}
    raise NoMatch


def _typed_text(value: Expr, capability: Capability, name: str) -> Expr:
    """Text of a URL as the parameter's own kind of literal."""
    param = capability.param(name)
    if param is None or not isinstance(value, Lit) or not isinstance(value.value, str):
        return value
    plain = non_null(param.type)
    if is_numeric(plain) and _NUMBER.match(value.value) is not None:
        number = float(value.value) if "." in value.value else int(value.value)
        return Lit(number, None, None, value.span)
    if plain == Scalar("boolean") and value.value in ("true", "false"):
        return Lit(value.value == "true", None, None, value.span)
    return value
