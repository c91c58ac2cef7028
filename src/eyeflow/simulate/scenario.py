"""A case of simulation: a request and what the world looks like while it is tried out.

Knows: the JSON form of cases and scenarios. In: JSON text. Out: `Case`, or findings that name the place and the key.
Never: compiles, runs, guesses what a misspelt key meant.

Beyond the documented keys a case may carry `ir` (LLM-IR text, instead of `text`) and `connections` (name to service);
a scenario may carry `input` (the task's inputs), `approvals` (`approve`, `refuse`, `expire`, in the order asked) and
`settled` (what became of uncertain writes: `sent`, `again`, `failed`). Of the last two the last one repeats, and
nothing given means `approve` and `sent`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from eyeflow.catalog.model import Profile
from eyeflow.catalog.settings import read_profile
from eyeflow.diagnostics import Diagnostic, Place, Report, nearest, report
from eyeflow.svm.ports import Verdict
from eyeflow.values import Value

JsonValue: TypeAlias = Any
"""A JSON value of any shape, as somebody wrote it."""

Ruling: TypeAlias = Literal["approve", "refuse", "expire"]

NO_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The present of a case without scenarios."""

MAX_SCENARIOS: Final = 1_000

YEARS: Final = range(1970, 2200)
"""The years a scenario may play in."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the world. `now` is aware; `event` is the payload of the trigger, None when nothing happened.

    `returns` and `fails` are by `service.capability`; what they hold is told in `connectors.scripted`. `answers` are
    by slot, as a person would type them.
    """

    now: datetime = NO_MOMENT
    profile: Profile = Profile()
    answers: Mapping[str, str] = MappingProxyType({})
    event: Value = None
    returns: Mapping[str, tuple[Value, ...]] = MappingProxyType({})
    fails: Mapping[str, tuple[str | None, ...]] = MappingProxyType({})
    input: Mapping[str, Value] = MappingProxyType({})
    approvals: tuple[Ruling, ...] = ()
    settled: tuple[Verdict, ...] = ()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One request with its scenarios. Exactly one of `text` (English) and `ir` (LLM-IR text) is given.

    `catalog` are service documents that replace the catalog of the folder; `connections` name accounts the request
    may use, by the service they belong to.
    """

    id: str = ""
    text: str | None = None
    ir: str | None = None
    scenarios: tuple[Scenario, ...] = ()
    catalog: tuple[JsonValue, ...] | None = None
    connections: Mapping[str, str] = MappingProxyType({})

    @property
    def source(self) -> str:
        """The request as written, in whichever language."""
        return self.text if self.text is not None else self.ir or ""


class _ScenarioForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A scenario as JSON spells it."""

    now: Annotated[datetime, msgspec.Meta(tz=True)] = NO_MOMENT
    profile: JsonValue = None
    answers_to_questions: dict[str, JsonValue] = {}
    event: JsonValue = None
    returns: dict[str, list[JsonValue]] = {}
    fails: dict[str, list[Annotated[str, msgspec.Meta(min_length=1)] | None]] = {}
    input: dict[str, JsonValue] = {}
    approvals: list[Ruling] = []
    settled: list[Verdict] = []


