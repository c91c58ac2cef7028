"""Types of expressions.

Knows: paths, literals, templates, functions and binders. In: an untyped expression and a scope. Out: the same
expression with every type set and conversions inserted, or None after at least one finding.
Never: raises for bad input, evaluates what depends on a run.

The template rule: where text is wanted a template is text; elsewhere one that is exactly one `{ref}` is that value.
Expressions must be in bounds (`tree.oversized`): this room recurses.
"""

from __future__ import annotations

from typing import Final

from eyeflow import units
from eyeflow.diagnostics import nearest
from eyeflow.errors import RunError
from eyeflow.ir.check.constants import UNKNOWN, NotAValue, Unknown, constant, zone_problem
from eyeflow.ir.check.findings import Findings, meant, words
from eyeflow.ir.check.fit import Fitter, said
from eyeflow.ir.check.scope import Name, Scope
from eyeflow.ir.check.tree import retyped, type_of
from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.functions import FUNCTIONS, Function, Mismatch, Signed
from eyeflow.ir.functions.order import pattern
from eyeflow.ir.functions.times import UNITS, date_pattern, unit_named
from eyeflow.ir.types import item_of, joined
from eyeflow.values import (
    BOOLEAN,
    DURATION,
    JSON,
    NULL,
    STRING,
    Field,
    Json,
    ListOf,
    MapOf,
    Nullable,
    ObjectOf,
    Scalar,
    Type,
    Value,
    is_numeric,
    non_null,
    nullable,
    spell,
)

_LONGEST_INTEGER: Final = 2**63


