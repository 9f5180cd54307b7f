"""Mistakes in the layers that have a backward of their own: batch and layer norm, dropout, the skip connection."""

from typing import Any

from handgrad.arrays import Array
from handgrad.elementary import column_sum, row_sum
from handgrad.gradcheck.mistakes.mistake import Mistake, of_layers
from handgrad.gradcheck.mistakes.places import batch_norms_within, dropouts, layer_norms_within, norms, norms_within
from handgrad.gradcheck.mistakes.places import residuals as places_of_residuals
from handgrad.gradcheck.mistakes.planting import Wrong, become, planted
from handgrad.layers import BatchNorm, Cache, Dropout, Layer, LayerNorm, Parameters, Residual, backward_through
from handgrad.network import Network
from handgrad.network.layout import Leaf


class SpoiltNorm(Wrong, LayerNorm):
    """dA = (dN - mean(dN) - N mean(dN ⊙ N)) / σ, with some of its terms left out."""

    lost: str  # "mean", "N", "both", "gain" or "root"

    def backward(self, params: Parameters, dY: Array, cache: Cache) -> tuple[Array, Parameters]:
        """Wrong by the lost term where the statistics are the rows' own."""
        _, grads = super().backward(params, dY, cache)
        normed, deviation, batch, training = _statistics(self, cache)
        dN = dY if self.lost == "gain" else dY * params["gain"]
        if not training:
            return dN / deviation, grads
        dA = dN
        if self.lost not in ("mean", "both"):
            dA = dA - _mean(dN, batch)
        if self.lost not in ("N", "both"):
            dA = dA - normed * _mean(dN * normed, batch)
        return dA / (deviation**2 if self.lost == "root" else deviation), grads


class SpoiltBatchNorm(SpoiltNorm, BatchNorm):
    """The same for batch norm."""


class Swapped(Wrong, LayerNorm):
    """The gradients by gain and shift, each under the other's name."""

    def backward(self, params: Parameters, dY: Array, cache: Cache) -> tuple[Array, Parameters]:
        """The right dA."""
        dA, grads = super().backward(params, dY, cache)
        return dA, {"gain": grads["shift"], "shift": grads["gain"]}


class SwappedBatchNorm(Swapped, BatchNorm):
    """The same for batch norm."""


class GainLikeShift(Wrong, LayerNorm):
    """The gradient by the gain is the sum of dY, without N."""

    def backward(self, params: Parameters, dY: Array, cache: Cache) -> tuple[Array, Parameters]:
        """The right dA."""
        dA, grads = super().backward(params, dY, cache)
        return dA, grads | {"gain": grads["shift"].copy()}


class GainLikeShiftBatchNorm(GainLikeShift, BatchNorm):
    """The same for batch norm."""


class SpoiltDropout(Wrong, Dropout):
    """dA = dY ⊙ M to another power: 0, no mask; 2, scaled twice."""

    power: int

    def backward(self, params: Parameters, dY: Array, M: Array | None) -> tuple[Array, Parameters]:
        """The wrong mask."""
        return (dY if M is None else dY * M**self.power), {}


class UnscaledDropout(Wrong, Dropout):
    """The mask without its 1 / (1 - rate)."""

    def backward(self, params: Parameters, dY: Array, M: Array | None) -> tuple[Array, Parameters]:
        """Too small by 1 - rate."""
        return (dY if M is None else dY * (M > 0)), {}


class SkipForgotten(Residual):
    """dA is only what comes back through F."""

    def backward(self, params: Parameters, dY: Array, caches: list[Cache]) -> tuple[Array, Parameters]:
        """Without the dY of the skip connection."""
        return backward_through(self.layers, params, dY, caches)


class BranchForgotten(Residual):
    """dA is only the skip connection's."""

    def backward(self, params: Parameters, dY: Array, caches: list[Cache]) -> tuple[Array, Parameters]:
        """Without what comes back through F."""
        return dY, backward_through(self.layers, params, dY, caches)[1]


def _statistics(layer: Layer, cache: Cache) -> tuple[Array, Array, bool, bool]:
    """N, σ, whether the means are over the batch, and whether they move with A."""
    if isinstance(layer, BatchNorm):
        return cache[0], cache[1], True, cache[4]
    return cache[0], cache[1], False, True


def _mean(A: Array, batch: bool) -> Array:
    return column_sum(A) / A.shape[-2] if batch else row_sum(A)[..., None] / A.shape[-1]


def _wrong_norms(found: list[Leaf], wrong: type[Layer], wrong_batch: type[Layer], more: dict[str, Any]) -> Any:
    kinds = {leaf.path: wrong_batch if isinstance(leaf.layer, BatchNorm) else wrong for leaf in found}
    return {leaf.path: become(leaf.layer, kinds[leaf.path], **more) for leaf in found}


def _of_norms(
    name: str,
    cause: str,
    story: str,
    wrong: type[Layer],
    wrong_batch: type[Layer],
    within: bool = False,
    **more: Any,
) -> Mistake:
    places = norms_within if within else norms
    return Mistake(
        name,
        cause,
        story,
        lambda net: bool(places(net)),
        lambda net: planted(net, layers=_wrong_norms(places(net), wrong, wrong_batch, more)),
    )


def _of_residuals(name: str, story: str, kind: type[Residual]) -> Mistake:
    def plant(net: Network) -> Network:
        return planted(net, layers={path: become(layer, kind) for path, layer in places_of_residuals(net).items()})

    return Mistake(name, "unknown", story, lambda net: bool(places_of_residuals(net)), plant)


_NORM = (SpoiltNorm, SpoiltBatchNorm)

OWN_LAYERS: tuple[Mistake, ...] = (
    of_layers(
        "batch norm's statistics constant",
        "unknown",
        "took μ and σ of the batch for constants",
        SpoiltBatchNorm,
        batch_norms_within,
        lost="both",
    ),
    of_layers(
        "layer norm's statistics constant",
        "unknown",
        "took μ and σ of the row for constants",
        SpoiltNorm,
        layer_norms_within,
        lost="both",
    ),
    _of_norms("norm's mean term missing", "unknown", "took μ for a constant", *_NORM, within=True, lost="mean"),
    _of_norms("norm's N term missing", "unknown", "took σ for a constant", *_NORM, within=True, lost="N"),
    _of_norms("norm's gain forgotten", "unknown", "dN = dY, without the gain", *_NORM, within=True, lost="gain"),
    _of_norms("norm by the variance", "unknown", "divided by σ², root forgotten", *_NORM, within=True, lost="root"),
    _of_norms("gain and shift swapped", "shared-gradient", "each under the other's name", Swapped, SwappedBatchNorm),
    _of_norms(
        "gain like shift",
        "shared-gradient",
        "summed dY, without N, for the gain",
        GainLikeShift,
        GainLikeShiftBatchNorm,
    ),
    of_layers("dropout's mask missing", "unknown", "no mask in backward", SpoiltDropout, dropouts, power=0),
    of_layers("dropout scaled twice", "constant-factor", "1 / (1 - rate) twice", SpoiltDropout, dropouts, power=2),
    of_layers("dropout not scaled", "constant-factor", "a mask of 0 and 1 in backward", UnscaledDropout, dropouts),
    _of_residuals("skip forgotten", "dA comes back through F only", SkipForgotten),
    _of_residuals("branch forgotten", "dA comes back through the skip only", BranchForgotten),
)
