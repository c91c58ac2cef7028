"""Echoes of many secrets, of long ones, and of ones cut in two by the border of a chunk."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeflow.secrets.redact import MARK, Redactor

KEY = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(
    base64.b64encode(bytes((7 * line + 13 * at) % 256 for at in range(48))).decode() for line in range(30)
) + "\n-----END PRIVATE KEY-----\n"  # fmt: skip


@pytest.mark.parametrize(
    "spelled",
    [KEY, json.dumps(KEY), quote(KEY, safe=""), KEY.encode().hex(), base64.b64encode(KEY.encode()).decode(),
     base64.urlsafe_b64encode(b"x" + KEY.encode()).decode(), KEY.replace("\n", "\r\n"), KEY.replace("\n", " "),
     KEY.splitlines()[7]],
)  # fmt: skip
def test_a_long_secret_is_found_whole_and_in_lines(spelled: str) -> None:
    redactor = Redactor([KEY])
    shown = redactor.text(f"before {spelled} after")
    assert MARK in shown and shown.startswith("before ") and shown.endswith(" after")
    for line in KEY.splitlines()[1:-1]:
        assert line not in shown and line[:40] not in shown


def test_a_line_break_in_json_does_not_hide_a_secret() -> None:
    redactor = Redactor(["two\nlines\tand\rmore"])
    assert redactor.text(json.dumps({"a": "two\nlines\tand\rmore"})) == f'{{"a": "{MARK}"}}'


def test_many_secrets_are_found_in_one_text() -> None:
    secrets = [f"secret-{number:03}-value" for number in range(150)]
    redactor = Redactor(secrets)
    shown = redactor.text(" ".join(secrets))
    assert shown == " ".join([MARK] * 150)


def test_cost_is_bounded_for_long_secrets_and_hostile_text() -> None:
    started = time.perf_counter()
    redactor = Redactor(["k" * 65_536, *("ab" * 100 + f"{number}" for number in range(20))])
    for hostile in (b"k" * 200_000, b"%25" * 50_000, b"\\" * 200_000, b"ab" * 100_000):
        redactor.raw(hostile)
    assert time.perf_counter() - started < 10


def test_nothing_is_looked_for_when_there_is_nothing_secret() -> None:
    redactor = Redactor(["", "abc"])
    assert redactor.text("abc") == "abc" and redactor.value({"a": ["abc", 1]}) == {"a": ["abc", 1]}
    stream = redactor.stream()
    assert stream.feed(b"abc") == b"abc" and stream.finish() == b""


@given(
    secrets=st.lists(st.text(min_size=4, max_size=12), min_size=1, max_size=3),
    parts=st.lists(st.binary(max_size=12), max_size=5),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_a_stream_is_redacted_as_the_whole_would_be(secrets: list[str], parts: list[bytes], sizes: list[int]) -> None:
    redactor = Redactor(secrets)
    echoes = [echo for each in secrets for echo in _echoes(each)]
    data = b"".join(part + echoes[number % len(echoes)] for number, part in enumerate([*parts, b"end"]))
    stream, out, at, turn = redactor.stream(), b"", 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        out += stream.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    out += stream.finish()
    assert out == redactor.raw(data)


def test_a_stream_lets_go_of_what_is_harmless() -> None:
    stream = Redactor(["password-1234"]).stream()
    assert len(stream.feed(b"x" * 10_000)) > 9_000
    assert MARK.encode() in stream.feed(b"pass") + stream.feed(b"word-12") + stream.feed(b"34" + b"y" * 1_000)


def _echoes(secret: str) -> list[bytes]:
    data = secret.encode("utf-8", "surrogatepass")
    return [
        data,
        data.hex().encode(),
        base64.b64encode(data),
        quote(data, safe="").encode(),
        json.dumps(secret).encode(),
    ]
