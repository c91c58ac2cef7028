"""The checker on whole tasks: names, calls, flows, triggers, effects, defaults."""

from __future__ import annotations

import msgspec
import pytest

from eyeflow.catalog.model import Connection, PolicyRule, Role
from eyeflow.catalog.policies import ROLES, role_allowed
from eyeflow.diagnostics import Severity
from eyeflow.ir.check import check, needed_ms
from eyeflow.ir.expr import Call, Convert, Entry, Lit, Ref
from eyeflow.ir.task import Action, Conditional, ConnectorCall, ForEach, HttpCall, Retry, Schedule, Task, Transform
from eyeflow.values import STRING, Field, literal, spell
from ir.checked import CATALOG, CTX, SOURCES, allowing, body, checked, codes, context, transform

SEND = """
ACTION send
  TYPE connector_call
  CONNECTOR chat_daily
  FUNCTION send
  PARAMS {{
    channel: "#general",
    text: {text}
  }}
  OUTPUT sent
"""

ONE = """
ACTION one
  TYPE connector_call
  CONNECTOR crm
  FUNCTION deal
  PARAMS {
    id: "1"
  }
"""


def send(text: str = '"hi"', more: str = "") -> str:
    return SEND.format(text=text).strip("\n") + (f"\n  {more}" if more else "")


def action(task: Task | None, number: int = 0) -> Action:
    assert task is not None
    return task.actions[number]


# --- calls


def test_acceptance_24_a_wrong_type_or_a_missing_parameter_is_a_compile_error() -> None:
    assert codes(body(send())) == []
    assert codes(body(send("42"))) == ["type_mismatch"]
    missing = body('ACTION a\n  TYPE connector_call\n  CONNECTOR chat\n  FUNCTION send\n  PARAMS {\n    text: "x"\n  }')
    assert codes(missing) == ["missing_parameter"]
    _, report = checked(missing)
    assert "channel" in report.errors[0].message


def test_acceptance_22_a_text_of_40001_characters_is_refused() -> None:
    assert codes(body(send('"' + "x" * 40_000 + '"'))) == []
    _, report = checked(body(send('"' + "x" * 40_001 + '"')))
    assert [d.code for d in report.errors] == ["too_long"]
    assert "40001" in report.errors[0].message
    template = body(SOURCES + "\n" + send('"' + "x" * 40_001 + '{weather.temp}"'))
    assert codes(template) == ["too_long"]


def test_acceptance_23_a_missing_account_is_listed_and_stops_no_draft() -> None:
    assert codes(body(send()), context(connections=())) == ["unknown_service"]
    text = body(send().replace("chat_daily", "chat"))
    task, report = checked(text, context(connections=()))
    assert task is not None
    connect = report.of(Severity.CONNECT)
    assert [d.code for d in connect] == ["connect"] and "Team Chat" in connect[0].message
    assert not checked(text)[1].of(Severity.CONNECT)


@pytest.mark.parametrize("word", ["chat", "Team Chat", "team-chat", "messages", "chat_daily"])
def test_a_service_is_known_by_id_title_alias_and_connection(word: str) -> None:
    task = Task(name="t", actions=(Action(name="a", do=call(word)),))
    done, report = check(task, CTX)
    assert report.ok
    do = action(done).do
    assert isinstance(do, ConnectorCall) and do.bound is not None
    assert (do.bound.service, do.bound.capability, do.bound.connection) == ("chat", "send", "chat_daily")


def call(connector: str, function: str = "send", **params: object) -> ConnectorCall:
    given = params or {"channel": "#a", "text": "b"}
    entries = tuple(Entry(name, value if isinstance(value, Ref) else Lit(value)) for name, value in given.items())  # type: ignore[arg-type]
    return ConnectorCall(connector=connector, function=function, params=entries)


