"""What a request would do: scripted answers, simulated time, nothing leaves this process."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from eyeflow.compilation import language_of
from eyeflow.server.exchange import Declined, Request
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.simulate.result import Result
from eyeflow.simulate.scenario import Case, Scenario, read_scenarios
from eyeflow.workspace.errors import Invalid

ROUTES: Final = Routes("Compiling")
MAX_SCENARIOS: Final = 20


class Simulate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence or LLM-IR (`text`), or LLM-IR (`ir`), and the state of the world it meets (one scenario, or a list);
    without, the present with your profile. Scenarios are as `eyeflow simulate` takes them."""

    text: str | None = None
    ir: str | None = None
    scenario: Any = None
    answers: dict[str, str] = {}


@ROUTES.add("POST", "/api/simulate", "tasks.compile")
async def simulate_request(service: Service, request: Request, body: Simulate) -> Result:
    """Run a request with scripted answers and simulated time. Nothing leaves the server, nothing is kept."""
    from eyeflow.simulate.simulate import simulate  # noqa: PLC0415 - a second machine: only who simulates pays

    if (body.text is None) == (body.ir is None):
        raise Declined(422, "bad_request", "give exactly one of `text` and `ir`")
    ctx = await service.workspace.contexts.of(request.who)
    if body.scenario is None:
        scenarios: tuple[Scenario, ...] = (Scenario(now=ctx.now, profile=ctx.profile),)
    else:
        read, found = read_scenarios(msgspec.json.encode(body.scenario))
        if read is None:
            first = found.errors[0]
            raise Invalid("bad_request", f"{first.place.path}: {first.message}", hint=first.hint, report=found)
        scenarios = read
    if len(scenarios) > MAX_SCENARIOS:
        raise Declined(422, "bad_request", f"at most {MAX_SCENARIOS} scenarios at a time")
    asked = tuple(msgspec.structs.replace(each, answers={**each.answers, **body.answers}) for each in scenarios)
    said = body.text or ""
    ir = body.ir if body.ir is not None else said if language_of(said) == "ir" else None
    case = Case(id="request", text=None if ir is not None else said, ir=ir, scenarios=asked)
    return await service.beside.run(lambda: simulate(case, ctx.catalog, connections=ctx.connections))
