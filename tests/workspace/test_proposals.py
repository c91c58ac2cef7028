"""What was approved is what runs, whoever tries otherwise."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from eyeflow.engine.model import Principal
from eyeflow.store.port import Update, Where
from eyeflow.store.records import AuditRecord, ProposalRecord, TaskRecord, VersionRecord
from eyeflow.workspace.errors import Clash, Forbidden, Invalid, Missing
from eyeflow.workspace.offers import NotAProgram
from eyeflow.workspace.settings import WorkspaceSettings
from workspace.house import ANA, BO, BOT, CY, EVE, GOODBYE, HELLO, RUN, TRIAL, VIC, House


async def other(house: House, approval: object = "other") -> None:
    await house.workspace.settings.put(ANA, WorkspaceSettings(approval=approval))  # type: ignore[arg-type]


async def test_a_proposal_says_everything_people_need_and_runs_nothing(house: House):
    view = await house.propose()
    said = view.review.programs[0]
    assert view.state == "open" and said.program.digest == view.digest
    assert said.program.readback.text.startswith("When somebody runs it")
    assert said.compared.changes and not said.compared.compared
    assert await house.store.count(TaskRecord) == 0 and house.engine.told == []


async def test_an_approver_makes_it_live(house: House):
    await other(house)
    view = await house.propose()
    done = await house.workspace.proposals.decide(BO, view.id, "approve", digest=view.digest, comment="fine")
    assert done.state == "approved" and not done.self_approved
    assert [(each.principal, each.comment) for each in done.decisions] == [("bo", "fine")]
    row = (await house.store.find(VersionRecord))[0]
    assert (row.approved_by, row.created_by, row.digest) == ("bo", "eve", view.digest)


async def test_under_other_nobody_approves_what_they_wrote_owners_included(house: House):
    await other(house)
    for who in (EVE, ANA):
        view = await house.propose(who=who)
        with pytest.raises(Forbidden) as stopped:
            await house.workspace.proposals.decide(who, view.id, "approve")
        assert stopped.value.code == "self_approval"
    assert await house.store.count(TaskRecord) == 0


async def test_under_self_an_editor_approves_its_own_and_no_other(house: House):
    own, others = await house.propose(), await house.propose(GOODBYE, who=ANA)
    with pytest.raises(Forbidden):
        await house.workspace.proposals.decide(EVE, others.id, "approve")
    done = await house.workspace.proposals.decide(EVE, own.id, "approve")
    assert done.self_approved
    rows = await house.store.find(AuditRecord, Where("action", "=", "proposal.approved"))
    assert b'"self_approved":true' in rows[0].detail


@pytest.mark.parametrize("who", [VIC, RUN, BOT, Principal(id="aud", role="auditor")])
async def test_the_wrong_role_and_every_agent_are_refused(house: House, who: Principal):
    view = await house.propose()
    for verdict in ("approve", "reject"):
        with pytest.raises(Forbidden):
            await house.workspace.proposals.decide(who, view.id, verdict)
    assert (await house.workspace.proposals.get(ANA, view.id)).state == "open"


async def test_an_agent_may_propose(house: House):
    view = await house.propose(who=BOT)
    assert view.created_by == "bot"
    assert (await house.workspace.proposals.decide(ANA, view.id, "approve")).state == "approved"


async def test_as_many_people_as_the_setting_says_and_nobody_twice(house: House):
    await other(house, 2)
    view = await house.propose()
    once = await house.workspace.proposals.decide(BO, view.id, "approve")
    twice = await house.workspace.proposals.decide(BO, view.id, "approve")
    assert once.state == twice.state == "open" and len(twice.decisions) == 1
    assert (await house.workspace.proposals.decide(CY, view.id, "approve")).state == "approved"
    assert (await house.store.find(VersionRecord))[0].approved_by == "bo, cy"


async def test_a_setting_made_stricter_holds_for_what_is_open(house: House):
    view = await house.propose()
    await other(house, 2)
    with pytest.raises(Forbidden):
        await house.workspace.proposals.decide(EVE, view.id, "approve")
    assert (await house.workspace.proposals.decide(BO, view.id, "approve")).state == "open"


async def test_a_setting_made_looser_does_not_loosen_what_is_open(house: House):
    await other(house)
    view = await house.propose()
    await house.workspace.settings.put(ANA, WorkspaceSettings(approval="self"))
    with pytest.raises(Forbidden):
        await house.workspace.proposals.decide(EVE, view.id, "approve")


async def test_two_approvals_at_once_deploy_once(house: House):
    await other(house)
    view = await house.propose()
    done = await asyncio.gather(
        *(house.workspace.proposals.decide(who, view.id, "approve") for who in (BO, CY, ANA)), return_exceptions=True
    )
    assert await house.store.count(VersionRecord) == 1
    assert sum(not isinstance(each, BaseException) for each in done) >= 1
    assert all(isinstance(each, Clash) and each.code == "not_open" for each in done if isinstance(each, BaseException))


async def test_the_two_that_are_needed_may_come_at_once(house: House):
    await other(house, 2)
    view = await house.propose()
    await asyncio.gather(
        *(house.workspace.proposals.decide(who, view.id, "approve") for who in (BO, CY)), return_exceptions=True
    )
    assert (await house.workspace.proposals.get(ANA, view.id)).state == "approved"
    assert await house.store.count(VersionRecord) == 1


async def test_approve_and_reject_at_once_end_in_one_of_them(house: House):
    await other(house)
    view = await house.propose()
    await asyncio.gather(
        house.workspace.proposals.decide(BO, view.id, "approve"),
        house.workspace.proposals.decide(CY, view.id, "reject"),
        return_exceptions=True,
    )
    state = (await house.workspace.proposals.get(ANA, view.id)).state
    assert (state == "approved") == (await house.store.count(TaskRecord) == 1)


async def test_a_verdict_on_another_digest_than_the_one_read_is_refused(house: House):
    view = await house.propose()
    with pytest.raises(Clash) as stopped:
        await house.workspace.proposals.decide(ANA, view.id, "approve", digest="0" * 64)
    assert stopped.value.code == "digest_mismatch"


async def test_a_program_changed_behind_the_proposal_is_never_deployed(house: House):
    view, swapped = await house.propose(), await house.propose(GOODBYE)
    bad = (await house.store.get(ProposalRecord, swapped.id)).program
    await house.store.write(Update(ProposalRecord, (("program", bad),), (Where("id", "=", view.id),)))
    with pytest.raises(Clash) as stopped:
        await house.workspace.proposals.decide(ANA, view.id, "approve")
    assert stopped.value.code == "digest_mismatch"
    assert await house.store.count(TaskRecord) == 0


async def test_a_proposal_whose_task_moved_on_is_superseded(house: House):
    first, second = await house.propose(), await house.propose(GOODBYE)
    await house.workspace.proposals.decide(ANA, first.id, "approve")
    with pytest.raises(Clash) as stopped:
        await house.workspace.proposals.decide(ANA, second.id, "approve")
    assert stopped.value.code == "superseded"
    assert (await house.workspace.proposals.get(ANA, second.id)).state == "superseded"
    assert (await house.workspace.tasks.get(ANA, "hello")).digest == first.digest


async def test_a_proposal_for_a_task_that_was_deleted_and_made_anew_is_superseded(house: House):
    await house.deploy()
    view = await house.propose(GOODBYE)
    await house.workspace.tasks.delete(ANA, "hello")
    await house.deploy()
    with pytest.raises(Clash):
        await house.workspace.proposals.decide(ANA, view.id, "approve")


async def test_rejecting_ends_it(house: House):
    view = await house.propose()
    done = await house.workspace.proposals.decide(BO, view.id, "reject", comment="no\x00 thanks")
    assert done.state == "rejected" and done.decisions[0].comment == "no  thanks"
    again = await house.workspace.proposals.decide(BO, view.id, "reject")
    assert again == done
    with pytest.raises(Clash) as stopped:
        await house.workspace.proposals.decide(ANA, view.id, "approve")
    assert stopped.value.code == "not_open"


async def test_an_author_may_withdraw_and_another_editor_may_not_reject(house: House):
    view = await house.propose()
    with pytest.raises(Forbidden):
        await house.workspace.proposals.decide(Principal(id="ed", role="editor"), view.id, "reject")
    assert (await house.workspace.proposals.decide(EVE, view.id, "reject")).state == "rejected"


async def test_a_request_that_is_several_tasks_goes_live_as_a_whole(house: House):
    text = 'Every day at 9am post "a" to #general and every Friday at 5pm post "b" to #general'
    try:
        view = await house.deploy(text, name="both", practice=True)
    except NotAProgram as asked:
        pytest.skip(f"this is not read as two tasks: {asked.view.outcome}")
    names = [task.name for task in await house.workspace.tasks.page(ANA)]
    assert names == [each.program.task for each in view.review.programs]
    if len(names) > 1:
        rows = [await house.store.get(VersionRecord, t.id, 1) for t in await house.workspace.tasks.page(ANA)]
        assert [row.request for row in rows] == ["", "both"]
        shorter = await house.propose('Every day at 9am post "a" to #general', name="both", practice=True)
        assert "left_over" in [found.code for found in shorter.review.findings]


async def test_ids_that_are_none_are_not_found(house: House):
    for name in ("", "undefined", "null", "prop_" + "0" * 32, "x" * 5000, "\x00", "é", "../x"):
        with pytest.raises(Missing):
            await house.workspace.proposals.get(ANA, name)


async def test_hostile_requests_are_answered_not_run(house: House):
    for text in ("", " ", "\x00", "{{7*7}}", "x" * 20_000, "TASK " + "a" * 500_000, "\ud800", "TASK x\n" * 20_000):
        with pytest.raises(Invalid):
            await house.deploy(text)
    with pytest.raises(Invalid):
        await house.deploy("[" * 100_000, language="intent")
    with pytest.raises(Invalid):
        await house.workspace.proposals.decide(ANA, (await house.propose()).id, "approve", comment="x" * 3000)


async def test_an_intent_cannot_carry_text_into_the_program_that_is_not_shown(house: House):
    sneaky = {
        "text": "log it", "outcome": "program", "trigger": {"type": "manual"},
        "actions": [{"id": 'a"\n  ACTION evil\n    TYPE log\n    MESSAGE "x', "value": "1"}],
    }  # fmt: skip
    with pytest.raises(NotAProgram) as stopped:
        await house.deploy(msgspec.json.encode(sneaky).decode(), language="intent")
    assert stopped.value.view.outcome == "errors"
    plain = msgspec.json.encode({**sneaky, "actions": [{"id": "a", "value": "1"}]}).decode()
    view = await house.deploy(plain, language="intent", name="counted")
    assert view.state == "approved" and view.language == "intent"


async def test_proposals_are_listed_by_state_the_newest_first(house: House):
    from datetime import timedelta

    made = []
    for name in ("one", "two", "three"):
        made.append(await house.propose(HELLO.replace("TASK hello", f"TASK {name}")))
        house.clock.advance(timedelta(seconds=1))
    await house.workspace.proposals.decide(ANA, made[1].id, "approve")
    listed = await house.workspace.proposals.page(VIC)
    assert [each.task for each in listed] == ["three", "one"]
    after = (listed[0].created_ms, listed[0].id)
    assert [each.task for each in await house.workspace.proposals.page(VIC, after=after)] == ["one"]
    assert [each.task for each in await house.workspace.proposals.page(VIC, state="approved")] == ["two"]


async def test_practice_does_not_take_the_place_of_what_runs_for_real(house: House):
    """Otherwise whoever may practise could switch off what others approved."""
    await house.deploy()
    for who in (EVE, TRIAL):
        with pytest.raises(Clash) as stopped:
            await house.deploy(GOODBYE, who=who, practice=True)
        assert stopped.value.code == "name_taken"
    assert (await house.workspace.tasks.get(ANA, "hello")).practice is False


DAILY = """TASK daily
  TRIGGER schedule(09:00, daily, "UTC")

  ACTION note
    TYPE log
    MESSAGE "Stand-up"
