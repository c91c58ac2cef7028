"""What is printed is read back: every Task, every expression, every type."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.task import (
    Action,
    Approval,
    Backoff,
    Block,
    Body,
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
    Wait,
    Webhook,
)
from eyeflow.ir.text import (
    escape,
    format_source,
    is_reserved,
    parse,
    parse_expression,
    parse_template,
    parse_type,
    print_expression,
    print_task,
    print_template,
    print_type,
    strip,
    strip_expression,
)
from eyeflow.values import JSON, NULL, SCALARS, Field, ListOf, MapOf, ObjectOf, Scalar, Span, Type, literal, nullable

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}(-[a-z0-9]{1,3})?", fullmatch=True).filter(
    lambda w: not is_reserved(w)
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["a\nb", "\n", '"""', "x\\\n  y \n", "{", "}}", "{a}", "  \n\n ", "\r\n", "# no", "é😀\u202e"]
)
filled = texts.filter(bool)
names = words | st.sampled_from(["slack.daily", "two words", "9lives", "WHERE", "true", "größe", 'qu"ote'])
units = st.sampled_from(["celsius", "cents", "days", "usd", "in", "KB"])
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
durations = st.integers(0, 10**9)

refs = st.builds(Ref, words, st.lists(filled | st.integers(0, 999) | words, max_size=3).map(tuple))
literals = st.one_of(
    st.builds(Lit, st.none() | st.booleans() | texts),
    st.builds(Lit, integers | floats, st.none() | units),
)
templates = st.builds(Template, st.lists(texts | refs, max_size=4).map(tuple))


leaves = literals | refs | templates
functions = st.sampled_from(["GT", "AND", "NOT", "IN", "CONTAINS", "FORMAT", "ADD", "NO_SUCH"])
binders = st.sampled_from(["MAP", "FILTER", "SORT_BY"])
few = st.integers(0, 2)


@st.composite
def expressions_of(draw: st.DrawFn, depth: int = 2) -> Expr:
    """Drawn by a function: strategies built by `st.recursive` have descriptions too long to print."""
    kind = draw(st.integers(0, 7)) if depth else 0
    inner = expressions_of(depth - 1)

    def several() -> tuple[Expr, ...]:
        return tuple(draw(inner) for _ in range(draw(few)))

    match kind:
        case 1:
            return Call(draw(functions), several())
        case 2:
            return Bind(draw(binders), draw(inner), draw(words), draw(inner), several())
        case 3:
            return ListExpr(several())
        case 4:
            return ObjectExpr(draw(entries_of(depth - 1)))
        case 5:
            return Convert(draw(inner), "widen", JSON)
    return draw(leaves)


@st.composite
def entries_of(draw: st.DrawFn, depth: int = 1) -> tuple[Entry, ...]:
    keys = draw(st.lists(texts | words, max_size=2, unique=True))
    return tuple(Entry(key, draw(expressions_of(depth))) for key in keys)


expressions = expressions_of()
entries = entries_of()
simple_types = st.sampled_from(
    [*map(Scalar, SCALARS), JSON, NULL, Scalar("number", "celsius"), Scalar("integer", "cents")]
)


@st.composite
def types_of(draw: st.DrawFn, depth: int = 2) -> Type:
    kind = draw(st.integers(0, 5)) if depth else 0
    inner = types_of(depth - 1)
    match kind:
        case 1:
            return ListOf(draw(inner))
        case 2:
            return MapOf(draw(inner))
        case 3:
            return nullable(draw(inner))
        case 4:
            keys = draw(st.lists(texts | words, max_size=2, unique=True))
            return ObjectOf(tuple(Field(key, draw(inner), required=draw(st.booleans())) for key in keys))
    return draw(simple_types)


types = types_of()
fields = st.builds(Field, words, types, required=st.booleans(), description=texts)


SIMPLE = (Action(name="simple", do=Transform(value=Lit(1))),)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


def blocks(actions: st.SearchStrategy[tuple[Action, ...]]) -> st.SearchStrategy[Block]:
    head = {"name": maybe(names), "output": maybe(words)}
    return st.one_of(
        st.builds(Block, **head),
        st.builds(Block, format=templates, **head),
        st.builds(Block, value=expressions, **head),
        st.builds(Block, actions=actions, **head),
    )


