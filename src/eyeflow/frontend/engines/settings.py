"""`[engine]` of `eyeflow.toml`: which engine helps the rules, and where its model is.

Knows: the section's keys and the variables `EYEFLOW_LLM_URL`, `EYEFLOW_LLM_MODEL`, `EYEFLOW_LLM_KEY` that stand in
for them. In: the file's text and the environment. Out: `EngineSettings`, `make`.
Never: turns an engine on by itself, takes a key as a value (`env:NAME` only), asks a model.

    [engine]
    use = "llm"                     # rules (nothing else), semantic, local, llm
    provider = "openai"             # any OpenAI-compatible endpoint; another name goes through eyeflow[llm]
    url = "http://127.0.0.1:8080/v1"
    model = "a-model"
    key = "env:EYEFLOW_LLM_KEY"
    timeout_s = 30
    price_in = 0.15                 # a million tokens, in your currency
    price_out = 0.60
    semantic = false                # static embeddings as a further source of candidates
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.frontend.engines.proposal import Engine

if TYPE_CHECKING:
    from eyeflow.frontend.engines.semantic import Semantic

_REFERENCE: Final = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)\Z")
_LOCAL_HOSTS: Final = ("127.0.0.1", "::1", "localhost")


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section as written; `key` is a reference, never a value."""

    use: Literal["rules", "semantic", "local", "llm"] = "rules"
    provider: str = "openai"
    url: str | None = None
    model: str | None = None
    key: str | None = None
    timeout_s: float = 30.0
    max_tokens: int = 1_500
    price_in: float | None = None
    price_out: float | None = None
    semantic: bool = False


def read_engine(text: str, environ: Mapping[str, str], source: str = "eyeflow.toml") -> EngineSettings:
    """The engine settings of a settings file's text, completed from the environment.

    Raises: EyeFlowError `bad_engine` for a key or value that does not fit.
    """
    try:
        section = tomllib.loads(text).get("engine", {})
        held = msgspec.convert(section, EngineSettings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError, ValueError) as error:
        raise EyeFlowError("bad_engine", f"{source}: [engine] does not fit: {str(error)[:200]}") from error
    if held.key is not None and not _REFERENCE.match(held.key):
        raise EyeFlowError("bad_engine", f"{source}: engine.key is no reference", hint='write "env:NAME"')
    if not 0 < held.timeout_s <= 600 or not 0 < held.max_tokens <= 100_000:
        raise EyeFlowError("bad_engine", f"{source}: engine.timeout_s is 0 to 600, max_tokens at most 100000")
    key = held.key or ("env:EYEFLOW_LLM_KEY" if environ.get("EYEFLOW_LLM_KEY") else None)
    return msgspec.structs.replace(
        held,
        url=held.url or environ.get("EYEFLOW_LLM_URL") or None,
        model=held.model or environ.get("EYEFLOW_LLM_MODEL") or None,
        key=key,
    )


def make(
    settings: EngineSettings, environ: Mapping[str, str], *, use: str | None = None, folder: Path | None = None
) -> Engine | None:
    """The engine these settings ask for, or None for the rules alone. `use` overrides; `folder` keeps answers.

    Raises: EyeFlowError `bad_engine` when something is missing, `missing_extra` when a package is.
    """
    wanted = use or settings.use
    if wanted == "rules":
        return None
    source = None
    if settings.semantic:
        from eyeflow.frontend.engines.semantic import Semantic  # noqa: PLC0415 - loads a model

        source = Semantic()
    if wanted == "local":
        from eyeflow.frontend.engines.local import LocalEngine  # noqa: PLC0415 - loads a model

        return LocalEngine(source=source, votes=_votes(source), folder=folder)
    if wanted == "semantic":
        from eyeflow.frontend.engines.semantic import SemanticEngine  # noqa: PLC0415 - loads a model

        return SemanticEngine(source)
    if wanted != "llm":
        raise EyeFlowError("bad_engine", f"there is no engine {wanted[:40]}", hint="rules, semantic, local or llm")
    from eyeflow.frontend.engines.endpoint import Endpoint  # noqa: PLC0415 - the network, only when wanted
    from eyeflow.frontend.engines.llm import LlmEngine, Prices  # noqa: PLC0415
    from eyeflow.frontend.engines.providers import Provider  # noqa: PLC0415

    if settings.model is None:
        raise EyeFlowError("bad_engine", "the engine has no model", hint="set engine.model, or EYEFLOW_LLM_MODEL")
    key = _key(settings, environ)
    model: Endpoint | Provider
    if settings.provider == "openai" and settings.url is not None:
        model = Endpoint(
            url=_url(settings.url, key), model=settings.model, key=key, timeout_s=settings.timeout_s,
            max_tokens=settings.max_tokens,
        )  # fmt: skip
    else:
        model = Provider(
            provider=settings.provider, model=settings.model, key=key, timeout_s=settings.timeout_s,
            url=_url(settings.url, key) if settings.url is not None else None, max_tokens=settings.max_tokens,
        )  # fmt: skip
    prices = None
    if settings.price_in is not None and settings.price_out is not None:
        prices = Prices(settings.price_in, settings.price_out)
    label = f"{settings.provider} {settings.url or ''} {settings.model}"
    return LlmEngine(model, " ".join(label.split()), folder=folder, prices=prices, source=source, votes=_votes(source))


def _votes(source: Semantic | None) -> Semantic | None:
    """Embeddings beside the local model, whenever they are installed: without them it completes less."""
    from eyeflow.frontend.engines.semantic import Semantic  # noqa: PLC0415 - loads a model

    try:
        return source or Semantic()
    except EyeFlowError:
        return None


def _key(settings: EngineSettings, environ: Mapping[str, str]) -> str | None:
    if settings.key is None:
        return None
    name = settings.key.removeprefix("env:")
    value = environ.get(name)
    if not value:
        raise EyeFlowError("bad_engine", f"the engine's key is to be in {name}, which is not set")
    return value


def _url(url: str, key: str | None) -> str:
    """The address. A key is never sent in the clear to another machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https") or parts.username or parts.password:
        raise EyeFlowError("bad_engine", "engine.url is no http(s) address", hint="https://host/v1")
    if key is not None and parts.scheme == "http" and host not in _LOCAL_HOSTS:
        raise EyeFlowError("bad_engine", "engine.url is not encrypted, and there is a key to send", hint="use https")
    return url
