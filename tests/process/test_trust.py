"""What a running server keeps to itself: secrets, whatever a service does with them; and what it does not run."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web

from process.canaries import SECRETS, found_in, found_under, spellings
from process.counting import Counting, counting, task
from process.served import House, house
from server.running import ROOT, command, environment

TOKEN = SECRETS["api key"]
BASE64 = base64.b64encode(TOKEN.encode()).decode()
REDACTED = "[redacted]"

ECHOES: dict[str, Callable[[web.Request], web.StreamResponse]] = {
    "plain": lambda _: said(TOKEN),
    "in base64": lambda _: said(BASE64),
    "in base64, unaligned": lambda _: said(base64.b64encode(b"user:" + TOKEN.encode()).decode()),
    "percent-encoded": lambda _: said(quote(TOKEN, safe="")),
    "in hexadecimal": lambda _: said(TOKEN.encode().hex()),
    "all that was sent": lambda request: said(str(dict(request.headers))),
    "in a header": lambda _: web.json_response({"level": 7, "order": "x"}, headers={"X-You-Sent": TOKEN}),
    "as an error": lambda _: web.json_response({"error": f"bad token {TOKEN}, or {BASE64}"}, status=400),
    "as an error page": lambda _: web.Response(status=500, text=f"<pre>Authorization: Bearer {TOKEN}</pre>"),
    "as a status line": lambda _: web.Response(status=403, reason=f"no {BASE64}"),
    "as no JSON": lambda _: web.Response(text=f"{{{TOKEN}", content_type="application/json"),
    "as a wrong type": lambda _: web.json_response({"level": TOKEN, "order": {TOKEN: TOKEN}}),
    "in a redirect": lambda _: web.Response(status=302, headers={"Location": f"/level?token={quote(TOKEN, safe='')}"}),
    "in a redirect elsewhere": lambda _: web.Response(
        status=307, headers={"Location": f"http://{TOKEN.encode().hex()[:40]}.example.com/{quote(TOKEN, safe='')}"}
    ),
}  # fmt: skip


def said(text: str) -> web.Response:
    return web.json_response({"level": 7, "said": text, "order": text})


@pytest.fixture(scope="module")
def telltale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Counting, Path]]:
    """A server that logs all it can, with secrets of every kind, before a service that repeats what it is sent."""
    folder = tmp_path_factory.mktemp("telltale")
    with counting(folder / "catalog") as (stub, env):
        logging = {"EYEFLOW_LOGS_LEVEL": "debug", "EYEFLOW_LOGS_REQUESTS": "true"}
        with house(folder / "data", env={**env, **logging}) as place:
            place.connect(TOKEN)
            for name, secret in SECRETS.items():
                place.post("/api/secrets", {"name": name.replace(" ", "_"), "value": secret})
            place.post(
                "/api/secrets", {"name": "pair", "value": {"username": "canary", "password": SECRETS["ssh key"]}}
            )
            place.deploy(task("booking", "only"))
            place.deploy(task("recorded", "only", durable="record", call="post"))
            place.deploy(
                "TASK reading\n  DEADLINE 10s\n  DURABLE journal\n  ACTION read\n    TYPE connector_call\n"
                "    CONNECTOR ledger\n    FUNCTION level\n    OUTPUT found\n  RETURN found\n"
            )
            yield place, stub, folder


def test_acceptance_53_no_secret_in_any_answer_log_trace_export_or_dump(telltale):
    place, stub, folder = telltale
    answers: dict[str, bytes] = {}
    events = {"Accept": "text/event-stream"}

    def ask(method: str, path: str, body: object = None, **headers: str) -> bytes:
        reply = place.http.request(method, path, json=body, headers=headers) if body is not None else (
            place.http.request(method, path, headers=headers)
        )  # fmt: skip
        answers[f"{method} {path} {len(answers)}"] = reply.content + repr(list(reply.headers.items())).encode()
        assert reply.status_code < 500 or reply.json()["code"] != "internal", reply.text
        return reply.content

    redacted = 0
    for name, echo in ECHOES.items():
        stub.echo = echo
        for kind in ("reading", "booking", "recorded"):
            run = json.loads(
                ask("POST", "/api/tasks/run", {"task": kind, "input": {} if kind == "reading" else {"order": "o"}})
            )
            assert run.get("execution_id"), (name, run)
            redacted += REDACTED in json.dumps(run)
            where = f"/api/executions/{run['execution_id']}"
            for path in (where, f"{where}/events", f"{where}/timeline"):
                ask("GET", path)
            ask("GET", f"{where}/events", **events)
            ask("POST", f"{where}/replay")
            if run["status"] != "success":
                ask("POST", f"{where}/retry", {})
        ask("POST", "/api/connectors/ledger/test")
    stub.echo = None
    assert redacted > len(ECHOES), "echoes did come back, with a mark in the place of the secret"
    lists = (
        "secrets", "connectors", "connectors/ledger", "tasks", "executions?limit=100", "executions?text=canary",
        "audit?limit=100",
        "audit/export", "stats", "notices", "profile", "keys", "catalog", "rules", "approvals", "proposals", "webhooks",
        "tasks/booking/ir", "tasks/booking/bytecode", "tasks/booking/graph", "tasks/booking/explain", "openapi.json",
    )  # fmt: skip
    for path in (*(f"/api/{each}" for each in lists), "/metrics", "/readyz", "/healthz"):
        ask("GET", path)
    leaked = [found for where, data in answers.items() for found in found_in(data, where)]
    assert not leaked, leaked[:10]
    place.audit_holds()
    assert not found_in(place.log().encode(), "the log")
    backup = folder / "kept.backup"
    made = subprocess.run(
        command("backup", str(backup)), env=environment({"EYEFLOW_URL": place.url, "EYEFLOW_KEY": place.key}), cwd=ROOT,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert made.returncode == 0 and backup.stat().st_size, made.stderr
    assert not found_in((made.stdout + made.stderr).encode(), "what `backup` says")
    dump = folder / "dump"
    dump.mkdir()
    backup.rename(dump / backup.name)
    with closing(sqlite3.connect(place.data / "eyeflow.db")) as file:
        (dump / "eyeflow.sql").write_text("\n".join(file.iterdump()), "utf-8")
    assert not found_under(dump)


def test_acceptance_52_secrets_are_encrypted_at_rest(telltale):
    """In the files of a server that runs, of one that was killed, and of one that ended well."""
    place, _, _ = telltale
    key = place.key.encode()
    assert not found_under(place.data)
    place.kill()
    assert not found_under(place.data)
    assert not [each for each in place.data.rglob("*") if each.is_file() and key in each.read_bytes()], "nor API keys"
    place.start()
    assert place.stop() == 0
    assert not found_under(place.data)
    for each in place.data.rglob("*"):
        assert each.stat().st_mode & 0o077 == 0, f"{each.name} is its owner's alone"
    place.start()


def test_acceptance_54_every_access_to_a_secret_is_on_record(telltale):
    place, stub, _ = telltale

    def reads() -> int:
        rows = place.get("/api/audit", params={"action": "secret.read", "limit": 100})["items"]
        return sum(each["object"].endswith("ledger") for each in rows)

    before = reads()
    runs = [place.run("booking", f"audited-{number}")["execution_id"] for number in range(3)]
    assert sum(stub.done[f"audited-{number}-only"] for number in range(3)) == 3
    assert reads() - before >= 3, "the service was given the token three times"
    rows = place.get("/api/audit", params={"action": "secret.read", "limit": 100})["items"]
    assert {each["detail"].get("execution") for each in rows} >= set(runs), "and each row says which run it was for"
    place.audit_holds()


def test_the_search_for_canaries_finds_them(tmp_path):
    """What the tests above rest on."""
    for name, secret in SECRETS.items():
        for number, spelled in enumerate(sorted(spellings(secret))):
            assert found_in(b"..." + spelled + b"...", "x") == [f"{name} in x"], number
        for lead in (b"", b"a", b"ab"):
            assert found_in(base64.b64encode(lead + secret.encode() + b"tail"), "x") == [f"{name} in x"], lead
    assert not found_in(b"canary", "x")


def test_acceptance_51_an_edited_program_is_refused_at_run_time(tmp_path):
    places: dict[str, Callable[[bytes], int]] = {
        "program": lambda data: data.index(b"edited_program"), "envelope": lambda data: len(data) * 2 // 3,
        "signature": lambda data: len(data) - 8,
    }  # fmt: skip
    with counting(tmp_path / "catalog") as (stub, env), house(tmp_path / "data", env=env) as place:
        place.connect()
        for name in (*places, "nothing"):
            place.deploy(task(f"edited_{name}", "only"))
        place.kill()
        with closing(sqlite3.connect(place.data / "eyeflow.db")) as file, file:
            for identity, data in file.execute("SELECT id, data FROM artifacts").fetchall():
                name = next((each for each in places if f"edited_{each}".encode() in data), None)
                if name is None:
                    continue
                at = places[name](data)
                changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
                assert file.execute("UPDATE artifacts SET data = ? WHERE id = ?", (changed, identity)).rowcount == 1
        place.start()
        for name in places:
            body = {"task": f"edited_{name}", "input": {"order": name}}
            reply = place.http.post("/api/tasks/run", json=body)
            assert reply.status_code == 409 and reply.json()["code"], (name, reply.text)
            reply = place.http.post("/api/tasks/run", json={**body, "wait": False})
            assert reply.status_code == 409, (name, reply.text)
        assert not stub.done, "nothing left"
        assert place.run("edited_nothing", "still")["status"] == "success"
