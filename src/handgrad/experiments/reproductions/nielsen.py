"""Nielsen's networks on MNIST in our terms: his rows, his costs, his rates.

His costs are sums over the ten outputs, ours are means: the quadratic cost ½ Σ (a - t)² is 5 times our mse, the
cross-entropy 10 times ours. The same steps therefore need rates 5 and 10 times as large, and his penalty
λ / (2n) Σ W², beside a cost 10 times ours, is our l2 = λ / (10 n).
"""

from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets import Dataset, mnist

BOOK = "Michael Nielsen, Neural Networks and Deep Learning (Determination Press, 2015), chapter"
TRAINING_ROWS, HELD_OUT, BATCH, OUTPUTS = 50_000, 10_000, 10, 10
EPOCHS = 30


def rows(n: int = TRAINING_ROWS, validation: bool = False) -> dict[str, Any]:
    """The first n of MNIST's training rows, and its test rows; or the last 10,000 training rows, for validation."""
    train, test = mnist(part="train"), mnist(part="test")
    held = slice(TRAINING_ROWS, TRAINING_ROWS + HELD_OUT)
    X, y = (train.X[held], train.y[held]) if validation else (test.X, test.y)
    both = np.concatenate([train.X[:n], X]), np.concatenate([train.y[:n], y])
    dataset = Dataset(*both, train.feature_names, train.target_name, train.class_names)
    return {"name": dataset, "split": "in order", "test": len(y), "standardise": False, "one_hot": True}


def quadratic(hidden: int) -> dict[str, Any]:
    """A sigmoid network with his quadratic cost; weights and biases N(0, 1)."""
    return _network(hidden, "normal(1.0)") | {"loss": "mse", "output_activation": "sigmoid"}


def cross_entropy(hidden: int, penalty: float = 0.0, n: int = TRAINING_ROWS, init: str = "normal(1.0)") -> Any:
    """A sigmoid network with his cross-entropy and penalty λ; biases N(0, 1)."""
    return _network(hidden, init) | {"loss": "sigmoid_cross_entropy", "l2": penalty / (OUTPUTS * n)}


def steps(rate: float, cost_over_ours: float, epochs: int) -> dict[str, Any]:
    """Batches of 10 at his rate, with the test rows followed."""
    return {
        "epochs": epochs,
        "batch_size": BATCH,
        "learning_rate": cost_over_ours * rate,
        "follow_test": True,
    }


def best_of_three(curves: Array) -> Array:
    """Of each three runs (epochs, S) the one with the highest peak: (epochs, S // 3)."""
    groups = curves[:, : curves.shape[1] // 3 * 3].reshape(len(curves), -1, 3)
    best = groups.max(axis=0).argmax(axis=-1)  # the first of equals
    return groups[:, np.arange(len(best)), best]


def _network(hidden: int, init: str) -> dict[str, Any]:
    return {
        "hidden_sizes": [hidden],
        "activation": "sigmoid",
        "init": init,
        "bias_init": "normal(1.0)",
        "dtype": "float32",
    }
