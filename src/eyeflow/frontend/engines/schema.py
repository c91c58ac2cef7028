"""The form a model has to fill in: the Intent's JSON Schema, closed over the functions that were retrieved.

Knows: how an `Action` is written, and what each retrieved function takes. In: entries. Out: JSON Schema, a catalog
text for the prompt, and `read`, which turns an answer into an intent. Never: accepts a key nobody declared.

What only the rules may say is not in the form: times, approvals, rates, retries, assumptions, questions.
Source: JSON Schema 2020-12; the parts that constrained decoders understand (object, array, anyOf, enum, const).
Lengths of texts are not in it: decoders expand them into grammars that take minutes; `read` and `Ground` bound them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from eyeflow.diagnostics import Diagnostic
from eyeflow.frontend.intent import Action, EventTrigger, Intent, ManualTrigger, WebhookTrigger
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import Field, ListOf, MapOf, ObjectOf, Scalar, Type, non_null, spell

Schema: TypeAlias = dict[str, Any]
"""JSON Schema is JSON of any shape; it goes to an endpoint and is never read back."""

MAX_ANSWER_BYTES: Final = 64 * 1024
_TEMPLATE: Final = {"type": "string"}
_EXPRESSION: Final = {"type": "string"}
_ID: Final = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,30}$"}
_LEFT_OUT: Final = ("span", "retry", "rate", "on_error", "approval")
_COMMON: Final = ("id", "when", "after")
_FORMS: Final = {"for_each": ("actions",), "branches": ("default",), "value": (), "wait": ()}


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer: what starts it (null: a time, or a person), and what is done."""

    trigger: EventTrigger | WebhookTrigger | ManualTrigger | None
    actions: tuple[Action, ...]


def answer_schema(entries: Sequence[Entry]) -> Schema:
    """The schema of an answer about these entries."""
    _, defs = msgspec.json.schema_components((Draft,), ref_template="#/$defs/{name}")
    own = {name: _closed(defs[name]) for name in ("Branch", "Fallback", "ForEach", "Wait")}
    calls = [_call(e, defs["Action"]) for e in entries if not e.is_trigger]
    forms = [_form(name, more, defs["Action"]) for name, more in _FORMS.items()]
    events = [_event(e) for e in entries if e.is_trigger]
    webhook = _closed(defs["WebhookTrigger"])
    started = [{"type": "null"}, *events, webhook]
    return {
        "type": "object",
        "properties": {
            "trigger": {"anyOf": started},
            "actions": {"type": "array", "items": {"$ref": "#/$defs/Action"}, "minItems": 1, "maxItems": 12},
        },
        "required": ["trigger", "actions"],
        "additionalProperties": False,
        "$defs": {"Action": {"anyOf": [*calls, *forms]}, **own},
    }


def _closed(schema: Schema) -> Schema:
    """A struct's schema without what only rules say, open to no further key."""
    held = {name: _bare(of) for name, of in schema["properties"].items() if name not in _LEFT_OUT}
    required = [name for name in schema.get("required", ()) if name in held]
    return {"type": "object", "properties": held, "required": required, "additionalProperties": False}


def _bare(schema: Schema) -> Schema:
    return {name: of for name, of in schema.items() if name not in ("default", "description", "title")}


def _common(action: Schema) -> Schema:
    properties = action["properties"]
    return {"id": _ID, "when": _EXPRESSION} | {n: _bare(properties[n]) for n in _COMMON if n not in ("id", "when")}


def _call(entry: Entry, action: Schema) -> Schema:
    params = [p for p in entry.spec.params if not p.secret]
    properties = _common(action) | {
        "service": {"const": entry.service.id},
        "function": {"const": entry.spec.name},
        "params": _object(params),
        "fallback": {"$ref": "#/$defs/Fallback"},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": ["id", "service", "function", "params"],
        "additionalProperties": False,
    }


def _event(entry: Entry) -> Schema:
    properties = {
        "type": {"const": "event"},
        "service": {"const": entry.service.id},
        "event": {"const": entry.spec.name},
        "params": _object([p for p in entry.spec.params if not p.secret]),
        "where": _EXPRESSION,
    }
    return {
        "type": "object",
        "properties": properties,
        "required": ["type", "service", "event", "params"],
        "additionalProperties": False,
    }


def _form(name: str, more: Sequence[str], action: Schema) -> Schema:
    held = {each: _bare(action["properties"][each]) for each in (name, *more)}
    held[name] = _stated(held[name])
    properties = {n: of for n, of in _common(action).items() if n != "when"} | held
    return {"type": "object", "properties": properties, "required": ["id", name], "additionalProperties": False}


