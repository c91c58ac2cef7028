"""One question to an OpenAI-compatible endpoint, bounded in time and size.

Knows: `POST {url}/chat/completions` with a JSON Schema. In: messages. Out: `Answer`.
Never: follows a redirect, uses a proxy of the environment, reads more than it was told to, tries again by itself.

Source: OpenAI API reference, chat completions, structured outputs; spoken by llama.cpp, vLLM, Ollama and most others.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final, Protocol

import aiohttp
import msgspec

from eyeflow.errors import EyeFlowError

MAX_BYTES: Final = 512 * 1024


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said, and what it counted. `cut`: it was stopped at the most tokens it may give."""

    text: str
    cut: bool = False
    tokens_in: int = 0
    tokens_out: int = 0


class Message(msgspec.Struct, frozen=True):
    """One turn: `system`, `user` or `assistant`."""

    role: str
    content: str


class Model(Protocol):
    """Something that can be asked."""

    def ask(self, messages: tuple[Message, ...], schema: dict[str, Any]) -> Answer:
        """An answer in the form of `schema`. Raises: EyeFlowError for everything that goes wrong."""
        ...


class _Said(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Said
    finish_reason: str | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...]
    usage: _Usage | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that speaks OpenAI's protocol; `timeout_s` covers one question, from connecting to the last byte."""

    url: str
    model: str
    key: str | None = None
    timeout_s: float = 30.0
    max_tokens: int = 1_500

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r}, {self.model!r})"  # never the key

    def ask(self, messages: tuple[Message, ...], schema: dict[str, Any]) -> Answer:
        """An answer in the form of `schema`.

        Raises: EyeFlowError `engine_timeout`, `engine_unreachable`, `engine_refused` (an HTTP status),
        `engine_answer` (too long, or not the protocol).
        """
        body = msgspec.json.encode(
            {
                "model": self.model,
                "messages": messages,
                "temperature": 0,
                "seed": 0,
                "max_tokens": self.max_tokens,
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "intent", "strict": False, "schema": schema},
                },
            }
        )
        return _read(in_own_loop(self._post, body))

    async def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        limit = aiohttp.ClientTimeout(total=self.timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, trust_env=False, auto_decompress=False) as session,
                session.post(
                    f"{self.url.rstrip('/')}/chat/completions", data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                if response.status != 200:
                    raise EyeFlowError("engine_refused", f"the model's endpoint answered {response.status}")
                return await _bounded(response)
        except TimeoutError as error:
            raise EyeFlowError("engine_timeout", f"the model did not answer in {self.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise EyeFlowError("engine_unreachable", f"the model cannot be asked: {type(error).__name__}") from error


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    held = bytearray()
    async for chunk in response.content.iter_chunked(16_384):
        held += chunk
        if len(held) > MAX_BYTES:
            raise EyeFlowError("engine_answer", f"the model's answer is longer than {MAX_BYTES} bytes")
    return bytes(held)


def _read(raw: bytes) -> Answer:
    try:
        said = msgspec.json.decode(raw, type=_Completion)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EyeFlowError("engine_answer", "the model's endpoint does not speak the protocol") from error
    if not said.choices:
        raise EyeFlowError("engine_answer", "the model answered nothing")
    usage = said.usage or _Usage()
    return Answer(
        text=said.choices[0].message.content or "",
        cut=said.choices[0].finish_reason == "length",
        tokens_in=max(usage.prompt_tokens, 0),
        tokens_out=max(usage.completion_tokens, 0),
    )


def in_own_loop(ask: Any, *args: Any) -> Any:
    """The result of a coroutine function, run in a thread of its own: callers may be inside a loop themselves."""
    held: list[Any] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            held.append(asyncio.run(ask(*args)))
        except BaseException as error:  # carried over to the caller's thread, whatever it is
            failed.append(error)

    thread = threading.Thread(target=work, name="eyeflow-engine", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return held[0]
