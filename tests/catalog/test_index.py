"""Finding capabilities by the words people use."""

from __future__ import annotations

import pytest

from eyeflow.catalog.index import CatalogIndex, build_index
from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Catalog
from eyeflow.catalog.words import name_words, normalise, stem, words


def documents(copies: int = 1) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for copy in range(copies):
        tail = f"_{copy}" if copy else ""
        found += [
            {"service": f"kettle{tail}", "title": f"Smart Kettle{tail}", "type": "Home", "aliases": [f"kettle{tail}"],
             "connector": "scripted", "capabilities": {
                 "boil": {"summary": "Boil the water", "phrases": ["boil water", "make tea", "heat up"]},
                 "status": {"summary": "Read the water level", "phrases": ["how full is it"], "effect": "read"}},
             "triggers": {"boiled": {"summary": "The water is hot", "phrases": ["water is ready", "kettle boils"]}}},
            {"service": f"plants{tail}", "title": f"Garden{tail}", "type": "Home", "connector": "scripted",
             "capabilities": {
                 "water_plants": {"summary": "Water the plants", "phrases": ["water the plants", "water the garden"]},
                 "status": {"summary": "How dry the soil is", "phrases": ["check the soil"], "effect": "read"}}},
        ]  # fmt: skip
    return found


def catalog(copies: int = 1) -> Catalog:
    found, said = load_documents(documents(copies))
    assert found is not None, said
    return found


def index() -> CatalogIndex:
    return build_index(catalog())


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("boil water for me", "kettle.boil"),
        ("please make tea", "kettle.boil"),
        ("watering the plants in the garden", "plants.water_plants"),
        ("check the soil", "plants.status"),
        ("status of the smart kettle", "kettle.status"),
        ("when the kettle boils", "kettle.boiled"),
        ("KETTLE STATUS", "kettle.status"),
    ],
)
def test_the_right_thing_comes_first(query: str, first: str) -> None:
    assert index().search(query)[0].id == first


def test_a_hit_says_what_matched() -> None:
    hit = index().search("make tea with the water")[0]
    assert hit.phrases == ("make tea",) and set(hit.words) >= {"tea", "water"}


def test_kinds_and_limits() -> None:
    found = index()
    assert {hit.kind for hit in found.search("water", 20, ["trigger"])} == {"trigger"}
    assert {hit.id for hit in found.search("kettle", 20, ["service"])} == {"kettle"}
    assert len(found.search("water", 2)) == 2 and found.search("water", 0) == [] == found.search("water", -1)


@pytest.mark.parametrize("query", ["", "   ", "\x00\x1b", "zzzz", "🙂", "the of and", "日本語"])
def test_queries_that_say_nothing_find_nothing(query: str) -> None:
    assert index().search(query) == []


def test_a_huge_query_is_bounded() -> None:
    assert index().search("water " * 100_000)[0].kind == "capability"


def test_order_does_not_depend_on_the_order_of_the_files() -> None:
    one, _ = load_documents(documents(5))
    two, _ = load_documents(documents(5)[::-1])
    assert one is not None and two is not None and one.digest == two.digest
    for query in ("water", "status", "make tea", "garden"):
        assert build_index(one).search(query, 50) == build_index(two).search(query, 50)


def test_anchors_are_the_longest_phrases_from_left_to_right() -> None:
    found = index()
    anchors = found.anchors(words("make tea with the smart kettle"))
    assert [(each.start, each.end, each.phrase) for each in anchors] == [
        (0, 2, ("make", "tea")),
        (4, 6, ("smart", "kettl")),
    ]
    assert found.entries[anchors[1].entries[0]].id == "kettle"


def test_the_index_is_frozen() -> None:
    found = index()
    with pytest.raises(AttributeError):
        found.entries = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.postings["x"] = ()  # type: ignore[index]


def test_a_capability_and_a_trigger_of_one_name_are_two_entries() -> None:
    document = {
        "service": "a",
        "title": "A",
        "type": "T",
        "connector": "scripted",
        "capabilities": {"state": {"summary": "Read the valve"}},
        "triggers": {"state": {"summary": "Valve turns"}},
    }
    found, said = load_documents([document])  # fmt: skip
    assert found is not None, said
    built = build_index(found)
    assert {hit.kind for hit in built.search("valve")} == {"capability", "trigger"}
    entry = built.entry("trigger", "a.state")
    assert entry is not None and entry.kind == "trigger"


@pytest.mark.parametrize(
    ("forms", "same"),
    [
        (("message", "messages", "messaged", "messaging"), True),
        (("notify", "notifies", "notified", "notifying"), True),
        (("stop", "stops", "stopped", "stopping"), True),
        (("update", "updates", "updated", "updating"), True),
        (("send", "sends", "sent", "sending"), True),
        (("status", "state"), False),
        (("post", "past"), False),
    ],
)
def test_forms_of_a_word(forms: tuple[str, ...], same: bool) -> None:
    assert (len({stem(form) for form in forms}) == 1) is same


def test_names() -> None:
    assert normalise(" Slack_Notify.v2 ") == "slack notify v2" and normalise("ＳＬＡＣＫ") == "slack"
    assert name_words("getURLs_forUser") == name_words("get urls for user")
    assert words("Café {place} isn't") == ("cafe", "isn")
