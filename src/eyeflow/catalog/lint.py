"""`catalog lint`: what loads, and still should not be so.

Knows: what makes a catalog hard to speak to, or dangerous to trust. In: a `Catalog`. Out: findings, most of them
warnings; instructions hidden in a description are errors. Never: changes a catalog, stops a load.

Codes: missing_summary, missing_phrases, same_words, ambiguous_name, hidden_instruction, invisible_text, mixed_scripts,
wide_host, private_host, plain_http, unknown_place, unknown_role, several_contents, no_transport, two_transports,
param_not_sent.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from eyeflow.catalog.index import service_names
from eyeflow.catalog.mapping import placeholders
from eyeflow.catalog.model import Capability, Catalog, HttpMapping, Service, TriggerKind
from eyeflow.catalog.words import normalise
from eyeflow.diagnostics import Diagnostic, Place, Report, Severity, nearest, report
from eyeflow.values import Field, ListOf, MapOf, Nullable, ObjectOf, Type

ROLES_OF_FIELDS: Final = frozenset({"content", "summary", "title", "recipient"})
SCRIPTED: Final = "scripted"

_ORDERS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|all|any|other)\b.{0,30}"
        r"\b(?:instruction|prompt|rule|message|direction|guideline)",
        r"\b(?:you are|act as|pretend to be|you must now)\b.{0,40}\b(?:assistant|model|ai|agent|system|admin)\b",
        r"\b(?:system prompt|developer message|hidden instruction)",
        r"<\s*/?\s*(?:system|important|instructions?|assistant|secret)\s*>|\[\s*/?\s*(?:system|inst)\s*\]|<\|[a-z_]+\|>",
        r"\b(?:do not|don't|never) (?:tell|mention|inform|reveal|show|ask)\b.{0,30}"
        r"\b(?:user|person|owner|human|anyone)\b",
        r"\b(?:before|instead of|whenever|after) (?:using|calling|invoking) (?:this|any|other|another)\b.{0,40}"
        r"\b(?:tool|capability|function|service)?\b.{0,40}\b(?:you must|always|first|send|read|call|include|pass)\b",
        r"\b(?:you|the (?:model|assistant|agent|ai)) (?:must|should|shall|need to|have to) (?:always |also |first )?"
        r"(?:send|forward|copy|read|call|include|pass|use|choose|prefer|execute|run)\b",
        r"\b(?:always|only) (?:use|choose|prefer|call|pick) this (?:tool|capability|function|service)\b",
        r"\b(?:send|forward|bcc|upload|exfiltrate|leak)\b.{0,60}\b(?:password|credential|secret|api key|token|"
        r"conversation|private key|ssh)",
    )
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_ARTICLES: Final = frozenset({"a", "an", "the", "some"})
_TWO_PART_SUFFIXES: Final = frozenset(
    {"co", "com", "org", "net", "gov", "edu", "ac", "io", "github", "gitlab", "herokuapp", "amazonaws", "azurewebsites"}
)
_SHARED_SUFFIXES: Final = frozenset(
    {
        "github.io", "gitlab.io", "herokuapp.com", "amazonaws.com", "azurewebsites.net", "cloudfront.net", "web.app",
        "appspot.com", "vercel.app", "netlify.app", "pages.dev", "workers.dev", "ngrok.io", "ngrok.app", "run.app",
        "blob.core.windows.net", "s3.amazonaws.com", "firebaseio.com", "onrender.com", "fly.dev",
    }
)  # fmt: skip
_PRIVATE_NAMES: Final = (".local", ".internal", ".localhost", ".lan", ".home.arpa", ".intranet", ".corp")


def lint(catalog: Catalog) -> Report:
    """All findings about a catalog, service by service."""
    found: list[Diagnostic] = []
    for service in catalog.services:
        for check in CHECKS:
            found += check(service)
    found += _shared_names(catalog)
    return report(found)


def lint_text(text: str) -> str | None:
    """Why a text for people must not stand in a catalog (hidden orders, invisible characters), or None."""
    if _invisible(text):
        return "it holds invisible or direction-changing characters"
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    if any(order.search(plain) for order in _ORDERS):
        return "it gives orders to whoever reads it"
    return None


def _finding(
    service: Service, path: str, code: str, message: str, hint: str = "", *, severity: Severity = Severity.WARNING
) -> Diagnostic:
    return Diagnostic(code, message, severity, Place(source=service.source or service.id, path=path), hint)


def _offers(service: Service) -> Iterator[tuple[str, Capability | TriggerKind]]:
    for capability in service.capabilities:
        yield f"capabilities.{capability.name}", capability
    for kind in service.triggers:
        yield f"triggers.{kind.name}", kind


def _says_nothing(service: Service) -> Iterator[Diagnostic]:
    for path, offer in _offers(service):
        if not offer.summary.strip():
            hint = "one sentence: what it does, as you would tell a colleague"
            yield _finding(service, f"{path}.summary", "missing_summary", f"`{offer.name}` has no summary", hint)
        if not offer.phrases and not offer.examples:
            hint = "add `phrases:` the way people ask for it"
            yield _finding(
                service,
                path,
                "missing_phrases",
                f"`{offer.name}` has no phrases or examples",
                hint,
                severity=Severity.NOTE,
            )


def _same_words(service: Service) -> Iterator[Diagnostic]:
    """Offers of one kind that nobody can tell apart: the same phrase, or summaries of the same words."""
    for kind, offers in (("capabilities", service.capabilities), ("triggers", service.triggers)):
        said: dict[tuple[str, ...], str] = {}
        for offer in offers:
            own: set[tuple[str, ...]] = set()
            for text in (*offer.phrases, offer.summary):
                stems = tuple(word for word in _WORD.findall(text.casefold()) if word not in _ARTICLES)
                other = said.get(stems)
                if stems and other is not None and stems not in own:
                    message = f"`{offer.name}` and `{other}` both say {text[:60]!r}"
                    hint = "say what sets them apart"
                    yield _finding(service, f"{kind}.{offer.name}", "same_words", message, hint)
                own.add(stems)
            said.update({stems: offer.name for stems in own if stems not in said})


def _hidden(service: Service) -> Iterator[Diagnostic]:
    """Texts that give orders, hide characters, or mix alphabets inside a word."""
    for path, text in _texts(service):
        if _invisible(text):
            message = "a text holds invisible or direction-changing characters"
            yield _finding(service, path, "invisible_text", message, "remove them", severity=Severity.ERROR)
        elif lint_text(text) is not None:
            message = f"a text gives orders to its reader: {text[:80]!r}"
            yield _finding(
                service, path, "hidden_instruction", message, "describe, do not instruct", severity=Severity.ERROR
            )
        mixed = _mixed_word(text)
        if mixed is not None:
            message = f"{mixed[:40]!r} mixes letters of several alphabets that look alike"
            yield _finding(service, path, "mixed_scripts", message, "spell it in one alphabet")


def _wide_hosts(service: Service) -> Iterator[Diagnostic]:
    for index, host in enumerate(service.hosts):
        path = f"hosts[{index}]"
        name = re.sub(r":[0-9]+\Z", "", host)
        bare = name.removeprefix("*.")
        if name.startswith("*.") and is_wide(bare):
            hint = "name the hosts, or a domain that one company owns"
            yield _finding(service, path, "wide_host", f"`{host}` reaches hosts of many owners", hint)
        elif name == "*" or ("." not in bare and bare not in ("localhost",) and "{" not in bare and ":" not in bare):
            yield _finding(service, path, "wide_host", f"`{host}` is no full host name", "write the whole name")
        if _is_private(bare):
            hint = "an operator must allow it by name; a shared catalog should not name it"
            yield _finding(service, path, "private_host", f"`{host}` is inside somebody's own network", hint)
    for path, url in _base_urls(service):
        if url.lower().startswith("http://"):
            message = f"`{url[:80]}` is not encrypted: credentials would be readable on the way"
            yield _finding(service, path, "plain_http", message, "use https")


def is_wide(domain: str) -> bool:
    """True when `*.domain` spans many owners: a top-level domain, `co.uk`, a hosting company's customers."""
    parts = domain.split(".")
    if domain in _SHARED_SUFFIXES or len(parts) < 2:
        return True
    return len(parts) == 2 and len(parts[1]) == 2 and parts[0] in _TWO_PART_SUFFIXES


