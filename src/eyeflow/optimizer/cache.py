"""Pass: which results may be used again, and for how long.

Only reads, and only where the text says CACHE or the catalog states `cache_ttl`: nobody else knows how long an answer
stays true.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.plan import Cache, Decision, Plan
from eyeflow.optimizer.calls import Site, sites


def cache(plan: Plan, ctx: CompileContext) -> Plan:
    """Fills `caches`."""
    caches: list[Cache] = []
    said: list[Decision] = []
    for site in sites(plan.task, ctx):
        ttl, why = _ttl(site)
        if ttl:
            caches.append(Cache(site.path, ttl))
        choice = f"for {ttl / 1000:g} s" if ttl else "not cached"
        said.append(Decision("cache", site.path, choice, why))
    return replace(plan, caches=tuple(caches), decisions=(*plan.decisions, *said))


def _ttl(site: Site) -> tuple[int, str]:
    if site.capability.effect not in ("pure", "read"):
        return 0, "it changes something"
    if site.action.cache_ms is not None:
        return site.action.cache_ms, "CACHE in the text"
    if site.capability.cache_ttl_ms:
        return site.capability.cache_ttl_ms, "the catalog says how long its answers hold"
    return 0, "nothing says how long its answers hold"
