"""A read-back is a request: told to the product again, it gives a program that does the same.

Of every request that is a program, here and in `examples/`, and of intents made at random: whatever is read from the
read-back makes the same calls at the same times; what cannot be read is asked about, and never becomes something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tools import golden

from eyeflow.catalog.load import merge, open_catalog
from eyeflow.catalog.model import Catalog, CompileContext
from eyeflow.catalog.settings import read_profile
from eyeflow.compilation import compile_in
from eyeflow.compiler import compile_intent
from eyeflow.frontend.intent import (
    NEXT_DAY_AT,
    Action,
    Approval,
    Branch,
    EventTrigger,
    Fallback,
    ForEach,
    Intent,
    ManualTrigger,
    OnceTrigger,
    Retry,
    ScheduleTrigger,
    Trigger,
    Wait,
    WebhookTrigger,
)
from eyeflow.frontend.readback import read_back
from eyeflow.frontend.readback.again import read_again
from eyeflow.frontend.values_said import escape
from eyeflow.ir.text import print_task, strip
from eyeflow.simulate import Case, Scenario, read_scenarios, simulate
from frontend import sentences
from frontend.told import NOW, PROFILE, shipped

ROOT = Path(__file__).resolve().parents[2]
SHARE: Final = 0.97
"""Of all programs here, how many are read from their read-back without a question; a change may raise it."""


@cache
def whole() -> Catalog:
    """The services that ship and those of the examples."""
    made, report = merge(shipped(), open_catalog(ROOT / "examples" / "catalog"))
    assert made is not None, report
    return made


@cache
def context() -> CompileContext:
    profile, report = read_profile(PROFILE)
    assert profile is not None, report
    return CompileContext(catalog=whole(), connections=(), profile=profile, now=datetime.fromisoformat(NOW), zone="UTC")


def played(**more: Any) -> tuple[Scenario, ...]:
    text = json.dumps({"now": NOW, "profile": PROFILE, **more})
    scenarios, report = read_scenarios(text.encode())
    assert scenarios, report
    return scenarios


def effects(
    scenarios: tuple[Scenario, ...], *, text: str | None = None, ir: str | None = None
) -> tuple[str, list[Any]]:
    """What is seen of a request: how it ends, when it fires, every attempt of every call, who is asked."""
    result = simulate(Case(id="t", scenarios=scenarios, text=text, ir=ir), whole())
    seen = []
    for each in msgspec.json.decode(msgspec.json.encode(result.scenarios)):
        calls = [{key: call[key] for key in call if key not in ("action", "task")} for call in each["calls"]]
        people = [(a["role"], a["approved"]) for a in each.get("approvals", ())]
        seen.append(({key: each[key] for key in ("triggered", "status", "fires")}, people,
                     sorted(calls, key=lambda c: (c["at_ms"], msgspec.json.encode(c)))))  # fmt: skip
    return result.outcome, seen


def requests() -> dict[str, Mapping[str, Any]]:
    """All requests at hand, with what is scripted for them."""
    found: dict[str, Mapping[str, Any]] = {}
    for page in sorted(golden.FOLDER.glob("*.md")):
        case = golden.read(page.read_text(encoding="utf-8"))
        found[case.sentence] = {"answers_to_questions": dict(case.answers)}
    for path in sorted((ROOT / "examples" / "trades").glob("*.txt")):
        found[path.read_text(encoding="utf-8").strip()] = {"scenarios": str(path.with_suffix(".scenario.json"))}
    for row in yaml.safe_load((ROOT / "tests" / "frontend" / "requests_own.yaml").read_text(encoding="utf-8")):
        found[row["text"]] = {key: row[key] for key in ("event", "returns", "fails") if key in row}
    for table in vars(sentences).values():
        if isinstance(table, list | tuple):
            found.update((row.text, row.scenario) for row in table if isinstance(row, sentences.Row))
    return found


REQUESTS = requests()


@cache
def read_backs() -> dict[str, tuple[str, tuple[Scenario, ...]]]:
    """The requests that are programs: what each is described as, and its scenarios."""
    found = {}
    for text, given_ in REQUESTS.items():
        path = given_.get("scenarios")
        scenarios = read_scenarios(Path(path).read_bytes())[0] if path else played(**given_)
        assert scenarios is not None
        made = compile_in(context(), text, answers=given_.get("answers_to_questions"))
        if made.outcome == "program":
            tasks = (made, *made.also)
            found[text] = "\n\n".join(each.readback.text() for each in tasks), scenarios
    return found


def test_a_read_back_does_what_the_request_did() -> None:
    for text, (told, scenarios) in read_backs().items():
        again = effects(scenarios, text=told)
        assert again[0] != "program" or again == effects(scenarios, text=text), text


def test_most_read_backs_are_read_without_a_question() -> None:
    read = [text for text, (told, _) in read_backs().items() if read_again(told, context()) is not None]
    assert len(read_backs()) > 150
    assert len(read) >= SHARE * len(read_backs()), set(read_backs()) - set(read)


SAID = """Every day at 08:00 (UTC):
  get the weather now (OpenWeather): location “Oslo”
  send a message to a channel (Slack): channel “#no”, text the weather’s summary
