"""Programs said back in English: every node has a sayer, every function a phrase, and nothing that matters is left out
of the examples: effects, conditions, constants, units, money, assumptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import eyeflow
from eyeflow.catalog.load import load_catalog, merge
from eyeflow.catalog.settings import load_settings, read_profile
from eyeflow.compilation import compile_text
from eyeflow.frontend.readback import BODIES, TRIGGERS
from eyeflow.frontend.readback.expressions import BINDERS, CONDITIONS, VALUES, condition, value
from eyeflow.ir import task as ir
from eyeflow.ir.depends import actions_within
from eyeflow.ir.expr import Bind, Call, Lit, Ref, Template
from eyeflow.ir.functions import TABLE
from frontend.told import NOW, PROFILE, shipped

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.eir"))
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
LOGIC = ("AND", "OR", "NOT")


@cache
def example(path: Path) -> eyeflow.Compilation:
    own, report = load_catalog(path.parent / "catalog")
    assert own is not None, report
    catalog, report = merge(shipped(), own)
    assert catalog is not None, report
    settings, report = load_settings(path.parent / "eyeflow.toml", catalog)
    assert settings is not None, report
    return compile_text(path.read_text(), catalog=catalog, connections=settings.connections, now=AT)


def told(text: str, **answers: str) -> eyeflow.Compilation:
    profile, report = read_profile(PROFILE)
    assert profile is not None, report
    return eyeflow.compile(
        text, catalog=shipped(), profile=profile, now=datetime.fromisoformat(NOW), answers=answers
    )  # fmt: skip


# --- every node, every function ------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", get_args(ir.Body), ids=lambda node: node.__name__)
def test_every_action_node_has_a_sayer(node: type) -> None:
    assert node in BODIES


@pytest.mark.parametrize("node", get_args(ir.Trigger), ids=lambda node: node.__name__)
def test_every_trigger_node_has_a_sayer(node: type) -> None:
    assert node in TRIGGERS


def test_there_are_no_sayers_for_nodes_that_are_gone() -> None:
    assert set(BODIES) == set(get_args(ir.Body))
    assert set(TRIGGERS) == set(get_args(ir.Trigger))


@pytest.mark.parametrize("name", [row.name for row in TABLE])
def test_every_function_has_a_phrase(name: str) -> None:
    assert name in CONDITIONS or name in VALUES or name in BINDERS or name in LOGIC


@pytest.mark.parametrize("row", [row for row in TABLE if row.least > 0 and not row.binder], ids=lambda row: row.name)
def test_what_a_function_must_have_is_said(row: Any) -> None:
    arguments = tuple(Lit(f"given {number}") for number in range(row.least))
    said = value(Call(row.name, arguments), {})
    assert all(f"given {number}" in said for number in range(row.least))


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_and_its_opposite_differ(name: str) -> None:
    call = Call(name, (Ref("x"), Lit("y")))
    assert condition(call, {}) != condition(call, {}, holds=False)
    assert condition(Call("NOT", (call,)), {}) == condition(call, {}, holds=False)


def test_not_of_and_is_or_of_opposites() -> None:
    both = Call("AND", (Call("GT", (Ref("a"), Lit(1))), Call("EQ", (Ref("b"), Lit("x")))))
    assert condition(Call("NOT", (both,)), {}) == "a is at most 1 or b is not “x”"


def test_units_and_money_are_said_as_people_write_them() -> None:
    for lit, said in (
        (Lit(500, "usd"), "$500"), (Lit(1_000, "gbp"), "£1,000"), (Lit(30, "celsius"), "30°C"),
        (Lit(86, "fahrenheit"), "86°F"), (Lit(20, "percent"), "20%"), (Lit(90, "days"), "90 days"),
        (Lit(2.5), "2.5"), (Lit(None), "nothing"), (Lit(True), "yes"),
    ):  # fmt: skip
        assert value(lit, {}) == said


def test_places_in_text_are_told_from_text() -> None:
    spoken = value(Template(("Hi {", Ref("trigger", ("name",)), '} "you"')), {"trigger": "the request"})
    assert spoken == '“Hi {[the request’s name]} "you"”'


def test_filters_speak_of_the_item() -> None:
    big = Bind("FILTER", Ref("deals"), "d", Call("GT", (Ref("d", ("amount",)), Lit(500, "usd"))))
    assert value(big, {}) == "those of deals where its amount is more than $500"


# --- the examples --------------------------------------------------------------------------------------------------


def texts(expr: object) -> Iterator[str]:
    """Every text a person would miss in a read-back, in a tree of expressions."""
    if isinstance(expr, Lit) and isinstance(expr.value, str):
        yield expr.value
    elif isinstance(expr, Template):
        yield from (part for part in expr.parts if isinstance(part, str))
    if isinstance(expr, msgspec.Struct):
        for name in expr.__struct_fields__:
            if name not in ("type", "span", "bound"):
                yield from texts(getattr(expr, name))
    elif isinstance(expr, tuple):
        for each in expr:
            yield from texts(each)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_said_with_its_effects_and_texts(path: Path) -> None:
    made = example(path)
    assert made.outcome == "program", made.report.errors
    assert made.task is not None
    said = made.readback.text()
    for action in actions_within(made.task):
        do = action.do
        if isinstance(do, ir.ConnectorCall) and do.bound is not None:
            service = made.context.catalog.service(do.bound.service)
            capability = service.capability(do.bound.capability) if service is not None else None
            assert service is not None
            assert capability is not None
            assert capability.summary.rstrip(".").casefold() in said.casefold()
            assert service.title in said
            if capability.effect != "pure":
                assert any(capability.summary in touch for touch in made.readback.touches)
        parts = do.params if isinstance(do, ir.ConnectorCall) else do.cases if isinstance(do, ir.Conditional) else ()
        for text in texts(parts):
            assert text in said
    if any(isinstance(trigger, ir.Schedule | ir.Once) for trigger in made.task.triggers):
        assert made.readback.next_runs


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_each_of_its_conditions(path: Path) -> None:
    made = example(path)
    assert made.task is not None
    said = made.readback.text()
    count = said.count("if ") + said.count(" where ") + said.count("unless ")
    held = [a for a in actions_within(made.task) if a.when is not None]
    assert count >= len(held)
    for action in actions_within(made.task):
        if isinstance(action.do, ir.Conditional):
            assert "otherwise" in said
        if action.fallback is not None:
            assert "if that fails" in said
        if action.retry is not None and action.retry.attempts > 1:
            assert f"up to {action.retry.attempts} times" in said
        if action.rate is not None:
            assert f"at most {action.rate.calls} in " in said


def test_the_seeds_sentence_is_read_back_with_three_runs() -> None:
    back = told("Send weather to Slack every morning at 9am").readback
    assert back.text().splitlines()[0] == "Every day at 09:00 (UTC):"
    assert "Paris" in back.text()
    assert "#general" in back.text()
    assert [run.isoformat() for run in back.next_runs] == [
        "2026-11-23T09:00:00+00:00", "2026-11-24T09:00:00+00:00", "2026-11-25T09:00:00+00:00",
    ]  # fmt: skip


# --- where constants come from -------------------------------------------------------------------------------------

TRACED = (
    "Send weather to Slack every morning at 9am",
    'If the temperature in Rome is above 30C post "Hot" to #rome, otherwise post "Fine" to #rome',
    'When a payment over $500 succeeds, post "Big" to #sales',
    'Create a coupon called "WELCOME" for $5 off',
    'Post "x1" to #ops, retrying 3 times with 10 seconds in between',
    "For each open issue in acme/api, post its title to #hot",
    'When the build fails in acme/web, text me "CI is red"',
    "Send +15550123 a text saying I'm running late",
)


def plain(said: object) -> Iterator[str]:
    """The constants of an intent's parameters, as text."""
    if isinstance(said, dict):
        for each in said.values():
            yield from plain(each)
    elif isinstance(said, list | tuple):
        for each in said:
            yield from plain(each)
    elif said is not None and not isinstance(said, bool):
        yield from (part for part in re.split(r"\{[^{}]*\}", str(said)) if part.strip())


@pytest.mark.parametrize("text", TRACED)
def test_every_constant_is_said_or_assumed(text: str) -> None:
    intent = told(text).intent
    assert intent is not None
    assumed = {str(each.value) for each in intent.assumptions}
    for action in msgspec.to_builtins(intent.actions):
        for constant in plain(action.get("params", {})):
            assert constant in text or constant in assumed or constant.removesuffix("00") in text, constant


def test_what_the_profile_filled_is_listed() -> None:
    intent = told('When the build fails in acme/web, text me "CI is red"').intent
    assert intent is not None
    assert [(each.slot, each.value, each.why) for each in intent.assumptions] == [
        ("send_sms.to", "+15550100", "your profile")
    ]


def test_without_a_zone_the_zone_is_an_assumption() -> None:
    made = eyeflow.compile('Post "hi" to #a every day at 9am', catalog=shipped(), now=AT)
    assert made.intent is not None
    assert ("trigger.timezone", "UTC") in [(each.slot, each.value) for each in made.intent.assumptions]


def test_braces_and_quotes_that_were_typed_are_said_as_typed() -> None:
    back = told("Post \"He said 'go' {{now}} } <b>\" to #a").readback
    assert "“He said 'go' {{now}} } <b>”" in back.text()
