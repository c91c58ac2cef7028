"""Deploying, and what happens to deployed tasks afterwards."""

from __future__ import annotations

import asyncio

import pytest

from eyeflow.engine.model import Principal
from eyeflow.ir.bytecode import digest, read_artifact
from eyeflow.ir.seal import Trust, verify
from eyeflow.store.port import Where
from eyeflow.store.records import (
    ArtifactRecord,
    AuditRecord,
    ExecutionRecord,
    ScheduleRecord,
    SettingRecord,
    TaskRecord,
    UseRecord,
    VersionRecord,
    WebhookRecord,
    WorkRecord,
)
from eyeflow.workspace.connections import NewConnection
from eyeflow.workspace.errors import Clash, Forbidden, Invalid, Missing
from eyeflow.workspace.offers import NotAProgram
from eyeflow.workspace.settings import WorkspaceSettings
from workspace.house import ANA, AUD, BOT, EVE, GOODBYE, HELLO, TRIAL, VIC, House

WEATHER = "Send weather to Slack every morning at 9am"
ANSWERS = {"weather.location": "Paris", "message.channel": "#general"}
HOOK = 'TASK hooked\n  TRIGGER webhook("/signup", {email: string})\n\n  ACTION note\n    TYPE log\n    MESSAGE "x"\n'


async def connect(house: House) -> None:
    from eyeflow.store.port import Insert
    from eyeflow.store.records import SecretRecord

    for name, service in (("slack_daily", "slack"), ("weather", "openweather")):
        secret = SecretRecord(name=name, sealed=b"", wrapped=b"", kek="k", created_by="ana", created_ms=0)
        await house.store.write(Insert(secret))
        wanted = NewConnection(name=name, service=service, credential=f"vault:{name}")
        await house.workspace.connections.add(ANA, wanted)


async def test_a_deployed_program_is_signed_with_the_approver_and_is_the_one_that_was_reviewed(house: House):
    view = await house.deploy()
    task = await house.workspace.tasks.get(ANA, "hello")
    assert (task.state, task.version, task.digest) == ("live", 1, view.digest)
    version = (await house.workspace.tasks.versions(ANA, "hello"))[0]
    assert version.current and version.approved_by == "ana" and version.proposal_id == view.id
    row = await house.store.get(VersionRecord, task.id, 1)
    artifact = read_artifact((await house.store.get(ArtifactRecord, row.artifact)).data)
    verify(artifact, Trust((house.key.signer,)))
    assert digest(artifact.program) == view.digest and artifact.envelope.approver == "ana"
    assert house.engine.told == [None]


async def test_the_audit_says_that_it_was_self_approved(house: House):
    await house.deploy()
    rows = await house.store.find(AuditRecord, order=("seq",))
    assert [row.action for row in rows] == ["proposal.created", "proposal.approved", "task.deployed"]
    assert b'"self_approved":true' in rows[1].detail and b'"self_approved":true' in rows[2].detail


async def test_every_change_moves_the_generation(house: House):
    seen = set()
    await house.deploy()
    seen.add((await house.store.get(SettingRecord, "generation")).value)
    await house.workspace.tasks.pause(ANA, "hello")
    seen.add((await house.store.get(SettingRecord, "generation")).value)
    await house.workspace.tasks.resume(ANA, "hello")
    seen.add((await house.store.get(SettingRecord, "generation")).value)
    assert len(seen) == 3


async def test_a_sentence_with_questions_is_not_deployed_and_says_what_to_answer(house: House):
    with pytest.raises(NotAProgram) as stopped:
        await house.deploy(WEATHER)
    assert stopped.value.view.outcome == "questions"
    assert {each.slot for each in stopped.value.view.questions} == {"weather.location", "message.channel"}
    assert await house.store.count(TaskRecord) == 0


async def test_acceptance_23_nothing_goes_live_without_its_accounts(house: House):
    with pytest.raises(Invalid) as stopped:
        await house.deploy(WEATHER, name="weather", answers=ANSWERS)
    assert stopped.value.code == "connect"
    proposed = await house.propose(WEATHER, name="weather", answers=ANSWERS)
    assert proposed.review.missing
    practised = await house.deploy(WEATHER, name="weather", answers=ANSWERS, practice=True)
    assert practised.state == "approved" and (await house.workspace.tasks.get(ANA, "weather")).practice


