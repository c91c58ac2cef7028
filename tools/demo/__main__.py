"""`python -m tools.demo [TEXT]`: the scenes in order.

Knows: the order, the exit codes. In: no argument, or a sentence. Out: 0 when everything did what it should, 3 for
questions, 4 for a refusal, 1 when a step misbehaved (it is named).
Never: reaches beyond the loopback, needs an account, leaves a file behind.
"""

from __future__ import annotations

import asyncio
import sys

from eyeflow.errors import EyeFlowError
from tools.demo.listing import catalog_of_examples, show_branch, show_hello, show_listing, show_recovery
from tools.demo.sentence import SENTENCE, show_sentence
from tools.demo.stage import Stage, StepError


async def play(text: str | None) -> int:
    """All scenes; only the first for a sentence of the user's."""
    stage = Stage()
    catalog = catalog_of_examples()
    code = await show_sentence(stage, SENTENCE if text is None else text, catalog)
    if text is not None:
        return code
    if code != 0:
        raise StepError(f"compiling the sentence: exit code {code}")
    for scene in (show_listing, show_hello, show_branch, show_recovery):
        await scene(stage, catalog)
    stage.title("That was it")
    stage.say('Everything ran on this machine, against practice services. Yours: make demo TEXT="..."')
    return 0


def main() -> int:
    """Play, and say which step misbehaved if one did."""
    try:
        return asyncio.run(play(sys.argv[1] if len(sys.argv) > 1 else None))
    except (StepError, EyeFlowError) as error:
        Stage().screen.problem(f"the demo failed: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
