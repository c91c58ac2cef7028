"""Where a trigger's events come from: what a service file may say, and what is refused with its place."""

from __future__ import annotations

import pytest

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import PollSource, Source, WebhookSource

HOOK = {"signature": "standard"}
POLL = {"capability": "list", "items": "result", "cursor": "item.at"}


def loaded(source: object, **params: object):
    document = {
        "service": "stall", "title": "Stall", "type": "Shop", "connector": "scripted",
        "capabilities": {
            "list": {"effect": "read", "params": {"since": {"type": "string"}}}, "sell": {"effect": "write"},
        },
        "triggers": {"sold": {"params": params, "source": source}},
    }  # fmt: skip
    catalog, report = load_documents([document])
    kind = None if catalog is None else catalog.services[0].trigger("sold")
    return (None if kind is None else kind.source), [(each.code, each.place.path) for each in report.errors]


def test_every_key_has_its_place_and_its_default():
    webhook = {"signature": "slack_v0", "id": "body.id", "match": "EQ(body.a, 1)", "resolve": {"channel": "list.id"},
               "payload": {"b": "body.b", "a": "body.a"}}  # fmt: skip
    poll = {**POLL, "params": {"since": "{channel}"}, "every_ms": 5000, "baseline": "skip", "payload": {"x": "item.x"}}
    source, errors = loaded({"webhook": webhook, "poll": poll, "topic": "stall.sold"}, channel={"type": "string"})
    assert errors == []
    assert source == Source(
        webhook=WebhookSource(
            signature="slack_v0", id="body.id", match="EQ(body.a, 1)", payload='{"a":"body.a","b":"body.b"}',
            resolve=(("channel", "list.id"),),
        ),
        poll=PollSource(
            capability="list", params='{"since":"{channel}"}', every_ms=5000, items="result", cursor="item.at",
            payload='{"x":"item.x"}',
        ),
        topic="stall.sold",
    )  # fmt: skip
    assert loaded({"poll": POLL})[0].poll.every_ms == 60_000
    assert loaded({"webhook": {"signature": "standard"}})[0].webhook.payload is None
    assert loaded({}) == (None, [])


@pytest.mark.parametrize(
    ("source", "code", "place"),
    [
        ({"pol": POLL}, "unknown_key", "source.pol"),
        ({"webhook": {}}, "missing_key", "source.webhook"),
        ({"webhook": {"signature": "md5"}}, "unknown_value", "source.webhook.signature"),
        ({"webhook": {"signature": "standard", "secret": "x"}}, "unknown_key", "source.webhook.secret"),
        (
            {"webhook": {"signature": "standard", "resolve": {"x": "list.id"}}},
            "unknown_param",
            "source.webhook.resolve.x",
        ),
        (
            {"webhook": {"signature": "standard", "resolve": {"x": "nope"}}},
            "unknown_capability",
            "source.webhook.resolve.x",
        ),
        ({"poll": {**POLL, "capability": "lst"}}, "unknown_capability", "source.poll.capability"),
        ({"poll": {**POLL, "capability": "sell"}}, "bad_source", "source.poll.capability"),
        ({"poll": {**POLL, "identity": "item.id"}}, "missing_key", "source.poll"),
        ({"poll": {"capability": "list", "items": "result"}}, "missing_key", "source.poll"),
        ({"poll": {"capability": "list", "cursor": "item.at"}}, "missing_key", "source.poll"),
        ({"poll": {**POLL, "every_ms": 10}}, "out_of_range", "source.poll.every_ms"),
        ({"poll": {**POLL, "baseline": "fire"}}, "unknown_value", "source.poll.baseline"),
        ({"poll": {**POLL, "params": {"nope": 1}}}, "unknown_param", "source.poll.params.nope"),
        ({"poll": {**POLL, "params": {"since": "{x}"}}}, "unknown_place", "source.poll.params.since"),
        ({"poll": {**POLL, "params": {"since": "{"}}}, "bad_place", "source.poll.params.since"),
        ({"topic": "a b"}, "bad_name", "source.topic"),
        ({"topic": 7}, "wrong_type", "source.topic"),
        ("webhook", "wrong_type", "source"),
        ({"webhook": [1]}, "wrong_type", "source.webhook"),
    ],
)
def test_what_does_not_hold_is_found_at_its_place(source: object, code: str, place: str):
    assert (code, f"triggers.sold.{place}") in loaded(source)[1]