class Typing:
    """Types expressions of one task; findings go to `found`, `zone` is the task's."""

    def __init__(self, found: Findings, zone: str) -> None:
        self.found = found
        self.zone = zone
        self.fitter = Fitter(found, zone)

    def place(self, expr: Expr, scope: Scope, want: Type, place: str) -> Expr | None:
        """`expr` typed and fitted to a place of type `want`."""
        typed = self.text(expr, scope) if _texty(expr, want) else self.infer(expr, scope)
        return None if typed is None else self.fitter.fit(typed, want, place)

    def condition(self, expr: Expr, scope: Scope, place: str) -> Expr | None:
        """`expr` as a boolean that is never null."""
        return self.place(expr, scope, BOOLEAN, place)

    def text(self, expr: Expr, scope: Scope) -> Expr | None:
        """A template as text, even when it is exactly one `{ref}`."""
        assert isinstance(expr, Template), "only templates are text by their place"
        parts: list[str | Ref] = []
        for part in expr.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            typed = self._ref(part, scope)
            if typed is None or self.fitter.fit(typed, STRING, "the template", render=True) is None:
                return None
            parts.append(typed)
        return Template(tuple(parts), STRING, expr.span)

    def infer(self, expr: Expr, scope: Scope) -> Expr | None:
        """`expr` with its own type."""
        match expr:
            case Lit():
                return self._literal(expr)
            case Ref():
                return self._ref(expr, scope)
            case Template(parts) if len(parts) == 1 and isinstance(parts[0], Ref):
                inside = parts[0]
                return self._ref(Ref(inside.root, inside.path, None, inside.span or expr.span), scope)
            case Template():
                return self.text(expr, scope)
            case ListExpr():
                return self._list(expr, scope)
            case ObjectExpr():
                return self._object(expr, scope)
            case Call():
                return self._call(expr, scope)
            case Bind():
                return self._bind(expr, scope)
            case Convert(value=value):
                return self.infer(value, scope)

    def _no(self, code: str, message: str, expr: Expr, hint: str = "") -> Expr | None:
        self.found.add(code, message, hint=hint, span=expr.span)
        return None

    def _literal(self, lit: Lit) -> Expr | None:
        value = lit.value
        if lit.unit is not None:
            return self._measured(lit)
        if value is None:
            return retyped(lit, NULL)
        if isinstance(value, bool):
            return retyped(lit, BOOLEAN)
        if isinstance(value, str):
            return retyped(lit, STRING)
        if isinstance(value, float) and not float("-inf") < value < float("inf"):
            return self._no("bad_constant", "a number must be finite", lit)
        if isinstance(value, int) and not -_LONGEST_INTEGER <= value < _LONGEST_INTEGER:
            return self._no("bad_constant", "an integer literal must fit 64 bits", lit, "write it with a decimal point")
        return retyped(lit, Scalar("integer" if isinstance(value, int) else "number"))

    def _measured(self, lit: Lit) -> Expr | None:
        assert lit.unit is not None, "asked for a literal with a unit"
        unit = units.lookup(lit.unit)
        if unit is None:
            near = meant(nearest(lit.unit, sorted(units.spellings())))
            return self._no("unknown_unit", f"`{lit.unit[:40]}` is not a unit", lit, near)
        if isinstance(lit.value, bool) or not isinstance(lit.value, int | float):
            return self._no("type_mismatch", f"only a number has a unit, not {said(lit)}", lit)
        kind = "integer" if isinstance(lit.value, int) else "number"
        of: Type = DURATION if unit.dimension == "time" else Scalar(kind, unit.name)
        typed = Lit(lit.value, unit.name, of, lit.span)
        try:
            constant(typed, self.zone)
        except NotAValue as error:
            return self._no("bad_constant", str(error), lit)
        return typed

    def _ref(self, ref: Ref, scope: Scope) -> Ref | None:
        entry = scope.names.get(ref.root)
        if entry is None:
            self._unknown(ref, scope)
            return None
        of = entry.type if (ref.root, ()) not in scope.solid else non_null(entry.type)
        for index, step in enumerate(ref.path):
            stepped = self._step(of, step, ref, index)
            if stepped is None:
                return None
            of = stepped
            if (ref.root, ref.path[: index + 1]) in scope.solid:
                of = non_null(of)
        return retyped(ref, of)

    def _unknown(self, ref: Ref, scope: Scope) -> None:
        known = sorted(scope.names)
        if ref.root in scope.later:
            message = f"`{ref.root}` is used before the action that makes it"
            self._no("used_before_output", message, ref, "move the action that has this OUTPUT further up")
            return
        hint = meant(nearest(ref.root, known), known, "names here")
        self._no("unknown_name", f"nothing here is called `{ref.root[:60]}`", ref, hint)

    def _step(self, of: Type, step: str | int, ref: Ref, index: int) -> Type | None:
        if isinstance(of, Nullable):
            inside = self._step(of.of, step, ref, index)
            return None if inside is None else nullable(inside)
        before = said(Ref(ref.root, ref.path[:index]))
        match of:
            case ObjectOf(fields):
                field = of.field(str(step))
                if field is not None:
                    return field.type if field.required else nullable(field.type)
                known = [f.name for f in fields]
                hint = meant(nearest(str(step), known), known, "fields")
                self._no("unknown_field", f"`{before}` has no field `{str(step)[:60]}`", ref, hint)
            case Json():
                return nullable(JSON)
            case MapOf(value):
                return nullable(value)
            case ListOf(item) if isinstance(step, int):
                return nullable(item)
            case ListOf():
                hint = f"one item: {before}.0.{step}; all of them: MAP({before}, x, x.{step})"
                self._no("type_mismatch", f"`{before}` is a list, which has no field `{step}`", ref, hint)
            case _:
                self._no("unknown_field", f"`{before}` is {spell(of)}, which has no fields", ref)
        return None

    def _list(self, expr: ListExpr, scope: Scope) -> Expr | None:
        items = [self.infer(item, scope) for item in expr.items]
        good = tuple(item for item in items if item is not None)
        if len(good) < len(items):
            return None
        return ListExpr(good, ListOf(joined(tuple(type_of(item) for item in good))), expr.span)

    def _object(self, expr: ObjectExpr, scope: Scope) -> Expr | None:
        entries: list[Entry] = []
        fields: list[Field] = []
        seen: set[str] = set()
        good = True
        for entry in expr.entries:
            if entry.name in seen:
                self._no("duplicate_name", f"`{entry.name[:60]}` is given twice", entry.value)
                good = False
            seen.add(entry.name)
            value = self.infer(entry.value, scope)
            if value is None:
                good = False
                continue
            entries.append(Entry(entry.name, value))
            fields.append(Field(entry.name, type_of(value)))
        return ObjectExpr(tuple(entries), ObjectOf(tuple(fields)), expr.span) if good else None

    def _row(self, name: str, count: int, expr: Expr) -> Function | None:
        row = FUNCTIONS.get(name)
        if row is None:
            hint = meant(nearest(name.upper(), FUNCTIONS))
            self._no("unknown_function", f"there is no function `{name[:40]}`", expr, hint)
            return None
        if count < row.least or (row.most is not None and count > row.most):
            wanted = f"{row.least}" if row.least == row.most else f"{row.least} to {row.most or 'any number'}"
            self._no("argument_count", f"{name} takes {wanted} arguments, not {count}", expr, f"{name} {row.spelled}")
            return None
        return row

    def _call(self, expr: Call, scope: Scope) -> Expr | None:
        row = self._row(expr.name, len(expr.args), expr)
        if row is None:
            return None
        if row.binder and row.least >= 3:
            hint = f"for example {row.example[0]}"
            return self._no("argument_count", f"{row.name} names its item as second argument", expr, hint)
        args = self._arguments(expr, row, scope)
        if args is None:
            return None
        if row.zoned and row.most is not None and len(args) == row.most - 1:
            args.append(Lit(self.zone, None, STRING))
        done = self._signed(row, tuple(args), expr)
        if done is None:
            return None
        fitted, of = done
        result = Call(row.name, fitted, of, expr.span)
        return result if self._constants_hold(row, result) else None

    def _arguments(self, expr: Call, row: Function, scope: Scope) -> list[Expr] | None:
        """The arguments typed; in AND, OR and IF each sees what the earlier ones decided."""
        args: list[Expr] = []
        good = True
        here = scope
        for index, arg in enumerate(expr.args):
            if row.name == "IF" and index > 0:
                here = scope.knowing(expr.args[0], holds=index == 1)
            elif row.name == "FORMAT" and isinstance(arg, Template):
                typed = self.text(arg, here)
                good = good and typed is not None
                args.extend([typed] if typed is not None else [])
                continue
            typed = self.infer(arg, here)
            good = good and typed is not None
            args.extend([typed] if typed is not None else [])
            if row.name in ("AND", "OR"):
                here = here.knowing(arg, holds=row.name == "AND")
        return args if good else None

    def _signed(self, row: Function, args: tuple[Expr, ...], expr: Expr) -> tuple[tuple[Expr, ...], Type] | None:
        """Arguments fitted to the row's signature, with the type of the result."""
        strict = row.nulls == "strict"
        types = tuple(type_of(arg) for arg in args)
        signed = row.sign(tuple(non_null(of) for of in types) if strict else types)
        if isinstance(signed, Mismatch):
            self._refused(row, args, signed, expr)
            return None
        fitted: list[Expr] = []
        null = False
        for index, (arg, want) in enumerate(zip(args, signed.params, strict=True)):
            have = type_of(arg)
            lenient = strict and isinstance(have, Nullable) and not (have.of == JSON and not isinstance(want, Json))
            null = null or lenient
            named = _argument(row, index, len(args))
            done = self.fitter.fit(arg, nullable(want) if lenient else want, named, render=signed.renders)
            if done is None:
                return None
            fitted.append(done)
        result = nullable(signed.result) if null else signed.result
        return (*fitted, *_unit_names(signed)), result

    def _refused(self, row: Function, args: tuple[Expr, ...], why: Mismatch, expr: Expr) -> None:
        at = args[min(why.argument, len(args) - 1)] if args else expr
        have = spell(type_of(at)) if args else "nothing"
        code = "unit_mismatch" if _both_measured(args) else "type_mismatch"
        message = f"{row.name} needs {why.wanted}, but {said(at)} is {have}"
        self.found.add(code, message, hint=why.hint or f"{row.name} {row.spelled}", span=at.span or expr.span)

    def _bind(self, expr: Bind, scope: Scope) -> Expr | None:
        row = self._row(expr.name, 3 + len(expr.rest), expr)
        source = self.infer(expr.source, scope)
        if row is None or source is None:
            return None
        if not row.binder:
            return self._no("argument_count", f"{row.name} does not name an item", expr, f"{row.name} {row.spelled}")
        if expr.item in scope.names:
            return self._no("duplicate_name", f"`{expr.item}` already means something here", expr, "name the item anew")
        item = item_of(non_null(type_of(source)))
        if item is None:
            self._refused(row, (source,), Mismatch(0, "a list"), expr)
            return None
        inner = scope.having(expr.item, Name(type=item, what="the item"))
        body = self.infer(expr.body, inner)
        rest = [self.infer(arg, scope) for arg in expr.rest]
        if body is None or any(arg is None for arg in rest):
            return None
        args = (source, body, *(arg for arg in rest if arg is not None))
        done = self._signed_bind(row, args, expr)
        if done is None:
            return None
        fitted, of = done
        result = Bind(row.name, fitted[0], expr.item, fitted[1], fitted[2:], of, expr.span)
        checked = Call(row.name, (fitted[0], *fitted[2:]), of, expr.span)
        return result if self._constants_hold(row, checked) else None

    def _signed_bind(self, row: Function, args: tuple[Expr, ...], expr: Expr) -> tuple[tuple[Expr, ...], Type] | None:
        """Like `_signed`, but only a null source makes a null result: the body answers for itself."""
        types = tuple(type_of(arg) for arg in args)
        plain = (non_null(types[0]), types[1], *(non_null(of) for of in types[2:]))
        signed = row.sign(plain)
        if isinstance(signed, Mismatch):
            self._refused(row, args, signed, expr)
            return None
        source = types[0]
        null = isinstance(source, Nullable) and not isinstance(source.of, Json)
        fitted: list[Expr] = []
        for index, (arg, want) in enumerate(zip(args, signed.params, strict=True)):
            wanted = nullable(want) if null and index == 0 else want
            done = self.fitter.fit(arg, wanted, _argument(row, index, len(args) + 1, binder=True))
            if done is None:
                return None
            fitted.append(done)
        return tuple(fitted), nullable(signed.result) if null else signed.result

    def _constants_hold(self, row: Function, call: Call) -> bool:
        """What can be known of constant arguments now: patterns, units, zones, zero divisors."""
        try:
            values = [constant(arg, self.zone) for arg in call.args]
        except NotAValue as error:
            self._no("bad_constant", str(error), call)
            return False
        why = _bad_constant(row.name, values)
        if why is None and not (row.lazy or row.binder or row.journaled) and UNKNOWN not in values:
            try:
                if not (row.nulls == "strict" and None in values):
                    row.run(*values)
            except RunError as error:
                why = error.message
        if why is not None:
            self._no("bad_constant", why, call)
        return why is None


