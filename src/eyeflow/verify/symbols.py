"""The solver's constants, and the few formulas everything is built of.

Knows: the solver's binding, imported when the first check is made. In: paths, expressions, constants. Out: symbols,
formulas. Never: decides what an expression means, asks questions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from eyeflow.values import Field, Scalar, Type, non_null
from eyeflow.verify.terms import Formula, Kind, Path, Symbol

TAGS: Final = {"null": 0, "boolean": 1, "number": 2, "text": 3, "other": 4}
"""What json data is, as the solver counts it."""

MAX_EXACT: Final = 2**53
"""Whole numbers up to here are exact doubles."""

_LAST_CHARACTER: Final = 0x2FFFF


class Symbols:
    """Unknowns of one task, each made once, in a solver context of their own."""

    def __init__(self) -> None:
        import z3  # noqa: PLC0415 - half a second, only for those who check

        self.z3: Any = z3
        self.context = z3.Context()
        self.yes, self.no = z3.BoolVal(True, self.context), z3.BoolVal(False, self.context)
        self._made: dict[object, Symbol] = {}
        self._beyond: dict[Symbol, Formula] = {}
        self._count = 0

    # --- unknowns

    def given(self, path: Path, kind: Kind, scalar: str, *, said: str, of: Type, field: Field | None) -> Symbol:
        """The data at `path`, read as `kind`."""
        key = ("given", path, kind, scalar)
        if key not in self._made:
            self._made[key] = self._symbol(kind, scalar, said, of, field=field, path=path)
        return self._made[key]

    def computed(
        self, key: object | None, kind: Kind, scalar: str, said: str, of: Type, *, measured: bool, positive: bool
    ) -> Symbol:
        """The result of an expression that is not looked into; without a key it is like no other."""
        if key is None:
            return self._symbol(kind, scalar, said, of, measured=measured, positive=positive, opaque=True)
        if key not in self._made:
            self._made[key] = self._symbol(kind, scalar, said, of, measured=measured, positive=positive, opaque=True)
        return self._made[key]

    def _symbol(
        self, kind: Kind, scalar: str, said: str, of: Type, *, field: Field | None = None,
        path: Path | None = None,
        measured: bool = False, positive: bool = False, opaque: bool = False,
    ) -> Symbol:  # fmt: skip
        self._count += 1
        z3, name, ctx = self.z3, f"x{self._count}", self.context
        plain = non_null(of)
        bounds = _bounds(field) if kind in ("int", "real") else (None, None)
        make = {"int": z3.Int, "moment": z3.Int, "thing": z3.Int, "null": z3.Int, "text": z3.String, "bool": z3.Bool}
        json = kind == "json"
        return Symbol(
            said=said, kind=kind, scalar=scalar,
            value=make.get(kind, z3.Real)(name, ctx), null=z3.Bool(f"{name}_missing", ctx),
            origin="measured" if measured else "opaque" if opaque or kind == "thing" else "given", path=path,
            text=z3.String(f"{name}_text", ctx) if json else None,
            flag=z3.Bool(f"{name}_flag", ctx) if json else None,
            tag=z3.Int(f"{name}_tag", ctx) if json else None,
            unit=plain.unit if isinstance(plain, Scalar) else None,
            low=Fraction(0) if positive else bounds[0], high=bounds[1],
            enum=field.enum if field is not None and kind == "text" else (),
        )  # fmt: skip

    def beyond(self, symbol: Symbol) -> Formula:
        """What a whole number too large for a double is rounded to."""
        if symbol not in self._beyond:
            self._beyond[symbol] = self.z3.Real(f"{symbol.value}_rounded", self.context)
        return self._beyond[symbol]

    def declared(self, symbol: Symbol) -> list[Formula]:
        """What the catalog promises of `symbol`."""
        found = []
        if symbol.low is not None:
            found.append(symbol.value >= self.fraction(symbol.low))
        if symbol.high is not None:
            found.append(symbol.value <= self.fraction(symbol.high))
        if symbol.enum and all(self.spells(each) for each in symbol.enum):
            found.append(self.any(*(symbol.value == self.string(each) for each in symbol.enum)))
        return found

    def always(self, symbols: tuple[Symbol, ...]) -> list[Formula]:
        """What is true of any data: kinds of json; a part of what is missing is missing."""
        found = [s.tag >= 0 for s in symbols if s.tag is not None] + [s.tag <= 4 for s in symbols if s.tag is not None]
        by_path = {symbol.path: symbol for symbol in symbols if symbol.path is not None}
        for inner in symbols:
            root, steps = inner.path or (0, ())
            for length in range(len(steps)):
                outer = by_path.get((root, steps[:length]))
                if outer is not None:
                    found.append(self.any(self.negate(self.missing(outer)), self.missing(inner)))
        return found

    @staticmethod
    def missing(symbol: Symbol) -> Formula:
        """When the data at a symbol's path is null."""
        return symbol.tag == TAGS["null"] if symbol.tag is not None else symbol.null

    # --- formulas

    def boolean(self, value: bool) -> Formula:
        """A constant."""
        return self.yes if value else self.no

    def integer(self, value: int) -> Formula:
        """A constant whole number."""
        return self.z3.IntVal(value, self.context)

    def fraction(self, value: Fraction) -> Formula:
        """A constant rational number."""
        return self.z3.RealVal(f"{value.numerator}/{value.denominator}", self.context)

    @staticmethod
    def spells(text: str) -> bool:
        """True when the solver has every character of `text`."""
        return len(text) <= 1_000 and all(ord(c) <= _LAST_CHARACTER and not 0xD800 <= ord(c) <= 0xDFFF for c in text)

    def string(self, text: str) -> Formula:
        """A constant text; the solver reads backslashes as escapes."""
        return self.z3.StringVal(text.replace("\\", "\\u{5c}"), self.context)

    def real(self, value: Formula) -> Formula:
        """A whole number as a rational one; others as they are."""
        return self.z3.ToReal(value) if self.z3.is_int(value) else value

    def length(self, text: Formula) -> Formula:
        """How many characters."""
        return self.z3.Length(text)

    def text_test(self, name: str, text: Formula, part: str) -> Formula:
        """CONTAINS, STARTS_WITH or ENDS_WITH."""
        known = self.string(part)
        if name == "CONTAINS":
            return self.z3.Contains(text, known)
        return self.z3.PrefixOf(known, text) if name == "STARTS_WITH" else self.z3.SuffixOf(known, text)

    def choose(self, test: Formula, then: Formula, other: Formula) -> Formula:
        """One of two values."""
        return self.z3.If(test, then, other)

    def negate(self, formula: Formula) -> Formula:
        """The opposite."""
        return self.no if formula.eq(self.yes) else self.yes if formula.eq(self.no) else self.z3.Not(formula)

    def all(self, *formulas: Formula) -> Formula:
        """All hold; constants are taken out."""
        kept = [each for each in formulas if not each.eq(self.yes)]
        if any(each.eq(self.no) for each in kept):
            return self.no
        return self.yes if not kept else kept[0] if len(kept) == 1 else self.z3.And(*kept)

    def any(self, *formulas: Formula) -> Formula:
        """One holds; constants are taken out."""
        kept = [each for each in formulas if not each.eq(self.no)]
        if any(each.eq(self.yes) for each in kept):
            return self.yes
        return self.no if not kept else kept[0] if len(kept) == 1 else self.z3.Or(*kept)


def _bounds(field: Field | None) -> tuple[Fraction | None, Fraction | None]:
    if field is None:
        return None, None
    low, high = (None if each is None else Fraction(repr(float(each))) for each in (field.minimum, field.maximum))
    return low, high
