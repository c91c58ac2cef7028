"""`[engine]`: off unless it is asked for, a key only by reference, never in the clear to another machine."""

from __future__ import annotations

import pytest

from eyeflow.errors import EyeFlowError
from eyeflow.frontend.engines.settings import EngineSettings, make, read_engine

LLM = '[engine]\nuse = "llm"\nurl = "http://127.0.0.1:8080/v1"\nmodel = "m"\n'


def test_nothing_said_is_the_rules_alone() -> None:
    held = read_engine("", {})
    assert held == EngineSettings()
    assert make(held, {}) is None
    assert make(read_engine(LLM, {}), {}, use="rules") is None


def test_the_environment_alone_turns_nothing_on() -> None:
    held = read_engine("", {"EYEFLOW_LLM_URL": "http://127.0.0.1:1/v1", "EYEFLOW_LLM_MODEL": "m"})
    assert make(held, {}) is None
    engine = make(held, {}, use="llm")
    assert engine is not None and engine.name == "llm"


def test_the_identity_names_model_and_endpoint() -> None:
    engine = make(read_engine(LLM, {}), {})
    other = make(read_engine(LLM.replace('"m"', '"n"'), {}), {})
    assert engine is not None and other is not None
    assert engine.identity != other.identity
    assert "127.0.0.1" in engine.identity


@pytest.mark.parametrize(
    "text",
    [
        '[engine]\nuse = "magic"',
        '[engine]\nuze = "llm"',
        '[engine]\nkey = "sk-123456"',
        "[engine]\ntimeout_s = 0",
        "[engine]\ntimeout_s = 1e9",
        "[engine]\nmax_tokens = -1",
        "[engine]\nmodel = 5",
        "engine = 5",
        "[engine",
        LLM.replace("http://127.0.0.1:8080/v1", "http://models.example.com/v1") + 'key = "env:K"',
        LLM.replace("http://127.0.0.1:8080/v1", "file:///etc/passwd"),
        LLM.replace("http://127.0.0.1:8080/v1", "https://user:pass@models.example.com/"),
        LLM.replace("http://127.0.0.1:8080/v1", "https://["),
        LLM + 'key = "env:NOT_SET"',
        '[engine]\nuse = "llm"\nurl = "http://127.0.0.1/v1"',
    ],
)
def test_what_does_not_fit_is_told(text: str) -> None:
    with pytest.raises(EyeFlowError) as told:
        make(read_engine(text, {"K": "secret-value"}), {"K": "secret-value"})
    assert told.value.code == "bad_engine"
    assert "secret-value" not in str(told.value) and "sk-123456" not in str(told.value)


def test_an_engine_nobody_knows_is_told() -> None:
    with pytest.raises(EyeFlowError, match="no engine"):
        make(EngineSettings(), {}, use="magic")
