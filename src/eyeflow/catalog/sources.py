"""`source:` of a trigger: where its events come from.

Knows: the keys of a webhook, a poll and a topic, and the signature schemes by name. In: nodes of a service file.
Out: `Source`, and findings. Never: parses expressions (`ir` does), checks a signature, polls anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from eyeflow.catalog.mapping import placeholders
from eyeflow.catalog.model import Capability, Param, PollSource, Source, WebhookSource
from eyeflow.catalog.nodes import Node
from eyeflow.values import literal

SIGNATURES: Final = ("standard", "github_sha256", "hub_sha256", "slack_v0", "stripe_v1", "twilio_sha1")
"""How a service signs what it delivers; `triggers/signatures.py` checks them."""

MIN_EVERY_MS: Final = 1_000
MAX_EVERY_MS: Final = 7 * 86_400_000

_KINDS: Final = frozenset({"webhook", "poll", "topic"})
_WEBHOOK_KEYS: Final = frozenset({"signature", "id", "match", "payload", "resolve"})
_POLL_KEYS: Final = frozenset(
    {"capability", "params", "every_ms", "baseline", "items", "cursor", "identity", "payload"}
)  # fmt: skip
_TOPIC: Final = re.compile(r"[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)*\Z")


def read_source(node: Node | None, params: tuple[Param, ...], capabilities: tuple[Capability, ...]) -> Source | None:
    """The key's meaning; None when it is absent. `params` are the trigger's, `capabilities` the service's."""
    if node is None or not node.is_mapping():
        return None
    node.only(_KINDS, "`source`")
    known = {capability.name: capability for capability in capabilities}
    named = {param.name for param in params}
    topic = node.optional_text("topic")
    if topic is not None and (len(topic) > 200 or _TOPIC.match(topic) is None):
        hint = "words of letters, digits, - and _, with dots between"
        node.child("topic", topic).problem("bad_name", f"`{topic[:60]}` is no topic", hint)
    source = Source(
        webhook=_webhook(node.get("webhook"), named, known), poll=_poll(node.get("poll"), named, known), topic=topic
    )  # fmt: skip
    return source if source != Source() else None


def _webhook(node: Node | None, named: set[str], known: dict[str, Capability]) -> WebhookSource | None:
    if node is None or not node.is_mapping():
        return None
    node.only(_WEBHOOK_KEYS, "`webhook`")
    if not node.has("signature"):
        node.missing("signature")
    return WebhookSource(
        signature=node.choice("signature", SIGNATURES, "standard"),
        id=node.optional_text("id"),
        match=node.optional_text("match"),
        payload=_tree(node.get("payload")),
        resolve=tuple(_resolved(node.get("resolve"), named, known)),
    )


def _resolved(node: Node | None, named: set[str], known: dict[str, Capability]) -> Iterator[tuple[str, str]]:
    if node is None:
        return
    for name, item in node.entries():
        text = item.as_text() or ""
        capability, _, field = text.partition(".")
        if name not in named:
            item.problem("unknown_param", f"the trigger has no parameter `{name[:60]}`", "see its `params`")
        if text and (capability not in known or not field):
            hint = "write a read of this service and a field of what it returns: find_channel.id"
            item.problem("unknown_capability", f"`{text[:60]}` is no field of a capability", hint)
        yield name, text


def _poll(node: Node | None, named: set[str], known: dict[str, Capability]) -> PollSource | None:
    if node is None or not node.is_mapping():
        return None
    node.only(_POLL_KEYS, "`poll`")
    name = node.text("capability", required=True)
    _check_capability(node, name, known)
    node.choice("baseline", ("skip",), "skip")
    params = node.get("params")
    if params is not None and params.is_mapping():
        _check_places(params, named, known.get(name))
    if node.has("cursor") == node.has("identity"):
        hint = "`cursor` for what grows, `identity` for what is only different"
        node.problem("missing_key", "a poll needs one of `cursor` and `identity`", hint)
    every = node.integer("every_ms", least=MIN_EVERY_MS, most=MAX_EVERY_MS)
    return PollSource(
        capability=name,
        params="{}" if params is None else literal(params.value).json,
        every_ms=60_000 if every is None else every,
        items=node.text("items", required=True),
        cursor=node.optional_text("cursor"),
        identity=node.optional_text("identity"),
        payload=_tree(node.get("payload")),
    )


def _check_capability(node: Node, name: str, known: dict[str, Capability]) -> None:
    found = known.get(name)
    if not name or node.problems.errors:
        return
    place = node.child("capability", name)
    if found is None:
        close = place.closest(name, known)
        hint = f"did you mean `{close}`?" if close else ""
        place.problem("unknown_capability", f"no capability is called `{name[:60]}`", hint)
    elif found.effect not in ("pure", "read"):
        place.problem("bad_source", f"`{name}` is a {found.effect}: a poll repeats a read", "name a read")


def _check_places(node: Node, named: set[str], capability: Capability | None) -> None:
    for key, item in node.entries():
        if capability is not None and capability.param(key) is None:
            item.problem("unknown_param", f"`{capability.name}` has no parameter `{key[:60]}`", "see its `params`")
        for text in _texts(item):
            places, wrong = placeholders(str(text.value))
            if wrong is not None:
                text.problem("bad_place", f"{wrong} in `{text.key}`", "double a brace that is meant literally")
            for place in places:
                if place.partition(".")[0] not in named:
                    message = f"`{{{place[:60]}}}` is no parameter of the trigger"
                    text.problem("unknown_place", message, "see its `params`")


def _texts(node: Node) -> Iterator[Node]:
    """The texts inside, at any depth; documents are shallow."""
    if type(node.value) is str:
        yield node
    elif type(node.value) is list:
        for item in node.items():
            yield from _texts(item)
    elif type(node.value) is dict:
        for _, item in node.entries():
            yield from _texts(item)


def _tree(node: Node | None) -> str | None:
    """A tree of expressions as canonical JSON text."""
    return None if node is None else literal(node.value).json
