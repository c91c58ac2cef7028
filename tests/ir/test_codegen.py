"""The code generator: what a Task and a Plan become, and that nothing else decides it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import CompileContext
from eyeflow.ir.bytecode import encode
from eyeflow.ir.check import check
from eyeflow.ir.codegen import generate, places
from eyeflow.ir.depends import names_read, needs, stages
from eyeflow.ir.disasm import disassemble
from eyeflow.ir.evaluate import Frame, Meter, closure
from eyeflow.ir.opcodes import TABLE, Op
from eyeflow.ir.plan import Binding, Cache, Needs, Plan, Stage
from eyeflow.ir.program import TRIGGER, Program, Step
from eyeflow.ir.text import parse
from eyeflow.ir.validate import validate
from eyeflow.values import Json, Nullable, Value
from ir.programs import EVERYTHING, WEATHER, checked, context, planned, program_of, value_task


def steps(program: Program) -> dict[str, Step]:
    """All steps by name."""
    return {step.name: step for scope in program.scopes for step in scope.steps}


def made(plan: Plan, ctx: CompileContext | None = None) -> Program:
    program, report = generate(plan, ctx or context())
    assert program is not None, report
    return program


def test_acceptance_43_the_same_task_and_plan_always_give_the_same_program():
    assert made(planned(EVERYTHING)) == made(planned(EVERYTHING)) == program_of(EVERYTHING)


def test_every_kind_of_action_is_one_effect():
    program = program_of(EVERYTHING)
    used = {step.do.op for scope in program.scopes for step in scope.steps}
    assert used == {row.number for row in TABLE if not row.pure} - {Op.WAIT_UNTIL, Op.CALL_AHEAD, Op.CALL_BESIDE}
    waits = value_task("1").replace("  RETURN 1", '  ACTION w\n    TYPE wait\n    UNTIL "2027-01-01T00:00:00Z"\n')
    assert steps(program_of(waits))["w"].do.op == Op.WAIT_UNTIL


def test_policies_of_an_action_are_on_its_step():
    send = steps(program_of(EVERYTHING))["send"]
    assert (send.timeout_ms, send.attempts, send.label) == (2_000, 3, "sent")
    assert send.backoff is not None and (send.backoff.kind, send.backoff.first_ms, send.backoff.max_ms) == (
        "exponential", 1_000, 10_000,
    )  # fmt: skip
    assert send.backup is not None and send.backup.block >= 0 and not send.backup.stop
    assert send.rate is not None and (send.rate.calls, send.rate.window_ms, send.rate.queue) == (10, 60_000, True)
    more = steps(program_of(EVERYTHING))["more"]
    assert more.backup is not None and more.backup.scope >= 0 and more.backup.stop


def test_outputs_that_may_be_missing_are_nullable():
    found = steps(program_of(EVERYTHING))
    assert found["each_row"].continue_on_error
    assert isinstance(found["each_row"].output_type, Nullable)
    assert found["later"].needs == (5,)
    assert found["tell"].when >= 0


def test_acceptance_50_the_plan_is_frozen_into_the_program():
    plan = planned(WEATHER)
    program = made(plan)
    root = program.scopes[program.root]
    assert root.order == (1, 2, 3)
    assert root.stages == ((1,), (2,), (3,))
    slack = next(each for each in program.bindings if each.service == "slack_notify")
    assert (slack.label, slack.ready, slack.connection, slack.credential) == (
        "slack_connector", True, "slack_daily", "env:SLACK",
    )  # fmt: skip


def test_changing_a_decision_of_the_plan_changes_the_program():
    plan = planned(WEATHER)
    changed = replace(
        plan,
        needs=(Needs(1, ()), Needs(2, (1,)), Needs(3, (1, 2))),
        stages=(Stage((1,)), Stage((2,)), Stage((3,))),
        bindings=tuple(Binding(label="x", service=b.service, connection=b.connection, ready=False, pool=7)
                       for b in plan.bindings),
        caches=(Cache("fetch_weather", 1234),),
        memory_bytes=99_000,
        estimate_ms=(1, 2),
    )  # fmt: skip
    program = made(changed)
    assert steps(program)["post_to_slack"].needs == (1, 2)
    assert {(b.label, b.ready, b.pool) for b in program.bindings} == {("x", False, 7)}
    assert steps(program)["fetch_weather"].cache_ms == 1234
    assert program.limits.memory_bytes == 99_000
    assert program.estimate_ms == (1, 2)
    assert steps(made(replace(plan, caches=())))["fetch_weather"].cache_ms == 0


def test_a_plan_without_decisions_leaves_order_to_the_dependencies():
    program = made(Plan(task=checked(WEATHER)))
    assert program.scopes[program.root].order == (1, 2, 3)
    assert validate(program).ok


def test_constants_and_types_are_kept_once():
    program = program_of(EVERYTHING)
    assert len(set(program.constants)) == len(program.constants)
    assert len(set(program.types)) == len(program.types)


def test_words_of_the_catalog_do_not_change_a_program():
    document = {
        "service": "notes", "title": "Notes", "type": "Test", "connector": "scripted",
        "capabilities": {"read": {
            "summary": "Read a note", "effect": "read", "params": {"id": {"type": "string", "required": True}},
            "returns": {"type": "object", "properties": {"text": {"type": "string", "description": "What it says"}}},
        }},
    }  # fmt: skip
    source = (
        'TASK t\n  ACTION a\n    TYPE connector_call\n    CONNECTOR notes\n    FUNCTION read\n    PARAMS {id: "1"}\n'
        "    OUTPUT note\n  ACTION b\n    TYPE transform\n    VALUE note\n    OUTPUT same\n  RETURN same.text\n"
    )
    found: list[bytes] = []
    for said in ("What it says", "The words of the note"):
        document["capabilities"]["read"]["returns"]["properties"]["text"]["description"] = said  # type: ignore[index]
        catalog, report = load_documents([document])
        assert catalog is not None, report
        ctx = replace(context(), catalog=catalog, connections=())
        task, _ = parse(source, "t")
        assert task is not None
        typed, checked_report = check(task, ctx)
        assert typed is not None, checked_report
        found.append(encode(made(Plan(task=typed), ctx)))
    assert found[0] == found[1]


def passes(source: str, payload: Value) -> Value:
    """What the filter of the first trigger says about a payload."""
    program = program_of(source)
    frame = Frame.of(program.registers, Meter(10_000, lambda name: None))
    frame[TRIGGER] = payload
    return closure(program, program.triggers[0].where)(frame)


EVENT = """\
TASK watch
  TRIGGER event(slack_daily.new_message, {channel: "#sales"})
    WHERE CONTAINS(trigger.text, "urgent")
  ACTION note
    TYPE log
    MESSAGE "{trigger.user}"
