"""Nodes to actions: which lines a block has, which it needs, and the struct they make.

Knows: one function per TYPE of action. In: `Node`s. Out: `Action`s, `Block`s; findings for what is missing, repeated
or out of place. Never: checks names, types or effects (the checker does).

A piece that was reported is replaced by a harmless one, so that the rest of the block is still read; `parse` gives
no Task when anything was reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeVar, cast

from eyeflow.diagnostics import nearest
from eyeflow.ir.expr import Expr, Lit, Template
from eyeflow.ir.task import (
    Action,
    Approval,
    Block,
    Body,
    Case,
    Conditional,
    ConnectorCall,
    Emit,
    Fallback,
    ForEach,
    HttpCall,
    Log,
    Respond,
    Subtask,
    Transform,
    Wait,
)
from eyeflow.ir.text.blocks import Node
from eyeflow.ir.text.findings import Findings, Refused, shown
from eyeflow.ir.text.forms import BODIES, COMMON, MANY, USAGE
from eyeflow.ir.text.lexer import Token
from eyeflow.ir.text.lines import Auth, C, Loop, Word, one_of

T = TypeVar("T")
_NULL: Final = Lit(None)
_ON_ERROR: Final[tuple[Literal["fail", "continue"], ...]] = ("fail", "continue")
_UNCERTAIN: Final[tuple[Literal["fail", "retry", "ask"], ...]] = ("fail", "retry", "ask")


class Section:
    """The lines of one block, by keyword."""

    def __init__(self, node: Node, findings: Findings) -> None:
        self.node, self.findings = node, findings
        self.lines: dict[str, list[Node]] = {}
        for child in node.children:
            found = self.lines.setdefault(child.keyword.removeprefix("?"), [])
            if found and child.keyword not in MANY and not child.broken:
                self.findings.add(
                    "repeated_line", f"`{child.keyword}` occurs twice in this block", child.head, "keep one of them"
                )
            found.append(child)

    def all(self, keyword: str) -> list[Node]:
        """Every readable line of this keyword."""
        return [node for node in self.lines.get(keyword, ()) if not node.broken]

    def one(self, keyword: str) -> Node | None:
        """The line of this keyword; None when absent or unreadable."""
        found = self.all(keyword)
        return found[0] if found else None

    def get(self, keyword: str, absent: T) -> T:
        """The value of a line, or `absent`. The grammar says what type the value has."""
        node = self.one(keyword)
        return absent if node is None else cast(T, node.value)

    def need(self, keyword: str, absent: T, what: str) -> T:
        """The value of a line without which `what` makes no sense."""
        if keyword not in self.lines:
            self.missing(keyword, what)
        return self.get(keyword, absent)

    def missing(self, keyword: str, what: str) -> None:
        """Reports a needed line."""
        self.findings.add("missing_line", f"{what} needs a line {keyword}", self.node.head, f"add {USAGE[keyword]}")

    def word(self, keyword: str, choices: tuple[C, ...]) -> C | None:
        """The word of a line, one of `choices`."""
        word = self.get(keyword, cast("Word | None", None))
        if word is None:
            return None
        try:
            return one_of(word, choices)
        except Refused as refused:
            self.findings.take(refused)
            return None

    def exclusive(self, *keywords: str) -> None:
        """Reports lines that exclude each other."""
        found = [self.lines[keyword][0] for keyword in keywords if keyword in self.lines]
        for other in found[1:]:
            message = f"`{other.keyword}` and `{found[0].keyword}` exclude each other"
            self.findings.add("conflicting_lines", message, other.head, "keep one of them")

    def actions(self) -> tuple[Action, ...]:
        """The nested actions, in order."""
        return tuple(build_action(node, self.findings) for node in self.all("ACTION"))


def build_action(node: Node, findings: Findings) -> Action:
    """The action a block `ACTION name` describes."""
    section = Section(node, findings)
    name = cast(str, node.value)
    return Action(
        name=name,
        do=_body(section, name),
        after=section.get("AFTER", ()),
        when=section.get("WHEN", None),
        timeout_ms=section.get("TIMEOUT", None),
        retry=section.get("RETRY", None),
        fallback=_fallback(section),
        on_error=section.word("ON_ERROR", _ON_ERROR),
        uncertain=section.word("UNCERTAIN", _UNCERTAIN),
        cache_ms=section.get("CACHE", None),
        rate=section.get("RATE", None),
        output=section.get("OUTPUT", None),
        span=node.span,
    )


def _body(section: Section, name: str) -> Body:
    word = section.get("TYPE", cast("Word | None", None))
    nothing = Transform(value=_NULL)
    if word is None:
        if "TYPE" not in section.lines:
            guess = next((t for t, lines in BODIES.items() if lines[0] in section.lines), "connector_call")
            message = f"action `{shown(name)}` has no TYPE"
            section.findings.add("missing_line", message, section.node.head, f"add TYPE {guess}")
        return nothing
    if word.text not in BODIES:
        close = nearest(word.text, BODIES, limit=1)
        hint = f"did you mean {close[0]}?" if close else f"types are {', '.join(BODIES)}"
        section.findings.add("unknown_word", f"`{shown(word.text)}` is no type of action", word.span, hint)
        return nothing
    allowed = (*COMMON, *BODIES[word.text])
    for child in section.node.children:
        if child.keyword not in allowed and not child.broken:
            close = nearest(child.keyword, BODIES[word.text], limit=1)
            hint = f"did you mean {close[0]}?" if close else f"its lines are {', '.join(BODIES[word.text])}"
            message = f"`{child.keyword}` does not belong to TYPE {word.text}"
            section.findings.add("misplaced_line", message, cast(Token, child.line and child.line.tokens[0]).span, hint)
    return _READERS[word.text](section)


def _http_call(section: Section) -> HttpCall:
    method = section.get("METHOD", cast("Word | None", None))
    auth = section.get("AUTH", cast("Auth | None", None))
    return HttpCall(
        method=method.text if method else "GET",
        url=section.need("URL", cast(Expr, _NULL), "an http_call"),
        headers=section.get("HEADERS", ()),
        query=section.get("QUERY", ()),
        body=section.get("BODY", None),
        auth=auth.way if auth else None,
        auth_connection=auth.connection if auth else None,
        expect=section.get("EXPECT", None),
    )


def _connector_call(section: Section) -> ConnectorCall:
    return ConnectorCall(
        connector=section.need("CONNECTOR", "", "a connector_call"),
        function=section.need("FUNCTION", "", "a connector_call"),
        params=section.get("PARAMS", ()),
    )


def _conditional(section: Section) -> Conditional:
    if "CONDITION" not in section.lines:
        section.missing("CONDITION", "a conditional")
    if "DEFAULT" not in section.lines:
        section.findings.add(
            "missing_line",
            "a conditional needs a line DEFAULT",
            section.node.head,
            "add DEFAULT with a block below it, or DEFAULT NOTHING",
        )
    cases = tuple(
        Case(cast(Expr, node.value), _case_block(node, section.findings)) for node in section.all("CONDITION")
    )
    default = section.one("DEFAULT")
    return Conditional(cases=cases, default=_block(default, section.findings) if default else Block())


def _case_block(node: Node, findings: Findings) -> Block:
    section = Section(node, findings)
    branch = section.one("BRANCH")
    if branch is None:
        return _block(node, findings, label=None) if "BRANCH" not in section.lines else Block()
    for child in node.children:
        if child is not branch and not child.broken and child.keyword != "BRANCH":
            findings.add(
                "misplaced_line",
                f"`{child.keyword}` belongs inside the BRANCH",
                child.head,
                "indent it two spaces more",
            )
    return _block(branch, findings)


def _block(node: Node, findings: Findings, label: str | None = "") -> Block:
    """The block below a BRANCH, a DEFAULT, or (with `label` None) directly below a CONDITION."""
    section = Section(node, findings)
    inline = isinstance(node.value, Token) and node.value.type == "NOTHING"
    section.exclusive("FORMAT", "VALUE", "ACTION", "NOTHING")
    name = None if label is None or inline else cast("str | None", node.value)
    if inline and node.children:
        findings.add("conflicting_lines", "DEFAULT NOTHING takes no lines below it", node.head, "write DEFAULT alone")
    elif not inline and not any(child.keyword != "OUTPUT" for child in node.children):
        hint = "add FORMAT, VALUE or actions below it, or NOTHING"
        findings.add("missing_line", f"{node.keyword} has an empty block", node.head, hint)
    return Block(
        name=name,
        format=section.get("FORMAT", cast("Template | None", None)),
        value=section.get("VALUE", cast("Expr | None", None)),
        actions=section.actions(),
        output=section.get("OUTPUT", None),
        span=node.span,
    )


def _transform(section: Section) -> Transform:
    return Transform(value=section.need("VALUE", cast(Expr, _NULL), "a transform"))


def _foreach(section: Section) -> ForEach:
    loop = section.need("EACH", Loop("item", _NULL), "a foreach")
    return ForEach(
        item=loop.item,
        source=loop.source,
        where=loop.where,
        parallel=loop.parallel,
        max_items=loop.max_items,
        actions=section.actions(),
        collect=section.get("COLLECT", None),
    )


def _subtask(section: Section) -> Subtask:
    return Subtask(task=section.need("TASK", "", "a subtask"), params=section.get("PARAMS", ()))


def _wait(section: Section) -> Wait:
    section.exclusive("FOR", "UNTIL")
    if "FOR" not in section.lines and "UNTIL" not in section.lines:
        section.missing("FOR", "a wait")
    return Wait(for_=section.get("FOR", None), until=section.get("UNTIL", None))


def _approval(section: Section) -> Approval:
    return Approval(
        role=section.need("ROLE", "", "an approval"),
        message=section.need("MESSAGE", cast(Expr, _NULL), "an approval"),
        expires_ms=section.get("EXPIRES", None),
    )


def _emit(section: Section) -> Emit:
    return Emit(topic=section.need("TOPIC", "", "an emit"), value=section.need("VALUE", cast(Expr, _NULL), "an emit"))


def _log(section: Section) -> Log:
    return Log(message=section.need("MESSAGE", cast(Expr, _NULL), "a log"))


def _respond(section: Section) -> Respond:
    return Respond(status=section.get("STATUS", None), body=section.get("BODY", None))


def _fallback(section: Section) -> Fallback | None:
    node = section.one("FALLBACK")
    if node is None:
        return None
    inner = Section(node, section.findings)
    inner.exclusive("VALUE", "ACTION")
    if not node.children or not ("VALUE" in inner.lines or "ACTION" in inner.lines):
        section.findings.add("missing_line", "FALLBACK has an empty block", node.head, "add VALUE or actions below it")
    return Fallback(
        actions=inner.actions(),
        value=inner.get("VALUE", None),
        then=cast('Literal["continue", "stop"] | None', node.value),
        timeout_ms=inner.get("TIMEOUT", None),
    )


_READERS: Final[dict[str, Callable[[Section], Body]]] = {
    "http_call": _http_call,
    "connector_call": _connector_call,
    "conditional": _conditional,
    "transform": _transform,
    "foreach": _foreach,
    "subtask": _subtask,
    "wait": _wait,
    "approval": _approval,
    "emit": _emit,
    "log": _log,
    "respond": _respond,
}
