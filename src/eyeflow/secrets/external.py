"""Master keys kept by others: the operating system's keyring, HashiCorp Vault.

Knows: the two services' clients, which are extras and loaded when used. In: names, addresses. Out: `KeySource`s.
Never: the secrets themselves; only the key that wraps their keys is kept there.

Of HashiCorp Vault the key-value engine, version 2, is used: the key is read at start and stays in memory, so a run
does not wait for Vault, nor fail without it. Writes are conditional (`cas`), so two processes that start at once agree.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, TypeVar

from eyeflow.secrets.errors import SecretError
from eyeflow.secrets.master import MasterKey, read_keys, written_keys

T = TypeVar("T")
_FIELD: Final = "master_key"
_TIMEOUT_S: Final = 10


class KeyringKeys:
    """Keys in the operating system's keyring, under `service` and `user`."""

    prefers = False

    def __init__(self, user: str = "master-key", service: str = "eyeflow") -> None:
        self._service, self._user = service, user
        self.place = f"the entry {user!r} of {service!r} in the keyring"

    def load(self) -> tuple[MasterKey, ...]:
        """See `KeySource.load`."""
        return read_keys(self._ask(lambda ring: ring.get_password(self._service, self._user)) or "", self.place)

    def add(self, key: MasterKey, *, first: bool) -> None:
        """See `KeySource.add`."""
        known = self.load()
        if not (first and known):
            self._keep((*known, key))

    def keep_only(self, id: str) -> None:
        """See `KeySource.keep_only`."""
        kept = tuple(key for key in self.load() if key.id == id)
        if kept:
            self._keep(kept)

    def _keep(self, keys: tuple[MasterKey, ...]) -> None:
        text = written_keys(keys).strip().replace("\n", ",")
        self._ask(lambda ring: ring.set_password(self._service, self._user, text))

    def _ask(self, question: Callable[[Any], T]) -> T:
        ring = _extra("keyring", "keyring")
        errors = _extra("keyring.errors", "keyring")
        try:
            return question(ring)
        except errors.KeyringError:
            raise _unavailable(self.place, "unlock the keyring, or keep the key in a file") from None


class HashicorpKeys:
    """Keys in a field of a secret of HashiCorp Vault (`mount`, `path`), reached with `token` at `url`."""

    prefers = False

    def __init__(self, url: str, token: str, *, mount: str = "secret", path: str = "eyeflow") -> None:
        self._url, self._token, self._mount, self._path = url, token, mount, path
        self.place = f"the secret {mount}/{path} of HashiCorp Vault"

    def load(self) -> tuple[MasterKey, ...]:
        """See `KeySource.load`."""
        return self._read()[0]

    def add(self, key: MasterKey, *, first: bool) -> None:
        """See `KeySource.add`."""
        known, version = self._read()
        if not (first and known):
            self._write((*known, key), version, lost=first)

    def keep_only(self, id: str) -> None:
        """See `KeySource.keep_only`."""
        known, version = self._read()
        kept = tuple(key for key in known if key.id == id)
        if kept:
            self._write(kept, version, lost=False)

    def _read(self) -> tuple[tuple[MasterKey, ...], int]:
        """The keys, and the version they are of."""
        hvac = _extra("hvac", "vault")
        try:
            answer = self._ask(
                lambda engine: engine.read_secret_version(
                    path=self._path, mount_point=self._mount, raise_on_deleted_version=True
                )
            )
        except hvac.exceptions.InvalidPath:
            return (), 0
        try:
            data = answer["data"]
            text, version = data["data"].get(_FIELD, ""), int(data["metadata"]["version"])
        except (TypeError, KeyError, ValueError, AttributeError):
            raise _unavailable(self.place, "its answer is not one of a key-value engine, version 2") from None
        return read_keys(str(text), self.place), version

    def _write(self, keys: tuple[MasterKey, ...], version: int, *, lost: bool) -> None:
        """Write the keys over `version`; when somebody else was faster, that is well if `lost` says so."""
        hvac = _extra("hvac", "vault")
        text = written_keys(keys).strip().replace("\n", ",")
        try:
            self._ask(
                lambda engine: engine.create_or_update_secret(
                    path=self._path, secret={_FIELD: text}, cas=version, mount_point=self._mount
                )
            )
        except hvac.exceptions.InvalidRequest:
            if not lost:
                raise _unavailable(self.place, "somebody else changed it at the same moment; try again") from None

    def _ask(self, question: Callable[[Any], T]) -> T:
        hvac = _extra("hvac", "vault")
        requests = _extra("requests", "vault")
        with requests.Session() as session:
            session.trust_env = False
            client = hvac.Client(url=self._url, token=self._token, session=session, timeout=_TIMEOUT_S)
            try:
                return question(client.secrets.kv.v2)
            except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest):
                raise
            except (hvac.exceptions.VaultError, requests.RequestException, ValueError):
                raise _unavailable(self.place, "check its address, token, policy, and that it is unsealed") from None


def _extra(module: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise SecretError(
            "master_key_unavailable", f"{module} is not installed", hint=f"install eyeflow[{extra}]"
        ) from None


def _unavailable(place: str, hint: str) -> SecretError:
    return SecretError("master_key_unavailable", f"{place} cannot be used", hint=hint)