async def test_a_reference_to_a_secret_that_is_not_there_is_no_credential(house: House):
    await house.workspace.connections.add(
        ANA, NewConnection(name="slack_daily", service="slack", credential="vault:later")
    )
    text = "TASK post\n  TRIGGER manual()\n  ACTION a\n    TYPE connector_call\n    CONNECTOR slack_daily\n"
    text += '    FUNCTION send_message\n    PARAMS {channel: "#x", text: "hi"}\n'
    with pytest.raises(Invalid, match="later") as stopped:
        await house.deploy(text)
    assert stopped.value.code == "connect"


async def test_a_schedule_is_registered_with_the_deploy_and_goes_with_the_task(house: House):
    await connect(house)
    await house.deploy(WEATHER, name="weather", answers=ANSWERS)
    task = await house.workspace.tasks.get(ANA, "weather")
    assert task.accounts == ("slack_daily", "weather")
    rows = await house.store.find(ScheduleRecord)
    assert [row.state for row in rows] == ["live"] and rows[0].next_ms == 1_795_424_400_000
    explained = await house.workspace.explaining.of(VIC, "weather")
    assert [str(each) for each in explained.next_runs] == ["2026-11-23 09:00:00+00:00"]
    await house.workspace.tasks.delete(ANA, "weather")
    assert await house.store.count(ScheduleRecord) == 0 and await house.store.count(UseRecord) == 0


async def test_pausing_stops_its_schedules_and_resuming_counts_from_then(house: House):
    from datetime import timedelta

    await connect(house)
    await house.deploy(WEATHER, name="weather", answers=ANSWERS)
    await house.workspace.tasks.pause(EVE, "weather")
    assert (await house.store.find(ScheduleRecord))[0].state == "paused"
    house.clock.advance(timedelta(days=3))
    await house.workspace.tasks.resume(EVE, "weather")
    row = (await house.store.find(ScheduleRecord))[0]
    assert (row.state, row.next_ms) == ("live", 1_795_424_400_000 + 3 * 86_400_000)


async def test_a_failed_registration_deploys_nothing(house: House):
    await house.deploy(HOOK)
    with pytest.raises(Exception, match="belongs to hooked"):
        await house.deploy(HOOK.replace("hooked", "second"))
    assert await house.workspace.tasks.page(ANA) == (await house.workspace.tasks.get(ANA, "hooked"),)
    assert await house.store.count(VersionRecord) == 1


async def test_a_new_webhook_shows_its_secret_once(house: House):
    first = await house.deploy(HOOK)
    assert len(first.made) == 1 and first.made[0].path.endswith("/signup")
    assert house.keeper.held[first.made[0].name] == first.made[0].secret
    assert (await house.workspace.proposals.get(ANA, first.id)).made == ()
    again = await house.deploy(HOOK.replace('"x"', '"y"'))
    assert again.made == () and await house.store.count(WebhookRecord) == 1


async def test_deploying_again_makes_the_next_version_and_says_what_changed(house: House):
    await house.deploy()
    view = await house.deploy(GOODBYE.replace("goodbye", "hello"))
    compared = view.review.programs[0].compared
    assert compared.compared and not compared.same
    assert any("Goodbye" in change.after for change in compared.changes)
    assert (await house.workspace.tasks.get(ANA, "hello")).version == 2
    same = await house.deploy(GOODBYE.replace("goodbye", "hello"))
    assert same.review.programs[0].compared.same


async def test_rolling_back_runs_the_very_same_artifact_as_a_new_version(house: House):
    first = await house.deploy()
    await house.deploy(GOODBYE)
    view = await house.workspace.tasks.rollback(EVE, "hello", 1)
    assert (view.version, view.digest) == (3, first.digest)
    one, three = [await house.store.get(VersionRecord, view.id, number) for number in (1, 3)]
    assert one.artifact == three.artifact
    with pytest.raises(Missing) as stopped:
        await house.workspace.tasks.rollback(EVE, "hello", 9)
    assert stopped.value.code == "unknown_version"


