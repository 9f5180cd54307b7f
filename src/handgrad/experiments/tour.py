"""The tour that `handgrad demo` takes: the course notebook's network, real digits, their proofs, five comparisons."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad import datasets
from handgrad.arrays import Array, require_integer
from handgrad.experiments.comparison import (
    Comparison,
    Outcome,
    Progress,
    Result,
    Run,
    Setting,
    collect,
    conclude,
    train_setting,
)
from handgrad.experiments.words import conclusion
from handgrad.gradcheck import Report, check_network
from handgrad.network import Network
from handgrad.optimizers import SGD
from handgrad.training import train

DIGITS = Setting(data="digits", hidden=(100,), learning_rate=0.1, batch_size=32, epochs=30)
DIGITS_SEEDS = range(10)
_INITIALISATIONS = {
    "small": "normal(0.01)",
    "xavier": "glorot_normal",
    "he": "he_normal",
    "he (notebook)": "normal(1.0)",
}
PROOF_ROWS = 20  # of the digits, each with 64 inputs of its own to differentiate by


@dataclass(frozen=True, eq=False)
class Notebook:
    """The course notebook's network on moons, trained from its own starting weights at seed 42."""

    net: Network
    X: Array
    y: Array
    X_test: Array
    y_test: Array
    loss: Array  # (epochs,)

    @property
    def accuracy(self) -> float:
        """On the training rows."""
        return float((self.net.predict(self.X) == self.y).mean())

    @property
    def test_accuracy(self) -> float:
        """On the test rows."""
        return float((self.net.predict(self.X_test) == self.y_test).mean())


@dataclass(frozen=True, eq=False)
class Tour:
    """All that the demo computed."""

    seeds: int
    notebook: Notebook
    digits: Outcome
    proofs: dict[str, Report]
    results: tuple[Result, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, for JSON."""
        return {
            "seeds": self.seeds,
            "notebook": {
                "loss": float(self.notebook.loss[-1]),
                "train_accuracy": self.notebook.accuracy,
                "test_accuracy": self.notebook.test_accuracy,
            },
            "digits": _outcome_dict(self.digits),
            "proofs": {name: proof.to_dict() for name, proof in self.proofs.items()},
            "comparisons": {result.comparison.name: _result_dict(result) for result in self.results},
        }


def take_tour(
    *,
    seeds: int = 50,
    epochs: int = 300,
    digits_epochs: int = DIGITS.epochs,
    run: Run = map,
    progress: Progress = lambda done, total: None,
) -> Tour:
    """Train, prove and compare.

    Parameters
    ----------
    seeds
        Networks for each setting of a comparison; the digits have at most ten.
    epochs, digits_epochs
        Of the comparisons, and of the digits.
    run
        How the settings are trained: `map` does one after another, an executor's `map` shares them out.
    progress
        Called with (settings trained, settings in all).
    """
    require_integer("seeds", seeds, at_least=2)
    require_integer("epochs", epochs)
    digits = replace(DIGITS, epochs=require_integer("digits_epochs", digits_epochs))
    comparisons = five_comparisons(epochs)
    settings = {setting for comparison in comparisons for setting in comparison.settings.values()}
    jobs = {digits: DIGITS_SEEDS[:seeds]} | {setting: range(seeds) for setting in sorted(settings, key=_work)}
    trained = run(train_setting, jobs.keys(), jobs.values())  # an executor begins while we train the notebook's
    notebook = train_notebook()
    outcomes = collect(trained, len(jobs), progress)
    proofs = prove(notebook, outcomes[digits])
    results = tuple(conclude(comparison, outcomes) for comparison in comparisons)
    return Tour(seeds, notebook, outcomes[digits], proofs, results)


def train_notebook(epochs: int = 1000) -> Notebook:
    """2-10-2 with relu on 300 points of the moons, gradient descent at rate 0.5: the notebook's figures at seed 42."""
    from sklearn.model_selection import train_test_split

    X, y = datasets.moons(n=300, noise=0.2, seed=42)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=42)
    net = Network.mlp([2, 10, 2], activation="relu", seed=42)
    draws = np.random.RandomState(42)  # the notebook's generator, so that its weights are ours
    for name in ("dense1.W", "dense2.W"):
        net[name][...] = 0.1 * draws.standard_normal(net[name].shape)
    history = train(net, X, y, epochs=epochs, batch_size=None, optimizer=SGD(0.5), progress=False)
    return Notebook(net, X, y, X_test, y_test, history.loss)


