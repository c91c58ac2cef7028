"""Every exception EyeFlow raises on purpose.

    EyeFlowError
    ├── CompileError            a text, Task or catalog cannot become a program (carries the Report)
    │   └── CatalogError        a service file or connection is not as the format says
    ├── LoadError               an artifact may not run: bad_magic, bad_version, bad_digest, untrusted_signer,
    │                           revoked, catalog_drift, practice_artifact, invalid_program, unknown_connector
    ├── RunError                a run could not be carried on: deadline, loop_limit, missing_field, type_mismatch,
    │                           output_limit, operation_limit, cancelled, evaluation
    └── CallError               a connector call did not succeed (kind: transient | permanent | denied | uncertain)
        └── EgressDenied        the guard refused the address before connecting

Knows: names and fields of errors. In: nothing. Out: exceptions with `code`, `message`, `hint`.
Never: an exception for a bug: those are assertions and crash.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from eyeflow.diagnostics import Report

CallKind: TypeAlias = Literal["transient", "permanent", "denied", "uncertain"]


class EyeFlowError(Exception):
    """The root: `code` is stable and documented, `message` is for people, `hint` is a way out."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class CompileError(EyeFlowError):
    """Raised once, at the edge, when a report has errors; `report` has them all."""

    def __init__(self, code: str, message: str, report: Report, *, hint: str = "") -> None:
        super().__init__(code, message, hint=hint)
        self.report = report


class CatalogError(CompileError):
    """A catalog folder, service file or `eyeflow.toml` that does not load."""


class LoadError(EyeFlowError):
    """The loader refuses an artifact; nothing of it has run."""


class RunError(EyeFlowError):
    """A run cannot go on by the rules of the machine."""


class CallError(EyeFlowError):
    """A call failed. `kind` says what is known of its effect.

    `transient`: surely not done, may be tried again. `permanent`: surely not done, will not be.
    `denied`: not allowed. `uncertain`: sent, and nobody knows. `retry_after_ms`: what the service asked for.
    """

    def __init__(
        self, kind: CallKind, code: str, message: str, *, hint: str = "", retry_after_ms: int | None = None
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.kind: CallKind = kind
        self.retry_after_ms = retry_after_ms


class EgressDenied(CallError):  # noqa: N818 - named as its code is
    """The egress guard refused a host, scheme, port or address; nothing was sent."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__("denied", "egress_denied", message, hint=hint)
