"""Loading: what is refused before step 0, and that the plan's decisions are obeyed."""

from __future__ import annotations

import msgspec
import pytest

from eyeflow.catalog.model import Catalog, Connection, Policy, PolicyRule
from eyeflow.connectors.port import Credential
from eyeflow.connectors.scripted import Script, ScriptedConnector
from eyeflow.errors import CallError, LoadError
from eyeflow.ir.bytecode import write_artifact
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Instruction, TriggerCode
from eyeflow.ir.seal import SigningKey
from eyeflow.ir.task import Webhook
from eyeflow.svm import LocalTasks, Machine, MemoryPublisher, Ports, run_virtual
from eyeflow.values import INTEGER, STRING
from svm.built import (
    CATALOG,
    SLACK_DAILY,
    TRIGGER,
    Build,
    E,
    field,
    fn,
    k,
    machine,
    maybe,
    obj,
    of,
    run,
    sealed,
    with_machine,
)


def refused(artifact, **more) -> str:
    script = Script()

    async def act(machine, clock):
        await machine.run(artifact)

    with pytest.raises(LoadError) as raised:
        with_machine(act, script=script, **more)
    assert script.calls == []
    return raised.value.code


def posting(**binding):
    b = Build()
    return b.program([b.call("post", "slack_daily.send_message", obj(text="hi"), binding=binding)])


def test_acceptance_51_an_edited_or_unauthorised_program_is_refused():
    artifact = sealed(posting())
    data = write_artifact(artifact)
    assert refused(msgspec.structs.replace(artifact, program=artifact.program[:-1] + b"\x00")) == "bad_digest"
    assert refused(artifact, trust=[SigningKey(b"x" * 32).signer]) == "untrusted_signer"
    assert refused(artifact, trust=[]) == "untrusted_signer"
    assert refused(artifact, revoked=frozenset({artifact.digest})) == "revoked"
    assert refused(b"") == "bad_magic"
    assert refused(data[:-1]) in ("invalid_program", "bad_digest")
    assert refused(data + b"x") in ("invalid_program", "bad_digest")


def test_no_flipped_byte_of_an_artifact_runs():
    data = write_artifact(sealed(posting()))
    for at in range(0, len(data), 13):
        flipped = data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :]
        assert refused(flipped) in (
            "bad_magic", "bad_version", "bad_digest", "untrusted_signer", "invalid_program",
        )  # fmt: skip


def test_the_bytes_of_an_artifact_run_as_the_artifact_does():
    async def act(machine, clock):
        return (await machine.run(write_artifact(sealed(posting())))).status

    assert with_machine(act) == "success"


def test_a_catalog_that_changed_is_drift():
    def changed(service):
        return msgspec.structs.replace(service, digest="2") if service.id == "slack_notify" else service

    drifted = Catalog(tuple(changed(s) for s in CATALOG.services))
    assert refused(sealed(posting()), catalog=drifted) == "catalog_drift"
    assert refused(sealed(posting(capability="gone"))) == "catalog_drift"
    assert refused(sealed(posting(credential="env:OTHER"))) == "catalog_drift"
    assert refused(sealed(posting()), catalog=Catalog()) == "unknown_connector"
    assert refused(sealed(posting()), connectors={}) == "unknown_connector"
    assert refused(sealed(posting()), connections=[]) == "unknown_connection"
    other = Connection(name="slack_daily", service="openweather")
    assert refused(sealed(posting()), connections=[other]) == "catalog_drift"


def test_a_service_only_for_other_roles_is_refused():
    def guarded(service):
        return msgspec.structs.replace(service, allow_roles=("owner",)) if service.id == "slack_notify" else service

    catalog = Catalog(tuple(guarded(s) for s in CATALOG.services))
    assert refused(sealed(posting()), catalog=catalog, role="runner") == "not_allowed"
    assert run(posting(), catalog=catalog, role="owner").ok


def test_the_workspace_may_keep_a_capability_for_other_roles():
    rule = PolicyRule("slack_notify", "send_message", ("approver",))
    assert refused(sealed(posting()), policy=Policy((rule,))) == "not_allowed"
    other = PolicyRule("slack_notify", "keyed_send", ("approver",))
    assert run(posting(), policy=Policy((other,))).ok


