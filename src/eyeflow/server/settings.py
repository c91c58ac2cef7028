"""The operator's settings: every one with its type, default, bounds and meaning, from `EYEFLOW_*` or `eyeflow.toml`.

Knows: the sections below, how a name is spelled in the environment and in the file, which value wins. In: the
environment, TOML text, options of a command. Out: `Settings`, and `Origin`s that say where each value came from.
Never: reads accounts, profile and policy (`catalog.settings` does), opens a store, shows a secret.

An option of the command wins over the environment, the environment over the file, the file over the default. An
empty variable is an unset one. In the environment, `port` of `[server]` is `EYEFLOW_PORT`, `migrate` of `[store]`
`EYEFLOW_STORE_MIGRATE`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta

from eyeflow.diagnostics import nearest
from eyeflow.errors import EyeFlowError
from eyeflow.misfit import misfit

FILE: Final = "eyeflow.toml"
DATABASE: Final = "eyeflow.db"
ANCHOR: Final = "audit.end"
"""The name of the database in the data folder."""
HIDDEN: Final = "(hidden)"
_MAX_FILE: Final = 1024 * 1024
_PREFIX: Final = "EYEFLOW_"
_OTHER: Final = frozenset((
    "EYEFLOW_KEY", "EYEFLOW_URL", "EYEFLOW_LOGIN", "EYEFLOW_DEBUG", "EYEFLOW_COMPLETE", "EYEFLOW_MASTER_KEY",
    "EYEFLOW_MASTER_KEY_OLD", "EYEFLOW_LLM_KEY", "EYEFLOW_LLM_MODEL", "EYEFLOW_LLM_URL",
))  # fmt: skip
"""Variables that are read elsewhere."""
_SECRET: Final = {"secret": True}

S = TypeVar("S", bound=msgspec.Struct)


class SettingsError(EyeFlowError):
    """A setting that cannot be used: `bad_setting`, `unknown_setting`, `needs_setting`. No value is repeated."""


class _Section(msgspec.Struct, frozen=True, kw_only=True):
    """A section; its repr hides what is secret in it."""

    def __repr__(self) -> str:
        hints = get_type_hints(type(self), include_extras=True)
        shown = []
        for name, kind in hints.items():
            value = getattr(self, name)
            secret = any(isinstance(meta, Meta) and meta.extra for meta in get_args(kind)[1:])
            shown.append(f"{name}={HIDDEN if secret and value else repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """`[server]`: where requests come in, and how much of them."""

    host: Annotated[str, Meta(description="address to listen on; `0.0.0.0` is every network of this machine")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0 takes a free one")] = 3000
    workers: Annotated[int, Meta(ge=1, le=64, description="processes that answer, each with its own socket")] = 1
    public_url: Annotated[str, Meta(description="how others reach this server; for webhooks, OAuth and links")] = ""
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="further names requests may ask for, beside addresses and localhost")
    ] = ()
    allowed_origins: Annotated[
        tuple[str, ...], Meta(description="further web pages that may send requests, such as `https://example.com`")
    ] = ()
    max_body_bytes: Annotated[int, Meta(ge=1024, le=1 << 30, description="largest request body")] = 1 << 20
    max_connections: Annotated[int, Meta(ge=1, le=1 << 20, description="open connections of one process")] = 4096
    max_requests: Annotated[int, Meta(ge=1, le=1 << 20, description="requests of one process in work at once")] = 2048
    max_streams: Annotated[int, Meta(ge=0, le=1 << 16, description="live streams of one process")] = 256
    request_timeout_ms: Annotated[int, Meta(ge=100, le=3_600_000, description="for a request to arrive")] = 10_000
    idle_timeout_ms: Annotated[int, Meta(ge=100, le=3_600_000, description="an idle connection is kept")] = 75_000
    drain_timeout_ms: Annotated[int, Meta(ge=0, le=3_600_000, description="work in hand may end after SIGTERM")] = (
        25_000
    )
    wait_timeout_ms: Annotated[
        int, Meta(ge=100, le=3_600_000, description="a request waits for its run; then the answer is 202")
    ] = 30_000


class Store(_Section, frozen=True, kw_only=True):
    """`[store]`: where records are kept."""

    url: Annotated[
        str, Meta(description="the database; empty or `sqlite:` is SQLite in the data folder", extra=_SECRET)
    ] = ""
    migrate: Annotated[bool, Meta(description="bring the schema up to date at start")] = True
    window_ms: Annotated[float, Meta(ge=0, le=1000, description="how long writes gather into one commit")] = 1.0


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """`[work]`: how much runs at once."""

    max_running: Annotated[int, Meta(ge=1, le=1 << 20, description="runs in hand of one process")] = 1000
    max_queued: Annotated[int, Meta(ge=0, le=1 << 24, description="runs waiting for their turn")] = 100_000


class Secrets(_Section, frozen=True, kw_only=True):
    """`[secrets]`: where the key is that protects all others."""

    key_source: Annotated[
        str,
        Meta(pattern="^(file|env|keyring|vault)$", description="file (in the data folder), env, keyring, or vault"),
    ] = "file"
    key_file: Annotated[str, Meta(description="the key's file; empty is `master.key` in the data folder")] = ""
    vault_url: Annotated[str, Meta(description="address of HashiCorp Vault")] = ""
    vault_token: Annotated[str, Meta(description="token for it", extra=_SECRET)] = ""
    vault_mount: Annotated[str, Meta(description="its key-value engine, version 2")] = "secret"
    vault_path: Annotated[str, Meta(description="where the key is in it")] = "eyeflow"


class Catalogs(msgspec.Struct, frozen=True, kw_only=True):
    """`[catalog]`: which services there are."""

    folder: Annotated[str, Meta(description="a folder of services instead of those that ship")] = ""
    further: Annotated[tuple[str, ...], Meta(description="folders of further services")] = ()


class Egress(_Section, frozen=True, kw_only=True):
    """`[egress]`: how requests leave."""

    proxy: Annotated[
        str,
        Meta(description="forward proxy for HTTP, `http://[USER:PASSWORD@]HOST:PORT`; empty is none", extra=_SECRET),
    ] = ""
    ca_file: Annotated[str, Meta(description="further certificate authorities, PEM")] = ""
    max_connections: Annotated[
        int, Meta(ge=1, le=65535, description="connections that a process has open for one account at a time")
    ] = 1000
    allow: Annotated[
        tuple[str, ...],
        Meta(description="hosts that may be in a private network, each `HOST=NETWORK`, as `db.example.com=10.0.0.0/8`"),
    ] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`[limits]`: requests a minute; 0 is no limit."""

    key_per_minute: Annotated[int, Meta(ge=0, le=1 << 30, description="requests of one API key")] = 60_000
    workspace_per_minute: Annotated[int, Meta(ge=0, le=1 << 30, description="requests of all keys together")] = 300_000
    failures_per_minute: Annotated[
        int, Meta(ge=1, le=1 << 20, description="wrong keys from one address before it is made to wait")
    ] = 20
    webhook_per_minute: Annotated[int, Meta(ge=0, le=1 << 30, description="deliveries to one webhook")] = 60_000


