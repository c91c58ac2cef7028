"""Capabilities that are one expression: text and date tools, and any user's own with `value:`.

Knows: how to evaluate `value` over `params` and `now`. In: parameters, the clock it was given. Out: the value.
Never: reaches anything outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eyeflow.connectors.formulas import Formula, formula
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.connectors.signature import declared, defaults_filled
from eyeflow.errors import CallError, RunError
from eyeflow.ports import Clock, SystemClock
from eyeflow.values import Value

_ROOTS: Final = ("params", "now")


class BuiltinConnector:
    """Evaluates the `value` of each capability; connects to nothing. NOW() is `clock`'s instant."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = SystemClock() if clock is None else clock
        self._config: ConnectorConfig | None = None
        self._formulas: dict[str, Formula] = {}

    async def initialize(self, config: ConnectorConfig) -> None:
        """Prepare every expression. Raises: CallError (`bad_mapping`) for one that is not well formed."""
        self._config = config
        for capability in config.service.capabilities:
            if capability.value is not None:
                self._formulas[capability.name] = formula(capability.value, _ROOTS)

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """The value of `method`. Raises: CallError (permanent) when the parameters have no such value."""
        assert self._config is not None, "a connector is initialised before it is called"
        capability, compute = self._config.service.capability(method), self._formulas.get(method)
        if capability is None or compute is None:
            raise CallError(
                "permanent",
                "unknown_capability",
                f"{self._config.service.id} has no {method[:60]!a} that is an expression",
            )
        try:
            return declared(
                capability, compute({"params": defaults_filled(capability, params), "now": self._clock.now()})
            )
        except RunError as error:
            raise CallError("permanent", error.code, error.message, hint=error.hint) from error

    async def cleanup(self) -> None:
        """Nothing is held."""
