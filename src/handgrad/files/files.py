"""`save` and `load`."""

import os
from collections.abc import Iterable
from typing import Any

from safetensors import SafetensorError

from handgrad.activations import Formula
from handgrad.files.container import opened, pack, read_description, read_tensors, require_undamaged
from handgrad.files.description import (
    Shelves,
    build,
    build_layers,
    describe,
    expected_tensors,
    require_complete,
    require_finite,
    to_tensors,
)
from handgrad.files.disk import replace, require_file, require_place
from handgrad.initializers import Initializer
from handgrad.losses import Loss
from handgrad.network import Network


def save(net: Network, path: str | os.PathLike[str]) -> None:
    """Write a network, or a stack of them, to a safetensors file; `load` gives back one that computes the same bits.

    The file is complete or not there: it is written beside its place, forced to disk, and moved there in one step. A
    crash or an error leaves the file that was there before. Any suffix will do; `.safetensors` is the usual one.

    >>> import tempfile
    >>> net = Network.mlp([2, 10, 2], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(net, f"{folder}/net.safetensors")
    ...     again = load(f"{folder}/net.safetensors")
    >>> again, bool((again.params == net.params).all())
    (Network(2-10-2, softmax_cross_entropy, 52 parameters), True)

    Raises
    ------
    TypeError
        `net` is not a network, or has a layer whose class is not one of handgrad's.
    ValueError
        A parameter or a state is not finite.
    OSError
        The file cannot be written; the subclass tells why (FileNotFoundError: there is no such folder).
    """
    if not isinstance(net, Network):
        raise TypeError(f"net is {net!r}; expected a Network (of a Training, save its .net)")
    target = require_place(path)
    require_finite(net.layout, net.params)
    require_finite(net.state_layout, net.state)
    replace(target, pack(describe(net), to_tensors(net)))


def load(
    path: str | os.PathLike[str],
    activations: Iterable[Formula] = (),
    losses: Iterable[Loss] = (),
    initializers: Iterable[Initializer] = (),
) -> Network:
    """Read the network, or the stack, that `save` wrote.

    Parameters
    ----------
    path
        The file.
    activations, losses, initializers
        The records of your own with which the network was made, for a file names rules but does not hold code. The
        values of their parameters come from the file.

    >>> import tempfile
    >>> cube = Formula("cube", f=lambda z: z**3, df=lambda z, a: 3 * z**2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Network.mlp([2, 3, 2], activation=cube), f"{folder}/cubes")
    ...     load(f"{folder}/cubes", activations=[cube])
    Network(2-3-2, softmax_cross_entropy, 17 parameters)

    Raises
    ------
    FileNotFoundError, IsADirectoryError, OSError
        There is no such file, or it cannot be read.
    ValueError
        The file is truncated, damaged, of another program or of a newer handgrad; what it describes does not fit
        together; or it needs a record of your own that was not passed.
    TypeError
        `activations`, `losses` or `initializers` holds something else than such records.
    """
    shelves = Shelves.with_own(activations, losses, initializers)
    file = require_file(path)
    try:
        with opened(file) as content:
            return _read(content, shelves)
    except SafetensorError as error:
        reason = _abridged(str(error))
        raise ValueError(f"{file} is not a safetensors file, or is truncated or damaged ({reason})") from error
    except OSError as error:
        raise type(error)(f"{file} cannot be read ({error}); expected a file that you may read") from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{file}: {_abridged(str(error))}") from error


def _read(content: Any, shelves: Shelves) -> Network:
    description = read_description(content)
    require_complete(description)
    layers = build_layers("layers", description["layers"], shelves.activations)
    tensors = read_tensors(content, expected_tensors(description, layers))
    require_undamaged(description, tensors)
    return build(description, layers, tensors, shelves)


def _abridged(message: str) -> str:
    """A message of any length, for it may quote anything, by its beginning and end."""
    return message if len(message) <= 600 else f"{message[:300]} ... {message[-300:]}"
