"""Canonical text of a file a person wrote, comments kept.

Knows: which comment belongs to which line. In: source text. Out: its canonical form, or the source unchanged with
the findings that prevent one. Never: changes meaning, except that a schedule's assumed zone is spelled (`"UTC"`).

A comment on a line of its own belongs to the next line, one after a line to that line. Lines are found again by
their place in the tree of blocks (keyword and count within the block), entries of a map by their name. A comment
whose line has no counterpart goes to the nearest line before it that has one: none is lost.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TypeAlias

from msgspec.structs import replace

from eyeflow.diagnostics import Report
from eyeflow.ir.task import Once, Schedule, Task, Trigger
from eyeflow.ir.text.blocks import Node
from eyeflow.ir.text.lexer import Comment, Token
from eyeflow.ir.text.parse import parse_with_comments
from eyeflow.ir.text.print import print_task

Key: TypeAlias = tuple[tuple[str, int], ...]


def format_source(source: str, name: str = "<ir>") -> tuple[str, Report]:
    """The canonical form of `source`; with errors, `source` itself and what is wrong. Idempotent."""
    task, root, comments, report = parse_with_comments(source, name)
    if task is None or root is None:
        return source, report
    text = print_task(with_zones(task))
    return (_with_comments(text, source, root, comments) if comments else text), report


def with_zones(task: Task) -> Task:
    """`task` with the assumed zone of its times said."""
    return replace(task, triggers=tuple(_zoned(trigger) for trigger in task.triggers))


def _zoned(trigger: Trigger) -> Trigger:
    if isinstance(trigger, Schedule) and trigger.zone is None:
        return replace(trigger, zone="UTC")
    if isinstance(trigger, Once) and trigger.zone is None and not _has_offset(trigger.at):
        return replace(trigger, zone="UTC")
    return trigger


def _has_offset(at: str) -> bool:
    clock = at.partition("T")[2]
    return clock.endswith("Z") or "+" in clock or "-" in clock


def _anchors(root: Node) -> list[tuple[int, Key]]:
    """Where each line and each entry of a map starts, in order, with its key."""
    found: list[tuple[int, Key]] = []

    def walk(node: Node, key: Key) -> None:
        counts: dict[str, int] = {}
        for child in node.children:
            word = child.keyword
            counts[word] = counts.get(word, 0) + 1
            inner: Key = (*key, (word, counts[word]))
            assert child.line is not None
            found.append((child.line.tokens[0].start, inner))
            found.extend((token.start, (*inner, (token.value, 0))) for token in _entry_keys(child.line.tokens))
            walk(child, inner)

    walk(root, ())
    return found


def _entry_keys(tokens: list[Token]) -> list[Token]:
    """The names of the entries of `PARAMS { ... }`, and its closing brace."""
    if tokens[0].value not in ("PARAMS", "HEADERS", "QUERY"):
        return []
    keys: list[Token] = []
    depth = 0
    for token, following in pairwise(tokens[1:]):
        depth += (token.type in ("LBRACE", "LSQB", "LPAR")) - (token.type in ("RBRACE", "RSQB", "RPAR"))
        if depth == 1 and following.type == "COLON":
            keys.append(token)
    return [*keys, tokens[-1]]


def _with_comments(text: str, source: str, root: Node, comments: list[Comment]) -> str:
    _, printed, _, again = parse_with_comments(text, "<printed>")
    assert printed is not None and again.ok, again
    line_of = {key: text.count("\n", 0, start) for start, key in _anchors(printed)}
    anchors = _anchors(root)
    starts = [start for start, _ in anchors]
    lines = text.split("\n")[:-1]
    before: dict[int, list[str]] = {}
    after: dict[int, list[str]] = {}
    for comment in comments:
        at = bisect_left(starts, comment.start)
        if comment.alone:
            target = next((line_of[key] for _, key in anchors[at:] if key in line_of), len(lines))
            before.setdefault(target, []).append(comment.text)
        else:
            target = next((line_of[key] for _, key in reversed(anchors[:at]) if key in line_of), 0)
            after.setdefault(target, []).append(comment.text)
    return _woven(lines, before, after, _inside_text(text))


def _inside_text(text: str) -> frozenset[int]:
    """Numbers of printed lines that end inside a text block, where a comment would become text."""
    inside: set[int] = set()
    is_open = False
    for number, line in enumerate(text.split("\n")):
        if line.replace('\\"', "").count('"""') % 2:
            is_open = not is_open
        if is_open:
            inside.add(number)
    return frozenset(inside)


def _woven(lines: list[str], before: dict[int, list[str]], after: dict[int, list[str]], inside: frozenset[int]) -> str:
    out: list[str] = []
    for number, line in enumerate(lines):
        indent = line[: len(line) - len(line.lstrip(" "))] + ("  " if line.strip() == "}" else "")
        trailing = after.get(number, [])
        alone = [*before.get(number, []), *(trailing if number in inside else [])]
        out.extend(f"{indent}{comment}" for comment in alone)
        out.append(line if number in inside or not trailing else f"{line}  {' '.join(trailing)}")
    out.extend(before.get(len(lines), []))
    return "\n".join(out) + "\n"
