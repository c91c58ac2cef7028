"""The people and the outside of a simulation: who approves, who hears the answer to a webhook.

Knows: what a scenario says of them. In: a `Scenario` and its script. Out: the ports of a machine.
Never: touches anything outside the process.
"""

from __future__ import annotations

import asyncio

from eyeflow.catalog.model import Catalog, Connection, Service
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.connectors.scripted import Script
from eyeflow.ir.codegen.actions import RESPOND
from eyeflow.simulate.scenario import Scenario
from eyeflow.svm.ports import Answer, Asked, Settled, Uncertain
from eyeflow.values import Value

BY = "simulation"


class ScenarioApprover:
    """Agrees to everything unless the scenario says otherwise; `expire` is an answer that never comes."""

    def __init__(self, scenario: Scenario) -> None:
        self._rulings = scenario.approvals or ("approve",)
        self._verdicts = scenario.settled or ("sent",)
        self._asked = 0
        self._settled = 0

    async def ask(self, question: Asked) -> Answer:
        """The next ruling, the last one repeating."""
        ruling = self._rulings[min(self._asked, len(self._rulings) - 1)]
        self._asked += 1
        if ruling == "expire":
            await asyncio.get_running_loop().create_future()
        return Answer(ruling == "approve", BY)

    async def settle(self, question: Uncertain) -> Settled:
        """The next verdict, the last one repeating."""
        verdict = self._verdicts[min(self._settled, len(self._verdicts) - 1)]
        self._settled += 1
        return Settled(verdict, BY)


def responding_service(catalog: Catalog) -> Service | None:
    """The service whose capability is the same as the action `respond`."""
    found = (service for service in catalog.services if service.connector == RESPOND)
    return next(found, None) or catalog.service("webhook")


class ScriptedResponder:
    """Answers the caller as `webhook.respond` is scripted to."""

    def __init__(self, script: Script, catalog: Catalog) -> None:
        self._script = script
        service = responding_service(catalog)
        self._config = None if service is None else ConnectorConfig(
            service=service, connection=Connection(name=service.id, service=service.id, implicit=True)
        )  # fmt: skip

    async def respond(self, status: int, body: Value, *, execution_id: str) -> None:
        """One answer. Raises: CallError as scripted."""
        if self._config is not None:
            await self._script.play(self._config, RESPOND, {"status": status, "body": body}, None)
