"""Cases as people write them: wrong keys, wrong types, hostile lines; a batch that never stops."""

from __future__ import annotations

import io
import json

import pytest

from eyeflow.simulate import read_case, read_scenarios
from eyeflow.simulate.batch import MAX_LINE, simulate_lines
from simulate.world import NOW, catalog, send

IR = "TASK t\n  TRIGGER manual()\n\n" + send("a", '"hi"')


def finding(case: object) -> tuple[str, str, str]:
    read, report = read_case(json.dumps(case))
    assert read is None
    first = report.errors[0]
    return first.code, first.place.path, first.message + first.hint


@pytest.mark.parametrize(
    ("case", "code", "path"),
    [
        ({"text": "x"}, "wrong_type", ""),
        ({"id": "a"}, "bad_case", ""),
        ({"id": "a", "text": "x", "ir": "y"}, "bad_case", ""),
        ({"id": "a", "text": 3}, "wrong_type", "text"),
        ({"id": "a", "text": "x", "scenarios": [{"now": "2026-11-23T08:00:00"}]}, "wrong_type", "scenarios[0].now"),
        ({"id": "a", "text": "x", "scenarios": [{"now": "0001-01-01T00:00:00Z"}]}, "out_of_range", "scenarios[0].now"),
        ({"id": "a", "text": "x", "scenarios": [{"now": "today"}]}, "wrong_type", "scenarios[0].now"),
        ({"id": "a", "text": "x", "scenarios": [{"approvals": ["maybe"]}]}, "wrong_type", "scenarios[0].approvals[0]"),
        ({"id": "a", "text": "x", "scenarios": {}}, "wrong_type", "scenarios"),
        ([], "wrong_type", ""),
    ],
)
def test_a_wrong_case_is_told_with_its_place(case: object, code: str, path: str) -> None:
    assert finding(case)[:2] == (code, path)


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    code, path, said = finding({"id": "a", "text": "x", "scenarios": [{"evnt": {}}]})
    assert (code, path) == ("unknown_key", "scenarios[0].evnt")
    assert "`event`" in said


def test_a_profile_is_judged_like_the_workspaces_own() -> None:
    code, path, said = finding({"id": "a", "text": "x", "scenarios": [{"profile": {"timezone": "Europe/Pari"}}]})
    assert (code, path) == ("unknown_zone", "scenarios[0].profile.timezone")
    assert "Europe/Paris" in said


def test_a_scenario_file_holds_one_or_several() -> None:
    for text, count in ((json.dumps({"now": NOW}), 1), (json.dumps([{"now": NOW}, {}]), 2)):
        scenarios, report = read_scenarios(text)
        assert scenarios is not None, report
        assert len(scenarios) == count
    scenarios, report = read_scenarios('[{"nwo": 1}]', "s.json")
    assert scenarios is None
    assert report.errors[0].place.path == "[0].nwo"


def batch(*lines: bytes) -> list[dict[str, object]]:
    stream = io.BytesIO(b"\n".join(lines))
    return [json.loads(line.json) for line in simulate_lines(stream, catalog())]


def test_a_batch_answers_every_line_in_order_whatever_it_holds() -> None:
    good = json.dumps({"id": "good", "ir": IR, "scenarios": [{"now": NOW}]}).encode()
    found = batch(
        good, b"", b"not json", b'{"id": "bad", "text": 1}', b"\xff\xfe", b"[" * 100_000,
        b'{"id": "u", "text": "\\ud800"}',
        json.dumps({"id": "empty", "text": ""}).encode(), json.dumps({"id": "ctl", "text": "\x00\x1b[31m"}).encode(),
        json.dumps({"id": "dup", "ir": IR, "catalog": [{}]}).encode(),
        json.dumps({"id": "noir", "ir": ""}).encode(), good,
    )  # fmt: skip
    assert [each["id"] for each in found] == [
        "good", "cases:3", "bad", "cases:5", "cases:6", found[5]["id"], "empty", "ctl", "dup", "noir", "good",
    ]  # fmt: skip
    assert not any("internal" in str(each.get("error")) for each in found)
    assert found[0] == found[-1]
    assert [each.get("outcome") for each in found[6:8]] == ["refused", "refused"]
    assert "wrong_type" in str(found[2]["error"])
    assert "catalog" in str(found[8]["error"])


def test_a_line_that_is_too_long_is_skipped_unread() -> None:
    found = batch(b'{"id": "' + b"x" * (MAX_LINE + 10) + b'"}', json.dumps({"id": "next", "ir": IR}).encode())
    assert ["too_large" in str(found[0].get("error")), found[1]["id"]] == [True, "next"]


def test_results_come_while_the_input_is_still_being_written() -> None:
    class Slow(io.BytesIO):
        """Counts the lines that were asked for."""

        asked = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.asked += 1
            return super().readline(size)

    stream = Slow((json.dumps({"id": "a", "ir": IR}) + "\n").encode() * 3)
    next(simulate_lines(stream, catalog()))
    assert stream.asked == 1
