"""Every record that is stored, one frozen struct a table. `schema` makes the tables from these.

Knows: names, types and keys of stored fields. In: nothing. Out: structs of scalars, bytes and None.
Never: a value that needs decoding to be found again is a column; everything else is bytes its owner packs (and, for
what a run carries, encrypts with the run's own key).

    base.py  tasks.py  runs.py  starts.py  household.py  processes.py

Instants are integer milliseconds since 1970 in UTC (`_ms`). Every record belongs to a workspace.

After a change here run `python -m tools.first_migration`, until the first release; then each change is a migration.
"""

from __future__ import annotations

from eyeflow.store.records.base import WORKSPACE, Record
from eyeflow.store.records.household import (
    AuditRecord,
    ConnectionRecord,
    KeyRecord,
    NoticeRecord,
    ProfileRecord,
    SecretRecord,
)
from eyeflow.store.records.processes import LeaseRecord, OutboxRecord, ProcessRecord, SettingRecord
from eyeflow.store.records.runs import ApprovalRecord, ExecutionRecord, IdempotencyRecord, JournalRecord, WorkRecord
from eyeflow.store.records.starts import (
    DeliveryRecord,
    PollRecord,
    ScheduleRecord,
    SubscriptionRecord,
    TickRecord,
    WebhookRecord,
)
from eyeflow.store.records.tasks import (
    ArtifactRecord,
    DecisionRecord,
    ProposalRecord,
    TaskRecord,
    UseRecord,
    VersionRecord,
)

__all__ = [
    "RECORDS",
    "WORKSPACE",
    "ApprovalRecord",
    "ArtifactRecord",
    "AuditRecord",
    "ConnectionRecord",
    "DecisionRecord",
    "DeliveryRecord",
    "ExecutionRecord",
    "IdempotencyRecord",
    "JournalRecord",
    "KeyRecord",
    "LeaseRecord",
    "NoticeRecord",
    "OutboxRecord",
    "PollRecord",
    "ProcessRecord",
    "ProfileRecord",
    "ProposalRecord",
    "Record",
    "ScheduleRecord",
    "SecretRecord",
    "SettingRecord",
    "SubscriptionRecord",
    "TaskRecord",
    "TickRecord",
    "UseRecord",
    "VersionRecord",
    "WebhookRecord",
    "WorkRecord",
]

RECORDS: tuple[type[Record], ...] = (
    TaskRecord, VersionRecord, ArtifactRecord, ExecutionRecord, WorkRecord, JournalRecord, IdempotencyRecord,
    ScheduleRecord, TickRecord, WebhookRecord, DeliveryRecord, PollRecord, SubscriptionRecord, ConnectionRecord,
    SecretRecord, ProfileRecord, KeyRecord, ProposalRecord, UseRecord, DecisionRecord, ApprovalRecord, AuditRecord,
    OutboxRecord, NoticeRecord, ProcessRecord, LeaseRecord, SettingRecord,
)  # fmt: skip
