"""Reads ahead of their turn, or beside others, in programs made by hand: refused wherever somebody could tell."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from eyeflow.errors import LoadError
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Instruction, Program, RateLimit, Step
from eyeflow.ir.validate import validate
from svm.built import Build, E, fn, items, k, ms, obj, of, run, text

Body = Callable[[Build, E], list[Step]]


def together(step: Step, op: int) -> Step:
    return msgspec.structs.replace(step, do=Instruction(op, step.do.dst, step.do.args))


def find(b: Build, params: E, *, op: int = Op.CALL_AHEAD, name: str = "find", **more: object) -> Step:
    return together(b.call(name, "places.find", params, timeout_ms=200, **more), op)


def looping(body: Body, beside: Callable[[Build], list[Step]] = lambda b: []) -> Program:
    b = Build()
    loop = b.foreach("each", items("a", "b", "c"), lambda item: (body(b, item), None))
    return b.program([loop, *beside(b)])


def problems(program: Program) -> list[tuple[str, str | None, str]]:
    return [(each.code, each.place.path if each.place else None, each.message) for each in validate(program).errors]


def refused(program: Program, told: str) -> None:
    found = problems(program)
    assert found and {code for code, _, _ in found} == {"batch"}
    assert any(told in message for _, _, message in found), found
    with pytest.raises(LoadError) as raised:
        run(program)
    assert raised.value.code == "invalid_program" and told in str(raised.value)


def named(b: Build, item: E) -> E:
    return obj(name=text("place ", item))


def test_what_the_plan_may_have_made_ahead_or_beside_is_valid():
    assert problems(looping(lambda b, item: [find(b, named(b, item))])) == []
    b = Build()
    two = [find(b, obj(name=k(name)), op=Op.CALL_BESIDE, name=f"find_{name}") for name in "xy"]
    assert problems(b.program(two)) == []


def test_a_program_that_says_so_of_a_plain_call_runs_as_if_it_did_not():
    """No loop around it, nothing beside it: it is read alone."""
    for op in (Op.CALL_AHEAD, Op.CALL_BESIDE):
        b = Build()
        program = b.program([find(b, obj(name=k("x")), op=op)])
        assert problems(program) == []
        assert run(program).ok


@pytest.mark.parametrize("op", [Op.CALL_AHEAD, Op.CALL_BESIDE])
def test_what_somebody_could_tell_of_any_read(op: int):
    def loop_of(**more: object) -> Program:
        return looping(lambda b, item: [find(b, named(b, item), op=op, **more)])

    refused(loop_of(when=k(True)), "WHEN")
    refused(loop_of(rate=RateLimit(1, 60_000, True)), "RATE")
    refused(loop_of(binding={"effect": "write", "idempotent": False}), "writes")
    refused(looping(lambda b, item: [find(b, obj(name=text(fn("UUID"))), op=op)]), "each time")


def test_a_read_ahead_must_not_depend_on_its_turn():
    def body(b: Build, item: E) -> list[Step]:
        first = b.value("first", text("place ", item))
        return [first, find(b, obj(name=of(first)), needs=[first])]

    refused(looping(body), "its turn of the loop has computed")


def test_a_loop_that_writes_to_the_service_or_lets_time_pass_reads_in_turn():
    def more(make: Callable[[Build], Step]) -> Program:
        return looping(lambda b, item: [find(b, named(b, item)), make(b)])

    refused(more(lambda b: b.call("note", "places.find", binding={"effect": "write", "idempotent": False})), "written")
    refused(more(lambda b: b.step("tell", Op.EMIT, b.constant("topic"), b.block(k("x")))), "written")
    refused(more(lambda b: b.step("wait", Op.WAIT_FOR, b.block(ms(1_000)))), "time pass")
    limited = RateLimit(1, 1_000, True)
    refused(more(lambda b: b.call("post", "slack_daily.send_message", obj(text=k("x")), rate=limited)), "time pass")
    assert problems(more(lambda b: b.call("post", "slack_daily.send_message", obj(text=k("x"))))) == []


def test_a_write_beside_the_loop_counts_and_one_before_it_does_not():
    def write(b: Build, **more: object) -> Step:
        return b.call("note", "places.find", binding={"effect": "write", "idempotent": False}, **more)

    def reads(b: Build, item: E) -> list[Step]:
        return [find(b, named(b, item))]

    refused(looping(reads, lambda b: [write(b)]), "written")
    b = Build()
    before = write(b)
    loop = b.foreach("each", items("a", "b"), lambda item: (reads(b, item), None), needs=[before])
    assert problems(b.program([before, loop])) == []
    b = Build()
    inner = b.foreach("each", items("a", "b"), lambda item: (reads(b, item), None))
    choice = b.branch("choice", [(k(True), b.scope([inner]))])
    refused(b.program([choice, write(b)]), "written")
