"""The `http:` parts of a service file: how its capabilities are spoken over HTTP.

Knows: the keys of a mapping, what its places `{name}` may name, which hosts a base URL may have.
In: nodes. Out: `HttpMapping`, `ServiceHttp`. Never: parses expressions (`ir` does), opens anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final, Literal, TypeAlias, cast

from eyeflow.catalog.model import HttpMapping, Pages, ServiceHttp
from eyeflow.catalog.nodes import Node
from eyeflow.catalog.reading import Plain
from eyeflow.values import literal

Encoding: TypeAlias = Literal["json", "form", "text", "raw", "multipart"]

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY")
ENCODINGS: Final = ("json", "form", "text", "raw", "multipart")
CREDENTIAL_PARTS: Final = frozenset({"token", "username", "password", "key"})
MAX_STEPS: Final = 20

_SERVICE_KEYS: Final = frozenset({"base_url", "auth_header", "auth_query", "headers", "retry_after"})
_KEYS: Final = frozenset(
    {
        "method", "path", "base_url", "query", "headers", "body", "encoding", "ok", "error", "result", "retry_after",
        "any_status", "steps", "let", "pages", "table",
    }
)  # fmt: skip
_STEP_KEYS: Final = (_KEYS - {"steps"}) | {"name", "when"}
_PAGE_KEYS: Final = frozenset({"items", "next", "max"})
_PLACE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_ROOT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-]*")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]+\Z")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?\.)*"
                          r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\Z")  # fmt: skip
_IPV6: Final = re.compile(r"\[[0-9a-f:.]+\]\Z")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")
_URL: Final = re.compile(r"(https?)://([^/?#\\@\s]+)(/[^?#\\\s]*)?\Z", re.IGNORECASE)


def placeholders(template: str) -> tuple[list[str], str | None]:
    """What the places of a template name (`{deal.id}` gives `deal.id`), and what is wrong with its braces, if anything.

    `{{` and `}}` are literal braces.
    """
    names: list[str] = []
    for found in _PLACE.finditer(template):
        text = found.group(0)
        if text in ("{{", "}}"):
            continue
        name = found.group(1)
        if name is None:
            return names, f"a lone `{text}`"
        if not _ROOT.match(name.strip()):
            return names, f"`{{{name[:40]}}}` names nothing"
        names.append(name.strip())
    return names, None


def read_service_http(node: Node, hosts: tuple[str, ...]) -> ServiceHttp:
    """The `http:` of a service: what all its mappings share."""
    node.only(_SERVICE_KEYS, "`http` of a service")
    base_url = node.optional_text("base_url")
    if base_url is not None:
        _check_base_url(node.child("base_url", base_url), base_url, hosts)
    auth_header = node.optional_text("auth_header")
    if auth_header is not None:
        _check_places(node.child("auth_header", auth_header), auth_header, CREDENTIAL_PARTS, "part of a credential")
    return ServiceHttp(
        base_url=base_url,
        auth_header=auth_header,
        auth_query=_pairs(node, "auth_query", _placed(CREDENTIAL_PARTS, "part of a credential")),
        headers=_headers(node, None),
        retry_after=node.optional_text("retry_after"),
    )


def read_mapping(node: Node, params: Collection[str], hosts: tuple[str, ...], *, based: bool) -> HttpMapping:
    """The `http:` of a capability. `based`: the service has a base URL."""
    node.only(_KEYS, "`http`")
    if not node.has("steps"):
        return _request(node, frozenset(params), hosts, based)
    steps = _steps(node, params, hosts, based or node.has("base_url"))
    for key in ("method", "path", "query", "headers", "body", "encoding", "pages", "table"):
        if node.has(key):
            node.child(key, None).problem("unknown_key", f"`{key}` does not go beside `steps`", "move it into a step")
    return HttpMapping(path="", result=_expressions(node, "result"), steps=steps)


def _request(node: Node, params: frozenset[str], hosts: tuple[str, ...], based: bool) -> HttpMapping:
    """One request; `params` are the names its places may have, `steps.NAME` of earlier steps among them."""
    let = _expression_pairs(node, "let")
    known = params | {f"let.{name}" for name, _ in let}
    base_url = node.optional_text("base_url")
    if base_url is not None:
        _check_base_url(node.child("base_url", base_url), base_url, hosts)
    body = node.get("body")
    if body is not None:
        _check_leaves(body, known)
    return HttpMapping(
        method=_method(node),
        path=_path(node, known, based=based or base_url is not None),
        base_url=base_url,
        query=_pairs(node, "query", _placed(known, "parameter")),
        headers=_headers(node, known),
        body=None if body is None else literal(body.value).json,
        encoding=cast(Encoding, node.choice("encoding", ENCODINGS, "json")),
        ok=node.optional_text("ok"),
        error=node.optional_text("error"),
        result=_expressions(node, "result"),
        retry_after=node.optional_text("retry_after"),
        any_status=node.flag("any_status", False),
        let=let,
        when=node.optional_text("when"),
        pages=_pages(node.get("pages")),
        table=node.optional_text("table"),
    )


def read_hosts(node: Node | None) -> tuple[str, ...]:
    """The `hosts:` of a service or connection: names, `*.` names, addresses, each with an optional port."""
    if node is None:
        return ()
    found: list[str] = []
    for item in node.items():
        text = item.as_text(limit=300)
        if text is not None:
            problem = host_problem(text)
            if problem is None:
                found.append(text.lower())
            else:
                item.problem("bad_host", problem[0], problem[1])
    return tuple(dict.fromkeys(found))


def host_problem(text: str) -> tuple[str, str] | None:
    """What is wrong with one entry of `hosts`, and the way out; None when it is fine."""
    bare = _PORT.sub("", re.sub(r"\{[A-Za-z0-9_\-]+\}", "x", text.lower()))
    if bare in ("*", "*."):
        return "`*` would reach every host", "name the hosts, or `*.example.com`"
    if "://" in text or "/" in text:
        return f"`{text[:60]}` is an address, not a host", "write the host alone, without scheme and path"
    if not text.isascii():
        return f"`{text[:60]}` is not ASCII", "write the name in its xn-- form"
    if _HOST.match(bare) or _IPV6.match(bare):
        return None
    return f"`{text[:60]}` is not a host", "a name such as `api.example.com` or `*.example.com`"


def host_listed(host: str, hosts: Collection[str]) -> bool:
    """True when `host` (with or without port) is one of `hosts` or under one of its `*.` names."""
    bare = _PORT.sub("", host)
    for entry in hosts:
        if entry in (host, bare):
            return True
        if entry.startswith("*.") and bare.endswith(entry[1:]):
            return True
    return False


def _method(node: Node) -> str:
    spec = node.get("method")
    if spec is None:
        return "GET"
    upper = spec.value.upper() if isinstance(spec.value, str) else spec.value
    return node.child("method", upper).one_of(METHODS, "GET")


def _check_base_url(node: Node, text: str, hosts: tuple[str, ...]) -> None:
    names, wrong = placeholders(text)
    if wrong:
        node.problem("bad_place", f"{wrong} in `base_url`", "double a brace that is meant literally")
        return
    if re.fullmatch(r"\{[A-Za-z0-9_.\-]+\}/?", text):
        return  # the whole URL comes from a setting, parameter or earlier step: the guard judges it at run time
    match = _URL.match(text)
    if match is None:
        node.problem("bad_url", f"`{text[:80]}` is not a base URL", "https://host or https://host/path, nothing more")
        return
    host = match.group(2).lower()
    if not names and host_problem(host) is not None:
        node.problem("bad_url", f"`{host[:80]}` is not a host")
    elif not host_listed(host, hosts):
        node.problem("host_not_listed", f"`{host[:80]}` is not among `hosts`", f"add `{host[:80]}` to `hosts`")


def _path(node: Node, known: frozenset[str], *, based: bool) -> str:
    spec = node.get("path")
    path = "/" if spec is None else spec.as_text(empty=True)
    if path is None:
        return "/"
    place = node.child("path", path)
    _check_places(place, path, known, "parameter")
    if not based:
        place.problem("no_base_url", "there is no `base_url` to add the path to", "add `http: {base_url: ...}`")
    if path and not path.startswith(("/", "{")):
        place.problem("bad_path", f"`{path[:60]}` does not begin with `/`", "the host belongs into `base_url`")
    if any(part in ("..", ".") for part in path.split("/")) or "\\" in path or "#" in path:
        place.problem("bad_path", "a path has no `..`, `\\` or `#`")
    return path


def _check_leaves(node: Node, known: frozenset[str]) -> None:
    """Check the places of every text in a body; the depth of a document is bounded, so recursion is."""
    value = node.value
    if isinstance(value, str):
        _check_places(node, value, known, "parameter")
    elif isinstance(value, dict | list):
        pairs: Iterator[tuple[str | int, Plain]] = iter(value.items() if isinstance(value, dict) else enumerate(value))
        for key, item in pairs:
            _check_leaves(node.child(key, item), known)


def _check_places(node: Node, template: str, known: Collection[str], what: str) -> None:
    names, wrong = placeholders(template)
    if wrong:
        node.problem("bad_place", f"{wrong} in `{node.key}`", "double a brace that is meant literally")
    for name in dict.fromkeys(names):
        # a parameter's own name may contain dots, so every beginning of the place may be one
        parts = name.split(".")
        if any(".".join(parts[:count]) in known for count in range(1, min(len(parts), 10) + 1)):
            continue
        close = node.closest(name, known)
        listed = ", ".join(sorted(known)[:20]) if not node.problems.full else ""
        hint = f"did you mean `{{{close}}}`?" if close else f"known: {listed or 'none'}"
        node.problem("unknown_place", f"`{{{name[:60]}}}` is no {what}", hint)


def _placed(known: Collection[str], what: str) -> Callable[[Node, str], None]:
    return lambda node, text: _check_places(node, text, known, what)


def _pairs(node: Node, key: str, check: Callable[[Node, str], None]) -> tuple[tuple[str, str], ...]:
    spec = node.get(key)
    if spec is None:
        return ()
    found: list[tuple[str, str]] = []
    for name, item in spec.entries():
        text = _scalar_text(item)
        if text is not None:
            check(item, text)
            found.append((name, text))
    return tuple(found)


def _scalar_text(item: Node) -> str | None:
    value = item.value
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return literal(value).json
    item.wrong_type("text, a number or a flag")
    return None


def _headers(node: Node, known: frozenset[str] | None) -> tuple[tuple[str, str], ...]:
    def check(item: Node, text: str) -> None:
        if not _HEADER.match(str(item.key)):
            item.problem("bad_header", f"`{str(item.key)[:60]}` is not a header name")
        if any((ord(char) < 32 and char != "\t") or ord(char) == 127 for char in text):
            item.problem("bad_header", "a header value has no line breaks or control characters")
        _check_places(item, text, CREDENTIAL_PARTS if known is None else known, "parameter")

    return _pairs(node, "headers", check)


def _expressions(node: Node, key: str) -> str | None:
    spec = node.get(key)
    return None if spec is None else literal(spec.value).json


def _expression_pairs(node: Node, key: str) -> tuple[tuple[str, str], ...]:
    spec = node.get(key)
    if spec is None:
        return ()
    found = ((name, item.as_text()) for name, item in spec.entries())
    return tuple((name, text) for name, text in found if text is not None)


def _pages(node: Node | None) -> Pages | None:
    if node is None or not node.is_mapping():
        return None
    node.only(_PAGE_KEYS, "`pages`")
    items = node.text("items", required=True)
    following = _expression_pairs(node, "next")
    if not following:
        node.missing("next")
    most = node.integer("max", least=1, most=10_000)
    return Pages(items=items, next=following, max=20 if most is None else most)


def _steps(
    node: Node, params: Collection[str], hosts: tuple[str, ...], based: bool
) -> tuple[tuple[str, HttpMapping], ...]:
    """`steps:`, a list of requests with a `name` each."""
    spec = node.get("steps")
    if spec is None:
        return ()
    found: dict[str, HttpMapping] = {}
    known = frozenset(params)
    for step in spec.items():
        if len(found) >= MAX_STEPS:
            step.problem("too_many_steps", f"more than {MAX_STEPS} steps")
            break
        if not step.is_mapping():
            continue
        step.only(_STEP_KEYS, "a step")
        name = step.text("name", required=True)
        if name in found:
            step.problem("duplicate_step", f"the step `{name[:60]}` is there already", "give each step its own name")
        found[name] = _request(step, known, hosts, based)
        known |= {f"steps.{name}"}
    return tuple(found.items())
