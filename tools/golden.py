"""Golden compile cases: `python -m tools.golden` writes every page of `tests/golden` anew from its first lines.

Knows: what a page holds and where it begins. In: the head of each page (title, sentence, and where needed a profile and
answers). Out: the page with intent, read-back, plan, LLM-IR and digest as the compiler makes them today. Never: judges
whether that is right: whoever commits a changed page has read the difference.

A new case is a new file with a title and a sentence:

    # Lunch on weekdays

    > Post "Lunch is ready" to #kitchen every weekday at 12:15
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import Catalog, Profile
from eyeflow.compilation import Compilation, compile_text
from eyeflow.ir.seal import program_digest
from eyeflow.optimizer.describe import describe_plan
from eyeflow.values import literal

FOLDER: Final = Path(__file__).parents[1] / "tests" / "golden"
NOW: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
"""A Monday."""
ZONE: Final = "Europe/Paris"
ME: Final = (("email", "me@acme.io"), ("name", "Robin"), ("phone", "+15550100"), ("slack", "@robin"))
_MADE: Final = "<!-- from here on written by `make golden` -->"
_SPAN: Final = re.compile(r"\[\s+(\d+),\s+(\d+)\s+\]")
_PROFILE: Final = "Profile: "
_ANSWER: Final = "Answer: "


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a page. `profile` are defaults by slot; `answers` what a person said to each question."""

    title: str
    sentence: str
    profile: tuple[tuple[str, str], ...] = ()
    answers: tuple[tuple[str, str], ...] = ()


def read(page: str) -> Case:
    """The case that a page begins with. Raises: ValueError when it has no title or no sentence."""
    lines = page.partition(_MADE)[0].splitlines()
    titles = [line[2:] for line in lines if line.startswith("# ")]
    said = [line[2:] for line in lines if line.startswith("> ")]
    if len(titles) != 1 or not said:
        raise ValueError("a page begins with `# a title` and `> a sentence`")
    return Case(
        title=titles[0], sentence="\n".join(said), profile=_pairs(lines, _PROFILE), answers=_pairs(lines, _ANSWER)
    )


def _pairs(lines: list[str], mark: str) -> tuple[tuple[str, str], ...]:
    found = (line.removeprefix(mark).strip("`").partition(" = ") for line in lines if line.startswith(mark))
    return tuple((slot, value) for slot, _, value in found)


@cache
def _catalog() -> Catalog:
    return open_catalog()


def compiled(case: Case) -> Compilation:
    """The case, compiled on the Monday that all pages share."""
    defaults = tuple((slot, literal(value)) for slot, value in case.profile)
    profile = Profile(me=ME, timezone=ZONE, defaults=defaults)
    return compile_text(
        case.sentence, catalog=_catalog(), profile=profile, now=NOW, answers=dict(case.answers), language="english"
    )


def page_of(case: Case) -> str:
    """The whole page. Raises: ValueError when the sentence gives no program."""
    made = compiled(case)
    if made.outcome != "program":
        raise ValueError(f"{case.title}: {made.outcome}: {[d.message for d in made.report.diagnostics]}")
    head = [f"# {case.title}", "", *(f"> {line}" for line in case.sentence.splitlines()), ""]
    head += [f"{_PROFILE}`{slot} = {value}`" for slot, value in case.profile]
    head += [f"{_ANSWER}`{slot} = {value}`" for slot, value in case.answers]
    head += [""] if case.profile or case.answers else []
    parts = [part for number, task in enumerate((made, *made.also), 1) for part in _task(task, number)]
    intent = _SPAN.sub(r"[\1, \2]", msgspec.json.format(msgspec.json.encode(made.intent), indent=1).decode())
    return "\n".join([*head, _MADE, "", *_block("Intent", "json", intent), *parts])


def _task(made: Compilation, number: int) -> list[str]:
    assert made.plan is not None and made.program is not None, "a program has a plan"
    said = made.readback
    which = "" if number == 1 else f" of task {number}"
    told = [said.text(), *(f"Assumed: {each}" for each in said.assumed), *(f"Touches: {each}" for each in said.touches)]
    told += [f"Next run: {each.isoformat()}" for each in said.next_runs]
    return [
        *_block(f"Read-back{which}", "text", "\n".join(told)),
        *_block(f"Plan{which}", "text", describe_plan(made.plan)),
        *_block(f"LLM-IR{which}", "text", made.ir.rstrip("\n")),
        *_block(f"Digest{which}", "text", program_digest(made.program)),
    ]


def _block(title: str, language: str, text: str) -> list[str]:
    return [f"## {title}", "", f"```{language}", text, "```", ""]


def main() -> int:
    """Write every page; 1 when a sentence no longer gives a program (its page is left alone)."""
    code = 0
    for path in sorted(FOLDER.glob("*.md")):
        old = path.read_text(encoding="utf-8")
        try:
            new = page_of(read(old))
        except ValueError as error:
            print(f"{path.name}: {error}", file=sys.stderr)  # noqa: T201
            code = 1
            continue
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"{path.name}: written")  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
