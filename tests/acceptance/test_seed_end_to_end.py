"""The overview's statements that cross rooms: from its listing and its sentence to messages that arrive over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

import eyeflow
from eyeflow.catalog.model import PolicyRule
from eyeflow.ir.bytecode import decode
from eyeflow.ir.opcodes import Op
from eyeflow.simulate import Case, Scenario, simulate
from eyeflow.values import literal

EXAMPLES = Path(__file__).parents[2] / "examples"
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SENTENCE = "Send weather to Slack every morning at 9am"
READ = "current_weather_imperial"
KEY = eyeflow.SigningKey(bytes(32))


@pytest.fixture(scope="module")
def catalog() -> eyeflow.Catalog:
    whole, found = eyeflow.merge(eyeflow.open_catalog(), eyeflow.open_catalog(EXAMPLES / "catalog"))
    assert whole is not None, found
    return whole


def compiled(name: str, catalog: eyeflow.Catalog, **changed) -> eyeflow.Compilation:
    settings, found = eyeflow.load_settings(EXAMPLES / "eyeflow.toml", catalog)
    assert settings is not None, found
    source = (EXAMPLES / f"{name}.eir").read_text("utf-8")
    return eyeflow.compile(source, catalog=catalog, connections=settings.connections, now=NOW, **changed)


def said(catalog: eyeflow.Catalog) -> eyeflow.Compilation:
    profile = eyeflow.Profile(city="Paris", defaults=(("slack_notify.channel", literal("#general")),))
    return eyeflow.compile(SENTENCE, catalog=catalog, profile=profile, now=NOW)


async def posted(made: eyeflow.Compilation, degrees: float) -> tuple[eyeflow.Execution, list[object]]:
    """Run a weather report over HTTP, and what arrived at Slack."""
    async with eyeflow.Practice(made.context.catalog, ["openweather", "slack_notify"]) as practice:
        practice.told("openweather", READ, returns={"temp": degrees})
        run = await eyeflow.rehearse(made, practice)
        return run.execution, [request.body for request in practice.received("slack_notify")]


def test_acceptance_31_the_listing_is_1_2_3_and_the_bare_sentence_1_2(catalog):
    listing, sentence = compiled("daily_weather", catalog).plan, said(catalog).plan
    assert [stage.actions for stage in listing.stages] == [(1,), (2,), (3,)]
    assert (listing.order, sentence.order) == ((1, 2, 3), (1, 2))
    assert [(need.action, need.on) for need in listing.needs] == [(1, ()), (2, (1,)), (3, (2,))]


def test_acceptance_33_slack_connector_is_ready_and_the_latency_estimated(catalog):
    for made in (compiled("daily_weather", catalog), said(catalog)):
        assert {binding.label: binding.ready for binding in made.plan.bindings}["slack_connector"] is True
        low, high = made.plan.estimate_ms
        assert 0 < low <= high < 1000
        assert decode(made.seal(KEY, practice=True).program).estimate_ms == (low, high)


def test_acceptance_34_cache_pool_and_memory_are_decided_and_in_the_bytes(catalog):
    made = compiled("daily_weather", catalog)
    assert {decision.kind for decision in made.plan.decisions} >= {
        "cache",
        "pool",
        "memory",
        "bind",
        "order",
        "latency",
    }
    assert all(decision.choice and decision.why for decision in made.plan.decisions)
    program = decode(made.seal(KEY).program)
    steps = {step.name: step for step in program.scopes[program.root].steps}
    assert steps["fetch_weather"].cache_ms == 600_000
    assert steps["post_to_slack"].cache_ms == 0
    assert {b.label: b.pool for b in program.bindings} == {b.label: b.pool for b in made.plan.bindings}
    assert program.limits.memory_bytes == made.plan.memory_bytes


def test_acceptance_35_36_37_38_the_listing_as_printed_parses_compiles_and_warns_of_its_deadline(catalog):
    made = compiled("daily_weather_report", catalog)
    assert made.outcome == "program"
    assert [(found.code, found.fix.title) for found in made.report.of(eyeflow.Severity.WARNING)] == [
        ("deadline_too_short", "add DEADLINE 15s")
    ]
    program = decode(made.seal(KEY).program)
    assert (program.task, program.limits.deadline_ms) == ("daily_weather_report", 100)
    assert [step.do.op for step in program.scopes[program.root].steps] == [Op.CALL, Op.BRANCH, Op.CALL]
    assert [(b.service, b.capability, b.connection, b.credential) for b in program.bindings] == [
        ("openweather", READ, "openweather_prod", "env:OPENWEATHER_KEY"),
        ("slack_notify", "send_message", "slack_daily", "env:SLACK_TOKEN"),
    ]


@pytest.mark.parametrize(
    ("degrees", "message"),
    [(91, "It's hot! 91F"), (75, "Normal weather! 75F"), (50, "Normal weather! 50F"), (49.5, "It's cold! 49.5F")],
)
async def test_acceptance_35_36_37_38_the_listing_runs_over_http(catalog, degrees, message):
    execution, arrived = await posted(compiled("daily_weather", catalog), degrees)
    assert execution.status == "success", execution.error
    assert arrived == [{"channel": "#general", "text": message}]
    assert execution.output["ok"] is True


async def test_acceptance_40_41_temp_72_takes_default_and_the_timeline_shows_it(catalog):
    execution, arrived = await posted(compiled("daily_weather", catalog), 72)
    assert arrived == [{"channel": "#general", "text": "Normal weather! 72F"}]
    timeline = execution.timeline()
    assert [(line.number, line.action, line.state) for line in timeline.lines] == [
        (1, "fetch_weather", "completed"), (2, "weather_rule", "completed"), (3, "post_to_slack", "completed"),
    ]  # fmt: skip
    assert timeline.lines[1].details == ("Compare: 72 > 75? NO", "Compare: 72 < 50? NO", "Branch to DEFAULT")
    ends = [line.offset_ms + line.duration_ms for line in timeline.lines]
    assert len(ends) == 3
    assert all(end <= line.offset_ms for end, line in zip(ends[:-1], timeline.lines[1:], strict=True))
    assert ends[-1] <= timeline.total_ms
    for words in ("Start execution", "Action 2: weather_rule", "Complete"):
        assert words in timeline.text()


async def test_acceptance_43_the_same_input_takes_the_same_way_and_gives_the_same_bytes(catalog):
    made = compiled("daily_weather", catalog)
    assert len({compiled("daily_weather", catalog).seal(KEY).digest for _ in range(3)}) == 1
    runs = [await posted(made, 72) for _ in range(3)]
    ways = {
        (tuple((line.action, line.details) for line in execution.timeline().lines), msgspec.json.encode(arrived))
        for execution, arrived in runs
    }
    assert len(ways) == 1


def test_acceptance_47_past_the_default_deadline_timeout_exceeded(catalog):
    source = (EXAMPLES / "daily_weather_report.eir").read_text("utf-8")
    case = Case(
        ir=source.replace("slack_daily", "slack_notify").replace("openweather_prod", "openweather"),
        scenarios=(Scenario(now=NOW, fails={f"openweather.{READ}": ("hang",)}),),
    )
    result = simulate(case, catalog).scenarios[0]
    assert (result.status, result.error) == ("failed", "deadline: Timeout exceeded")
    assert [call.action for call in result.calls] == ["fetch_weather"]


async def test_acceptance_48_the_second_of_three_is_too_slow_over_http(catalog):
    made = compiled("error_recovery", catalog)
    async with eyeflow.Practice(catalog, ["tanks", "pager"]) as practice:
        practice.told("tanks", "forecast", stall_ms=5_000)
        execution = (await eyeflow.rehearse(made, practice)).execution
        assert practice.received("pager") == []
    report = msgspec.to_builtins(execution.report())
    total = report.pop("total_duration_ms")
    assert isinstance(total, int)
    assert total >= 100
    assert report == {
        "status": "partial_failure", "completed_actions": 1, "failed_action": 2, "error": "Timeout exceeded",
        "fallback_executed": True, "total_duration": f"{total}ms",
    }  # fmt: skip
    assert [line.state for line in execution.timeline().lines] == ["completed", "recovered", "skipped"]
    assert "Action 3: tell" in execution.timeline().text()


def test_acceptance_49_the_fallback_is_in_the_program_before_it_runs_and_without_one_the_error_stands(catalog):
    source = (EXAMPLES / "error_recovery.eir").read_text("utf-8")
    fallback = "    FALLBACK THEN stop\n      VALUE {days_left: 0, sure: false}\n"
    assert fallback in source
    scenario = Scenario(now=NOW, fails={"tanks.forecast": ("hang",)})
    for text, has in ((source, True), (source.replace(fallback, ""), False)):
        program = eyeflow.compile(text, catalog=catalog, now=NOW).program
        process = next(step for step in program.scopes[program.root].steps if step.name == "process")
        assert (process.backup is not None) is has
        result = simulate(Case(ir=text, scenarios=(scenario,)), catalog).scenarios[0]
        assert (result.status, result.error) == ("partial_failure", "timeout: Timeout exceeded")
        assert [call.action for call in result.calls] == ["fetch", "process"]


def test_acceptance_50_a_capability_that_is_not_there_or_not_allowed_or_not_typed_gives_no_program(catalog):
    source = (EXAMPLES / "perfect_weather.eir").read_text("utf-8").replace("slack_daily", "slack_notify")
    assert eyeflow.compile(source, catalog=catalog).outcome == "program"
    policy = eyeflow.Policy(rules=(PolicyRule("slack_notify", "send_message", ("owner",)),))
    for text, options in (
        (source.replace("send_message", "send_telegram"), {}),
        (source.replace("slack_notify", "teleporter"), {}),
        (source.replace('"#general"', "[1, 2]"), {}),
        (source, {"policy": policy, "role": "runner"}),
    ):
        made = eyeflow.compile(text, catalog=catalog, **options)
        assert (made.outcome, made.program) == ("errors", None)
        with pytest.raises(eyeflow.CompileError):
            made.seal(KEY, practice=True)


async def test_acceptance_50_51_the_sealed_plan_cannot_be_changed_afterwards(catalog):
    made = compiled("hello_world", catalog)
    artifact = made.seal(KEY)
    data = eyeflow.write_artifact(artifact)
    machine = eyeflow.Machine(trust=[KEY.signer], catalog=catalog)
    assert (await machine.run(data, {"name": "Alice"})).output == {"greeting": "Hello Alice"}
    for at in range(0, len(data), 97):
        edited = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(eyeflow.LoadError):
            await machine.run(edited, {"name": "Alice"})
    stranger = eyeflow.Machine(trust=[eyeflow.SigningKey(bytes([1]) * 32).signer], catalog=catalog)
    with pytest.raises(eyeflow.LoadError, match="untrusted_signer"):
        await stranger.run(data, {"name": "Alice"})