"""


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"channel": "#sales", "text": "urgent!", "user": "u"}, True),
        ({"channel": "#sales", "text": "later", "user": "u"}, False),
        ({"channel": "#other", "text": "urgent!", "user": "u"}, False),
    ],
)
def test_an_event_passes_when_its_params_and_its_where_hold(payload, expected):
    assert passes(EVENT, payload) is expected


def test_a_filter_of_the_catalog_is_part_of_the_trigger():
    document = {
        "service": "mail", "title": "Mail", "type": "Test", "connector": "scripted",
        "capabilities": {"look": {"summary": "Look", "effect": "read", "returns": {"type": "string"}}},
        "triggers": {"arrived": {
            "summary": "Mail arrives",
            "params": {"label": {"type": "string"}, "folder": {"type": "string"}, "feed": {"type": "string"}},
            "payload": {"type": "object", "properties": {
                "labels": {"type": "array", "items": {"type": "string"}}, "folder": {"type": "string"}}},
            "filter": {"label": "CONTAINS(payload.labels, label)"},
        }},
    }  # fmt: skip
    catalog, report = load_documents([document])
    assert catalog is not None, report
    ctx = replace(context(), catalog=catalog, connections=())
    source = 'TASK t\n  TRIGGER event(mail.arrived, {label: "hot", folder: "in", feed: "x"})\n  RETURN 1\n'
    task, _ = parse(source, "t")
    assert task is not None
    typed, checked_report = check(task, ctx)
    assert typed is not None, checked_report
    program = made(Plan(task=typed), ctx)
    assert validate(program).ok
    code = closure(program, program.triggers[0].where)
    for labels, folder, expected in ((["hot"], "in", True), (["cold"], "in", False), (["hot"], "out", False)):
        frame = Frame.of(program.registers, Meter(10_000, lambda name: None))
        frame[TRIGGER] = {"labels": labels, "folder": folder}
        assert code(frame) is expected
    assert [name for name, _ in program.triggers[0].params] == ["label", "folder", "feed"]


def test_a_webhook_keeps_its_own_filter():
    payload: dict[str, Value] = {"email": "a", "items": []}
    assert passes(EVERYTHING, {**payload, "total": 11}) is True
    assert passes(EVERYTHING, {**payload, "total": 10}) is False


def test_places_follow_the_actions():
    task, _ = parse(EVERYTHING, "everything")
    assert task is not None
    found = {place.step: place for place in places(ir=task)}
    for path in ("greet", "pick.first", "pick.DEFAULT.inner", "each_row.send", "more.fallback.told", "on_failure.oops"):
        assert path in found
    span = found["each_row.send"].ir
    assert span is not None and EVERYTHING[span.start : span.end].startswith("ACTION send")


def test_dependencies_are_data_and_after():
    task = checked(EVERYTHING)
    named = {action.name: number for number, action in enumerate(task.actions, 1)}
    needed = needs(task.actions)
    assert needed[named["big"] - 1] == ()
    assert needed[named["each_row"] - 1] == (named["big"],)
    assert needed[named["later"] - 1] == (named["each_row"],)
    assert needed[named["tell"] - 1] == (named["sorted"], named["pick"], named["each_row"])
    assert names_read(task.actions[named["each_row"] - 1]) == {"big_rows"}
    assert sorted(n for group in stages(needed) for n in group) == list(range(1, len(task.actions) + 1))


def test_stages_stop_at_a_cycle():
    assert stages(((2,), (1,), ())) == ((3,),)


def test_the_listing_shows_every_part():
    listing = disassemble(program_of(WEATHER))
    for part in (
        "program daily_weather_report", "zone Europe/Paris", "slack_connector", "READY", "credential env:SLACK",
        "FREQ=DAILY", "scope s0  hot_weather", "stages 1 | 2 | 3", "APPLY GT", '"#general"', "-> r",
    ):  # fmt: skip
        assert part in listing or (part == 'k9="#general"' and '"#general"' in listing)
    for row in TABLE:
        if row.number in {i.op for b in program_of(EVERYTHING).blocks for i in b.code}:
            assert f":= {row.name}" in disassemble(program_of(EVERYTHING))


def test_a_listing_of_nonsense_is_still_a_listing():
    program = program_of(WEATHER)
    scope = program.scopes[program.root]
    step = scope.steps[0]
    odd = replace(step, do=replace(step.do, op=77, args=(99,)), name="a\x1b[31mb")
    broken = replace(program, scopes=(*program.scopes[:-1], replace(scope, steps=(odd,))), constants=())
    listing = disassemble(broken)
    assert "op 77?" in listing
    assert "k0?" in listing
    assert "\x1b" not in listing


def test_unknown_shapes_stay_json():
    program = program_of(value_task("input.data.a", "data json"))
    assert isinstance(program.output_type, Nullable) and isinstance(program.output_type.of, Json)
