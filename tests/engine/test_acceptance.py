"""Statements of the acceptance list that the engine answers for."""

from __future__ import annotations

import pytest

from engine.deployed import SEND, deploy, engine_on, in_virtual_time, posting, world
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import RunRequest
from eyeflow.errors import LoadError
from eyeflow.ir.seal import SigningKey
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Update, Where
from eyeflow.store.records import ArtifactRecord, ExecutionRecord
from svm.built import Build, k, obj, of


def test_acceptance_21_a_rate_holds_for_all_runs_of_a_connection():
    async def main(clock):
        b = Build("pinging", deadline_ms=600_000)
        ping = b.call("ping", "limited.ping")
        program = b.program([ping], of(ping))
        script = Script()
        async with engine_on(None, program, script=script, clock=clock) as engine:
            for _ in range(6):
                first = await engine.run(RunRequest(task="pinging"))
                await engine.end(first.execution_id)
            times = [call.at_ms for call in script.calls]
            assert len(times) == 6
            for begin, end in zip(times, times[2:], strict=False):
                assert end - begin >= 60_000

    in_virtual_time(main)


def test_acceptance_48_the_second_of_three_actions_fails():
    async def main(clock):
        script = Script.of(fails={"slack_notify.send_message": [None, "invalid"]})
        async with engine_on(None, posting(posts=3), script=script, clock=clock) as engine:
            result = await engine.run(RunRequest(task="posting"))
            assert (result.status, result.completed_actions, result.failed_action) == ("partial_failure", 1, 2)
            assert not result.fallback_executed
            detail = await engine.execution(result.execution_id)
            assert detail.result == result
            lines = (await engine.timeline(result.execution_id)).lines
            assert [line.state for line in lines] == ["completed", "failed", "skipped"]
            assert len(script.calls) == 2

    in_virtual_time(main)


def test_acceptance_49_a_fallback_or_the_error():
    async def main(clock):
        b = Build("backed")
        one = b.call("one", SEND, obj(text="x"), backup=b.fallback(k("instead")))
        backed = b.program([one], of(one))
        script = Script.of(fails={"slack_notify.send_message": ["invalid"]})
        async with engine_on(None, backed, posting(), script=script, clock=clock) as engine:
            result = await engine.run(RunRequest(task="backed"))
            assert (result.status, result.output, result.fallback_executed) == ("success", "instead", True)
            result = await engine.run(RunRequest(task="posting"))
            assert (result.status, result.error_code, result.fallback_executed) == ("failed", "invalid", False)

    in_virtual_time(main)


@pytest.mark.parametrize("how", ["edited", "unsigned", "revoked", "drifted"])
async def test_acceptance_51_a_program_that_is_not_the_approved_one_is_refused(how):
    store, script, more = MemoryStore(), Script(), {}
    task = await deploy(store, posting())
    (held,) = await store.find(ArtifactRecord)
    if how == "edited":
        data = held.data.replace(b"posting", b"pasting")
        await store.write(Update(ArtifactRecord, (("data", data),), (Where("id", "=", held.id),)))
    elif how == "unsigned":
        more = {"trust": (SigningKey(b"x" * 32).signer,)}
    elif how == "revoked":
        more = {"revoked": frozenset((task.digest,))}
    else:
        more = {"catalog": world().catalog.__class__()}
    async with engine_on(store, world=world(script, **more)) as engine:
        with pytest.raises(LoadError) as caught:
            await engine.run(RunRequest(task="posting"))
        expected = {"edited": "bad_digest", "unsigned": "untrusted_signer", "revoked": "revoked",
                    "drifted": "unknown_connector"}  # fmt: skip
        assert caught.value.code == expected[how]
        assert script.calls == []
        assert await store.count(ExecutionRecord) == 0
