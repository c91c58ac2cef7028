"""A rewritten task does what the task did: both run in the same world, and what they did is compared."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.optimizer.programs import sources, worlds
from tests.optimizer.world import CTX, Ran, World, planned, run, task_of

from eyeflow.ir.check import check
from eyeflow.optimizer import PASSES, REWRITES, Pass
from eyeflow.optimizer.prefetch import prefetch

EACH: tuple[tuple[Pass, ...], ...] = (*((each,) for each in (*REWRITES, prefetch)), PASSES)


def _agree(source: str, world: World, rewrites: tuple[Pass, ...], *, chain: bool) -> tuple[Ran, Ran]:
    task = task_of(source)
    plan = planned(task, *rewrites)
    _, report = check(plan.task, CTX)
    assert report.ok, [str(each) for each in report.errors]
    before, after = run(planned(task), world), run(plan, world)
    assert _seen(before, chain=chain) == _seen(after, chain=chain), [each.choice for each in plan.decisions]
    return before, after


def _seen(ran: Ran, *, chain: bool) -> Ran:
    """What may be compared: the order of writes only where something orders them."""
    writes = ran.writes if chain else {service: sorted(texts) for service, texts in ran.writes.items()}
    return msgspec.structs.replace(ran, writes=writes, reads=0)


def _property(examples: int, *, chain: bool) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=examples < 100,
              suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
    @given(sources(chain=chain), worlds(chain=chain), st.sampled_from(EACH))
    def agrees(source: str, world: World, rewrites: tuple[Pass, ...]) -> None:
        before, after = _agree(source, world, rewrites, chain=chain)
        assert after.reads <= before.reads

    agrees()


@pytest.mark.parametrize("chain", [True, False], ids=["in a row", "side by side"])
def test_rewritten_tasks_have_the_same_effects_status_and_output(chain: bool):
    _property(60, chain=chain)


@pytest.mark.slow
@pytest.mark.parametrize("chain", [True, False], ids=["in a row", "side by side"])
def test_many_rewritten_tasks_have_the_same_effects_status_and_output(chain: bool):
    _property(3_000, chain=chain)
