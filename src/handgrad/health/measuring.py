"""Signals: what passes through every layer on one batch, forward and backward, in a few figures.

A layer's outputs have a mean and a variance; an activation's units may be saturated, or dead; the gradient that reaches
a layer, and the one by its weights, have a norm. The loss is set beside that of the best constant prediction.
"""

from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import blas, randomness
from handgrad.activations import Formula
from handgrad.arrays import Array, ArrayLike
from handgrad.health.chance import chance_loss
from handgrad.layers import Activation, Dense, Layer
from handgrad.network import Network
from handgrad.network.recording import Recording, record_pass
from handgrad.rules import unknown

if TYPE_CHECKING:
    import pandas as pd

FLAT = 0.05  # of the steepest slope: where an activation is less steep, it is flat
PARTS = 4  # of a batch, whose gradients tell how noisy a gradient is
HEADINGS = ("layer", "mean", "sd", "saturated", "dead", "gradient", "|W|", "gradient by W")


@dataclass(frozen=True)
class LayerSignals:
    """One layer on one batch: numbers, or (S,) for a stack; None where a layer has no such thing.

    `mean` and `variance` of its outputs, over rows and units. Of activations: `saturated`, the share of units and rows
    where |f'(z)| is below a twentieth of its maximum (on -3 ≤ z ≤ 3), and `dead`, the share of units where f'(z) is 0,
    or f(z) the same, on all rows. `gradient`: ‖∂loss/∂output‖. Of layers with weights: `weight`, ‖W‖, and
    `weight_gradient`, ‖∂data loss/∂W‖. Norms are Frobenius's, over all rows or weights.
    """

    layer: str
    units: int
    mean: Any
    variance: Any
    saturated: Any
    dead: Any
    gradient: Any
    weight: Any
    weight_gradient: Any


