"""What makes a program one that a machine may load. This text is the specification; every finding is an error.

Shape
    too_large           more than 100,000 registers, 50,000 blocks, 20,000 scopes, or types nested too deep
    bad_type            a type names a scalar or unit nobody knows, puts a unit where none can be, doubles `?`, names a
                        field twice, or has a pattern that is not RE2
    bad_name            the task's name, or a step's, is empty, over 200 characters, or has a character that is not
                        printable; step names are unique in their scope, input names in the program
    bad_zone            the zone is not an IANA zone
    index_range         an index points outside its pool; -1 only where the table says "or -1 for none"
    unknown_operation   a number that no row of the opcode table has
    effect_in_block     a block holds an effect, or a step a pure operation
    operand_count       an instruction has other operands than its row says
    unknown_function    a number that no row of the function table has, one that needs an operation of its own
                        (AND, OR, IF, COALESCE), or a plain call of a function in a form that names its item
    function_arity      a call with fewer or more arguments than the function takes
    nested_too_deep     blocks or scopes inside one another beyond what the machine's stack holds
    block_order         a block names a block that is not before it: so blocks have no cycles
    scope_tree          a scope is reached twice, never, or names one that is not before it: so scopes form trees,
                        one of the task and one of its ON_FAILURE
Registers
    assigned_twice      two instructions, steps or items assign one register, or one of the four roots
    undefined_register  something reads a register that nothing has assigned by then on every path: an operation
                        sees the roots, the items around it, outputs of steps its own step needs (at any distance),
                        and what its block has computed; a scope's value sees the outputs of the scope; ON_FAILURE
                        sees the outputs of the task; a trigger's `where` sees no input and no output
Order
    step_numbers        steps are not numbered 1, 2, 3 in the order they stand
    needs_cycle         steps wait for one another, for themselves, or for a number that is none
    order               `order` is not every step once, each after what it needs
    stages              `stages` is not every step once, each in a later stage than what it needs
Values
    constant_type       a constant is not of its type, or not canonical JSON
    operand_kind        a constant operand is of the wrong kind (a field name that is no text, a negative position,
                        object names that are not as many distinct texts as registers, a unit nobody knows, a date
                        type that is none)
    operand_type        what is known of a value contradicts its use: a condition that is no boolean, a piece of a
                        template that is no text, parameters that are no object, a path into a scalar, a list
                        operation over a scalar, a converted unit of something that is no number
    output_type         a step that may be skipped or tolerated promises a value that is never null
Effects
    limits              a limit, timeout, attempt, rate, pool, cache or loop bound is not positive, or above the
                        machine's maximum (`limits.MOST`)
    binding             a binding has no label, service, capability, connection or digest, a credential that is no
                        reference (`env:NAME`, `vault:name`), or an effect that is pure or read and not idempotent
    repeats_write       a write that is neither idempotent nor keyed is to be repeated when its outcome is uncertain
    attempts            a step that is no call and no task is to be tried more than once
    cache               a cached result of a step that is no pure or read call
    batch               a call that is to go together with others in one request, and writes, has a WHEN or a RATE of
                        its own, or parameters that read NOW or UUID; or one ahead of its turn of a loop that reads
                        what its turn has computed, whose service may be written to in the loop or beside it, or whose
                        loop lets time pass (a wait, an approval, another task, a RATE)
    backup              a fallback that is not exactly one of a block and a scope
    call_budget         `limits.calls` is less than one attempt of every call outside loops
Triggers and inputs
    trigger             a schedule that is not exactly one of rules and cron, or does not parse, a webhook path
                        without `/`, an empty event or topic, params whose names repeat
    respond             a step answers a webhook's caller, and no trigger is a webhook
    inputs              an input with a default that is not of its type, or an empty or repeated name

What is not checked here, and by whom it is: that services, capabilities, connections and digests exist and are
unchanged, and that parameters are what a capability takes (the loader, against its catalog; `ir.check` at compile
time); who may run the program (the loader); that a value of unknown shape is what a typed place wants (EXPECT, at
run time); that types are those the checker inferred, beyond the contradictions above; secrets in the wrong place,
unreachable branches, sensible deadlines (`ir.check`, `verify`); that a budget is enough for a run.
"""

from __future__ import annotations

from eyeflow.diagnostics import Report
from eyeflow.ir.program import Program
from eyeflow.ir.validate import batches, effects, order, registers, shape, values
from eyeflow.ir.validate.findings import Findings

__all__ = ["validate"]


def validate(program: Program) -> Report:
    """Every rule above that `program` breaks, in the order of the rules; safe on whatever `bytecode.decode` returns.

    The other groups are applied only when the shape is right, because they follow the indexes, and the registers
    only when the order is.
    """
    found = Findings()
    shape.check(program, found)
    if not found.any:
        order.check(program, found)
        if not found.any:
            registers.check(program, found)
            batches.check(program, found)
        values.check(program, found)
        effects.check(program, found)
    return found.report()
