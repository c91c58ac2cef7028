"""Literals come first: what people type is one token with its meaning, and nothing inside it cuts the sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeflow.frontend.literals import Kind, free_texts, is_money, seed_tokens, tokenize


def literals(text: str) -> list[tuple[str, object, str | None]]:
    return [
        (token.kind.value, token.value, token.unit)
        for token in tokenize(text)
        if token.kind not in (Kind.WORD, Kind.PUNCT)
    ]


def test_acceptance_26_the_seed_sentence_has_its_eight_tokens() -> None:
    assert seed_tokens("Send weather to Slack every morning at 9am") == (
        "Send", "weather", "to", "Slack", "every", "morning", "at", "9am",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('say "come, then go at 9"', ("quoted", "come, then go at 9", None)),
        ("say 'it's done' now", ("quoted", "it's done", None)),
        ("say “gut” now", ("quoted", "gut", None)),
        ("say ‘don’t’ now", ("quoted", "don’t", None)),
        ("open https://a.example/x?y=1&z=(2).", ("url", "https://a.example/x?y=1&z=(2)", None)),
        ("look at status.example.com now", ("domain", "status.example.com", None)),
        ("mail ann.lee+x@mail.example.org, please", ("email", "ann.lee+x@mail.example.org", None)),
        ("post to #dev-ops.", ("channel", "#dev-ops", None)),
        ("close #42", ("issue", 42, None)),
        ("ask @ann.", ("person", "@ann", None)),
        ("greet {name}", ("placeholder", "name", None)),
        ("issues of acme/widgets", ("repo", "acme/widgets", None)),
        ("listen on /hooks/in", ("path", "/hooks/in", None)),
        ("put it in Reports/2027", ("path", "Reports/2027", None)),
        ("upload plan-v2.final.pdf", ("file", "plan-v2.final.pdf", None)),
        ("call +44 20 7946 0958", ("phone", "+442079460958", None)),
        ("react with :tada:", ("emoji", "tada", None)),
        ("move OPS-1234", ("key", "OPS-1234", None)),
        ("over 10MB", ("quantity", 10, "megabytes")),
        ("over 2.5 GB", ("quantity", 2.5, "gigabytes")),
        ("after ten minutes", ("quantity", 10, "minutes")),
        ("a couple of hours", ("quantity", 2, "hours")),
        ("above 20°C", ("quantity", 20, "celsius")),
        ("below -5 degrees fahrenheit", ("quantity", -5, "fahrenheit")),
        ("above 30 degrees", ("quantity", 30, "degrees")),
        ("by 12.5%", ("quantity", 12.5, "percent")),
        ("over $1,250.50", ("money", 1250.5, "usd")),
        ("over €12", ("money", 12, "eur")),
        ("over $2.5k", ("money", 2500, "usd")),
        ("over 10,000 dollars", ("money", 10000, "usd")),
        ("over 300 EUR", ("money", 300, "eur")),
        ("over CHF 40", ("money", 40, "chf")),
        ("over 99 cents", ("money", 99, "cents")),
        ("over 10k", ("number", 10000, None)),
        ("over 1.5 million", ("number", 1500000, None)),
        ("the 3rd", ("ordinal", 3, None)),
        ("the twenty-second", ("ordinal_word", 22, None)),
        ("two hundred people", ("number_word", 200, None)),
        ("ninety-nine balloons", ("number_word", 99, None)),
        ("a dozen eggs", ("number_word", 12, None)),
        ("at 9am", ("clock", "09:00", "am")),
        ("at 12:30 p.m.", ("clock", "12:30", "pm")),
        ("at 12am", ("clock", "00:00", "am")),
        ("at 17:05", ("clock", "17:05", "24h")),
        ("at 9:30", ("clock", "09:30", "bare")),
        ("at 25:00", ("clock", None, "invalid")),
        ("on 2027-02-03", ("date", "2027-02-03", None)),
        ("on 2027-02-30", ("date", "2027-02-30", "invalid")),
    ],
)
def test_a_literal_is_one_token_with_its_meaning(text: str, expected: tuple[str, object, str | None]) -> None:
    assert literals(text) == [expected]


@pytest.mark.parametrize(
    "text",
    ["the users' reports don't say who's in", "yes and/or no", "he said so - didn't he?", "rock 'n roll isn't over"],
)
def test_apostrophes_and_slashes_of_plain_words_are_no_literals(text: str) -> None:
    assert literals(text) == []


def test_spans_are_exactly_what_was_written() -> None:
    text = "mail bob@x.example “the  plan” when OPS-1 costs €12.50 … at 9am, 🎉!"
    tokens = tokenize(text)
    assert all(text[token.span.start : token.span.end] == token.text for token in tokens)
    ends = [0, *(token.span.end for token in tokens)]
    assert all(token.span.start >= end for token, end in zip(tokens, ends, strict=False))


def test_a_colon_after_a_recipient_introduces_free_text_with_both_ends() -> None:
    text = "Post to #team: Lunch is at noon, bring cash, then react with :wave: to it"
    (found,) = free_texts(text, tokenize(text))
    assert found.strong
    assert [text[found.start : end] for end in found.ends] == [
        "Lunch is at noon, bring cash",
        "Lunch is at noon, bring cash, then react with :wave: to it",
    ]


def test_a_free_text_ends_with_its_sentence() -> None:
    text = "Tell @ann: dinner is ready. After that, close OPS-7."
    (found,) = free_texts(text, tokenize(text))
    assert text[found.start : found.ends[0]] == "dinner is ready."


def test_other_colons_are_weak_and_quotes_after_one_are_none() -> None:
    text = "My plan: tidy the inbox"
    (found,) = free_texts(text, tokenize(text))
    assert not found.strong
    quoted = 'text #team: "go"'
    assert free_texts(quoted, tokenize(quoted)) == ()


def test_amounts_of_money_are_told_from_others() -> None:
    assert [is_money(token) for token in tokenize("$5 50 cents 5 days")] == [True, True, False]


@given(st.text(max_size=200))
def test_any_text_can_be_tokenized(text: str) -> None:
    tokens = tokenize(text)
    assert all(text[token.span.start : token.span.end] == token.text for token in tokens)
    free_texts(text, tokens)


@pytest.mark.parametrize(
    "text", ["'a " * 1300, "1." * 2000, '"' + "x" * 3900, "a/" * 2000, "((((" * 1000, "#@:" * 1300]
)
def test_long_rows_of_marks_are_read_in_bounded_time(text: str) -> None:
    assert len(tokenize(text)) <= len(text)
