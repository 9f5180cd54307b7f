"""Gradient checkers as functions of one case: handgrad's two, the textbook's rule, SciPy's, PyTorch's and JAX's.

All but `check_network` see a function of a dict of arrays, its gradient, and the point. Each keeps its own defaults;
where a tool only measures and leaves the verdict to its user, the rule is stated in `RULES`.
"""

import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import handgrad as hg
from handgrad.arrays import Array
from handgrad.gradcheck import Report, check_gradient, check_network
from handgrad.gradcheck.mistakes import Functions, as_function


class Verdict(NamedTuple):
    """What a tool says: "wrong", "right" or "abstains"; the cause where it names one, the error where it raised one."""

    outcome: str
    cause: str = ""
    note: str = ""


Tool = Callable[[hg.Network, dict[str, Any]], Verdict]

RULES = {
    "check_gradient": "handgrad.gradcheck.check_gradient on the function and gradient; wrong if a finding says so",
    "check_network": "handgrad.check_network on the network",
    "textbook": "first ten entries of each parameter, central differences with h = 1e-5, "
    "wrong unless ‖a - n‖ / (‖a‖ + ‖n‖ + 1e-8) < 1e-5",
    "scipy_strict": "scipy.optimize.check_grad (forward differences), wrong unless the error is below "
    "1e-6 · max(1, ‖gradient‖)",
    "scipy_loose": "the same, wrong unless the error is below 1e-4 · max(1, ‖gradient‖)",
    "torch_slow": "torch.autograd.gradcheck with its defaults, float64",
    "torch_fast": "torch.autograd.gradcheck(fast_mode=True), float64",
    "jax": "jax.test_util.check_grads(order=1, modes='rev') with its defaults, x64",
}
_NEEDS = {"scipy": "scipy", "torch": "torch", "jax": "jax"}


def missing(tool: str) -> str:
    """The package that a tool needs and that is not installed, or nothing."""
    needed = _NEEDS.get(tool.split("_")[0], "")
    return needed if needed and importlib.util.find_spec(needed) is None else ""


def judged(tool: str, net: hg.Network, data: dict[str, Any]) -> Verdict:
    """What a tool says; an exception is an alarm too, and is noted."""
    try:
        return _TOOLS[tool](net, data)
    except Exception as error:
        return Verdict("wrong", "", f"{type(error).__name__}: {error}"[:300])


def _of_report(report: Report) -> Verdict:
    cause = report.findings[0].cause if report.findings else ""
    return Verdict("right" if report.passed else "abstains" if report.inconclusive else "wrong", cause)


def _check_gradient(net: hg.Network, data: dict[str, Any]) -> Verdict:
    return _of_report(check_gradient(*as_function(net, **data)))


def _check_network(net: hg.Network, data: dict[str, Any]) -> Verdict:
    return _of_report(check_network(net, **data))


def _textbook(net: hg.Network, data: dict[str, Any]) -> Verdict:
    function, gradient, x = as_function(net, **data)
    for name, analytic in gradient(x).items():
        ours, numeric = analytic.reshape(-1)[:10], np.zeros(min(10, analytic.size))
        values = x[name].reshape(-1)
        for entry, value in enumerate(values[:10].copy()):
            values[entry] = value + 1e-5
            above = function(x)
            values[entry] = value - 1e-5
            numeric[entry] = (above - function(x)) / 2e-5
            values[entry] = value
        size = np.linalg.norm(ours) + np.linalg.norm(numeric) + 1e-8
        if not np.linalg.norm(ours - numeric) / size < 1e-5:
            return Verdict("wrong")
    return Verdict("right")


def _scipy(limit: float) -> Tool:
    def tool(net: hg.Network, data: dict[str, Any]) -> Verdict:
        from scipy.optimize import check_grad

        functions = as_function(net, **data)
        function, gradient, x = _flat(functions)
        error = check_grad(function, gradient, x)
        size = max(1.0, float(np.linalg.norm(gradient(x))))
        return Verdict("right" if error < limit * size else "wrong")

    return tool


def _flat(functions: Functions) -> tuple[Callable[[Array], float], Callable[[Array], Array], Array]:
    """The same function and gradient, of one flat vector."""
    shapes = {name: array.shape for name, array in functions.x.items()}
    stops = np.cumsum([array.size for array in functions.x.values()])[:-1]

    def point(flat: Array) -> dict[str, Array]:
        parts = np.split(flat, stops)  # views: what is written into them is written into `flat`
        return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}

    def gradient(flat: Array) -> Array:
        return np.concatenate([array.reshape(-1) for array in functions.gradient(point(flat)).values()])

    x = np.concatenate([array.reshape(-1) for array in functions.x.values()])
    return lambda flat: functions.function(point(flat)), gradient, x


def _torch(fast: bool) -> Tool:
    def tool(net: hg.Network, data: dict[str, Any]) -> Verdict:
        import torch

        function, gradient, x = as_function(net, **data)

        class Wrapped(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *tensors: Any) -> Any:
                ctx.save_for_backward(*tensors)
                return torch.tensor(function(_arrays(x, tensors)), dtype=torch.float64)

            @staticmethod
            def backward(ctx: Any, upstream: Any) -> Any:
                grads = gradient(_arrays(x, ctx.saved_tensors))
                return tuple(upstream * torch.from_numpy(grad) for grad in grads.values())

        tensors = [torch.from_numpy(array).requires_grad_() for array in x.values()]
        right = torch.autograd.gradcheck(Wrapped.apply, tensors, fast_mode=fast, raise_exception=False)
        return Verdict("right" if right else "wrong")

    return tool


def _arrays(x: dict[str, Array], tensors: Any) -> dict[str, Array]:
    """The tensors' memory as arrays."""
    return {name: tensor.detach().numpy() for name, tensor in zip(x, tensors, strict=True)}


def _jax(net: hg.Network, data: dict[str, Any]) -> Verdict:
    import jax
    from jax.test_util import check_grads

    function, gradient, x = as_function(net, **data)
    scalar = jax.ShapeDtypeStruct((), np.float64)
    shapes = {name: jax.ShapeDtypeStruct(array.shape, np.float64) for name, array in x.items()}

    def own(point: Any) -> dict[str, Array]:
        return {name: np.array(array) for name, array in point.items()}

    @jax.custom_vjp
    def wrapped(point: Any) -> Any:
        return jax.pure_callback(lambda point: np.float64(function(own(point))), scalar, point)

    def forward(point: Any) -> Any:
        return wrapped(point), point

    def backward(point: Any, upstream: Any) -> Any:
        grads = jax.pure_callback(lambda point: gradient(own(point)), shapes, point)
        return ({name: upstream * grad for name, grad in grads.items()},)

    wrapped.defvjp(forward, backward)
    with jax.enable_x64(True):
        try:
            check_grads(wrapped, ({name: jax.numpy.asarray(array) for name, array in x.items()},), 1, modes=["rev"])
        except AssertionError:
            return Verdict("wrong")
    return Verdict("right")


_TOOLS: dict[str, Tool] = {
    "check_gradient": _check_gradient,
    "check_network": _check_network,
    "textbook": _textbook,
    "scipy_strict": _scipy(1e-6),
    "scipy_loose": _scipy(1e-4),
    "torch_slow": _torch(fast=False),
    "torch_fast": _torch(fast=True),
    "jax": _jax,
}