@dataclass(frozen=True)
class Signals:
    """The signals of all layers, first layer first, and of the loss; print it to read it. Made by `hg.signals`.

    `data_loss` is without the penalty, `chance` what the best constant prediction has, `penalty_share` the penalty's
    part of the objective. `noise_scale`, in rows, is the batch size at which noise and gradient are as strong.
    """

    rows: int
    networks: int | None
    layers: tuple[LayerSignals, ...]
    data_loss: Any
    chance: Any
    penalty_share: Any
    noise_scale: Any

    def __getitem__(self, layer: str) -> LayerSignals:
        """The signals of the layer of that name."""
        for each in self.layers:
            if each.layer == layer:
                return each
        raise unknown("layer", layer, [each.layer for each in self.layers])

    def of(self, network: int) -> "Signals":
        """Those of one network of a stack."""
        layers = tuple(LayerSignals(**_picked(each, network)) for each in self.layers)
        return Signals(**_picked(self, network) | {"layers": layers, "networks": None})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; null where there is no such thing or no finite number."""
        return plain(asdict(self))

    def to_pandas(self) -> "pd.DataFrame":
        """A row for each layer, or for each (layer, network) of a stack."""
        import pandas as pd

        if self.networks is None:
            return pd.DataFrame([asdict(each) for each in self.layers]).set_index("layer")
        tables = {s: self.of(s).to_pandas() for s in range(self.networks)}
        return pd.concat(tables, names=["network"]).swaplevel().sort_index(level="network", sort_remaining=False)

    def __str__(self) -> str:
        if self.networks is not None:
            return f"signals of {self.networks} networks on {self.rows} rows; .of(s) are those of one"
        rows = [HEADINGS, *(_row(each) for each in self.layers)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
        noise = f"{self.noise_scale:.3g} rows" if np.isfinite(self.noise_scale) else "not known from these rows"
        end = (
            f"data loss {self.data_loss:.4g} (chance {self.chance:.4g}), penalty {self.penalty_share:.1%} of the "
            f"objective, gradient noise scale {noise}"
        )
        return "\n".join([*lines, "", end.replace("%", " %")])


def signals(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    training: bool = True,
    seed: int | None = None,
    step: int = 0,
) -> Signals:
    """What passes through every layer on one batch, forward and backward; a network or a stack.

    Parameters
    ----------
    net, X, y, sample_weight, training, seed, step
        As for `Network.gradient`.

    Returns
    -------
    Signals
        A row for each layer (`LayerSignals`): mean, variance, saturated and dead units, norms of gradients; the data
        loss beside chance, min over constant z of Σ wᵢ l(z, tᵢ) / Σ wᵢ; the penalty's share; and the gradient noise
        scale tr(Σ) / |G|² of the Dense weights (McCandlish et al. 2018, eq. 2.9), with both estimated without bias from
        a batch and quarters of it (appendix A.1). It is infinite where the rows are too few to tell the gradient from
        noise, and NaN for less than eight rows.

    Raises
    ------
    TypeError, ValueError
        As `Network.gradient`.

    Examples
    --------
    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=100, seed=0)
    >>> found = signals(hg.Network.mlp([2, 10, 2], activation="relu", seed=0), X, y)
    >>> [each.layer for each in found.layers], found["activation1"].dead
    (['dense1', 'activation1', 'dense2'], 0.0)
    >>> round(found.chance, 4)  # log 2: there are as many of either class
    0.6931
    """
    X, T, shares = net.accept(X, y, sample_weight)
    chance = chance_loss(net.loss_rule, T, shares)
    order = randomness.order(randomness.key(0, None, "signals"), X.shape[-2])  # sorted rows would look noisy in parts
    X, T = X[..., order, :], T[..., order, :]
    shares = None if shares is None else shares[order]
    return measure(net, X, T, shares, chance, training, seed, step)


def measure(
    net: Network,
    X: Array,
    T: Array,
    shares: Array | None,
    chance: Array,
    training: bool = True,
    seed: int | None = None,
    step: int = 0,
) -> Signals:
    """The signals on accepted rows, in random order, whose chance is known."""
    with blas.single_threaded(), np.errstate(all="ignore"):  # a network that overflows is what one wants to look into
        data_loss, recording = record_pass(net, X, T, shares, net.contexts(training, seed, step))
        penalty = net.penalty()
        layers = tuple(_of_layer(net, leaf.name, leaf.layer, recording) for leaf in net.leaves)
        share = penalty / np.where(data_loss + penalty == 0, 1, data_loss + penalty)
        noise = _noise_scale(net, recording)
    figures = (_figure(net, each) for each in (data_loss, chance, share, noise))
    return Signals(X.shape[-2], net.size, layers, *figures)


def _of_layer(net: Network, name: str, layer: Layer, recording: Recording) -> LayerSignals:
    Y, dY = recording.outputs[name], recording.gradients[name]
    saturated = dead = weight = weight_gradient = None
    if isinstance(layer, Activation):
        slope = np.abs(layer.formula.derivative(recording.inputs[name], Y))  # (..., B, units)
        saturated = _figure(net, (slope < FLAT * _steepest(layer.formula)).mean(axis=(-2, -1)))
        silent = (slope == 0).all(axis=-2)
        if Y.shape[-2] > 1:
            silent |= (Y[..., :1, :] == Y).all(axis=-2)
        dead = _figure(net, silent.mean(axis=-1))
    if "W" in recording.parameters.get(name, {}):
        weight = _figure(net, _norm(net[f"{name}.W"]))
        weight_gradient = _figure(net, _norm(recording.parameters[name]["W"]))
    flat = Y.reshape(*Y.shape[:-2], -1)
    return LayerSignals(
        layer=name,
        units=Y.shape[-1],
        mean=_figure(net, flat.mean(axis=-1)),
        variance=_figure(net, flat.var(axis=-1)),
        saturated=saturated,
        dead=dead,
        gradient=_figure(net, _norm(dY)),
        weight=weight,
        weight_gradient=weight_gradient,
    )


def _noise_scale(net: Network, recording: Recording) -> Any:
    """tr(Σ) / |G|² over the weights of all Dense layers: noise of one row's gradient beside the mean gradient.

    With G_b the gradients of K parts of b rows and G_B their mean, of B = K b rows (appendix A.1):
    |G|² ≈ (B |G_B|² - b |G_b|²) / (B - b) and tr(Σ) ≈ (|G_b|² - |G_B|²) / (1/b - 1/B).
    """
    B = next(iter(recording.outputs.values())).shape[-2]
    b = B // PARTS
    if b < 2:
        return np.nan
    of_parts: Any = 0.0
    of_all: Any = 0.0
    for leaf in net.leaves:
        if isinstance(leaf.layer, Dense):
            A, dZ = _in_parts(recording.inputs[leaf.name], b), _in_parts(recording.gradients[leaf.name], b)
            dW = A.mT @ dZ * (B / b)  # (..., K, fan_in, fan_out): each part's own mean
            of_parts = of_parts + np.square(dW).sum(axis=(-2, -1)).mean(axis=-1)
            of_all = of_all + np.square(dW.mean(axis=-3)).sum(axis=(-2, -1))
    G2 = (PARTS * of_all - of_parts) / (PARTS - 1)
    trace = (of_parts - of_all) / (1 / b - 1 / (PARTS * b))
    return np.where(G2 > 0, trace / np.where(G2 > 0, G2, 1), np.inf)


def _in_parts(values: Array, b: int) -> Array:
    """(..., B, units) as (..., K, b, units); rows left over at the end are left out."""
    return values[..., : PARTS * b, :].reshape(*values.shape[:-2], PARTS, b, values.shape[-1])


@cache
def _steepest(formula: Formula) -> float:
    """The largest slope of an activation where signals live, -3 ≤ z ≤ 3."""
    with np.errstate(all="ignore"):
        slopes = np.abs(formula.derivative(np.linspace(-3.0, 3.0, 601)))
    return float(np.nanmax(slopes))


def _norm(values: Array) -> Any:
    return np.sqrt(np.square(values.reshape(*values.shape[:-2], -1)).sum(axis=-1))


def _figure(net: Network, value: Any) -> Any:
    """A float for one network, (S,) for a stack."""
    return float(value) if net.size is None else np.broadcast_to(np.asarray(value, float), (net.size,)).copy()


def _picked(record: Any, network: int) -> dict[str, Any]:
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    return {name: float(value[network]) if isinstance(value, np.ndarray) else value for name, value in values.items()}


def plain(value: Any) -> Any:
    """Arrays as lists, and None where a number is not finite, which JSON does not know."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value


def _row(each: LayerSignals) -> tuple[str, ...]:
    shares = ("" if share is None else f"{share:.0%}".replace("%", " %") for share in (each.saturated, each.dead))
    norms = ("" if norm is None else f"{norm:.3g}" for norm in (each.gradient, each.weight, each.weight_gradient))
    return (each.layer, f"{each.mean:.3g}", f"{np.sqrt(each.variance):.3g}", *shares, *norms)
