"""Means and scales of columns that are never in memory at once: moments of pieces, merged."""

import numpy as np

from handgrad.arrays import Array
from handgrad.preprocessing import NumericColumn


class Moments:
    """Count, mean and sum of squared deviations of each of D columns, in float64; pieces are merged as they come.

    With δ = mean_b - mean_a and n = n_a + n_b (Chan, Golub & LeVeque 1979, "Updating formulae", equation 2.1):
    mean = mean_a + δ n_b / n and M₂ = M₂_a + M₂_b + δ² n_a n_b / n, which cancels nothing large.

    >>> moments = Moments(1)
    >>> moments.add(np.array([[1e9], [1e9 + 2]]))
    >>> moments.add(np.array([[1e9 + 4]]))
    >>> moments.columns(["height"])
    (NumericColumn(name='height', mean=1000000002.0, scale=1.632993161855452),)
    """

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.mean, self.deviations = np.zeros(columns), np.zeros(columns)
        self.low, self.high = np.full(columns, np.inf), np.full(columns, -np.inf)

    def add(self, values: Array) -> None:
        """Merge the moments of some rows (n, D), finite float64."""
        rows = len(values)
        if rows == 0:
            return
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused by `columns`
            mean = values.mean(axis=0)  # (D,)
            deviations = np.square(values - mean).sum(axis=0)
            delta, total = mean - self.mean, self.count + rows
            self.mean = self.mean + delta * (rows / total)
            self.deviations = self.deviations + deviations + delta * delta * (self.count * rows / total)
        self.count = total
        self.low, self.high = np.minimum(self.low, values.min(axis=0)), np.maximum(self.high, values.max(axis=0))

    def columns(self, names: "list[str] | tuple[str, ...]") -> tuple[NumericColumn, ...]:
        """The columns with their means and standard deviations; scale 1 where all values are equal.

        Raises
        ------
        ValueError
            A column is so large that its variance overflows.
        """
        return tuple(self._column(name, place) for place, name in enumerate(names))

    def _column(self, name: str, place: int) -> NumericColumn:
        if self.low[place] == self.high[place]:
            return NumericColumn(name, float(self.low[place]), 1.0)
        mean, scale = float(self.mean[place]), float(np.sqrt(self.deviations[place] / self.count))
        if not np.isfinite([mean, scale]).all():
            raise ValueError(f"column {name!r} is too large to standardise (its variance overflows); rescale it")
        return NumericColumn(name, mean, scale or 1.0)
