"""WHEN, WHERE, time and attempts; what the catalog promises; giving up."""

from __future__ import annotations

import msgspec

from eyeflow.catalog.model import Capability, Catalog, TriggerKind
from eyeflow.diagnostics import Severity
from eyeflow.values import STRING, Field, ObjectOf
from eyeflow.verify.fixes import machine_applicable
from ir.checked import CATALOG, CRM, CTX
from ir.programs import WEATHER, context
from verify.proving import INPUTS, branching, codes, fixed, guarded, only, proved

STATUS = ObjectOf((Field("status", STRING, enum=("paid", "refunded", "failed")),))
SHOP = msgspec.structs.replace(
    CRM, id="shop", aliases=(),
    triggers=(TriggerKind(name="order", summary="Order", payload=STATUS),),
    capabilities=(Capability(name="order", summary="Order", effect="read", idempotent=True, returns=STATUS),),
)  # fmt: skip
WITH_SHOP = msgspec.structs.replace(CTX, catalog=Catalog(services=(*CATALOG.services, SHOP)))

ORDER = """\
TASK t
  ACTION order
    TYPE connector_call
    CONNECTOR shop
    FUNCTION order
    TIMEOUT 10ms
    OUTPUT order
  ACTION rule
    TYPE conditional
    CONDITION EQ(order.status, "{status}")
      VALUE 1
    CONDITION EQ(order.status, "paid")
      VALUE 2
    DEFAULT
      VALUE 0
"""


def test_when_that_never_and_always_holds() -> None:
    never = only(proved(guarded("WHEN AND(EQ(input.n, 1), EQ(input.n, 2))")))
    assert (never.code, never.severity) == ("never_runs", Severity.WARNING)
    assert never.message == "no input.n is both 1 and 2: `a` never runs"
    text = guarded("WHEN OR(GE(input.n, 1), LT(input.n, 1))")
    always = only(proved(text))
    assert (always.code, always.severity) == ("always_runs", Severity.NOTE)
    assert "WHEN" not in fixed(text, always)
    assert proved(fixed(text, always)) == []
    assert proved(guarded("WHEN OR(GT(input.n, 1), LT(input.n, 1))")) == []


def test_no_fix_where_evaluating_could_fail() -> None:
    finding = only(proved(guarded("WHEN OR(GE(input.data.n, 1), LT(input.data.n, 1))")))
    assert finding.code == "always_runs"
    assert finding.fix is None


def test_the_enum_of_the_catalog_is_believed_and_said() -> None:
    text = ORDER.replace("{status}", "payed")
    finding = only(proved(text, WITH_SHOP))
    assert finding.message == (
        'order.status is never "payed": by the catalog order.status is one of paid, refunded, failed: '
        "branch 1 never runs"
    )
    assert 'EQ(order.status, "paid")' in fixed(text, finding)
    assert not machine_applicable(finding), "which value was meant is for a person to say"
    assert proved(ORDER.replace("{status}", "failed"), WITH_SHOP) == []


def test_an_enum_that_is_used_up() -> None:
    text = ORDER.replace("{status}", "failed").replace(
        "    DEFAULT", '    CONDITION EQ(order.status, "refunded")\n      VALUE 3\n    DEFAULT'
    )
    assert codes(proved(text, WITH_SHOP)) == ["unreachable_default"]


def test_the_filter_of_the_trigger() -> None:
    text = """\
TASK t
  TRIGGER webhook("/orders", {amount: integer, kind: string})
    WHERE %s

  ACTION a
    TYPE log
    WHEN LT(trigger.amount, 50)
    MESSAGE "x"
"""
    assert proved(text % "GT(trigger.amount, 10)") == []
    never = only(proved(text % 'AND(EQ(trigger.kind, "a"), EQ(trigger.kind, "b"))'))
    assert never.code == "never_triggers"
    assert never.message == 'no trigger.kind is both "a" and "b": the task never starts'
    inside = only(proved(text % "GT(trigger.amount, 100)"))
    assert inside.code == "never_runs"
    assert inside.message == (
        "here trigger.amount is above 100 (WHERE of the trigger), so never trigger.amount is below 50: `a` never runs"
    )
    always = only(proved(text % "OR(IS_NULL(trigger.kind), NE(trigger.kind, null))"))
    assert always.code == "always_passes"


