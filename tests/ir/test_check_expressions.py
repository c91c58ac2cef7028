"""Types of expressions: what fits where, what may be null, how units meet."""

from __future__ import annotations

import pytest

from eyeflow.ir.check import check_expression
from eyeflow.ir.expr import Bind, Call, Convert, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.text import parse_expression
from eyeflow.values import (
    BOOLEAN,
    DATE,
    DURATION,
    INTEGER,
    JSON,
    NUMBER,
    STRING,
    TIMESTAMP,
    Field,
    ListOf,
    MapOf,
    ObjectOf,
    Scalar,
    Type,
    nullable,
    spell,
)

CELSIUS = Scalar("number", "celsius")
DEAL = ObjectOf(
    (Field("id", STRING), Field("amount", Scalar("integer", "cents")), Field("owner", STRING, required=False))
)
NAMES: dict[str, Type] = {
    "n": INTEGER, "x": NUMBER, "s": STRING, "b": BOOLEAN, "temp": CELSIUS, "cents": Scalar("integer", "cents"),
    "deals": ListOf(DEAL), "deal": DEAL, "data": JSON, "maybe": nullable(STRING), "maybe_n": nullable(INTEGER),
    "day": DATE, "at": TIMESTAMP, "wait": DURATION, "secs": Scalar("integer", "seconds"), "tags": MapOf(STRING),
    "usd": Scalar("integer", "usd"), "eur": Scalar("integer", "eur"), "gone": nullable(DEAL), "texts": ListOf(STRING),
}  # fmt: skip


