"""Which rooms a process that only runs programs has in it."""

from __future__ import annotations

import os
import subprocess
import sys


def test_acceptance_42_a_machine_holds_no_front_end_and_no_model():
    code = "import sys, eyeflow.svm; print(' '.join(sorted(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "eyeflow.svm.machine" in loaded
    rooms = {name.split(".")[1] for name in loaded if name.startswith("eyeflow.")}
    assert not rooms & {"frontend", "optimizer", "compiler", "verify", "cli"}
    assert not {name.partition(".")[0] for name in loaded} & {
        "openai", "anthropic", "litellm", "transformers", "torch", "google", "mistralai", "cohere", "llama_cpp",
    }  # fmt: skip