def prove(notebook: Notebook, digits: Outcome) -> dict[str, Report]:
    """The gradients of both trained networks, every entry of every parameter and of the inputs."""
    X, y = digits.test_rows()
    return {
        "moons": check_network(notebook.net, notebook.X, notebook.y),
        "digits": check_network(digits.network(), X[:PROOF_ROWS], y[:PROOF_ROWS]),
    }


def five_comparisons(epochs: int) -> tuple[Comparison, ...]:
    """The notebook's experiment and its exercises, around one baseline: 2-10-2, relu, He, full batches, no penalty."""
    baseline = Setting(epochs=epochs)

    def varied(field: str, **values: Any) -> dict[str, Setting]:
        return {name: replace(baseline, **{field: value}) for name, value in values.items()}

    return (
        Comparison(
            "init",
            "Initialisation",
            "Does the scale of the first weights matter?",
            varied("init", **_INITIALISATIONS),
            "Standard deviations of the weights of layer 1 and layer 2: small 0.01 and 0.01; xavier 0.41 and 0.41; "
            "he 1.00 and 0.45, √(2 / fan_in) each. “he (notebook)” is 1.00 and 1.00: the course notebook uses the "
            "first layer's for both.",
        ),
        Comparison(
            "activation",
            "Activation",
            "Which activation learns the moons best?",
            varied("activation", relu="relu", tanh="tanh", leaky_relu="leaky_relu"),
            "All start from the same weights (he).",
        ),
        Comparison(
            "depth",
            "Depth",
            "Do more hidden layers help?",
            varied("hidden", **{f"{n} layer{'s' * (n > 1)}": (10,) * n for n in (1, 2, 3, 4)}),
            "Each hidden layer has 10 units, so deeper networks also have more parameters.",
        ),
        Comparison(
            "batch_size",
            "Batch size",
            "Do smaller batches help, for the same number of epochs?",
            varied("batch_size", **{"full batch": None, "batches of 64": 64, "batches of 16": 16}),
            "An epoch is 1 step with the full batch of 210, 4 with batches of 64, 14 with batches of 16: at the same "
            "rate, smaller batches also take more steps.",
        ),
        Comparison(
            "l2",
            "L2 penalty",
            "Does a penalty on the weights help?",
            varied("l2", **{f"λ = {l2:g}": l2 for l2 in (0.0, 0.001, 0.01, 0.1)}),
            "The loss drawn is the objective, penalty included.",
        ),
    )


def _work(setting: Setting) -> float:
    """A key that sorts the longest training first, so that processes finish together."""
    return -len(setting.hidden) - (0 if setting.batch_size is None else 16 / setting.batch_size)


def _outcome_dict(outcome: Outcome) -> dict[str, Any]:
    return {
        "test_accuracy": outcome.interval.to_dict(),
        "by_seed": dict(zip(map(str, outcome.seeds), outcome.accuracy.tolist(), strict=True)),
        "diverged": outcome.diverged,
    }


def _result_dict(result: Result) -> dict[str, Any]:
    return {
        "question": result.comparison.question,
        "settings": {name: _outcome_dict(outcome) for name, outcome in result.outcomes.items()},
        "pairs": [
            {
                "a": pair.a,
                "b": pair.b,
                "difference": pair.difference.to_dict(),
                "p_holm": pair.p,
                "verdict": pair.verdict,
                "more_seeds": pair.more_seeds,
            }
            for pair in result.pairs
        ],
        "conclusion": conclusion(result),
    }