@pytest.mark.parametrize(
    ("do", "code", "near"),
    [
        (call("chatt"), "unknown_service", "chat"),
        (call("chat", "sned"), "unknown_capability", "send"),
        (call("chat", "send", chanel="#a", text="b"), "unknown_parameter", "channel"),
        (call("chat", "send", channel="#a", text="b", kind="richh"), "bad_constant", ""),
        (call("crm", "deals", limit=0), "bad_constant", ""),
        (call("crm", "deals", limit=101), "bad_constant", ""),
        (call("crm", "pay", amount=5, email="nobody"), "bad_constant", ""),
        (call("crm", "pay", amount=5, email="a@b.example\r\nBcc: c@d.example"), "bad_constant", ""),
        (call("crm", "pay", amount=5, email="a@b.example", code="abc"), "bad_constant", ""),
        (call("crm", "pay", amount=5.5, email="a@b.example"), "type_mismatch", ""),
        (call("chat", "send", channel="#a", text="\ud800"), "bad_constant", ""),
    ],
)
def test_acceptance_30_what_the_catalog_does_not_have_is_named(do: ConnectorCall, code: str, near: str) -> None:
    done, report = check(Task(name="t", actions=(Action(name="a", do=do),)), CTX)
    assert done is None
    assert code in [d.code for d in report.errors]
    assert any(near in d.hint for d in report.errors)


def test_defaults_come_by_precedence() -> None:
    """Said > connection > profile > service; the note says where from."""

    def city(ctx: object, said: str | None = None) -> object:
        do = call("crm", "weather", city=said) if said else ConnectorCall(connector="crm", function="weather")
        done, report = check(Task(name="t", actions=(Action(name="a", do=do),)), ctx)  # type: ignore[arg-type]
        found = action(done).do
        assert isinstance(found, ConnectorCall)
        value = found.params[0].value
        assert isinstance(value, Lit)
        return value.value, [d.code for d in report.of(Severity.NOTE)]

    own = Connection(name="crm", service="crm", defaults=(("city", literal("Lyon")),))
    services = tuple(
        msgspec.structs.replace(s, defaults=(("city", literal("Nice")),)) if s.id == "crm" else s
        for s in CATALOG.services
    )
    bare = msgspec.structs.replace(CTX.profile, defaults=())
    assert city(context(connections=(own,)), "Oslo") == ("Oslo", [])
    assert city(context(connections=(own,))) == ("Lyon", ["assumed_value"])
    assert city(CTX) == ("Paris", ["assumed_value"])
    defaulted = msgspec.structs.replace(CATALOG, services=services)
    assert city(context(profile=bare, catalog=defaulted)) == ("Nice", ["assumed_value"])


def test_acceptance_50_the_role_must_be_allowed() -> None:
    text = body(send())
    assert codes(text, context(role="viewer")) == ["not_permitted"]
    assert codes(text, context(role="editor")) == []
    policy = allowing(PolicyRule("chat", "send", ("owner",)), PolicyRule("chat", None, ("owner", "editor")))
    assert codes(text, context(role="editor", policy=policy)) == ["not_permitted"]
    assert codes(text, context(role="owner", policy=policy)) == []


OWNER, EDITOR = ("owner",), ("editor", "owner")


@pytest.mark.parametrize("rules", [
    (PolicyRule("chat", "send", EDITOR), PolicyRule("chat", None, OWNER)),
    (PolicyRule("chat", None, EDITOR), PolicyRule("chat", None, OWNER)),
    (PolicyRule("chat", "send", OWNER), PolicyRule("chat", "send", EDITOR)),
    (PolicyRule("chat", "send", EDITOR),),
    (PolicyRule("chat", "other", OWNER), PolicyRule("crm", "send", OWNER)),
    (PolicyRule("chat", "send", ()),),
    (),
])  # fmt: skip
@pytest.mark.parametrize("service_roles", [(), OWNER, EDITOR])
def test_acceptance_50_who_may_not_run_a_program_gets_none(
    rules: tuple[PolicyRule, ...], service_roles: tuple[Role, ...]
) -> None:
    """What the compiler lets through the machine lets in, and the other way round: every rule has a say."""
    services = tuple(
        msgspec.structs.replace(each, allow_roles=service_roles) if each.id == "chat" else each
        for each in CATALOG.services
    )
    catalog, policy = msgspec.structs.replace(CATALOG, services=services), allowing(*rules)
    chat = next(each for each in services if each.id == "chat")
    for role in ROLES:
        at_run_time = role_allowed(role, policy, chat, "send").allowed
        found = codes(body(send()), context(role=role, policy=policy, catalog=catalog))
        assert found == ([] if at_run_time else ["not_permitted"]), role
    speaking = [rule.roles for rule in rules if rule.service == "chat" and rule.capability in (None, "send")]
    both = all("editor" in roles for roles in (*speaking, service_roles or EDITOR))
    assert (codes(body(send()), context(role="editor", policy=policy, catalog=catalog)) == []) is both


