"""What happened, told to others: CloudEvents, and the bus that carries them."""

from eyeflow.events.bus import EventBus, Handler, InProcessBus, Subscription
from eyeflow.events.cloudevent import CloudEvent, cloud_event, decode, encode

__all__ = ["CloudEvent", "EventBus", "Handler", "InProcessBus", "Subscription", "cloud_event", "decode", "encode"]
