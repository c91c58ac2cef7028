"""The examples of docs/understanding.md do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from frontend.told import tell

PAGE = (Path(__file__).parents[2] / "docs" / "understanding.md").read_text()


def table(heading: str) -> list[tuple[str, str]]:
    """The rows of the table under a heading, head and rule left out."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [(left.strip(), right.strip()) for left, right in rows[2:]]


def code(cell: str) -> str:
    found = re.match(r"`(.+?)`", cell)
    assert found is not None, cell
    return found[1]


SAID = [code(right) for _, right in table("What can be said")]
ASKED = [(code(left), code(right)) for left, right in table("What is asked")]
REFUSED = [(code(left), right) for left, right in table("What is refused")]


@pytest.mark.parametrize("text", [*SAID, "Post to #team: Good morning, then coffee at 9"])
def test_what_the_page_says_compiles(text: str) -> None:
    told = tell(text)
    assert (told.outcome, told.asked, told.refused) == ("program", (), ())


@pytest.mark.parametrize(("text", "slot"), ASKED)
def test_what_the_page_says_is_asked_is_asked(text: str, slot: str) -> None:
    told = tell(text)
    assert told.outcome == "questions"
    assert slot in told.asked


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_the_page_says_is_refused_is_refused(text: str, reason: str) -> None:
    told = tell(text)
    assert told.outcome == "refused"
    reasons = " ".join(refusal["reason"] for refusal in told.intent["refusals"])
    word = max(re.findall(r"[a-z]+", reason.replace("there is no such", "")), key=len)
    assert word in reasons


def test_the_tables_are_whole() -> None:
    assert (len(SAID), len(ASKED), len(REFUSED)) == (20, 6, 6)


def test_units_are_those_of_the_page() -> None:
    text = 'When a payment over $500 succeeds, post "Big payment" to #sales'
    paid = {"id": "p", "amount": 50_001, "currency": "usd", "customer": "c", "email": "a@b.c"}
    assert tell(text, event=paid).triggered
    assert not tell(text, event={**paid, "amount": 50_000}).triggered
