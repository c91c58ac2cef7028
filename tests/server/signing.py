"""A service on this machine that signs accounts in with OAuth2, over TLS, as an authorisation server has to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from eyeflow.server.settings import Catalogs, Egress

SERVICE = """
service: gauge
title: Gauge
type: Home
connector: http
auth: {{type: oauth2, authorize: "https://127.0.0.1:{port}/authorize", token: "https://127.0.0.1:{port}/token", scopes: [read, fill]}}
hosts: ["127.0.0.1:{port}"]
http: {{base_url: "https://127.0.0.1:{port}"}}
capabilities:
  level:
    summary: The level of the tank
    phrases: [read the tank, the level of the tank]
    examples: ["read the tank"]
    effect: read
    returns: {{type: object, properties: {{level: {{type: integer, role: summary}}, echo: {{type: string}}}}, required: [level]}}
    http: {{method: GET, path: /level, error: "{{body.error}}", result: {{level: body.level, echo: body.echo}}}}
"""  # noqa: E501 - as people write service files


class Signing:
    """The service. `token_answer` replaces what the token address answers: status, headers, body; `slow_s` delays it.
    `asked` are the forms it was sent, `paths` what else was asked for."""

    def __init__(self) -> None:
        self.port = 0
        self.expires_in: int | None = 3600
        self.rotates = True
        self.slow_s = 0.0
        self.token_answer: tuple[int, dict[str, str], bytes] | None = None
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.secrets: list[str] = []
        self.good: set[str] = set()
        self.refresh = ""
        self.serving: set[asyncio.Task[object]] = set()
        self._codes: dict[str, dict[str, str]] = {}

    def approve(self, authorize_url: str) -> tuple[str, str]:
        """What a person's yes makes: the state and the code that the browser is sent back with."""
        parts = urlsplit(authorize_url)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", f"127.0.0.1:{self.port}", "/authorize")
        held = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert held["response_type"] == "code" and held["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}-4b1d0a7e9c"
        self._codes[code] = held
        return held["state"], code

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request at a time."""
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, more, said = await self._answer(method, path, headers, body)
                lines = [f"{k}: {v}\r\n" for k, v in {**more, "content-length": str(len(said))}.items()]
                writer.write(f"HTTP/1.1 {status} X\r\n{''.join(lines)}\r\n".encode() + said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            pass  # the end of the test; asyncio's own callback takes no cancelled task
        finally:
            self.serving.discard(task)
            writer.close()

    async def _answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if path == "/token" and method == "POST":
            form = dict(parse_qsl(body.decode(), strict_parsing=True))
            self.asked.append(form)
            await asyncio.sleep(self.slow_s)
            return self.token_answer or self._token(form)
        self.paths.append(path)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if path == "/level" and token not in self.good:
            return _json(401, {"error": "who are you"})
        return _json(200, {"level": 7, "echo": f"you sent {token}"})

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if form["client_id"] != "client-1" or form.get("client_secret") != "cs-4f2a9b81d3":
            return _json(401, {"error": "invalid_client"})
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != self.refresh:
                return _json(400, {"error": "invalid_grant", "error_description": form["refresh_token"]})
        else:
            asked = self._codes.pop(form["code"], None)
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            if (
                asked is None or form["redirect_uri"] != asked["redirect_uri"]
                or asked["code_challenge"] != base64.urlsafe_b64encode(digest).decode().rstrip("=")
            ):  # fmt: skip
                return _json(400, {"error": "invalid_grant"})
        number = len(self.asked)
        access = f"at-{number}-7c31f0be52"
        if self.rotates or not self.refresh:
            self.refresh = f"rt-{number}-93ad6e1c08"
        self.secrets += [access, self.refresh, form.get("code_verifier", access)]
        self.good = {access}
        said = {"access_token": access, "token_type": "Bearer", "refresh_token": self.refresh}
        return _json(200, said | ({} if self.expires_in is None else {"expires_in": self.expires_in}))


def _json(status: int, body: object) -> tuple[int, dict[str, str], bytes]:
    return status, {"content-type": "application/json"}, json.dumps(body).encode()


@asynccontextmanager
async def signing(folder: Path) -> AsyncIterator[tuple[Signing, dict[str, object]]]:
    """The running service, and the sections of the settings with which a server knows and believes it."""
    held, path = Signing(), _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = await asyncio.start_server(held.serve, "127.0.0.1", 0, ssl=context)
    held.port = server.sockets[0].getsockname()[1]
    services = folder / "services"
    services.mkdir()
    (services / "gauge.yaml").write_text(SERVICE.format(port=held.port), "utf-8")
    try:
        yield (
            held,
            {
                "catalog": Catalogs(further=(str(services),)),
                "egress": Egress(allow=("127.0.0.1=127.0.0.0/8",), ca_file=str(path)),
            },
        )
    finally:
        server.close()
        for task in (ending := tuple(held.serving)):
            task.cancel()
        await asyncio.gather(*ending)


def _certificate(folder: Path) -> Path:
    """A self-signed certificate and key for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gauge")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, start, start + timedelta(days=36_500))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "gauge.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path
