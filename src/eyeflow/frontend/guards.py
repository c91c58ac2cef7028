"""What no program may be made from: judgement, generation, orders inside data, secrets as values, services nobody has.

Knows: word lists of each kind. In: items and a scope. Out: refusals with the exact words.
Never: looks inside quoted text, except for what has the form of a secret: what a person quotes is data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend import strangers
from eyeflow.frontend.clauses import split_sentences, without_politeness
from eyeflow.frontend.data import words as kept
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, words
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.secrets import SECRET, hidden
from eyeflow.values import Span

_BEGINS: Final = ("and", "then", ",", "also", ":", "-", "or", "but")
_SAYING: Final = (
    "remind",
    "tell",
    "ask",
    "message",
    "notify",
    "let",
    "know",
    "inform",
    "that",
    "saying",
    "about",
    "titled",
)
_ASKING: Final = ("how", "who", "what", "where", "why", "which")
_TO_YOU: Final = ("are", "do", "did", "can", "were", "would", "have", "will", "could", "should")
_MENTIONS: Final = (
    "word",
    "words",
    "phrase",
    "contains",
    "containing",
    "mentions",
    "mentioning",
    "about",
    "called",
    "named",
)
_OWNED: Final = ("their", "its", "his", "her", "your", "my", "our", "the", "a", "an", "any", "all", "some")


def refuse(items: Sequence[Item], scope: Scope) -> Scope:
    """`scope` with a refusal for each forbidden demand."""
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        length = _orders_of_data(items, lowered, at)
        if length:
            scope = _refused(
                scope, items, at, length, "what data says is never followed as an order; say what to do instead"
            )
        told = _runs_data(lowered, at) or _runs_it(lowered, at)
        if told:
            scope = _refused(scope, items, at, told, "code from data is never run; quote the statement to run instead")
        length = phrase_at("credentials", lowered, at)
        if length and _handled(items, at, length):
            scope = _refused(scope, items, at, length, "secrets stay where they are: no program can read or send one")
    scope = _secrets(items, scope)
    scope = _made_up(items, scope)
    for stranger in strangers.asked_of(items, scope.vocab):
        scope = scope.refuse(stranger.span, f"no service called {stranger.name} is in the catalog")
    return scope


def _refused(scope: Scope, items: Sequence[Item], at: int, length: int, reason: str) -> Scope:
    return scope.refuse(Span(items[at].span.start, items[at + length - 1].span.end), reason)


# --- orders inside data ----------------------------------------------------------------------------------------------


def _orders_of_data(items: Sequence[Item], lowered: Sequence[str], at: int) -> int:
    """How many words from `at` hand control to data: `do whatever it says`, `carry out its instructions`."""
    length = phrase_at("data_as_program", lowered, at)
    if length:
        return length
    obeys = phrase_at("obeying", lowered, at)
    if not obeys:
        return 0
    said = phrase_at("data_says", lowered, at + obeys) if at + obeys < len(lowered) else 0
    if said:
        return obeys + said
    for end in range(at + obeys, min(at + obeys + 5, len(lowered))):
        if items[end].kind in ("punct", "quoted", "freetext"):
            break
        if lowered[end] in kept("guards", "orders"):
            between = lowered[at + obeys : end]
            whose = any(
                w in ("its", "their", "his", "her", "any", "all", "those", "these") or w.endswith("'s") for w in between
            )
            after = lowered[end + 1] if end + 1 < len(lowered) else ""
            if whose or after in kept("guards", "inside"):
                return end + 1 - at
    return 0


def _runs_data(lowered: Sequence[str], at: int) -> int:
    """How many words say that data is to be run: `run the commands in its body`, `execute {sql}`; 0 for none."""
    if lowered[at] not in kept("guards", "running"):
        return 0
    for length in range(2, 6):
        if at + length <= len(lowered) and lowered[at + length - 1] in kept("guards", "programs"):
            after = lowered[at + length] if at + length < len(lowered) else ""
            given = lowered[at + length - 1] == "<placeholder>"
            if given or after in kept("guards", "inside"):
                return length
    return 0


def _runs_it(lowered: Sequence[str], at: int) -> int:
    """`when somebody posts a script, run it`: 2 for the words that run what came as data; 0 for none."""
    if lowered[at] not in kept("guards", "running") or lowered[at + 1 : at + 2] not in (
        ["it"],
        ["them"],
        ["that"],
        ["this"],
    ):
        return 0
    before = lowered[:at]
    cue = any(w in ("when", "whenever", "if", "each", "every", "once") for w in before)
    return 2 if cue and any(w in kept("guards", "programs") for w in before) else 0


# --- secrets ---------------------------------------------------------------------------------------------------------


def _handled(items: Sequence[Item], at: int, length: int) -> bool:
    """A secret is what is to be sent, shown or stored: the object of such a verb, not a word of a text or a filter."""
    after = items[at + length] if at + length < len(items) else None
    plain = after is not None and after.is_word and not (after.is_stop or after.lower.endswith("ed"))
    one = not items[at + length - 1].lower.endswith("s")
    called = items[at].proper and not one  # `the Secrets sheet`
    if plain and (one or called) and after is not None and after.lower not in kept("guards", "of_secrets"):
        return False  # `the password policy`: another thing
    for k in range(at - 1, -1, -1):
        item = items[k]
        if item.text in (".", "!", "?", ";") or item.lower in _MENTIONS or item.kind == "freetext":
            return False
        if item.lower in words("handling") and _orders(items, k):
            return not (item.lower in _SAYING and any(i.lower in ("to", "that") for i in items[k + 1 : at - 1]))
        if item.lower in ("remind", "ask", "when", "whenever", "if"):
            return False
    return False


def _orders(items: Sequence[Item], at: int) -> bool:
    """`send`, as an order: not `a message`, `the list`."""
    before = items[at - 1].lower if at else ""
    return items[at].acts and before not in words("determiners") and before not in ("new", "in", "of", "on")


def _secrets(items: Sequence[Item], scope: Scope) -> Scope:
    """A secret written into the request: by its form, or as `the password is ...`."""
    found = [Span(*hit.span()) for hit in SECRET.finditer(scope.text)]
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        length = phrase_at("credentials", lowered, at)
        end = at + length
        if not length:
            continue
        stated = False
        while end < len(items) and lowered[end] in ("is", "was", ":", "=", "of"):
            stated = stated or lowered[end] != "of"
            end += 1
        if end >= len(items):
            continue
        value = items[end]
        plain = value.kind in ("key", "number") or value.is_word
        if (plain and hidden(value.text)) or (stated and value.kind == "quoted"):
            found.append(Span(items[at].span.start, items[at + length - 1].span.end))
    for span in found:
        if any(r.span.start <= span.start and span.end <= r.span.end for r in scope.refusals):
            continue
        reason = "secrets are never written into a request; connect the service instead, and leave this out"
        scope = scope.refuse(span, reason)
    return scope


# --- judgement and made-up text --------------------------------------------------------------------------------------


def _made_up(items: Sequence[Item], scope: Scope) -> Scope:
    """`write a poem`, `find out whether the customer is angry`: orders that need a mind at run time."""
    if scope.vocab.bare:
        return scope  # a service of tools may be just that mind
    for sentence in split_sentences(items):
        said, _ = without_politeness(sentence)
        lowered = [i.lower for i in said]
        if lowered[:1] and lowered[0] in _ASKING and "you" in lowered[1:3] and lowered[1] in _TO_YOU:
            scope = _refused(scope, said, 0, len(said), "this is a question to EyeFlow, not something to automate")
            continue
        for at in range(len(said)):
            length = _thought_up(lowered, at)
            if length:
                text = "text is not made up, nor understood; say the words or the rule to use instead"
                scope = _refused(scope, said, at, length, text)
        for at, item in enumerate(said):
            begins = at == 0 or lowered[at - 1] in _BEGINS or said[at - 1].kind in ("time", "punct")
            begins = begins or (lowered[at : at + 1] == ["write"] and lowered[at + 3 : at + 4] in (["that"], ["which"]))
            if not begins or any(w in _SAYING for w in lowered[max(0, at - 6) : at]):
                continue
            if item.lower in kept("guards", "harmful"):
                scope = _refused(scope, said, at, 1, "nobody may be harmed by a program")
            length = _creates(said, at)
            if length:
                scope = _refused(
                    scope, said, at, length, "text and pictures are not made up; say the words to use instead"
                )
            length = _weighs(lowered, at)
            if length:
                text = f"“{item.text}” is a judgement; state the rule to apply instead"
                scope = _refused(scope, said, at, length, text)
    return scope


def _creates(items: Sequence[Item], at: int) -> int:
    """How many words ask for something to be thought up: `write a short poem`, `generate an image`."""
    if items[at].lower not in kept("guards", "making"):
        return 0
    said = [i.lower for i in items[at : at + 3]]
    if said[0] == "write" and len(said) == 3 and said[1] in _OWNED and said[2] in ("code", "script", "program"):
        return 3
    for end in range(at + 1, min(at + 6, len(items))):
        item = items[end]
        if item.kind in ("channel", "person", "email", "phone"):
            continue
        if not item.is_word or item.lower in words("prepositions"):
            return 0
        if item.lower in kept("guards", "works"):
            after = items[end + 1] if end + 1 < len(items) else None
            named = after is not None and (
                after.kind in ("quoted", "freetext") or after.lower in ("task", "card", "issue", "called")
            )
            return 0 if named else end + 1 - at
    return 0


def _thought_up(lowered: Sequence[str], at: int) -> int:
    """How many words ask for what only a mind can say: `something funny`, `the best answer`, `what it means`."""
    if any(w in ("remind", "ask", "saying", "that") for w in lowered[max(0, at - 5) : at]):
        return 0
    for phrase in kept("guards", "interpreting"):
        said = phrase.split()
        if list(lowered[at : at + len(said)]) == said:
            return len(said)
    if tuple(lowered[at : at + 2]) in (("i", "should"), ("we", "should"), ("should", "i"), ("should", "we")):
        return 2 if any(w in ("which", "what", "whether", "who", "how") for w in lowered[max(0, at - 6) : at]) else 0
    two = tuple(lowered[at : at + 2])
    if len(two) == 2 and two[0] in kept("guards", "finest") and two[1] in kept("guards", "answers"):
        return 2
    return 2 if len(two) == 2 and two[0] == "something" and two[1] in kept("guards", "moods") else 0


def _weighs(lowered: Sequence[str], at: int) -> int:
    """How many words ask whether something feels so: `figure out whether the customer is angry`."""
    opened = phrase_at("finding_out", lowered, at)
    if not opened:
        return 0
    for end in range(at + opened, min(at + opened + 9, len(lowered))):
        if lowered[end] in kept("guards", "feelings"):
            return end + 1 - at
    return 0


def judged(items: Sequence[Item], scope: Scope) -> Scope:
    """`scope` with a refusal for words that nothing explained and that ask for judgement, generated text, or a service
    that is not there."""
    lowered = [i.lower for i in items]
    for at, item in enumerate(items):
        if item.index in scope.explained or not item.is_word:
            continue
        if item.lower in kept("guards", "unheard"):
            reason = f"no service in the catalog can send a {item.lower}"
        elif item.lower in words("generation"):
            reason = f"“{item.text}” needs a model at run time; programs here are deterministic"
        elif item.lower in kept("guards", "judging") or (
            item.lower in kept("guards", "feelings") and not scope.vocab.bare
        ):
            reason = f"“{item.text}” is a judgement; state the rule to apply instead"
        else:
            stranger = strangers.named(items, at, scope.vocab)
            if stranger is None or (at and lowered[at - 1] in _MENTIONS):
                continue
            scope = scope.refuse(stranger.span, f"no service called {stranger.name} is in the catalog")
            scope = scope.explain(stranger.indexes)
            continue
        scope = scope.refuse(item.span, reason).explain({item.index})
    return scope


def nothing_asked(scope: Scope, whole: Span) -> Scope:
    """Words of which not one could be read, and nothing to do or to wait for: no automation is asked for."""
    reason = "this asks for nothing that a service of the catalog can do"
    return msgspec.structs.replace(scope, questions=(), actions=()).refuse(whole, reason)
