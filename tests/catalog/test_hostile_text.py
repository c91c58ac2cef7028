"""Whatever a file holds, only findings come out, in bounded time and memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eyeflow.catalog.load import load_documents, parse_service

GOOD = "service: a\ntitle: A\ntype: T\nconnector: scripted\n"


def codes(text: str, *, is_json: bool = False) -> list[str]:
    service, found = parse_service(text, is_json=is_json)
    assert service is None
    return [each.code for each in found.errors]


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_document"),
        ("# nothing\n", "empty_document"),
        ("just text", "wrong_type"),
        ("[1, 2]", "wrong_type"),
        ("a: b: c", "bad_yaml"),
        ("a: [", "bad_yaml"),
        ("a: \x00", "bad_yaml"),
        ("a: \x1b[31m", "bad_yaml"),
        ("a: !!python/object/apply:os.system ['true']", "tag_refused"),
        ("a: !include /etc/passwd", "tag_refused"),
        ("!!map {a: 1}", "tag_refused"),
        ("a: !!str 1", "tag_refused"),
        ("a: 1\na: 2", "duplicate_key"),
        ("? [a]\n: 1", "bad_key"),
        ("<<: {a: 1}", "bad_key"),
        ("a: &x [*x]", "bad_alias"),
        ("a: *nobody", "bad_alias"),
        ("a: 1\n---\nb: 2", "many_documents"),
        ("a: 1e999", "number_too_large"),
        ("a: 99999999999999999999", "number_too_large"),
        ("a: " + "9" * 5000, "number_too_large"),
        ("[" * 100_000, "too_deep"),
        ("- " * 100_000, "too_deep"),
        ("{a: " * 100_000, "too_deep"),
        (bomb(9), "too_large"),
        ("a: " + "x" * (4 * 1024 * 1024), "too_large"),
        ("k" * 600 + ": 1", "bad_key"),
    ],
)  # fmt: skip
def test_hostile_yaml_gives_one_finding(text: str, code: str) -> None:
    assert codes(text) == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ('{"a": NaN}', "bad_json"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ('{"a": 1e999}', "number_too_large"),
        ('{"a": ' + "9" * 5000 + "}", "number_too_large"),
        ('{"a": 99999999999999999999}', "number_too_large"),
        ("[" * 100_000, "too_deep"),
        ('{"a":' * 70 + "1" + "}" * 70, "too_deep"),
        ('{"a": "\\ud800"}', "bad_text"),
        ('{"\\ud800": 1}', "bad_text"),
        ("null", "wrong_type"),
    ],
)
def test_hostile_json_gives_one_finding(text: str, code: str) -> None:
    assert codes(text, is_json=True) == [code]


def test_an_alias_bomb_costs_no_memory() -> None:
    text = GOOD + bomb(30)
    tracemalloc.start()
    try:
        assert codes(text) == ["too_large"]
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_deeply_nested_arrays_take_linear_time() -> None:
    spec: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        spec = {"type": "array", "items": spec}
    document = {"service": "a", "title": "A", "type": "T", "connector": "scripted",
                "capabilities": {"do": {"summary": "Do", "params": {"p": spec}}}}  # fmt: skip
    catalog, found = load_documents([document])
    assert catalog is not None, found


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, {"a": {1, 2}}, b"x", float("nan"), ("a",), {"a": 1 << 70}, "\ud800"]
)
def test_inline_data_that_is_no_json(value: object) -> None:
    catalog, found = load_documents([value])
    assert catalog is None and len(found.errors) == 1


def test_inline_data_that_contains_itself() -> None:
    loop: dict[str, object] = {}
    loop["a"] = loop
    assert [each.code for each in load_documents([loop])[1].errors] == ["too_deep"]
    assert [each.code for each in load_documents("abc")[1].errors] == ["wrong_type"]  # type: ignore[arg-type]


def test_a_thousand_mistakes_are_summed_up() -> None:
    text = GOOD + "\n".join(f"wrong_{number}: 1" for number in range(1000))
    found = codes(text)
    assert found[-1] == "too_many_problems" and len(found) == 101


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "\n".join(f"capabilites_{number}: 1" for number in range(20_000)),
        GOOD + "capabilities:\n  do:\n    params:\n"
        + "".join(f"      parameter_{number}: {{type: strng}}\n" for number in range(5_000))
        + "    http: {base_url: 'https://a.example', path: '/" + "{paramter_x}" * 1500 + "'}\n",
        GOOD + "hosts: [" + "'" + "a-" * 100 + "', " * 20_000 + "]",
    ],
)  # fmt: skip
def test_many_mistakes_do_not_take_long(text: str) -> None:
    started = time.process_time()
    assert codes(text)
    assert time.process_time() - started < 5


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
WORDS = """
service title type aliases connector auth hosts constraints capabilities triggers http policy defaults summary params
returns payload effect items properties required all_of any_of enum default pattern unit steps pages let body query path
base_url source poll filter roles allow setup rate_limit cache_ttl name
"""
KEYS = st.sampled_from(WORDS.split())
shaped = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "string", "object", "array", "{a}", "*", "read"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(st.text(max_size=200))
def test_any_text_gives_findings(text: str) -> None:
    for is_json in (False, True):
        service, found = parse_service(text, is_json=is_json)
        assert service is None and found.errors


@quick
@given(plain | shaped)
def test_any_data_gives_findings_or_a_service(data: object) -> None:
    catalog, found = load_documents([data])
    assert (catalog is None) == bool(found.errors)


@quick
@given(st.dictionaries(KEYS, shaped, max_size=8))
def test_any_capability_gives_findings_or_a_service(data: dict[str, object]) -> None:
    base = {"service": "a", "title": "A", "type": "T", "connector": "scripted", "hosts": ["a.example"]}
    document = {**base, "capabilities": {"do": data}, "triggers": {"on": data}}
    catalog, found = load_documents([document])
    assert (catalog is None) == bool(found.errors)
    text = json.dumps(document)
    from_text, said = parse_service(text, "inline[0]")
    assert (from_text is None) == (catalog is None), (found, said)
    if catalog is not None:
        assert from_text == catalog.services[0]
