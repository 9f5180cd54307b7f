"""What a trace is made of: steps, the terms of their formulas, and for each entry the product that it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.health.measuring import plain
from handgrad.rules import Rule
from handgrad.tracing.writing import NotWritten, Working, as_working, figure, named

PRODUCTS = 64  # entries of a step that are written out
Index = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Term:
    """An operand of a formula: its letter there, the quantity that it is in the whole network, and its numbers.

    Where `gradient` says so, it is the objective's gradient by that quantity: `dZ` of "dense1.Z".
    """

    name: str  # "A"
    of: str  # "activation1.A"
    value: Array
    gradient: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _kept(self.value))

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns; a scalar has none."""
        return self.value.shape

    def __getitem__(self, index: Index) -> Working:
        return named(self.name + _place(index), float(self.value[index]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "of": self.of,
            "gradient": self.gradient,
            "shape": list(self.shape),
            "value": plain(self.value.tolist()),
        }


@dataclass(frozen=True)
class Product:
    """One entry written out, in symbols and in numbers of six digits, with the conditions of the branches it takes.

    `left_out` counts the summands that are not written.
    """

    name: str  # "dW[0,1]"
    entry: Index
    symbols: str  # "A[0,0] · dZ[0,1]"
    numbers: str  # "0.5 · (-0.23)"
    value: float
    when: str = ""  # "Z[0,1] > 0"
    left_out: int = 0

    def __str__(self) -> str:
        chain = dict.fromkeys([self.name, self.symbols, self.numbers, figure(self.value)])
        return " = ".join(chain) + (f"  as {self.when}" if self.when else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `text` is all of it in one line."""
        return {
            "name": self.name,
            "entry": list(self.entry),
            "symbols": self.symbols,
            "numbers": self.numbers,
            "value": plain(self.value),
            "when": self.when,
            "left_out": self.left_out,
            "text": str(self),
        }


@dataclass(frozen=True, eq=False)
class Step:
    """One formula of the pass through the network, with its terms, its value, and its entries written out.

    `direction` is "forward", "loss" or "backward". `of` names the quantity: going forward the value is that quantity;
    where `gradient` says so, it is the objective's gradient by it. `products` holds the first 64 entries at most, none
    where `note` says why.
    """

    layer: str
    direction: str
    title: str
    symbol: str
    formula: str
    of: str
    value: Array
    terms: tuple[Term, ...] = ()
    products: tuple[Product, ...] = ()
    note: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns of the value; a scalar has none."""
        return self.value.shape

    @property
    def gradient(self) -> bool:
        """Whether the value is a gradient, and not something on the way to one."""
        return self.direction == "backward" and self.symbol.startswith("d")

    @property
    def left_out(self) -> int:
        """How many entries of a step that has products are not written out."""
        return self.value.size - len(self.products) if self.products else 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "layer": self.layer,
            "direction": self.direction,
            "title": self.title,
            "symbol": self.symbol,
            "formula": self.formula,
            "of": self.of,
            "gradient": self.gradient,
            "shape": list(self.shape),
            "value": plain(self.value.tolist()),
            "terms": [term.to_dict() for term in self.terms],
            "products": [product.to_dict() for product in self.products],
            "products_left_out": self.left_out,
            "note": self.note,
        }

    def __str__(self) -> str:
        from handgrad.tracing.text import step_text

        return step_text(self)


def make_step(
    layer: str,
    direction: str,
    title: str,
    formula: str,
    of: str,
    value: Any,
    terms: Sequence[Term] = (),
    entry: Callable[..., Working] | None = None,
    note: str = "",
) -> Step:
    """A step whose symbol is what stands left of its formula, and each of whose entries `entry(*index)` writes.

    A formula that ends in "= ?" is read off the entries: it is what an elementwise rule computes of each.
    """
    value, symbol = _kept(value), formula.split(" = ")[0]
    try:
        products = () if entry is None else _written_out(symbol, value, entry)
    except NotWritten as reason:
        products, note = (), f"the entries are not written out: {reason}"
    if formula.endswith(" = ?"):
        formula = f"{symbol} = {_pattern(products)}"
    return Step(layer, direction, title, symbol, formula, of, value, tuple(terms), products, note)


def elementwise(formula: Callable[..., Any], *terms: Term, **parameters: Any) -> Callable[..., Working]:
    """The entry of an elementwise formula: what it computes of the terms' entries at the same place."""

    def entry(*index: int) -> Working:
        try:
            return as_working(formula(*(term[index] for term in terms), **parameters))
        except NotWritten:
            raise
        except Exception as error:  # a formula of the user's own may do anything with what is not an array
            raise NotWritten(f"it is not elementwise ({type(error).__name__}: {error})") from error

    return entry


def in_words(rule: Rule) -> str:
    """A rule's name, and what its record says of it."""
    if not vars(rule).get("__doc__"):
        return str(rule)
    first = str(rule.__doc__).split("\n\n")[0]
    return f"{rule}: {' '.join(first.split()).removesuffix('.')}"


def _written_out(symbol: str, value: Array, entry: Callable[..., Working]) -> tuple[Product, ...]:
    products = []
    for index in islice(np.ndindex(value.shape), PRODUCTS):
        w = entry(*index)
        when = " and ".join(w.when)
        products.append(
            Product(symbol + _place(index), index, w.symbols, w.numbers, float(value[index]), when, w.left_out)
        )
    return tuple(products)


def _pattern(products: Sequence[Product]) -> str:
    """What the entries have in common, without their places; where they take several branches, each of them."""
    forms: dict[str, str] = {}
    for each in products:
        place = _place(each.entry)
        forms.setdefault(each.symbols.replace(place, ""), each.when.replace(place, ""))
    return "; ".join(form + (f" where {when}" if when else "") for form, when in forms.items()) or "f(...)"


def _place(index: Index) -> str:
    return f"[{','.join(map(str, index))}]" if index else ""


def _kept(value: Any) -> Array:
    """The numbers as they are now, for reading only."""
    kept = np.asarray(value).view()
    kept.flags.writeable = False
    return kept