def test_an_ambiguous_connection_is_asked_for() -> None:
    two = tuple(Connection(name=f"chat_{n}", service="chat", credential="env:X") for n in "ab")
    text = body(send().replace("chat_daily", "chat"))
    assert codes(text, context(connections=two)) == ["ambiguous_connection"]


# --- names and nulls


def test_single_assignment_and_scopes() -> None:
    value = "ACTION {0}\n  TYPE transform\n  VALUE {1}\n  OUTPUT {2}"
    two = value.format("a", "1", "x") + "\n" + value.format("b", "2", "{}")
    assert codes(body(two.replace("{}", "y"))) == []
    assert codes(body(two.replace("{}", "x"))) == ["duplicate_name"]
    assert codes(body(two.replace("{}", "now"))) == ["duplicate_name"]
    assert codes(body(value.format("a", "y", "x") + "\n" + value.format("b", "2", "y"))) == ["used_before_output"]
    assert codes(body(value.format("a", "1", "x") + "\n" + value.format("a", "2", "y"))) == ["duplicate_name"]


def test_names_of_a_block_are_local() -> None:
    inside = """
ACTION rule
  TYPE conditional
  CONDITION GT(weather.temp, 20)
    BRANCH hot
      ACTION note
        TYPE transform
        VALUE "warm"
        OUTPUT note
  DEFAULT
    NOTHING
  OUTPUT said
"""
    task, report = checked(body(SOURCES + inside))
    assert task is not None, report
    assert spell(action(task, 2).type) == "string?"  # type: ignore[arg-type]
    assert codes(body(SOURCES + inside + "ACTION after\n  TYPE transform\n  VALUE note")) == ["unknown_name"]
    assert codes(body(SOURCES + inside.replace("OUTPUT note", "OUTPUT deals"))) == ["duplicate_name"]


def test_after_names_actions_of_the_block_and_never_in_a_circle() -> None:
    pair = 'ACTION a\n  TYPE log\n  MESSAGE "a"\n  AFTER {}\nACTION b\n  TYPE log\n  MESSAGE "b"\n  AFTER a'
    assert codes(body(pair.format("b"))) == ["cycle"]
    assert codes(body(pair.format("c"))) == ["unknown_action"]
    assert "cycle" in codes(body(pair.format("a")))


def test_nullable_outputs_must_be_met() -> None:
    maybe = SOURCES + "\nACTION one\n  TYPE transform\n  VALUE FIRST(deals)\n  OUTPUT one\n"
    assert codes(body(maybe + send("one.id"))) == ["nullable_value"]
    assert codes(body(maybe + send('COALESCE(one.id, "none")'))) == []
    assert codes(body(maybe + send("one.id", "WHEN NOT(IS_NULL(one))"))) == []
    assert codes(body(maybe + send('"{one.id}"'))) == []


def test_when_and_on_error_make_outputs_nullable() -> None:
    first = send().replace("ACTION send", "ACTION first").replace("OUTPUT sent", "OUTPUT first")
    use = "\nACTION use\n  TYPE transform\n  VALUE UPPER(first.ts)\n  OUTPUT used"
    log = "\nACTION say\n  TYPE connector_call\n  CONNECTOR chat\n  FUNCTION send\n  PARAMS {\n    channel: \"#a\",\n" \
          "    text: first.ts\n  }"  # fmt: skip
    assert codes(body(first + use)) == []
    assert codes(body(first + log)) == []
    assert codes(body(first + "\n  ON_ERROR continue" + log)) == ["nullable_value"]
    guard = "\n  WHEN GT(weather.temp, 5)"
    assert codes(body(SOURCES + "\n" + first + guard + log)) == ["nullable_value"]
    assert codes(body(SOURCES + "\n" + first + guard + log + guard)) == []
    assert codes(body(SOURCES + "\n" + first + guard + "\n  ON_ERROR continue" + log + guard)) == ["nullable_value"]


def test_a_continuing_fallback_joins_the_type() -> None:
    base = SOURCES + ONE
    done, report = checked(body(base + "  FALLBACK\n    VALUE null\n  OUTPUT one"))
    assert done is not None, report
    assert spell(action(done, 2).type).endswith("?")  # type: ignore[arg-type]
    done, _ = checked(body(base + "  FALLBACK THEN stop\n    VALUE null\n  OUTPUT one"))
    assert not spell(action(done, 2).type).endswith("?")  # type: ignore[arg-type]
    fallback = action(done, 2).fallback
    assert fallback is not None and (fallback.then, fallback.timeout_ms) == ("stop", 1_000)


