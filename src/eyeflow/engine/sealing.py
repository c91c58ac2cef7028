"""What the engine needs of encryption: a key for each run.

Knows: the port, and a form of it that hides nothing. In: bytes of a run. Out: sealed bytes. Never: a key of its own.

What is sealed says whose it is and what it is (`execution_id`, `kind`), so that bytes moved to another place do not
open there. Destroying the wrapped key of a run makes all of it unreadable for ever.
"""

from __future__ import annotations

from typing import Protocol

from eyeflow.errors import EyeFlowError


class RunKey(Protocol):
    """The data key of one run."""

    def seal(self, data: bytes, execution_id: str, kind: str) -> bytes:
        """`data`, readable with this key, this run and this kind only."""
        ...

    def open(self, sealed: bytes, execution_id: str, kind: str) -> bytes:
        """What was sealed. Raises: EyeFlowError when it is not what it says."""
        ...


class RunCipher(Protocol):
    """Makes and opens the keys of runs."""

    def new(self) -> tuple[bytes, RunKey]:
        """A fresh key, and its wrapped form, which is what is stored."""
        ...

    def open(self, wrapped: bytes) -> RunKey:
        """The key that was wrapped. Raises: EyeFlowError when the master key is not the one that wrapped it."""
        ...


class PlainKey:
    """Hides nothing, yet refuses what was sealed for another place."""

    def seal(self, data: bytes, execution_id: str, kind: str) -> bytes:
        """`data` behind its label."""
        return f"{execution_id}/{kind}\n".encode() + data

    def open(self, sealed: bytes, execution_id: str, kind: str) -> bytes:
        """What follows the label. Raises: EyeFlowError `not_sealed_here`."""
        label = f"{execution_id}/{kind}\n".encode()
        if not sealed.startswith(label):
            raise EyeFlowError("not_sealed_here", f"this is not the {kind} of {execution_id}")
        return sealed[len(label) :]


class PlainCipher:
    """A `RunCipher` without secrecy, for tests and for data that is not worth hiding."""

    def new(self) -> tuple[bytes, RunKey]:
        """A key that is none."""
        return b"plain", PlainKey()

    def open(self, wrapped: bytes) -> RunKey:
        """The same."""
        return PlainKey()
