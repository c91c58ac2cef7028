"""Cues and forms of words, as the stages ask for them."""

from __future__ import annotations

import pytest

from eyeflow.frontend.lexicon import cue_at, is_past


@pytest.mark.parametrize(
    ("said", "kind", "length"),
    [
        ("skip if", "negative_condition", 2),
        ("disregard those whenever", "negative_condition", 3),
        ("ignore that one where", "negative_condition", 4),
        ("leave out it all when", "negative_condition", 5),
        ("ignore the tests", "exclusion", 1),
        ("skip it entirely", "exclusion", 1),
    ],
)
def test_either_word_of_a_pair_makes_the_cue(said: str, kind: str, length: int) -> None:
    cue = cue_at(said.split(), 0)
    assert cue is not None
    assert (cue.kind, cue.length) == (kind, length)


@pytest.mark.parametrize("said", ["skip|ignore if it is late", "it|this if", "disregarding it if"])
def test_the_spelling_of_a_choice_is_no_cue_itself(said: str) -> None:
    assert cue_at(said.split(), 0) is None


@pytest.mark.parametrize("word", ["answered", "Closed", "sent", "Bought", "agreed", "shipped", "cancelled"])
def test_what_was_done_is_past(word: str) -> None:
    assert is_past(word)


@pytest.mark.parametrize("word", ["need", "feed", "embed", "Exceed", "put", "read", "sells", "going", "post", ""])
def test_a_plain_form_is_not_past_however_it_ends(word: str) -> None:
    assert not is_past(word)
