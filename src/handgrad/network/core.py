"""The core of a network: its flat vectors and views, the loss, backpropagation. Arguments are already accepted here."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from handgrad import blas
from handgrad.arrays import Array
from handgrad.layers import Context, Dense, Layer, backward_through, forward_through, require_layers
from handgrad.losses import Loss, SoftmaxCrossEntropy, losses
from handgrad.network.door import require_dtype, require_l2
from handgrad.network.drawing import PerNetwork, draw_parameters, find_initializers, starting_state
from handgrad.network.layout import Layout, at, leaves, tree_of
from handgrad.randomness import require_seeds

_MADE_BY_MAKE_VIEWS = {
    "_tree",
    "_state_tree",
    "_views",
    "_penalised",
    "_draws",
    "_quiet_contexts",
    "_predictors",
    "_single_rows",
    "_quick",
    "_picks_class",
}


class Core:
    """Layers and a loss over one flat parameter vector (P,), or (S, P) for a stack; what `Network` is the face of."""

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: str | Loss,
        init: PerNetwork,
        bias_init: PerNetwork,
        l2: float | Sequence[float],
        seed: int | Sequence[int],
        dtype: str | type | np.dtype[Any],
    ) -> None:
        require_layers("layers", layers)
        self.layers = tuple(layers)
        self.loss_rule = losses.find(loss)
        self.leaves = leaves(self.layers)
        self.fan_in, self.fan_out = _widths(self.layers)
        self.dtype = require_dtype(dtype)
        self.seed = require_seeds("seed", seed)
        self.size: int | None = None if isinstance(self.seed, int) else len(self.seed)
        self._l2 = require_l2(l2, self.size, self.dtype)
        self.init = find_initializers("init", init, self.size)
        self.bias_init = find_initializers("bias_init", bias_init, self.size)
        self.layout = Layout(self.layers, lambda layer: layer.parameter_shapes())
        self.state_layout = Layout(self.layers, lambda layer: layer.state_shapes())
        with blas.single_threaded():  # orthogonal weights come from a decomposition, which BLAS would share out
            self._params = draw_parameters(self)
        self._state = starting_state(self)
        self.awaits_data = np.array([each.name == "lsuv" for each in self.init])  # (S,) or (1,): rescale at first data
        self.preprocessing: Any = None  # how raw rows become X, if the data had such a thing; saved with the network
        self._make_views()

    @property
    def l2(self) -> Any:
        """Strength of the penalty: a number, or (S,) for a stack; assign one number or one for each."""
        return self._l2

    @l2.setter
    def l2(self, l2: float | Sequence[float]) -> None:
        self._l2 = require_l2(l2, self.size, self.dtype)
        self._penalised = bool(np.any(self._l2))

    def contexts(self, training: bool, seed: int | None, step: int) -> list[Context]:
        """What each layer is told, in the order of the layers."""
        if not isinstance(training, bool | np.bool_):
            raise TypeError(f"training is {training!r}; expected True or False")
        if not self._draws:
            return self._quiet_contexts[training]
        return self._contexts(training, seed, step)

    def _contexts(self, training: bool, seed: int | None, step: int) -> list[Context]:
        numbers = iter(range(len(self.leaves)))

        def of(layers: Sequence[Layer], states: Any) -> list[Context]:
            return [
                Context(inner=of(layer.inner, state))
                if layer.inner
                else Context(training, state, self.seed, seed, step, next(numbers))
                for layer, state in zip(layers, states, strict=True)
            ]

        return of(self.layers, self._state_tree)

    def backpropagate(
        self, X: Array, T: Array, shares: Array | None, contexts: Sequence[Context]
    ) -> tuple[Any, Array, list[Any]]:
        """The objective, its flat gradient, and the caches that `advance_state` reads."""
        Z, caches = forward_through(self.layers, self._tree, X, contexts)
        data_loss, dZ = self._weighted_loss(Z, T, shares)
        grads = self._parameter_gradients(dZ, caches)
        gradient = self.layout.flatten(grads, self._params.shape[:-1], self.dtype)
        if self._penalised:
            W = self._params[..., : self.layout.weights]
            gradient[..., : self.layout.weights] += self._l2 * W if self.size is None else self._l2[:, None] * W
            data_loss = data_loss + self.penalty()
        return data_loss, gradient, caches

    def objective(self, X: Array, T: Array, shares: Array | None, contexts: Sequence[Context]) -> Any:
        """The objective of accepted arguments: a number, or (S,)."""
        return self.observe(X, T, shares, contexts)[0]

    def observe(
        self, X: Array, T: Array, shares: Array | None, contexts: Sequence[Context]
    ) -> tuple[Any, Array, list[Any]]:
        """The objective of accepted arguments, with the logits and the caches of the forward pass."""
        data_loss, Z, caches = self.onward(0, X, self._tree, T, shares, contexts)
        return data_loss + self.penalty(), Z, caches

    def onward(
        self,
        start: int,
        A: Array,
        tree: Sequence[Any],
        T: Array,
        shares: Array | None,
        contexts: Sequence[Context],
    ) -> tuple[Any, Array, list[Any]]:
        """The data loss from layer `start` on, whose input is A, with these parameters; logits and caches as well."""
        Z, caches = forward_through(self.layers[start:], tree[start:], A, contexts[start:])
        return self._weighted_loss(Z, T, shares)[0], Z, caches

    def objective_of(self, Z: Array, T: Array) -> Any:
        """The objective of logits: a number, or (S,)."""
        return self._weighted_loss(Z, T, None)[0] + self.penalty()

    def penalty(self) -> Any:
        """l2 / 2 · Σ W² over all weights: a number, or (S,)."""
        if not self._penalised:
            return self._l2 * 0
        return self.penalty_of(self._params[..., : self.layout.weights])

    def penalty_of(self, W: Array) -> Any:
        """l2 / 2 · Σ W² over some weights, flat."""
        return self._l2 * 0.5 * np.square(W).sum(axis=-1)

    def measured_state(self, caches: Sequence[Any]) -> Array:
        """The state after a forward pass in training mode: a new flat vector (Q,), or (S, Q)."""
        measured = tree_of(
            self.layers, lambda path, layer: layer.measured(at(self._state_tree, path), at(caches, path))
        )
        return self.state_layout.flatten(measured, self._state.shape[:-1], self.dtype)

    def _make_views(self) -> None:
        self._tree = self.layout.tree(self._params)
        self._state_tree = self.state_layout.tree(self._state)
        self._views = self.layout.views(self._params) | self.state_layout.views(self._state)
        self._penalised = bool(np.any(self._l2))
        self._predictors: dict[int, Any] = {}  # by inputs: those of the compiled engine, or why there is none
        self._picks_class = type(self.loss_rule) is SoftmaxCrossEntropy
        self._single_rows = 0
        self._quick: Any = None  # the one that has predicted often
        self._draws = any(leaf.layer.draws for leaf in self.leaves)
        self._quiet_contexts = {training: self._contexts(training, None, 0) for training in (False, True)}

    def _weighted_loss(self, Z: Array, T: Array, shares: Array | None) -> tuple[Any, Array]:
        """Σ sᵢ lᵢ with shares sᵢ = wᵢ / Σ w, and its derivative by Z."""
        loss, dZ = self.loss_rule.evaluate(Z, T)
        if shares is None:
            return loss.sum(axis=-1) / Z.shape[-2], dZ / Z.shape[-2]
        return (loss * shares).sum(axis=-1), dZ * shares[..., None]

    def _parameter_gradients(self, dZ: Array, caches: Sequence[Any]) -> list[Any]:
        """Backward through all layers; nobody asks for ∂loss/∂X, so a Dense at the bottom need not form it."""
        first = self.layers[0]
        if not isinstance(first, Dense):
            return backward_through(self.layers, self._tree, dZ, caches)[1]
        dA, grads = backward_through(self.layers[1:], self._tree[1:], dZ, caches[1:])
        return [first.parameter_gradients(dA, caches[0]), *grads]

    def __getstate__(self) -> dict[str, Any]:
        """Without the views: pickled or copied deeply, they would come back as arrays of their own."""
        return {name: value for name, value in vars(self).items() if name not in _MADE_BY_MAKE_VIEWS}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        self._make_views()

    def _with(self, params: Array, state: Array, seed: Any, l2: Any, init: Any, bias_init: Any) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._params, twin._state, twin.seed, twin._l2 = params, state, seed, l2
        twin.init, twin.bias_init, twin.size = init, bias_init, None if isinstance(seed, int) else len(seed)
        twin.awaits_data = self.awaits_data.copy()
        twin._make_views()
        return twin


def _widths(layers: Sequence[Layer]) -> tuple[int | None, int | None]:
    """Units in and out; a misfit is reported with the layer's place."""
    width, fan_in = None, None
    for index, layer in enumerate(layers):
        try:
            width = layer.width(width)
        except ValueError as misfit:
            raise ValueError(f"layers[{index}] {type(layer).__name__}: {misfit}") from misfit
        if fan_in is None:
            fan_in = getattr(layer, "fan_in", width)
    return fan_in, width
