"""No program text ever becomes host code: shown on the syntax tree of every module of the package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import eyeflow

ROOT = Path(eyeflow.__path__[0])
CALLS = {"exec", "eval", "compile", "__import__", "execfile"}
MODULES = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "jinja2", "mako", "code", "codeop"}


def found_in(source: str) -> list[str]:
    """What of the forbidden occurs in a module."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                found.append(f"{name}() in line {node.lineno}")
            case ast.Name(id=name, ctx=ast.Load()) if name in CALLS:
                found.append(f"{name} in line {node.lineno}")
            case ast.Attribute(value=ast.Name(id="builtins" | "__builtins__"), attr=name):
                found.append(f"builtins.{name} in line {node.lineno}")
            case ast.Import(names=names):
                found += [a.name for a in names if a.name.partition(".")[0] in MODULES | {"builtins"}]
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in MODULES | {"builtins"}:
                found.append(module)
            case _:
                pass
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_evaluates_text(path):
    assert found_in(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["eval('1')", "f = exec", "import pickle", "from marshal import loads", "import builtins", "compile(a, b, c)"],
)
def test_the_search_finds_what_it_looks_for(source):
    assert found_in(source)


def test_ordinary_names_are_not_mistaken():
    assert found_in("import re\nre.compile('a')\nself.compile(x)\nimport codecs\n") == []
