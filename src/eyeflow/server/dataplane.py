"""What has to be fast: running tasks, taking webhooks, looking up one execution, health.

Knows: the bodies of these routes. In: requests. Out: answers whose bytes are made at once. Never: compiles, lists,
waits for a store that a run does not need.

200 with `status` whenever there is an execution that ended, however it ended; 202 when it has not (`"wait": false`, or
it waits for a time or a person); a problem only when nothing ran.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from eyeflow.engine.model import ENDED, RunRequest, RunResult
from eyeflow.server.exchange import JSON, NO_STORE, Answer, Declined, Request, encoded, json_answer
from eyeflow.server.problems import problem_of
from eyeflow.server.routes import Routes, Tell
from eyeflow.server.service import Service
from eyeflow.server.strictjson import Body, has_body, json_body, keys_in, must_be_json, typed

ROUTES: Final = Routes("Running")
HOOKS: Final = Routes("Webhooks")
HEALTH: Final = Routes("Operation")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")
_JSON_HEADERS: Final = (JSON, NO_STORE)

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task, and what it is given. `wait` false answers 202 as soon as the run is durable; `wait_ms` bounds how long
    the answer waits for the end."""

    task: Name
    input: dict[str, object] = {}
    wait: bool = True
    wait_ms: Annotated[int, Meta(ge=0, le=3_600_000)] | None = None


class Execute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the task in the path is given."""

    input: dict[str, object] = {}
    wait: bool = True
    wait_ms: Annotated[int, Meta(ge=0, le=3_600_000)] | None = None


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A run that succeeded. `duration_ms` is whole milliseconds from its start to its end, waits included."""

    execution_id: str
    status: str
    duration_ms: int
    output: Any


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A run that ended otherwise. `completed_actions` and `failed_action` count top-level actions from 1;
    `uncertain` names actions that were sent and not answered. `total_duration` is `duration_ms` as text."""

    execution_id: str
    status: str
    duration_ms: int
    output: Any
    completed_actions: int
    failed_action: int | None
    error: str | None
    error_code: str | None
    error_hint: str
    fallback_executed: bool
    total_duration: str
    total_duration_ms: int
    uncertain: tuple[str, ...]


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has not ended: ask again at `/api/executions/{execution_id}`."""

    execution_id: str
    status: str


def run_answer(result: RunResult) -> Answer:
    """The answer to whoever asked for a run."""
    if result.status not in ENDED:
        held = encoded(Pending(execution_id=result.execution_id, status=result.status))
        where = (b"location", f"/api/executions/{result.execution_id}".encode())
        return Answer(202, held, (*_JSON_HEADERS, where, *_repeated(result)))
    return Answer(200, encoded(ended(result)), (*_JSON_HEADERS, *_repeated(result)))


def ended(result: RunResult) -> Ran | Trouble:
    """A run that has ended, as the API shows it."""
    took = result.duration_ms or 0
    if result.status == "success":
        return Ran(execution_id=result.execution_id, status="success", duration_ms=took, output=result.output)
    return Trouble(
        execution_id=result.execution_id, status=result.status, duration_ms=took, output=result.output,
        completed_actions=result.completed_actions, failed_action=result.failed_action, error=result.error,
        error_code=result.error_code, error_hint=result.error_hint, fallback_executed=result.fallback_executed,
        total_duration=f"{took}ms", total_duration_ms=took, uncertain=result.uncertain,
    )  # fmt: skip


def _repeated(result: RunResult) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"idempotency-replayed", b"true"),) if result.repeated else ()


def _least_keys(body: Run) -> int:
    """How many keys the text of this body has at the least: what is as by default need not stand there."""
    given = 1 + keys_in(body.input) if body.input else 0
    return 1 + given + (not body.wait) + (body.wait_ms is not None)


_RUN: Final = Body(Run, _least_keys)


def run_at_once(service: Service, request: Request, tell: Tell) -> Awaitable[Answer] | None:
    """Run a task by name: it has begun when this returns, and is answered when its end is on disk."""
    must_be_json(request)
    body = _RUN.read(request.here())
    asked = _asked(request, body.task, body)
    if body.wait and service.engine.at_once(asked, partial(_told, tell), wait_ms=_wait_ms(service, body)):
        return None
    return _ran(service, asked, body)


def _told(tell: Tell, result: RunResult | Exception) -> None:
    tell(run_answer(result) if isinstance(result, RunResult) else result)


@ROUTES.add(
    "POST", "/api/tasks/run", "tasks.run", raw=True, body=Run, answer=Ran | Trouble, also=(202,), at_once=run_at_once
)
async def run_task(service: Service, request: Request) -> Answer:
    """Run a task by name.

    With the header `Idempotency-Key`, the same key runs the same task once, and is answered the same again.
    """
    must_be_json(request)
    body = _RUN.read(await request.body())
    return await _run(service, request, body.task, body)