class Logs(msgspec.Struct, frozen=True, kw_only=True):
    """`[logs]`: what is written to stderr."""

    level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$", description="the least that is written")] = (
        "info"
    )
    format: Annotated[
        str, Meta(pattern="^(auto|json|text)$", description="json for machines, text for people; auto by terminal")
    ] = "auto"
    requests: Annotated[bool, Meta(description="one line for every request")] = False


class Telemetry(_Section, frozen=True, kw_only=True):
    """`[telemetry]`: traces; nothing leaves unless this is set."""

    otlp_url: Annotated[str, Meta(description="OpenTelemetry collector (OTLP over HTTP); empty sends nothing")] = ""
    otlp_headers: Annotated[
        str, Meta(description="headers for the collector, `name=value,name=value`", extra=_SECRET)
    ] = ""
    sample: Annotated[float, Meta(ge=0, le=1, description="share of requests that are traced")] = 1.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an operator sets. `data` and `cache` have no section: `EYEFLOW_DATA` or `--data`, `EYEFLOW_CACHE`."""

    data: Annotated[str, Meta(description="folder of database, keys and lock")] = ".eyeflow"
    cache: Annotated[str, Meta(description="folder that keeps catalogs that were read once; empty keeps none")] = ""
    server: Server = Server()
    store: Store = Store()
    work: Work = Work()
    secrets: Secrets = Secrets()
    catalog: Catalogs = Catalogs()
    egress: Egress = Egress()
    limits: Limits = Limits()
    logs: Logs = Logs()
    telemetry: Telemetry = Telemetry()

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)

    @property
    def base_url(self) -> str:
        """How this server is reached: `public_url`, else the address it listens on."""
        return self.server.public_url.rstrip("/") or local_url(self.server.host, self.server.port)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as it stands: `source` is `default`, `file`, `environment` or `option`."""

    name: str
    variable: str
    value: str
    default: str
    source: str
    doc: str
    secret: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of settings, made from the types above."""

    section: str
    field: str
    type: Any
    default: Any
    doc: str
    secret: bool

    @property
    def name(self) -> str:
        """`section.field`, as in the file."""
        return f"{self.section}.{self.field}" if self.section else self.field

    @property
    def variable(self) -> str:
        """As in the environment."""
        parts = (self.field,) if self.section in ("", "server") else (self.section, self.field)
        return "_".join(("EYEFLOW", *parts)).upper()


def _rows() -> tuple[Row, ...]:
    found: list[Row] = []
    hints = get_type_hints(Settings, include_extras=True)
    for outer in msgspec.structs.fields(Settings):
        held = hints[outer.name]
        if isinstance(held, type) and issubclass(held, msgspec.Struct):
            inner = get_type_hints(held, include_extras=True)
            found += [_row(outer.name, each, inner[each.name]) for each in msgspec.structs.fields(held)]
        else:
            found.append(_row("", outer, held))
    return tuple(found)


def _row(section: str, field: msgspec.structs.FieldInfo, annotated: Any) -> Row:
    meta = get_args(annotated)[1]
    assert isinstance(meta, Meta) and meta.description, f"{section}.{field.name} says what it is for"
    return Row(
        section=section, field=field.name, type=annotated, default=field.default, doc=meta.description,
        secret=bool(meta.extra),
    )  # fmt: skip


TABLE: Final = _rows()
SECTIONS: Final = frozenset(row.section for row in TABLE if row.section)


def read_settings(
    *,
    options: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> tuple[Settings, tuple[Origin, ...]]:
    """The settings of this start and where each came from. `options` by name (`server.port`), None is not given;
    `file` the `eyeflow.toml` to read, None for none. Raises: SettingsError.
    """
    env = os.environ if environment is None else environment
    held = {} if file is None else _file(file)
    _refuse_unknown(held, str(file))
    values: dict[str, dict[str, Any]] = {}
    origins: list[Origin] = []
    for row in TABLE:
        value, source = _chosen(row, dict(options or {}), env, held)
        values.setdefault(row.section, {})[row.field] = value
        origins.append(Origin(
            name=row.name, variable=row.variable, value=_shown(row, value), default=_shown(row, row.default),
            source=source, doc=row.doc, secret=row.secret,
        ))  # fmt: skip
    top = values.pop("")
    return msgspec.convert({**top, **values}, Settings), tuple(origins)


def _chosen(row: Row, options: Mapping[str, Any], env: Mapping[str, str], held: Mapping[str, Any]) -> tuple[Any, str]:
    if options.get(row.name) is not None:
        return _read(row, options[row.name], f"the option for {row.name}"), "option"
    if env.get(row.variable, "") != "":
        return _read(row, env[row.variable], row.variable, text=True), "environment"
    section = held.get(row.section, {}) if row.section else {}
    if row.field in section:
        return _read(row, section[row.field], f"{row.name} of {FILE}"), "file"
    return row.default, "default"


def _read(row: Row, given: Any, where: str, *, text: bool = False) -> Any:
    """`given` as the row's type; lists are written with commas in the environment."""
    if text and get_args(row.type)[0] == tuple[str, ...]:
        given = [part.strip() for part in str(given).split(",") if part.strip()]
    try:
        return msgspec.convert(given, row.type, strict=not text)
    except msgspec.ValidationError as error:
        said = "this is not what it must be" if row.secret else misfit(error, row.type).message[:200]
        raise SettingsError("bad_setting", f"{where} does not fit: {said}", hint=f"{row.name}: {row.doc}") from None


