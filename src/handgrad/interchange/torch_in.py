"""PyTorch modules as a network."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from handgrad.activations import Formula
from handgrad.arrays import Array
from handgrad.files.description import require_finite
from handgrad.interchange.door import pieces_of, require_library
from handgrad.interchange.torch_table import from_module
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Residual
from handgrad.losses import Loss, losses
from handgrad.network import Network

_KNOWN = "Linear, BatchNorm1d, LayerNorm, Dropout, the activations that handgrad has, and Sequential of them"
Found = tuple[Layer, dict[str, Array]]  # a layer and its arrays by our names


def from_torch(module: Any, loss: str | Loss | None = None) -> Network:
    """The network that a PyTorch module is: a `Sequential` of layers that handgrad has, nested or not.

    Known are Linear, BatchNorm1d, LayerNorm, Dropout, a Flatten at the front, Identity, ReLU, LeakyReLU, ELU, SELU,
    GELU, SiLU, Mish, Softplus, Softsign, Tanh, Sigmoid and Hardtanh. A last Softmax or LogSoftmax, or Sigmoid, is
    what our loss softmax_cross_entropy, or sigmoid_cross_entropy, does itself: it is taken off, and tells the loss.
    Parameters are copied, in their precision; the module is left as it is.

    Parameters
    ----------
    module
        The `torch.nn.Sequential`.
    loss
        What the network is trained with, by name or record; needed where the last module does not tell it. With
        another loss than sigmoid_cross_entropy a last Sigmoid stays a layer.

    >>> from torch import nn
    >>> from_torch(nn.Sequential(nn.Linear(2, 10), nn.Tanh(), nn.Linear(10, 3), nn.LogSoftmax(dim=1)))
    Network(2-10-3, softmax_cross_entropy, 63 parameters)

    Raises
    ------
    ModuleNotFoundError
        PyTorch is not installed; `pip install 'handgrad[torch]'` brings it.
    TypeError
        `module` is not a torch module, or holds one that is not known; its place is named.
    ValueError
        A module has settings that we do not have, a hook, a forward of its own, or parameters that it shares with
        another; the loss is missing or does not go with the last module; or a number is not finite.
    """
    nn = require_library("torch", "from_torch").nn
    if not isinstance(module, nn.Module):
        raise TypeError(f"module is {module!r}; expected a torch.nn.Sequential")
    flat = list(_flattened("module", module))
    if flat and type(flat[0][1]) is nn.Flatten and flat[0][1].start_dim == 1:
        del flat[0]
    rule, flat = _loss_of(flat, None if loss is None else losses.find(loss))
    _require_own_parameters(flat)
    found = [_layer(place, each) for place, each in flat]
    net = Network([layer for layer, _ in found], loss=rule, init="zeros", dtype=_precision(module))
    _fill(net, found)
    require_finite(net.layout, net.params)
    require_finite(net.state_layout, net.state)
    return net


def _flattened(place: str, module: Any) -> Iterator[tuple[str, Any]]:
    """The modules one after another, each with where it stands: `module[2][0]`."""
    from torch import nn

    if module._forward_hooks or module._forward_pre_hooks:
        raise ValueError(f"{place} is {module} with a forward hook, which would not be taken along; remove it first")
    if "forward" in vars(module):
        raise ValueError(
            f"{place} is {module} with a forward of its own, which would not be taken along; delete it first"
        )
    if type(module).forward is nn.Sequential.forward:
        for index, inner in enumerate(module):
            yield from _flattened(f"{place}[{index}]", inner)
    else:
        yield place, module


def _loss_of(flat: list[tuple[str, Any]], loss: Loss | None) -> tuple[Loss, list[tuple[str, Any]]]:
    """The loss, and the modules without a last one that the loss does itself."""
    from torch import nn

    place: str
    last: Any  # None where there is no module
    place, last = flat[-1] if flat else ("module", None)
    if type(last) in (nn.Softmax, nn.LogSoftmax):
        if last.dim not in (1, -1):
            raise ValueError(f"{place} is {last}; expected dim=1, over the outputs of each row")
        if loss is not None and loss.name != "softmax_cross_entropy":
            raise ValueError(f"loss is {loss} but {place} is {last}, which is part of softmax_cross_entropy")
        return losses.find("softmax_cross_entropy"), flat[:-1]
    if type(last) is nn.Sigmoid and (loss is None or loss.name == "sigmoid_cross_entropy"):
        return losses.find("sigmoid_cross_entropy"), flat[:-1]
    if loss is None:
        raise ValueError(
            f"loss is missing, and the last module, {last}, does not tell it; name it, such as "
            "loss='softmax_cross_entropy' or loss='mse'"
        )
    return loss, flat


def _require_own_parameters(flat: list[tuple[str, Any]]) -> None:
    """Refuse parameters that stand in two places: here each would be trained apart."""
    places: dict[int, str] = {}
    for place, module in flat:
        for parameter in module.parameters():
            if id(parameter) in places:
                raise ValueError(f"{place} shares a parameter with {places[id(parameter)]}; every layer needs its own")
        places |= {id(parameter): place for parameter in module.parameters()}


def _precision(module: Any) -> str:
    names = {str(each.dtype).removeprefix("torch.") for each in module.parameters()}
    if len(names) != 1 or not names <= {"float32", "float64"}:
        found = ", ".join(sorted(names)) or "no"
        raise ValueError(f"module has parameters of {found} type; expected float32 or float64 in all")
    return names.pop()


def _layer(place: str, module: Any) -> tuple[Layer, Any]:
    """One module as a layer, with its arrays; for a skip connection a list of those inside."""
    from torch import nn

    from handgrad.interchange.torch_modules import Residual as Skip

    if type(module) is Skip:
        inner = [pair for index, each in enumerate(module) for pair in _inside(f"{place}[{index}]", each)]
        return Residual([layer for layer, _ in inner]), inner
    if type(module) is nn.Linear:
        return _dense(module)
    if type(module) is nn.Dropout:
        return Dropout(module.p), {}
    if type(module) is nn.LayerNorm:
        return _layer_norm(place, module)
    if type(module) is nn.BatchNorm1d:
        return _batch_norm(place, module)
    return Activation(_formula(place, module)), {}


def _inside(place: str, module: Any) -> list[tuple[Layer, Any]]:
    return [_layer(*each) for each in _flattened(place, module)]


def _formula(place: str, module: Any) -> Formula:
    try:
        formula = from_module(module)
    except ValueError as misfit:
        raise ValueError(f"{place} {misfit}") from misfit
    if formula is None:
        raise TypeError(f"{place} is {module}, which handgrad has no layer for; expected {_KNOWN}")
    return formula


def _dense(module: Any) -> Found:
    arrays = {"W": _array(module.weight).T}
    if module.bias is not None:
        arrays["b"] = _array(module.bias)[None]
    return Dense(module.in_features, module.out_features, bias=module.bias is not None), arrays


def _layer_norm(place: str, module: Any) -> Found:
    if len(module.normalized_shape) != 1 or module.weight is None or module.bias is None:
        raise ValueError(f"{place} is {module}; expected one axis, with weight and bias")
    layer = LayerNorm(module.normalized_shape[0], epsilon=module.eps)
    return layer, {"gain": _array(module.weight)[None], "shift": _array(module.bias)[None]}


def _batch_norm(place: str, module: Any) -> Found:
    if not module.affine or not module.track_running_stats or module.momentum is None:
        raise ValueError(f"{place} is {module}; expected affine=True, track_running_stats=True and a momentum")
    tensors = {"gain": module.weight, "shift": module.bias, "mean": module.running_mean, "variance": module.running_var}
    layer = BatchNorm(module.num_features, epsilon=module.eps, momentum=1 - module.momentum)
    return layer, {key: _array(tensor)[None] for key, tensor in tensors.items()}


def _array(tensor: Any) -> Array:
    return np.asarray(tensor.detach().cpu().numpy())


def _fill(net: Network, found: list[tuple[Layer, Any]]) -> None:
    """Write the arrays into the network, which has the same layers in the same order."""

    def fill(pieces: Any, arrays: list[Any]) -> None:
        for piece, (_, own) in zip(pieces, arrays, strict=True):
            if piece.inner:
                fill(piece.inner, own)
            else:
                for key, array in own.items():
                    piece.arrays[key][...] = array

    fill(pieces_of(net), found)
