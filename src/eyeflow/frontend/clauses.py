"""Stage 2: a request becomes clauses, each with the part it plays.

Knows: cue phrases, verbs that start an action, politeness, sentence boundaries. In: items. Out: sentences of
`Clause`s in the order said, with everything that belongs to no clause named as background.
Never: looks at a catalog: what a clause means is decided later, so the same cut serves every catalog.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from eyeflow.frontend import comparisons
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import cue_at, cues_at, phrase_at, words
from eyeflow.values import Span

ACTION = "action"
STATEMENT = "statement"


class Clause(msgspec.Struct, frozen=True, eq=False):
    """`role`: action, statement, or a cue kind (`trigger`, `condition`, ...). `items` without the cue itself.

    `cue` is the cue's text; `joined` how it was tied to the one before: "", ",", "and", "then".
    `sentence` numbers sentences from 0. `expr` is a condition that is known already, in LLM-IR.
    """

    role: str
    items: tuple[Item, ...]
    cue: str = ""
    cue_items: tuple[Item, ...] = ()
    joined: str = ""
    sentence: int = 0
    expr: str = ""

    @property
    def span(self) -> Span:
        """From the first item to the last, cue included."""
        held = (*self.cue_items, *self.items)
        return Span(held[0].span.start, max(i.span.end for i in held)) if held else Span(0, 0)


def split_sentences(items: Sequence[Item]) -> tuple[tuple[Item, ...], ...]:
    """Items between full stops, question and exclamation marks, semicolons and line ends."""
    found: list[tuple[Item, ...]] = []
    current: list[Item] = []
    for item in items:
        if item.text == ";" and _carries_on(items, item):
            current.append(item)
        elif item.kind == "punct" and item.text in (".", "!", "?", ";", "\n"):
            if current:
                found.append(tuple(current))
            current = []
        else:
            current.append(item)
    if current:
        found.append(tuple(current))
    return tuple(found)


def _carries_on(items: Sequence[Item], semicolon: Item) -> bool:
    """`if A ...; if B ...; otherwise C`: what follows belongs to the same choice."""
    at = next(k for k, i in enumerate(items) if i is semicolon)
    return at + 1 < len(items) and items[at + 1].lower in ("if", "otherwise", "else", "unless", "skip", "except")


def without_politeness(items: Sequence[Item]) -> tuple[tuple[Item, ...], frozenset[int]]:
    """Items without set phrases of courtesy, and the indexes of those left out."""
    lowered = [i.lower for i in items]
    kept: list[Item] = []
    gone: set[int] = set()
    at = 0
    while at < len(items):
        length = phrase_at("politeness", lowered, at)
        if length and _may_drop(items, at, length):
            gone.update(items[k].index for k in range(at, at + length))
            at += length
        else:
            kept.append(items[at])
            at += 1
    return tuple(_trim(kept)), frozenset(gone)


def _may_drop(items: Sequence[Item], at: int, length: int) -> bool:
    """One-word courtesies only where they cannot be content: at an edge or before a verb."""
    if length > 1 or items[at].lower in ("please", "pls", "plz", "thx", "kindly"):
        return True
    before = items[at - 1] if at else None
    after = items[at + 1] if at + 1 < len(items) else None
    if before is not None and before.lower in words("say"):
        return False  # `an email saying hello`
    edge = before is None or before.kind == "punct" or after is None
    edge = edge or (items[at].lower == "thanks" and after is not None and after.kind == "punct")
    return edge or (after is not None and after.acts)


def _trim(items: Sequence[Item]) -> list[Item]:
    held = list(items)
    while held and held[0].kind == "punct" and held[0].text in ",-–—:":
        held.pop(0)
    while held and held[-1].kind == "punct" and held[-1].text in ",-–—:":
        held.pop()
    return held


def cut(items: Sequence[Item], sentence: int = 0) -> tuple[Clause, ...]:
    """The clauses of one sentence (without politeness)."""
    return _Cutter(tuple(items), sentence).run()


class _Cutter:
    """One left-to-right pass; `start` is where the open clause began."""

    def __init__(self, items: tuple[Item, ...], sentence: int) -> None:
        self.items = items
        self.lowered = [i.lower for i in items]
        self.sentence = sentence
        self.clauses: list[Clause] = []
        self.role = ACTION
        self.cue = ""
        self.cue_items: tuple[Item, ...] = ()
        self.joined = ""
        self.body: list[Item] = []

    def run(self) -> tuple[Clause, ...]:
        at = 0
        while at < len(self.items):
            at += self._step(at)
        self._close()
        return tuple(self.clauses)

    def _step(self, at: int) -> int:
        boundary = not self.body or self._after_break(at)
        cues = cues_at(self.lowered, at)  # `if a payment fails` is no failure of what was done, but its `if` is a cue
        found = next((cue for cue in cues if self._cue_holds(cue.kind, at, cue.length, boundary)), None)
        if found is not None:
            if found.kind == "coordination":
                return self._coordinate(at, found.length)
            self._close()
            self.role, self.cue = found.kind, found.text
            self.cue_items = self.items[at : at + found.length]
            return found.length
        if found is None and boundary and self.body == [] and self._elliptical(at):
            self._close()
            self.role = "condition"
        item = self.items[at]
        if item.lower == "or" and self._starts_action(at + 1) and self._complete() and self._other_action(at):
            self._close()  # `post X, or text me if it fails`
            self.joined = "or"
            return 1
        if item.text == "," and self.role == "failure" and not self.body and self._falls_back():
            self._close()  # `fall back to X if that fails, and do Y`
            return 1
        if item.kind == "punct" and item.text in (",", ";", "-", "–", "—", ":"):
            if (self._starts_action(at + 1) or self._elliptical(min(at + 1, len(self.items) - 1))) and self._complete():
                self._close()
                self.joined = ","
            elif self.body:
                self.body.append(item)
            return 1
        if self.role in ("sequence", "alternative") and not self.body:
            self.role = f"{self.role}:{ACTION}" if self._starts_action(at) else self.role
        self.body.append(item)
        return 1

    def _other_action(self, at: int) -> bool:
        """`or` begins another action, and does not go on with what is said (`ask them to call or write`)."""
        found = [cue_at(self.lowered, k) for k in range(at, len(self.lowered))]
        if any(cue is not None and cue.kind == "failure" for cue in found):
            return True
        said = [i.lower for i in self.body]
        speaks = any(w in ("that", "say", "says", "saying", "whether", "how", "what") for w in said)
        told = any(one.lower == "to" and two.acts for one, two in pairwise(self.body))
        return self.role == ACTION and not speaks and not told

    def _falls_back(self) -> bool:
        return bool(self.clauses) and self.clauses[-1].role == "fallback"

    def _elliptical(self, at: int) -> bool:
        """`..., from 101 to 200 post X`: a range or comparison with an amount, and an action after it."""
        if self.role != "condition" and not any(c.role == "condition" for c in self.clauses):
            return False
        hit = comparisons.at(self.lowered, at)
        if hit is None or hit.weak or hit.end >= len(self.items) or not self.items[hit.end].is_literal:
            return False
        return any(i.acts for i in self.items[hit.end + 1 : hit.end + 5])

    def _after_break(self, at: int) -> bool:
        return at > 0 and (self.items[at - 1].kind in ("punct", "time") or self.lowered[at - 1] in ("and", "but", "or"))

    def _failing(self) -> bool:
        """What to do about a failure comes next."""
        return self.role == "failure" and all(i.lower in ("just", "simply") for i in self.body)

    def _wondering(self, at: int) -> bool:
        """`with who booked and when it starts`: what is told, in a list of it, and not when to do it."""
        joined = self.lowered[at] == "when" and self.lowered[at - 1 : at] in (["and"], [","])
        said = [i.lower for i in self.body]
        led = next((k for k, word in enumerate(said) if word in ("with", "including", "about", "mentioning")), None)
        return joined and led is not None and bool({"who", "what", "where", "why", "how"} & set(said[led:]))

    def _cue_holds(self, kind: str, at: int, length: int, boundary: bool) -> bool:
        """Whether the words are a cue here, not part of a name or of a noun phrase."""
        after = at + length
        if kind == "coordination":
            return after >= len(self.items) or not self._wondering(after)
        if kind == "trigger" and self._wondering(at):
            return False
        if kind == "failure" and self.lowered[after - 1] == "fails" and length > 2 and self.lowered[at + 1] not in _IT:
            return self.role == "fallback"  # `falling back to X if Slack fails`; else it is an event, or a condition
        if after >= len(self.items) and kind == "failure":
            return True
        if after >= len(self.items):
            return kind == "sequence" and self.lowered[at] not in ("first", "second", "third", "fourth", "next")
        if kind == "sequence":
            if self.lowered[at] in ("first", "second", "third", "fourth", "next", "firstly", "secondly", "thirdly"):
                return boundary and (self._starts_action(after) or self.items[after].text == ",")
            return boundary or self._starts_action(after)
        if kind == "trigger" and self.lowered[at] == "once":
            boundary = boundary or self.lowered[at - 1] in words("me") or self.lowered[at - 2 : at] == ["me", "know"]
            often = self.lowered[after] in ("a", "an", "per", "every", "each", "in") and not self._a_thing(after + 1)
            return boundary and self.items[after].kind == "word" and not often
        if kind == "trigger" and self.lowered[after - 1] == "after":
            opens = self.items[after].is_word and self.lowered[after] not in ("that", "this", "it", "which", "all")
            return boundary and not self.clauses and not self.body and opens
        if kind == "condition" and self.lowered[at] == "where":
            return False
        if kind == "loop":
            return boundary or self.lowered[at + 1] in ("each", "every")
        if kind == "exclusion" and self.lowered[at] in ("skip", "ignore"):
            return boundary and not self._failing()  # `if that fails, ignore it`
        if kind == "alternative":
            return boundary or self.lowered[at] == "otherwise"
        return True

    def _a_thing(self, at: int) -> bool:
        """`once a ticket is solved`, not `once a day`."""
        return at + 1 < len(self.items) and self.lowered[at] not in _LENGTHS and self.lowered[at - 1] in ("a", "an")

    def _coordinate(self, at: int, length: int) -> int:
        """`and`: a new clause when a verb (or a new cue) follows, otherwise part of the phrase."""
        after = at + length
        follow = cue_at(self.lowered, after) if after < len(self.items) else None
        if follow is not None and follow.kind not in ("coordination", "exclusion", "sequence"):
            self._close()
            self.joined = "and"
            return length
        if self._starts_action(after) and self._complete():
            self._close()
            self.joined = "and"
            return length
        self.body.extend(self.items[at : at + length])
        return length

    def _complete(self) -> bool:
        """The open clause can end here: it has something said in it."""
        return any(i.kind != "punct" for i in self.body)

    def _starts_action(self, at: int) -> bool:
        """A base verb with an object after it begins an action; `link` in `title and link` does not."""
        while at < len(self.items) and (
            self.lowered[at] in ("also", "then", "please", "just", "always", "immediately")
        ):
            at += 1
        if at >= len(self.items) or not self.items[at].acts:
            return False
        if at + 1 >= len(self.items):
            return self.lowered[at] in ("stop", "wait", "retry")
        nxt = self.items[at + 1]
        if nxt.kind == "punct":
            return False
        if self.role in ("trigger", "condition", "negative_condition", "loop") and not any(
            i.kind == "punct" or i.lower == "and" for i in self.items[:at][-2:]
        ):
            return False
        if self.role == "trigger" and self.items[at - 1].text == "," and self.items[at].lower in _ALONE:
            return True  # `when a deal is won, celebrate in Slack`
        return not (
            nxt.is_word
            and nxt.lower
            in (
                "to",
                "in",
                "of",
                "from",
                "for",
                "is",
                "are",
                "and",
                "or",
                "as",
                "with",
                "by",
                "at",
                "on",
                "into",
                "was",
            )
            and not phrasal(self.lowered[at], nxt.lower)
        )

    def _close(self) -> None:
        body = tuple(_trim(self.body))
        if body or self.cue_items:
            self.clauses.append(Clause(self.role, body, self.cue, self.cue_items, self.joined, self.sentence))
        self.role, self.cue, self.cue_items, self.joined, self.body = ACTION, "", (), "", []


_ALONE = (
    "celebrate",
    "announce",
    "react",
    "shout",
    "cheer",
    "praise",
    "write",
    "log",
    "check",
    "search",
    "apologise",
    "apologize",
)
"""Verbs that stand without an object right after a comma."""


_IT = ("it", "that", "this", "they", "all", "even", "sending", "posting", "the", "every")
_LENGTHS = (
    "second",
    "minute",
    "hour",
    "day",
    "night",
    "morning",
    "week",
    "fortnight",
    "month",
    "quarter",
    "year",
    "while",
)


def phrasal(verb: str, particle: str) -> bool:
    """Verbs that take this particle directly: `post to #team`, `log in`, `reply to`, `ask for`."""
    direct = {
        "to": ("post", "send", "reply", "respond", "write", "subscribe", "publish", "move", "forward", "append", "add"),
        "in": ("post", "reply", "put", "log", "say", "write", "publish", "announce"),
        "for": ("ask", "wait", "look", "search", "check"),
        "with": ("respond", "reply", "answer", "react", "return"),
        "on": ("turn", "switch", "put"),
        "off": ("turn", "switch", "shut"),
        "up": ("turn", "set", "clean"),
        "down": ("turn", "shut"),
        "from": ("read", "remove", "unsubscribe", "fetch", "get", "pull"),
    }
    return verb in direct.get(particle, ())


def is_action_like(clause: Clause) -> bool:
    """True when the clause begins with a base verb (after also, then, always), or is a pause."""
    if clause.cue.startswith("pause: "):
        return True
    fillers = ("also", "then", "always", "please", "just", ",")
    held = [i for i in clause.items if i.kind != "time" and i.lower not in fillers]
    return bool(held) and held[0].acts
