"""Every system that is compared: how each is installed and started.

Knows: the peers' own instructions. In: a stub's address, a folder to work in. Out: `System`s; reasons for those that
cannot be had here. Never: installs into the project.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.web.peers.nodered.flows import SETTINGS, flows
from bench.web.system import Endpoint, NotStarted, System, free_port

PEERS: Final = Path(__file__).with_name("peers")
GREET: Final = b'{"name":"Alice"}'


def fastify(stub: str, work: Path) -> System:
    """Node, by hand."""
    folder = _npm("fastify", work)
    shutil.copy(PEERS / "fastify" / "server.js", folder)
    port = free_port()
    return System(
        name="Fastify + undici, by hand", record="none", port=port, folder=folder, tasks=_plain(),
        command=("node", "server.js", str(port), stub),
    )  # fmt: skip


def by_hand(stub: str, work: Path) -> System:
    """Python, by hand."""
    del work
    port = free_port()
    return System(
        name="aiohttp, by hand", record="none", port=port, tasks=_plain(),
        command=(sys.executable, "-m", "bench.web.peers.by_hand", str(port), stub),
    )  # fmt: skip


def node_red(stub: str, work: Path) -> System:
    """Node-RED."""
    folder, port = _npm("nodered", work), free_port()
    (folder / "flows.json").write_bytes(flows(stub))
    (folder / "settings.js").write_text(SETTINGS)
    command = ("node_modules/.bin/node-red", "--userDir", ".", "--settings", "settings.js", "--port", str(port))
    return System(
        name="Node-RED", record="none", port=port, folder=folder, tasks=_plain(), command=command, patience_s=90,
    )  # fmt: skip


def dbos(stub: str, work: Path) -> System:
    """DBOS with SQLite."""
    folder = work / "dbos"
    venv = folder / "venv"
    if not (venv / "bin" / "python").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _do([sys.executable, "-m", "venv", str(venv)])
        _do([str(venv / "bin" / "pip"), "install", "--quiet", "dbos", "aiohttp", "msgspec"])
    for old in folder.glob("dbos.sqlite*"):
        old.unlink()
    port = free_port()
    root = Path(__file__).parents[2]
    return System(
        name="DBOS, SQLite", record="step log", port=port, folder=folder, tasks=_plain(),
        command=(str(venv / "bin" / "python"), "-m", "bench.web.peers.dbos_app", str(port), stub, str(folder)),
        environment={"PYTHONPATH": str(root)},
    )  # fmt: skip


ALL: Final[dict[str, Callable[[str, Path], System]]] = {
    "fastify": fastify,
    "aiohttp": by_hand,
    "nodered": node_red,
    "dbos": dbos,
}


def _plain() -> dict[str, Endpoint]:
    return {"W1": Endpoint(path="/greet", body=GREET), "W2": Endpoint(path="/weather", body=b"{}")}


def _npm(peer: str, work: Path) -> Path:
    """A folder with the peer's packages in it. Raises: NotStarted."""
    if shutil.which("npm") is None:
        raise NotStarted("npm is not installed")
    folder = work / peer
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(PEERS / peer / "package.json", folder)
    if not (folder / "node_modules").is_dir():
        _do(["npm", "install", "--no-audit", "--no-fund", "--silent"], folder)
    return folder


def _do(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise NotStarted(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
