"""PyTorch's activation modules beside ours, with the settings under which the two are the same function."""

from collections.abc import Callable
from typing import Any

from handgrad.activations import Formula, activations

_EXACT_SOFTPLUS = 40.0  # beyond it log(1 + eᶻ) is z in double precision; torch's own threshold of 20 is off by 2e-9


def to_module(rule: Formula) -> Any:
    """The module of a built-in activation; None for one of your own, whatever its name."""
    from torch import nn

    built_in = activations.rules.get(rule.name)
    if built_in is None or built_in.f is not rule.f:
        return None
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
