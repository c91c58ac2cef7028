"""Logical lines to a tree of nodes, by indentation.

Knows: indentation, and what `forms.ALLOWED` lets stand where. In: lines. Out: `Node`s with parsed values.
Never: builds actions (`build.py` does).
"""

from __future__ import annotations

from collections.abc import Iterable

from eyeflow.ir.text import grammar
from eyeflow.ir.text.findings import Findings, Refused, shown
from eyeflow.ir.text.forms import ALLOWED, USAGE
from eyeflow.ir.text.lexer import MAX_DEPTH, Line, Token, word_hint
from eyeflow.ir.text.vocabulary import starters
from eyeflow.values import Span


class Node:
    """A line and the lines below it. `broken`: its value could not be read, which is already reported."""

    __slots__ = ("broken", "children", "depth", "indent", "inner", "keyword", "line", "value")

    def __init__(self, keyword: str, line: Line | None, indent: int, depth: int) -> None:
        self.keyword, self.line, self.indent, self.depth = keyword, line, indent, depth
        self.value: object = None
        self.broken = False
        self.inner: int | None = None
        self.children: list[Node] = []

    @property
    def head(self) -> Span:
        """The place of the line itself."""
        return self.line.span if self.line is not None else Span(0, 0)

    @property
    def span(self) -> Span:
        """The place of the line and everything below it."""
        last = self
        while last.children:
            last = last.children[-1]
        return Span(self.head.start, last.head.end)


def read_blocks(lines: Iterable[Line], findings: Findings) -> Node:
    """The root node, whose children are the top lines. Raises: TooMany."""
    root = Node("", None, -1, 0)
    stack = [root]
    for line in lines:
        _place(line, stack, findings)
    return root


def _place(line: Line, stack: list[Node], findings: Findings) -> None:
    while line.indent <= stack[-1].indent:
        stack.pop()
    parent = stack[-1]
    if parent.keyword.startswith("?"):
        return
    first = line.tokens[0]
    if parent.keyword not in ALLOWED or parent.depth >= MAX_DEPTH:
        _misnested(parent, line, findings)
        while parent.keyword not in ALLOWED or parent.depth >= MAX_DEPTH:
            stack.pop()
            parent = stack[-1]
    elif parent.inner is None:
        parent.inner = line.indent
    elif parent.inner != line.indent:
        hint = f"the lines of this block stand {parent.inner} spaces in, this one {line.indent}"
        findings.add("bad_indentation", f"`{shown(first.value)}` stands in no block", first.span, hint)
    node = _read(line, parent, findings)
    if node is not None:
        parent.children.append(node)
        stack.append(node)


def _misnested(parent: Node, line: Line, findings: Findings) -> None:
    first = line.tokens[0]
    if parent.depth >= MAX_DEPTH:
        findings.add("too_deep", f"blocks are nested more than {MAX_DEPTH} deep", first.span, "use a subtask")
        return
    hint = f"{parent.keyword} takes no lines below it; indent like `{parent.keyword}`"
    findings.add("bad_indentation", f"`{shown(first.value)}` is indented too far", first.span, hint)


def _read(line: Line, parent: Node, findings: Findings) -> Node | None:
    """The node of a line; None when its first word starts no line that could hold anything."""
    first = line.tokens[0]
    word = first.value
    if first.type not in starters():
        if not line.broken:
            _unknown(first, parent, findings)
        near = word.upper() if word.upper() in starters() else ""
        return _broken(near, line, parent)
    if word not in ALLOWED[parent.keyword] and parent.keyword != "ACTION":
        places = [name or "the file" for name, allowed in ALLOWED.items() if word in allowed]
        hint = f"it belongs in {' or '.join(dict.fromkeys(places))}" if places else ""
        findings.add("misplaced_line", f"`{word}` cannot stand in {parent.keyword or 'the file'}", first.span, hint)
        return _broken(word, line, parent)
    node = Node(word, line, line.indent, parent.depth + 1)
    if line.broken:
        node.broken = True
        return node
    try:
        node.value = grammar.read(line.tokens, "line", line.span.end, f"write {USAGE[word]}")
    except Refused as refused:
        findings.take(refused)
        node.broken = True
    return node


def _broken(keyword: str, line: Line, parent: Node) -> Node:
    """Stands for a refused line, and takes the lines below it, so that they are not reported as well."""
    node = Node(f"?{keyword}", line, line.indent, parent.depth + 1)
    node.broken = True
    return node


def _unknown(first: Token, parent: Node, findings: Findings) -> None:
    allowed = ALLOWED.get(parent.keyword) or tuple(starters())
    hint = word_hint(first.value, allowed)
    if not hint:
        hint = word_hint(first.value, starters()) or f"lines here start with {', '.join(allowed[:6])} ..."
    if first.value.upper() in starters():
        hint = f"lines start in capitals: {first.value.upper()}"
    findings.add("unknown_line", f"no line starts with `{shown(first.value)}`", first.span, hint)
