"""What needs no words: defaults of connections and the profile, and identities taken from what is at hand.

Knows: the precedence connection, profile, city; which field of a thing fits which parameter. In: an entry, what was
filled, a scope. Out: `Filled`, with every value nobody said noted as assumed. Never: overrides what was said.
"""

from __future__ import annotations

import msgspec

from eyeflow.frontend import fields
from eyeflow.frontend.intent import Action, JsonValue
from eyeflow.frontend.lists import identifies
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.slots.filling import Filled
from eyeflow.frontend.values_said import wrap
from eyeflow.frontend.vocabulary import Entry, split_name, walk
from eyeflow.values import Field, is_numeric, non_null

_CHANGED = ("status", "state", "stage", "priority", "title", "text", "topic", "label", "labels")
"""What a write sets: never taken from how the thing is."""


_IDENTIFIES = ("id", "number", "key", "iid", "timestamp", "ts")


def complete(entry: Entry, filled: Filled, scope: Scope, *, sources: bool = True) -> Filled:
    """`filled` with what needs no words: fields of things in reach, then profile, connection, service defaults.

    A field of a source fills a required parameter only when it has the same name, entity, or is the id of the very
    thing the parameter names (`payment_id` of a payment).
    """
    params = dict(filled.params)
    assumed = list(filled.assumed)
    for param in entry.spec.params:
        if param.name in params or param.role == "content":
            continue
        found = default_of(entry, param, scope)
        names = split_name(param.name)
        handed_on = _handed_on(entry, param)
        same = None if handed_on else _of_the_same(entry, param, params, scope)
        if same is not None:
            params[param.name] = same
            continue
        linked = param.required or (len(names) > 1 and names[-1] == "id" and not entry.reads)
        linked = linked and not handed_on and not (not entry.reads and param.name in _CHANGED)
        from_source = related(entry, param, scope) if sources and linked else None
        if from_source is not None:
            params[param.name] = wrap(param, "{" + from_source + "}")
        elif found is not None:
            value, why = found
            params[param.name] = value
            assumed.append((param.name, value, why))
    for param in entry.spec.params:
        same = (
            _of_the_same(entry, param, params, scope)
            if param.required and param.name not in params and not _handed_on(entry, param)
            else None
        )
        if same is not None:  # the id that points at the thing may stand after the rest of its address
            params[param.name] = same
    return msgspec.structs.replace(filled, params=params, assumed=tuple(assumed))


def _of_the_same(entry: Entry, param: Field, params: dict[str, JsonValue], scope: Scope) -> JsonValue | None:
    """When a thing of this service is pointed at by its id, the rest of its address is the thing's own as well."""
    for source in reversed(scope.sources):
        held = [n for n, v in params.items() if isinstance(v, str) and v.startswith("{" + source.root + ".")]
        identified = any(split_name(n)[-1] in ("id", "timestamp", "ts", "number", "key", "iid") for n in held)
        if is_numeric(non_null(param.type)) and not identifies(param.name):
            continue  # an amount is no part of an address
        if not identified or source.service != entry.service.id or (not entry.reads and param.name in _CHANGED):
            continue
        if fields.same_name(source.type, param.name):
            return wrap(param, "{" + f"{source.root}.{param.name}" + "}")
        made = next((a for a in reversed(scope.did) if _gave(a, source)), None)
        if made is not None and param.name in made.params:
            return made.params[param.name]
    return None


def _gave(action: Action, source: Source) -> bool:
    """The call whose result the source is, or one item of it."""
    if action.id == source.root:
        return True
    listing = source.kind == "item" and source.entry is not None and source.entry.reads
    return listing and source.entry is not None and (action.service, action.function) == (
        source.service, source.entry.spec.name,
    )  # fmt: skip


def default_of(entry: Entry, param: Field, scope: Scope) -> tuple[JsonValue, str] | None:
    """The default of a parameter and where it comes from: connection, then profile, then city for a place."""
    ctx = scope.ctx
    for connection in ctx.connections:
        if connection.service == entry.service.id and param.name in dict(connection.defaults):
            return dict(connection.defaults)[param.name].value, f"default of the account {connection.name}"
    profile = dict(ctx.profile.defaults)
    for slot in (f"{entry.service.id}.{param.name}", param.name):
        if slot in profile:
            return profile[slot].value, "your profile"
    if param.entity == "location" and param.required and ctx.profile.city:
        return ctx.profile.city, "your profile's city"
    return None


def _handed_on(entry: Entry, param: Field) -> bool:
    """`forward the message`, `share the file`: to whom, nothing in the thing itself can tell."""
    return param.entity in ("email", "phone") and any(p.required and _points(p) for p in entry.spec.params)


def related(entry: Entry, param: Field, scope: Scope) -> str | None:
    """An expression for `param` from the nearest source that holds it, or None."""
    for source in reversed(scope.sources):
        exact = fields.same_name(source.type, param.name)
        made = source.kind == "made" and not _points(param)
        if exact is not None and source.service == entry.service.id and not made:
            return ".".join((source.root, *exact))
    for source in reversed(scope.sources):
        path = field_for(entry, param, source)
        if path is not None:
            return ".".join((source.root, *path))
    return None


def _entity(source: Source, path: tuple[str, ...]) -> str | None:
    return next((f.entity for p, f in walk(source.type) if p == path), None)


def _points(param: Field) -> bool:
    """`message_id`, `number`: the parameter points at the thing that is handled."""
    return split_name(param.name)[-1] in _IDENTIFIES


def field_for(entry: Entry, param: Field, source: Source) -> tuple[str, ...] | None:
    """The field of `source` that is what `param` of `entry` wants, or None."""
    same_service = source.service == entry.service.id
    exact = fields.same_name(source.type, param.name)
    if exact is not None and (same_service or (param.entity is not None and _entity(source, exact) == param.entity)):
        return exact
    stems = split_name(param.name)
    if same_service and (stems[-1] in ("id", "number", "key", "iid", "timestamp", "ts") or param.entity == "file"):
        nouns = set(stems[:-1])
        spoken = entry.summary | {w for phrase in entry.phrases for w in phrase}
        about = bool(spoken & source.nouns) and source.kind != "result"  # `star an email`, of a message
        if not nouns or nouns & source.nouns or about:
            for name in ("id", "number", "key", "iid", "ts", "timestamp", param.name):
                path = fields.same_name(source.type, name)
                if path is not None:
                    return path
    if same_service and param.entity is None and source.kind != "result" and stems[-1] in source.nouns:
        # `tank` of a tank: its id
        ids = [path for name in ("id", "key", "number") if (path := fields.same_name(source.type, name)) is not None]
        if ids:
            return ids[0]
    if param.entity in ("email", "repo", "url", "phone", "slack_channel", "file"):
        held = fields.by_entity(source.type, param.entity)
        if held and (param.entity in ("repo", "file") or same_service):
            return held[0]
    return None