async def test_what_cannot_run_any_more_is_not_rolled_back_to(house: House):
    await connect(house)
    await house.deploy(WEATHER, name="weather", answers=ANSWERS)
    await house.deploy('TASK weather\n  TRIGGER manual()\n  ACTION a\n    TYPE log\n    MESSAGE "x"\n')
    await house.workspace.connections.remove(ANA, "slack_daily")
    with pytest.raises(Clash, match="slack_daily") as stopped:
        await house.workspace.tasks.rollback(ANA, "weather", 1)
    assert stopped.value.code == "outdated"


async def test_two_deploys_at_once_make_two_versions_or_one_and_a_conflict(house: House):
    await house.deploy()
    texts = [HELLO.replace("Hello", word) for word in ("A", "B", "C", "D")]
    done = await asyncio.gather(*(house.deploy(text) for text in texts), return_exceptions=True)
    won = [each for each in done if not isinstance(each, BaseException)]
    lost = [each for each in done if isinstance(each, BaseException)]
    assert won and all(isinstance(each, Clash) and each.code == "superseded" for each in lost)
    assert (await house.workspace.tasks.get(ANA, "hello")).version == 1 + len(won)
    assert await house.store.count(VersionRecord) == 1 + len(won)


async def test_deleting_frees_the_name_and_keeps_the_history(house: House):
    await house.deploy()
    task = await house.workspace.tasks.get(ANA, "hello")
    await house.workspace.tasks.delete(ANA, "hello")
    for name in ("hello", task.id):
        with pytest.raises(Missing):
            await house.workspace.tasks.get(ANA, name)
    again = await house.deploy()
    assert (await house.workspace.tasks.get(ANA, "hello")).id != task.id
    assert again.review.programs[0].base_version == 0
    assert await house.store.count(VersionRecord) == 2


async def test_deleting_with_cancel_asks_every_run_to_stop(house: House):
    from eyeflow.store.port import Insert

    await house.deploy()
    task = await house.workspace.tasks.get(ANA, "hello")
    for number, status in enumerate(("running", "waiting", "success")):
        row = ExecutionRecord(
            id=f"e{number}", task_id=task.id, task="hello", version=1, digest="d", status=status, created_ms=0
        )
        await house.store.write(Insert(row))
    await house.store.write(Insert(WorkRecord(execution_id="e0", task_id=task.id)))
    await house.workspace.tasks.delete(ANA, "hello", runs="cancel")
    rows = await house.store.find(ExecutionRecord, order=("id",))
    assert [row.cancelling for row in rows] == [True, True, False]
    assert house.engine.cancelled == ["e0"]


async def test_pausing_all_and_resuming_leaves_alone_what_was_paused_before(house: House):
    for name in ("one", "two", "three"):
        await house.deploy(HELLO.replace("TASK hello", f"TASK {name}"))
    await house.workspace.tasks.pause(ANA, "two")
    paused = await house.workspace.tasks.pause_all(ANA)
    assert set(paused.tasks) == {"one", "three"}
    await house.deploy(HELLO.replace("TASK hello", "TASK four"))
    assert (await house.workspace.tasks.get(ANA, "four")).state == "paused"
    resumed = await house.workspace.tasks.resume_all(ANA)
    assert set(resumed.tasks) == {"one", "three", "four"}
    assert (await house.workspace.tasks.get(ANA, "two")).state == "paused"
    assert (await house.workspace.tasks.resume_all(ANA)).tasks == ()


async def test_one_service_can_be_stopped(house: House):
    await connect(house)
    await house.deploy()
    await house.deploy(WEATHER, name="weather", answers=ANSWERS)
    stopped = await house.workspace.tasks.pause_all(ANA, service="openweather")
    assert stopped.tasks == ("weather",)
    assert (await house.workspace.tasks.get(ANA, "hello")).state == "live"


