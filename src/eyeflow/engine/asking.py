"""Reads outside of any run: what a poll repeats, a name that is looked up when a task is deployed.

Knows: the rate of a connection, the time a read may take. In: a connection, a read of its service, parameters.
Out: the answer. Never: a write; repeats, which belong to whoever asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from eyeflow.catalog.model import Capability, Connection, Service
from eyeflow.engine.machines import Machines
from eyeflow.engine.model import EngineError
from eyeflow.errors import CallError, RunError
from eyeflow.ir.evaluate.conform import expecter
from eyeflow.ir.program import RateLimit
from eyeflow.svm import wire
from eyeflow.values import ObjectOf, Value

ANSWER_BYTES: Final = 64 * 1_048_576
_UTC: Final = ZoneInfo("UTC")


class Asking:
    """Asks services, on the machine that serves now."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines

    async def ask(
        self, connection: str, capability: str, params: Mapping[str, Value], *, practice: bool = False
    ) -> Value:
        """The answer of one read. Its place under the connection's rate is waited for; a parameter that is not given
        has the connection's default.

        Raises: EngineError `unknown_connection`, `unknown_capability`, `forbidden` for what is no read; CallError;
        LoadError `unknown_connector`; StoreError.
        """
        live = await self._machines.machine(practice=practice)
        account, service = self._machines.account(connection)
        read = _read(service, capability)
        asked = _params(account, read, params)
        live.users += 1
        try:
            await self._turn(account, service)
            handle = live.machine.host.handle(service, account, 1)
            try:
                async with asyncio.timeout(read.timeout_ms / 1000):
                    answer = await handle.call(read.name, asked)
            except TimeoutError:
                message = f"{service.title} did not answer in {read.timeout_ms} ms"
                raise CallError("transient", "timeout", message) from None
            return wire.owned(answer, ANSWER_BYTES)[0]
        finally:
            live.leave()

    async def _turn(self, account: Connection, service: Service) -> None:
        limits = service.constraints
        if limits.rate_calls is None or limits.rate_window_ms is None:
            return
        loop = asyncio.get_running_loop()
        name = f"connection/{account.name}"
        rate = RateLimit(limits.rate_calls, limits.rate_window_ms, queue=True)
        turn = await self._machines.rates.reserve(name, rate, loop.time())
        try:
            await asyncio.sleep(max(0.0, turn - loop.time()))
        except asyncio.CancelledError:
            await self._machines.rates.release(name, turn)
            raise


def _read(service: Service, name: str) -> Capability:
    found = service.capability(name)
    if found is None:
        raise EngineError("unknown_capability", f"{service.id} has no capability {name[:80]!a}")
    if found.effect not in ("pure", "read"):
        raise EngineError("forbidden", f"{service.id}.{name} is no read")
    return found


def _params(account: Connection, read: Capability, given: Mapping[str, Value]) -> dict[str, Value]:
    """Raises: CallError `bad_value`."""
    known = {param.name for param in read.params}
    asked: dict[str, Value] = {name: default.value for name, default in account.defaults if name in known}
    asked |= given
    check = expecter(ObjectOf(read.params), _UTC, f"the call of {read.name}")
    try:
        checked = asked if check is None else check(asked)
    except RunError as error:
        raise CallError("permanent", "bad_value", error.message, hint=error.hint) from None
    assert isinstance(checked, dict), "parameters are an object"
    return checked
