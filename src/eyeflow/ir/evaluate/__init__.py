"""The pure half of the machine: blocks as closures over a frame of registers.

Knows: what every pure operation does. In: validated programs, or checked expressions. Out: `Code`, which takes a
`Frame` and gives a value. Never: does an effect, reads a clock, uses the builtins that run text as code.

    frame.py        registers and the budget
    conform.py      data as its declared type
    scalars.py      dates, numbers, bytes in data
    piece.py        a part of a block
    operations.py   every pure row of the opcode table
    calls.py        functions: null rules, budgets
    blocks.py       straight-line code into closures
    formula.py      a checked expression of the catalog as a plain function
"""

from eyeflow.ir.evaluate.blocks import Blocks, closure
from eyeflow.ir.evaluate.conform import expecter, reader
from eyeflow.ir.evaluate.formula import expression_closure
from eyeflow.ir.evaluate.frame import Code, Frame, Meter

__all__ = ["Blocks", "Code", "Frame", "Meter", "closure", "expecter", "expression_closure", "reader"]
