"""Whether a constant stands in the request: a proposal may use what was said, what the profile or the catalog gives,
and nothing else.

Knows: the words, amounts and quotations of one request. In: a request and a context. Out: `Ground`, asked value by
value. Never: looks at meaning, lets a piece of a quotation act as anything but text to pass on.

Quoted text, and text after a colon that is to be passed on, is one thing: the whole of it may be a value; a piece of it
may only be content, never a recipient, an address, a choice or a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from eyeflow.catalog.connections import connections_of, default_for
from eyeflow.catalog.model import Capability, CompileContext, Service, TriggerKind
from eyeflow.errors import CompileError
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.literals import free_texts, tokenize
from eyeflow.frontend.tokens import Kind, Token
from eyeflow.frontend.vocabulary import split_name
from eyeflow.ir.expr import Bind, Call, Convert, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.text import parse_expression, parse_template
from eyeflow.values import Field

_AMOUNTS = (Kind.NUMBER, Kind.NUMBER_WORD, Kind.QUANTITY, Kind.MONEY, Kind.ORDINAL, Kind.ISSUE)
_TELLING = (
    Kind.QUOTED, Kind.URL, Kind.EMAIL, Kind.CHANNEL, Kind.PERSON, Kind.REPO, Kind.PHONE, Kind.KEY, Kind.MONEY,
    Kind.NUMBER, Kind.QUANTITY, Kind.ISSUE, Kind.FILE, Kind.PATH, Kind.DOMAIN,
)  # fmt: skip
MAX_TEXT = 8_000
"""Longer texts in a proposal are not read."""


class Ground(msgspec.Struct, frozen=True, eq=False):
    """What one request holds. `open_text` is everything outside quotations, folded; `quoted` are those whole."""

    text: str
    ctx: CompileContext
    tokens: tuple[Token, ...]
    open_text: str
    quoted: tuple[str, ...]
    amounts: frozenset[float]
    stems: frozenset[str]

    def says(self, said: str, *, content: bool = False) -> bool:
        """True when `said` stands in the request: outside quotations, or as the whole of one (`content`: inside)."""
        wanted = fold(said)
        if not any(c.isalnum() for c in wanted):
            return True
        bare = wanted.lstrip("#@ ")
        if _within(wanted, self.open_text) or (bare != wanted and _within(bare, self.open_text)):
            return True
        if content:
            return any(_within(wanted, each) for each in self.quoted)
        return wanted in self.quoted

    def counts(self, number: float) -> bool:
        """True when the amount was said, as it is or in hundredths of a currency."""
        return float(number) in self.amounts

    def mentions(self, name: str) -> bool:
        """True when a word of an identifier or phrase was said outside quotations."""
        return any(part in self.stems for part in split_name(name) if len(part) > 1)

    def untraced_expression(self, text: str) -> str | None:
        """The first constant of LLM-IR expression text that nobody said, or None. Zero, null, true and false are
        part of a comparison, not content."""
        if len(text) > MAX_TEXT:
            return text[:80]
        expr, _ = parse_expression(text)
        if expr is None:
            return None  # the resolver reports it
        for part in _leaves(expr):
            if isinstance(part, str) and not self.says(part, content=True):
                return part
            if isinstance(part, float) and part != 0 and not self.counts(part):
                return f"{part:g}"
        return None

    def untraced(self, value: JsonValue, param: Field, owner: tuple[Service, Capability | TriggerKind]) -> str | None:
        """The first constant of a parameter's value that nobody said and no default gives, or None."""
        if self._given(value, param, owner):
            return None
        return self._loose(value, param)

    def _given(self, value: JsonValue, param: Field, owner: tuple[Service, Capability | TriggerKind]) -> bool:
        service, spec = owner
        held = connections_of(self.ctx, service.id)
        chosen = default_for(self.ctx, service, spec.name, param.name, held[0] if len(held) == 1 else None)
        if chosen is not None and msgspec.json.decode(chosen.value.json) == value:
            return True
        return isinstance(value, str) and value in dict(self.ctx.profile.me).values()

    def _loose(self, value: JsonValue, param: Field) -> str | None:
        match value:
            case None:
                return None
            case bool():
                return None if self.mentions(param.name) else str(value).lower()
            case int() | float():
                return None if self.counts(value) else f"{value:g}"
            case str():
                return self._loose_text(value, param)
            case Mapping():
                within = [self._loose(each, param) for each in value.values()]
            case Sequence():
                within = [self._loose(each, param) for each in value]
            case _:
                return str(value)[:80]
        return next((each for each in within if each is not None), None)

    def _loose_text(self, value: str, param: Field) -> str | None:
        if len(value) > MAX_TEXT:
            return value[:80]
        enum = param.enum or (param.items.enum if param.items is not None else ())
        if value in enum:
            return None if self.mentions(value) else value
        try:
            template = parse_template(value)
        except CompileError:
            return None  # the resolver reports it
        content = param.role == "content" or (param.entity is None and not enum)
        texts = [part for part in template.parts if isinstance(part, str)]
        return next((t for t in texts if not self.says(t, content=content)), None)

    def telling(self, skipped: Iterable[tuple[int, int]] = ()) -> tuple[Token, ...]:
        """The literals a reading has to use, without those inside `skipped` spans (times)."""
        spans = tuple(skipped)
        return tuple(
            t for t in self.tokens
            if t.kind in _TELLING and not any(a <= t.span.start < b for a, b in spans)
        )  # fmt: skip