def test_branches_join_to_what_they_share() -> None:
    rule = """
ACTION rule
  TYPE conditional
  CONDITION GT(weather.temp, {temp})
    BRANCH hot
      VALUE {{a: 1, b: "x"}}
  DEFAULT
    VALUE {default}
  OUTPUT r
"""
    done, _ = checked(body(SOURCES + rule.format(temp=20, default="{a: 2.5, c: 1}")))
    assert spell(action(done, 2).type) == "object{a: number}"  # type: ignore[arg-type]
    done, _ = checked(body(SOURCES + rule.format(temp=20, default='"text"')))
    assert spell(action(done, 2).type) == "json"  # type: ignore[arg-type]
    assert codes(body(SOURCES + rule.format(temp="5 usd", default="1"))) == ["unit_mismatch"]
    do = action(checked(body(SOURCES + rule.format(temp="68 fahrenheit", default="1")))[0], 2).do
    assert isinstance(do, Conditional) and isinstance(do.cases[0].when, Call)


def test_loops_have_a_local_item_and_collect() -> None:
    loop = """
ACTION each
  TYPE foreach
  EACH d IN {source} WHERE {where}
  {collect}
  ACTION tell
    TYPE connector_call
    CONNECTOR chat
    FUNCTION send
    PARAMS {{
      channel: "#a",
      text: "{{d.id}}"
    }}
    OUTPUT told
  OUTPUT all
"""
    good = loop.format(source="deals", where="GT(d.amount, 5 usd)", collect="COLLECT told.ts")
    done, report = checked(body(SOURCES + good))
    assert done is not None, report
    do = action(done, 2).do
    assert isinstance(do, ForEach) and (do.parallel, do.max_items) == (1, 10_000)
    assert spell(action(done, 2).type) == "list<string>"  # type: ignore[arg-type]
    assert codes(body(SOURCES + good.replace("OUTPUT all", "RETRY 3\n  OUTPUT all"))) == ["no_effect"]
    assert codes(body(SOURCES + loop.format(source="weather", where="true", collect=""))) == ["type_mismatch"]
    assert "type_mismatch" in codes(body(SOURCES + loop.format(source="deals", where="d.id", collect="")))
    assert codes(body(SOURCES + good + "ACTION z\n  TYPE transform\n  VALUE d.id")) == ["unknown_name"]


def test_a_tolerant_loop_collects_what_its_type_says() -> None:
    loop = """
ACTION each
  TYPE foreach
  EACH d IN deals
  {collect}
  ACTION tell
    TYPE connector_call
    CONNECTOR chat
    FUNCTION send
    PARAMS {{
      channel: "#a",
      text: "{{d.id}}"
    }}
    OUTPUT told
  ON_ERROR continue
  OUTPUT all
"""

    def collected(collect: str) -> str:
        done, report = checked(body(SOURCES + loop.format(collect=collect)))
        assert done is not None, report
        return spell(action(done, 2).type)  # type: ignore[arg-type]

    assert collected("COLLECT told.ts") == "list<json>?"
    assert collected("COLLECT {item: d.id, text: told.ts}") == "list<object{item: json}>?"
    assert collected("COLLECT {error: told.ts}") == "list<object{error: string}>?"
    assert collected("").startswith("list<object{item: object{")
    assert collected("").endswith("error: string}?>?")


# --- HTTP


def http(url: str, more: str = "", method: str = "GET") -> str:
    lines = f'ACTION h\n  TYPE http_call\n  METHOD {method}\n  URL "{url}"\n'
    return body(SOURCES + "\n" + lines + (f"  {more}\n" if more else "") + "  OUTPUT h")


def bound(text: str) -> tuple[str, dict[str, object]]:
    done, report = checked(text)
    assert done is not None, [str(d) for d in report.diagnostics]
    do = action(done, 2).do
    assert isinstance(do, HttpCall) and do.bound is not None
    return f"{do.bound.service}.{do.bound.capability}", {entry.name: entry.value for entry in do.params}


def test_a_url_means_the_one_capability_it_spells() -> None:
    name, params = bound(http("https://crm.example/v1/deals?v=2&limit=5&stage=won%20now"))
    assert name == "crm.deals"
    assert {k: v.value for k, v in params.items() if isinstance(v, Lit)} == {"limit": 5, "stage": "won now"}
    name, params = bound(http("https://crm.example/v1/deals/{weather.temp}x"))
    assert name == "crm.deal" and set(params) == {"id"}


