"""When a server says that it takes requests, and when it does not, though it answers."""

from __future__ import annotations

from server.house import house


async def test_acceptance_55_it_is_not_ready_while_it_drains_or_before_it_has_started(tmp_path):
    async with house(tmp_path) as held:
        reply = await held.ask("GET", "/readyz", key=None)
        assert (reply.status, set(reply.json["checks"].values())) == (200, {"ok"})
        held.service.draining = True
        reply = await held.ask("GET", "/readyz", key=None)
        assert (reply.status, reply.json["status"], reply.json["checks"]["accepting"]) == (503, "not ready", "draining")
        assert (await held.ask("GET", "/healthz", key=None)).status == 200
        held.service.draining = False
        held.service.started = False
        reply = await held.ask("GET", "/readyz", key=None)
        assert (reply.status, reply.json["checks"]["engine"]) == (503, "not running")
        held.service.started = True
        assert (await held.ask("GET", "/readyz", key=None)).status == 200
