"""The machine with scripted answers and simulated time, and practice services.

scenario.py  cases as JSON spells them      simulate.py  one case      batch.py  many
request.py   a request compiled             events.py    what starts   fires.py  when next
people.py    approvers, callers             record.py    what happened result.py the result line
"""

from eyeflow.simulate.result import CallLine, Failure, Result, ScenarioResult
from eyeflow.simulate.scenario import Case, Scenario, read_case, read_scenarios
from eyeflow.simulate.simulate import simulate

__all__ = [
    "CallLine",
    "Case",
    "Failure",
    "Result",
    "Scenario",
    "ScenarioResult",
    "read_case",
    "read_scenarios",
    "simulate",
]