def _examples(service: Service) -> Iterator[Diagnostic]:
    for path, offer in _offers(service):
        known = [param.name for param in offer.params]
        for index, example in enumerate(offer.examples):
            names, wrong = placeholders(example)
            where = f"{path}.examples[{index}]"
            if wrong:
                yield _finding(service, where, "unknown_place", f"{wrong} in {example[:60]!r}")
            for name in names:
                if name not in known:
                    close = nearest(name, known, limit=1)
                    hint = f"did you mean `{{{close[0]}}}`?" if close else f"parameters: {', '.join(known) or 'none'}"
                    yield _finding(service, where, "unknown_place", f"`{{{name}}}` is no parameter", hint)


def _dialect(service: Service) -> Iterator[Diagnostic]:
    for capability in service.capabilities:
        path = f"capabilities.{capability.name}"
        contents = [param.name for param in capability.params if param.role == "content"]
        if len(contents) > 1:
            message = f"`{capability.name}` has several free texts: {', '.join(contents)}"
            yield _finding(service, path, "several_contents", message, "only one parameter has `role: content`")
        yield from _transport(service, capability, path)
    for path, field in _all_fields(service):
        if field.role is not None and field.role not in ROLES_OF_FIELDS:
            close = nearest(field.role, sorted(ROLES_OF_FIELDS), limit=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(sorted(ROLES_OF_FIELDS))}"
            yield _finding(service, path, "unknown_role", f"`role: {field.role}` means nothing", hint)


