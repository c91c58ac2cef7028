"""A checked expression on its own, as a plain function: what catalog entries say about `status`, `body`, `params`.

Knows: how to lower one expression and run it by itself. In: a checked expression, the names it may use.
Out: a function of their values. Never: reads clocks: NOW and UUID are refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from eyeflow.errors import RunError
from eyeflow.ir.codegen.expressions import block
from eyeflow.ir.codegen.names import Name, Names
from eyeflow.ir.codegen.pools import Pools
from eyeflow.ir.evaluate.blocks import closure
from eyeflow.ir.evaluate.frame import Frame, Meter
from eyeflow.ir.expr import Expr
from eyeflow.ir.program import Limits, Program
from eyeflow.values import JSON, NULL, Type, Value

OPERATIONS: Final = 10_000_000
"""What one evaluation may spend."""


def expression_closure(
    expr: Expr, names: tuple[str, ...], zone: ZoneInfo, types: Mapping[str, Type] | None = None
) -> Callable[..., Value]:
    """`expr` as a function of the values of `names`, in that order.

    `expr` is what `check_expression` returned for names of these `types` (json when not given). The function raises
    RunError: `missing_field`, `type_mismatch`, `evaluation`, `output_limit`, `operation_limit`.
    """
    pools = Pools(zone)
    known = {name: Name(pools.register(), (types or {}).get(name, JSON)) for name in names}
    index = block(pools, Names(known), expr)
    size = pools.registers
    code = closure(_alone(pools), index)
    first = min((name.register for name in known.values()), default=0)
    last = first + len(names)

    def run(*values: Value) -> Value:
        frame = Frame.of(size, Meter(OPERATIONS, _refuse))
        frame[first:last] = values
        return code(frame)

    return run


def _alone(pools: Pools) -> Program:
    """A program that is nothing but its blocks."""
    return Program(
        task="formula",
        zone=pools.zone.key,
        durable="record",
        constants=tuple(pools.constants),
        types=tuple(pools.types),
        blocks=tuple(pools.blocks),
        root=-1,
        registers=pools.registers,
        limits=Limits(deadline_ms=1, expires_ms=1, operations=OPERATIONS, calls=0, memory_bytes=0),
        output_type=NULL,
    )


def _refuse(name: str) -> Value:
    raise RunError("evaluation", f"{name} cannot be used in a catalog expression")