A time that passes while the server is off is made up for once.
A time that comes while a run is going on is left out.
It gives up after 16 seconds of work.
A run ends at the latest 7 days after it began."""


@pytest.mark.parametrize(
    ("old", "new"),
    [("08:00", "17:45"), ("Every day", "Every Monday and Friday"), ("#no", "#north"), ("summary", "temp")],
)
def test_a_read_back_may_be_changed_where_it_stands(old: str, new: str) -> None:
    changed = SAID.replace(old, new)
    made = compile_in(context(), changed)
    assert (made.outcome, made.readback.text()) == ("program", changed)
    short = changed.partition("\nA time")[0]
    assert compile_in(context(), changed.replace(SAID.splitlines()[-1], "")).readback.text() == changed
    assert compile_in(context(), short).readback.text() == changed, "limits need not be said"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("16 seconds", "5 seconds"), ("the weather’s summary", "the weather’s smell"), ("location", "planet"),
        ("Every day", "On most days"), ("(OpenWeather)", "(ClosedWeather)"), ("summary\n", "summary, urgently\n"),
        ("the weather’s", "the forecast’s"), ("  send", "      send"), ("08:00", "08:00 or so"),
    ],
)  # fmt: skip
def test_what_no_read_back_says_is_not_read_as_one(old: str, new: str) -> None:
    assert old in SAID
    assert read_again(SAID.replace(old, new), context()) is None


def test_texts_are_never_taken_for_what_stands_around_them() -> None:
    for text in ("a”, channel “#b", "[the message’s ok]", 'x" [the', "a\n  send", "\\", "” (after message)"):
        params = {"channel": "#a", "text": escape(text)}
        act = Action(id="message", service="slack_notify", function="send_message", params=params)
        made = compile_intent(Intent(text="t", outcome="program", trigger=ManualTrigger(), actions=(act,)), context())
        assert made.task is not None
        again = read_again(read_back(made.task, context()).text(), context())
        assert again is not None
        assert again.actions[0].params == params


# --- intents made at random ----------------------------------------------------------------------------------------

DAYS = ("MO", "TU,TH", "MO,TU,WE,TH,FR", "SA,SU")
WORDS = st.text(st.sampled_from("ab Z9,.:;!?'\"()-{}[]é語“”’\\\n"), min_size=1, max_size=12).filter(str.strip)
CLOCK = st.tuples(st.integers(0, 23), st.sampled_from((0, 5, 30, 59)))


@st.composite
def schedules(draw: st.DrawFn) -> Trigger:
    hour, minute = draw(CLOCK)
    at = f"BYHOUR={hour};BYMINUTE={minute}"
    rule = draw(st.sampled_from((
        f"FREQ=DAILY;{at}", f"FREQ=WEEKLY;BYDAY={draw(st.sampled_from(DAYS))};{at}",
        f"FREQ=MONTHLY;BYMONTHDAY={draw(st.sampled_from((1, 15, 28, -1)))};{at}",
        f"FREQ=MONTHLY;BYDAY={draw(st.sampled_from(('1MO', '2TU', '-1FR')))};{at}",
        f"FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=14;{at}", "FREQ=HOURLY;BYMINUTE=0", "FREQ=MINUTELY;INTERVAL=20",
    )))  # fmt: skip
    return ScheduleTrigger(rules=(rule,), timezone=draw(st.sampled_from(("UTC", "Europe/Paris", "America/New_York"))))


TRIGGERS: st.SearchStrategy[Trigger] = st.one_of(
    st.just(ManualTrigger()),
    schedules(),
    st.builds(OnceTrigger, at=st.just("2026-12-24T17:30"), timezone=st.just("Europe/Paris")),
    st.sampled_from((
        WebhookTrigger(path="/hooks/in", fields={"name": "string", "note": "string"}),
        WebhookTrigger(path="/in", fields={"name": "string", "note": "string"}, where='CONTAINS(trigger.note, "b")'),
        EventTrigger(service="stripe", event="payment_failed"),
        EventTrigger(service="stripe", event="payment_failed", where="GT(trigger.amount, 500 usd)"),
    )),
)  # fmt: skip
PLACES: dict[type, tuple[str, ...]] = {
    WebhookTrigger: ("{trigger.name}", "{trigger.note}"),
    EventTrigger: ("{trigger.customer_name}", "{trigger.failure_reason}"),
}


class _Making:
    """The actions of one intent: names that are free, things that may be spoken of."""

    def __init__(self, draw: st.DrawFn, places: tuple[str, ...]) -> None:
        self.draw = draw
        self.places = list(places)
        self.reads: list[str] = []
        self.taken = 0

    def text(self) -> str:
        parts = [escape(self.draw(WORDS)), *([self.draw(st.sampled_from(self.places))] if self.places else [])]
        return " ".join(self.draw(st.permutations(parts)))

    def name(self, usual: str) -> str:
        self.taken += 1
        return usual if self.taken == 1 else f"{usual}_{self.taken}"

    def message(self, **more: Any) -> Action:
        kind = self.draw(st.sampled_from(("channel", "sms", "mail")))
        if kind == "sms":
            return Action(id=self.name("send_sms"), service="sms", function="send_sms",
                          params={"to": "+15550100", "body": self.text()}, **more)  # fmt: skip
        if kind == "mail":
            params = {"to": "a@acme.io", "subject": self.text(), "body": self.text()}
            return Action(id=self.name("send"), service="email", function="send", params=params, **more)
        params = {"channel": self.draw(st.sampled_from(("#a", "#b-c"))), "text": self.text()}
        return Action(id=self.name("message"), service="slack_notify", function="send_message", params=params, **more)

    def guarded(self) -> Action:
        more: dict[str, Any] = self.draw(st.sampled_from((
            {}, {"retry": Retry(attempts=3, delay_ms=60_000)}, {"on_error": "continue"}, {"rate": "2/min"},
            {"retry": Retry(attempts=4, delay_ms=2_000, backoff="exponential")},
        )))  # fmt: skip
        if self.draw(st.integers(0, 4)) == 0:
            more = {**more, "on_error": None, "fallback": Fallback(actions=(self.message(),))}
        return self.message(**more)

    def weather(self) -> Action:
        name = self.name("weather")
        self.places.append(f"{{{name}.summary}}")
        self.reads.append(name)
        return Action(id=name, service="openweather", function="current_weather",
                      params={"location": self.draw(st.sampled_from(("Oslo", "New York")))})  # fmt: skip

    def choice(self) -> Action:
        read = self.draw(st.sampled_from(self.reads))
        when = self.draw(st.sampled_from((
            f"GT({read}.temp, 30 celsius)", f"AND(GE({read}.temp, 0 celsius), LE({read}.temp, 8 celsius))",
            f"OR(LT({read}.wind, 20 kilometers_per_hour), EQ({read}.summary, \"a, b and 'c'\"))",
            f"NOT(IS_NULL({read}.summary))",
        )))  # fmt: skip
        default = (self.message(),) if self.draw(st.booleans()) else ()
        branch = Branch(when=when, actions=(self.message(), self.message()))
        return Action(id=self.name("choice"), branches=(branch,), default=default)

    def loop(self) -> tuple[Action, Action]:
        listed = self.name("issues")
        read = Action(id=listed, service="github", function="list_issues", params={"repo": "acme/api", "state": "open"})
        item, before = self.name("issue"), list(self.places)
        where = self.draw(st.sampled_from((None, f'CONTAINS({item}.title, "bug")')))
        self.places.append(f"{{{item}.title}}")
        inner = (self.message(),)
        self.places = before
        head = ForEach(item=item, source=f"{listed}.issues", where=where)
        return read, Action(id=self.name("each"), for_each=head, actions=inner)

    def actions(self) -> tuple[Action, ...]:
        out: list[Action] = []
        for kind in self.draw(st.lists(st.sampled_from(("say", "weather", "loop", "wait", "ask")), max_size=4)):
            match kind:
                case "weather":
                    out.append(self.weather())
                    if self.draw(st.booleans()):
                        out.append(self.choice())
                case "loop":
                    out += self.loop()
                case "wait":
                    wait = self.draw(
                        st.sampled_from((Wait(for_="10 minutes"), Wait(until=NEXT_DAY_AT.format("08:30"))))
                    )
                    out.append(Action(id=self.name("wait"), wait=wait, after=_last(out)))
                case "ask":
                    asked = Approval(role="owner", message=escape(self.draw(WORDS)), expires="2 hours")
                    out.append(Action(id=self.name("approval"), approval=asked, after=_last(out)))
                case _:
                    out.append(self.guarded())
        after = _last(out) if self.draw(st.booleans()) else ()
        return (*out, self.message(after=after))


def _last(actions: list[Action]) -> tuple[str, ...]:
    return (actions[-1].id,) if actions else ()


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    trigger: Trigger = draw(TRIGGERS)
    making = _Making(draw, PLACES.get(type(trigger), ()))
    return Intent(text="made", outcome="program", trigger=trigger, actions=making.actions(), confidence=1.0)


EVENT = {
    "id": "pi_1", "amount": 125000, "currency": "usd", "customer": "cus_1", "customer_email": "c@x.org",
    "customer_name": "Cleo", "description": "d", "failure_reason": "expired card", "name": "Bo", "note": "ab",
}  # fmt: skip


@given(intents())
@settings(max_examples=40, deadline=None, phases=[Phase.generate])
def test_any_intent_is_the_same_after_being_read_back(intent: Intent) -> None:
    made = compile_intent(intent, context(), name="made")
    made.require()
    assert made.task is not None
    told = read_back(made.task, context()).text()
    again = compile_in(context(), told)
    assert again.outcome == "program", told
    assert again.readback.text() == told
    fields = intent.trigger.fields if isinstance(intent.trigger, WebhookTrigger) else EVENT
    scenarios = played(event={key: EVENT[key] for key in fields})
    ir = print_task(strip(made.task))
    assert effects(scenarios, text=told) == effects(scenarios, ir=ir)
