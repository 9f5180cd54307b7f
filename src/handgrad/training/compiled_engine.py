"""The compiled engine for training: the same steps as the plain one, whole epochs at a time, in compiled code."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import randomness
from handgrad.arrays import Array
from handgrad.network import Network
from handgrad.network.lowering import or_reason, plan_of, settle
from handgrad.optimizers import LBFGS, Optimizer, sgd
from handgrad.training.data import TrainingData, order_of
from handgrad.training.engine import NumpyEngine, Ran
from handgrad.training.settings import Settings

if TYPE_CHECKING:
    from handgrad.compiled.runner import Rule, Runner

WORK_AT_ONCE = 4e9  # multiplications and additions of one call, so that Ctrl-C and the progress bar get their turn
NUMBERS_AT_ONCE = 1 << 23  # of batch orders, coefficients and losses that are prepared for one call


class CompiledEngine:
    """A runner for one network or stack and its data; what it needs at each step is prepared for many epochs."""

    done = 0  # steps of an epoch that could not be finished: none, for an epoch is one piece

    def __init__(self, net: Network, data: TrainingData, settings: Settings) -> None:
        self.net, self.settings = net, settings
        self.optimizer = settings.optimizer.for_stack(net.size)
        self.slots = np.zeros((len(self.optimizer.slots), *net.params.shape), net.dtype)
        self.take(data)

    def take(self, data: TrainingData) -> None:
        """Go on with other rows."""
        net, self.data = self.net, data
        self.steps = self.settings.steps(data.rows)
        self.whole = self.steps == 1
        networks = net.size or 1
        coefficients = self.steps * 8 * (networks if self._differ() else 1)
        numbers = coefficients + networks * (1 if self.whole else data.rows)

        work = 6.0 * networks * data.rows * net.layout.weights
        self.epochs_at_once = max(1, int(min(NUMBERS_AT_ONCE / numbers, WORK_AT_ONCE / max(work, 1))))
        self._prepared: Runner | None = self._prepare(np.atleast_1d(np.asarray(net.l2, net.dtype)))

    def _differ(self) -> bool:
        """Whether the networks of a stack have settings of their own."""
        return any(np.ndim(value) for value in vars(self.optimizer).values())

    @property
    def runner(self) -> "Runner":
        """The jobs for the network as it is; made again when its penalty was changed, or after unpickling."""
        l2 = np.atleast_1d(np.asarray(self.net.l2, self.net.dtype))
        if self._prepared is None or not np.array_equal(l2, self._prepared.l2):
            self._prepared = self._prepare(l2)
        return self._prepared

    def _prepare(self, l2: Array) -> "Runner":
        from handgrad.compiled.runner import Data, Runner, Vectors

        net, data, batch_size = self.net, self.data, self.settings.batch_size
        plan = plan_of(net, data.X.shape[-1], data.rows if batch_size is None else min(batch_size, data.rows))
        networks = net.size or 1
        memory = self.slots.reshape(len(self.slots), networks, net.layout.size)
        vectors = Vectors(np.atleast_2d(net.params), net.state.reshape(networks, net.state_layout.size), memory)
        keys = np.atleast_1d(randomness.key(net.seed, self.settings.seed, "dropout"))
        return Runner(plan, vectors, Data(data.X, data.T, data.weights), batch_size, self._rule(), l2, keys)

    def __getstate__(self) -> dict[str, Any]:
        """Without the jobs: they hold addresses in this process."""
        return vars(self) | {"_prepared": None}

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
        named = self._named_coefficients(step + 1 + np.arange(factors.shape[1]), rates)
        shrinks = np.asarray(optimizer.shrink(rates)) if optimizer.decays else None
        return np.stack(np.broadcast_arrays(*named.values(), rates)[:-1], axis=-1), shrinks

    def _named_coefficients(self, steps: Array, rates: Array) -> Mapping[str, Any]:
        """By name, for all steps; an optimiser of somebody's own may know single steps only."""
        if type(self.optimizer).coefficients.__module__ == Optimizer.__module__:
            return self.optimizer.coefficients(steps, rates)
        single = [float(rates[0, k]) if len(rates) == 1 else rates[:, k, None] for k in range(len(steps))]
        rows = [self.optimizer.coefficients(int(each), rate) for each, rate in zip(steps, single, strict=True)]
        return {name: np.concatenate([np.atleast_2d(row[name]) for row in rows], axis=-1) for name in rows[0]}

    def _order(self, epoch: int) -> Array:
        """The rows of an epoch, (S or 1, N)."""
        return np.atleast_2d(order_of(self.net, self.data.rows, self.settings, epoch, *self.data.counters))

    def _threads(self) -> int:
        from handgrad.compiled.threads import thread_count

        return thread_count(self.settings.threads)


def engine_for(engine: str, net: Network, data: TrainingData, settings: Settings) -> "NumpyEngine | CompiledEngine":
    """The engine of that name; "auto" is the compiled one wherever it knows all that the network is made of."""
    if engine == "numpy":
        return NumpyEngine(net, data, settings)
    found = settle(engine, or_reason(lambda: CompiledEngine(net, data, settings)))
    return NumpyEngine(net, data, settings) if found is None else found
