"""What mappings read of an answer is what the language says it is."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeflow.connectors.formulas import formula, outline
from eyeflow.errors import CallError
from eyeflow.ir.check import check_expression
from eyeflow.ir.evaluate import expression_closure
from eyeflow.ir.text.expressions import parse_expression
from eyeflow.values import JSON

PATHS = ("body", "body.a", "body.a.b", "body.a.b.a")
SAME = ("EQ(body.a, true)", "NE(body.a, false)", 'EQ(body.a, "x")', 'NE(body.a, "x")')

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["", "x", "a"])
bodies = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abx"), inner, max_size=3)
)


@given(body=bodies)
@pytest.mark.parametrize("text", PATHS + SAME)
def test_a_formula_gives_what_the_evaluator_gives(text: str, body: object) -> None:
    parsed, _ = parse_expression(text)
    assert parsed is not None
    checked, _ = check_expression(parsed, {"body": JSON})
    assert checked is not None
    expected = expression_closure(checked, ("body",), ZoneInfo("UTC"))(body)
    assert repr(formula(text)({"body": body})) == repr(expected)


@given(one=plain, other=plain)
def test_equality_with_a_constant_is_equality(one: object, other: object) -> None:
    assert formula("EQ(body.a, body.b)")({"body": {"a": one, "b": True}}) is (one is True)
    assert formula("EQ(body.a, true)")({"body": {"a": one}}) is (one is True)


def test_an_outline_is_a_tree_of_formulas_and_what_is_not_there_is_null() -> None:
    read = outline('{"id": "body.id", "tags": ["body.tags", "status"], "deep": {"none": "body.a.b"}}')
    assert read({"body": {"id": 7, "tags": ["x"]}, "status": 200}) == {
        "id": 7, "tags": [["x"], 200], "deep": {"none": None}
    }  # fmt: skip
    assert read({}) == {"id": None, "tags": [None, None], "deep": {"none": None}}


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(CallError) as caught:
        formula("body..")
    assert caught.value.code == "bad_mapping"
