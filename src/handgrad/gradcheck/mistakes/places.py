"""Where in a network a mistake can be planted."""

from handgrad.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Residual
from handgrad.network import Network
from handgrad.network.layout import Leaf, Path


def dense(net: Network) -> list[Leaf]:
    """All Dense layers."""
    return [leaf for leaf in net.leaves if isinstance(leaf.layer, Dense)]


def first_dense(net: Network) -> list[Leaf]:
    """The first Dense layer of several."""
    return dense(net)[:1] if len(dense(net)) > 1 else []


def last_dense(net: Network) -> list[Leaf]:
    """The last Dense layer of several."""
    return dense(net)[-1:] if len(dense(net)) > 1 else []


def square(net: Network) -> list[Leaf]:
    """Dense layers with as many units out as in, where a transpose fits by accident."""
    return [leaf for leaf in dense(net) if leaf.layer.fan_in == leaf.layer.fan_out > 1]  # type: ignore[attr-defined]


def wide(net: Network) -> list[Leaf]:
    """Dense layers whose W has several rows and columns."""
    return [leaf for leaf in dense(net) if min(leaf.layer.parameter_shapes()["W"]) > 1]


def biased(net: Network) -> list[Leaf]:
    """Dense layers with a bias of several units."""
    return [leaf for leaf in dense(net) if leaf.layer.parameter_shapes().get("b", (1, 1))[1] > 1]


def passing_back(net: Network, found: list[Leaf]) -> list[Leaf]:
    """Those of them whose gradient by the input reaches a parameter further down."""
    with_parameters = [leaf.number for leaf in net.leaves if leaf.layer.parameter_shapes()]
    return [leaf for leaf in found if with_parameters and with_parameters[0] < leaf.number]


def square_within(net: Network) -> list[Leaf]:
    """Square Dense layers above the first layer."""
    return passing_back(net, square(net))


def dense_within(net: Network) -> list[Leaf]:
    """Dense layers above the first layer."""
    return passing_back(net, dense(net))


def activation_layers(net: Network) -> list[Leaf]:
    """Activations above a layer with parameters."""
    return passing_back(net, [leaf for leaf in net.leaves if isinstance(leaf.layer, Activation)])


def dropouts(net: Network) -> list[Leaf]:
    """Layers that drop units, above a layer with parameters."""
    found = [leaf for leaf in net.leaves if isinstance(leaf.layer, Dropout) and leaf.layer.rate]
    return passing_back(net, found)


def norms(net: Network) -> list[Leaf]:
    """Batch and layer norm."""
    return [leaf for leaf in net.leaves if isinstance(leaf.layer, LayerNorm) and leaf.layer.units > 1]


def norms_within(net: Network) -> list[Leaf]:
    """Batch and layer norm above a layer with parameters."""
    return passing_back(net, norms(net))


def batch_norms_within(net: Network) -> list[Leaf]:
    """Batch norm above a layer with parameters."""
    return [leaf for leaf in norms_within(net) if isinstance(leaf.layer, BatchNorm)]


def layer_norms_within(net: Network) -> list[Leaf]:
    """Layer norm above a layer with parameters."""
    return [leaf for leaf in norms_within(net) if not isinstance(leaf.layer, BatchNorm)]


def residuals(net: Network) -> dict[Path, Residual]:
    """Skip connections above a layer with parameters, at the top of the tree."""
    found = {(index,): layer for index, layer in enumerate(net.layers) if isinstance(layer, Residual)}
    lowest = min((leaf.path for leaf in net.leaves if leaf.layer.parameter_shapes()), default=())
    return {path: layer for path, layer in found.items() if lowest < path}
