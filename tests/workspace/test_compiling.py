"""Compiles for the workspace: views, stages, both ways of running them, and what is too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest

from eyeflow.catalog.model import Catalog, CompileContext, Connection, Profile
from eyeflow.workspace.compiling import Admission, Compiler, ThreadCompiler
from eyeflow.workspace.errors import Forbidden, Invalid, NotNow
from eyeflow.workspace.profiles import ProfileView
from eyeflow.workspace.reviewing import CompileRequest
from eyeflow.workspace.settings import WorkspaceSettings
from eyeflow.workspace.views import CompileView, Reviewed, StageView
from eyeflow.workspace.workers import ProcessCompiler
from workspace.house import ANA, BOT, HELLO, RUN, VIC, House

WEATHER = CompileRequest(
    text="Send weather to Slack every morning at 9am",
    answers={"weather.location": "Paris", "message.channel": "#general"},
)


@pytest.fixture(params=["thread", "process"])
async def compiler(request: pytest.FixtureRequest) -> AsyncIterator[Compiler]:
    made: Compiler = ThreadCompiler() if request.param == "thread" else ProcessCompiler()
    yield made
    await made.close()


@pytest.fixture
def ctx(catalog: Catalog) -> CompileContext:
    slack = Connection(name="slack_daily", service="slack_notify", credential="vault:s")
    return CompileContext(catalog=catalog, connections=(slack,), now=datetime(2026, 11, 23, 8, tzinfo=UTC))


async def test_a_thread_and_a_process_say_the_same(ctx: CompileContext):
    said: list[bytes] = []
    for made in (ThreadCompiler(), ProcessCompiler()):
        reviewed = await made.review(WEATHER, ctx)
        compared = await made.compare(HELLO, reviewed.drafts[0].ir, ctx)
        said.append(msgspec.json.encode((reviewed, compared)))
        await made.close()
    assert said[0] == said[1]


async def test_stages_are_heard_as_they_end(compiler: Compiler, ctx: CompileContext):
    heard: list[StageView] = []
    await compiler.review(WEATHER, ctx, heard.append)
    await asyncio.sleep(0)
    assert [stage.stage for stage in heard] == ["understand", "resolve", "check", "optimize", "generate", "validate"]
    assert heard[3].detail.startswith("order [1, 2]")


async def test_what_takes_too_long_is_given_up_and_the_next_one_is_served(ctx: CompileContext):
    made = ProcessCompiler(seconds=0.001)
    await made.warm()
    made._idle[0].catalog = "started"
    with pytest.raises(NotNow) as stopped:
        await made.review(WEATHER, ctx)
    assert stopped.value.code == "compile_timeout"
    made._seconds = 60
    assert (await made.review(WEATHER, ctx)).view.outcome == "program"
    await made.close()


async def test_a_process_that_died_is_replaced(ctx: CompileContext):
    made = ProcessCompiler()
    await made.review(WEATHER, ctx)
    made._idle[0].process.kill()
    await made._idle[0].process.wait()
    with pytest.raises(NotNow) as stopped:
        await made.review(WEATHER, ctx)
    assert stopped.value.code == "compile_failed"
    assert (await made.review(WEATHER, ctx)).view.outcome == "program"
    await made.close()


async def test_more_than_may_wait_are_told_to_come_back():
    admission = Admission(1, waiting=2)
    begun, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with admission.turn():
            begun.set()
            await go.wait()

    held = [asyncio.create_task(hold()) for _ in range(3)]
    await begun.wait()
    await asyncio.sleep(0)
    with pytest.raises(NotNow) as stopped:
        async with admission.turn():
            pass
    assert stopped.value.code == "compile_busy"
    go.set()
    await asyncio.gather(*held)
    async with admission.turn():
        pass


async def test_acceptance_26_27_the_tokens_and_what_they_amount_to(house: House):
    view = await house.workspace.proposals.compile(ANA, WEATHER)
    assert view.tokens == ("Send", "weather", "to", "Slack", "every", "morning", "at", "9am")
    assert view.summary == "SCHEDULE + SEND_MESSAGE"
    assert view.outcome == "program" and len(view.missing) == 2
    program = view.programs[0]
    assert program.plan.order == (1, 2) and program.plan.resources["slack_connector"] == "READY"
    assert {(each.service, each.effect) for each in program.touches} == {
        ("openweather", "read"), ("slack_notify", "write"),
    }  # fmt: skip


async def test_a_view_is_json_and_comes_back_from_it(house: House):
    view = await house.workspace.proposals.compile(ANA, WEATHER)
    assert msgspec.json.decode(msgspec.json.encode(view), type=CompileView) == view
    assert Reviewed(view=view).drafts == ()


async def test_a_zone_nobody_confirmed_is_an_assumption(house: House):
    await house.workspace.profiles.put(ANA, ProfileView(timezone="Europe/Paris"))
    unsure = await house.workspace.proposals.compile(ANA, WEATHER)
    assert any("zone" in line.lower() for line in unsure.programs[0].readback.assumed)
    await house.workspace.profiles.put(ANA, ProfileView(timezone="Europe/Paris", confirmed=True))
    sure = await house.workspace.proposals.compile(ANA, WEATHER)
    assert not any("zone" in line.lower() for line in sure.programs[0].readback.assumed)
    assert "Europe/Paris" in sure.programs[0].readback.text


async def test_profiles_are_ones_own(house: House):
    await house.workspace.profiles.put(ANA, ProfileView(me={"email": "ana@acme.io"}, city="Paris"))
    assert (await house.workspace.profiles.get(VIC)) == ProfileView()
    held = await house.workspace.profiles.get(ANA)
    assert held.city == "Paris" and held.me == {"email": "ana@acme.io"}
    assert (await house.workspace.contexts.of(VIC)).profile == Profile()


@pytest.mark.parametrize(
    "view",
    [
        ProfileView(timezone="Mars/Olympus"),
        ProfileView(defaults={"slack_notify.channel": "x" * 50_000}), ProfileView(me={"a": "\ud800"}),
    ],
)  # fmt: skip
async def test_profiles_that_cannot_be_are_refused(house: House, view: ProfileView):
    with pytest.raises(Invalid):
        await house.workspace.profiles.put(ANA, view)


async def test_an_agent_may_compile_and_a_viewer_may_not(house: House):
    assert (await house.workspace.proposals.compile(BOT, CompileRequest(text=HELLO))).outcome == "program"
    for who in (VIC, RUN):
        with pytest.raises(Forbidden):
            await house.workspace.proposals.compile(who, CompileRequest(text=HELLO))


async def test_only_owners_change_settings(house: House):
    with pytest.raises(Forbidden):
        await house.workspace.settings.put(BOT, WorkspaceSettings())
    with pytest.raises(Invalid):
        await house.workspace.settings.put(ANA, WorkspaceSettings(approval=0))
    with pytest.raises(Invalid):
        await house.workspace.settings.put(ANA, WorkspaceSettings(retention_days=-1))
    await house.workspace.settings.put(ANA, WorkspaceSettings(approval=3, retention_days=None))
    assert (await house.workspace.settings.get(ANA)).approval == 3


@pytest.mark.parametrize(
    "text", ["", "\x00", "{{7*7}}", "${x}", "x" * 20_000, "\ud800", "a\u202eb", "TASK", "TASK x\n" + "  " * 100_000,
             "[" * 50_000]
)  # fmt: skip
async def test_hostile_requests_are_answered(house: House, text: str):
    for language in (None, "english", "ir", "intent"):
        view = await house.workspace.proposals.compile(ANA, CompileRequest(text=text, language=language))
        assert view.outcome in ("refused", "errors", "questions")
