"""Which line may stand in which block, and how each is written.

Knows: the table of lines. In: nothing. Out: `ALLOWED` by block, `USAGE` by line (the hint of last resort).
Never: reads anything.
"""

from __future__ import annotations

from typing import Final

COMMON: Final = (
    "TYPE", "AFTER", "WHEN", "TIMEOUT", "RETRY", "FALLBACK", "ON_ERROR", "UNCERTAIN", "CACHE", "RATE", "OUTPUT",
)  # fmt: skip

BODIES: Final = {
    "http_call": ("METHOD", "URL", "HEADERS", "QUERY", "BODY", "AUTH", "EXPECT"),
    "connector_call": ("CONNECTOR", "FUNCTION", "PARAMS"),
    "conditional": ("CONDITION", "DEFAULT"),
    "transform": ("VALUE",),
    "foreach": ("EACH", "ACTION", "COLLECT"),
    "subtask": ("TASK", "PARAMS"),
    "wait": ("FOR", "UNTIL"),
    "approval": ("ROLE", "MESSAGE", "EXPIRES"),
    "emit": ("TOPIC", "VALUE"),
    "log": ("MESSAGE",),
    "respond": ("STATUS", "BODY"),
}
"""The lines of each TYPE of action, beside `COMMON`."""

_BLOCK: Final = ("FORMAT", "VALUE", "NOTHING", "ACTION", "OUTPUT")

ALLOWED: Final = {
    "": ("TASK",),
    "TASK": (
        "VERSION", "DESCRIPTION", "ZONE", "DEADLINE", "EXPIRES", "DURABLE", "INPUT", "TRIGGER", "ACTION", "ON_FAILURE",
        "RETURN",
    ),
    "TRIGGER": ("WHERE",),
    "ACTION": tuple(dict.fromkeys((*COMMON, *(line for lines in BODIES.values() for line in lines)))),
    "CONDITION": ("BRANCH", *_BLOCK),
    "BRANCH": _BLOCK,
    "DEFAULT": _BLOCK,
    "FALLBACK": ("VALUE", "ACTION", "TIMEOUT"),
    "ON_FAILURE": ("ACTION",),
}  # fmt: skip
"""The lines that may stand directly inside each kind of block; a line that is no key here holds none."""

MANY: Final = frozenset({"INPUT", "TRIGGER", "ACTION", "CONDITION"})
"""Lines that may occur more than once in their block."""

USAGE: Final = {
    "TASK": "TASK daily_report",
    "VERSION": 'VERSION "1.2.0"',
    "DESCRIPTION": 'DESCRIPTION "What it is for"',
    "ZONE": 'ZONE "Europe/Paris"',
    "DEADLINE": "DEADLINE 30s",
    "EXPIRES": "EXPIRES 7d",
    "DURABLE": "DURABLE journal",
    "INPUT": 'INPUT city string DEFAULT "Paris"',
    "TRIGGER": "TRIGGER schedule(09:00, daily)",
    "WHERE": "WHERE GT(trigger.amount, 100)",
    "ACTION": "ACTION fetch_weather",
    "ON_FAILURE": "ON_FAILURE, with actions below it",
    "RETURN": "RETURN result",
    "TYPE": "TYPE connector_call",
    "AFTER": "AFTER first_action, second_action",
    "WHEN": "WHEN GT(weather.temp, 75)",
    "TIMEOUT": "TIMEOUT 2s",
    "RETRY": "RETRY 3 BACKOFF exponential(1s, 2, 30s)",
    "FALLBACK": "FALLBACK THEN stop, with VALUE or actions below it",
    "ON_ERROR": "ON_ERROR continue",
    "UNCERTAIN": "UNCERTAIN ask",
    "CACHE": "CACHE 5m",
    "RATE": "RATE 10/min QUEUE",
    "OUTPUT": "OUTPUT result",
    "METHOD": "METHOD GET",
    "URL": 'URL "https://example.com/items"',
    "HEADERS": 'HEADERS { accept: "text/plain" }',
    "QUERY": "QUERY { page: 1 }",
    "BODY": "BODY { name: trigger.name }",
    "AUTH": "AUTH api_key(my_connection)",
    "EXPECT": "EXPECT list<object{id: string}>",
    "CONNECTOR": "CONNECTOR slack_daily",
    "FUNCTION": "FUNCTION send_message",
    "PARAMS": 'PARAMS { channel: "#general", text: message }',
    "CONDITION": "CONDITION GT(weather.temp, 75)",
    "BRANCH": "BRANCH hot",
    "DEFAULT": "DEFAULT, or DEFAULT NOTHING",
    "FORMAT": 'FORMAT "It is {weather.temp}"',
    "NOTHING": "NOTHING",
    "VALUE": "VALUE ADD(a, b)",
    "EACH": "EACH row IN rows WHERE GT(row.amount, 100) PARALLEL 4 MAX_ITEMS 500",
    "COLLECT": "COLLECT row.id",
    "FOR": "FOR 10 minutes",
    "UNTIL": "UNTIL trigger.due",
    "ROLE": "ROLE approver",
    "MESSAGE": 'MESSAGE "Send it?"',
    "TOPIC": 'TOPIC "orders.paid"',
    "STATUS": "STATUS 200",
}
"""One right example of each line."""
