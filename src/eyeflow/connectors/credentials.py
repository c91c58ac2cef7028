"""Where credentials come from: a reference goes in, a `Credential` comes out, at the moment of each call.

Knows: the reference forms `env:NAME`, `env:username=USER_VAR,password=PASS_VAR` and `vault:NAME`, and how one value
becomes parts.
In: references kept by connections. Out: `Credential`. Never: caches, logs or prints a value.

A single value serves as `token` and as `key`; when it reads `name:secret` also as `username` and `password`. The
service's `auth` decides which of these its mapping uses.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Mapping
from typing import Final, Protocol

from eyeflow.connectors.port import Credential
from eyeflow.errors import CallError, CallKind, EyeFlowError

MAX_SECRET_CHARS: Final = 16_384
_PASSING: Final = frozenset(("store_busy", "store_full", "store_unavailable"))


class CredentialSource(Protocol):
    """Resolves references of one kind."""

    async def resolve(self, reference: str) -> Credential:
        """The credential. Raises: CallError (denied, `no_credential`) when there is none behind `reference`."""
        ...


class EnvCredentials:
    """`env:` references, read from `variables` (the process's own by default) each time."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    async def resolve(self, reference: str) -> Credential:
        """The parts named in `reference`. Raises: CallError (denied, `no_credential`)."""
        body = reference.removeprefix("env:")
        if "=" not in body:
            return Credential(parts_of(self._read(body)))
        pairs = [part.partition("=") for part in body.split(",")]
        return Credential(tuple((name.strip(), self._read(variable.strip())) for name, _, variable in pairs))

    def _read(self, name: str) -> str:
        value = self._variables.get(name, "").strip()
        if not value:
            raise no_credential(f"the variable {name[:80]!a} is not set", hint=f"set {name[:80]!a} to the credential")
        if len(value) > MAX_SECRET_CHARS:
            raise no_credential(f"the variable {name[:80]!a} is longer than any credential")
        return value


class SecretParts(Protocol):
    """A secret as the vault gives it: named parts, or one part `value`."""

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """The parts."""
        ...

    @property
    def single(self) -> str | None:
        """The value of a secret without named parts."""
        ...


class SecretReader(Protocol):
    """The vault, as far as connectors know it."""

    async def get(self, name: str) -> SecretParts:
        """The secret, once its access is recorded. Raises: EyeFlowError `no_secret`, and others of the vault."""
        ...


class VaultCredentials:
    """`vault:NAME` references, read from `vault` each time."""

    def __init__(self, vault: SecretReader) -> None:
        self._vault = vault

    async def resolve(self, reference: str) -> Credential:
        """The parts of the secret, or what its one value serves as.

        Raises: CallError: denied (`no_credential`) when there is no such secret; transient with the vault's own code
        when the vault cannot say, as nothing was sent.
        """
        name = reference.removeprefix("vault:")
        try:
            secret = await self._vault.get(name)
        except EyeFlowError as error:
            if error.code == "no_secret":
                raise no_credential(error.message, hint=f"run `eyeflow secrets set {name[:80]}`") from None
            kind: CallKind = "transient" if error.code in _PASSING else "denied"
            raise CallError(kind, error.code, error.message, hint=error.hint) from None
        return Credential(secret.parts if secret.single is None else parts_of(secret.single))


class Credentials:
    """One source for each prefix (`env`, `vault`): `Credentials({"env": EnvCredentials()})`. Call it to resolve."""

    def __init__(self, sources: Mapping[str, CredentialSource]) -> None:
        self._sources = dict(sources)

    def resolve(self, reference: str) -> Awaitable[Credential]:
        """The credential behind `reference`. Raises: CallError (denied, `no_credential`)."""
        source = self._sources.get(reference.partition(":")[0])
        return self._nobody(reference) if source is None else source.resolve(reference)

    async def _nobody(self, reference: str) -> Credential:
        kinds = ", ".join(f"{prefix}:" for prefix in sorted(self._sources))
        raise no_credential(f"nobody resolves {reference[:80]!a}", hint=f"references start with {kinds}")

    async def __call__(self, reference: str) -> Credential:
        """The same as `resolve`, as the connector host takes it."""
        return await self.resolve(reference)


def parts_of(value: str) -> tuple[tuple[str, str], ...]:
    """The parts one value serves as."""
    username, colon, password = value.partition(":")
    pair = (("username", username), ("password", password)) if colon and username else ()
    return (("token", value), ("key", value), *pair)


def no_credential(message: str, *, hint: str = "") -> CallError:
    """The error of a call that lacks its credential; nothing was sent."""
    return CallError("denied", "no_credential", message, hint=hint)
