"""Synthetic datasets in the plane: small enough to see, and each hard for a different reason.

Each takes n (how many points), noise (a standard deviation) and a seed, and gives a Dataset with features x1 and x2
(the curve with x1 alone).
"""

import numpy as np

from handgrad.arrays import Array, require_integer, require_number
from handgrad.datasets.dataset import Dataset, require_small_seed
from handgrad.randomness import generator, require_seed


def moons(n: int = 300, noise: float = 0.2, seed: int = 0) -> Dataset:
    """Two interleaving half circles, the very points of scikit-learn's `make_moons`.

    >>> moons(n=4).y
    array([1, 1, 0, 0])
    """
    from sklearn.datasets import make_moons

    n, noise = _require(n, noise, classes=2)
    X, y = make_moons(n_samples=n, noise=noise, random_state=require_small_seed(seed))
    return _classes(X, y, 2)


def circles(n: int = 300, noise: float = 0.05, seed: int = 0) -> Dataset:
    """A circle of radius 0.8 inside a circle of radius 1, the very points of scikit-learn's `make_circles`.

    >>> circles().X.shape
    (300, 2)
    """
    from sklearn.datasets import make_circles

    n, noise = _require(n, noise, classes=2)
    X, y = make_circles(n_samples=n, noise=noise, random_state=require_small_seed(seed))
    return _classes(X, y, 2)


def spirals(n: int = 300, arms: int = 2, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Arms that wind one and a half times around the origin, one class each: radius r in [0, 1], angle 3π r.

    >>> spirals(arms=3).n_classes
    3
    """
    arms = require_integer("arms", arms)
    n, noise = _require(n, noise, classes=arms)
    random = generator(require_seed("seed", seed), "data")
    y = _balanced(random, n, arms)
    radius = np.sqrt(random.random(n))  # the square root spreads the points evenly along the arms
    angle = 3 * np.pi * radius + 2 * np.pi * y / arms
    X = radius[:, None] * _directions(angle) + noise * random.standard_normal((n, 2))
    return _classes(X, y, arms)


def xor(n: int = 300, noise: float = 0.1, seed: int = 0) -> Dataset:
    """The square [-1, 1]², class 1 where the signs of x1 and x2 differ: the problem that no single line solves.

    >>> X, y = xor(noise=0)
    >>> bool(np.all(y == (X[:, 0] * X[:, 1] < 0)))
    True
    """
    n, noise = _require(n, noise, classes=2)
    random = generator(require_seed("seed", seed), "data")
    quadrant = _balanced(random, n, 4)
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])[quadrant]  # (n, 2)
    X = signs * (1 - random.random((n, 2))) + noise * random.standard_normal((n, 2))  # 1 - [0, 1) is never 0
    return _classes(X, quadrant % 2, 2)


def gaussians(n: int = 300, classes: int = 3, noise: float = 0.3, seed: int = 0) -> Dataset:
    """Round clouds of standard deviation `noise`, one class each, their centres evenly spaced on the unit circle.

    >>> np.bincount(gaussians(n=7, classes=3).y)
    array([3, 2, 2])
    """
    classes = require_integer("classes", classes, at_least=2)
    n, noise = _require(n, noise, classes=classes)
    random = generator(require_seed("seed", seed), "data")
    y = _balanced(random, n, classes)
    X = _directions(2 * np.pi * y / classes) + noise * random.standard_normal((n, 2))
    return _classes(X, y, classes)


def regression_plane(n: int = 300, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Points on the plane y = 0.5 + x1 - 2 x2 over the square [-1, 1]², with noise added to y.

    >>> X, y = regression_plane(noise=0)
    >>> bool(np.allclose(y, 0.5 + X @ [1, -2]))
    True
    """
    n, noise = _require(n, noise, classes=1)
    random = generator(require_seed("seed", seed), "data")
    X = random.uniform(-1, 1, (n, 2))
    y = 0.5 + X @ [1, -2] + noise * random.standard_normal(n)
    return Dataset(X, y, ("x1", "x2"))


def regression_curve(n: int = 300, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Points of one feature on the wave y = sin(2π x), x from -1 to 1, with noise added to y.

    >>> X, y = regression_curve(noise=0)
    >>> bool(np.allclose(y, np.sin(2 * np.pi * X[:, 0])))
    True
    """
    n, noise = _require(n, noise, classes=1)
    random = generator(require_seed("seed", seed), "data")
    x = random.uniform(-1, 1, n)
    return Dataset(x[:, None], np.sin(2 * np.pi * x) + noise * random.standard_normal(n), ("x1",))


def _require(n: object, noise: object, classes: int) -> tuple[int, float]:
    return require_integer("n", n, at_least=classes), require_number("noise", noise, at_least=0)


def _balanced(random: np.random.Generator, n: int, classes: int) -> Array:
    """Class indices (n,) in random order, each class as often as the others, give or take one."""
    return random.permutation(np.arange(n) % classes)


def _directions(angle: Array) -> Array:
    """Unit vectors: (n,) -> (n, 2)."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _classes(X: Array, y: Array, classes: int) -> Dataset:
    return Dataset(X, y, ("x1", "x2"), "class", tuple(str(each) for each in range(classes)))
