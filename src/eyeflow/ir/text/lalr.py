"""The LALR(1) tables of `grammar.lark`, and the loop that reads tokens by them.

Knows: states, actions, what becomes of the pieces of a rule. In: tokens of one line or expression, and callbacks.
Out: what the callbacks make of them. Never: analyses a grammar (`tables.py` does, with lark); a table of another
grammar than the one that lies beside it is not used.

The tables ship as `grammar.json`, so that starting costs neither the import of lark nor its analysis (150 ms).

Source: Aho, Lam, Sethi, Ullman, Compilers (2nd ed.), algorithm 4.44.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias

import msgspec

from eyeflow.ir.text.lexer import Token
from eyeflow.ir.text.vocabulary import grammar_text

FILE: Final = "grammar.json"
END: Final = "$END"

Make: TypeAlias = Callable[[list[object]], object]


class Production(msgspec.Struct, frozen=True, array_like=True):
    """One rule: `size` pieces become an `origin`.

    `kept` are the pieces that count; those in `spliced` are lists and give their items. `single`: one piece alone
    stands for the whole. `callback` makes the value; without one it is the list of pieces.
    """

    origin: str
    size: int
    kept: tuple[int, ...]
    spliced: tuple[int, ...]
    single: bool
    callback: str | None


class Tables(msgspec.Struct, frozen=True):
    """An automaton. `states[s][symbol]` is the next state, or `-1 - p` to reduce by production `p`; `starts` has for
    each entry the first and the last state; `grammar` is the SHA-256 of the text it was made from."""

    grammar: str
    starts: dict[str, tuple[int, int]]
    productions: tuple[Production, ...]
    states: tuple[dict[str, int], ...]


def grammar_digest() -> str:
    """SHA-256 of `grammar.lark`, hexadecimal."""
    return hashlib.sha256(grammar_text().encode()).hexdigest()


@cache
def tables() -> Tables:
    """Those of the grammar as it is: the ones that ship, or, where the grammar was edited since, made anew."""
    shipped = _shipped()
    if shipped is not None and shipped.grammar == grammar_digest():
        return shipped
    from eyeflow.ir.text.tables import make_tables  # noqa: PLC0415 - imports lark

    return make_tables()


def _shipped() -> Tables | None:
    try:
        return msgspec.json.decode(files("eyeflow.ir.text").joinpath(FILE).read_bytes(), type=Tables)
    except (OSError, msgspec.MsgspecError):
        return None


class UnexpectedError(Exception):
    """A token that no rule allows where it stands; `expected` are the classes that could."""

    def __init__(self, token: Token, expected: frozenset[str]) -> None:
        super().__init__(token.type)
        self.token, self.expected = token, expected


class Parsing:
    """One reading: feed tokens, the last of them of class `END`."""

    __slots__ = ("_made", "_makers", "_stack", "_tables", "_to")

    def __init__(self, of: Tables, makers: tuple[Make, ...], start: str) -> None:
        first, self._to = of.starts[start]
        self._tables, self._makers = of, makers
        self._stack, self._made = [first], list[object]()

    def feed(self, token: Token) -> object:
        """What was read, when `token` ends it, else None. Raises: UnexpectedError, and what callbacks raise."""
        states, stack, made = self._tables.states, self._stack, self._made
        while True:
            action = states[stack[-1]].get(token.type)
            if action is None:
                raise UnexpectedError(token, self._accepts())
            if action >= 0:
                stack.append(action)
                made.append(token)
                return None
            size = self._tables.productions[-1 - action].size
            pieces = made[len(made) - size :]
            del stack[len(stack) - size :], made[len(made) - size :]
            made.append(self._makers[-1 - action](pieces))
            stack.append(states[stack[-1]][self._tables.productions[-1 - action].origin])
            if token.type == END and stack[-1] == self._to:
                return made[-1]

    def _accepts(self) -> frozenset[str]:
        """The classes of token that could come next."""
        return frozenset(each for each in self._tables.states[self._stack[-1]] if each.isupper() and self._fits(each))

    def _fits(self, symbol: str) -> bool:
        stack = list(self._stack)
        while True:
            action = self._tables.states[stack[-1]].get(symbol)
            if action is None or action >= 0:
                return action is not None
            rule = self._tables.productions[-1 - action]
            del stack[len(stack) - rule.size :]
            stack.append(self._tables.states[stack[-1]][rule.origin])
            if symbol == END and stack[-1] == self._to:
                return True


def makers(of: Tables, callbacks: object) -> tuple[Make, ...]:
    """What makes the value of each production, from methods of `callbacks`."""
    return tuple(_maker(each, callbacks) for each in of.productions)


def _maker(rule: Production, callbacks: object) -> Make:
    call: Make | None = getattr(callbacks, rule.callback) if rule.callback is not None else None
    kept, spliced, single = rule.kept, frozenset(rule.spliced), rule.single

    def make(pieces: list[object]) -> object:
        found: list[object] = []
        for index in kept:
            piece = pieces[index]
            if index in spliced:
                assert isinstance(piece, list), "a rule without a callback gives a list"
                found += piece
            else:
                found.append(piece)
        if single and len(found) == 1:
            return found[0]
        return found if call is None else call(found)

    return make