def test_a_body_is_taken_apart_by_the_mapping() -> None:
    more = 'BODY {\n    channel: "#a",\n    text: "hi {weather.temp}"\n  }'
    name, params = bound(http("https://chat.example/api/send", more, "POST"))
    assert name == "chat.send" and set(params) == {"channel", "text"}


@pytest.mark.parametrize(
    ("url", "more", "code"),
    [
        ("https://crm.example/v1/deals?limit=5", "", "unmatched_call"),
        ("https://crm.example/v1/deals?v=2&other=1", "", "unmatched_call"),
        ("https://crm.example/v1/deals?v=2&limit=500", "", "bad_constant"),
        ("https://crm.example/v1/deals?v=2&limit=many", "", "type_mismatch"),
        ("https://evil.example/v1/deals?v=2", "", "unmatched_call"),
        ("https://crm.example.evil.example/v1/deals?v=2", "", "unmatched_call"),
        ("http://crm.example/v1/deals?v=2", "", "unmatched_call"),
        ("https://crm.example:8443/v1/deals?v=2", "", "unmatched_call"),
        ("https://{deals.0.id}/v1/deals", "", "dynamic_host"),
        ("https://{deals.0.id}.crm.example/x", "", "dynamic_host"),
        ("https://me:pw@crm.example/v1/deals", "", "bad_url"),
        ("file:///etc/passwd", "", "bad_url"),
        ("https://crm.example/a b", "", "bad_url"),
        ("https://crm.example\\\\@evil.example/", "", "bad_url"),
        ("https://crm.example/x#y", "", "bad_url"),
        ("https://crm.example:99999/x", "", "bad_url"),
        ("https:///x", "", "bad_url"),
        ("https://evil.example/x", "EXPECT object{status: integer}", "host_not_allowed"),
        ("https://crm.example/v1/deals?v=2&api_key=abc", "", "secret_in_call"),
        ("https://crm.example/v1/deals?v=2", 'HEADERS {\n    Authorization: "x"\n  }', "secret_in_call"),
        ("https://crm.example/v1/deals?v=2", "AUTH bearer(chat_daily)", "wrong_auth"),
        ("https://crm.example/v1/deals?v=2", "AUTH oauth2(chat_daily)", "unmatched_call"),
        ("https://crm.example/v1/deals?v=2", "AUTH oauth2(nobody)", "unknown_service"),
    ],
)
def test_urls_that_may_not_be_called(url: str, more: str, code: str) -> None:
    assert code in codes(http(url, more))


def test_a_call_nobody_maps_needs_expect_and_an_allowed_host() -> None:
    text = http("https://api.partner.example/x?y=1", "EXPECT object{status: integer, body: object{n: integer}}")
    done, report = checked(text)
    assert done is not None, report
    do = action(done, 2).do
    assert isinstance(do, HttpCall) and do.bound is not None and do.bound.connection == "web"
    assert spell(action(done, 2).type) == "object{status: integer, body: object{n: integer}}"  # type: ignore[arg-type]
    assert bound(http("https://a.cdn.example/x", "EXPECT object{body: json}"))[0] == "http.get"
    assert codes(http("https://api.partner.example/x", "EXPECT object{n: integer}")) == ["type_mismatch"]


def test_a_method_that_no_function_of_the_host_has_is_told_so() -> None:
    _, report = checked(http("https://crm.example/v1/deals?v=2", "EXPECT object{status: integer}", "DELETE"))
    assert [d.code for d in report.errors] == ["host_not_allowed"]
    owner = CATALOG.service("crm")
    assert owner is not None
    said = "nothing in the catalog may DELETE crm.example/v1/deals: no function of `{}` is reached so"
    assert report.errors[0].message == said.format(owner.title)
    assert "http service" in (report.errors[0].hint or "")


def test_a_host_that_nobody_owns_is_named_without_an_owner() -> None:
    _, report = checked(http("https://evil.example/x", "EXPECT object{status: integer}", "DELETE"))
    assert report.errors[0].message == "nothing in the catalog may DELETE evil.example/x"


# --- triggers

