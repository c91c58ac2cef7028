"""LLM-IR as people read and write it: text to `Task` and back.

Knows: the language of `docs/llm-ir.md`. In: source text, or a `Task`. Out: a `Task` with spans, canonical text, or
the findings of everything that is wrong. Never: resolves names, checks types, runs anything.
"""

from eyeflow.ir.text.expressions import (
    parse_duration,
    parse_expression,
    parse_fields,
    parse_template,
    parse_type,
    print_expression,
)
from eyeflow.ir.text.findings import CODES
from eyeflow.ir.text.fmt import format_source
from eyeflow.ir.text.parse import parse
from eyeflow.ir.text.print import constant, print_task, print_trigger
from eyeflow.ir.text.strings import escape, print_template
from eyeflow.ir.text.strip import strip, strip_expression
from eyeflow.ir.text.types import print_type
from eyeflow.ir.text.vocabulary import is_reserved
from eyeflow.ir.text.words import is_name

__all__ = [
    "CODES",
    "constant",
    "escape",
    "format_source",
    "is_name",
    "is_reserved",
    "parse",
    "parse_duration",
    "parse_expression",
    "parse_fields",
    "parse_template",
    "parse_type",
    "print_expression",
    "print_task",
    "print_template",
    "print_trigger",
    "print_type",
    "strip",
    "strip_expression",
]
