"""What this room refuses.

Knows: the codes. In: nothing. Out: exceptions. Never: a secret, or a part of one, in a message.
"""

from __future__ import annotations

from eyeflow.errors import EyeFlowError


class SecretError(EyeFlowError):
    """Codes: `no_secret`, `bad_secret_name`, `bad_secret_value`, `master_key_missing`, `wrong_master_key`,
    `bad_master_key`, `master_key_exposed`, `master_key_unavailable`, `master_key_fixed`, `not_sealed_here`,
    `payload_erased`, `run_too_large`."""


def not_sealed_here(what: str) -> SecretError:
    """Bytes that were altered, moved from another place, or sealed with another key."""
    return SecretError(
        "not_sealed_here", f"{what} was altered or sealed elsewhere", hint="restore the newest backup with its key"
    )
