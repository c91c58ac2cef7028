"""OpenTelemetry traces of requests: off unless a collector is configured, and then the extra is needed.

Knows: how spans are named and sent. In: `[telemetry]`. Out: `Tracer`. Never: imported when nothing is configured,
puts a body, a query or a key into a span.

Source: W3C Trace Context; OpenTelemetry semantic conventions for HTTP 1.23.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from eyeflow.server.exchange import Request
from eyeflow.server.settings import SettingsError, Telemetry


class Span(Protocol):
    """One request being answered."""

    def __enter__(self) -> Span: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def answered(self, status: int) -> None:
        """The request has its answer."""
        ...


class Tracer(Protocol):
    """Opens spans, and sends what is left of them at the end."""

    def span(self, request: Request, route: str) -> Span:
        """The span of a request to a route."""
        ...

    def close(self) -> None:
        """Send what has not been sent."""
        ...


def tracer(settings: Telemetry) -> Tracer | None:
    """A tracer that sends to the configured collector; None when there is none. Raises: SettingsError."""
    if not settings.otlp_url:
        return None
    try:
        return _Otlp(settings)
    except ImportError:
        raise SettingsError(
            "needs_setting", "telemetry.otlp_url is set and OpenTelemetry is not installed",
            hint="install it: pip install 'eyeflow[otel]'",
        ) from None  # fmt: skip


class _Otlp:
    def __init__(self, settings: Telemetry) -> None:
        from opentelemetry import propagate  # noqa: PLC0415 - an extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

        headers = dict(pair.split("=", 1) for pair in settings.otlp_headers.split(",") if "=" in pair)
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "eyeflow"}),
            sampler=ParentBased(TraceIdRatioBased(settings.sample)),
        )
        exporter = OTLPSpanExporter(endpoint=settings.otlp_url, headers=headers)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("eyeflow.server")
        self._extract: Callable[[dict[str, str]], Any] = propagate.extract

    def span(self, request: Request, route: str) -> Span:
        carrier = {"traceparent": request.header(b"traceparent")} if b"traceparent" in request.headers else {}
        return _OtlpSpan(self._tracer, self._extract(carrier), request.method, route)

    def close(self) -> None:
        self._provider.shutdown()


class _OtlpSpan:
    def __init__(self, maker: Any, context: Any, method: str, route: str) -> None:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        self._manager = maker.start_as_current_span(
            f"{method} {route}", context=context, kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "http.route": route}, record_exception=False,
        )  # fmt: skip
        self._span: Any = None

    def __enter__(self) -> _OtlpSpan:
        self._span = self._manager.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._manager.__exit__(kind, error, trace)

    def answered(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
