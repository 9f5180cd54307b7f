"""What a document asks of the processor, in multiplications: about 4e9 of them take a second on one core.

Products of matrices are counted as they are, and what else takes time as so many multiplications: measured, and rounded
to what is simple.
"""

from itertools import pairwise

from handgrad.activations import Formula
from handgrad.experiments.recipe import NetworkRecipe, TrainingRecipe
from handgrad.optimizers import LBFGS
from handgrad.playground.limits import Limits
from handgrad.playground.reading import written_texts
from handgrad.playground.scene import Scene
from handgrad.playground.units import MAPS, PICTURE
from handgrad.written import Written

_UNIT = 100  # of a unit's activation at one row, forward and back
_NORM, _DROPOUT = 100, 50  # of a unit's norm and dropout, likewise
_OPERATION = 30  # of each operation in a formula that was typed, likewise
_STEP, _NUMPY_STEP = 3_500, 600_000  # of a step besides its products, for each layer


def engine_for(network: NetworkRecipe, mistake: str | None) -> str:
    """What trains it: NumPy where a backward pass is wrong on purpose, or a formula would have to be compiled first.

    Compiling takes up to seconds, in which no tab moves; and what is compiled is kept on disk.
    """
    return "numpy" if mistake is not None or any(map(written_texts, _activations(network))) else "auto"


def weights_of(network: NetworkRecipe, scene: Scene) -> int:
    """The number of weights, without biases."""
    sizes = [scene.train.X.shape[1], *network.hidden_sizes, scene.outputs]
    return sum(fan_in * fan_out for fan_in, fan_out in pairwise(sizes))


def epoch_work(network: NetworkRecipe, training: TrainingRecipe, scene: Scene, engine: str) -> int:
    """An epoch of training, and the measurement after it."""
    rows, all_rows = len(scene.train.X), len(scene.train.X) + len(scene.test.X)
    steps = -(-rows // (training.batch_size or rows))
    step = (_STEP if engine == "auto" else _NUMPY_STEP) * (1 + len(network.hidden_sizes))
    once = 6 * weights_of(network, scene) * rows + _row_work(network, scene) * all_rows + steps * step
    return once * (training.epochs if isinstance(training.optimizer, LBFGS) else 1)  # it walks all of them again


def picture_work(network: NetworkRecipe, scene: Scene) -> int:
    """The maps of one frame, forward only."""
    return (weights_of(network, scene) + _row_work(network, scene) // 2) * (MAPS**2 + PICTURE**2)


def require_affordable(
    network: NetworkRecipe, training: TrainingRecipe, scene: Scene, engine: str, limits: Limits
) -> None:
    """Refuse a network, or an epoch of it, that is beyond the limits."""
    weights = weights_of(network, scene)
    limits.require("parameters", weights, f"network.hidden_sizes makes {weights:,} weights")
    again = f" ({training.epochs} of them, for L-BFGS walks all anew)" if isinstance(training.optimizer, LBFGS) else ""
    work = epoch_work(network, training, scene, engine) + picture_work(network, scene)
    limits.require(
        "epoch_work", work, f"an epoch of this network on these rows{again} takes about {work:,} multiplications"
    )


def _row_work(network: NetworkRecipe, scene: Scene) -> int:
    """All activations at one row."""
    beside = (_NORM if network.norm else 0) + (_DROPOUT if network.dropout else 0)
    hidden = zip(network.hidden_sizes, _activations(network), strict=False)
    return sum(units * (_unit_work(each) + beside) for units, each in hidden) + scene.outputs * _UNIT


def _unit_work(activation: Formula) -> int:
    formulas = [each for each in (activation.f, activation.df) if isinstance(each, Written)]
    return _UNIT + _OPERATION * sum(each.operations for each in formulas)


def _activations(network: NetworkRecipe) -> tuple[Formula, ...]:
    """Of each hidden layer."""
    if isinstance(network.activation, tuple):
        return network.activation
    return (network.activation,) * len(network.hidden_sizes)