def test_the_filter_of_one_of_two_triggers_says_nothing_of_the_task() -> None:
    text = """\
TASK t
  TRIGGER webhook("/a", {amount: integer})
    WHERE GT(trigger.amount, 100)
  TRIGGER webhook("/b", {amount: integer})

  ACTION a
    TYPE log
    WHEN LT(trigger.amount, 50)
    MESSAGE "x"
"""
    assert proved(text) == []


def loop(where: str) -> str:
    return f"""\
TASK t
  ACTION each
    TYPE foreach
    EACH k IN [1, 2, 3] WHERE {where}
    ACTION say
      TYPE log
      WHEN GT(k, 1)
      MESSAGE "x"
"""


def test_a_loop_through_nothing() -> None:
    finding = only(proved(loop("AND(GT(k, 5), LT(k, 3))")))
    assert finding.code == "empty_loop"
    assert finding.message == "no k is both above 5 and below 3: `each` goes through nothing"
    assert proved(loop("GT(k, 0)")) == []
    assert codes(proved(loop("LT(k, 1)"))) == ["never_runs"]


def test_filters_inside_expressions() -> None:
    text = "TASK t\n  ACTION a\n    TYPE transform\n    VALUE %s\n    OUTPUT r\n  RETURN r\n"
    finding = only(proved(text % "FILTER([1, 2], k, AND(GT(k, 5), LT(k, 3)))"))
    assert finding.message == "no k is both above 5 and below 3: FILTER keeps no `k`"
    assert proved(text % "FILTER([1, 2], k, AND(GT(k, 3), LT(k, 5)))") == []
    assert codes(proved(text % 'IF(AND(GT(now, "2030-01-01"), LT(now, "2029-01-01")), 1, 2)')) == ["contradiction"]


def test_a_deadline_that_the_calls_cannot_keep() -> None:
    text = WEATHER.replace("DEADLINE 15s", "DEADLINE 50ms")
    found = [each for each in proved(text, context()) if each.code != "hidden_gap"]
    finding = only(found)
    assert (finding.code, finding.severity) == ("impossible_deadline", Severity.WARNING)
    assert "fetch_weather -> post_to_slack takes about 72 ms, but DEADLINE is 50ms" in finding.message
    assert codes(proved(fixed(text, finding), context())) == ["hidden_gap"]


def wait(expires: str, how: str = "FOR 3 days") -> str:
    return f"TASK t\n  INPUT n integer\n  EXPIRES {expires}\n  ACTION pause\n    TYPE wait\n    {how}\n"


def test_a_wait_longer_than_the_run() -> None:
    finding = only(proved(wait("1d")))
    assert finding.code == "impossible_expiry"
    assert finding.message == "pause waits 3d, but a run expires after 1d: it never gets past the wait"
    assert proved(fixed(wait("1d"), finding)) == []
    assert proved(wait("4d")) == []
    assert proved(wait("1d", "FOR 3 days\n    WHEN GT(input.n, 3)")) == []


def test_attempts_that_never_come() -> None:
    text = """\
TASK t
  DEADLINE {deadline}
  EXPIRES 1d
  ACTION call
    TYPE connector_call
    CONNECTOR crm
    FUNCTION deals
    TIMEOUT 10ms
    RETRY {retry}
"""

    def said(deadline: str, retry: str) -> list[str]:
        return codes(proved(text.replace("{deadline}", deadline).replace("{retry}", retry)))

    assert said("100ms", "3 BACKOFF fixed(60ms)") == ["useless_retry"]
    assert said("1s", "3 BACKOFF fixed(60ms)") == []
    assert said("200ms", "3 BACKOFF fixed(20h)") == ["useless_retry"]
    assert said("200ms", "3 BACKOFF fixed(5m)") == []
    assert said("200ms", "1") == ["useless_retry"]


def test_it_says_so_when_it_gives_up() -> None:
    found = proved(branching("GT(input.x, 75)", "GT(input.x, 90)"), budget_ms=0)
    assert codes(found) == ["verify_gave_up"]
    assert found[0].severity is Severity.NOTE


def test_many_branches_end_in_time() -> None:
    bands = [f"AND(GE(input.x, {n}), LT(input.x, {n + 1}))" for n in range(400)]
    assert set(codes(proved(branching(*bands, inputs=INPUTS), budget_ms=200))) <= {"verify_gave_up"}


def test_the_same_words_every_time() -> None:
    text = branching("GT(input.x, 100)", 'CONTAINS(input.s, "FR")', "AND(input.ok, LT(input.m, input.n))")
    assert proved(text) == proved(text)
    assert proved(text)