async def test_an_alias_is_another_name_for_the_same_task(house: House):
    await house.deploy()
    await house.workspace.tasks.alias(ANA, "hello", "greeting")
    assert (await house.workspace.tasks.get(VIC, "greeting")).aliases == ("greeting",)
    with pytest.raises(Clash) as stopped:
        await house.workspace.tasks.alias(ANA, "hello", "greeting")
    assert stopped.value.code == "name_taken"
    with pytest.raises(Clash):
        await house.deploy(HELLO.replace("TASK hello", "TASK greeting"))
    await house.workspace.tasks.unalias(ANA, "greeting")
    with pytest.raises(Missing):
        await house.workspace.tasks.get(VIC, "greeting")


@pytest.mark.parametrize(
    "name", ["", "x" * 101, "a b", "a/b", "../x", "a\x00b", "naïve", "undefined", "null", "run", "-a", "1a", "a\n",
             "task_" + "0" * 32, "\ud800"]
)  # fmt: skip
async def test_names_that_mean_something_else_or_nothing_are_refused(house: House, name: str):
    with pytest.raises(Invalid) as stopped:
        await house.deploy("post hi to #general", name=name)
    assert stopped.value.code == "bad_name"
    with pytest.raises(Missing):
        await house.workspace.tasks.get(ANA, name)


async def test_a_program_does_not_rename_a_task(house: House):
    with pytest.raises(Invalid) as stopped:
        await house.deploy(HELLO, name="other")
    assert stopped.value.code == "bad_name"


async def test_who_may_not_deploy_does_not(house: House):
    for who in (VIC, AUD, BOT, Principal(id="r", role="runner"), Principal(id="a", role="approver")):
        with pytest.raises(Forbidden):
            await house.deploy(who=who)
    assert await house.store.count(TaskRecord) == 0


async def test_a_practice_key_deploys_for_practice_only(house: House):
    with pytest.raises(Forbidden):
        await house.deploy(who=TRIAL)
    assert (await house.deploy(who=TRIAL, practice=True)).state == "approved"


async def test_a_key_for_some_tasks_sees_only_these(house: House):
    await house.deploy()
    await house.deploy(HELLO.replace("TASK hello", "TASK other"))
    limited = Principal(id="ci", role="editor", tasks=frozenset({"other"}))
    assert [task.name for task in await house.workspace.tasks.page(limited)] == ["other"]
    with pytest.raises(Missing):
        await house.workspace.tasks.get(limited, "hello")
    with pytest.raises(Missing):
        await house.workspace.tasks.pause(limited, "hello")
    with pytest.raises(Forbidden):
        await house.deploy(who=limited)


async def test_another_person_must_approve_when_the_setting_says_so(house: House):
    await house.workspace.settings.put(ANA, WorkspaceSettings(approval="other"))
    with pytest.raises(Forbidden) as stopped:
        await house.deploy()
    assert stopped.value.code == "self_approval"


async def test_the_artifact_can_be_looked_at(house: House):
    view = await house.deploy()
    shown = await house.workspace.tasks.bytecode(VIC, "hello")
    assert shown.digest == view.digest and shown.approver == "ana" and "greet" in shown.listing


async def test_executions_are_kept_as_long_as_the_settings_say(house: House):
    await house.workspace.settings.put(ANA, WorkspaceSettings(retention_days=7))
    await house.deploy()
    assert (await house.workspace.tasks.get(ANA, "hello")).retention_days == 7
    assert (await house.workspace.tasks.keep(ANA, "hello", None)).retention_days is None


async def test_names_are_found_page_by_page(house: House):
    for name in ("a1", "a2", "b1"):
        await house.deploy(HELLO.replace("TASK hello", f"TASK {name}"))
    first = await house.workspace.tasks.page(ANA, limit=2)
    assert [task.name for task in first] == ["a1", "a2"]
    assert [task.name for task in await house.workspace.tasks.page(ANA, after="a2")] == ["b1"]
    assert [task.name for task in await house.workspace.tasks.page(ANA, text="A")] == ["a1", "a2"]
    assert await house.store.find(TaskRecord, Where("state", "=", "deleted")) == []
