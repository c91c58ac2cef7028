"""Texts that use every kind of node, and the programs made of them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import CompileContext, Connection, Profile
from eyeflow.ir.check import check
from eyeflow.ir.codegen import generate
from eyeflow.ir.plan import Plan
from eyeflow.ir.program import Program
from eyeflow.ir.task import Task
from eyeflow.ir.text import parse
from eyeflow.optimizer import optimize

WEATHER = """\
TASK daily_weather_report
  TRIGGER schedule(09:00, daily, "Europe/Paris")
  DEADLINE 15s

  ACTION fetch_weather
    TYPE http_call
    METHOD GET
    URL "https://api.openweathermap.org/data/2.5/weather?q=Paris&units=imperial"
    AUTH api_key(openweather_prod)
    OUTPUT weather_data

  ACTION weather_rule
    TYPE conditional
    CONDITION GT(weather_data.temp, 75)
      BRANCH hot_weather
        FORMAT "It's hot! {weather_data.temp}F"
    CONDITION LT(weather_data.temp, 50)
      BRANCH cold_weather
        FORMAT "It's cold! {weather_data.temp}F"
    DEFAULT
      FORMAT "Normal weather! {weather_data.temp}F"
    OUTPUT final_message

  ACTION post_to_slack
    TYPE connector_call
    CONNECTOR slack_daily
    FUNCTION send_message
    PARAMS {channel: "#general", text: final_message}
    OUTPUT slack_response

  RETURN slack_response
"""

EVERYTHING = """\
TASK everything
  DEADLINE 5m
  INPUT name string
  INPUT limit integer DEFAULT 3
  INPUT day date DEFAULT "2026-11-23"
  INPUT note string?
  INPUT data json
  INPUT rows list<object{id: string, amount?: integer<cents>, at: timestamp, tags: list<string>}>
  TRIGGER webhook("/orders/new", {email: string, total: number<usd>, items: list<string>})
    WHERE GT(trigger.total, 10)

  ACTION greet
    TYPE transform
    VALUE "Hello {input.name} on {input.day}, {{x}} {trigger.email}"
    OUTPUT greeting

  ACTION big
    TYPE transform
    VALUE FILTER(input.rows, r, AND(GT(COALESCE(r.amount, 0), 5 usd), CONTAINS(r.tags, "vip")))
    OUTPUT big_rows

  ACTION sorted
    TYPE transform
    VALUE MAP(SORT_BY(big_rows, r, r.at, "desc"), r, {id: r.id, text: "#{r.id} {r.at}", n: LEN(r.tags)})
    OUTPUT lines

  ACTION pick
    TYPE conditional
    CONDITION OR(IS_NULL(input.note), EQ(input.data.kind, "x"))
      BRANCH first
        VALUE {why: "no note", count: COUNT(lines)}
    CONDITION IN(input.name, ["a", "b"])
      BRANCH second
        NOTHING
    DEFAULT
      ACTION inner
        TYPE transform
        VALUE {why: "d", count: input.limit}
        OUTPUT made
    OUTPUT picked

  ACTION each_row
    TYPE foreach
    EACH row IN big_rows WHERE NOT(IS_NULL(row.amount)) PARALLEL 4 MAX_ITEMS 50
    ACTION send
      TYPE connector_call
      CONNECTOR slack_daily
      FUNCTION send_message
      PARAMS {channel: "#general", text: "{row.id}: {row.amount}"}
      TIMEOUT 2s
      RETRY 3 BACKOFF exponential(1s, 2, 10s)
      FALLBACK THEN continue
        VALUE {ok: false, ts: "none", channel: "x"}
      RATE 10/min
      OUTPUT sent
    COLLECT sent.ts
    ON_ERROR continue
    OUTPUT stamps

  ACTION later
    TYPE wait
    FOR 30s
    AFTER each_row

  ACTION tell
    TYPE log
    MESSAGE "{lines} {picked} {stamps}"
    WHEN GT(COUNT(lines), 0)

  ACTION ask
    TYPE approval
    ROLE approver
    MESSAGE "ok {greeting}?"
    EXPIRES 1h

  ACTION out
    TYPE emit
    TOPIC orders.done
    VALUE {n: COUNT(big_rows), at: FORMAT_DATE(NOW(), "YYYY-MM-DD"), id: UUID(), due: DATE_ADD(now, 3 days)}

  ACTION more
    TYPE subtask
    TASK other
    PARAMS {who: input.name, half: DIV(input.limit, 2)}
    FALLBACK THEN stop
      ACTION told
        TYPE log
        MESSAGE "no other"

  ACTION answer
    TYPE respond
    STATUS 201
    BODY {greeting: greeting, total: SUM(MAP(big_rows, r, COALESCE(r.amount, 0)))}

  ON_FAILURE
    ACTION oops
      TYPE log
      MESSAGE "failed for {greeting}"

  RETURN {g: greeting, s: stamps}
"""


@lru_cache(maxsize=1)
def context() -> CompileContext:
    """The shipped catalog with two accounts, on the day the samples are about."""
    return CompileContext(
        catalog=open_catalog(),
        connections=(
            Connection(name="slack_daily", service="slack_notify", credential="env:SLACK"),
            Connection(name="openweather_prod", service="openweather", credential="env:OPENWEATHER"),
        ),
        now=datetime(2026, 11, 23, tzinfo=UTC),
        profile=Profile(me=(("email", "a@example.org"),)),
    )


def checked(source: str) -> Task:
    """The typed task of a text without mistakes."""
    task, report = parse(source, "sample")
    assert task is not None, report
    task, report = check(task, context())
    assert task is not None, report.errors
    return task


def planned(source: str) -> Plan:
    """The plan of a text."""
    return optimize(checked(source), context())[0]


@lru_cache(maxsize=32)
def program_of(source: str) -> Program:
    """The program of a text."""
    program, report = generate(planned(source), context())
    assert program is not None, report.errors
    return program


def value_task(expression: str, inputs: str = "") -> str:
    """A task that returns one expression."""
    lines = [f"  INPUT {line}" for line in inputs.splitlines() if line.strip()]
    return "\n".join(["TASK one", *lines, f"  RETURN {expression}", ""])
