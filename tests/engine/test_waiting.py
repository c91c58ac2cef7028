"""Runs that wait: for time, for people; in memory and out of it; cancelled meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from engine.deployed import asking, engine_on, in_virtual_time, posting, waiting
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import EngineError, Principal, RunRequest
from eyeflow.ir.opcodes import Op
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Update, Where
from eyeflow.store.records import ApprovalRecord, AuditRecord, ExecutionRecord, WorkRecord
from svm.built import Build, k, of
from svm.built import ms as length

LONG_MS = 60_000
APPROVER = Principal(id="bea", role="approver")


def sent(script):
    return [call.params["text"] for call in script.calls]


@pytest.mark.parametrize("ms", [500, 5_000, LONG_MS])
@pytest.mark.parametrize("durable", ["record", "journal"])
def test_a_wait_ends_when_it_should(ms, durable):
    async def main(clock):
        store, script = MemoryStore(), Script()
        async with engine_on(store, waiting(ms=ms, durable=durable), script=script, clock=clock) as engine:
            begun = clock.now()
            first = await engine.run(RunRequest(task="waiting"))
            assert first.status == ("success" if ms == 500 else "waiting")
            result = await engine.end(first.execution_id)
            assert result.status == "success"
            assert sent(script) == ["before", "after"]
            took_ms = (clock.now() - begun).total_seconds() * 1000
            assert ms <= took_ms < ms + 2_500
            assert (await engine.replay(first.execution_id)).equal
            assert (engine.metrics.parked > 0) == (ms == LONG_MS)
            assert await store.count(WorkRecord) == 0

    in_virtual_time(main)


def test_a_long_wait_leaves_memory_and_survives_the_process():
    async def main(clock):
        store, script = MemoryStore(), Script()
        async with engine_on(store, waiting(ms=LONG_MS), script=script, clock=clock) as engine:
            identity = (await engine.run(RunRequest(task="waiting"))).execution_id
            await asyncio.sleep(5)
            assert engine.running == 0
            record = await store.get(ExecutionRecord, identity)
            assert record.status == "waiting"
            assert record.owner is None
            assert (await engine.execution(identity)).wakes_ms == record.wake_ms
        async with engine_on(store, script=script, clock=clock) as engine:
            assert (await engine.end(identity)).status == "success"
        assert sent(script) == ["before", "after"]

    in_virtual_time(main)


@pytest.mark.parametrize("after_s", [0.2, 30])
@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_an_approval_is_given_once(after_s, verdict):
    async def main(clock):
        store, script = MemoryStore(), Script()
        program = asking(expires_ms=3 * 86_400_000)
        async with engine_on(store, program, script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="asking"))
            assert first.status == "waiting"
            (question,) = await store.find(ApprovalRecord)
            assert (question.message, question.role, question.state) == ("May I?", "approver", "open")
            await asyncio.sleep(after_s)
            asked_at = clock.now()
            await engine.decide(question.id, verdict, APPROVER, "fine")
            with pytest.raises(EngineError) as caught:
                await engine.decide(question.id, verdict, APPROVER)
            assert caught.value.code == "already_decided"
            result = await engine.end(first.execution_id)
            assert (clock.now() - asked_at).total_seconds() < 0.3
            assert result.status == ("success" if verdict == "approved" else "failed")
            assert sent(script) == (["approved"] if verdict == "approved" else [])
            assert (await engine.replay(first.execution_id)).equal
            assert [row.action for row in await store.find(AuditRecord)] == [f"approval.{verdict}"]

    in_virtual_time(main)


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (Principal(id="bot", role="owner", agent=True), "forbidden"),
        (Principal(id="ed", role="editor"), "wrong_role"),
        (Principal(id="aud", role="auditor"), "wrong_role"),
    ],
)
def test_only_people_with_the_role_decide(who, code):
    async def main(clock):
        store = MemoryStore()
        async with engine_on(store, asking(), clock=clock) as engine:
            await engine.run(RunRequest(task="asking"))
            (question,) = await store.find(ApprovalRecord)
            with pytest.raises(EngineError) as caught:
                await engine.decide(question.id, "approved", who)
            assert caught.value.code == code
            with pytest.raises(EngineError) as caught:
                await engine.decide(question.id, "sent", APPROVER)
            assert caught.value.code == "bad_input"

    in_virtual_time(main)


def test_an_approval_expires():
    async def main(clock):
        store = MemoryStore()
        async with engine_on(store, asking(expires_ms=LONG_MS), clock=clock) as engine:
            first = await engine.run(RunRequest(task="asking"))
            result = await engine.end(first.execution_id)
            assert (result.status, result.error_code) == ("failed", "approval_expired")
            (question,) = await store.find(ApprovalRecord)
            assert question.state == "expired"
            with pytest.raises(EngineError) as caught:
                await engine.decide(question.id, "approved", APPROVER)
            assert caught.value.code == "approval_expired"

    in_virtual_time(main)


def test_a_verdict_after_the_last_moment_is_refused_also_while_the_question_is_still_open():
    async def main(clock):
        store, script = MemoryStore(), Script()
        async with engine_on(store, asking(expires_ms=LONG_MS), script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="asking"))
            (question,) = await store.find(ApprovalRecord)
            over = int(clock.now().timestamp() * 1000)
            await store.write(Update(ApprovalRecord, (("expires_ms", over),), (Where("id", "=", question.id),)))
            with pytest.raises(EngineError) as caught:
                await engine.decide(question.id, "approved", APPROVER)
            assert caught.value.code == "approval_expired"
            assert (await engine.end(first.execution_id)).status == "failed"
            assert sent(script) == []

    in_virtual_time(main)


def test_of_two_verdicts_at_once_one_counts():
    async def main(clock):
        store = MemoryStore()
        both_looked, looking = asyncio.Event(), 0

        class Together:
            """The store, whose readers of a question go on when both have read it."""

            def __getattr__(self, name):
                return getattr(store, name)

            async def get(self, record, *key):
                nonlocal looking
                found = await store.get(record, *key)
                if record is ApprovalRecord and not both_looked.is_set():
                    looking += 1
                    if looking == 2:
                        both_looked.set()
                    await both_looked.wait()
                return found

        async with (
            engine_on(Together(), asking(), clock=clock) as one,
            engine_on(Together(), clock=clock) as other,
        ):
            await one.run(RunRequest(task="asking"))
            (question,) = await store.find(ApprovalRecord)
            said = await asyncio.gather(
                one.decide(question.id, "approved", APPROVER), other.decide(question.id, "rejected", APPROVER),
                return_exceptions=True,
            )  # fmt: skip
            (refused,) = (each for each in said if isinstance(each, BaseException))
            assert isinstance(refused, EngineError) and refused.code == "already_decided"
            (row,) = await store.find(AuditRecord)
            assert row.action == f"approval.{(await store.find(ApprovalRecord))[0].state}"

    in_virtual_time(main)


def test_an_approval_given_by_another_process_is_noticed():
    async def main(clock):
        store, script = MemoryStore(), Script()
        limits = {"linger_ms": 600_000}
        async with (
            engine_on(store, asking(), script=script, clock=clock, limits=limits) as one,
            engine_on(store, clock=clock) as other,
        ):
            first = await one.run(RunRequest(task="asking"))
            (question,) = await store.find(ApprovalRecord)
            asked_at = clock.now()
            await other.decide(question.id, "approved", APPROVER)
            assert (await other.end(first.execution_id)).status == "success"
            assert (clock.now() - asked_at).total_seconds() < 0.6
            assert one.metrics.ended["success"] == 1

    in_virtual_time(main)


@pytest.mark.parametrize("after_s", [0.1, 20])
def test_a_waiting_run_is_cancelled(after_s):
    async def main(clock):
        store, script = MemoryStore(), Script()
        async with engine_on(store, waiting(ms=LONG_MS), script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="waiting"))
            await asyncio.sleep(after_s)
            result = await engine.cancel(first.execution_id)
            assert result.status == "cancelled"
            assert (await engine.cancel(first.execution_id)).status == "cancelled"
            assert sent(script) == ["before"]
            assert (await engine.replay(first.execution_id)).equal

    in_virtual_time(main)


def test_cancelling_during_an_effect_lets_it_end():
    async def main(clock):
        script = Script.of(takes_ms={"slack_notify.send_message": [500]})
        async with engine_on(None, posting(posts=3, durable="journal"), script=script, clock=clock) as engine:
            queued = await engine.run(RunRequest(task="posting"), wait=False)
            await asyncio.sleep(0.7)
            results = await asyncio.gather(engine.cancel(queued.execution_id), engine.cancel(queued.execution_id))
            assert [result.status for result in results] == ["cancelled"] * 2
            assert sent(script) == ["1", "2"]
            assert (await engine.replay(queued.execution_id)).equal

    in_virtual_time(main)


def test_another_process_cancels():
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms={"slack_notify.send_message": [800]})
        async with (
            engine_on(store, posting(posts=3, durable="journal"), script=script, clock=clock) as one,
            engine_on(store, clock=clock) as other,
        ):
            queued = await one.run(RunRequest(task="posting"), wait=False)
            await asyncio.sleep(0.1)
            assert (await other.cancel(queued.execution_id)).status == "cancelled"
            assert sent(script) == ["1"]

    in_virtual_time(main)


@pytest.mark.parametrize(("verdict", "texts", "status"), [
    ("sent", ["1"], "success"), ("again", ["1", "1"], "success"), ("failed", ["1"], "failed"),
])  # fmt: skip
@pytest.mark.parametrize("after_s", [0.1, 20])
def test_somebody_says_what_became_of_an_uncertain_call(verdict, texts, status, after_s):
    async def main(clock):
        store, script = MemoryStore(), Script.of(fails={"slack_notify.send_message": ["reset", None]})
        program = posting(durable="journal", uncertain="ask")
        async with engine_on(store, program, script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="posting"))
            assert first.status == "waiting"
            await asyncio.sleep(after_s)
            (question,) = await store.find(ApprovalRecord)
            assert question.kind == "uncertain"
            await engine.decide(question.id, verdict, APPROVER)
            result = await engine.end(first.execution_id)
            assert result.status == status
            assert sent(script) == texts
            assert (await engine.replay(first.execution_id)).equal

    in_virtual_time(main)


def test_the_same_place_is_asked_again_when_it_fails_again():
    async def main(clock):
        store, script = MemoryStore(), Script.of(fails={"slack_notify.send_message": ["reset", "reset", None]})
        async with engine_on(store, posting(durable="journal", uncertain="ask"), script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="posting"))
            for _ in range(2):
                await asyncio.sleep(60)
                (question,) = [row for row in await store.find(ApprovalRecord) if row.state == "open"]
                await engine.decide(question.id, "again", APPROVER)
            assert (await engine.end(first.execution_id)).status == "success"
            assert sent(script) == ["1", "1", "1"]

    in_virtual_time(main)


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_what_was_decided_in_time_counts_also_when_nobody_ran_the_run_until_later(verdict):
    async def main(clock):
        store, script = MemoryStore(), Script()
        async with engine_on(store, asking(expires_ms=LONG_MS), script=script, clock=clock) as engine:
            identity = (await engine.run(RunRequest(task="asking"))).execution_id
            (question,) = await store.find(ApprovalRecord)
            await asyncio.sleep(5)
        # A process that only serves people: it has the store, and no run goes on.
        idle = {"sweep_ms": 10_000_000}
        async with engine_on(store, script=script, clock=clock, limits=idle) as engine:
            engine._sweeper.paused = True
            await engine.decide(question.id, verdict, APPROVER)
        await asyncio.sleep(2 * LONG_MS / 1000)
        async with engine_on(store, script=script, clock=clock) as engine:
            result = await engine.end(identity)
            assert result.status == ("success" if verdict == "approved" else "failed")
            assert result.error_code == (None if verdict == "approved" else "approval_refused")
            assert (await engine.replay(identity)).equal

    in_virtual_time(main)


def test_the_longest_of_several_waits_leaves_memory():
    async def main(clock):
        store = MemoryStore()
        b = Build("several")
        b.durable = "journal"
        short = b.step("short", Op.WAIT_FOR, b.block(length(3_000)))
        long = b.step("long", Op.WAIT_FOR, b.block(length(LONG_MS)))
        program = b.program([short, long], k("done"))
        async with engine_on(store, program, clock=clock) as engine:
            identity = (await engine.run(RunRequest(task="several"))).execution_id
            await asyncio.sleep(10)
            assert (await store.get(ExecutionRecord, identity)).owner is None
            assert (await engine.end(identity)).output == "done"
            assert (await engine.replay(identity)).equal

    in_virtual_time(main)


def test_a_place_under_a_rate_is_not_lost():
    async def main(clock):
        b = Build("pinging", deadline_ms=600_000)
        b.durable = "journal"
        ping = b.call("ping", "limited.ping")
        script = Script()
        async with engine_on(None, b.program([ping], of(ping)), script=script, clock=clock) as engine:
            runs = [(await engine.run(RunRequest(task="pinging"), wait=False)).execution_id for _ in range(8)]
            for identity in runs:
                assert (await engine.end(identity)).status == "success"
            assert engine.metrics.parked == 0
            assert script.calls[-1].at_ms < 180_100

    in_virtual_time(main)
