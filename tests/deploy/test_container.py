"""The container files are what their own linters accept, and promise what they say: non-root, read-only, one volume."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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
    assert copied <= kept
    assert all((ROOT / name).exists() for name in kept)