WHERE = "  WHERE {}"


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("TRIGGER manual()", []),
        ('TRIGGER schedule(09:00, daily, "Europe/Paris")', []),
        ('TRIGGER schedule(09:00, daily, "Europe/Pariss")', ["bad_zone"]),
        ('TRIGGER schedule(rrule "FREQ=SOMETIMES", "UTC")', ["bad_schedule"]),
        ('TRIGGER schedule(cron "61 9 * * *", "UTC")', ["bad_schedule"]),
        ('TRIGGER webhook("/orders/new")', []),
        ('TRIGGER webhook("orders")', ["bad_path"]),
        ('TRIGGER webhook("/../x")', ["bad_path"]),
        ('TRIGGER webhook("/a b")', ["bad_path"]),
        ('TRIGGER webhook("/a\\r\\nX: y")', ["bad_path"]),
        ('TRIGGER webhook("/x")\nTRIGGER webhook("/x")', ["duplicate_name"]),
        ("TRIGGER event(crm.won)\n  WHERE GT(trigger.amount, 5 usd)", []),
        ("TRIGGER event(crm.won)\n  WHERE GT(trigger.amont, 5)", ["unknown_field"]),
        ("TRIGGER event(crm.won)\n  WHERE trigger.id", ["type_mismatch"]),
        ("TRIGGER event(crm.lost)", ["unknown_trigger"]),
        ("TRIGGER event(nobody.won)", ["unknown_service"]),
        ('TRIGGER event(chat.message, {channel: "#a"})', []),
        ('TRIGGER event(chat.message, {chanel: "#a"})', ["unknown_parameter"]),
        ("TRIGGER event(chat.message, {channel: now})", ["unknown_name"]),
        ('TRIGGER topic("orders.paid")', []),
        ('TRIGGER topic("orders paid")', ["bad_topic"]),
    ],
)
def test_triggers(head: str, found: list[str]) -> None:
    assert codes(body('ACTION a\n  TYPE log\n  MESSAGE "x"', head)) == found


def test_trigger_is_the_payload_and_json_when_several_differ() -> None:
    use = 'ACTION a\n  TYPE log\n  MESSAGE "{trigger.email}"'
    assert codes(body(use, 'TRIGGER webhook("/x", {email: string})')) == []
    assert codes(body(use, 'TRIGGER webhook("/x", {mail: string})')) == ["unknown_field"]
    assert codes(body(use, 'TRIGGER webhook("/x", {mail: string})\nTRIGGER event(crm.won)')) == []
    tick = use.replace("email", "at")
    assert codes(body(tick, 'TRIGGER schedule(09:00, daily, "UTC")\nTRIGGER schedule(17:00, daily, "UTC")')) == []


def test_schedules_get_what_they_need() -> None:
    text = body('ACTION a\n  TYPE log\n  MESSAGE "x"', 'TRIGGER schedule(rrule "FREQ=DAILY;INTERVAL=3;BYHOUR=9")')
    done, report = checked(text)
    assert done is not None
    schedule = done.triggers[0]
    assert isinstance(schedule, Schedule)
    assert (schedule.zone, schedule.anchor, schedule.missed, schedule.overlap) == (
        "UTC", "2026-01-15T00:00:00", "run_once", "skip",
    )  # fmt: skip
    assert "zone_assumed" in [d.code for d in report.of(Severity.NOTE)]
    daily, _ = checked(body('ACTION a\n  TYPE log\n  MESSAGE "x"', 'TRIGGER schedule(09:00, daily, "UTC")'))
    assert daily is not None and isinstance(daily.triggers[0], Schedule) and daily.triggers[0].anchor is None


# --- secrets


def test_secrets_stay_with_their_service() -> None:
    one = SOURCES + ONE + "  OUTPUT one\n"
    token = 'COALESCE(one.token, "")'
    assert codes(body(one + send(token))) == ["secret_leak"]
    assert codes(body(one + send('"id {one.id}"'))) == []
    assert codes(body(one + send('"{one.token}"'))) == ["secret_leak"]
    assert codes(body(one + send('"{one}"'))) == ["secret_leak"]
    assert codes(body(one + send("TO_JSON(one)"))) == ["secret_leak"]
    assert codes(body(one + f"ACTION l\n  TYPE log\n  MESSAGE {token}")) == ["secret_leak"]
    assert codes(body(one + f'ACTION e\n  TYPE emit\n  TOPIC "x"\n  VALUE HASH({token})')) == ["secret_leak"]
    assert codes(body(one + "RETURN one")) == ["secret_leak"]
    assert codes(body(one + "RETURN one.id")) == []
    assert codes(body(one + "RETURN {a: [one.token]}")) == ["secret_leak"]
    hidden = "ACTION v\n  TYPE transform\n  VALUE [one]\n  OUTPUT v\n"
    assert codes(body(one + hidden + "RETURN MAP(v, x, x.id)")) == []
    assert codes(body(one + hidden + "RETURN MAP(v, x, x.token)")) == ["secret_leak"]
    assert codes(body(one + hidden + "RETURN FIRST(v)")) == ["secret_leak"]
    again = "ACTION d\n  TYPE connector_call\n  CONNECTOR crm\n  FUNCTION deal\n  PARAMS {\n    id: " + token + "\n  }"
    assert codes(body(one + again)) == []


