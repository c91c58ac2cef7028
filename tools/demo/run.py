"""A run on stage: practice services started for it, the sealed program run, what happened, what arrived.

Knows: how to read a rehearsal. In: a compilation, what practice should answer. Out: the screen, the `Rehearsal`.
Never: prints a number that was not measured in this run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

import eyeflow
from eyeflow.cli.told import plain
from eyeflow.connectors.guard import LoopbackPort
from eyeflow.embedding import services_of
from eyeflow.values import Value
from tools.demo.stage import Stage, misbehaved


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a practice service answers in a scene: `returns` in the catalog's terms, or `stall_ms` before it does."""

    service: str
    capability: str
    returns: Value = None
    stall_ms: int = 0


async def rehearsed(
    stage: Stage,
    made: eyeflow.Compilation,
    *,
    told: Sequence[Told] = (),
    inputs: Mapping[str, Value] | None = None,
    trigger: Value = None,
    brief: bool = False,
) -> eyeflow.Rehearsal:
    """Run `made` over HTTP and show the artifact (unless `brief`), the timeline, and what the services received."""
    async with eyeflow.Practice(made.context.catalog, services_of(made)) as practice:
        for each in told:
            practice.told(each.service, each.capability, returns=each.returns, stall_ms=each.stall_ms)
        run = await eyeflow.rehearse(made, practice, inputs=inputs, trigger=trigger)
        if not brief:
            _show_artifact(stage, run.artifact)
            stage.head("Machine, layer 5: run over HTTP, against practice services started for it")
            stage.facts("practice", (f"{name} on {_address(at)}" for name, at in practice.endpoints.items()))
            stage.facts("", practice.notes)
        stage.quote(run.execution.timeline().text())
        for service in services_of(made):
            _show_received(stage, practice, service)
    return run


def _address(at: LoopbackPort) -> str:
    return f"{at.host}:{at.port}"


def _show_artifact(stage: Stage, artifact: eyeflow.Artifact) -> None:
    envelope = artifact.envelope
    stage.head("Sealed")
    stage.fact("artifact", f"{len(eyeflow.write_artifact(artifact))} bytes, {len(artifact.program)} of them program")
    stage.fact("digest", f"sha256 {artifact.digest}")
    stage.fact("signer", f"{envelope.key_id}, a key made for this run; marked PRACTICE, so that it cannot run live")


def _show_received(stage: Stage, practice: eyeflow.Practice, service: str) -> None:
    """What one service received, in whichever way it is spoken to."""
    for show in (_show_requests, _show_mail, _show_calls):
        try:
            show(stage, practice, service)
        except KeyError:  # practice's word for a service of another kind
            continue
        return


def _show_requests(stage: Stage, practice: eyeflow.Practice, service: str) -> None:
    """Requests as they arrived; one that did not fit is a defect."""
    for request in practice.received(service):
        if request.problems or not request.authorized:
            misbehaved(f"request to {service}", "; ".join(request.problems) or "without its credential")
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        path = f"{request.path}?{query}" if query else request.path
        stage.fact("arrived", f"{request.method} https://{request.host}{path} -> {request.status}")
        if request.body is not None:
            stage.exactly("", plain(request.body))


def _show_mail(stage: Stage, practice: eyeflow.Practice, service: str) -> None:
    for mail in practice.mail(service):
        stage.fact("arrived", f"mail to {', '.join(mail.recipients)}: {mail.headers.get('Subject', '')}")
        stage.exactly("", mail.text.strip())


def _show_calls(stage: Stage, practice: eyeflow.Practice, service: str) -> None:
    for call in practice.calls(service):
        stage.fact("arrived", f"{service}.{call.capability}")
        stage.exactly("", plain(call.params))
