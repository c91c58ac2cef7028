"""The two tasks as Node-RED flows, written out for one stub address.

In: the stub's address. Out: the JSON of `flows.json`. Never: anything but what its editor would save.
"""

from __future__ import annotations

from typing import Any

import msgspec

_TEXT = """
const temp = msg.payload.temp;
const text = temp > 75 ? `It's hot! ${temp}F` : temp < 50 ? `It's cold! ${temp}F` : `Normal weather! ${temp}F`;
msg.payload = {channel: "#general", text};
msg.headers = {authorization: "Bearer token", "content-type": "application/json"};
return msg;
"""
_GREETING = (
    'msg.payload = {status: "success", output: {greeting: "Hello " + msg.payload.name}}; msg.headers = {}; return msg;'
)
_DONE = 'msg.payload = {status: "success", output: msg.payload}; msg.headers = {}; return msg;'


def flows(stub: str) -> bytes:
    """Both flows."""
    nodes = [
        {"id": "tab", "type": "tab", "label": "bench"},
        _node("in1", "http in", ["greet"], url="/greet", method="post"),
        _node("greet", "function", ["out1"], func=_GREETING, outputs=1),
        _node("out1", "http response", [], statusCode=""),
        _node("in2", "http in", ["fetch"], url="/weather", method="post"),
        _node("fetch", "http request", ["say"], method="GET", ret="obj", url=f"{stub}/weather", persist=True),
        _node("say", "function", ["post"], func=_TEXT, outputs=1),
        _node("post", "http request", ["done"], method="POST", ret="obj", url=f"{stub}/slack", persist=True),
        _node("done", "function", ["out2"], func=_DONE, outputs=1),
        _node("out2", "http response", [], statusCode=""),
    ]
    return msgspec.json.encode(nodes)


def _node(name: str, kind: str, wires: list[str], **fields: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "z": "tab", "wires": [wires] if wires else [], **fields}


SETTINGS = (
    "module.exports = {flowFile: 'flows.json', logging: {console: {level: 'error'}}, httpAdminRoot: false,"
    " credentialSecret: false, uiHost: '127.0.0.1', httpStatic: undefined};\n"
)