def test_secrets_survive_branches_and_loops() -> None:
    rule = """
ACTION r
  TYPE conditional
  CONDITION GT(weather.temp, 1)
    BRANCH a
      VALUE FIRST(deals)
  DEFAULT
    VALUE "none"
  OUTPUT r
ACTION l
  TYPE log
  MESSAGE "{r}"
"""
    assert codes(body(SOURCES + rule)) == ["secret_leak"]
    loop = '\nACTION l\n  TYPE foreach\n  EACH d IN deals\n  ACTION m\n    TYPE log\n    MESSAGE "{d.token}"'
    assert codes(body(SOURCES + loop)) == ["secret_leak"]


def test_a_secret_input_goes_only_to_a_secret_parameter() -> None:
    secret = Field("pin", STRING, secret=True)

    def with_param(name: str) -> list[str]:
        given: dict[str, object] = {"amount": 5, "email": "a@b.example", name: Ref("input", ("pin",))}
        task = Task(name="t", inputs=(secret,), actions=(Action(name="a", do=call("crm", "pay", **given)),))
        return [d.code for d in check(task, CTX)[1].errors]

    assert with_param("key") == []
    assert with_param("code") == ["secret_leak"]


# --- effects, answers, time


def pay(more: str) -> str:
    params = 'PARAMS {\n    amount: 5,\n    email: "a@b.example"\n  }'
    return body(f"ACTION p\n  TYPE connector_call\n  CONNECTOR crm\n  FUNCTION pay\n  {params}\n  {more}")


def test_what_may_be_repeated() -> None:
    assert codes(body(send(more="UNCERTAIN retry"))) == ["unsafe_repeat"]
    assert codes(body(send(more="UNCERTAIN ask"))) == []
    assert codes(body(send(more="RETRY 3"))) == []
    assert codes(pay("UNCERTAIN retry")) == []
    assert codes(pay("CACHE 5m")) == ["cached_write"]
    assert codes(body(SOURCES + "\n  CACHE 5m")) == []
    forever = Action(name="a", do=call("chat"), retry=Retry(attempts=10**9))
    assert [d.code for d in check(Task(name="t", actions=(forever,)), CTX)[1].errors] == ["out_of_range"]


LIMITED = ("CACHE 5m", "RATE 10/min", "UNCERTAIN retry")


@pytest.mark.parametrize("more", LIMITED)
def test_of_a_function_nobody_knows_only_that_is_said(more: str) -> None:
    _, report = checked(body(ONE.strip("\n").replace("FUNCTION deal", "FUNCTION dael") + f"\n  {more}"))
    assert [d.code for d in report.diagnostics] == ["unknown_capability"]


@pytest.mark.parametrize("more", LIMITED)
def test_what_is_no_call_has_nothing_to_limit(more: str) -> None:
    _, report = checked(body(f"ACTION a\n  TYPE transform\n  VALUE ADD(1, 1)\n  {more}\n  OUTPUT a"))
    assert [(d.code, d.severity) for d in report.diagnostics] == [("no_effect", Severity.WARNING)]
    assert report.diagnostics[0].message == f"{more.split(maxsplit=1)[0]} is for calls; here it does nothing"


RESPOND = 'ACTION {0}\n  TYPE respond\n  STATUS {1}\n  BODY "ok"{2}'


def test_acceptance_49_answers_are_given_once_and_only_to_somebody() -> None:
    hook = 'TRIGGER webhook("/x", {n: integer})'
    one, two = RESPOND.format("a", 200, ""), RESPOND.format("b", 400, "")
    assert codes(body(one, hook)) == []
    assert codes(body(one)) == ["respond_without_webhook"]
    assert codes(body(f"{one}\n{two}", hook)) == ["respond_twice"]
    first = RESPOND.format("a", 200, "\n  WHEN GT(trigger.n, 1)")
    second = RESPOND.format("b", 400, "\n  WHEN NOT(GT(trigger.n, 1))")
    assert codes(body(f"{first}\n{second}", hook)) == []
    assert codes(body(RESPOND.format("a", 99, ""), hook)) == ["out_of_range"]


