"""What a person sees when a catalog loads, and when it does not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from eyeflow.catalog.load import load_catalog, load_documents, merge, open_catalog, parse_service
from eyeflow.catalog.model import Batch, Service
from eyeflow.diagnostics import Diagnostic, Severity
from eyeflow.errors import CatalogError
from eyeflow.values import STRING, ListOf, ObjectOf

BIKES = """\
service: bikes
title: City Bikes
type: Transport
aliases: [bike share]
connector: http
auth: {type: api_key, place: query, name: key}
hosts: [api.bikes.example]
constraints: {rate_limit: 30/min, max_text_chars: 200}
http: {base_url: https://api.bikes.example/v1}
capabilities:
  nearest_station:
    summary: Find the nearest station with a free bike
    phrases: [find a bike, nearest bike]
    examples: ["find a bike near {place}"]
    effect: read
    cache_ttl: 90s
    params:
      place: {type: string, entity: location, required: true}
      radius: {type: number, unit: km, default: 1.5, maximum: 20}
    returns:
      type: object
      properties:
        name: {type: string, role: summary}
        tags: {type: array, items: {type: string}}
        closed_until: {type: string, format: date-time, required: false}
    http: {path: "/near/{place}", query: {r: "{radius}", open: true}, result: {name: body.name}}
  report:
    summary: Report a broken bike
    params:
      note: {type: string, role: content, required: true}
"""


def bikes() -> Service:
    service, found = parse_service(BIKES, "bikes.yaml")
    assert service is not None, found
    return service


def findings(text: str, *, is_json: bool = False) -> list[Diagnostic]:
    service, found = parse_service(text, "bikes.yaml", is_json=is_json)
    assert (service is None) == bool(found.errors)
    return list(found.diagnostics)


def test_a_service_file_becomes_typed_data_with_documented_defaults() -> None:
    service = bikes()
    near, broken = service.capability("nearest_station"), service.capability("report")
    assert near is not None and broken is not None
    assert (service.constraints.rate_calls, service.constraints.rate_window_ms) == (30, 60_000)
    assert (near.effect, near.idempotent, near.cache_ttl_ms) == ("read", True, 90_000)
    assert (broken.effect, broken.idempotent, broken.phrases) == ("write", False, ())
    place, radius = near.params
    assert (place.required, place.entity) == (True, "location")
    assert (radius.required, radius.default and radius.default.value, radius.maximum) == (False, 1.5, 20.0)
    assert isinstance(near.returns, ObjectOf)
    assert [field.required for field in near.returns.fields] == [True, True, False]
    assert near.returns.fields[1].type == ListOf(STRING)
    assert near.http is not None and near.http.query == (("r", "{radius}"), ("open", "true"))


def test_the_longest_text_of_a_service_bounds_its_free_text() -> None:
    report = bikes().capability("report")
    assert report is not None and report.params[0].max_length == 200


@pytest.mark.parametrize(
    ("change", "code", "at", "path", "says"),
    [
        (("phrases: [find", "phrasess: [find"), "unknown_key", (13, 5), "capabilities.nearest_station.phrasess",
         "did you mean `phrases`?"),
        (("effect: read", "effect: reed"), "unknown_value", (15, 5), "capabilities.nearest_station.effect", "`reed`"),
        (("required: true}\n      radius", "required: yes}\n      radius"), "wrong_type", (18, 47),
         "capabilities.nearest_station.params.place.required", "true or false"),
        (("30/min", "often"), "bad_rate", (8, 15), "constraints.rate_limit", "`often`"),
        (("{place}\", query", "{plaice}\", query"), "unknown_place", (26, 12), "capabilities.nearest_station.http.path",
         "`{plaice}`"),
        (("[api.bikes.example]", "[other.example]"), "host_not_listed", (9, 8), "http.base_url", "api.bikes.example"),
        (("[api.bikes.example]", "['*']"), "bad_host", (7, 9), "hosts[0]", "every host"),
        (("title: City Bikes\n", ""), "missing_key", (1, 1), "", "`title`"),
        (("type: number, unit", "type: numbr, unit"), "unknown_value", (19, 16),
         "capabilities.nearest_station.params.radius.type", "`numbr`"),
        (("cache_ttl: 90s", "cache_ttl: soon"), "bad_duration", (16, 5), "capabilities.nearest_station.cache_ttl",
         "soon"),
        (("service: bikes", "service: ../bikes"), "bad_name", (1, 1), "service", "../bikes"),
    ],
)  # fmt: skip
def test_each_mistake_is_shown_at_its_line_with_a_way_out(
    change: tuple[str, str], code: str, at: tuple[int, int], path: str, says: str
) -> None:
    assert change[0] in BIKES
    found = [each for each in findings(BIKES.replace(*change, 1)) if each.severity is Severity.ERROR]
    first = next(each for each in found if each.code == code)
    assert ((first.place.line, first.place.column), first.place.path) == (at, path)
    assert says in f"{first.message} {first.hint}"
    assert str(first).startswith("bikes.yaml:")


def test_all_mistakes_are_reported_at_once() -> None:
    text = BIKES.replace("phrases: [find", "phrasess: [find").replace("effect: read", "effect: reed")
    assert {each.code for each in findings(text)} == {"unknown_key", "unknown_value"}


def test_plain_words_stay_text() -> None:
    text = BIKES.replace("[find a bike, nearest bike]", "[on, NO, 09:00, +15550100, 2026-01-01, 0x10, 1_000]")
    service, found = parse_service(text)
    assert service is not None, found
    assert service.capabilities[0].phrases == ("on", "NO", "09:00", "+15550100", "2026-01-01", "0x10", "1_000")


def test_json_says_the_same_as_yaml() -> None:
    import yaml

    from_json, found = parse_service(json.dumps(yaml.safe_load(BIKES)), "bikes.yaml", is_json=True)
    assert found.ok and from_json == bikes()


def test_the_digest_covers_what_runs_and_not_what_people_say() -> None:
    plain = bikes().digest
    same = [("phrases: [find a bike", "phrases: [get a bike"), ("title: City Bikes", "title: Bikes"),
            ("summary: Report a broken", "summary: Tell of a broken")]  # fmt: skip
    other = [("30/min", "31/min"), ("/near/", "/far/"), ("effect: read", "effect: write"),
             ("maximum: 20", "maximum: 30"), ("place: query", "place: header"), ("90s", "91s")]  # fmt: skip
    for before, after in same:
        service, _ = parse_service(BIKES.replace(before, after))
        assert service is not None and service.digest == plain, after
    for before, after in other:
        service, found = parse_service(BIKES.replace(before, after))
        assert service is not None and service.digest != plain, (after, found)


def test_a_catalog_digest_covers_phrases_but_not_file_names(tmp_path: Path) -> None:
    def digest(name: str, text: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return open_catalog(folder).digest

    assert digest("a", BIKES) == digest("b", BIKES)
    assert digest("c", BIKES.replace("find a bike,", "get a bike,")) != digest("d", BIKES)


def test_all_shipped_services_load_without_a_finding() -> None:
    catalog, found = load_catalog()
    assert catalog is not None and not found.errors
    assert len(catalog.services) >= 12


def test_a_folder_with_one_bad_file_has_no_catalog_and_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(BIKES, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("service: [", encoding="utf-8")
    catalog, found = load_catalog(tmp_path)
    assert catalog is None
    assert [(each.code, Path(each.place.source).name) for each in found.errors] == [("bad_yaml", "bad.yaml")]
    with pytest.raises(CatalogError, match=r"bad\.yaml"):
        open_catalog(tmp_path)


def test_the_same_id_twice_is_refused(tmp_path: Path) -> None:
    for name in ("one.yaml", "two.json"):
        text = BIKES if name.endswith("yaml") else json.dumps(_plain())
        (tmp_path / name).write_text(text, encoding="utf-8")
    _, found = load_catalog(tmp_path)
    assert [each.code for each in found.errors] == ["duplicate_service"]


def test_missing_and_empty_folders_and_pipes(tmp_path: Path) -> None:
    assert [each.code for each in load_catalog(tmp_path / "none")[1].errors] == ["unreadable"]
    assert [each.code for each in load_catalog(tmp_path)[1].errors] == ["no_services"]
    assert [each.code for each in load_catalog(Path("a\0b"))[1].errors] == ["unreadable"]
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / ".hidden.yaml").write_text("[", encoding="utf-8")
    assert [each.code for each in load_catalog(tmp_path)[1].errors] == ["no_services"]


def test_documents_given_inline() -> None:
    catalog, found = load_documents([_plain()])
    assert catalog is not None and found.ok and catalog.services[0].id == "bikes"
    _, found = load_documents([_plain(), _plain() | {"title": 7}, 7])
    assert [(each.code, each.place.source) for each in found.errors] == [
        ("wrong_type", "inline[1]"),
        ("wrong_type", "inline[2]"),
    ]
    empty, found = load_documents([])
    assert empty is not None and empty.services == () and found.ok


def test_merging_catalogs() -> None:
    one, _ = load_documents([_plain()])
    two, _ = load_documents([_plain() | {"service": "scooters"}])
    other, _ = load_documents([_plain() | {"title": "Other"}])
    assert one is not None and two is not None and other is not None
    both, found = merge(one, two, one)
    assert both is not None and found.ok and [service.id for service in both.services] == ["bikes", "scooters"]
    assert [each.code for each in merge(one, other)[1].errors] == ["duplicate_service"]


def test_required_names_of_nested_objects() -> None:
    def fields(spec: dict[str, object]) -> dict[str, bool]:
        document = {**_plain(), "capabilities": {"do": {"summary": "Do it", "params": {"p": spec}}}}
        catalog, found = load_documents([document])
        assert catalog is not None, found
        kind = catalog.services[0].capabilities[0].params[0].type
        assert isinstance(kind, ObjectOf)
        return {field.name: field.required for field in kind.fields}

    properties = {"a": {"type": "string"}, "b": {"type": "integer"}}
    assert fields({"type": "object", "properties": properties}) == {"a": False, "b": False}
    assert fields({"type": "object", "properties": properties, "allOf": [{"required": ["b"]}]}) == {
        "a": False,
        "b": True,
    }
    assert fields({"all_of": [{"properties": properties}, {"required": ["a"]}]}) == {"a": True, "b": False}
    flagged = {**properties, "a": {"type": "string", "required": True}}
    assert fields({"type": "object", "properties": flagged, "required": True}) == {"a": True, "b": False}


def test_units_have_one_name() -> None:
    one, _ = parse_service(BIKES)
    two, _ = parse_service(BIKES.replace("unit: km", "unit: kilometres"))
    odd, found = parse_service(BIKES.replace("unit: km", "unit: furlongs"))
    assert one is not None and two is not None and odd is not None
    assert one.digest == two.digest != odd.digest
    assert [(each.code, each.severity) for each in found.diagnostics] == [("unknown_unit", Severity.NOTE)]


def test_loading_five_hundred_services_is_quick_enough_to_do_at_every_start(tmp_path: Path) -> None:
    for number in range(500):
        text = BIKES.replace("service: bikes", f"service: bikes_{number}")
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    catalog, found = load_catalog(tmp_path)
    assert catalog is not None and found.ok and len(catalog.services) == 500


def test_acceptance_17_the_seeds_slack_service() -> None:
    slack = open_catalog().service("slack_notify")
    assert slack is not None
    assert (slack.id, slack.type, slack.connector) == ("slack_notify", "Communication", "slack_api_v1")


@pytest.mark.parametrize(
    ("name", "params", "result"),
    [
        pytest.param("send_message", {"channel", "text", "blocks"}, None, id="acceptance_18"),
        pytest.param("post_reaction", {"timestamp", "emoji"}, None, id="acceptance_19"),
        pytest.param("upload_file", {"channel", "file_content"}, "url", id="acceptance_20"),
    ],
)
def test_acceptance_18_19_20_the_seeds_capabilities(name: str, params: set[str], result: str | None) -> None:
    slack = open_catalog().service("slack_notify")
    assert slack is not None
    capability = slack.capability(name)
    assert capability is not None
    assert params <= {param.name for param in capability.params}
    if result is not None:
        assert isinstance(capability.returns, ObjectOf) and capability.returns.field(result) is not None


def test_acceptance_25_services_mappings_schemas_and_policies_load_from_yaml_and_json(tmp_path: Path) -> None:
    document = _plain() | {"policy": {"allow": {"roles": ["editor", "owner"]}}}
    (tmp_path / "bikes.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "scooters.yaml").write_text(BIKES.replace("service: bikes", "service: scooters"), encoding="utf-8")
    catalog = open_catalog(tmp_path)
    first, second = catalog.services
    assert (first.id, first.allow_roles, second.id) == ("bikes", ("editor", "owner"), "scooters")
    near = second.capability("nearest_station")
    assert near is not None and near.http is not None and near.http.path == "/near/{place}"
    assert near.params[0].type == STRING


def _plain() -> dict[str, object]:
    import yaml

    data = yaml.safe_load(BIKES)
    assert isinstance(data, dict)
    return data


BATCHED = """
service: tickets
title: Tickets
type: Support
connector: scripted
capabilities:
  get:
    summary: Read one
    effect: read
    batch: {capability: get_many, item: key, items: keys, results: found, match: key, max: 50}
    params: {key: {type: string, required: true, entity: ticket}, deep: {type: boolean}}
    returns: {type: object, properties: {key: {type: string}, title: {type: string, role: summary}}}
  get_many:
    summary: Read many
    effect: read
    params: {keys: {type: array, items: {type: string}, required: true}, deep: {type: boolean}}
    returns:
      type: object
      properties:
        found: {type: array, items: {type: object, properties: {title: {type: string}, key: {type: string}}}}
"""


def test_a_read_says_which_other_one_answers_many_at_once() -> None:
    service, found = parse_service(BATCHED)
    assert service is not None, found
    get = service.capability("get")
    assert get is not None
    assert get.batch == Batch(capability="get_many", item="key", items="keys", results="found", match="key", max=50)
    plain, _ = parse_service(BATCHED.replace(", max: 50", ", max: 51"))
    assert plain is not None and plain.digest != service.digest


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (("capability: get_many", "capability: get_meny"), "unknown_capability", "did you mean `get_many`?"),
        (("item: key", "item: id"), "unknown_param", "`get` has no parameter `id`"),
        (("items: keys", "items: ids"), "unknown_param", "`get_many` has no parameter `ids`"),
        ((", match: key", ""), "missing_key", "`match`"),
        (("max: 50", "max: 1"), "out_of_range", "from 2"),
        (("results: found", "results: all"), "bad_batch", "gives no list `all`"),
        (("match: key", "match: nr"), "bad_batch", "`nr` is no field"),
        (("Read many\n    effect: read", "Read many\n    effect: write"), "bad_batch", "no read"),
        (("items: {type: string}, req", "items: {type: integer}, req"), "bad_batch", "must be a list of what"),
        (("}, deep: {type: boolean}}\n    returns:\n", "}}\n    returns:\n"), "bad_batch", "does not take `deep`"),
        (("title: {type: string}, key", "name: {type: string}, key"), "bad_batch", "the same fields"),
        (("batch: {", "batch: {size: 3, "), "unknown_key", "size"),
        (("batch: {capability: get_many, item: key, items: keys, results: found, match: key, max: 50}", "batch: 3"),
         "wrong_type", "a mapping"),
    ],
)  # fmt: skip
def test_a_batch_that_cannot_stand_for_single_reads_is_refused(change: tuple[str, str], code: str, says: str) -> None:
    assert change[0] in BATCHED
    _, found = parse_service(BATCHED.replace(*change, 1))
    first = found.errors[0]
    assert first.code == code and says in f"{first.message} {first.hint}"
