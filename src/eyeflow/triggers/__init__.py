"""What starts deployed tasks: schedules, webhooks, polls and topics, each turned into a durable run.

Knows: how something that happened becomes one request to run, written in one unit with what says that it happened.
In: the clock, deliveries, answers of services, events of the bus. Out: requests to the engine. Never: runs a program,
fires twice what happened once.

    registration      from a program's triggers to rows     (drafting, provider_events)
    scheduler         schedules                             (timing, ticking, stepback)
    webhooks          deliveries                            (addresses, bodies, deliveries, signatures)
    poller            polls                                 (polling, cursors)
    topics            events of the bus
    election, loop    jobs that one process does; sources: what the catalog says; port: what is needed of the engine
"""

from eyeflow.triggers.poller import Poller
from eyeflow.triggers.port import DidNotRun, TriggerError
from eyeflow.triggers.registration import Registrar, Registrations
from eyeflow.triggers.scheduler import Scheduler
from eyeflow.triggers.topics import Topics
from eyeflow.triggers.webhooks import Received, Webhooks

__all__ = [
    "DidNotRun",
    "Poller",
    "Received",
    "Registrar",
    "Registrations",
    "Scheduler",
    "Topics",
    "TriggerError",
    "Webhooks",
]
