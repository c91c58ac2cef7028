"""The functions of LLM-IR: one table, its signatures and its implementations.

Knows: what `table` lists. In: values. Out: values. Never: reads clocks, zones of the machine, locales.

    row.py               what a row is, bounds, errors
    table.py             THE table
    signature.py         types: comparison, arithmetic, dates
    signature_lists.py   types: lists, maps, objects
    order.py             equality, order, logic, patterns
    numbers.py text.py lists.py times.py
"""

from eyeflow.ir.functions.row import Function, Mismatch, Signed
from eyeflow.ir.functions.table import BY_NUMBER, FUNCTIONS, TABLE, binds

__all__ = ["BY_NUMBER", "FUNCTIONS", "TABLE", "Function", "Mismatch", "Signed", "binds"]