def _shown(row: Row, value: Any) -> str:
    if row.secret and value:
        return HIDDEN
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE + 1)
        if len(raw) > _MAX_FILE:
            raise SettingsError("bad_setting", f"{path} is larger than {_MAX_FILE} bytes")
        return tomllib.loads(raw.decode("utf-8"))
    except OSError as error:
        raise SettingsError("bad_setting", f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            "bad_setting", f"{path} is not TOML: {_said(error)}", hint="mend it there, or name another with --settings"
        ) from None


def _said(error: Exception) -> str:
    """What is wrong with the text of a file, with its place where the parser gives one."""
    if isinstance(error, tomllib.TOMLDecodeError):
        return str(error)[:200]
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it is not UTF-8"


def _refuse_unknown(held: Mapping[str, Any], source: str) -> None:
    """A section of ours holds only what it knows: a misspelt limit that is ignored would be no limit."""
    for section in sorted(SECTIONS & held.keys()):
        known = [row.field for row in TABLE if row.section == section]
        content = held[section]
        if not isinstance(content, dict):
            raise SettingsError("bad_setting", f"[{section}] of {source} is not a table")
        for key in content:
            if key not in known:
                close = nearest(key, known, limit=1)
                hint = f"did you mean `{close[0]}`?" if close else f"[{section}] knows {', '.join(known)}"
                raise SettingsError(
                    "unknown_setting", f"[{section}] of {source} has no setting `{key[:60]}`", hint=hint
                )


