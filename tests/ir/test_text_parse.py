"""Reading LLM-IR: the seed's listing, every construct, the documentation's examples, expressions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eyeflow.errors import CompileError
from eyeflow.ir.expr import Bind, Call, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.task import (
    Action,
    Approval,
    Backoff,
    Block,
    Case,
    Conditional,
    ConnectorCall,
    Emit,
    Event,
    Fallback,
    ForEach,
    HttpCall,
    Log,
    Manual,
    Once,
    Rate,
    Respond,
    Retry,
    Schedule,
    Subtask,
    Task,
    Topic,
    Transform,
    Trigger,
    Wait,
    Webhook,
)
from eyeflow.ir.text import (
    CODES,
    format_source,
    grammar,
    lalr,
    parse,
    parse_duration,
    parse_expression,
    parse_fields,
    parse_template,
    parse_type,
    print_task,
    strip,
    strip_expression,
    vocabulary,
)
from eyeflow.ir.text.findings import Findings
from eyeflow.ir.text.forms import ALLOWED, BODIES, USAGE
from eyeflow.ir.text.lexer import Lexer
from eyeflow.values import BOOLEAN, INTEGER, JSON, STRING, Field, ListOf, MapOf, ObjectOf, Scalar, literal, nullable

DOCS = Path(__file__).parents[2] / "docs" / "llm-ir.md"

# As the architecture overview prints it, trailing spaces of its empty lines included.
SEED = """TASK daily_weather_report
  TRIGGER schedule(09:00, daily)
  
  ACTION fetch_weather
    TYPE http_call
    METHOD GET
    URL "https://api.openweathermap.org/..."
    AUTH api_key(openweather_prod)
    OUTPUT weather_data
  
  ACTION weather_rule
    TYPE conditional
    CONDITION GT(weather_data.temp, 75)
      BRANCH hot_weather
        FORMAT "It's hot! Text..."
        OUTPUT msg_hot
    CONDITION LT(weather_data.temp, 50)
      BRANCH cold_weather
        FORMAT "It's cold! Text..."
        OUTPUT msg_cold
    DEFAULT
      FORMAT "Normal weather! Text..."
      OUTPUT msg_normal
    OUTPUT final_message
  
  ACTION post_to_slack
    TYPE connector_call
    CONNECTOR slack_daily
    FUNCTION send_message
    PARAMS {
      channel: "#general",
      text: final_message
    }
    OUTPUT slack_response

  RETURN slack_response
