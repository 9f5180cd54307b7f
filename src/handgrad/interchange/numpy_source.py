"""An expression as NumPy source: a function that a student could have written."""

from collections import Counter
from typing import Any

from handgrad.compiled.expressions import Expression

_INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "**",
    "float_power": "**",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "equal": "==",
    "not_equal": "!=",
}
_CALLS = {"absolute": "np.abs", "erfc": "erfc", "invert": "np.logical_not"}


def function_source(name: str, expression: Expression, dtype: str) -> str:
    """The function of `z` that computes an expression; parts that are used twice get a line of their own.

    >>> from handgrad.activations import leaky_relu
    >>> from handgrad.interchange.formulas import activation_expression
    >>> print(function_source("apply_leaky_relu", activation_expression(leaky_relu), "float64"))
    def apply_leaky_relu(z):
        return np.where(z > 0, z, 0.01 * z)
    """
    printer = _Printer(expression)
    value = printer.inside(expression)
    if dtype != "float64" and "np.where" in value + "".join(printer.lines):  # two constants would make doubles
        value = f"np.asarray({value}, dtype=z.dtype)"
    body = [*printer.lines, f"return {value}"]
    return "\n".join([f"def {name}(z):", *(f"    {line}" for line in body)])


class _Printer:
    def __init__(self, expression: Expression) -> None:
        self.uses: Counter[int] = Counter()
        self.lines: list[str] = []
        self._names: dict[int, str] = {}
        self._count(expression)

    def _count(self, expression: Expression) -> None:
        self.uses[id(expression)] += 1
        if self.uses[id(expression)] == 1:
            for operand in expression.operands:
                if isinstance(operand, Expression):
                    self._count(operand)

    def inside(self, operand: Any) -> str:
        """The operand where nothing binds tighter: between brackets or commas."""
        if not isinstance(operand, Expression):
            return _constant(operand)
        if operand.function == "constant":
            return _constant(operand.operands[0])
        if not operand.operands:
            return operand.function
        if id(operand) in self._names:
            return self._names[id(operand)]
        text = self._text(operand)
        if self.uses[id(operand)] == 1:
            return text
        self._names[id(operand)] = name = f"t{len(self._names) + 1}"
        self.lines.append(f"{name} = {text}")
        return name

    def _text(self, expression: Expression) -> str:
        function, operands = expression.function, expression.operands
        if function in _INFIX:
            return f" {_INFIX[function]} ".join(map(self._tight, operands))
        if function == "negative":
            return f"-{self._tight(operands[0])}"
        if function == "positive":
            return self.inside(operands[0])
        call = _CALLS.get(function, f"np.{function}")
        return f"{call}({', '.join(map(self.inside, operands))})"

    def _tight(self, operand: Any) -> str:
        """The operand beside an operator."""
        text = self.inside(operand)
        return text if text.replace("_", "").replace(".", "").isalnum() or _is_call(text) else f"({text})"


def _is_call(text: str) -> bool:
    """Whether the text is one call, with its last bracket closing its first.

    >>> _is_call("np.exp(z)"), _is_call("np.exp(z) + f(z)")
    (True, False)
    """
    name, _, rest = text.partition("(")
    depth = 1
    for place, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return name.replace(".", "").replace("_", "").isalnum() and place == len(rest) - 1
    return False


def _constant(value: Any) -> str:
    number = value.item() if hasattr(value, "item") else value
    text = repr(number if isinstance(number, int | float) else float(number))
    return text.replace("inf", "np.inf").replace("nan", "np.nan")
