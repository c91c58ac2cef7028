"""`ScriptedConnector`: a service that answers as somebody wrote down. It ships, so that users test with it.

Knows: answers and failures by capability, and how long an answer takes. In: calls. Out: scripted results, else the
value of a capability that is an expression (`value:`), else results made from the schema, or scripted errors; `calls`
remembers every attempt. Never: touches a network.

`fails` is consumed by every attempt (None lets that one succeed), `returns` by successful ones; in both the last
one repeats. What fails by name: `unavailable` and `rate_limited` (transient), `invalid` and `not_found` (permanent),
`forbidden` (denied), `timeout` and `reset` (uncertain), `hang` (never answers); any other word is a permanent error
of that code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from eyeflow.connectors.builtin import BuiltinConnector
from eyeflow.connectors.port import Connector, ConnectorConfig
from eyeflow.connectors.sample import sample
from eyeflow.errors import CallError, CallKind
from eyeflow.ports import Clock
from eyeflow.values import Value

_KINDS: Final[dict[str, CallKind]] = {
    "unavailable": "transient",
    "rate_limited": "transient",
    "refused": "transient",
    "invalid": "permanent",
    "not_found": "permanent",
    "forbidden": "denied",
    "unauthorized": "denied",
    "timeout": "uncertain",
    "reset": "uncertain",
}


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The script of one capability. `takes_ms`: how long each answer takes, the last one repeating."""

    returns: tuple[Value, ...] = ()
    fails: tuple[str | CallError | None, ...] = ()
    takes_ms: tuple[int, ...] = ()


class ScriptedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as the service saw it. `at_ms` is whole milliseconds since the script was made; `error` the word
    or code it failed with."""

    service: str
    connection: str
    function: str
    params: Mapping[str, Value]
    key: str | None
    at_ms: int
    error: str | None = None


class Script:
    """What several scripted connectors share: answers by `service.capability`, and the record of all calls."""

    def __init__(self, answers: Mapping[str, Answers] | None = None, clock: Clock | None = None) -> None:
        self._answers = dict(answers or {})
        self._clock = clock
        self._attempts: dict[str, int] = {}
        self._successes: dict[str, int] = {}
        self._since: float | None = None
        self.calls: list[ScriptedCall] = []
        self.initialized: list[str] = []
        self.cleaned_up: list[str] = []
        self.pools: dict[str, int] = {}

    @classmethod
    def of(
        cls,
        returns: Mapping[str, Sequence[Value]] | None = None,
        fails: Mapping[str, Sequence[str | CallError | None]] | None = None,
        takes_ms: Mapping[str, Sequence[int]] | None = None,
        clock: Clock | None = None,
    ) -> Script:
        """A script from a scenario's `returns` and `fails`; `clock` is what the present is in expressions."""
        returns, fails, takes_ms = returns or {}, fails or {}, takes_ms or {}
        names = {*returns, *fails, *takes_ms}
        answers = {
            name: Answers(
                returns=tuple(returns.get(name, ())),
                fails=tuple(fails.get(name, ())),
                takes_ms=tuple(takes_ms.get(name, ())),
            )
            for name in names
        }
        return cls(answers, clock)

    def factory(self) -> Callable[[], Connector]:
        """Makes connectors that play this script."""
        return lambda: ScriptedConnector(self)

    def start(self) -> None:
        """Count `at_ms` from now on; else from the first call."""
        self._since = asyncio.get_running_loop().time()

    async def play(self, config: ConnectorConfig, method: str, params: Mapping[str, Value], key: str | None) -> Value:
        """One attempt. Raises: CallError as scripted."""
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
        name = f"{config.service.id}.{method}"
        script = self._answers.get(name, Answers())
        attempt = self._attempts.get(name, 0)
        self._attempts[name] = attempt + 1
        failure = script.fails[min(attempt, len(script.fails) - 1)] if script.fails else None
        number = len(self.calls)
        self.calls.append(ScriptedCall(
            service=config.service.id,
            connection=config.connection.name,
            function=method,
            params=params,
            key=key,
            at_ms=round((now - self._since) * 1000),
            error=failure.code if isinstance(failure, CallError) else failure,
        ))  # fmt: skip
        if script.takes_ms:
            await asyncio.sleep(script.takes_ms[min(attempt, len(script.takes_ms) - 1)] / 1000)
        if failure == "hang":
            await asyncio.get_running_loop().create_future()
        if failure is not None:
            raise failure if isinstance(failure, CallError) else _failure(failure, name)
        success = self._successes.get(name, 0)
        self._successes[name] = success + 1
        if script.returns:
            return script.returns[min(success, len(script.returns) - 1)]
        capability = config.service.capability(method)
        if capability is None:
            return None
        if capability.value is None:
            return sample(capability.returns)
        try:
            return await self._computed(config, method, params)
        except CallError as error:
            self.calls[number] = msgspec.structs.replace(self.calls[number], error=error.code)
            raise

    async def _computed(self, config: ConnectorConfig, method: str, params: Mapping[str, Value]) -> Value:
        """What the expression gives: it needs no service, so nothing has to be made up."""
        expression = BuiltinConnector(self._clock)
        await expression.initialize(config)
        return await expression.call(method, params)


class ScriptedConnector:
    """A `Connector` that plays a `Script`."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._config: ConnectorConfig | None = None

    async def initialize(self, config: ConnectorConfig) -> None:
        """Remember which connection this is. Raises: CallError when `service.initialize` is scripted to fail."""
        self._config = config
        self._script.initialized.append(config.connection.name)
        self._script.pools[config.connection.name] = config.pool

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """The scripted answer. Raises: CallError as scripted."""
        assert self._config is not None, "initialize comes first"
        return await self._script.play(self._config, method, params, key)

    async def cleanup(self) -> None:
        """Remember that it was cleaned up."""
        if self._config is not None:
            self._script.cleaned_up.append(self._config.connection.name)


def _failure(word: str, name: str) -> CallError:
    return CallError(_KINDS.get(word, "permanent"), word, f"{name} answered {word}")
