"""From `grammar.lark` to the tables of `lalr.py`.

Knows: lark. In: the grammar's text and the names of the callbacks. Out: `Tables`, numbered by the grammar alone: from
each entry on, symbols in alphabetical order, so that the same grammar gives the same file under every version of lark.
Never: reads a program; runs at start, unless the grammar was edited after the tables were written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec
from lark import Lark
from lark.lexer import Lexer as LarkLexer
from lark.parsers.lalr_analysis import Shift

from eyeflow.ir.text.lalr import Production, Tables, grammar_digest
from eyeflow.ir.text.lines import Builder
from eyeflow.ir.text.vocabulary import grammar_text

if TYPE_CHECKING:
    from lark.grammar import Rule, Symbol
    from lark.lexer import LexerState
    from lark.lexer import Token as LarkToken

STARTS: Final = ("expression", "line", "shape", "whole_type")


class _NoLexer(LarkLexer):
    """Tokens come from our own lexer; lark needs none and builds none."""

    def __init__(self, lexer_conf: object) -> None:
        del lexer_conf

    def lex(self, lexer_state: LexerState, parser_state: object) -> Iterator[LarkToken]:
        """Nothing: see above."""
        del lexer_state, parser_state
        return iter(())


def make_tables() -> Tables:
    """The tables of the grammar as it is. Raises: lark's GrammarError for a grammar that is none."""
    lark = Lark(grammar_text(), parser="lalr", lexer=_NoLexer, start=list(STARTS), maybe_placeholders=False)
    table = lark.parser.parser._parse_table
    numbers = _numbered(table.states, [table.start_states[each] for each in STARTS])
    rules = {arg for row in table.states.values() for action, arg in row.values() if action is not Shift}
    productions = {rule: _production(rule) for rule in rules}
    order = {each: at for at, each in enumerate(sorted(set(productions.values()), key=msgspec.json.encode))}
    states = [
        {
            str(symbol): numbers[arg] if action is Shift else -1 - order[productions[arg]]
            for symbol, (action, arg) in sorted(table.states[state].items())
        }
        for state in numbers
    ]
    starts = {each: (numbers[table.start_states[each]], numbers[table.end_states[each]]) for each in STARTS}
    return Tables(grammar_digest(), starts, tuple(order), tuple(states))


def _numbered(states: dict[object, dict[str, tuple[object, object]]], starts: list[object]) -> dict[object, int]:
    """A number for every state that can be reached, breadth first."""
    numbers: dict[object, int] = {}
    waiting = deque(starts)
    while waiting:
        state = waiting.popleft()
        if state in numbers:
            continue
        numbers[state] = len(numbers)
        waiting.extend(arg for _, (action, arg) in sorted(states[state].items(), key=_symbol) if action is Shift)
    return numbers


def _symbol(entry: tuple[str, object]) -> str:
    return entry[0]


def _production(rule: Rule) -> Production:
    """A rule with what lark's tree builder would do to its pieces: see lark's `parse_tree_builder`."""
    origin, name = str(rule.origin.name), str(rule.alias or rule.origin.name)
    callback = name if hasattr(Builder, name) else None
    single = bool(rule.options.expand1 and not rule.alias)
    assert callback or single or origin.startswith("_"), f"no callback for {name}"
    kept = [at for at, each in enumerate(rule.expansion) if not getattr(each, "filter_out", False)]
    spliced = [at for at in kept if _is_spliced(rule.expansion[at])]
    return Production(origin, len(rule.expansion), tuple(kept), tuple(spliced), single, callback)


def _is_spliced(symbol: Symbol) -> bool:
    return not symbol.is_term and symbol.name.startswith("_")
