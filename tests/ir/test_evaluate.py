"""Blocks as closures: what expressions are worth at run time, how data meets types, and what a budget stops."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from eyeflow.errors import RunError
from eyeflow.ir.check import check_expression
from eyeflow.ir.evaluate import Blocks, Frame, Meter, closure, expecter, expression_closure, reader
from eyeflow.ir.evaluate.operations import HANDLERS
from eyeflow.ir.functions import TABLE as FUNCTIONS
from eyeflow.ir.opcodes import TABLE, Op
from eyeflow.ir.program import INPUT, NOW, CodeBlock, Instruction, Program
from eyeflow.ir.text import parse_expression
from eyeflow.values import (
    BYTES,
    DATE,
    DURATION,
    INTEGER,
    JSON,
    NUMBER,
    STRING,
    TIMESTAMP,
    Field,
    ListOf,
    MapOf,
    ObjectOf,
    Type,
    Value,
    nullable,
)
from ir.oracle import Oracle
from ir.programs import EVERYTHING, WEATHER, context, program_of, value_task

AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


def recorded(name: str) -> Value:
    return AT if name == "NOW" else "uuid-1"


def frame_of(program: Program, given: Value = None, operations: int = 1_000_000) -> Frame:
    frame = Frame.of(program.registers, Meter(operations, recorded))
    frame[INPUT] = given if given is not None else {}
    frame[NOW] = AT
    return frame


def worth(expression: str, inputs: str = "", given: Value = None, operations: int = 1_000_000) -> Value:
    """What `RETURN expression` gives."""
    program = program_of(value_task(expression, inputs))
    frame = frame_of(program, given, operations)
    return closure(program, program.scopes[program.root].result)(frame)


def error_of(expression: str, inputs: str = "", given: Value = None, operations: int = 1_000_000) -> str:
    with pytest.raises(RunError) as failed:
        worth(expression, inputs, given, operations)
    return failed.value.code


def test_every_operation_has_a_handler_or_is_an_effect():
    assert set(HANDLERS) == {row.number for row in TABLE if row.pure}
    assert all(hasattr(Oracle, f"do_{row.name.lower()}") for row in TABLE if row.pure)


ROWS = "rows list<object{id: string, n?: integer<cents>, at?: timestamp, tags: list<string>}>"
GIVEN: Value = {
    "rows": [
        {"id": "a", "n": 700, "at": "2026-01-02T00:00:00Z", "tags": ["vip"]},
        {"id": "b", "n": 300, "at": "2026-03-01T12:00:00+02:00", "tags": []},
        {"id": "c", "tags": ["vip", "new"]},
    ]
}


@pytest.mark.parametrize(
    ("expression", "inputs", "given", "expected"),
    [
        ("ADD(1, 2)", "", None, 3),
        ('"{input.a} and {input.b}"', "a string\nb number", {"a": "x", "b": 2.50}, "x and 2.5"),
        ("FILTER(input.rows, r, GT(COALESCE(r.n, 0), 5 usd))", ROWS, GIVEN, [GIVEN["rows"][0]]),  # type: ignore[index]
        ('MAP(SORT_BY(input.rows, r, COALESCE(r.n, 0), "desc"), r, r.id)', ROWS, GIVEN, ["a", "b", "c"]),
        ('JOIN(MAP(input.rows, r, r.at), " ")', ROWS, GIVEN, "2026-01-02T00:00:00Z 2026-03-01T10:00:00Z"),
        ("SUM(input.rows, r, COALESCE(r.n, 0))", ROWS, GIVEN, 1000),
        ("input.rows.1.id", ROWS, GIVEN, "b"),
        ("input.rows.9.id", ROWS, GIVEN, None),
        ("COUNT(FILTER(input.rows, r, CONTAINS(r.tags, \"vip\")))", ROWS, GIVEN, 2),
        ('IF(AND(IS_NULL(input.x), OR(false, true)), "none", "some")', "x string?", {"x": None}, "none"),
        ("COALESCE(input.x, input.y, 7)", "x integer?\ny integer?", {"x": None, "y": None}, 7),
        ("GT(input.t, 86 fahrenheit)", "t number<celsius>", {"t": 31}, True),
        ("GT(input.t, 86 fahrenheit)", "t number<celsius>", {"t": 30}, False),
        ("input.data.a.0.b", "data json", {"data": {"a": [{"b": 5}]}}, 5),
        ("input.data.a.b.c", "data json", {"data": {"a": 5}}, None),
        ("UPPER(input.x)", "x string?", {"x": None}, None),
        ("DATE_ADD(input.d, 3 days)", "d date", {"d": "2026-02-27"}, date(2026, 3, 2)),
        ('FORMAT_DATE(NOW(), "YYYY-MM-DD HH:mm")', "", None, "2026-11-23 08:30"),
        ('EQ(input.d, "2026-11-23")', "d date", {"d": "2026-11-23"}, True),
        ("now", "", None, AT),
        ("UUID()", "", None, "uuid-1"),
        ("input.x", "x integer DEFAULT 3", {"x": 3}, 3),
        ("{a: [1, input.x], b: null}", "x integer", {"x": 2}, {"a": [1, 2], "b": None}),
        ("GROUP_BY(input.l, i, MOD(i, 2))", "l list<integer>", {"l": [1, 2, 3]},
         [{"key": 1, "items": [1, 3]}, {"key": 0, "items": [2]}]),
        ("MAP(input.l, i, MAP(input.l, j, MUL(i, j)))", "l list<integer>", {"l": [1, 2]}, [[1, 2], [2, 4]]),
        ('IN(input.s, ["a", "b"])', "s string", {"s": "b"}, True),
        ("EQ(input.s, input.data.s)", "s string\ndata json", {"s": "b", "data": {"s": "b"}}, True),
    ],
)  # fmt: skip
def test_expressions_are_worth_what_they_say(expression, inputs, given, expected):
    found = worth(expression, inputs, given)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "inputs", "given", "code"),
    [
        ("input.a", "a string", {}, "missing_field"),
        ("input.a", "a string", {"a": None}, "type_mismatch"),
        ("input.a", "a string", {"a": 5}, "type_mismatch"),
        ("input.a", "a integer", {"a": 1.5}, "type_mismatch"),
        ("input.a", "a integer", {"a": True}, "type_mismatch"),
        ("input.a", "a number", {"a": float("nan")}, "type_mismatch"),
        ("input.a", "a date", {"a": "tomorrow"}, "type_mismatch"),
        ("input.a", "a list<string>", {"a": ["x", 1]}, "type_mismatch"),
        ("input.a.b", "a object{b: string}", {"a": []}, "type_mismatch"),
        ("input.a.b", "a object{b: string}", {"a": {}}, "missing_field"),
        ("MAP(input.rows, r, r.id)", ROWS, {"rows": [{"n": 1}]}, "missing_field"),
        ("DIV(1, input.a)", "a integer", {"a": 0}, "evaluation"),
        ("ADD(input.a.b, 1)", "a json", {"a": {"b": "x"}}, "type_mismatch"),
        ("MAP(input.a, x, x.y)", "a json", {"a": 5}, "type_mismatch"),
        ("TO_NUMBER(input.a)", "a string", {"a": "many"}, "evaluation"),
    ],
)
def test_what_cannot_be_is_a_typed_error(expression, inputs, given, code):
    assert error_of(expression, inputs, given) == code


def test_fields_nobody_reads_are_not_checked():
    given = {"rows": [{"id": "a", "n": "not a number", "tags": None}]}
    assert worth("MAP(input.rows, r, r.id)", ROWS, given) == ["a"]


def test_only_the_chosen_side_is_computed():
    given = {"a": 0}
    assert worth("IF(EQ(input.a, 0), 0, DIV(1, input.a))", "a integer", given) == 0
    assert worth("AND(NE(input.a, 0), GT(DIV(1, input.a), 0))", "a integer", given) is False
    assert worth("OR(EQ(input.a, 0), GT(DIV(1, input.a), 0))", "a integer", given) is True


def test_a_budget_counts_items_before_the_first_body_runs():
    many: Value = {"l": list(range(10_000))}
    assert worth("COUNT(FILTER(input.l, i, GT(i, 5)))", "l list<integer>", many) == 9_994
    assert error_of("COUNT(FILTER(input.l, i, GT(i, 5)))", "l list<integer>", many, 5_000) == "operation_limit"


def test_work_on_large_values_is_counted():
    given: Value = {"l": list(range(3_000))}
    nested = "COUNT(FILTER(input.l, i, IN(i, input.l)))"
    assert error_of(nested, "l list<integer>", given, 100_000) == "operation_limit"
    text: Value = {"s": "x" * 100_000, "l": list(range(10_000))}
    assert error_of('MAP(input.l, i, "{input.s}{i}")', "s string\nl list<integer>", text) == "operation_limit"


def test_text_without_end_is_an_output_limit():
    given: Value = {"s": "x" * 3_000_000}
    assert error_of('"{input.s}{input.s}"', "s string", given, 10**9) == "output_limit"


def test_a_budget_is_shared_by_the_frames_of_a_run():
    program = program_of(value_task("ADD(input.a, 1)", "a integer"))
    code = closure(program, program.scopes[program.root].result)
    frame = frame_of(program, {"a": 1}, operations=5)
    child = frame.child()
    assert code(frame) == 2
    with pytest.raises(RunError, match="operation_limit"):
        code(child)


def test_a_childs_registers_are_its_own():
    frame = Frame.of(6, Meter(1, recorded))
    frame[4] = "outside"
    child = frame.child()
    child[5] = "inside"
    assert child[4] == "outside"
    assert frame[5] is None


@pytest.mark.parametrize(
    ("of", "value", "expected"),
    [
        (INTEGER, 3.0, 3),
        (NUMBER, 3, 3),
        (NUMBER, 2**60, float(2**60)),
        (STRING, "", ""),
        (BYTES, "aGk=", b"hi"),
        (DATE, "2026-11-23", date(2026, 11, 23)),
        (TIMESTAMP, "2026-07-01T12:00:00", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        (TIMESTAMP, 1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (DURATION, "PT1H30M", timedelta(minutes=90)),
        (DURATION, "-P1D", timedelta(days=-1)),
        (DURATION, 1500, timedelta(seconds=1.5)),
        (nullable(DATE), None, None),
        (MapOf(INTEGER), {"a": 2.0}, {"a": 2}),
        (ListOf(ListOf(DATE)), [["2026-01-01"]], [[date(2026, 1, 1)]]),
    ],
)
def test_data_reads_as_its_type(of: Type, value: Value, expected: Value):
    for build in (reader, expecter):
        read = build(of, PARIS, "it")
        assert read is not None
        assert read(value) == expected
        assert type(read(value)) is type(expected)


@pytest.mark.parametrize(
    ("of", "value"),
    [
        (DATE, "2026-13-01"), (DATE, 5), (DURATION, "P"), (DURATION, "PT"), (DURATION, "P1M"), (DURATION, 10**30),
        (TIMESTAMP, "x" * 10_000), (TIMESTAMP, 10**30), (TIMESTAMP, "0001-01-01T00:00:00"), (BYTES, "a"),
        (NUMBER, 10**400), (NUMBER, float("inf")), (INTEGER, float("nan")), (STRING, None), (ListOf(STRING), "abc"),
    ],
)  # fmt: skip
def test_data_of_another_type_is_refused(of: Type, value: Value):
    read = expecter(of, PARIS, "it")
    assert read is not None
    with pytest.raises(RunError) as refused:
        read(value)
    assert refused.value.code == "type_mismatch"
    assert len(str(refused.value)) < 200


def test_a_typed_place_checks_all_the_way_down_and_names_the_field():
    shape = ObjectOf(
        (
            Field("channel", STRING, pattern="^#", max_length=5),
            Field("kind", STRING, required=False, enum=("a", "b")),
            Field("when", TIMESTAMP, required=False),
            Field("extra", JSON, required=False),
        )
    )
    read = expecter(shape, PARIS, "params")
    assert read is not None
    assert read({"channel": "#x", "other": 1}) == {"channel": "#x", "other": 1}
    assert read({"channel": "#x", "when": "2026-01-01T00:00:00Z"})["when"] == datetime(2026, 1, 1, tzinfo=UTC)  # type: ignore[index, call-overload]
    for value, said in [
        ({}, "channel"), ({"channel": "x"}, "channel"), ({"channel": "#toolong"}, "channel"),
        ({"channel": "#x", "kind": "c"}, "kind"), ({"channel": "#x", "when": "later"}, "when"),
        ({"channel": "#\ud800"}, "channel"),
    ]:  # fmt: skip
        with pytest.raises(RunError, match=said):
            read(value)


ZONE = ZoneInfo("UTC")


def formula(text: str, types: dict[str, Type]) -> object:
    expr, report = parse_expression(text)
    assert expr is not None, report
    checked, report = check_expression(expr, types, context())
    assert checked is not None, report
    return expression_closure(checked, tuple(types), ZONE, types)


def test_catalog_expressions_are_functions_of_their_names():
    ok = formula("EQ(body.ok, true)", {"status": INTEGER, "body": JSON})
    assert ok(200, {"ok": True}) is True  # type: ignore[operator]
    assert ok(200, {"ok": False}) is False  # type: ignore[operator]
    assert ok(200, None) is False  # type: ignore[operator]
    result = formula("{id: body.data.0.id, n: params.n}", {"body": JSON, "params": ObjectOf((Field("n", INTEGER),))})
    assert result({"data": [{"id": 7}]}, {"n": 3}) == {"id": 7, "n": 3}  # type: ignore[operator]
    clock = formula("NOW()", {})
    with pytest.raises(RunError):
        clock()  # type: ignore[operator]


def test_temporaries_used_twice_or_out_of_order_are_computed_once_and_in_order():
    program = program_of(value_task("SUB(MUL(input.a, 2), MUL(input.b, 3))", "a integer\nb integer"))
    index = program.scopes[program.root].result
    block = program.blocks[index]
    *code, last = block.code
    function, one, other = last.args
    for args, expected in (((one, other), -10), ((other, one), 10), ((one, one), 0)):
        changed = list(program.blocks)
        changed[index] = CodeBlock((*code, Instruction(last.op, last.dst, (function, *args))), block.result)
        edited = replace(program, blocks=tuple(changed))
        assert closure(edited, index)(frame_of(edited, {"a": 1, "b": 4})) == expected


def test_a_long_chain_of_operations_does_not_use_up_the_stack():
    program = program_of(value_task("ADD(input.a, 1)", "a integer"))
    index = program.scopes[program.root].result
    block = program.blocks[index]
    code, register = list(block.code), block.result
    add, one = code[-1], code[-2]
    for _ in range(5_000):
        code.append(Instruction(Op.APPLY, register + 1, (add.args[0], register, one.dst)))
        register += 1
    blocks = (*program.blocks[:index], CodeBlock(tuple(code), register))
    other = replace(program, blocks=blocks, registers=register + 1)
    assert closure(other, index)(frame_of(other, {"a": 0})) == 5_001


AGREE = [
    ('"{input.t} {input.l} {input.o}"', "t string\nl list<integer>\no object{a?: integer, b: string}"),
    ("MAP(FILTER(input.l, i, GT(i, 2)), i, ADD(i, COALESCE(input.o.a, 1)))", "l list<integer>\no object{a?: integer}"),
    ('IF(AND(GT(LEN(input.t), 1), NOT(CONTAINS(input.t, "x"))), input.j.a.b, input.j.0)', "t string\nj json"),
    ("EQ(input.j.a, input.t)", "t string\nj json"),
    ("DIV(SUM(input.l), COUNT(input.l))", "l list<integer>"),
    ("SORT_BY(input.j, x, x.a)", "j json"),
    ("MERGE({n: input.o.b}, {m: UPPER(input.t)})", "t string\no object{a?: integer, b: string}"),
]
PLAIN = st.none() | st.booleans() | st.integers(-5, 5) | st.text("xyz", max_size=3) | st.floats(-3, 3)
ANY = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner), max_leaves=6
)
INPUTS = st.fixed_dictionaries(
    {},
    optional={
        "t": st.text("xyz", max_size=3) | PLAIN,
        "l": st.lists(st.integers(-5, 5) | PLAIN, max_size=4) | ANY,
        "o": st.fixed_dictionaries({}, optional={"a": PLAIN, "b": st.text("xy", max_size=2) | PLAIN}) | ANY,
        "j": ANY,
    },
)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(AGREE), INPUTS)
def test_closures_agree_with_the_plain_interpreter(sample, given):
    program = program_of(value_task(*sample))
    index = program.scopes[program.root].result
    found: list[object] = []
    for run in (closure(program, index), lambda frame: Oracle(program, frame.meter).block(index, frame)):
        try:
            found.append(run(frame_of(program, given)))
        except RunError as error:
            found.append(error.code)
    assert found[0] == found[1] or (found[0] != found[0] and found[1] != found[1])


@pytest.mark.parametrize("source", [WEATHER, EVERYTHING])
def test_all_blocks_of_a_program_become_closures(source):
    program = program_of(source)
    blocks = Blocks(program)
    assert all(callable(blocks.metered(index)) for index in range(len(program.blocks)))


def test_functions_are_known_by_their_numbers():
    assert len({row.number for row in FUNCTIONS}) == len(FUNCTIONS)
