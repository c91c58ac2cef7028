"""The front end's closed word lists, as YAML.

Knows: where the lists lie. In: a list's name. Out: its content, parsed once. Never: anything outside the package.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TypeAlias

import yaml

Tree: TypeAlias = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None


@cache
def load(name: str) -> dict[str, Tree]:
    """The mapping in `<name>.yaml`; a list that is not there is a bug."""
    text = files(__package__ or "").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    tree = yaml.load(text, Loader=yaml.CSafeLoader)
    assert isinstance(tree, dict), f"{name}.yaml holds no mapping"
    return tree


@cache
def words(name: str, key: str) -> frozenset[str]:
    """The list of words under `key`, lower case."""
    found = load(name)[key]
    assert isinstance(found, list), f"{name}.{key} is no list"
    return frozenset(str(word) for word in found)


@cache
def numbers(name: str, key: str) -> dict[str, int]:
    """The mapping from words to integers under `key`."""
    found = load(name)[key]
    assert isinstance(found, dict), f"{name}.{key} is no mapping"
    return {str(word): int(str(value)) for word, value in found.items()}


@cache
def table(name: str, key: str) -> dict[str, tuple[str, ...]]:
    """The mapping from words to lists of words under `key`."""
    found = load(name)[key]
    assert isinstance(found, dict), f"{name}.{key} is no mapping"
    return {str(word): tuple(str(v) for v in held) for word, held in found.items() if isinstance(held, list)}


@cache
def groups(name: str, key: str) -> tuple[tuple[str, ...], ...]:
    """The lists of words in the list under `key`."""
    found = load(name)[key]
    assert isinstance(found, list), f"{name}.{key} is no list"
    return tuple(tuple(str(word) for word in group) for group in found if isinstance(group, list))


@cache
def mapping(name: str, key: str) -> dict[str, str]:
    """The mapping from texts to texts under `key`."""
    found = load(name)[key]
    assert isinstance(found, dict), f"{name}.{key} is no mapping"
    return {str(said): str(meant) for said, meant in found.items()}
