"""PyTorch's activation modules beside ours, with the settings under which the two are the same function."""

from collections.abc import Callable
from typing import Any

from handgrad.activations import Formula, activations
from handgrad.interchange.formulas import activation_expression

_EXACT_SOFTPLUS = 40.0  # beyond it log(1 + eᶻ) is z in double precision; torch's own threshold of 20 is off by 2e-9


def to_module(rule: Formula) -> Any:
    """The module that computes an activation: torch's own, or where it has none the formula in torch's functions."""
    from handgrad.interchange.torch_modules import Elementwise

    named = activations.rules.get(rule.name)
    built_in = named is not None and named.f is rule.f  # one of your own may have any name
    module = _torchs_own(rule) if built_in else None
    return Elementwise(repr(rule), activation_expression(rule), built_in) if module is None else module


def _torchs_own(rule: Formula) -> Any:
    from torch import nn

    makers: dict[str, Callable[..., Any]] = {
        "identity": nn.Identity,
        "relu": nn.ReLU,
        "leaky_relu": lambda slope: nn.LeakyReLU(negative_slope=slope),
        "elu": nn.ELU,
        "selu": nn.SELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "mish": nn.Mish,
        "softplus": lambda: nn.Softplus(threshold=_EXACT_SOFTPLUS),
        "softsign": nn.Softsign,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "hard_tanh": nn.Hardtanh,
    }
    return makers[rule.name](**rule.parameters) if rule.name in makers else None


def from_module(module: Any) -> Formula | None:
    """The activation that a module is; None where it is no activation that we have.

    Raises
    ------
    ValueError
        It is one of ours with settings that we do not have.
    """
    from torch import nn

    from handgrad.interchange.torch_modules import Elementwise

    plain = {
        nn.Identity: "identity",
        nn.ReLU: "relu",
        nn.SELU: "selu",
        nn.SiLU: "silu",
        nn.Mish: "mish",
        nn.Softsign: "softsign",
        nn.Tanh: "tanh",
        nn.Sigmoid: "sigmoid",
    }
    kind = type(module)
    if kind in plain:
        return activations.find(plain[kind])
    if kind is Elementwise and module.built_in:
        return activations.find(module.name)
    if kind is nn.LeakyReLU:
        return activations.find("leaky_relu")(slope=module.negative_slope)
    if kind is nn.ELU:
        return activations.find("elu")(alpha=module.alpha)
    limited: dict[Any, tuple[str, Callable[[], bool], str]] = {
        nn.GELU: ("gelu", lambda: module.approximate == "none", "approximate='none'"),
        nn.Softplus: ("softplus", lambda: module.beta == 1 and module.threshold >= 20, "beta=1 and a threshold >= 20"),
        nn.Hardtanh: ("hard_tanh", lambda: (module.min_val, module.max_val) == (-1, 1), "min_val=-1 and max_val=1"),
    }
    if kind not in limited:
        return None
    name, fits, expected = limited[kind]
    if not fits():
        raise ValueError(f"is {module}; our {name} is that with {expected}")
    return activations.find(name)
