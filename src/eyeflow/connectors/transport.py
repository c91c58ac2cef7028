"""The `HttpTransport` port: one request out, one bounded response back, or a `CallError` that says what is known.

Knows: what a request and a response are, and how failures without a response are classified.
In: `HttpRequest`. Out: `HttpResponse` for any HTTP answer at all, whatever its status. Never: reads bodies as
anything but bytes, retries, keeps cookies, looks at proxy variables.

`ScriptedTransport` is the shipped fake: a user's tests give it answers and read what was sent; it asks the same guard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec

from eyeflow.connectors.guard import Guard, Rules
from eyeflow.connectors.url import Url, join_url, parse_url
from eyeflow.errors import CallError, EgressDenied

MAX_RESPONSE_BYTES: Final = 10 * 1024 * 1024
MAX_REDIRECTS: Final = 3
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

Headers = tuple[tuple[str, str], ...]
RawHeaders = list[tuple[bytes, bytes]]


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `credential` are the headers that hold a secret: they go to the first origin only.

    `safe` is False for a write: then a lost answer is `uncertain`, and only a redirect that cannot repeat the write
    is followed. A `url` that was read already is not read again; it is judged all the same. Times in milliseconds.
    """

    method: str
    url: str | Url
    rules: Rules
    headers: Headers = ()
    credential: Headers = ()
    body: bytes | None = None
    safe: bool = True
    confidential: bool = False
    timeout_ms: int = 10_000
    connect_timeout_ms: int = 3_000
    max_bytes: int = MAX_RESPONSE_BYTES


class HttpResponse:
    """An answer: `body` decompressed. `practice` marks an answer of a practice service; `url` is where it came from
    after redirects. Headers stay as they came until somebody looks at them, which most calls do at one of many: so
    this is no struct. `raw` are headers as bytes, in the place of `headers`.
    """

    __slots__ = ("_headers", "_raw", "_url", "body", "practice", "status")

    def __init__(
        self,
        *,
        status: int,
        headers: Headers = (),
        body: bytes = b"",
        url: str | Url = "",
        practice: bool = False,
        raw: RawHeaders | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.practice = practice
        self._headers = headers if raw is None else None
        self._raw = raw
        self._url = url

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {len(self.body)} bytes)"

    @property
    def url(self) -> str:
        """Where the answer came from."""
        return str(self._url)

    @property
    def headers(self) -> Headers:
        """Names in lower case, and values, in the order they came."""
        if self._headers is None:
            self._headers = tuple([
                (name.decode("latin-1").lower(), value.decode("utf-8", "replace").strip())
                for name, value in self._raw or ()
            ])  # fmt: skip
        return self._headers

    @property
    def said(self) -> bytes:
        """All that the answer says, in one piece."""
        if self._raw is not None:
            values = [value for _, value in self._raw]
        else:
            values = [value.encode("utf-8", "surrogatepass") for _, value in self.headers]
        return b"\n".join([*values, self.body])

    def header(self, name: str) -> str | None:
        """The first header called `name` (lower case), or None."""
        if self._headers is None:
            wanted = name.encode("latin-1")
            for raw, value in self._raw or ():
                if len(raw) == len(wanted) and raw.lower() == wanted:
                    return value.decode("utf-8", "replace").strip()
            return None
        for known, text in self._headers:
            if known == name:
                return text
        return None


class HttpTransport(Protocol):
    """Sends requests of one connection. Every implementation passes the same guard suite."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once. Raises: EgressDenied before connecting; CallError when no answer came."""
        ...

    async def warm(self, url: str, rules: Rules) -> None:
        """Connect to the origin of `url` and keep the connection for the next `send`. Raises: as `send`."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


def unsent(code: str, message: str) -> CallError:
    """Nothing left the machine: surely not done."""
    return CallError("transient", code, message)


def unanswered(code: str, message: str, *, safe: bool) -> CallError:
    """Sent, no answer: a read may simply be tried again, nobody knows about a write."""
    return CallError("transient" if safe else "uncertain", code, message)


def redirected(request: HttpRequest, response: HttpResponse, guard: Guard, hops: int) -> HttpRequest | None:
    """The request that follows a redirect, or None when `response` is the answer.

    GET and HEAD are followed; a 303 after a write fetches its result page; a 307 or 308 repeats a write at the same
    origin, where nothing was done yet. Anything else that would turn a write into something different is refused.
    Raises: EgressDenied when the place is not allowed, CallError (permanent) for too many or unfit redirects.
    """
    location = response.header("location")
    if response.status not in REDIRECTS or location is None:
        return None
    if hops >= MAX_REDIRECTS:
        raise CallError("permanent", "redirected", f"more than {MAX_REDIRECTS} redirects")
    here = request.url if isinstance(request.url, Url) else parse_url(request.url)
    there = join_url(here, location)
    if here.scheme == "https" and there.scheme != "https":
        raise EgressDenied(f"a redirect leads from https to {there.scheme}")
    same = here.origin == there.origin
    if request.method not in ("GET", "HEAD") and response.status != 303 and (response.status < 307 or not same):
        raise CallError("permanent", "redirected", f"{request.method} was redirected with {response.status}")
    try:
        guard.judge(there, request.rules, confidential=request.confidential)
    except EgressDenied as error:
        if request.safe:
            raise
        # The redirect itself may be the answer to a write that was done, so "denied, nothing was sent" would be wrong.
        raise CallError("uncertain", "redirected", f"the answer leads elsewhere: {error.message}") from error
    change = msgspec.structs.replace(request, url=there, credential=request.credential if same else ())
    if request.method in ("GET", "HEAD"):
        return change
    if response.status == 303:
        kept = tuple(pair for pair in change.headers if not pair[0].lower().startswith("content-"))
        return msgspec.structs.replace(change, method="GET", body=None, headers=kept)
    return change


Answer = HttpResponse | CallError | Callable[[HttpRequest], HttpResponse]


class ScriptedTransport:
    """Answers from a list, in order; the last one repeats. `sent` keeps every request that passed the guard, its URL
    as text."""

    def __init__(self, answers: Iterable[Answer] = (), *, guard: Guard | None = None) -> None:
        self._answers = deque(answers)
        self._guard = guard or Guard()
        self.sent: list[HttpRequest] = []
        self.warmed: list[str] = []
        self.closed = False

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The next answer. Raises: what the script says; EgressDenied as a real transport would."""
        hops = 0
        while True:
            self._guard.judge(request.url, request.rules, confidential=request.confidential)
            request = msgspec.structs.replace(request, url=str(request.url))
            self.sent.append(request)
            assert self._answers, "the script has no answer"
            answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
            if isinstance(answer, CallError):
                raise answer
            response = answer if isinstance(answer, HttpResponse) else answer(request)
            again = redirected(request, response, self._guard, hops)
            if again is None:
                return response
            request, hops = again, hops + 1

    async def warm(self, url: str, rules: Rules) -> None:
        """Remember that it was asked. Raises: EgressDenied."""
        self._guard.judge(url, rules)
        self.warmed.append(url)

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
