"""What a new workspace begins with: two examples that run at once.

Knows: the programs beside this module. In: a workspace. Out: deployed tasks, once. Never: comes back after somebody
has deleted them.

`hello_world` is live. `daily_weather_report`, also called `daily_weather`, runs against practice services until
somebody connects `openweather_prod` and `slack_daily` and deploys it for real.
"""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Final

import msgspec

from eyeflow.engine.model import LOCAL
from eyeflow.ports import Clock
from eyeflow.store.port import Insert, Store
from eyeflow.store.records import SettingRecord
from eyeflow.workspace.connections import Connections, NewConnection
from eyeflow.workspace.errors import Clash, Invalid
from eyeflow.workspace.proposals import Proposals
from eyeflow.workspace.reviewing import ProposeRequest
from eyeflow.workspace.tasks import Tasks
from eyeflow.workspace.writing import now_ms

FOLDER: Final = Path(__file__).parent / "examples"
MARK: Final = "examples"
ACCOUNTS: Final = (
    NewConnection(name="slack_daily", service="slack_notify", credential="vault:slack_daily"),
    NewConnection(name="openweather_prod", service="openweather", credential="vault:openweather_prod"),
)
PROGRAMS: Final[tuple[tuple[str, bool, tuple[str, ...]], ...]] = (
    ("hello_world", False, ()),
    ("daily_weather_report", True, ("daily_weather",)),
)
"""Name, whether for practice, and further names."""


async def first_start(
    store: Store, clock: Clock, proposals: Proposals, tasks: Tasks, connections: Connections
) -> tuple[str, ...]:
    """Deploy the examples into a workspace that never had them; the names of those that were deployed. Of several
    processes that start at once each example is deployed by one. Raises: StoreError."""
    if await store.get(SettingRecord, MARK) is not None:
        return ()
    for account in ACCOUNTS:
        await _if_possible(connections.add(LOCAL, account))
    done: list[str] = []
    for name, practice, aliases in PROGRAMS:
        text = (FOLDER / f"{name}.eir").read_text("utf-8")
        if await _if_possible(proposals.deploy(LOCAL, ProposeRequest(text=text, practice=practice))):
            done.append(name)
            for alias in aliases:
                await _if_possible(tasks.alias(LOCAL, name, alias))
    mark = SettingRecord(name=MARK, value=msgspec.json.encode(done), updated_ms=now_ms(clock))
    await store.write(Insert(mark, "ignore"))
    return tuple(done)


async def _if_possible(work: Awaitable[object]) -> bool:
    """False when the name is taken, or the catalog, which may be another than ours, does not have what it needs."""
    try:
        await work
    except (Clash, Invalid):
        return False
    return True
