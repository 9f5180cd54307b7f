"""A network as PyTorch modules, and as a file of tensors that PyTorch loads safely."""

import io
import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

import handgrad
from handgrad.arrays import Array
from handgrad.files.disk import replace, require_place
from handgrad.interchange.door import Piece, pieces_of, require_library, require_single
from handgrad.interchange.torch_table import to_module
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Residual
from handgrad.network import Network


def to_torch(net: Network) -> Any:
    """The network as a `torch.nn.Sequential`, in evaluation mode, which gives the logits that `net.forward` gives.

    Its modules are named as the network's layers are, so that the state dict has `dense1.weight`, `batchnorm1.bias`
    and so on; parameters are copies, in the network's precision. A built-in activation becomes PyTorch's module, one
    of your own a module made of its formula. What the loss adds after the logits (softmax, the penalty) and
    `net.preprocessing` stay behind: `module(torch.from_numpy(net.preprocessing.transform(rows)))`.

    In training mode it does as the network does, with two differences: dropout draws other masks, and batch norm
    refuses a batch of one row.

    >>> import torch
    >>> net = Network.mlp([2, 10, 2], seed=0)
    >>> module = to_torch(net)
    >>> module
    Sequential(
      (dense1): Linear(in_features=2, out_features=10, bias=True)
      (activation1): ReLU()
      (dense2): Linear(in_features=10, out_features=2, bias=True)
    )
    >>> X = np.array([[0.5, -1.0]])
    >>> bool(np.allclose(module(torch.from_numpy(X)).detach(), net.forward(X)))
    True

    Raises
    ------
    ModuleNotFoundError
        PyTorch is not installed; `pip install 'handgrad[torch]'` brings it.
    TypeError
        `net` is not a network, or has a layer of a class of your own.
    ValueError
        It is a stack, a number in it is not finite, or a formula of your own goes beyond the elementary functions.
    """
    require_library("torch", "to_torch")
    from torch import nn

    return nn.Sequential(_modules(pieces_of(require_single(net)))).eval()


def torch_bytes(net: Network) -> bytes:
    """A file for `torch.load(path, weights_only=True)`: the state dict, and in words what it belongs to."""
    torch = require_library("torch", "export --to torch")
    module = to_torch(net)
    preprocessing = None if net.preprocessing is None else net.preprocessing.to_dict()
    content = {
        "state_dict": dict(module.state_dict()),
        "module": repr(module),
        "loss": str(net.loss_rule),
        "preprocessing": preprocessing,
        "handgrad": handgrad.__version__,
    }
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def save_torch(net: Network, path: str | os.PathLike[str]) -> None:
    """Write that file."""
    replace(require_place(path), torch_bytes(net), "the export")


def _modules(pieces: tuple[Piece, ...]) -> "OrderedDict[str, Any]":
    return OrderedDict((piece.name, _MAKERS[type(piece.layer)](piece)) for piece in pieces)


def _tensor(array: Array) -> Any:
    import torch

    return torch.from_numpy(np.array(array, order="C"))  # a copy, for the two are trained apart


def _filled(module: Any, **arrays: Array) -> Any:
    """The module with these arrays for its parameters and buffers."""
    state = {name: _tensor(array) for name, array in arrays.items()}
    tracked = {name: value for name, value in module.state_dict().items() if name not in state}
    module.load_state_dict(state | tracked)
    return module


def _dense(piece: Piece) -> Any:
    from torch import nn

    W = piece.arrays["W"]
    bias = {"bias": piece.arrays["b"][0]} if "b" in piece.arrays else {}
    fan_in, fan_out = W.shape
    return _filled(nn.Linear(fan_in, fan_out, bias=bool(bias), dtype=_dtype(W)), weight=W.T, **bias)


def _activation(piece: Piece) -> Any:
    return to_module(piece.layer.formula)  # type: ignore[attr-defined]


def _dropout(piece: Piece) -> Any:
    from torch import nn

    return nn.Dropout(piece.layer.rate)  # type: ignore[attr-defined]


def _layer_norm(piece: Piece) -> Any:
    from torch import nn

    gain, shift = piece.arrays["gain"][0], piece.arrays["shift"][0]
    module = nn.LayerNorm(len(gain), eps=piece.layer.epsilon, dtype=_dtype(gain))  # type: ignore[attr-defined]
    return _filled(module, weight=gain, bias=shift)


def _batch_norm(piece: Piece) -> Any:
    from torch import nn

    layer: Any = piece.layer
    gain, shift, mean, variance = (piece.arrays[key][0] for key in ("gain", "shift", "mean", "variance"))
    module = nn.BatchNorm1d(len(gain), eps=layer.epsilon, momentum=1 - layer.momentum, dtype=_dtype(gain))
    return _filled(module, weight=gain, bias=shift, running_mean=mean, running_var=variance)


def _residual(piece: Piece) -> Any:
    from handgrad.interchange.torch_modules import Residual as Module

    return Module(_modules(piece.inner))


def _dtype(array: Array) -> Any:
    import torch

    return getattr(torch, array.dtype.name)


_MAKERS: dict[type[Layer], Callable[[Piece], Any]] = {
    Dense: _dense,
    Activation: _activation,
    Dropout: _dropout,
    LayerNorm: _layer_norm,
    BatchNorm: _batch_norm,
    Residual: _residual,
}
