"""docs/triggers.md says what is so: its programs compile and register, its tables are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eyeflow.store.records import PollRecord, ScheduleRecord, SubscriptionRecord, WebhookRecord
from eyeflow.triggers import deliveries, scheduler, ticking, timing, topics
from eyeflow.triggers.bodies import MAX_BYTES, MAX_DEPTH
from eyeflow.triggers.signatures import SCHEMES, WINDOW_S
from eyeflow.triggers.webhooks import ANSWER_MS
from triggers.house import house

PAGE = (Path(__file__).parents[2] / "docs" / "triggers.md").read_text("utf-8")
PROGRAMS = re.findall(r"^```eir\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TABLES = (ScheduleRecord, PollRecord, SubscriptionRecord, WebhookRecord)


@pytest.mark.parametrize("text", PROGRAMS, ids=lambda text: text.split()[1])
async def test_a_program_of_the_page_is_registered(text: str):
    async with house() as there:
        await there.connect("github", "github", token="t")
        await there.deploy(text)
        assert sum([await there.store.count(table) for table in TABLES]) == 1


async def test_the_webhook_of_the_page_answers_as_it_says():
    async with house() as there:
        await there.deploy(PROGRAMS[1].replace("plan?: string}", "plan?: string}, unsigned"))
        got = await there.receive("/signup", {"email": "ann@example.org"})
        assert (got.status, got.body) == (201, {"welcomed": "ann@example.org"})
        assert (await there.receive("/signup", {"email": "ann"})).status == 204


def test_every_scheme_is_in_the_table():
    assert set(re.findall(r"`(\w+_sha\d+|\w+_v\d|standard)`", PAGE)) == set(SCHEMES)


def test_the_numbers_of_the_page_are_those_of_the_code():
    assert timing.GRACE_MS == 60_000 and ticking.MAX_QUEUED == 100 and "at most 100 wait" in PAGE
    assert scheduler.TICKS_KEPT_MS == 400 * 86_400_000 and "400 days" in PAGE
    assert (MAX_DEPTH, MAX_BYTES) == (64, 1 << 20) and "nesting deeper than 64" in PAGE
    assert (ANSWER_MS, WINDOW_S, topics.MAX_DEPTH) == (25_000, 300, 8)
    assert deliveries.KEPT_MS < deliveries.DIGEST_KEPT_MS
