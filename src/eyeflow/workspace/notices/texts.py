"""What a notice says: what happened, at which step, why, what to do, where to look.

Knows: the words. In: a `Happening` and what is known of its run. Out: a subject and a text for people. Never: a
secret: it says what the run's error says, which was redacted where it arose; never mark-up: whoever sends escapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal[
    "failed", "recovered", "did_not_run", "uncertain", "approval", "credential", "drifted", "digest"
]

MAX_CAUSE_CHARS: Final = 500


class Happening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that people should know of. `detail` is the error or question in words, `code` its code, `step` the
    step it happened at, `instants` when something was due or ends, in milliseconds; `account` is the account, or
    `key` the API key, that it is about instead of a task, and `tasks` those that it touches."""

    kind: Kind
    task: str = ""
    task_id: str | None = None
    execution_id: str | None = None
    approval_id: str | None = None
    step: str = ""
    code: str = ""
    detail: str = ""
    instants: tuple[int, ...] = ()
    account: str = ""
    key: str = ""
    tasks: tuple[str, ...] = ()
    at_ms: int


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """A notice in words.

    `{"kind": "failed", "subject": "daily_weather failed", "body": "daily_weather failed at step 2, post_to_slack ...",
    "task": "daily_weather", "execution_id": "exec_0193...", "link": "https://.../executions/exec_0193..."}`
    """

    kind: Kind
    subject: str
    body: str
    task: str = ""
    execution_id: str | None = None
    link: str = ""


_FIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no_credential": "Connect the account again, then run it again.",
        "unauthorized": "The service no longer takes the credential: replace it, then run it again.",
        "connect": "Connect the account, then run it again.",
        "catalog_drift": "The service or account is described differently now: deploy the task again.",
        "egress_denied": "The address is not one the service may reach: look at the account's settings.",
        "rate_limited": "The service asks for fewer calls: run it again later, or lower the rate.",
        "deadline": "It took longer than its deadline: run it again, or give it more time.",
        "unavailable": "The service did not answer: run it again when it does.",
        "timeout": "The service did not answer in time: run it again when it does.",
        "bad_response": "The service answers differently from its description: look at the run, mend the service's "
        "file, then deploy the task again.",
        "credential_expired": "The sign-in has ended: sign in again, then run it again.",
        "not_found": "Something it refers to is not there any more: look at the step's values.",
    }
)


def told(happening: Happening, public_url: str) -> Telling:
    """The words for one happening."""
    link = _link(happening, public_url)
    subject, lines = _WORDS[happening.kind](happening)
    return Telling(
        kind=happening.kind, subject=plain(subject, 150), body="\n".join([*lines, "", f"Look: {link}"]),
        task=happening.task, execution_id=happening.execution_id, link=link,
    )  # fmt: skip


def digested(counts: tuple[tuple[str, str, int], ...], at_ms: int, public_url: str) -> Telling:
    """The words for what went on happening: kind, task, and how often since it was told."""
    lines = [f"- {task}: {_PAST.get(kind, kind)} {count} more {'time' if count == 1 else 'times'}"
             for kind, task, count in counts]  # fmt: skip
    link = f"{public_url}/executions" if public_url else "eyeflow executions list"
    body = "\n".join([f"Since the notices you had, up to {_when(at_ms)}:", *lines, "", f"Look: {link}"])
    total = sum(count for _, _, count in counts)
    return Telling(kind="digest", subject=f"EyeFlow: {total} more since the last notices", body=body, link=link)