def bodies(actions: st.SearchStrategy[tuple[Action, ...]]) -> st.SearchStrategy[Body]:
    one = expressions
    some = maybe(one)
    cases = st.lists(st.builds(Case, one, blocks(actions)), min_size=1, max_size=2).map(tuple)
    return st.one_of(
        st.builds(
            HttpCall,
            method=st.sampled_from(["GET", "PATCH"]),
            url=one,
            headers=entries,
            query=entries,
            body=some,
            auth=st.just("api_key"),
            auth_connection=maybe(names),
            expect=maybe(types),
        ),
        st.builds(ConnectorCall, connector=names, function=names, params=entries),
        st.builds(Conditional, cases=cases, default=blocks(actions)),
        st.builds(Transform, value=one),
        st.builds(
            ForEach,
            item=words,
            source=one,
            where=some,
            parallel=maybe(st.integers(1, 99)),
            max_items=maybe(st.integers(1, 99)),
            actions=actions,
            collect=some,
        ),
        st.builds(Subtask, task=names, params=entries),
        st.builds(Wait, for_=one) | st.builds(Wait, until=one),
        st.builds(Approval, role=names, message=one, expires_ms=maybe(durations)),
        st.builds(Emit, topic=filled, value=one),
        st.builds(Log, message=one),
        st.builds(Respond, status=some, body=some),
    )


def action(actions: st.SearchStrategy[tuple[Action, ...]]) -> st.SearchStrategy[Action]:
    backoffs = st.builds(Backoff, st.just("fixed"), durations) | st.builds(
        Backoff, st.just("exponential"), durations, st.floats(1, 1000), maybe(durations)
    )
    fallbacks = {"then": st.sampled_from([None, "continue", "stop"]), "timeout_ms": maybe(durations)}
    return st.builds(
        Action,
        name=names,
        do=bodies(actions),
        after=st.lists(names, max_size=2).map(tuple),
        when=maybe(expressions),
        timeout_ms=maybe(durations),
        retry=maybe(st.builds(Retry, st.integers(1, 9), maybe(backoffs))),
        fallback=maybe(
            st.builds(Fallback, value=expressions, **fallbacks)
            | st.builds(Fallback, actions=actions.map(lambda found: found or SIMPLE), **fallbacks)
        ),
        on_error=st.sampled_from([None, "fail", "continue"]),
        uncertain=st.sampled_from([None, "fail", "retry", "ask"]),
        cache_ms=maybe(durations),
        rate=maybe(
            st.builds(Rate, st.integers(1, 99), st.integers(1, 10**8), st.sampled_from([None, "queue", "refuse"]))
        ),
        output=maybe(words),
        span=st.just(Span(1, 2)),
    )


_leaf = st.lists(action(st.just(())), max_size=2).map(tuple)


@st.composite
def leaf_actions_of(draw: st.DrawFn) -> tuple[Action, ...]:
    """Drawn by a function, so that Hypothesis does not print the whole strategy."""
    return draw(_leaf)


leaf_actions = leaf_actions_of()
_nested = st.lists(action(leaf_actions), max_size=2).map(tuple)


@st.composite
def actions_of(draw: st.DrawFn) -> tuple[Action, ...]:
    return draw(_nested)


