"""`eyeflow proposals` and `eyeflow approvals`: what waits for a person.

Knows: the commands' options. In: ids, verdicts. Out: tables, what a person should read before deciding. Never: decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.remote import (
    JsonOption,
    KeyOption,
    LimitOption,
    UrlOption,
    connected,
    first,
    group,
    listed,
    moment,
    shown_once,
)

if TYPE_CHECKING:
    from eyeflow.client.models import Proposal

app = group("proposals", "Programs that wait to be approved.")
approvals = group("approvals", "Questions that runs wait on.")

ProposalArgument = Annotated[str, typer.Argument(metavar="PROPOSAL", help="Its id: prop_...")]
CommentOption = Annotated[str, typer.Option("--comment", "-m", metavar="TEXT", help="Why.")]


@app.command("list")
def list_proposals(
    *,
    state: Annotated[
        Literal["open", "approved", "rejected", "superseded"], typer.Option("--state", help="Which ones.")
    ] = "open",
    limit: LimitOption = 50,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List proposals, the newest first.

    \b
    Examples:
      eyeflow proposals list
      eyeflow proposals list --state rejected --json
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.proposals.list(state=state), limit)
    cells = [
        (row.id, row.task, row.state, row.created_by, moment(row.created_ms), " ".join(row.source.split())[:60])
        for row in rows
    ]
    columns = ("proposal", "task", "state", "by", "made (UTC)", "source")
    listed(screen, rows, columns, cells, more=more, none="nothing waits for approval")


@app.command("get")
def get(proposal: ProposalArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Show what would be approved: the read-back, what it changes, what it touches.

    \b
    Examples:
      eyeflow proposals get prop_0193...
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held = client.proposals.get(proposal)
    if as_json:
        screen.json(held)
    else:
        show_proposal(screen, held)


def show_proposal(screen: Screen, held: Proposal) -> None:
    screen.line(f"{held.id}: {held.task}, {held.state}, by {held.created_by}", "bold")
    screen.line(f"  digest {held.digest}")
    screen.section("Asked for:", held.source.splitlines())
    for program in held.review.get("programs", ()):
        screen.section("It will:", str(program.get("program", {}).get("readback", {}).get("text", "")).splitlines())
        compared = program.get("compared", {})
        changes = [str(each.get("text", each)) for each in compared.get("changes", ())]
        screen.section("Against what runs now:", changes)
        for name in ("new_accounts", "new_hosts", "new_effects"):
            screen.section(f"{name.replace('_', ' ').capitalize()}:", map(str, compared.get(name, ())))
    screen.section(
        "Decided:", (f"{each['principal']}: {each['verdict']} {each.get('comment', '')}" for each in held.decisions)
    )
    if held.self_approved:
        screen.line("approved by whoever wrote it")


def _decide(
    screen: Screen, url: str | None, key: str | None, *, proposal: str, digest: str | None, comment: str, yes: bool
) -> None:
    with connected(screen, url, key) as client:
        decide = client.proposals.approve if yes else client.proposals.reject
        held = decide(proposal, digest=digest, comment=comment)
    if screen.as_json:
        screen.json(held)
    else:
        screen.line(f"{held.id}: {held.state}")
        shown_once(screen, held.notes, held.made)


DigestOption = Annotated[
    str | None, typer.Option("--digest", metavar="SHA256", help="Of the program that was read; another is refused.")
]


@app.command("approve")
def approve(
    *,
    proposal: ProposalArgument,
    digest: DigestOption = None,
    comment: CommentOption = "",
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say yes. The last approval that is needed makes the program live.

    \b
    Examples:
      eyeflow proposals approve prop_0193... -m "checked with finance"
    """
    _decide(Screen(as_json=as_json), url, key, proposal=proposal, digest=digest, comment=comment, yes=True)


@app.command("reject")
def reject(
    *,
    proposal: ProposalArgument,
    digest: DigestOption = None,
    comment: CommentOption = "",
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say no.

    \b
    Examples:
      eyeflow proposals reject prop_0193... -m "wrong channel"
    """
    _decide(Screen(as_json=as_json), url, key, proposal=proposal, digest=digest, comment=comment, yes=False)


@approvals.command("list")
def list_approvals(
    *,
    state: Annotated[str, typer.Option("--state", help="open, approved, rejected, expired, ...")] = "open",
    limit: LimitOption = 50,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List questions of runs, the newest first.

    \b
    Examples:
      eyeflow approvals list
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.approvals.list(state=state), limit)
    cells = [
        (row.id, row.kind, row.role, row.state, row.execution_id, moment(row.expires_ms), row.message) for row in rows
    ]
    columns = ("approval", "kind", "for", "state", "execution", "until (UTC)", "question")
    listed(screen, rows, columns, cells, more=more, none="no run waits for anybody")


@approvals.command("decide")
def decide(
    *,
    approval: Annotated[str, typer.Argument(metavar="APPROVAL", help="Its id: appr_...")],
    verdict: Annotated[
        Literal["approved", "rejected", "sent", "again", "failed"],
        typer.Argument(metavar="VERDICT", help="approved, rejected; for an uncertain call sent, again, failed."),
    ],
    comment: CommentOption = "",
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question of a run, once. The run goes on at once.

    \b
    Examples:
      eyeflow approvals decide appr_0193... approved
      eyeflow approvals decide appr_0193... again -m "it is not in the outbox"
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held = client.approvals.decide(approval, verdict, comment=comment)
    if as_json:
        screen.json(held)
    else:
        screen.line(f"{held.id}: {held.state}")
