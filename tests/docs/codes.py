"""Every code that the code base can produce, read from its syntax trees.

Knows: which calls, tables and functions carry a code. In: the source of `eyeflow`. Out: codes, each with the files it
comes from. Never: guesses: a code that is worked out at run time, and is in no table here, makes `codes()` fail.

A code is a literal handed to something that takes a `code`: a constructor of a diagnostic or an error, a function or
method with a parameter `code`, a field or a variable called `code`; a key of a table of codes; or the second of a pair
whose first names what is known of a failed call.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[2] / "src" / "eyeflow"

CODE: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")
RAISED: Final = {
    "CompileError": 0, "CatalogError": 0, "LoadError": 0, "RunError": 0, "UnitError": 0, "ScheduleError": 0,
    "EyeFlowError": 0, "StoreError": 0, "SecretError": 0, "Forbidden": 0, "Missing": 0, "Clash": 0, "Invalid": 0,
    "NotNow": 0, "Unauthenticated": 0, "EngineError": 0, "Busy": 0, "ApiError": 1, "Diagnostic": 0, "Problem": 0,
    "CallError": 1, "Declined": 1, "SettingsError": 0, "ListenError": 0, "FolderError": 0,
}  # fmt: skip
"""Where the code stands among the arguments of what is built by these names."""

NOT_CODES: Final = frozenset(
    {"_stop", "_flushed", "_shown", "Piece", "CodeBlock", "block", "_store", "ScopeRun", "_bound", "scope"}
)
"""Functions whose `code` is an exit code, or a piece of a program."""

KINDS: Final = frozenset({"transient", "permanent", "denied", "uncertain"})

MADE: Final = {
    "conform.py": ("too_few_items", "too_many_items", "too_short", "too_long"),
    "connectors/scripted.py": (
        "unavailable", "rate_limited", "refused", "invalid", "not_found", "forbidden", "unauthorized", "timeout",
        "reset",
    ),
    "simulate/practice.py": ("unavailable", "rate_limited"),
    "cli/output.py": ("error",),
}  # fmt: skip
"""Codes that no literal at their place shows: made of pieces, or words that a scenario or a test says."""


def codes() -> dict[str, set[str]]:
    """Code -> files it comes from, relative to the package."""
    trees = {str(path.relative_to(SOURCE)): ast.parse(path.read_text("utf-8")) for path in SOURCE.rglob("*.py")}
    places = _places(trees.values())
    found: dict[str, set[str]] = defaultdict(set)
    for name, tree in trees.items():
        unseen = () if name in MADE else _unseen(tree)
        late = list(unseen)
        assert not late, f"{name}: a code is worked out at run time, say in MADE what it can be: {late}"
        paired = _paired(tree) if name.startswith("connectors/") else ()
        for code in (*_called(tree, places), *_assigned(tree), *paired, *MADE.get(name, ())):
            assert CODE.match(code), f"{name}: {code!r} is no code"
            found[code].add(name)
    return dict(found)


def _places(trees: Iterable[ast.Module]) -> dict[str, set[int]]:
    """By name of a function, method or class: where among its arguments the code stands."""
    found: dict[str, set[int]] = defaultdict(set)
    for name, place in RAISED.items():
        found[name].add(place)
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                _class_places(node, found)
            elif isinstance(node, ast.FunctionDef):
                names = [each.arg for each in node.args.args]
                if "code" in names and names[0] not in ("self", "cls"):
                    found[node.name].add(names.index("code"))
    return {name: places for name, places in found.items() if name not in NOT_CODES}


def _class_places(node: ast.ClassDef, found: dict[str, set[int]]) -> None:
    for each in node.body:
        if isinstance(each, ast.FunctionDef):
            names = [arg.arg for arg in each.args.args]
            if "code" in names and names[0] in ("self", "cls"):
                found[node.name if each.name == "__init__" else each.name].add(names.index("code") - 1)


def _called(tree: ast.Module, places: dict[str, set[int]]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "add" and len(node.args) < 2:  # of a set
            continue
        if name == "__init__" and isinstance(node.func, ast.Attribute):
            yield from (text for each in node.args[:2] for text in _texts(each) if text not in KINDS)
        given = [node.args[place] for place in places.get(name, ()) if place < len(node.args)]
        given += [each.value for each in node.keywords if each.arg == "code" and name in places]
        given += [
            each.value.elts[0]
            for each in node.keywords
            if each.arg in ("never", "always") and isinstance(each.value, ast.Tuple)
        ]
        for each in given:
            yield from (text for text in _texts(each) if CODE.match(text))


def _unseen(tree: ast.Module) -> Iterator[str]:
    """Codes of what is raised or found that are neither literals nor the code of something else."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (place := RAISED.get(getattr(node.func, "id", ""), len(node.args))) >= 0:
            for each in node.args[place : place + 1]:
                if not (set(_texts(each)) or _handed_on(each)):
                    yield f"line {node.lineno}: {ast.unparse(each)}"


def _handed_on(node: ast.expr) -> bool:
    whole = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return whole == "code"


def _assigned(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "code" for t in node.targets):
            yield from _texts(node.value)
        if isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            if any(isinstance(t, ast.Name) and t.id == "CODES" for t in targets) and isinstance(node.value, ast.Dict):
                yield from (text for key in node.value.keys if key is not None for text in _texts(key))


def _paired(tree: ast.Module) -> Iterator[str]:
    """`("transient", "unavailable")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            first, second = node.elts
            if set(_texts(first)) & KINDS:
                yield from _texts(second)


def _constants() -> dict[str, str]:
    """`NAME = "literal"` of all modules; a name that means two things means none."""
    found: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                name, value = getattr(target, "id", ""), node.value.value
                if name.isupper() and isinstance(value, str):
                    found[name] = value if found.get(name, value) == value else ""
    return found


CONSTANTS: Final = _constants()


def _texts(node: ast.expr) -> Iterator[str]:
    """The literals that an expression may come to."""
    if isinstance(node, ast.Name) and CONSTANTS.get(node.id):
        yield CONSTANTS[node.id]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from _texts(each)