@ROUTES.add(
    "POST", "/api/tasks/{task_id}/execute", "tasks.run", raw=True, body=Execute, answer=Ran | Trouble, also=(202,)
)
async def execute_task(service: Service, request: Request, task_id: str) -> Answer:
    """Run the task in the path, by name or id."""
    if not has_body(request):
        return await _run(service, request, task_id, Execute())
    return await _run(service, request, task_id, typed(await json_body(request), Execute))


async def _run(service: Service, request: Request, task: str, body: Run | Execute) -> Answer:
    return await _ran(service, _asked(request, task, body), body)


def _asked(request: Request, task: str, body: Run | Execute) -> RunRequest:
    """What the engine is asked. Raises: Declined."""
    if request.query:
        raise Declined(400, "bad_query", "this address takes no parameters")
    return RunRequest(
        task=task, input=body.input, principal=request.who, idempotency_key=_idempotency_key(request),  # type: ignore[arg-type]
    )  # fmt: skip


async def _ran(service: Service, asked: RunRequest, body: Run | Execute) -> Answer:
    return run_answer(await service.engine.run(asked, wait=body.wait, wait_ms=_wait_ms(service, body)))


def _wait_ms(service: Service, body: Run | Execute) -> int:
    """How long the answer waits for the end."""
    longest = service.settings.server.wait_timeout_ms
    return longest if body.wait_ms is None else min(body.wait_ms, longest)


def _idempotency_key(request: Request) -> str | None:
    said = request.headers.get(b"idempotency-key")
    if said is None:
        return None
    key = said.decode("latin-1")
    if not _KEY.match(key):
        raise Declined(
            400, "malformed_header", "Idempotency-Key must be 1 to 255 printable ASCII characters without blanks"
        )
    return key


async def receive(service: Service, request: Request, name: str) -> Answer:
    """A delivery to a webhook, by its id or its path."""
    body = await request.body()
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in request.headers.items()}
    target = request.target.decode("ascii")
    received = await service.webhooks.receive(
        name, request.method, headers, body, query=request.query.decode("latin-1"), target=target
    )
    if received.error is not None:
        return problem_of(received.error, request.id, status=received.status)
    if received.body is None:
        return Answer(received.status, b"", (NO_STORE,))
    return json_answer(received.body, status=received.status, headers=(NO_STORE,))


@HOOKS.add("POST", "/webhooks/{webhook_id}", "signed", raw=True, answer=Pending, also=(202,))
async def receive_by_id(service: Service, request: Request, webhook_id: str) -> Answer:
    """Deliver to a webhook by its id.

    The body is the task's input; one that is no JSON object arrives as `trigger.body`. Signed as Standard Webhooks or
    the provider says. A task that answers by RESPOND decides status and body itself.
    """
    return await receive(service, request, webhook_id)


async def receive_by_path(service: Service, request: Request, path: str) -> Answer:
    """Deliver to a webhook by the path its task names."""
    return await receive(service, request, "/" + path)


HOOKS.add("POST", "/api/webhooks/{webhook_id}", "signed", raw=True, answer=Pending, also=(202,))(receive_by_id)
for _method in ("POST", "PUT", "PATCH", "GET", "DELETE"):
    for _lead in ("/hooks", "/api/hooks"):
        HOOKS.add(_method, _lead + "/{path...}", "signed", raw=True, answer=Pending, also=(202,))(receive_by_path)


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How this process is."""

    status: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests should be sent here; `checks` says of each part `ok` or what is wrong."""

    status: str
    checks: dict[str, str]


@HEALTH.add("GET", "/healthz", "open", raw=True, answer=Health)
async def healthz(service: Service, request: Request) -> Answer:
    """Whether this process answers at all. A supervisor restarts one that does not."""
    return json_answer(Health(status="alive"), headers=(NO_STORE,))


@HEALTH.add("GET", "/readyz", "open", raw=True, answer=Readiness, also=(503,))
async def readyz(service: Service, request: Request) -> Answer:
    """Whether requests should be sent here: the store can be written, the engine runs, nothing drains."""
    checks = await service.readiness()
    ready = all(said == "ok" for said in checks.values())
    held = Readiness(status="ready" if ready else "not ready", checks=checks)
    return json_answer(held, status=200 if ready else 503, headers=(NO_STORE,))


@HEALTH.add("GET", "/metrics", "stats.read", raw=True, answer=str, content="text/plain")
async def metrics(service: Service, request: Request) -> Answer:
    """Figures for Prometheus."""
    from eyeflow.server.metrics import CONTENT_TYPE  # noqa: PLC0415

    return Answer(200, service.metrics.text(), ((b"content-type", CONTENT_TYPE.encode()), NO_STORE))
