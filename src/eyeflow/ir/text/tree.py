"""What the rules for expressions and types in `grammar.lark` mean: callbacks from pieces to nodes.

Knows: one method per rule or alias. In: tokens and results of inner rules. Out: `Expr`, `Type`.
Never: keeps state; a problem is thrown as `Refused` to the end of the line.
"""

from __future__ import annotations

from typing import Final, TypeAlias, cast

from eyeflow.ir.expr import Bind, Call, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.functions import binds
from eyeflow.ir.text import types
from eyeflow.ir.text.findings import Refused, shown
from eyeflow.ir.text.lexer import Token
from eyeflow.ir.text.strings import decode, read_ref, read_template
from eyeflow.ir.text.words import CONSTANTS
from eyeflow.values import Field, Span, Type, nullable

Children: TypeAlias = list[object]

MAX_DEPTH: Final = 64
_COMPARE: Final = {"==": "EQ", "!=": "NE", ">": "GT", ">=": "GE", "<": "LT", "<=": "LE"}
_INFIX: Final = {"+": "ADD", "-": "SUB", "*": "MUL", "/": "DIV", "%": "MOD"}
_LARGEST: Final = 2**64 - 1
_SMALLEST: Final = -(2**63)


def number_of(token: Token, unit: str | None = None, *, negative: bool = False) -> Lit:
    """A NUMBER as literal. Raises: Refused `bad_number`."""
    text = token.value
    value: int | float
    if "." in text or "e" in text or "E" in text:
        value = float(text)
        if value == float("inf"):
            raise Refused(
                "bad_number",
                f"`{shown(text)}` is larger than a number can be",
                token.span,
                "the limit is about 1.7e308",
            )
    else:
        value = int(text) if len(text) <= 40 else _LARGEST + 1
        if value > _LARGEST:
            hint = "whole numbers go to 18446744073709551615; add .0 for an approximate one"
            raise Refused("bad_number", f"`{shown(text)}` is too large", token.span, hint)
    return Lit(-value if negative else value, unit, span=token.span)


def between(first: object, last: object) -> Span | None:
    """From the start of one node or token to the end of another."""
    start, end = span_of(first), span_of(last)
    return Span(start.start, end.end) if start is not None and end is not None else None


def span_of(piece: object) -> Span | None:
    """The place of a token or node."""
    if isinstance(piece, Token | Lit | Ref | Call | Bind | Template | ListExpr | ObjectExpr):
        return piece.span
    return None


def children_of(expr: Expr) -> tuple[Expr, ...]:
    """The nodes directly inside a node."""
    match expr:
        case Call(_, args):
            return args
        case Bind():
            return (expr.source, expr.body, *expr.rest)
        case ListExpr(items):
            return items
        case ObjectExpr(entries):
            return tuple(entry.value for entry in entries)
    return ()


def bounded(expr: Expr) -> Expr:
    """`expr`, unless it nests deeper than `MAX_DEPTH`. Raises: Refused `too_deep`."""
    level = [expr]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in children_of(outer)]
        if not level:
            return expr
    where = span_of(expr) or Span(0, 0)
    raise Refused(
        "too_deep", f"the expression nests more than {MAX_DEPTH} deep", where, "use transform actions for its parts"
    )


