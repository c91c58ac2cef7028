"""`eyeflow notices`: what people were told, or could not be told.

Knows: the command's options. In: options. Out: a table. Never: tells anybody.
"""

from __future__ import annotations

from eyeflow.cli.output import Screen
from eyeflow.cli.remote import JsonOption, KeyOption, LimitOption, UrlOption, connected, first, listed, moment


def notices(
    *, limit: LimitOption = 50, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """List what was worth telling, the newest first: failures, what did not run, questions, credentials that end.

    \b
    Examples:
      eyeflow notices
      eyeflow notices --limit 5 --json
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.notices.list(), limit)
    cells = [
        (
            moment(row.created_ms), str(row.telling.get("subject", "")), "over" if row.closed else "open",
            f"{row.state} {row.recipient}".strip(), str(row.telling.get("link", "")),
        )
        for row in rows
    ]  # fmt: skip
    listed(screen, rows, ("when (UTC)", "what", "is", "told", "look"), cells, more=more, none="nothing to tell")