def test_the_default_deadline_is_warned_of_with_its_fix() -> None:
    text = body(send())
    done, report = checked(text)
    assert done is not None and done.deadline_ms == 100
    warning = report.of(Severity.WARNING)[0]
    assert warning.code == "deadline_too_short" and "2000" in warning.message
    assert needed_ms(done, CATALOG) == 2_000
    fix = warning.fix
    assert fix is not None
    fixed = text[: fix.span.start] + fix.text + text[fix.span.end :]
    done, report = checked(fixed)
    assert done is not None and done.deadline_ms == 2_000 and not report.of(Severity.WARNING)


def test_what_is_not_said_is_filled_in() -> None:
    done, _ = checked(body(send()))
    assert done is not None
    assert (done.durable, done.expires_ms, done.zone) == ("record", 7 * 86_400_000, "UTC")
    done, _ = checked(body(send(), 'TRIGGER schedule(09:00, daily, "Asia/Tokyo")'))
    assert done is not None and (done.durable, done.zone) == ("journal", "Asia/Tokyo")
    done, _ = checked(body("ACTION w\n  TYPE wait\n  FOR 5 minutes"))
    assert done is not None and done.durable == "journal"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("ACTION w\n  TYPE wait\n  FOR 5", ["type_mismatch"]),
        ("ACTION w\n  TYPE wait\n  UNTIL DATE_ADD(now, 2 hours)", []),
        ('ACTION a\n  TYPE approval\n  ROLE owner\n  MESSAGE "ok?"', []),
        ('ACTION a\n  TYPE approval\n  ROLE king\n  MESSAGE "ok?"', ["unknown_role"]),
        ('ACTION e\n  TYPE emit\n  TOPIC "eyeflow.tasks.completed"\n  VALUE 1', ["bad_topic"]),
        ("ACTION s\n  TYPE subtask\n  TASK t", ["recursion"]),
        ('ACTION l\n  TYPE log\n  MESSAGE "{me.email} {me.phone}"', ["unknown_field"]),
        ('ACTION l\n  TYPE log\n  MESSAGE "{me.email}"', []),
    ],
)
def test_other_actions(lines: str, found: list[str]) -> None:
    assert codes(body(lines)) == found


def test_inputs_with_defaults_are_always_there() -> None:
    use = "ACTION a\n  TYPE connector_call\n  CONNECTOR crm\n  FUNCTION deals\n  PARAMS {\n    limit: input.n\n  }"
    assert codes(body(use, "INPUT n integer DEFAULT 5")) == []
    assert codes(body(use, "INPUT n integer")) == []
    assert "type_mismatch" in codes(body(use, "INPUT n string"))
    assert "type_mismatch" in codes(body(use, 'INPUT n integer DEFAULT "x"'))


def test_the_checked_tree_is_typed_and_bound() -> None:
    done, _ = checked(body(SOURCES + "\nACTION x\n  TYPE transform\n  VALUE GT(weather.temp, 5)\n  OUTPUT x"))
    do = action(done, 2).do
    assert isinstance(do, Transform) and do.value.type is not None
    assert not isinstance(do.value, Convert)
    assert transform("GT(weather.temp, 5)") == []


def test_findings_say_where() -> None:
    _, report = checked(body(send("42")))
    place = report.errors[0].place
    assert place.path == "send.params.text" and place.span is not None and place.source == "ir"


def test_hostile_trees_are_diagnostics() -> None:
    inner: tuple[Action, ...] = ()
    for _ in range(5_000):
        inner = (Action(name="a", do=ForEach(item="i", source=Lit(None), actions=inner)),)
    done, report = check(Task(name="t", actions=inner), CTX)
    assert done is None and report.errors[0].code == "too_large"
    many = tuple(Action(name=f"a{n}", do=Transform(value=Ref(f"missing{n}"))) for n in range(1_000))
    done, report = check(Task(name="t", actions=many), CTX)
    assert done is None and len(report.diagnostics) == 200
    done, report = check(Task(name="\x00 bad", actions=()), CTX)
    assert done is None and [d.code for d in report.errors] == ["bad_name", "empty_task"]