class Expressions:
    """The callbacks lark calls for expressions and types, by rule or alias name."""

    def expression(self, c: Children) -> Expr:
        return bounded(cast(Expr, c[0]))

    def group(self, c: Children) -> object:
        return c[0]

    def or_(self, c: Children) -> Call:
        return _joined("OR", c[0], c[1])

    def and_(self, c: Children) -> Call:
        return _joined("AND", c[0], c[1])

    def not_(self, c: Children) -> Call:
        return Call("NOT", (cast(Expr, c[1]),), span=between(c[0], c[1]))

    def compare(self, c: Children) -> Call:
        operator = cast(Token, c[1]).value
        return _call(_COMPARE.get(operator, operator), c[0], c[2])

    def not_in(self, c: Children) -> Call:
        inside = _call("IN", c[0], c[3])
        return Call("NOT", (inside,), span=inside.span)

    def infix(self, c: Children) -> Call:
        return _call(_INFIX[cast(Token, c[1]).value], c[0], c[2])

    def minus(self, c: Children) -> Expr:
        """`-5` is a number; `-x` is `SUB(0, x)`."""
        sign, inner = cast(Token, c[0]), cast(Expr, c[1])
        span = between(sign, inner)
        if isinstance(inner, Lit) and isinstance(inner.value, int | float) and not isinstance(inner.value, bool):
            if isinstance(inner.value, int) and -inner.value < _SMALLEST:
                raise Refused(
                    "bad_number", f"`-{inner.value}` is too small", sign.span, f"whole numbers start at {_SMALLEST}"
                )
            return Lit(-inner.value, inner.unit, span=span)
        return Call("SUB", (Lit(0, span=sign.span), inner), span=span)

    def number(self, c: Children) -> Lit:
        unit = cast(Token, c[1]) if len(c) > 1 else None
        plain = number_of(cast(Token, c[0]))
        return plain if unit is None else Lit(plain.value, unit.value, span=between(c[0], unit))

    def ref(self, c: Children) -> Lit | Ref:
        token = cast(Token, c[0])
        if token.value in CONSTANTS:
            return Lit(CONSTANTS[token.value], span=token.span)
        return read_ref(token.value, token.span)

    def quoted(self, c: Children) -> Lit | Template:
        read = self.template(c)
        match read.parts:
            case ():
                return Lit("", span=read.span)
            case (str(only),):
                return Lit(only, span=read.span)
        return read

    def template(self, c: Children) -> Template:
        token = cast(Token, c[0])
        text = decode(token.value, token.start)
        exact = text == token.value[1:-1]
        span = Span(token.start + 1, token.end - 1) if exact else token.span
        return Template(read_template(text, span, exact=exact).parts, span=token.span)

    def call(self, c: Children) -> Call | Bind:
        name, args = cast(Token, c[0]), cast(tuple[Expr, ...], tuple(c[1:-1]))
        span = between(c[0], c[-1])
        if not binds(name.value, len(args)):
            return Call(name.value, args, span=span)
        item = args[1]
        if not isinstance(item, Ref) or item.path:
            hint = f"write {name.value}(list, item, expression), as in {name.value}(rows, r, r.id)"
            raise Refused("bad_value", f"`{name.value}` names its item second", span_of(item) or name.span, hint)
        return Bind(name.value, args[0], item.root, args[2], args[3:], span=span)

    def list(self, c: Children) -> ListExpr:
        return ListExpr(cast(tuple[Expr, ...], tuple(c[1:-1])), span=between(c[0], c[-1]))

    def object(self, c: Children) -> ObjectExpr:
        pairs = cast(tuple[tuple[Token, Entry], ...], tuple(c[1:-1]))
        once([(token, entry.name) for token, entry in pairs])
        return ObjectExpr(tuple(entry for _, entry in pairs), span=between(c[0], c[-1]))

    def entry(self, c: Children) -> tuple[Token, Entry]:
        token = cast(Token, c[0])
        return token, Entry(key(token), cast(Expr, c[1]))

    def type_word(self, c: Children) -> types.Word:
        token = cast(Token, c[0])
        return types.Word(token.value, token.span)

    def generic(self, c: Children) -> Type:
        return types.generic(self.type_word(c), cast(Type, c[2]))

    def record(self, c: Children) -> Type:
        return types.record(self.type_word(c), cast(tuple[Field, ...], c[1]))

    def nullable(self, c: Children) -> Type:
        return nullable(types.resolve(cast(Type, c[0])))

    def whole_type(self, c: Children) -> Type:
        return types.bounded(types.resolve(cast(Type, c[0])))

    def shape(self, c: Children) -> tuple[Field, ...]:
        pairs = cast(list[tuple[Token, Field]], c[1:-1])
        once([(token, field.name) for token, field in pairs])
        return tuple(field for _, field in pairs)

    def field(self, c: Children) -> tuple[Token, Field]:
        token = cast(Token, c[0])
        return token, Field(key(token), types.resolve(cast(Type, c[-1])), required=len(c) == 2)


def _call(name: str, left: object, right: object) -> Call:
    return Call(name, (cast(Expr, left), cast(Expr, right)), span=between(left, right))


def _joined(name: str, left: object, right: object) -> Call:
    """`a AND b AND c` is one call of three, so that long chains are not deep."""
    if isinstance(left, Call) and left.name == name:
        return Call(name, (*left.args, cast(Expr, right)), span=between(left, right))
    return _call(name, left, right)


def key(token: Token) -> str:
    """The name a key spells: a plain name, or any text in quotes."""
    return decode(token.value, token.start) if token.type == "STRING" else token.value


def once(named: list[tuple[Token, str]]) -> None:
    """Every name occurs once. Raises: Refused `duplicate_name`."""
    seen: set[str] = set()
    for token, name in named:
        if name in seen:
            raise Refused("duplicate_name", f"`{shown(name)}` is named twice", token.span, "keep one of them")
        seen.add(name)
