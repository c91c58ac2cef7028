"""Typed conditions as solver formulas.

Knows: which functions have an exact meaning for the solver. In: expressions the checker has typed. Out: `Encoded`.
Never: claims more than the machine does: whatever has no exact form becomes an unknown of its own, the same for the
same expression, so that what is proved of the formula is true of every run.

Exact: AND OR NOT IF COALESCE IS_NULL; comparisons of numbers (units as exact rationals), dates, times, timestamps and
durations; EQ NE IN over text, booleans, enums and json; CONTAINS STARTS_WITH ENDS_WITH with a constant; LEN of text;
whole-number ADD, SUB and MUL by a constant. Unknowns: arithmetic on numbers (IEEE doubles round), MATCHES, lists,
objects, everything else; NOW and UUID anew at each place. A number stands for the decimal it prints as, which keeps
the order of doubles. Missing and wrong data: a condition is true, false, missing or an error, never two of them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from eyeflow import units
from eyeflow.ir.check.constants import NotAValue, Unknown, constant
from eyeflow.ir.check.tree import bare, type_of
from eyeflow.ir.depends import roots
from eyeflow.ir.expr import Call, Convert, Expr, ListExpr, Lit, Ref
from eyeflow.ir.text import print_expression
from eyeflow.values import BOOLEAN, Nullable, Scalar, Type, Value, non_null
from eyeflow.verify.scale import comparable, is_whole, kind_of, number_of, scaled, unit_names
from eyeflow.verify.scope import Names, declared
from eyeflow.verify.symbols import MAX_EXACT, TAGS, Symbols
from eyeflow.verify.terms import Encoded, Formula, Kind, Symbol, Term, Truth
from eyeflow.verify.trees import apart, journaled, small

_COMPARED: Final = frozenset(("GT", "GE", "LT", "LE"))
_TEXT_TESTS: Final = frozenset(("CONTAINS", "STARTS_WITH", "ENDS_WITH"))
_MEASURES: Final = frozenset(("COUNT", "LEN", "SUM", "AVG", "ROUND", "ABS", "SUB", "ADD", "DATE_DIFF", "TO_NUMBER"))


class Encoder:
    """Encodes the conditions of one task; equal data is the same unknown throughout. `zone` is the task's."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.made = Symbols()
        self._begin()

    def _begin(self) -> None:
        self._used: dict[Symbol, int] = {}
        self._points: dict[Symbol, list[Fraction]] = {}
        self._literals: dict[str, None] = {}
        self._measured = False

    def condition(self, expr: Expr, names: Names, *, look: bool = True) -> Encoded:
        """`expr`, a boolean over `names`, for the solver; one unknown unless `look`."""
        self._begin()
        truth = self._truth(expr, names) if look and small(expr) else self._unknown_truth(expr, names)
        symbols = tuple(self._used)
        points = {symbol: self._points.get(symbol, []) for symbol in symbols}
        straight = {s: tuple(sorted(set(p))) for s, p in points.items() if len(p) >= self._used[s]}
        return Encoded(
            expr=expr, true=truth.true, false=truth.false, symbols=symbols, vague=vague(symbols), points=straight,
            literals=tuple(self._literals), measured=self._measured,
        )  # fmt: skip

    # --- truths

    def _truth(self, expr: Expr, names: Names) -> Truth:
        logic = self.made
        match expr:
            case Lit(value=bool(value)):
                return Truth(logic.boolean(value), logic.boolean(not value), logic.no)
            case Call(name="NOT", args=(inner,)):
                truth = self._truth(inner, names)
                return Truth(truth.false, truth.true, truth.null)
            case Call(name="AND" | "OR" as name, args=args):
                return self._joined(name, [self._truth(arg, names) for arg in args])
            case Call(name="IF", args=(test, then, other)):
                given, yes, no = (self._truth(each, names) for each in (test, then, other))
                sides = ((yes.true, no.true), (yes.false, no.false), (yes.null, no.null))
                return Truth(*(logic.any(logic.all(given.true, a), logic.all(given.false, b)) for a, b in sides))
            case Call(name="COALESCE", args=args):
                return self._first(args, names)
            case Call(name="IS_NULL", args=(inner,)):
                return self._is_null(inner, names)
            case Call(name=name, args=args) if name in _COMPARED:
                return self._compared(expr, names)
            case Call(name="EQ" | "NE" as name, args=args):
                equal = self._equal(args[0], args[1], names, args[2:])
                return equal if name == "EQ" else Truth(equal.false, equal.true, equal.null)
            case Call(name="IN", args=(item, ListExpr(items=items))):
                return self._within(item, items, names)
            case Call(name=name, args=(whole, part)) if name in _TEXT_TESTS:
                return self._text_test(name, whole, part, expr, names)
            case Ref() | Convert(how="check"):
                term = self._term(expr, names)
                if term.kind == "bool":
                    there = logic.all(term.ok, logic.negate(term.null))
                    return Truth(
                        logic.all(there, term.value), logic.all(there, logic.negate(term.value)),
                        logic.all(term.ok, term.null),
                    )  # fmt: skip
        return self._unknown_truth(expr, names)

    def _joined(self, name: str, parts: list[Truth]) -> Truth:
        """AND and OR, from left to right: what comes after the deciding part is not looked at."""
        logic = self.made
        going, stopped = logic.yes, logic.no
        for part in parts:
            on, off = (part.true, part.false) if name == "AND" else (part.false, part.true)
            stopped = logic.any(stopped, logic.all(going, off))
            going = logic.all(going, on)
        return Truth(going, stopped, logic.no) if name == "AND" else Truth(stopped, going, logic.no)

    def _first(self, args: tuple[Expr, ...], names: Names) -> Truth:
        logic = self.made
        true, false, missing = logic.no, logic.no, logic.yes
        for arg in args:
            part = self._truth(arg, names)
            true = logic.any(true, logic.all(missing, part.true))
            false = logic.any(false, logic.all(missing, part.false))
            missing = logic.all(missing, part.null)
        return Truth(true, false, missing)

    def _is_null(self, inner: Expr, names: Names) -> Truth:
        logic = self.made
        term = self._term(inner, names)
        self._only_asked_for(term)
        missing, there = logic.all(term.ok, term.null), logic.all(term.ok, logic.negate(term.null))
        return Truth(missing, there, logic.no)

    def _only_asked_for(self, term: Term) -> None:
        """Whether a value is there says nothing of what it is: such a use does not count."""
        if term.symbol is not None:
            self._used[term.symbol] -= 1

    def _compared(self, expr: Call, names: Names) -> Truth:
        a, b = self._term(expr.args[0], names), self._term(expr.args[1], names)
        if not comparable(a, b):
            return self._unknown_truth(expr, names)
        left, right = self._meeting(a, b, expr.args)
        holds = {"GT": left > right, "GE": left >= right, "LT": left < right, "LE": left <= right}[expr.name]
        return self._strict(holds, a, b)

    def _strict(self, holds: Formula, *terms: Term) -> Truth:
        """A test that is missing when one of its terms is."""
        logic = self.made
        ok = logic.all(*(term.ok for term in terms))
        missing = logic.any(*(term.null for term in terms))
        there = logic.all(ok, logic.negate(missing))
        return Truth(logic.all(there, holds), logic.all(there, logic.negate(holds)), logic.all(ok, missing))

    def _meeting(self, a: Term, b: Term, args: tuple[Expr, ...]) -> tuple[Formula, Formula]:
        """Both sides on one scale. `args` may end with the two units, when they differ."""
        one, other = unit_names(args)
        self._measured = self._measured or one is not None or any(isinstance(x, Lit) and x.unit for x in args)
        for mine, its, my_unit, its_unit in ((a, b, one, other), (b, a, other, one)):
            if mine.symbol is not None and its.number is not None:
                at = its.number if my_unit is None or its_unit is None else scaled(its.number, its_unit, my_unit)
                self._points.setdefault(mine.symbol, []).append(at)
        if one is None or other is None:
            return a.value, b.value
        source, target = units.lookup(one), units.lookup(other)
        assert source is not None and target is not None, "the checker let these units meet"
        factor, shift = source.factor / target.factor, (source.offset - target.offset) / target.factor
        return self.made.real(a.value) * self.made.fraction(factor) + self.made.fraction(shift), b.value

    def _equal(self, one: Expr, other: Expr, names: Names, rest: tuple[Expr, ...] = ()) -> Truth:
        logic = self.made
        a, b = self._term(one, names), self._term(other, names)
        same = self._same(a, b, rest)
        if same is None:
            same = self._unknown_truth(Call("EQ", (one, other), BOOLEAN), names).true
        both, neither = logic.all(a.null, b.null), logic.all(logic.negate(a.null), logic.negate(b.null))
        equal, ok = logic.any(both, logic.all(neither, same)), logic.all(a.ok, b.ok)
        return Truth(logic.all(ok, equal), logic.all(ok, logic.negate(equal)), logic.no)

    def _same(self, a: Term, b: Term, rest: tuple[Expr, ...]) -> Formula | None:
        """Equality of two values that are there; None when it has no exact form."""
        if a.kind == "null" or b.kind == "null":
            self._only_asked_for(b if a.kind == "null" else a)
            return self.made.no
        if a.kind == "json" and b.kind != "json":
            return self._json_is(a, b)
        if b.kind == "json" and a.kind != "json":
            return self._json_is(b, a)
        if comparable(a, b):
            left, right = self._meeting(a, b, (Lit(None), Lit(None), *rest))
            return left == right
        if a.kind == b.kind and a.kind in ("text", "bool"):
            return a.value == b.value
        return None

    def _json_is(self, data: Term, known: Term) -> Formula | None:
        held = data.symbol
        if held is None:
            return None
        tag, part = {
            "int": ("number", held.value), "real": ("number", held.value), "text": ("text", held.text),
            "bool": ("boolean", held.flag),
        }.get(known.kind, ("", None))  # fmt: skip
        if part is None:
            return None
        if known.number is not None and tag == "number":
            self._points.setdefault(held, []).append(known.number)
        return self.made.all(held.tag == TAGS[tag], part == known.value)

    def _within(self, item: Expr, items: tuple[Expr, ...], names: Names) -> Truth:
        """IN over a written list, as a chain of EQ."""
        logic = self.made
        tests = [self._equal(item, each, names) for each in items]
        return Truth(logic.any(*(t.true for t in tests)), logic.all(*(t.false for t in tests)), logic.no)

    def _text_test(self, name: str, whole: Expr, part: Expr, expr: Call, names: Names) -> Truth:
        if isinstance(whole, ListExpr) and name == "CONTAINS":
            return self._within(part, whole.items, names)
        known = self._known(part)
        if not isinstance(known, str) or non_null(type_of(whole)) != Scalar("string") or not self.made.spells(known):
            return self._unknown_truth(expr, names)
        text = self._term(whole, names)
        self._literals[known] = None
        return self._strict(self.made.text_test(name, text.value, known), text)

    def _unknown_truth(self, expr: Expr, names: Names) -> Truth:
        """A test that is one unknown; the same expression is the same unknown."""
        symbol = self._opaque(expr, names, "bool", "boolean")
        logic = self.made
        missing = symbol.null if isinstance(expr.type, Nullable) else logic.no
        there = logic.negate(missing)
        return Truth(logic.all(there, symbol.value), logic.all(there, logic.negate(symbol.value)), missing)

    # --- values

    def _term(self, expr: Expr, names: Names) -> Term:
        known = self._known(expr)
        if not isinstance(known, Unknown):
            term = self._constant(known, type_of(expr))
            if term is not None:
                return term
        match expr:
            case Ref():
                return self._given(expr, names)
            case Convert(value=value, how="check" | "widen" as how):
                done = self._converted(self._term(value, names), how, expr.type)
                if done is not None:
                    return done
            case Call(name="ADD" | "SUB" | "MUL", args=args) if len(args) >= 2 and is_whole(expr):
                done = self._counted(expr, names)
                if done is not None:
                    return done
            case Call(name="LEN", args=(text,)) if type_of(text) == Scalar("string"):
                inner = self._term(text, names)
                return self._plain("int", "integer", self.made.length(inner.value), inner)
            case Call(name="COALESCE" | "IF" as name, args=args) if non_null(type_of(expr)) != BOOLEAN:
                done = self._chosen(name, args, names)
                if done is not None:
                    return done
            case _ if type_of(expr) == BOOLEAN:
                truth = self._truth(expr, names)
                ok = self.made.any(truth.true, truth.false)
                return Term(kind="bool", scalar="boolean", value=truth.true, null=self.made.no, ok=ok)
        kind, scalar = kind_of(type_of(expr))
        symbol = self._opaque(expr, names, kind, scalar)
        return self._of(symbol, missing=isinstance(type_of(expr), Nullable))

    def _known(self, expr: Expr) -> Value | Unknown:
        try:
            return constant(expr, self.zone)
        except NotAValue:  # the checker has already said so where it matters
            return Unknown()

    def _constant(self, value: Value, of: Type) -> Term | None:
        logic = self.made
        if value is None:
            return Term(kind="null", scalar="null", value=logic.no, null=logic.yes, ok=logic.yes)
        number, scalar = number_of(value), kind_of(of)[1]
        if isinstance(value, bool):
            return Term(kind="bool", scalar="boolean", value=logic.boolean(value), null=logic.no, ok=logic.yes)
        if isinstance(value, str):
            if not logic.spells(value):
                return None
            self._literals[value] = None
            return Term(kind="text", scalar="string", value=logic.string(value), null=logic.no, ok=logic.yes)
        if number is None:
            return None
        whole = isinstance(value, int) and scalar != "number"
        kind: Kind = "moment" if not isinstance(value, int | float) else "int" if whole else "real"
        formula = logic.fraction(number) if kind == "real" else logic.integer(int(number))
        return Term(kind=kind, scalar=scalar, value=formula, null=logic.no, ok=logic.yes, number=number)

    def _given(self, ref: Ref, names: Names) -> Term:
        root = names.get(ref.root)
        kind, scalar = kind_of(type_of(ref))
        path = (root.key if root is not None else 0, ref.path)
        known = declared(root, ref.path)
        symbol = self.made.given(path, kind, scalar, said=print_expression(ref), of=type_of(ref), field=known.field)
        self._used[symbol] = self._used.get(symbol, 0) + 1
        return self._of(symbol, missing=known.missing or isinstance(type_of(ref), Nullable))

    def _of(self, symbol: Symbol, *, missing: bool) -> Term:
        """A path that only earlier conditions make sure of may be missing here, too: they say so, not its type."""
        logic = self.made
        null = symbol.null if missing else logic.no
        return Term(
            kind=symbol.kind, scalar=symbol.scalar, value=symbol.value, ok=logic.yes, symbol=symbol,
            null=symbol.tag == TAGS["null"] if symbol.kind == "json" else null,
        )  # fmt: skip

    def _converted(self, inner: Term, how: str, of: Type) -> Term | None:
        """`check`: json that must be of a type, an error otherwise. `widen`: exact up to 2**53, unknown beyond."""
        logic = self.made
        kind, scalar = kind_of(of)
        if how == "widen" and inner.kind == "int":
            if inner.symbol is None:
                return None
            beyond = logic.beyond(inner.symbol)
            exact = logic.all(inner.value >= -MAX_EXACT, inner.value <= MAX_EXACT)
            value = logic.choose(exact, logic.real(inner.value), beyond)
            return Term(kind="real", scalar=scalar, value=value, null=inner.null, ok=inner.ok, symbol=inner.symbol)
        held = inner.symbol
        if how != "check" or inner.kind != "json" or held is None:
            return None
        tag, part = {
            "real": ("number", held.value), "text": ("text", held.text), "bool": ("boolean", held.flag),
        }.get(kind, ("", None))  # fmt: skip
        if part is None:
            return None
        missing = inner.null if isinstance(of, Nullable) else logic.no
        ok = logic.any(held.tag == TAGS[tag], missing)
        return Term(kind=kind, scalar=scalar, value=part, null=missing, ok=ok, symbol=held)

    def _chosen(self, name: str, args: tuple[Expr, ...], names: Names) -> Term | None:
        """COALESCE and IF over values of one kind."""
        logic = self.made
        terms = [self._term(arg, names) for arg in (args if name == "COALESCE" else args[1:])]
        kinds = {term.kind for term in terms} - {"null"}
        if len(kinds) != 1 or kinds & {"json", "thing"} or len({t.scalar for t in terms if t.kind != "null"}) != 1:
            return None
        given = self._truth(args[0], names) if name == "IF" else None
        last = terms[-1]
        for term in reversed(terms[:-1]):
            here = given.true if given is not None else logic.negate(term.null)
            decided = logic.any(given.true, given.false) if given is not None else term.ok
            value = last.value if term.kind == "null" else term.value if last.kind == "null" else None
            last = Term(
                kind=last.kind if term.kind == "null" else term.kind, scalar=term.scalar,
                value=logic.choose(here, term.value, last.value) if value is None else value,
                null=logic.any(logic.all(here, term.null), logic.all(logic.negate(here), last.null)),
                ok=logic.all(decided, logic.any(logic.all(here, term.ok), logic.all(logic.negate(here), last.ok))),
            )  # fmt: skip
        return last

    def _counted(self, expr: Call, names: Names) -> Term | None:
        """Whole-number arithmetic; a product has at most one factor that is no constant."""
        terms = [self._term(arg, names) for arg in expr.args]
        if any(term.kind not in ("int", "moment") for term in terms):
            return None
        if expr.name == "MUL" and sum(term.number is None for term in terms) > 1:
            return None
        value = terms[0].value
        for term in terms[1:]:
            value = {"ADD": value + term.value, "SUB": value - term.value, "MUL": value * term.value}[expr.name]
        kind, scalar = kind_of(type_of(expr))
        return self._plain(kind, scalar, value, *terms)

    def _plain(self, kind: Kind, scalar: str, value: Formula, *of: Term) -> Term:
        missing = self.made.any(*(term.null for term in of))
        return Term(kind=kind, scalar=scalar, value=value, null=missing, ok=self.made.all(*(term.ok for term in of)))

    def _opaque(self, expr: Expr, names: Names, kind: Kind, scalar: str) -> Symbol:
        called = expr.name if isinstance(expr, Call) else getattr(expr, "name", "")
        free = sorted({root for root in roots(expr) if root in names})
        key: object = (bare(expr), kind, scalar, tuple((root, names[root].key) for root in free))
        fresh = journaled(expr)
        measured = not fresh and called in _MEASURES and kind in ("int", "real", "moment") and apart(expr)
        symbol = self.made.computed(
            None if fresh else key, kind, scalar, print_expression(expr), type_of(expr),
            measured=measured, positive=called in ("COUNT", "LEN", "ABS"),
        )  # fmt: skip
        self._used[symbol] = self._used.get(symbol, 0) + 1
        return symbol


def vague(symbols: tuple[Symbol, ...]) -> bool:
    """True when an example over these unknowns need not be real: one is opaque, two are parts of the same thing, or a
    computed number stands beside other data it may depend on."""
    if any(symbol.origin == "opaque" for symbol in symbols):
        return True
    if len(symbols) > 1 and any(symbol.origin == "measured" for symbol in symbols):
        return True
    paths = [symbol.path for symbol in symbols if symbol.path is not None]
    return len(set(paths)) < len(paths)