def typed(text: str, expected: Type | None = None) -> tuple[Expr | None, list[str]]:
    parsed, report = parse_expression(text)
    assert parsed is not None, [str(d) for d in report.diagnostics]
    done, report = check_expression(parsed, NAMES, None, expected)
    assert (done is None) == bool(report.errors)
    return done, [d.code for d in report.errors]


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("n", "integer"),
        ("deal.amount", "integer<cents>"),
        ("deal.owner", "string?"),
        ("gone.amount", "integer<cents>?"),
        ("deals.0.id", "string?"),
        ("data.a.b", "json?"),
        ("tags.x", "string?"),
        ("ADD(n, 1)", "integer"),
        ("ADD(n, 1.5)", "number"),
        ("ADD(temp, 1)", "number<celsius>"),
        ("DIV(n, 2)", "number"),
        ("DIV(temp, temp)", "number"),
        ("MUL(cents, 2)", "integer<cents>"),
        ("SUB(at, at)", "duration"),
        ("SUB(at, 2 hours)", "timestamp"),
        ("ADD(day, 3 days)", "date"),
        ("ROUND(temp)", "integer<celsius>"),
        ("UPPER(maybe)", "string?"),
        ("COALESCE(maybe, s)", "string"),
        ("COALESCE(data.x, 0)", "integer"),
        ("IF(b, 1, 2.5)", "number"),
        ("IF(b, null, s)", "string?"),
        ("[1, 2.5]", "list<number>"),
        ('[1, "a"]', "list<json>"),
        ("{a: n, b: s}", "object{a: integer, b: string}"),
        ("MAP(deals, d, d.amount)", "list<integer<cents>>"),
        ("FIRST(deals)", "object{id: string, amount: integer<cents>, owner?: string}?"),
        ("SUM(deals, d, d.amount)", "integer<cents>"),
        ("AVG(deals, d, d.amount)", "number<cents>?"),
        ("GROUP_BY(texts, t, LEN(t))", "list<object{key: integer, items: list<string>}>"),
        ("FILTER(data, d, EQ(d.kind, s))", "list<json>"),
        ('"{n}"', "integer"),
        ('"n is {n}"', "string"),
        ('FORMAT("{n}")', "string"),
        ("30 days", "duration"),
        ("86 fahrenheit", "integer<fahrenheit>"),
        ("MERGE(deal, {id: 5})", "object{id: integer, amount: integer<cents>, owner?: string}"),
        ("GET(tags, s)", "string?"),
        ("MAX(texts)", "string?"),
        ("NOW()", "timestamp"),
    ],
)
def test_types(text: str, of: str) -> None:
    done, found = typed(text)
    assert done is not None, found
    assert done.type is not None
    assert spell(done.type) == of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nothing", "unknown_name"),
        ("deal.amonut", "unknown_field"),
        ("s.x", "unknown_field"),
        ("deals.id", "type_mismatch"),
        ("NOPE(1)", "unknown_function"),
        ("ROUND()", "argument_count"),
        ("ROUND(1, 2, 3)", "argument_count"),
        ("ADD(s, 1)", "type_mismatch"),
        ("UPPER(n)", "type_mismatch"),
        ("GT(s, 5)", "type_mismatch"),
        ("GT(b, b)", "type_mismatch"),
        ("GT(deal, deal)", "type_mismatch"),
        ("EQ(n, s)", "type_mismatch"),
        ("GT(temp, 5 usd)", "unit_mismatch"),
        ("GT(usd, eur)", "unit_mismatch"),
        ("ADD(usd, eur)", "unit_mismatch"),
        ("ADD(temp, wait)", "unit_mismatch"),
        ("MUL(cents, cents)", "unit_mismatch"),
        ("5 parsecs", "unknown_unit"),
        ("AND(b, maybe)", "nullable_value"),
        ("AND(GT(maybe_n, 1), b)", "nullable_value"),
        ("FILTER(deals, d, EQ(1, d.amount, 3, 4))", "argument_count"),
        ("FILTER(n, d, b)", "type_mismatch"),
        ("FILTER(deals, s, b)", "duplicate_name"),
        ("SORT_BY(deals, d, d)", "type_mismatch"),
        ('MATCHES(s, "(")', "bad_constant"),
        ("DIV(n, 0)", "bad_constant"),
        ('FORMAT_DATE(at, "bogus")', "bad_constant"),
        ('FORMAT_DATE(at, "YYYY", "Nowhere/Land")', "bad_constant"),
        ('DATE_ADD(at, 1, "fortnights")', "bad_constant"),
        ('GT(day, "tomorrow-ish")', "bad_constant"),
        ("{a: 1, a: 2}", "duplicate_name"),
        ('SORT_BY(deals, d, d.id, "up")', "bad_constant"),
        ('TO_NUMBER("x")', "bad_constant"),
    ],
)
def test_what_does_not_fit(text: str, code: str) -> None:
    parsed, report = parse_expression(text)
    if parsed is None:
        assert report.errors
        return
    assert typed(text)[1][0] == code


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("n", NUMBER),
        ("5", CELSIUS),
        ("86 fahrenheit", CELSIUS),
        ("5 usd", Scalar("integer", "cents")),
        ('"2026-01-01"', DATE),
        ('"2026-01-01"', TIMESTAMP),
        ("day", TIMESTAMP),
        ("s", DATE),
        ("2 hours", Scalar("integer", "seconds")),
        ("secs", DURATION),
        ("data.x", STRING),
        ("maybe", nullable(STRING)),
        ("null", nullable(STRING)),
        ("deal", ObjectOf((Field("id", STRING),))),
        ("deal", JSON),
        ("maybe", JSON),
        ("[]", ListOf(STRING)),
        ("[1, 2]", ListOf(NUMBER)),
        ('"{data.items}"', ListOf(JSON)),
        ("{id: s}", MapOf(STRING)),
        ("5.0", INTEGER),
        ("temp", NUMBER),
    ],
)
def test_what_a_place_takes(text: str, want: Type) -> None:
    done, found = typed(text, want)
    assert done is not None, found


@pytest.mark.parametrize(
    ("text", "want", "code"),
    [
        ("n", STRING, "type_mismatch"),
        ("5", STRING, "type_mismatch"),
        ('"5"', INTEGER, "type_mismatch"),
        ("x", INTEGER, "type_mismatch"),
        ("5.5", INTEGER, "type_mismatch"),
        ("maybe", STRING, "nullable_value"),
        ("deal.owner", STRING, "nullable_value"),
        ("null", STRING, "nullable_value"),
        ("temp", Scalar("number", "usd"), "unit_mismatch"),
        ("eur", Scalar("integer", "usd"), "unit_mismatch"),
        ("0.001 usd", Scalar("integer", "cents"), "bad_constant"),
        ('"soon"', DATE, "bad_constant"),
        ("5", DURATION, "type_mismatch"),
        ("{idd: s}", ObjectOf((Field("id", STRING),)), "unknown_field"),
        ("{}", ObjectOf((Field("id", STRING),)), "missing_field"),
        ("deals", ListOf(STRING), "type_mismatch"),
        ("tags", ObjectOf((Field("id", STRING),)), "type_mismatch"),
        ("at", DATE, "type_mismatch"),
    ],
)
def test_what_a_place_refuses(text: str, want: Type, code: str) -> None:
    assert code in typed(text, want)[1]


