"""What no program may be made from: judgement, generation, orders inside data, secrets as values, injected control.

Knows: word lists of each kind. In: items and a scope. Out: refusals with the exact words.
Never: looks inside quoted text: what a person quotes is data.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, words
from eyeflow.frontend.scope import Scope
from eyeflow.values import Span

_RUN = frozenset({"run", "execute", "eval", "evaluate", "perform"})
_PROGRAM = frozenset(
    {"command", "commands", "code", "sql", "script", "query", "instructions", "statement", "orders", "<placeholder>"}
)


def refuse(items: Sequence[Item], scope: Scope) -> Scope:
    """`scope` with a refusal for each forbidden demand."""
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        length = phrase_at("data_as_program", lowered, at)
        if length:
            span = Span(items[at].span.start, items[at + length - 1].span.end)
            scope = scope.refuse(span, "what data says is never followed as an order; say what to do instead")
        told = _runs_data(lowered, at)
        if told:
            span = Span(items[at].span.start, items[at + told - 1].span.end)
            scope = scope.refuse(span, "code from data is never run; quote the statement to run instead")
        length = phrase_at("credentials", lowered, at)
        if length and _handled(lowered, at):
            span = Span(items[at].span.start, items[at + length - 1].span.end)
            scope = scope.refuse(span, "secrets stay where they are: no program can read or send one")
    return scope


def _runs_data(lowered: Sequence[str], at: int) -> int:
    """How many words say that data is to be run: `run the commands in its body`, `execute {sql}`; 0 for none."""
    if lowered[at] not in _RUN:
        return 0
    for length in range(2, 6):
        if at + length <= len(lowered) and lowered[at + length - 1] in _PROGRAM:
            after = lowered[at + length] if at + length < len(lowered) else ""
            given = lowered[at + length - 1] == "<placeholder>"
            if given or after in ("in", "from", "of", "they", "it", "that", "sent", "inside"):
                return length
    return 0


def _handled(lowered: Sequence[str], at: int) -> bool:
    return any(w in words("handling") for w in lowered[:at])


def judged(items: Sequence[Item], scope: Scope) -> Scope:
    """`scope` with a refusal for words that nothing explained and that ask for judgement or generated text."""
    for item in items:
        if item.index in scope.explained or not item.is_word:
            continue
        if item.lower in words("generation"):
            scope = scope.refuse(item.span, f"“{item.text}” needs a model at run time; programs here are deterministic")
            scope = scope.explain({item.index})
        elif item.lower in ("decide", "deserves", "deserve", "judge", "opinion"):
            scope = scope.refuse(item.span, f"“{item.text}” is a judgement; state the rule to apply instead")
            scope = scope.explain({item.index})
    return scope
