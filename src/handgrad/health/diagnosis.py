"""The doctor's word: what is wrong with a training, by what evidence, and one thing to try for each."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from handgrad.arrays import Array, require_integer
from handgrad.health.case import Case
from handgrad.health.illnesses import ILLNESSES
from handgrad.health.monitor import Monitor


class History(Protocol):
    """What is read of a training's history: curves by name, (epochs,) or (epochs, S), and who diverged when."""

    columns: dict[str, list[Any]]
    diverged: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Finding:
    """An illness by its slug, the layer it shows in (None: the whole network), the evidence, and what to try."""

    slug: str
    layer: str | None
    evidence: str
    advice: str


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; print it to read it. `notes` say what could not be looked for."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Nothing was found."""
        return not self.findings

    def __bool__(self) -> bool:
        """As `healthy`, so that `assert diagnose(...)` means what it says."""
        return self.healthy

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"healthy": self.healthy, "findings": list(map(asdict, self.findings)), "notes": list(self.notes)}

    def __str__(self) -> str:
        by_slug = {each.slug: [other for other in self.findings if other.slug == each.slug] for each in self.findings}
        said = [_said(*findings) for findings in by_slug.values()]
        first = ["The first finding may be the cause of those below it: try its remedy first."] * (len(said) > 1)
        return "\n".join([*(said or ["healthy"]), *first, *self.notes])


def _said(finding: Finding, *elsewhere: Finding) -> str:
    """The first finding of an illness in words, and in how many more layers it is."""
    where = f" ({finding.layer}{f', and {len(elsewhere)} more' if elsewhere else ''})" if finding.layer else ""
    return f"{finding.slug}{where}: {finding.evidence}\n  try {finding.advice}"


def diagnose(
    monitor: Monitor,
    history: History | None = None,
    *,
    network: int | None = None,
    error: ArithmeticError | None = None,
) -> Diagnosis:
    """Name what is wrong with a training, or with a network as it stands.

    Parameters
    ----------
    monitor
        The callback that watched the training; one fresh from `Monitor(net, X, y)` for a network as it stands.
    history
        What the training returned, or `Training.history`; without it the loss curves are not looked at.
    network
        Which of a stack.
    error
        The `DivergenceError` that ended the training of a single network.

    Returns
    -------
    Diagnosis
        Its findings have a slug, the layer, the evidence and one thing to try; none where nothing is wrong.

    Raises
    ------
    TypeError, ValueError
        `monitor` is something else, `network` is missing for a stack, given for a single network or not in the stack.

    Examples
    --------
    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=100, seed=0)
    >>> net = hg.Network.mlp([2, 8, 2])
    >>> monitor = Monitor(net, X, y)
    >>> history = hg.train(net, X, y, epochs=50, callbacks=[monitor])
    >>> diagnose(monitor, history).healthy
    True
    """
    if not isinstance(monitor, Monitor):
        raise TypeError(f"monitor is {monitor!r}; expected a Monitor that was among the callbacks of the training")
    if history is not None and not hasattr(history, "columns"):
        raise TypeError(f"history is {history!r}; expected what train returned, or None")
    case = _case(monitor, history, _which(monitor, network), error)
    findings = tuple(
        Finding(illness.slug, symptom.layer, symptom.evidence, illness.advice)
        for illness in ILLNESSES
        for symptom in illness.look(case)
    )
    return Diagnosis(findings, tuple(_notes(case)))


def _which(monitor: Monitor, network: int | None) -> int | None:
    networks = monitor.net.size
    if networks is None:
        if network is not None:
            raise ValueError(f"network is {network!r}, but the monitor watched a single network; leave it out")
        return None
    if network is None:
        raise ValueError(f"monitor watched a stack of {networks}; say which one to diagnose: network=0")
    if require_integer("network", network, at_least=0) >= networks:
        raise ValueError(f"network is {network}; expected 0 to {networks - 1}")
    return network


def _case(monitor: Monitor, history: History | None, network: int | None, error: ArithmeticError | None) -> Case:
    loss, validation = (_curve(history, name, network) for name in ("loss", "validation_loss"))
    targets = monitor.T if monitor.net.loss_rule.target == "values" else None
    if targets is not None and network is not None and targets.ndim == 3:
        targets = targets[network]
    return Case(
        samples=monitor.samples if network is None else monitor.of(network),
        loss=loss,
        validation=validation,
        targets=targets,
        diverged=_divergence(history, network, error),
    )


def _curve(history: History | None, name: str, network: int | None) -> Array:
    """A curve of one network; of one that stopped or diverged, as far as it went."""
    values = np.array([] if history is None else history.columns.get(name, []), dtype=float)
    if network is not None and values.ndim == 2:
        values = values[:, network]
    return values[np.isfinite(values)]


def _divergence(history: History | None, network: int | None, error: ArithmeticError | None) -> str | None:
    if error is not None:
        return str(error).split(". The update")[0]
    at = None if history is None or network is None else history.diverged.get(network)
    return None if at is None else f"the loss or an update was not finite at epoch {at[0]}, step {at[1]}"


def _notes(case: Case) -> list[str]:
    if not case.trained:
        return ["The network was looked at as it stands: nothing is said of learning rate and overfitting."]
    if not len(case.validation):
        return ["Overfitting was not looked for: there is no validation loss."]
    return []
