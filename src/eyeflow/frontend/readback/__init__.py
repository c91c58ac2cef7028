"""Stage 7: any program said back in plain English, whoever wrote it.

Knows: a sentence for every trigger and every kind of action. In: a checked Task and the context.
Out: `Readback`. Never: leaves out an effect, a condition or a default.
"""

from eyeflow.frontend.readback.assumed import ASSUMED_CODES, assumptions
from eyeflow.frontend.readback.steps import BODIES
from eyeflow.frontend.readback.tasks import Readback, read_back
from eyeflow.frontend.readback.triggers import TRIGGERS

__all__ = ["ASSUMED_CODES", "BODIES", "TRIGGERS", "Readback", "assumptions", "read_back"]
