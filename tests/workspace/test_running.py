"""The workspace and the engine together: what is deployed runs, at once and as it was approved."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.registry import factories
from eyeflow.engine.engine import Engine
from eyeflow.engine.machines import World
from eyeflow.engine.model import EngineError, ExecutionDetail, Principal, RunRequest
from eyeflow.store.port import Store
from workspace.house import ANA, HELLO, House


class Bridge:
    """The engine as the workspace sees it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def changed(self, task_id: str | None = None) -> None:
        await self._engine.changed(task_id)

    async def cancel(self, execution_id: str, principal: Principal) -> object:
        return await self._engine.cancel(execution_id)

    async def execution(self, execution_id: str, principal: Principal) -> ExecutionDetail:
        return await self._engine.execution(execution_id)


@pytest.fixture
async def running(store: Store, catalog: Catalog) -> AsyncIterator[tuple[House, Engine]]:
    house = House(store, catalog)
    world = World(catalog=catalog, trust=(house.key.signer,), connectors=factories(catalog))
    engine = Engine(store, world=world)
    house = House(store, catalog, engine=Bridge(engine))
    await engine.start()
    yield house, engine
    await engine.drain(5)
    await house.workspace.close()


async def test_acceptance_01_a_fresh_workspace_greets(running: tuple[House, Engine]):
    house, engine = running
    await house.workspace.first_start()
    result = await engine.run(RunRequest(task="hello_world", input={"name": "Alice"}))
    assert (result.status, result.output) == ("success", {"greeting": "Hello Alice"})


async def test_a_new_version_runs_from_then_on_and_a_rollback_brings_the_old_one_back(running: tuple[House, Engine]):
    house, engine = running
    await house.deploy(HELLO + "\n  RETURN 1\n")
    assert (await engine.run(RunRequest(task="hello", input={"name": "x"}))).output == 1
    await house.deploy(HELLO + "\n  RETURN 2\n")
    assert (await engine.run(RunRequest(task="hello", input={"name": "x"}))).output == 2
    await house.workspace.tasks.rollback(ANA, "hello", 1)
    assert (await engine.run(RunRequest(task="hello", input={"name": "x"}))).output == 1


async def test_what_is_paused_or_deleted_does_not_run(running: tuple[House, Engine]):
    house, engine = running
    await house.deploy()
    await house.workspace.tasks.alias(ANA, "hello", "greeting")
    assert (await engine.run(RunRequest(task="greeting", input={"name": "x"}))).status == "success"
    await house.workspace.tasks.pause(ANA, "hello")
    with pytest.raises(EngineError) as stopped:
        await engine.run(RunRequest(task="hello", input={"name": "x"}))
    assert stopped.value.code == "task_paused"
    await house.workspace.tasks.resume(ANA, "hello")
    assert (await engine.run(RunRequest(task="hello", input={"name": "x"}))).status == "success"
    identity = (await house.workspace.tasks.get(ANA, "hello")).id
    await house.workspace.tasks.delete(ANA, "hello")
    for name in ("hello", "greeting", identity):
        with pytest.raises(EngineError) as stopped:
            await engine.run(RunRequest(task=name, input={"name": "x"}))
        assert stopped.value.code == "unknown_task"
