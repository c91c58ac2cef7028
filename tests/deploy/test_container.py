"""The container files are what their own linters accept, and promise what they say: non-root, read-only, one volume."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
BIN = Path(sys.executable).parent


def _lint(*command: str) -> None:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_is_clean() -> None:
    _lint("hadolint", str(DOCKERFILE))


def test_the_compose_file_meets_the_compose_specification() -> None:
    _lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE))


def test_the_container_runs_as_nobody_in_particular_on_a_file_system_it_cannot_write() -> None:
    lines = DOCKERFILE.read_text().splitlines()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    user = next(line for line in last_stage if line.startswith("USER "))
    assert re.fullmatch(r"USER [1-9]\d*:[1-9]\d*", user)
    assert "VOLUME /data" in last_stage
    service = yaml.safe_load(COMPOSE.read_text())["services"]["eyeflow"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert [volume.partition(":")[2] for volume in service["volumes"]] == ["/data"]


def test_what_the_image_is_made_from_reaches_the_builder() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        name.strip("./")
        for line in DOCKERFILE.read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    }
    assert copied and copied <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_the_image_is_small_by_what_it_leaves_out() -> None:
    text = DOCKERFILE.read_text()
    stages = [line for line in text.splitlines() if line.startswith("FROM ")]
    assert len(stages) == 2 and all("-slim" in line for line in stages)
    last = text[text.rindex("FROM ") :]
    assert "apt-get" not in last and "pip install" not in last, "nothing is built where it runs"
    assert "/app/lib/python3.12/site-packages/pip*" in text, "and pip stays behind"
    assert "--require-hashes" in text


ALONE = """
mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,ro / || exit 99
touch "$2" 2>/dev/null && exit 98
shift 2
exec "$@"
"""
"""A file system of its own for a command: all of it read-only, but for one folder."""


def _can_be_alone() -> bool:
    """Whether this machine lets a test have a file system of its own."""
    try:
        return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not _can_be_alone(), reason="this machine gives no mount namespaces")
def test_a_server_writes_to_its_data_folder_and_nowhere_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    elsewhere = tmp_path / "elsewhere"
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent", "EYEFLOW_CACHE": str(data / "cache"),
    }  # fmt: skip
    command = [sys.executable, "-m", "eyeflow", "up", "--port", "0", "--data", str(data), "--json"]
    with subprocess.Popen(
        ["unshare", "-m", "sh", "-c", ALONE, "sh", str(data), str(elsewhere), *command], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (process.wait(20), process.stderr and process.stderr.read().decode())
            said = json.loads(line)
            with httpx.Client(base_url=said["url"], timeout=30, trust_env=False) as http:
                assert http.get("/readyz").status_code == 200
                headers = {"authorization": f"Bearer {said['first_key']}"}
                body = {"task": "hello_world", "input": {"name": "Alice"}}
                ran = http.post("/api/tasks/run", json=body, headers=headers).json()
                assert ran["status"] == "success"
                english = {"text": "Send weather for Paris to #general on Slack every morning at 9am"}
                assert http.post("/api/compile", json=english, headers=headers).json()["outcome"] == "program"
                assert http.post("/api/backup", headers=headers).status_code == 200
        finally:
            process.terminate()
            ended = process.wait(30)
    assert ended == 0
    assert not elsewhere.exists() and (data / "eyeflow.db").exists()
