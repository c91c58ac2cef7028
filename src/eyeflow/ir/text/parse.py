"""LLM-IR text to a `Task`.

Knows: the head of a task. In: source text. Out: `(Task | None, Report)`; None as soon as anything is wrong.
Never: raises for bad input, resolves names, checks types.
"""

from __future__ import annotations

from typing import Final, Literal, cast

import msgspec

from eyeflow.diagnostics import Report
from eyeflow.ir.expr import Expr
from eyeflow.ir.task import Event, Manual, Once, Schedule, Task, Topic, Trigger, Webhook
from eyeflow.ir.text.blocks import Node, read_blocks
from eyeflow.ir.text.build import Section
from eyeflow.ir.text.findings import Findings, TooMany, shown
from eyeflow.ir.text.lexer import MAX_CHARS, Comment, Lexer
from eyeflow.values import Field, Span

_DURABLE: Final[tuple[Literal["record", "journal"], ...]] = ("record", "journal")


def parse(source: str, name: str = "<ir>") -> tuple[Task | None, Report]:
    """The one TASK that `source` spells; `name` is what findings call the text (a file name).

    Every line that can be read apart is read, so that a report has all errors of a text, up to fifty.
    """
    task, _, _, report = parse_with_comments(source, name)
    return task, report


def parse_with_comments(source: str, name: str) -> tuple[Task | None, Node | None, list[Comment], Report]:
    """As `parse`, and the tree of lines and the comments, for the formatter."""
    findings = Findings(source, name)
    if len(source) > MAX_CHARS:
        message = f"the text has {len(source):,} characters; the limit is {MAX_CHARS:,}"
        findings.add("source_too_large", message, Span(0, 0), "split it into subtasks")
        return None, None, [], findings.report
    lexer = Lexer(findings)
    task = root = None
    try:
        root = read_blocks(lexer.lines(), findings)
        task = _file(root, findings)
    except TooMany:
        pass
    report = findings.report
    return (task if report.ok else None), root, lexer.comments, report


def _file(root: Node, findings: Findings) -> Task | None:
    tasks = [node for node in root.children if node.keyword == "TASK"]
    for extra in tasks[1:]:
        message = f"a second task, `{shown(str(extra.value))}`, in one file"
        findings.add("one_task_per_file", message, extra.head, "put it into a file of its own")
    if not tasks:
        if not findings.found:
            findings.add("no_task", "the text has no TASK", Span(0, 0), "start with TASK and a name")
        return None
    return _task(tasks[0], findings)


def _task(node: Node, findings: Findings) -> Task:
    section = Section(node, findings)
    inputs = tuple(cast(Field, line.value) for line in section.all("INPUT"))
    _inputs_once(section, inputs)
    on_failure = section.one("ON_FAILURE")
    if on_failure is not None and not on_failure.children:
        findings.add("missing_line", "ON_FAILURE has an empty block", on_failure.head, "add actions below it")
    return Task(
        name=cast(str, node.value) or "",
        version=section.get("VERSION", None),
        description=section.get("DESCRIPTION", None),
        zone=section.get("ZONE", None),
        deadline_ms=section.get("DEADLINE", None),
        expires_ms=section.get("EXPIRES", None),
        durable=section.word("DURABLE", _DURABLE),
        inputs=inputs,
        triggers=tuple(_trigger(line, findings) for line in section.all("TRIGGER")),
        actions=section.actions(),
        on_failure=Section(on_failure, findings).actions() if on_failure is not None else (),
        returns=section.get("RETURN", None),
        span=node.span,
    )


def _inputs_once(section: Section, inputs: tuple[Field, ...]) -> None:
    seen: set[str] = set()
    for line, field in zip(section.all("INPUT"), inputs, strict=True):
        if field.name in seen:
            section.findings.add(
                "duplicate_name", f"input `{shown(field.name)}` is named twice", line.head, "keep one of them"
            )
        seen.add(field.name)


def _trigger(node: Node, findings: Findings) -> Trigger:
    trigger = cast(Trigger, node.value)
    where = Section(node, findings).one("WHERE")
    if where is not None and isinstance(trigger, Schedule | Once | Manual):
        hint = "a time has no payload; use WHEN on the action"
        findings.add("misplaced_line", "WHERE needs a trigger that brings a payload", where.head, hint)
    elif where is not None:
        assert isinstance(trigger, Webhook | Event | Topic)
        trigger = msgspec.structs.replace(trigger, where=cast(Expr, where.value))
    return msgspec.structs.replace(trigger, span=node.head)
