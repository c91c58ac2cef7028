"""Whether an account works: by asking the service itself.

Knows: the cheapest honest question for each kind of service. In: a service, a connection, connectors. Out: `Probed`.
Never: says "connected" of what it did not reach, changes anything at the service, repeats a credential.

In this order: the `test:` of the service file; logging in, for drivers that log in (mail, databases); a read that
needs no parameter; else the service's own address, which shows that it is there but not that the credential works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from eyeflow.catalog.connections import connect_items
from eyeflow.catalog.model import Capability, Connection, HttpMapping, Service, ServiceHttp
from eyeflow.connectors.guard import rules_for
from eyeflow.connectors.registry import Factory, speaks_http
from eyeflow.errors import EyeFlowError
from eyeflow.svm.host import ConnectorHost, Credentials
from eyeflow.values import JSON, Value

TEST_SECONDS: Final = 20.0
_TEST: Final = "test"
_LOG_IN: Final = frozenset({"smtp", "postgres"})
_INSIDE: Final = frozenset({"builtin", "respond"})

State = Literal["connected", "reached", "failed"]


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """`connected`: the service took the credential. `reached`: it answers, and nothing showed whether the credential
    works. `failed`: `code` and `detail` say why."""

    state: State
    detail: str
    code: str = ""


async def probe(
    service: Service, connection: Connection, connectors: Mapping[str, Factory], credentials: Credentials | None
) -> Probed:
    """Contact the service through the connection."""
    missing = connect_items(service, connection).diagnostics
    if missing:
        return Probed(state="failed", detail=missing[0].message, code="connect")
    if service.connector in _INSIDE:
        return Probed(state="connected", detail="it works inside EyeFlow; there is nothing to contact")
    shown, method, params = _question(service, connection)
    host = ConnectorHost(connectors, credentials=credentials)
    try:
        async with asyncio.timeout(TEST_SECONDS):
            handle = host.handle(shown, connection, 1)
            await handle.initialize()
            answer = None if method is None else await handle.call(method, params)
        return _judged(service, shown, method, answer)
    except TimeoutError:
        said = f"{service.title} did not answer within {TEST_SECONDS:g} seconds"
        return Probed(state="failed", detail=said, code="timeout")
    except EyeFlowError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return Probed(state="failed", detail=f"{error.message}{hint}"[:1000], code=error.code)
    finally:
        await host.drain()


def _question(service: Service, connection: Connection) -> tuple[Service, str | None, dict[str, Value]]:
    """The service as it is asked, the capability to call (None: to initialise is enough), and its parameters."""
    if service.test is not None:
        return _asked(service, service.test), _TEST, {}
    if service.connector in _LOG_IN or not speaks_http(service):
        return service, None, {}
    for capability in service.capabilities:
        if capability.effect == "read" and all(_given(param.name, connection) or not param.required or param.default
                                               for param in capability.params):  # fmt: skip
            defaults = {name: value.value for name, value in connection.defaults}
            params = {param.name: defaults[param.name] for param in capability.params if param.name in defaults}
            return service, capability.name, params
    base = service.http.base_url if service.http is not None else None
    if base is None or base == "{url}":
        hosts = [host for host in rules_for(service, connection).hosts if "*" not in host]
        base = f"https://{hosts[0]}" if hosts else None
    if base is None:
        return service, None, {}
    return (
        _asked(service, HttpMapping(method="GET", path="/", base_url=base, any_status=True, result='"status"')),
        _TEST,
        {},
    )


def _given(name: str, connection: Connection) -> bool:
    return any(name == known for known, _ in connection.defaults)


def _asked(service: Service, mapping: HttpMapping) -> Service:
    """The service with one capability, its test: the same hosts and the same way in."""
    capability = Capability(name=_TEST, summary="Test", effect="read", idempotent=True, returns=JSON, http=mapping)
    http = service.http or ServiceHttp()
    return msgspec.structs.replace(service, capabilities=(capability,), triggers=(), http=http)


def _judged(service: Service, shown: Service, method: str | None, answer: Value) -> Probed:
    if method is None:
        if service.connector in _LOG_IN:
            return Probed(state="connected", detail=f"{service.title} let us in")
        return Probed(state="reached", detail="this account names no place that could be asked")
    if service.test is not None or shown is service:
        said = _said(answer)
        return Probed(state="connected", detail=f"{service.title} answered" + (f": {said}" if said else ""))
    status = answer if isinstance(answer, int) else "something"
    if status in (401, 403):
        return Probed(state="failed", detail=f"{service.title} answered {status}", code="unauthorized")
    said = f"{service.title} answered {status}; whether the credential works is not known"
    return Probed(state="reached", detail=said)


def _said(answer: Value) -> str:
    """A few plain words of an answer: who we are there."""
    if not isinstance(answer, dict):
        return ""
    plain = [f"{name} {value}" for name, value in answer.items() if isinstance(value, str | int) and value != ""]
    return ", ".join(plain)[:200] if len(plain) <= 4 else ""
