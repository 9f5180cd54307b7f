"""What watching a training costs, and how often the doctor names an illness where there is none.

    python benchmarks/doctor.py overhead
    python benchmarks/doctor.py alarms [seeds [first]]

The overhead is the time of a training with `hg.Monitor` over that of the same training without, in one process, taken
in turns; the median of the ratios of neighbours and their quartiles. An empty callback, which is called after each
epoch, and a monitor that samples every epoch, whatever it costs, are set beside it.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

import handgrad as hg

MOONS = hg.datasets.moons(n=300, noise=0.2, seed=0)
DIGITS = hg.datasets.digits()
TRAININGS: dict[str, tuple[Any, list[int], dict[str, Any]]] = {
    "moons 2-10-2": (MOONS, [2, 10, 2], {"epochs": 6000, "optimizer": hg.SGD(0.1)}),
    "digits 64-100-10": (DIGITS, [64, 100, 10], {"epochs": 300, "optimizer": hg.SGD(0.1)}),
}
WATCHED: dict[str, Callable[[hg.Network, Any], Any]] = {
    "Monitor()": lambda net, data: hg.Monitor(net, *data),
    "Monitor(share=None)": lambda net, data: hg.Monitor(net, *data, share=None),
    "empty callback": lambda net, data: lambda training: None,
}
HEALTHY: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "moons relu he": ("moons", {"activation": "relu", "init": "he_normal"}, {"epochs": 200}),
    "moons tanh glorot": ("moons", {"activation": "tanh", "init": "glorot_normal"}, {"epochs": 200}),
    "moons relu glorot, rate 0.5": (
        "moons",
        {"activation": "relu", "init": "glorot_normal"},
        {"epochs": 300, "optimizer": hg.SGD(0.5)},
    ),
    "moons sigmoid, adam": ("moons", {"activation": "sigmoid"}, {"epochs": 100, "optimizer": hg.Adam(0.01)}),
    "moons tanh, 4 layers": (
        "moons",
        {"activation": "tanh", "init": "glorot_normal", "hidden": [16] * 4},
        {"epochs": 100},
    ),
    "moons batch norm, dropout": ("moons", {"norm": "batch", "dropout": 0.1}, {"epochs": 100}),
    "digits relu he": ("digits", {"hidden": [100]}, {"epochs": 20}),
    "digits tanh, adam, l2": (
        "digits",
        {"hidden": [32], "activation": "tanh", "init": "glorot_normal", "l2": 1e-4},
        {"epochs": 20, "optimizer": hg.Adam(1e-3)},
    ),
    "iris relu he": ("iris", {}, {"epochs": 100}),
    "diabetes, a number": ("diabetes", {"loss": "mse"}, {"epochs": 30, "optimizer": hg.SGD(0.01)}),
}


def seconds(data: Any, sizes: list[int], settings: dict[str, Any], watch: Callable[..., Any] | None) -> float:
    """Of one training; making network, monitor and plan is left out."""
    net = hg.Network.mlp(sizes, seed=0)
    training = hg.Training(net, *data, **settings, callbacks=[watch(net, data)] if watch else [])
    start = time.perf_counter()
    training.run()
    return time.perf_counter() - start


def turn(
    data: Any, sizes: list[int], settings: dict[str, Any], watch: Callable[..., Any], number: int
) -> tuple[float, float]:
    """Seconds without and with, in turns the one or the other first."""
    if number % 2:
        return seconds(data, sizes, settings, None), seconds(data, sizes, settings, watch)
    after = seconds(data, sizes, settings, watch)
    return seconds(data, sizes, settings, None), after


def overhead() -> None:
    """The table of ratios."""
    print("training          callback             ratio  quartiles     without, s")
    for name, (data, sizes, settings) in TRAININGS.items():
        seconds(data, sizes, settings, WATCHED["Monitor()"])  # compiled before the clock starts
        for called, watch in WATCHED.items():
            pairs = [turn(data, sizes, settings, watch, number) for number in range(16 if called == "Monitor()" else 2)]
            low, middle, high = np.percentile([after / before for before, after in pairs], [25, 50, 75])
            plain = np.median([before for before, _ in pairs])
            print(f"{name:17} {called:20} {middle:5.3f}  {low:.3f}-{high:.3f}  {plain:10.3f}", flush=True)


def alarms(seeds: int = 30, first: int = 0) -> None:
    """How many of the healthy trainings were called ill, and of what."""
    total, ill = 0, 0
    for name, (source, network, settings) in HEALTHY.items():
        found: Counter[str] = Counter()
        ill_here = 0
        for seed in range(first, first + seeds):
            diagnosis = hg.doctor(*healthy(source, network, seed), **validated(source, seed), **settings)
            ill_here += not diagnosis.healthy
            found.update({each.slug for each in diagnosis.findings})
            for each in diagnosis.findings:
                print(f"  seed {seed}: {each.slug}: {each.evidence}")
        total, ill = total + seeds, ill + ill_here
        print(f"{name:28} {ill_here:3} of {seeds} {dict(found) or ''}", flush=True)
    print(f"{'all':28} {ill:3} of {total}")


def split(source: str, seed: int) -> tuple[Any, Any]:
    """Training and test rows, standardised."""
    dataset = hg.datasets.load(source, None, seed)
    return dataset.split(test=0.25, seed=seed)


def targets(train: Any, part: Any) -> Any:
    """Class indices, or values in the units of the training rows' spread."""
    return part.y if train.n_classes else (part.y - train.y.mean()) / train.y.std()


def healthy(source: str, network: dict[str, Any], seed: int) -> tuple[Any, Any, Any]:
    """A network, X and y."""
    train, _ = split(source, seed)
    hidden = network.get("hidden", [10])
    rest = {key: value for key, value in network.items() if key != "hidden"}
    sizes = [train.X.shape[1], *hidden, train.n_classes or 1]
    return hg.Network.mlp(sizes, seed=seed, **rest), train.X, targets(train, train)


def validated(source: str, seed: int) -> dict[str, Any]:
    """The setting `validation`."""
    train, test = split(source, seed)
    return {"validation": (test.X, targets(train, test))}


if __name__ == "__main__":
    if sys.argv[1:2] == ["overhead"]:
        overhead()
    else:
        alarms(*map(int, sys.argv[2:4]))
