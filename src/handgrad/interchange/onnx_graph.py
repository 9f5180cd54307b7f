"""An ONNX graph in the making: nodes and constants with names of their own, and elementary functions of them.

onnxruntime has no kernels for some functions of doubles, and ONNX has no expm1 and no log1p at all. So everything is
said with the operators that every runtime has for both precisions, and those functions are formulas over them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array, ArrayLike
from handgrad.compiled.expressions import Expression
from handgrad.interchange import formulas
from handgrad.interchange.door import require_library
from handgrad.interchange.formulas import Number, elementary_expression, evaluated

_OPERATORS = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "power": "Pow",
    "float_power": "Pow",
    "negative": "Neg",
    "positive": "Identity",
    "reciprocal": "Reciprocal",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "tanh": "Tanh",
    "absolute": "Abs",
    "sign": "Sign",
    "maximum": "Max",
    "minimum": "Min",
}
_COMPARISONS = {
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "equal": "Equal",
}
_LOGIC = {"bitwise_and": "And", "bitwise_or": "Or", "logical_and": "And", "logical_or": "Or"}
_FORMULAS = {"expm1": formulas.expm1, "log1p": formulas.log1p, "erfc": formulas.erfc}


class Graph:
    """Nodes over values, which are known by name; inner names begin with the `place` where they were made."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.onnx = require_library("onnx", "to_onnx")
        self.dtype = dtype
        self.place = "handgrad"
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._constants: dict[tuple[Any, ...], str] = {}
        self._conditions: set[str] = set()

    def constant(self, values: ArrayLike, dtype: Any = None) -> str:
        """An array, or a number, in the network's precision unless said otherwise; equal ones are stored once."""
        array = np.ascontiguousarray(values, dtype=dtype or self.dtype).reshape(np.shape(values))
        content = tuple(array.ravel()) if array.dtype == object else array.tobytes()
        key = (array.dtype.str, array.shape, content)
        if key not in self._constants:
            name = f"handgrad/constant{len(self._constants)}"
            self._constants[key] = name
            self.initializers.append(self._tensor(array, name))
        return self._constants[key]

    def _tensor(self, array: Array, name: str) -> Any:
        if array.dtype != object:
            return self.onnx.numpy_helper.from_array(array, name)
        texts = [str(each).encode() for each in array.ravel()]
        return self.onnx.helper.make_tensor(name, self.onnx.TensorProto.STRING, array.shape, texts)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The value that an operator gives."""
        name = f"{self.place}/{operator}{len(self.nodes)}"
        self.give(name, operator, *inputs, domain=domain, **attributes)
        return name

    def give(self, name: str, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> None:
        """The same under a name of the caller's choice."""
        made = self.onnx.helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes)
        self.nodes.append(made)

    def cast(self, value: str, dtype: Any) -> str:
        """The value in another type."""
        return self.node("Cast", value, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def elementwise(self, expression: Expression, z: str) -> str:
        """The value of an expression in `z`."""
        return evaluated(expression, {"z": z}.__getitem__, self._number, self._apply)

    def _number(self, value: Number) -> str:
        return self.constant(float(value))

    def _apply(self, function: str, operands: Sequence[str]) -> str:
        if function in _LOGIC:
            return self._condition(_LOGIC[function], *map(self._as_condition, operands))
        if function in ("logical_not", "invert"):
            return self._condition("Not", self._as_condition(operands[0]))
        if function == "where":
            condition, *branches = operands
            return self.node("Where", self._as_condition(condition), *map(self._as_number, branches))
        values = [self._as_number(each) for each in operands]
        if function in _COMPARISONS:
            return self._condition(_COMPARISONS[function], *values)
        if function == "not_equal":
            return self._unequal(*values)
        if function == "square":
            return self.node("Mul", values[0], values[0])
        if function in _FORMULAS:
            return self.elementwise(elementary_expression(_FORMULAS[function]), values[0])
        return self.node(_OPERATORS[function], *values)

    def _condition(self, operator: str, *inputs: str) -> str:
        name = self.node(operator, *inputs)
        self._conditions.add(name)
        return name

    def _as_number(self, value: str) -> str:
        """A condition as 1 or 0."""
        return self.cast(value, self.dtype) if value in self._conditions else value

    def _as_condition(self, value: str) -> str:
        """A number as whether it is not 0."""
        return value if value in self._conditions else self._unequal(value, self.constant(0.0))

    def _unequal(self, one: str, other: str) -> str:
        return self._condition("Not", self._condition("Equal", one, other))
