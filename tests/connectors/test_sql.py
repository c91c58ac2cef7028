"""SQL is built from quoted names and bound values; nothing of a value is ever in the text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from eyeflow.connectors import sql
from eyeflow.connectors.pg_values import received, sent
from eyeflow.errors import CallError

HOSTILE = ["x; DROP TABLE users; --", "' OR '1'='1", '" OR 1=1 --', "$1", "\\'; --", "\u0000", "x" * 10_000]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_never_part_of_the_text(value: str) -> None:
    for statement in (
        sql.find_rows("t", {"a": value}, None, 10),
        sql.insert_row("t", {"a": value}),
        sql.update_rows("t", {"a": value}, {"b": value}),
        sql.delete_rows("t", {"a": value}),
        sql.count_rows("t", {"a": value}),
    ):
        assert value in statement.values
        assert value == "$1" or value not in statement.text


@pytest.mark.parametrize(
    "name", [*HOSTILE[:5], "", "a b", 'a"b', "a.b.c", "pg_catalog.pg_user.x", "\u0442able", "1a", 7]
)
def test_a_name_is_a_plain_identifier_or_refused(name: Any) -> None:
    for build in (
        lambda: sql.find_rows(name, None, None, 1),
        lambda: sql.insert_row(name, {"a": 1}),
        lambda: sql.find_rows("t", {str(name) + '"x': 1}, None, 1),
        lambda: sql.find_rows("t", None, f"a; {name}", 1),
    ):
        with pytest.raises(CallError) as caught:
            build()
        assert caught.value.code == "bad_value"


def test_statements_read_as_meant() -> None:
    found = sql.find_rows("crm.deals", {"stage": "won", "owner": None, "n": 3}, "created desc", 5)
    assert found == sql.Statement(
        'SELECT * FROM "crm"."deals" WHERE "stage" = $1 AND "owner" IS NULL AND "n" = $2'
        ' ORDER BY "created" DESC LIMIT 5',
        ("won", 3),
    )
    assert sql.update_rows("t", {"a": 1}, {"b": 2}).text == 'UPDATE "t" SET "a" = $1 WHERE "b" = $2'


@pytest.mark.parametrize("where", [None, {}, [], "x"])
def test_changing_or_deleting_everything_by_accident_is_refused(where: Any) -> None:
    with pytest.raises(CallError):
        sql.delete_rows("t", where)
    with pytest.raises(CallError):
        sql.update_rows("t", {"a": 1}, where)


@pytest.mark.parametrize("limit", [0, -1, 10_001, "5; --", True, 2.5, None])
def test_a_limit_is_a_small_whole_number(limit: Any) -> None:
    with pytest.raises(CallError):
        sql.find_rows("t", None, None, limit)


@pytest.mark.parametrize(
    ("value", "kind", "made"),
    [
        ("5", "int4", 5),
        (5.0, "int8", 5),
        (7, "text", "7"),
        ({"a": 1}, "jsonb", '{"a":1}'),
        ("1.50", "numeric", Decimal("1.50")),
        ("true", "bool", True),
        ("2026-11-23", "date", date(2026, 11, 23)),
        ("2026-11-23T09:00:00Z", "timestamptz", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ([1, "2"], "int4[]", [1, 2]),
        (None, "int4", None),
    ],
)
def test_values_become_what_the_column_wants(value: Any, kind: str, made: Any) -> None:
    assert sent(value, kind, 1) == made


@pytest.mark.parametrize(
    ("value", "kind"),
    [("x", "int4"), (1.5, "int4"), ("NaN", "numeric"), ("maybe", "bool"), ("soon", "date"), (True, "int4")],
)
def test_a_value_that_does_not_fit_is_a_typed_error(value: Any, kind: str) -> None:
    with pytest.raises(CallError) as caught:
        sent(value, kind, 3)
    assert caught.value.code == "bad_value" and "value 3" in caught.value.message


def test_columns_come_back_as_program_values() -> None:
    assert received(Decimal("12.00"), "numeric") == 12
    assert received(Decimal("12.5"), "numeric") == 12.5
    assert received('{"a": [1]}', "jsonb") == {"a": [1]}
    assert received(datetime(2026, 1, 1), "timestamp") == datetime(2026, 1, 1, tzinfo=UTC)
