"""PyTorch's gradients: of a module, or of a `torch.autograd.Function` whose backward was written by hand."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from handgrad.gradcheck.adapters.triple import Point, Triple, require, weights_of


def from_torch(function: Callable[..., Any], *inputs: Any, seed: int = 0) -> Triple:
    """The triple (function, gradient, x) that proves what PyTorch's backward gives for a function of tensors.

    The numeric side calls the function without gradients, the analytic side calls backward; both on the CPU in float64,
    and on a copy of a module. Every call starts from the same random state and the same buffers: dropout drops the
    same units each time, and batch norm's running statistics stay where they were.

    Parameters
    ----------
    function
        A `torch.nn.Module`, in the mode (`train()` or `eval()`) in which it is to be proved; or anything that takes
        tensors, such as `MyFunction.apply`. It answers a tensor, or a tuple, list or dict of them. One number is taken
        as it is; anything else is summed with fixed random weights, as a loss after it would.
    inputs
        Its arguments. Tensors and NumPy arrays of floats are what is differentiated by; anything else, integers among
        them, is passed on as it is. To leave out an array of floats, close over it, in float64:
        `lambda A: function(A, mask)`.
    seed
        Of the random state at every call, and of the weights.

    Returns
    -------
    (function, gradient, x)
        x holds float64 arrays by name: a module's parameters that require gradients, and "input0", "input1", ... by
        their place among the arguments. What does not reach the output has gradient zero.

    Raises
    ------
    ModuleNotFoundError
        PyTorch is not installed.
    TypeError
        Something to differentiate by is complex, or the function answers no floats or complex ones.
    ValueError
        A parameter of the module has the name of an input.

    Examples
    --------
    >>> import torch  # doctest: +SKIP
    >>> layer = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh())  # doctest: +SKIP
    >>> hg.check_gradient(*from_torch(layer, torch.randn(5, 3))).passed  # doctest: +SKIP
    True
    """
    torch = require("torch", "from_torch", "PyTorch", "torch")
    twin = _Twin(torch, function, inputs, seed)

    def value(x: Point) -> float:
        with torch.no_grad(), twin.same_randomness():
            return float(twin.number(twin.at(x)))

    def gradient(x: Point) -> Point:
        with torch.enable_grad(), twin.same_randomness():
            variables = twin.at(x)
            number = twin.number(variables)
            if not number.requires_grad:  # nothing reaches it, which PyTorch takes for a mistake of the caller's
                return {name: np.zeros(array.shape) for name, array in x.items()}
            grads = torch.autograd.grad(number, list(variables.values()), allow_unused=True, materialize_grads=True)
        return {name: grad.to_dense().numpy().copy() for name, grad in zip(variables, grads, strict=True)}

    return value, gradient, twin.start


class _Twin:
    """A copy of a module in float64 (or a function, as a module without parameters), and the arguments of its calls."""

    def __init__(self, torch: Any, function: Callable[..., Any], inputs: tuple[Any, ...], seed: int) -> None:
        self.torch, self.seed = torch, seed
        if isinstance(function, torch.nn.Module):
            self.module = copy.deepcopy(function).cpu().double()
        else:
            self.module = torch.nn.Module()
            self.module.forward = function
        self.parameters = {name: each for name, each in self.module.named_parameters() if each.requires_grad}
        self.buffers = copy.deepcopy(dict(self.module.named_buffers(remove_duplicate=False)))
        self.arguments = [self._argument(each) for each in inputs]
        self.names = [f"input{place}" for place in range(len(inputs))]
        for name in self.parameters.keys() & set(self.names):
            raise ValueError(f"the module has a parameter called {name!r}, which is the name of an input")
        floats = {name: each for name, each in zip(self.names, self.arguments, strict=True) if self._is_floats(each)}
        for name, tensor in (named := {**self.parameters, **floats}).items():
            if tensor.is_complex():
                raise TypeError(f"{name} holds {tensor.dtype}; expected real floats")
        self.start = {name: tensor.detach().double().numpy().copy() for name, tensor in named.items()}

    def _argument(self, given: Any) -> Any:
        if isinstance(given, np.ndarray):
            return self.torch.from_numpy(given.copy())
        return given.detach().cpu() if self.torch.is_tensor(given) else given

    def _is_floats(self, argument: Any) -> bool:
        return self.torch.is_tensor(argument) and (argument.is_floating_point() or argument.is_complex())

    def at(self, x: Point) -> dict[str, Any]:
        """The tensors to differentiate by, with the values of x; the module's buffers are what they were at first."""
        with self.torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(self.torch.from_numpy(x[name]))
        for name, buffer in copy.deepcopy(self.buffers).items():
            owner, _, own_name = name.rpartition(".")
            setattr(self.module.get_submodule(owner), own_name, buffer)
        floats = [name for name in self.names if name in x]
        return {**self.parameters, **{name: self.torch.tensor(x[name], requires_grad=True) for name in floats}}

    def number(self, variables: dict[str, Any]) -> Any:
        """The function's value as one number, a tensor."""
        called = [  # a clone, since a function may write into a tensor but not into one that is differentiated by
            variables[name].clone() if name in variables else given
            for name, given in zip(self.names, self.arguments, strict=True)
        ]
        outputs = [each for each in _tensors(self.torch, self.module(*called)) if self._is_floats(each)]
        if any(each.is_complex() for each in outputs):
            raise TypeError("the function answers complex numbers; expected floats (take their .real and .imag)")
        if not outputs:
            raise TypeError("the function answers no tensor of floats; there is nothing to differentiate")
        weights = weights_of([tuple(each.shape) for each in outputs], self.seed)
        parts = [(self.torch.from_numpy(w) * each).sum() for w, each in zip(weights, outputs, strict=True)]
        return sum(parts[1:], parts[0])

    @contextmanager
    def same_randomness(self) -> Iterator[None]:
        """PyTorch's random state is the same at every call, and afterwards what it was before."""
        with self.torch.random.fork_rng(devices=[]):
            self.torch.default_generator.manual_seed(self.seed)
            yield


def _tensors(torch: Any, answer: Any) -> list[Any]:
    """Every tensor in an answer, in order."""
    if torch.is_tensor(answer):
        return [answer]
    parts = answer.values() if isinstance(answer, Mapping) else answer if isinstance(answer, list | tuple) else ()
    return [tensor for part in parts for tensor in _tensors(torch, part)]
