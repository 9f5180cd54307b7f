"""What a checkpoint costs: the same training with and without, in turns, as a ratio of medians.

python benchmarks/checkpoints.py
"""

import statistics
import tempfile
import time
from pathlib import Path

import handgrad as hg

ROUNDS = 9
CASES = [  # name, rows, sizes, epochs, every
    ("2-16-2, 300 rows, after every epoch", 300, [2, 16, 2], 200, 1),
    ("2-16-2, 300 rows, after every 10 epochs", 300, [2, 16, 2], 200, 10),
    ("2-16-2, 300 rows, after every 100 epochs", 300, [2, 16, 2], 200, 100),
    ("2-256-256-2, 5000 rows, after every epoch", 5000, [2, 256, 256, 2], 5, 1),
]


def seconds(rows, sizes, epochs, checkpoint, every):
    """One training's time."""
    X, y = hg.datasets.moons(n=rows, seed=0)
    net = hg.Network.mlp(sizes, seed=0)
    training = hg.Training(net, X, y, epochs=epochs, optimizer="adam", checkpoint=checkpoint, every=every)
    began = time.perf_counter()
    training.run()
    return time.perf_counter() - began


def measure(rows, sizes, epochs, every):
    """Median seconds without, and with; each round takes both, in turns."""
    without, with_one = [], []
    for _ in range(ROUNDS + 1):  # the first warms up
        without.append(seconds(rows, sizes, epochs, None, 1))
        with tempfile.TemporaryDirectory() as folder:
            with_one.append(seconds(rows, sizes, epochs, Path(folder, "run.ckpt"), every))
    return statistics.median(without[1:]), statistics.median(with_one[1:])


if __name__ == "__main__":
    for name, rows, sizes, epochs, every in CASES:
        without, with_one = measure(rows, sizes, epochs, every)
        each = (with_one - without) / (1 + -(-epochs // every)) * 1e3
        print(f"{name}: {with_one / without:.2f} times as long; {each:.2f} ms a checkpoint")
