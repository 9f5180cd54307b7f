"""The tour that `handgrad demo` takes: the course notebook's network, real digits, their proofs, five comparisons."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad import datasets
from handgrad.arrays import Array, require_integer
from handgrad.experiments.result import Result
from handgrad.experiments.store import Store
from handgrad.experiments.study import Progress, Study
from handgrad.gradcheck import Report, check_network
from handgrad.network import Network
from handgrad.optimizers import SGD
from handgrad.training import train

DIGITS_EPOCHS, DIGITS_SEEDS = 30, 10
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


@dataclass(frozen=True)
class Comparison:
    """One question, and the study that asks it."""

    name: str
    title: str
    question: str
    study: Study
    note: str


@dataclass(frozen=True, eq=False)
class Answer:
    """A comparison with what its study found."""

    comparison: Comparison
    result: Result


@dataclass(frozen=True, eq=False)
class Tour:
    """All that the demo computed."""

    seeds: int
    notebook: Notebook
    digits: Result
    proofs: dict[str, Report]
    answers: tuple[Answer, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, for JSON."""
        return {
            "seeds": self.seeds,
            "notebook": {
                "loss": float(self.notebook.loss[-1]),
                "train_accuracy": self.notebook.accuracy,
                "test_accuracy": self.notebook.test_accuracy,
            },
            "digits": self.digits.to_dict(),
            "proofs": {name: proof.to_dict() for name, proof in self.proofs.items()},
            "comparisons": {
                each.comparison.name: {"question": each.comparison.question} | each.result.to_dict()
                for each in self.answers
            },
        }


def take_tour(
    *,
    seeds: int = 50,
    epochs: int = 300,
    digits_epochs: int = DIGITS_EPOCHS,
    progress: Progress = lambda done, total: None,
) -> Tour:
    """Train, prove and compare.

    Parameters
    ----------
    seeds
        Networks for each setting of a comparison; the digits have at most ten.
    epochs, digits_epochs
        Of the comparisons, and of the digits.
    progress
        Called with (networks trained, networks in all).
    """
    require_integer("seeds", seeds, at_least=2)
    require_integer("epochs", epochs)
    digits = digits_study(min(seeds, DIGITS_SEEDS), require_integer("digits_epochs", digits_epochs))
    comparisons = five_comparisons(seeds, epochs)
    total = len(digits.jobs) + sum(len(each.study.jobs) for each in comparisons)
    store, before = Store(), 0  # settings that several comparisons share are trained once

    def result_of(study: Study) -> Result:
        nonlocal before
        result = study.run(store, progress=lambda done, _: progress(before + done, total))
        before += len(study.jobs)
        return result

    on_digits = result_of(digits)
    notebook = train_notebook()
    answers = tuple(Answer(each, result_of(each.study)) for each in comparisons)
    return Tour(seeds, notebook, on_digits, prove(notebook, on_digits), answers)


def digits_study(seeds: int, epochs: int) -> Study:
    """64-100-10 on the bundled digits."""
    data = {"name": "digits", "test": 0.25, "standardise": False}
    training = {"learning_rate": 0.1, "batch_size": 32, "epochs": epochs}
    return Study(data, {"hidden_sizes": [100]}, training, seeds=seeds)


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


def prove(notebook: Notebook, digits: Result) -> dict[str, Report]:
    """The gradients of both trained networks, every entry of every parameter and of the inputs."""
    net, draw = digits.network(())
    X, y = draw.test
    return {
        "moons": check_network(notebook.net, notebook.X, notebook.y),
        "digits": check_network(net, X[:PROOF_ROWS], y[:PROOF_ROWS]),
    }


def five_comparisons(seeds: int, epochs: int) -> tuple[Comparison, ...]:
    """The notebook's experiment and its exercises, around one baseline: 2-10-2, relu, He, full batches, no penalty."""

    def varied(field: str, **values: Any) -> Study:
        data = {"name": "moons", "n": 300, "noise": 0.2, "test": 0.3}
        training = {"epochs": epochs, "batch_size": None, "learning_rate": 0.5}
        return Study(data, training=training, vary={field: values}, seeds=seeds)

    return (
        Comparison(
            "init",
            "Initialisation",
            "Does the scale of the first weights matter?",
            varied("init", small="small", xavier="xavier", he="he", **{"he (notebook)": "normal(1.0)"}),
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
            varied("hidden_sizes", **{f"{n} layer{'s' * (n > 1)}": (10,) * n for n in (1, 2, 3, 4)}),
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