def plain(text: str, most: int) -> str:
    """`text` on one line without control characters, cut to `most` characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _failed(one: Happening) -> tuple[str, list[str]]:
    where = f" at {one.step}" if one.step else ""
    cause = plain(one.detail, MAX_CAUSE_CHARS) or "no reason was given"
    fix = _FIXES.get(one.code, "Look at the run; when the cause is gone, retry it from the step that failed.")
    because = ": a service answers differently" if one.code == "bad_response" else ""
    return f"{one.task} failed{because}", [
        f"{one.task} failed{where} ({_when(one.at_ms)}).", f"Why: {cause}" + (f" [{one.code}]" if one.code else ""),
        f"What to do: {fix}", "You hear of it again when it works again; further failures come in the digest.",
    ]  # fmt: skip


def _recovered(one: Happening) -> tuple[str, list[str]]:
    return f"{one.task} works again", [f"{one.task}, which had failed, ran well again ({_when(one.at_ms)})."]


def _did_not_run(one: Happening) -> tuple[str, list[str]]:
    due = ", ".join(_when(each) for each in one.instants[:5])
    more = f" and {len(one.instants) - 5} more" if len(one.instants) > 5 else ""
    lines = [f"{one.task} did not run when it should have" + (f": {due}{more}." if due else ".")]
    if one.detail:
        lines.append(f"Why: {plain(one.detail, MAX_CAUSE_CHARS)}")
    return f"{one.task} did not run", [*lines, "What to do: run it now if it still matters."]


def _uncertain(one: Happening) -> tuple[str, list[str]]:
    where = f" at {one.step}" if one.step else ""
    return f"{one.task}: nobody knows whether a step was done", [
        f"{one.task} sent something{where} and got no answer ({_when(one.at_ms)}): it may have been done, or not.",
        f"Why: {plain(one.detail, MAX_CAUSE_CHARS) or 'the answer did not come'}",
        "What to do: look at the service itself, then say whether it was sent, should be sent again, or failed.",
    ]


def _approval(one: Happening) -> tuple[str, list[str]]:
    asked = plain(one.detail, MAX_CAUSE_CHARS)
    return f"{one.task} waits for approval", [
        f"{one.task} waits for somebody to approve" + (f" {one.step}." if one.step else "."),
        f"It asks: {asked}" if asked else "It asks to go on.",
        "What to do: approve or reject it.",
    ]


def _credential(one: Happening) -> tuple[str, list[str]]:
    ends_ms = one.instants[0] if one.instants else one.at_ms
    over = ends_ms <= one.at_ms
    what = f"the API key {one.key}" if one.key else f"the sign-in of {one.account}"
    does = "has ended" if over else "ends soon"
    if one.key:
        fix = "make another one (`eyeflow keys create`), and give it to whoever uses this one."
    else:
        fix = f"sign in again: `eyeflow connectors connect {one.account}`."
    lines = [f"{what[0].upper()}{what[1:]} {'ended' if over else 'ends'} {_when(ends_ms)}."]
    if one.detail:
        lines.append(f"Why: {plain(one.detail, MAX_CAUSE_CHARS)}")
    if one.tasks:
        more = f" and {len(one.tasks) - 10} more" if len(one.tasks) > 10 else ""
        lines.append(f"These tasks use it: {', '.join(one.tasks[:10])}{more}.")
    return f"{what[0].upper()}{what[1:]} {does}", [*lines, f"What to do: {fix}"]


def _drifted(one: Happening) -> tuple[str, list[str]]:
    return f"{one.task} cannot run any more as it was approved", [
        f"{one.task} was compiled in another world: {plain(one.detail, MAX_CAUSE_CHARS)} ({_when(one.at_ms)}).",
        "Its runs are refused until then: nothing else than what was approved ever runs.",
        "What to do: deploy its sentence again, and look at what is different.",
    ]


_WORDS: Final = {
    "failed": _failed, "recovered": _recovered, "did_not_run": _did_not_run, "uncertain": _uncertain,
    "approval": _approval, "credential": _credential, "drifted": _drifted,
}  # fmt: skip
_PAST: Final = {"failed": "failed", "did_not_run": "did not run", "uncertain": "left a step uncertain",
                "approval": "asked for approval", "credential": "had a credential that ends",
                "drifted": "was found drifted"}  # fmt: skip


def _link(one: Happening, public_url: str) -> str:
    if one.key:
        return f"{public_url}/settings" if public_url else "eyeflow keys list"
    if one.account:
        return f"{public_url}/connectors" if public_url else f"eyeflow connectors get {one.account}"
    if one.approval_id is not None:
        return f"{public_url}/approvals" if public_url else "eyeflow approvals list"
    if one.execution_id is not None:
        place = f"executions/{one.execution_id}"
        return f"{public_url}/{place}" if public_url else f"eyeflow executions get {one.execution_id}"
    return f"{public_url}/tasks/{one.task}" if public_url else f"eyeflow tasks get {one.task}"


def _when(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%a %d %b %Y %H:%M} UTC"