actions = actions_of()
rules = st.sampled_from(
    [
        "FREQ=DAILY;BYHOUR=9;BYMINUTE=0",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=30",
        "FREQ=HOURLY;BYMINUTE=15",
        "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=0;BYMINUTE=0",
        "FREQ=DAILY;BYHOUR=09;BYMINUTE=0",
        "FREQ=WEEKLY;BYDAY=1MO;BYHOUR=9;BYMINUTE=0",
        "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0",
        "FREQ=HOURLY;BYHOUR=3;BYMINUTE=0",
        "FREQ=DAILY;BYHOUR=99;BYMINUTE=0",
    ]
)
schedules = st.builds(
    Schedule,
    rules=st.lists(rules, min_size=1, max_size=2).map(tuple),
    zone=maybe(st.sampled_from(["UTC", "Europe/Paris"])),
    start=maybe(st.just("2026-01-01T09:00")),
    until=maybe(st.just("2026-12-31")),
    exclude=st.lists(st.sampled_from(["2026-12-25", "FREQ=YEARLY;BYMONTH=8"]), max_size=2).map(tuple),
    missed=st.sampled_from([None, "run_once", "run_all", "skip"]),
    overlap=st.sampled_from([None, "skip", "queue", "cancel"]),
    anchor=st.just("2026-01-01T00:00"),
)
hooks = st.lists(st.builds(Field, words, types, required=st.booleans()), max_size=2, unique_by=lambda f: f.name).map(
    tuple
)
triggers = st.one_of(
    schedules,
    st.builds(Schedule, cron=st.just("0 9 * * *"), zone=maybe(st.just("UTC"))),
    st.builds(
        Once,
        at=st.just("2026-12-24T17:00"),
        zone=maybe(st.just("Europe/Paris")),
        missed=st.sampled_from([None, "skip"]),
    ),
    st.builds(
        Webhook,
        path=filled,
        fields=hooks,
        method=st.sampled_from(["POST", "PUT"]),
        unsigned=st.booleans(),
        where=maybe(expressions),
    ),
    st.builds(Event, service=names, event=names, params=entries, where=maybe(expressions)),
    st.builds(Topic, name=filled, where=maybe(expressions)),
    st.builds(Manual),
)
json_leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | floats | texts
json_values = json_leaves | st.lists(json_leaves, max_size=2) | st.dictionaries(texts, json_leaves, max_size=2)
inputs = fields | st.builds(Field, words, types, default=json_values.map(literal))
tasks = st.builds(
    Task,
    name=names,
    version=maybe(texts),
    description=maybe(texts),
    zone=maybe(texts),
    deadline_ms=maybe(durations),
    expires_ms=maybe(durations),
    durable=st.sampled_from([None, "record", "journal"]),
    inputs=st.lists(inputs, max_size=2, unique_by=lambda f: f.name).map(tuple),
    triggers=st.lists(triggers, max_size=2).map(tuple),
    actions=actions,
    on_failure=leaf_actions,
    returns=maybe(expressions),
    type=st.just(JSON),
)


@QUICK
@given(tasks)
def test_a_task_is_read_back_as_printed(task: Task) -> None:
    text = print_task(task)
    again, report = parse(text)
    assert report.ok, f"{text}\n{report.diagnostics}"
    assert again is not None
    assert strip(again) == strip(task)
    assert print_task(again) == text


@QUICK
@given(tasks, st.randoms(use_true_random=False))
def test_formatting_twice_changes_nothing_and_keeps_every_comment(task: Task, random: object) -> None:
    lines = print_task(strip(task)).split("\n")
    plain = '"""' not in "\n".join(lines)
    commented = []
    for number, line in enumerate(lines):
        if plain and number % 3 == 0:
            commented.append(f"   # before {number}")
        commented.append(f"{line}  # after {number}" if plain and number % 4 == 0 and line else line)
    once, report = format_source("\n".join(commented))
    assert report.ok
    for line in commented:
        if "# before" in line:
            assert line.strip() in [found.strip() for found in once.split("\n")]
    assert once.count("# after") == sum("# after" in line for line in commented)
    assert format_source(once)[0] == once


@QUICK
@given(expressions)
def test_an_expression_is_read_back_as_printed(expr: Expr) -> None:
    again, report = parse_expression(print_expression(expr))
    assert report.ok
    assert again is not None
    assert strip_expression(again) == strip_expression(expr)
    assert print_expression(again) == print_expression(strip_expression(expr))


@QUICK
@given(types)
def test_a_type_is_read_back_as_printed(of: Type) -> None:
    assert parse_type(print_type(of)) == of


@QUICK
@given(st.text())
def test_escaped_text_is_a_template_of_itself(text: str) -> None:
    template = parse_template(escape(text))
    assert "".join(str(part) for part in template.parts) == text
    assert all(isinstance(part, str) for part in template.parts)
    assert print_template(template) == escape(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.text('TASK ACTION{}[]()"\\\n #.,:-0a<>?=\t\r', max_size=80))
def test_any_text_gives_findings_only(text: str) -> None:
    for found, report in (parse(text), parse(f"TASK a\n  {text}"), parse_expression(text)):
        assert (found is None) == (not report.ok)
        for finding in report.diagnostics:
            assert finding.message
            assert finding.place.line is not None
            assert str(finding).isprintable()
