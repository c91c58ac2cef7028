"""The page about the Python client runs as it stands, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from server.running import environment, running

PAGE = Path(__file__).parents[2] / "docs" / "python-client.md"


def test_the_page_runs(tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text("\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)))
    with running() as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, timeout=120, check=False,
            env={**environment(), "EYEFLOW_URL": server.url, "EYEFLOW_KEY": server.key, "HOME": os.fspath(tmp_path)},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "success {'greeting': 'Hello Alice'}"
    assert "run_started" in lines
    assert "result" in lines
    assert any(line.startswith("404 unknown_task") for line in lines)
    assert lines[-1].startswith("questions ['")
    assert "Action 1: greet" in done.stdout