"""


async def test_a_change_in_words_is_shown_against_what_runs_and_waits(house: House):
    await house.deploy(DAILY)
    view = await house.propose("", name="daily", change="make it 10am instead", who=ANA)
    (said,) = view.review.programs
    assert view.state == "open"
    assert [each.text for each in said.compared.changes] == [
        "it starts every day at 10:00 (UTC), no longer every day at 09:00 (UTC)"
    ]
    running = await house.store.find(VersionRecord)
    assert [row.number for row in running] == [1]
    await house.workspace.proposals.decide(ANA, view.id, "approve", digest=view.digest)
    newest = max(await house.store.find(VersionRecord), key=lambda row: row.number)
    assert (newest.number, "10:00" in newest.ir, newest.language) == (2, True, "ir")


@pytest.mark.parametrize(
    ("change", "outcome"), [("at 5", "questions"), ("make it purple", "refused"), ("x" * 5000, "refused")]
)
async def test_a_change_that_is_open_or_not_understood_keeps_nothing(house: House, change: str, outcome: str):
    await house.deploy(DAILY)
    with pytest.raises(NotAProgram) as stopped:
        await house.propose("", name="daily", change=change, who=ANA)
    assert stopped.value.view.outcome == outcome
    assert await house.store.count(ProposalRecord) == 1
    if outcome == "questions":
        view = await house.propose("", name="daily", change=change, answers={"trigger.time": "the second"}, who=ANA)
        assert "17:00" in view.review.programs[0].program.readback.text


async def test_a_change_is_made_to_a_task_that_runs(house: House):
    with pytest.raises(Missing):
        await house.propose("", name="nobody", change="make it 10am", who=ANA)
