"""A practice mail server: takes messages on a loopback port, checks the login, keeps what it received.

Knows: enough of SMTP (RFC 5321) for one client at a time per connection. In: sessions. Out: `Mail`s.
Never: relays, listens anywhere but on 127.0.0.1, offers encryption (practice stays on this machine).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

import msgspec

from eyeflow.connectors.guard import LoopbackPort
from eyeflow.simulate.practice_server import HOST, MAX_BODY_BYTES

_PATH: Final = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)
_LINE_BYTES: Final = 4096


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it arrived: envelope, headers by name, the text parts."""

    sender: str
    recipients: tuple[str, ...]
    headers: dict[str, str]
    text: str
    html: str = ""
    attachments: tuple[str, ...] = ()
    raw: bytes


class PracticeMail:
    """Takes mail from whoever logs in as `username` with `password`. `refuse` is the answer to the message's end
    (`"451 try again"`) for the next messages while it is set; `drop` closes instead of answering."""

    def __init__(self, username: str, password: str) -> None:
        self.received: list[Mail] = []
        self.refuse: str | None = None
        self.drop = False
        self._login = (username, password)
        self._sessions: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> LoopbackPort:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._session, HOST, 0, limit=_LINE_BYTES * 16)
        return LoopbackPort(HOST, int(self._server.sockets[0].getsockname()[1]))

    async def stop(self) -> None:
        """Close the port and every session."""
        for writer in list(self._sessions):
            writer.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sessions.add(writer)
        try:
            await _Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._sessions.discard(writer)
            writer.close()

    def accepts(self, username: str, password: str) -> bool:
        """True for the issued account."""
        return (username, password) == self._login

    def keep(self, sender: str, recipients: list[str], raw: bytes) -> None:
        """Remember one message."""
        message = message_from_bytes(raw, EmailMessage, policy=SMTP)
        text = message.get_body(("plain",))
        html = message.get_body(("html",))
        self.received.append(
            Mail(
                sender=sender,
                recipients=tuple(recipients),
                headers={name: str(value) for name, value in message.items()},
                text="" if text is None else str(text.get_content()).replace("\r\n", "\n").rstrip("\n"),
                html="" if html is None else str(html.get_content()).rstrip("\r\n"),
                attachments=tuple(part.get_filename() or "" for part in message.iter_attachments()),
                raw=raw,
            )
        )


class _Session:
    """One conversation."""

    def __init__(self, server: PracticeMail, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._trusted = False
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def run(self) -> None:
        await self._say("220 practice ESMTP")
        while line := (await self._reader.readline()).decode("ascii", "replace").strip():
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    size = f"250-SIZE {MAX_BODY_BYTES}"
                    await self._say("250-practice", "250-8BITMIME", size, "250 AUTH PLAIN LOGIN")
                case "HELO" | "RSET" | "NOOP":
                    await self._say("250 OK")
                case "AUTH":
                    await self._auth(rest)
                case "QUIT":
                    await self._say("221 bye")
                    return
                case "MAIL" | "RCPT" | "DATA" if not self._trusted:
                    await self._say("530 authentication required")
                case "MAIL":
                    await self._mail(rest)
                case "RCPT":
                    await self._recipient(rest)
                case "DATA":
                    if not await self._data():
                        return
                case _:
                    await self._say("500 unknown command")

    async def _auth(self, rest: str) -> None:
        kind, _, coded = rest.partition(" ")
        if kind.upper() == "PLAIN":
            _, user, password = (_decoded(coded or await self._ask("334 ")) + "\0\0").split("\0")[:3]
        else:
            user = _decoded(coded or await self._ask("334 VXNlcm5hbWU6"))
            password = _decoded(await self._ask("334 UGFzc3dvcmQ6"))
        self._trusted = self._server.accepts(user, password)
        await self._say("235 welcome" if self._trusted else "535 wrong user name or password")

    async def _mail(self, rest: str) -> None:
        found = _PATH.match(rest)
        self._sender, self._recipients = (found[1] if found else None), []
        await self._say("250 OK" if found else "501 no sender")

    async def _recipient(self, rest: str) -> None:
        found = _PATH.match(rest)
        if found is None or self._sender is None or "@" not in found[1]:
            await self._say("501 no such address" if self._sender is not None else "503 no sender")
            return
        self._recipients.append(found[1])
        await self._say("250 OK")

    async def _data(self) -> bool:
        if not self._recipients or self._sender is None:
            await self._say("503 no recipients")
            return True
        await self._say("354 go ahead")
        lines: list[bytes] = []
        size = 0
        while (line := await self._reader.readline()) not in (b".\r\n", b""):
            size += len(line)
            if size <= MAX_BODY_BYTES:
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self._server.drop:
            return False
        if self._server.refuse is not None:
            await self._say(self._server.refuse)
            return True
        if size > MAX_BODY_BYTES:
            await self._say("552 too large")
            return True
        self._server.keep(self._sender, self._recipients, b"".join(lines))
        self._sender = None
        await self._say("250 kept")
        return True

    async def _ask(self, line: str) -> str:
        await self._say(line)
        return (await self._reader.readline()).decode("ascii", "replace").strip()

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode("ascii", "replace"))
        await self._writer.drain()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""
