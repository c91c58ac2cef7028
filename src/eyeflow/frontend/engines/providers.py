"""Any other provider, through `any-llm-sdk` (`eyeflow[llm]`).

Knows: how that library is asked for one answer in a form. In: messages. Out: `Answer`, as `endpoint` gives it.
Never: is used for an OpenAI-compatible endpoint (`endpoint` bounds size and takes no proxy); tries again by itself.

The library was chosen because it is one interface to the providers' own SDKs, typed, kept by Mozilla.ai, and small
beside the alternatives (litellm brings a proxy server, pydantic-ai an agent framework). It is streamed so that the
length of an answer can be held to the same bound.
"""

from __future__ import annotations

import asyncio
from inspect import iscoroutinefunction
from typing import Any

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.frontend.engines.endpoint import MAX_BYTES, Answer, Message, in_own_loop
from eyeflow.frontend.engines.optional import load


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider by the name `any-llm-sdk` has for it (`anthropic`, `mistral`, `gemini`, `ollama`, ...)."""

    provider: str
    model: str
    key: str | None = None
    url: str | None = None
    timeout_s: float = 30.0
    max_tokens: int = 1_500

    def __repr__(self) -> str:
        return f"Provider({self.provider!r}, {self.model!r})"  # never the key

    def ask(self, messages: tuple[Message, ...], schema: dict[str, Any]) -> Answer:
        """An answer in the form of `schema`.

        Raises: EyeFlowError `missing_extra`, `engine_timeout`, `engine_refused`, `engine_answer`.
        """
        library = load("any_llm", "llm")
        try:
            answer = in_own_loop(self._ask, library, messages, schema)
        except TimeoutError as error:
            raise EyeFlowError("engine_timeout", f"the model did not answer in {self.timeout_s:g} s") from error
        except EyeFlowError:
            raise
        except Exception as error:  # every provider's SDK has errors of its own
            said = f"{self.provider} cannot be asked: {type(error).__name__}"
            raise EyeFlowError("engine_refused", said) from error
        assert isinstance(answer, Answer)
        return answer

    async def _ask(self, library: Any, messages: tuple[Message, ...], schema: dict[str, Any]) -> Answer:
        async with asyncio.timeout(self.timeout_s):
            made = library.AnyLLM.create(self.provider, api_key=self.key, api_base=self.url)
            try:
                stream = await made.acompletion(
                    model=self.model, stream=True, temperature=0, max_tokens=self.max_tokens,
                    messages=[msgspec.to_builtins(m) for m in messages],
                    response_format={
                        "type": "json_schema",
                        "json_schema": {"name": "intent", "strict": False, "schema": schema},
                    },
                )  # fmt: skip
                return await _gathered(stream)
            finally:
                close = getattr(getattr(made, "client", None), "close", None)
                if close is not None and iscoroutinefunction(close):
                    await close()


async def _gathered(stream: Any) -> Answer:
    text, tokens_in, tokens_out, cut = "", 0, 0, False
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            text += chunk.choices[0].delta.content
        if chunk.choices:
            cut = cut or chunk.choices[0].finish_reason == "length"
        if len(text) > MAX_BYTES:
            raise EyeFlowError("engine_answer", f"the model's answer is longer than {MAX_BYTES} bytes")
        if chunk.usage is not None:
            tokens_in, tokens_out = chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0
    return Answer(text=text, cut=cut, tokens_in=tokens_in, tokens_out=tokens_out)