def _texty(expr: Expr, want: Type) -> bool:
    return isinstance(expr, Template) and non_null(want) == STRING


def _argument(row: Function, index: int, count: int, *, binder: bool = False) -> str:
    if binder and index == 1:
        return f"the body of {row.name}"
    if count == 1:
        return f"what {row.name} takes"
    ordinals = ("first", "second", "third", "fourth")
    shown = index + (1 if binder and index > 1 else 0)
    return f"the {ordinals[shown] if shown < len(ordinals) else f'{shown + 1}th'} argument of {row.name}"


def _unit_names(signed: Signed) -> tuple[Expr, ...]:
    return tuple(Lit(unit, None, STRING) for unit in signed.units or ())


def _both_measured(args: tuple[Expr, ...]) -> bool:
    types = [non_null(type_of(arg)) for arg in args]
    return len(types) > 1 and all(is_numeric(of) or of == DURATION for of in types)


def _bad_constant(name: str, values: list[Value | Unknown]) -> str | None:
    """Why these constants can never work, or None; `values` has `UNKNOWN` where an argument is no constant."""
    second = values[1] if len(values) > 1 else UNKNOWN
    third = values[2] if len(values) > 2 else UNKNOWN
    try:
        if name == "MATCHES" and isinstance(second, str):
            pattern(second)
        if name == "FORMAT_DATE" and isinstance(second, str):
            date_pattern(second)
    except ValueError as error:
        return f"{name} cannot read its pattern: {error}"
    if name in ("DIV", "MOD") and not isinstance(second, bool) and second == 0:
        return f"{name} by zero"
    if name in ("DATE_ADD", "DATE_DIFF") and isinstance(third, str) and unit_named(third) is None:
        return f"{third[:40]!r} is not a unit of time; units are {words(list(UNITS), most=9)}"
    if name in ("SPLIT", "REPLACE") and second == "":
        return f"{name} needs at least one character to look for"
    if name == "SORT_BY" and isinstance(second, str) and second not in ("asc", "desc"):
        return 'SORT_BY sorts "asc" or "desc"'
    if name == "TOP" and isinstance(values[-1], int) and values[-1] < 0:
        return "TOP takes a count of zero or more"
    zone = {"FORMAT_DATE": third, "DATE_ADD": values[3] if len(values) > 3 else UNKNOWN}.get(name, UNKNOWN)
    return zone_problem(zone) if isinstance(zone, str) else None