def unknown_variables(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Variables that look like misspelt settings, each with the name that is near: a limit that is not read is none."""
    known = {row.variable.removeprefix(_PREFIX) for row in TABLE}
    found: list[tuple[str, str]] = []
    for name in sorted(environment):
        rest = name.removeprefix(_PREFIX)
        if name != rest and rest not in known and name not in _OTHER:
            found.extend((name, _PREFIX + close) for close in nearest(rest, known, limit=1))
    return tuple(found)


def local_url(host: str, port: int) -> str:
    """The address of a server on this machine; every-network addresses become localhost's."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def required(settings: Settings, environment: Mapping[str, str] | None = None) -> None:
    """What a setting needs of another. Raises: SettingsError `needs_setting` with the fix."""
    env = os.environ if environment is None else environment
    if settings.secrets.key_source == "env" and not env.get("EYEFLOW_MASTER_KEY"):
        raise SettingsError(
            "needs_setting", "secrets.key_source is `env` and EYEFLOW_MASTER_KEY is not set",
            hint="set it to 32 random bytes in base64: `openssl rand -base64 32`",
        )  # fmt: skip
    if settings.secrets.key_source == "vault" and not (settings.secrets.vault_url and settings.secrets.vault_token):
        raise SettingsError(
            "needs_setting", "secrets.key_source is `vault`, and its address or token is not set",
            hint="set EYEFLOW_SECRETS_VAULT_URL and EYEFLOW_SECRETS_VAULT_TOKEN",
        )  # fmt: skip
    if settings.server.workers > 1 and os.name == "nt":
        raise SettingsError("bad_setting", "several workers need Linux or macOS", hint="leave server.workers at 1")
    _require_store(settings.store.url)
    url = settings.server.public_url
    if url and not url.startswith(("http://", "https://")):
        raise SettingsError(
            "bad_setting", "server.public_url is not a web address", hint="such as https://flows.example.com"
        )


def _require_store(url: str) -> None:
    """Return when there is a store for this address, which may hold a password and is never repeated. Raises:
    SettingsError."""
    if url in ("", "sqlite:", "sqlite://"):
        return
    scheme = url.partition(":")[0].partition("+")[0].lower()
    if scheme in ("postgresql", "postgres"):
        raise SettingsError(
            "bad_setting", "store.url names PostgreSQL, and this version keeps its records in SQLite only",
            hint="leave store.url empty; PostgreSQL comes with a later version",
        )  # fmt: skip
    if scheme == "sqlite":
        raise SettingsError(
            "bad_setting", "store.url has a path, and the database is in the data folder",
            hint="leave store.url empty, and name the folder with --data or EYEFLOW_DATA",
        )  # fmt: skip
    raise SettingsError(
        "bad_setting", "store.url names no database that is known here", hint="leave it empty for SQLite"
    )
