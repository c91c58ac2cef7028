"""EyeFlow: a sentence becomes a typed, checked, signed, deterministic program once, and runs for ever.

    import eyeflow

    made = eyeflow.compile("Send weather to Slack every morning at 9am", catalog=eyeflow.open_catalog())
    made.outcome, made.questions, made.intent, made.plan

    with eyeflow.Client() as client:  # a server: EYEFLOW_URL and EYEFLOW_KEY
        client.tasks.run("hello_world", {"name": "Alice"})

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eyeflow.catalog.load import load_catalog, load_documents, merge, open_catalog, parse_service
    from eyeflow.catalog.model import Catalog, CompileContext, Connection, Policy, Profile
    from eyeflow.catalog.registry import ServiceRegistry, ServiceRequest
    from eyeflow.catalog.settings import Settings, load_settings, parse_settings
    from eyeflow.client.aio import AsyncClient
    from eyeflow.client.calls import ApiError
    from eyeflow.client.sync import Client
    from eyeflow.compilation import Compilation
    from eyeflow.compilation import compile_text as compile
    from eyeflow.connectors.credentials import Credentials, EnvCredentials
    from eyeflow.connectors.port import Connector, ConnectorConfig, Credential
    from eyeflow.diagnostics import Diagnostic, Report, Severity
    from eyeflow.embedding import Rehearsal, live_machine, rehearse
    from eyeflow.errors import (
        CallError,
        CatalogError,
        CompileError,
        EgressDenied,
        EyeFlowError,
        LoadError,
        RunError,
    )
    from eyeflow.frontend.intent import Intent
    from eyeflow.ir.bytecode import read_artifact, write_artifact
    from eyeflow.ir.program import Artifact
    from eyeflow.ir.seal import SignerKey, SigningKey, local_key
    from eyeflow.simulate.practice import Practice
    from eyeflow.svm.context import ExecutionContext
    from eyeflow.svm.machine import Machine
    from eyeflow.svm.outcome import Execution

__version__: Final = "0.1.0"

_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "catalog.load": ("load_catalog", "load_documents", "merge", "open_catalog", "parse_service"),
    "catalog.model": ("Catalog", "CompileContext", "Connection", "Policy", "Profile"),
    "catalog.registry": ("ServiceRegistry", "ServiceRequest"),
    "catalog.settings": ("Settings", "load_settings", "parse_settings"),
    "client": ("ApiError", "AsyncClient", "Client"),
    "compilation": ("Compilation", "compile"),
    "connectors.credentials": ("Credentials", "EnvCredentials"),
    "connectors.port": ("Connector", "ConnectorConfig", "Credential"),
    "diagnostics": ("Diagnostic", "Report", "Severity"),
    "embedding": ("Rehearsal", "live_machine", "rehearse"),
    "errors": ("CallError", "CatalogError", "CompileError", "EgressDenied", "EyeFlowError", "LoadError", "RunError"),
    "frontend.intent": ("Intent",),
    "ir.bytecode": ("read_artifact", "write_artifact"),
    "ir.program": ("Artifact",),
    "ir.seal": ("SignerKey", "SigningKey", "local_key"),
    "simulate.practice": ("Practice",),
    "svm.context": ("ExecutionContext",),
    "svm.machine": ("Machine",),
    "svm.outcome": ("Execution",),
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names}
_ORIGINAL: Final = {"compile": "compile_text"}

__all__ = [
    "ApiError",
    "Artifact",
    "AsyncClient",
    "CallError",
    "Catalog",
    "CatalogError",
    "Client",
    "Compilation",
    "CompileContext",
    "CompileError",
    "Connection",
    "Connector",
    "ConnectorConfig",
    "Credential",
    "Credentials",
    "Diagnostic",
    "EgressDenied",
    "EnvCredentials",
    "Execution",
    "ExecutionContext",
    "EyeFlowError",
    "Intent",
    "LoadError",
    "Machine",
    "Policy",
    "Practice",
    "Profile",
    "Rehearsal",
    "Report",
    "RunError",
    "ServiceRegistry",
    "ServiceRequest",
    "Settings",
    "Severity",
    "SignerKey",
    "SigningKey",
    "__version__",
    "compile",
    "live_machine",
    "load_catalog",
    "load_documents",
    "load_settings",
    "local_key",
    "merge",
    "open_catalog",
    "parse_service",
    "parse_settings",
    "read_artifact",
    "rehearse",
    "write_artifact",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """The public name `name`, loaded now. Raises: AttributeError."""
        from importlib import import_module  # noqa: PLC0415 - only a first use pays for it

        module = _HOME.get(name)
        if module is None:
            raise AttributeError(f"module 'eyeflow' has no attribute {name!r}")
        value = getattr(import_module(f"eyeflow.{module}"), _ORIGINAL.get(name, name))
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOME})