def _transport(service: Service, capability: Capability, path: str) -> Iterator[Diagnostic]:
    if service.connector == SCRIPTED:
        return
    if capability.http is None:
        mapped = service.http is not None or any(each.http is not None for each in service.capabilities)
        if mapped and capability.value is None:
            message = f"`{capability.name}` has no `http` or `value`: nothing says how to do it"
            yield _finding(service, path, "no_transport", message, "add `http:`, or `connector: scripted`")
        return
    if capability.value is not None:
        yield _finding(service, path, "two_transports", f"`{capability.name}` has both `http` and `value`")
    sent = _mentioned(capability.http)
    for param in capability.params:
        if not re.search(rf"(?<![\w.]){re.escape(param.name)}(?!\w)|params\.{re.escape(param.name)}(?!\w)", sent):
            message = f"`{param.name}` is never sent"
            yield _finding(service, f"{path}.params.{param.name}", "param_not_sent", message, "use it, or remove it")


def _mentioned(http: HttpMapping) -> str:
    texts = [http.path, http.base_url or "", http.body or "", http.when or "", http.result or "", http.ok or ""]
    texts += [text for pairs in (http.query, http.headers, http.let) for _, text in pairs]
    texts += [_mentioned(step) for _, step in http.steps]
    return "\n".join(texts)


CHECKS: Final[tuple[Callable[[Service], Iterator[Diagnostic]], ...]] = (
    _says_nothing,
    _same_words,
    _hidden,
    _wide_hosts,
    _examples,
    _dialect,
)


def _shared_names(catalog: Catalog) -> Iterator[Diagnostic]:
    owners: defaultdict[str, list[Service]] = defaultdict(list)
    for service in catalog.services:
        for name in service_names(service):
            owners[name].append(service)
    for name, services in owners.items():
        for service in services[1:]:
            if normalise(service.id) != name:
                message = f"`{name}` already means {services[0].id}"
                yield _finding(service, "aliases", "ambiguous_name", message, "remove the alias from one of them")


def _texts(service: Service) -> Iterator[tuple[str, str]]:
    yield "title", service.title
    yield "type", service.type
    for index, alias in enumerate(service.aliases):
        yield f"aliases[{index}]", alias
    for path, offer in _offers(service):
        yield f"{path}.summary", offer.summary
        for key, texts in (("phrases", offer.phrases), ("examples", offer.examples)):
            for index, text in enumerate(texts):
                yield f"{path}.{key}[{index}]", text
    for path, field in _all_fields(service):
        yield path, field.name
        if field.description:
            yield f"{path}.description", field.description
        for value in field.enum:
            yield f"{path}.enum", value
        if field.default is not None:
            yield f"{path}.default", msgspec.json.encode(field.default.value).decode()
    for index, way in enumerate(service.auth):
        for at, step in enumerate(way.setup):
            yield f"auth[{index}].setup[{at}].say", step.say


def _all_fields(service: Service) -> Iterator[tuple[str, Field]]:
    for path, offer in _offers(service):
        for param in offer.params:
            yield from _with_inner(f"{path}.params.{param.name}", param)
        shape = offer.returns if isinstance(offer, Capability) else offer.payload
        yield from _inner(f"{path}.{'returns' if isinstance(offer, Capability) else 'payload'}", shape)


def _with_inner(path: str, field: Field) -> Iterator[tuple[str, Field]]:
    yield path, field
    yield from _inner(path, field.type)


def _inner(path: str, of: Type) -> Iterator[tuple[str, Field]]:
    match of:
        case Nullable(inner) | ListOf(inner) | MapOf(inner):
            yield from _inner(path, inner)
        case ObjectOf(fields):
            for field in fields:
                yield from _with_inner(f"{path}.{field.name}", field)


def _base_urls(service: Service) -> Iterator[tuple[str, str]]:
    if service.http is not None and service.http.base_url:
        yield "http.base_url", service.http.base_url
    for capability in service.capabilities:
        if capability.http is not None and capability.http.base_url:
            yield f"capabilities.{capability.name}.http.base_url", capability.http.base_url


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(_PRIVATE_NAMES):
        return True
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return False


def _invisible(text: str) -> bool:
    """Format and control characters. A joiner between two visible ones is how emoji and some scripts are written."""
    if text.isascii() and text.isprintable():
        return False
    for at, char in enumerate(text):
        category = unicodedata.category(char)
        if category in ("Cf", "Co", "Cn", "Cs") and not _joins(text, at):
            return True
        if category == "Cc" and char not in "\n\t\r":
            return True
    return False


def _joins(text: str, at: int) -> bool:
    if text[at] not in "\u200d\u200c" or not 0 < at < len(text) - 1:
        return False
    around = text[at - 1] + text[at + 1]
    return all(ord(char) > 0x2FF and unicodedata.category(char) != "Cf" for char in around)


def _mixed_word(text: str) -> str | None:
    """A word whose letters come from Latin and from Cyrillic or Greek."""
    if text.isascii():
        return None
    for found in _WORD.finditer(text):
        word = found.group()
        scripts = {unicodedata.name(char, "").split(" ")[0] for char in word}
        if "LATIN" in scripts and scripts & {"CYRILLIC", "GREEK"}:
            return word
    return None
