"""A file that is not at hand, but can be had: the read of its own service that gives the content of what is listed.

Knows: reads that return a file for what tells a thing apart. In: a scope. Out: the expression of the content, and the
scope with the read. Never: reads by anything but the thing's own fields, or chooses between two ways.
"""

from __future__ import annotations

from eyeflow.frontend import fetching, fields
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.slots.defaults import field_for
from eyeflow.frontend.slots.filling import Filled
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import Span


def content_of(scope: Scope, span: Span | None) -> tuple[str, Scope] | None:
    """`download` of the file spoken of last: its content."""
    for source in reversed(scope.sources):
        if source.kind not in ("item", "trigger", "result"):
            continue
        ways = [e for e in scope.vocab.entries if e.service.id == source.service and _gives(e, source)]
        if len(ways) == 1:
            params = {p.name: _place(ways[0], p.name, source) for p in ways[0].capability.params if p.required}
            name, of, scope, _ = fetching.fetch(ways[0], Filled(params, frozenset(), 0), scope, span)
            return ".".join((name, *fields.by_entity(of, "file")[0])), scope
    return None


def _gives(entry: Entry, source: Source) -> bool:
    if entry.is_trigger or not entry.reads or entry.listing is not None or not fields.by_entity(entry.result, "file"):
        return False
    wanted = [p for p in entry.capability.params if p.required]
    return bool(wanted) and all(field_for(entry, p, source) is not None for p in wanted)


def _place(entry: Entry, name: str, source: Source) -> str:
    param = next(p for p in entry.capability.params if p.name == name)
    path = field_for(entry, param, source)
    assert path is not None, "every required parameter has a field"
    return "{" + ".".join((source.root, *path)) + "}"
