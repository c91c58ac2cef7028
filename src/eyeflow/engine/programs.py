"""Which program a task's name means now, and which one a run has pinned.

Knows: tasks by name, alias and id, their current versions, the profile a program reads. In: names, execution records.
Out: `Deployed`: task, executable, machine, ready to run. Never: compiles, or runs anything.

What was looked up is kept until the workspace changes: every unit that changes it writes the setting `generation`,
which is compared before use, at most every `look_ms`; this process is told directly (`changed`). While runs keep coming
it is compared beside them, before they would have to wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from eyeflow.catalog.model import Profile
from eyeflow.engine.common import Common
from eyeflow.engine.machines import LiveMachine, Machines
from eyeflow.engine.model import EngineError
from eyeflow.errors import EyeFlowError, LoadError
from eyeflow.store.port import Where
from eyeflow.store.records import ArtifactRecord, ProfileRecord, SettingRecord, TaskRecord, VersionRecord
from eyeflow.svm.executable import Executable
from eyeflow.values import Value

GENERATION: Final = "generation"
"""The setting that changes whenever tasks, connections, keys, profiles or the catalog do."""

_RENEWED: Final = 0.5
"""What was looked up is looked up again beside the runs when so much of the time it may be believed is left."""

_MOST_NAMES: Final = 20_000
_NOBODY: Final[Mapping[str, Value]] = MappingProxyType({})


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A program ready to run: its task, its version, the machine that loaded it; `me` is the profile it may read."""

    task: TaskRecord
    version: int
    executable: Executable
    live: LiveMachine
    me: Mapping[str, Value] = _NOBODY


class Programs:
    """Programs by the names people use."""

    def __init__(self, common: Common, machines: Machines) -> None:
        self._common = common
        self._machines = machines
        self._by_name: dict[str, Deployed] = {}
        self._generation: bytes | None = None
        self._fresh_until = 0.0
        self._looking: asyncio.Lock = asyncio.Lock()
        self._renewed_s = common.limits.look_ms / 1000 * _RENEWED
        self._renewal: asyncio.Task[None] | None = None
        self._running: asyncio.AbstractEventLoop | None = None

    def known(self, name: str) -> Deployed | None:
        """What `name` means, if that was looked up a moment ago."""
        left_s = self._fresh_until - self._loop().time()
        if left_s <= 0:
            return None
        if left_s < self._renewed_s and self._renewal is None:
            self._renewal = self._loop().create_task(self._renew())
        return self._by_name.get(name)

    async def _renew(self) -> None:
        try:
            await self._look(early_s=self._renewed_s)
        except EyeFlowError:
            return  # whoever runs next looks, and is told
        finally:
            self._renewal = None

    def _loop(self) -> asyncio.AbstractEventLoop:
        if self._running is None:
            self._running = asyncio.get_running_loop()  # asking for it costs a system call
        return self._running

    async def current(self, name: str) -> Deployed:
        """What `name` (a task's name, alias or id) means now.

        Raises: EngineError `unknown_task`; LoadError when its program may not run; StoreError.
        """
        await self._look()
        known = self._by_name.get(name)
        if known is not None:
            return known
        generation = self._generation
        task = await self.task(name)
        deployed = await self._deployed(task, task.version)
        if generation == self._generation:
            if len(self._by_name) >= _MOST_NAMES:
                self._by_name.clear()
            self._by_name[name] = deployed
        return deployed

    async def task(self, name: str) -> TaskRecord:
        """The task that `name` means. Raises: EngineError `unknown_task`; StoreError."""
        store = self._common.store
        found = await store.find(TaskRecord, Where("name", "=", name), limit=1)
        task = found[0] if found else await store.get(TaskRecord, name)
        if task is not None and task.alias_of is not None:
            task = await store.get(TaskRecord, task.alias_of)
        if task is None or task.state == "deleted":
            raise EngineError(
                "unknown_task", f"there is no task {name[:100]!a}", hint="`eyeflow tasks list` shows them"
            )
        return task

    async def pinned(self, task_id: str, version: int, *, digest: str) -> Deployed:
        """The program that a run has pinned, whatever the task means now.

        Raises: LoadError, also `unknown_artifact` when it is kept no more; StoreError.
        """
        task = await self._common.store.get(TaskRecord, task_id)
        if task is None:
            raise LoadError("unknown_artifact", f"the task of this run, {task_id}, is kept no more")
        deployed = await self._deployed(task, version)
        if deployed.executable.digest != digest:
            raise LoadError("bad_digest", f"version {version} of {task.name} is not the program this run began with")
        return deployed

    async def changed(self) -> None:
        """The workspace changed: look everything up again."""
        self._by_name.clear()
        self._fresh_until = 0.0
        await self._machines.refresh()

    async def _look(self, early_s: float = 0.0) -> None:
        """Compare the generation, unless that was done a moment ago."""
        loop = self._loop()
        if loop.time() < self._fresh_until - early_s:
            return
        async with self._looking:
            if loop.time() < self._fresh_until - early_s:
                return
            setting = await self._common.store.get(SettingRecord, GENERATION)
            generation = b"" if setting is None else setting.value
            if generation != self._generation:
                self._by_name.clear()
                await self._machines.refresh()
                self._generation = generation
            self._fresh_until = loop.time() + self._common.limits.look_ms / 1000

    async def _deployed(self, task: TaskRecord, version: int) -> Deployed:
        store = self._common.store
        found = await store.get(VersionRecord, task.id, version)
        if found is None:
            raise LoadError("unknown_artifact", f"task {task.name} has no version {version}")
        live = await self._machines.machine(practice=task.practice)
        executable = live.known(found.artifact)
        if executable is None:
            artifact = await store.get(ArtifactRecord, found.artifact)
            if artifact is None:
                raise LoadError("unknown_artifact", f"version {version} of {task.name} has lost its program")
            executable = await live.load(found.artifact, artifact.data)
        me = _NOBODY if executable.me_fields == () else await self._me(task.created_by)
        return Deployed(task=task, version=version, executable=executable, live=live, me=me)

    async def _me(self, principal: str) -> Mapping[str, Value]:
        """The profile of the task's owner, for programs run on their behalf whoever asks."""
        row = await self._common.store.get(ProfileRecord, principal)
        if row is None:
            return _NOBODY
        return MappingProxyType(dict(msgspec.json.decode(row.profile, type=Profile).me))