def ground(text: str, ctx: CompileContext) -> Ground:
    """What `text` holds."""
    tokens = tokenize(text)
    passed = [(f.start, max(f.ends)) for f in free_texts(text, tokens) if f.strong and f.ends]
    hidden = [(t.span.start, t.span.end) for t in tokens if t.kind is Kind.QUOTED] + passed
    quoted = [fold(str(t.value)) for t in tokens if t.kind is Kind.QUOTED]
    for free in free_texts(text, tokens):
        if free.strong:
            quoted += [fold(text[free.start : end]) for end in free.ends]
    shown = "".join(" " if any(a <= k < b for a, b in hidden) else c for k, c in enumerate(text))
    amounts: set[float] = set()
    for token in tokens:
        inside = any(a <= token.span.start < b for a, b in passed)
        if token.kind in _AMOUNTS and isinstance(token.value, int | float) and not inside:
            amounts.add(float(token.value))
            if token.kind is Kind.MONEY:
                amounts.add(round(float(token.value) * 100, 6))
    stems = {stem(word) for word in re.findall(r"[^\W_]+", shown.casefold())}
    return Ground(
        text=text, ctx=ctx, tokens=tokens, open_text=fold(shown), quoted=tuple(dict.fromkeys(quoted)),
        amounts=frozenset(amounts), stems=frozenset(stems),
    )  # fmt: skip


def fold(text: str) -> str:
    """Text as it is compared: case folded, white space one blank, apostrophes plain, template braces single."""
    plain = text.replace("’", "'").replace("{{", "{").replace("}}", "}")
    return " ".join(plain.casefold().split())


def _within(wanted: str, held: str) -> bool:
    """True when `wanted` stands in `held` between word borders."""
    core = wanted.strip(" .,;:!?-–—()")
    at = held.find(core)
    while at >= 0 and core:
        end = at + len(core)
        before = at == 0 or not (held[at - 1].isalnum() and core[0].isalnum())
        after = end == len(held) or not (held[end].isalnum() and core[-1].isalnum())
        if before and after:
            return True
        at = held.find(core, at + 1)
    return not core


def _leaves(expr: Expr) -> Iterable[str | float]:
    """Texts and numbers that an expression states."""
    match expr:
        case Lit(value=value):
            if isinstance(value, str):
                yield value
            elif isinstance(value, int | float) and not isinstance(value, bool):
                yield float(value)
        case Template(parts=parts):
            yield from (p for p in parts if isinstance(p, str))
        case Call(args=args):
            for each in args:
                yield from _leaves(each)
        case Bind(source=source, body=body, rest=rest):
            for each in (source, body, *rest):
                yield from _leaves(each)
        case ListExpr(items=items):
            for each in items:
                yield from _leaves(each)
        case ObjectExpr(entries=entries):
            for entry in entries:
                yield from _leaves(entry.value)
        case Convert(value=inner):
            yield from _leaves(inner)
        case Ref():
            return