def test_the_capability_that_serves_many_at_once_is_used_only_by_who_may():
    b = Build()
    reads = [b.call(name, "places.find", obj(name=name)) for name in ("a", "b")]
    together = [
        msgspec.structs.replace(each, do=Instruction(Op.CALL_BESIDE, each.do.dst, each.do.args)) for each in reads
    ]
    program = b.program(together)
    rule = PolicyRule("places", "find_all", ("owner",))
    for policy, role, asked in (
        (Policy(), "runner", ["find_all"]), (Policy((rule,)), "runner", ["find", "find"]),
        (Policy((rule,)), "owner", ["find_all"]),
    ):  # fmt: skip
        places = [{"name": name, "temp": 7} for name in ("a", "b")]
        script = Script.of(returns={"places.find_all": [places], "places.find": places})
        assert run(program, script=script, policy=policy, role=role).ok
        assert [call.function for call in script.calls] == asked, (policy, role)


def test_a_program_that_was_bound_to_a_credential_does_not_run_without_it():
    bound = posting(connection="slack_notify", credential="env:OTHER")
    assert refused(sealed(bound), connections=[]) == "unknown_connection"
    assert run(posting(connection="slack_notify", credential=None), connections=[]).ok


def test_a_step_that_nothing_repeats_may_not_ask_for_more_attempts():
    b = Build()
    program = b.program([b.value("a", k(1), attempts=3)])
    assert refused(sealed(program)) == "invalid_program"


def test_the_record_holds_only_the_profile_fields_that_the_program_reads():
    def kept(expr):
        b = Build()
        program = b.program([b.value("a", expr)])

        async def act(machine, clock):
            return await machine.run(sealed(program), me={"name": "Ada", "email": "ada@example.org"})

        execution = with_machine(act)
        return execution.output, execution.events[0].me

    me = E("r", (2,))
    assert kept(k(1))[1] == {}
    assert kept(field(me, "name"))[1] == {"name": "Ada"}
    assert kept(maybe(me, "nickname"))[1] == {}
    assert kept(fn("TO_JSON", me))[1] == {"name": "Ada", "email": "ada@example.org"}


def test_a_practice_artifact_runs_only_on_a_practice_machine():
    artifact = sealed(posting(), practice=True)
    assert refused(artifact) == "practice_artifact"

    async def act(machine, clock):
        return (await machine.run(artifact)).status

    assert with_machine(act, practice=True) == "success"


@pytest.mark.parametrize("op", ["APPROVAL", "SUBTASK", "EMIT"])
def test_a_program_that_needs_a_port_nobody_gave_is_refused(op):
    b = Build()
    step = {
        "APPROVAL": lambda: b.step("a", Op.APPROVAL, b.constant("owner"), b.block(k("?")), b.constant(1, INTEGER)),
        "SUBTASK": lambda: b.step("a", Op.SUBTASK, b.constant("other"), b.block(obj())),
        "EMIT": lambda: b.step("a", Op.EMIT, b.constant("t"), b.block(k(1))),
    }[op]()
    assert refused(sealed(b.program([step]))) == "missing_port"


def test_uncertain_ask_without_an_approver_is_refused():
    b = Build()
    program = b.program([b.call("post", "slack_daily.send_message", obj(text="x"), uncertain="ask")])
    assert refused(sealed(program)) == "missing_port"


def test_acceptance_33_ready_connects_at_load_and_not_ready_on_the_first_call():
    for ready, at_load in ((True, ["slack_daily"]), (False, [])):
        script = Script()

        async def act(machine, clock, ready=ready, script=script):
            executable = await machine.load(sealed(posting(ready=ready)))
            loaded = list(script.initialized)
            for _ in range(3):
                await machine.run(executable)
            return loaded

        assert with_machine(act, script=script) == at_load
        assert script.initialized == ["slack_daily"], "once per process"


def test_acceptance_34_pool_is_handed_to_the_connector():
    for pool in (1, 8):
        script = Script()
        run(posting(pool=pool), script=script)
        assert script.pools == {"slack_daily": pool}


def test_connectors_are_cleaned_up_on_drain_and_connect_anew_after():
    script = Script()

    async def act(machine, clock):
        executable = await machine.load(sealed(posting()))
        await machine.run(executable)
        await machine.drain()
        cleaned = list(script.cleaned_up)
        await machine.run(executable)
        return cleaned

    assert with_machine(act, script=script) == ["slack_daily"]
    assert script.initialized == ["slack_daily", "slack_daily"]