def test_conversions_are_inserted() -> None:
    for text, want, how in (
        ("86 fahrenheit", CELSIUS, "unit"),
        ("n", NUMBER, "widen"),
        ("data.x", STRING, "check"),
        ("s", DATE, "parse"),
    ):
        done, _ = typed(text, want)
        assert isinstance(done, Convert) and (done.how, done.type) == (how, want), text


def test_compared_units_stay_exact() -> None:
    done, _ = typed("GT(temp, 85 fahrenheit)")
    assert isinstance(done, Call)
    assert [arg.value for arg in done.args[2:] if isinstance(arg, Lit)] == ["celsius", "fahrenheit"]


def test_a_bare_number_takes_the_other_sides_unit() -> None:
    done, _ = typed("GT(temp, 75)")
    assert isinstance(done, Call) and len(done.args) == 2
    assert done.args[1].type == Scalar("integer", "celsius")


def test_what_is_known_not_to_be_null() -> None:
    """Guards make a nullable value usable, inside the expression that holds them."""
    for text in (
        "AND(NOT(IS_NULL(maybe)), STARTS_WITH(maybe, s))",
        "OR(IS_NULL(maybe), STARTS_WITH(maybe, s))",
        "IF(IS_NULL(maybe), s, maybe)",
        "IF(NE(maybe, null), maybe, s)",
        'IF(EQ(maybe, "a"), maybe, s)',
        "AND(NOT(IS_NULL(gone.owner)), EQ(UPPER(gone.owner), s))",
    ):
        done, found = typed(text)
        assert done is not None, (text, found)
        assert done.type in (BOOLEAN, STRING), text
    assert typed("OR(NOT(IS_NULL(maybe)), STARTS_WITH(maybe, s))")[1] == ["nullable_value"]


def test_the_template_rule() -> None:
    """A string place gets text; elsewhere a lone reference keeps its type; null is nothing in text."""
    assert isinstance(typed('"{n}"', STRING)[0], Template)
    assert typed('"{n}"', INTEGER)[0] == Ref("n", (), INTEGER, typed('"{n}"')[0].span)  # type: ignore[union-attr]
    assert typed('"a{maybe}"', STRING)[1] == []
    assert typed('"{n}{n}"', INTEGER)[1] == ["type_mismatch"]


def test_every_node_of_a_checked_expression_has_a_type() -> None:
    done, _ = typed('MAP(FILTER(deals, d, GT(d.amount, 5 usd)), d, {a: "{d.id}!", b: [d.amount, 1.5]})')
    stack: list[Expr] = [done] if done is not None else []
    seen = 0
    while stack:
        node = stack.pop()
        assert node.type is not None, node
        seen += 1
        match node:
            case Call(args=args):
                stack.extend(args)
            case Bind(source=source, body=body, rest=rest):
                stack.extend((source, body, *rest))
            case Template(parts=parts):
                stack.extend(part for part in parts if isinstance(part, Ref))
            case ListExpr(items=items):
                stack.extend(items)
            case ObjectExpr(entries=entries):
                stack.extend(entry.value for entry in entries)
            case Convert(value=value):
                stack.append(value)
            case _:
                pass
    assert seen > 10


def test_messages_name_the_words_and_the_way_out() -> None:
    parsed, _ = parse_expression("deal.amonut")
    assert parsed is not None
    _, report = check_expression(parsed, NAMES)
    assert "amonut" in report.errors[0].message and "amount" in report.errors[0].hint
    parsed, _ = parse_expression("n")
    assert parsed is not None
    _, report = check_expression(parsed, NAMES, None, STRING)
    fix = report.errors[0].fix
    assert fix is not None and fix.text == '"{n}"'


def test_hostile_depth_and_size_are_diagnostics() -> None:
    deep: Expr = Lit(1)
    for _ in range(50_000):
        deep = Call("ABS", (deep,))
    done, report = check_expression(deep, {})
    assert done is None and report.errors[0].code == "too_large"
    wide = ListExpr(tuple(Lit(1) for _ in range(50_000)))
    assert check_expression(wide, {})[1].errors[0].code == "too_large"
    limit: Expr = Lit(1)
    for _ in range(59):
        limit = Call("ABS", (limit,))
    assert check_expression(limit, {})[0] is not None


@pytest.mark.parametrize("value", [2**70, float("inf"), float("nan")])
def test_literals_a_program_cannot_hold(value: float) -> None:
    assert check_expression(Lit(value), {})[1].errors[0].code == "bad_constant"
