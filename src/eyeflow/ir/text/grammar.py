"""The LALR parser of one line, built once from `grammar.lark`, and the reading of its failures.

Knows: lark. In: tokens of one line or expression. Out: what `tree.Builder` makes of them.
Never: touches characters (`lexer.py`) or blocks (`blocks.py`); never lets a lark exception out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from eyeflow.ir.text.findings import Refused, shown
from eyeflow.ir.text.lexer import TRIGGERS, Token, word_hint
from eyeflow.ir.text.lines import Builder
from eyeflow.ir.text.vocabulary import COMPARING, grammar_text, words
from eyeflow.values import Span

if TYPE_CHECKING:
    from lark import Lark
    from lark.lexer import LexerState
    from lark.lexer import Token as LarkToken

_CLASSES: Final = {
    "NAME": "a name", "PATH": "a path", "FUNC": "a function", "STRING": 'text in "quotes"', "NUMBER": "a number",
    "UNIT": "a unit", "TIME": "a time of day", "MOMENT": "a date", "COMPARE": "a comparison", "LESS": "`<`",
    "MORE": "`>`",
    "PLUS": "`+`", "MINUS": "`-`", "STAR": "`*`", "SLASH": "`/`", "PERCENT": "`%`", "QMARK": "`?`", "LSQB": "`[`",
    "RSQB": "`]`", "LBRACE": "`{`", "RBRACE": "`}`", "RPAR": "`)`", "LPAR": "`(`", "COMMA": "`,`", "COLON": "`:`",
    "$END": "the end of the line",
}  # fmt: skip
_OPERAND: Final = frozenset({"NAME", "STRING", "NUMBER", "FUNC", "LSQB"})
_INFIX: Final = frozenset({"COMPARE", "PLUS", "STAR", "AND"})


@cache
def _parser() -> Lark:
    """The parser. lark is imported here, so that printing and reading programs never pay for it (70 ms)."""
    from lark import Lark  # noqa: PLC0415
    from lark.lexer import Lexer as LarkLexer  # noqa: PLC0415

    class NoLexer(LarkLexer):
        """Tokens are fed one by one; lark needs no lexer of its own and builds none."""

        def __init__(self, lexer_conf: object) -> None:
            del lexer_conf

        def lex(self, lexer_state: LexerState, parser_state: object) -> Iterator[LarkToken]:
            """Nothing: see above."""
            del lexer_state, parser_state
            return iter(())

    return Lark(
        grammar_text(),
        parser="lalr",
        lexer=NoLexer,
        start=["line", "expression", "whole_type", "shape"],
        transformer=Builder(),
        maybe_placeholders=False,
    )


def read(tokens: list[Token], start: str, end: int, usage: str = "") -> object:
    """What `tokens` mean as `start` (`line`, `expression`, `whole_type`, `shape`); `end` is where the text ends.

    Raises: Refused, with `usage` as the hint of last resort.
    """
    from lark.exceptions import UnexpectedToken  # noqa: PLC0415 - see `_parser`

    state = _parser().parse_interactive(start=start)
    feed = state.feed_token
    try:
        for token in tokens:
            feed(cast("LarkToken", token))  # lark asks only for `type` and `value`
        found: object = feed(cast("LarkToken", Token("$END", "", end, end)))
        return found
    except UnexpectedToken as unexpected:
        at = unexpected.token
        assert isinstance(at, Token)
        expected = frozenset(str(name) for name in state.accepts())  # type: ignore[no-untyped-call]
        raise _refusal(at, expected, usage) from None


def _refusal(at: Token, expected: frozenset[str], usage: str) -> Refused:
    span = at.span if at.value else Span(max(at.start - 1, 0), at.start)
    found = f"`{shown(at.value)}`" if at.value else "the end of the line"
    if at.type in words() and "NAME" in expected and not at.value.isspace() and not expected & _INFIX:
        message = f"`{at.value}` is a word of the language and cannot stand here"
        return Refused("reserved_name", message, span, "choose another name" if len(expected) < 4 else usage)
    return Refused("unexpected_token", f"{_wanted(expected)}, not {found}", span, _hint(at, expected) or usage)


def _wanted(expected: frozenset[str]) -> str:
    if expected >= _OPERAND:
        return "a value is wanted here"
    if expected >= _INFIX:
        rest = sorted(_CLASSES[name] for name in expected & {"COMMA", "RPAR", "RSQB", "RBRACE", "$END"})
        return (
            f"an operator{''.join(', ' + name for name in rest[:-1])} or {rest[-1]} is wanted here"
            if rest
            else ("an operator is wanted here")
        )
    if "SCHEDULE" in expected:
        return f"one of {', '.join(TRIGGERS)} is wanted here"
    names = sorted(_CLASSES.get(name) or name for name in expected)
    if not names:
        return "nothing more is wanted here"
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return f"{listed} is wanted here"


def _hint(at: Token, expected: frozenset[str]) -> str:
    """Advice for mistakes people make, most telling first."""
    upper = at.value.upper()
    if upper in COMPARING | {"AND", "OR", "NOT", "IN"} and at.value != upper:
        return f"operators are written in capitals: {upper}"
    if at.type == "MOMENT":
        return f'put a date in quotes: "{at.value}"'
    if at.type in ("LESS", "MORE", "COMPARE", "IN") and expected & {"AND", "$END"}:
        return "join comparisons with AND"
    if at.type == "FUNC" and expected & _INFIX and upper in ("AND", "OR"):
        return f"put a space after {upper}"
    if at.type == "UNIT" or (at.type == "NAME" and upper in ("AND", "OR")):
        return "a unit follows its number: 30 days"
    if at.type == "COLON":
        return "no colon here: it stands only in {name: value}"
    if "SCHEDULE" in expected:
        return word_hint(at.value, TRIGGERS)
    return ""