def test_a_ready_connection_that_cannot_be_made_refuses_the_load():
    class Down(ScriptedConnector):
        async def initialize(self, config):
            raise CallError("transient", "refused", "connection refused")

    cleaned = []

    class Tidy(Down):
        async def cleanup(self):
            cleaned.append(1)

    make = {"scripted": lambda: Tidy(Script())}
    assert refused(sealed(posting()), connectors=make) == "connector_unavailable"
    assert cleaned == [1]
    lazily = run(posting(ready=False), connectors=make)
    assert (lazily.status, lazily.error_code) == ("failed", "refused")


def test_acceptance_45_a_users_own_connector_gets_its_configuration_and_a_credential_resolver():
    seen = {}

    class Own:
        async def initialize(self, config):
            seen["connection"] = config.connection.name
            self._credential = config.credential

        async def call(self, method, params, *, key=None):
            seen["token"] = (await self._credential()).part("token")
            return {"ok": True, "ts": "1"}

        async def cleanup(self):
            seen["cleaned"] = True

    async def credentials(reference):
        return Credential((("token", f"value of {reference}"),))

    connection = msgspec.structs.replace(SLACK_DAILY, credential="env:SLACK")

    async def act(machine, clock):
        execution = await machine.run(sealed(posting(credential="env:SLACK")))
        await machine.drain()
        return execution.status

    status = with_machine(act, connections=[connection], connectors={"scripted": Own}, credentials=credentials)
    assert status == "success"
    assert seen == {"connection": "slack_daily", "token": "value of env:SLACK", "cleaned": True}


def test_a_trigger_filter_decides_which_payloads_pass():
    b = Build()
    where = b.block(fn("EQ", field(TRIGGER, "plan", STRING), k("pro")))
    b.triggers = (TriggerCode(spec=Webhook(path="/signup"), where=where), TriggerCode(spec=Webhook(path="/any")))
    program = b.program([])

    async def act(machine, clock):
        executable = await machine.load(sealed(program))
        return [machine.passes(executable, n, {"plan": p}) for n, p in ((0, "pro"), (0, "free"), (1, "free"))]

    assert with_machine(act) == [True, False, True]


def test_emit_respond_and_log_reach_their_ports_and_the_outcome():
    b = Build()
    emit = b.step("emit", Op.EMIT, b.constant("sales.won"), b.block(obj(amount=5)))
    answer = b.step("answer", Op.RESPOND, b.block(k(201)), b.block(obj(id="7")))
    publisher = MemoryPublisher()
    b.triggers = (TriggerCode(spec=Webhook(path="/order")),)
    execution = run(b.program([emit, answer]), ports=Ports(publisher=publisher))
    assert execution.ok
    assert publisher.published == [("sales.won", {"amount": 5})]
    assert execution.response == (201, {"id": "7"})
    b = Build()
    b.triggers = (TriggerCode(spec=Webhook(path="/order")),)
    steps = [b.step(f"a{n}", Op.RESPOND, -1, b.block(k("x"))) for n in range(2)]
    assert run(b.program(steps)).error_code == "already_responded"


def tasks_machine(script, clock, programs):
    machines: list[Machine] = []
    tasks = LocalTasks(lambda: machines[0], {name: sealed(p) for name, p in programs.items()})
    machines.append(machine(script, clock=clock, ports=Ports(tasks=tasks)))
    return machines[0]


def caller(task: str, target: str):
    b = Build(task)
    step = b.step("sub", Op.SUBTASK, b.constant(target), b.block(obj()))
    return b.program([step], of(step))


def test_a_subtask_runs_and_gives_its_output_and_recursion_is_bounded():
    leaf = Build("leaf").program([], k(42))

    async def main(clock):
        own = tasks_machine(Script(), clock, {"leaf": leaf, "again": caller("again", "again")})
        good = await own.run(sealed(caller("top", "leaf")))
        missing = await own.run(sealed(caller("top", "nobody")))
        endless = await own.run(sealed(caller("top", "again")))
        return good, missing, endless

    good, missing, endless = run_virtual(main)
    assert (good.status, good.output) == ("success", 42)
    assert (missing.status, missing.error_code) == ("failed", "unknown_task")
    assert (endless.status, endless.error_code) == ("failed", "recursion_limit")


def test_run_sync_needs_no_loop():
    own = machine(Script())
    assert own.run_sync(sealed(Build().program([], k("done")))).output == "done"
    assert own.run_sync(sealed(posting())).status == "success"
    assert own.run_sync(sealed(posting())).status == "success"
