"""A small closed world for tests of the checker, and short ways to ask it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from eyeflow.catalog.model import (
    Auth,
    Capability,
    Catalog,
    CompileContext,
    Connection,
    Constraints,
    HttpMapping,
    Policy,
    PolicyRule,
    Profile,
    Service,
    ServiceHttp,
    TriggerKind,
)
from eyeflow.diagnostics import Report
from eyeflow.ir.check import check
from eyeflow.ir.task import Task
from eyeflow.ir.text import parse
from eyeflow.values import (
    BOOLEAN,
    BYTES,
    INTEGER,
    JSON,
    NUMBER,
    STRING,
    TIMESTAMP,
    Field,
    ListOf,
    MapOf,
    ObjectOf,
    Scalar,
    literal,
)

DEAL = ObjectOf(
    (
        Field("id", STRING),
        Field("amount", Scalar("integer", "cents")),
        Field("owner", STRING, required=False),
        Field("token", STRING, secret=True, required=False),
    )
)

CHAT = Service(
    id="chat", title="Team Chat", type="Communication", connector="http", aliases=("messages",),
    auth=(Auth(type="oauth2"),), hosts=("chat.example",), constraints=Constraints(max_text_chars=40_000),
    http=ServiceHttp(base_url="https://chat.example"),
    capabilities=(
        Capability(
            name="send", summary="Send", timeout_ms=2_000,
            returns=ObjectOf((Field("ok", BOOLEAN), Field("ts", STRING))),
            params=(
                Field("channel", STRING),
                Field("text", STRING, role="content"),
                Field("blocks", ListOf(JSON), required=False),
                Field("kind", STRING, required=False, enum=("plain", "rich")),
                Field("at", TIMESTAMP, required=False),
            ),
            http=HttpMapping(method="POST", path="/api/send", body='{"channel":"{channel}","text":"{text}"}'),
        ),
        Capability(
            name="upload", summary="Upload", returns=ObjectOf((Field("url", STRING),)),
            params=(Field("channel", STRING), Field("content", BYTES)),
        ),
    ),
    triggers=(
        TriggerKind(
            name="message", summary="A message", payload=ObjectOf((Field("text", STRING), Field("channel", STRING))),
            params=(Field("channel", STRING, required=False),),
        ),
    ),
)  # fmt: skip

CRM = Service(
    id="crm", title="CRM", type="Sales", connector="http", hosts=("crm.example",),
    http=ServiceHttp(base_url="https://crm.example/v1", auth_query=(("api_key", "{key}"),)),
    capabilities=(
        Capability(
            name="deals", summary="List deals", effect="read", idempotent=True, returns=ListOf(DEAL),
            params=(Field("limit", INTEGER, required=False, minimum=1, maximum=100),
                    Field("stage", STRING, required=False)),
            http=HttpMapping(path="/deals", query=(("limit", "{limit}"), ("stage", "{stage}"), ("v", "2"))),
        ),
        Capability(
            name="deal", summary="One deal", effect="read", idempotent=True, returns=DEAL,
            params=(Field("id", STRING),),
            http=HttpMapping(path="/deals/{id}"),
        ),
        Capability(
            name="weather", summary="Weather", effect="read", idempotent=True,
            returns=ObjectOf((Field("temp", Scalar("number", "celsius")), Field("note", STRING, required=False))),
            params=(Field("city", STRING), Field("tags", MapOf(STRING), required=False)),
        ),
        Capability(
            name="pay", summary="Pay", effect="irreversible", returns=JSON, idempotency_header="Idempotency-Key",
            params=(Field("amount", Scalar("integer", "cents")), Field("email", STRING, format="email"),
                    Field("code", STRING, required=False, pattern="^[A-Z]{3}$"),
                    Field("key", STRING, required=False, secret=True),
                    Field("rate", NUMBER, required=False),
                    Field("every", Scalar("integer", "seconds"), required=False)),
        ),
    ),
    triggers=(TriggerKind(name="won", summary="Won", payload=DEAL),),
)  # fmt: skip

WEB = Service(
    id="http", title="HTTP", type="Web", connector="http",
    capabilities=(
        Capability(
            name="get", summary="Get", effect="read", idempotent=True,
            returns=ObjectOf((Field("status", INTEGER), Field("body", JSON), Field("headers", JSON))),
            params=(Field("url", STRING, entity="url", format="uri"), Field("headers", JSON, required=False),
                    Field("query", JSON, required=False)),
            http=HttpMapping(base_url="{url}", path=""),
        ),
    ),
)  # fmt: skip

HOOK = Service(
    id="webhook", title="Webhook", type="Web", connector="respond",
    capabilities=(Capability(name="respond", summary="Answer", returns=JSON, params=(Field("body", JSON),)),),
)  # fmt: skip

CATALOG = Catalog(services=(CHAT, CRM, WEB, HOOK))

CTX = CompileContext(
    catalog=CATALOG,
    connections=(
        Connection(name="chat_daily", service="chat", credential="env:CHAT"),
        Connection(name="web", service="http", hosts=("api.partner.example", "*.cdn.example")),
    ),
    profile=Profile(me=(("email", "me@acme.example"),), defaults=(("crm.city", literal("Paris")),)),
    now=datetime(2026, 1, 15, 12, tzinfo=UTC),
)


def context(**changes: object) -> CompileContext:
    return msgspec.structs.replace(CTX, **changes)


def allowing(*rules: PolicyRule) -> Policy:
    return Policy(rules)


def checked(text: str, ctx: CompileContext = CTX) -> tuple[Task | None, Report]:
    """The checked task; the text must parse."""
    task, report = parse(text)
    assert task is not None, [str(d) for d in report.diagnostics]
    return check(task, ctx)


def body(lines: str, head: str = "") -> str:
    """A task of `lines`, which are indented by two blanks."""
    shifted = "\n".join(f"  {line}" if line else "" for line in lines.strip("\n").split("\n"))
    first = "".join(f"  {line}\n" for line in head.strip("\n").split("\n") if line)
    return f"TASK t\n{first}{shifted}\n"


def codes(text: str, ctx: CompileContext = CTX) -> list[str]:
    """The codes of the errors, in order."""
    _, report = checked(text, ctx)
    return [d.code for d in report.errors]


def transform(expression: str, head: str = "", ctx: CompileContext = CTX) -> list[str]:
    """The codes of the errors in a task that computes `expression` from `deals` and `weather`."""
    return codes(body(f"{SOURCES}\nACTION x\n  TYPE transform\n  VALUE {expression}\n  OUTPUT x", head), ctx)


SOURCES = """
ACTION deals
  TYPE connector_call
  CONNECTOR crm
  FUNCTION deals
  OUTPUT deals
ACTION weather
  TYPE connector_call
  CONNECTOR crm
  FUNCTION weather
  OUTPUT weather
""".strip("\n")
