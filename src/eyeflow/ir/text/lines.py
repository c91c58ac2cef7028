"""What the rules for whole lines and triggers in `grammar.lark` mean.

Knows: one method per rule or alias. In: tokens and results of inner rules. Out: the value of one line: a name, a
duration, an `Expr`, a `Trigger`, a small record. Never: knows which block the line stands in (`forms.py` does).
"""

from __future__ import annotations

from typing import Final, Literal, TypeVar, cast

import msgspec
from msgspec.structs import replace

from eyeflow.diagnostics import nearest
from eyeflow.ir.expr import Entry, Expr, ListExpr, Lit, ObjectExpr
from eyeflow.ir.task import Backoff, Event, Manual, Missed, Once, Overlap, Rate, Retry, Schedule, Topic, Webhook
from eyeflow.ir.text.durations import to_ms, window_ms
from eyeflow.ir.text.findings import Refused, shown
from eyeflow.ir.text.lexer import Token
from eyeflow.ir.text.schedules import read_time, short_rule
from eyeflow.ir.text.strings import decode
from eyeflow.ir.text.tree import Children, Expressions, key, number_of, span_of
from eyeflow.ir.text.words import CONSTANTS, steps
from eyeflow.values import Field, Span, Type, Value, literal

MAX_COUNT: Final = 1_000_000
C = TypeVar("C", bound=str)
_THEN: Final[tuple[Literal["continue", "stop"], ...]] = ("continue", "stop")
_KINDS: Final[tuple[Literal["fixed", "exponential"], ...]] = ("fixed", "exponential")
_MISSED: Final[tuple[Missed, ...]] = ("run_once", "run_all", "skip")
_OVERLAP: Final[tuple[Overlap, ...]] = ("skip", "queue", "cancel")


class Word(msgspec.Struct, frozen=True):
    """A word that the block layer compares with a list of choices."""

    text: str
    span: Span


class Auth(msgspec.Struct, frozen=True):
    """What `AUTH` says: the way, and the connection whose credential is used."""

    way: str
    connection: str | None


class Loop(msgspec.Struct, frozen=True):
    """What `EACH` says."""

    item: str
    source: Expr
    where: Expr | None = None
    parallel: int | None = None
    max_items: int | None = None


class _Part(msgspec.Struct, frozen=True):
    """One piece of a line that stands among others: what it is, its value, where."""

    kind: str
    value: object
    span: Span


def count_of(token: Token, least: int = 1) -> int:
    """A NUMBER that counts something. Raises: Refused `bad_number`."""
    if not token.value.isdigit() or len(token.value) > 7 or not least <= int(token.value) <= MAX_COUNT:
        hint = f"write a whole number from {least} to {MAX_COUNT}"
        raise Refused("bad_number", f"`{shown(token.value)}` is not a count", token.span, hint)
    return int(token.value)


def plain(token: object) -> str:
    """The text of a NAME, PATH or STRING that names something outside the task. Raises: Refused."""
    assert isinstance(token, Token)
    if token.type == "STRING":
        text = decode(token.value, token.start)
        if not text:
            raise Refused("bad_value", "a name is empty", token.span, "write the name between the quotes")
        return text
    if '"' in token.value:
        raise Refused(
            "bad_value", f"`{shown(token.value)}` is not one name", token.span, "put the whole name in quotes"
        )
    return token.value


def literal_json(expr: Expr) -> object:
    """The JSON value of a constant expression. Raises: Refused `bad_value`."""
    match expr:
        case Lit(value, None):
            return value
        case ListExpr(items):
            return [literal_json(item) for item in items]
        case ObjectExpr(entries):
            return {entry.name: literal_json(entry.value) for entry in entries}
    hint = "write null, true, false, a number, text, or lists and objects of them; {{ and }} are braces"
    raise Refused("bad_value", "a default is a constant", span_of(expr) or Span(0, 0), hint)


def one_of(word: Token | Word, choices: tuple[C, ...]) -> C:
    """The word, if it is one of `choices`. Raises: Refused `unknown_word`."""
    text = word.text if isinstance(word, Word) else word.value
    for choice in choices:
        if choice == text:
            return choice
    close = nearest(text, choices, limit=1)
    hint = f"did you mean {close[0]}?" if close else f"write one of {', '.join(choices)}"
    raise Refused("unknown_word", f"`{shown(text)}` is not one of {', '.join(choices)}", word.span, hint)


