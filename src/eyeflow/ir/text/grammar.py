"""Reading one line or expression by the tables, and the reading of failures.

Knows: what people call the classes of tokens, and the mistakes they make. In: tokens of one line or expression. Out:
what `lines.Builder` makes of them. Never: touches characters (`lexer.py`) or blocks (`blocks.py`).
"""

from __future__ import annotations

from functools import cache
from typing import Final

from eyeflow.ir.text.findings import Refused, shown
from eyeflow.ir.text.lalr import END, Make, Parsing, UnexpectedError, makers, tables
from eyeflow.ir.text.lexer import TRIGGERS, Token, word_hint
from eyeflow.ir.text.lines import Builder
from eyeflow.ir.text.vocabulary import COMPARING, words
from eyeflow.values import Span

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
def _makers() -> tuple[Make, ...]:
    return makers(tables(), Builder())


def read(tokens: list[Token], start: str, end: int, usage: str = "") -> object:
    """What `tokens` mean as `start` (`line`, `expression`, `whole_type`, `shape`); `end` is where the text ends.

    Raises: Refused, with `usage` as the hint of last resort.
    """
    reading = Parsing(tables(), _makers(), start)
    try:
        for token in tokens:
            reading.feed(token)
        return reading.feed(Token(END, "", end, end))
    except UnexpectedError as unexpected:
        raise _refusal(unexpected.token, unexpected.expected, usage) from None


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
