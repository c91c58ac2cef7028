"""The declarative connector: what goes onto the wire, what comes back, and what a failure means."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from connectors.http_service import TOKEN, answer, connected, service, token
from eyeflow.catalog.model import Connection
from eyeflow.connectors.http import HttpConnector
from eyeflow.connectors.port import ConnectorConfig, Credential
from eyeflow.connectors.transport import HttpRequest, HttpResponse, ScriptedTransport
from eyeflow.errors import CallError, EgressDenied

TEXT = {"type": "string"}


def note(**http: Any) -> dict[str, Any]:
    params = {
        "id": {"type": "string", "required": True},
        "text": TEXT,
        "n": {"type": "integer"},
        "tags": {"type": "array"},
    }
    return {"note": {"effect": "write", "params": params, "http": {"method": "POST", **http}}}


async def sent(http: dict[str, Any], **params: Any) -> HttpRequest:
    connector, transport = await connected(service(note(**http)), answer({}))
    await connector.call("note", {"id": "7", **params})
    return transport.sent[-1]


async def failing(*answers: Any, http: dict[str, Any] | None = None, **capability: Any) -> CallError:
    made = note(**(http or {"path": "/n"}))
    made["note"] |= capability
    connector, _ = await connected(service(made), *answers)
    with pytest.raises(CallError) as caught:
        await connector.call("note", {"id": "7"})
    return caught.value


async def test_a_call_becomes_the_request_the_file_describes() -> None:
    body = {"id": "{id}", "label": "n={n}", "text": "{text}", "tags": "{tags}", "kind": "note", "literal": "{{x}}"}
    request = await sent(
        {"path": "/notes/{id}", "query": {"n": "{n}", "t": "{tags}"}, "body": body}, n=3, tags=["a", 2]
    )
    assert (request.method, request.url) == ("POST", "https://api.crm.example/v1/notes/7?n=3&t=a&t=2")
    assert request.body is not None
    assert msgspec.json.decode(request.body) == {
        "id": "7", "label": "n=3", "tags": ["a", 2], "kind": "note", "literal": "{x}"
    }  # fmt: skip
    assert request.credential == (("Authorization", f"Bearer {TOKEN}"),) and request.confidential
    assert ("Content-Type", "application/json") in request.headers


async def test_an_object_in_which_nothing_is_left_is_dropped_and_constants_stay() -> None:
    body = {"id": "{id}", "deep": {"a": {"text": "{text}"}}, "list": ["{text}"], "empty": {}, "none": None}
    request = await sent({"path": "/n", "body": body})
    assert request.body is not None
    assert msgspec.json.decode(request.body) == {"id": "7", "empty": {}, "none": None}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a/b", "/notes/a%2Fb"),
        ("a?b#c", "/notes/a%3Fb%23c"),
        ("%2e%2e", "/notes/%252e%252e"),
        ("\u6771 x", "/notes/%E6%9D%B1%20x"),
        ("{{7*7}}", "/notes/%7B%7B7%2A7%7D%7D"),
        ("a\r\nHost: evil", "/notes/a%0D%0AHost%3A%20evil"),
    ],
)
async def test_a_value_in_a_path_is_one_segment_whatever_it_holds(value: str, path: str) -> None:
    request = await sent({"path": "/notes/{id}"}, id=value)
    assert request.url == f"https://api.crm.example/v1{path}"


@pytest.mark.parametrize("value", [".", ".."])
async def test_a_value_cannot_climb_the_path(value: str) -> None:
    connector, transport = await connected(service(note(path="/notes/{id}")), answer({}))
    with pytest.raises(CallError) as caught:
        await connector.call("note", {"id": value})
    assert caught.value.code == "bad_value" and not transport.sent


async def test_format_path_keeps_slashes_and_still_cannot_climb() -> None:
    capability = {"read": {"effect": "read", "params": {"p": {"type": "string", "format": "path", "required": True}},
                           "http": {"path": "/repos/{p}/x"}}}  # fmt: skip
    connector, transport = await connected(service(capability), answer({}))
    await connector.call("read", {"p": "acme/web site"})
    assert transport.sent[0].url == "https://api.crm.example/v1/repos/acme/web%20site/x"
    with pytest.raises(CallError):
        await connector.call("read", {"p": "acme/.."})


async def test_query_values_cannot_add_fields() -> None:
    request = await sent({"path": "/n", "query": {"q": "{text}"}}, text="a&admin=true#x")
    assert request.url.endswith("/n?q=a%26admin%3Dtrue%23x")


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\x00b", "\x7f", "\ud800", "x" * 9000])
async def test_a_header_value_that_could_split_is_refused_not_cleaned(value: str) -> None:
    connector, transport = await connected(service(note(path="/n", headers={"X-Note": "{text}"})), answer({}))
    with pytest.raises(CallError) as caught:
        await connector.call("note", {"id": "7", "text": value})
    assert caught.value.code == "bad_header" and not transport.sent


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "X Y", "X:Y", "", "X\r\nY"])
async def test_headers_from_data_cannot_take_over_the_request(name: str) -> None:
    capability = {"get": {"effect": "read", "params": {"h": {"type": "object"}}, "http": {"headers": {"*": "{h}"}}}}
    connector, transport = await connected(service(capability), answer({}))
    with pytest.raises(CallError) as caught:
        await connector.call("get", {"h": {name: "x"}})
    assert caught.value.code == "bad_header" and not transport.sent


@pytest.mark.parametrize(
    ("encoding", "body", "kind", "bytes_sent"),
    [
        (
            "form",
            {"a": "{id}", "b": {"c": ["{text}", 2]}},
            "application/x-www-form-urlencoded",
            b"a=7&b%5Bc%5D%5B0%5D=x+%26&b%5Bc%5D%5B1%5D=2",
        ),
        ("text", "say {text}", "text/plain; charset=utf-8", b"say x &"),
        ("raw", "{text}", None, b"x &"),
    ],
)  # fmt: skip
async def test_encodings(encoding: str, body: Any, kind: str | None, bytes_sent: bytes) -> None:
    request = await sent({"path": "/n", "encoding": encoding, "body": body}, text="x &")
    assert request.body == bytes_sent
    assert dict(request.headers).get("Content-Type") == kind


async def test_multipart_parts_cannot_be_forged_by_data() -> None:
    request = await sent({"path": "/n", "encoding": "multipart", "body": {"a": "{text}"}}, text='x\r\n--b\r\nname="y"')
    boundary = dict(request.headers)["Content-Type"].partition("boundary=")[2].encode()
    assert request.body is not None and request.body.count(b"--" + boundary) == 2


async def test_defaults_are_filled_and_unknown_or_missing_parameters_refused() -> None:
    params = {"n": {"type": "integer", "default": 5}, "q": {"type": "string", "required": True}}
    capability = {"get": {"effect": "read", "params": params, "http": {"query": {"n": "{n}", "q": "{q}"}}}}
    connector, transport = await connected(service(capability), answer({}))
    await connector.call("get", {"q": "x"})
    assert transport.sent[0].url.endswith("?n=5&q=x")
    wrong: list[dict[str, Any]] = [{}, {"q": None}, {"q": "x", "zzz": 1}]
    for given in wrong:
        with pytest.raises(CallError) as caught:
            await connector.call("get", given)
        assert (caught.value.kind, caught.value.code) == ("permanent", "bad_value")


async def test_the_result_is_mapped_and_missing_promises_stay_missing() -> None:
    made = note(path="/n", result={"id": "body.data.id", "n": "ADD(body.data.n, 1)", "gone": "body.no.where"})
    made["note"]["returns"] = {"type": "object", "properties": {"id": TEXT, "n": {"type": "integer"}, "gone": TEXT}}
    connector, _ = await connected(service(made), answer({"data": {"id": "x", "n": 4}}))
    assert await connector.call("note", {"id": "7"}) == {"id": "x", "n": 5}


@pytest.mark.parametrize(
    ("status", "read", "write", "code"),
    [
        (429, "transient", "transient", "rate_limited"),
        (503, "transient", "transient", "unavailable"),
        (408, "transient", "transient", "unavailable"),
        (400, "permanent", "permanent", "rejected"),
        (404, "permanent", "permanent", "not_found"),
        (422, "permanent", "permanent", "rejected"),
        (401, "denied", "denied", "unauthorized"),
        (403, "denied", "denied", "forbidden"),
        (500, "transient", "uncertain", "server_error"),
        (502, "transient", "uncertain", "server_error"),
        (504, "transient", "uncertain", "server_error"),
        (501, "permanent", "permanent", "rejected"),
        (304, "permanent", "permanent", "rejected"),
    ],
)
async def test_a_status_says_what_is_known_of_the_call(status: int, read: str, write: str, code: str) -> None:
    for effect, kind in (("read", read), ("write", write)):
        error = await failing(answer({"m": "no"}, status), http={"path": "/n", "error": "{body.m}"}, effect=effect)
        assert (error.kind, error.code, error.message) == (kind, code, f"no (HTTP {status})")


async def test_a_service_that_refuses_with_200_is_believed() -> None:
    http = {"path": "/n", "ok": "EQ(body.ok, true)", "error": "{body.error}"}
    error = await failing(answer({"ok": False, "error": "no such channel"}), http=http)
    assert (error.kind, error.code, error.message) == ("permanent", "refused", "no such channel (HTTP 200)")
    made = note(path="/n", ok='OR(EQ(status, 200), EQ(body.error, "exists"))')
    connector, _ = await connected(service(made), answer({"error": "exists"}, 409))
    assert await connector.call("note", {"id": "7"}) == {"error": "exists"}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "3"}, 3000),
        ({"retry_after": "Mon, 23 Nov 2026 10:00:30 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 30_000),
        ({"retry_after": "9" * 30}, 86_400_000),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({}, None),
    ],
)
async def test_retry_after_is_honoured_within_a_day(headers: dict[str, str], wait: int | None) -> None:
    assert (await failing(answer({}, 429, **headers))).retry_after_ms == wait


async def test_retry_after_may_be_in_the_body() -> None:
    error = await failing(answer({"wait": 2.5}, 429), http={"path": "/n", "retry_after": "body.wait"})
    assert error.retry_after_ms == 2500


@pytest.mark.parametrize(
    "body",
    [b"[" * 5000 + b"]" * 5000, b"{", b'"\\ud800"', b"NaN", b"1e400", b"\xff\xfe", b'{"a":' * 150 + b"1" + b"}" * 150],
    ids=["deep", "cut", "surrogate", "nan", "huge_number", "utf16", "nested_150"],
)
async def test_an_answer_that_is_no_json_is_a_typed_error(body: bytes) -> None:
    reply = HttpResponse(status=200, headers=(("content-type", "application/json"),), body=body)
    assert (await failing(reply)).kind == "uncertain"
    error = await failing(reply, effect="read")
    assert (error.kind, error.code) == ("permanent", "bad_response")


SPELLINGS = {
    "plain": TOKEN,
    "percent": quote(TOKEN, safe=""),
    "base64": base64.b64encode(TOKEN.encode()).decode(),
    "bearer_base64": base64.b64encode(f"Bearer {TOKEN}".encode()).decode(),
    "hex": TOKEN.encode().hex(),
    "json_escapes": "".join(f"\\u{ord(c):04x}" for c in TOKEN),
}


@pytest.mark.parametrize("echo", SPELLINGS.values(), ids=SPELLINGS.keys())
async def test_a_credential_echoed_by_a_service_never_leaves_the_connector(echo: str) -> None:
    made = note(path="/n", any_status=True, result={"body": "body", "headers": "headers"})
    connector, _ = await connected(service(made), answer({echo: [echo, 1]}, x_echo=echo))
    assert echo not in repr(await connector.call("note", {"id": "7"}))
    error = await failing(answer({"m": f"bad token {echo}"}, 401), http={"path": "/n", "error": "{body.m}"})
    assert "[redacted]" in error.message and echo not in repr((error.message, error.args, str(error)))


async def test_acceptance_53_the_credential_in_the_place_of_a_refused_one_is_not_told_either() -> None:
    """It is renewed in the middle of a call, and the service repeats the new one too."""

    async def renewed(_: Credential) -> Credential:
        return Credential((("token", "new-s3cret-token"),))

    async def old() -> Credential:
        return Credential((("token", "old-s3cret-token"),), renew=renewed)

    transport = ScriptedTransport([
        answer({"m": "not old-s3cret-token any more"}, 401), answer({"m": "nor new-s3cret-token"}, 403),
    ])  # fmt: skip
    connector = HttpConnector(lambda pool: transport)
    made = service(note(path="/n", error="{body.m}"))
    await connector.initialize(
        ConnectorConfig(service=made, connection=Connection(name="crm", service="crm"), credential=old)
    )
    with pytest.raises(CallError) as caught:
        await connector.call("note", {"id": "7"})
    sent = [value for request in transport.sent for _, value in request.credential]
    assert sent == ["Bearer old-s3cret-token", "Bearer new-s3cret-token"]
    assert "nor [redacted]" in caught.value.message and "s3cret" not in repr((caught.value, caught.value.args))


async def test_a_credential_echoed_in_a_redirect_is_redacted_too() -> None:
    def redirect(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=303, headers=(("location", f"https://{base32}.evil.example/{TOKEN}"),))

    base32 = "TOKENxSECRET"

    async def credential() -> Credential:
        return Credential((("token", base32),))

    transport = ScriptedTransport([redirect])
    connector = HttpConnector(lambda pool: transport)
    connection = Connection(name="crm", service="crm")
    await connector.initialize(
        ConnectorConfig(service=service(note(path="/n")), connection=connection, credential=credential)
    )
    with pytest.raises(CallError) as caught:
        await connector.call("note", {"id": "7"})
    assert "[redacted].evil.example" in caught.value.message
    assert base32.lower() not in str(caught.value).lower()


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"type": "bearer"}, ("Authorization", f"Bearer {TOKEN}")),
        ({"type": "api_key", "place": "header", "name": "X-Api-Key"}, ("X-Api-Key", TOKEN)),
    ],
)
async def test_a_credential_goes_where_its_type_says(auth: dict[str, Any], header: tuple[str, str]) -> None:
    connector, transport = await connected(service(note(path="/n"), auth=auth), answer({}))
    await connector.call("note", {"id": "7"})
    assert transport.sent[0].credential == (header,)


async def test_a_key_in_the_query_is_encoded_and_confidential() -> None:
    made = service(note(path="/n"), auth={"type": "api_key", "place": "query", "name": "key"})
    connector, transport = await connected(made, answer({}))
    await connector.call("note", {"id": "7"})
    assert transport.sent[0].url.endswith(f"?key={quote(TOKEN, safe='')}") and transport.sent[0].confidential


async def test_without_a_credential_nothing_is_sent() -> None:
    with pytest.raises(CallError) as caught:
        await connected(service(note(path="/n")), answer({}), secret=False)
    assert (caught.value.kind, caught.value.code) == ("denied", "no_credential") and caught.value.hint


async def test_the_idempotency_key_goes_out_as_the_file_says_and_on_writes_only() -> None:
    made = note(path="/n")
    made["note"]["idempotency"] = {"header": "Idempotency-Key"}
    made["read"] = {"effect": "read", "http": {"path": "/r"}}
    connector, transport = await connected(service(made), answer({}))
    await connector.call("note", {"id": "7"}, key="exec_1:note:0")
    await connector.call("read", {}, key="exec_1:read:0")
    assert ("Idempotency-Key", "exec_1:note:0") in transport.sent[0].headers
    assert not any(name == "Idempotency-Key" for name, _ in transport.sent[1].headers)


FOUND = {"name": "found", "when": "NOT(IS_NULL(params.text))", "path": "/find", "query": {"q": "{text}"}}
UPLOAD = {"name": "upload", "method": "POST", "base_url": "{steps.ticket.url}", "path": "", "encoding": "raw"}
FINISH = {"name": "done", "method": "POST", "path": "/done/{id}", "body": {"owner": "{steps.found.id}"}}
STEPS = {
    "steps": [
        FOUND | {"result": {"id": "body.id"}},
        {"name": "ticket", "method": "POST", "path": "/ticket", "result": {"url": "body.url"}},
        UPLOAD | {"body": "{text}"},
        FINISH | {"result": {"ok": "true"}},
    ]
}


async def stepped(*answers: Any, text: str | None = "hi") -> tuple[Any, ScriptedTransport]:
    made = {"send": {**note()["note"], "http": STEPS}}
    connector, transport = await connected(service(made), *answers)
    return await connector.call("send", {"id": "7", "text": text}), transport


async def test_steps_run_in_order_and_see_the_results_before_them() -> None:
    url = "https://files.crm.example/up/1"
    result, transport = await stepped(answer({"id": "u1"}), answer({"url": url}), answer("ok"), answer({}))
    assert result == {"ok": True}
    assert [request.url.partition("example")[2] for request in transport.sent] == [
        "/v1/find?q=hi", "/v1/ticket", "/up/1", "/v1/done/7"
    ]  # fmt: skip
    assert transport.sent[3].body == b'{"owner":"u1"}'
    assert [bool(request.credential) for request in transport.sent] == [True, True, False, True]


async def test_a_step_left_out_gives_null_to_the_later_ones() -> None:
    url = "https://api.crm.example/up"
    _, transport = await stepped(answer({"url": url}), answer({}), answer({}), text=None)
    assert len(transport.sent) == 3 and transport.sent[2].body is None
    assert transport.sent[1].credential, "an answered address at the service's own origin may have the credential"


@pytest.mark.parametrize("url", ["https://evil.example/up", "http://169.254.169.254/", "file:///etc/passwd", "", None])
async def test_an_address_named_by_an_answer_is_judged_like_any_other(url: str | None) -> None:
    with pytest.raises(EgressDenied):
        await stepped(answer({"id": "u1"}), answer({"url": url}), answer({}))


async def test_after_a_write_was_answered_no_failure_counts_as_not_done() -> None:
    with pytest.raises(CallError) as caught:
        await stepped(answer({"id": "u1"}), answer({"url": "https://files.crm.example/"}), answer({}, 503))
    assert caught.value.kind == "uncertain"
    with pytest.raises(CallError) as caught:
        await stepped(answer({}, 503))
    assert caught.value.kind == "transient", "the lookup alone changed nothing"


def pages(most: int = 3) -> dict[str, Any]:
    more = {"items": "body.items", "next": {"cursor": "body.next"}, "max": most}
    http = {"path": "/l", "query": {"limit": "2"}, "result": {"ids": "MAP(items, i, i.id)"}, "pages": more}
    return {"list": {"effect": "read", "http": http}}


async def test_pages_are_read_to_the_end_and_never_cut_in_silence() -> None:
    first, last = answer({"items": [{"id": 1}, {"id": 2}], "next": "c 2"}), answer({"items": [{"id": 3}], "next": ""})
    connector, transport = await connected(service(pages()), first, last)
    assert await connector.call("list", {}) == {"ids": [1, 2, 3]}
    assert transport.sent[1].url.endswith("/l?limit=2&cursor=c%202")
    connector, transport = await connected(service(pages()), first)
    with pytest.raises(CallError) as caught:
        await connector.call("list", {})
    assert caught.value.code == "too_many_pages" and len(transport.sent) == 3


async def test_a_base_url_needs_its_settings() -> None:
    made = service(note(path="/n"), hosts=["*.crm.example"], http={"base_url": "https://{site}.crm.example"})
    connector, transport = await connected(
        made, answer({}), connection=Connection(name="c", service="crm", settings=(("site", "acme"),))
    )
    await connector.call("note", {"id": "7"})
    assert transport.sent[0].url == "https://acme.crm.example/n"
    connector, _ = await connected(made, answer({}))
    with pytest.raises(CallError) as caught:
        await connector.call("note", {"id": "7"})
    assert caught.value.code == "missing_setting" and "site" in caught.value.hint


async def test_a_setting_cannot_lead_out_of_the_hosts() -> None:
    made = service(note(path="/n"), hosts=["*.crm.example"], http={"base_url": "https://{site}.crm.example"})
    for site in ("evil.example/", "x@evil.example/#", "evil.example\\"):
        connection = Connection(name="c", service="crm", settings=(("site", site),))
        with pytest.raises(EgressDenied):
            await connected(made, answer({}), connection=connection)


@pytest.mark.parametrize(
    "hostile", ["{{7*7}}", "${jndi:x}", "{0.__init__.__globals__}", "{body.error}", "{token}", "<%= 1 %>"]
)
async def test_template_syntax_in_data_is_literal_bytes(hostile: str) -> None:
    request = await sent({"path": "/n", "body": {"t": "{text}", "u": "say {text}"}}, text=hostile)
    assert request.body is not None
    assert msgspec.json.decode(request.body) == {"t": hostile, "u": f"say {hostile}"}


async def test_an_unknown_capability_is_a_typed_error() -> None:
    connector, _ = await connected(service(note(path="/n")), answer({}))
    with pytest.raises(CallError) as caught:
        await connector.call("nope", {})
    assert caught.value.code == "unknown_capability"


async def test_initialize_connects_ahead_and_cleanup_closes() -> None:
    connector, transport = await connected(service(note(path="/n")), answer({}))
    assert transport.warmed == ["https://api.crm.example/v1"]
    await connector.cleanup()
    await connector.cleanup()
    assert transport.closed


async def test_cleanup_is_fine_after_a_failed_initialize() -> None:
    connector = HttpConnector(lambda pool: ScriptedTransport([]))
    made = service(note(path="/n"), hosts=["other.example"], http={"base_url": "https://other.example"})
    narrowed = Connection(name="c", service="crm", hosts=("third.example",))
    with pytest.raises(EgressDenied):
        await connector.initialize(ConnectorConfig(service=made, connection=narrowed, credential=token))
    await connector.cleanup()


async def test_a_caller_cannot_replace_the_credential_of_the_connection() -> None:
    capability = {"get": {"effect": "read", "params": {"h": {"type": "object"}}, "http": {"headers": {"*": "{h}"}}}}
    connector, transport = await connected(service(capability), answer({}))
    with pytest.raises(CallError) as caught:
        await connector.call("get", {"h": {"authorization": "Bearer other"}})
    assert caught.value.code == "bad_header" and not transport.sent
