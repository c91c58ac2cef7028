"""Every system that is compared: how each is installed and started.

Knows: the peers' own instructions, and the versions that were compared. In: a stub's address, a folder to work in.
Out: `System`s; reasons for those that cannot be had here. Never: installs into the project.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

from bench.web.peers.nodered.flows import SETTINGS, flows
from bench.web.system import Endpoint, NotStarted, System, answer, free_port

PEERS: Final = Path(__file__).with_name("peers")
DBOS: Final = ("dbos==3.4.0", "aiohttp==3.14.5", "msgspec==0.22.0")
GREET: Final = b'{"name":"Alice"}'


def fastify(stub: str, work: Path) -> System:
    """Node, by hand."""
    folder = _npm("fastify", work)
    shutil.copy(PEERS / "fastify" / "server.js", folder)
    port = free_port()
    return System(
        name=f"{_versions('fastify')}, by hand", record="none", port=port, folder=folder, tasks=_plain(),
        command=("node", "server.js", str(port), stub),
    )  # fmt: skip


def by_hand(stub: str, work: Path) -> System:
    """Python, by hand."""
    del work
    port = free_port()
    return System(
        name=f"aiohttp {metadata.version('aiohttp')}, by hand", record="none", port=port, tasks=_plain(),
        command=(sys.executable, "-m", "bench.web.peers.by_hand", str(port), stub),
    )  # fmt: skip


def node_red(stub: str, work: Path) -> System:
    """Node-RED."""
    folder, port = _npm("nodered", work), free_port()
    (folder / "flows.json").write_bytes(flows(stub))
    (folder / "settings.js").write_text(SETTINGS)
    command = ("node_modules/.bin/node-red", "--userDir", ".", "--settings", "settings.js", "--port", str(port))
    return System(
        name=_versions("nodered"), record="none", port=port, folder=folder, tasks=_plain(), command=command,
        patience_s=90, ready=lambda: _taken(port),
    )  # fmt: skip


def _taken(port: int) -> None:
    """Return when the flows are there: it listens before that. Raises: NotStarted."""
    for _ in range(300):
        if answer(f"http://127.0.0.1:{port}/greet", Endpoint(path="/greet", body=GREET))[0] == 200:
            return
        time.sleep(0.1)
    raise NotStarted("its flows did not come up")


def dbos(stub: str, work: Path) -> System:
    """DBOS with SQLite."""
    folder = work / "dbos"
    venv = folder / "venv"
    if not (venv / "bin" / "python").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _do([sys.executable, "-m", "venv", str(venv)])
        _do([str(venv / "bin" / "pip"), "install", "--quiet", *DBOS])
    for old in folder.glob("dbos.sqlite*"):
        old.unlink()
    port = free_port()
    root = Path(__file__).parents[2]
    return System(
        name=f"{DBOS[0].replace('==', ' ')}, SQLite", record="step log", port=port, folder=folder, tasks=_plain(),
        command=(str(venv / "bin" / "python"), "-m", "bench.web.peers.dbos_app", str(port), stub, str(folder)),
        environment={"PYTHONPATH": str(root)},
    )  # fmt: skip


class Package(msgspec.Struct):
    """What matters of a `package.json`."""

    dependencies: dict[str, str]


ALL: Final[dict[str, Callable[[str, Path], System]]] = {
    "fastify": fastify,
    "aiohttp": by_hand,
    "nodered": node_red,
    "dbos": dbos,
}


def _plain() -> dict[str, Endpoint]:
    return {"W1": Endpoint(path="/greet", body=GREET), "W2": Endpoint(path="/weather", body=b"{}")}


def _versions(peer: str) -> str:
    """The pinned packages of a peer, as one reads them."""
    pinned = msgspec.json.decode((PEERS / peer / "package.json").read_bytes(), type=Package).dependencies
    return " + ".join(f"{name} {version}" for name, version in pinned.items())


def _npm(peer: str, work: Path) -> Path:
    """A folder with the peer's packages in it. Raises: NotStarted."""
    if shutil.which("npm") is None:
        raise NotStarted("npm is not installed")
    folder = work / peer
    folder.mkdir(parents=True, exist_ok=True)
    wanted, had = PEERS / peer / "package.json", folder / "package.json"
    if not (folder / "node_modules").is_dir() or not had.exists() or had.read_bytes() != wanted.read_bytes():
        shutil.copy(wanted, folder)
        _do(["npm", "install", "--no-audit", "--no-fund", "--silent"], folder)
    return folder


def _do(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise NotStarted(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
