"""Feeds of three formats in one shape, and XML that attacks its reader."""

from __future__ import annotations

import pytest

from connectors.http_service import answer
from eyeflow.catalog.load import load_catalog
from eyeflow.catalog.model import Connection
from eyeflow.connectors.feeds import FeedError, read_feed
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.connectors.rss import RssConnector
from eyeflow.connectors.transport import HttpResponse, ScriptedTransport
from eyeflow.errors import CallError, EgressDenied

RSS = b"""<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>News &amp; more</title><item><title>Old</title><link>https://n.example/1</link><guid>g1</guid>
<description><![CDATA[<p>Some <b>bold</b> text</p>]]></description><dc:creator>Ana</dc:creator>
<category>a</category><category>b</category><pubDate>Mon, 23 Nov 2026 10:00:00 +0100</pubDate></item>
<item><title>New</title><link>https://n.example/2</link><pubDate>Tue, 24 Nov 2026 09:00:00 GMT</pubDate></item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title><entry><id>urn:1</id><title>One</title>
<link rel="self" href="https://n.example/self"/><link href="https://n.example/one"/><summary>S</summary>
<author><name>Bo</name></author><category term="x"/><updated>2026-11-23T09:00:00Z</updated></entry></feed>"""
RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>Old style</title></channel><item><title>T</title><link>https://n.example/t</link></item></rdf:RDF>"""


def test_rss_newest_first_and_without_mark_up() -> None:
    feed = read_feed(RSS, 10)
    assert feed["title"] == "News & more" and feed["count"] == 2
    assert isinstance(feed["items"], list)
    new, old = feed["items"]
    assert isinstance(new, dict) and new["id"] == "https://n.example/2" and "author" not in new
    assert old == {
        "id": "g1", "title": "Old", "link": "https://n.example/1", "summary": "Some bold text", "author": "Ana",
        "categories": ["a", "b"], "published_at": "2026-11-23T09:00:00Z",
    }  # fmt: skip


def test_atom_and_rdf() -> None:
    items = read_feed(ATOM, 10)["items"]
    assert items == [
        {"id": "urn:1", "title": "One", "link": "https://n.example/one", "summary": "S", "author": "Bo",
         "categories": ["x"], "published_at": "2026-11-23T09:00:00Z"}
    ]  # fmt: skip
    assert read_feed(RDF, 10)["count"] == 1


def test_the_limit_keeps_the_newest() -> None:
    items = read_feed(RSS, 1)["items"]
    assert isinstance(items, list) and isinstance(items[0], dict) and items[0]["title"] == "New"


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><rss><channel><title>&b;</title>
</channel></rss>"""
EXTERNAL = b"""<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><rss><channel><title>&e;</title></channel></rss>"""


@pytest.mark.parametrize(
    "data",
    [BOMB, EXTERNAL, b"", b"<rss", b"<html></html>", b"\x00", b"<rss>" + b"<a>" * 5000, b"{}", b"\xff\xfe<"],
    ids=["bomb", "external", "empty", "cut", "html", "nul", "deep", "json", "half_utf16"],
)
def test_hostile_or_broken_xml_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(FeedError):
        read_feed(data, 10)


async def test_the_driver_reads_within_the_connection_hosts_only() -> None:
    catalog, _ = load_catalog()
    assert catalog is not None
    service = catalog.service("rss")
    assert service is not None
    transport = ScriptedTransport([HttpResponse(status=200, body=RSS), answer({}, 503), answer({})])
    connector = RssConnector(lambda pool: transport)
    connection = Connection(name="rss", service="rss", hosts=("n.example.com",))
    await connector.initialize(ConnectorConfig(service=service, connection=connection))
    result = await connector.call("read_feed", {"url": "https://n.example.com/feed"})
    assert isinstance(result, dict) and result["count"] == 2
    for _ in ("unavailable", "no feed"):
        with pytest.raises(CallError):
            await connector.call("read_feed", {"url": "https://n.example.com/feed"})
    for url in ("https://evil.example/feed", "file:///etc/passwd"):
        with pytest.raises(EgressDenied):
            await connector.call("read_feed", {"url": url})
