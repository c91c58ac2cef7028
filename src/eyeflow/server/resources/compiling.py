"""Sentences and LLM-IR: what they become, before anything is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from eyeflow.engine.model import Principal
from eyeflow.server.exchange import Declined, Request, Stream
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.server.streams import Happening, wants_stream
from eyeflow.workspace.reviewing import CompileRequest
from eyeflow.workspace.views import CompileView, StageView

ROUTES: Final = Routes("Compiling")


class Compile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of `text` (a sentence or LLM-IR), `ir`, and `intent` (as `eyeflow intent --json` gives it).
    `answers` by the slots of earlier questions. `change` says in plain English what is to be different about it."""

    text: str | None = None
    ir: str | None = None
    intent: Annotated[dict[str, object], Meta(description="an Intent")] | None = None
    name: str | None = None
    answers: dict[str, str] = {}
    change: Annotated[str, Meta(max_length=10_000)] = ""


def compile_request(body: Compile) -> CompileRequest:
    """What the workspace is asked. Raises: Declined `bad_request`."""
    if sum(each is not None for each in (body.text, body.ir, body.intent)) != 1:
        raise Declined(422, "bad_request", "give exactly one of `text`, `ir` and `intent`")
    if body.intent is not None:
        text = msgspec.json.encode(body.intent).decode()
        return CompileRequest(text=text, language="intent", name=body.name, answers=body.answers, change=body.change)
    if body.ir is not None:
        return CompileRequest(text=body.ir, language="ir", name=body.name, answers=body.answers, change=body.change)
    return CompileRequest(text=body.text or "", name=body.name, answers=body.answers, change=body.change)


@ROUTES.add("POST", "/api/compile", "tasks.compile", live=True, answer=CompileView)
async def compile_text(service: Service, request: Request, body: Compile) -> CompileView | Stream:
    """Turn a sentence or LLM-IR into programs, without keeping anything.

    As a stream: one event `stage` for each stage that has ended, then `result`.
    """
    wanted = compile_request(body)
    if wants_stream(request):
        return service.streams.open(request, _stages(service, request.who, wanted))
    return await service.workspace.proposals.compile(request.who, wanted)


async def _stages(service: Service, who: Principal, wanted: CompileRequest) -> AsyncIterator[Happening]:
    heard: asyncio.Queue[StageView | None] = asyncio.Queue()
    work = asyncio.ensure_future(service.workspace.proposals.compile(who, wanted, heard.put_nowait))
    work.add_done_callback(lambda _: heard.put_nowait(None))
    try:
        while (stage := await heard.get()) is not None:
            yield Happening(kind="stage", data=stage)
        yield Happening(kind="result", data=await work)
    finally:
        work.cancel()