def _stated(schema: Schema) -> Schema:
    """A nullable field whose presence makes the form: without null."""
    choices = schema.get("anyOf")
    if choices is None:
        return schema | ({"minItems": 1} if schema.get("type") == "array" else {})
    held = [c for c in choices if c != {"type": "null"}]
    return _EXPRESSION if held == [{"type": "string"}] else dict(held[0])


def _object(params: Iterable[Field]) -> Schema:
    held = list(params)
    return {
        "type": "object",
        "properties": {p.name: _value(p.type, p) for p in held},
        "required": [],  # what the request does not say stays out, and is asked
        "additionalProperties": False,
    }


def _value(of: Type, field: Field | None = None) -> Schema:
    """What may stand in a parameter: its own type, or a template that reads it from somewhere."""
    bare = non_null(of)
    enum = field.enum if field is not None else ()
    if enum:
        return {"anyOf": [{"enum": list(enum)}, _TEMPLATE]}
    match bare:
        case Scalar(name="integer" | "number" | "boolean" as name):
            return {"anyOf": [{"type": name}, _TEMPLATE]}
        case Scalar():
            return _TEMPLATE
        case ListOf(item=item):
            return {"anyOf": [{"type": "array", "items": _value(item), "maxItems": 50}, _TEMPLATE]}
        case ObjectOf(fields=fields) if len(fields) <= 20:
            return {"anyOf": [_object(fields), _TEMPLATE]}
        case MapOf(value=value):
            return {"anyOf": [{"type": "object", "additionalProperties": _value(value)}, _TEMPLATE]}
        case _:
            return _TEMPLATE


def catalog_text(entries: Sequence[Entry]) -> str:
    """The entries as lines for a prompt: name, what it does, parameters, what it gives. Catalog text is data."""
    lines = []
    for entry in entries:
        taken = ", ".join(_param_text(p) for p in entry.spec.params if not p.secret)
        kind = "event" if entry.is_trigger else "function"
        summary = " ".join(entry.spec.summary.split())[:160]
        lines.append(f"{kind} {entry.key}({taken}) -> {spell(entry.result)[:400]}: {summary}")
    return "\n".join(lines)


def _param_text(param: Field) -> str:
    enum = f" one of {'|'.join(param.enum[:12])}" if param.enum else ""
    return f"{param.name}{'' if param.required else '?'}: {spell(param.type)[:80]}{enum}"


def read(answer: str, text: str, engine: str) -> tuple[Intent | None, tuple[Diagnostic, ...]]:
    """The intent an answer states, or what is wrong with its form."""
    if len(answer.encode()) > MAX_ANSWER_BYTES:
        return None, (Diagnostic("engine_answer", f"the answer is longer than {MAX_ANSWER_BYTES} bytes"),)
    try:
        raw = msgspec.json.decode(_unwrapped(answer))
        draft = msgspec.convert(raw, Draft)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        return None, (Diagnostic("engine_answer", f"the answer is not the JSON asked for: {str(error)[:200]}"),)
    stray = _stray(raw.get("actions"))
    if stray is not None:
        return None, (Diagnostic("engine_answer", f"the answer has a key nobody declared: {stray[:60]}"),)
    return Intent(text=text, outcome="program", trigger=draft.trigger, actions=draft.actions, engine=engine), ()


def _unwrapped(answer: str) -> str:
    """The JSON in an answer that some models wrap in a code fence."""
    bare = answer.strip()
    if bare.startswith("```") and bare.endswith("```"):
        bare = bare[3:-3].removeprefix("json")
    return bare


_ACTION_KEYS: Final = frozenset(
    field.encode_name for field in msgspec.structs.fields(Action) if field.name not in _LEFT_OUT
)
_INNER_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "for_each": frozenset({"item", "in", "where"}),
    "branches": frozenset({"when", "actions"}),
    "fallback": frozenset({"actions", "value", "then"}),
    "wait": frozenset({"for", "until"}),
}


def _stray(actions: object) -> str | None:
    """The first key of a tree of actions that no form has: a word of meaning must not be lost unseen."""
    if not isinstance(actions, list):
        return None
    for action in actions:
        found = next((k for k in action if k not in _ACTION_KEYS), None)
        if found is not None:
            return str(found)
        for name, known in _INNER_KEYS.items():
            inner = action.get(name)
            for each in inner if isinstance(inner, list) else [inner] if isinstance(inner, dict) else []:
                found = next((k for k in each if k not in known), None) or _stray(each.get("actions"))
                if found is not None:
                    return str(found)
        found = _stray(action.get("actions")) or _stray(action.get("default"))
        if found is not None:
            return found
    return None
