"""Journal and replay: what is on record before what, and the same trace again without the world."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeflow.connectors.scripted import Script, ScriptedConnector
from eyeflow.errors import RunError
from eyeflow.ir.opcodes import Op
from eyeflow.ir.task import Backoff
from eyeflow.svm import MemoryJournal, Ports, ScriptedApprover, run_virtual, wire
from eyeflow.svm.journal import EffectStarted, StepStarted, decode_event, encode_event, event_name, trace_hash
from eyeflow.values import NUMBER
from svm.built import Build, field, fn, items, k, machine, ms, obj, of, run, sealed, with_machine

SEND = "slack_notify.send_message"
READ = "openweather.current_weather"


class SlowJournal(MemoryJournal):
    """A journal whose disk takes a moment."""

    async def append(self, execution_id, events):
        await asyncio.sleep(0.01)
        await super().append(execution_id, events)


class Watching(ScriptedConnector):
    """Remembers what was on record when each call arrived."""

    seen: list[tuple[str, list[str]]]
    journal: MemoryJournal

    async def call(self, method, params, *, key=None):
        kept = [f"{event_name(e)}:{getattr(e, 'action', '')}" for e in self.journal.of("exec_1")]
        self.seen.append((method, kept))
        return await super().call(method, params, key=key)


def watched(durable: str):
    b = Build()
    b.durable = durable
    fetch = b.call("fetch", READ)
    post = b.call("post", "slack_daily.send_message", obj(text="hi"), needs=[fetch])
    last = b.call("last", READ, needs=[post])
    journal = SlowJournal()
    seen: list[tuple[str, list[str]]] = []

    def make():
        connector = Watching(Script())
        connector.seen, connector.journal = seen, journal
        return connector

    execution = run(b.program([fetch, post, last]), connectors={"scripted": make}, journal=journal)
    return execution, journal, seen


def test_durable_journal_has_effect_started_before_a_write_and_effect_finished_before_dependents():
    execution, journal, seen = watched("journal")
    assert execution.ok
    before = dict(seen[1:2])["send_message"]
    assert "effect_finished:fetch" in before
    assert "effect_started:post" in before
    assert "effect_finished:post" not in before
    assert "effect_finished:post" in seen[2][1]
    assert journal.of("exec_1") == execution.events
    assert event_name(execution.events[-1]) == "run_finished"


def test_record_writes_one_batch_at_the_end_before_the_answer():
    execution, journal, seen = watched("record")
    assert [kept for _, kept in seen] == [[], [], []]
    assert len(journal.batches) == 1
    assert journal.of("exec_1") == execution.events


def test_batches_of_parallel_steps_keep_their_order():
    b = Build()
    b.durable = "journal"
    steps = [b.call(f"s{n}", "slack_daily.send_message", obj(text="x")) for n in range(5)]
    journal = SlowJournal()
    execution = run(b.program(steps), journal=journal)
    assert journal.of("exec_1") == execution.events


def everything() -> tuple[object, Script]:
    b = Build(deadline_ms=5_000)
    b.durable = "journal"
    fetch = b.call("fetch", READ, attempts=3, backoff=Backoff("fixed", 100))
    stamp = b.value("stamp", obj(now=fn("NOW"), id=fn("UUID"), other=fn("UUID")))
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(60_000)), needs=[fetch])
    yes = b.step("yes", Op.APPROVAL, b.constant("owner"), b.block(k("go?")), b.constant(60_000, NUMBER), needs=[wait])
    branch = b.branch(
        "choice",
        [(fn("GT", field(of(fetch), "temp", NUMBER), k(10.0)), b.scope([b.value("v", k(1))], k("hot"), label="hot"))],
        needs=[fetch],
    )  # fmt: skip
    loop = b.foreach(
        "each", items("a", "b", "c"),
        lambda item: ([b.call("post", "slack_daily.send_message", obj(text=item))], obj(at=fn("NOW"), id=fn("UUID"))),
        parallel=2, needs=[yes], continue_on_error=True,
    )  # fmt: skip
    spare = b.call("spare", "openweather.anything", backup=b.fallback(obj(spare=fn("UUID"))), timeout_ms=50)
    slow = b.call("slow", "limited.ping", continue_on_error=True, timeout_ms=70)
    result = obj(stamp=of(stamp), choice=of(branch), loop=of(loop), spare=of(spare))
    script = Script.of(
        returns={READ: [{"temp": 20, "summary": "s"}]},
        fails={
            READ: ["unavailable", None],
            SEND: [None, "invalid", None],
            "openweather.anything": ["hang"],
            "limited.ping": ["hang"],
        },
        takes_ms={READ: [20], SEND: [30, 10]},
    )
    return b.program([fetch, stamp, wait, yes, branch, loop, spare, slow], result), script


def replayed(program, events, **more):
    async def main(clock):
        silent = machine(clock=clock, **more)
        execution = await silent.replay(sealed(program), events)
        return execution, asyncio.get_running_loop().time()

    return run_virtual(main)


def exploding():
    raise AssertionError("a replay makes no connector")


def test_replay_gives_the_same_trace_hash_output_and_status_without_the_world():
    program, script = everything()
    journal = MemoryJournal()
    first = run(program, script=script, journal=journal, ports=Ports(approver=ScriptedApprover()))
    assert first.status == "partial_failure"
    stored = [decode_event(encode_event(event)) for event in journal.of("exec_1")]
    assert trace_hash(stored) == first.trace_hash()
    again, took = replayed(
        program, stored, connectors={"scripted": exploding}, ports=Ports(approver=ScriptedApprover())
    )
    assert (again.output, again.status, again.error) == (first.output, first.status, first.error)
    assert again.trace_hash() == first.trace_hash()
    assert took == 0, "nothing waits"


def outcomes():
    yield "deadline", Build(deadline_ms=50), Script.of(takes_ms={READ: [40]}), None
    yield "failure", Build(), Script.of(fails={READ: [None, "invalid", None]}, takes_ms={READ: [40, 30, 20]}), None
    yield "cancelled", Build(), Script.of(takes_ms={READ: [40]}), 0.05
    yield "success", Build(), Script.of(takes_ms={READ: [40]}), None


@pytest.mark.parametrize("case", list(outcomes()), ids=lambda case: case[0])
def test_a_run_that_ended_early_ends_the_same_way_in_its_replay(case):
    name, b, script, cancel_after = case
    one, two = b.call("one", READ), b.call("two", READ)
    three = b.call("three", READ, needs=[one], backup=b.fallback(k("spare")))
    four = b.call("four", READ, needs=[two, three])
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(45)))
    program = b.program([one, two, three, four, wait])

    async def act(machine, clock):
        handle = await machine.start(sealed(program))
        if cancel_after is not None:
            await asyncio.sleep(cancel_after)
            handle.cancel()
        return await handle.finished()

    first = with_machine(act, script=script)
    again, _ = replayed(program, first.events, connectors={"scripted": exploding})
    assert (again.status, again.error, again.failed_action) == (first.status, first.error, first.failed_action)
    assert again.trace_hash() == first.trace_hash()
    assert first.status == {"deadline": "partial_failure", "failure": "partial_failure"}.get(name, name)


class Endless:
    """Tasks that come to no end."""

    async def run(self, task, params, *, parent, execution_id, depth):
        await asyncio.sleep(3_600)


def standing_at_the_deadline(b, way):
    """An action that the deadline finds waiting for what only the record knows of, and what stands in for it."""
    spare = b.fallback(k("spare"))
    if way == "a task":
        return b.step("first", Op.SUBTASK, b.constant("child"), b.block(obj()), backup=spare)
    if way == "a task in a loop":
        return b.foreach(
            "first", items("a"), lambda _: ([b.step("in", Op.SUBTASK, b.constant("child"), b.block(obj()))], None),
            backup=spare,
        )  # fmt: skip
    return b.call("first", READ, attempts=2, backoff=Backoff("fixed", 500), backup=spare)


@pytest.mark.parametrize("way", ["a task", "a task in a loop", "a short pause before the next attempt"])
def test_acceptance_47_a_replay_names_the_action_that_the_deadline_found_at_work(way):
    b = Build(deadline_ms=100)
    first = standing_at_the_deadline(b, way)
    program, ports = b.program([first, b.call("then", READ, needs=[first])]), Ports(tasks=Endless())
    ran = run(program, script=Script.of(fails={READ: ["unavailable"]}), ports=ports)
    assert (ran.error, ran.error_code, ran.failed_action, ran.duration_ms) == ("Timeout exceeded", "deadline", 1, 100)
    again, _ = replayed(program, ran.events, connectors={"scripted": exploding}, ports=ports)
    assert (again.report().failed_action, again.error) == (1, "Timeout exceeded")
    assert again.trace_hash() == ran.trace_hash()


def test_a_journal_of_another_program_or_of_nothing_is_refused():
    b = Build()
    program = b.program([b.value("a", fn("UUID"))])
    other = Build("other")
    first = run(other.program([]))
    for events in ((), first.events[1:], first.events):
        with pytest.raises(RunError) as raised:
            replayed(program, events)
        assert raised.value.code == "bad_journal"


def test_damaged_journal_entries_are_typed_errors():
    good = encode_event(StepStarted(action="a", number=1))
    for data in (
        b"",
        b"\xc1",
        good[:-3],
        wire.pack({"event": "Nonsense"}),
        wire.pack({"event": "StepStarted"}),
        wire.pack(3),
    ):
        with pytest.raises(RunError) as raised:
            decode_event(data)
        assert raised.value.code in ("bad_journal", "type_mismatch")
    assert decode_event(good) == StepStarted(action="a", number=1)


def test_effect_started_has_key_and_request_digest_but_no_parameters():
    b = Build()
    execution = run(b.program([b.call("post", "slack_daily.send_message", obj(text="a secret thing"))]))
    started = next(e for e in execution.events if isinstance(e, EffectStarted))
    assert started.key == "exec_1:post:0"
    assert len(started.request) == 64
    assert b"secret thing" not in encode_event(started)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
    | st.dates() | st.times() | st.timedeltas() | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(values)
def test_values_come_back_from_their_bytes_with_their_types(value):
    back = wire.unpack(wire.pack(value))
    assert back == value
    assert wire.pack(back) == wire.pack(value)
    copy, size = wire.owned(value, 10**9)
    assert copy == value and size > 0


def test_equal_objects_have_equal_bytes_whatever_their_order():
    one = {"a": 1, "b": [date(2026, 1, 1), time(9), timedelta(1), datetime(2026, 1, 1, tzinfo=UTC)]}
    assert wire.digest(one) == wire.digest(dict(reversed(one.items())))