class _CaseForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A case as JSON spells it."""

    id: str | int
    text: str | None = None
    ir: str | None = None
    scenarios: list[_ScenarioForm] = []
    catalog: list[JsonValue] | None = None
    connections: dict[str, str] = {}


def read_case(data: bytes | str, source: str = "case") -> tuple[Case | None, Report]:
    """The case that JSON text spells; `source` is what findings call it."""
    form, found = _decoded(data, _CaseForm, source)
    if form is None:
        return None, found
    diagnostics: list[Diagnostic] = []
    if (form.text is None) == (form.ir is None):
        diagnostics.append(_wrong(source, "", "bad_case", "a case has either `text` or `ir`"))
    if len(form.scenarios) > MAX_SCENARIOS:
        message = f"a case has at most {MAX_SCENARIOS} scenarios"
        return None, report([*diagnostics, _wrong(source, "scenarios", "too_large", message)])
    scenarios: list[Scenario] = []
    for index, each in enumerate(form.scenarios):
        scenario, said = _scenario(each, source, f"scenarios[{index}]")
        diagnostics += said.diagnostics
        scenarios += [scenario] if scenario is not None else []
    if not (whole := report(diagnostics)).ok:
        return None, whole
    case = Case(
        id=str(form.id), text=form.text, ir=form.ir, scenarios=tuple(scenarios),
        catalog=None if form.catalog is None else tuple(form.catalog), connections=MappingProxyType(form.connections),
    )  # fmt: skip
    return case, whole


def read_scenarios(data: bytes | str, source: str = "scenario") -> tuple[tuple[Scenario, ...] | None, Report]:
    """The scenarios of a file: one as an object, or a list of them."""
    listed = data.lstrip()[:1] in (b"[", "[")
    if listed:
        forms, found = _decoded(data, list[_ScenarioForm], source)
    else:
        form, found = _decoded(data, _ScenarioForm, source)
        forms = None if form is None else [form]
    if forms is None:
        return None, found
    read = [_scenario(form, source, f"[{index}]" if listed else "") for index, form in enumerate(forms)]
    whole = report(each for _, said in read for each in said.diagnostics)
    if not whole.ok:
        return None, whole
    return tuple(scenario for scenario, _ in read if scenario is not None), whole


def _scenario(form: _ScenarioForm, source: str, path: str) -> tuple[Scenario | None, Report]:
    profile: Profile | None = Profile()
    found = Report()
    if form.now.year not in YEARS:
        message = f"`now` is from {YEARS.start} to {YEARS.stop - 1}, not in the year {form.now.year}"
        return None, report([_wrong(source, f"{path}.now".removeprefix("."), "out_of_range", message)])
    if form.profile is not None:
        profile, said = read_profile(form.profile, source)
        found = report(_under(each, f"{path}.profile".removeprefix(".")) for each in said.diagnostics)
    if profile is None:
        return None, found
    scenario = Scenario(
        now=form.now.astimezone(UTC),
        profile=profile,
        answers=MappingProxyType({slot: _typed(value) for slot, value in form.answers_to_questions.items()}),
        event=form.event,
        returns=MappingProxyType({name: tuple(values) for name, values in form.returns.items()}),
        fails=MappingProxyType({name: tuple(words) for name, words in form.fails.items()}),
        input=MappingProxyType(form.input),
        approvals=tuple(form.approvals),
        settled=tuple(form.settled),
    )
    return scenario, found


def _typed(answer: JsonValue) -> str:
    """An answer as a person would type it."""
    return answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()


_PLACE: Final = re.compile(r" - at `(?:key in )?\$?(.*?)`$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"unknown field `(.*?)`", re.DOTALL)


def _decoded(data: bytes | str, form: Any, source: str) -> tuple[Any, Report]:  # the form's own type
    try:
        return msgspec.json.decode(data, type=form), Report()
    except msgspec.ValidationError as error:
        text = str(error)
        place = _PLACE.search(text)
        message = _PLACE.sub("", text)
        path = place.group(1).lstrip(".") if place else ""
        unknown = _UNKNOWN.search(message)
        if unknown is None:
            return None, report([_wrong(source, path, "wrong_type", message[:1].lower() + message[1:300])])
        name = unknown.group(1)
        keys = _keys_at(path)
        close = nearest(name, keys, limit=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(keys)}"
        message = f"unknown key `{name[:80]}`"
        return None, report([_wrong(source, f"{path}.{name[:80]}".lstrip("."), "unknown_key", message, hint)])
    except (msgspec.DecodeError, UnicodeError) as error:
        return None, report([_wrong(source, "", "bad_json", f"this is not JSON: {str(error)[:200]}")])
    except RecursionError:
        return None, report([_wrong(source, "", "too_deep", "this JSON is nested too deep")])


def _keys_at(path: str) -> tuple[str, ...]:
    """The keys that are known at a place: those of a scenario inside the list, else those of a case."""
    if path.startswith(("scenarios", "[")):
        return _ScenarioForm.__struct_fields__
    return (*_CaseForm.__struct_fields__, *_ScenarioForm.__struct_fields__)


def _wrong(source: str, path: str, code: str, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(code, message, place=Place(source=source, path=path), hint=hint)


def _under(finding: Diagnostic, path: str) -> Diagnostic:
    inner = finding.place.path
    joined = f"{path}.{inner}" if inner else path
    return msgspec.structs.replace(finding, place=msgspec.structs.replace(finding.place, path=joined))
