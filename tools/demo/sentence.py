"""The first scene: an English sentence, seen at every layer, then run over HTTP.

Knows: what each layer has to show. In: a sentence and the demo's profile. Out: the screen, an exit code.
Never: prints a fact that is not read from the object it is about.
"""

from __future__ import annotations

from typing import Final

import eyeflow
from eyeflow.cli.told import moments, plain, resumed, show_undecided
from eyeflow.frontend.finishing import words_of
from eyeflow.frontend.literals import seed_tokens
from eyeflow.ir.opcodes import Op
from eyeflow.ir.plan import Plan
from eyeflow.simulate.events import example, waiting
from eyeflow.values import Value, literal
from tools.demo.run import rehearsed
from tools.demo.stage import Stage, misbehaved

SENTENCE: Final = "Send weather to Slack every morning at 9am"
PROFILE: Final = eyeflow.Profile(
    city="Paris", me=(("email", "you@example.com"), ("phone", "+15550100"), ("slack", "@you")),
    defaults=(("slack_notify.channel", literal("#general")),),
)  # fmt: skip
_CODES: Final = {"questions": 3, "refused": 4, "errors": 1}


async def show_sentence(stage: Stage, text: str, catalog: eyeflow.Catalog) -> int:
    """Compile `text`, show every layer, run it. Out: the exit code."""
    stage.title("A sentence becomes a program")
    stage.fact("sentence", text)
    stage.fact("you", "a profile made up for this demo: city Paris, Slack channel #general, no time zone given")
    made = eyeflow.compile(text, catalog=catalog, profile=PROFILE)
    _understood(stage, made)
    if made.outcome != "program":
        stage.screen.line()
        show_undecided(stage.screen, made, "sentence", again=resumed("explain", text, {}))
        return _CODES[made.outcome]
    for each in (made, *made.also):
        _read_back(stage, each)
        show_plan(stage, each)
        stage.head("LLM-IR, layer 4: the program as text")
        stage.quote(each.ir)
        await _run(stage, each)
    return 0


def _understood(stage: Stage, made: eyeflow.Compilation) -> None:
    """Layer 2: the tokens and the intent."""
    stage.head("Front end, layer 2: from words to an intent")
    stage.fact("tokens", "[" + ", ".join(seed_tokens(made.text)) + "]")
    intent = made.intent
    if intent is None or intent.outcome != "program":
        return
    stage.fact("intent", _intent_words(made))
    for action in intent.actions:
        if action.service is not None:
            stage.fact("found", f"{action.service}.{action.function} in the catalog")


def _intent_words(made: eyeflow.Compilation) -> str:
    """The seed's form: the trigger and the writes, `SCHEDULE + SEND_MESSAGE`."""
    assert made.intent is not None and made.program is not None, "only programs are shown"
    writes = [b.capability.upper() for b in made.program.bindings if b.effect in ("write", "irreversible")]
    return " + ".join((words_of(made.intent.trigger), *dict.fromkeys(writes)))


def _read_back(stage: Stage, made: eyeflow.Compilation) -> None:
    said = made.readback
    stage.head("Read back in English, for your approval")
    stage.quote(said.text())
    stage.facts("assumed", said.assumed)
    stage.facts("touches", said.touches)
    stage.facts("next runs", moments(said.next_runs, made.context.zone))


def show_plan(stage: Stage, made: eyeflow.Compilation) -> None:
    """Layer 3: what the optimizer decided, and why."""
    plan = made.plan
    if plan is None:
        misbehaved("plan", "a program without a plan")
    stage.head("Optimizer, layer 3: the plan")
    stage.fact("actions", ", ".join(f"{n} {action.name}" for n, action in enumerate(plan.task.actions, 1)))
    stage.fact("order", str(list(plan.order)))
    stage.fact("stages", " then ".join(_stage_words(each.actions) for each in plan.stages))
    stage.fact("resources", _resources(plan))
    for kind in ("cache", "pool", "memory"):
        decided = [d for d in plan.decisions if d.kind == kind]
        stage.facts(kind, (f"{d.subject}: {d.choice} ({d.why})" for d in decided))
    low, high = plan.estimate_ms
    along = " -> ".join(plan.task.actions[number - 1].name for number in plan.critical_path)
    stage.fact("latency", f"{low} ms estimated along {along}" if low == high else f"{low}-{high} ms along {along}")


def _stage_words(actions: tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, actions)) + "]" + (" side by side" if len(actions) > 1 else "")


def _resources(plan: Plan) -> str:
    return "{" + ", ".join(f"{b.label}: {'READY' if b.ready else 'IN PROCESS'}" for b in plan.bindings) + "}"


async def _run(stage: Stage, made: eyeflow.Compilation) -> None:
    """Layer 5, against practice services. A program that waits is not run: the wait would be a real one."""
    steps = [step for scope in made.compiled.require().scopes for step in scope.steps]
    if any(step.do.op in (Op.WAIT_FOR, Op.WAIT_UNTIL) for step in steps):
        stage.head("Not run here: it waits, and practice runs in real time")
        stage.say("In a simulation the time passes at once:")
        stage.exactly("", resumed("simulate", made.text, {}))
        return
    trigger: Value = None
    if made.program is not None and waiting(made.program, made.context.catalog).only_events:
        trigger = example(made.program, made.context.catalog)
        stage.head("An event to start it, made from its schema")
        stage.quote(plain(trigger))
    run = await rehearsed(stage, made, trigger=trigger)
    if run.execution.status != "success":
        misbehaved("run", f"{run.execution.status}: {run.execution.error}")
