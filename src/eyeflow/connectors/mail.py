"""An e-mail as bytes, from parameters that data may have filled.

Knows: RFC 5322 messages by way of the standard library. In: parameters and the sender. Out: `Letter`, or CallError.
Never: lets a line break from data become a header, sends.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Final

import msgspec

from eyeflow.connectors.payload import bad_value
from eyeflow.connectors.templates import text_of
from eyeflow.values import Value

MAX_RECIPIENTS: Final = 100
MAX_MESSAGE_BYTES: Final = 25 * 1024 * 1024

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u0085\u2028\u2029]")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,252}[A-Za-z0-9])?")


class Letter(msgspec.Struct, frozen=True):
    """A message ready to send: envelope addresses, its id, and the bytes (CRLF lines)."""

    sender: str
    recipients: tuple[str, ...]
    message_id: str
    data: bytes


def letter(params: Mapping[str, Value], sender: str, *, at: datetime, key: str) -> Letter:
    """The message `params` describe, from `sender`. `key` makes the Message-ID, so that a repeated send is the same
    message to whoever looks.

    Raises: CallError (permanent, `bad_value`) for addresses that are none and for line breaks in any header.
    """
    author = _people("from", sender)
    if len(author) != 1:
        raise bad_value("the sender must be one address")
    receivers = {field: _people(field, params.get(field)) for field in ("to", "cc", "bcc", "reply_to")}
    everyone = [person.addr_spec for field in ("to", "cc", "bcc") for person in receivers[field]]
    if not receivers["to"]:
        raise bad_value("the message has no recipient")
    if len(everyone) > MAX_RECIPIENTS:
        raise bad_value(f"{len(everyone)} recipients; at most {MAX_RECIPIENTS}")
    message = EmailMessage(policy=SMTP)
    message["From"] = author[0]
    message["To"] = receivers["to"]
    if receivers["cc"]:
        message["Cc"] = receivers["cc"]
    if receivers["reply_to"]:
        message["Reply-To"] = receivers["reply_to"]
    message["Subject"] = _line("subject", text_of(params.get("subject")))
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{author[0].domain}>"
    message.set_content(_body(params.get("body")))
    if params.get("html") is not None:
        message.add_alternative(_body(params["html"]), subtype="html")
    _attach(message, params.get("attachments"))
    data = message.as_bytes()
    if len(data) > MAX_MESSAGE_BYTES:
        raise bad_value(f"the message has {len(data)} bytes; at most {MAX_MESSAGE_BYTES}")
    return Letter(author[0].addr_spec, tuple(dict.fromkeys(everyone)), str(message["Message-ID"]), data)


def _people(field: str, value: Value) -> list[Address]:
    """Addresses from text (several separated by commas) or a list of texts."""
    texts = value if isinstance(value, list | tuple) else [] if value is None else [value]
    found: list[Address] = []
    for text in texts:
        if not isinstance(text, str):
            raise bad_value(f"{field} must be text")
        for name, spec in getaddresses([_line(field, text)]):
            if not _ADDRESS.fullmatch(spec) or ".." in spec:
                raise bad_value(f"{field}: {(spec or text)[:80]!a} is not an e-mail address")
            found.append(Address(display_name=name, addr_spec=spec))
    return found


def _line(field: str, text: str) -> str:
    if _CONTROL.search(text):
        raise bad_value(f"{field} has a line break or control character")
    return text


def _body(value: Value) -> str:
    return text_of(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _attach(message: EmailMessage, files: Value) -> None:
    for file in files if isinstance(files, list | tuple) else ():
        if not isinstance(file, dict):
            raise bad_value("an attachment needs a name and content")
        name = _line("attachment name", text_of(file.get("name")) or "file").replace("/", "_").replace("\\", "_")
        message.add_attachment(
            _content(file.get("content")), maintype="application", subtype="octet-stream", filename=name
        )


def _content(value: Value) -> bytes:
    """Bytes as they are, a `data:` URL with Base64 decoded, any other text as UTF-8."""
    if isinstance(value, bytes):
        return value
    text = text_of(value)
    if text.startswith("data:") and ";base64," in text[:200]:
        try:
            return base64.b64decode(text.partition(";base64,")[2], validate=True)
        except binascii.Error as error:
            raise bad_value("an attachment's Base64 is damaged") from error
    return text.encode("utf-8", "replace")
