"""Checking a network: every parameter and the inputs, against central differences of its own loss."""

from typing import Any

import numpy as np

from handgrad import blas
from handgrad.arrays import Array, ArrayLike, require_number
from handgrad.gradcheck.differences import OFFSETS, Derivative, differentiate
from handgrad.gradcheck.report import NEARBY, TOLERANCE, Report, compare, conclude
from handgrad.layers import Activation
from handgrad.network import Network
from handgrad.network.layout import at

_NUMBERS_AT_ONCE = 500_000  # parameters plus layer outputs evaluated side by side: what stays in cache


def check_network(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    training: bool = True,
    seed: int | None = None,
    step: int = 0,
    tolerance: float = TOLERANCE,
) -> Report:
    """Prove a network's gradient: every entry of every parameter, and of the inputs, in float64.

    The analytic side is `net.gradient` and `net.input_gradient`; the numeric side sees only the loss. Entries whose
    step would cross a kink of an activation or of the loss are counted, not judged. Dropout keeps one mask throughout.
    A parameter whose gradient is zero (a bias before batch norm) passes if the loss does not feel it; one whose
    gradient is too small to measure makes the report inconclusive.
    A float32 network is checked as its float64 twin; in a stack every network is checked.

    Parameters
    ----------
    net, X, y, sample_weight, training, seed, step
        As for `Network.gradient`.
    tolerance
        The largest relative error, ‖analytic - numeric‖ / max(‖analytic‖, ‖numeric‖), that counts as right.

    Returns
    -------
    Report
        `print` it; `report.passed`, `report.findings`, `report.raise_if_failed()`.

    Examples
    --------
    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=20, seed=0)
    >>> check_network(hg.Network.mlp([2, 5, 2], activation="tanh"), X, y).passed
    True
    """
    require_number("tolerance", tolerance, above=0)
    double = net.astype("float64")
    X, T, shares = double.accept(X, y, sample_weight)
    mode: dict[str, Any] = {"training": training, "seed": seed, "step": step}
    loss, gradient = double.gradient(X, T, sample_weight=sample_weight, **mode)
    dX = double.input_gradient(X, T, sample_weight=sample_weight, **mode)
    nearby = [double.copy() for _ in NEARBY]
    for there, scale in zip(nearby, NEARBY, strict=True):
        there.params = scale * double.params
    gradients = [there.gradient(X, T, sample_weight=sample_weight, **mode)[1] for there in nearby]
    dXs = [there.input_gradient(X, T, sample_weight=sample_weight, **mode) for there in nearby]

    members = [double] if double.size is None else [double[s] for s in range(double.size)]
    by_params, by_inputs = [], []
    with blas.single_threaded(), np.errstate(over="ignore", invalid="ignore"):
        for s, member in enumerate(members):
            probe = _Probe(member, X[s] if X.ndim == 3 else X, T[s] if T.ndim == 3 else T, shares, mode)
            by_params.append(differentiate(probe.params, member.params, probe.loss, np.atleast_2d(gradient)[s]))
            by_inputs.append(
                differentiate(probe.inputs, probe.X.reshape(-1), probe.loss, dX if double.size is None else dX[s])
            )

    checks = []
    for segment in double.layout.segments:
        numeric = _joined([_part(each, segment.start, segment.stop) for each in by_params])
        others = [segment.view(there) for there in gradients]
        checks.append(compare(segment.name, segment.view(gradient), numeric, tolerance, others))
    checks.append(compare("inputs", dX, _joined(by_inputs), tolerance, dXs))
    return conclude(f"gradient check of {net!r}", float(np.mean(loss)), checks)


class _Probe:
    """One network's loss around its parameters and around its inputs, many points side by side."""

    def __init__(self, net: Network, X: Array, T: Array, shares: Array | None, mode: dict[str, Any]) -> None:
        self.net, self.X, self.T, self.shares, self.mode = net, X, T, shares, mode
        self.loss, self.sides = self._observe(net, X)
        widths = sum(leaf.layer.width(None) or net.fan_in or 1 for leaf in net.leaves)
        self.at_once = max(1, _NUMBERS_AT_ONCE // (net.layout.size + len(X) * widths))

    def params(self, entries: Array, h: Array) -> tuple[Array, Array]:
        """Around the flat parameter vector: points are the networks of a stack."""

        def points(entries: Array, moves: Array) -> tuple[Network, Array]:
            vectors = np.tile(self.net.params, (len(entries), 1))
            vectors[np.arange(len(entries)), entries] += moves
            return self.net.stacked(vectors), self.X

        return self._around(points, entries, h)

    def inputs(self, entries: Array, h: Array) -> tuple[Array, Array]:
        """Around the inputs, flat: points are the batches of one network."""

        def points(entries: Array, moves: Array) -> tuple[Network, Array]:
            batches = np.tile(self.X.reshape(-1), (len(entries), 1))
            batches[np.arange(len(entries)), entries] += moves
            return self.net, batches.reshape(-1, *self.X.shape)

        return self._around(points, entries, h)

    def _around(self, points: Any, entries: Array, h: Array) -> tuple[Array, Array]:
        values, smooth = np.empty((len(OFFSETS), len(entries))), np.ones(len(entries), dtype=bool)
        for start in range(0, len(entries), self.at_once):
            few = slice(start, start + self.at_once)
            for row, offset in enumerate(OFFSETS):
                values[row, few], sides = self._observe(*points(entries[few], offset * h[few]))
                for here, there in zip(self.sides, sides, strict=True):
                    smooth[few] &= (here == there).all(axis=(-2, -1))
        return values, smooth

    def _observe(self, net: Network, X: Array) -> tuple[Any, list[Array]]:
        """The loss, and on which side of each kink every pre-activation and residual lies."""
        contexts = net.contexts(**self.mode)
        loss, Z, caches = net.observe(X, self.T, self.shares, contexts)
        sides = [np.sign(distance) for distance in net.loss_rule.kink_distances(Z, self.T)]
        for leaf in net.leaves:
            if isinstance(leaf.layer, Activation):
                pre_activation, _ = at(caches, leaf.path)
                sides += [np.sign(pre_activation - kink) for kink in leaf.layer.formula.kinks]
        return loss, sides


def _part(derivative: Derivative, start: int, stop: int) -> Derivative:
    span = slice(start, stop)
    return Derivative(derivative.values[span], derivative.noise[span], derivative.judged[span])


def _joined(parts: list[Derivative]) -> Derivative:
    """The measurements of all networks of a stack, one after another."""
    return Derivative(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.noise for part in parts]),
        np.concatenate([part.judged for part in parts]),
    )