class Builder(Expressions):
    """The callbacks lark calls, by rule or alias name."""

    def name(self, c: Children) -> str:
        return plain(c[0])

    def local(self, c: Children) -> str:
        token = cast(Token, c[0])
        if token.value in CONSTANTS:
            raise Refused(
                "reserved_name", f"`{token.value}` is a constant, not a name", token.span, "choose another name"
            )
        return token.value

    def word(self, c: Children) -> Word:
        token = cast(Token, c[0])
        return Word(token.value, token.span)

    def text(self, c: Children) -> str:
        token = cast(Token, c[0])
        return decode(token.value, token.start)

    def duration(self, c: Children) -> int:
        number, unit = cast(Token, c[0]), cast(Token, c[1])
        return to_ms(number.value, unit.value, Span(number.start, unit.end))

    def entries(self, c: Children) -> tuple[Entry, ...]:
        return cast(ObjectExpr, self.expression(c)).entries

    def nothing(self, c: Children) -> None:
        return None

    def label(self, c: Children) -> str | None:
        return cast(str, c[0]) if c else None

    def default(self, c: Children) -> object:
        return c[0] if c else None

    def fallback(self, c: Children) -> Literal["continue", "stop"] | None:
        return one_of(cast(Token, c[0]), _THEN) if c else None

    def names(self, c: Children) -> tuple[str, ...]:
        return cast(tuple[str, ...], tuple(c))

    def auth(self, c: Children) -> Auth:
        return Auth(cast(Token, c[0]).value, cast(str, c[1]) if len(c) > 1 else None)

    def rate(self, c: Children) -> Rate:
        calls, window = count_of(cast(Token, c[0])), c[2]
        ms = window_ms(window.value, window.span) if isinstance(window, Token) else cast(int, window)
        if ms == 0:
            raise Refused("bad_duration", "a window lasts at least 1ms", cast(Token, c[0]).span, "write RATE 10/min")
        if len(c) < 4:
            return Rate(calls, ms)
        mode = one_of(cast(Token, c[3]), ("QUEUE", "REFUSE"))
        return Rate(calls, ms, "queue" if mode == "QUEUE" else "refuse")

    def retry(self, c: Children) -> Retry:
        return Retry(count_of(cast(Token, c[0])), cast(Backoff, c[1]) if len(c) > 1 else None)

    def backoff(self, c: Children) -> Backoff:
        kind, first, rest = cast(Token, c[0]), cast(int, c[1]), c[2:-1]
        if one_of(kind, _KINDS) == "fixed":
            if rest:
                raise Refused("bad_value", "`fixed` takes one duration", kind.span, "write fixed(5m)")
            return Backoff("fixed", first)
        if not rest:
            return Backoff("exponential", first)
        factor = float(cast(float, number_of(cast(Token, rest[0])).value))
        if not 1 <= factor <= 1000:
            raise Refused(
                "bad_number", "a factor is from 1 to 1000", cast(Token, rest[0]).span, "write exponential(1s, 2, 1m)"
            )
        return Backoff("exponential", first, factor, cast(int, rest[1]) if len(rest) > 1 else None)

    def input(self, c: Children) -> Field:
        optional = isinstance(c[1], Token)
        of, rest = cast(Type, c[2 if optional else 1]), c[3 if optional else 2 :]
        name = key(cast(Token, c[0]))
        if rest:
            value = literal_json(cast(Expr, rest[0]))
            return Field(name, of, required=False, default=literal(cast(Value, value)))
        return Field(name, of, required=not optional)

    def where(self, c: Children) -> _Part:
        return _Part("where", c[0], span_of(c[0]) or Span(0, 0))

    def parallel(self, c: Children) -> _Part:
        return _part("parallel", c[0], count_of(cast(Token, c[0])))

    def max_items(self, c: Children) -> _Part:
        return _part("max_items", c[0], count_of(cast(Token, c[0])))

    def each(self, c: Children) -> Loop:
        parts = _apart(cast(list[_Part], c[3:]))
        return replace(Loop(cast(str, c[0]), cast(Expr, c[2])), **parts)

    def time(self, c: Children) -> _Part:
        return _part("time", c[0], read_time(cast(Token, c[0]).value, cast(Token, c[0]).span))

    def rule(self, c: Children) -> _Part:
        word, text = cast(Token, c[0]), cast(Token, c[1])
        kind = one_of(word, ("rrule", "cron"))
        return _Part(kind, decode(text.value, text.start), Span(word.start, text.end))

    def frequency(self, c: Children) -> _Part:
        tokens = cast(list[Token], c)
        days = tuple(token.value for token in tokens[1:] if token.type != "RPAR")
        return _Part("frequency", (tokens[0].value, days), Span(tokens[0].start, tokens[-1].end))

    def negative_day(self, c: Children) -> Token:
        sign, day = cast(Token, c[0]), cast(Token, c[1])
        return Token("NUMBER", f"-{day.value}", sign.start, day.end)

    def zone(self, c: Children) -> _Part:
        token = cast(Token, c[0])
        return _part("zone", token, plain(token))

    def start(self, c: Children) -> _Part:
        return _Part("start", cast(_Part, c[0]).value, cast(_Part, c[0]).span)

    def until(self, c: Children) -> _Part:
        return _Part("until", cast(_Part, c[0]).value, cast(_Part, c[0]).span)

    def except_(self, c: Children) -> _Part:
        parts = cast(list[_Part], c)
        for part in parts:
            if part.kind == "cron":
                raise Refused("bad_value", "EXCEPT takes dates and RRULEs", part.span, 'write EXCEPT "2026-12-25"')
        return _Part("exclude", tuple(part.value for part in parts), parts[0].span)

    def missed(self, c: Children) -> _Part:
        return _part("missed", c[0], one_of(cast(Token, c[0]), _MISSED))

    def overlap(self, c: Children) -> _Part:
        return _part("overlap", c[0], one_of(cast(Token, c[0]), _OVERLAP))

    def moment(self, c: Children) -> _Part:
        token = cast(Token, c[0])
        return _part("moment", token, plain(token) if token.type == "STRING" else token.value)

    def schedule(self, c: Children) -> Schedule:
        end = next(i for i, part in enumerate(c) if isinstance(part, Token))
        inside, closing = cast(list[_Part], c[:end]), cast(Token, c[end])
        options = _apart(cast(list[_Part], c[end + 1 :]))
        rules = tuple(str(part.value) for part in inside if part.kind == "rrule")
        others = [part for part in inside if part.kind != "rrule"]
        given = _apart(others)
        zone, cron = cast("str | None", given.get("zone")), cast("str | None", given.get("cron"))
        if "frequency" in given:
            word, days = cast(tuple[str, tuple[str, ...]], given["frequency"])
            where = next(part.span for part in others if part.kind == "frequency")
            rules = (*rules, short_rule(word, days, cast("tuple[int, int] | None", given.get("time")), where))
        elif "time" in given:
            raise Refused("bad_value", "a time needs a frequency", closing.span, "write schedule(09:00, daily)")
        if (cron is None) == (not rules) or ("frequency" in given and len(rules) > 1):
            hint = 'write schedule(09:00, daily), schedule(cron "0 9 * * *") or schedule(rrule "FREQ=...")'
            raise Refused("bad_value", "a schedule is one short form, one cron line, or RRULEs", closing.span, hint)
        return replace(Schedule(rules=rules, cron=cron, zone=zone), **options)

    def once(self, c: Children) -> Once:
        given = _apart([part for part in c if isinstance(part, _Part)])
        at, zone, missed = given["moment"], given.get("zone"), given.get("missed")
        return Once(at=str(at), zone=cast("str | None", zone), missed=cast("Missed | None", missed))

    def webhook(self, c: Children) -> Webhook:
        method = cast(Token, c[0]).value if cast(Token, c[0]).type == "NAME" else "POST"
        path = cast(Token, c[0] if cast(Token, c[0]).type == "STRING" else c[1])
        fields: tuple[Field, ...] | None = None
        unsigned = False
        for part in c[c.index(path) + 1 : -1]:
            if isinstance(part, Token):
                unsigned = bool(one_of(part, ("unsigned",)))
            elif fields is not None:
                raise Refused(
                    "duplicate_name", "a webhook has one list of fields", path.span, "put all fields in one {...}"
                )
            else:
                fields = cast(tuple[Field, ...], part)
        return Webhook(path=plain(path), method=method, fields=fields or (), unsigned=unsigned)

    def event(self, c: Children) -> Event:
        params = cast(tuple[Entry, ...], c[-2]) if isinstance(c[-2], tuple) else ()
        first = cast(Token, c[0])
        if first.type == "STRING":
            return Event(service=plain(first), event=plain(c[1]), params=params)
        offset, last = steps(first.value)[-1]
        name = decode(last, first.start + offset) if last[0] == '"' else last
        service = plain(Token("PATH", first.value[: offset - 1], first.start, first.start + offset - 1))
        if not name:
            raise Refused("bad_value", "the trigger's name is empty", first.span, "write event(service.trigger)")
        return Event(service=service, event=name, params=params)

    def topic(self, c: Children) -> Topic:
        return Topic(name=plain(c[1]))

    def manual(self, c: Children) -> Manual:
        return Manual()


def _part(kind: str, token: object, value: object) -> _Part:
    return _Part(kind, value, cast(Token, token).span)


def _apart(parts: list[_Part]) -> dict[str, object]:
    """The parts by kind, each once. Raises: Refused `repeated_line`."""
    found: dict[str, object] = {}
    for part in parts:
        if part.kind in found:
            word = {"exclude": "EXCEPT"}.get(part.kind, part.kind.upper())
            raise Refused("duplicate_name", f"{word} is said twice", part.span, "say it once")
        found[part.kind] = part.value
    return found
