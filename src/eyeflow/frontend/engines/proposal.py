"""What an engine hands over, and what an engine is.

Knows: the shape of a proposal: an intent-shaped guess, what it cost, where it came from. In: nothing. Out: structs.
Never: trusts anything in it; `judge` does the judging, for every engine alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Diagnostic
from eyeflow.frontend.hints import Hint
from eyeflow.frontend.intent import Intent

READING: Final = "reading"
"""The slot in which a person chooses between readings."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal cost. `cost` is in the currency of the operator's prices, None when no prices are set;
    `attempts` counts answers asked for, 0 when a stored one was used; `confidence` is the engine's own, 0 to 1."""

    model: str = ""
    attempts: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    latency_ms: int = 0
    stored: bool = False
    confidence: float | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One guess at a request. `intent` is None when the engine has none to give; `problems` say why, or what was
    wrong on the way. A `trigger` of None leaves what starts it to `rules`. `answers` are those known when asked.
    `hints` are calls that the rules may begin to read from."""

    text: str
    engine: str
    intent: Intent | None = None
    facts: Facts = Facts()
    problems: tuple[Diagnostic, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    hints: tuple[Hint, ...] = ()


class Engine(Protocol):
    """Something that guesses. `name` is short (`llm`), `identity` names model and settings for stored proposals."""

    @property
    def name(self) -> str:
        """`rules`, `local`, `llm`."""
        ...

    @property
    def identity(self) -> str:
        """All that the engine's answers depend on beside the request and the context."""
        ...

    def propose(self, text: str, ctx: CompileContext, answers: Mapping[str, str]) -> Proposal:
        """A guess at `text`. Never raises for what a model or endpoint does; that is in `problems`."""
        ...
