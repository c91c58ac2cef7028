"""Engines beside `rules`, and the one judge of what they propose.

Knows: nothing of its own; the room's doors. `llm` asks a model at an endpoint, `local` a small model on this machine,
`semantic` only finds more candidates. None of them is imported before it is used, and none at run time.
Never: makes a program from a model's word alone.
"""

from eyeflow.frontend.engines.judge import Judged, consult, judge
from eyeflow.frontend.engines.proposal import READING, Engine, Facts, Proposal

__all__ = ["READING", "Engine", "Facts", "Judged", "Proposal", "consult", "judge"]
