"""The person at the terminal, as a run asks them: approve this? what became of that?

Knows: how to ask. In: questions of a run. Out: answers. Never: answers for the person.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from eyeflow.cli.output import Screen, clean

if TYPE_CHECKING:
    from eyeflow.svm.ports import Answer, Asked, Settled, Uncertain

_BY = "the terminal"


class TerminalApprover:
    """Asks on the terminal, while the run waits."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    async def ask(self, question: Asked) -> Answer:
        """Yes or no to one approval."""
        from eyeflow.svm.ports import Answer

        self._screen.note(f"{question.action} asks {question.role}: {question.message}")
        return Answer(await asyncio.to_thread(typer.confirm, "Approve?", False), _BY)

    async def settle(self, question: Uncertain) -> Settled:
        """What the person found out about a call that was sent and not answered."""
        from eyeflow.svm.ports import Settled

        self._screen.note(f"{question.action}: {question.connection}.{question.capability} may have been done")
        said = await asyncio.to_thread(typer.prompt, clean("sent, again or failed"))
        word = str(said).strip().lower()
        if word == "sent":
            return Settled("sent", _BY)
        return Settled("again", _BY) if word == "again" else Settled("failed", _BY)
