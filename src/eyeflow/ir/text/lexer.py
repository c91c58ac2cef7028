"""Characters to tokens, and tokens to logical lines.

Knows: token shapes, comments, brackets that join lines, the size limits. In: source text. Out: `Line`s with
indentation and tokens, and the comments. Never: what a line means.

A bracket joins lines until it closes. A line inside it that starts with a reserved word of a line shows that the
bracket was forgotten: the finding is put at the bracket, and reading goes on with that line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from eyeflow.diagnostics import nearest
from eyeflow.ir.text.findings import Findings, shown
from eyeflow.ir.text.vocabulary import COMPARING, starters, words
from eyeflow.ir.text.words import NAME, STEP, TEXT
from eyeflow.values import Span

MAX_CHARS: Final = 1_000_000
MAX_TOKENS: Final = 200_000
MAX_LINE_TOKENS: Final = 20_000
MAX_DEPTH: Final = 64

_TOKEN = re.compile(
    rf"""(?P<SPACE>[ ]++)
    |(?P<NEWLINE>\r?\n)
    |(?P<COMMENT>\#[^\n]*+)
    |(?P<WORD>{NAME})(?P<STEPS>(?:{STEP})*+)
    |(?P<STRING>\"\"\"[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+\"\"\"|(?!\"\"\"){TEXT})
    |(?P<MOMENT>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:T[0-9:.]++(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?)
    |(?P<TIME>[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?(?![0-9]))
    |(?P<NUMBER>[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)
    |(?P<COMPARE>==|!=|>=|<=)
    |(?P<PUNCT>[][(){{}}<>,:?+*/%-])""",
    re.VERBOSE | re.DOTALL,
)
_PUNCT: Final = {
    "[": "LSQB", "]": "RSQB", "(": "LPAR", ")": "RPAR", "{": "LBRACE", "}": "RBRACE", "<": "LESS", ">": "MORE",
    ",": "COMMA", ":": "COLON", "?": "QMARK", "+": "PLUS", "-": "MINUS", "*": "STAR", "/": "SLASH", "%": "PERCENT",
}  # fmt: skip
_CLOSES: Final = {"]": "[", ")": "(", "}": "{"}
_UNIT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+(?![A-Za-z0-9_.(-])")
_CALLABLE: Final = COMPARING | {"AND", "OR", "NOT", "IN", "FORMAT"}
_NO_UNIT: Final = frozenset({"and", "or", "not", "true", "false", "null"})
TRIGGERS: Final = ("schedule", "once", "webhook", "event", "topic", "manual")
_HINTS: Final = {
    "'": 'text stands in double quotes: "..."',
    "“": 'text stands in straight double quotes: "..."',
    "”": 'text stands in straight double quotes: "..."',
    "=": "write == to compare; parameters are written `name: value`",
    "&": "write AND",
    "|": "write OR",
    "!": "write NOT, or != for `differs`",
    "$": "write the currency as a unit: 500 usd",
    "\t": "indent with two spaces",
    ";": "one line each",
    ".": "a path is written without spaces, a number with a digit before its point",
}
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Token:
    """A word of the text: its class, its characters, and where they are."""

    __slots__ = ("end", "start", "type", "value")

    def __init__(self, type: str, value: str, start: int, end: int) -> None:
        self.type, self.value, self.start, self.end = type, value, start, end

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start, self.end)


class Comment:
    """`# ...` at `start`; `alone` when nothing else is on its line."""

    __slots__ = ("alone", "start", "text")

    def __init__(self, text: str, start: int, alone: bool) -> None:
        self.text, self.start, self.alone = text, start, alone


class Line:
    """A logical line: tokens at an indentation. `broken`: something in it was already reported."""

    __slots__ = ("broken", "indent", "tokens")

    def __init__(self, indent: int) -> None:
        self.indent = indent
        self.tokens: list[Token] = []
        self.broken = False

    @property
    def span(self) -> Span:
        """From the first token to the last."""
        return Span(self.tokens[0].start, self.tokens[-1].end)


class Lexer:
    """Reads one source. `whole` False: it is an expression or a type, and no word in it starts a line."""

    def __init__(self, findings: Findings, *, whole: bool = True) -> None:
        self.whole = whole
        self.findings, self.source = findings, findings.source
        self.words = words()
        self.starters = starters() if whole else frozenset[str]()
        self.comments: list[Comment] = []
        self.count = 0
        self.line = Line(0)
        self.open: list[Token] = []

    def lines(self) -> Iterator[Line]:
        """Every logical line with at least one token, in order. Line breaks inside brackets do not end one."""
        source, at, fresh = self.source, 0, True
        if source.startswith("\ufeff"):
            at = 1
        self.line = Line(0)
        while at < len(source):
            found = _TOKEN.match(source, at)
            if found is None:
                at = self._strange(at)
                fresh = False
                continue
            kind = found.lastgroup
            if kind == "NEWLINE":
                at, fresh = found.end(), True
                if not self.open or self._abandoned(at):
                    yield from self._finish()
                continue
            if kind == "SPACE":
                if fresh and not self.line.tokens:
                    self.line.indent = found.end() - at
            elif kind == "COMMENT":
                self.comments.append(Comment(found.group().rstrip(), at, fresh))
            else:
                fresh = False
                self._token(found, at)
                if self.count > MAX_TOKENS or len(self.line.tokens) > MAX_LINE_TOKENS:
                    self._too_large(found.start())
                    return
            at = found.end()
        if self.open:
            self._unclosed()
        yield from self._finish()

    def _finish(self) -> Iterator[Line]:
        line, self.line, self.open = self.line, Line(0), []
        if line.tokens:
            yield line

    def _token(self, found: re.Match[str], at: int) -> None:
        text, kind, tokens = found.group(), found.lastgroup, self.line.tokens
        self.count += 1
        if kind == "STEPS":
            kind = self._word(found, tokens)
        elif kind == "PUNCT":
            kind = _PUNCT[text]
            self._bracket(text, at)
        elif kind == "STRING" and (hidden := _HIDDEN.search(text.replace("\r\n", "  "))) is not None:
            self._hidden(at + hidden.start())
        assert kind is not None
        tokens.append(Token(kind, text, at, found.end()))

    def _word(self, found: re.Match[str], tokens: list[Token]) -> str:
        """The class of a word, which depends on what stands beside it."""
        if found["STEPS"]:
            return "PATH"
        word, source, end = found["WORD"], self.source, found.end()
        called = source[end : end + 1] == "("
        if not tokens and self.whole and word in self.words:
            return word
        if len(tokens) == 1 and tokens[0].type == "TRIGGER" and word in TRIGGERS:
            return "ON_TOPIC" if word == "topic" else word.upper()
        if word in self.words:
            return "FUNC" if called and word in _CALLABLE else word
        if word in COMPARING:
            return "FUNC" if called else "COMPARE"
        if called or source[end : end + 2] == " (":
            return "FUNC"
        if tokens and tokens[-1].type == "NUMBER" and word not in _NO_UNIT and _UNIT.fullmatch(word):
            between = source[tokens[-1].end : found.start()]
            return "UNIT" if between in ("", " ") else "NAME"
        return "NAME"

    def _bracket(self, text: str, at: int) -> None:
        if text in "([{":
            self.open.append(Token(text, text, at, at + 1))
            if len(self.open) == MAX_DEPTH + 1:
                self._report(
                    "too_deep", f"brackets are nested more than {MAX_DEPTH} deep", at, at + 1, "use a transform action"
                )
        elif text in _CLOSES:
            if self.open and self.open[-1].type == _CLOSES[text]:
                self.open.pop()
                return
            hint = f"`{self.open[-1].value}` is still open" if self.open else "nothing is open here"
            self._report("unmatched_bracket", f"`{text}` closes nothing", at, at + 1, hint)

    def _abandoned(self, at: int) -> bool:
        """True when the line at `at` can only be a new one, so that the open bracket was forgotten."""
        found = _STARTER.match(self.source, at)
        if found is None or found[1] not in self.starters:
            return False
        self._unclosed()
        return True

    def _unclosed(self) -> None:
        token = self.open[-1]
        closing = next(end for end, start in _CLOSES.items() if start == token.value)
        self._report("unclosed_bracket", f"`{token.value}` is not closed", token.start, token.end, f"add `{closing}`")

    def _strange(self, at: int) -> int:
        """Reports what no token starts with; returns where to go on."""
        char = self.source[at]
        if char == '"':
            end = self.source.find("\n", at)
            end = len(self.source) if end < 0 or self.source.startswith('"""', at) else end
            text = '"""' if self.source.startswith('"""', at) else '"'
            self._report(
                "unclosed_string",
                f"the text that starts with `{shown(self.source[at:end], 20)}` does not end",
                at,
                end,
                f"close it with {text}",
            )
            return end
        if _HIDDEN.match(char):
            self._hidden(at)
        else:
            hint = _HINTS.get(char, 'text stands in double quotes; odd names in a path too: root."odd name"')
            self._report("unexpected_character", f"`{shown(char)}` has no meaning here", at, at + 1, hint)
        end = self.source.find("\n", at)
        return len(self.source) if end < 0 else end

    def _hidden(self, at: int) -> None:
        name = f"U+{ord(self.source[at]):04X}"
        hint = f"write it as \\u{ord(self.source[at]):04x} in a string, or take it out"
        self._report("hidden_character", f"the character {name} cannot be seen", at, at + 1, hint)

    def _report(self, code: str, message: str, start: int, end: int, hint: str) -> None:
        if not self.line.broken:
            self.findings.add(code, message, Span(start, end), hint)
        if not self.line.tokens:
            self.line.tokens.append(Token("STRANGE", self.source[start:end], start, end))
        self.line.broken = True

    def _too_large(self, at: int) -> None:
        limit = f"{MAX_LINE_TOKENS:,} words in a line" if self.count <= MAX_TOKENS else f"{MAX_TOKENS:,} words"
        self.findings.add("source_too_large", f"more than {limit}", Span(at, at + 1), "split it into subtasks")


_STARTER = re.compile(r" *+([A-Z_]++)(?=[ \r\n])")


def word_hint(word: str, known: frozenset[str] | tuple[str, ...]) -> str:
    """`did you mean X?` for the nearest of `known`, or the empty string."""
    close = nearest(word.upper() if all(k.isupper() for k in known) else word, sorted(known), limit=1)
    return f"did you mean {close[0]}?" if close else ""
