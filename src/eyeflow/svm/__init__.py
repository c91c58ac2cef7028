"""Layer 5, the semantic virtual machine: verified programs run, with no language model anywhere near.

machine.py     the public door          handle.py     one run from first event to outcome
load.py        seal, checks, stages     resolve.py    stage 7    preload.py  stage 8    link.py  closures
straighten.py straight.py  programs that only compute, without a scheduler    stamps.py  their ids and instants
run.py scope.py a run, its scheduler    performing.py one step: operation, TIMEOUT, FALLBACK, ON_ERROR
steps.py       one handler for each effect operation
loops.py       FOREACH    turns.py      calls.py      the one door of effects
batches.py     reads that go together   sending.py    one request: its turn, its time
limits.py      time, budgets            rates.py      cache.py   host.py     ports.py
journal.py     events                   replay.py     the record, for replay and resumption    past.py  time used
timeline.py    compared.py              outcome.py
virtualtime.py simulated time           wire.py       values as bytes        inputs.py  tasks.py
"""

from eyeflow.svm.context import ExecutionContext
from eyeflow.svm.executable import Executable
from eyeflow.svm.handle import RunHandle
from eyeflow.svm.host import ConnectorHost
from eyeflow.svm.journal import Event, Journal, MemoryJournal
from eyeflow.svm.machine import Machine
from eyeflow.svm.outcome import Execution, RunReport, Status
from eyeflow.svm.ports import Answer, MemoryLogger, MemoryPublisher, Ports, ScriptedApprover, Settled
from eyeflow.svm.tasks import LocalTasks
from eyeflow.svm.timeline import Timeline
from eyeflow.svm.virtualtime import VirtualClock, run_virtual

__all__ = [
    "Answer",
    "ConnectorHost",
    "Event",
    "Executable",
    "Execution",
    "ExecutionContext",
    "Journal",
    "LocalTasks",
    "Machine",
    "MemoryJournal",
    "MemoryLogger",
    "MemoryPublisher",
    "Ports",
    "RunHandle",
    "RunReport",
    "ScriptedApprover",
    "Settled",
    "Status",
    "Timeline",
    "VirtualClock",
    "run_virtual",
]
