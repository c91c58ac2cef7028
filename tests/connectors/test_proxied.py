"""Outgoing HTTP through the operator's proxy: what it sees, what it never sees, what it cannot decide."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.stub_http import StubHttp
from connectors.test_guard import PUBLIC, RULES, Names
from connectors.test_transport import certificate
from eyeflow.connectors.guard import Guard, LoopbackPort, PrivateRange, Rules
from eyeflow.connectors.proxied import ProxiedTransport, Proxy, proxy_of
from eyeflow.connectors.transport import HttpRequest
from eyeflow.errors import CallError, EgressDenied

LOGIN = "Proxy-Authorization: Basic YW5hOnMzY3JldA=="


class Forward:
    """A forward proxy: every name it is asked for is the service at `port`. `answer` is said to CONNECT instead."""

    def __init__(self, port: int, answer: bytes | None = None) -> None:
        self.to = port
        self.answer = answer
        self.heads: list[str] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode())
        if self.answer is not None:
            writer.write(self.answer)
            await writer.drain()
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        if head.startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
        else:
            far_writer.write(head)
        await asyncio.gather(self._pipe(reader, far_writer, seen=not head.startswith(b"CONNECT ")),
                             self._pipe(far_reader, writer))  # fmt: skip

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, seen: bool = False) -> None:
        try:
            while data := await reader.read(65_536):
                if seen and b" http://" in data:
                    self.heads.append(data.decode())
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self.take(reader, writer))
        self._tasks.add(task)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def forward(port: int = 0, answer: bytes | None = None) -> AsyncIterator[Forward]:
    made = Forward(port, answer)
    server = await asyncio.start_server(made.keep, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.end()
        await server.wait_closed()


def through(proxy: Forward, guard: Guard | None = None, **more: ssl.SSLContext) -> ProxiedTransport:
    return ProxiedTransport(
        guard or Guard(resolver=Names()), proxy_of(f"http://ana:s3cret@127.0.0.1:{proxy.port}"), **more
    )


async def test_http_is_asked_for_in_absolute_form_over_a_kept_connection() -> None:
    async with StubHttp() as stub, forward(stub.port) as proxy:
        transport = through(proxy)
        for number in range(2):
            asked = HttpRequest(
                method="POST", url=f"http://api.example.com/in?n={number}", rules=RULES, safe=False, body=b"{}",
                headers=(("X-Own", "1"),),
            )  # fmt: skip
            assert (await transport.send(asked)).status == 200
        await transport.close()
        assert stub.accepts == 1 and stub.bodies == [b"{}", b"{}"]
        for number, head in enumerate(stub.heads):
            first, *fields = head.split("\r\n")
            assert first == f"POST http://api.example.com/in?n={number} HTTP/1.1"
            assert "Host: api.example.com" in fields and LOGIN in fields and "X-Own: 1" in fields


async def test_https_goes_through_a_tunnel_that_sees_the_name_only(tmp_path: Path) -> None:
    path = certificate(tmp_path, "api.example.com")
    serving, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    serving.load_cert_chain(path)
    client.load_verify_locations(path)
    stub = StubHttp()
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, ssl=serving)
    async with forward(server.sockets[0].getsockname()[1]) as proxy:
        transport = through(proxy, tls=client)
        asked = HttpRequest(
            method="GET", url="https://api.example.com/secret/path", rules=RULES,
            credential=(("Authorization", "Bearer xoxb"),),
        )  # fmt: skip
        assert (await transport.send(asked)).status == 200
        assert (await transport.send(asked)).status == 200
        assert len(proxy.heads) == 1, "one tunnel for both"
        assert proxy.heads[0].startswith("CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n")
        assert LOGIN in proxy.heads[0] and "xoxb" not in proxy.heads[0] and "secret/path" not in proxy.heads[0]
        assert stub.heads[0].startswith("GET /secret/path HTTP/1.1\r\n") and "Proxy-Auth" not in stub.heads[0]
        await transport.close()
        untrusting = through(proxy)
        with pytest.raises(CallError) as caught:
            await untrusting.send(asked)
        assert caught.value.code == "tls_failed"
        await untrusting.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "http://127.0.0.1/", "https://[::1]/", "https://api.example.com:8443/"]
)
async def test_the_guard_still_decides_what_is_reached(url: str) -> None:
    async with forward() as proxy:
        transport = through(proxy)
        with pytest.raises(EgressDenied):
            await transport.send(HttpRequest(method="GET", url=url, rules=RULES))
        await transport.close()
        assert proxy.heads == []


async def test_a_name_that_is_known_here_as_private_is_not_asked_for() -> None:
    async with forward() as proxy:
        transport = through(proxy, Guard(resolver=Names(api_example_com=[(PUBLIC, "10.0.0.1")])))
        with pytest.raises(EgressDenied):
            await transport.send(HttpRequest(method="GET", url="https://api.example.com/", rules=RULES))
        await transport.close()
        assert proxy.heads == []


async def test_hosts_on_the_own_network_and_practice_are_connected_directly() -> None:
    class Here:
        async def resolve(self, host: str, port: int) -> tuple[str, ...]:
            return ("127.0.0.1",)

    async with StubHttp() as stub, forward() as proxy:
        own = Guard(allow=(PrivateRange("own", ("erp.example.com",), ("127.0.0.0/8",)),), resolver=Here())
        rules = Rules("svc", (f"erp.example.com:{stub.port}",))
        practice = Guard(practice={"svc": LoopbackPort("127.0.0.1", stub.port)})
        for guard, url, may in (
            (own, f"http://erp.example.com:{stub.port}/", rules), (practice, "https://api.example.com/", RULES),
        ):  # fmt: skip
            transport = through(proxy, guard)
            assert (await transport.send(HttpRequest(method="GET", url=url, rules=may))).status == 200
            await transport.close()
        assert proxy.heads == [] and len(stub.heads) == 2
        assert all("Proxy-Auth" not in head for head in stub.heads)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "permanent", "proxy_refused"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "permanent", "proxy_refused"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", "transient", "proxy_refused"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "permanent", "proxy_refused"),
        (b"HTTP/1.1 200 OK\r\n\r\nand more", "permanent", "proxy_refused"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000, "permanent", "proxy_refused"),
        (b"", "transient", "connection_lost"),
    ],
)
async def test_a_proxy_that_does_not_open_a_way_is_said_and_nothing_was_sent(
    answer: bytes, kind: str, code: str
) -> None:
    async with forward(answer=answer) as proxy:
        transport = through(proxy)
        with pytest.raises(CallError) as caught:
            await transport.send(
                HttpRequest(method="POST", url="https://api.example.com/", rules=RULES, safe=False, body=b"{}")
            )
        await transport.close()
        assert (caught.value.kind, caught.value.code) == (kind, code), str(caught.value)
        assert "s3cret" not in f"{caught.value}{caught.value.hint}"


async def test_a_proxy_that_is_not_there_is_said() -> None:
    async with forward() as proxy:
        port = proxy.port
    transport = ProxiedTransport(Guard(resolver=Names()), Proxy("127.0.0.1", port))
    with pytest.raises(CallError) as caught:
        await transport.send(HttpRequest(method="GET", url="https://api.example.com/", rules=RULES))
    assert (caught.value.kind, caught.value.code) == ("transient", "connection_refused")
    await transport.close()


def test_a_proxy_is_read_from_its_address() -> None:
    assert proxy_of("http://proxy.corp:8080") == Proxy("proxy.corp", 8080)
    assert proxy_of("http://10.0.0.1/") == Proxy("10.0.0.1", 3128)
    assert proxy_of("http://[fd00::1]:3128") == Proxy("fd00::1", 3128)
    held = proxy_of("http://ana:p%40ss%3Aword@proxy.corp:8080")
    assert held.login == "ana:p@ss:word" and "p@ss" not in repr(held)


@pytest.mark.parametrize(
    "url",
    [
        "proxy.corp:8080", "https://proxy.corp", "socks5://proxy.corp", "http://", "http://proxy.corp/path",
        "http://proxy.corp:0", "http://proxy.corp:99999", "http://proxy.corp:x", "http://a b", "http://proxy\r\nX: 1",
        "http://ü.example", "http://proxy.corp?x=1", "http://a%0d%0ab:c@proxy.corp", "http://a%3Ab:c@proxy.corp",
    ],
)  # fmt: skip
def test_what_is_no_proxy_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="a proxy is http://HOST:PORT") as caught:
        proxy_of(url)
    assert url not in str(caught.value) or url == "http://"
