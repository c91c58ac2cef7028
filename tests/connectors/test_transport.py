"""What is known after a call that went wrong, redirects, and bounds. Real sockets, on loopback only."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from connectors.stub_http import StubHttp, answer
from eyeflow.connectors.guard import Guard, LoopbackPort, PrivateRange, Rules
from eyeflow.connectors.http1 import Http1Transport
from eyeflow.connectors.transport import HttpRequest, HttpResponse, HttpTransport, ScriptedTransport
from eyeflow.errors import CallError, EgressDenied

RULES = Rules("svc", ("api.example.com", "files.example.com"))


def request(method: str = "GET", **more: object) -> HttpRequest:
    body = b"{}" if method in ("POST", "PUT") else None
    fields: dict[str, object] = {"url": "https://api.example.com/x", "timeout_ms": 2000, "body": body}
    return HttpRequest(method=method, rules=RULES, safe=method == "GET", **{**fields, **more})  # type: ignore[arg-type]


def transport_to(port: int, pool: int = 1) -> Http1Transport:
    return Http1Transport(Guard(practice={"svc": LoopbackPort("127.0.0.1", port)}), pool=pool)


async def failure(stub: StubHttp, asked: HttpRequest) -> CallError:
    transport = transport_to(stub.port)
    try:
        with pytest.raises(CallError) as caught:
            await transport.send(asked)
        return caught.value
    finally:
        await transport.close()


async def never(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def half_closed(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    writer.write_eof()


async def garbage(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_refused_connection_is_surely_not_done(method: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        transport = transport_to(taken.getsockname()[1])
        with pytest.raises(CallError) as caught:
            await transport.send(request(method))
        await transport.close()
    assert (caught.value.kind, caught.value.code) == ("transient", "connection_refused")


@pytest.mark.parametrize(
    ("handler", "code"),
    [(never, "timeout"), (reset, "connection_lost"), (half_closed, "bad_response"), (garbage, "bad_response")],
)
@pytest.mark.parametrize(("method", "kind"), [("GET", "transient"), ("POST", "uncertain"), ("DELETE", "uncertain")])
async def test_sent_without_an_answer_is_uncertain_for_a_write(
    handler: object, code: str, method: str, kind: str
) -> None:
    async with StubHttp(handler) as stub:  # type: ignore[arg-type]
        error = await failure(stub, request(method, timeout_ms=80))
    assert (error.kind, error.code) == (kind, code)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_on_a_connection_that_died_is_not_sent_again_by_itself(method: str) -> None:
    async with StubHttp(answer(), reset, answer()) as stub:
        transport = transport_to(stub.port)
        await transport.send(request())
        with pytest.raises(CallError) as caught:
            await transport.send(request(method))
        await transport.close()
        assert caught.value.kind == "uncertain"
        assert len(stub.heads) == 2


async def test_a_read_on_a_connection_that_died_is_sent_once_more() -> None:
    async with StubHttp(answer(), reset, answer(body=b"again")) as stub:
        transport = transport_to(stub.port)
        await transport.send(request())
        assert (await transport.send(request())).body in (b"again",)
        await transport.close()


async def test_a_byte_at_a_time_cannot_outlast_the_timeout() -> None:
    async def drip(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.01)

    async with StubHttp(drip) as stub:
        assert (await failure(stub, request("POST", timeout_ms=100))).kind == "uncertain"


@pytest.mark.parametrize("body", [b"x" * 3000, gzip.compress(b"\0" * 50_000_000)], ids=["plain", "gzip_bomb"])
async def test_an_answer_larger_than_asked_for_is_cut_off(body: bytes) -> None:
    encoding = "Content-Encoding: gzip\r\n" if body[:2] == b"\x1f\x8b" else ""
    async with StubHttp(answer(body=body, headers=encoding)) as stub:
        error = await failure(stub, request(max_bytes=2000))
    assert error.code == "bad_response" and "larger than 2000" in error.message


async def test_compressed_answers_are_read_and_damaged_ones_refused() -> None:
    whole = gzip.compress(b'{"a": 1}')
    for body, ok in ((whole, True), (whole[:-9], False), (b"no gzip", False)):
        async with StubHttp(answer(body=body, headers="Content-Encoding: gzip\r\n")) as stub:
            transport = transport_to(stub.port)
            if ok:
                assert (await transport.send(request())).body == b'{"a": 1}'
            else:
                with pytest.raises(CallError, match="compressed"):
                    await transport.send(request())
            await transport.close()


async def test_cookies_are_not_kept_and_no_header_is_added() -> None:
    async with StubHttp(answer(headers="Set-Cookie: a=b\r\n")) as stub:
        transport = transport_to(stub.port)
        await transport.send(request())
        await transport.send(request())
        await transport.close()
        names = {line.split(":")[0].lower() for line in stub.heads[1].split("\r\n")[1:] if line}
    assert names == {"host"}


async def test_pool_bounds_the_connections_and_warm_opens_one_ahead() -> None:
    async with StubHttp() as stub:
        transport = transport_to(stub.port, pool=2)
        await transport.warm("https://api.example.com", RULES)
        assert (stub.accepts, stub.heads) == (1, [])
        await transport.send(request())
        assert stub.accepts == 1, "the call used the warm connection"
        await asyncio.gather(*(transport.send(request()) for _ in range(10)))
        await transport.close()
        assert stub.accepts == 2


def moved(status: int, to: str) -> HttpResponse:
    return HttpResponse(status=status, headers=(("location", to),))


DONE = HttpResponse(status=200, body=b"done")

FOLLOWED = [
    ("GET", 302, "/y", "https://api.example.com/y", "GET"),
    ("GET", 301, "y?z=1", "https://api.example.com/y?z=1", "GET"),
    ("GET", 307, "//files.example.com/y", "https://files.example.com/y", "GET"),
    ("POST", 303, "/done", "https://api.example.com/done", "GET"),
    ("POST", 307, "/y", "https://api.example.com/y", "POST"),
]


@pytest.mark.parametrize(("method", "status", "to", "reached", "how"), FOLLOWED)
async def test_a_redirect_within_the_rules_is_followed(
    method: str, status: int, to: str, reached: str, how: str
) -> None:
    transport = ScriptedTransport([moved(status, to), DONE])
    assert (await transport.send(request(method))).body == b"done"
    assert (transport.sent[-1].url, transport.sent[-1].method) == (reached, how)
    assert (transport.sent[-1].body is None) == (how == "GET")


DENIED_REDIRECTS = {
    "other_host": "https://evil.example/",
    "metadata": "http://169.254.169.254/latest/meta-data",
    "loopback": "https://127.0.0.1/",
    "to_http": "http://api.example.com/",
    "to_file": "file:///etc/passwd",
    "to_gopher": "gopher://api.example.com/",
    "other_port": "https://api.example.com:8080/",
    "user_name": "https://api.example.com@evil.example/",
    "backslash": "/\\evil.example/",
    "header_split": "/x\r\nHost: evil.example",
}


@pytest.mark.parametrize("to", DENIED_REDIRECTS.values(), ids=DENIED_REDIRECTS.keys())
async def test_a_redirect_out_of_the_rules_is_refused_before_it_is_followed(to: str) -> None:
    transport = ScriptedTransport([moved(302, to), DONE])
    with pytest.raises(EgressDenied):
        await transport.send(request())
    assert len(transport.sent) == 1


async def test_a_redirect_to_another_origin_drops_the_credential() -> None:
    secret = (("Authorization", "Bearer t0ken"),)
    transport = ScriptedTransport([moved(302, "/a"), moved(302, "https://files.example.com/b"), DONE])
    await transport.send(request(credential=secret))
    assert [sent.credential for sent in transport.sent] == [secret, secret, ()]


@pytest.mark.parametrize(("status", "to"), [(301, "/y"), (302, "/y"), (307, "https://files.example.com/y")])
async def test_a_redirect_that_could_change_or_move_a_write_is_not_followed(status: int, to: str) -> None:
    transport = ScriptedTransport([moved(status, to), DONE])
    with pytest.raises(CallError) as caught:
        await transport.send(request("POST"))
    assert caught.value.code == "redirected" and len(transport.sent) == 1


async def test_endless_redirects_end() -> None:
    transport = ScriptedTransport([moved(302, "/again")])
    with pytest.raises(CallError, match="more than 3 redirects"):
        await transport.send(request())


async def test_real_redirects_are_judged_like_scripted_ones() -> None:
    async with StubHttp(answer(302, headers="Location: /two\r\n"), answer(body=b"two")) as stub:
        transport: HttpTransport = transport_to(stub.port)
        assert (await transport.send(request(credential=(("Authorization", "x"),)))).body == b"two"
        await transport.close()
    async with StubHttp(answer(302, headers="Location: https://evil.example/\r\n")) as stub:
        assert isinstance(await failure(stub, request()), EgressDenied)
        assert len(stub.heads) == 1


async def test_a_write_answered_by_a_redirect_elsewhere_may_have_been_done() -> None:
    transport = ScriptedTransport([moved(303, "https://evil.example/"), DONE])
    with pytest.raises(CallError) as caught:
        await transport.send(request("POST"))
    assert caught.value.kind == "uncertain" and len(transport.sent) == 1


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate and key for `name`, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, start, start + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path


@pytest.mark.parametrize(
    ("name", "trusted", "works"),
    [("api.example.com", True, True), ("api.example.com", False, False), ("evil.example", True, False)],
)
async def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(
    name: str, trusted: bool, works: bool, tmp_path: Path
) -> None:
    class Here:
        async def resolve(self, host: str, port: int) -> tuple[str, ...]:
            return ("127.0.0.1",)

    path = certificate(tmp_path, name)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    stub = StubHttp()
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    client = ssl.create_default_context()
    if trusted:
        client.load_verify_locations(path)
    guard = Guard(allow=(PrivateRange("here", ("api.example.com",), ("127.0.0.0/8",)),), resolver=Here())
    transport = Http1Transport(guard, tls=client)
    rules = Rules("svc", (f"api.example.com:{port}",))
    asked = HttpRequest(method="POST", url=f"https://api.example.com:{port}/", rules=rules, safe=False, body=b"{}")
    if works:
        assert (await transport.send(asked)).status == 200
    else:
        with pytest.raises(CallError) as caught:
            await transport.send(asked)
        assert (caught.value.kind, caught.value.code) == ("permanent", "tls_failed")
        assert not stub.heads
    await transport.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "headers",
    [f"X-Long: {'x' * 70_000}\r\n", "X: y\r\n" * 300, "".join(f"X-{n}: {'x' * 700}\r\n" for n in range(100))],
    ids=["one", "many", "together"],
)
async def test_a_head_without_measure_is_cut_off(headers: str) -> None:
    async with StubHttp(answer(headers=headers)) as stub:
        error = await failure(stub, request("POST"))
    assert (error.kind, error.code) == ("uncertain", "bad_response")


async def test_a_long_body_after_a_head_of_some_length_is_no_fault() -> None:
    headers = "".join(f"X-{n}: {'x' * 500}\r\n" for n in range(100))
    async with StubHttp(answer(body=b"y" * 300_000, headers=headers)) as stub:
        transport = transport_to(stub.port)
        response = await transport.send(request())
        await transport.close()
    assert len(response.body) == 300_000 and response.header("x-99") == "x" * 500
    assert len([name for name, _ in response.headers if name.startswith("x-")]) == 100


async def test_an_answer_that_is_late_by_far_is_found_without_a_timer_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eyeflow.connectors.exchange1.EXACT_MS", 0)
    monkeypatch.setattr("eyeflow.connectors.http1._LOOK_S", 0.01)
    async with StubHttp(never) as stub:
        error = await failure(stub, request("POST", timeout_ms=30))
    assert (error.kind, error.code) == ("uncertain", "timeout")


async def test_a_call_given_up_before_it_was_written_leaves_the_pool_whole() -> None:
    async with StubHttp() as stub:
        transport = transport_to(stub.port)
        await transport.send(request())
        given_up = asyncio.ensure_future(transport.send(request()))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert (await transport.send(request())).status == 200
        await transport.close()


async def test_what_the_guard_said_of_one_connection_is_not_said_to_another() -> None:
    """The same transport, asked with other rules, or with a credential in the clear, judges anew."""
    async with StubHttp() as stub:
        transport = transport_to(stub.port)
        await transport.send(request(url="http://api.example.com/x"))
        with pytest.raises(EgressDenied):
            await transport.send(request(url="http://api.example.com/x", confidential=True))
        narrowed = HttpRequest(method="GET", url="http://api.example.com/x", rules=Rules("svc", ("files.example.com",)))
        with pytest.raises(EgressDenied):
            await transport.send(narrowed)
        await transport.close()
        assert len(stub.heads) == 1
