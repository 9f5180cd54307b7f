"""The compiled engine for training: the same steps as the plain one, whole epochs at a time, in compiled code."""

from typing import TYPE_CHECKING

import numpy as np

from handgrad import randomness
from handgrad.arrays import Array
from handgrad.network import Network
from handgrad.network.lowering import plan_of, settle
from handgrad.optimizers import LBFGS, sgd
from handgrad.training.data import TrainingData
from handgrad.training.engine import NumpyEngine, Ran
from handgrad.training.settings import Settings

if TYPE_CHECKING:
    from handgrad.compiled.plan import Plan
    from handgrad.compiled.runner import Rule

WORK_AT_ONCE = 4e9  # multiplications and additions of one call, so that Ctrl-C and the progress bar get their turn
NUMBERS_AT_ONCE = 1 << 23  # of batch orders, coefficients and losses that are prepared for one call


class CompiledEngine:
    """A runner for one network or stack and its data; what it needs at each step is prepared for many epochs."""

    def __init__(self, net: Network, data: TrainingData, settings: Settings, plan: "Plan") -> None:
        from handgrad.compiled.runner import Data, Runner, Vectors

        self.net, self.data, self.settings = net, data, settings
        self.optimizer = settings.optimizer.for_stack(net.size)
        self.slots = np.zeros((len(self.optimizer.slots), *net.params.shape), net.dtype)
        networks = net.size or 1
        memory = self.slots.reshape(len(self.slots), networks, net.layout.size)
        vectors = Vectors(np.atleast_2d(net.params), net.state.reshape(networks, net.state_layout.size), memory)
        l2 = np.atleast_1d(np.asarray(net.l2, net.dtype))
        keys = np.atleast_1d(randomness.key(net.seed, settings.seed, "dropout"))
        table = Data(data.X, data.T, data.weights)
        self.runner = Runner(plan, vectors, table, settings.batch_size, self._rule(), l2, keys)
        self.steps = settings.steps(data.rows)
        self.whole = self.steps == 1
        numbers = networks * (1 if self.whole else data.rows) + self.steps * 8
        work = 6.0 * networks * data.rows * net.layout.weights
        self.epochs_at_once = max(1, int(min(NUMBERS_AT_ONCE / numbers, WORK_AT_ONCE / max(work, 1))))

    def _rule(self) -> "Rule":
        from handgrad.compiled.kernels import update_kernel
        from handgrad.compiled.runner import Rule

        optimizer, settings, weights = self.optimizer, self.settings, self.net.layout.weights
        if isinstance(optimizer, LBFGS):
            return Rule(weights=weights)
        names = list(optimizer.coefficients(1, 1.0))
        return Rule(
            update=update_kernel(optimizer, names, self.net.dtype),
            coefficients=len(names),
            plain=optimizer.update() is sgd and not optimizer.decays,
            clip=settings.clip_norm,
            frozen=settings.frozen,
            weights=weights,
        )

    def run(self, epoch: int, epochs: int, step: int, factors: Array, active: Array) -> Ran:
        """So many epochs; as `NumpyEngine.run`, but what failed counts its steps through all of them."""
        coefficients, shrinks = self._coefficients(step, factors)
        order = None if self.whole else np.stack([self._order(epoch + number) for number in range(epochs)])
        return Ran(*self.runner.run(epochs, order, coefficients, shrinks, step, active, self._threads()))

    def loss_and_gradient(self) -> tuple[float, Array]:
        """The objective and its gradient on the whole set, for a single network."""
        nothing = np.zeros((1, 1, 0))
        losses, _ = self.runner.run(1, None, nothing, None, 0, np.ones(1), self._threads())
        return float(losses[0, 0]), self.runner.gradient[0].copy()

    def logits(self, X: Array) -> Array:
        """Outputs before the loss's output function."""
        return self.net.forward(X, engine="compiled")

    def _coefficients(self, step: int, factors: Array) -> tuple[Array, Array | None]:
        """The rule's coefficients (S or 1, steps, count) and the factors on the weights (S or 1, steps), in float64."""
        optimizer = self.optimizer
        rates = optimizer.learning_rate * factors  # (S or 1, steps)
        named = optimizer.coefficients(step + 1 + np.arange(factors.shape[1]), rates)
        shrinks = np.asarray(optimizer.shrink(rates)) if optimizer.decays else None
        return np.stack(np.broadcast_arrays(*named.values(), rates)[:-1], axis=-1), shrinks

    def _order(self, epoch: int) -> Array:
        """The rows of an epoch, (S or 1, N)."""
        key = randomness.key(self.net.seed, self.settings.seed, "order", epoch)
        return np.atleast_2d(randomness.order(key, self.data.rows))

    def _threads(self) -> int:
        from handgrad.compiled.threads import thread_count

        return thread_count(self.settings.threads)


def engine_for(engine: str, net: Network, data: TrainingData, settings: Settings) -> "NumpyEngine | CompiledEngine":
    """The engine of that name; "auto" is the compiled one wherever it knows all that the network is made of."""
    if engine == "numpy":
        return NumpyEngine(net, data, settings)
    rows = data.rows if settings.batch_size is None else min(settings.batch_size, data.rows)
    found = settle(engine, _compiled(net, data, settings, plan_of(net, data.X.shape[-1], rows)))
    return NumpyEngine(net, data, settings) if found is None else found


def _compiled(net: Network, data: TrainingData, settings: Settings, plan: "Plan | str") -> CompiledEngine | str:
    """The compiled engine, or the reason why there is none."""
    if isinstance(plan, str):
        return plan
    from handgrad.compiled.expressions import NotCompilable

    try:
        return CompiledEngine(net, data, settings, plan)
    except NotCompilable as reason:
        return f"the optimizer {settings.optimizer!r}: {reason}"
