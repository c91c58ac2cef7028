"""Where the server is and with which key it is asked.

Knows: `EYEFLOW_URL`, `EYEFLOW_KEY`, and the file `eyeflow login` writes. In: explicit arguments, the environment.
Out: `Access`. Never: prints a key.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from eyeflow.client.calls import ApiError

DEFAULT_URL: Final = "http://127.0.0.1:3000"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A server's address, without a slash at its end, and the key to it (empty: none)."""

    url: str
    key: str = ""

    def __repr__(self) -> str:
        return f"Access(url={self.url!r}, key={'...' if self.key else ''!r})"


def login_file() -> Path:
    """The user's file of keys: `EYEFLOW_LOGIN`, else `eyeflow/login.toml` in the folder for settings."""
    named = os.environ.get("EYEFLOW_LOGIN", "")
    if named:
        return Path(named)
    held = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(held) if held.startswith("/") else Path(os.path.expanduser("~/.config"))  # noqa: PTH111 - never raises
    return home / "eyeflow" / "login.toml"


def access(url: str | None = None, key: str | None = None) -> Access:
    """What was given, else the environment, else what `eyeflow login` remembers. Raises: ApiError `bad_url`,
    `bad_api_key`, `bad_login`."""
    remembered = _remembered()
    where = (url or os.environ.get("EYEFLOW_URL") or remembered.get("url") or DEFAULT_URL).rstrip("/")
    parts = urlsplit(where)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ApiError(0, "bad_url", f"{where!r} is not the address of a server", hint=f"such as {DEFAULT_URL}")
    own = key or os.environ.get("EYEFLOW_KEY")
    if own is None and remembered.get("url", "").rstrip("/") == where:  # a key goes only where it was made for
        own = remembered.get("key")
    said = (own or "").strip()
    if not (said.isascii() and said.isprintable()):
        raise ApiError(
            0, "bad_api_key", "the API key has characters that no key has", hint="keys begin with ef_live_ or ef_test_"
        )
    return Access(url=where, key=said)


def _remembered() -> dict[str, str]:
    path = login_file()
    try:
        held = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ApiError(0, "bad_login", f"{path} cannot be read: {error}", hint="run `eyeflow login` again") from error
    return {name: value for name, value in held.items() if isinstance(value, str)}
