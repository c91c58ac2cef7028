"""Calls of capabilities: parameters typed, defaults filled, constants judged, secrets kept at home.

Knows: what a capability declares. In: entries as written, an account, a scope. Out: all parameters of the call, the
written ones first in their order; or None after findings. Never: binds URLs (see `http`).

A parameter nobody wrote comes from the connection's defaults, the profile's (`service.param`), the service's, the
parameter's own, in this order; an optional one without any stays absent.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from eyeflow.catalog.model import Capability, Param
from eyeflow.diagnostics import Severity, nearest
from eyeflow.ir.check.constants import NotAValue, Unknown, constant, wrong
from eyeflow.ir.check.expressions import Typing
from eyeflow.ir.check.findings import meant
from eyeflow.ir.check.scope import Scope
from eyeflow.ir.check.services import Account, Directory
from eyeflow.ir.check.taint import held
from eyeflow.ir.expr import Entry, Expr, ListExpr, Lit, ObjectExpr, Template
from eyeflow.values import Literal, Value, nullable

_USUAL_PORTS: Final = {"http": 80, "https": 443}


class Calls:
    """Binds calls of one task."""

    def __init__(self, typing: Typing, directory: Directory) -> None:
        self.typing = typing
        self.found = typing.found
        self.directory = directory

    def params(
        self, given: tuple[Entry, ...], account: Account, capability: Capability, scope: Scope
    ) -> tuple[Entry, ...] | None:
        """The typed parameters of a call of `capability`."""
        label = f"{account.service.id}.{capability.name}"
        done: list[Entry] = []
        good = True
        seen: set[str] = set()
        for entry in given:
            param = capability.param(entry.name)
            with self.found.at("params", entry.name, span=entry.value.span):
                if param is None:
                    known = [each.name for each in capability.params]
                    hint = meant(nearest(entry.name, known), known, "parameters")
                    self.found.add("unknown_parameter", f"{label} has no parameter `{entry.name[:60]}`", hint=hint)
                elif entry.name in seen:
                    self.found.add("duplicate_name", f"`{entry.name}` is given twice")
                else:
                    value = self.value(entry.value, param, account, scope, label)
                    if value is not None:
                        done.append(Entry(entry.name, value))
                        seen.add(entry.name)
                        continue
                    seen.add(entry.name)
            good = False
        filled = self._defaults(seen, account, capability, scope, label)
        return (*done, *filled) if good and filled is not None else None

    def value(self, expr: Expr, param: Param, account: Account, scope: Scope, label: str) -> Expr | None:
        """One parameter, typed and judged."""
        want = param.type if param.required else nullable(param.type)
        typed = self.typing.place(expr, scope, want, f"`{param.name}` of {label}")
        if typed is None or not self._constrained(typed, param, account):
            return None
        return typed if self._kept(typed, param, account, scope, label) else None

    def _constrained(self, typed: Expr, param: Param, account: Account) -> bool:
        most = account.service.constraints.max_text_chars
        if most is not None and param.role == "content" and (param.max_length is None or param.max_length > most):
            param = msgspec.structs.replace(param, max_length=most)
        try:
            value = constant(typed, self.typing.zone)
        except NotAValue as error:
            self.found.add("bad_constant", f"`{param.name}`: {error}")
            return False
        if isinstance(value, Unknown):
            return self._written(typed, param)
        why = wrong(param, value)
        if why is not None:
            code = "too_long" if why.startswith("has ") else "bad_constant"
            self.found.add(code, f"`{param.name}` {why}")
            return False
        if isinstance(value, str) and param.entity == "url":
            self._reachable(value, account)
        return True

    def _written(self, typed: Expr, param: Param) -> bool:
        """The written part of a template alone may already be too long."""
        if not isinstance(typed, Template) or param.max_length is None:
            return True
        size = sum(len(part) for part in typed.parts if isinstance(part, str))
        if size > param.max_length:
            message = f"`{param.name}` has {size} written characters, at most {param.max_length} are allowed"
            self.found.add("too_long", message)
            return False
        return True

    def _reachable(self, url: str, account: Account) -> None:
        """A service whose connection names the hosts: a URL written out must be at one of them."""
        if account.service.hosts or (account.service.http is not None and account.service.http.base_url):
            return
        if not any(c.http is not None and c.http.base_url == "{url}" for c in account.service.capabilities):
            return
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
            if port == _USUAL_PORTS.get(parts.scheme):
                port = None
        except ValueError:
            host, port = "", None
        self.reach(host, account, port)

    def reach(self, host: str, account: Account, port: int | None = None) -> None:
        """A finding when a call through this account may not reach `host`, at the unusual `port` its address names."""
        if account.reaches(host, port):
            return
        if port is not None:
            host = f"{host}:{port}"
        hint = f"add {host} to the hosts of a connection of {account.service.id}"
        if account.connection.hosts:
            allowed = ", ".join(account.hosts)
            message = f"{host} is not a host of the connection {account.connection.name} ({allowed})"
            self.found.add("host_not_allowed", message, hint=hint)
        else:
            message = f"no connection of {account.service.title} allows {host} yet"
            self.found.add("connect", message, hint=hint, severity=Severity.CONNECT)

    def _kept(self, typed: Expr, param: Param, account: Account, scope: Scope, label: str) -> bool:
        """Secrets go back to their own service only; a run's secret input only to a secret parameter."""
        others = held(typed, scope) - {account.service.id}
        if param.secret:
            others -= {"input"}
        if not others:
            return True
        source = "the secret input" if others == {"input"} else f"a secret of {', '.join(sorted(others))}"
        self.found.add("secret_leak", f"{source} would be sent to {label}", hint="leave it out of this parameter")
        return False

    def _defaults(
        self, seen: set[str], account: Account, capability: Capability, scope: Scope, label: str
    ) -> list[Entry] | None:
        filled: list[Entry] = []
        good = True
        for param in capability.params:
            if param.name in seen:
                continue
            default, where = self._default(param, account, capability)
            if default is None:
                if param.required:
                    about = f": {param.description}" if param.description else ""
                    message = f"{label} needs `{param.name}`{about}"
                    self.found.add("missing_parameter", message, hint=f"add {param.name}: ... to PARAMS")
                    good = False
                continue
            with self.found.at("params", param.name):
                value = self.value(spelled(default.value), param, account, scope, label)
                if value is None:
                    good = False
                    continue
                filled.append(Entry(param.name, value))
                self.found.add("assumed_value", f"{param.name} is {default.json}", hint=where, severity=Severity.NOTE)
        return filled if good else None

    def _default(self, param: Param, account: Account, capability: Capability) -> tuple[Literal | None, str]:
        service = account.service
        slots = (f"{service.id}.{capability.name}.{param.name}", f"{service.id}.{param.name}")
        profile = dict(self.directory.ctx.profile.defaults)
        connection = dict(account.connection.defaults)
        if param.name in connection:
            return connection[param.name], f"the default of the connection {account.connection.name}"
        for slot in slots:
            if slot in profile:
                return profile[slot], "your profile's default"
        own = dict(service.defaults)
        for name in (f"{capability.name}.{param.name}", param.name):
            if name in own:
                return own[name], f"{service.title}'s default"
        return param.default, "the catalog's default"


def spelled(value: Value) -> Expr:
    """A JSON value as an expression; its strings are text, not templates."""
    if isinstance(value, list | tuple):
        return ListExpr(tuple(spelled(item) for item in value))
    if isinstance(value, dict):
        return ObjectExpr(tuple(Entry(name, spelled(each)) for name, each in value.items()))
    assert value is None or isinstance(value, bool | int | float | str), "a JSON value"
    return Lit(value)
