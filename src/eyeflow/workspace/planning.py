"""What applying a folder would change: the plan, and how it is shown.

Knows: the shape of a plan, the words for its parts. In: requests beside what runs. Out: `FolderPlan`, `ApplyView`.
Never: reads the store, writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from eyeflow.catalog.model import CompileContext, Connection, Policy, Profile
from eyeflow.catalog.settings import Settings as Said
from eyeflow.diagnostics import Diagnostic, Place
from eyeflow.store.records import ConnectionRecord, TaskRecord, VersionRecord
from eyeflow.triggers.drafting import Made, Note
from eyeflow.workspace.errors import Invalid, WorkspaceError
from eyeflow.workspace.folderfiles import FolderFile, Source, TaskOptions
from eyeflow.workspace.offers import Ready, Review
from eyeflow.workspace.reviewing import ProposeRequest
from eyeflow.workspace.views import ComparedView, Draft


class ApplyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A folder to be applied. With `plan` nothing is changed; with `prune` tasks that the folder does not have are
    deleted. `{"files": [{"name": "hello.eir", "text": "TASK hello ..."}], "plan": true}`"""

    files: tuple[FolderFile, ...]
    plan: bool = False
    prune: bool = False


class TaskChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What becomes of one task. `kept`: the folder does not have it, and it goes on. `also` says in words what else
    changes: state, names. `compared` is what its program does differently."""

    task: str
    change: Literal["create", "update", "unchanged", "delete", "kept"]
    compared: ComparedView | None = None
    also: tuple[str, ...] = ()


class ItemChange(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of an account (`connection:NAME`), the `profile` or the `policy`, in words."""

    item: str
    change: Literal["create", "update"]
    text: str


class ApplyView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What applying changes, or has changed. `proposal` is set when people have to approve the programs first. `notes`
    and `made` (signing secrets of new webhooks) are shown this once."""

    changed: bool
    applied: bool
    tasks: tuple[TaskChange, ...] = ()
    items: tuple[ItemChange, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    proposal: str | None = None
    notes: tuple[Note, ...] = ()
    made: tuple[Made, ...] = ()


class TaskPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the folder beside what runs under its name."""

    source: Source
    options: TaskOptions
    row: TaskRecord | None
    version: VersionRecord | None
    ready: Ready | None = None
    aliases: tuple[TaskRecord, ...] = ()


class FolderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that applying would do."""

    base: bytes
    accounts: tuple[Connection, ...]
    added: tuple[Connection, ...]
    replaced: tuple[tuple[ConnectionRecord, Connection], ...]
    profile: Profile | None
    policy: Policy | None
    tasks: tuple[TaskPlan, ...]
    others: tuple[TaskRecord, ...]


def after(
    before: CompileContext, said: Said, added: Sequence[Connection],
    replaced: Sequence[tuple[ConnectionRecord, Connection]],
) -> CompileContext:  # fmt: skip
    """The context that will hold when the folder has been applied."""
    profile = said.profile if said.profile != Profile() else before.profile
    same = profile == before.profile
    return msgspec.structs.replace(
        before, connections=merged(before.connections, added, replaced), profile=profile,
        policy=said.policy if said.policy != Policy() else before.policy, zone=profile.timezone or "UTC",
        zone_assumed=before.zone_assumed if same else profile.timezone is None,
    )  # fmt: skip


def merged(
    before: Sequence[Connection], added: Sequence[Connection], replaced: Sequence[tuple[ConnectionRecord, Connection]]
) -> tuple[Connection, ...]:
    """Accounts with those that are added and replaced, by name."""
    whole = {each.name: each for each in before}
    whole |= {each.name: each for each in added}
    whole |= {row.name: each for row, each in replaced}
    return tuple(whole[name] for name in sorted(whole))


def same_programs(ready: Ready, task: TaskPlan) -> bool:
    """Only the words are others: the very same programs run already."""
    practice = task.row is not None and task.row.practice == task.options.practice
    return practice and all(each.compared.same for each in ready.review.programs)


def request_of(group: Sequence[TaskPlan]) -> ProposeRequest:
    """The request of the first task of a group, for the proposal of all."""
    first = group[0]
    return ProposeRequest(
        text=first.source.text, language=first.source.language, name=first.source.task,
        answers=first.options.answers, practice=first.options.practice,
    )  # fmt: skip


def together(group: Sequence[TaskPlan]) -> Ready:
    """All programs of a group as one: they are approved and deployed together."""
    parts = [each.ready for each in group if each.ready is not None]
    drafts: tuple[Draft, ...] = tuple(draft for part in parts for draft in part.drafts)
    review = Review(
        programs=tuple(each for part in parts for each in part.review.programs),
        missing=tuple(dict.fromkeys(each for part in parts for each in part.review.missing)),
        findings=tuple(each for part in parts for each in part.review.findings),
    )
    return Ready(drafts=drafts, review=review)


def view_of(plan: FolderPlan, *, prune: bool) -> ApplyView:
    """The plan as it is shown."""
    tasks = [change for each in plan.tasks for change in changes_of(each)]
    tasks += [TaskChange(task=row.name, change="delete" if prune else "kept") for row in plan.others]
    items = [item(f"connection:{each.name}", "create", f"{each.name} is added ({each.service})") for each in plan.added]
    items += [item(f"connection:{row.name}", "update", f"{row.name} changes") for row, _ in plan.replaced]
    items += [item("profile", "update", "the profile changes")] if plan.profile is not None else []
    items += [item("policy", "update", "who may use what changes")] if plan.policy is not None else []
    changed = bool(items) or any(each.change not in ("unchanged", "kept") or each.also for each in tasks)
    findings = tuple(found for each in plan.tasks if each.ready is not None for found in each.ready.review.findings)
    return ApplyView(changed=changed, applied=False, tasks=tuple(tasks), items=tuple(items), findings=findings)


def changes_of(task: TaskPlan) -> list[TaskChange]:
    """What becomes of the tasks of one request."""
    also: list[str] = []
    if task.row is not None and task.row.state != task.options.state:
        also.append("it is paused" if task.options.state == "paused" else "it is live again")
    have, wanted = {row.name for row in task.aliases}, set(task.options.aliases)
    also += [f"it is also called {name}" for name in sorted(wanted - have)]
    also += [f"it is no longer called {name}" for name in sorted(have - wanted)]
    if task.ready is None:
        return [TaskChange(task=task.source.task, change="unchanged", also=tuple(also))]
    found: list[TaskChange] = []
    for draft, each in zip(task.ready.drafts, task.ready.review.programs, strict=True):
        words = tuple(also) if draft is task.ready.drafts[0] else ()
        change: Literal["create", "update"] = "create" if draft.task_id is None else "update"
        found.append(TaskChange(task=draft.task, change=change, compared=each.compared, also=words))
    return found


def item(item: str, change: Literal["create", "update"], text: str) -> ItemChange:
    """What becomes of something that is no task."""
    return ItemChange(item=item, change=change, text=text)


def placed(error: WorkspaceError, file: str) -> list[Diagnostic]:
    """The findings of an error, each with its file."""
    found = error.report.diagnostics if isinstance(error, Invalid) else ()
    if not found:
        return [finding(error.code, error.message, file, error.hint)]
    return [msgspec.structs.replace(each, place=msgspec.structs.replace(each.place, source=file)) for each in found]


def finding(code: str, message: str, file: str, hint: str = "") -> Diagnostic:
    """A finding in a file."""
    return Diagnostic(code, message, place=Place(source=file), hint=hint)
