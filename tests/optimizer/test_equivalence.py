"""A rewritten task does what the task did: both run in the same world, and what they did is compared."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from eyeflow.ir.check import check
from eyeflow.optimizer import PASSES, REWRITES, Pass
from eyeflow.optimizer.batch import batch
from eyeflow.optimizer.prefetch import prefetch
from optimizer.programs import sources, worlds
from optimizer.world import CTX, Ran, World, planned, run, task_of

EACH: tuple[tuple[Pass, ...], ...] = (*((each,) for each in (*REWRITES, prefetch, batch)), PASSES)
"""Every pass alone, then all together."""


def _agree(source: str, world: World, *, chain: bool) -> None:
    """The rewrites of `source`, by each pass that has something to do, do what it did, with no more reads."""
    task = task_of(source)
    before = run(planned(task), world)
    for rewrites in EACH:
        plan = planned(task, *rewrites)
        if not any(each.kind in ("rewrite", "batch") for each in plan.decisions):
            continue
        _, report = check(plan.task, CTX)
        assert report.ok, [str(each) for each in report.errors]
        after = run(plan, world)
        said = [(each.subject, each.choice) for each in plan.decisions if each.kind in ("rewrite", "batch")]
        assert _seen(before, chain=chain) == _seen(after, chain=chain), said
        assert after.reads <= before.reads + after.many


def _seen(ran: Ran, *, chain: bool) -> Ran:
    """What may be compared: the order of writes only where something orders them."""
    writes = ran.writes if chain else {service: sorted(texts) for service, texts in ran.writes.items()}
    return msgspec.structs.replace(ran, writes=writes, reads=0, many=0, trace="", took_ms=0)


def _property(examples: int, *, chain: bool) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=examples < 100,
              suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
    @given(sources(chain=chain), worlds(chain=chain))
    def agrees(source: str, world: World) -> None:
        _agree(source, world, chain=chain)

    agrees()


@pytest.mark.parametrize("chain", [True, False], ids=["in a row", "side by side"])
def test_rewritten_tasks_have_the_same_effects_status_and_output(chain: bool):
    _property(60, chain=chain)


@pytest.mark.slow
@pytest.mark.parametrize("chain", [True, False], ids=["in a row", "side by side"])
def test_many_rewritten_tasks_have_the_same_effects_status_and_output(chain: bool):
    _property(1_500, chain=chain)
