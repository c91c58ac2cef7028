"""Keeps a credential inside its connector: every echo of it in an answer is replaced before the answer goes on.

Knows: which parts of a credential are secret. In: a `Credential`. Out: `Redactor`. Never: how echoes are found; that
is `secrets.redact`, which also redacts logs and exports.

Parts that are not secrets (`username`, because accounts may legitimately appear in results) are left alone.
"""

from __future__ import annotations

from typing import Final

from eyeflow.connectors.port import Credential
from eyeflow.secrets.redact import MARK, MIN_CHARS
from eyeflow.secrets.redact import Redactor as TextRedactor

__all__ = ["MARK", "Redactor"]

_PUBLIC_PARTS: Final = frozenset({"username", "user", "account", "host", "database"})


class Redactor(TextRedactor):
    """Finds and replaces what `credential` holds. With no secret part it changes nothing."""

    def __init__(self, credential: Credential) -> None:
        secrets = [value for name, value in credential.parts if name not in _PUBLIC_PARTS and len(value) >= MIN_CHARS]
        username, password = credential.part("username"), credential.part("password")
        if username and password:
            secrets.append(f"{username}:{password}")
        super().__init__(secrets)