"""  # noqa: W293

TEMP = Ref("weather_data", ("temp",))


def read(source: str) -> Task:
    task, report = parse(source)
    assert report.ok, report.diagnostics
    assert task is not None
    return strip(task)


def expression(source: str) -> Expr:
    expr, report = parse_expression(source)
    assert report.ok, report.diagnostics
    assert expr is not None
    return strip_expression(expr)


def action(*lines: str) -> Action:
    return read("TASK t\n  ACTION a\n" + "".join(f"    {line}\n" for line in lines)).actions[0]


def trigger(line: str) -> Trigger:
    return read(f"TASK t\n  TRIGGER {line}\n").triggers[0]


def test_acceptance_38_the_seeds_listing_parses_as_printed() -> None:
    task = read(SEED)
    assert task.triggers == (Schedule(rules=("FREQ=DAILY;BYHOUR=9;BYMINUTE=0",)),)
    fetch, rule, post = task.actions
    assert fetch.do == HttpCall(
        method="GET", url=Lit("https://api.openweathermap.org/..."), auth="api_key", auth_connection="openweather_prod"
    )
    assert rule.do == Conditional(
        cases=(
            Case(
                Call("GT", (TEMP, Lit(75))),
                Block(name="hot_weather", format=Template(("It's hot! Text...",)), output="msg_hot"),
            ),
            Case(
                Call("LT", (TEMP, Lit(50))),
                Block(name="cold_weather", format=Template(("It's cold! Text...",)), output="msg_cold"),
            ),
        ),
        default=Block(format=Template(("Normal weather! Text...",)), output="msg_normal"),
    )
    assert post.do == ConnectorCall(
        connector="slack_daily",
        function="send_message",
        params=(Entry("channel", Lit("#general")), Entry("text", Ref("final_message"))),
    )
    assert [a.output for a in task.actions] == ["weather_data", "final_message", "slack_response"]
    assert task.returns == Ref("slack_response")
    assert print_task(task) == "\n".join(line.rstrip() for line in SEED.split("\n"))


def test_spans_point_into_the_source() -> None:
    task, _ = parse(SEED)
    assert task is not None
    rule = task.actions[1]
    assert rule.span is not None
    assert SEED[rule.span.start : rule.span.end].startswith("ACTION weather_rule")
    assert SEED[rule.span.start : rule.span.end].endswith("OUTPUT final_message")
    assert isinstance(rule.do, Conditional)
    when = rule.do.cases[0].when.span
    assert when is not None
    assert SEED[when.start : when.end] == "GT(weather_data.temp, 75)"


def test_the_head_of_a_task() -> None:
    task = read(
        'TASK t\n  VERSION "1.2.0"\n  DESCRIPTION "A {plain} text"\n  ZONE "Europe/Paris"\n  DEADLINE 30s\n'
        "  EXPIRES 7d\n"
        "  DURABLE journal\n  INPUT a string\n  INPUT b? list<integer>\n"
        '  INPUT c json DEFAULT {x: [1, -2.5, null], "y z": true}\n'
        '  ON_FAILURE\n    ACTION n\n      TYPE log\n      MESSAGE "x"\n  RETURN input.a\n'
    )
    assert (task.version, task.description, task.zone) == ("1.2.0", "A {plain} text", "Europe/Paris")
    assert (task.deadline_ms, task.expires_ms, task.durable) == (30_000, 7 * 86_400_000, "journal")
    assert task.inputs == (
        Field("a", STRING),
        Field("b", ListOf(INTEGER), required=False),
        Field("c", JSON, required=False, default=literal({"x": [1, -2.5, None], "y z": True})),
    )
    assert task.on_failure == (Action(name="n", do=Log(message=Lit("x"))),)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("schedule(09:30, weekdays)", Schedule(rules=("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=30",))),
        (
            'schedule(9:00, weekly(MO), "UTC")',
            Schedule(rules=("FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0",), zone="UTC"),
        ),
        ("schedule(00:00, monthly(1, -1))", Schedule(rules=("FREQ=MONTHLY;BYMONTHDAY=1,-1;BYHOUR=0;BYMINUTE=0",))),
        ("schedule(hourly)", Schedule(rules=("FREQ=HOURLY;BYMINUTE=0",))),
        ("schedule(00:15, hourly)", Schedule(rules=("FREQ=HOURLY;BYMINUTE=15",))),
        ('schedule(cron "0 9 * * *", "UTC")', Schedule(cron="0 9 * * *", zone="UTC")),
        (
            'schedule(rrule "FREQ=DAILY", rrule "FREQ=YEARLY", "UTC")',
            Schedule(rules=("FREQ=DAILY", "FREQ=YEARLY"), zone="UTC"),
        ),
        (
            'schedule(09:00, daily) START 2026-01-01T09:00 UNTIL "2026-06-01" EXCEPT 2026-05-01, '
            'rrule "FREQ=YEARLY" MISSED run_all OVERLAP queue',
            Schedule(
                rules=("FREQ=DAILY;BYHOUR=9;BYMINUTE=0",),
                start="2026-01-01T09:00",
                until="2026-06-01",
                exclude=("2026-05-01", "FREQ=YEARLY"),
                missed="run_all",
                overlap="queue",
            ),
        ),
        (
            'once("2026-12-24T17:00", "Europe/Paris") MISSED skip',
            Once(at="2026-12-24T17:00", zone="Europe/Paris", missed="skip"),
        ),
        ('webhook("/a")', Webhook(path="/a")),
        (
            'webhook(PUT "/a", {email: string, plan?: string}, unsigned)',
            Webhook(
                path="/a",
                method="PUT",
                fields=(Field("email", STRING), Field("plan", STRING, required=False)),
                unsigned=True,
            ),
        ),
        ("event(gmail.new_email)", Event(service="gmail", event="new_email")),
        ("event(acme.crm.new, {a: 1})", Event(service="acme.crm", event="new", params=(Entry("a", Lit(1)),))),
        ('event(github."issues.opened")', Event(service="github", event="issues.opened")),
        ('topic("orders.paid")', Topic(name="orders.paid")),
        ("manual()", Manual()),
        ('topic("a")\n    WHERE trigger.x > 1', Topic(name="a", where=Call("GT", (Ref("trigger", ("x",)), Lit(1))))),
    ],
)
def test_triggers(line: str, expected: Trigger) -> None:
    assert trigger(line) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [
                "TYPE http_call",
                "METHOD POST",
                'URL "https://a.b/{x}"',
                'HEADERS { accept: "a" }',
                "QUERY { page: 2 }",
                "BODY {n: 1}",
                "EXPECT map<string>?",
            ],
            HttpCall(
                method="POST",
                url=Template(("https://a.b/", Ref("x"))),
                headers=(Entry("accept", Lit("a")),),
                query=(Entry("page", Lit(2)),),
                body=ObjectExpr((Entry("n", Lit(1)),)),
                expect=nullable(MapOf(STRING)),
            ),
        ),
        (
            ["TYPE connector_call", 'CONNECTOR "odd name"', "FUNCTION webhook.respond"],
            ConnectorCall(connector="odd name", function="webhook.respond"),
        ),
        (["TYPE transform", "VALUE ADD(a, 1)"], Transform(value=Call("ADD", (Ref("a"), Lit(1))))),
        (
            [
                "TYPE foreach",
                "EACH d IN deals WHERE d.open PARALLEL 4 MAX_ITEMS 9",
                "ACTION b",
                "  TYPE log",
                '  MESSAGE "{d}"',
                "COLLECT d.id",
            ],
            ForEach(
                item="d",
                source=Ref("deals"),
                where=Ref("d", ("open",)),
                parallel=4,
                max_items=9,
                actions=(Action(name="b", do=Log(message=Template((Ref("d"),)))),),
                collect=Ref("d", ("id",)),
            ),
        ),
        (["TYPE subtask", "TASK other", "PARAMS {a: 1}"], Subtask(task="other", params=(Entry("a", Lit(1)),))),
        (["TYPE wait", "FOR 10m"], Wait(for_=Lit(10, "m"))),
        (["TYPE wait", "UNTIL trigger.due"], Wait(until=Ref("trigger", ("due",)))),
        (
            ["TYPE approval", "ROLE approver", 'MESSAGE "ok?"', "EXPIRES 2d"],
            Approval(role="approver", message=Lit("ok?"), expires_ms=172_800_000),
        ),
        (["TYPE emit", 'TOPIC "a.b"', "VALUE [1]"], Emit(topic="a.b", value=ListExpr((Lit(1),)))),
        (["TYPE respond", "STATUS 201", "BODY x"], Respond(status=Lit(201), body=Ref("x"))),
        (
            [
                "TYPE conditional",
                "CONDITION a",
                "  BRANCH",
                "    ACTION c",
                "      TYPE respond",
                "CONDITION b",
                "  VALUE 1",
                "DEFAULT NOTHING",
            ],
            Conditional(
                cases=(
                    Case(Ref("a"), Block(actions=(Action(name="c", do=Respond()),))),
                    Case(Ref("b"), Block(value=Lit(1))),
                ),
                default=Block(),
            ),
        ),
    ],
)
def test_types_of_action(lines: list[str], expected: object) -> None:
    assert action(*lines).do == expected


def test_lines_of_any_action() -> None:
    found = action(
        "OUTPUT o", "TYPE respond", "AFTER x, y", "WHEN ready", "TIMEOUT 2s", "RETRY 3 BACKOFF exponential(1s, 3, 30s)",
        "FALLBACK THEN stop", "  TIMEOUT 500ms", "  ACTION f", "    TYPE respond", "ON_ERROR continue", "UNCERTAIN ask",
        "CACHE 5m", "RATE 10/min REFUSE",
    )  # fmt: skip
    assert found == Action(
        name="a",
        do=Respond(),
        after=("x", "y"),
        when=Ref("ready"),
        timeout_ms=2000,
        retry=Retry(3, Backoff("exponential", 1000, 3.0, 30_000)),
        fallback=Fallback(actions=(Action(name="f", do=Respond()),), then="stop", timeout_ms=500),
        on_error="continue",
        uncertain="ask",
        cache_ms=300_000,
        rate=Rate(10, 60_000, "refuse"),
        output="o",
    )
    assert action("TYPE respond", "RETRY 2 BACKOFF fixed(5m)").retry == Retry(2, Backoff("fixed", 300_000))
    assert action("TYPE respond", "FALLBACK", "  VALUE null").fallback == Fallback(value=Lit(None))


@pytest.mark.parametrize(
    ("infix", "functional"),
    [
        ("a OR b AND NOT c == 1", "OR(a, AND(b, NOT(EQ(c, 1))))"),
        ("a AND b AND c", "AND(a, b, c)"),
        ("1 + 2 * 3 - 4", "SUB(ADD(1, MUL(2, 3)), 4)"),
        ("(1 + 2) * -x", "MUL(ADD(1, 2), SUB(0, x))"),
        ("a - -3", "SUB(a, -3)"),
        ("a -3", "SUB(a, 3)"),
        ("x NOT IN [1, 2,]", "NOT(IN(x, [1, 2]))"),
        ("NOT(a) == b", "EQ(NOT(a), b)"),
        ("NOT (a) == b", "NOT(EQ(a, b))"),
        ('name CONTAINS "x" OR name MATCHES "^a"', 'OR(CONTAINS(name, "x"), MATCHES(name, "^a"))'),
        ("a >= 5 % 2 AND b != 1 / 2", "AND(GE(a, MOD(5, 2)), NE(b, DIV(1, 2)))"),
        ("due < 30 days", "LT(due, 30 days)"),
        ("GT(\n  a,\n  b\n)", "GT(a, b)"),
    ],
)
def test_infix_is_read_with_the_usual_precedence(infix: str, functional: str) -> None:
    assert expression(infix) == expression(functional)


def test_leaves_of_expressions() -> None:
    assert expression("FILTER(deals, d, GT(d.amount, 100))") == Bind(
        "FILTER", Ref("deals"), "d", Call("GT", (Ref("d", ("amount",)), Lit(100)))
    )
    assert expression('rows.0."odd \\"name\\"".x-y') == Ref("rows", (0, 'odd "name"', "x-y"))
    assert expression("a-b") == Ref("a-b")
    assert expression("-0.5 celsius") == Lit(-0.5, "celsius")
    assert expression('"{{x}} {a.b} \\u00e9\\ud83d\\ude00"') == Template(("{x} ", Ref("a", ("b",)), " é😀"))
    assert expression('"{a}"') == Template((Ref("a"),))
    assert expression('"a\\\\{{"') == Lit("a\\{")
    assert expression('"""one\n  two"""') == Lit("one\n  two")
    assert expression('"""\n    one\n      two\n\n    """') == Lit("one\n  two\n")
    assert [expression(word) for word in ("null", "true", "false")] == [Lit(None), Lit(True), Lit(False)]
    assert expression('{a: 1, "b c": {}}') == ObjectExpr((Entry("a", Lit(1)), Entry("b c", ObjectExpr(()))))


def test_templates_types_and_durations_on_their_own() -> None:
    assert strip_expression(parse_template("Hi { name } \\n")) == Template(("Hi ", Ref("name"), " \\n"))
    assert strip_expression(parse_template("Hi {a.b}")) == Template(("Hi ", Ref("a", ("b",))))
    assert parse_type('list<object{a: string?, "b c"?: number<celsius>}>?') == nullable(
        ListOf(ObjectOf((Field("a", nullable(STRING)), Field("b c", Scalar("number", "celsius"), required=False))))
    )
    assert parse_type("boolean") == BOOLEAN
    assert [parse_duration(d) for d in ("250ms", "1.5s", "5m", "1h", "7 days")] == [
        250,
        1500,
        300_000,
        3_600_000,
        604_800_000,
    ]
    for call, code in ((lambda: parse_template("{a b}"), "bad_template"), (lambda: parse_type("strin"), "unknown_type"),
                       (lambda: parse_duration("1 month"), "bad_duration")):  # fmt: skip
        with pytest.raises(CompileError) as caught:
            call()
        assert caught.value.code == code
        assert caught.value.report.errors[0].hint


def examples() -> list[str]:
    return re.findall(r"```eir\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(3))
def test_the_examples_of_the_language_page_are_right(number: int) -> None:
    task = read(examples()[number])
    assert read(print_task(task)) == task


def test_the_language_page_lists_every_line_type_and_code() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for word in (*USAGE, *BODIES, *(f"`{code}`" for code in CODES)):
        assert word in page, word
    for row in re.findall(r"^\| `(.+?)` \| (.+?) \|$", page, re.MULTILINE):
        if row[0] in CODES:
            assert CODES[row[0]] == row[1]


@pytest.mark.parametrize("word", sorted(USAGE))
def test_each_line_is_written_as_its_hint_says(word: str) -> None:
    findings = Findings(USAGE[word].partition(", with")[0].partition(", or")[0], "usage")
    (line,) = Lexer(findings).lines()
    grammar.read(line.tokens, "line", line.span.end)
    assert word in vocabulary.starters()
    assert word in {w for allowed in ALLOWED.values() for w in allowed}


def test_formatting_says_the_zone_and_keeps_comments() -> None:
    source = (
        "# a report\nTASK x # the task\n    TRIGGER schedule(9:00, daily) # early\n    # sends\n    ACTION a\n"
        "        OUTPUT o\n        TYPE connector_call\n        CONNECTOR c\n        FUNCTION f\n        PARAMS { "
        "# all\n"
        "          # first\n          b: 1, c: x > 2 AND y # both\n        }\n# the end"
    )
    expected = """# a report
TASK x  # the task
  TRIGGER schedule(09:00, daily, "UTC")  # early

  # sends
  ACTION a
    TYPE connector_call
    CONNECTOR c
    FUNCTION f
    PARAMS {  # all
      # first
      b: 1,
      c: AND(GT(x, 2), y)  # both
    }
    OUTPUT o
# the end
"""
    text, report = format_source(source)
    assert report.ok
    assert text == expected
    assert format_source(text)[0] == text


def test_formatting_leaves_a_broken_source_alone() -> None:
    text, report = format_source("TASK x\n  OOPS\n")
    assert text == "TASK x\n  OOPS\n"
    assert not report.ok


def test_every_line_of_the_grammar_has_a_hint_and_a_place() -> None:
    tables = lalr.tables()
    first = tables.states[tables.starts["line"][0]]
    assert set(first) & vocabulary.words() == vocabulary.starters() == set(USAGE)


def test_the_fields_of_a_webhook_on_their_own() -> None:
    assert parse_fields("{email: string, plan?: string}") == (
        Field("email", STRING),
        Field("plan", STRING, required=False),
    )
