"""Words of names and phrases in the one form under which they are compared.

Knows: case folding, accents, compound names, English endings. In: text. Out: tuples of stems, normalised names.
Never: understands a sentence (the front end does), depends on locale.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_PLACE: Final = re.compile(r"\{[^{}]*\}")
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[\s_\-.]+")
_VOWELS: Final = frozenset("aeiouy")
_MAX_WORD: Final = 64

_STOP: Final = """
a an and are as at be been by do does for from has have i if in into is it its me my of on or our please that the their
them then there these they this to us was we were when whenever which who will with you your
"""
STOP_WORDS: Final = frozenset(_STOP.split())
"""Words that say too little to rank by; they still count inside phrases."""

_IRREGULAR: Final = {
    "sent": "send", "said": "say", "told": "tell", "wrote": "write", "written": "write", "got": "get", "gotten": "get",
    "made": "make", "came": "come", "went": "go", "gone": "go", "paid": "pay", "found": "find", "sold": "sell",
    "bought": "buy", "began": "begin", "begun": "begin", "left": "leave", "lost": "lose", "kept": "keep",
    "people": "person", "children": "child", "men": "man", "women": "woman", "news": "news", "status": "status",
    "gas": "gas", "bus": "bus", "sms": "sms", "rss": "rss", "aws": "aws", "dns": "dns", "is": "is", "was": "was",
    "this": "this", "has": "has", "does": "do", "did": "do", "done": "do", "during": "during", "thing": "thing",
}  # fmt: skip


def normalise(name: str) -> str:
    """The form in which ids, titles and aliases are compared: `Slack_Notify` and `slack notify` are one."""
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", name).casefold()).strip()


def words(text: str) -> tuple[str, ...]:
    """The stems of a phrase, in order; places such as `{text}` are left out."""
    bare = _PLACE.sub(" ", text) if "{" in text else text
    if not bare.isascii():
        bare = "".join(c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c))
    return tuple([stem(word) for word in _WORD.findall(bare.casefold())])


def name_words(name: str) -> tuple[str, ...]:
    """The stems of an identifier: `getURLFor_userId` gives those of "get url for user id"."""
    return words(_CAMEL.sub(" ", name).replace("_", " ").replace(".", " "))


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """One word (case-folded) without its English ending: a light form of Porter's first step.

    Source: M. F. Porter, An algorithm for suffix stripping, Program 14(3), 1980, step 1.
    """
    word = word.replace("’", "'").removesuffix("'s").split("'")[0] if "'" in word or "’" in word else word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or len(word) > _MAX_WORD or not word.isalpha():
        return word
    return _without_tense(_singular(word))


def _singular(word: str) -> str:
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _without_tense(word: str) -> str:
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        if word.endswith(ending):
            root = word[: -len(ending)]
            if len(root) >= 3 and any(char in _VOWELS for char in root) and not root.endswith("e"):
                return _mended(root)
    return word.removesuffix("e") if len(word) > 4 and word.endswith("e") else word


def _mended(root: str) -> str:
    """Undo a doubled consonant (`stopp`); a silent e is dropped from the plain form instead (`update`, `updat`)."""
    if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz":
        return root[:-1]
    return root
