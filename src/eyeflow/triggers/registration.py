"""From the triggers of a program to the rows that make it start by itself.

Knows: which row each kind of trigger becomes, what a redeploy keeps, what cannot be registered here. In: a program,
the catalog, the connections, the rows of the version before. Out: operations for the unit of the deploy, all or none.
Never: writes rows, starts anything.

What stays over a redeploy: a schedule with the same rule keeps its id, its ticks and the instant it waits for; a
webhook with the same path its id and secret; a poll of the same event with the same parameters its cursor; a webhook
that a person added. Everything else of the version before goes with the same unit.

An event that the catalog offers in several ways is taken by webhook when this server has a public address and the
signing secret of the connection is known (somebody has set the webhook up at the provider); else by polling, which
needs nothing; else by webhook, with a note of what to set up.

Rows come out live; whoever deploys to a paused task pauses them again. Resuming a task registers it anew, and nothing
that would have started it meanwhile is made up for: a schedule that was paused goes on with the next instant, a poll
sets a new baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.catalog.model import Catalog, Connection
from eyeflow.errors import EyeFlowError
from eyeflow.ir.program import Program
from eyeflow.ir.task import Event, Once, Schedule, Topic, Webhook
from eyeflow.ports import Ids
from eyeflow.store.port import Op, Store, StoreError, Update, Where
from eyeflow.store.records import PollRecord, ScheduleRecord, SubscriptionRecord, TaskRecord, WebhookRecord
from eyeflow.triggers.drafting import Draft, Former, Keeper, Made, Note, responds
from eyeflow.triggers.port import ADDED, Problem, TriggerError
from eyeflow.triggers.provider_events import EventRows, Lookup
from eyeflow.triggers.timing import next_after, spell


class Registrations(msgspec.Struct, frozen=True, kw_only=True):
    """`ops` replace all registrations of the task; `made` are shown once, to whoever deploys."""

    ops: tuple[Op, ...] = ()
    notes: tuple[Note, ...] = ()
    made: tuple[Made, ...] = ()


class Registrar:
    """Makes registrations. `lookup` reads through a connection (the engine's `ask`); `public_url` is this server's
    address on the internet, None when it has none."""

    def __init__(
        self, store: Store, *, ids: Ids, keeper: Keeper, lookup: Lookup, public_url: str | None = None
    ) -> None:
        self._store = store
        self._ids = ids
        self._keeper = keeper
        self._public_url = None if public_url is None else public_url.rstrip("/")
        self._events = EventRows(keeper, lookup, self._public_url)

    async def plan(
        self, task_id: str, version: int, program: Program, *, catalog: Catalog, connections: Sequence[Connection],
        created_by: str, now_ms: int, practice: bool = False,
    ) -> Registrations:  # fmt: skip
        """All that a deploy of `program` as this version registers; what has to be looked up for it is looked up at
        practice services when it is for practice. New signing secrets are in the vault when it returns.

        Raises: TriggerError with all `problems`; StoreError.
        """
        draft = Draft(
            task_id=task_id, version=version, program=program, former=await self._former(task_id), ids=self._ids,
            created_by=created_by, now_ms=now_ms, practice=practice,
        )  # fmt: skip
        problems: list[Problem] = []
        errors: list[EyeFlowError] = []
        for number, trigger in enumerate(program.triggers):
            try:
                match trigger.spec:
                    case Schedule() | Once():
                        _schedule(draft, number, trigger.spec)
                    case Webhook():
                        await self._webhook(draft, number, trigger.spec)
                    case Topic():
                        draft.subscribe(number, trigger.spec.name)
                    case Event():
                        await self._events.add(draft, number, trigger, catalog, connections)
            except StoreError:
                raise
            except EyeFlowError as error:
                problems.append(Problem(error.code, f"trigger {number + 1}", error.message))
                errors.append(error)
        if errors:
            first = errors[0]
            status = first.status if isinstance(first, TriggerError) else 422
            message = f"{problems[0].place} cannot be registered: {first.message}"
            raise TriggerError(first.code, message, hint=first.hint, status=status, problems=tuple(problems))
        for made in draft.made:
            await self._keeper.keep(made.name, made.secret)
        return Registrations(ops=(*draft.ops(), _added(draft)), notes=tuple(draft.notes), made=tuple(draft.made))

    async def _webhook(self, draft: Draft, number: int, spec: Webhook) -> None:
        await self._must_be_free(draft, spec)
        scheme = "unsigned" if spec.unsigned else "standard"
        fields, answers = msgspec.json.encode(spec.fields), responds(draft.program)
        if self._public_url is None:
            message = f"/hooks{spec.path} can be reached from this machine or network only"
            draft.notes.append(Note(code="not_reachable", message=message, hint="set `server.public_url`"))
        kept = next((r for r in draft.former.webhooks if (r.path, r.method) == (spec.path, spec.method)), None)
        identity = draft.ids.new("hook") if kept is None else kept.id
        secret = None
        if not spec.unsigned:
            secret = kept.secret if kept is not None else None
            secret = secret or draft.make(f"webhook_{identity}", f"/hooks{spec.path}")
        if kept is not None:
            draft.keep(kept, number, scheme=scheme, secret=secret, fields=fields, answers=answers)
            return
        draft.add(
            WebhookRecord(
                id=identity, task_id=draft.task_id, version=draft.version, trigger=number, path=spec.path,
                method=spec.method, scheme=scheme, secret=secret, fields=fields, answers=answers,
                created_by=draft.created_by, created_ms=draft.now_ms,
            )
        )  # fmt: skip

    async def _must_be_free(self, draft: Draft, spec: Webhook) -> None:
        """Raises: TriggerError `path_taken`. Two deploys at once are parted by the store's unique index."""
        same = (Where("path", "=", spec.path), Where("method", "=", spec.method))
        taken = await self._store.find(WebhookRecord, *same, limit=1)
        if taken and (taken[0].task_id != draft.task_id or taken[0].trigger == ADDED):
            owner = await self._store.get(TaskRecord, taken[0].task_id)
            message = f"{spec.method} {spec.path} belongs to {owner.name if owner else 'another task'}"
            raise TriggerError("path_taken", message, hint="choose another path", status=409)

    async def _former(self, task_id: str) -> Former:
        mine = Where("task_id", "=", task_id)
        return Former(
            schedules=tuple(await self._store.find(ScheduleRecord, mine)),
            webhooks=tuple(await self._store.find(WebhookRecord, mine, Where("trigger", "!=", ADDED))),
            polls=tuple(await self._store.find(PollRecord, mine)),
            subscriptions=tuple(await self._store.find(SubscriptionRecord, mine)),
        )


def _added(draft: Draft) -> Op:
    """Webhooks that people added to the task are of this version now, and live as its others are."""
    own = (Where("task_id", "=", draft.task_id), Where("trigger", "=", ADDED))
    values = (("version", draft.version), ("state", "live"), ("answers", responds(draft.program)))
    return Update(WebhookRecord, values, own)


def _schedule(draft: Draft, number: int, spec: Schedule | Once) -> None:
    overlap = spec.overlap or "skip" if isinstance(spec, Schedule) else "skip"
    stored, missed = spell(spec), spec.missed or "run_once"
    following = next_after(stored, draft.now_ms)
    for row in draft.former.schedules:
        if draft.kept(row) or _rule(row.spec) != _rule(stored):
            continue
        if row.state != "live":
            draft.keep(
                row, number, spec=stored, missed=missed, overlap=overlap, next_ms=following, last_ms=draft.now_ms
            )
        elif _timing(row.spec) != _timing(stored):
            draft.keep(row, number, spec=stored, missed=missed, overlap=overlap, next_ms=following)
        else:  # the instant it waits for may be due at this very moment
            draft.keep(row, number, spec=stored, missed=missed, overlap=overlap)
        return
    draft.add(
        ScheduleRecord(
            id=draft.ids.new("sched"), task_id=draft.task_id, version=draft.version, trigger=number, spec=stored,
            missed=missed, overlap=overlap, next_ms=following,
        )
    )  # fmt: skip


def _timing(spec: bytes) -> bytes:
    """When a stored schedule fires, without what becomes of ticks that are late or meet a run."""
    read = msgspec.json.decode(spec, type=Schedule | Once)
    bare = {"missed": None} if isinstance(read, Once) else {"missed": None, "overlap": None}
    return spell(msgspec.structs.replace(read, **bare))


def _rule(spec: bytes) -> bytes:
    """The same, without the day of compiling from which intervals count."""
    read = msgspec.json.decode(_timing(spec), type=Schedule | Once)
    return spell(read if isinstance(read, Once) else msgspec.structs.replace(read, anchor=None))
