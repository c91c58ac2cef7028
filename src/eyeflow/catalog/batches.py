"""`batch:` of a read: which capability of the same service answers many such reads in one request.

Knows: what must agree between the two for an answer to be the one the single read would have given. In: nodes of a
service file, its capabilities. Out: `Batch`, and findings. Never: decides where reads are batched (the optimizer
does), calls anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eyeflow.catalog.model import Batch, Capability
from eyeflow.catalog.nodes import Node
from eyeflow.diagnostics import nearest
from eyeflow.values import INTEGER, STRING, Field, ListOf, ObjectOf, Type

MOST: Final = 10_000
"""Items in one request, at most."""

_KEYS: Final = frozenset({"capability", "item", "items", "results", "match", "max"})
_MATCHED: Final = (STRING, INTEGER)


def read_batch(node: Node | None) -> Batch | None:
    """What the key says; None when it is absent or says too little."""
    if node is None or not node.is_mapping():
        return None
    node.only(_KEYS, "`batch`")
    capability, item, items, match = (
        node.text(key, required=True) for key in ("capability", "item", "items", "match")
    )  # fmt: skip
    most = node.integer("max", least=2, most=MOST)
    if not (capability and item and items and match):
        return None
    return Batch(
        capability=capability, item=item, items=items, match=match, results=node.optional_text("results"),
        max=100 if most is None else most,
    )  # fmt: skip


def check_batches(node: Node, capabilities: tuple[Capability, ...]) -> None:
    """See that each `batch` names what there is, and that its answers are those of its capability; `node` holds all
    capabilities of the service by name."""
    known = {capability.name: capability for capability in capabilities}
    for name, item in node.entries():
        spec, found = item.get("batch"), known.get(name)
        if spec is not None and found is not None and found.batch is not None:
            _check(spec, found, found.batch, known)


def _check(node: Node, capability: Capability, batch: Batch, known: Mapping[str, Capability]) -> None:
    many = known.get(batch.capability)
    if many is None:
        close = nearest(batch.capability, known, limit=1)
        hint = f"did you mean `{close[0]}`?" if close else ""
        place = node.child("capability", batch.capability)
        place.problem("unknown_capability", f"no capability is called `{batch.capability[:60]}`", hint)
        return
    for key, name, owner in (("item", batch.item, capability), ("items", batch.items, many)):
        if owner.param(name) is None:
            message = f"`{owner.name}` has no parameter `{name[:60]}`"
            node.child(key, name).problem("unknown_param", message, "see its `params`")
            return
    why = _mismatch(capability, many, batch)
    if why is not None:
        node.problem("bad_batch", why, "see `batch` in docs/catalog-format.md")


def _mismatch(one: Capability, many: Capability, batch: Batch) -> str | None:
    """Why an answer of `many` could not stand for one of `one`, or None."""
    for each in (one, many):
        if each.effect not in ("pure", "read"):
            return f"`{each.name}` is no read: only reads are batched"
    item, items = one.param(batch.item), many.param(batch.items)
    assert item is not None and items is not None, "they were looked up"
    if item.type not in _MATCHED or items.type != ListOf(item.type):
        return f"`{items.name}` must be a list of what `{item.name}` is, text or whole numbers"
    theirs = {param.name: param for param in many.params if param.name != batch.items}
    for param in one.params:
        other = theirs.pop(param.name, None)
        if param.name != batch.item and (other is None or other.type != param.type):
            return f"`{many.name}` does not take `{param.name}` as `{one.name}` does"
    left = [param.name for param in theirs.values() if param.required]
    if left:
        return f"`{many.name}` wants `{left[0]}`, which `{one.name}` does not have"
    return _other_answers(one, many, batch)


def _other_answers(one: Capability, many: Capability, batch: Batch) -> str | None:
    listed = many.returns if batch.results is None else _field_type(many.returns, batch.results)
    if not isinstance(listed, ListOf):
        return f"`{many.name}` gives no list" + ("" if batch.results is None else f" `{batch.results}`")
    if not isinstance(one.returns, ObjectOf) or _shape(listed.item) != _shape(one.returns):
        return f"an item of `{many.name}` is not what `{one.name}` gives: they must have the same fields"
    item = one.param(batch.item)
    assert item is not None, "it was looked up"
    if _field_type(one.returns, batch.match) != item.type:
        return f"`{batch.match}` is no field of the answer that could equal `{batch.item}`"
    return None


def _field_type(of: Type, name: str) -> Type | None:
    """The type of a promised field."""
    found = next((field for field in of.fields if field.name == name), None) if isinstance(of, ObjectOf) else None
    return None if found is None or not found.required else found.type


def _shape(of: Type) -> Type:
    """`of` without the words and cues that change no value."""
    match of:
        case ListOf(item):
            return ListOf(_shape(item))
        case ObjectOf(fields):
            plain = (Field(field.name, _shape(field.type), field.required) for field in fields)
            return ObjectOf(tuple(sorted(plain, key=lambda field: field.name)))
        case _:
            return of
