"""The network: layers and a loss over one flat parameter vector; forward, gradient, predict; one network or a stack."""

import numbers
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from handgrad import blas
from handgrad.arrays import Array, ArrayLike, require_integer, require_numeric
from handgrad.layers import Context, Dense, Layer, backward_through, forward_through
from handgrad.losses import Loss
from handgrad.network.core import Core
from handgrad.network.door import accept_inputs, accept_shares, require_dtype, require_shape
from handgrad.network.drawing import PerNetwork
from handgrad.network.lowering import predicted
from handgrad.network.mlp import mlp_layers
from handgrad.network.recording import record_outputs
from handgrad.network.summary import summary_table
from handgrad.randomness import require_seed
from handgrad.rules import unknown


class Network(Core):
    """A feed-forward network with hand-derived gradients, or a stack of S such networks side by side.

    The objective is the weighted mean over the batch of each example's loss plus l2 / 2 · Σ W² (never biases).

    Parameters
    ----------
    layers
        The layers in order.
    loss
        A name or record of `handgrad.losses`, fused with its output function.
    init, bias_init
        Names or records of `handgrad.initializers`; `init` may be a sequence with one for each network of a stack.
    l2
        Strength of the penalty; one number, or one for each network.
    seed
        A whole number, or a sequence of S of them, which makes a stack of S networks.
    dtype
        "float64" or "float32"; everything is computed in it.

    Raises
    ------
    TypeError, ValueError
        A layer does not fit the one before, or a name, size or seed is not what it should be.

    Examples
    --------
    >>> net = Network.mlp([2, 10, 2], activation="relu", seed=0)
    >>> net["dense1.W"].shape, net.params.shape
    ((2, 10), (52,))
    >>> stack = Network.mlp([2, 10, 2], seed=range(300))
    >>> stack.params.shape
    (300, 52)
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        loss: str | Loss = "softmax_cross_entropy",
        init: PerNetwork = "he_normal",
        bias_init: PerNetwork = "zeros",
        l2: float | Sequence[float] = 0.0,
        seed: int | Sequence[int] = 0,
        dtype: str | type | np.dtype[Any] = "float64",
    ) -> None:
        super().__init__(layers, loss, init, bias_init, l2, seed, dtype)

    @classmethod
    def mlp(
        cls,
        sizes: Sequence[int],
        *,
        activation: Any = "relu",
        loss: str | Loss = "softmax_cross_entropy",
        init: PerNetwork = "he_normal",
        bias_init: PerNetwork = "zeros",
        output_activation: Any = None,
        l2: float | Sequence[float] = 0.0,
        dropout: float = 0.0,
        norm: str | None = None,
        residual: bool = False,
        seed: int | Sequence[int] = 0,
        dtype: str | type | np.dtype[Any] = "float64",
    ) -> Self:
        """A multi-layer perceptron: Dense, norm, activation and dropout for each hidden layer, Dense at the end.

        Parameters
        ----------
        sizes
            Units from input to output: [2, 10, 2] has one hidden layer of 10.
        activation
            One name or record for all hidden layers, or a sequence with one for each.
        output_activation
            An activation after the last Dense, before the loss; None for most losses.
        norm
            None, "batch" or "layer"; a Dense before batch norm has no bias, for the norm would take it away.
        residual
            Whether a connection skips each hidden layer that is as wide as the hidden layer before it.

        Other parameters are those of `Network`.

        >>> Network.mlp([2, 8, 8, 1], activation=["tanh", "relu"], loss="mse", norm="batch")
        Network(2-8-8-1, mse, 121 parameters)
        """
        layers = mlp_layers(sizes, activation, output_activation, dropout, norm, residual)
        return cls(layers, loss=loss, init=init, bias_init=bias_init, l2=l2, seed=seed, dtype=dtype)

    # --- parameters and state -----------------------------------------------------------------------------------

    @property
    def params(self) -> Array:
        """The flat parameter vector (P,), or (S, P) for a stack; assigning into it changes the network."""
        return self._params

    @params.setter
    def params(self, values: ArrayLike) -> None:
        self._params[...] = require_shape("params", values, self._params.shape, self.dtype)
        self.awaits_data[:] = False

    @property
    def state(self) -> Array:
        """What training measures but does not learn (batch norm's running statistics), flat like `params`."""
        return self._state

    @state.setter
    def state(self, values: ArrayLike) -> None:
        self._state[...] = require_shape("state", values, self._state.shape, self.dtype)

    @property
    def parameter_names(self) -> list[str]:
        """The names of the parameters, in the order of the flat vector."""
        return [segment.name for segment in self.layout.segments]

    def named(self, vector: ArrayLike) -> dict[str, Array]:
        """A vector shaped like `params` (a gradient, say) as views by parameter name.

        >>> net = Network.mlp([2, 3, 2])
        >>> loss, gradient = net.gradient([[0.5, -1.0]], [1])
        >>> net.named(gradient)["dense2.W"].shape
        (3, 2)
        """
        return self.layout.views(require_shape("vector", vector, self._params.shape, self.dtype))

    def __getitem__(self, name: str | int | slice | list[int]) -> Any:
        """A named parameter (or state) as a view into the vector; or network i (or i:j) of a stack, as a copy."""
        if isinstance(name, str):
            if name not in self._views:
                raise unknown("parameter", name, self._views)
            return self._views[name]
        return self._of_stack(name)

    def __setitem__(self, name: str, values: ArrayLike) -> None:
        """Write into a named parameter (or state); the view stays the same array."""
        view = self[name]
        view[...] = require_shape(name, values, view.shape, self.dtype)
        self.awaits_data[:] = False

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def copy(self) -> "Network":
        """The same network with parameters of its own."""
        return self._with(self._params.copy(), self._state.copy(), self.seed, self.l2, self.init, self.bias_init)

    def astype(self, dtype: str | type | np.dtype[Any]) -> "Network":
        """The same network in "float32" or "float64"."""
        found = require_dtype(dtype)
        l2 = self.l2 if self.size is None else self.l2.astype(found)
        params, state = self._params.astype(found), self._state.astype(found)
        twin = self._with(params, state, self.seed, l2, self.init, self.bias_init)
        twin.dtype = found
        return twin

    def stacked(self, params: ArrayLike) -> "Network":
        """A stack of S networks like this one, with these parameters (S, P) and this one's seed and state each."""
        if self.size is not None:
            raise TypeError("stacked: expected a single network, not a stack")
        vectors = require_numeric("params", params)
        if vectors.ndim != 2 or vectors.shape[1] != self.layout.size:
            raise ValueError(f"params has shape {vectors.shape}; expected (S, {self.layout.size})")
        vectors = require_shape("params", vectors, vectors.shape, self.dtype).copy()
        networks = len(vectors)
        seeds, l2 = np.full(networks, self.seed), np.full(networks, self.l2, self.dtype)
        return self._with(vectors, np.tile(self._state, (networks, 1)), seeds, l2, self.init, self.bias_init)

    # --- forward ------------------------------------------------------------------------------------------------

    def forward(
        self,
        X: ArrayLike,
        *,
        training: bool = False,
        seed: int | None = None,
        step: int = 0,
        engine: str = "auto",
    ) -> Array:
        """Outputs before the loss's output function (logits): X (B, D) -> Z (B, C), or (S, B, C) for a stack.

        In prediction mode they come from the compiled engine where it knows the network, in training mode (where
        layers cache what backward needs) from NumPy; `engine="numpy"` and `"compiled"` force one.
        """
        if not training and (logits := predicted(self, X, engine, "logits")) is not None:
            return logits
        X = self.accept_inputs(X)
        with blas.single_threaded():
            Z, _ = forward_through(self.layers, self._tree, X, self._told(training, seed, step))
        return Z if self.size is None or Z.ndim == 3 else np.broadcast_to(Z, (self.size, *Z.shape))

    def predict(self, X: ArrayLike, *, engine: str = "auto") -> Array:
        """Class indices (B,) for softmax, 0 or 1 (B, C) for sigmoid, outputs (B, C) for regression; stacks: (S, ...)"""
        if self._picks_class and (found := predicted(self, X, engine, "classes")) is not None:
            return found
        return self.loss_rule.predict(self.forward(X, engine=engine))

    def predict_proba(self, X: ArrayLike, *, engine: str = "auto") -> Array:
        """The probabilities that the loss's output function gives, (B, C) or (S, B, C).

        Raises
        ------
        TypeError
            The network is for regression, which has no probabilities.
        """
        if self.loss_rule.target not in ("classes", "labels"):
            raise TypeError(f"predict_proba: a network with loss {self.loss_rule} has no probabilities; call predict")
        Z = self.forward(X, engine=engine)
        with blas.single_threaded():
            return self.loss_rule.output(Z)

    # --- loss and gradient --------------------------------------------------------------------------------------

    def loss(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        training: bool = False,
        seed: int | None = None,
        step: int = 0,
    ) -> Any:
        """The objective, penalty included: a float, or (S,) for a stack."""
        data_loss = self._data_loss(X, y, sample_weight, training, seed, step)
        return self._as_number(data_loss + self.penalty())

    def data_loss(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        training: bool = False,
        seed: int | None = None,
        step: int = 0,
    ) -> Any:
        """The objective without the penalty: a float, or (S,) for a stack."""
        return self._as_number(self._data_loss(X, y, sample_weight, training, seed, step))

    def gradient(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        training: bool = True,
        seed: int | None = None,
        step: int = 0,
    ) -> tuple[Any, Array]:
        """The objective and its gradient by every parameter, by hand-derived backpropagation.

        Parameters
        ----------
        X
            Inputs (B, D); for a stack also (S, B, D).
        y
            Class indices (B,), one-hot or probabilities (B, C); values (B,) or (B, C) for regression.
        sample_weight
            How much each row counts, (B,); the mean is weighted by it.
        training
            Whether layers are in training mode (dropout drops, batch norm uses the batch).
        seed, step
            Together with the network's seed they decide the draw of dropout.

        Returns
        -------
        loss, gradient
            A float and (P,); for a stack (S,) and (S, P). The loss is the very function that is differentiated.

        >>> net = Network.mlp([2, 3, 2], seed=0)
        >>> loss, gradient = net.gradient([[0.5, -1.0]], [1])
        >>> gradient.shape == net.params.shape
        True
        """
        X, T, shares = self.accept(X, y, sample_weight)
        with blas.single_threaded():
            loss, gradient, _ = self.backpropagate(X, T, shares, self._told(training, seed, step))
        return self._as_number(loss), gradient

    def input_gradient(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        training: bool = True,
        seed: int | None = None,
        step: int = 0,
    ) -> Array:
        """The objective's gradient by the inputs: (B, D), or (S, B, D) for a stack."""
        X, T, shares = self.accept(X, y, sample_weight)
        with blas.single_threaded():
            Z, caches = forward_through(self.layers, self._tree, X, self._told(training, seed, step))
            _, dZ = self._weighted_loss(Z, T, shares)
            dX, _ = backward_through(self.layers, self._tree, dZ, caches)
        return dX

    def update_state(self, X: ArrayLike, *, seed: int | None = None, step: int = 0) -> None:
        """Advance what training measures (batch norm's running statistics) by one batch, for a loop of your own."""
        X = self.accept_inputs(X)
        with blas.single_threaded():
            _, caches = forward_through(self.layers, self._tree, X, self._told(True, seed, step))
        self.state = self.measured_state(caches)

    # --- what training, checking and saving build on: arguments are already accepted -----------------------------

    def accept(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array, Array | None]:
        """Inputs, encoded targets and shares wᵢ / Σ wᵢ (None: all equal) in the network's dtype, or a clear error."""
        X = self.accept_inputs(X)
        return X, self.accept_targets(y, X), accept_shares(sample_weight, X.shape[-2], self.dtype)

    def accept_inputs(self, X: ArrayLike) -> Array:
        """X (B, D), or (S, B, D) for a stack, in the network's dtype, or a clear error."""
        return accept_inputs(self, X)

    def accept_targets(self, y: ArrayLike, X: Array) -> Array:
        """Targets for these inputs as the loss wants them, (B, C) or (S, B, C), or a clear error."""
        networks = self.size if X.ndim == 3 else None
        outputs = self.fan_out if self.fan_out is not None else X.shape[-1]
        return self.loss_rule.encode(y, outputs, X.shape[-2], networks, self.dtype)

    def dense_outputs(self, X: ArrayLike) -> dict[str, Array]:
        """The output Z of each Dense layer in training mode, by the name of its weights."""
        outputs = record_outputs(self, self.accept_inputs(X), training=True)
        return {f"{leaf.name}.W": outputs[leaf.name] for leaf in self.leaves if isinstance(leaf.layer, Dense)}

    # --- showing ------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        widths = [self.fan_in, *(leaf.layer.fan_out for leaf in self.leaves if isinstance(leaf.layer, Dense))]
        stack = "" if self.size is None else f"{self.size} networks of "
        return f"Network({stack}{'-'.join(map(str, widths))}, {self.loss_rule}, {self.layout.size:,} parameters)"

    def summary(self) -> str:
        """A table of layers, output shapes and parameter counts.

        >>> print(Network.mlp([2, 3, 2]).summary())
        layer        description                       output  parameters
        dense1       Dense(2, 3)                       (B, 3)           9
        activation1  relu                              (B, 3)           0
        dense2       Dense(3, 2)                       (B, 2)           8
        loss         softmax_cross_entropy                  -           0
        total                                                          17
        """
        return summary_table(self.leaves, self.fan_in, str(self.loss_rule), self.layout.size)

    # --- inside -------------------------------------------------------------------------------------------------

    def _told(self, training: bool, seed: int | None, step: int) -> list[Context]:
        """The contexts of a mode that a user named."""
        if seed is not None:
            require_seed("seed", seed)
        return self.contexts(training, seed, require_integer("step", step, at_least=0))

    def _data_loss(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        training: bool,
        seed: int | None,
        step: int,
    ) -> Any:
        X, T, shares = self.accept(X, y, sample_weight)
        with blas.single_threaded():
            Z, _ = forward_through(self.layers, self._tree, X, self._told(training, seed, step))
            return self._weighted_loss(Z, T, shares)[0]

    def _as_number(self, loss: Any) -> Any:
        return float(loss) if self.size is None else np.broadcast_to(loss, (self.size,)).copy()

    def _of_stack(self, index: Any) -> "Network":
        """Network i of the stack, or the smaller stack of a slice or list of numbers; copies."""
        if self.size is None:
            raise TypeError("a single network has no members; index it by a parameter's name such as 'dense1.W'")
        if isinstance(index, slice | list):
            members = np.arange(self.size)[index]
            if not len(members):
                raise IndexError(f"{index} holds no network of a stack of {self.size}")
            return self._members(members, np.asarray(self.seed)[members])
        if isinstance(index, bool) or not isinstance(index, numbers.Integral):
            raise TypeError(f"a stack is indexed by one network's number or a parameter's name, not {index!r}")
        if not -self.size <= int(index) < self.size:
            raise IndexError(f"network {index} of a stack of {self.size}")
        s = int(index) % self.size
        return self._members(s, int(np.asarray(self.seed)[s]))

    def _members(self, which: Any, seed: Any) -> "Network":
        """A stack of these networks (an array of numbers), or the single one of that number."""

        def own(values: Any) -> Any:  # one for all networks, or one for each
            return tuple(values[s] for s in np.atleast_1d(which)) if len(values) > 1 else tuple(values)

        l2 = float(self.l2[which]) if np.ndim(which) == 0 else np.asarray(self.l2)[which]
        params, state = self._params[which].copy(), self._state[which].copy()
        members = self._with(params, state, seed, l2, own(self.init), own(self.bias_init))
        members.awaits_data = np.array(own(self.awaits_data))
        return members
